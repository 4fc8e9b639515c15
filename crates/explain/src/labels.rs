//! How workloads, data sets, cells, machines and builds are called in tables, figures and the
//! report.

use amdahl_record::cell::{
    BACKENDS, Backend, Cell, Dataset, DeviceKind, Sample, Synthetic, WorkloadSpec,
};
use amdahl_record::host::HostFacts;
use amdahl_record::{BuildFacts, units};
use amdahl_workload::SizeName;
use amdahl_workload::parameter::Kind;

/// Where a phase is named: timed seconds that belong to none.
pub const OTHER: &str = "other";

/// A workload in a few words: `k-means, k = 8, from the first rows, 20 iterations`.
pub fn workload(spec: &WorkloadSpec) -> String {
    amdahl_workloads::of(spec).in_words(spec)
}

/// The value of a cell's parameter as manifests write it; none where it has no such parameter.
pub fn parameter(cell: &Cell, name: &str) -> Option<String> {
    let parameters = amdahl_workloads::of(&cell.workload).parameters();
    let parameter = parameters.iter().find(|parameter| parameter.name == name)?;
    (parameter.shown)(&cell.workload, &cell.backend)
}

/// The same of a parameter that is one of a few words.
pub fn word(cell: &Cell, name: &str) -> Option<&'static str> {
    let parameters = amdahl_workloads::of(&cell.workload).parameters();
    let parameter = parameters.iter().find(|parameter| parameter.name == name)?;
    let Kind::Word(words) = parameter.kind else { return None };
    let own = (parameter.shown)(&cell.workload, &cell.backend)?;
    words.iter().map(|(word, _)| *word).find(|word| *word == own)
}

/// The workload's own size beside rows and columns, as in formulas: `k = 8`. The workload's name
/// where it has none.
pub fn own_size(spec: &WorkloadSpec) -> String {
    match own_sizes(spec).first() {
        Some((name, value)) => format!("{} = {value}", name.symbol),
        None => amdahl_workloads::of(spec).title().to_string(),
    }
}

/// The workload's own sizes beside rows and columns.
pub fn own_sizes(spec: &WorkloadSpec) -> Vec<(&'static SizeName, u64)> {
    let workload = amdahl_workloads::of(spec);
    // Those that do not depend on the rows are known without them.
    let size = workload.size(spec, Some(1), Some(1)).unwrap_or_default();
    let named = workload.sizes().iter().zip(size).filter(|(name, _)| is_own(name));
    named.map(|(name, value)| (name, value as u64)).collect()
}

/// The value of the size with this key; none where the workload has no such size.
pub fn own_size_of(spec: &WorkloadSpec, key: &str) -> Option<u64> {
    own_sizes(spec).into_iter().find(|(name, _)| name.key == key).map(|(_, value)| value)
}

/// The sizes of all workloads beside rows and columns, each key once: what tables for programs have
/// columns for.
pub fn all_own_sizes() -> Vec<&'static SizeName> {
    let mut found: Vec<&SizeName> = Vec::new();
    for name in amdahl_workloads::ALL.iter().flat_map(|workload| workload.sizes()) {
        if is_own(name) && !found.iter().any(|known| known.key == name.key) {
            found.push(name);
        }
    }
    found
}

/// Is it neither the number of rows nor that of columns, which are the data's?
fn is_own(name: &SizeName) -> bool {
    !["points", "dims"].contains(&name.key)
}

/// What its elementary operations are called.
pub fn operations(spec: &WorkloadSpec) -> &'static str {
    amdahl_workloads::of(spec).operation().map_or("operations", |operation| operation.many)
}

/// A data set in a few words, with rows and columns where they are known: `synthetic mixture,
/// 100,000 × 16`.
pub fn dataset(dataset: &Dataset, rows: Option<u64>, dims: Option<u32>) -> String {
    let name = dataset_name(dataset);
    let size = match (rows, dims) {
        (Some(rows), Some(dims)) => {
            format!(", {} × {}", units::count(rows as f64), units::count(f64::from(dims)))
        }
        (Some(rows), None) => format!(", {} rows", units::count(rows as f64)),
        _ => String::new(),
    };
    let sampled = match sample(dataset) {
        Some(sample) => format!(" (a sample, seed {})", sample.seed),
        None => String::new(),
    };
    format!("{name}{size}{sampled}")
}

/// The name of a data set without its size.
pub fn dataset_name(dataset: &Dataset) -> String {
    match dataset {
        Dataset::Synthetic { shape, clusters, .. } => {
            let shape = match shape {
                Synthetic::Mixture => "mixture",
                Synthetic::Skewed => "skewed mixture",
                Synthetic::Separated => "separated mixture",
            };
            let plural = if *clusters == 1 { "" } else { "s" };
            format!("synthetic {shape} ({} cluster{plural})", units::count(f64::from(*clusters)))
        }
        Dataset::Catalogue { name, .. } => name.clone(),
        Dataset::File { path, .. } => file_name(path),
    }
}

/// Rows that the cell file alone tells of.
pub fn stated_rows(dataset: &Dataset) -> Option<u64> {
    match dataset {
        Dataset::Synthetic { points, .. } => Some(*points),
        other => sample(other).map(|s| s.points),
    }
}

/// Columns that the cell file alone tells of.
pub fn stated_dims(dataset: &Dataset) -> Option<u32> {
    match dataset {
        Dataset::Synthetic { dims, .. } => Some(*dims),
        _ => None,
    }
}

fn sample(dataset: &Dataset) -> Option<Sample> {
    match dataset {
        Dataset::Synthetic { .. } => None,
        Dataset::Catalogue { sample, .. } | Dataset::File { sample, .. } => *sample,
    }
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// How a cell is spread: `serial`, `threads 4`, `mpi 4`, `hybrid 2×3` (ranks × threads).
pub fn cell(cell: &Cell) -> String {
    spread(cell.backend.name(), cell.ranks, cell.threads) + &variant(cell)
}

/// What cells that differ in their lanes alone have in common: `threads`, `mpi tree`,
/// `mpi+trainium bf16`.
pub fn series(cell: &Cell) -> String {
    cell.backend.name().to_string() + &variant(cell)
}

/// What sets a cell apart from others of its backend, after a space each; empty where nothing does.
fn variant(cell: &Cell) -> String {
    let own = amdahl_workloads::of(&cell.workload).variant(&cell.workload);
    if cell.reduction.is_direct() { own } else { format!("{own} {}", cell.reduction) }
}

/// By which messages a cell reduces; none where it has nothing to reduce, or does it in its own way.
pub fn reduction(cell: &Cell) -> Option<&str> {
    cell.reduces().then_some(cell.reduction.0.as_str())
}

/// The workload without what only concerns how it is computed: cells that agree in it solve the
/// same problem, and share a base.
pub fn problem(spec: &WorkloadSpec) -> WorkloadSpec {
    amdahl_workloads::of(spec).problem(spec)
}

/// How a backend with these ranks and threads is called.
pub fn spread(backend: &str, ranks: u32, threads: u32) -> String {
    match Backend::from_name(backend) {
        Some(known) => match (known.uses_mpi(), known.uses_threads()) {
            (false, false) => backend.to_string(),
            (true, false) => format!("{backend} {ranks}"),
            (false, true) => format!("{backend} {threads}"),
            (true, true) => format!("{backend} {ranks}×{threads}"),
        },
        // An outside program: what its lanes are, its name does not tell.
        None => match (ranks, threads) {
            (1, 1) => backend.to_string(),
            (lanes, 1) | (1, lanes) => format!("{backend} {lanes}"),
            _ => format!("{backend} {ranks}×{threads}"),
        },
    }
}

/// A cell in a sentence: `serial`, `4 threads`, `1 MPI rank`, `2 MPI ranks × 3 threads`.
pub fn in_words(cell: &Cell) -> String {
    let many = |n: u32, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (ranks, threads) = (many(cell.ranks, "MPI rank"), many(cell.threads, "thread"));
    match (&cell.backend, cell.backend.uses_mpi(), cell.backend.uses_threads()) {
        // With an accelerator, ranks are not all there is to say.
        (Backend::Peer(_) | Backend::Native { device: DeviceKind::Pjrt(_), .. }, ..)
        | (_, false, false) => self::cell(cell),
        (_, true, false) => ranks + &variant(cell),
        (_, false, true) => threads + &variant(cell),
        (_, true, true) => format!("{ranks} × {threads}{}", variant(cell)),
    }
}

/// Place of a backend in tables and figures: that of the registry, outside programs last.
pub fn backend_order(backend: &Backend) -> usize {
    BACKENDS.iter().position(|(name, ..)| *name == backend.name()).unwrap_or(BACKENDS.len())
}

/// A machine in a line.
pub fn host_line(host: &HostFacts) -> String {
    let name = host.hostname.as_deref().unwrap_or("(name left out)");
    let mut line = format!(
        "{name}: {}, {} of {} CPUs",
        host.cpu.as_deref().unwrap_or("unknown CPU"),
        host.allowed_cpus.len(),
        host.cpus
    );
    if let Some(memory) = host.memory_bytes {
        line.push_str(&format!(", {}", units::bytes(memory as f64)));
    }
    if let Some(hypervisor) = &host.hypervisor {
        line.push_str(&format!(", virtual ({hypervisor})"));
    }
    if let Some(governor) = &host.governor {
        line.push_str(&format!(", governor {governor}"));
    }
    one_line(&line, 240)
}

/// A build in a line.
pub fn build_line(build: &BuildFacts) -> String {
    let revision = build
        .revision
        .as_deref()
        .map_or(String::new(), |r| format!(", revision {}", r.get(..12).unwrap_or(r)));
    let dirty = if build.dirty == Some(true) { " with uncommitted changes" } else { "" };
    let mpi = build
        .mpi
        .as_deref()
        .and_then(|m| m.split(',').next())
        .map_or(String::new(), |m| format!(", {m}"));
    one_line(
        &format!("{}, build {}{revision}{dirty}, {}{mpi}", build.version, build.id, build.compiler),
        240,
    )
}

/// One line without control characters, so that a reason from outside cannot steer a terminal. Cut
/// to `limit` characters.
pub fn one_line(text: &str, limit: usize) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let joined = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if joined.chars().count() <= limit {
        return joined;
    }
    joined.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::cell::ReductionName;

    #[test]
    fn names_a_person_recognises() {
        let synthetic = Dataset::Synthetic {
            shape: Synthetic::Mixture,
            points: 100_000,
            dims: 16,
            clusters: 8,
            seed: 1,
        };
        assert_eq!(
            dataset(&synthetic, Some(100_000), Some(16)),
            "synthetic mixture (8 clusters), 100,000 × 16"
        );
        let sampled = Dataset::Catalogue {
            name: "digits".into(),
            sample: Some(Sample { points: 100, seed: 7 }),
        };
        assert_eq!(
            dataset(&sampled, stated_rows(&sampled), None),
            "digits, 100 rows (a sample, seed 7)"
        );
        assert_eq!(spread("hybrid", 2, 3), "hybrid 2×3");
        assert_eq!(spread("mpi", 4, 1), "mpi 4");
        let cell = |backend: &str, ranks, threads| Cell {
            workload: WorkloadSpec::of("kmeans", serde_json::json!({ "k": 8 })),
            dataset: synthetic.clone(),
            backend: Backend::from_name(backend).expect("known"),
            ranks,
            threads,
            oversubscribe: false,
            reduction: ReductionName::default(),
        };
        assert_eq!(in_words(&cell("hybrid", 2, 1)), "2 MPI ranks × 1 thread");
        assert_eq!(in_words(&cell("serial", 1, 1)), "serial");
        let tree = Cell { reduction: ReductionName("tree".into()), ..cell("hybrid", 2, 3) };
        assert_eq!(
            (super::cell(&tree), series(&tree)),
            ("hybrid 2×3 tree".into(), "hybrid tree".into())
        );
        assert_eq!(in_words(&tree), "2 MPI ranks × 3 threads tree");
    }

    #[test]
    fn a_reason_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31mb\n\tc", 80), "a [31mb c");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}

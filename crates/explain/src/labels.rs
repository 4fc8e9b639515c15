//! How workloads, data sets and cells are called in tables, figures and the report.

use amdahl_record::cell::{
    Algorithm, Arithmetic, BACKENDS, Backend, Cell, Dataset, DeviceKind, Init, KMeans, Layout,
    Precision, Sample, Schedule, Stop, Synthetic, Update, Workload,
};
use amdahl_record::units;

/// A workload in a few words: `k-means, k = 8, from the first rows, 20 iterations`.
pub fn workload(workload: &Workload) -> String {
    let Workload::KMeans(kmeans) = workload;
    let init = match &kmeans.init {
        Init::FirstRows => "from the first rows".to_string(),
        Init::RandomRows { seed } => format!("from random rows (seed {seed})"),
        Init::KMeansPlusPlus { seed } => format!("from k-means++ (seed {seed})"),
        Init::KMeansParallel { seed } => format!("from k-means|| (seed {seed})"),
        Init::Given { path } => format!("from the centroids in {}", file_name(path)),
    };
    let stop = match kmeans.stop {
        Stop::Iterations(1) => "1 iteration".to_string(),
        Stop::Iterations(n) => format!("{n} iterations"),
        Stop::Converged { tolerance, max_iterations } => {
            format!(
                "until it converges (tolerance {tolerance}, at most {max_iterations} iterations)"
            )
        }
    };
    // What is as usual needs no words.
    let algorithm = match kmeans.algorithm {
        Algorithm::Lloyd => String::new(),
        Algorithm::Hamerly => ", Hamerly's bounds".into(),
        Algorithm::Yinyang => ", Yinyang bounds".into(),
        Algorithm::Minibatch { batch, .. } => {
            format!(", batches of {} rows", units::count(f64::from(batch)))
        }
    };
    let layout = match kmeans.layout {
        Layout::Tiles => "",
        Layout::Rows => ", rows as they come",
    };
    let arithmetic = match kmeans.arithmetic {
        Arithmetic::Certified => "",
        Arithmetic::F32 => ", f32 without certificate",
    };
    let schedule = match kmeans.schedule {
        Schedule::Static => "",
        Schedule::Dynamic => ", dynamic chunks",
    };
    let precision = match kmeans.offload.precision {
        Precision::F32 => "",
        Precision::Bf16 => ", bfloat16 products",
    };
    let update = match kmeans.offload.update {
        Update::Host => "",
        Update::Device => ", sums on the device",
    };
    let plugin = kmeans
        .offload
        .plugin
        .as_deref()
        .map_or(String::new(), |path| format!(", plugin {}", file_name(path)));
    format!(
        "k-means, k = {}, {init}, {stop}{algorithm}{layout}{arithmetic}{schedule}{precision}{update}{plugin}",
        kmeans.k
    )
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

/// What cells that differ in their lanes alone have in common: `threads`, `mpi+trainium bf16`.
pub fn series(cell: &Cell) -> String {
    cell.backend.name().to_string() + &variant(cell)
}

/// How an accelerator is used other than usual, after a space each; empty where it is not.
fn variant(cell: &Cell) -> String {
    let Workload::KMeans(kmeans) = &cell.workload;
    let mut words = String::new();
    if kmeans.offload.precision == Precision::Bf16 {
        words.push_str(" bf16");
    }
    if kmeans.offload.update == Update::Device {
        words.push_str(" device-sums");
    }
    words
}

/// The workload without what only concerns accelerators: cells that agree in it solve the same
/// problem, and share a base.
pub fn problem(workload: &Workload) -> Workload {
    let Workload::KMeans(kmeans) = workload;
    Workload::KMeans(KMeans { offload: Default::default(), ..kmeans.clone() })
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
        (_, true, false) => ranks,
        (_, false, true) => threads,
        (_, true, true) => format!("{ranks} × {threads}"),
    }
}

/// Place of a backend in tables and figures: that of the registry, outside programs last.
pub fn backend_order(backend: &Backend) -> usize {
    BACKENDS.iter().position(|(name, ..)| *name == backend.name()).unwrap_or(BACKENDS.len())
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

    #[test]
    fn names_a_person_recognises() {
        let kmeans = |stop| Workload::KMeans(KMeans::new(8, stop, 1));
        assert_eq!(
            workload(&kmeans(Stop::Iterations(20))),
            "k-means, k = 8, from the first rows, 20 iterations"
        );
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
            workload: kmeans(Stop::Iterations(1)),
            dataset: synthetic.clone(),
            backend: Backend::from_name(backend).expect("known"),
            ranks,
            threads,
            oversubscribe: false,
        };
        assert_eq!(in_words(&cell("hybrid", 2, 1)), "2 MPI ranks × 1 thread");
        assert_eq!(in_words(&cell("serial", 1, 1)), "serial");
    }

    #[test]
    fn a_reason_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31mb\n\tc", 80), "a [31mb c");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }
}

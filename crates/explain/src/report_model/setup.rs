//! What the results stand on: machine, build, method, and how to get each again.

use crate::figure::trace::quoted;
use crate::report_model::date;
use crate::report_model::document::{Block, Property, Section, known, perhaps};
use crate::summary::Summary;
use crate::{limits_table, noise, roofline_bound};
use amdahl_record::accelerators::Chip;
use amdahl_record::host::HostFacts;
use amdahl_record::limits::{Level, Limits};
use amdahl_record::units;
use amdahl_record::{BuildFacts, Phase, RunFacts};

/// Machines, builds and the run.
pub fn set_up(summary: &Summary) -> Section {
    let mut section = Section::new("set-up", "Set-up");
    for host in &summary.hosts {
        section.properties("Machine", host_rows(host));
    }
    for build in &summary.builds {
        section.properties("Worker", build_rows(build));
    }
    for limits in &summary.limits {
        section.properties("Limits of the machine", limit_rows(limits));
    }
    for chip in limits_table::chips(summary) {
        section.properties("Published figures of the accelerator, not measured", chip_rows(chip));
    }
    noise::sentences(summary).into_iter().for_each(|sentence| section.text(format!("{sentence}.")));
    if let Some(run) = &summary.run {
        section.properties("Newest run", run_rows(run));
    }
    section
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_string() } else { items.join(", ") }
}

fn host_rows(host: &HostFacts) -> Vec<Property> {
    let caches: Vec<String> = (host.caches.iter())
        .map(|c| format!("L{} {} {}", c.level, c.kind, units::bytes(c.bytes as f64)))
        .collect();
    let environment: Vec<String> =
        host.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let quota =
        host.cpu_quota.map_or(String::new(), |quota| format!(", by a quota {quota} at once"));
    vec![
        known("name", host.hostname.as_deref().unwrap_or("left out")),
        known("id", &host.id),
        perhaps("CPU", host.cpu.as_deref()),
        known(
            "CPUs",
            format!("{}, of which {} may be used{quota}", host.cpus, host.allowed_cpus.len()),
        ),
        perhaps("sockets", host.sockets),
        perhaps("threads per core", host.threads_per_core),
        perhaps("NUMA nodes", host.numa_nodes),
        known("caches", list(&caches)),
        perhaps("memory", host.memory_bytes.map(|b| units::bytes(b as f64))),
        known("vector extensions", list(&host.vector)),
        perhaps("frequency governor", host.governor.as_deref()),
        known("hypervisor", host.hypervisor.as_deref().unwrap_or("none found")),
        perhaps("huge pages", host.huge_pages.as_deref()),
        perhaps("kernel", host.kernel.as_deref()),
        known("environment", list(&environment)),
    ]
}

fn build_rows(build: &BuildFacts) -> Vec<Property> {
    let dirty = match build.dirty {
        Some(true) => " with uncommitted changes",
        Some(false) => "",
        None => " (unknown whether it was changed)",
    };
    vec![
        known("version", &build.version),
        known("build", &build.id),
        perhaps("revision", build.revision.as_deref().map(|revision| format!("{revision}{dirty}"))),
        known("compiler", &build.compiler),
        known(
            "flags",
            if build.flags.is_empty() { "none beside the profile's" } else { &build.flags },
        ),
        known("profile", &build.profile),
        known("MPI", build.mpi.as_deref().unwrap_or("none")),
    ]
}

/// What floors are modelled from, on one core and on all.
fn limit_rows(limits: &Limits) -> Vec<Property> {
    let most = limits.all_lanes().unwrap_or(1);
    let rates = |of: &dyn Fn(u32) -> Option<f64>, unit: &str| {
        let rate = |lanes| {
            of(lanes).map_or("not known".into(), |rate| {
                format!("{} {unit}", units::significant(rate / 1e9))
            })
        };
        if most > 1 {
            format!("{} on one core, {} on {most}", rate(1), rate(most))
        } else {
            rate(1)
        }
    };
    let mut rows = vec![
        known("machine", &limits.host),
        known("measured", date(limits.measured_ms)),
        known("vectors", &limits.vector),
        known("FMA peak, f32", rates(&|lanes| limits.flops(lanes), "GFLOP/s")),
    ];
    rows.extend(Level::ALL.map(|level| {
        known(
            &format!("read from {}", level.word()),
            rates(&|lanes| limits.read(level, lanes), "GB/s"),
        )
    }));
    rows
}

fn chip_rows(chip: &Chip) -> Vec<Property> {
    let teraflops =
        |bf16| format!("{} TFLOP/s a core", units::significant(chip.flops_of_a_core(bf16) / 1e12));
    vec![
        known("name", &chip.name),
        known("cores", chip.cores),
        known("f32", teraflops(false)),
        known("bfloat16", teraflops(true)),
        known(
            "memory",
            format!("{} GB/s a core", units::significant(chip.bandwidth_of_a_core() / 1e9)),
        ),
        known("source", &chip.source),
    ]
}

fn run_rows(run: &RunFacts) -> Vec<Property> {
    let price = run.price.as_ref();
    let price = price
        .map(|price| format!("{} {} an hour ({})", price.per_hour, price.currency, price.date));
    let mut rows = vec![
        known("experiment", &run.experiment),
        known("started", date(run.started_ms)),
        known("command", run.command.join(" ")),
        known("base of speedups", &run.base),
    ];
    rows.extend(price.map(|price| known("price of a machine, the user's", price)));
    rows
}

/// How the numbers came about, in short.
pub fn method(summary: &Summary) -> Section {
    let mut phases = summary.timed_phases();
    phases.sort();
    let phases: Vec<&str> = phases.into_iter().map(Phase::word).collect();
    let mut section = Section::new("method", "Method");
    section.list([
        "Each repeat is a fresh process (or set of ranks) that runs one cell. Its answer is checked against that of one serial lane, bit for bit; a \
         time counts only when the answer is right."
            .to_string(),
        format!(
            "The time is that of the iterations ({}), from a common start to the end of the last lane, measured by the wall clock. Loading, what \
             comes before the first iteration and what follows the last are outside.",
            phases.join(", ")
        ),
        "Times are summarised by their median; intervals are 95 % percentile bootstrap intervals, exact: from the law of the resampled median, not \
         from drawn resamples. A speedup is the base's median over the cell's, never a mean of ratios; its interval resamples both sides. Fewer \
         than 3 repeats have no interval, and fewer than 6 cannot reach 95 %."
            .to_string(),
        format!(
            "The floor of an iteration is modelled: {}, with the machine's limits as the sweep measured \
             them for that number of lanes, and the bandwidth of the level that a lane's rows fit into; for accelerators with what their makers publish.",
            roofline_bound::formula(summary.groups.iter().map(|group| &group.workload))
        ),
        "Repeats count for the cell when program, data and machine are those of its newest good repeat. What was left out is said above.".to_string(),
    ]);
    section
}

/// How to run each cell by hand.
pub fn reproduce(folder: &str) -> Section {
    let folder = quoted(folder);
    let mut section = Section::new("reproduce", "Get a result again").in_appendix();
    section.text(
        "Write a cell to a file and run the worker on it; ID is the id of a cell in the tables of this document.",
    );
    section.blocks.push(Block::Code {
        text: format!("amdahl show {folder} --cell ID > cell.json\namdahl-worker --cell cell.json --record out.json"),
    });
    section.text("Several ranks are started by the MPI launcher:");
    section.blocks.push(Block::Code {
        text: "mpiexec -n RANKS --bind-to none amdahl-worker --cell cell.json --record out.json"
            .into(),
    });
    section.text(
        "A cell of an outside program is written as its job first; then the words that run the program in the list of peers are called with \
         --cell job.json --record out.json.",
    );
    section.blocks.push(Block::Code {
        text: "amdahl-worker --cell cell.json --export rows --record job.json".into(),
    });
    section.text("The whole experiment, its figures and its report:");
    section.blocks.push(Block::Code {
        text: format!("amdahl run MANIFEST\namdahl figures {folder}\namdahl report {folder}"),
    });
    section
}

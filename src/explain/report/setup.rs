//! What the results stand on: machine, build, method, and how to get each again.

use crate::cell::{Cell, canonical};
use crate::error::{Error, Result};
use crate::explain::report::html::{date, escape, facts};
use crate::explain::report::sections::timed_phases;
use crate::explain::summary::Summary;
use crate::explain::{names, show};
use crate::host::HostFacts;
use crate::record::limits::{Level, Limits};
use crate::record::{BuildFacts, RunFacts};
use crate::units;

/// Machines, builds and the run.
pub fn set_up(summary: &Summary) -> String {
    let mut html = String::from("<section id=\"set-up\">\n<h2>Set-up</h2>\n");
    for host in &summary.hosts {
        html.push_str(&facts("Machine", &host_rows(host)));
    }
    for build in &summary.builds {
        html.push_str(&facts("Worker", &build_rows(build)));
    }
    for limits in &summary.limits {
        html.push_str(&facts("Limits of the machine", &limit_rows(limits)));
    }
    if let Some(run) = &summary.run {
        html.push_str(&facts("Newest run", &run_rows(run)));
    }
    html.push_str("</section>\n");
    html
}

fn known<T: ToString>(value: Option<T>) -> String {
    value.map_or("<span class=\"note\">not known</span>".into(), |value| escape(&value.to_string()))
}

fn row(name: &str, value: String) -> (String, String) {
    (escape(name), value)
}

fn host_rows(host: &HostFacts) -> Vec<(String, String)> {
    let caches: Vec<String> =
        (host.caches.iter()).map(|c| format!("L{} {} {}", c.level, c.kind, units::bytes(c.bytes as f64))).collect();
    let environment: Vec<String> = host.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let list = |items: &[String]| if items.is_empty() { "none".to_string() } else { escape(&items.join(", ")) };
    vec![
        row("name", host.hostname.as_deref().map_or("left out".into(), escape)),
        row("id", escape(&host.id)),
        row("CPU", known(host.cpu.as_deref())),
        row("CPUs", format!("{}, of which {} may be used", host.cpus, host.allowed_cpus.len())),
        row("sockets", known(host.sockets)),
        row("threads per core", known(host.threads_per_core)),
        row("NUMA nodes", known(host.numa_nodes)),
        row("caches", list(&caches)),
        row("memory", known(host.memory_bytes.map(|b| units::bytes(b as f64)))),
        row("vector extensions", list(&host.vector)),
        row("frequency governor", known(host.governor.as_deref())),
        row("hypervisor", host.hypervisor.as_deref().map_or("none found".into(), escape)),
        row("huge pages", known(host.huge_pages.as_deref())),
        row("kernel", known(host.kernel.as_deref())),
        row("environment", list(&environment)),
    ]
}

fn build_rows(build: &BuildFacts) -> Vec<(String, String)> {
    let dirty = match build.dirty {
        Some(true) => " with uncommitted changes",
        Some(false) => "",
        None => " (unknown whether it was changed)",
    };
    vec![
        row("version", escape(&build.version)),
        row("build", escape(&build.id)),
        row("revision", build.revision.as_deref().map_or(known::<&str>(None), |r| escape(&format!("{r}{dirty}")))),
        row("compiler", escape(&build.compiler)),
        row("flags", if build.flags.is_empty() { "none beside the profile's".into() } else { escape(&build.flags) }),
        row("profile", escape(&build.profile)),
        row("MPI", build.mpi.as_deref().map_or("none".into(), escape)),
    ]
}

/// What floors are modelled from, on one core and on all.
fn limit_rows(limits: &Limits) -> Vec<(String, String)> {
    let most = limits.all_lanes().unwrap_or(1);
    let rates = |of: &dyn Fn(u32) -> Option<f64>, unit: &str| {
        let rate =
            |lanes| of(lanes).map_or("not known".into(), |rate| format!("{} {unit}", units::significant(rate / 1e9)));
        if most > 1 { format!("{} on one core, {} on {most}", rate(1), rate(most)) } else { rate(1) }
    };
    let mut rows = vec![
        row("machine", escape(&limits.host)),
        row("measured", date(limits.measured_ms)),
        row("vectors", escape(&limits.vector)),
        row("FMA peak, f32", escape(&rates(&|lanes| limits.flops(lanes), "GFLOP/s"))),
    ];
    rows.extend(Level::ALL.map(|level| {
        row(&format!("read from {}", level.word()), escape(&rates(&|lanes| limits.read(level, lanes), "GB/s")))
    }));
    rows
}

fn run_rows(run: &RunFacts) -> Vec<(String, String)> {
    vec![
        row("experiment", escape(&run.experiment)),
        row("started", date(run.started_ms)),
        row("command", format!("<code>{}</code>", escape(&run.command.join(" ")))),
        row("base of speedups", escape(&run.base)),
    ]
}

/// How the numbers came about, in short.
pub fn method() -> String {
    format!(
        "<section id=\"method\">\n<h2>Method</h2>\n<ul>\n\
         <li>Each repeat is a fresh process (or set of ranks) that runs one cell. Its answer is checked against that of one serial lane, bit for \
         bit; a time counts only when the answer is right.</li>\n\
         <li>The time is that of the iterations ({}), from a common start to the end of the last lane, measured by the wall clock. Loading, \
         initial centroids and final labels are outside.</li>\n\
         <li>Times are summarised by their median; intervals are 95 % percentile bootstrap intervals (9,999 seeded resamples). A speedup is the \
         base's median over the cell's, never a mean of ratios; its interval resamples both sides. Fewer than 3 repeats have no interval, and \
         fewer than 6 cannot reach 95 %.</li>\n\
         <li>The floor of an iteration is modelled: max(2·n·k·d / FMA peak, 4·n·d / read bandwidth), with the machine's limits as the sweep \
         measured them for that number of lanes, and the bandwidth of the level that a lane's rows fit into.</li>\n\
         <li>Repeats count for the cell when program, data and machine are those of its newest good repeat. What was left out is said above.</li>\n\
         </ul>\n</section>\n",
        timed_phases()
    )
}

/// How to run each cell by hand.
pub fn reproduce(summary: &Summary) -> Result<String> {
    let manifest = summary.run.as_ref().and_then(|run| run.command.iter().find(|word| word.ends_with(".toml")));
    let manifest =
        manifest.map_or("MANIFEST".into(), |name| format!("experiments/{}", name.rsplit('/').next().unwrap_or(name)));
    let mut html = format!(
        "<section id=\"reproduce\">\n<h2>Get a result again</h2>\n<p>Write the cell to a file and run the worker on it. For the cell \
         with id <code>ID</code> below:</p>\n<pre>amdahl plan {} --cell ID &gt; cell.json\namdahl-worker --cell cell.json --record \
         out.json</pre>\n<p>Several ranks are started by the MPI launcher, <code>mpiexec -n RANKS amdahl-worker …</code>. The cells as \
         files, for copying into <code>cell.json</code>:</p>\n",
        escape(&manifest)
    );
    for group in &summary.groups {
        html.push_str(&format!("<details>\n<summary>{}</summary>\n", escape(&show::heading(group))));
        for cell in &group.cells {
            html.push_str(&format!(
                "<h3>{} <code>{}</code></h3>\n<pre>{}\n{}</pre>\n",
                escape(&names::cell(&cell.cell)),
                escape(&cell.id.0),
                escape(&launch(&cell.cell)),
                escape(&text(&cell.cell)?)
            ));
        }
        html.push_str("</details>\n");
    }
    html.push_str("</section>\n");
    Ok(html)
}

fn launch(cell: &Cell) -> String {
    let worker = "amdahl-worker --cell cell.json --record out.json";
    if let Some(peer) = cell.backend.peer() {
        let export = "amdahl-worker --cell cell.json --export rows --record job.json";
        return format!(
            "{export}\n# then the words that run {peer} in the list of peers, with: --cell job.json --record out.json"
        );
    }
    if cell.backend.uses_mpi() {
        format!("mpiexec -n {} --bind-to none {worker}", cell.ranks)
    } else {
        worker.to_string()
    }
}

/// The cell file's text, on one line.
fn text(cell: &Cell) -> Result<String> {
    match canonical(cell) {
        null if null == "null" => Err(Error::internal("a cell cannot be written")),
        text => Ok(text),
    }
}

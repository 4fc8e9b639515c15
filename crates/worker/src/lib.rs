//! The worker: one cell in this process (and, under MPI, in its fellows), from a cell file to a
//! report file.
//!
//! The report is written by rank 0 as the last act: to a temporary file that is then renamed, so
//! that a report that exists is whole. A panic ends all ranks. Every rank checks that as many were
//! started as the cell wants.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use amdahl_clustering::verbs::logging::Verbosity;
use amdahl_clustering::verbs::{manual, output};
use amdahl_lanes::probe::{load, recorder};
use amdahl_lanes::process;
use amdahl_lanes::process::{abort, on_panic_abort, rank_hint};
use amdahl_lanes::signals;
use amdahl_limits as limits;
use amdahl_program::LaneResult;
use amdahl_program::fault::Fault;
use amdahl_program::load::SharedSource;
use amdahl_program::shared::ProcessShared;
use amdahl_record::cell::{BACKENDS, Backend, Cell, CellId, short_hash};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::host;
use amdahl_record::host::HostFacts;
use amdahl_record::io::atomic;
use amdahl_record::io::outputs::Outputs;
use amdahl_record::launched::all_joined;
use amdahl_record::protocol::Capabilities;
use amdahl_record::{End, Failure, Measured, PROTOCOL, Report};

pub mod lanes;
mod peer;

const EXAMPLES: &str = "\
By hand, under a debugger or a profiler, and under MPI:
  amdahl plan experiments/mnist.toml --cell ID > cell.json
  amdahl-worker --cell cell.json --record out.json
  mpiexec -n 2 --bind-to none amdahl-worker --cell cell.json --record out.json";

/// Runs one cell and writes what it measured.
///
/// 'amdahl plan MANIFEST --cell ID' prints a cell file. AMDAHL_KERNEL chooses a kernel,
/// AMDAHL_FAULT commits a fault on purpose.
#[derive(Parser, Debug)]
#[command(name = "amdahl-worker", version, max_term_width = 120, after_help = EXAMPLES)]
pub struct Args {
    /// The cell file; '-' reads standard input (one rank only)
    #[arg(long, required_unless_present_any = ["capabilities", "self_test", "limits", "man"])]
    pub cell: Option<PathBuf>,
    /// Where the report goes; '-' writes standard output (one rank only)
    #[arg(long, default_value = "-")]
    pub record: PathBuf,
    /// Print what this build can do, as JSON, and end
    #[arg(long)]
    pub capabilities: bool,
    /// Check the communicator that this was launched under: run it under mpiexec
    #[arg(long)]
    pub self_test: bool,
    /// With --self-test: threads in each rank
    #[arg(long, value_name = "N", requires = "self_test")]
    pub threads: Option<std::num::NonZero<u16>>,
    /// Measure what this machine can do at most (arithmetic, bandwidths), print it as JSON, and end
    #[arg(long)]
    pub limits: bool,
    /// With --limits: in about a second, and only what the floor of a cell needs
    #[arg(long, requires = "limits")]
    pub quick: bool,
    /// Write what an outside program needs for the cell (rows, where it starts) into this folder as
    /// NPY files, and to --record a cell that names them
    #[arg(long, value_name = "DIR", requires = "cell", conflicts_with = "judge")]
    pub export: Option<PathBuf>,
    /// Judge what an outside program left in this file for the cell (as --export wrote it)
    #[arg(long, value_name = "FILE", requires_all = ["cell", "peer"])]
    pub judge: Option<PathBuf>,
    /// With --judge: the outside program's name
    #[arg(long, value_name = "NAME")]
    pub peer: Option<String>,
    /// With --judge: how its answer is checked, in a word of the workload's [default: its first]
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Write the manual page into this folder: 'make install' does
    #[arg(long, value_name = "DIR", hide = true)]
    pub man: Option<PathBuf>,
    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
}

/// What this build can do.
pub fn capabilities() -> Capabilities {
    let mut build = amdahl_record::build_facts!();
    let mpi;
    (build.mpi, mpi) = mpi_library().unzip();
    let can = |name: &&str| {
        Backend::from_name(name).is_some_and(|b| build.mpi.is_some() || !b.uses_mpi())
    };
    let backends =
        BACKENDS.iter().map(|(name, ..)| *name).filter(can).map(str::to_string).collect();
    let sources = option_env!("AMDAHL_BUILD_SOURCES").unwrap_or_default().into();
    let ids = option_env!("AMDAHL_BUILD_IDS").unwrap_or_default().split(',');
    let ids = ids.filter_map(|pair| pair.split_once('=')).map(|(a, b)| (a.into(), b.into()));
    Capabilities {
        protocol: PROTOCOL,
        build,
        ids: ids.collect(),
        sources,
        mpi,
        backends,
        limits: true,
    }
}

/// The name of the MPI library, and a hash of all that it says of itself.
fn mpi_library() -> Option<(String, String)> {
    let library = process::library()?;
    Some((library.name(), short_hash(library.description().as_bytes())))
}

/// The worker's `main`.
pub fn main() -> ExitCode {
    on_panic_abort();
    signals::reset();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return output::say_of_command_line("amdahl-worker", &error),
    };
    args.verbosity.start(format!("amdahl-worker: rank {}", rank_hint()));
    let result = if let Some(folder) = &args.man {
        manual::write(Args::command(), folder).map(drop)
    } else if args.capabilities {
        print_capabilities()
    } else if args.self_test {
        self_test(args.threads.map_or(1, |threads| usize::from(threads.get())))
    } else if args.limits {
        print_limits(args.quick)
    } else {
        match (&args.cell, &args.export, &args.judge) {
            (None, ..) => Ok(()),
            (Some(cell), Some(folder), _) => peer::export(cell, folder, &args.record),
            (Some(cell), None, Some(left)) => peer::judge(
                cell,
                left,
                args.peer.as_deref().unwrap_or_default(),
                args.rule.as_deref(),
                &args.record,
            ),
            (Some(cell), None, None) => run_cell(cell, &args.record),
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("amdahl-worker: {error}\n"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn print_capabilities() -> Result<()> {
    let text =
        serde_json::to_string(&capabilities()).map_err(|e| Error::internal(e.to_string()))?;
    output::print_json(&format!("{text}\n"))
}

fn print_limits(quick: bool) -> Result<()> {
    let limits = limits::measure(&host::gather(), quick)?;
    let text = serde_json::to_string(&limits)
        .map_err(|e| Error::internal(format!("limits as JSON: {e}")))?;
    output::print_json(&format!("{text}\n"))
}

/// Checks the communicator of the lanes that were launched, `threads` in each rank, and every
/// reduction over it.
fn self_test(threads: usize) -> Result<()> {
    use amdahl_lanes::comm::{Comm, conformance};
    use amdahl_lanes::{reduce, spawn};
    let cpus = host::gather().allowed_cpus.len();
    let check = |comm: &dyn Comm| -> Result<_> {
        let made = conformance::check(comm)? + reduce::check(comm)?;
        Ok((comm.lane(), made))
    };
    let (lane, made) = match mpi_library() {
        Some(_) => {
            let joined =
                |comm: &dyn Comm| all_joined(comm.lane().ranks, |name| std::env::var(name).ok());
            spawn::on_ranks(|comm| joined(comm).map(|()| threads), cpus, &check)?
        }
        None => spawn::on_threads(threads, threads > cpus, &check)?,
    };
    if lane.is_root() {
        let without = if mpi_library().is_some() { "" } else { " (built without MPI)" };
        output::print(&format!(
            "{} ranks x {} threads{without}, {made} checks on each lane: the communicator and {} reductions conform\n",
            lane.ranks,
            lane.threads,
            reduce::REDUCTIONS.len()
        ))?;
    }
    Ok(())
}

fn run_cell(cell_file: &Path, record: &Path) -> Result<()> {
    let cell = Cell::parse(&read_cell(cell_file)?).map_err(|e| e.at(cell_file, 0, 0))?;
    if cell.ranks > 1 && (is_stream(cell_file) || is_stream(record)) {
        return Err(Error::usage(
            "'-' works for one rank only: under mpiexec, standard input reaches rank 0 alone",
        ));
    }
    outputs(&cell, cell_file, record).check()?;
    let id = cell.id();
    let (ranks, threads) = (cell.ranks, cell.threads);
    log::info!("cell {id}: {} on {ranks} ranks x {threads} threads", cell.backend);
    // Before the lanes pin themselves: afterwards this process may use one CPU only.
    let host = host::gather();
    let end = measure(&cell, &host);
    let (end, result) = match end {
        Ok(Some(measured)) => (End::Done(Box::new(measured)), Ok(())),
        // Another rank has the first lane, and writes.
        Ok(None) => return Ok(()),
        Err(error) => {
            let reason = error.to_string();
            (End::Failed { class: class_of(error.kind), reason }, Err(error))
        }
    };
    if result.is_err() && cell.backend.uses_mpi() && rank_hint() != 0 {
        // Rank 0 has the same error, or hangs. It is given a moment to write before everything
        // ends.
        let code = result.as_ref().map_or_else(Error::exit_code, |()| 0);
        eprintln_whole(result);
        std::thread::sleep(std::time::Duration::from_secs(2));
        abort(i32::from(code));
    }
    let written = write_report(record, &Report::new(id, host, end));
    if let (Err(error), true) = (&result, cell.backend.uses_mpi()) {
        let code = error.exit_code();
        eprintln_whole(result);
        abort(i32::from(code));
    }
    result.and(written)
}

/// One write: the lines of several ranks must not mix.
fn eprintln_whole(result: Result<()>) {
    if let Err(error) = result {
        output::say(&format!("amdahl-worker: rank {}: {error}\n", rank_hint()));
    }
}

fn class_of(kind: Kind) -> Failure {
    match kind {
        Kind::Data => Failure::Data,
        Kind::Unavailable => Failure::Unavailable,
        _ => Failure::Error,
    }
}

/// Runs the cell. `Some` where the first lane is.
fn measure(cell: &Cell, host: &HostFacts) -> Result<Option<Measured>> {
    let fault = Fault::from_environment()?;
    let source = SharedSource::new(cell.dataset.clone());
    let watch = load::Watch::start();
    let shared = lanes::Shared {
        cell,
        source: &source,
        cpus: &host::placement(&host.allowed_cpus),
        shared: ProcessShared::default(),
        fault,
    };
    let Some(end) = lanes::run(&shared)? else { return Ok(None) };
    let LaneResult { platform, kernel, seconds, .. } = &end.result;
    log::debug!("{platform}, kernel {kernel}: {seconds:.6} s in the timed part");
    let readings: Vec<_> = end.lanes.iter().map(|lane| lane.readings.clone()).collect();
    Ok(Some(Measured {
        platform: end.result.platform.into(),
        kernel: end.result.kernel.into(),
        host: host.id.clone().into(),
        seconds: end.result.seconds,
        answer: end.result.answer.into(),
        readings: recorder::merge(&readings),
        peak_rss_bytes: end.lanes.iter().filter_map(|lane| lane.peak_rss_bytes).max(),
        lanes: end.lanes.into_iter().map(|lane| lane.facts).collect::<Vec<_>>().into(),
        load: watch.stop(),
        peer: None,
        device: end.result.device.map(Into::into),
    }))
}

/// What is read and written for a cell. A record takes the place of an older one, but never of what
/// it is made from.
fn outputs<'a>(cell: &Cell, cell_file: &Path, record: &Path) -> Outputs<'a> {
    let mut outputs = Outputs::new(true);
    if !is_stream(cell_file) {
        outputs.reads("--cell", cell_file);
    }
    for file in cell.dataset.files() {
        outputs.reads_data("the data", file);
    }
    if !is_stream(record) {
        outputs.writes("--record", record);
    }
    outputs
}

fn is_stream(path: &Path) -> bool {
    path == Path::new("-")
}

fn read_cell(file: &Path) -> Result<String> {
    if is_stream(file) {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|e| Error::io("read", Path::new("standard input"), e))?;
        return Ok(text);
    }
    std::fs::read_to_string(file).map_err(|e| Error::io("read the cell file", file, e))
}

fn write_report(file: &Path, report: &Report) -> Result<()> {
    let mut text =
        serde_json::to_string(report).map_err(|e| Error::internal(format!("a report: {e}")))?;
    text.push('\n');
    write_whole(file, &text)
}

/// Writes a file as a whole or not at all; `-` is standard output.
fn write_whole(file: &Path, text: &str) -> Result<()> {
    if is_stream(file) {
        return std::io::stdout()
            .write_all(text.as_bytes())
            .map_err(|e| Error::io("write", Path::new("standard output"), e));
    }
    atomic::write(file, text)
}

/// Reads a report file: the right protocol and the right cell, or an error that says what it is
/// instead.
pub fn read_report(file: &Path, cell: &CellId) -> Result<Report> {
    let text = std::fs::read_to_string(file).map_err(|e| Error::io("read the report", file, e))?;
    let report: Report = Report::parse(&text)
        .map_err(|e| Error::internal(format!("not a report: {e}")).at(file, 0, 0))?;
    if report.protocol != PROTOCOL {
        return Err(Error::internal(format!(
            "the worker speaks protocol {}, expected {PROTOCOL}",
            report.protocol
        )));
    }
    if report.cell != *cell {
        return Err(Error::internal(format!("a report of cell {}, expected {cell}", report.cell)));
    }
    Ok(report)
}

//! `amdahl run`: measures what is missing of a manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::guard::Guard;
use crate::output;
use amdahl_data as data;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::cell::{CellId, Dataset};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::host;
use amdahl_record::io::outputs::Outputs;
use amdahl_record::{PhaseNames, RunFacts, SCHEMA};
use amdahl_run::launch::attempt::{Launching, now_ms};
use amdahl_run::launch::orphans;
use amdahl_run::launch::peer::Programs;
use amdahl_run::launch::program::Worker;
use amdahl_run::launcher::Site;
use amdahl_run::plan;
use amdahl_run::plan::only::Filter;
use amdahl_run::plan::order::order;
use amdahl_run::plan::{Machine, Plan};
use amdahl_run::store::scratch::Scratch;
use amdahl_run::store::{Store, run_name};
use amdahl_run::sweep::{Data, Options, Standing, Sweep};

mod names;
mod progress;
mod summary;

use names::Names;
use progress::Progress;
use summary::Tally;

const EXAMPLES: &str = "\
Examples:
  amdahl run experiments/strong-scaling.toml
  amdahl run experiments/mnist.toml --only backend=mpi,ranks=2
  amdahl run experiments/strong-scaling.toml --repeats 20      # more of them: only what is missing is measured
  amdahl run experiments/strong-scaling.toml --results results/before

Exit codes: 0 all is measured, 1 some cell failed, 2 the command line or the manifest cannot be used, 5 a wrong answer,
6 nothing was measured, 130 interrupted.";

/// Arguments of `amdahl run`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The experiment, such as experiments/strong-scaling.toml
    pub manifest: PathBuf,
    /// Folder of the results [default: results/<name of the experiment>]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// Measure only cells with these values, such as 'backend=mpi,ranks=2', and the oracles that
    /// they need
    #[arg(long, value_name = "FILTER")]
    pub only: Option<String>,
    /// Repeats of each cell, instead of the manifest's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=plan::MAX_REPEATS as i64))]
    pub repeats: Option<u32>,
    /// Measure everything anew; older records of the same cells stay in the folder but count no
    /// longer
    #[arg(long)]
    pub fresh: bool,
    /// Try cells again whose failure is final otherwise: a panic, an error, damaged data, a time
    /// limit
    #[arg(long)]
    pub retry: bool,
}

/// What is said to a person who ends a sweep.
const SAFE: &str = "the records that were written are safe; run the same command again to go on";

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let interrupts = Interrupts::install(SAFE)?;
    orphans::adopt();
    let host = host::gather();
    let plan = planned(args)?;
    let folder =
        args.results.clone().unwrap_or_else(|| Path::new("results").join(&plan.experiment.name));
    if folder.to_str().is_none() {
        let name = folder.display();
        return Err(Error::usage(format!("the path of the results folder {name} is not UTF-8"))
            .hint("workers are told where to write in words: name another folder"));
    }
    outputs(args, &plan, &folder).check()?;
    let started_ms = now_ms();
    let scratch = Scratch::create(&folder, &run_name(started_ms, std::process::id(), &host.id))?;
    let name = scratch.run().to_string();
    let _guard = Guard::start(&name);
    let worker = Worker::find(scratch.path(), &interrupts)?.for_workload(plan.workload());
    let mut store = Store::open(&folder, facts(args, &plan, &worker, &name, started_ms))?;
    for warning in &store.results().warnings {
        output::say(&format!("amdahl: {warning}\n"));
    }
    let doubled = &store.results().doubled;
    if !doubled.is_empty() {
        output::say(&format!("amdahl: {doubled}\n"));
    }
    for (id, repeats) in store.results().without_cell() {
        if !plan.cells.iter().any(|planned| planned.id == *id) {
            output::say(&format!("amdahl: {}\n", without_cell(id, repeats)));
        }
    }
    let mut executor = Launching {
        worker: &worker,
        site: Site::gather(worker.can.build.mpi.as_deref()),
        scratch: scratch.path().to_path_buf(),
        logs: folder.join("logs"),
        run: name,
        interrupts: &interrupts,
        number: 0,
        programs: Programs::new(plan.peers.clone()),
        counters: plan.experiment.counters,
        temporary: None,
    };
    let names = Names::new(&plan.cells);
    let mut progress = Progress::new(&names, plan.cells.len());
    let turns: Vec<usize> =
        order(&plan, plan.experiment.seed).iter().map(|turn| turn.cell).collect();
    let mut sweep = Sweep {
        cells: &plan.cells,
        store: &mut store,
        executor: &mut executor,
        identify: &mut |dataset| {
            let identity = data::open::identify(dataset)?;
            Ok(Data { digest: identity.digest, stamps: identity.stamps })
        },
        host: &host,
        watch: &mut progress,
        interrupts: &interrupts,
        options: Options {
            limit_s: plan.experiment.time_limit_s,
            retry: args.retry,
            pause: Duration::from_millis(500),
            simulated_points: plan.experiment.simulated_points,
        },
        standing: Vec::new(),
        digests: BTreeMap::new(),
        unsimulated: Vec::new(),
    };
    let ended = sweep.run(&turns);
    let standing = std::mem::take(&mut sweep.standing);
    let unsimulated = std::mem::take(&mut sweep.unsimulated);
    let measured = progress.finish();
    if let Err(error) = ended {
        // Nothing is called safe that is not there.
        return Err(if store.keep().is_ok() { stopped(error, args, measured) } else { error });
    }
    let tally = Tally::new(&plan, &names, &standing).with_simulations(&plan, &names, &unsimulated);
    output::print(&tally.text(&plan, &folder, measured))?;
    tally.verdict()
}

/// What is read, and the folders in which this verb makes and removes files. Records are added to a
/// new file, and nothing else of the folder is touched.
fn outputs<'a>(args: &Args, plan: &Plan, results: &Path) -> Outputs<'a> {
    let mut outputs = Outputs::new(false);
    outputs.reads("the manifest", &args.manifest);
    let datasets = plan.cells.iter().map(|planned| &planned.cell.dataset);
    for file in datasets.flat_map(Dataset::files).collect::<BTreeSet<_>>() {
        outputs.reads("the data", file);
    }
    for name in ["claims", "logs", "work"] {
        outputs.fills("a folder of the results", &results.join(name));
    }
    outputs
}

/// The plan, or the part of it that is wanted.
fn planned(args: &Args) -> Result<Plan> {
    let mut plan = plan::load(&args.manifest, Machine::here())?;
    if let Some(repeats) = args.repeats {
        // An oracle that the axes do not ask for runs once.
        plan.cells
            .iter_mut()
            .filter(|planned| planned.asked)
            .for_each(|planned| planned.repeats = repeats);
        plan.experiment.repeats = repeats;
    }
    match &args.only {
        None => Ok(plan),
        Some(text) => Filter::parse(text)?.apply(&plan),
    }
}

fn facts(args: &Args, plan: &Plan, worker: &Worker, run: &str, started_ms: u64) -> RunFacts {
    let experiment = &plan.experiment;
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    // Folders of a machine are nobody's business.
    let bare = |word: String| {
        Path::new(&word).file_name().map_or(word.clone(), |name| name.to_string_lossy().into())
    };
    RunFacts {
        schema: SCHEMA,
        run: run.into(),
        number: 0, // the store knows it
        started_ms,
        experiment: experiment.name.clone(),
        title: experiment.title.clone(),
        question: experiment.question.clone(),
        url: experiment.url.clone(),
        price: experiment.price.clone(),
        base: experiment.base.clone(),
        build: worker.can.build.clone(),
        command: words.map(bare).collect(),
        fresh: args.fresh,
        phases: PhaseNames::known(),
    }
}

/// A cell of another manifest whose line was lost.
fn without_cell(id: &CellId, repeats: usize) -> String {
    format!(
        "cell {id}: the line that says which cell it is was lost, so its {repeats} repeats do not \
         count; 'amdahl run' of its manifest writes it again"
    )
}

/// An error that ended the sweep, with what is safe and how to go on.
fn stopped(error: Error, args: &Args, measured: u32) -> Error {
    let records = if measured == 1 {
        "1 new record is".into()
    } else {
        format!("{measured} new records are")
    };
    let go_on = format!("{records} safe; run the same command again to go on");
    let go_on = if args.fresh { format!("{go_on}, without --fresh") } else { go_on };
    match error.kind {
        Kind::Interrupted => Error::new(Kind::Interrupted, "interrupted").hint(go_on),
        _ => {
            let hint =
                error.hint.as_ref().map_or(go_on.clone(), |hint| format!("{hint}\n  {go_on}"));
            error.hint(hint)
        }
    }
}

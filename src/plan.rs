//! `amdahl plan`: what a manifest asks for, what of it is done, and what the rest is expected to
//! cost.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::output;
use amdahl_data as data;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::Key;
use amdahl_record::cell::{CellId, canonical};
use amdahl_record::error::{Error, Result};
use amdahl_record::host::gather;
use amdahl_record::read::{Results, read};
use amdahl_run::launch::attempt::Runs;
use amdahl_run::launch::peer::Programs;
use amdahl_run::launch::program::Worker;
use amdahl_run::plan;
use amdahl_run::plan::cost::{Cost, Estimator};
use amdahl_run::plan::only::Filter;
use amdahl_run::plan::{Machine, Plan, PlannedCell};
use amdahl_run::store;

mod doubts;
mod shown;

const EXAMPLES: &str = "\
Examples:
  amdahl plan experiments/strong-scaling.toml
  amdahl plan experiments/mnist.toml --only backend=mpi,backend=threads
  amdahl plan experiments/mnist.toml --cell 1f3a > cell.json   # then: amdahl-worker --cell cell.json --record out.json";

/// Arguments of `amdahl plan`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The manifest, such as experiments/strong-scaling.toml
    pub manifest: PathBuf,
    /// Results folder, whose repeats are done [default: results/<name of the experiment>]
    #[arg(long, value_name = "DIR")]
    pub results: Option<PathBuf>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// A part of the cells, such as backend=mpi,ranks=2; of an axis that is named twice, any value
    /// will do
    #[arg(long, value_name = "AXIS=VALUE,…")]
    pub only: Option<String>,
    /// Print the cell with this id, or the one that begins like this, as 'amdahl-worker --cell'
    /// reads it
    #[arg(long, value_name = "ID")]
    pub cell: Option<String>,
}

/// How a plan is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs: everything
    Json,
}

/// A cell with what is known of its repeats.
pub(crate) struct Row<'a> {
    pub planned: &'a PlannedCell,
    /// Repeats that are done, at most those wanted; `None` where that cannot be told.
    pub done: Option<u32>,
    pub cost: Cost,
    /// Rows and columns, where they are known.
    pub shape: (Option<u64>, Option<u64>),
}

/// A plan with all that `amdahl plan` says of it.
pub(crate) struct View<'a> {
    pub manifest: &'a Path,
    pub results: &'a Path,
    pub machine: Machine,
    pub plan: &'a Plan,
    pub rows: Vec<Row<'a>>,
    /// What a person should know before believing the rest.
    pub notes: Vec<String>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let machine = Machine::here();
    let mut plan = plan::load(&args.manifest, machine)?;
    if let Some(id) = &args.cell {
        return output::print_json(&cell_file(&plan, id)?);
    }
    if let Some(only) = &args.only {
        plan = Filter::parse(only)?.apply(&plan)?;
    }
    let folder =
        args.results.clone().unwrap_or_else(|| Path::new("results").join(&plan.experiment.name));
    let results = match folder.is_dir() {
        true => read(&folder)?,
        false => Results::default(),
    };
    let (done, mut notes) = done(&plan, &results);
    notes.extend(results.warnings.iter().cloned());
    notes.extend((!results.doubled.is_empty()).then(|| results.doubled.to_string()));
    notes.extend(plan.notes.iter().cloned());
    let estimator = Estimator::new(&results);
    let rows = plan.cells.iter().zip(done).map(|(planned, done)| Row {
        planned,
        done,
        cost: estimator.cost(planned, machine),
        shape: estimator.shape(planned),
    });
    let rows: Vec<Row<'_>> = rows.collect();
    notes.extend(doubts::notes(&rows, &plan.experiment, gather().memory_bytes));
    let view =
        View { manifest: &args.manifest, results: &folder, machine, plan: &plan, rows, notes };
    match args.format {
        Format::Text => output::print(&shown::text(&view)),
        Format::Json => output::print_json(&shown::json(&view)?),
    }
}

/// The only cell whose id begins with `id`, as the worker reads it.
fn cell_file(plan: &Plan, id: &str) -> Result<String> {
    let found: Vec<&PlannedCell> =
        plan.cells.iter().filter(|planned| planned.id.0.starts_with(id)).collect();
    let hint = "'amdahl plan' lists the ids of the cells";
    match &found[..] {
        [planned] => serde_json::to_string_pretty(&planned.cell)
            .map(|text| text + "\n")
            .map_err(|e| Error::internal(format!("a cell does not become JSON: {e}"))),
        [] => Err(Error::usage(format!(
            "no cell of '{}' has an id that begins with '{id}'",
            plan.experiment.name
        ))
        .hint(hint)),
        several => {
            let ids: Vec<&str> =
                several.iter().take(4).map(|planned| planned.id.0.as_str()).collect();
            let more = if several.len() > 4 { ", …" } else { "" };
            let message = format!(
                "{} cells have ids that begin with '{id}': {}{more}",
                several.len(),
                ids.join(", ")
            );
            Err(Error::usage(message).hint("give more digits"))
        }
    }
}

/// Repeats of each cell that are done here and now: by this worker, on these rows and this host.
/// `None` where that cannot be told, because there are records but no worker or no data to compare
/// them with; the notes say why.
fn done(plan: &Plan, results: &Results) -> (Vec<Option<u32>>, Vec<String>) {
    let mut notes = Vec::new();
    let measured: HashSet<&CellId> =
        results.records.iter().map(|record| &record.key.cell).collect();
    if !plan.cells.iter().any(|planned| measured.contains(&planned.id)) {
        return (vec![Some(0); plan.cells.len()], notes);
    }
    let host = gather().id;
    let (folder, interrupts) = (std::env::temp_dir(), Interrupts::none());
    let worker = Worker::find(&folder, &interrupts)
        .map(|worker| worker.for_workload(plan.workload()))
        .map_err(|error| notes.push(format!("what is done is not known: {}", error.message)));
    let mut programs = Programs::new(plan.peers.clone());
    let mut digests: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut count = |planned: &PlannedCell| {
        if !measured.contains(&planned.id) {
            return Some(0);
        }
        let (build, mpi) = match planned.cell.backend.peer() {
            None => {
                let worker = worker.as_ref().ok()?;
                let runs = Runs::of_ours(&planned.cell);
                (runs.build(&worker.can.build.id), worker.mpi(&planned.cell))
            }
            // One that is not here has nothing that is done.
            Some(peer) => match programs.find(&peer.name, &folder, &interrupts).ok()? {
                Ok(program) => (program.id.clone(), None),
                Err(_) => return Some(0),
            },
        };
        let dataset = &planned.cell.dataset;
        let digest =
            digests.entry(canonical(dataset)).or_insert_with(|| match data::identify(dataset) {
                Ok(identity) => Some(identity.digest),
                Err(error) => {
                    notes
                        .push(format!("what is done is not known of all cells: {}", error.message));
                    None
                }
            });
        let (cell, data) = (planned.id.clone(), digest.clone()?);
        let key = Key { cell, build, data, host: host.clone(), mpi };
        Some(store::done(results, &key).min(planned.repeats))
    };
    let counts = plan.cells.iter().map(&mut count).collect();
    (counts, notes)
}

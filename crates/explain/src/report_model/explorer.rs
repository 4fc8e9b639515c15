//! Cells as numbers, for whoever filters, sorts and plots them: the page's explorer and scripts.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figure::View;
use crate::labels;
use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::Phase;

/// A problem that cells share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// Its heading.
    pub heading: String,
    /// The data set's name.
    pub dataset: String,
    /// The workload's own sizes by their keys: `k`.
    #[serde(flatten)]
    pub sizes: BTreeMap<&'static str, u64>,
    /// Rows; null where not known.
    pub rows: Option<u64>,
    /// Columns; null where not known.
    pub dims: Option<u32>,
    /// Id of the cell that speedups refer to; null where it has no time.
    pub base: Option<String>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Its id.
    pub id: String,
    /// Place of its problem in the list of problems.
    pub problem: usize,
    /// How it is called.
    pub name: String,
    /// Its backend.
    pub backend: String,
    /// Is it an outside program?
    pub peer: bool,
    /// Ranks.
    pub ranks: u32,
    /// Threads of a rank.
    pub threads: u32,
    /// Good repeats.
    pub n: usize,
    /// Median of the timed part, seconds; null where no repeat was good.
    pub seconds: Option<f64>,
    /// Its 95 % interval, seconds.
    pub seconds_interval: Option<[f64; 2]>,
    /// Speedup over the problem's base.
    pub speedup: Option<f64>,
    /// Its 95 % interval.
    pub speedup_interval: Option<[f64; 2]>,
    /// Speedup over lanes.
    pub efficiency: Option<f64>,
    /// Iterations that were run.
    pub iterations: Option<u32>,
    /// What the workload minimises or maximises.
    pub objective: Option<f64>,
    /// Mean seconds of the lanes in each of the parts that [`parts`] names; null where not
    /// recorded.
    pub phases: Option<Vec<f64>>,
    /// More lanes than CPUs?
    pub oversubscribed: bool,
    /// Seconds of the good repeats, in their order.
    pub samples: Vec<f64>,
    /// Why it has no time; null where it has one.
    pub failure: Option<String>,
}

/// Every problem, in the order of the groups.
pub fn problems(view: &View<'_>) -> Vec<Problem> {
    let problem = |(group, heading): (&Group, String)| Problem {
        heading,
        dataset: labels::dataset_name(&group.dataset),
        sizes: labels::own_sizes(&group.workload)
            .into_iter()
            .map(|(name, value)| (name.key, value))
            .collect(),
        rows: group.rows,
        dims: group.dims,
        base: group.base.as_ref().map(|base| base.cell.0.clone()),
    };
    view.summary.groups.iter().zip(view.headings()).map(problem).collect()
}

/// A part of the timed part: a phase, or all those of accelerators together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// The phases in it.
    #[serde(skip)]
    phases: Vec<Phase>,
}

/// The parts that cells' times are told in, as figures show them.
pub fn parts(summary: &Summary) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for phase in summary.timed_phases() {
        let name = if phase.role().is_of_accelerators() { "accelerator" } else { phase.word() };
        match parts.iter_mut().find(|part| part.name == name) {
            Some(part) => part.phases.push(phase),
            None => parts.push(Part { name, phases: vec![phase] }),
        }
    }
    parts
}

/// Every cell, in the order of the problems.
pub fn points(view: &View<'_>) -> Vec<Point> {
    let parts = parts(view.summary);
    let groups = view.summary.groups.iter().enumerate();
    groups
        .flat_map(|(problem, group)| {
            let parts = &parts;
            group.cells.iter().map(move |cell| point(problem, cell, parts))
        })
        .collect()
}

fn point(problem: usize, cell: &CellSummary, parts: &[Part]) -> Point {
    let ends =
        |estimate: Option<amdahl_stats::Estimate>| estimate?.interval.map(|i| [i.low, i.high]);
    let seconds = |part: &Part| {
        part.phases.iter().filter_map(|phase| Some(cell.phase(*phase)?.mean_s)).sum::<f64>()
    };
    let phases = || (!cell.phases.is_empty()).then(|| parts.iter().map(seconds).collect());
    let failure = || {
        let reason = cell
            .failures
            .first()
            .map(|f| format!("{}: {}", f.what, labels::one_line(&f.reason, 200)));
        reason.unwrap_or_else(|| "no repeat".into())
    };
    Point {
        id: cell.id.0.clone(),
        problem,
        name: labels::cell(&cell.cell),
        backend: cell.cell.backend.name().to_string(),
        peer: cell.cell.backend.peer().is_some(),
        ranks: cell.cell.ranks,
        threads: cell.cell.threads,
        n: cell.repeats.len(),
        seconds: cell.time.map(|t| t.value),
        seconds_interval: ends(cell.time),
        speedup: cell.speedup.map(|s| s.value),
        speedup_interval: ends(cell.speedup),
        efficiency: cell.efficiency.map(|e| e.value),
        iterations: cell.iterations,
        objective: cell.objective.as_ref().map(|objective| objective.value),
        phases: phases(),
        oversubscribed: cell.oversubscribed,
        samples: cell.samples(),
        failure: cell.time.is_none().then(failure),
    }
}

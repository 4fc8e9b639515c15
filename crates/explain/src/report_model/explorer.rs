//! Cells as numbers, for whoever filters, sorts and plots them: the page's explorer and scripts.

use serde::Serialize;

use crate::figure::View;
use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::Phase;

/// A problem that cells share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// Its heading.
    pub heading: String,
    /// The data set's name.
    pub dataset: String,
    /// Clusters.
    pub k: u32,
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
    /// Mean seconds of the lanes in assign, update, reduce and wait; null where not recorded.
    pub phases: Option<[f64; 5]>,
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
        k: labels::own_sizes(group).first().map_or(0, |(_, size)| *size as u32),
        rows: group.rows,
        dims: group.dims,
        base: group.base.as_ref().map(|base| base.cell.0.clone()),
    };
    view.summary.groups.iter().zip(view.headings()).map(problem).collect()
}

/// Every cell, in the order of the problems.
pub fn points(view: &View<'_>) -> Vec<Point> {
    let groups = view.summary.groups.iter().enumerate();
    groups
        .flat_map(|(problem, group)| group.cells.iter().map(move |cell| point(problem, cell)))
        .collect()
}

fn point(problem: usize, cell: &CellSummary) -> Point {
    let ends =
        |estimate: Option<amdahl_stats::Estimate>| estimate?.interval.map(|i| [i.low, i.high]);
    let phase = |phase| cell.phase(phase).map(|time| time.mean_s);
    let accelerator =
        [Phase::Upload, Phase::Execute, Phase::Download].into_iter().filter_map(phase).sum();
    let phases = || {
        let (assign, update) = (phase(Phase::Assign)?, phase(Phase::Update)?);
        Some([assign, accelerator, update, phase(Phase::Reduce)?, phase(Phase::Wait)?])
    };
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

//! What the figure of misses is drawn from: samples, and the sets of them in which one thing varies.

use crate::figure::View;
use crate::figure::arms::distinct;
use crate::figure::counts::{layout, of_cell};
use crate::metric::scope::Span;
use amdahl_record::cell::CellId;
use amdahl_workload::{SizeName, Workload};

/// What can vary.
#[derive(Clone)]
pub(super) struct Variable {
    /// As its axis has it.
    pub axis: &'static str,
    /// In titles: `the number of columns`.
    pub heading: String,
    /// In a list of several.
    pub word: String,
}

/// The working set, then each of the workload's sizes beside rows.
pub(super) fn variables(workload: &'static dyn Workload) -> Vec<Variable> {
    let set = "the working set";
    let set = Variable { axis: "rows of a lane, bytes", heading: set.into(), word: set.into() };
    let size = |name: &SizeName| match name.key {
        "dims" => Variable {
            axis: name.many,
            heading: format!("the number of {}", name.many),
            word: format!("the {}", name.many),
        },
        // What is not the data's goes by its symbol.
        _ => Variable { axis: name.symbol, heading: name.symbol.into(), word: name.symbol.into() },
    };
    let sizes = workload.sizes().iter().filter(|name| name.key != ROWS).map(size);
    std::iter::once(set).chain(sizes).collect()
}

/// The size that is the number of rows.
const ROWS: &str = "points";

/// A cell's misses in a level.
#[derive(Clone)]
pub(super) struct Sample {
    pub cell: CellId,
    pub layout: &'static str,
    pub level: &'static str,
    pub workload: &'static dyn Workload,
    /// In the order of [`variables`].
    pub at: Vec<f64>,
    pub rows: f64,
    /// Of a point in an iteration.
    pub misses: f64,
    /// The fewest that there can be, where rows come from beyond the level.
    pub least: f64,
}

/// One panel: what varies, and its samples.
pub(super) struct Arm {
    /// Place among the variables.
    pub variable: usize,
    pub about: Variable,
    pub samples: Vec<Sample>,
}

/// All samples of the cells with the fewest lanes: more lanes would be another variable.
fn samples(view: &View<'_>, is_simulated: bool) -> Vec<Sample> {
    let cells = || view.summary.groups.iter().flat_map(|g| g.cells.iter().map(move |c| (g, c)));
    let known = |(group, cell): &(&_, &_)| {
        !of_cell(view, group, cell, Span::Computing, is_simulated).is_empty()
    };
    let Some(fewest) = cells().filter(known).map(|(_, cell)| cell.cell.lanes()).min() else {
        return Vec::new();
    };
    let mut samples: Vec<Sample> = Vec::new();
    for (group, cell) in cells().filter(|(_, cell)| cell.cell.lanes() == fewest) {
        let workload = amdahl_workloads::of(&group.workload);
        for found in of_cell(view, group, cell, Span::Computing, is_simulated) {
            let named = workload.sizes().iter().zip(&found.sizes);
            let sizes = named.filter(|(name, _)| name.key != ROWS).map(|(_, size)| *size);
            let sample = Sample {
                cell: cell.id.clone(),
                layout: layout(group),
                level: found.level,
                workload,
                at: std::iter::once(found.resident).chain(sizes).collect(),
                rows: found.rows.1,
                misses: found.misses / (found.rows.0 * found.iterations),
                least: found.compulsory / 64.0,
            };
            // Backends with equally few lanes run the same code on the same rows.
            let what = |s: &Sample| (s.workload.name(), s.layout, s.level, s.at.clone(), s.rows);
            if !samples.iter().any(|known| what(known) == what(&sample)) {
                samples.push(sample);
            }
        }
    }
    samples
}

/// For each variable of each workload the largest set of samples that agree in the others.
pub(super) fn arms(view: &View<'_>, is_simulated: bool) -> Vec<Arm> {
    let samples = samples(view, is_simulated);
    let mut arms = Vec::new();
    for workload in amdahl_workloads::ALL {
        let mine = samples.iter().filter(|s| s.workload.name() == workload.name());
        let mine: Vec<&Sample> = mine.collect();
        for (variable, about) in variables(*workload).into_iter().enumerate() {
            arms.extend(largest(&mine, variable).map(|samples| Arm { variable, about, samples }));
        }
    }
    arms
}

/// The largest set of samples that differ in one variable alone; none where there is one value.
fn largest(samples: &[&Sample], variable: usize) -> Option<Vec<Sample>> {
    // With more columns the same rows are a larger working set: what agrees is then the number of
    // rows.
    let others = |s: &Sample| {
        let mut others = s.at.clone();
        // Set in this order: of the working set itself neither it nor the rows have to agree.
        others[0] = s.rows;
        others[variable] = 0.0;
        others
    };
    let mut sets: Vec<(Vec<f64>, Vec<Sample>)> = Vec::new();
    for sample in samples.iter().filter(|sample| variable < sample.at.len()) {
        match sets.iter_mut().find(|(key, _)| *key == others(sample)) {
            Some((_, set)) => set.push((*sample).clone()),
            None => sets.push((others(sample), vec![(*sample).clone()])),
        }
    }
    let values = |set: &[Sample]| distinct(set.iter().map(|s| s.at[variable])).len();
    let largest = sets.into_iter().map(|(_, set)| set).rev().max_by_key(|set| values(set));
    largest.filter(|set| values(set) > 1)
}

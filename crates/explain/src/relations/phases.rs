//! The table `phases`.

use crate::analysis::Analysis;
use crate::labels;
use crate::labels::OTHER;
use crate::relations::{Relation, Rows, Source, cells};
use crate::summary::CellSummary;

/// One row a phase of a cell.
pub const SOURCE: Source = Source {
    name: "phases",
    about: "one row a phase of a cell: wall time, median of its repeats",
    fill,
};

/// A phase of a cell, or the rest.
struct Part<'a> {
    cell: &'a CellSummary,
    phase: &'static str,
    timed: bool,
    mean: Option<f64>,
    critical: Option<f64>,
}

fn parts(cell: &CellSummary) -> impl Iterator<Item = Part<'_>> {
    let phases = cell.phases.iter().map(move |time| Part {
        cell,
        phase: time.phase.word(),
        timed: time.phase.is_timed(),
        mean: Some(time.mean_s),
        critical: Some(time.critical_s),
    });
    let rest = cell.unaccounted_mean_s.map(|mean| Part {
        cell,
        phase: OTHER,
        timed: true,
        mean: Some(mean),
        critical: cell.unaccounted_s,
    });
    phases.chain(rest)
}

fn fill(analysis: &Analysis<'_>) -> Relation {
    Rows::new(cells(analysis.summary).flat_map(|(_, cell)| parts(cell)))
        .text("cell", "id of the cell", |p| Some(p.cell.id.0.clone()))
        .text("name", "backend and lanes", |p| Some(labels::cell(&p.cell.cell)))
        .text("phase", "its word; 'other': timed seconds of no phase", |p| Some(p.phase.into()))
        .truth("timed", "within the timed part?", |p| Some(p.timed))
        .number("mean_seconds", "mean over the lanes", |p| p.mean)
        .number("critical_seconds", "on the lane that computed longest", |p| p.critical)
        .relation()
}

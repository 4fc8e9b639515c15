//! The table `failures`.

use crate::analysis::Analysis;
use crate::labels;
use crate::relations::{Relation, Rows, Source, cells};

/// One row a kind of bad end of a cell.
pub const SOURCE: Source =
    Source { name: "failures", about: "one row a kind of bad end of a cell", fill };

fn fill(analysis: &Analysis<'_>) -> Relation {
    let failures = cells(analysis.summary)
        .flat_map(|(_, cell)| cell.failures.iter().map(move |failed| (cell, failed)));
    Rows::new(failures)
        .text("cell", "id of the cell", |(c, _)| Some(c.id.0.clone()))
        .text("name", "backend and lanes", |(c, _)| Some(labels::cell(&c.cell)))
        .text("failure", "'wrong', or the kind of failure", |(_, f)| Some(f.what.clone()))
        .whole("count", "repeats that ended so", |(_, f)| Some(f.count as i64))
        .text("reason", "of the newest one", |(_, f)| Some(f.reason.clone()))
        .relation()
}

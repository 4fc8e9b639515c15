//! CSV: `cells.csv`, `repeats.csv`, `readings.csv`, with headers; an empty field means missing.

use crate::analysis::Analysis;
use crate::exchange::{Export, Format, Repeats, TABLES};
use crate::relations::write;
use amdahl_record::error::Result;

/// CSV.
pub const FORMAT: Format =
    Format { name: "csv", about: "three tables: cells, repeats, readings", write: files };

fn files(analysis: &Analysis<'_>, _: Repeats) -> Result<Export> {
    let mut export = Export::default();
    for table in TABLES {
        export.add(format!("{}.csv", table.name), write::csv(&(table.fill)(analysis))?);
    }
    Ok(export)
}

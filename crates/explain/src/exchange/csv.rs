//! CSV: `cells.csv`, `repeats.csv`, `readings.csv`, with headers; an empty field means missing.

use crate::exchange::columns::{Table, Values, tables};
use crate::exchange::{Export, Format, Repeats};
use crate::summary::Summary;
use amdahl_record::error::{Error, Result};

/// CSV.
pub const FORMAT: Format =
    Format { name: "csv", about: "three tables: cells, repeats, readings", write };

fn write(summary: &Summary, _: Repeats) -> Result<Export> {
    let mut export = Export::default();
    for table in tables(summary) {
        export.add(format!("{}.csv", table.name), text(&table)?);
    }
    Ok(export)
}

fn text(table: &Table) -> Result<Vec<u8>> {
    let broken =
        |error: &dyn std::fmt::Display| Error::internal(format!("cannot write CSV: {error}"));
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(table.columns.iter().map(|(name, _)| name)).map_err(|e| broken(&e))?;
    for row in 0..table.columns.first().map_or(0, |(_, values)| values.len()) {
        let field = |values: &Values| match values {
            Values::Text(values) => values[row].clone(),
            Values::Whole(values) => values[row].map(|value| value.to_string()),
            Values::Number(values) => values[row].map(|value| value.to_string()),
        };
        let fields = table.columns.iter().map(|(_, values)| field(values).unwrap_or_default());
        writer.write_record(fields).map_err(|e| broken(&e))?;
    }
    writer.into_inner().map_err(|e| broken(&e))
}

//! Parquet: `cells.parquet`, `repeats.parquet`, `readings.parquet`.
//!
//! Optional columns of 64-bit integers, doubles, booleans and UTF-8 text, one page a column chunk, gzip.

use std::ops::Range;

use amdahl_parquet::{Kind, Piece, Writer};

use crate::analysis::Analysis;
use crate::exchange::{Export, Format, Repeats, TABLES};
use crate::relations::{Relation, Values};
use amdahl_record::error::{Error, Result};

/// Parquet.
pub const FORMAT: Format = Format {
    name: "parquet",
    about: "the same tables, typed: pandas, polars, DuckDB, R",
    write: files,
};

/// Rows of a row group: a page's length must fit into 31 bits.
const GROUP: usize = 1 << 18;

fn files(analysis: &Analysis<'_>, _: Repeats) -> Result<Export> {
    let mut export = Export::default();
    for table in TABLES {
        let file = file(&(table.fill)(analysis))
            .map_err(|e| Error::internal(format!("cannot pack a Parquet page: {e}")))?;
        export.add(format!("{}.parquet", table.name), file);
    }
    Ok(export)
}

/// The values of some rows.
fn piece(values: &Values, rows: Range<usize>) -> Piece<'_> {
    match values {
        Values::Text(values) => Piece::Text(&values[rows]),
        Values::Whole(values) => Piece::Whole(&values[rows]),
        Values::Number(values) => Piece::Double(&values[rows]),
        Values::Truth(values) => Piece::Truth(&values[rows]),
    }
}

/// A whole file.
fn file(table: &Relation) -> std::io::Result<Vec<u8>> {
    let kind = |values: &Values| match values {
        Values::Text(_) => Kind::Text,
        Values::Whole(_) => Kind::Whole,
        Values::Number(_) => Kind::Double,
        Values::Truth(_) => Kind::Truth,
    };
    let columns = table.columns.iter().map(|column| (&*column.name, kind(&column.values)));
    let mut writer = Writer::new(columns, true);
    let all = table.height();
    for from in (0..all).step_by(GROUP) {
        let rows = from..all.min(from + GROUP);
        let columns = table.columns.iter();
        let pages = columns.map(|column| vec![piece(&column.values, rows.clone())]);
        writer.row_group(&pages.collect::<Vec<_>>())?;
    }
    Ok(writer.finish(concat!("amdahl version ", env!("CARGO_PKG_VERSION"))))
}

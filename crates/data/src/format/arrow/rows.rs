//! Rows of an Arrow file, made of the columns of its batches.

use std::ops::Range;

use amdahl_record::error::{Error, Result};

use super::batch::{Batch, Numbers};
use super::{Arrow, Feature};
use crate::rows::{RowSource, Shape};
use crate::value::{Value, read_as_both};

/// Values of a column that are converted at a time.
const BLOCK: usize = 8 * 1024;

/// A stream of rows.
pub(super) struct Rows<'a> {
    arrow: &'a Arrow,
    next: u64,
    end: u64,
    /// The rows of the batch that is open, and its columns.
    open: Range<u64>,
    columns: Vec<Numbers<'a>>,
    scratch: Vec<u8>,
}

impl<'a> Rows<'a> {
    /// The rows in `range`, which is inside the file.
    pub(super) fn new(arrow: &'a Arrow, range: Range<u64>) -> Rows<'a> {
        let (next, end) = (range.start, range.end);
        Rows { arrow, next, end, open: 0..0, columns: Vec::new(), scratch: Vec::new() }
    }

    /// Opens the batch of the next row.
    fn open(&mut self) -> Result<()> {
        if self.open.contains(&self.next) {
            return Ok(());
        }
        let place = self.arrow.batch_of(self.next);
        let batch = Batch::open(self.arrow.origin(), place, &self.arrow.schema.fields)?;
        self.columns.clear();
        for &Feature { column, width } in &self.arrow.features {
            self.columns.push(batch.numbers(column, &self.arrow.schema.fields[column], width)?);
        }
        self.open = place.start..place.start + place.rows;
        Ok(())
    }

    /// Fills `out` with the next rows, fewer only at the end; returns how many.
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let dims = self.arrow.names.len();
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        let mut out = &mut out[..rows * dims];
        let mut values = Vec::new();
        while !out.is_empty() {
            self.open()?;
            let first = self.next - self.open.start;
            let widest = self.arrow.features.iter().map(|feature| feature.width).max().unwrap_or(1);
            let block = (BLOCK / widest).max(1).min(out.len() / dims);
            let now = (self.open.end - self.next).min(block as u64) as usize;
            let (these, later) = out.split_at_mut(now * dims);
            let mut place = 0;
            for (column, &Feature { width, .. }) in self.arrow.features.iter().enumerate() {
                values.resize(now * width, T::default());
                self.columns[column].read(first * width as u64, &mut self.scratch, &mut values)?;
                if let Some(bad) = values.iter().position(|x| !x.narrow().is_finite()) {
                    let row = self.next + (bad / width) as u64;
                    return Err(self.bad_value(
                        column,
                        row,
                        place + bad % width,
                        values[bad].narrow(),
                    ));
                }
                for (row, values) in these.chunks_exact_mut(dims).zip(values.chunks_exact(width)) {
                    row[place..place + width].copy_from_slice(values);
                }
                place += width;
            }
            out = later;
            self.next += now as u64;
        }
        Ok(rows)
    }

    /// That a value, whose place in the rows is `place`, is not finite.
    fn bad_value(&self, feature: usize, row: u64, place: usize, value: f32) -> Error {
        let (row, column) = (row + 1, self.arrow.features[feature].column + 1);
        let name = &self.arrow.names[place];
        let what = if value.is_nan() { "NaN" } else { "infinite, or beyond the range of f32" };
        let message = format!("row {row}, column {column} ('{name}'): the value is {what}");
        let error = self.arrow.input.refuse(message);
        error.hint("remove such rows or mend them; rows and columns count from 1")
    }
}

impl RowSource for Rows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.arrow.names.len() }
    }
    fn position(&self) -> u64 {
        self.next
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.next += rows.min(self.end - self.next);
        Ok(())
    }
}

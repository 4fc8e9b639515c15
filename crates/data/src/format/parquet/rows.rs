//! Rows of a Parquet file, made of the pages of its columns.

use std::marker::PhantomData;
use std::ops::Range;

use amdahl_parquet::{Convert, Number, Pages};
use amdahl_record::error::Result;

use super::{Feature, Parquet, say};
use crate::rows::{RowSource, Shape};
use crate::value::Value;

/// Rows of one column that are decoded at a time: what they become stays in a cache while the other
/// columns come.
const BLOCK_VALUES: usize = 32 * 1024;

/// A stream of rows.
pub(super) struct Rows<'a> {
    parquet: &'a Parquet,
    next: u64,
    end: u64,
    narrow: Group<'a, f32>,
    wide: Group<'a, f64>,
}

/// The columns of a row group, read as f32 or f64.
struct Group<'a, T: Value> {
    /// The row that they give next, and the first one of the next group.
    next: u64,
    end: u64,
    columns: Vec<Pages<'a, As<T>>>,
}

impl<'a, T: Value> Group<'a, T> {
    /// Nothing is open.
    const NONE: Self = Group { next: 0, end: 0, columns: Vec::new() };

    /// Opens the row group of row `next`, unless it is what comes next already.
    fn at(&mut self, parquet: &'a Parquet, next: u64) -> Result<()> {
        if self.next == next && next < self.end {
            return Ok(());
        }
        self.columns.clear();
        for &feature in &parquet.features {
            self.columns.push(parquet.pages(feature, next, &mut As::default())?);
        }
        self.next = next;
        self.end = parquet.footer.starts[parquet.footer.group_of(next) + 1];
        Ok(())
    }

    /// Passes over rows as far as they are in this group.
    fn skip(&mut self, parquet: &Parquet, from: u64, rows: u64) -> Result<()> {
        let input = &parquet.input;
        let widths = parquet.features.iter().map(|feature| feature.width as u64);
        if self.next != from {
            return Ok(());
        }
        let here = rows.min(self.end - self.next);
        for (pages, width) in self.columns.iter_mut().zip(widths) {
            pages.skip(&mut As::default(), here * width).map_err(|fault| say(input, fault))?;
        }
        self.next += here;
        Ok(())
    }
}

impl<'a> Rows<'a> {
    /// The rows in `range`, which is inside the file.
    pub(super) fn new(parquet: &'a Parquet, range: Range<u64>) -> Rows<'a> {
        let (next, end) = (range.start, range.end);
        Rows { parquet, next, end, narrow: Group::NONE, wide: Group::NONE }
    }

    /// Fills `out` with the next rows, fewer only at the end; returns how many.
    fn take<T: Value>(
        &mut self,
        out: &mut [T],
        group: impl Fn(&mut Self) -> &mut Group<'a, T>,
    ) -> Result<usize> {
        let dims = self.parquet.names.len();
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        let mut out = &mut out[..rows * dims];
        let mut values = Vec::new();
        while !out.is_empty() {
            let (parquet, next) = (self.parquet, self.next);
            let open = group(self);
            open.at(parquet, next)?;
            let block = (BLOCK_VALUES / dims).max(16).min(out.len() / dims);
            let now = (open.end - next).min(block as u64) as usize;
            let (these, later) = out.split_at_mut(now * dims);
            values.resize(now, T::default());
            let mut first = 0;
            for (place, &Feature { width, .. }) in parquet.features.iter().enumerate() {
                let pages = &mut group(self).columns[place];
                let mut fill = |out: &mut [T], row: u64| {
                    let filled = pages.fill(&mut As::default(), out);
                    filled.map_err(|fault| say(&parquet.input, fault))?;
                    let bad = out.iter().position(|x| !x.narrow().is_finite());
                    bad.map_or(Ok(()), |bad| {
                        let (row, value) = (row + (bad / width) as u64, bad % width);
                        Err(parquet.bad_value(place, row, value, out[bad].narrow()))
                    })
                };
                if width == 1 {
                    fill(&mut values, next)?;
                    for (row, value) in these.chunks_exact_mut(dims).zip(&values) {
                        row[first] = *value;
                    }
                } else {
                    for (row, number) in these.chunks_exact_mut(dims).zip(next..) {
                        fill(&mut row[first..first + width], number)?;
                    }
                }
                first += width;
            }
            out = later;
            group(self).next += now as u64;
            self.next += now as u64;
        }
        Ok(rows)
    }
}

impl RowSource for Rows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.parquet.names.len() }
    }
    fn position(&self) -> u64 {
        self.next
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        self.take(out, |rows| &mut rows.narrow)
    }
    fn read_wide(&mut self, out: &mut [f64]) -> Result<usize> {
        self.take(out, |rows| &mut rows.wide)
    }
    fn skip(&mut self, rows: u64) -> Result<()> {
        let from = self.next;
        let rows = rows.min(self.end - from);
        self.narrow.skip(self.parquet, from, rows)?;
        self.wide.skip(self.parquet, from, rows)?;
        // Rows in later row groups are found when they are read.
        self.next += rows;
        Ok(())
    }
}

/// Values as numbers.
pub(super) struct As<T>(PhantomData<T>);

impl<T> Default for As<T> {
    fn default() -> As<T> {
        As(PhantomData)
    }
}

impl<T: Value> Convert for As<T> {
    type Out = T;
    fn numbers(&mut self, number: Number, bytes: &[u8], out: &mut [T]) {
        T::column(number, bytes, out);
    }
    fn text(&mut self, _: &[u8]) -> Option<T> {
        None
    }
}

//! Rows of a file that holds its values column by column, as NumPy saves an array in Fortran's order
//! (the transpose of one, or the values of a pandas table).
//!
//! A block of rows is read from a file at a time, a piece of each column, so that any lane reads its
//! own rows. While rows are read one after the other, blocks grow to an eighth of the file, at most
//! 8 MiB; after a jump they begin with the rows that are asked for.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use amdahl_record::error::{Error, Result};

use crate::input::Input;
use crate::layout::Layout;
use crate::rows::{RowSource, Shape};
use crate::value::{Value, read_as_both};

/// Bytes of a block that is no larger than this whatever the file's size, and that is not exceeded.
const LEAST_BLOCK: u64 = 64 * 1024;
const LARGEST_BLOCK: u64 = 8 << 20;

/// Values that are transposed at a time: they stay in a cache while the columns come.
const PIECE: usize = 32 * 1024;

/// Where the bytes of all values are.
pub enum Origin<'a> {
    /// In the file.
    File(File),
    /// In memory.
    Memory(&'a [u8]),
}

/// A stream of rows.
pub struct Columns<'a> {
    input: &'a Input,
    layout: &'a Layout,
    origin: Origin<'a>,
    next: u64,
    end: u64,
    /// Of a file: rows that have been read, one column's after the other's; the first row and their
    /// number.
    block: Vec<u8>,
    first: u64,
    rows: u64,
}

impl<'a> Columns<'a> {
    /// The rows in `range`, which is inside the file, whose layout has its columns first.
    pub fn new(
        input: &'a Input,
        layout: &'a Layout,
        origin: Origin<'a>,
        range: Range<u64>,
    ) -> Self {
        let (next, end) = (range.start, range.end);
        Columns { input, layout, origin, next, end, block: Vec::new(), first: next, rows: 0 }
    }

    /// Bytes from the first value of the file to the value of a row in a column.
    fn place(&self, row: u64, column: usize) -> u64 {
        let extents = self.layout.columns_first.as_deref().unwrap_or_default();
        let place = plane(extents, column as u64) * self.layout.shape.rows + row;
        place * self.layout.element.width() as u64
    }

    /// Sees that the next row is at hand; returns how many are, at most `wanted`.
    fn prepare(&mut self, wanted: u64) -> Result<u64> {
        let Origin::File(file) = &self.origin else { return Ok(wanted) };
        let block_end = self.first + self.rows;
        if (self.first..block_end).contains(&self.next) {
            return Ok(wanted.min(block_end - self.next));
        }
        let row = (self.layout.shape.dims * self.layout.element.width()) as u64;
        let eighth = row * self.layout.shape.rows / 8;
        let most = (eighth.clamp(LEAST_BLOCK, LARGEST_BLOCK) / row).max(1);
        let grown = if self.next == block_end { 2 * self.rows } else { 0 };
        let rows = wanted.max(grown).min(most).min(self.end - self.next);
        let length = rows as usize * self.layout.element.width();
        let mut block = std::mem::take(&mut self.block);
        block.resize(length * self.layout.shape.dims, 0);
        for (column, bytes) in block.chunks_exact_mut(length).enumerate() {
            let place = self.layout.offset + self.place(self.next, column);
            file.read_exact_at(bytes, place).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    self.input.refuse("the file became shorter while it was read")
                }
                _ => Error::io("read", self.input.path(), error),
            })?;
        }
        (self.block, self.first, self.rows) = (block, self.next, rows);
        Ok(wanted.min(rows))
    }

    /// The bytes of the next `rows` values of a column, which are at hand.
    fn bytes(&self, column: usize, rows: usize) -> &[u8] {
        let width = self.layout.element.width();
        match &self.origin {
            Origin::Memory(bytes) => {
                let start = self.place(self.next, column) as usize;
                &bytes[start..start + rows * width]
            }
            Origin::File(_) => {
                let start = column * self.rows as usize + (self.next - self.first) as usize;
                &self.block[start * width..(start + rows) * width]
            }
        }
    }

    /// Fills `out` with the next rows, which are at hand.
    /// `values` is room for one column's values.
    fn piece<T: Value>(&mut self, out: &mut [T], values: &mut Vec<T>) -> Result<()> {
        let Layout { element, order, shape: Shape { dims, .. }, .. } = *self.layout;
        let rows = out.len() / dims;
        values.resize(rows, T::default());
        // The first row with a bad value, and the first column with one in it.
        let mut bad: Option<(usize, usize)> = None;
        for column in 0..dims {
            T::convert(element, order, self.bytes(column, rows), values);
            let before = bad.map_or(rows, |(row, _)| row);
            if let Some(row) = values[..before].iter().position(|x| !x.narrow().is_finite()) {
                bad = Some((row, column));
            }
            for (row, value) in out.chunks_exact_mut(dims).zip(&*values) {
                row[column] = *value;
            }
        }
        if let Some((row, column)) = bad {
            let bytes = &self.bytes(column, rows)[row * element.width()..];
            let row = self.next + row as u64;
            return Err(self.layout.bad_value(self.input, row, column as u64, bytes));
        }
        Ok(())
    }

    /// Fills `out` with the next rows, fewer only at the end; returns how many.
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let dims = self.layout.shape.dims;
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        let (mut out, mut values) = (&mut out[..rows * dims], Vec::new());
        while !out.is_empty() {
            let at_hand = self.prepare((out.len() / dims) as u64)?;
            let now = at_hand.min((PIECE / dims).max(1) as u64) as usize;
            let (these, later) = out.split_at_mut(now * dims);
            self.piece(these, &mut values)?;
            self.next += now as u64;
            out = later;
        }
        Ok(rows)
    }
}

impl RowSource for Columns<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.layout.shape.dims }
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

/// Which column of a file whose first extent runs fastest is the `column`-th where the last one does.
fn plane(extents: &[u64], column: u64) -> u64 {
    let mut stride = extents.iter().product::<u64>();
    let (mut rest, mut place) = (column, 0);
    for extent in extents.iter().rev() {
        stride /= extent;
        place += rest % extent * stride;
        rest /= extent;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_arrays_of_several_extents() {
        assert_eq!((0..5).map(|c| plane(&[5], c)).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        // Column 3 j + k is the one at j + 2 k.
        assert_eq!((0..6).map(|c| plane(&[2, 3], c)).collect::<Vec<_>>(), [0, 2, 4, 1, 3, 5]);
        let mut seen: Vec<u64> = (0..24).map(|c| plane(&[2, 3, 4], c)).collect();
        // (1, 2, 3) is at 1 + 2 (2 + 3 · 3).
        assert_eq!((seen[23], seen[1]), (23, 6));
        seen.sort_unstable();
        assert_eq!(seen, (0..24).collect::<Vec<_>>());
    }
}

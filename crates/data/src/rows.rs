//! Sources of rows, streams of rows, and rows in memory: what all else here is about.

use std::ops::Range;

use crate::value::Value;
use amdahl_record::error::{Error, Result};

/// Number of rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub rows: u64,
    /// Columns, at least 1.
    pub dims: usize,
}

/// An opened data set.
pub trait Source: Send + Sync {
    /// Rows and columns of the whole data set.
    fn shape(&self) -> Shape;

    /// Can any lane read any rows without reading those before? If not, one lane reads all and
    /// scatters.
    fn seekable(&self) -> bool;

    /// A stream of the rows in `range`. Errors name the file, and the row and column of a bad
    /// value.
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>>;

    /// The true labels of the rows in `range`, as numbers from 0; `None` where the data set has
    /// none.
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>>;

    /// The names of the columns, where the data set has any.
    fn names(&self) -> Option<&[String]> {
        None
    }

    /// Is it known that all columns lie near 0 ([`Spread::is_near`](crate::spread::Spread::is_near))?
    /// Not where nobody has looked.
    fn is_near(&self) -> bool {
        false
    }

    /// The columns of the file that are no values of rows and that nobody asked for, in words.
    fn left_out(&self) -> &[String] {
        &[]
    }
}

/// A stream of consecutive rows.
pub trait RowSource {
    /// Rows that are left, and columns.
    fn shape(&self) -> Shape;

    /// Global number of the next row.
    fn position(&self) -> u64;

    /// Fills `out` (row-major, a multiple of the columns long) with the next rows and returns how
    /// many rows it wrote: all that fit, fewer only at the end. Values are finite: a source refuses
    /// NaN and infinity with row and column.
    fn read(&mut self, out: &mut [f32]) -> Result<usize>;

    /// The same before it is rounded to f32. Values are those that [`RowSource::read`] takes: none is
    /// beyond the range of f32.
    fn read_wide(&mut self, out: &mut [f64]) -> Result<usize> {
        let dims = self.shape().dims;
        let mut narrow = vec![0f32; out.len() - out.len() % dims];
        let rows = self.read(&mut narrow)?;
        out.iter_mut().zip(&narrow[..rows * dims]).for_each(|(wide, x)| *wide = f64::from(*x));
        Ok(rows)
    }

    /// Passes over the next `rows` rows, or as many as are left. Sources that can seek read none of
    /// them.
    fn skip(&mut self, rows: u64) -> Result<()> {
        let dims = self.shape().dims;
        let mut left = rows.min(self.shape().rows);
        let mut buffer = vec![0.0; dims.max(dims * left.min(64) as usize)];
        while left > 0 {
            let now = left.min((buffer.len() / dims) as u64) as usize;
            let read = self.read(&mut buffer[..now * dims])?;
            if read == 0 {
                return Err(Error::internal(format!("a source ended {left} rows before its end")));
            }
            left -= read as u64;
        }
        Ok(())
    }
}

/// Refuses a range that is not inside `shape`.
pub fn check_range(shape: Shape, range: &Range<u64>) -> Result<()> {
    if range.start <= range.end && range.end <= shape.rows {
        return Ok(());
    }
    Err(Error::internal(format!(
        "rows {}..{} asked of {} rows",
        range.start, range.end, shape.rows
    )))
}

/// Rows in memory, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// `rows × dims` values.
    pub values: Vec<f32>,
    /// Columns.
    pub dims: usize,
}

impl Matrix {
    /// Number of rows.
    pub fn rows(&self) -> u64 {
        (self.values.len() / self.dims.max(1)) as u64
    }
    /// One row.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dims..(i + 1) * self.dims]
    }
}

/// A stream over rows in memory.
pub struct MatrixRows<'a, T = f32> {
    values: &'a [T],
    dims: usize,
    position: u64,
}

impl<'a, T> MatrixRows<'a, T> {
    /// A stream of `values` (row-major, `dims` columns), the first of which has the global number
    /// `first`.
    pub fn new(values: &'a [T], dims: usize, first: u64) -> Self {
        MatrixRows { values, dims, position: first }
    }
}

impl<T: Value> MatrixRows<'_, T> {
    fn take<V>(&mut self, out: &mut [V], convert: impl Fn(T) -> V) -> Result<usize> {
        let length = (out.len() - out.len() % self.dims).min(self.values.len());
        let (now, later) = self.values.split_at(length);
        out.iter_mut().zip(now).for_each(|(out, x)| *out = convert(*x));
        self.values = later;
        let rows = length / self.dims;
        self.position += rows as u64;
        Ok(rows)
    }
}

impl<T: Value> RowSource for MatrixRows<'_, T> {
    fn shape(&self) -> Shape {
        Shape { rows: (self.values.len() / self.dims) as u64, dims: self.dims }
    }
    fn position(&self) -> u64 {
        self.position
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        self.take(out, T::narrow)
    }
    fn read_wide(&mut self, out: &mut [f64]) -> Result<usize> {
        self.take(out, T::into)
    }
    fn skip(&mut self, rows: u64) -> Result<()> {
        let rows = rows.min(self.shape().rows);
        self.values = &self.values[rows as usize * self.dims..];
        self.position += rows;
        Ok(())
    }
}

//! Weights of rows: the last column of a source, from the data's own columns or from a file beside
//! it.
//!
//! A weight counts like that many rows. Weights are read as f32 like all values, and are at least
//! 0; readers refuse NaN and infinity.

use std::ops::Range;

use crate::rows::{RowSource, Shape, Source};
use crate::value::{Value, read_as_both};
use amdahl_record::error::{Error, Result};

/// A source whose last column holds weights.
pub struct Weighted {
    rows: Box<dyn Source>,
    /// From a file of their own; else they are the last column of `rows`.
    file: Option<Vec<f32>>,
}

impl Weighted {
    /// The last column of `rows` holds the weights.
    pub fn by_column(rows: Box<dyn Source>) -> Weighted {
        Weighted { rows, file: None }
    }

    /// The weights are the values of `weights`, a column as long as there are rows.
    pub fn by_source(rows: Box<dyn Source>, weights: &dyn Source) -> Result<Weighted> {
        let (data, shape) = (rows.shape(), weights.shape());
        if shape != (Shape { rows: data.rows, dims: 1 }) {
            let Shape { rows, dims } = shape;
            return Err(Error::data(format!(
                "{rows} x {dims} weights, the data has {} rows",
                data.rows
            )));
        }
        // As many values as the file was seen to hold.
        let mut values = vec![0f32; shape.rows as usize];
        weights.rows(0..shape.rows)?.read(&mut values)?;
        Ok(Weighted { rows, file: Some(values) })
    }
}

impl Source for Weighted {
    fn shape(&self) -> Shape {
        let Shape { rows, dims } = self.rows.shape();
        Shape { rows, dims: dims + usize::from(self.file.is_some()) }
    }
    fn seekable(&self) -> bool {
        self.rows.seekable()
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        let file = self.file.as_ref().map(|file| &file[range.start as usize..range.end as usize]);
        Ok(Box::new(WeightedRows { rows: self.rows.rows(range)?, file }))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        self.rows.truth(range)
    }
    /// With a name for the weights.
    fn names(&self) -> Option<&[String]> {
        self.rows.names()
    }
    fn is_near(&self) -> bool {
        self.rows.is_near()
    }
    fn left_out(&self) -> &[String] {
        self.rows.left_out()
    }
}

/// A stream of rows with these weights as the last column.
pub fn weighted<'a>(rows: Box<dyn RowSource + 'a>, weights: &'a [f32]) -> Box<dyn RowSource + 'a> {
    Box::new(WeightedRows { rows, file: Some(weights) })
}

struct WeightedRows<'a> {
    rows: Box<dyn RowSource + 'a>,
    file: Option<&'a [f32]>,
}

impl WeightedRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let (first, wide) = (self.rows.position(), self.shape().dims);
        let got = match &mut self.file {
            None => T::read(self.rows.as_mut(), out)?,
            Some(file) => {
                let dims = wide - 1;
                let mut buffer = vec![T::default(); out.len() / wide * dims];
                let got = T::read(self.rows.as_mut(), &mut buffer)?;
                let (now, later) = file.split_at(got);
                *file = later;
                for ((out, row), &weight) in
                    out.chunks_exact_mut(wide).zip(buffer.chunks_exact(dims)).zip(now)
                {
                    out[..dims].copy_from_slice(row);
                    out[dims] = T::from(weight);
                }
                got
            }
        };
        let negative = |row: &[T]| row[wide - 1] < T::default();
        match out[..got * wide].chunks_exact(wide).position(negative) {
            None => Ok(got),
            Some(at) => {
                let (row, weight) = (first + at as u64 + 1, out[(at + 1) * wide - 1]);
                Err(Error::data(format!(
                    "row {row}: the weight is {weight}, weights are at least 0"
                )))
            }
        }
    }
}

impl RowSource for WeightedRows<'_> {
    fn shape(&self) -> Shape {
        let Shape { rows, dims } = self.rows.shape();
        Shape { rows, dims: dims + usize::from(self.file.is_some()) }
    }
    fn position(&self) -> u64 {
        self.rows.position()
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        let rows = rows.min(self.rows.shape().rows);
        self.rows.skip(rows)?;
        if let Some(file) = &mut self.file {
            *file = &file[rows as usize..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::InMemory;
    use crate::rows::Matrix;

    fn source(values: &[f32], dims: usize) -> Box<dyn Source> {
        Box::new(InMemory::new(Matrix { values: values.to_vec(), dims }, None).expect("fits"))
    }

    #[test]
    fn weights_are_the_last_column() {
        let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let weights = source(&[0.5, 0.0, 7.0], 1);
        let weighted = Weighted::by_source(source(&rows, 2), weights.as_ref()).expect("as long");
        assert_eq!(weighted.shape(), Shape { rows: 3, dims: 3 });
        let mut out = [0.0; 9];
        let mut stream = weighted.rows(1..3).expect("in range");
        assert_eq!(stream.read(&mut out).expect("in memory"), 2);
        assert_eq!(out[..6], [3.0, 4.0, 0.0, 5.0, 6.0, 7.0]);
        let mut stream = weighted.rows(0..3).expect("in range");
        stream.skip(2).expect("there");
        assert_eq!(stream.read(&mut out).expect("in memory"), 1);
        assert_eq!(out[..3], [5.0, 6.0, 7.0]);
        let inside = Weighted::by_column(source(&rows, 2));
        assert_eq!(inside.shape(), Shape { rows: 3, dims: 2 });
    }

    #[test]
    fn what_is_no_weight_is_refused() {
        let two = source(&[1.0, 1.0], 1);
        let error = Weighted::by_source(source(&[1.0; 6], 2), two.as_ref()).err().expect("too few");
        assert_eq!(error.message, "2 x 1 weights, the data has 3 rows");
        let weighted = Weighted::by_column(source(&[1.0, 2.0, 1.0, -2.5], 2));
        let error = weighted
            .rows(0..2)
            .and_then(|mut rows| rows.read(&mut [0.0; 4]))
            .expect_err("negative");
        assert_eq!(error.message, "row 2: the weight is -2.5, weights are at least 0");
    }
}

//! Sources whose rows lie in memory.

use std::ops::Range;

use crate::rows::{Matrix, MatrixRows, RowSource, Shape, Source, check_range};
use amdahl_record::error::{Error, Result};

/// Rows in memory, with their true labels if there are any.
#[derive(Clone, Debug, PartialEq)]
pub struct InMemory {
    matrix: Matrix,
    truth: Option<Vec<u32>>,
    names: Option<Vec<String>>,
    left_out: Vec<String>,
}

impl InMemory {
    /// Rows and, where known, one label for each. Refuses no rows, no columns, and another number
    /// of labels than rows.
    pub fn new(matrix: Matrix, truth: Option<Vec<u32>>) -> Result<InMemory> {
        if matrix.dims == 0
            || matrix.values.is_empty()
            || !matrix.values.len().is_multiple_of(matrix.dims)
        {
            let (values, dims) = (matrix.values.len(), matrix.dims);
            return Err(Error::data(format!("{values} values do not make rows of {dims} columns")));
        }
        if let Some(truth) = &truth
            && truth.len() as u64 != matrix.rows()
        {
            return Err(Error::data(format!("{} labels for {} rows", truth.len(), matrix.rows())));
        }
        Ok(InMemory { matrix, truth, names: None, left_out: Vec::new() })
    }

    /// With names of the columns, one for each; without where there are none.
    pub fn named(self, names: Vec<String>) -> InMemory {
        let names = (names.len() == self.matrix.dims).then_some(names);
        InMemory { names, ..self }
    }
}

impl InMemory {
    /// Without these columns of the file, in words.
    pub fn without(self, left_out: Vec<String>) -> InMemory {
        InMemory { left_out, ..self }
    }
}

impl Source for InMemory {
    fn shape(&self) -> Shape {
        Shape { rows: self.matrix.rows(), dims: self.matrix.dims }
    }
    /// One lane that has read them scatters them.
    fn seekable(&self) -> bool {
        false
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape(), &range)?;
        Ok(Box::new(stream(&self.matrix, range)))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        check_range(self.shape(), &range)?;
        Ok(self
            .truth
            .as_ref()
            .map(|truth| truth[range.start as usize..range.end as usize].to_vec()))
    }
    fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }
    fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

/// The rows in `range`, which is inside the matrix.
fn stream(matrix: &Matrix, range: Range<u64>) -> MatrixRows<'_> {
    let values =
        &matrix.values[range.start as usize * matrix.dims..range.end as usize * matrix.dims];
    MatrixRows::new(values, matrix.dims, range.start)
}

/// Makes room for `more` values, of which the caller has seen that the file can hold them. Room
/// grows by a quarter, not to the double: what is read stays within twice the content of a file.
pub fn reserve<T>(values: &mut Vec<T>, more: usize) -> Result<()> {
    if values.capacity() - values.len() >= more {
        return Ok(());
    }
    values.try_reserve_exact(more.max(values.len() / 4)).map_err(|e| {
        let bytes = (values.len() as u128 + more as u128) * size_of::<T>() as u128;
        Error::unavailable(format!("no memory for {bytes} bytes of data: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix { values: (0..12).map(|i| i as f32).collect(), dims: 3 }
    }

    #[test]
    fn hands_out_ranges_and_labels() {
        let source = InMemory::new(matrix(), Some(vec![0, 1, 0, 2])).expect("fits");
        let mut rows = source.rows(1..3).expect("in range");
        assert_eq!((rows.position(), rows.shape().rows), (1, 2));
        rows.skip(1).expect("one is left");
        let mut out = [0.0; 8];
        assert_eq!(
            rows.read(&mut out).expect("in memory"),
            1,
            "whole rows only, and no more than are left"
        );
        assert_eq!(out[..3], [6.0, 7.0, 8.0]);
        assert_eq!(source.truth(2..4).expect("in range"), Some(vec![0, 2]));
        assert!(source.rows(3..5).is_err());
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        assert_eq!(
            InMemory::new(matrix(), Some(vec![0])).expect_err("one label").message,
            "1 labels for 4 rows"
        );
        assert!(InMemory::new(Matrix { values: vec![1.0], dims: 0 }, None).is_err());
        assert!(InMemory::new(Matrix { values: vec![1.0; 4], dims: 3 }, None).is_err());
    }

    #[test]
    fn room_grows_by_a_quarter() {
        let (mut values, mut growths) = (Vec::<u8>::new(), 0);
        for i in 0..100_000 {
            let before = values.capacity();
            reserve(&mut values, 1).expect("little memory");
            growths += usize::from(values.capacity() > before);
            assert!(values.capacity() <= i + i / 4 + 8, "{} for {i}", values.capacity());
            values.push(0);
        }
        assert!(growths < 60, "{growths} growths");
        assert!(
            reserve(&mut values, usize::MAX / 2)
                .expect_err("too much")
                .message
                .contains("no memory for")
        );
    }
}

//! Sources whose rows lie in memory, read at once or on first use.

use std::ops::Range;
use std::sync::OnceLock;

use super::{Matrix, MatrixRows, RowSource, Shape, Source, check_range};
use crate::error::{Error, Result};

/// Rows in memory, with their true labels if there are any.
#[derive(Clone, Debug, PartialEq)]
pub struct InMemory {
    matrix: Matrix,
    truth: Option<Vec<u32>>,
    names: Option<Vec<String>>,
}

impl InMemory {
    /// Rows and, where known, one label for each. Refuses no rows, no columns, and another number of labels than rows.
    pub fn new(matrix: Matrix, truth: Option<Vec<u32>>) -> Result<InMemory> {
        if matrix.dims == 0 || matrix.values.is_empty() || !matrix.values.len().is_multiple_of(matrix.dims) {
            let (values, dims) = (matrix.values.len(), matrix.dims);
            return Err(Error::data(format!("{values} values do not make rows of {dims} columns")));
        }
        if let Some(truth) = &truth
            && truth.len() as u64 != matrix.rows()
        {
            return Err(Error::data(format!("{} labels for {} rows", truth.len(), matrix.rows())));
        }
        Ok(InMemory { matrix, truth, names: None })
    }

    /// With names of the columns, one for each; without where there are none.
    pub fn named(self, names: Vec<String>) -> InMemory {
        let names = (names.len() == self.matrix.dims).then_some(names);
        InMemory { names, ..self }
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
        Ok(self.truth.as_ref().map(|truth| truth[range.start as usize..range.end as usize].to_vec()))
    }
    fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }
}

/// The rows in `range`, which is inside the matrix.
fn stream(matrix: &Matrix, range: Range<u64>) -> MatrixRows<'_> {
    let values = &matrix.values[range.start as usize * matrix.dims..range.end as usize * matrix.dims];
    MatrixRows::new(values, matrix.dims, range.start)
}

/// Rows that are read into memory as a whole when the first of them is asked for.
pub struct OnFirstUse<L> {
    shape: Shape,
    load: L,
    matrix: OnceLock<Result<Matrix>>,
}

impl<L: Fn() -> Result<Matrix> + Send + Sync> OnFirstUse<L> {
    /// Rows of this shape, which `load` reads.
    pub fn new(shape: Shape, load: L) -> Self {
        OnFirstUse { shape, load, matrix: OnceLock::new() }
    }
}

impl<L: Fn() -> Result<Matrix> + Send + Sync> Source for OnFirstUse<L> {
    fn shape(&self) -> Shape {
        self.shape
    }
    fn seekable(&self) -> bool {
        false
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape, &range)?;
        let matrix = self.matrix.get_or_init(&self.load).as_ref().map_err(Clone::clone)?;
        Ok(Box::new(stream(matrix, range)))
    }
    fn truth(&self, _: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

/// Makes room for `more` values, of which the caller has seen that the file can hold them.
pub fn reserve<T>(values: &mut Vec<T>, more: usize) -> Result<()> {
    values.try_reserve(more).map_err(|e| {
        let bytes = (values.len() as u128 + more as u128) * size_of::<T>() as u128;
        Error::unavailable(format!("no memory for {bytes} bytes of data: {e}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        assert_eq!(rows.read(&mut out).expect("in memory"), 1, "whole rows only, and no more than are left");
        assert_eq!(out[..3], [6.0, 7.0, 8.0]);
        assert_eq!(source.truth(2..4).expect("in range"), Some(vec![0, 2]));
        assert!(source.rows(3..5).is_err());
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        assert_eq!(InMemory::new(matrix(), Some(vec![0])).expect_err("one label").message, "1 labels for 4 rows");
        assert!(InMemory::new(Matrix { values: vec![1.0], dims: 0 }, None).is_err());
        assert!(InMemory::new(Matrix { values: vec![1.0; 4], dims: 3 }, None).is_err());
    }

    #[test]
    fn loads_once_and_remembers_a_failure() {
        let loads = AtomicUsize::new(0);
        let source = OnFirstUse::new(Shape { rows: 4, dims: 3 }, || {
            loads.fetch_add(1, Ordering::Relaxed);
            Err(Error::data("damaged"))
        });
        assert_eq!(loads.load(Ordering::Relaxed), 0);
        for _ in 0..2 {
            assert_eq!(source.rows(0..1).err().expect("damaged").message, "damaged");
        }
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }
}

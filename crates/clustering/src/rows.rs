//! Rows on their way to a device: scaled as the model says.

use crate::scaling::Scaling;
use amdahl_data::{RowSource, Shape, Value};
use amdahl_kmeans::device::Number;
use amdahl_kmeans::intake::Rows;
use amdahl_program::load::Part;
use amdahl_record::error::Result;

/// A lane's rows with their scaling.
pub struct Scaled<'a, 'b, T> {
    /// The lane's part of the data.
    pub part: &'a mut Part<'b, T>,
    /// How columns are scaled.
    pub scaling: &'a Scaling,
    /// The last column of the part holds weights.
    pub weighted: bool,
    /// Rows that distances will be measured to beside those of the data, scaled already.
    pub beyond: &'a [T],
    /// Asked from time to time: an error ends the reading.
    pub check: &'a dyn Fn() -> Result<()>,
}

/// Rows and columns without the one of weights.
pub fn points(whole: Shape, weighted: bool) -> Shape {
    Shape { dims: whole.dims - usize::from(weighted), ..whole }
}

impl<T: Number> Rows<T> for Scaled<'_, '_, T> {
    fn whole(&self) -> Shape {
        points(self.part.whole, self.weighted)
    }
    fn weighted(&self) -> bool {
        self.weighted
    }
    fn stream(&mut self, take: &mut dyn FnMut(&mut dyn RowSource) -> Result<()>) -> Result<()> {
        let (scaling, check) = (self.scaling, self.check);
        self.part.stream(|rows| take(&mut Stream { rows, scaling, check }))
    }
    fn beyond(&self) -> &[T] {
        self.beyond
    }
}

struct Stream<'a> {
    rows: &'a mut dyn RowSource,
    scaling: &'a Scaling,
    check: &'a dyn Fn() -> Result<()>,
}

impl RowSource for Stream<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }
    fn position(&self) -> u64 {
        self.rows.position()
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        self.take(out)
    }
    fn read_wide(&mut self, out: &mut [f64]) -> Result<usize> {
        self.take(out)
    }
}

impl Stream<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        (self.check)()?;
        let first = self.rows.position();
        let got = T::read(self.rows, out)?;
        let width = self.rows.shape().dims;
        self.scaling.apply(&mut out[..got * width], width, first)?;
        Ok(got)
    }
}

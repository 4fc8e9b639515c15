//! Rows on their way to a device, and what is learnt of them: how large their values are, a digest,
//! their weights.

use crate::device::{KMeansDevice, KMeansShard, Number};
use amdahl_data::{RowSource, Shape, digest};
use amdahl_lanes::comm::{Buf, Comm, Op, agreed};
use amdahl_lanes::exact::accumulator::ExactSum;
use amdahl_lanes::exact::{Grid, weights};
use amdahl_program::load::Part;
use amdahl_record::error::{Error, Result};

/// A lane's rows on their way to a device.
pub trait Rows<T = f32> {
    /// Rows and columns of all lanes together, without weights.
    fn whole(&self) -> Shape;

    /// Do the streamed rows have one column more than [`Rows::whole`] says, which holds their
    /// weights (at least 0)?
    fn weighted(&self) -> bool {
        false
    }

    /// Hands the lane's rows to `take` as a stream, once.
    fn stream(&mut self, take: &mut dyn FnMut(&mut dyn RowSource) -> Result<()>) -> Result<()>;

    /// Rows that are not of the data, to which distances will be measured: n × columns, the same on
    /// every lane.
    fn beyond(&self) -> &[T] {
        &[]
    }

    /// What was taken off each column of the data; empty where nothing was.
    fn offsets(&self) -> &[f64] {
        &[]
    }
}

impl<T: Number> Rows<T> for Part<'_, T> {
    fn whole(&self) -> Shape {
        self.whole
    }
    fn stream(&mut self, take: &mut dyn FnMut(&mut dyn RowSource) -> Result<()>) -> Result<()> {
        Part::stream(self, take)
    }
    fn offsets(&self) -> &[f64] {
        &self.offsets
    }
}

/// What cells want to know of a lane's rows.
pub struct Inspected {
    /// Their number.
    pub rows: u64,
    /// Digest of the rows, to be added over lanes.
    pub digest: u64,
}

/// The weights of a lane's rows.
pub struct Weights {
    /// Global number of the first row.
    pub first: u64,
    /// One for each row.
    pub values: Vec<f32>,
}

/// What is learnt of a lane's rows.
pub struct Taken<T = f32> {
    /// See [`Inspected`].
    pub inspected: Inspected,
    /// See [`Weights`].
    pub weights: Option<Weights>,
    /// The largest |x| of each column.
    maxima: Vec<T>,
}

impl<T: Number> Taken<T> {
    /// Widens the maxima.
    fn reaches<V: Number>(&mut self, row: &[V]) {
        for (max, &x) in self.maxima.iter_mut().zip(row) {
            let x = T::nearest(x.into().abs());
            if x > *max {
                *max = x;
            }
        }
    }

    /// The grid of all lanes' rows, `rows` in number, and their weight. Collective. Refuses weights
    /// that are all 0.
    pub fn grid(&self, comm: &dyn Comm, rows: u64) -> Result<(Grid, f64)> {
        // Without a sign, bits order as values do.
        let mut maxima: Vec<u64> = self.maxima.iter().map(|max| max.bits()).collect();
        comm.all_reduce(Op::Max, Buf::U64(&mut maxima))?;
        let maxima: Vec<T> = maxima.into_iter().map(T::from_bits).collect();
        let weights =
            self.weights.as_ref().map(|weights| total(comm, &weights.values)).transpose()?;
        let grid = agreed(comm, Grid::weighted(&maxima, rows, weights))?;
        Ok((grid, weights.map_or(rows as f64, |weights| weights.total)))
    }
}

/// What is to be known of all lanes' weights.
fn total(comm: &dyn Comm, mine: &[f32]) -> Result<weights::Weights> {
    let mut sum = ExactSum::default();
    mine.iter().for_each(|&weight| sum.add(f64::from(weight)));
    comm.all_reduce(Op::Sum, Buf::I64(sum.limbs_mut()))?;
    let mut largest = [mine.iter().fold(0f64, |largest, &weight| largest.max(f64::from(weight)))];
    comm.all_reduce(Op::Max, Buf::F64(&mut largest))?;
    let mut fractions = [mine.iter().filter(|weight| weight.fract() != 0.0).count() as u64];
    comm.all_reduce(Op::Sum, Buf::U64(&mut fractions))?;
    let total = sum.value();
    if total <= 0.0 {
        return Err(Error::data("all weights are 0: no row counts")
            .hint("give at least one row a weight above 0"));
    }
    Ok(weights::Weights { total, largest: largest[0] as f32, whole: fractions[0] == 0 })
}

/// Looks at rows as they pass, and keeps their weights back.
struct Inspect<'a, T> {
    rows: &'a mut dyn RowSource,
    found: &'a mut Taken<T>,
}

impl<T: Number> RowSource for Inspect<'_, T> {
    fn shape(&self) -> Shape {
        Shape { dims: self.found.maxima.len(), ..self.rows.shape() }
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

impl<T: Number> Inspect<'_, T> {
    /// Devices read values as what they compute with: `V` is `T`.
    fn take<V: Number>(&mut self, out: &mut [V]) -> Result<usize> {
        let (first, dims) = (self.rows.position(), self.found.maxima.len());
        let got = match self.found.weights.is_some() {
            false => V::read(self.rows, out)?,
            true => self.take_weighted(out, dims)?,
        };
        let rows = &out[..got * dims];
        if self.found.weights.is_none() {
            rows.chunks_exact(dims).for_each(|row| self.found.reaches(row));
        }
        let inspected = &mut self.found.inspected;
        inspected.digest = inspected.digest.wrapping_add(digest::rows(first, rows, dims));
        inspected.rows += got as u64;
        Ok(got)
    }

    fn take_weighted<V: Number>(&mut self, out: &mut [V], dims: usize) -> Result<usize> {
        let mut buffer = vec![V::default(); out.len() / dims * (dims + 1)];
        let got = V::read(self.rows, &mut buffer)?;
        for (out, wide) in out.chunks_exact_mut(dims).zip(buffer.chunks_exact(dims + 1)).take(got) {
            let (row, weight) = (&wide[..dims], wide[dims].narrow());
            out.copy_from_slice(row);
            // Rows that weigh nothing do not coarsen the grid.
            if weight > 0.0 {
                self.found.reaches(row);
            }
            if let Some(weights) = &mut self.found.weights {
                weights.values.push(weight);
            }
        }
        Ok(got)
    }
}

/// Takes a lane's rows onto the device.
pub fn take<'a, T: Number>(
    device: &'a dyn KMeansDevice<T>,
    rows: &mut dyn Rows<T>,
) -> Result<(Box<dyn KMeansShard<T> + 'a>, Taken<T>)> {
    let dims = rows.whole().dims;
    let inspected = Inspected { rows: 0, digest: 0 };
    let weights = rows.weighted().then(|| Weights { first: 0, values: Vec::new() });
    let mut found = Taken { inspected, weights, maxima: vec![T::default(); dims] };
    let mut shard = None;
    rows.stream(&mut |rows| {
        if let Some(weights) = &mut found.weights {
            weights.first = rows.position();
        }
        shard = Some(device.prepare(&mut Inspect { rows, found: &mut found })?);
        Ok(())
    })?;
    rows.beyond().chunks_exact(dims).for_each(|row| found.reaches(row));
    let mut shard = shard.ok_or_else(|| Error::internal("the rows were not streamed"))?;
    if let Some(weights) = &found.weights {
        shard.weigh(weights.values.clone())?;
    }
    Ok((shard, found))
}

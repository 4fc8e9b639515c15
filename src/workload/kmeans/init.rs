//! Initial centroids. Which rows are taken depends on the data, k and the seed, never on the number of lanes.

use std::path::Path;

use crate::cell::{Dataset, Init, Labels};
use crate::data::{self, Shape, random, random::Purpose};
use crate::error::{Error, Result};
use crate::exact::Grid;
use crate::measure::comm::{Buf, Comm, Op, agreed, bytes};
use crate::measure::device::KMeansShard;
use crate::workload::kmeans::seeding;

/// Initial centroids, and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// k × dims, row-major, the same on every lane.
    pub centroids: Vec<f32>,
    /// Distances that were evaluated on all lanes.
    pub distances: u64,
}

/// The initial centroids, the same on every lane. `grid` is that of the whole data.
pub fn centroids(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard,
    init: &Init,
    k: usize,
    whole: Shape,
    grid: &Grid,
) -> Result<Start> {
    let free = |centroids| Start { centroids, distances: 0 };
    match init {
        Init::FirstRows => rows(comm, shard, &(0..k as u64).collect::<Vec<_>>(), whole.dims).map(free),
        Init::RandomRows { seed } => {
            let numbers = random::distinct(*seed, Purpose::InitialRows, whole.rows, k as u64);
            rows(comm, shard, &numbers, whole.dims).map(free)
        }
        Init::KMeansPlusPlus { seed } => seeding::plus_plus(comm, shard, *seed, k, whole, grid),
        Init::KMeansParallel { seed } => seeding::parallel(comm, shard, *seed, k, whole, grid),
        Init::Given { path } => given(comm, path, k, whole.dims).map(free),
    }
}

/// The k rows of a file, which the first lane reads, on every lane.
pub fn given(comm: &dyn Comm, path: &Path, k: usize, dims: usize) -> Result<Vec<f32>> {
    let mut values = vec![0f32; k * dims];
    agreed(comm, if comm.lane().is_root() { read(path, k, dims, &mut values) } else { Ok(()) })?;
    comm.broadcast(0, bytes::of_mut(&mut values))?;
    Ok(values)
}

/// The rows with these global numbers, wherever they are, on every lane: `numbers.len()` × dims.
pub fn rows(comm: &dyn Comm, shard: &mut dyn KMeansShard, numbers: &[u64], dims: usize) -> Result<Vec<f32>> {
    let places: Vec<(usize, u64)> = numbers.iter().copied().enumerate().collect();
    placed(comm, shard, Ok(places), numbers.len(), dims)
}

/// Rows on every lane, `count` × dims: each lane says which rows it knows to be at which place, and those that it has are taken. Every place
/// is filled by exactly one lane.
pub fn placed(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard,
    places: Result<Vec<(usize, u64)>>,
    count: usize,
    dims: usize,
) -> Result<Vec<f32>> {
    let mut row = vec![0f32; dims];
    // Every row is on exactly one lane; the others add zero to its bits.
    let mut bits = vec![0u64; count * dims];
    let copy = places.and_then(|places| {
        for (place, number) in places {
            if shard.row(number, &mut row)? {
                let bits = &mut bits[place * dims..][..dims];
                bits.iter_mut().zip(&row).for_each(|(bits, x)| *bits = u64::from(x.to_bits()));
            }
        }
        Ok(())
    });
    agreed(comm, copy)?;
    comm.all_reduce(Op::Sum, Buf::U64(&mut bits))?;
    Ok(bits.into_iter().map(|bits| f32::from_bits(bits as u32)).collect())
}

fn read(path: &Path, k: usize, dims: usize, into: &mut [f32]) -> Result<()> {
    let dataset = Dataset::File { path: path.to_path_buf(), format: None, labels: Labels::None, sample: None };
    let source = data::open(&dataset)?;
    let shape = source.shape();
    if shape.rows != k as u64 || shape.dims != dims {
        return Err(Error::data(format!(
            "initial centroids are {} x {}, k x columns of the data is {k} x {dims}",
            shape.rows, shape.dims
        ))
        .at(path, 0, 0));
    }
    source.rows(0..shape.rows)?.read(into)?;
    Ok(())
}

//! Initial centroids. Which rows are taken depends on the data, k and the seed, never on the number
//! of lanes.

use std::path::Path;

use crate::device::{KMeansShard, Number};
use crate::intake::Weights;
use crate::seeding;
use amdahl_data as data;
use amdahl_data::random::Purpose;
use amdahl_data::{Shape, random};
use amdahl_kmeans_description::spec::Init;
use amdahl_lanes::comm::{Buf, Comm, Op, agreed, bytes};
use amdahl_lanes::exact::Grid;
use amdahl_program::load;
use amdahl_record::cell::{Dataset, Labels};
use amdahl_record::error::{Error, Result};

/// Initial centroids, and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Start<T = f32> {
    /// k × dims, row-major, the same on every lane.
    pub centroids: Vec<T>,
    /// Distances that were evaluated on all lanes.
    pub distances: u64,
}

/// The initial centroids, the same on every lane, less what was taken off the columns of the data
/// (`offsets`). `grid` is that of the whole data.
pub fn centroids<T: Number>(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard<T>,
    init: &Init,
    k: usize,
    (whole, offsets): (Shape, &[f64]),
    grid: &Grid,
    weights: Option<&Weights>,
) -> Result<Start<T>> {
    let free = |centroids| Start { centroids, distances: 0 };
    match init {
        Init::FirstRows => {
            rows(comm, shard, &(0..k as u64).collect::<Vec<_>>(), whole.dims).map(free)
        }
        Init::RandomRows { seed } => {
            let numbers = match weights {
                None => random::distinct(*seed, Purpose::InitialRows, whole.rows, k as u64),
                Some(weights) => drawn(comm, *seed, weights, k)?,
            };
            rows(comm, shard, &numbers, whole.dims).map(free)
        }
        Init::KMeansPlusPlus { seed } => {
            seeding::plus_plus(comm, shard, *seed, k, whole, grid, weights)
        }
        Init::KMeansParallel { seed } => {
            seeding::parallel(comm, shard, *seed, k, whole, grid, weights)
        }
        Init::Given { path } => given(comm, path, (k, whole.dims), offsets).map(free),
    }
}

/// k distinct rows of all lanes, each drawn with a probability in proportion to its weight among
/// those that are left.
///
/// P. S. Efraimidis and P. G. Spirakis, *Weighted random sampling with a reservoir*, Inf. Proc.
/// Letters 97 (2006): every row waits for an exponentially distributed time of mean 1/w, and the
/// first k are taken. The times depend on the seed and the row alone.
pub fn drawn(comm: &dyn Comm, seed: u64, weights: &Weights, k: usize) -> Result<Vec<u64>> {
    let stream = random::Stream::new(seed, Purpose::InitialRows);
    let mut waits: Vec<(u64, u64)> = Vec::new();
    for (row, &weight) in (weights.first..).zip(&weights.values) {
        if weight > 0.0 {
            // At least 0, so that bits order as values do.
            let wait = -libm::log1p(-stream.unit(row)) / f64::from(weight);
            waits.push((wait.abs().to_bits(), row));
        }
    }
    waits.sort_unstable();
    waits.truncate(k);
    let lane = comm.lane();
    let mine: Vec<u64> = waits.iter().flat_map(|&(wait, row)| [wait, row]).collect();
    let mut lengths = vec![0u64; lane.count];
    lengths[lane.index] = size_of_val(&mine[..]) as u64;
    comm.all_reduce(Op::Sum, Buf::U64(&mut lengths))?;
    let lengths: Vec<usize> = lengths.into_iter().map(|length| length as usize).collect();
    let mut all = vec![0u64; lengths.iter().sum::<usize>() / size_of::<u64>()];
    comm.all_gather_v(bytes::of(&mine), &lengths, bytes::of_mut(&mut all))?;
    let mut all: Vec<[u64; 2]> = all.as_chunks().0.to_vec();
    all.sort_unstable();
    if all.len() < k {
        return Err(Error::data(format!(
            "k = {k} clusters need at least {k} rows of weight, the data has {}",
            all.len()
        ))
        .hint("choose a smaller k or give more rows a weight above 0"));
    }
    Ok(all[..k].iter().map(|[_, row]| *row).collect())
}

/// The k rows of a file less these offsets, which the first lane reads, on every lane.
pub fn given<T: Number>(
    comm: &dyn Comm,
    path: &Path,
    (k, dims): (usize, usize),
    offsets: &[f64],
) -> Result<Vec<T>> {
    let mut values = vec![T::default(); k * dims];
    let mut fill = || read(path, (k, dims), offsets, &mut values);
    agreed(comm, if comm.lane().is_root() { fill() } else { Ok(()) })?;
    comm.broadcast(0, bytes::of_mut(&mut values))?;
    Ok(values)
}

/// The rows with these global numbers, wherever they are, on every lane: `numbers.len()` × dims.
pub fn rows<T: Number>(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard<T>,
    numbers: &[u64],
    dims: usize,
) -> Result<Vec<T>> {
    let places: Vec<(usize, u64)> = numbers.iter().copied().enumerate().collect();
    placed(comm, shard, Ok(places), numbers.len(), dims)
}

/// Rows on every lane, `count` × dims: each lane says which rows it knows to be at which place, and
/// those that it has are taken. Every place is filled by exactly one lane.
pub fn placed<T: Number>(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard<T>,
    places: Result<Vec<(usize, u64)>>,
    count: usize,
    dims: usize,
) -> Result<Vec<T>> {
    let mut row = vec![T::default(); dims];
    // Every row is on exactly one lane; the others add zero to its bits.
    let mut bits = vec![0u64; count * dims];
    let copy = places.and_then(|places| {
        for (place, number) in places {
            if shard.row(number, &mut row)? {
                let bits = &mut bits[place * dims..][..dims];
                bits.iter_mut().zip(&row).for_each(|(bits, x)| *bits = x.bits());
            }
        }
        Ok(())
    });
    agreed(comm, copy)?;
    comm.all_reduce(Op::Sum, Buf::U64(&mut bits))?;
    Ok(bits.into_iter().map(T::from_bits).collect())
}

fn read<T: Number>(
    path: &Path,
    (k, dims): (usize, usize),
    offsets: &[f64],
    into: &mut [T],
) -> Result<()> {
    let dataset = Dataset::File {
        path: path.to_path_buf(),
        format: None,
        labels: Labels::None,
        dataset: None,
        sample: None,
    };
    let source = data::open(&dataset)?;
    let shape = source.shape();
    if shape.rows != k as u64 || shape.dims != dims {
        return Err(Error::data(format!(
            "initial centroids are {} x {}, k x columns of the data is {k} x {dims}",
            shape.rows, shape.dims
        ))
        .at(path, 0, 0));
    }
    T::read(load::less(source.rows(0..shape.rows)?, offsets).as_mut(), into)?;
    Ok(())
}

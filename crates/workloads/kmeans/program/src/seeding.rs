//! Initial centroids drawn in proportion to squared distances: k-means++ and k-means||.
//!
//! **k-means++** (D. Arthur and S. Vassilvitskii, *k-means++: the advantages of careful seeding*,
//! SODA 2007) in its greedy form: the first centre is any row; for each further one 2 + ⌊ln k⌋ rows
//! are drawn, each with a probability in proportion to its squared distance to the nearest centre,
//! and the one that leaves the smallest sum of squared distances is taken.
//!
//! **k-means||** (B. Bahmani et al., *Scalable k-means++*, PVLDB 5(7), 2012): in each of a few
//! rounds every row is drawn on its own with probability min(1, ℓ·D²/ΣD²), ℓ = 2k; the rows that
//! were drawn, weighted by how many rows they are nearest to, are clustered by k-means++ to k. A
//! few passes and collectives instead of k.
//!
//! Where rows have weights, a row counts like so many: its squared distance is multiplied by its
//! weight.
//!
//! **The same on any number of lanes.** Squared distances are f64, bit by bit the same on
//! every device ([`squared_distance`]). Their sums are exact integers ([`WideSum`]), so a random number picks
//! a place on the line of all rows' distances, in row order, that does not depend on how rows are
//! spread. Random numbers are looked up by step and trial (k-means++) or by row and round
//! (k-means||).

use crate::device::{Centroids, KMeansShard, Number, Partial};
use crate::init;
use crate::init::Start;
use crate::intake::Weights;
use amdahl_data::Shape;
use amdahl_data::random::{Purpose, Stream};
use amdahl_lanes::comm::{Buf, Comm, Op, agreed, bytes};
use amdahl_lanes::exact::{Grid, WideSum, squared_distance};
use amdahl_record::error::{Error, Result};

/// Rounds of k-means||: five are enough, says the paper.
const ROUNDS: u32 = 5;

/// Rows that a round draws on average, for each cluster.
const OVERSAMPLING: f64 = 2.0;

/// Rows that are drawn for each centre of k clusters.
pub fn trials(k: usize) -> usize {
    2 + libm::log(k as f64) as usize
}

/// A lane's view of the choice.
struct Seeding<'a, T> {
    comm: &'a dyn Comm,
    shard: &'a mut dyn KMeansShard<T>,
    whole: Shape,
    grid: &'a Grid,
    draws: Stream,
    /// k × dims, those that are chosen.
    centres: Vec<T>,
    /// Distances that were evaluated on all lanes.
    distances: u64,
}

/// Initial centroids by greedy k-means++.
pub fn plus_plus<T: Number>(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard<T>,
    seed: u64,
    k: usize,
    whole: Shape,
    grid: &Grid,
    weights: Option<&Weights>,
) -> Result<Start<T>> {
    let mut seeding = Seeding::start(comm, shard, seed, whole, grid, weights)?;
    let trials = trials(k);
    let mut mine = seeding.sum()?;
    for step in 1..k {
        mine = seeding.add_best_of(step as u64, trials, &mine)?;
    }
    Ok(Start { centroids: seeding.centres, distances: seeding.distances })
}

/// Initial centroids by k-means||.
pub fn parallel<T: Number>(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard<T>,
    seed: u64,
    k: usize,
    whole: Shape,
    grid: &Grid,
    weights: Option<&Weights>,
) -> Result<Start<T>> {
    let mut seeding = Seeding::start(comm, shard, seed, whole, grid, weights)?;
    let dims = whole.dims;
    let rows = Stream::new(seed, Purpose::Oversampling);
    for round in 0..ROUNDS {
        seeding.oversample(round, OVERSAMPLING * k as f64, &rows)?;
    }
    // Few distinct rows, or luck: the rest as k-means++ does it, one trial each.
    let mut mine = seeding.sum()?;
    while seeding.centres.len() < k * dims {
        mine = seeding.add_best_of((seeding.centres.len() / dims) as u64, 1, &mine)?;
    }
    let weights = seeding.weights()?;
    let (mut distances, candidates) = (seeding.distances, seeding.centres);
    let centroids = weighted_plus_plus(&candidates, &weights, k, dims, seed, &mut distances);
    Ok(Start { centroids, distances })
}

impl<'a, T: Number> Seeding<'a, T> {
    /// With a first centre, which is any row, in proportion to its weight.
    fn start(
        comm: &'a dyn Comm,
        shard: &'a mut dyn KMeansShard<T>,
        seed: u64,
        whole: Shape,
        grid: &'a Grid,
        weights: Option<&Weights>,
    ) -> Result<Seeding<'a, T>> {
        agreed(comm, shard.seed_start(grid))?;
        let draws = Stream::new(seed, Purpose::Seeding);
        let mut seeding =
            Seeding { comm, shard, whole, grid, draws, centres: Vec::new(), distances: 0 };
        let first = match weights {
            None => vec![draws.below(0, whole.rows)],
            Some(weights) => init::drawn(comm, seed, weights, 1)?,
        };
        let first = init::rows(comm, seeding.shard, &first, whole.dims)?;
        seeding.take(&first)?;
        seeding.distances += whole.rows;
        Ok(seeding)
    }

    fn take(&mut self, centres: &[T]) -> Result<()> {
        let dims = self.whole.dims;
        self.centres.extend_from_slice(centres);
        agreed(
            self.comm,
            self.shard.seed_take(Centroids { values: centres, k: centres.len() / dims, dims }),
        )
    }

    /// Σ of this lane's squared distances.
    fn sum(&mut self) -> Result<WideSum> {
        let mut sum = self.grid.distance_sum();
        let added = self.shard.seed_distances(&mut |_, distances| {
            distances.iter().for_each(|&distance| sum.add(distance));
            true
        });
        agreed(self.comm, added)?;
        Ok(sum)
    }

    /// Draws rows by their squared distances, of which this lane's sum is `mine`, and makes the
    /// best of them a centre. Returns this lane's new sum.
    fn add_best_of(&mut self, step: u64, trials: usize, mine: &WideSum) -> Result<WideSum> {
        let dims = self.whole.dims;
        let lane = self.comm.lane();
        let mut sums = vec![0i128; lane.count];
        self.comm.all_gather_v(
            bytes::of(&[mine.units()]),
            &vec![size_of::<i128>(); lane.count],
            bytes::of_mut(&mut sums),
        )?;
        let (before, total) = (sums[..lane.index].iter().sum::<i128>(), sums.iter().sum::<i128>());
        let drawn = (0..trials).map(|trial| {
            let block = self.draws.block(step, trial as u32);
            u64::from(block[0]) | u64::from(block[1]) << 32
        });
        let found = if total == 0 {
            // Every row lies on a centre: any row is as good.
            let rows = u128::from(self.whole.rows);
            Ok(drawn.map(|bits| ((u128::from(bits) * rows) >> 64) as u64).enumerate().collect())
        } else {
            let mut targets: Vec<(i128, usize)> = drawn
                .enumerate()
                .map(|(trial, bits)| (fraction(total, bits) - before, trial))
                .filter(|(target, _)| (0..mine.units()).contains(target))
                .collect();
            targets.sort_unstable();
            self.find(&targets)
        };
        let candidates = init::placed(self.comm, self.shard, found, trials, dims)?;
        let mut sums = vec![self.grid.distance_sum(); trials];
        let tried =
            self.shard.seed_try(Centroids { values: &candidates, k: trials, dims }, &mut sums);
        agreed(self.comm, tried)?;
        self.distances += self.whole.rows * trials as u64;
        let mut limbs: Vec<i64> = sums.iter().flat_map(WideSum::limbs).collect();
        self.comm.all_reduce(Op::Sum, Buf::I64(&mut limbs))?;
        let left = |limbs: &[i64; 4]| {
            let mut sum = self.grid.distance_sum();
            sum.set_limbs(*limbs);
            sum.units()
        };
        // Of equal sums the first.
        let best = limbs
            .as_chunks::<4>()
            .0
            .iter()
            .map(left)
            .enumerate()
            .min_by_key(|&(trial, left)| (left, trial));
        let best = best.map_or(0, |(trial, _)| trial);
        self.take(&candidates[best * dims..][..dims])?;
        Ok(sums[best])
    }

    /// The rows of this lane in which these targets lie, on the line of their squared distances.
    /// Targets rise.
    fn find(&mut self, targets: &[(i128, usize)]) -> Result<Vec<(usize, u64)>> {
        let mut found = Vec::with_capacity(targets.len());
        let mut sum = self.grid.distance_sum();
        if targets.is_empty() {
            return Ok(found);
        }
        self.shard.seed_distances(&mut |first, distances| {
            for (i, &distance) in distances.iter().enumerate() {
                sum.add(distance);
                while let Some(&(target, trial)) = targets.get(found.len())
                    && sum.units() > target
                {
                    found.push((trial, first + i as u64));
                }
            }
            found.len() < targets.len()
        })?;
        if found.len() < targets.len() {
            return Err(Error::internal("a device gave other distances than it summed up"));
        }
        Ok(found)
    }

    /// A round of k-means||: about `wanted` rows become centres.
    fn oversample(&mut self, round: u32, wanted: f64, rows: &Stream) -> Result<()> {
        let (lane, dims) = (self.comm.lane(), self.whole.dims);
        let mut total = self.sum()?;
        let mut limbs = total.limbs();
        self.comm.all_reduce(Op::Sum, Buf::I64(&mut limbs))?;
        total.set_limbs(limbs);
        let total = total.value();
        let mut mine: Vec<u64> = Vec::new();
        let drawn = self.shard.seed_distances(&mut |first, distances| {
            for (row, &distance) in (first..).zip(distances) {
                // A row on a centre is never drawn.
                let probability = wanted * distance / total;
                if probability > 0.0 && unit(rows.block(row, round)) < probability {
                    mine.push(row);
                }
            }
            true
        });
        agreed(self.comm, drawn)?;
        let mut counts = vec![0u64; lane.count];
        counts[lane.index] = size_of_val(&mine[..]) as u64;
        self.comm.all_reduce(Op::Sum, Buf::U64(&mut counts))?;
        let counts: Vec<usize> = counts.into_iter().map(|count| count as usize).collect();
        let mut numbers = vec![0u64; counts.iter().sum::<usize>() / size_of::<u64>()];
        self.comm.all_gather_v(bytes::of(&mine), &counts, bytes::of_mut(&mut numbers))?;
        let centres = init::rows(self.comm, self.shard, &numbers, dims)?;
        self.distances += self.whole.rows * numbers.len() as u64;
        self.take(&centres)
    }

    /// How many rows each centre is nearest to.
    fn weights(&mut self) -> Result<Vec<i64>> {
        let (dims, k) = (self.whole.dims, self.centres.len() / self.whole.dims);
        let mut sums = Partial::of::<T>(k, dims);
        let centres = Centroids { values: &self.centres, k, dims };
        let shard = &mut *self.shard;
        let counted = shard.restart(self.grid, k).and_then(|()| shard.step(centres, &mut sums));
        agreed(self.comm, counted)?;
        self.comm.all_reduce(Op::Sum, Buf::I64(&mut sums.counts))?;
        self.distances += self.whole.rows * k as u64;
        Ok(sums.counts)
    }
}

/// total × bits / 2^64, rounded down: below total.
fn fraction(total: i128, bits: u64) -> i128 {
    let (high, low) = ((total >> 64) as u128, total as u64);
    let product = high * u128::from(bits) + ((u128::from(low) * u128::from(bits)) >> 64);
    product as i128
}

/// 53 random bits as a number in [0, 1).
fn unit(block: [u32; 4]) -> f64 {
    let bits = u64::from(block[0]) | u64::from(block[1]) << 32;
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Greedy k-means++ on weighted rows, which every lane has: `k` of them. There are at least k.
/// Plain f64 in a fixed order.
fn weighted_plus_plus<T: Number>(
    rows: &[T],
    weights: &[i64],
    k: usize,
    dims: usize,
    seed: u64,
    distances: &mut u64,
) -> Vec<T> {
    let draws = Stream::new(seed, Purpose::Reclustering);
    let row = |i: usize| &rows[i * dims..][..dims];
    let count = weights.len();
    let mut centres: Vec<usize> = Vec::with_capacity(k);
    // Of each row: squared distance to the nearest centre, and which that is.
    let (mut nearest, mut owner) = (vec![f64::INFINITY; count], vec![0usize; count]);
    let (mut trial, mut best) = (Vec::new(), Vec::new());
    for step in 0..k {
        let mass =
            |i: usize| if step == 0 { weights[i] as f64 } else { weights[i] as f64 * nearest[i] };
        let total: f64 = (0..count).map(mass).sum();
        let mut least = (f64::INFINITY, 0);
        for t in 0..if step == 0 { 1 } else { trials(k) } {
            let target = unit(draws.block(step as u64, t as u32)) * total;
            let mut sum = 0.0;
            let candidate = (0..count).find(|&i| {
                sum += mass(i);
                sum > target
            });
            // Rounding at the very end, or all rows lie on centres: a row that is no centre yet.
            let fallback = || (0..count).rev().find(|i| !centres.contains(i)).unwrap_or(0);
            let candidate = candidate.unwrap_or_else(fallback);
            // A row is nearer to its centre than to a candidate at least twice as far from that
            // centre.
            let apart: Vec<f64> =
                centres.iter().map(|&c| squared_distance(row(candidate), row(c))).collect();
            *distances += centres.len() as u64;
            trial.clear();
            let mut left = total;
            for i in 0..count {
                if step > 0 && apart[owner[i]] >= 4.000_001 * nearest[i] {
                    continue;
                }
                *distances += 1;
                let distance = squared_distance(row(i), row(candidate));
                if distance < nearest[i] {
                    if step > 0 {
                        left -= weights[i] as f64 * (nearest[i] - distance);
                    }
                    trial.push((i, distance));
                }
            }
            if t == 0 || left < least.0 {
                least = (left, candidate);
                std::mem::swap(&mut trial, &mut best);
            }
        }
        for &(i, distance) in &best {
            (nearest[i], owner[i]) = (distance, centres.len());
        }
        centres.push(least.1);
    }
    centres.into_iter().flat_map(|i| row(i).iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::KMeansDevice;
    use crate::device::cpu::Cpu;
    use amdahl_data::MatrixRows;
    use amdahl_lanes::comm::solo::Solo;

    /// Greedy k-means++ in plain f64, one row after the other: the same draws, none of the code.
    fn naive(rows: &[f32], dims: usize, k: usize, seed: u64) -> Vec<f32> {
        let rows: Vec<&[f32]> = rows.chunks_exact(dims).collect();
        let square = |a: &[f32], b: &[f32]| {
            a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>()
        };
        let draw = |step: usize, trial: usize| {
            let block = Stream::new(seed, Purpose::Seeding).block(step as u64, trial as u32);
            (u64::from(block[0]) | u64::from(block[1]) << 32) as f64 / 2f64.powi(64)
        };
        let mut chosen = vec![rows[(draw(0, 0) * rows.len() as f64) as usize]];
        for step in 1..k {
            let nearest: Vec<f64> = rows
                .iter()
                .map(|row| chosen.iter().map(|c| square(row, c)).fold(f64::INFINITY, f64::min))
                .collect();
            let total: f64 = nearest.iter().sum();
            let tried = (0..2 + (k as f64).ln() as usize).map(|trial| {
                let mut left = draw(step, trial) * total;
                let row = nearest.iter().position(|&distance| {
                    left -= distance;
                    left < 0.0
                });
                let candidate = rows[row.expect("a draw is below the total")];
                let sum: f64 = rows
                    .iter()
                    .zip(&nearest)
                    .map(|(row, near)| near.min(square(row, candidate)))
                    .sum();
                (sum, candidate)
            });
            chosen.push(tried.min_by(|a, b| a.0.total_cmp(&b.0)).expect("two trials or more").1);
        }
        chosen.concat()
    }

    #[test]
    fn it_chooses_what_a_naive_implementation_chooses() {
        for (n, dims, k, seed) in
            [(300, 4, 10, 1), (500, 2, 40, 2), (200, 17, 3, 3), (1000, 3, 12, 4)]
        {
            let numbers = Stream::new(seed, Purpose::Noise);
            let rows: Vec<f32> =
                (0..n * dims).map(|i| numbers.unit(i as u64) as f32 * (1 + i % 3) as f32).collect();
            let device = Cpu::new().expect("a kernel");
            let mut shard =
                device.prepare(&mut MatrixRows::new(&rows, dims, 0)).expect("rows in memory");
            let whole = Shape { rows: n as u64, dims };
            let grid = Grid::new(&vec![3.0; dims], n as u64).expect("few rows");
            let start =
                plus_plus(&Solo, shard.as_mut(), seed, k, whole, &grid, None).expect("a choice");
            assert_eq!(start.centroids, naive(&rows, dims, k, seed), "{n} x {dims}, k = {k}");
            assert_eq!(start.distances, (n * (1 + (k - 1) * trials(k))) as u64);
        }
    }

    #[test]
    fn a_fraction_of_a_total_is_below_it() {
        assert_eq!(fraction(1 << 100, 1 << 63), 1 << 99);
        assert_eq!(fraction(i128::MAX, 0), 0);
        assert!(fraction(i128::MAX, u64::MAX) < i128::MAX && fraction(1, u64::MAX) == 0);
    }

    #[test]
    fn weighted_choice_keeps_the_heavy_and_the_far() {
        // Two heavy places and one far away; light rows between.
        let rows = [0.0, 0.1, 10.0, 10.1, 1000.0, 5.0];
        let mut distances = 0;
        for seed in 0..20 {
            let weights = [1000, 1, 1000, 1, 50, 1];
            let mut chosen = weighted_plus_plus(&rows, &weights, 3, 1, seed, &mut distances);
            chosen.sort_by(f32::total_cmp);
            assert!(
                chosen[0] < 1.0 && (9.0..11.0).contains(&chosen[1]) && chosen[2] == 1000.0,
                "{chosen:?}"
            );
        }
        assert!(distances > 0);
    }
}

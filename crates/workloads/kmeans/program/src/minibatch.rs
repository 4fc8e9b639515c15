//! Mini-batch k-means: each iteration learns from one random batch of rows.
//!
//! D. Sculley, *Web-scale k-means clustering*, WWW 2010: the rows of a batch get the label of their
//! nearest centroid; then each row moves its centroid by 1/v of the way to the row, where v counts
//! the rows that the centroid has seen so far. So a centroid is the mean of all rows that it ever
//! was given, and that is how it is computed here: from exact sums, which do not depend on the
//! order of the rows, nor on how they are spread over lanes. A centroid that was given none stays
//! where it is.
//!
//! Rows are drawn with replacement; row i of batch s is looked up by (s, i), so every lane knows
//! the whole batch and takes its own part. It ends after the given number of batches; with a
//! tolerance, also when the squared shift of the centroids was at most that in [`CALM`] iterations
//! one after the other. Labels and inertia of all rows come from one pass at the end.

use crate::device::{Centroids, Number, Partial, StepStats};
use crate::engine::{End, Engine, Iteration, Limit, Reason, Watch};
use crate::update;
use amdahl_data::random::{Purpose, Stream};
use amdahl_data::shard::shard;
use amdahl_lanes::comm::{Buf, Op, agreed};
use amdahl_lanes::exact::Grid;
use amdahl_record::Phase;
use amdahl_record::error::{Error, Result};

/// Iterations with little shift, one after the other, after which it has converged.
pub const CALM: u32 = 10;

/// A clustering by batches.
pub struct Batches {
    /// Rows of each.
    pub size: u32,
    /// Seed of their draws.
    pub seed: u64,
}

impl Batches {
    /// Makes ready for batches, after [`Engine::restart`].
    pub fn begin<T: Number>(&self, engine: &mut Engine<'_, T>, limit: Limit) -> Result<()> {
        let (comm, k) = (engine.comm, engine.k);
        let grid = agreed(comm, self.grid(engine, limit))?;
        agreed(comm, engine.shard.restart(&grid, k))?;
        // This lane's share of a batch, and four standard deviations of the number that is drawn.
        let mine = shard(comm.lane().index as u64, comm.lane().count as u64, engine.whole.rows);
        let share =
            f64::from(self.size) * (mine.end - mine.start) as f64 / engine.whole.rows.max(1) as f64;
        let most = (share + 4.0 * share.sqrt()).ceil().min(f64::from(self.size));
        agreed(comm, engine.shard.expect_batches(most as usize))
    }

    /// The grid for the sums of all batches.
    fn grid<T: Number>(&self, engine: &Engine<'_, T>, limit: Limit) -> Result<Grid> {
        engine.grid.for_terms(u64::from(self.size).saturating_mul(u64::from(limit.iterations)))
    }

    /// Iterations from `centroids`, which end as the last ones. [`Batches::begin`] comes first;
    /// rows have no labels afterwards.
    pub fn run<T: Number>(
        &self,
        engine: &mut Engine<'_, T>,
        centroids: &mut Vec<T>,
        limit: Limit,
        watch: &dyn Watch,
    ) -> Result<End> {
        let (k, whole) = (engine.k, engine.whole);
        let grid = agreed(engine.comm, self.grid(engine, limit))?;
        let stream = Stream::new(self.seed, Purpose::Batch);
        let mut seen = Partial::of::<T>(k, whole.dims);
        let mut new = centroids.clone();
        let mut calm = 0;
        let mut end = End {
            iterations: limit.iterations,
            reason: Reason::Iterations,
            labels_are_final: false,
        };
        for number in 1..=limit.iterations {
            watch.phase(Phase::ASSIGN);
            let ready = watch.begins(number);
            self.add(engine, ready, number, &stream, centroids, &mut seen)?;
            watch.phase(Phase::UPDATE);
            update::means(&seen, &grid, centroids, &mut new);
            let shift = update::shift(centroids, &new);
            std::mem::swap(centroids, &mut new);
            watch.ended(&Iteration { number, changed: u64::from(self.size), shift });
            calm =
                if limit.rule.is_some_and(|tolerance| shift <= tolerance) { calm + 1 } else { 0 };
            if calm == CALM && limit.rule.is_some_and(|tolerance| tolerance > 0.0) {
                end = End { iterations: number, reason: Reason::Shift, ..end };
                break;
            }
        }
        Ok(end)
    }

    /// Labels a batch and adds its rows to what the centroids have seen.
    fn add<T: Number>(
        &self,
        engine: &mut Engine<'_, T>,
        ready: Result<()>,
        number: u32,
        stream: &Stream,
        centroids: &[T],
        seen: &mut Partial,
    ) -> Result<()> {
        let (comm, k, whole) = (engine.comm, engine.k, engine.whole);
        let mine = shard(comm.lane().index as u64, comm.lane().count as u64, whole.rows);
        let drawn = (0..self.size).map(|i| {
            let block = stream.block(u64::from(number), i);
            let bits = u64::from(block[0]) | u64::from(block[1]) << 32;
            ((u128::from(bits) * u128::from(whole.rows)) >> 64) as u64
        });
        let rows: Vec<u64> = drawn.filter(|row| mine.contains(row)).collect();
        let mut sums = Partial::of::<T>(k, whole.dims);
        let centroids = Centroids { values: centroids, k, dims: whole.dims };
        let stepped = ready.and_then(|()| engine.shard.batch(&rows, centroids, &mut sums));
        let StepStats { distances, .. } = stepped.as_ref().copied().unwrap_or_default();
        // As in a step: one collective, failures included.
        let wire = &mut engine.wire;
        wire.clear();
        wire.extend_from_slice(&sums.sums);
        wire.extend_from_slice(&sums.counts);
        wire.extend([distances as i64, i64::from(stepped.is_err())]);
        comm.all_reduce(Op::Sum, Buf::I64(wire))?;
        let (sums, rest) = wire.split_at(seen.sums.len());
        let (counts, rest) = rest.split_at(k);
        if rest[1] != 0 {
            return Err(comm
                .agree(stepped.map(|_| ()))
                .err()
                .unwrap_or_else(|| Error::internal("a lane failed")));
        }
        engine.distances += rest[0] as u64;
        seen.sums.iter_mut().zip(sums).for_each(|(seen, sum)| *seen += sum);
        seen.counts.iter_mut().zip(counts).for_each(|(seen, count)| *seen += count);
        Ok(())
    }
}

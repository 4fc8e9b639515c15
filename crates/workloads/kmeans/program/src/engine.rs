//! The clustering itself, as every lane runs it: a shard on a device, the other lanes, and Lloyd's
//! iteration over both.
//!
//! Cells that are measured and data that a person wants clustered run this same code. Whoever needs
//! to know how it goes on (a recorder of phases, a progress bar, a fault on purpose) gives a
//! [`Watch`].

use crate::device::{Centroids, KMeansDevice, KMeansShard, LabelSink, Number, Partial};
use crate::intake;
use crate::intake::{Inspected, Rows, Weights};
use crate::minibatch::Batches;
use crate::{init, update};
use amdahl_data::Shape;
use amdahl_kmeans_description::spec::{Algorithm, Init};
use amdahl_lanes::comm::{Buf, Comm, Op, agreed};
use amdahl_lanes::exact::{Grid, WideSum};
use amdahl_record::Phase;
use amdahl_record::error::{Error, Result};

/// Looks on while lanes cluster. Every lane has one of its own.
pub trait Watch {
    /// A phase begins.
    fn phase(&self, _phase: Phase) {}

    /// An iteration (from 1) begins. An error ends the clustering on all lanes.
    fn begins(&self, _iteration: u32) -> Result<()> {
        Ok(())
    }

    /// An iteration ended.
    fn ended(&self, _iteration: &Iteration) {}
}

/// Nobody looks on.
pub struct Unwatched;

impl Watch for Unwatched {}

/// What an iteration did, the same on every lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// Its number, from 1.
    pub number: u32,
    /// Rows whose label changed; all rows in the first.
    pub changed: u64,
    /// Σ over the centroids of the squared length of their shift.
    pub shift: f64,
}

/// When to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// After this many iterations at the latest.
    pub iterations: u32,
    /// End when no label changes, or when the squared shift is at most this; `None` goes on to the
    /// last iteration.
    pub rule: Option<f64>,
}

/// Why the iterations ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No label changed.
    Unchanged,
    /// The centroids moved by no more than the tolerance.
    Shift,
    /// The limit of iterations was reached.
    Iterations,
}

/// How the iterations ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Iterations that were run.
    pub iterations: u32,
    /// Why no more.
    pub reason: Reason,
    /// The labels of the last step belong to the final centroids.
    pub labels_are_final: bool,
}

impl End {
    /// Did it end by its rule?
    pub fn converged(&self) -> bool {
        self.reason != Reason::Iterations
    }
}

/// A lane's state of a clustering.
pub struct Engine<'a, T = f32> {
    pub(super) comm: &'a dyn Comm,
    pub(super) shard: Box<dyn KMeansShard<T> + 'a>,
    pub(super) grid: Grid,
    pub(super) whole: Shape,
    /// What was taken off each column of the data; empty where nothing was.
    offsets: Vec<f64>,
    pub(super) k: usize,
    /// Those of this lane's rows, if they have any.
    pub(super) weights: Option<Weights>,
    /// Of all rows together; their number where they have no weights.
    pub(super) weight: f64,
    /// This lane's sums, then everybody's.
    sums: Partial,
    /// What goes over the communicator: sums, counts, changed labels, distances, lanes with an
    /// error.
    pub(super) wire: Vec<i64>,
    /// Distances that were evaluated since the last restart, on all lanes.
    pub(super) distances: u64,
    /// Those that the choice of the initial centroids took.
    initial_distances: u64,
}

impl<'a, T: Number> Engine<'a, T> {
    /// Takes this lane's rows onto the device.
    pub fn load(
        comm: &'a dyn Comm,
        device: &'a dyn KMeansDevice<T>,
        rows: &mut dyn Rows<T>,
    ) -> Result<(Engine<'a, T>, Inspected)> {
        let (whole, offsets) = (rows.whole(), rows.offsets().to_vec());
        let (shard, taken) = agreed(comm, intake::take(device, rows))?;
        let (grid, weight) = taken.grid(comm, whole.rows)?;
        let intake::Taken { inspected, weights, .. } = taken;
        let sums = Partial::of::<T>(0, whole.dims);
        let (k, wire, distances, initial_distances) = (0, Vec::new(), 0, 0);
        Ok((
            Engine {
                comm,
                shard,
                grid,
                whole,
                offsets,
                weights,
                weight,
                k,
                sums,
                wire,
                distances,
                initial_distances,
            },
            inspected,
        ))
    }

    /// The other lanes.
    pub fn comm(&self) -> &'a dyn Comm {
        self.comm
    }

    /// The rows with these global numbers, on every lane: `numbers.len()` × columns.
    pub fn rows(&mut self, numbers: &[u64]) -> Result<Vec<T>> {
        init::rows(self.comm, self.shard.as_mut(), numbers, self.whole.dims)
    }

    /// Rows and columns of all lanes together.
    pub fn whole(&self) -> Shape {
        self.whole
    }

    /// The weight of all rows together; their number where they have no weights.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Rows of each cluster by the last step, over all lanes; where rows have weights, their weight
    /// in units of the grid.
    pub fn counts(&self) -> &[i64] {
        &self.sums.counts
    }

    /// The initial centroids, k × dims row-major, the same on every lane.
    pub fn initial(&mut self, init: &Init, k: usize) -> Result<Vec<T>> {
        let start = init::centroids(
            self.comm,
            self.shard.as_mut(),
            init,
            k,
            (self.whole, &self.offsets),
            &self.grid,
            self.weights.as_ref(),
        )?;
        self.initial_distances = start.distances;
        Ok(start.centroids)
    }

    /// Distances (or scores in their place) that steps have evaluated since the last restart, over
    /// all lanes.
    pub fn distances(&self) -> u64 {
        self.distances
    }

    /// Those that the last choice of initial centroids evaluated.
    pub fn initial_distances(&self) -> u64 {
        self.initial_distances
    }

    /// Forgets labels and sums: the next step begins a clustering with `k` clusters.
    pub fn restart(&mut self, k: usize) -> Result<()> {
        self.k = k;
        self.distances = 0;
        self.sums = Partial::of::<T>(k, self.whole.dims);
        agreed(self.comm, self.shard.restart(&self.grid, k))
    }

    /// One assignment and one reduction: afterwards the sums are those of all rows. Returns how
    /// many labels changed.
    pub fn step(&mut self, centroids: &[T]) -> Result<u64> {
        self.step_unless(Ok(()), centroids)
    }

    /// `ready` is an error that this lane already has.
    fn step_unless(&mut self, ready: Result<()>, centroids: &[T]) -> Result<u64> {
        let comm = self.comm;
        let centroids = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
        let stepped = ready.and_then(|()| self.shard.step(centroids, &mut self.sums));
        if comm.lane().count == 1 {
            let stats = stepped?;
            self.distances += stats.distances;
            return Ok(stats.changed);
        }
        // One collective carries the sums and whether any lane failed, so that no lane waits for
        // one that has given up.
        self.wire.clear();
        self.wire.extend_from_slice(&self.sums.sums);
        self.wire.extend_from_slice(&self.sums.counts);
        self.wire.push(stepped.as_ref().map_or(0, |stats| stats.changed as i64));
        self.wire.push(stepped.as_ref().map_or(0, |stats| stats.distances as i64));
        self.wire.push(i64::from(stepped.is_err()));
        comm.all_reduce(Op::Sum, Buf::I64(&mut self.wire))?;
        let (sums, rest) = self.wire.split_at(self.sums.sums.len());
        let (counts, rest) = rest.split_at(self.k);
        if rest[2] != 0 {
            return Err(comm
                .agree(stepped.map(|_| ()))
                .err()
                .unwrap_or_else(|| Error::internal("a lane failed")));
        }
        self.sums.sums.copy_from_slice(sums);
        self.sums.counts.copy_from_slice(counts);
        self.distances += rest[1] as u64;
        Ok(rest[0] as u64)
    }

    /// Makes ready for [`Engine::run`] with `k` clusters: forgets labels and sums, and has the
    /// device compile and make room for all that the iterations need, so that none of it falls into
    /// their time.
    pub fn begin(&mut self, algorithm: Algorithm, k: usize, limit: Limit) -> Result<()> {
        self.restart(k)?;
        match algorithm {
            Algorithm::Lloyd | Algorithm::Hamerly | Algorithm::Yinyang => Ok(()),
            Algorithm::Minibatch { batch, seed } => {
                Batches { size: batch, seed }.begin(self, limit)
            }
        }
    }

    /// Iterations of an algorithm from `centroids`, which end as the last ones. [`Engine::begin`]
    /// comes first, [`Engine::finish`] next. Whether there are bounds is the device's own affair.
    pub fn run(
        &mut self,
        algorithm: Algorithm,
        centroids: &mut Vec<T>,
        limit: Limit,
        watch: &dyn Watch,
    ) -> Result<End> {
        match algorithm {
            Algorithm::Lloyd | Algorithm::Hamerly | Algorithm::Yinyang => {
                self.iterate(centroids, limit, watch)
            }
            Algorithm::Minibatch { batch, seed } => {
                Batches { size: batch, seed }.run(self, centroids, limit, watch)
            }
        }
    }

    /// After [`Engine::run`]: gives all rows the label of the nearest of its final centroids, where
    /// the last step has not.
    pub fn finish(&mut self, algorithm: Algorithm, centroids: &[T], end: End) -> Result<()> {
        if end.labels_are_final {
            return Ok(());
        }
        if let Algorithm::Minibatch { .. } = algorithm {
            // The sums of batches were on a grid of their own.
            self.restart(self.k)?;
        }
        self.step(centroids).map(drop)
    }

    /// Lloyd's iterations from `centroids`, which end as the last ones. [`Engine::restart`] comes
    /// first.
    pub fn iterate(
        &mut self,
        centroids: &mut Vec<T>,
        limit: Limit,
        watch: &dyn Watch,
    ) -> Result<End> {
        let mut new = vec![T::default(); centroids.len()];
        let mut labels_are_final = false;
        for number in 1..=limit.iterations {
            watch.phase(Phase::ASSIGN);
            let changed = self.step_unless(watch.begins(number), centroids)?;
            watch.phase(Phase::UPDATE);
            let empty = update::means(&self.sums, &self.grid, centroids, &mut new);
            if !empty.is_empty() {
                let old = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
                update::relocate(
                    self.comm,
                    self.shard.as_mut(),
                    old,
                    &self.sums,
                    &self.grid,
                    &empty,
                    &mut new,
                )?;
            }
            labels_are_final = same_bits(centroids, &new);
            let shift = update::shift(centroids, &new);
            std::mem::swap(centroids, &mut new);
            watch.ended(&Iteration { number, changed, shift });
            // In the first step every label is new.
            let unchanged = changed == 0 && number > 1;
            let reason = match limit.rule {
                Some(_) if unchanged => Reason::Unchanged,
                Some(tolerance) if tolerance > 0.0 && shift <= tolerance => Reason::Shift,
                _ => continue,
            };
            return Ok(End { iterations: number, reason, labels_are_final });
        }
        Ok(End { iterations: limit.iterations, reason: Reason::Iterations, labels_are_final })
    }

    /// The mean over the columns of their variance (the population's), bit-identical on any number
    /// of lanes.
    pub fn mean_variance(&mut self) -> Result<f64> {
        self.restart(1)?;
        let mut mean = vec![T::default(); self.whole.dims];
        let zero = vec![T::default(); self.whole.dims];
        self.step(&zero)?;
        update::means(&self.sums, &self.grid, &zero, &mut mean);
        Ok(self.inertia(&mean)? / (self.weight * self.whole.dims as f64))
    }

    /// Σ of squared distances (times weights) by the labels of the last step, over all lanes.
    pub fn inertia(&mut self, centroids: &[T]) -> Result<f64> {
        let centroids = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
        let mut sum: WideSum = self.grid.distance_sum();
        agreed(self.comm, self.shard.inertia(centroids, &mut sum))?;
        let mut limbs = sum.limbs();
        self.comm.all_reduce(Op::Sum, Buf::I64(&mut limbs))?;
        sum.set_limbs(limbs);
        Ok(sum.value())
    }

    /// Hands the labels of this lane's rows to `sink`. An error on one lane is an error on all.
    pub fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()> {
        agreed(self.comm, self.shard.labels(sink))
    }
}

/// Refuses more clusters than rows.
pub fn enough(rows: u64, k: usize) -> Result<()> {
    if rows >= k as u64 {
        return Ok(());
    }
    Err(Error::data(format!("k = {k} clusters need at least {k} rows, the data has {rows}"))
        .hint("choose a smaller k or more points"))
}

fn same_bits<T: Number>(a: &[T], b: &[T]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.bits() == b.bits())
}

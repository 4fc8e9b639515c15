//! Devices: what computes on a lane's shard.
//!
//! A device trait belongs to one workload and stays tiny. The prepared shard owns what is per row
//! and resident (labels, packed tiles, device buffers); the workload sees centroids going in and
//! exact partial sums coming out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use amdahl_data::{RowSource, Value};
use amdahl_lanes::comm::bytes::Plain;
use amdahl_lanes::exact::{Grid, Real, WideSum};
use amdahl_record::device::{DeviceFacts, LaneDevice};
use amdahl_record::error::Result;

pub mod cpu;
pub mod fake;
pub mod pjrt;

/// What rows are made of: f32, which every device computes with, or f64.
pub trait Number: Value + Real + Plain {}

impl<T: Value + Real + Plain> Number for T {}

/// The centroids of one step, row-major k × dims.
#[derive(Clone, Copy, Debug)]
pub struct Centroids<'a, T = f32> {
    /// k × dims values, all finite.
    pub values: &'a [T],
    /// Number of clusters.
    pub k: usize,
    /// Columns.
    pub dims: usize,
}

impl<'a, T> Centroids<'a, T> {
    /// Centroid `j`.
    pub fn row(&self, j: usize) -> &'a [T] {
        &self.values[j * self.dims..(j + 1) * self.dims]
    }
}

/// The exact sums of a shard's rows by cluster, in units of the grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// k × dims sums of quantised values; of f64 as many again, of their second integers
    /// ([`Real::LIMBS`]).
    pub sums: Vec<i64>,
    /// Rows of each cluster; their weight in units of the grid where rows have weights.
    pub counts: Vec<i64>,
}

impl Partial {
    /// All zero, for sums of f32.
    pub fn new(k: usize, dims: usize) -> Self {
        Partial::of::<f32>(k, dims)
    }

    /// All zero, for sums of such values.
    pub fn of<T: Real>(k: usize, dims: usize) -> Self {
        Partial { sums: vec![0; T::LIMBS * k * dims], counts: vec![0; k] }
    }

    /// The integers of the sum at `at`, of k × dims.
    pub fn sum<T: Real>(&self, at: usize) -> [i64; 2] {
        let second = if T::LIMBS > 1 { self.sums[self.sums.len() / 2 + at] } else { 0 };
        [self.sums[at], second]
    }

    /// Adds to the sum at `at`, so many times (1 or −1).
    pub fn add<T: Real>(&mut self, at: usize, units: [i64; 2], times: i64) {
        let second = self.sums.len() / 2 + at;
        self.sums[at] += times * units[0];
        if T::LIMBS > 1 {
            self.sums[second] += times * units[1];
        }
    }
}

/// What a step did beside the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepStats {
    /// Rows whose label differs from the step before; all rows in the first step after a restart.
    pub changed: u64,
    /// Row-to-centroid distances (or equivalent scores) that were evaluated.
    pub distances: u64,
    /// Rows whose two best clusters were too close for f32 and were decided in f64.
    pub rescanned: u64,
}

/// A row and how far it is from its centroid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Far {
    /// Squared distance to the row's centroid, by [`amdahl_lanes::exact::squared_distance`].
    pub distance: f64,
    /// Global number of the row.
    pub row: u64,
    /// The row's cluster.
    pub label: u32,
    /// The row's weight.
    pub weight: f32,
}

/// Nearer first; of equal distances the higher row first. So the greatest is the one to take first.
impl Ord for Far {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(other.row.cmp(&self.row))
    }
}

impl PartialOrd for Far {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Far {}

/// The farthest of many rows.
pub struct Farthest {
    count: usize,
    /// The top is the nearest of those kept: the one to drop.
    kept: BinaryHeap<Reverse<Far>>,
}

impl Farthest {
    /// At most so many.
    pub fn new(count: usize) -> Farthest {
        Farthest { count, kept: BinaryHeap::with_capacity(count + 1) }
    }

    /// Keeps a row if it is one of them so far.
    pub fn offer(&mut self, far: Far) {
        self.kept.push(Reverse(far));
        if self.kept.len() > self.count {
            self.kept.pop();
        }
    }

    /// The one to take first comes first.
    pub fn into_sorted(self) -> Vec<Far> {
        let mut far: Vec<Far> = self.kept.into_iter().map(|entry| entry.0).collect();
        far.sort_by(|a, b| b.cmp(a));
        far
    }
}

/// Receives labels in row order.
pub trait LabelSink {
    /// Labels of consecutive rows, the first of which has the global number `first`.
    fn put(&mut self, first: u64, labels: &[u32]) -> Result<()>;
}

/// What computes k-means on a shard.
pub trait KMeansDevice<T = f32> {
    /// What computes, in its own words: `cpu` for processors.
    fn platform(&self) -> String;

    /// The kernel it will use for this shape.
    fn kernel(&self, dims: usize, k: usize) -> String;

    /// Takes all rows of the source (possibly none) into a resident shard.
    fn prepare<'a>(&'a self, rows: &mut dyn RowSource) -> Result<Box<dyn KMeansShard<T> + 'a>>;

    /// What the record keeps of it, for devices that are not the processor. Asked at the end, of
    /// the first lane.
    fn facts(&self) -> Option<DeviceFacts> {
        None
    }

    /// What it did on this lane, likewise. Asked at the end.
    fn lane_facts(&self) -> Option<LaneDevice> {
        None
    }
}

/// A lane's rows on a device, with their labels.
pub trait KMeansShard<T = f32> {
    /// Gives every row of the shard a weight of at least 0: from now on it counts like so many
    /// rows, in sums, in inertia and in the choice of initial centroids. Before the first restart,
    /// or never.
    fn weigh(&mut self, weights: Vec<f32>) -> Result<()>;

    /// Forgets labels and sums: the next step starts a clustering with `k` clusters whose sums are
    /// taken on `grid`.
    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()>;

    /// Gives every row the label of its nearest centroid and writes the sums over ALL rows of the
    /// shard by their new labels.
    ///
    /// Nearest means: smallest [`amdahl_lanes::exact::squared_distance`], the lower index where two
    /// are equal. Every device of full precision gives the same labels; a label depends on the row
    /// and the centroids alone.
    fn step(&mut self, centroids: Centroids<'_, T>, out: &mut Partial) -> Result<StepStats>;

    /// The labels of the last step, in row order.
    fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()>;

    /// Σ of the rows' squared distances (times their weights) to `centroids` by the labels of the
    /// last step, added exactly to `into`.
    fn inertia(&mut self, centroids: Centroids<'_, T>, into: &mut WideSum) -> Result<()>;

    /// The (at most) `count` rows farthest from their centroid by the labels of the last step: by
    /// falling distance, then by rising row. Rows that weigh nothing on the grid are left out.
    fn farthest(&mut self, centroids: Centroids<'_, T>, count: usize) -> Result<Vec<Far>>;

    /// Batches of up to about so many rows of this shard will come: time to compile for them. After
    /// a restart; may be left out.
    fn expect_batches(&mut self, _rows: usize) -> Result<()> {
        Ok(())
    }

    /// Labels the rows with these global numbers, all in this shard and possibly repeated, and
    /// writes THEIR sums by cluster. Labels of steps and their sums stay as they are.
    fn batch(
        &mut self,
        rows: &[u64],
        centroids: Centroids<'_, T>,
        out: &mut Partial,
    ) -> Result<StepStats>;

    /// Begins to choose initial centroids: no row has a nearest centre yet.
    fn seed_start(&mut self, grid: &Grid) -> Result<()>;

    /// For each candidate: Σ over the rows of the squared distance (times the weight) to the
    /// nearest of the centres and that candidate, added exactly to its sum. There is a centre
    /// already.
    fn seed_try(&mut self, candidates: Centroids<'_, T>, sums: &mut [WideSum]) -> Result<()>;

    /// These become centres too.
    fn seed_take(&mut self, centres: Centroids<'_, T>) -> Result<()>;

    /// Hands the rows' squared distances (by [`amdahl_lanes::exact::squared_distance`], times their
    /// weights) to their nearest centres to `sink`, in row order: the global number of the first,
    /// and their distances. Ends when the sink says no.
    fn seed_distances(&mut self, sink: &mut dyn FnMut(u64, &[f64]) -> bool) -> Result<()>;

    /// Copies the shard's row with the global number `row` into `out`. Returns false when the row
    /// is in another shard.
    fn row(&mut self, row: u64, out: &mut [T]) -> Result<bool>;
}

//! The clustering itself, as every lane runs it: a shard on a device, the other lanes, and Lloyd's iteration over both.
//!
//! Cells that are measured and data that a person wants clustered run this same code. Whoever needs to know how it goes on (a recorder of
//! phases, a progress bar, a fault on purpose) gives a [`Watch`].

use crate::cell::Init;
use crate::data::{RowSource, Shape, digest};
use crate::error::{Error, Result};
use crate::exact::{Grid, WideSum};
use crate::measure::comm::{Buf, Comm, Op, agreed};
use crate::measure::device::{Centroids, KMeansDevice, KMeansShard, LabelSink, Partial};
use crate::record::Phase;
use crate::workload::kmeans::{init, update};
use crate::workload::load::Part;

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
    /// End when no label changes, or when the squared shift is at most this; `None` goes on to the last iteration.
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

/// A lane's rows on their way to a device.
pub trait Rows {
    /// Rows and columns of all lanes together.
    fn whole(&self) -> Shape;

    /// Hands the lane's rows to `take` as a stream, once.
    fn stream(&mut self, take: &mut dyn FnMut(&mut dyn RowSource) -> Result<()>) -> Result<()>;

    /// Rows that are not of the data, to which distances will be measured: n × columns, the same on every lane.
    fn beyond(&self) -> &[f32] {
        &[]
    }
}

impl Rows for Part<'_> {
    fn whole(&self) -> Shape {
        self.whole
    }
    fn stream(&mut self, take: &mut dyn FnMut(&mut dyn RowSource) -> Result<()>) -> Result<()> {
        Part::stream(self, take)
    }
}

/// A lane's state of a clustering.
pub struct Engine<'a> {
    comm: &'a dyn Comm,
    shard: Box<dyn KMeansShard>,
    grid: Grid,
    whole: Shape,
    k: usize,
    /// This lane's sums, then everybody's.
    sums: Partial,
    /// What goes over the communicator: sums, counts, changed labels, distances, lanes with an error.
    wire: Vec<i64>,
    /// Distances that were evaluated since the last restart, on all lanes.
    distances: u64,
    /// Those that the choice of the initial centroids took.
    initial_distances: u64,
}

impl<'a> Engine<'a> {
    /// Takes this lane's rows onto the device.
    pub fn load(comm: &'a dyn Comm, device: &dyn KMeansDevice, rows: &mut dyn Rows) -> Result<(Engine<'a>, Inspected)> {
        let whole = rows.whole();
        let (shard, inspected) = agreed(comm, take(device, rows))?;
        let mut maxima: Vec<u64> = inspected.maxima.iter().map(|&bits| u64::from(bits)).collect();
        comm.all_reduce(Op::Max, Buf::U64(&mut maxima))?;
        let maxima: Vec<f32> = maxima.iter().map(|&bits| f32::from_bits(bits as u32)).collect();
        let grid = agreed(comm, Grid::new(&maxima, whole.rows))?;
        let (k, sums) = (0, Partial::new(0, whole.dims));
        Ok((
            Engine { comm, shard, grid, whole, k, sums, wire: Vec::new(), distances: 0, initial_distances: 0 },
            inspected,
        ))
    }

    /// Rows and columns of all lanes together.
    pub fn whole(&self) -> Shape {
        self.whole
    }

    /// Rows of each cluster by the last step, over all lanes.
    pub fn counts(&self) -> &[i64] {
        &self.sums.counts
    }

    /// The initial centroids, k × dims row-major, the same on every lane.
    pub fn initial(&mut self, init: &Init, k: usize) -> Result<Vec<f32>> {
        let start = init::centroids(self.comm, self.shard.as_mut(), init, k, self.whole, &self.grid)?;
        self.initial_distances = start.distances;
        Ok(start.centroids)
    }

    /// Distances (or scores in their place) that steps have evaluated since the last restart, over all lanes.
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
        self.sums = Partial::new(k, self.whole.dims);
        agreed(self.comm, self.shard.restart(&self.grid, k))
    }

    /// One assignment and one reduction: afterwards the sums are those of all rows. Returns how many labels changed.
    pub fn step(&mut self, centroids: &[f32]) -> Result<u64> {
        self.step_unless(Ok(()), centroids)
    }

    /// `ready` is an error that this lane already has.
    fn step_unless(&mut self, ready: Result<()>, centroids: &[f32]) -> Result<u64> {
        let comm = self.comm;
        let centroids = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
        let stepped = ready.and_then(|()| self.shard.step(centroids, &mut self.sums));
        // One collective carries the sums and whether any lane failed, so that no lane waits for one that has given up.
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
            return Err(comm.agree(stepped.map(|_| ())).err().unwrap_or_else(|| Error::internal("a lane failed")));
        }
        self.sums.sums.copy_from_slice(sums);
        self.sums.counts.copy_from_slice(counts);
        self.distances += rest[1] as u64;
        Ok(rest[0] as u64)
    }

    /// Iterations from `centroids`, which end as the last ones. [`Engine::restart`] comes first.
    pub fn iterate(&mut self, centroids: &mut Vec<f32>, limit: Limit, watch: &dyn Watch) -> Result<End> {
        let mut new = vec![0f32; centroids.len()];
        let mut labels_are_final = false;
        for number in 1..=limit.iterations {
            watch.phase(Phase::Assign);
            let changed = self.step_unless(watch.begins(number), centroids)?;
            watch.phase(Phase::Update);
            let empty = update::means(&self.sums, &self.grid, centroids, &mut new);
            if !empty.is_empty() {
                let old = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
                update::relocate(self.comm, self.shard.as_mut(), old, &self.sums, &self.grid, &empty, &mut new)?;
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

    /// The mean over the columns of their variance (the population's), bit-identical on any number of lanes.
    pub fn mean_variance(&mut self) -> Result<f64> {
        self.restart(1)?;
        let mut mean = vec![0f32; self.whole.dims];
        let zero = vec![0f32; self.whole.dims];
        self.step(&zero)?;
        update::means(&self.sums, &self.grid, &zero, &mut mean);
        Ok(self.inertia(&mean)? / (self.whole.rows as f64 * self.whole.dims as f64))
    }

    /// Σ of squared distances by the labels of the last step, over all lanes.
    pub fn inertia(&mut self, centroids: &[f32]) -> Result<f64> {
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

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// What is learnt of a lane's rows on their way to the device.
pub struct Inspected {
    /// Their number.
    pub rows: u64,
    /// Bits of the largest |x| of each column: without the sign, bits order as values do.
    maxima: Vec<u32>,
    /// Digest of the rows, to be added over lanes.
    pub digest: u64,
}

impl Inspected {
    /// Of no rows yet.
    fn new(dims: usize) -> Inspected {
        Inspected { rows: 0, maxima: vec![0; dims], digest: 0 }
    }

    /// Widens the maxima.
    fn reaches(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.maxima.len()) {
            for (max, x) in self.maxima.iter_mut().zip(row) {
                *max = (*max).max(x.to_bits() & 0x7fff_ffff);
            }
        }
    }
}

/// Looks at rows as they pass.
struct Inspect<'a> {
    rows: &'a mut dyn RowSource,
    found: &'a mut Inspected,
}

impl RowSource for Inspect<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }
    fn position(&self) -> u64 {
        self.rows.position()
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        let first = self.rows.position();
        let got = self.rows.read(out)?;
        let dims = self.found.maxima.len();
        let rows = &out[..got * dims];
        self.found.reaches(rows);
        self.found.digest = self.found.digest.wrapping_add(digest::rows(first, rows, dims));
        self.found.rows += got as u64;
        Ok(got)
    }
}

fn take(device: &dyn KMeansDevice, rows: &mut dyn Rows) -> Result<(Box<dyn KMeansShard>, Inspected)> {
    let mut found = Inspected::new(rows.whole().dims);
    let mut shard = None;
    rows.stream(&mut |rows| {
        shard = Some(device.prepare(&mut Inspect { rows, found: &mut found })?);
        Ok(())
    })?;
    found.reaches(rows.beyond());
    let shard = shard.ok_or_else(|| Error::internal("the rows were not streamed"))?;
    Ok((shard, found))
}

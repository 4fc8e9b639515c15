//! The CPU as a device: rows in memory, labels beside them, sums kept up to date by what changes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::data::RowSource;
use crate::error::{Error, Result};
use crate::exact::{Grid, WideSum, squared_distance};
use crate::measure::device::{Centroids, Far, KMeansDevice, KMeansShard, LabelSink, Partial, StepStats};

pub mod assign;
pub mod tiles;
pub mod vector;

use assign::{Found, Kernel, Panel};
use tiles::{TILE, Tile, Tiles};

/// The processor that the lane runs on.
pub struct Cpu {
    kernel: Kernel,
}

impl Cpu {
    /// With the best kernel for this processor, or the one that `AMDAHL_KERNEL` names (see [`Kernel::ALL`]).
    pub fn new() -> Result<Cpu> {
        Ok(Cpu { kernel: Kernel::chosen()? })
    }
    /// With a kernel that this processor supports.
    pub fn with(kernel: Kernel) -> Cpu {
        Cpu { kernel }
    }
}

impl KMeansDevice for Cpu {
    fn platform(&self) -> String {
        "cpu".into()
    }

    fn kernel(&self, _dims: usize, _k: usize) -> String {
        format!("{}, tiles, certified", self.kernel.name())
    }

    fn prepare(&self, source: &mut dyn RowSource) -> Result<Box<dyn KMeansShard>> {
        let (dims, first) = (source.shape().dims, source.position());
        let rows = Tiles::read(source)?;
        let labels = vec![[0; TILE]; rows.rows().div_ceil(TILE)];
        Ok(Box::new(Shard {
            kernel: self.kernel,
            labels,
            rows,
            dims,
            first,
            grid: None,
            state: Partial::new(0, dims),
            fresh: true,
        }))
    }
}

/// A lane's rows.
struct Shard {
    kernel: Kernel,
    rows: Tiles,
    dims: usize,
    /// Global number of the first row.
    first: u64,
    /// By tile; those beyond the last row are never looked at.
    labels: Vec<[u32; TILE]>,
    grid: Option<Grid>,
    /// Sums and counts by the current labels.
    state: Partial,
    /// No step since the last restart: labels mean nothing yet.
    fresh: bool,
}

impl Shard {
    fn labels(&self) -> &[u32] {
        &self.labels.as_flattened()[..self.rows.rows()]
    }

    /// Calls `each` with every row's number in the shard and its distance to its centroid.
    fn distances(&self, centroids: Centroids<'_>, mut each: impl FnMut(usize, f64)) {
        let mut row = vec![0f32; self.dims];
        for (i, &label) in self.labels().iter().enumerate() {
            self.rows.row(i, &mut row);
            each(i, squared_distance(&row, centroids.row(label as usize)));
        }
    }
}

impl KMeansShard for Shard {
    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()> {
        self.state = Partial::new(k, self.dims);
        self.grid = Some(grid.clone());
        self.labels.fill([0; TILE]);
        self.fresh = true;
        Ok(())
    }

    fn step(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        let Some(grid) = &self.grid else {
            return Err(Error::internal("a step before the first restart"));
        };
        let rows = self.rows.rows();
        let mut stats = StepStats { distances: rows as u64 * centroids.k as u64, ..StepStats::default() };
        let panel = Panel::new(centroids, self.kernel);
        let mut found = Found::new();
        let mut row = vec![0f32; self.dims];
        for (i, ((tile, norm), labels)) in self.rows.iter().zip(&mut self.labels).enumerate() {
            // Lanes beyond the last row are not rows.
            let here = u64::MAX >> (64 - TILE.min(rows - i * TILE));
            self.kernel.assign(&panel, tile, norm, &mut found);
            for lane in ones(found.undecided & here) {
                tile.row(lane, &mut row);
                found.labels[lane] = panel.by_definition(&row);
                stats.rescanned += 1;
            }
            // The tile is still in cache: rows whose label changed go from one sum to another.
            let changed = if self.fresh { here } else { self.kernel.differing(labels, &found.labels) & here };
            for lane in ones(changed) {
                let from = (!self.fresh).then_some(labels[lane]);
                relabel(&mut self.state, grid.scale(), tile, lane, from, found.labels[lane]);
            }
            stats.changed += u64::from(changed.count_ones());
            *labels = found.labels;
        }
        self.fresh = false;
        out.sums.copy_from_slice(&self.state.sums);
        out.counts.copy_from_slice(&self.state.counts);
        Ok(stats)
    }

    fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()> {
        sink.put(self.first, Shard::labels(self))
    }

    fn inertia(&mut self, centroids: Centroids<'_>, into: &mut WideSum) -> Result<()> {
        self.distances(centroids, |_, distance| into.add(distance));
        Ok(())
    }

    fn farthest(&mut self, centroids: Centroids<'_>, count: usize) -> Result<Vec<Far>> {
        // The top of the heap is the nearest of those kept: the one to drop.
        let mut kept = BinaryHeap::with_capacity(count + 1);
        self.distances(centroids, |i, distance| {
            kept.push(Reverse(Far { distance, row: self.first + i as u64, label: Shard::labels(self)[i] }));
            if kept.len() > count {
                kept.pop();
            }
        });
        let mut far: Vec<Far> = kept.into_iter().map(|entry| entry.0).collect();
        far.sort_by(|a, b| b.cmp(a));
        Ok(far)
    }

    fn row(&mut self, row: u64, out: &mut [f32]) -> Result<bool> {
        let here = row.checked_sub(self.first).filter(|&i| i < self.rows.rows() as u64);
        if let Some(i) = here {
            self.rows.row(i as usize, out);
        }
        Ok(here.is_some())
    }
}

/// The positions of the ones.
#[inline]
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            lowest
        })
    })
}

/// Adds the grid values of a tile's row to its new cluster, and takes them from the one it leaves.
#[inline]
fn relabel(state: &mut Partial, scale: &[f64], tile: Tile<'_>, lane: usize, from: Option<u32>, to: u32) {
    let dims = scale.len();
    let (to, values) =
        (to as usize, tile.columns().zip(scale).map(|(column, &scale)| Grid::quantise(column[lane], scale)));
    state.counts[to] += 1;
    match from {
        None => {
            for (sum, q) in state.sums[to * dims..][..dims].iter_mut().zip(values) {
                *sum += q;
            }
        }
        Some(from) => {
            let from = from as usize;
            state.counts[from] -= 1;
            for (t, q) in values.enumerate() {
                state.sums[to * dims + t] += q;
                state.sums[from * dims + t] -= q;
            }
        }
    }
}

//! The CPU as a device: rows in memory, labels beside them, sums kept up to date by what changes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::data::RowSource;
use crate::error::{Error, Result};
use crate::exact::{Grid, WideSum, squared_distance};
use crate::measure::device::{Centroids, Far, KMeansDevice, KMeansShard, LabelSink, Partial, StepStats};

pub mod assign;

use assign::Kernel;

/// Values that are read at once, so that whoever looks at rows on their way finds them in cache.
const BLOCK: usize = 1 << 15;

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
        format!("{}, row-major, certified", self.kernel.name())
    }

    fn prepare(&self, source: &mut dyn RowSource) -> Result<Box<dyn KMeansShard>> {
        let (shape, first) = (source.shape(), source.position());
        let mut rows = vec![0f32; shape.rows as usize * shape.dims];
        for part in rows.chunks_mut((BLOCK / shape.dims + 1) * shape.dims) {
            let wanted = part.len() / shape.dims;
            let got = source.read(part)?;
            if got != wanted {
                return Err(Error::internal(format!("a source gave {got} rows where it had {wanted}")));
            }
        }
        Ok(Box::new(Shard {
            kernel: self.kernel,
            labels: vec![0; shape.rows as usize],
            dims: shape.dims,
            norms: assign::tile_norms(&rows, shape.dims),
            rows,
            first,
            grid: None,
            state: Partial::new(0, shape.dims),
            fresh: true,
        }))
    }
}

/// A lane's rows.
struct Shard {
    kernel: Kernel,
    /// Row-major n × dims.
    rows: Vec<f32>,
    dims: usize,
    /// Global number of the first row.
    first: u64,
    labels: Vec<u32>,
    /// Largest norm of the rows in each tile of [`assign::TILE`].
    norms: Vec<f32>,
    grid: Option<Grid>,
    /// Sums and counts by the current labels.
    state: Partial,
    /// No step since the last restart: labels mean nothing yet.
    fresh: bool,
}

impl Shard {
    fn distances(&self, centroids: Centroids<'_>) -> impl Iterator<Item = f64> {
        self.rows
            .chunks_exact(self.dims)
            .zip(&self.labels)
            .map(move |(row, &label)| squared_distance(row, centroids.row(label as usize)))
    }
}

impl KMeansShard for Shard {
    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()> {
        self.state = Partial::new(k, self.dims);
        self.grid = Some(grid.clone());
        self.labels.fill(0);
        self.fresh = true;
        Ok(())
    }

    fn step(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        let Some(grid) = &self.grid else {
            return Err(Error::internal("a step before the first restart"));
        };
        let mut stats = StepStats { distances: self.labels.len() as u64 * centroids.k as u64, ..StepStats::default() };
        let panel = assign::Panel::new(centroids);
        let mut scratch = assign::Scratch::new(self.dims);
        let mut found = [0u32; assign::TILE];
        let (dims, fresh, state) = (self.dims, self.fresh, &mut self.state);
        let tiles = self.rows.chunks(assign::TILE * dims).zip(self.labels.chunks_mut(assign::TILE));
        for ((rows, labels), &norm) in tiles.zip(&self.norms) {
            stats.rescanned += self.kernel.assign(&panel, rows, norm, &mut scratch, &mut found[..labels.len()]);
            // The rows are still in cache: those whose label changed go from one sum to another.
            for ((row, old), &new) in rows.chunks_exact(dims).zip(labels).zip(&found) {
                if fresh || *old != new {
                    add(state, grid.scale(), row, new, 1);
                    if !fresh {
                        add(state, grid.scale(), row, *old, -1);
                    }
                    stats.changed += 1;
                    *old = new;
                }
            }
        }
        self.fresh = false;
        out.sums.copy_from_slice(&self.state.sums);
        out.counts.copy_from_slice(&self.state.counts);
        Ok(stats)
    }

    fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()> {
        sink.put(self.first, &self.labels)
    }

    fn inertia(&mut self, centroids: Centroids<'_>, into: &mut WideSum) -> Result<()> {
        self.distances(centroids).for_each(|distance| into.add(distance));
        Ok(())
    }

    fn farthest(&mut self, centroids: Centroids<'_>, count: usize) -> Result<Vec<Far>> {
        // The top of the heap is the nearest of those kept: the one to drop.
        let mut kept = BinaryHeap::with_capacity(count + 1);
        for (i, distance) in self.distances(centroids).enumerate() {
            kept.push(Reverse(Far { distance, row: self.first + i as u64, label: self.labels[i] }));
            if kept.len() > count {
                kept.pop();
            }
        }
        let mut far: Vec<Far> = kept.into_iter().map(|entry| entry.0).collect();
        far.sort_by(|a, b| b.cmp(a));
        Ok(far)
    }

    fn row(&mut self, row: u64, out: &mut [f32]) -> Result<bool> {
        let here = row.checked_sub(self.first).filter(|&i| i < self.labels.len() as u64);
        if let Some(i) = here {
            out.copy_from_slice(&self.rows[i as usize * self.dims..][..self.dims]);
        }
        Ok(here.is_some())
    }
}

/// Adds a row's grid values to a cluster, or with `sign` −1 takes them away.
#[inline]
fn add(state: &mut Partial, scale: &[f64], row: &[f32], cluster: u32, sign: i64) {
    let dims = row.len();
    let sums = &mut state.sums[cluster as usize * dims..][..dims];
    for ((sum, &x), &scale) in sums.iter_mut().zip(row).zip(scale) {
        *sum += sign * Grid::quantise(x, scale);
    }
    state.counts[cluster as usize] += sign;
}

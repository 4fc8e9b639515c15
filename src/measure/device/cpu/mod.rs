//! The CPU as a device: rows in memory, labels beside them, sums kept up to date by what changes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::cell::Layout;
use crate::data::RowSource;
use crate::error::{Error, Result};
use crate::exact::{Grid, WideSum, squared_distance};
use crate::measure::device::{Centroids, Far, KMeansDevice, KMeansShard, LabelSink, Partial, StepStats};

mod buffer;
mod dots;
pub mod kernel;
mod labels;
mod nearest;
mod panel;
mod resident;
mod rows;
mod sums;
mod tiles;
mod vector;

use buffer::Buffer;
use dots::Dots;
use kernel::Kernel;
use nearest::{Found, Nearest};
use panel::Panel;
pub use resident::Pool;
use resident::{Resident, Shared};
use rows::{Turn, TurnBack};
use sums::{Relabel, ones};
use tiles::TILE;

/// The processor that the lane runs on.
#[derive(Clone)]
pub struct Cpu {
    kernel: Kernel,
    layout: Layout,
    certify: bool,
    /// The lanes that help each other, if they do.
    pool: Option<Arc<Pool>>,
    thread: usize,
}

impl Cpu {
    /// With the best kernel for this processor, or the one that `AMDAHL_KERNEL` names (see [`Kernel::ALL`]).
    pub fn new() -> Result<Cpu> {
        Ok(Cpu::with(Kernel::chosen()?))
    }
    /// With a kernel that this processor supports.
    pub fn with(kernel: Kernel) -> Cpu {
        Cpu { kernel, layout: Layout::Tiles, certify: true, pool: None, thread: 0 }
    }
    /// With rows that lie like this.
    pub fn layout(self, layout: Layout) -> Cpu {
        Cpu { layout, ..self }
    }
    /// With labels that f64 decides where f32 cannot (which is the default), or with those of f32.
    pub fn certify(self, certify: bool) -> Cpu {
        Cpu { certify, ..self }
    }
    /// As this thread of a pool whose lanes help each other.
    pub fn helping(self, pool: Arc<Pool>, thread: usize) -> Cpu {
        Cpu { pool: Some(pool), thread, ..self }
    }
}

impl KMeansDevice for Cpu {
    fn platform(&self) -> String {
        "cpu".into()
    }

    fn kernel(&self, dims: usize, k: usize) -> String {
        let layout = match self.layout {
            Layout::Tiles => "tiles",
            Layout::Rows if dots::suits(dims, k) => "rows, columns in lanes",
            Layout::Rows => "rows",
        };
        format!("{}, {layout}, {}", self.kernel.name(), if self.certify { "certified" } else { "f32" })
    }

    fn prepare(&self, source: &mut dyn RowSource) -> Result<Box<dyn KMeansShard>> {
        let (dims, first) = (source.shape().dims, source.position());
        let rows = Arc::new(Shared::new(Resident::read(source, self.layout)?));
        if let Some(pool) = &self.pool {
            pool.join(self.thread, &rows);
        }
        Ok(Box::new(Shard {
            device: self.clone(),
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
    device: Cpu,
    rows: Arc<Shared>,
    dims: usize,
    /// Global number of the first row.
    first: u64,
    grid: Option<Grid>,
    /// What the rows that this lane worked on add to the sums of all, by their current labels.
    state: Partial,
    /// No step since the last restart: labels mean nothing yet.
    fresh: bool,
}

impl Shard {
    /// Calls `each` with every row's number in the shard, its label and its distance to its centroid.
    fn distances(&self, centroids: Centroids<'_>, mut each: impl FnMut(usize, u32, f64)) {
        let mut row = vec![0f32; self.dims];
        let rows = &self.rows.rows;
        for chunk in 0..self.rows.chunks() {
            let labels = self.rows.labels(chunk);
            for (at, i) in self.rows.tiles_of(chunk).enumerate() {
                for (lane, label) in labels.tile(at).widen().into_iter().take(rows.count() - i * TILE).enumerate() {
                    rows.row(i * TILE + lane, &mut row);
                    each(i * TILE + lane, label, squared_distance(&row, centroids.row(label as usize)));
                }
            }
        }
    }

    /// A step: this lane's chunks, then those that other lanes have not taken yet.
    fn pass<const CERTIFY: bool>(&mut self, panel: &Panel<'_>, scale: &[f64]) -> StepStats {
        let mut stats = StepStats::default();
        let mut scratch = Buffer::zeros(TILE * self.dims);
        let (mine, Cpu { kernel, pool, thread, .. }) = (self.rows.clone(), self.device.clone());
        let mut work = |rows: &Shared, chunk: usize| {
            let found = Found::new();
            let (state, scratch) = (&mut self.state, &mut scratch[..]);
            let mut pass = Pass { kernel, panel, scale, fresh: self.fresh, state, scratch, found, stats: &mut stats };
            pass.chunk::<CERTIFY>(rows, chunk);
        };
        match &pool {
            None => (0..mine.chunks()).for_each(|chunk| work(&mine, chunk)),
            Some(pool) => {
                mine.open();
                for rows in std::iter::once(mine.as_ref()).chain(pool.others(thread)) {
                    while let Some(chunk) = rows.take() {
                        work(rows, chunk);
                    }
                }
            }
        }
        stats
    }
}

/// What a step works with.
struct Pass<'a> {
    kernel: Kernel,
    panel: &'a Panel<'a>,
    scale: &'a [f64],
    fresh: bool,
    state: &'a mut Partial,
    scratch: &'a mut [f32],
    found: Found,
    stats: &'a mut StepStats,
}

impl Pass<'_> {
    /// Labels the rows of a chunk, and moves those whose label changed from one sum to another.
    fn chunk<const CERTIFY: bool>(&mut self, shared: &Shared, chunk: usize) {
        let (kernel, panel, dims) = (self.kernel, self.panel, self.panel.centroids.dims);
        let (rows, found) = (&shared.rows, &mut self.found);
        let mut labels = shared.labels(chunk);
        for (at, i) in shared.tiles_of(chunk).enumerate() {
            let memory = rows.tile(i);
            let ahead = memory.as_ptr().wrapping_add(TILE * dims);
            let (threshold, old) = (panel.threshold(rows.norm(i)), labels.tile(at));
            match rows {
                Resident::Rows(_) if !panel.plain.is_empty() => {
                    kernel.run(Dots::<CERTIFY> { panel, rows: memory, ahead, threshold, old, found });
                }
                Resident::Rows(_) => {
                    kernel.run(Turn { rows: memory, tile: self.scratch, dims });
                    kernel.run(Nearest::<CERTIFY> { panel, tile: self.scratch, ahead, threshold, old, found });
                }
                Resident::Tiles(_) => {
                    kernel.run(Nearest::<CERTIFY> { panel, tile: memory, ahead, threshold, old, found });
                }
            }
            // Lanes beyond the last row are not rows.
            let count = TILE.min(rows.count() - i * TILE);
            let here = u64::MAX >> (64 - count);
            self.stats.distances += (count * panel.centroids.k) as u64;
            if CERTIFY && found.undecided & here != 0 {
                self.stats.rescanned += decide(found, here, panel, |lane, row| rows.row(i * TILE + lane, row));
            }
            let changed = if self.fresh { here } else { found.changed & here };
            if changed == 0 {
                continue;
            }
            // The rows are still in cache.
            let in_rows = match rows {
                Resident::Rows(_) => memory,
                Resident::Tiles(_) => {
                    // Turning the whole tile over costs about as much as picking six rows out of it.
                    if changed.count_ones() > 6 {
                        kernel.run(TurnBack { tile: memory, rows: self.scratch, dims });
                    } else {
                        for lane in ones(changed) {
                            tiles::row(memory, lane, &mut self.scratch[lane * dims..][..dims]);
                        }
                    }
                    &*self.scratch
                }
            };
            let (state, scale, to) = (&mut *self.state, self.scale, &found.labels);
            let from = (!self.fresh).then_some(&found.old);
            kernel.run(Relabel { state, scale, rows: in_rows, changed, from, to });
            self.stats.changed += u64::from(changed.count_ones());
            labels.set(at, to);
        }
    }
}

/// Decides by definition what f32 did not. Returns how many rows that were.
#[cold]
fn decide(found: &mut Found, here: u64, panel: &Panel<'_>, row: impl Fn(usize, &mut [f32])) -> u64 {
    let mut values = vec![0f32; panel.centroids.dims];
    for lane in ones(found.undecided & here) {
        row(lane, &mut values);
        let label = panel.by_definition(&values);
        found.labels[lane] = label;
        found.changed = found.changed & !(1 << lane) | u64::from(label != found.old[lane]) << lane;
    }
    u64::from((found.undecided & here).count_ones())
}

impl KMeansShard for Shard {
    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()> {
        self.state = Partial::new(k, self.dims);
        self.grid = Some(grid.clone());
        self.rows.restart(k);
        self.fresh = true;
        Ok(())
    }

    fn step(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        let Some(grid) = self.grid.clone() else {
            return Err(Error::internal("a step before the first restart"));
        };
        let mut panel = Panel::new(centroids, self.device.kernel);
        if matches!(self.rows.rows, Resident::Rows(_)) && dots::suits(self.dims, centroids.k) {
            panel = panel.with_plain(self.device.kernel.width());
        }
        let stats = match self.device.certify {
            true => self.pass::<true>(&panel, grid.scale()),
            false => self.pass::<false>(&panel, grid.scale()),
        };
        self.fresh = false;
        out.sums.copy_from_slice(&self.state.sums);
        out.counts.copy_from_slice(&self.state.counts);
        Ok(stats)
    }

    fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()> {
        for chunk in 0..self.rows.chunks() {
            let labels = self.rows.labels(chunk);
            for (at, i) in self.rows.tiles_of(chunk).enumerate() {
                let count = TILE.min(self.rows.rows.count() - i * TILE);
                sink.put(self.first + (i * TILE) as u64, &labels.tile(at).widen()[..count])?;
            }
        }
        Ok(())
    }

    fn inertia(&mut self, centroids: Centroids<'_>, into: &mut WideSum) -> Result<()> {
        self.distances(centroids, |_, _, distance| into.add(distance));
        Ok(())
    }

    fn farthest(&mut self, centroids: Centroids<'_>, count: usize) -> Result<Vec<Far>> {
        // The top of the heap is the nearest of those kept: the one to drop.
        let mut kept = BinaryHeap::with_capacity(count + 1);
        self.distances(centroids, |i, label, distance| {
            kept.push(Reverse(Far { distance, row: self.first + i as u64, label }));
            if kept.len() > count {
                kept.pop();
            }
        });
        let mut far: Vec<Far> = kept.into_iter().map(|entry| entry.0).collect();
        far.sort_by(|a, b| b.cmp(a));
        Ok(far)
    }

    fn row(&mut self, row: u64, out: &mut [f32]) -> Result<bool> {
        let here = row.checked_sub(self.first).filter(|&i| i < self.rows.rows.count() as u64);
        if let Some(i) = here {
            self.rows.rows.row(i as usize, out);
        }
        Ok(here.is_some())
    }
}

#[cfg(test)]
mod tests;

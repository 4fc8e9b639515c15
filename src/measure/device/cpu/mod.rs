//! The CPU as a device: rows in memory, labels beside them, sums kept up to date by what changes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
mod rows;
mod sums;
mod tiles;
mod vector;

use buffer::Buffer;
use dots::Dots;
use kernel::Kernel;
use labels::Labels;
use nearest::{Found, Nearest};
use panel::Panel;
use rows::{Rows, Turn, TurnBack};
use sums::{Relabel, ones};
use tiles::{TILE, Tiles};

/// The processor that the lane runs on.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    kernel: Kernel,
    layout: Layout,
    certify: bool,
}

impl Cpu {
    /// With the best kernel for this processor, or the one that `AMDAHL_KERNEL` names (see [`Kernel::ALL`]).
    pub fn new() -> Result<Cpu> {
        Ok(Cpu::with(Kernel::chosen()?))
    }
    /// With a kernel that this processor supports.
    pub fn with(kernel: Kernel) -> Cpu {
        Cpu { kernel, layout: Layout::Tiles, certify: true }
    }
    /// With rows that lie like this.
    pub fn layout(self, layout: Layout) -> Cpu {
        Cpu { layout, ..self }
    }
    /// With labels that f64 decides where f32 cannot (which is the default), or with those of f32.
    pub fn certify(self, certify: bool) -> Cpu {
        Cpu { certify, ..self }
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
        let rows = match self.layout {
            Layout::Tiles => Resident::Tiles(Tiles::read(source)?),
            Layout::Rows => Resident::Rows(Rows::read(source)?),
        };
        Ok(Box::new(Shard {
            device: *self,
            labels: Labels::new(rows.count().div_ceil(TILE), 1),
            rows,
            dims,
            first,
            grid: None,
            state: Partial::new(0, dims),
            fresh: true,
        }))
    }
}

/// The rows of a shard, as the layout wants them.
enum Resident {
    Tiles(Tiles),
    Rows(Rows),
}

impl Resident {
    fn count(&self) -> usize {
        match self {
            Resident::Tiles(tiles) => tiles.rows(),
            Resident::Rows(rows) => rows.rows(),
        }
    }

    /// Copies row `i` into `out`.
    fn row(&self, i: usize, out: &mut [f32]) {
        match self {
            Resident::Tiles(tiles) => tiles.row(i, out),
            Resident::Rows(rows) => out.copy_from_slice(rows.row(i)),
        }
    }

    /// The memory of tile `i`, in whatever order: dims × TILE values at least.
    fn tile(&self, i: usize) -> &[f32] {
        match self {
            Resident::Tiles(tiles) => tiles.tile(i),
            Resident::Rows(rows) => rows.tile(i),
        }
    }

    /// A bound on the norms of the rows of tile `i`.
    fn norm(&self, i: usize) -> f32 {
        match self {
            Resident::Tiles(tiles) => tiles.norm(i),
            Resident::Rows(rows) => rows.norm(i),
        }
    }
}

/// A lane's rows.
struct Shard {
    device: Cpu,
    rows: Resident,
    dims: usize,
    /// Global number of the first row.
    first: u64,
    labels: Labels,
    grid: Option<Grid>,
    /// Sums and counts by the current labels.
    state: Partial,
    /// No step since the last restart: labels mean nothing yet.
    fresh: bool,
}

impl Shard {
    /// Number of tiles; the last may be partly filled.
    fn tiles(&self) -> usize {
        self.rows.count().div_ceil(TILE)
    }

    /// The labels of the rows of tile `i`.
    fn labels_of(&self, i: usize) -> impl Iterator<Item = u32> {
        self.labels.tile(i).widen().into_iter().take(self.rows.count() - i * TILE)
    }

    /// Calls `each` with every row's number in the shard, its label and its distance to its centroid.
    fn distances(&self, centroids: Centroids<'_>, mut each: impl FnMut(usize, u32, f64)) {
        let mut row = vec![0f32; self.dims];
        for i in 0..self.tiles() {
            for (lane, label) in self.labels_of(i).enumerate() {
                self.rows.row(i * TILE + lane, &mut row);
                each(i * TILE + lane, label, squared_distance(&row, centroids.row(label as usize)));
            }
        }
    }

    /// One pass over the rows: labels, then the sums of rows whose label changed.
    fn pass<const CERTIFY: bool>(&mut self, panel: &Panel<'_>, scale: &[f64]) -> StepStats {
        let (kernel, dims, rows, fresh) = (self.device.kernel, self.dims, self.rows.count(), self.fresh);
        let mut stats = StepStats { distances: rows as u64 * panel.centroids.k as u64, ..StepStats::default() };
        let in_dots = !panel.plain.is_empty();
        let mut found = Found::new();
        let mut scratch = Buffer::zeros(TILE * dims);
        for i in 0..self.tiles() {
            let memory = self.rows.tile(i);
            let ahead = memory.as_ptr().wrapping_add(TILE * dims);
            let (threshold, old) = (panel.threshold(self.rows.norm(i)), self.labels.tile(i));
            let found = &mut found;
            match &self.rows {
                Resident::Rows(_) if in_dots => {
                    kernel.run(Dots::<CERTIFY> { panel, rows: memory, ahead, threshold, old, found });
                }
                Resident::Rows(_) => {
                    kernel.run(Turn { rows: memory, tile: &mut scratch, dims });
                    kernel.run(Nearest::<CERTIFY> { panel, tile: &scratch, ahead, threshold, old, found });
                }
                Resident::Tiles(_) => {
                    kernel.run(Nearest::<CERTIFY> { panel, tile: memory, ahead, threshold, old, found });
                }
            }
            // Lanes beyond the last row are not rows.
            let here = u64::MAX >> (64 - TILE.min(rows - i * TILE));
            if CERTIFY && found.undecided & here != 0 {
                stats.rescanned += decide(found, here, panel, |lane, row| self.rows.row(i * TILE + lane, row));
            }
            let changed = if fresh { here } else { found.changed & here };
            if changed == 0 {
                continue;
            }
            // The rows are still in cache: those whose label changed go from one sum to another.
            let in_rows = match &self.rows {
                Resident::Rows(_) => memory,
                Resident::Tiles(_) => {
                    // Turning the whole tile over costs about as much as picking six rows out of it.
                    if changed.count_ones() > 6 {
                        kernel.run(TurnBack { tile: memory, rows: &mut scratch, dims });
                    } else {
                        for lane in ones(changed) {
                            tiles::row(memory, lane, &mut scratch[lane * dims..][..dims]);
                        }
                    }
                    &scratch
                }
            };
            let from = (!fresh).then_some(&found.old);
            kernel.run(Relabel { state: &mut self.state, scale, rows: in_rows, changed, from, to: &found.labels });
            stats.changed += u64::from(changed.count_ones());
            self.labels.set(i, &found.labels);
        }
        stats
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
        self.labels = Labels::new(self.tiles(), k);
        self.fresh = true;
        Ok(())
    }

    fn step(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        let Some(grid) = self.grid.clone() else {
            return Err(Error::internal("a step before the first restart"));
        };
        let mut panel = Panel::new(centroids, self.device.kernel);
        if matches!(self.rows, Resident::Rows(_)) && dots::suits(self.dims, centroids.k) {
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
        for i in 0..self.tiles() {
            let labels = self.labels.tile(i).widen();
            let count = TILE.min(self.rows.count() - i * TILE);
            sink.put(self.first + (i * TILE) as u64, &labels[..count])?;
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
        let here = row.checked_sub(self.first).filter(|&i| i < self.rows.count() as u64);
        if let Some(i) = here {
            self.rows.row(i as usize, out);
        }
        Ok(here.is_some())
    }
}

#[cfg(test)]
mod tests;

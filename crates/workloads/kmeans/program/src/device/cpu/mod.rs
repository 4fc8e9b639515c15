//! The CPU as a device: rows in memory, labels beside them, sums kept up to date by what changes.

use std::sync::Arc;

use crate::device::{
    Centroids, Far, Farthest, KMeansDevice, KMeansShard, LabelSink, Partial, StepStats,
};
use amdahl_data::RowSource;
use amdahl_kmeans_description::spec::{Algorithm, Layout};
use amdahl_lanes::exact::{Grid, WideSum};
use amdahl_record::error::{Error, Result};

mod bounds;
mod buffer;
mod distance;
pub mod double;
mod exact_nearest;
mod gather;
mod hamerly;
pub mod host_sums;
pub mod kernel;
mod labels;
mod nearest;
mod nearest_by_columns;
mod nearest_large_k;
mod panel;
mod resident;
mod rows;
mod screen;
mod seeding;
mod sums;
pub mod thresholds;
mod tiles;
mod vector;
mod yinyang;
mod yinyang_groups;

use bounds::{Drift, Gaps};
use buffer::Buffer;
use distance::Distance;
pub use distance::distances;
use exact_nearest::TwoNearest;
use gather::Gathered;
use hamerly::Hamerly;
use kernel::Kernel;
use nearest::{Assignment, Nearest};
use nearest_by_columns::NearestByColumns;
use panel::Panel;
pub use resident::Pool;
use resident::{Resident, Shared};
use rows::Turn;
use seeding::Seeding;
use sums::{COLUMNS, Change, Memory, Sums, Totals, Weighed, ones};
use thresholds::Thresholds;
use tiles::TILE;
use yinyang::Yinyang;
use yinyang_groups::Groups;

/// The processor that the lane runs on.
#[derive(Clone)]
pub struct Cpu {
    kernel: Kernel,
    layout: Layout,
    certify: bool,
    algorithm: Algorithm,
    thresholds: Thresholds,
    /// The lanes that help each other, if they do.
    pool: Option<Arc<Pool>>,
    thread: usize,
}

impl Cpu {
    /// With the best kernel for this processor, or the one that `AMDAHL_KERNEL` names (see
    /// [`Kernel::chosen`]).
    pub fn new() -> Result<Cpu> {
        Ok(Cpu::with(Kernel::chosen()?))
    }
    /// With this kernel.
    pub fn with(kernel: Kernel) -> Cpu {
        Cpu {
            kernel,
            layout: Layout::Tiles,
            certify: true,
            algorithm: Algorithm::Lloyd,
            thresholds: Thresholds::default(),
            pool: None,
            thread: 0,
        }
    }
    /// With rows that lie like this.
    pub fn layout(self, layout: Layout) -> Cpu {
        Cpu { layout, ..self }
    }
    /// With labels that f64 decides where f32 cannot (which is the default), or with those of f32.
    pub fn certify(self, certify: bool) -> Cpu {
        Cpu { certify, ..self }
    }
    /// With bounds that spare comparisons, or without. Labels are those that `certify` stands for
    /// with any of them: bounds are exact.
    pub fn algorithm(self, algorithm: Algorithm) -> Cpu {
        Cpu { algorithm, ..self }
    }
    /// With these thresholds in place of those that were measured to pay.
    pub fn thresholds(self, thresholds: Thresholds) -> Cpu {
        Cpu { thresholds, ..self }
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
            Layout::Rows if nearest_by_columns::suits(dims, k) => "rows, columns in lanes",
            Layout::Rows => "rows",
        };
        format!(
            "{}, {layout}, {}",
            self.kernel.name(),
            if self.certify { "certified" } else { "f32" }
        )
    }

    fn prepare<'a>(&'a self, source: &mut dyn RowSource) -> Result<Box<dyn KMeansShard + 'a>> {
        Ok(Box::new(self.take(source)?))
    }
}

impl Cpu {
    fn take(&self, source: &mut dyn RowSource) -> Result<Shard> {
        let (dims, first) = (source.shape().dims, source.position());
        let rows = Arc::new(Shared::new(Resident::read(source, self.layout)?));
        if let Some(pool) = &self.pool {
            pool.join(self.thread, &rows);
        }
        Ok(Shard {
            device: self.clone(),
            rows,
            dims,
            first,
            restarted: false,
            sums: Sums::new(0, &[]),
            weighed: None,
            fresh: true,
            seeding: None,
            drift: Drift::default(),
            groups: Groups::default(),
        })
    }
}

/// A lane's rows.
struct Shard {
    device: Cpu,
    rows: Arc<Shared>,
    dims: usize,
    /// Global number of the first row.
    first: u64,
    /// Has a clustering been started?
    restarted: bool,
    /// What the rows that this lane worked on add to the sums of all, by their current labels.
    sums: Sums,
    /// The same in its place where rows have weights.
    weighed: Option<Weighed>,
    /// No step since the last restart: labels mean nothing yet.
    fresh: bool,
    /// While initial centroids are chosen.
    seeding: Option<Box<Seeding>>,
    /// How far centroids have moved; where there are bounds.
    drift: Drift,
    /// The same for groups of centroids.
    groups: Groups,
}

impl Shard {
    fn seeding(&mut self) -> Result<&mut Seeding> {
        self.seeding
            .as_deref_mut()
            .ok_or_else(|| Error::internal("a choice of centroids before its start"))
    }

    /// Calls `each` with every row's number in the shard, its label and its distance to its
    /// centroid.
    fn distances(&self, centroids: Centroids<'_>, mut each: impl FnMut(usize, u32, f64)) {
        let mut row = vec![0f32; self.dims];
        let rows = &self.rows.rows;
        for chunk in 0..self.rows.chunks() {
            let labels = self.rows.labels(chunk);
            for (at, i) in self.rows.tiles_of(chunk).enumerate() {
                for (lane, label) in
                    labels.tile(at).widen().into_iter().take(rows.count() - i * TILE).enumerate()
                {
                    rows.row(i * TILE + lane, &mut row);
                    let centroid = centroids.row(label as usize);
                    each(
                        i * TILE + lane,
                        label,
                        self.device.kernel.run(Distance { row: &row, centroid }),
                    );
                }
            }
        }
    }

    /// The centroids as the rows' layout wants them.
    fn panel<'c>(&self, centroids: Centroids<'c>) -> Panel<'c> {
        let panel = Panel::new(centroids, self.device.kernel)
            .interleaved_after(self.device.thresholds.interleave_after);
        match self.rows.rows {
            Resident::Rows(_) if nearest_by_columns::suits(self.dims, centroids.k) => {
                panel.with_plain(self.device.kernel.width())
            }
            _ => panel,
        }
    }

    /// A step: this lane's chunks, then those that other lanes have not taken yet.
    fn pass<const CERTIFY: bool, T: Totals>(&self, panel: &Panel<'_>, sums: &mut T) -> StepStats {
        let mut stats = StepStats::default();
        let mut scratch = Buffer::zeros(TILE * self.dims);
        let mut block = [0f32; TILE * COLUMNS];
        let (kernel, k) = (self.device.kernel, panel.centroids.k);
        let values = self.groups.values(panel.centroids);
        let thresholds = &self.device.thresholds;
        let mut pruning = match self.device.algorithm {
            Algorithm::Yinyang if yinyang_groups::pay(k, self.dims, thresholds) => {
                let panels = Groups::panels(&values, panel, kernel);
                Pruning::Yinyang(Yinyang::new(kernel, self.dims, &self.groups, panels, thresholds))
            }
            Algorithm::Hamerly | Algorithm::Yinyang if k > 1 => {
                Pruning::Hamerly(Hamerly::new(kernel, k, self.dims, &self.drift, thresholds))
            }
            _ => Pruning::None,
        };
        let (mine, Cpu { kernel, pool, thread, .. }) = (self.rows.clone(), self.device.clone());
        let mut work = |rows: &Shared, chunk: usize| {
            let found = Assignment::new();
            let (sums, scratch, block) = (&mut *sums, &mut scratch[..], &mut block);
            let fresh = self.fresh;
            let mut pass =
                Pass { kernel, panel, fresh, sums, scratch, block, found, stats: &mut stats };
            match &mut pruning {
                Pruning::Hamerly(hamerly) => hamerly.chunk(pass, rows, chunk),
                Pruning::Yinyang(yinyang) => yinyang.chunk(pass, rows, chunk),
                Pruning::None => pass.chunk::<CERTIFY, false>(rows, chunk, None),
            }
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

/// What spares comparisons in a step.
enum Pruning<'a> {
    None,
    Hamerly(Hamerly<'a>),
    Yinyang(Yinyang<'a>),
}

/// Where a chunk's bounds are kept, if any, and what they count from.
type Kept<'a> = Option<(&'a Drift, &'a mut [[f32; TILE]])>;

/// What a step works with.
struct Pass<'a, T> {
    kernel: Kernel,
    panel: &'a Panel<'a>,
    fresh: bool,
    sums: &'a mut T,
    /// TILE rows, turned over.
    scratch: &'a mut [f32],
    /// Some columns of TILE rows, turned back.
    block: &'a mut [f32; TILE * COLUMNS],
    found: Assignment,
    stats: &'a mut StepStats,
}

impl<T: Totals> Pass<'_, T> {
    /// Labels the rows of a chunk, and moves those whose label changed from one sum to another.
    /// `KEEP`: also gives them bounds.
    fn chunk<const CERTIFY: bool, const KEEP: bool>(
        &mut self,
        shared: &Shared,
        chunk: usize,
        mut bounds: Kept<'_>,
    ) {
        let (kernel, panel, dims) = (self.kernel, self.panel, self.panel.centroids.dims);
        let (rows, found) = (&shared.rows, &mut self.found);
        let mut labels = shared.labels(chunk);
        for (at, i) in shared.tiles_of(chunk).enumerate() {
            let memory = rows.tile(i);
            let ahead = memory.as_ptr().wrapping_add(TILE * dims);
            let (threshold, old) = (panel.threshold(rows.norm(i)), labels.tile(at));
            match rows {
                // One centroid is the nearest without a look.
                _ if panel.centroids.k == 1 => found.alone(),
                Resident::Rows(_) if !panel.plain.is_empty() => {
                    kernel.run(NearestByColumns::<CERTIFY, KEEP> {
                        panel,
                        rows: memory,
                        ahead,
                        threshold,
                        old,
                        found,
                    });
                }
                Resident::Rows(_) => {
                    kernel.run(Turn { rows: memory, tile: self.scratch, dims });
                    kernel.run(Nearest::<CERTIFY, KEEP> {
                        panel,
                        tile: self.scratch,
                        ahead,
                        threshold,
                        old,
                        found,
                    });
                }
                Resident::Tiles(_) => {
                    kernel.run(Nearest::<CERTIFY, KEEP> {
                        panel,
                        tile: memory,
                        ahead,
                        threshold,
                        old,
                        found,
                    });
                }
            }
            // Lanes beyond the last row are not rows.
            let count = TILE.min(rows.count() - i * TILE);
            let here = u64::MAX >> (64 - count);
            self.stats.distances +=
                if panel.centroids.k > 1 { (count * panel.centroids.k) as u64 } else { 0 };
            if KEEP {
                let columns = panel.plain.is_empty() || matches!(rows, Resident::Tiles(_));
                let tile = if columns && matches!(rows, Resident::Rows(_)) {
                    &*self.scratch
                } else {
                    memory
                };
                kernel.run(Gaps { panel, tile, columns, threshold, found });
            }
            if CERTIFY && found.undecided & here != 0 {
                self.stats.rescanned += decide::<KEEP>(kernel, found, here, panel, |lane, row| {
                    rows.row(i * TILE + lane, row)
                });
            }
            if KEEP && let Some((drift, bounds)) = &mut bounds {
                bounds[at] =
                    std::array::from_fn(|lane| drift.bound(found.gaps[lane], found.labels[lane]));
            }
            let changed = if self.fresh { here } else { found.changed & here };
            if changed == 0 {
                continue;
            }
            // The rows are still in cache.
            let (from, to) = ((!self.fresh).then_some(&found.old), &found.labels);
            let memory = match rows {
                Resident::Rows(_) => Memory::Rows(memory),
                Resident::Tiles(_) => Memory::Columns(memory),
            };
            let change = Change { memory, changed, from, to, scratch: self.block };
            self.sums.relabel(kernel, change, || shared.weights_of(i));
            self.stats.changed += u64::from(changed.count_ones());
            labels.set(at, to);
        }
    }
}

/// Decides in f64 what f32 did not. `KEEP`: with the gaps. Returns how many rows that were.
#[cold]
fn decide<const KEEP: bool>(
    kernel: Kernel,
    found: &mut Assignment,
    here: u64,
    panel: &Panel<'_>,
    row: impl Fn(usize, &mut [f32]),
) -> u64 {
    let centroids = panel.centroids;
    let (mut values, mut computed) = (vec![0f32; centroids.dims], Vec::new());
    for lane in ones(found.undecided & here) {
        row(lane, &mut values);
        let interleaved = panel.interleaved(kernel);
        let (label, nearest) = kernel.run(TwoNearest {
            row: &values,
            centroids,
            interleaved,
            second: KEEP,
            computed: &mut computed,
        });
        if KEEP {
            found.gaps[lane] = bounds::gap(nearest);
        }
        found.labels[lane] = label;
        found.changed = found.changed & !(1 << lane) | u64::from(label != found.old[lane]) << lane;
    }
    u64::from((found.undecided & here).count_ones())
}

impl KMeansShard for Shard {
    fn weigh(&mut self, weights: Vec<f32>) -> Result<()> {
        self.rows.weigh(weights)
    }

    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()> {
        match self.rows.is_weighed() {
            false => self.sums = Sums::new(k, grid.scale()),
            true => self.weighed = Some(Weighed::new(k, grid)),
        }
        self.rows.restart(k);
        self.restarted = true;
        self.fresh = true;
        self.seeding = None;
        (self.drift, self.groups) = (Drift::default(), Groups::default());
        Ok(())
    }

    fn step(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        if !self.restarted {
            return Err(Error::internal("a step before the first restart"));
        }
        match self.device.algorithm {
            // Where groups do not pay there is one bound a row.
            Algorithm::Yinyang
                if yinyang_groups::pay(centroids.k, self.dims, &self.device.thresholds) =>
            {
                self.groups.advance(centroids)
            }
            Algorithm::Hamerly | Algorithm::Yinyang => self.drift.advance(centroids),
            Algorithm::Lloyd | Algorithm::Minibatch { .. } => {}
        }
        let panel = self.panel(centroids);
        let certify = self.device.certify;
        let stats = if let Some(mut sums) = self.weighed.take() {
            let stats = if certify {
                self.pass::<true, _>(&panel, &mut sums)
            } else {
                self.pass::<false, _>(&panel, &mut sums)
            };
            sums.write(out);
            self.weighed = Some(sums);
            stats
        } else {
            let mut sums = std::mem::take(&mut self.sums);
            let stats = if certify {
                self.pass::<true, _>(&panel, &mut sums)
            } else {
                self.pass::<false, _>(&panel, &mut sums)
            };
            sums.write(out);
            self.sums = sums;
            stats
        };
        self.fresh = false;
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
        match self.rows.is_weighed() {
            false => self.distances(centroids, |_, _, distance| into.add(distance)),
            true => self.distances(centroids, |i, _, distance| {
                into.add(f64::from(self.rows.weight(i)) * distance)
            }),
        }
        Ok(())
    }

    fn farthest(&mut self, centroids: Centroids<'_>, count: usize) -> Result<Vec<Far>> {
        let mut farthest = Farthest::new(count);
        self.distances(centroids, |i, label, distance| {
            let weight = self.rows.weight(i);
            if self.weighed.as_ref().is_some_and(|sums| sums.units(weight) == 0) {
                return;
            }
            farthest.offer(Far { distance, row: self.first + i as u64, label, weight });
        });
        Ok(farthest.into_sorted())
    }

    fn batch(
        &mut self,
        rows: &[u64],
        centroids: Centroids<'_>,
        out: &mut Partial,
    ) -> Result<StepStats> {
        if !self.restarted {
            return Err(Error::internal("a batch before the first restart"));
        }
        let Cpu { kernel, certify, .. } = self.device;
        let panel = self.panel(centroids);
        let (resident, mut found) = (&self.rows.rows, Assignment::new());
        let mut gathered = Gathered::new(kernel, self.dims);
        let mut stats =
            StepStats { distances: (rows.len() * centroids.k) as u64, ..StepStats::default() };
        let mut block = [0f32; TILE * COLUMNS];
        let mut add = |sums: &mut dyn FnMut(Change<'_>, &Gathered)| {
            for some in rows.chunks(TILE) {
                for row in some {
                    let i = (row - self.first) as usize;
                    gathered.take(resident, i / TILE, &mut (1 << (i % TILE)), &[0; TILE]);
                }
                stats.rescanned += match certify {
                    true => gathered.find::<true, false>(resident, &panel, &mut found),
                    false => gathered.find::<false, false>(resident, &panel, &mut found),
                };
                let changed = u64::MAX >> (64 - some.len());
                let (memory, to) = (gathered.memory(resident), &found.labels);
                sums(Change { memory, changed, from: None, to, scratch: &mut block }, &gathered);
                gathered.clear();
            }
        };
        if let Some(weighed) = &self.weighed {
            let mut sums = weighed.cleared();
            add(&mut |change, gathered| {
                sums.relabel(kernel, change, || gathered.weights(&self.rows))
            });
            sums.write(out);
        } else {
            let mut sums = self.sums.cleared();
            add(&mut |change, _| sums.relabel(kernel, change, || [1.0; TILE]));
            sums.write(out);
        }
        Ok(stats)
    }

    fn seed_start(&mut self, grid: &Grid) -> Result<()> {
        self.seeding =
            Some(Box::new(Seeding::new(self.device.kernel, self.dims, grid, &self.rows)));
        Ok(())
    }

    fn seed_try(&mut self, candidates: Centroids<'_>, sums: &mut [WideSum]) -> Result<()> {
        let rows = self.rows.clone();
        self.seeding()?.try_out(&rows, candidates, sums);
        Ok(())
    }

    fn seed_take(&mut self, centres: Centroids<'_>) -> Result<()> {
        let rows = self.rows.clone();
        self.seeding()?.take(&rows, centres);
        Ok(())
    }

    fn seed_distances(&mut self, sink: &mut dyn FnMut(u64, &[f64]) -> bool) -> Result<()> {
        let first = self.first;
        let rows = self.rows.clone();
        let nearest = self.seeding()?.nearest();
        match rows.is_weighed() {
            false => sink(first, nearest),
            true => {
                let weighted = |(i, distance): (usize, &f64)| f64::from(rows.weight(i)) * distance;
                sink(first, &nearest.iter().enumerate().map(weighted).collect::<Vec<_>>())
            }
        };
        Ok(())
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

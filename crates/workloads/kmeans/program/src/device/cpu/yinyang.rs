//! Steps that look only at the groups of centroids that a row's bounds do not spare, where that
//! pays; Lloyd's step where it does not.
//!
//! Rows are gathered by the group of their label: those need nearly the same groups. So 48 of them
//! are scored together against every group that one of them needs, with the kernel that scores
//! tiles; what is scored beyond need makes bounds tighter.

use crate::device::cpu::Pass;
use crate::device::cpu::bounds::{ChunkBounds, Distances, GapsToOthers, here};
use crate::device::cpu::exact_nearest::TwoNearest;
use crate::device::cpu::gather::Gathered;
use crate::device::cpu::hamerly::REST;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::labels::{Labels, Stored};
use crate::device::cpu::nearest::{Assignment, Nearest};
use crate::device::cpu::panel::Panel;
use crate::device::cpu::resident::Shared;
use crate::device::cpu::sums::{Change, Totals, ones};
use crate::device::cpu::thresholds::Thresholds;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::yinyang_groups::Groups;

/// Bounds spared too little: they are tried again later.
fn give_up(bounds: &mut ChunkBounds) {
    bounds.misses += 1;
    bounds.least = Vec::new();
    bounds.rest = REST << bounds.misses.min(6);
}

/// A lane's step with a bound for each group.
pub struct Yinyang<'a> {
    kernel: Kernel,
    thresholds: &'a Thresholds,
    groups: &'a Groups,
    panels: Vec<Panel<'a>>,
    /// Rows that wait, by the group of their label, and the groups that they need.
    waiting: Vec<(Gathered, u64)>,
    /// For each tile of a chunk and each group: which rows need it.
    look: Vec<u64>,
    found: Assignment,
    /// For each group: best and second best score of each row, and the best's place in the group.
    tops: Vec<Assignment>,
    row: Vec<f32>,
    computed: Vec<f32>,
}

impl<'a> Yinyang<'a> {
    /// For rows of so many columns, with a panel for each group.
    pub fn new(
        kernel: Kernel,
        dims: usize,
        groups: &'a Groups,
        panels: Vec<Panel<'a>>,
        thresholds: &'a Thresholds,
    ) -> Self {
        let count = panels.len();
        Yinyang {
            kernel,
            thresholds,
            groups,
            panels,
            waiting: (0..count).map(|_| (Gathered::new(kernel, dims), 0)).collect(),
            look: Vec::new(),
            found: Assignment::new(),
            tops: (0..count).map(|_| Assignment::new()).collect(),
            row: vec![0.0; dims],
            computed: Vec::new(),
        }
    }

    /// Labels the rows of a chunk.
    pub fn chunk<T: Totals>(&mut self, mut pass: Pass<'_, T>, shared: &Shared, chunk: usize) {
        let mut bounds = shared.bounds(chunk);
        let tiles = shared.tiles_of(chunk);
        let count = self.panels.len();
        let rows = (tiles.end * TILE).min(shared.rows.count()) - tiles.start * TILE;
        let before = pass.stats.changed;
        let (evaluated, making) = (pass.stats.distances, bounds.least.is_empty());
        self.look.clear();
        if bounds.least.is_empty() {
            if bounds.rest > 0 || pass.fresh {
                pass.chunk::<true, false>(shared, chunk, None);
                bounds.rest = bounds.rest.saturating_sub(1);
                let changed = (pass.stats.changed - before) as f64;
                if bounds.rest == 0 && changed > self.thresholds.yinyang_changed * rows as f64 {
                    bounds.rest = 1;
                }
                return;
            }
            bounds.least = vec![[0.0; TILE]; tiles.len() * count];
            for i in tiles {
                self.look.extend(std::iter::repeat_n(here(i, shared.rows.count()), count));
            }
        } else {
            let labels = shared.labels(chunk);
            self.look.resize(tiles.len() * count, 0);
            let mut wanted = 0u64;
            for (at, i) in tiles.enumerate() {
                let range = at * count..(at + 1) * count;
                let look = &mut self.look[range.clone()];
                self.groups.look(&bounds.least[range], &labels.tile(at).widen(), look);
                look.iter_mut().for_each(|look| *look &= here(i, shared.rows.count()));
                wanted += look.iter().map(|look| u64::from(look.count_ones())).sum::<u64>();
            }
            drop(labels);
            if wanted as f64 > (1.0 - self.thresholds.yinyang_spared) * (rows * count) as f64 {
                give_up(&mut bounds);
                return pass.chunk::<true, false>(shared, chunk, None);
            }
        }
        let mut labels = shared.labels(chunk);
        for (at, i) in shared.tiles_of(chunk).enumerate() {
            let look: Vec<u64> = self.look[at * count..(at + 1) * count].to_vec();
            let here = labels.tile(at).widen();
            for lane in ones(look.iter().fold(0, |any, look| any | look)) {
                let group = self.groups.of[here[lane] as usize] as usize;
                let needs = look
                    .iter()
                    .enumerate()
                    .fold(0, |needs, (g, look)| needs | (look >> lane & 1) << g);
                let (gathered, needed) = &mut self.waiting[group];
                gathered.take(&shared.rows, i, &mut (1 << lane), &here);
                *needed |= needs | 1 << group;
                if gathered.count == TILE {
                    self.settle(&mut pass, shared, chunk, group, &mut labels, &mut bounds.least);
                }
            }
        }
        for group in 0..count {
            self.settle(&mut pass, shared, chunk, group, &mut labels, &mut bounds.least);
        }
        drop(labels);
        let share =
            (pass.stats.distances - evaluated) as f64 / (rows * pass.panel.centroids.k) as f64;
        if !making && share > 1.0 - self.thresholds.yinyang_spared {
            give_up(&mut bounds);
        }
    }

    /// Labels the rows that wait in a group.
    fn settle<T: Totals>(
        &mut self,
        pass: &mut Pass<'_, T>,
        shared: &Shared,
        chunk: usize,
        group: usize,
        labels: &mut Labels,
        least: &mut [[f32; TILE]],
    ) {
        let Yinyang { kernel, groups, panels, waiting, found, tops, row, computed, .. } = self;
        let (gathered, needed) = &mut waiting[group];
        let (count, first, all) = (gathered.count, shared.tiles_of(chunk).start, panels.len());
        if count == 0 {
            return;
        }
        let whole = pass.panel;
        let threshold =
            panels.iter().map(|panel| panel.threshold(gathered.norm)).fold(0.0, f32::max);
        let (from, old) = (gathered.from, gathered.old);
        let tile = gathered.columns(&shared.rows);
        let ahead = tile.as_ptr();
        let (mut best, mut second, mut winner) =
            ([f32::NEG_INFINITY; TILE], [f32::NEG_INFINITY; TILE], [0usize; TILE]);
        for g in ones(*needed) {
            let (panel, top) = (&panels[g], &mut tops[g]);
            pass.stats.distances += (count * panel.centroids.k) as u64;
            let old = Stored::U32(&old);
            kernel.run(Nearest::<true, true> { panel, tile, ahead, threshold, old, found: top });
            // A group of one has no second.
            for lane in 0..TILE {
                if top.best[lane] > best[lane] {
                    second[lane] = best[lane].max(top.second[lane]);
                    (best[lane], winner[lane]) = (top.best[lane], g);
                } else {
                    second[lane] = second[lane].max(top.best[lane]);
                }
            }
        }
        let distances = Distances::of(*kernel, whole, tile, threshold);
        for g in ones(*needed) {
            let Assignment { best: tops, second: seconds, gaps, .. } = &mut tops[g];
            for lane in 0..TILE {
                if winner[lane] == g {
                    tops[lane] = seconds[lane];
                }
            }
            kernel.run(GapsToOthers { distances: &distances, best: &best, others: tops, gaps });
        }
        let mut changed = 0u64;
        for lane in 0..count {
            let (i, place) = from[lane];
            let bounds = &mut least[(i - first) * all..][..all];
            // Asked this way round, whatever is not a number is undecided.
            let decided = best[lane] - second[lane] > threshold;
            let label = if decided {
                groups.members[winner[lane]][tops[winner[lane]].labels[lane] as usize]
            } else {
                pass.stats.rescanned += 1;
                shared.rows.row(i * TILE + place, row);
                let (centroids, interleaved) = (whole.centroids, whole.interleaved(*kernel));
                let second = false;
                kernel.run(TwoNearest { row, centroids, interleaved, second, computed }).0
            };
            found.labels[lane] = label;
            changed |= u64::from(label != old[lane]) << lane;
            for (g, bounds) in bounds.iter_mut().enumerate() {
                let bound = &mut bounds[place];
                *bound = if !decided {
                    0.0
                } else if *needed >> g & 1 == 0 {
                    if label == old[lane] {
                        *bound
                    } else {
                        groups.moved(*bound, old[lane], label, g)
                    }
                } else {
                    // A group of the label alone has no other score, and no end to its gap.
                    match tops[g].best[lane] == f32::NEG_INFINITY {
                        true => f32::INFINITY,
                        false => groups.bound(tops[g].gaps[lane], label, g),
                    }
                };
            }
            if label != old[lane] {
                labels.set_one(i - first, place, label);
            }
        }
        if changed != 0 {
            let to = &found.labels;
            let memory = gathered.memory(&shared.rows);
            let change =
                Change { memory, changed, from: Some(&old), to, scratch: &mut *pass.block };
            pass.sums.relabel(*kernel, change, || gathered.weights(shared));
            pass.stats.changed += u64::from(changed.count_ones());
        }
        gathered.clear();
        *needed = 0;
    }
}

//! Steps that look only at the rows that bounds do not spare, where that pays; Lloyd's step where
//! it does not.
//!
//! Each chunk of rows decides for itself, by counting: bounds are made once few labels change, and
//! given up for ever more steps when they spare too little. Counting rows below their bound comes
//! first and costs little, so that a step is never much dearer than Lloyd's.

use crate::device::cpu::Pass;
use crate::device::cpu::bounds::{Drift, here};
use crate::device::cpu::gather::Gathered;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::nearest::Assignment;
use crate::device::cpu::resident::Shared;
use crate::device::cpu::sums::{Change, Totals};
use crate::device::cpu::thresholds::Thresholds;
use crate::device::cpu::tiles::TILE;

/// Bounds are made once this part of the share that pays, or less, of the labels changes in a step:
/// more rows must be looked at than change.
const FEW: f64 = 0.1;

/// Cycles to count a row: its bound, its label, and that label's drift.
const COUNT: f64 = 5.0;

/// Cycles of a row's column from memory: a line of 16 values is shared by 16 rows of a tile.
const COLUMN: f64 = 0.8;

/// The share of rows that may have to be looked at for a step with bounds to take four fifths of
/// one without, by a rough count of cycles a row. Without: multiply-adds at two vectors a cycle and
/// what goes with them, or the row from memory, whichever is longer. With: counting it; the lines
/// of its tile, all of which come from memory as soon as a few of their rows are wanted; and for
/// each row that is, gathering it column by column, its bound and its bookkeeping. What it leaves
/// out is less than the fifth (docs/algorithms.md has what was measured).
fn pays(kernel: Kernel, k: usize, dims: usize) -> f64 {
    let products = 1.3 * (k * (dims + 6)) as f64 / (2 * kernel.width()) as f64;
    let memory = COLUMN * dims as f64;
    let without = products.max(memory);
    let with = |share: f64| {
        COUNT
            + (1.0 - (1.0 - share).powi(16)) * memory
            + share * (products + 1.5 * dims as f64 + 25.0)
    };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..20 {
        let share = (low + high) / 2.0;
        if with(share) <= 0.8 * without { low = share } else { high = share }
    }
    low
}

/// Bounds that spared too little are not made again before centroids move by this part of what they
/// moved then, or less: gaps are used up by movement, so that before they would be given up again
/// after as many steps. Making and counting them is a part of a step's time that grows as rows get
/// cheaper.
const CALMER: f32 = 0.5;

/// Steps without bounds after the first that spared too little; twice as many after each further
/// one.
pub const REST: u32 = 4;

/// A lane's step with a bound for each row.
pub struct Hamerly<'a> {
    kernel: Kernel,
    drift: &'a Drift,
    gathered: Gathered,
    /// The rows of each tile of a chunk that must be looked at.
    look: Vec<u64>,
    /// Share of rows to look at that pays.
    pays: f64,
}

impl<'a> Hamerly<'a> {
    /// For k clusters and rows of so many columns, and centroids that have moved so far.
    pub fn new(
        kernel: Kernel,
        k: usize,
        dims: usize,
        drift: &'a Drift,
        thresholds: &Thresholds,
    ) -> Self {
        let pays = thresholds.hamerly_share.unwrap_or_else(|| pays(kernel, k, dims));
        Hamerly { kernel, drift, gathered: Gathered::new(kernel, dims), look: Vec::new(), pays }
    }

    /// Labels the rows of a chunk.
    pub fn chunk<T: Totals>(&mut self, mut pass: Pass<'_, T>, shared: &Shared, chunk: usize) {
        let mut bounds = shared.bounds(chunk);
        let tiles = shared.tiles_of(chunk);
        let rows = (tiles.end * TILE).min(shared.rows.count()) - tiles.start * TILE;
        let before = pass.stats.changed;
        if bounds.least.is_empty() {
            if bounds.rest > 0 || pass.fresh {
                pass.chunk::<true, false>(shared, chunk, None);
                bounds.rest = bounds.rest.saturating_sub(1);
                // Not before few labels change.
                let changed = (pass.stats.changed - before) as f64;
                let soon = bounds.refused > 0.0 && self.drift.step > CALMER * bounds.refused;
                if bounds.rest == 0 && (soon || changed > FEW * self.pays * rows as f64) {
                    bounds.rest = 1;
                }
                return;
            }
            bounds.least = vec![[0.0; TILE]; tiles.len()];
            return pass.chunk::<true, true>(shared, chunk, Some((self.drift, &mut bounds.least)));
        }
        self.look.clear();
        let mut wanted = 0;
        {
            let labels = shared.labels(chunk);
            for (at, i) in tiles.enumerate() {
                let look = self.drift.look(&bounds.least[at], &labels.tile(at).widen())
                    & here(i, shared.rows.count());
                wanted += look.count_ones();
                self.look.push(look);
            }
        }
        if f64::from(wanted) <= self.pays * rows as f64 {
            bounds.misses = bounds.misses.saturating_sub(1);
            return self.some(&mut pass, shared, chunk, &mut bounds.least);
        }
        bounds.misses += 1;
        bounds.refused = self.drift.step;
        bounds.least = Vec::new();
        bounds.rest = REST << bounds.misses.min(8);
        pass.chunk::<true, false>(shared, chunk, None)
    }

    /// Labels the rows of a chunk that must be looked at.
    fn some<T: Totals>(
        &mut self,
        pass: &mut Pass<'_, T>,
        shared: &Shared,
        chunk: usize,
        least: &mut [[f32; TILE]],
    ) {
        let mut labels = shared.labels(chunk);
        let tiles = shared.tiles_of(chunk);
        let last = tiles.len().saturating_sub(1);
        for (at, i) in tiles.clone().enumerate() {
            let mut look = self.look[at];
            while look != 0 || (at == last && self.gathered.count > 0) {
                if look != 0 {
                    self.gathered.take(&shared.rows, i, &mut look, &labels.tile(at).widen());
                }
                if self.gathered.count < TILE && (at < last || look != 0) {
                    continue;
                }
                let count = self.gathered.count;
                let found = &mut pass.found;
                pass.stats.distances += (count * pass.panel.centroids.k) as u64;
                pass.stats.rescanned +=
                    self.gathered.find::<true, true>(&shared.rows, pass.panel, found);
                let changed = found.changed & (u64::MAX >> (64 - count));
                for lane in 0..count {
                    let (i, place) = self.gathered.from[lane];
                    least[i - tiles.start][place] =
                        self.drift.bound(found.gaps[lane], found.labels[lane]);
                    if changed >> lane & 1 != 0 {
                        labels.set_one(i - tiles.start, place, found.labels[lane]);
                    }
                }
                if changed != 0 {
                    let Assignment { old, labels: to, .. } = &*found;
                    let memory = self.gathered.memory(&shared.rows);
                    let change =
                        Change { memory, changed, from: Some(old), to, scratch: &mut *pass.block };
                    pass.sums.relabel(self.kernel, change, || self.gathered.weights(shared));
                    pass.stats.changed += u64::from(changed.count_ones());
                }
                self.gathered.clear();
            }
        }
    }
}

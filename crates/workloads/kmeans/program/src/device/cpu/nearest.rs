//! The nearest centroid of each row of a tile, rows in vector lanes.
//!
//! The scores of P vectors of rows against a block of Q centroids stay in registers while the
//! columns pass by; then the best, the second best and the best's index of each row take them in.
//! No score is stored.

use crate::device::cpu::labels::Stored;
use crate::device::cpu::nearest_large_k;
use crate::device::cpu::panel::Panel;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::{Vector, Work};

/// What is known of the labels of a tile.
pub struct Assignment {
    /// The labels of the step before.
    pub old: [u32; TILE],
    /// The nearest centroid of each row, certain or not.
    pub labels: [u32; TILE],
    /// A bit for every row that f32 does not decide.
    pub undecided: u64,
    /// A bit for every row whose label differs from the old one.
    pub changed: u64,
    /// The best score of each row, where it is kept.
    pub best: [f32; TILE],
    /// The second best, likewise.
    pub second: [f32; TILE],
    /// How much farther the second nearest centroid of each row is than the nearest, at least: see
    /// [`super::bounds`].
    pub gaps: [f32; TILE],
}

impl Assignment {
    /// Nothing yet.
    pub fn new() -> Self {
        let none = [0.0; TILE];
        Assignment {
            old: [0; TILE],
            labels: [0; TILE],
            undecided: 0,
            changed: 0,
            best: none,
            second: none,
            gaps: none,
        }
    }
}

impl Assignment {
    /// All rows have the only centroid there is, and had.
    pub fn alone(&mut self) {
        (self.old, self.labels, self.undecided, self.changed) = ([0; TILE], [0; TILE], 0, 0);
    }
}

impl Default for Assignment {
    fn default() -> Self {
        Assignment::new()
    }
}

/// Labels the rows of one tile. `CERTIFY`: also says which of them f32 does not decide. `KEEP`:
/// also keeps their two best scores.
pub struct Nearest<'a, const CERTIFY: bool, const KEEP: bool> {
    /// The centroids, packed for the kernel that does this.
    pub panel: &'a Panel<'a>,
    /// dims × TILE values, column after column.
    pub tile: &'a [f32],
    /// As many values are wanted soon: they are fetched into cache meanwhile. Any address.
    pub ahead: *const f32,
    /// Scores that differ by more are in their true order.
    pub threshold: f32,
    /// The labels of the step before.
    pub old: Stored<'a>,
    /// The result.
    pub found: &'a mut Assignment,
}

impl<const CERTIFY: bool, const KEEP: bool> Work for Nearest<'_, CERTIFY, KEEP> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        const { assert!(TILE.is_multiple_of(P * V::WIDTH) && Q <= 8) };
        let (k, dims) = (self.panel.centroids.k, self.panel.centroids.dims);
        assert!(self.tile.len() == dims * TILE && self.panel.block == Q);
        assert!(
            self.panel.packed.len() >= k * dims + V::WIDTH
                && self.panel.starts.len() >= k + V::WIDTH
        );
        if nearest_large_k::pays(k, dims) {
            // SAFETY: the lengths are right; the instructions are the caller's promise.
            return unsafe { nearest_large_k::label::<V, P, Q, CERTIFY, KEEP>(self) };
        }
        let Nearest { panel, tile, ahead, threshold, old, found } = self;
        found.old = old.widen();
        let (mut undecided, mut changed) = (0, 0);
        for group in (0..TILE).step_by(P * V::WIDTH) {
            // SAFETY: reads stay within the tile, the packed centroids and their starts, whose
            // lengths were checked above, and within the labels; writes stay within the labels and
            // scores. The instructions are the caller's promise.
            unsafe {
                let mut top = Top {
                    best: [V::splat(f32::NEG_INFINITY); P],
                    second: [V::splat(f32::NEG_INFINITY); P],
                    index: [V::splat_bits(0); P],
                };
                let rows = tile.as_ptr().add(group);
                let ahead = ahead.wrapping_add(group);
                for block in &panel.blocks {
                    let of = Block {
                        rows,
                        packed: panel.packed.as_ptr().add(block.start * dims),
                        starts: panel.starts.as_ptr().add(block.start),
                        dims,
                        first: block.start as u32,
                        ahead,
                    };
                    if block.start == 0 {
                        of.any::<V, P, Q, CERTIFY, true>(block.len(), &mut top);
                    } else {
                        of.any::<V, P, Q, CERTIFY, false>(block.len(), &mut top);
                    }
                }
                let least = V::splat(threshold);
                for p in 0..P {
                    let first = group + p * V::WIDTH;
                    let all = u32::MAX >> (32 - V::WIDTH);
                    top.index[p].store(found.labels.as_mut_ptr().add(first).cast());
                    let differ =
                        top.index[p].differing_bits(V::load(found.old.as_ptr().add(first).cast()));
                    changed |= u64::from(differ) << first;
                    if KEEP {
                        top.best[p].store(found.best.as_mut_ptr().add(first));
                        top.second[p].store(found.second.as_mut_ptr().add(first));
                    }
                    if CERTIFY {
                        // Asked this way round, whatever is not a number is undecided.
                        let decided = top.best[p].minus(top.second[p]).greater_bits(least);
                        undecided |= u64::from(!decided & all) << first;
                    }
                }
            }
        }
        found.undecided = undecided;
        found.changed = changed;
    }
}

/// The best so far of P vectors of rows.
struct Top<V, const P: usize> {
    best: [V; P],
    second: [V; P],
    index: [V; P],
}

/// P vectors of rows against a block of centroids.
#[derive(Clone, Copy)]
struct Block {
    rows: *const f32,
    packed: *const f32,
    starts: *const f32,
    dims: usize,
    first: u32,
    ahead: *const f32,
}

impl Block {
    /// A block of any size up to `MOST`.
    ///
    /// # Safety
    /// As for [`Block::score`].
    #[inline(always)]
    unsafe fn any<
        V: Vector,
        const P: usize,
        const MOST: usize,
        const CERTIFY: bool,
        const FETCH: bool,
    >(
        self,
        size: usize,
        top: &mut Top<V, P>,
    ) {
        debug_assert!(size <= MOST);
        // SAFETY: the caller's promise.
        unsafe {
            match size {
                1 => self.score::<V, P, 1, CERTIFY, FETCH>(top),
                2 => self.score::<V, P, 2, CERTIFY, FETCH>(top),
                3 => self.score::<V, P, 3, CERTIFY, FETCH>(top),
                4 => self.score::<V, P, 4, CERTIFY, FETCH>(top),
                5 if MOST >= 5 => self.score::<V, P, 5, CERTIFY, FETCH>(top),
                6 if MOST >= 6 => self.score::<V, P, 6, CERTIFY, FETCH>(top),
                7 if MOST >= 7 => self.score::<V, P, 7, CERTIFY, FETCH>(top),
                _ if MOST >= 8 => self.score::<V, P, 8, CERTIFY, FETCH>(top),
                _ => {}
            }
        }
    }

    /// # Safety
    /// The processor has the instructions of `V`; `rows` is valid for `dims` columns TILE apart, `packed` for dims × Q values, `starts`
    /// for Q.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // Indices mirror the register tile.
    unsafe fn score<
        V: Vector,
        const P: usize,
        const Q: usize,
        const CERTIFY: bool,
        const FETCH: bool,
    >(
        self,
        top: &mut Top<V, P>,
    ) {
        let Block { rows: mut column, packed: mut centroid, starts, dims, first, mut ahead } = self;
        // SAFETY: the caller's promise.
        unsafe {
            let mut scores = [[V::splat(0.0); P]; Q];
            for q in 0..Q {
                scores[q] = [V::splat(*starts.add(q)); P];
            }
            for _ in 0..dims {
                let mut x = [V::splat(0.0); P];
                for p in 0..P {
                    x[p] = V::load(column.add(p * V::WIDTH));
                }
                for q in 0..Q {
                    let c = V::splat(*centroid.add(q));
                    for p in 0..P {
                        scores[q][p] = x[p].multiply_add(c, scores[q][p]);
                    }
                }
                if FETCH {
                    for line in (0..P * V::WIDTH).step_by(16) {
                        V::prefetch(ahead.wrapping_add(line));
                    }
                    ahead = ahead.wrapping_add(TILE);
                }
                column = column.add(TILE);
                centroid = centroid.add(Q);
            }
            for q in 0..Q {
                let number = V::splat_bits(first + q as u32);
                for p in 0..P {
                    let score = scores[q][p];
                    if CERTIFY {
                        top.second[p] = top.second[p].max(score.min(top.best[p]));
                    }
                    top.index[p] = score.if_greater(top.best[p], number, top.index[p]);
                    top.best[p] = top.best[p].max(score);
                }
            }
        }
    }
}

//! The nearest centroid of each row of a tile, columns in vector lanes: for long rows and few
//! centroids.
//!
//! Rows are read where they lie. The products of R rows with a block of Q centroids are added up in
//! registers, lane by lane, and the lanes at the end; which is cheap where a row is many vectors
//! long, and spares turning it over.

use crate::device::cpu::labels::Stored;
use crate::device::cpu::nearest::Assignment;
use crate::device::cpu::panel::Panel;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::{Vector, Work};

/// Most clusters that this kernel is for.
pub const MOST: usize = 32;

/// Rows at a time.
const R: usize = 4;

/// Of the rows to come, those that each of several blocks fetches.
const HALF: usize = R / 2;

/// Is it the better kernel for rows of this shape? By shape alone, so that every processor adds in
/// the same order.
pub fn suits(dims: usize, k: usize) -> bool {
    k <= MOST && dims >= 64 && dims >= 16 * k
}

/// Labels the rows of one tile. Constants as for [`super::nearest::Nearest`].
pub struct NearestByColumns<'a, const CERTIFY: bool, const KEEP: bool> {
    /// The centroids.
    pub panel: &'a Panel<'a>,
    /// TILE rows, and at least a vector more.
    pub rows: &'a [f32],
    /// As many values are wanted soon. Any address.
    pub ahead: *const f32,
    /// Scores that differ by more are in their true order.
    pub threshold: f32,
    /// The labels of the step before.
    pub old: Stored<'a>,
    /// The result.
    pub found: &'a mut Assignment,
}

impl<const CERTIFY: bool, const KEEP: bool> Work for NearestByColumns<'_, CERTIFY, KEEP> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let NearestByColumns { panel, rows, mut ahead, threshold, old, found } = self;
        let (k, dims) = (panel.centroids.k, panel.centroids.dims);
        let stride = dims.next_multiple_of(V::WIDTH);
        assert!(
            k <= MOST && rows.len() >= TILE * dims + V::WIDTH && panel.plain.len() >= k * stride
        );
        found.old = old.widen();
        let (mut undecided, mut changed) = (0u64, 0u64);
        for first in (0..TILE).step_by(R) {
            let mut scores = [[f32::NEG_INFINITY; R]; MOST];
            // SAFETY: reads are from R rows and up to a vector beyond them, from as many centroids
            // as there are, and prefetching is from any address. What is read beyond a row is
            // finite and meets zeros in the panel. The instructions are the caller's promise.
            unsafe {
                let mut of =
                    Products { rows: rows.as_ptr().add(first * dims), dims, panel, stride, ahead };
                let mut j = 0;
                while j < k {
                    let left = k - j;
                    // No block of one or two where it can be helped.
                    let size = if Q < 8 || left == 3 || left == 6 {
                        3
                    } else if left == 5 || left > 8 {
                        5
                    } else {
                        4
                    };
                    let scores = &mut scores[j..];
                    match size.min(left) {
                        // The only block fetches all rows to come.
                        1 if k == 1 => of.add::<V, 1, R>(j, scores),
                        2 if k == 2 => of.add::<V, 2, R>(j, scores),
                        3 if k == 3 => of.add::<V, 3, R>(j, scores),
                        1 => of.add::<V, 1, HALF>(j, scores),
                        2 => of.add::<V, 2, HALF>(j, scores),
                        3 => of.add::<V, 3, HALF>(j, scores),
                        4 => of.add::<V, 4, HALF>(j, scores),
                        _ => of.add::<V, 5, HALF>(j, scores),
                    }
                    // The second block fetches the other half of the rows to come, later ones the
                    // same again, which costs little.
                    of.ahead = ahead.wrapping_add(HALF * dims);
                    j += size;
                }
            }
            ahead = ahead.wrapping_add(R * dims);
            let (mut best, mut second, mut index) =
                ([f32::NEG_INFINITY; R], [f32::NEG_INFINITY; R], [0u32; R]);
            for (j, scores) in scores[..k].iter().enumerate() {
                for r in 0..R {
                    let score = scores[r];
                    let less = if score < best[r] { score } else { best[r] };
                    second[r] = if less > second[r] { less } else { second[r] };
                    index[r] = if score > best[r] { j as u32 } else { index[r] };
                    best[r] = if score > best[r] { score } else { best[r] };
                }
            }
            for r in 0..R {
                let lane = first + r;
                found.labels[lane] = index[r];
                changed |= u64::from(index[r] != found.old[lane]) << lane;
                if KEEP {
                    (found.best[lane], found.second[lane]) = (best[r], second[r]);
                }
                if CERTIFY {
                    // Asked this way round, whatever is not a number is undecided.
                    let decided = best[r] - second[r] > threshold;
                    undecided |= u64::from(!decided) << lane;
                }
            }
        }
        found.undecided = undecided;
        found.changed = changed;
    }
}

/// R rows, to be multiplied with centroids.
struct Products<'a> {
    rows: *const f32,
    dims: usize,
    panel: &'a Panel<'a>,
    stride: usize,
    ahead: *const f32,
}

impl Products<'_> {
    /// The scores of the rows for Q centroids from `j` on, while some of the rows to come are
    /// fetched.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; there are R rows and a vector after them, and j + Q centroids.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // Indices mirror the register tile.
    unsafe fn add<V: Vector, const Q: usize, const FETCH: usize>(
        &self,
        j: usize,
        scores: &mut [[f32; R]],
    ) {
        let Products { rows, dims, panel, stride, ahead } = *self;
        // SAFETY: the caller's promise.
        unsafe {
            let centroids = panel.plain.as_ptr().add(j * stride);
            let mut sums = [[V::splat(0.0); R]; Q];
            let mut t = 0;
            while t < dims {
                let mut x = [V::splat(0.0); R];
                for r in 0..R {
                    x[r] = V::load(rows.add(r * dims + t));
                }
                for r in 0..FETCH {
                    V::prefetch(ahead.wrapping_add(r * dims + t));
                }
                for q in 0..Q {
                    let c = V::load(centroids.add(q * stride + t));
                    for r in 0..R {
                        sums[q][r] = x[r].multiply_add(c, sums[q][r]);
                    }
                }
                t += V::WIDTH;
            }
            for q in 0..Q {
                scores[q] = V::sums(sums[q]).map(|sum| sum + panel.starts[j + q]);
            }
        }
    }
}

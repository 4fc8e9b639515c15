//! Which rows of a tile may be nearer to a candidate than to any centre so far: a screen in f32,
//! and the distance in f64 for those it lets through.
//!
//! **Certificate.** With m the first centre, R = ‖x − m‖² and t = (x − m)·(c − m) − ½‖c − m‖², the
//! squared distance of x and c is R − 2t. A computed t is off by at most B = γ(d + 6) · (√R·C +
//! ½C²) ≤ γ(d + 6) · (½R + C²) and (2d + 8) · 2^−149 through underflow, where C = ‖c − m‖ and γ(n)
//! = n·2^−24/(1 − n·2^−24): a rounding of x − m, of c − m and of the start, d products and d sums,
//! in any order, fused or not. So c is no nearer than the nearest centre, at squared distance D, if
//! t + γC² + … ≤ ½(R − D) − ½γR: the left side without t is added to what t starts with, and the
//! right side is one number a row ([`least`]). The distance in f64 is rounded too, by less than
//! (d/8 + 8) · 2^−53 of itself, which [`least`] takes off. Partial sums stay below ½R + C²; where that may
//! overflow, all pass.

use crate::device::cpu::distance::Distance;
use crate::device::cpu::sums::ones;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::{Vector, Work};

/// Candidates in one go: more than any kernel has in registers.
pub const MOST: usize = 8;

/// Beyond this, sums may overflow.
const LARGE: f64 = f32::MAX as f64 / 8.0;

/// γ(d + 6), or none where sums are too long for the bound.
fn gamma(dims: usize) -> Option<f64> {
    let n = (dims as f64 + 6.0) * 2f64.powi(-24);
    (n < 0.25).then_some(n / (1.0 - n))
}

/// The largest score that shows that a candidate is no nearer than `nearest` to a row at squared
/// distance `from_first` of the first centre. Both in f64; `from_first` may be rounded to f32.
pub fn least(nearest: f64, from_first: f32, dims: usize) -> f32 {
    let r = f64::from(from_first);
    let Some(gamma) = gamma(dims).filter(|_| r < LARGE && nearest < LARGE) else {
        return f32::NEG_INFINITY;
    };
    // 2^−22 for R in f32, 2^−40 for the rounding of f64 distances and that of this.
    let low = 0.5
        * (r * (1.0 - 2f64.powi(-22))
            - nearest * (1.0 + 2f64.powi(-40) + dims as f64 * 2f64.powi(-53)));
    ((low - 0.5 * gamma * r * (1.0 + 2f64.powi(-20))) as f32).next_down()
}

/// Candidates, arranged for the screen.
pub struct Candidates {
    /// count × dims values.
    pub values: Vec<f32>,
    /// Candidate by candidate, c − m: column t of all of them lies together.
    packed: Vec<f32>,
    /// What each score starts with.
    starts: Vec<f32>,
    count: usize,
}

impl Candidates {
    /// At most [`MOST`] candidates, seen from the first centre.
    pub fn new(values: &[f32], first: &[f32]) -> Candidates {
        let dims = first.len();
        let count = values.len() / dims;
        let mut packed = vec![0f32; values.len()];
        let mut starts = Vec::with_capacity(count);
        for (j, candidate) in values.chunks_exact(dims).enumerate() {
            let mut square = 0f64;
            for (t, (&c, &m)) in candidate.iter().zip(first).enumerate() {
                let difference = f64::from(c) - f64::from(m);
                packed[t * count + j] = difference as f32;
                square += difference * difference;
            }
            starts.push(match gamma(dims).filter(|_| square < LARGE) {
                Some(gamma) => {
                    let tiny = (2.0 * dims as f64 + 8.0) * 2f64.powi(-149);
                    ((-0.5 * square + gamma * square * (1.0 + 2f64.powi(-20)) + tiny) as f32)
                        .next_up()
                }
                None => f32::INFINITY,
            });
        }
        Candidates { values: values.to_vec(), packed, starts, count }
    }
}

/// A row that is nearer to a candidate.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    /// Place in the tile.
    pub lane: usize,
    /// Number of the candidate.
    pub candidate: usize,
    /// Its squared distance, in f64.
    pub distance: f64,
}

/// Finds the rows of one tile that may be nearer to each candidate: a bit for each.
pub struct Screen<'a> {
    /// The candidates.
    pub candidates: &'a Candidates,
    /// The first centre.
    pub first: &'a [f32],
    /// dims × TILE values, column after column.
    pub tile: &'a [f32],
    /// See [`least`].
    pub least: &'a [f32; TILE],
}

impl Work for Screen<'_> {
    type Output = [u64; MOST];

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) -> [u64; MOST] {
        let Screen { candidates, first, tile, least } = self;
        let (count, dims) = (candidates.count, first.len());
        assert!(count <= MOST && tile.len() == dims * TILE);
        assert!(candidates.packed.len() == count * dims && candidates.starts.len() == count);
        let mut passed = [0u64; MOST];
        for group in (0..TILE).step_by(P * V::WIDTH) {
            let mut j = 0;
            while j < count {
                // SAFETY: reads are within the tile, the first centre, the rows' bounds and the
                // candidates, whose lengths were checked. The instructions are the caller's
                // promise.
                unsafe {
                    let of = Scores {
                        tile: tile.as_ptr().add(group),
                        least: least.as_ptr().add(group),
                        candidates,
                        first,
                    };
                    let passed = &mut passed[j..];
                    match (count - j).min(Q) {
                        1 => of.add::<V, P, 1>(j, group, passed),
                        2 => of.add::<V, P, 2>(j, group, passed),
                        3 => of.add::<V, P, 3>(j, group, passed),
                        4 | 5 => of.add::<V, P, 4>(j, group, passed),
                        6 | 7 if Q >= 6 => of.add::<V, P, 6>(j, group, passed),
                        _ if Q >= 8 => of.add::<V, P, 8>(j, group, passed),
                        _ => of.add::<V, P, 4>(j, group, passed),
                    }
                }
                j += match (count - j).min(Q) {
                    5 => 4,
                    7 => 6,
                    size => size,
                };
            }
        }
        passed
    }
}

/// Computes the distances of those rows in f64.
pub struct Settle<'a> {
    /// The candidates.
    pub candidates: &'a Candidates,
    /// What the screen let through.
    pub passed: [u64; MOST],
    /// TILE rows, those that passed at their place.
    pub rows: &'a [f32],
    /// Squared distances to the nearest centre, of the rows that there are.
    pub nearest: &'a [f64],
    /// The rows that are nearer to a candidate, row by row and candidate by candidate.
    pub hits: &'a mut Vec<Hit>,
}

impl Work for Settle<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Settle { candidates, passed, rows, nearest, hits } = self;
        let (count, dims) = (candidates.count, candidates.values.len() / candidates.count.max(1));
        for lane in ones(any(&passed)).take_while(|&lane| lane < nearest.len()) {
            let row = &rows[lane * dims..][..dims];
            for (j, bits) in passed[..count].iter().enumerate() {
                if bits >> lane & 1 != 0 {
                    let centroid = &candidates.values[j * dims..][..dims];
                    // SAFETY: the instructions are the caller's promise.
                    let distance = unsafe { Distance { row, centroid }.run::<V, P, Q>() };
                    if distance < nearest[lane] {
                        hits.push(Hit { lane, candidate: j, distance });
                    }
                }
            }
        }
    }
}

/// The rows that passed for any candidate.
pub fn any(passed: &[u64; MOST]) -> u64 {
    passed.iter().fold(0, |any, bits| any | bits)
}

/// P vectors of rows, to be scored.
struct Scores<'a> {
    tile: *const f32,
    least: *const f32,
    candidates: &'a Candidates,
    first: &'a [f32],
}

impl Scores<'_> {
    /// Sets a bit for each row whose score with each of Q candidates from `j` on is not below the
    /// row's least.
    ///
    /// # Safety
    /// The processor has the instructions of `V`; the tile has as many columns as the first centre; there are j + Q candidates.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // Indices mirror the register tile.
    unsafe fn add<V: Vector, const P: usize, const Q: usize>(
        &self,
        j: usize,
        group: usize,
        passed: &mut [u64],
    ) {
        let Scores { tile: mut column, least, candidates, first } = *self;
        // SAFETY: the caller's promise.
        unsafe {
            let mut scores = [[V::splat(0.0); P]; Q];
            for q in 0..Q {
                scores[q] = [V::splat(*candidates.starts.as_ptr().add(j + q)); P];
            }
            let mut packed = candidates.packed.as_ptr().add(j);
            for &m in first {
                let m = V::splat(m);
                let mut x = [m; P];
                for p in 0..P {
                    x[p] = V::load(column.add(p * V::WIDTH)).minus(m);
                }
                for q in 0..Q {
                    let c = V::splat(*packed.add(q));
                    for p in 0..P {
                        scores[q][p] = x[p].multiply_add(c, scores[q][p]);
                    }
                }
                column = column.add(TILE);
                packed = packed.add(candidates.count);
            }
            for p in 0..P {
                let least = V::load(least.add(p * V::WIDTH));
                let all = u32::MAX >> (32 - V::WIDTH);
                for q in 0..Q {
                    // Asked this way round, whatever is not a number passes.
                    let below = least.greater_bits(scores[q][p]);
                    passed[q] |= u64::from(!below & all) << (group + p * V::WIDTH);
                }
            }
        }
    }
}

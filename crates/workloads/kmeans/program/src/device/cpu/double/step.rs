//! The nearest centroids of rows of f64.

use super::panel::{BLOCK, Panel};
use crate::device::cpu::vector::{Vector, Work};

/// Labels rows.
pub struct Nearest<'a> {
    /// The centroids.
    pub panel: &'a Panel<'a>,
    /// Row-major.
    pub rows: &'a [f64],
    /// Their lengths.
    pub norms: &'a [f64],
    /// Where labels go.
    pub labels: &'a mut [u32],
}

/// What is known of a row: in each lane the best and the second best score, and the block of the
/// best.
#[derive(Clone, Copy)]
struct Found {
    best: [f64; BLOCK],
    second: [f64; BLOCK],
    block: [u64; BLOCK],
}

const NOTHING: Found = Found {
    best: [f64::NEG_INFINITY; BLOCK],
    second: [f64::NEG_INFINITY; BLOCK],
    block: [0; BLOCK],
};

impl Found {
    /// Takes in the scores of a block. Of equal ones the earlier stays.
    #[inline(always)]
    fn enter(&mut self, block: u64, scores: &[f64; BLOCK]) {
        for (l, &score) in scores.iter().enumerate() {
            let better = score > self.best[l];
            let worse = if better { self.best[l] } else { score };
            self.second[l] = if worse > self.second[l] { worse } else { self.second[l] };
            self.block[l] = if better { block } else { self.block[l] };
            self.best[l] = if better { score } else { self.best[l] };
        }
    }

    /// The centroid of the best score, and how far ahead that is.
    #[inline(always)]
    fn lead(&self) -> (u32, f64) {
        let (mut at, mut best, mut second) = (0, self.best[0], self.second[0]);
        for l in 1..BLOCK {
            let (score, next) = (self.best[l], self.second[l]);
            if score > best {
                second = if best > next { best } else { next };
                (at, best) = (l, score);
            } else {
                second = if score > second { score } else { second };
            }
            second = if next > second { next } else { second };
        }
        (self.block[at] as u32 * BLOCK as u32 + at as u32, best - second)
    }
}

impl Work for Nearest<'_> {
    /// Rows that scores did not decide.
    type Output = u64;

    /// `Q` rows against eight centroids at a time.
    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) -> u64 {
        let Nearest { panel, rows, norms, labels } = self;
        let dims = panel.centroids.dims;
        if panel.centroids.k == 1 {
            labels.fill(0);
            return 0;
        }
        let mut decided = 0;
        let blocks = rows.chunks(Q * dims).zip(labels.chunks_mut(Q)).zip(norms.chunks(Q));
        for ((rows, labels), norms) in blocks {
            // Where there are fewer rows the last is taken several times.
            let last = labels.len() - 1;
            let row: [&[f64]; Q] = std::array::from_fn(|r| &rows[r.min(last) * dims..][..dims]);
            let mut found = [NOTHING; Q];
            for (block, (columns, halves)) in panel.blocks().enumerate() {
                let mut scores = [*halves; Q];
                for (t, column) in columns.iter().enumerate() {
                    for r in 0..Q {
                        // SAFETY: the instructions are the caller's promise.
                        unsafe { V::add_products(row[r][t], column, &mut scores[r]) };
                    }
                }
                for (found, scores) in found.iter_mut().zip(&scores) {
                    found.enter(block as u64, scores);
                }
            }
            for (r, (label, &norm)) in labels.iter_mut().zip(norms).enumerate() {
                let (nearest, lead) = found[r].lead();
                *label = if lead > panel.bound(norm) {
                    nearest
                } else {
                    decided += 1;
                    panel.decide(row[r])
                };
            }
        }
        decided
    }
}

//! The nearest centroids of rows of f64.

use super::panel::{BLOCK, Panel};
use crate::device::cpu::vector::{TwoBest, Vector, Work};

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

const NOTHING: TwoBest = TwoBest {
    best: [f64::NEG_INFINITY; BLOCK],
    second: [f64::NEG_INFINITY; BLOCK],
    block: [0.0; BLOCK],
};

/// The greatest of eight numbers, in pairs.
#[inline(always)]
fn greatest(x: &[f64; BLOCK]) -> f64 {
    let of = |a: f64, b: f64| if a > b { a } else { b };
    let four: [f64; 4] = std::array::from_fn(|i| of(x[i], x[i + 4]));
    of(of(four[0], four[2]), of(four[1], four[3]))
}

/// The centroid of the best score, and how far ahead of all others that is.
#[inline(always)]
fn lead(found: &TwoBest) -> (u32, f64) {
    let best = greatest(&found.best);
    let mut at = 0;
    for l in (0..BLOCK).rev() {
        at = if found.best[l] == best { l } else { at };
    }
    let others = std::array::from_fn(|l| if l == at { found.second[l] } else { found.best[l] });
    (found.block[at] as u32 * BLOCK as u32 + at as u32, best - greatest(&others))
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
                // SAFETY: the instructions are the caller's promise, and each row has `dims` values,
                // as many as a block has columns.
                let scores = unsafe { V::scores::<Q>(row.map(<[f64]>::as_ptr), columns, halves) };
                for (found, scores) in found.iter_mut().zip(&scores) {
                    // SAFETY: as above.
                    unsafe { V::enter(scores, block as f64, found) };
                }
            }
            for (r, (label, &norm)) in labels.iter_mut().zip(norms).enumerate() {
                let (nearest, lead) = lead(&found[r]);
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

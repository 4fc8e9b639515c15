//! Centroids of f64 as the kernel wants them, and how close two scores may be.
//!
//! **The certificate.** A score is s = x·c − ½‖c‖², the greater the nearer: D² = ‖x‖² − 2s. With
//! u = 2^−53 and M = (‖x‖ + max ‖c‖)², a computed score is off by at most (d + 2)·u·M in any order of
//! additions, fused or not (N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed.,
//! SIAM 2002, §3.1), and a distance by the definition by at most (⌈d/8⌉ + 6)·u·M. So where the best
//! score is ahead of all others by B, with 2B ≥ 4(d + 2)·u·M + 2(⌈d/8⌉ + 6)·u·M, the definition
//! orders them alike. The bound taken is (4d + 40)·u·M, whose surplus covers the rounding of the
//! lengths, and d·2^−1060 for products too small to be normal numbers.

use crate::device::Centroids;
use amdahl_lanes::exact::squared_distance;

/// Centroids of which scores are computed together.
pub const BLOCK: usize = 8;

/// The length of a row, to a few last bits.
pub fn norm(row: &[f64]) -> f64 {
    row.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The centroids of one step.
pub struct Panel<'a> {
    /// As they came.
    pub centroids: Centroids<'a, f64>,
    /// By block, then by column: a value of each of eight centroids. Past the last one: zeros.
    values: Vec<[f64; BLOCK]>,
    /// −½‖c‖² of each block's centroids; −∞ past the last one.
    halves: Vec<[f64; BLOCK]>,
    /// The length of the longest.
    longest: f64,
}

impl<'a> Panel<'a> {
    /// Of these centroids, at least one.
    pub fn new(centroids: Centroids<'a, f64>) -> Panel<'a> {
        let Centroids { k, dims, .. } = centroids;
        let blocks = k.div_ceil(BLOCK);
        let mut values = vec![[0f64; BLOCK]; blocks * dims];
        let mut halves = vec![[f64::NEG_INFINITY; BLOCK]; blocks];
        let mut longest = 0f64;
        for j in 0..k {
            let row = centroids.row(j);
            for (column, &x) in values[j / BLOCK * dims..][..dims].iter_mut().zip(row) {
                column[j % BLOCK] = x;
            }
            halves[j / BLOCK][j % BLOCK] = -0.5 * row.iter().map(|x| x * x).sum::<f64>();
            longest = longest.max(norm(row));
        }
        Panel { centroids, values, halves, longest }
    }

    /// Columns and first scores of each block.
    pub fn blocks(&self) -> impl Iterator<Item = (&[[f64; BLOCK]], &[f64; BLOCK])> {
        self.values.chunks_exact(self.centroids.dims).zip(&self.halves)
    }

    /// How far ahead the best score of a row of this length must be.
    pub fn bound(&self, norm: f64) -> f64 {
        let (dims, reach) = (self.centroids.dims as f64, norm + self.longest);
        (4.0 * dims + 40.0) * (0.5 * f64::EPSILON) * reach * reach + dims * 2f64.powi(-1060)
    }

    /// Distances that labelling so many rows takes.
    pub fn distances(&self, rows: usize) -> u64 {
        if self.centroids.k > 1 { rows as u64 * self.centroids.k as u64 } else { 0 }
    }

    /// The nearest by the definition.
    #[cold]
    pub fn decide(&self, row: &[f64]) -> u32 {
        let mut best = (f64::INFINITY, 0);
        for j in 0..self.centroids.k {
            let distance = squared_distance(row, self.centroids.row(j));
            if distance < best.0 {
                best = (distance, j as u32);
            }
        }
        best.1
    }
}

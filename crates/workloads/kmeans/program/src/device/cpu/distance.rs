//! Distances in f64, [`amdahl_lanes::exact::squared_distance`], in the vectors of the kernel.

use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::vector::{Vector, Work};
use amdahl_lanes::exact;

/// The squared distance of a row and a centroid: the same bits as [`exact::squared_distance`], on
/// every kernel.
pub struct Distance<'a> {
    /// A row.
    pub row: &'a [f32],
    /// A centroid of as many columns.
    pub centroid: &'a [f32],
}

impl Work for Distance<'_> {
    type Output = f64;

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) -> f64 {
        let (whole, rest) = self.row.as_chunks::<8>();
        let (whole_c, rest_c) = self.centroid.as_chunks::<8>();
        let mut sums = [0f64; 8];
        for (x, c) in whole.iter().zip(whole_c) {
            // SAFETY: the instructions are the caller's promise.
            unsafe { V::square_eight(x, c, &mut sums) };
        }
        exact::finish(sums, rest, rest_c)
    }
}

/// Squared distances of some rows to one other.
struct Several<'a> {
    rows: &'a [f32],
    other: &'a [f32],
    to: &'a mut [f64],
}

impl Work for Several<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Several { rows, other, to } = self;
        let dims = other.len();
        let (whole, rest) = other.as_chunks::<8>();
        // Four rows at a time: their sums do not wait for each other.
        for (rows, to) in rows.chunks(4 * dims).zip(to.chunks_mut(4)) {
            if to.len() < 4 {
                for (row, to) in rows.chunks_exact(dims).zip(to) {
                    // SAFETY: the instructions are the caller's promise.
                    *to = unsafe { Distance { row, centroid: other }.run::<V, P, Q>() };
                }
                continue;
            }
            let four: [&[f32]; 4] = std::array::from_fn(|i| &rows[i * dims..(i + 1) * dims]);
            let eights = four.map(|row| row.as_chunks::<8>().0);
            let mut sums = [[0f64; 8]; 4];
            for (t, c) in whole.iter().enumerate() {
                for (sums, eights) in sums.iter_mut().zip(&eights) {
                    // SAFETY: as above.
                    unsafe { V::square_eight(&eights[t], c, sums) };
                }
            }
            for ((to, sums), row) in to.iter_mut().zip(sums).zip(four) {
                *to = exact::finish(sums, row.as_chunks::<8>().1, rest);
            }
        }
    }
}

/// The squared distances of rows (row-major, as many as `to` has room for) to another, in
/// f64: the same bits with every kernel.
pub fn distances(kernel: Kernel, rows: &[f32], other: &[f32], to: &mut [f64]) {
    assert_eq!(rows.len(), to.len() * other.len(), "rows of as many columns");
    kernel.run(Several { rows, other, to });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Centroids;

    #[test]
    fn every_kernel_has_the_bits_of_squared_distance() {
        for dims in (1..=40).chain([54, 784]) {
            let value = |i: usize| ((i * 2_654_435_761) % 10_007) as f32 * 0.37 - 1_800.0;
            let row: Vec<f32> = (0..dims).map(value).collect();
            let values: Vec<f32> = (0..7 * dims).map(|i| value(i + 77)).collect();
            let centroids = Centroids { values: &values, k: 7, dims };
            let distances: Vec<f64> =
                (0..7).map(|j| exact::squared_distance(&row, centroids.row(j))).collect();
            for kernel in Kernel::all() {
                for (j, expected) in distances.iter().enumerate() {
                    let distance = kernel.run(Distance { row: &row, centroid: centroids.row(j) });
                    assert_eq!(
                        distance.to_bits(),
                        expected.to_bits(),
                        "{} dims {dims}",
                        kernel.name()
                    );
                }
                let mut several = [0f64; 7];
                super::distances(kernel, &values, &row, &mut several);
                let found: Vec<u64> = several.iter().map(|x| x.to_bits()).collect();
                let expected: Vec<u64> = distances.iter().map(|x| x.to_bits()).collect();
                assert_eq!(found, expected, "{} dims {dims}", kernel.name());
            }
        }
    }
}

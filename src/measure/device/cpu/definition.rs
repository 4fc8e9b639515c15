//! Distances by definition, [`crate::exact::squared_distance`], in the vectors of the kernel.

use crate::exact;
use crate::measure::device::cpu::vector::{Vector, Work};

/// The squared distance of a row and a centroid: the same bits as [`exact::squared_distance`], on every kernel.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::device::Centroids;
    use crate::measure::device::cpu::kernel::Kernel;

    #[test]
    fn every_kernel_has_the_bits_of_the_definition() {
        for dims in (1..=40).chain([54, 784]) {
            let value = |i: usize| ((i * 2_654_435_761) % 10_007) as f32 * 0.37 - 1_800.0;
            let row: Vec<f32> = (0..dims).map(value).collect();
            let values: Vec<f32> = (0..3 * dims).map(|i| value(i + 77)).collect();
            let centroids = Centroids { values: &values, k: 3, dims };
            let distances: Vec<f64> = (0..3).map(|j| exact::squared_distance(&row, centroids.row(j))).collect();
            for kernel in Kernel::ALL.iter().filter(|kernel| kernel.supported()) {
                for (j, expected) in distances.iter().enumerate() {
                    let distance = kernel.run(Distance { row: &row, centroid: centroids.row(j) });
                    assert_eq!(distance.to_bits(), expected.to_bits(), "{} dims {dims}", kernel.name());
                }
            }
        }
    }
}

//! How far computed scores may be from the true ones, and so what a device has not decided.
//!
//! A score is one sum of D products in f32: x·c, and −½‖c‖² in one part, or in three of bfloat16,
//! whose magnitudes add up to at most ½‖c‖²(1 + 2^−7). With u = 2^−24 and γ(n) = nu/(1 − nu), in
//! any order of summation, fused or not, it is off by at most e = γ(D + 3)·(‖x‖‖c‖ + ½‖c‖²(1 +
//! 2^−7)), −½‖c‖² itself being rounded once, and by (2D + 8)·2^−126 where small numbers are flushed
//! to zero (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, ch. 3). Rounding rows
//! and centroids to bfloat16 (unit roundoff 2^−8) adds (2·2^−8 + 2^−16)·‖x‖‖c‖. Two scores that are
//! more than 2e apart are in their true order, and in that of the distances that the host computes
//! in f64, which are off themselves: half of each by at most (d + 2)·2^−53·½(‖x‖ + ‖c‖)², which e
//! holds twice. Beside a row that is larger than all centroids by far, that is the larger part. The threshold is twice that: for its subtraction
//! from a score, which is off by less than e/3, and for devices whose f32 products are made of
//! several smaller ones. That a device keeps within it is checked on rows of every step.

use crate::device::Centroids;
use crate::device::pjrt::text::Format;

/// What a step's scores are computed from, scaled by powers of two so that no value of the data
/// exceeds 1.
pub struct Scaled {
    /// k × dims values.
    pub centroids: Vec<f32>,
    /// −½‖c‖² of each.
    pub starts: Vec<f32>,
    /// Scores that are farther apart are in their true order.
    pub threshold: f32,
    /// The same for squared distances of the data as they are.
    pub distance: f64,
}

/// The factor 2^−e that brings values below 2^e below 1.
pub fn factor(e: i32) -> f64 {
    2f64.powi(-e)
}

impl Scaled {
    /// Scales centroids whose values, like those of the rows, are below 2^`exponent`. `norm` is a
    /// bound on the norms of the rows.
    pub fn new(centroids: Centroids<'_>, exponent: i32, norm: f32, format: Format) -> Scaled {
        let factor = factor(exponent);
        let terms = (centroids.dims + format.ones()) as f64;
        let values: Vec<f32> =
            centroids.values.iter().map(|&c| (f64::from(c) * factor) as f32).collect();
        let squares = values
            .chunks_exact(centroids.dims)
            .map(|c| c.iter().map(|&c| f64::from(c).powi(2)).sum::<f64>());
        let squares: Vec<f64> = squares.collect();
        let starts = squares.iter().map(|square| (-0.5 * square) as f32).collect();
        let (c, x) = (
            squares.iter().fold(0f64, |most, &square| most.max(square)).sqrt(),
            f64::from(norm) * factor,
        );
        let n = (terms + 3.0) * 2f64.powi(-24);
        let gamma = if n < 0.25 { n / (1.0 - n) } else { f64::INFINITY };
        let rounding = match format {
            Format::F32 => 0.0,
            Format::Bf16 => 2f64.powi(-7) + 2f64.powi(-16),
        };
        let size = x * c + 0.5 * c * c * (1.0 + 2f64.powi(-7));
        let of_host = (terms + 2.0) * 2f64.powi(-53) * (x + c).powi(2);
        let error =
            gamma * size + of_host + rounding * x * c + (2.0 * terms + 8.0) * 2f64.powi(-126);
        let threshold = ((4.0 * error * (1.0 + 2f64.powi(-20))) as f32).next_up();
        // A score is half a squared distance.
        let distance = 2.0 * f64::from(threshold) / (factor * factor) * (1.0 + 2f64.powi(-20));
        Scaled { centroids: values, starts, threshold, distance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_threshold_is_decided() {
        let values = [3.0f32, 4.0, 0.0, 1.0];
        let centroids = Centroids { values: &values, k: 2, dims: 2 };
        let scaled = Scaled::new(centroids, 3, 8.0, Format::F32);
        assert_eq!(scaled.centroids, [0.375, 0.5, 0.0, 0.125]);
        assert_eq!(scaled.starts, [-0.5 * 0.390625, -0.5 * 0.015625]);
        // x·c is at most 1 × 0.625, and γ(6) is 6·2^−24.
        let error = 6.0 * 2f64.powi(-24) * (0.625 + 0.1953125 * (1.0 + 2f64.powi(-7)));
        assert!(
            (f64::from(scaled.threshold) / (4.0 * error) - 1.0).abs() < 1e-5,
            "{}",
            scaled.threshold
        );
        assert!((scaled.distance / (2.0 * 64.0 * f64::from(scaled.threshold)) - 1.0).abs() < 1e-5);
        let half = Scaled::new(centroids, 3, 8.0, Format::Bf16);
        assert!(half.threshold > 1000.0 * scaled.threshold);
    }

    /// Between centroids of a few units, a row of 10^25 has equal distances in f64, of which the
    /// host takes the first; f32 tells its scores apart.
    #[test]
    fn what_f64_distances_confuse_is_not_decided() {
        let values = [3.0f32, 24.0];
        let centroids = Centroids { values: &values, k: 2, dims: 1 };
        let scaled = Scaled::new(centroids, 84, 1e25, Format::F32);
        let row = (1e25 * factor(84)) as f32;
        let gap = row * (scaled.centroids[1] - scaled.centroids[0]);
        assert!(gap > 0.0 && gap <= scaled.threshold, "{gap} and {}", scaled.threshold);
    }

    #[test]
    fn too_many_columns_for_the_bound_decide_nothing() {
        let values = vec![0.5f32; 1 << 22];
        let scaled =
            Scaled::new(Centroids { values: &values, k: 1, dims: 1 << 22 }, 0, 1.0, Format::F32);
        assert_eq!(scaled.threshold, f32::INFINITY);
    }
}

//! The numbers that rows are made of, and how many integers keep one of them on a grid.
//!
//! An f32 fits into one integer in steps of the grid. An f64 has bits below the step: they go into a
//! second integer, in parts of 2^−b of a step (b are the grid's bits), so that the two keep 2b bits
//! below the column's largest binade, 80 up to N = 2^22 rows.
//!
//! **No overflow.** What rounding to a step leaves is at most half a step, hence at most 2^(b−1)
//! parts, half of what the first integer may hold; the bound on sums is the same.

use super::weights::Weighing;
use super::{Grid, ROUND, power_of_two};

/// f32 or f64.
pub trait Real: Copy + std::fmt::Debug + PartialOrd + Into<f64> + Send + Sync + 'static {
    /// Integers that keep one value (or a sum of them): 1 or 2.
    const LIMBS: usize;

    /// What a row of weight `weight` with this value in column `t` adds to the integers of its
    /// cluster's sum, of which the first [`Real::LIMBS`] count.
    fn units(self, grid: &Grid, t: usize, weight: f32) -> [i64; 2];

    /// The mean of `count` rows (in units of [`Grid::weighing`]) with this sum in column `t`.
    fn mean(grid: &Grid, sum: [i64; 2], count: i64, t: usize) -> Self;
}

impl Real for f32 {
    const LIMBS: usize = 1;

    #[inline]
    fn units(self, grid: &Grid, t: usize, weight: f32) -> [i64; 2] {
        [grid.weighing.product(weight, Grid::quantise(self, grid.scale[t])), 0]
    }
    fn mean(grid: &Grid, sum: [i64; 2], count: i64, t: usize) -> f32 {
        grid.mean(sum[0], count, t)
    }
}

impl Real for f64 {
    const LIMBS: usize = 2;

    #[inline]
    fn units(self, grid: &Grid, t: usize, weight: f32) -> [i64; 2] {
        // A power of two: exact.
        let steps = self * grid.scale[t];
        match grid.weighing {
            Weighing::Even => split_small(steps, grid.bits),
            Weighing::Whole => split_small(steps, grid.bits).map(|units| weight as i64 * units),
            Weighing::Real { product, .. } => split(f64::from(weight) * steps * product, grid.bits),
        }
    }
    fn mean(grid: &Grid, [steps, parts]: [i64; 2], count: i64, t: usize) -> f64 {
        let sum = (i128::from(steps) << grid.bits) + i128::from(parts);
        sum as f64 / count as f64 * grid.step[t] * power_of_two(-(grid.bits as i32))
    }
}

/// The same as [`split`] for |x| < 2^51, without a call of a function where the processor's baseline
/// cannot round: adding [`ROUND`] does.
#[inline(always)]
fn split_small(x: f64, bits: u32) -> [i64; 2] {
    let whole = x + ROUND;
    let parts = (x - (whole - ROUND)) * power_of_two(bits as i32) + ROUND;
    [whole, parts].map(|shifted| Grid::without_shift(shifted.to_bits() as i64, 1))
}

/// Whole units, and 2^−bits of them.
#[inline]
fn split(x: f64, bits: u32) -> [i64; 2] {
    let whole = x.round_ties_even();
    // The difference is exact: it has no bits below those of x, and none above half a unit.
    let parts = ((x - whole) * power_of_two(bits as i32)).round_ties_even();
    [whole as i64, parts as i64]
}

#[cfg(test)]
mod tests {
    use super::super::weights::Weights;
    use super::*;
    use proptest::prelude::*;

    fn grid(xs: &[f64], weights: Option<&[f32]>) -> Grid {
        let largest = xs.iter().fold(0f64, |m, x| m.max(x.abs()));
        let weights = weights.map(|weights| Weights {
            total: weights.iter().map(|&w| f64::from(w)).sum(),
            largest: weights.iter().copied().fold(0.0, f32::max),
            whole: weights.iter().all(|w| w.fract() == 0.0),
        });
        Grid::weighted(&[largest], xs.len() as u64, weights).expect("few rows")
    }

    fn sum(grid: &Grid, xs: &[f64], weights: &[f32]) -> ([i64; 2], i64) {
        xs.iter().zip(weights).fold(([0; 2], 0), |([steps, parts], count), (x, &w)| {
            let [more, rest] = x.units(grid, 0, w);
            ([steps + more, parts + rest], count + grid.weighing().alone(w))
        })
    }

    proptest! {
        #[test]
        fn one_value_is_kept_whole(x in -1e3f64..1e3, exponent in -200i32..100) {
            let x = x * 2f64.powi(exponent);
            let grid = grid(&[x, x], None);
            let (units, count) = sum(&grid, &[x], &[1.0]);
            prop_assert_eq!(f64::mean(&grid, units, count, 0).to_bits(), (x + 0.0).to_bits());
        }

        #[test]
        fn both_ways_to_split_are_one(x in -1.0f64..1.0, exponent in 0i32..40, bits in 24u32..=40) {
            let x = x * 2f64.powi(exponent);
            prop_assert_eq!(split_small(x, bits), split(x, bits));
        }

        #[test]
        fn means_are_those_of_exact_arithmetic(xs in prop::collection::vec(-1e3f64..1e3, 1..60)) {
            let grid = grid(&xs, None);
            let (units, count) = sum(&grid, &xs, &vec![1.0; xs.len()]);
            let mut exact = super::super::accumulator::ExactSum::default();
            xs.iter().for_each(|&x| exact.add(x));
            let expected = exact.value() / count as f64;
            let found = f64::mean(&grid, units, count, 0);
            let largest = xs.iter().fold(0f64, |m, x| m.max(x.abs()));
            prop_assert!((found - expected).abs() <= expected.abs() * 2f64.powi(-52) + largest * 2f64.powi(-79));
        }

        #[test]
        fn whole_weights_are_repeated_rows(rows in prop::collection::vec((-1e9f64..1e9, 1u32..40), 1..30)) {
            let (xs, weights): (Vec<f64>, Vec<f32>) = rows.iter().map(|&(x, w)| (x, w as f32)).unzip();
            let repeated: Vec<f64> = rows.iter().flat_map(|&(x, w)| vec![x; w as usize]).collect();
            let (one, all) = (grid(&xs, Some(&weights)), grid(&repeated, None));
            prop_assert_eq!(sum(&one, &xs, &weights), sum(&all, &repeated, &vec![1.0; repeated.len()]));
        }

        #[test]
        fn other_weights_give_the_mean(rows in prop::collection::vec((-1e3f64..1e3, 1e-3f32..1.0), 1..60)) {
            let (xs, weights): (Vec<f64>, Vec<f32>) = rows.iter().copied().unzip();
            let grid = grid(&xs, Some(&weights));
            let (units, count) = sum(&grid, &xs, &weights);
            let weight: f64 = weights.iter().map(|&w| f64::from(w)).sum();
            let expected = rows.iter().map(|&(x, w)| x * f64::from(w)).sum::<f64>() / weight;
            prop_assert!((f64::mean(&grid, units, count, 0) - expected).abs() <= 1e3 * 1e-13);
        }
    }
}

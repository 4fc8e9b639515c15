//! Weights of rows in exact sums.
//!
//! A row of weight w adds w·q to the sum of its cluster, q its values on the grid, and w to the
//! cluster's weight; both are rounded to integers, so sums stay independent of their order.
//!
//! **Whole weights** (all are integers, 2^38 in all at most) round nothing: w·q is the sum of w
//! equal rows, on the same grid. Centroids are those of the data with every row repeated w times,
//! bit by bit.
//!
//! **Other weights**: with 2^e at least the sum of all weights, w·q·2^f and w·2^g are rounded to
//! the nearest integer, f = 62 − b − e and g = 62 − e. The product is rounded to f64 first, which
//! depends on the row alone. Since |q| ≤ 2^b, no sum exceeds 2^62 by more than half a unit for each
//! row. A row of average weight adds to a sum with a relative precision of some 2^−(62 − b − ⌈log2
//! N⌉) of a grid step, so that precision is lost only for weights that are smaller than the average
//! by many binades; weights below 2^−63 of the sum are as good as 0.

use super::{MAX_ROWS, power_of_two};

/// What is known of the weights of all rows together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Their sum, above 0.
    pub total: f64,
    /// The largest.
    pub largest: f32,
    /// All are integers.
    pub whole: bool,
}

/// How weights become integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Weighing {
    /// Every row counts once.
    Even,
    /// Weights are integers.
    Whole,
    /// Factors of w·q and of w.
    Real {
        /// 2^f
        product: f64,
        /// 2^g
        alone: f64,
    },
}

impl Weights {
    /// Can they be taken as they are?
    fn are_counts(&self) -> bool {
        self.whole && self.total <= MAX_ROWS as f64
    }

    /// How many rows the grid is for, when there are `rows` rows.
    pub(super) fn rows(&self, rows: u64) -> u64 {
        if self.are_counts() { rows.max(self.total as u64) } else { rows }
    }

    /// How they become integers on a grid of `bits` bits, and the exponent of a column's step
    /// relative to its largest binade.
    pub(super) fn weighing(&self, bits: u32) -> (Weighing, i32) {
        if self.are_counts() {
            return (Weighing::Whole, -(bits as i32));
        }
        let e = binade_of(self.total);
        let alone = power_of_two(62 - e);
        // Sum over weight is x·2^(b − E + f − g) = x·2^−E: a step is a column's largest binade.
        (Weighing::Real { product: power_of_two(62 - bits as i32 - e), alone }, 0)
    }

    /// A power of two that no weight exceeds.
    pub(super) fn exponent(&self) -> i32 {
        binade_of(f64::from(self.largest))
    }
}

impl Weighing {
    /// What a row of weight `w` adds to the weight of its cluster.
    #[inline(always)]
    pub fn alone(self, w: f32) -> i64 {
        match self {
            Weighing::Even => 1,
            Weighing::Whole => w as i64,
            Weighing::Real { alone, .. } => (f64::from(w) * alone).round_ties_even() as i64,
        }
    }

    /// What a row of weight `w` and grid value `q` adds to the sum of its cluster.
    #[inline(always)]
    pub fn product(self, w: f32, q: i64) -> i64 {
        match self {
            Weighing::Even => q,
            Weighing::Whole => w as i64 * q,
            Weighing::Real { product, .. } => {
                (f64::from(w) * q as f64 * product).round_ties_even() as i64
            }
        }
    }
}

/// The smallest e with x ≤ 2^e, or one more; for x > 0.
fn binade_of(x: f64) -> i32 {
    ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023 + 1
}

#[cfg(test)]
mod tests {
    use super::super::{Grid, ceil_log2};
    use super::*;
    use proptest::prelude::*;

    fn of(weights: &[f32]) -> Weights {
        Weights {
            total: weights.iter().map(|&w| f64::from(w)).sum(),
            largest: weights.iter().copied().fold(0.0, f32::max),
            whole: weights.iter().all(|w| w.fract() == 0.0),
        }
    }

    /// The weighted mean of one column.
    fn mean(xs: &[f32], weights: &[f32]) -> f32 {
        let largest = xs.iter().fold(0f32, |m, x| m.max(x.abs()));
        let grid =
            Grid::weighted(&[largest], xs.len() as u64, Some(of(weights))).expect("few rows");
        let weighing = grid.weighing();
        let (mut sum, mut weight) = (0, 0);
        for (&x, &w) in xs.iter().zip(weights) {
            sum += weighing.product(w, Grid::quantise(x, grid.scale()[0]));
            weight += weighing.alone(w);
        }
        grid.mean(sum, weight, 0)
    }

    proptest! {
        #[test]
        fn whole_weights_are_repeated_rows(rows in prop::collection::vec((any::<f32>().prop_filter("finite", |x| x.is_finite()), 0u32..60), 1..40)) {
            let (xs, weights): (Vec<f32>, Vec<f32>) = rows.iter().map(|&(x, w)| (x, w as f32)).unzip();
            // The grid is that of rows that count.
            let counted: Vec<f32> = rows.iter().flat_map(|&(x, w)| vec![x; w as usize]).collect();
            prop_assume!(!counted.is_empty());
            let kept: (Vec<f32>, Vec<f32>) = xs.iter().zip(&weights).filter(|(_, w)| **w > 0.0).map(|(x, w)| (*x, *w)).unzip();
            let repeated = mean(&counted, &vec![1.0; counted.len()]);
            prop_assert_eq!(mean(&kept.0, &kept.1).to_bits(), repeated.to_bits());
        }

        #[test]
        fn other_weights_give_the_mean_to_f32(rows in prop::collection::vec((-1e3f32..1e3, 1e-4f32..1.0), 1..100), exponent in -100i32..100) {
            let (xs, weights): (Vec<f32>, Vec<f32>) = rows.iter().copied().unzip();
            let scaled: Vec<f32> = weights.iter().map(|w| w * 2f32.powi(exponent)).collect();
            let weight: f64 = weights.iter().map(|&w| f64::from(w)).sum();
            let exact = xs.iter().zip(&weights).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>() / weight;
            let largest = xs.iter().fold(0f32, |m, x| m.max(x.abs()));
            prop_assert!((f64::from(mean(&xs, &weights)) - exact).abs() <= f64::from(largest) * 1e-7);
            // Unless it makes whole numbers of them, which are not rounded.
            if of(&scaled).are_counts() == of(&weights).are_counts() {
                prop_assert_eq!(mean(&xs, &scaled).to_bits(), mean(&xs, &weights).to_bits(), "a common factor changes nothing");
            }
        }
    }

    #[test]
    fn sums_of_the_heaviest_rows_fit() {
        for rows in [1u64, 5, 1 << 22, 1 << 30, MAX_ROWS] {
            for heavy in [f32::MAX, 1.5, 1e-40] {
                let weights =
                    Weights { total: f64::from(heavy) * rows as f64, largest: heavy, whole: false };
                let bits = 40.min(62 - ceil_log2(rows));
                let (weighing, _) = weights.weighing(bits);
                let each = i128::from(weighing.product(heavy, 1 << bits))
                    .max(i128::from(weighing.alone(heavy)));
                assert!(
                    each * i128::from(rows) < i128::from(i64::MAX),
                    "{rows} rows of weight {heavy}"
                );
                assert!(weighing.alone(heavy) > 0);
            }
        }
    }
}

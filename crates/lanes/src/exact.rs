//! Sums that do not depend on the order of their terms.
//!
//! Floating-point addition is not associative, so a sum over lanes depends on how rows were spread.
//! Here every value is first rounded to a fixed grid, and the integers on the grid are added:
//! integer addition is associative, so any partition, any order and any number of lanes give the
//! same bits. This is the wide fixed-point accumulation of `docs/exact-sums.md`.
//!
//! **Grid.** Column t holds values |x| < 2^E(t). With b = min(40, 62 − ⌈log2 N⌉), a value becomes q
//! = round-to-nearest-even(x · 2^(b−E(t))): the product is exact in f64 (a power of two), the
//! rounding is one addition.
//!
//! **No overflow.** |q| ≤ 2^b and every state is the sum of a subset of the N rows, so |Σq| ≤ N ·
//! 2^b ≤ 2^62 < 2^63.
//!
//! **Error.** b = 40 up to N = 2^22 rows. A value with |x| ≥ 2^(E−16) has its 24-bit significand
//! within 40 bits of 2^E, so it is kept without loss; a smaller one is off by at most half a grid
//! step, 2^(E−b−1). A mean of such values is off by no more than that, which is 2^−41 of the
//! column's largest binade for b = 40: 17 bits below the last bit of an f32 in that binade.

use amdahl_record::error::{Error, Result};

pub mod accumulator;
pub mod real;
pub mod weights;

pub use real::Real;
use weights::{Weighing, Weights};

/// Rows beyond this leave fewer than 24 bits of grid below the largest value.
pub const MAX_ROWS: u64 = 1 << 38;

/// The largest number of grid bits: also keeps every |q| below 2^51, which [`Grid::quantise`]
/// needs.
const MAX_BITS: u32 = 40;

/// 1.5 · 2^52: adding it to |v| < 2^51 rounds v to an integer (ties to even) in the low bits of the
/// significand.
pub const ROUND: f64 = 6_755_399_441_055_744.0;

/// The fixed-point grid of a data set: one scale per column, from global column maxima, so equal on
/// all lanes.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    bits: u32,
    rows: u64,
    exponents: Vec<i32>,
    scale: Vec<f64>,
    step: Vec<f64>,
    weighing: Weighing,
    /// No weight exceeds this power of two.
    heaviest: i32,
}

impl Grid {
    /// The grid for `rows` rows in all, whose columns have these largest absolute values (finite).
    ///
    /// Fails when there are more than [`MAX_ROWS`] rows.
    pub fn new(maxima: &[impl Real], rows: u64) -> Result<Grid> {
        Grid::weighted(maxima, rows, None)
    }

    /// The same for rows that may have weights. The maxima are those of the rows that have some.
    pub fn weighted(maxima: &[impl Real], rows: u64, weights: Option<Weights>) -> Result<Grid> {
        if rows > MAX_ROWS {
            return Err(Error::data(format!(
                "{rows} rows are more than the {MAX_ROWS} that exact sums are proven for"
            )));
        }
        let counted = weights.map_or(rows, |weights| weights.rows(rows));
        let bits = MAX_BITS.min(62 - ceil_log2(counted.max(1)));
        let (weighing, step) =
            weights.map_or((Weighing::Even, -(bits as i32)), |weights| weights.weighing(bits));
        let exponents: Vec<i32> = maxima.iter().map(|&m| binade_above(m.into())).collect();
        Ok(Grid {
            bits,
            rows,
            scale: exponents.iter().map(|&e| power_of_two(bits as i32 - e)).collect(),
            step: exponents.iter().map(|&e| power_of_two(e + step)).collect(),
            exponents,
            weighing,
            heaviest: weights.map_or(0, |weights| weights.exponent()),
        })
    }

    /// The grid of the same columns for sums of so many terms, if those are more than the rows.
    pub fn for_terms(&self, terms: u64) -> Result<Grid> {
        let largest: Vec<f64> = self.exponents.iter().map(|&e| power_of_two(e - 1)).collect();
        Grid::new(&largest, self.rows.max(terms))
    }

    /// Number of columns.
    pub fn dims(&self) -> usize {
        self.scale.len()
    }

    /// Bits between a column's largest binade and the grid step.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Factors that turn a value of each column into grid units.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// How weights become integers.
    pub fn weighing(&self) -> Weighing {
        self.weighing
    }

    /// The grid value of `x` in a column with this factor.
    #[inline(always)]
    pub fn quantise(x: f32, scale: f64) -> i64 {
        Grid::without_shift(Grid::shifted(x, scale), 1)
    }

    /// The grid value of `x` plus a constant: an operation less, where many are added.
    #[inline(always)]
    pub fn shifted(x: f32, scale: f64) -> i64 {
        (f64::from(x) * scale + ROUND).to_bits() as i64
    }

    /// What a sum (modulo 2^64) of `count` shifted values is without the constant of each.
    #[inline(always)]
    pub fn without_shift(sum: i64, count: i64) -> i64 {
        sum.wrapping_sub((ROUND.to_bits() as i64).wrapping_mul(count))
    }

    /// The mean of `count` rows (in units of [`Grid::weighing`]) with this sum of grid values in
    /// column `t`, correctly rounded from the exact quotient's f64 value.
    pub fn mean(&self, sum: i64, count: i64, t: usize) -> f32 {
        (sum as f64 / count as f64 * self.step[t]) as f32
    }

    /// E such that every value of the data is below 2^E.
    pub fn largest_exponent(&self) -> i32 {
        self.exponents.iter().copied().max().unwrap_or(0)
    }

    /// A power of two above every possible squared distance of two rows (or of a row and a mean of
    /// rows).
    pub fn distance_exponent(&self) -> i32 {
        let largest = self.largest_exponent();
        // |x − c| ≤ 2 · 2^E in each column, and ⌈log2 dims⌉ more for their sum; one for rounding.
        2 * (largest + 1) + ceil_log2(self.dims().max(1) as u64) as i32 + 1
    }

    /// An empty exact sum for one squared distance per row, times its weight.
    pub fn distance_sum(&self) -> WideSum {
        WideSum::new(self.distance_exponent() + self.heaviest, self.rows)
    }
}

/// An exact sum of non-negative f64 values below 2^F, for up to N terms, in 127 bits of fixed
/// point.
///
/// The grid step is 2^(F + ⌈log2 N⌉ − 126), so a term of at least 2^(F + ⌈log2 N⌉ − 74) is added
/// without any loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideSum {
    total: i128,
    shift: i32,
}

impl WideSum {
    /// An empty sum for `terms` values below 2^`exponent`.
    pub fn new(exponent: i32, terms: u64) -> Self {
        WideSum { total: 0, shift: 126 - exponent - ceil_log2(terms.max(1)) as i32 }
    }

    /// Adds a finite value of at least 0.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.total = self.total.wrapping_add(self.on_grid(value));
    }

    /// Takes back a value that was added before.
    #[inline]
    pub fn subtract(&mut self, value: f64) {
        self.total = self.total.wrapping_sub(self.on_grid(value));
    }

    /// Adds another sum of the same terms and exponent.
    pub fn merge(&mut self, other: &WideSum) {
        debug_assert_eq!(self.shift, other.shift);
        self.total = self.total.wrapping_add(other.total);
    }

    /// The sum in units of the grid.
    pub fn units(&self) -> i128 {
        self.total
    }

    /// The nearest whole number of grid units.
    #[inline]
    fn on_grid(&self, value: f64) -> i128 {
        debug_assert!(value >= 0.0 && value.is_finite());
        let bits = value.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32;
        let fraction = (bits & ((1 << 52) - 1)) as i128;
        let (significand, exponent) =
            if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
        let shift = exponent + self.shift;
        if shift >= 0 {
            significand << shift.min(126)
        } else if shift > -64 {
            let half = 1i128 << (-shift - 1);
            (significand + half) >> -shift
        } else {
            0
        }
    }

    /// The sum as limbs of 32 bits that may be added over lanes without overflow (below 2^31
    /// lanes).
    pub fn limbs(&self) -> [i64; 4] {
        std::array::from_fn(|i| ((self.total >> (32 * i)) & 0xffff_ffff) as i64)
    }

    /// Replaces the sum by the one with these limbs, added up over lanes.
    pub fn set_limbs(&mut self, limbs: [i64; 4]) {
        self.total = limbs
            .iter()
            .enumerate()
            .fold(0i128, |sum, (i, &limb)| sum.wrapping_add((limb as i128) << (32 * i)));
    }

    /// The sum, rounded once to f64.
    pub fn value(&self) -> f64 {
        // Two exact steps, so that a shift beyond the range of one power of two still works.
        let half = self.shift / 2;
        self.total as f64 * power_of_two(-half) * power_of_two(half - self.shift)
    }
}

/// The squared Euclidean distance of a row and a centroid in f64, on which all kernels of full
/// precision agree bit by bit.
///
/// Column t is added to accumulator t mod 8, products and sums rounded one by one (no fused
/// operation), and the accumulators are added in pairs. Differences are exact or rounded
/// once in f64, so the relative error is below (⌈d/8⌉ + 6) · 2^−53.
#[inline]
pub fn squared_distance<T: Real>(x: &[T], c: &[T]) -> f64 {
    let mut sums = [0f64; 8];
    let (whole, rest) = x.as_chunks::<8>();
    let (whole_c, rest_c) = c.as_chunks::<8>();
    for (a, b) in whole.iter().zip(whole_c) {
        for i in 0..8 {
            let difference = a[i].into() - b[i].into();
            sums[i] += difference * difference;
        }
    }
    finish(sums, rest, rest_c)
}

/// The end of [`squared_distance`]: the last columns (fewer than eight), and the accumulators in
/// pairs.
#[inline(always)]
pub fn finish<T: Real>(mut sums: [f64; 8], rest: &[T], rest_c: &[T]) -> f64 {
    for (sum, (&a, &b)) in sums.iter_mut().zip(rest.iter().zip(rest_c)) {
        let difference = a.into() - b.into();
        *sum += difference * difference;
    }
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))
}

/// ⌈log2 n⌉ for n ≥ 1.
pub fn ceil_log2(n: u64) -> u32 {
    n.next_power_of_two().trailing_zeros()
}

/// No column's exponent is below this: its scale and its step are powers of two that f64 has.
const LEAST_EXPONENT: i32 = -900;

/// The smallest E of at least [`LEAST_EXPONENT`] with |x| < 2^E; 0 for zero.
fn binade_above(x: f64) -> i32 {
    if x == 0.0 {
        return 0;
    }
    // Values of f32 are not subnormal in f64, and subnormal ones of f64 are below the least.
    (((x.to_bits() >> 52) & 0x7ff) as i32 - 1023 + 1).max(LEAST_EXPONENT)
}

/// 2^e in f64, exact for the exponents that grids use (|e| ≤ 1022).
#[inline]
fn power_of_two(e: i32) -> f64 {
    f64::from_bits(((e.clamp(-1022, 1023) + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn binades() {
        assert_eq!(binade_above(1.0), 1);
        assert_eq!(binade_above(0.99), 0);
        assert_eq!(binade_above(-255.0), 8);
        assert_eq!(binade_above(f32::MAX.into()), 128);
        assert_eq!(binade_above(f32::from_bits(1).into()), -148);
        assert_eq!(binade_above(f64::from_bits(1)), LEAST_EXPONENT);
        assert_eq!(ceil_log2(1), 0);
        assert_eq!(ceil_log2(1 << 22), 22);
        assert_eq!(ceil_log2((1 << 22) + 1), 23);
    }

    #[test]
    fn the_bound_on_rows_is_the_one_that_is_proven() {
        for rows in [1, 2, 1 << 22, (1 << 22) + 1, 1 << 30, MAX_ROWS] {
            let grid = Grid::new(&[1.0], rows).expect("few enough rows");
            assert!(
                u128::from(rows) << grid.bits() <= 1 << 62,
                "{rows} rows x 2^{} may overflow",
                grid.bits()
            );
            assert!(grid.bits() >= 24);
        }
        assert!(Grid::new(&[1.0], MAX_ROWS + 1).is_err());
    }

    proptest! {
        #[test]
        fn values_near_the_top_are_lossless(x in -1000f32..1000.0) {
            let grid = Grid::new(&[1000.0], 1000).expect("few rows");
            let q = Grid::quantise(x, grid.scale()[0]);
            if x.abs() >= 1024.0 / 65536.0 {
                prop_assert_eq!(q as f64 * grid.step[0], f64::from(x));
            }
            prop_assert!((q as f64 * grid.step[0] - f64::from(x)).abs() <= grid.step[0] / 2.0);
        }

        #[test]
        fn any_order_and_partition_gives_the_same_sum(mut xs in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 1..200), cut in 0usize..200) {
            let max = xs.iter().fold(0f32, |m, x| m.max(x.abs()));
            let grid = Grid::new(&[max], xs.len() as u64).expect("few rows");
            let sum = |xs: &[f32]| xs.iter().map(|&x| Grid::quantise(x, grid.scale()[0])).sum::<i64>();
            let cut = cut.min(xs.len());
            let whole = sum(&xs);
            prop_assert_eq!(whole, sum(&xs[..cut]) + sum(&xs[cut..]));
            xs.reverse();
            prop_assert_eq!(whole, sum(&xs));
        }

        #[test]
        fn wide_sums_are_exact_and_mergeable(xs in prop::collection::vec(0f64..1e6, 1..100), cut in 0usize..100) {
            let cut = cut.min(xs.len());
            let add = |xs: &[f64]| { let mut s = WideSum::new(20, 100); xs.iter().for_each(|&x| s.add(x)); s };
            let whole = add(&xs);
            let (a, b) = (add(&xs[..cut]).limbs(), add(&xs[cut..]).limbs());
            let mut merged = WideSum::new(20, 100);
            merged.set_limbs(std::array::from_fn(|i| a[i] + b[i]));
            prop_assert_eq!(merged, whole);
            let plain: f64 = xs.iter().sum();
            prop_assert!((whole.value() - plain).abs() <= 1e-12 * plain.max(1e-300) * 100.0);
        }
    }

    #[test]
    fn wide_sums_keep_what_f64_loses() {
        let mut sum = WideSum::new(60, 3);
        sum.add(2f64.powi(59));
        sum.add(2f64.powi(-3));
        sum.add(2f64.powi(-3));
        let mut rest = sum;
        rest.total -= (1i128 << 59) << sum.shift;
        assert_eq!(rest.value(), 0.25);
    }

    #[test]
    fn squared_distances_of_small_integers() {
        let x: Vec<f32> = (0..19).map(|i| i as f32).collect();
        let c = vec![1f32; 19];
        let expected: f64 = (0..19).map(|i| (f64::from(i) - 1.0).powi(2)).sum();
        assert_eq!(squared_distance(&x, &c), expected);
        assert_eq!(squared_distance(&x, &x), 0.0);
    }
}

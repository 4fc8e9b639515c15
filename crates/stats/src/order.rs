//! Order statistics: median, quantiles, median absolute deviation.

/// The values in rising order; `None` when there are none or one is not finite.
pub(crate) fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(sorted)
}

/// The middle value, or the mean of the two middle values. `None` when there are no values or one
/// is not finite.
pub fn median(values: &[f64]) -> Option<f64> {
    sorted(values).map(|sorted| median_of_sorted(&sorted))
}

/// The median of at least one value in rising order.
pub(crate) fn median_of_sorted(sorted: &[f64]) -> f64 {
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    // Halved first, so that the sum cannot overflow; exact where both are equal.
    if low == high { low } else { low / 2.0 + high / 2.0 }
}

/// The `p`-quantile, 0 ≤ p ≤ 1, by linear interpolation between the closest ranks: h = (n − 1)·p,
/// x⌊h⌋ + (h − ⌊h⌋)·(x⌊h⌋₊₁ − x⌊h⌋). This is definition 7 of Hyndman and Fan, "Sample quantiles in
/// statistical packages", The American Statistician 50 (1996), the default of R and NumPy. `None`
/// when there are no values, one is not finite, or `p` is out of range.
pub fn quantile(values: &[f64], p: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    let sorted = sorted(values)?;
    let h = (sorted.len() - 1) as f64 * p;
    let below = h.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let share = h - below as f64;
    Some(if share == 0.0 {
        sorted[below]
    } else {
        sorted[below] * (1.0 - share) + sorted[above] * share
    })
}

/// The median absolute deviation from the median, in the unit of the values and without the factor
/// 1.4826 that makes it estimate a normal distribution's standard deviation (Rousseeuw and Croux,
/// JASA 88, 1993). `None` as for [`median`].
pub fn mad(values: &[f64]) -> Option<f64> {
    let middle = median(values)?;
    median(&values.iter().map(|v| (v - middle).abs()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[f64::MAX, f64::MAX]), Some(f64::MAX));
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, f64::NAN]), None);
        // R: quantile(c(1, 2, 4, 8), c(0.25, 0.9)) is 1.75 and 6.8.
        assert_eq!(quantile(&[8.0, 1.0, 4.0, 2.0], 0.25), Some(1.75));
        assert!((quantile(&[8.0, 1.0, 4.0, 2.0], 0.9).expect("in range") - 6.8).abs() < 1e-12);
        assert_eq!(quantile(&[1.0], 1.5), None);
        assert_eq!(mad(&[1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]), Some(1.0));
    }

    proptest! {
        #[test]
        fn the_median_is_the_half_quantile_and_lies_within(values in prop::collection::vec(-1e9..1e9f64, 1..50)) {
            let middle = median(&values).expect("finite values");
            let half = quantile(&values, 0.5).expect("finite values");
            prop_assert!((middle - half).abs() <= 1e-9 * middle.abs().max(1.0));
            let below = values.iter().filter(|v| **v < middle).count();
            let above = values.iter().filter(|v| **v > middle).count();
            prop_assert!(below * 2 <= values.len() && above * 2 <= values.len());
        }

        #[test]
        fn quantiles_rise_from_the_least_to_the_greatest(values in prop::collection::vec(-1e9..1e9f64, 1..50)) {
            let at = |p| quantile(&values, p).expect("finite values");
            prop_assert_eq!(at(0.0), values.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(at(1.0), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            prop_assert!(at(0.1) <= at(0.4) && at(0.4) <= at(0.95));
        }

        #[test]
        fn moving_and_scaling_move_and_scale(values in prop::collection::vec(-1e3..1e3f64, 1..30), by in -10.0..10.0f64) {
            let moved: Vec<f64> = values.iter().map(|v| v * 2.0 + by).collect();
            let expected = median(&values).expect("finite") * 2.0 + by;
            prop_assert!((median(&moved).expect("finite") - expected).abs() < 1e-6);
            prop_assert!((mad(&moved).expect("finite") - 2.0 * mad(&values).expect("finite")).abs() < 1e-6);
        }
    }
}

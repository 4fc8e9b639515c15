//! A sum of any f64 values without any rounding, for facts that need no speed: a fixed-point number
//! as wide as the range of f64.
//!
//! U. Kulisch, *Computer Arithmetic and Validity* (2008): 2098 bits hold every finite f64, and some
//! more hold sums of them. So the order does not matter, neither do partitions, and nothing needs
//! to be known of the values beforehand.

/// Limbs of 32 bits: from 2^-1074 to beyond 2^1024, and 62 bits for carries.
const LIMBS: usize = 68;

/// Additions after which a limb of 63 bits might overflow.
const MOST: u32 = 1 << 30;

/// The sum.
#[derive(Clone, Debug)]
pub struct ExactSum {
    /// Limb i counts 2^(32·i − 1074). Signed, and wider than 32 bits between carries.
    limbs: [i64; LIMBS],
    added: u32,
}

impl Default for ExactSum {
    fn default() -> Self {
        ExactSum { limbs: [0; LIMBS], added: 0 }
    }
}

impl ExactSum {
    /// Adds a finite value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        debug_assert!(value.is_finite());
        let bits = value.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as usize;
        let fraction = bits & ((1 << 52) - 1);
        let (significand, place) =
            if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
        let wide = u128::from(significand) << (place % 32);
        let low = [wide as u32, (wide >> 32) as u32, (wide >> 64) as u32].map(i64::from);
        let limbs = &mut self.limbs[place / 32..][..3];
        if value.is_sign_negative() {
            limbs.iter_mut().zip(low).for_each(|(limb, part)| *limb -= part);
        } else {
            limbs.iter_mut().zip(low).for_each(|(limb, part)| *limb += part);
        }
        self.added += 1;
        if self.added == MOST {
            self.carry();
        }
    }

    /// Limbs that may be added to those of other lanes (below 2^30 lanes), and replaced by their
    /// sum.
    pub fn limbs_mut(&mut self) -> &mut [i64] {
        self.carry();
        &mut self.limbs
    }

    /// The sum, rounded once to the nearest f64 (ties to even; twice below the normal range).
    pub fn value(&self) -> f64 {
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.limbs[LIMBS - 1] < 0;
        if negative {
            sum.limbs.iter_mut().for_each(|limb| *limb = -*limb);
            sum.carry();
        }
        let Some(top) = sum.limbs.iter().rposition(|&limb| limb != 0) else { return 0.0 };
        let limb = |i: usize| top.checked_sub(i).map_or(0, |at| sum.limbs[at] as u128);
        // At least 65 bits; what lies below them only decides a tie.
        let below = sum.limbs[..top.saturating_sub(2)].iter().any(|&limb| limb != 0);
        let high = limb(0) << 64 | limb(1) << 32 | limb(2) | u128::from(below);
        let value = libm::scalbn(high as f64, 32 * (top as i32 - 2) - 1074);
        if negative { -value } else { value }
    }

    /// Brings all limbs but the last to 0 … 2^32 − 1.
    fn carry(&mut self) {
        let mut carry = 0;
        for limb in &mut self.limbs[..LIMBS - 1] {
            let sum = *limb + carry;
            carry = sum >> 32;
            *limb = sum & 0xffff_ffff;
        }
        self.limbs[LIMBS - 1] += carry;
        self.added = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        values.iter().for_each(|&value| sum.add(value));
        sum
    }

    #[test]
    fn nothing_is_lost() {
        assert_eq!(sum(&[1e300, 1.0, -1e300]).value(), 1.0);
        assert_eq!(sum(&[1e-310, 1e10, -1e10]).value(), 1e-310);
        assert_eq!(sum(&[]).value(), 0.0);
        assert_eq!(sum(&[-0.0, -3.5]).value(), -3.5);
        assert_eq!(sum(&[f64::MAX, f64::MAX, -f64::MAX]).value(), f64::MAX);
        // 2^53 + 1 lies between two f64; a little more decides.
        let between = [9_007_199_254_740_992.0, 1.0];
        assert_eq!(sum(&between).value(), 9_007_199_254_740_992.0);
        assert_eq!(sum(&[between[0], between[1], 1e-300]).value(), 9_007_199_254_740_994.0);
    }

    proptest! {
        #[test]
        fn any_order_and_partition(mut values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 0..50), cut in 0usize..50) {
            let cut = cut.min(values.len());
            let whole = sum(&values).value();
            let (mut a, mut b) = (sum(&values[..cut]), sum(&values[cut..]));
            let other = b.limbs_mut().to_vec();
            a.limbs_mut().iter_mut().zip(other).for_each(|(a, b)| *a += b);
            prop_assert_eq!(a.value().to_bits(), whole.to_bits());
            values.reverse();
            prop_assert_eq!(sum(&values).value().to_bits(), whole.to_bits());
        }

        #[test]
        fn two_values_are_added_as_ieee_does(a in -1e30f64..1e30, b in -1e30f64..1e30) {
            prop_assert_eq!(sum(&[a, b]).value(), a + b);
        }
    }
}

//! With what probability a resample's median is made of which order statistics: depends on the size
//! of the sample alone.
//!
//! A resample draws n of the n values with replacement, so the number of draws at or below x₍ᵢ₎ is
//! binomial with n trials and probability i/n. For odd n = 2m + 1 the median is x₍ᵢ₎ with
//! probability P(Bin(n, i/n) > m) − P(Bin(n, (i−1)/n) > m) (Efron, "Bootstrap methods: another look
//! at the jackknife", Annals of Statistics 7, 1979; Maritz and Jarrett, JASA 73, 1978). For even n
//! = 2m the two middle values of a resample are x₍ᵢ₎ < x₍ⱼ₎ when m draws lie at or below x₍ᵢ₎, not
//! all of them below it, and the other m at or above x₍ⱼ₎, not all of them above it:
//!
//! ```text
//! P(i, j) = C(n, m) · [(i/n)ᵐ − ((i−1)/n)ᵐ] · [((n−j+1)/n)ᵐ − ((n−j)/n)ᵐ],   i < j
//! ```
//!
//! and both are x₍ᵢ₎ with what is left of the law of the m-th order statistic (the joint law of
//! order statistics of a resample: Hutson and Ernst, "The exact bootstrap mean and variance of an
//! L-estimator", JRSS B 62, 2000).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Probability that is left out, at most, of the rarest medians of a sample: an end of an interval
/// is then exact for a level that differs by no more than this (of a ratio: by no more than twice
/// this).
pub(super) const DROPPED: f64 = 1e-6;

/// Standard deviations of a median's rank (√n/2 places) beyond which nothing has a probability
/// above 1e-17.
const FAR: f64 = 9.0;

/// One possible median of a resample: the mean of two order statistics (twice the same one where
/// `low` = `high`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Atom {
    /// Place of the lower one among the values in rising order, from 0.
    pub low: usize,
    /// Place of the higher one.
    pub high: usize,
    /// Its probability.
    pub weight: f64,
}

/// The possible medians of resamples of `n` values, by rising `low`, then `high`; without the
/// rarest, [`DROPPED`] together at most. Kept for the next time.
pub(super) fn of(n: usize) -> Arc<[Atom]> {
    static KNOWN: Mutex<BTreeMap<usize, Arc<[Atom]>>> = Mutex::new(BTreeMap::new());
    // Nobody panics while holding the lock; and what is in the map is whole in any case.
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(atoms) = known().get(&n) {
        return atoms.clone();
    }
    let atoms: Arc<[Atom]> = pruned(atoms(n), DROPPED).into();
    known().insert(n, atoms.clone());
    atoms
}

/// All atoms with a probability that can be told from 0.
pub(super) fn atoms(n: usize) -> Vec<Atom> {
    let tails = Tails::new(n, n / 2 + n % 2);
    let middle = (n / 2) as f64;
    let reach = (FAR * (n as f64).sqrt() / 2.0).ceil() + 1.0;
    // Ranks i from 1, as in the formulas.
    let (first, last) = ((middle - reach).max(1.0) as usize, ((middle + reach) as usize).min(n));
    let mut before = tails.at(first - 1);
    let mut atoms = Vec::new();
    let pairs = n.is_multiple_of(2).then(|| Pairs::new(n));
    for i in first..=last {
        let up_to = tails.at(i);
        let mut left = up_to - before;
        before = up_to;
        let at = atoms.len();
        if let Some(pairs) = &pairs {
            for j in i + 1..=n {
                let weight = pairs.weight(i, j);
                if weight < 1e-18 {
                    break;
                }
                left -= weight;
                atoms.push(Atom { low: i - 1, high: j - 1, weight });
            }
        }
        // Rounding may leave a little less than nothing.
        if left > 0.0 {
            atoms.insert(at, Atom { low: i - 1, high: i - 1, weight: left });
        }
    }
    atoms
}

/// The atoms without the rarest of them, `dropped` together at most.
pub(super) fn pruned(mut atoms: Vec<Atom>, dropped: f64) -> Vec<Atom> {
    let mut rising: Vec<f64> = atoms.iter().map(|atom| atom.weight).collect();
    rising.sort_unstable_by(f64::total_cmp);
    let mut left_out = 0.0;
    let kept = rising.iter().find(|&&weight| {
        left_out += weight;
        left_out > dropped
    });
    let least = kept.copied().unwrap_or(0.0);
    atoms.retain(|atom| atom.weight >= least);
    atoms
}

/// P(Bin(n, i/n) ≥ r): the law of the r-th order statistic of a resample.
struct Tails {
    n: usize,
    r: usize,
    /// ln C(n, r).
    log_choose: f64,
}

impl Tails {
    fn new(n: usize, r: usize) -> Tails {
        Tails { n, r, log_choose: log_choose(n, r) }
    }

    fn at(&self, i: usize) -> f64 {
        let (n, r) = (self.n, self.r);
        if i == 0 {
            return 0.0;
        }
        if i >= n {
            return 1.0;
        }
        let (p, q) = (i as f64 / n as f64, (n - i) as f64 / n as f64);
        let first = (self.log_choose + r as f64 * p.ln() + (n - r) as f64 * q.ln()).exp();
        // Terms away from r fall; the shorter side is added up.
        if p * (n as f64) < r as f64 {
            let (mut term, mut sum) = (first, 0.0);
            for k in r..=n {
                sum += term;
                if term < 1e-18 * sum || term == 0.0 {
                    break;
                }
                term *= (n - k) as f64 / (k + 1) as f64 * (p / q);
            }
            sum
        } else {
            let (mut term, mut sum) = (first, 0.0);
            for k in (0..r).rev() {
                term *= (k + 1) as f64 / (n - k) as f64 * (q / p);
                sum += term;
                if term < 1e-18 * sum || term == 0.0 {
                    break;
                }
            }
            1.0 - sum
        }
    }
}

/// P(i, j) of an even n.
struct Pairs {
    n: usize,
    m: f64,
    log_choose: f64,
}

impl Pairs {
    fn new(n: usize) -> Pairs {
        Pairs { n, m: (n / 2) as f64, log_choose: log_choose(n, n / 2) }
    }

    fn weight(&self, i: usize, j: usize) -> f64 {
        let ((log_low, low), (log_high, high)) = (self.side(i), self.side(self.n - j + 1));
        // C(n, m) is about 2ⁿ: the large and the small meet as logarithms.
        (self.log_choose + log_low + log_high).exp() * low * high
    }

    /// (i/n)ᵐ − ((i−1)/n)ᵐ as the logarithm of the first term, and the difference as a share of it.
    fn side(&self, i: usize) -> (f64, f64) {
        let i = i as f64;
        (self.m * (i / self.n as f64).ln(), -(self.m * (-1.0 / i).ln_1p()).exp_m1())
    }
}

/// ln C(n, r).
fn log_choose(n: usize, r: usize) -> f64 {
    (1..=r).map(|k| ((n - r + k) as f64 / k as f64).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of the nⁿ resamples whose median is the mean of these two places.
    fn counted(n: usize) -> BTreeMap<(usize, usize), u64> {
        let mut counts = BTreeMap::new();
        for code in 0..n.pow(n as u32) {
            let mut drawn: Vec<usize> = (0..n).map(|at| code / n.pow(at as u32) % n).collect();
            drawn.sort_unstable();
            *counts.entry((drawn[(n - 1) / 2], drawn[n / 2])).or_insert(0) += 1;
        }
        counts
    }

    #[test]
    fn every_resample_of_few_values_is_counted() {
        for n in 1..=6 {
            let all = (n as f64).powi(n as i32);
            let atoms = atoms(n);
            let counted = counted(n);
            assert_eq!(atoms.len(), counted.len(), "n = {n}");
            for atom in atoms {
                let expected = counted[&(atom.low, atom.high)] as f64 / all;
                assert!((atom.weight - expected).abs() < 1e-14, "n = {n}, {atom:?}, {expected}");
            }
        }
    }

    #[test]
    fn weights_add_up_to_one_and_are_symmetric() {
        for n in [3, 4, 7, 10, 41, 200, 999, 2000, 20_001, 100_000] {
            let atoms = atoms(n);
            let all: f64 = atoms.iter().map(|atom| atom.weight).sum();
            assert!((all - 1.0).abs() < 1e-9, "n = {n}: {all}");
            let find = |low: usize, high: usize| {
                atoms.iter().find(|a| (a.low, a.high) == (low, high)).map(|a| a.weight)
            };
            for atom in atoms.iter().filter(|a| a.weight > 1e-6).step_by(atoms.len() / 100 + 1) {
                let mirrored = find(n - 1 - atom.high, n - 1 - atom.low).expect("its mirror image");
                assert!((atom.weight - mirrored).abs() < 1e-11, "n = {n}, {atom:?}, {mirrored}");
            }
            let pruned: f64 = of(n).iter().map(|atom| atom.weight).sum();
            assert!(all - pruned <= DROPPED && all >= pruned, "n = {n}");
        }
    }

    #[test]
    fn the_standard_error_of_the_median_is_that_of_maritz_and_jarrett() {
        // Ranks as values: the standard deviation of the resampled median's rank is near √n/2.
        for n in [201usize, 2000] {
            let atoms = of(n);
            let value = |atom: &Atom| (atom.low + atom.high) as f64 / 2.0;
            let mean: f64 = atoms.iter().map(|atom| atom.weight * value(atom)).sum();
            let variance: f64 =
                atoms.iter().map(|atom| atom.weight * (value(atom) - mean).powi(2)).sum();
            assert!((mean - (n - 1) as f64 / 2.0).abs() < 1e-3);
            assert!((variance.sqrt() / ((n as f64).sqrt() / 2.0) - 1.0).abs() < 0.02, "{variance}");
        }
    }
}

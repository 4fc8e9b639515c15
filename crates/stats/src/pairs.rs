//! A program against itself in pairs: how small a change a job of so many pairs can show on this
//! machine.
//!
//! A pair's value is r = ln(second/first). A job of n pairs takes their median m and its exact
//! binomial interval [L, U] ([`binomial::median_interval`]) at a level of 99.7 %: the ranks 1 and
//! 10 of 10 pairs, 4 and 17 of 20, 11 and 30 of 40. Since neighbours disturb each other for longer
//! than a pair lasts, m strays by more than the interval says; the largest |m| among jobs without
//! any change, δ, is what a change has to exceed. It is called a slowdown when L > δ. A planted
//! slowdown d moves L by ln(1 + d), so the least that is found with 95 % probability is exp(δ −
//! L₀.₀₅) − 1, with L₀.₀₅ the 5 % quantile of L over jobs drawn from the recorded pairs, in blocks
//! of four so that what disturbs for a while stays together (moving blocks: H. Künsch, Annals of
//! Statistics 17, 1989).

use crate::random::SplitMix64;
use crate::{binomial, median, quantile};

/// Level of the interval of a job.
pub const LEVEL: f64 = 0.997;

/// Probability with which a change is to be found.
pub const POWER: f64 = 0.95;

/// Jobs among which the largest |m| is looked for, at least.
pub const JOBS: usize = 20;

/// Jobs that are drawn for the power.
const DRAWN: usize = 2000;

/// Neighbouring pairs that are drawn together.
const BLOCK: usize = 4;

/// What jobs of so many pairs can show. Shares, not logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Level of the interval that was reached.
    pub level: f64,
    /// e^δ − 1.
    pub bias: f64,
    /// The least slowdown that is found with probability [`POWER`].
    pub change: f64,
    /// Share of drawn jobs without a change that would be called a slowdown.
    pub false_alarms: f64,
}

/// What jobs of `n` pairs can show, from pairs of a program against itself in the order of
/// measuring. `None` where the level needs more pairs, or there are fewer than twice as many as a
/// job has.
pub fn resolution(log_ratios: &[f64], n: usize) -> Option<Resolution> {
    if log_ratios.len() < 2 * n || n == 0 {
        return None;
    }
    // Jobs as they happened: one after the other, and shifted until there are enough.
    let step = ((log_ratios.len() - n) / (JOBS - 1)).clamp(1, n);
    let starts = (0..=log_ratios.len() - n).step_by(step);
    let medians = starts.map(|start| median(&log_ratios[start..start + n]).map(f64::abs));
    let delta = medians.collect::<Option<Vec<f64>>>()?.into_iter().fold(0.0, f64::max);
    let mut random = SplitMix64::new(0xAA, n as u64);
    let mut lows = Vec::with_capacity(DRAWN);
    let mut level = 0.0;
    for _ in 0..DRAWN {
        let mut job = Vec::with_capacity(n + BLOCK);
        while job.len() < n {
            let start = random.below(log_ratios.len());
            job.extend((start..start + BLOCK).map(|at| log_ratios[at % log_ratios.len()]));
        }
        job.truncate(n);
        let interval = binomial::median_interval(&job, LEVEL)?;
        level = interval.level;
        lows.push(interval.low);
    }
    let alarms = lows.iter().filter(|low| **low > delta).count();
    let low = quantile(&lows, 1.0 - POWER)?;
    Some(Resolution {
        level,
        bias: delta.exp_m1(),
        change: (delta - low).exp_m1(),
        false_alarms: alarms as f64 / DRAWN as f64,
    })
}

/// The order of `blocks` blocks: true is BAAB, false ABBA. Random and seeded, as many of one as of
/// the other up to one.
pub fn orders(blocks: usize, seed: u64) -> Vec<bool> {
    let mut random = SplitMix64::new(seed, 0);
    let mut orders: Vec<bool> = (0..blocks).map(|block| block % 2 == 1).collect();
    for at in (1..orders.len()).rev() {
        orders.swap(at, random.below(at + 1));
    }
    orders
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of which each is disturbed on its own, by an exponential time on either side.
    fn calm(n: usize, size: f64, seed: u64) -> Vec<f64> {
        let mut random = SplitMix64::new(seed, 1);
        (0..n)
            .map(|_| {
                (1.0 - size * random.unit().ln()).ln() - (1.0 - size * random.unit().ln()).ln()
            })
            .collect()
    }

    #[test]
    fn the_ranks_are_those_of_the_binomial_distribution() {
        for (n, level) in [(10, 0.998), (20, 0.9974), (40, 0.9978)] {
            let found = resolution(&calm(200, 0.01, 3), n).expect("enough");
            assert!((found.level - level).abs() < 2e-4, "{n}: {}", found.level);
        }
        assert_eq!(resolution(&calm(39, 0.01, 3), 20), None, "too few pairs");
        assert_eq!(resolution(&calm(200, 0.01, 3), 5), None, "five pairs do not reach the level");
    }

    #[test]
    fn more_pairs_and_less_noise_show_less() {
        let of = |size, n| resolution(&calm(200, size, 5), n).expect("enough").change;
        assert!(of(0.02, 40) < of(0.02, 20) && of(0.02, 20) < of(0.02, 10));
        assert!(of(0.002, 20) < 0.2 * of(0.02, 20));
        assert_eq!(
            resolution(&[0.0; 100], 20).map(|found| (found.bias, found.change)),
            Some((0.0, 0.0))
        );
    }

    #[test]
    fn a_planted_slowdown_of_that_size_is_found_as_often_as_promised() {
        let certificate = resolution(&calm(400, 0.02, 8), 20).expect("enough");
        let delta = certificate.bias.ln_1p();
        let found = |planted: f64| {
            let trials = 400;
            let is_found = |trial: u64| {
                let job: Vec<f64> =
                    calm(20, 0.02, 1000 + trial).iter().map(|r| r + planted.ln_1p()).collect();
                binomial::median_interval(&job, LEVEL).expect("20 pairs").low > delta
            };
            (0..trials).filter(|&trial| is_found(trial)).count() as f64 / trials as f64
        };
        // Fresh pairs of the same noise: near 95 %, within the error of the recorded sample and of
        // 400 trials.
        let power = found(certificate.change);
        assert!((0.85..=1.0).contains(&power), "{power}");
        assert!(found(certificate.bias) < 0.5 && found(0.0) <= 0.01);
        assert!(certificate.false_alarms <= 0.01);
    }

    #[test]
    fn orders_are_balanced_and_seeded() {
        let orders = orders(41, 7);
        assert_eq!(orders.iter().filter(|baab| **baab).count(), 20);
        assert_eq!(orders, super::orders(41, 7));
        assert_ne!(orders, super::orders(41, 8));
    }
}

//! The exact interval of a median from the binomial distribution: no assumption but independent
//! samples of one distribution.
//!
//! A sample falls below the true median with probability ½, so the number that do is binomial, and
//! the order statistics [x₍ᵣ₎, x₍ₙ₊₁₋ᵣ₎] hold the median with probability 1 − 2·P(B ≤ r − 1), B ~
//! Binomial(n, ½) (Conover, "Practical nonparametric statistics", 3rd ed., 1999, §3.2; Le Boudec,
//! "Performance evaluation of computer and communication systems", 2010, theorem 2.1).

use crate::{Interval, order};

/// The probability that [x₍ᵣ₎, x₍ₙ₊₁₋ᵣ₎] holds the median, `rank` = r from 1; 0 when there is no
/// such pair.
pub fn level_of(n: usize, rank: usize) -> f64 {
    if rank == 0 || 2 * rank > n {
        return 0.0;
    }
    // Σ over i < rank of C(n, i) / 2ⁿ. The terms grow from 2⁻ⁿ, which is 0 in f64 beyond n = 1074:
    // sums start in logarithms.
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = log_term.exp();
    for i in 1..rank {
        log_term += ((n - i + 1) as f64 / i as f64).ln();
        tail += log_term.exp();
    }
    1.0 - 2.0 * tail
}

/// The level of the widest interval that `n` samples can give, their full range: 1 − 2^(1 − n). 95
/// % needs six samples.
pub fn best_level(n: usize) -> f64 {
    level_of(n, 1)
}

/// The fewest samples whose full range holds the median with at least this probability: 6 for 0.95.
pub fn samples_for(level: f64) -> usize {
    (2..=1100).find(|&n| best_level(n) >= level).unwrap_or(1100)
}

/// The narrowest interval of order statistics that holds the median with at least probability
/// `level`. Its `level` is the one reached, which is higher than the one asked for. `None` when
/// there are too few values for the level or one is not finite.
pub fn median_interval(values: &[f64], level: f64) -> Option<Interval> {
    let sorted = order::sorted(values)?;
    let n = sorted.len();
    let rank = (1..=n / 2).take_while(|&rank| level_of(n, rank) >= level).last()?;
    Some(Interval { low: sorted[rank - 1], high: sorted[n - rank], level: level_of(n, rank) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn known_levels() {
        assert!((level_of(20, 4) - 0.99742).abs() < 1e-5, "{}", level_of(20, 4));
        assert!((level_of(40, 11) - 0.99778).abs() < 1e-5, "{}", level_of(40, 11));
        assert_eq!(best_level(5), 0.9375);
        assert_eq!(samples_for(0.95), 6);
        assert_eq!(level_of(3, 2), 0.0);
        assert!(level_of(2000, 950) > 0.95 && level_of(2000, 990) < 0.95);
    }

    #[test]
    fn known_ranks() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        let interval = median_interval(&values, 0.99).expect("20 values are enough");
        assert_eq!((interval.low, interval.high), (4.0, 17.0));
        let values: Vec<f64> = (1..=40).map(f64::from).collect();
        let interval = median_interval(&values, 0.997).expect("40 values are enough");
        assert_eq!((interval.low, interval.high), (11.0, 30.0));
        assert_eq!(median_interval(&values[..5], 0.95), None, "five values reach 93.75 % at most");
        assert!(median_interval(&values[..6], 0.95).is_some());
    }

    #[test]
    fn it_holds_the_median_as_often_as_it_says() {
        let mut random = SplitMix64::new(11, 0);
        let (trials, n, mut held) = (4000, 12, 0);
        let mut level = 0.0;
        for _ in 0..trials {
            // Exponential times over a floor: the median is 1 + ln 2.
            let values: Vec<f64> = (0..n).map(|_| 1.0 - random.unit().ln()).collect();
            let interval = median_interval(&values, 0.95).expect("12 values are enough");
            level = interval.level;
            held += usize::from(interval.holds(1.0 + std::f64::consts::LN_2));
        }
        let share = held as f64 / f64::from(trials);
        // Three standard errors of a share near 0.96 over 4000 trials are 0.009.
        assert!((share - level).abs() < 0.012, "held {share}, promised {level}");
    }
}

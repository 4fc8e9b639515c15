//! Statistics of repeated measurements: pure functions, no input and no output.
//!
//! Times of a program are not normally distributed (they have a floor and a long tail), so nothing
//! here assumes that they are. The middle of a sample is its median; how well the median is known
//! is said by an interval, by resampling ([`bootstrap`]) or from the binomial distribution
//! ([`binomial`]); [`pairs`] say how small a change a machine can show. Costs are summarised first
//! and divided afterwards: a ratio is a ratio of medians, never a mean of ratios (Hoefler and
//! Belli, "Scientific benchmarking of parallel computing systems", SC'15, rules 3 to 6 and 8).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod binomial;
pub mod bootstrap;
pub mod order;
pub mod pairs;
pub mod random;

pub use bootstrap::Bootstrap;
pub use order::{mad, median, quantile};

/// An interval with its nominal level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end, in the unit of the value.
    pub low: f64,
    /// Upper end, in the unit of the value; not below `low`.
    pub high: f64,
    /// The level that was asked for, over 0 and under 1. What few values can deliver is said by
    /// [`binomial::best_level`].
    pub level: f64,
}

impl Interval {
    /// Does it hold `value`? Both ends belong to it.
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Both ends divided by `divisor`, which is positive.
    pub fn divided_by(&self, divisor: f64) -> Interval {
        Interval { low: self.low / divisor, high: self.high / divisor, level: self.level }
    }
}

/// A value that was estimated from samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The value, in the unit of the samples, or without a unit for a ratio.
    pub value: f64,
    /// How well it is known; null where there were too few samples ([`bootstrap::MIN_SAMPLES`]).
    pub interval: Option<Interval>,
    /// Number of samples; of a ratio, the number on the side that has fewer.
    pub n: usize,
}

impl Estimate {
    /// Value and interval divided by `divisor`, which is positive.
    pub fn divided_by(&self, divisor: f64) -> Estimate {
        Estimate {
            value: self.value / divisor,
            interval: self.interval.map(|i| i.divided_by(divisor)),
            n: self.n,
        }
    }

    /// Half the width of the interval as a share of the value: how small a difference can be seen.
    /// `None` without an interval.
    pub fn relative_half_width(&self) -> Option<f64> {
        self.interval.map(|i| (i.high - i.low) / 2.0 / self.value)
    }
}

//! When a step takes which way.

/// Only time depends on these numbers, never a label or a sum. The default is what was measured to
/// pay; tests give others, so that little data takes every way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Rows of a step that f32 does not decide before centroids are interleaved for those that
    /// follow ([`Interleaved`](super::exact_nearest::Interleaved)): that takes as much as all
    /// distances of some rows in f64.
    pub interleave_after: usize,
    /// The share of rows that Hamerly's bounds may leave over for them to pay. Estimated from the
    /// shape of the data where none is given.
    pub hamerly_share: Option<f64>,
    /// Multiply-adds and the like of a row without bounds (k × (dims + 6)) from which on Yinyang's
    /// groups pay: what they cost a row is gathering it and keeping its bounds, measured as some 90
    /// cycles for 1,000,000 × 32 with k = 64, as much as the row's whole step there.
    pub yinyang_work: usize,
    /// Yinyang's bounds are made once this share of the labels, or less, changes in a step. They
    /// cost half a step, so not too early.
    pub yinyang_changed: f64,
    /// Rows are looked at one by one while Yinyang's bounds spare at least this share of the pairs
    /// of rows and groups.
    pub yinyang_spared: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            interleave_after: 24,
            hamerly_share: None,
            yinyang_work: 25_000,
            yinyang_changed: 0.01,
            yinyang_spared: 0.4,
        }
    }
}

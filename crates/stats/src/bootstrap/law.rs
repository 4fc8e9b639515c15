//! The law of a sample's resampled median: its possible values in rising order with their
//! probabilities.

use crate::bootstrap::weights;
use crate::order;

/// What adding up probabilities may round: a quantile is the same whichever side they are added up
/// from.
const ROUNDING: f64 = 1e-12;

/// The possible medians of resamples of a sample, rising, with the probability of lying below each.
#[derive(Clone, Debug, PartialEq)]
pub struct MedianLaw {
    values: Vec<f64>,
    /// Probability of all values before this one; one longer than the values, its last the sum of
    /// all: 1, or a little less where the rarest medians were left out.
    below: Vec<f64>,
}

impl MedianLaw {
    /// The law of at least one value in rising order.
    pub(super) fn of_sorted(sorted: &[f64]) -> MedianLaw {
        let atoms = weights::of(sorted.len());
        let mut found: Vec<(f64, f64)> = (atoms.iter())
            .map(|atom| {
                (order::median_of_sorted(&[sorted[atom.low], sorted[atom.high]]), atom.weight)
            })
            .collect();
        // Of an odd number they are in order already.
        if sorted.len().is_multiple_of(2) {
            found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        }
        let mut below = Vec::with_capacity(found.len() + 1);
        let mut sum = 0.0;
        below.push(sum);
        for (_, weight) in &found {
            sum += weight;
            below.push(sum);
        }
        MedianLaw { values: found.into_iter().map(|(value, _)| value).collect(), below }
    }

    /// The law of the resampled median of these values; `None` when there are none or one is not
    /// finite.
    pub fn of(samples: &[f64]) -> Option<MedianLaw> {
        order::sorted(samples).map(|sorted| MedianLaw::of_sorted(&sorted))
    }

    /// The least value that the resampled median reaches or stays below with at least this
    /// probability.
    pub(super) fn low(&self, probability: f64) -> f64 {
        let at = self.below[1..].partition_point(|&below| below < probability - ROUNDING);
        self.values[at.min(self.values.len() - 1)]
    }

    /// The greatest value that the resampled median reaches or exceeds with at least this
    /// probability: the mirror image of `low`.
    pub(super) fn high(&self, probability: f64) -> f64 {
        let all = self.all();
        let beyond = self.below[..self.values.len()]
            .partition_point(|&below| all - below >= probability - ROUNDING);
        self.values[beyond.max(1) - 1]
    }

    /// The median of one resample, from a number between 0 and 1.
    pub fn draw(&self, unit: f64) -> f64 {
        self.low(unit * self.all())
    }

    /// Its standard deviation: the bootstrap's standard error of the median (Maritz and Jarrett,
    /// JASA 73, 1978).
    pub fn deviation(&self) -> f64 {
        let mean = |of: &dyn Fn(f64) -> f64| {
            let sum: f64 = self
                .values
                .iter()
                .enumerate()
                .map(|(at, value)| self.weight(at) * of(*value))
                .sum();
            sum / self.all()
        };
        let middle = mean(&|value| value);
        mean(&|value| (value - middle).powi(2)).sqrt()
    }

    fn all(&self) -> f64 {
        self.below[self.values.len()]
    }

    fn weight(&self, at: usize) -> f64 {
        self.below[at + 1] - self.below[at]
    }
}

/// The two resampled medians whose ratio `top`/`bottom` is the least that is reached or stayed
/// below with at least this probability, where both sides are resampled on their own. All values
/// are positive.
///
/// Every pair of medians is a possible ratio, too many to write down. They are a matrix with sorted
/// rows and columns, so that one walk along the border between the ratios up to a value and those
/// above gives the probability up to that value; the border is moved by halving until few pairs are
/// left, which are sorted. The result is exact; where halving begins decides only how long it
/// takes.
pub(super) fn low_ratio(top: &MedianLaw, bottom: &MedianLaw, probability: f64) -> (f64, f64) {
    // Nothing has a probability of 0: the least ratio answers that.
    let wanted = (probability - ROUNDING).max(f64::MIN_POSITIVE);
    let (columns, rows) = (top.values.len(), bottom.values.len());
    // The border lies above `low`, where there is too little, and not above `high`, where there is
    // enough.
    let mut low = Border { ratio: 0.0, probability: 0.0, pairs: 0 };
    let most = top.values[columns - 1] / bottom.values[0];
    let mut high =
        Border { ratio: most, probability: top.all() * bottom.all(), pairs: columns * rows };
    // Of two sides that vary alike, a tail is where either is about two thirds of the way to its
    // own (in logarithms of probability).
    let about = probability.powf(0.67);
    let guess = |share: f64| top.low(share * about) / bottom.high(share * about);
    let mut guesses = [guess(0.5), guess(1.5), guess(1.0)].to_vec();
    while high.pairs - low.pairs > 16 + (rows + columns) / 4 {
        let ratio = match guesses.pop() {
            Some(ratio) if low.ratio < ratio && ratio < high.ratio => ratio,
            Some(_) => continue,
            None => match between(low.ratio, high.ratio) {
                Some(ratio) => ratio,
                // No number lies between: all that are left are equal.
                None => break,
            },
        };
        let border = border(top, bottom, ratio);
        if border.probability >= wanted { high = border } else { low = border }
    }
    let mut left = between_borders(top, bottom, low.ratio, high.ratio);
    left.sort_unstable_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let mut sum = low.probability;
    let found = left.iter().find(|(_, _, weight)| {
        sum += weight;
        sum >= wanted
    });
    // Rounding alone can leave the last of them short of what it should be.
    let all = || (top.values[columns - 1], bottom.values[0]);
    found.or(left.last()).map_or_else(all, |(top, bottom, _)| (*top, *bottom))
}

/// Up to a ratio: with what probability, and how many pairs.
struct Border {
    ratio: f64,
    probability: f64,
    pairs: usize,
}

fn border(top: &MedianLaw, bottom: &MedianLaw, ratio: f64) -> Border {
    let (mut column, mut probability, mut pairs) = (0, 0.0, 0);
    for (row, below) in bottom.values.iter().enumerate() {
        while column < top.values.len() && top.values[column] / below <= ratio {
            column += 1;
        }
        probability += bottom.weight(row) * top.below[column];
        pairs += column;
    }
    Border { ratio, probability, pairs }
}

/// The pairs with a ratio above `low` and not above `high`, each with its probability.
fn between_borders(
    top: &MedianLaw,
    bottom: &MedianLaw,
    low: f64,
    high: f64,
) -> Vec<(f64, f64, f64)> {
    let (mut from, mut to) = (0, 0);
    let mut pairs = Vec::new();
    for (row, below) in bottom.values.iter().enumerate() {
        let end_of = |mut column: usize, ratio: f64| {
            while column < top.values.len() && top.values[column] / below <= ratio {
                column += 1;
            }
            column
        };
        (from, to) = (end_of(from, low), end_of(to, high));
        pairs.extend(
            (from..to).map(|column| {
                (top.values[column], *below, top.weight(column) * bottom.weight(row))
            }),
        );
    }
    pairs
}

/// A number between two that are not negative, in the middle of their logarithms where both have
/// one; `None` where there is none.
fn between(low: f64, high: f64) -> Option<f64> {
    let inside = |middle: &f64| low < *middle && *middle < high;
    [low.sqrt() * high.sqrt(), low + (high - low) / 2.0].into_iter().find(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The ratio by writing all pairs down.
    fn plainly(top: &MedianLaw, bottom: &MedianLaw, probability: f64) -> f64 {
        let mut pairs: Vec<(f64, f64)> = Vec::new();
        for (i, t) in top.values.iter().enumerate() {
            for (j, b) in bottom.values.iter().enumerate() {
                pairs.push((t / b, top.weight(i) * bottom.weight(j)));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sum = 0.0;
        let found = pairs.iter().find(|(_, weight)| {
            sum += weight;
            sum >= (probability - ROUNDING).max(f64::MIN_POSITIVE)
        });
        found.or(pairs.last()).expect("a pair").0
    }

    #[test]
    fn quantiles_of_three_values() {
        let law = MedianLaw::of(&[4.0, 1.0, 2.0]).expect("three values");
        // 7, 13 and 7 of 27 resamples.
        assert_eq!((law.low(7.0 / 27.0), law.low(7.1 / 27.0)), (1.0, 2.0));
        assert_eq!((law.high(7.0 / 27.0), law.high(7.1 / 27.0)), (4.0, 2.0));
        assert_eq!((law.draw(0.0), law.draw(0.5), law.draw(1.0)), (1.0, 2.0, 4.0));
        assert_eq!(MedianLaw::of(&[]), None);
    }

    #[test]
    fn values_of_any_size_come_to_an_end() {
        let law = |values: &[f64]| MedianLaw::of(values).expect("values");
        let wide = law(&[1e-300, 1e-200, 1e-100, 1.0, 1e100, 1e200, 1e300, 1e-9, 1e9, 1e-50]);
        let equal = law(&[3.0; 400]);
        for probability in [0.0, 0.025, 0.5, 1.0] {
            for (top, bottom) in [
                (&wide, &equal),
                (&equal, &wide),
                (&equal, &equal),
                (&wide, &law(&[1.0, 2.0, 1.5])),
            ] {
                let (t, b) = low_ratio(top, bottom, probability);
                assert_eq!(t / b, plainly(top, bottom, probability), "{probability}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_ratio_is_found_as_if_all_pairs_were_written_down(
            a in prop::collection::vec(1u8..20, 1..24), b in prop::collection::vec(1u8..20, 1..12), probability in 0.0..1.0f64
        ) {
            // Small whole numbers: many ties.
            let values = |v: Vec<u8>| v.into_iter().map(f64::from).collect::<Vec<_>>();
            let (a, b) = (MedianLaw::of(&values(a)).expect("values"), MedianLaw::of(&values(b)).expect("values"));
            let (t, d) = low_ratio(&a, &b, probability);
            prop_assert_eq!(t / d, plainly(&a, &b, probability));
            let (t, d) = low_ratio(&b, &a, probability / 20.0);
            prop_assert_eq!(t / d, plainly(&b, &a, probability / 20.0));
        }
    }
}

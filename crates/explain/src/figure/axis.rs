//! Axes: from values to places, and where the ticks are.

/// A stretch of an axis in values and in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    log: bool,
}

impl Axis {
    /// A linear axis from the value `from` at `start` to the value `to` at `end`.
    pub fn linear((from, to): (f64, f64), (start, end): (f64, f64)) -> Axis {
        Axis { from, to, start, end, log: false }
    }

    /// An axis on which doubling is always the same distance. Both values are positive.
    pub fn log2((from, to): (f64, f64), (start, end): (f64, f64)) -> Axis {
        Axis { from: from.log2(), to: to.log2(), start, end, log: true }
    }

    /// Where a value is.
    pub fn at(&self, value: f64) -> f64 {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log2() } else { value };
        let span = self.to - self.from;
        let share = if span == 0.0 { 0.5 } else { (value - self.from) / span };
        self.start + share * (self.end - self.start)
    }

    /// The ticks that have room: those first that come first in `wanted`, each at least `gap`
    /// pixels from the others; in rising order.
    pub fn with_room(&self, wanted: &[f64], gap: f64) -> Vec<f64> {
        let mut kept: Vec<f64> = Vec::new();
        for &tick in wanted {
            if kept.iter().all(|other| (self.at(*other) - self.at(tick)).abs() >= gap) {
                kept.push(tick);
            }
        }
        kept.sort_by(f64::total_cmp);
        kept
    }
}

/// Round numbers from 0 to at least `most`, about `count` of them.
pub fn round_ticks(most: f64, count: usize) -> Vec<f64> {
    if !(most > 0.0 && most.is_finite()) {
        return vec![0.0];
    }
    let raw = most / count.max(1) as f64;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * magnitude)
        .find(|s| *s >= raw * 0.999)
        .unwrap_or(raw);
    (0..=count + 1)
        .map(|i| i as f64 * step)
        .take_while(|tick| *tick < most + step * 0.999)
        .collect()
}

/// Values for ticks of an axis on which doubling is a constant distance, from `least` to `most`
/// (positive): those that matter most first. Powers of ten, then their double and fivefold; finer
/// steps where these are too few.
pub fn log_ticks(least: f64, most: f64) -> Vec<f64> {
    if !(least > 0.0 && most > least && most.is_finite()) {
        return vec![least];
    }
    let (from, to) = (least.log10().floor() as i32, most.log10().ceil() as i32);
    let inside = |steps: &[f64]| -> Vec<f64> {
        let all = steps.iter().flat_map(|step| (from..=to).map(move |e| step * 10f64.powi(e)));
        all.filter(|tick| (least * 0.999..=most * 1.001).contains(tick)).collect()
    };
    let ticks = inside(&[1.0, 5.0, 2.0]);
    if ticks.len() >= 3 {
        return ticks;
    }
    let ticks = inside(&[1.0, 2.0, 5.0, 1.5, 3.0, 4.0, 7.0, 6.0, 8.0]);
    if ticks.len() >= 3 {
        return ticks;
    }
    let raw = (most - least) / 4.0;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|m| m * magnitude)
        .into_iter()
        .find(|s| *s >= raw)
        .unwrap_or(raw);
    let first = (least / step).ceil();
    (0..6).map(|i| (first + f64::from(i)) * step).take_while(|tick| *tick <= most * 1.001).collect()
}

/// A count in a few letters: `800`, `50k`, `1.5M`.
pub fn short(value: f64) -> String {
    let scaled = |divisor: f64, letter: &str| {
        let text = format!("{:.2}", value / divisor);
        format!("{}{letter}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match value.abs() {
        v if v >= 1e9 => scaled(1e9, "G"),
        v if v >= 1e6 => scaled(1e6, "M"),
        v if v >= 1e4 => scaled(1e3, "k"),
        _ => number(value),
    }
}

/// A tick's number without needless zeros.
pub fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A number with as many digits as its size asks for: `0.0001`, `0.031`, `12.5`.
pub fn precise(value: f64) -> String {
    if value == 0.0 || value.abs() >= 0.1 {
        return number(value);
    }
    // Two digits that count.
    let decimals = (1.0 - value.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_is_a_constant_distance() {
        let axis = Axis::log2((1.0, 8.0), (0.0, 300.0));
        assert_eq!((axis.at(1.0), axis.at(2.0), axis.at(8.0)), (0.0, 100.0, 300.0));
        assert_eq!(axis.with_room(&[1.0, 8.0, 2.0, 3.0, 7.0], 50.0), [1.0, 2.0, 3.0, 8.0]);
        assert_eq!(
            Axis::linear((1.0, 1.0), (0.0, 10.0)).at(1.0),
            5.0,
            "a single value stands in the middle"
        );
    }

    #[test]
    fn ticks_where_doubling_is_a_constant_distance() {
        assert_eq!(log_ticks(0.9, 12.0), [1.0, 10.0, 5.0, 2.0]);
        assert_eq!(log_ticks(36.0, 45.0), [37.5, 40.0, 42.5, 45.0]);
        assert!(log_ticks(1e-6, 1e3).len() >= 9);
        assert_eq!(log_ticks(2.0, 2.0), [2.0]);
        assert_eq!(
            [800.0, 50e3, 1.5e6, 581_012.0, 2e9].map(short),
            ["800", "50k", "1.5M", "581.01k", "2G"]
        );
    }

    #[test]
    fn round_numbers_reach_the_end() {
        assert_eq!(round_ticks(8.3, 4), [0.0, 2.5, 5.0, 7.5, 10.0]);
        assert_eq!(round_ticks(0.0, 4), [0.0]);
        assert_eq!(number(2.5), "2.5");
        assert_eq!(number(16.0), "16");
        assert_eq!([0.0001, 0.0314, 0.25, 0.0].map(precise), ["0.0001", "0.031", "0.25", "0"]);
    }
}

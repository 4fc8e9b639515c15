//! What no machine can have: a value beyond it is an error of the measuring, and is refused with a
//! reason.

use super::loops::Loops;
use amdahl_record::limits::{Figure, Level, Limits};
use amdahl_record::units::significant;
use amdahl_stats::median;

/// A clock that no processor runs at, Hz (2026: 6.2 GHz at most).
const FASTEST: f64 = 6.5e9;

/// Share by which the clock may have been faster elsewhere than where it was measured.
const CLOCK_SLACK: f64 = 1.3;

/// Loads of a whole vector in a cycle, at most (Intel from 2021 has three, for 256 bits; others
/// two).
const LOADS: f64 = 3.0;

/// Share by which an outer level may seem faster than an inner one, and triad faster than its reads
/// allow: both were disturbed differently.
const NOISE: f64 = 1.15;

/// The best of these rates.
pub fn figure(rates: &[f64]) -> Figure {
    let good: Vec<f64> =
        rates.iter().copied().filter(|rate| rate.is_finite() && *rate > 0.0).collect();
    let best = good.iter().copied().reduce(f64::max);
    match (best, median(&good)) {
        (Some(best), Some(middle)) => Figure {
            best: Some(best),
            spread: Some(1.0 - middle / best),
            passes: good.len() as u32,
            why: None,
        },
        _ => Figure::missing("no pass was long enough for the clock"),
    }
}

/// Of two measurements of the same at different times the better one, with its spread, and the
/// passes of both. Reasons of the later one.
pub fn better(one: Figure, other: Figure) -> Figure {
    let passes = one.passes + other.passes;
    match one.best >= other.best && one.best.is_some() {
        true => Figure { passes, ..one },
        false => Figure { passes, ..other },
    }
}

/// Upper bound of the clock, Hz.
pub fn clock_bound(measured: Option<f64>) -> f64 {
    measured.map_or(FASTEST, |clock| (CLOCK_SLACK * clock).min(FASTEST))
}

/// flop/s that this number of lanes cannot have: two for each value of a vector in each unit in
/// each cycle.
pub fn fma_bound(width: u32, units: u32, lanes: u32, clock: f64) -> f64 {
    2.0 * f64::from(width) * f64::from(units) * f64::from(lanes) * clock
}

/// byte/s that this number of lanes cannot load: from L1, and so from anywhere.
pub fn load_bound(width: u32, lanes: u32, clock: f64) -> f64 {
    LOADS * 4.0 * f64::from(width) * f64::from(lanes) * clock
}

/// Refuses what is above what anything like this can have.
fn refuse_above(figure: &mut Figure, bound: f64, of_what: &str) {
    if let Some(best) = figure.best.filter(|best| *best > bound) {
        figure.refuse(format!(
            "refused: {} is above {}, the most that {of_what}",
            giga(best),
            giga(bound)
        ));
    }
}

/// Refuses what contradicts another figure. Which of the two was disturbed cannot be told, but one
/// was.
fn refuse_beside(figure: &mut Figure, bound: f64, other: &str) {
    if let Some(best) = figure.best.filter(|best| *best > bound) {
        figure.refuse(format!(
            "refused: {} cannot be beside {other}, which allows {}; one of the two was disturbed: measure again when less else runs",
            giga(best),
            giga(bound)
        ));
    }
}

fn giga(rate: f64) -> String {
    format!("{} G/s", significant(rate / 1e9))
}

/// Refuses what contradicts theory, or other figures of the same limits.
pub fn apply(limits: &mut Limits, loops: Loops) {
    refuse_above(&mut limits.clock, FASTEST, "any processor has");
    let clock = clock_bound(limits.clock.best);
    for peak in &mut limits.peaks {
        let bound = fma_bound(loops.width(), loops.units(), peak.lanes, clock);
        refuse_above(&mut peak.fma, bound, "so many vector units compute at this clock");
    }
    for row in &mut limits.bandwidths {
        refuse_above(
            &mut row.read,
            load_bound(loops.width(), row.lanes, clock),
            "so many lanes load at this clock",
        );
    }
    let lanes: Vec<u32> = limits.peaks.iter().map(|peak| peak.lanes).collect();
    for lanes in lanes {
        refuse_disorder(limits, lanes);
    }
    for row in &mut limits.bandwidths {
        // Two of the three arrays are read, and with ordinary stores the third as well.
        if let Some(read) = row.read.best {
            refuse_beside(
                &mut row.triad,
                1.5 * NOISE * read,
                "the read bandwidth (two thirds of triad are read)",
            );
        }
    }
}

/// Refuses levels that are faster than a level inside them, each with the same lanes.
fn refuse_disorder(limits: &mut Limits, lanes: u32) {
    let mut inner: Option<(Level, f64)> = None;
    for level in Level::ALL {
        let mut here: Option<f64> = None;
        for row in
            limits.bandwidths.iter_mut().filter(|row| row.level == level && row.lanes == lanes)
        {
            if let Some((inner, rate)) = inner {
                refuse_beside(&mut row.read, NOISE * rate, inner.word());
            }
            here = here.into_iter().chain(row.read.best).reduce(f64::max);
        }
        inner = here.map(|rate| (level, rate)).or(inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::LoadFacts;
    use amdahl_record::limits::{Bandwidth, LIMITS, Peak};

    fn good(rate: f64) -> Figure {
        figure(&[rate, rate * 0.9, rate * 0.8])
    }

    fn row(level: Level, lanes: u32, read: f64, triad: f64) -> Bandwidth {
        let (capacity_bytes, buffer_bytes) = (None, Some(1 << 20));
        Bandwidth {
            level,
            lanes,
            huge_pages: true,
            capacity_bytes,
            buffer_bytes,
            read: good(read),
            triad: good(triad),
        }
    }

    fn limits(peaks: &[(u32, f64)], bandwidths: Vec<Bandwidth>) -> Limits {
        Limits {
            version: LIMITS,
            host: "h".into(),
            build: String::new(),
            measured_ms: 0,
            quick: false,
            vector: "test".into(),
            clock: good(3e9),
            peaks: peaks.iter().map(|&(lanes, rate)| Peak { lanes, fma: good(rate) }).collect(),
            bandwidths,
            load: LoadFacts::default(),
        }
    }

    #[test]
    fn the_best_pass_counts_and_the_median_tells_the_spread() {
        let figure = good(10.0);
        assert_eq!((figure.best, figure.passes), (Some(10.0), 3));
        assert!((figure.spread.unwrap_or(0.0) - 0.1).abs() < 1e-12);
        let none = super::figure(&[f64::NAN, f64::INFINITY, 0.0]);
        assert!(none.best.is_none() && none.spread.is_none() && none.why.is_some());
        assert_eq!(super::figure(&[]).best, None);
    }

    #[test]
    fn of_two_measurements_the_better_one_counts() {
        let merged = better(good(10.0), figure(&[12.0]));
        assert_eq!((merged.best, merged.spread, merged.passes), (Some(12.0), Some(0.0), 4));
        assert_eq!(better(good(10.0), Figure::missing("gone")).best, Some(10.0));
        assert_eq!(better(Figure::missing("gone"), good(10.0)).best, Some(10.0));
        assert_eq!(
            better(Figure::missing("gone"), Figure::missing("still gone")).why.as_deref(),
            Some("still gone")
        );
    }

    #[test]
    fn bounds_are_what_units_and_clock_allow() {
        assert_eq!(fma_bound(16, 2, 1, 3e9), 192e9);
        assert_eq!(fma_bound(8, 2, 4, 3e9), 384e9);
        assert_eq!(load_bound(16, 1, 3e9), 576e9);
        assert_eq!(clock_bound(None), 6.5e9);
        assert_eq!(clock_bound(Some(2e9)), 2.6e9);
        assert_eq!(clock_bound(Some(9e9)), 6.5e9);
    }

    #[test]
    fn a_peak_above_theory_is_refused() {
        let loops = Loops::widest();
        let bound = fma_bound(loops.width(), loops.units(), 1, clock_bound(Some(3e9)));
        let mut limits = limits(&[(1, 1.01 * bound), (4, 1.01 * bound)], vec![]);
        apply(&mut limits, loops);
        assert_eq!(limits.peaks[0].fma.best, None);
        assert!(limits.peaks[0].fma.why.as_ref().is_some_and(|why| why.contains("refused")));
        assert!(limits.peaks[1].fma.best.is_some(), "four lanes can");
    }

    #[test]
    fn an_outer_level_is_not_faster_than_an_inner_one() {
        let rows = vec![
            row(Level::L1, 1, 90e9, 80e9),
            row(Level::L2, 1, 95e9, 70e9),
            row(Level::L3, 1, 120e9, 60e9),
            row(Level::Memory, 1, 20e9, 20e9),
            row(Level::Memory, 4, 60e9, 20e9),
        ];
        let mut limits = limits(&[(1, 1e9), (4, 4e9)], rows);
        apply(&mut limits, Loops::widest());
        let best: Vec<bool> = limits.bandwidths.iter().map(|row| row.read.best.is_some()).collect();
        assert_eq!(
            best,
            [true, true, false, true, true],
            "a few per cent are noise; other lanes are another matter"
        );
        assert!(limits.bandwidths[2].read.why.as_ref().is_some_and(|why| why.contains("L2")));
    }

    #[test]
    fn triad_is_not_faster_than_its_reads() {
        let mut limits = limits(
            &[(1, 1e9)],
            vec![row(Level::L1, 1, 60e9, 100e9), row(Level::L2, 1, 60e9, 104e9)],
        );
        apply(&mut limits, Loops::widest());
        assert!(limits.bandwidths[0].triad.best.is_some(), "stores are not loads");
        assert_eq!(limits.bandwidths[1].triad.best, None);
    }

    #[test]
    fn nothing_is_loaded_faster_than_the_units_allow() {
        let loops = Loops::widest();
        let bound = load_bound(loops.width(), 1, clock_bound(Some(3e9)));
        let mut limits = limits(&[(1, 1e9)], vec![row(Level::L1, 1, 1.01 * bound, 1e9)]);
        apply(&mut limits, loops);
        assert_eq!(limits.bandwidths[0].read.best, None);
    }
}

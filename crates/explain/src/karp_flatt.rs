//! The experimentally determined serial fraction: what share would have to be serial to explain a
//! measured speedup.
//!
//! e = (1/S − 1/p) / (1 − 1/p) for a speedup S on p lanes. A. Karp, H. Flatt, "Measuring parallel
//! processor performance", CACM 33(5), 1990. Where e stays the same as lanes are added, a serial
//! share limits; where it grows, overhead does. Over 1 it was slower than one lane, below 0 faster
//! than ideal.

use amdahl_stats::{Estimate, Interval};

/// The fraction of a speedup over one lane on this many lanes, which are more than one.
pub fn fraction(speedup: f64, lanes: f64) -> f64 {
    (1.0 / speedup - 1.0 / lanes) / (1.0 - 1.0 / lanes)
}

/// The fraction with its interval: of the ends of the speedup's. `None` on one lane, and where a
/// speedup is not positive.
pub fn estimate(speedup: Estimate, lanes: u32) -> Option<Estimate> {
    if lanes < 2 || speedup.value <= 0.0 || speedup.interval.is_some_and(|i| i.low <= 0.0) {
        return None;
    }
    let of = |speedup| fraction(speedup, f64::from(lanes));
    let interval =
        speedup.interval.map(|i| Interval { low: of(i.high), high: of(i.low), level: i.level });
    Some(Estimate { value: of(speedup.value), interval, n: speedup.n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn textbook_examples() {
        // M. Quinn, "Parallel programming in C with MPI and OpenMP", 2003, §7.6: a serial share of
        // 0.1, and an overhead that grows.
        let serial = [1.82, 2.50, 3.08, 3.57, 4.00, 4.38, 4.71];
        let overhead = [1.87, 2.61, 3.23, 3.73, 4.14, 4.46, 4.71];
        for (i, (a, b)) in serial.into_iter().zip(overhead).enumerate() {
            let lanes = (i + 2) as f64;
            assert!((fraction(a, lanes) - 0.1).abs() < 0.002, "{a} on {lanes}");
            assert!(
                (fraction(b, lanes) - (0.070 + 0.005 * i as f64)).abs() < 0.002,
                "{b} on {lanes}"
            );
        }
        assert_eq!(fraction(4.0, 4.0), 0.0);
        assert_eq!(fraction(1.0, 4.0), 1.0);
    }

    #[test]
    fn the_interval_is_turned_round() {
        let speedup = Estimate {
            value: 3.0,
            interval: Some(Interval { low: 2.5, high: 3.5, level: 0.95 }),
            n: 9,
        };
        let found = estimate(speedup, 4).expect("four lanes");
        let interval = found.interval.expect("it had one");
        assert!(interval.low < found.value && found.value < interval.high);
        assert_eq!(interval.low, fraction(3.5, 4.0));
        assert_eq!(estimate(speedup, 1), None);
    }
}

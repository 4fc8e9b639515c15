//! Gustafson's law: where the work grows with the lanes, the serial part stays as long as it was,
//! and the scaled speedup is S(p) = s + p·(1 − s), with s the serial share of the time on one lane.
//!
//! J. Gustafson, "Reevaluating Amdahl's law", CACM 31(5), 1988. With rows for each lane constant, p
//! lanes do p times the work in t(p), so S(p) = p·t(1)/t(p) and t(p) = t₁·p/(s + p(1 − s)): the
//! time rises from t₁ to t₁/(1 − s). t₁ is linear once s is known; s is searched.

use crate::law::series::Design;
use crate::law::{Derived, Fitter, Kind, Scaling};

pub(super) const KIND: Kind = Kind {
    name: "Gustafson",
    formula: "t(p) = t1 p / (s + p (1 - s))",
    source: "Gustafson, CACM 31(5), 1988",
    least: 3,
    free: 2,
    scaling: Scaling::Weak,
    parameters: &["t1", "s"],
    derived: &[Derived { name: "efficiency of many lanes", of: |v| Some(1.0 - v[1]) }],
    prepare,
    seconds,
};

/// No share above this: all time would be serial.
const MOST: f64 = 0.999;

fn shape(lanes: f64, serial: f64) -> f64 {
    lanes / (serial + lanes * (1.0 - serial))
}

fn prepare(design: &Design) -> Option<Fitter> {
    let design = design.clone();
    Some(Box::new(move |seconds| {
        // The best t1 for a share, and the weighted squares that it leaves.
        let best = |serial: f64| {
            let (mut top, mut bottom) = (0.0, 0.0);
            for ((lanes, u), t) in design.lanes.iter().zip(&design.uncertainty).zip(seconds) {
                let g = shape(*lanes, serial);
                top += g * t / (u * u);
                bottom += g * g / (u * u);
            }
            let one = top / bottom;
            let of = |((lanes, u), t): ((&f64, &f64), &f64)| {
                ((t - one * shape(*lanes, serial)) / u).powi(2)
            };
            let squares: f64 =
                design.lanes.iter().zip(&design.uncertainty).zip(seconds).map(of).sum();
            (one, squares)
        };
        // Golden section: the squares have one valley in the share.
        let golden = (5f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = (0.0, MOST);
        let mut inner = [high - golden * (high - low), low + golden * (high - low)];
        let mut squares = inner.map(|serial| best(serial).1);
        while high - low > 1e-9 {
            if squares[0] <= squares[1] {
                high = inner[1];
                inner = [high - golden * (high - low), inner[0]];
                squares = [best(inner[0]).1, squares[0]];
            } else {
                low = inner[0];
                inner = [inner[1], low + golden * (high - low)];
                squares = [squares[1], best(inner[1]).1];
            }
        }
        // The valley may lie at an end.
        let share = [(low + high) / 2.0, 0.0]
            .into_iter()
            .min_by(|a, b| best(*a).1.total_cmp(&best(*b).1))?;
        let (one, squares) = best(share);
        (one > 0.0 && squares.is_finite()).then(|| vec![one, share])
    }))
}

fn seconds(values: &[f64], lanes: f64) -> f64 {
    values[0] * shape(lanes, values[1])
}

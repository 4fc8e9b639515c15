//! The universal scalability law: beside a serial share (contention σ) every pair of lanes costs
//! something (coherence κ), so that beyond √((1 − σ)/κ) lanes more of them make it slower.
//!
//! N. Gunther, "A general theory of computational scalability based on rational functions",
//! arXiv:0808.1431, 2008; "Guerrilla capacity planning", 2007. Throughput is X(p) = X(1)·p / (1 +
//! σ(p − 1) + κp(p − 1)), so the time is t(p) = t₁·(1 + σ(p − 1) + κp(p − 1))/p, which is linear in
//! t₁(1 − σ), t₁σ and t₁κ: t₁(1 − σ)·1/p + t₁σ + t₁κ·(p − 1). With κ = 0 it is Amdahl's law.

use crate::law::least_squares::Problem;
use crate::law::series::Design;
use crate::law::{Derived, Fitter, Kind, Scaling};

pub(super) const KIND: Kind = Kind {
    name: "USL",
    formula: "t(p) = t1 (1 + sigma (p - 1) + kappa p (p - 1)) / p",
    source: "Gunther, arXiv:0808.1431, 2008",
    least: 4,
    free: 3,
    scaling: Scaling::Strong,
    parameters: &["t1", "sigma", "kappa"],
    derived: &[Derived {
        name: "lanes at the peak",
        // No program has less than one lane: one that every further lane slows down is fastest there.
        of: |v| (v[2] > 0.0).then(|| ((1.0 - v[1]) / v[2]).max(1.0).sqrt()),
    }],
    prepare,
    seconds,
};

fn prepare(design: &Design) -> Option<Fitter> {
    let of = |column: fn(f64) -> f64| design.lanes.iter().map(|&p| column(p)).collect::<Vec<f64>>();
    let columns = vec![of(|_| 1.0), of(|p| 1.0 / p), of(|p| p - 1.0)];
    let problem = Problem::new(columns, &design.uncertainty)?;
    Some(Box::new(move |seconds| {
        let found = problem.solve(seconds)?;
        let one = found[0] + found[1];
        (one > 0.0).then(|| vec![one, found[0] / one, found[2] / one])
    }))
}

fn seconds(values: &[f64], lanes: f64) -> f64 {
    values[0] * (1.0 + values[1] * (lanes - 1.0) + values[2] * lanes * (lanes - 1.0)) / lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_at_one_lane_at_least() {
        let peak = KIND.derived[0].of;
        assert_eq!(peak(&[1.0, 0.0, 0.01]), Some(10.0));
        assert_eq!(peak(&[1.0, 0.999, 0.2]), Some(1.0), "every further lane makes it slower");
        assert_eq!(peak(&[1.0, 1.2, 0.2]), Some(1.0));
        assert_eq!(peak(&[1.0, 0.1, 0.0]), None, "it never falls");
    }
}

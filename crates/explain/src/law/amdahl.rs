//! Amdahl's law: a share of the work stays serial, so t(p) = t₁·(s + (1 − s)/p) and no number of
//! lanes makes it faster than 1/s times.
//!
//! G. Amdahl, "Validity of the single processor approach to achieving large scale computing
//! capabilities", AFIPS 1967. Fitted to times: with a = t₁·s and b = t₁·(1 − s) it is a + b/p,
//! linear and not negative.

use crate::law::least_squares::Problem;
use crate::law::series::Design;
use crate::law::{Derived, Fitter, Kind, Scaling};

pub(super) const KIND: Kind = Kind {
    name: "Amdahl",
    formula: "t(p) = t1 (s + (1 - s) / p)",
    source: "Amdahl, AFIPS 1967",
    least: 3,
    free: 2,
    scaling: Scaling::Strong,
    parameters: &["t1", "s"],
    derived: &[Derived { name: "largest speedup", of: |v| (v[1] > 0.0).then(|| 1.0 / v[1]) }],
    prepare,
    seconds,
};

fn prepare(design: &Design) -> Option<Fitter> {
    let columns =
        vec![vec![1.0; design.lanes.len()], design.lanes.iter().map(|p| 1.0 / p).collect()];
    let problem = Problem::new(columns, &design.uncertainty)?;
    Some(Box::new(move |seconds| {
        let found = problem.solve(seconds)?;
        let one = found[0] + found[1];
        (one > 0.0).then(|| vec![one, found[0] / one])
    }))
}

fn seconds(values: &[f64], lanes: f64) -> f64 {
    values[0] * (values[1] + (1.0 - values[1]) / lanes)
}

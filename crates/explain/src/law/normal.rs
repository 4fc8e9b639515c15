//! The performance model normal form with one term: t(p) = c₀ + c₁·pⁱ·log₂(p)ʲ, for whatever else
//! is going on.
//!
//! A. Calotoiu, T. Hoefler, M. Poke, F. Wolf, "Using automated performance modeling to find
//! scalability bugs in complex codes", SC'13: the exponents come from a short list, and cross
//! validation chooses. The list is that of the tool Extra-P, and since times of a fixed problem
//! fall with the lanes, its powers with a negative sign too. No coefficient is negative, so that no
//! time ever is.

use crate::law::series::Design;
use crate::law::{Fitter, Kind, Scaling};

pub(super) const KIND: Kind = Kind {
    name: "normal form",
    formula: "t(p) = c0 + c1 p^i log2(p)^j",
    source: "Calotoiu et al., SC'13",
    least: 5,
    // The exponents are chosen: one more than the two coefficients.
    free: 3,
    scaling: Scaling::Strong,
    parameters: &["c0", "c1", "i", "j"],
    derived: &[],
    prepare,
    seconds,
};

/// Powers without a logarithm, then with one and with two of them.
const POWERS: [&[f64]; 3] = [
    &[
        1.0 / 4.0,
        1.0 / 3.0,
        1.0 / 2.0,
        2.0 / 3.0,
        3.0 / 4.0,
        4.0 / 5.0,
        1.0,
        5.0 / 4.0,
        4.0 / 3.0,
        3.0 / 2.0,
        5.0 / 3.0,
        7.0 / 4.0,
        2.0,
        9.0 / 4.0,
        7.0 / 3.0,
        5.0 / 2.0,
        8.0 / 3.0,
        11.0 / 4.0,
        3.0,
    ],
    &[
        0.0,
        1.0 / 4.0,
        1.0 / 3.0,
        1.0 / 2.0,
        2.0 / 3.0,
        3.0 / 4.0,
        1.0,
        5.0 / 4.0,
        4.0 / 3.0,
        3.0 / 2.0,
        2.0,
        5.0 / 2.0,
        3.0,
    ],
    &[0.0, 1.0 / 4.0, 1.0 / 3.0, 1.0 / 2.0, 2.0 / 3.0, 3.0 / 4.0, 1.0, 3.0 / 2.0, 2.0, 5.0 / 2.0],
];

/// Forms that are nearly as good as the best: the resamples choose among them again, so that a
/// projection knows of the choice.
const PLAUSIBLE: usize = 6;

/// A form is nearly as good up to this multiple of the best one's error of prediction.
const NEARLY: f64 = 1.5;

/// Every pair of exponents.
fn forms() -> Vec<(f64, f64)> {
    let falling = POWERS[0].iter().map(|&i| (-i, 0.0));
    let growing = (0..POWERS.len()).flat_map(|j| POWERS[j].iter().map(move |&i| (i, j as f64)));
    falling.chain(growing).collect()
}

fn term(lanes: f64, (i, j): (f64, f64)) -> f64 {
    lanes.powf(i) * if j == 0.0 { 1.0 } else { lanes.log2().powf(j) }
}

/// Weighted sums of a straight line through (term, time), from which single points can be taken
/// out.
#[derive(Clone, Copy, Default)]
struct Sums {
    w: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Sums {
    fn with(self, x: f64, y: f64, weight: f64) -> Sums {
        Sums {
            w: self.w + weight,
            x: self.x + weight * x,
            y: self.y + weight * y,
            xx: self.xx + weight * x * x,
            xy: self.xy + weight * x * y,
        }
    }

    /// c₀ and c₁, neither negative; `None` where the terms cannot be told apart.
    fn line(self) -> Option<(f64, f64)> {
        let spread = self.w * self.xx - self.x * self.x;
        if !(spread.is_finite() && spread > 1e-9 * self.w * self.xx) {
            return None;
        }
        let c1 = (self.w * self.xy - self.x * self.y) / spread;
        let c0 = (self.y - c1 * self.x) / self.w;
        let (flat, steep) = ((self.y / self.w, 0.0), (0.0, self.xy / self.xx));
        Some(match (c0 < 0.0, c1 < 0.0) {
            (false, false) => (c0, c1),
            (false, true) => flat,
            (true, _) => steep,
        })
    }
}

struct Form {
    exponents: (f64, f64),
    terms: Vec<f64>,
    weights: Vec<f64>,
}

impl Form {
    fn new(exponents: (f64, f64), design: &Design) -> Form {
        let terms = design.lanes.iter().map(|&p| term(p, exponents)).collect();
        Form {
            exponents,
            terms,
            weights: design.uncertainty.iter().map(|u| 1.0 / (u * u)).collect(),
        }
    }

    fn sums(&self, seconds: &[f64]) -> Sums {
        let points = self.terms.iter().zip(seconds).zip(&self.weights);
        points.fold(Sums::default(), |sums, ((x, y), w)| sums.with(*x, *y, *w))
    }

    /// Sum of the squared errors of predicting each point from the others, in units of its
    /// uncertainty.
    fn prediction_error(&self, seconds: &[f64]) -> f64 {
        let sums = self.sums(seconds);
        let points = self.terms.iter().zip(seconds).zip(&self.weights);
        let of = |((x, y), w): ((&f64, &f64), &f64)| {
            let (c0, c1) = sums.with(*x, *y, -w).line()?;
            Some((y - c0 - c1 * x).powi(2) * w)
        };
        points.map(of).sum::<Option<f64>>().unwrap_or(f64::INFINITY)
    }

    /// Coefficients, and the sum of the squared errors that they leave.
    fn fit(&self, seconds: &[f64]) -> Option<(f64, f64, f64)> {
        let (c0, c1) = self.sums(seconds).line()?;
        let points = self.terms.iter().zip(seconds).zip(&self.weights);
        Some((c0, c1, points.map(|((x, y), w)| (y - c0 - c1 * x).powi(2) * w).sum()))
    }
}

fn prepare(design: &Design) -> Option<Fitter> {
    let mut forms: Vec<(f64, Form)> = forms()
        .into_iter()
        .map(|exponents| Form::new(exponents, design))
        .map(|form| (form.prediction_error(&design.seconds), form))
        .filter(|(error, _)| error.is_finite())
        .collect();
    forms.sort_by(|a, b| a.0.total_cmp(&b.0));
    let most = forms.first()?.0 * NEARLY * NEARLY;
    let nearly = forms.iter().take_while(|(error, _)| *error <= most).count().clamp(1, PLAUSIBLE);
    // The values that were measured are the best form's; resamples of them may be another's.
    let measured = design.seconds.clone();
    Some(Box::new(move |seconds| {
        let among = if seconds == measured { 1 } else { nearly };
        let fits = forms
            .iter()
            .take(among)
            .filter_map(|(_, form)| Some((form.fit(seconds)?, form.exponents)));
        let ((c0, c1, _), (i, j)) = fits.min_by(|a, b| a.0.2.total_cmp(&b.0.2))?;
        Some(vec![c0, c1, i, j])
    }))
}

fn seconds(values: &[f64], lanes: f64) -> f64 {
    values[0] + values[1] * term(lanes, (values[2], values[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_the_tool_and_their_falling_twins() {
        let forms = forms();
        assert_eq!(forms.len(), 42 + 19);
        assert!(
            forms.contains(&(-1.0, 0.0))
                && forms.contains(&(0.0, 1.0))
                && forms.contains(&(1.0, 2.0))
        );
        assert!(!forms.contains(&(0.0, 0.0)), "a constant is c1 = 0");
        assert_eq!(term(8.0, (1.0, 2.0)), 72.0);
        assert_eq!(term(1.0, (0.0, 1.0)), 0.0);
    }
}

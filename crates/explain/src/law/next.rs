//! The next cell worth measuring: the number of lanes that lets a refused law be fitted, or narrows
//! the projection most.
//!
//! The gain is computed before anything is measured (an optimal design for one prediction: V.
//! Fedorov, "Theory of optimal experiments", 1972): with g(p) the gradient of the law's time in its
//! parameters, M = Σ g·gᵀ/u² over the cells, the variance of the time on P lanes is g(P)ᵀ·M⁻¹·g(P),
//! and one more cell adds its own g·gᵀ/u².

use serde::Serialize;

use crate::law::series::Series;
use crate::law::{Fit, LAWS, Laws, Scaling, least_squares};
use amdahl_stats::median;

/// Beyond so many CPUs only powers of two are looked at.
const FINE: u32 = 64;

/// Less than this share off an interval is not worth a cell.
const WORTH: f64 = 0.1;

/// The next cell worth measuring.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Next {
    /// Its lanes.
    pub lanes: u32,
    /// Is it a new number of lanes? Otherwise more repeats of a cell that is there.
    pub new: bool,
    /// Does the machine have so many CPUs? Otherwise it takes another one. Null where the machine
    /// is not known.
    pub fits: Option<bool>,
    /// The share of its width that the interval of the projection (twice the most lanes) is
    /// expected to lose; null where no law could be fitted.
    pub narrower: Option<f64>,
    /// In words.
    pub words: String,
}

/// What to measure next. `cpus`: how many the machine has, where that is known.
pub(super) fn next(laws: &Laws, series: &Series, cpus: Option<usize>) -> Option<Next> {
    let cpus = cpus.and_then(|cpus| u32::try_from(cpus).ok());
    match laws.best() {
        None => missing(laws, series, cpus),
        Some((law, fit)) => narrower(laws, law.name, fit, series, cpus),
    }
}

/// Numbers of lanes that the machine has CPUs for and that were not measured.
fn candidates(series: &Series, cpus: Option<u32>) -> Vec<u32> {
    let Some(cpus) = cpus else { return Vec::new() };
    let measured = |lanes: &u32| series.points.iter().any(|point| point.lanes == *lanes);
    (1..=cpus)
        .filter(|p| *p <= FINE || p.is_power_of_two() || *p == cpus)
        .filter(|p| !measured(p))
        .collect()
}

/// A law lacks numbers of lanes: the one farthest from those that are there, by ratio; of equals
/// the largest.
fn missing(laws: &Laws, series: &Series, cpus: Option<u32>) -> Option<Next> {
    let least =
        LAWS.iter().filter(|kind| kind.scaling == laws.scaling).min_by_key(|kind| kind.least)?;
    let lacking = least.least.saturating_sub(series.points.len());
    if lacking == 0 {
        return None;
    }
    let distance = |lanes: &u32| {
        let ratio = |point: &super::series::Point| {
            (f64::from(*lanes) / f64::from(point.lanes)).log2().abs()
        };
        series.points.iter().map(ratio).fold(f64::INFINITY, f64::min)
    };
    let found = candidates(series, cpus).into_iter().max_by(|a, b| {
        (distance(a), a).partial_cmp(&(distance(b), b)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let most = series.points.last().map_or(1, |point| point.lanes);
    let (lanes, fits) = match found {
        Some(lanes) => (lanes, cpus.map(|_| true)),
        None => (most.max(cpus.unwrap_or(1)).checked_mul(2)?, cpus.map(|_| false)),
    };
    let place = if fits == Some(false) { ", on a machine with as many CPUs" } else { "" };
    let still = match lacking {
        1 => String::new(),
        n => format!(", and {} more after that", n - 1),
    };
    let words =
        format!("{}{place}{still}: then {}'s law can be fitted", cell(laws, lanes), least.name);
    Some(Next { lanes, new: true, fits, narrower: None, words })
}

/// The cell that narrows the projection to twice the most lanes by most, if by enough.
fn narrower(laws: &Laws, law: &str, fit: &Fit, series: &Series, cpus: Option<u32>) -> Option<Next> {
    let most = series.points.last()?.lanes;
    let target = most.checked_mul(2)?;
    let shares: Vec<f64> =
        series.points.iter().map(|point| point.uncertainty / point.seconds).collect();
    let usual = median(&shares)?;
    let information = Information::of(fit, series)?;
    let now = information.deviation(fit, target)?;
    // A new cell is known as well as they usually are; as many repeats again of an old one halve
    // its variance, which adds what it has.
    let new = candidates(series, cpus).into_iter().map(|lanes| (lanes, true, usual));
    let old = series.points.iter().zip(&shares).map(|(point, share)| (point.lanes, false, *share));
    let mut best: Option<(u32, bool, f64)> = None;
    for (lanes, is_new, share) in new.chain(old) {
        let added = information.with(fit, lanes, share);
        let Some(then) = added.deviation(fit, target) else { continue };
        if best.is_none_or(|(.., least)| then < least) {
            best = Some((lanes, is_new, then));
        }
    }
    let (lanes, new, then) = best?;
    let narrower = 1.0 - then / now;
    // What is not a number is not worth it either.
    if narrower.is_nan() || narrower < WORTH {
        return None;
    }
    let what = if new {
        cell(laws, lanes)
    } else {
        format!("as many repeats again of {}", cell(laws, lanes))
    };
    let words = format!(
        "{what}: makes {law}'s projection to {target} lanes about {:.0} % narrower",
        100.0 * narrower
    );
    Some(Next { lanes, new, fits: cpus.map(|cpus| lanes <= cpus), narrower: Some(narrower), words })
}

fn cell(laws: &Laws, lanes: u32) -> String {
    let many = if lanes == 1 { "1 lane".to_string() } else { format!("{lanes} lanes") };
    match (laws.scaling, laws.rows_per_lane) {
        (Scaling::Weak, Some(rows)) => {
            format!(
                "{} with {many} and {} rows",
                laws.backend,
                amdahl_record::units::count(rows as f64 * f64::from(lanes))
            )
        }
        _ => format!("{} with {many}", laws.backend),
    }
}

/// M, over the parameters that vary continuously.
#[derive(Clone)]
struct Information {
    rows: Vec<Vec<f64>>,
}

impl Information {
    fn of(fit: &Fit, series: &Series) -> Option<Information> {
        let size = gradient(fit, 1.0).len();
        let mut information = Information { rows: vec![vec![0.0; size]; size] };
        for point in &series.points {
            information = information.with(fit, point.lanes, point.uncertainty / point.seconds);
        }
        (size > 0).then_some(information)
    }

    /// With a cell of so many lanes, known to this share of its time.
    fn with(&self, fit: &Fit, lanes: u32, share: f64) -> Information {
        let lanes = f64::from(lanes);
        let (g, u) = (gradient(fit, lanes), share * fit.seconds(lanes).value);
        let add = |i: usize, j: usize| self.rows[i][j] + g[i] * g[j] / (u * u);
        Information {
            rows: (0..g.len()).map(|i| (0..g.len()).map(|j| add(i, j)).collect()).collect(),
        }
    }

    /// Standard deviation of the time on so many lanes.
    fn deviation(&self, fit: &Fit, lanes: u32) -> Option<f64> {
        let g = gradient(fit, f64::from(lanes));
        let scale: Vec<f64> = (0..g.len()).map(|i| self.rows[i][i].sqrt()).collect();
        let scaled: Vec<Vec<f64>> = (0..g.len())
            .map(|i| (0..g.len()).map(|j| self.rows[i][j] / (scale[i] * scale[j])).collect())
            .collect();
        let inverse = least_squares::inverse(&scaled)?;
        let term = |i: usize, j: usize| g[i] * g[j] * inverse[i][j] / (scale[i] * scale[j]);
        let variance: f64 = (0..g.len())
            .flat_map(|i| (0..g.len()).map(move |j| (i, j)))
            .map(|(i, j)| term(i, j))
            .sum();
        (variance > 0.0).then(|| variance.sqrt())
    }
}

/// Derivatives of the time in the parameters that the times determine; the exponents of a form are
/// chosen, not determined.
fn gradient(fit: &Fit, lanes: f64) -> Vec<f64> {
    let kind = &LAWS[fit.kind];
    let determined = if kind.parameters.contains(&"i") { 2 } else { kind.parameters.len() };
    let at = |values: &[f64]| (kind.seconds)(values, lanes);
    (0..determined)
        .map(|i| {
            let step = 1e-6 * fit.values[i].abs().max(1e-3 * fit.values[0].abs()).max(1e-9);
            let moved = |by: f64| {
                let mut values = fit.values.clone();
                values[i] += by;
                at(&values)
            };
            (moved(step) - moved(-step)) / (2.0 * step)
        })
        .collect()
}

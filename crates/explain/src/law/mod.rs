//! Laws of scaling, fitted to the times of a backend by its number of lanes: what limits it, and
//! what it would do on more lanes.
//!
//! Each law is a file and a line in [`LAWS`]. All are fitted to costs (median times, weighted by
//! their uncertainty), never to speedups. A law is refused, with the reason, where there are too
//! few numbers of lanes; cells with more lanes than CPUs do not count. Intervals come from
//! resampling the repeats of each cell: each median is drawn anew from its exact bootstrap law and
//! the law is fitted again, in 399 seeded draws. Where a law misses the times by more than their
//! uncertainty explains, the draws are spread out by as much (the ratio of R. Birge, Phys. Rev. 40,
//! 1932): a law that does not quite hold has wider intervals. What a law says of any number of
//! lanes is *modelled*.

use serde::Serialize;

use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::cell::{Backend, CellId};
use amdahl_record::host::HostFacts;
use amdahl_stats::{Estimate, Interval};

mod amdahl;
mod gustafson;
mod least_squares;
mod next;
mod normal;
pub mod render;
mod series;
mod usl;
pub mod weak;

pub use next::Next;
use series::{Design, Series};

/// Every law. A new one is a file and a line here.
pub const LAWS: &[Kind] = &[amdahl::KIND, gustafson::KIND, usl::KIND, normal::KIND];

/// Level of the intervals.
const LEVEL: f64 = 0.95;

/// A law of scaling.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// The time by lanes p.
    pub formula: &'static str,
    /// Who found it.
    pub source: &'static str,
    /// Numbers of lanes that it needs.
    pub least: usize,
    /// Of what it is a law.
    pub scaling: Scaling,
    /// Names of its parameters; seconds where they are times, else without a unit.
    pub parameters: &'static [&'static str],
    /// What follows from the parameters.
    derived: &'static [Derived],
    /// What the times choose: parameters, and one for a choice among forms.
    free: usize,
    prepare: fn(&Design) -> Option<Fitter>,
    seconds: fn(&[f64], f64) -> f64,
}

/// Parameters from times, in the order of the design that it was prepared for. `None` where there
/// are none.
type Fitter = Box<dyn Fn(&[f64]) -> Option<Vec<f64>>>;

/// A quantity that follows from a law's parameters.
struct Derived {
    name: &'static str,
    /// `None` where it has no value, such as the peak of a curve that never falls.
    of: fn(&[f64]) -> Option<f64>,
}

/// How cells of a series differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scaling {
    /// The same problem on more lanes.
    Strong,
    /// As many rows for each lane.
    Weak,
}

/// What the laws say of one backend in a group of cells.
#[derive(Clone, Debug, Serialize)]
pub struct Laws {
    /// The backend.
    pub backend: String,
    /// Strong or weak scaling.
    pub scaling: Scaling,
    /// Rows for each lane, of weak scaling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_per_lane: Option<u64>,
    /// The cells that they are fitted to, one for each number of lanes, rising.
    pub cells: Vec<CellId>,
    /// Their lanes.
    pub lanes: Vec<u32>,
    /// Every law of this kind of scaling, fitted or refused.
    pub laws: Vec<Law>,
    /// The law that predicts best what it was not fitted to; null where all are refused.
    pub chosen: Option<&'static str>,
    /// What is worth measuring next; null where nothing is.
    pub next: Option<Next>,
}

/// One law of one backend.
#[derive(Clone, Debug, Serialize)]
pub struct Law {
    /// Its name.
    pub name: &'static str,
    /// The time by lanes p.
    pub formula: &'static str,
    /// The fit; null where it was refused.
    pub fit: Option<Fit>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A fitted law.
#[derive(Clone, Debug, Serialize)]
pub struct Fit {
    /// Its parameters, then what follows from them. An interval's upper end is null where it is
    /// endless.
    pub parameters: Vec<Parameter>,
    /// The largest deviation of a cell's time from the law, as a share of the time.
    pub worst: f64,
    /// Root mean square of the error of predicting each time from the others, as a share of it;
    /// null where it could not be done.
    pub prediction_error: Option<f64>,
    /// How many times the uncertainty of the times the law misses them by: √(χ²/degrees of
    /// freedom). About 1 or less: it holds.
    pub misfit: f64,
    /// Further numbers of lanes.
    pub projection: Vec<Projection>,
    /// Always modelled.
    pub from: Provenance,
    #[serde(skip)]
    kind: usize,
    #[serde(skip)]
    values: Vec<f64>,
    #[serde(skip)]
    draws: Vec<Draw>,
    /// Seconds of the base of speedups.
    #[serde(skip)]
    base: Option<f64>,
}

/// A law fitted to resampled medians.
#[derive(Clone, Debug)]
struct Draw {
    values: Vec<f64>,
    base: Option<f64>,
}

/// A parameter, or what follows from some.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its value; `n` is the number of cells. Null where it has none.
    pub estimate: Option<Estimate>,
}

/// What a law says of a number of lanes. Modelled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Projection {
    /// Lanes.
    pub lanes: u32,
    /// Time in seconds.
    pub seconds: Estimate,
    /// Over the base of the group; of weak scaling, the scaled speedup over one lane of the law.
    /// Null without a base.
    pub speedup: Option<Estimate>,
}

impl Fit {
    /// The time on this many lanes, in seconds. Modelled.
    pub fn seconds(&self, lanes: f64) -> Estimate {
        let of = |values: &[f64]| (LAWS[self.kind].seconds)(values, lanes);
        self.estimate(of(&self.values), self.draws.iter().map(|draw| of(&draw.values)).collect())
    }

    /// The speedup on this many lanes over the base, with its own uncertainty. Modelled. `None`
    /// without a base.
    pub fn speedup(&self, lanes: f64) -> Option<Estimate> {
        let kind = &LAWS[self.kind];
        let of = |values: &[f64], base: Option<f64>| match kind.scaling {
            Scaling::Strong => base.map(|base| base / (kind.seconds)(values, lanes)),
            Scaling::Weak => {
                Some(lanes * (kind.seconds)(values, 1.0) / (kind.seconds)(values, lanes))
            }
        };
        let draws = self.draws.iter().filter_map(|draw| of(&draw.values, draw.base)).collect();
        of(&self.values, self.base).map(|value| self.estimate(value, draws))
    }

    /// The base's time over that of one lane under the law. `None` without a base.
    pub fn base_over_one_lane(&self) -> Option<f64> {
        Some(self.base? / self.seconds(1.0).value)
    }

    /// The parameter of that name, or what follows from them under it.
    pub fn parameter(&self, name: &str) -> Option<Estimate> {
        self.parameters.iter().find(|parameter| parameter.name == name)?.estimate
    }

    /// A value with the interval between the quantiles of its draws; without where nothing was
    /// drawn.
    fn estimate(&self, value: f64, mut draws: Vec<f64>) -> Estimate {
        draws.retain(|draw| !draw.is_nan());
        draws.sort_unstable_by(f64::total_cmp);
        let left_out = ((draws.len() + 1) as f64 * (1.0 - LEVEL) / 2.0) as usize;
        // A value at its bound, such as a share of 0, can lie outside of its draws.
        let interval = (left_out > 0).then(|| Interval {
            low: draws[left_out - 1].min(value),
            high: draws[draws.len() - left_out].max(value),
            level: LEVEL,
        });
        Estimate { value, interval, n: self.n() }
    }

    fn n(&self) -> usize {
        // Every parameter stands on the same cells.
        self.parameters.iter().find_map(|parameter| Some(parameter.estimate?.n)).unwrap_or(0)
    }

    /// Can an interval be told?
    pub fn has_intervals(&self) -> bool {
        !self.draws.is_empty()
    }
}

impl Laws {
    /// The law that predicts best.
    pub fn best(&self) -> Option<(&Law, &Fit)> {
        let law = self.laws.iter().find(|law| Some(law.name) == self.chosen)?;
        Some((law, law.fit.as_ref()?))
    }

    /// The fit of that law.
    pub fn fit(&self, name: &str) -> Option<&Fit> {
        self.laws.iter().find(|law| law.name == name)?.fit.as_ref()
    }
}

/// The laws of every backend of a group that could have several lanes; `hosts` say how many CPUs
/// there are. An accelerator that is used in several ways is as many backends.
pub fn of(group: &Group, hosts: &[HostFacts]) -> Vec<Laws> {
    let cells: Vec<&CellSummary> = group.cells.iter().collect();
    let base =
        group.base.as_ref().and_then(|base| group.cells.iter().find(|cell| cell.id == base.cell));
    let of_backend =
        |name: String| laws(&name, Scaling::Strong, &eligible(&cells, &name), base, hosts, None);
    backends(&cells).into_iter().map(of_backend).collect()
}

/// What cells with several lanes have in common ([`labels::series`]), in their order.
fn backends(cells: &[&CellSummary]) -> Vec<String> {
    let mut backends = Vec::new();
    for cell in cells.iter().filter(|cell| cell.cell.lanes() > 1) {
        let name = labels::series(&cell.cell);
        if !backends.contains(&name) {
            backends.push(name);
        }
    }
    backends
}

/// Cells of a backend that a law may be fitted to: with a time, no more lanes than cores (hardware
/// threads of a core share what computes: another law would hold for them), on one machine and the
/// same data. Where none has one lane, the serial program stands for it: it is the
/// same program on one lane.
fn eligible<'a>(cells: &[&'a CellSummary], backend: &str) -> Vec<&'a CellSummary> {
    let counts =
        |cell: &&&CellSummary| cell.time.is_some() && !cell.oversubscribed && !cell.shares_cores;
    let mut found: Vec<&CellSummary> = cells
        .iter()
        .filter(counts)
        .filter(|c| labels::series(&c.cell) == backend)
        .copied()
        .collect();
    let ours = found
        .first()
        .is_some_and(|c| c.cell.backend.peer().is_none() && c.cell.backend.platform().is_none());
    if ours && !found.iter().any(|cell| cell.cell.lanes() == 1) {
        found.extend(cells.iter().filter(counts).filter(|c| c.cell.backend == Backend::SERIAL));
    }
    // The machine of most of them; the first of equals.
    let on = |host: &str| found.iter().filter(|cell| cell.key.host == host).count();
    let most = found.iter().map(|cell| on(&cell.key.host)).max().unwrap_or(0);
    let host = found
        .iter()
        .map(|cell| cell.key.host.clone())
        .find(|host| on(host) == most)
        .unwrap_or_default();
    found.retain(|cell| cell.key.host == host);
    found
}

/// Fits every law of this kind of scaling to the cells.
fn laws(
    backend: &str,
    scaling: Scaling,
    cells: &[&CellSummary],
    base: Option<&CellSummary>,
    hosts: &[HostFacts],
    rows_per_lane: Option<u64>,
) -> Laws {
    let series = Series::new(cells);
    let base = base.filter(|base| cells.first().is_some_and(|cell| cell.key.host == base.key.host));
    let bases = series.base(base);
    let kinds = LAWS.iter().enumerate().filter(|(_, kind)| kind.scaling == scaling);
    let laws: Vec<Law> = kinds
        .map(|(at, kind)| {
            let found = fit(at, &series, &bases);
            Law {
                name: kind.name,
                formula: kind.formula,
                refused: found.as_ref().err().cloned(),
                fit: found.ok(),
            }
        })
        .collect();
    let chosen = choose(&laws);
    let host = cells.first().and_then(|cell| hosts.iter().find(|host| host.id == cell.key.host));
    let cpus = host.map(|host| host.allowed_cpus.len()).filter(|cpus| *cpus > 0);
    let mut found = Laws {
        backend: backend.to_string(),
        scaling,
        rows_per_lane,
        cells: series.points.iter().map(|point| point.cell.clone()).collect(),
        lanes: series.points.iter().map(|point| point.lanes).collect(),
        laws,
        chosen,
        next: None,
    };
    found.next = next::next(&found, &series, cpus);
    found
}

/// The simplest law that predicts nearly as well as the best: a law with more parameters has to be
/// better by a tenth.
fn choose(laws: &[Law]) -> Option<&'static str> {
    let mut best: Option<(&'static str, f64)> = None;
    for (law, fit) in laws.iter().filter_map(|law| Some((law, law.fit.as_ref()?))) {
        let error = fit.prediction_error.unwrap_or(f64::INFINITY);
        if best.is_none_or(|(_, least)| error < 0.9 * least) {
            best = Some((law.name, error));
        }
    }
    best.map(|(name, _)| name)
}

/// Fits a law, or says why not.
fn fit(at: usize, series: &Series, bases: &series::Base) -> Result<Fit, String> {
    let kind = &LAWS[at];
    let points = series.points.len();
    if points < kind.least {
        let measured = if points == 1 {
            "1 number of lanes".into()
        } else {
            format!("{points} numbers of lanes")
        };
        return Err(format!("it needs {} numbers of lanes, {measured} can be used", kind.least));
    }
    let design = series.design();
    let refuse = || "the times do not determine it".to_string();
    let fitter = (kind.prepare)(&design).ok_or_else(refuse)?;
    let values = fitter(&design.seconds).ok_or_else(refuse)?;
    let at_points = |values: &[f64]| {
        design.lanes.iter().map(|&p| (kind.seconds)(values, p)).collect::<Vec<f64>>()
    };
    let predicted = at_points(&values);
    let errors = || design.seconds.iter().zip(&predicted).map(|(t, f)| t - f);
    let squares: f64 =
        errors().zip(&design.uncertainty).map(|(error, u)| (error / u).powi(2)).sum();
    let misfit = (squares / (points - kind.free) as f64).sqrt();
    let spread = misfit.max(1.0);
    let mut draws = Vec::with_capacity(series.draws.len());
    for (draw, base) in series.draws.iter().zip(&bases.draws) {
        let seconds: Vec<f64> = design
            .seconds
            .iter()
            .zip(draw)
            .map(|(t, by)| (t + spread * by).max(t / 100.0))
            .collect();
        let Some(values) = fitter(&seconds) else { continue };
        draws.push(Draw { values, base: *base });
    }
    let mut found = Fit {
        parameters: Vec::new(),
        worst: errors()
            .zip(&design.seconds)
            .map(|(error, t)| (error / t).abs())
            .fold(0.0, f64::max),
        prediction_error: prediction_error(kind, series),
        misfit,
        projection: Vec::new(),
        from: Provenance::Modelled,
        kind: at,
        values,
        draws,
        base: bases.seconds,
    };
    found.parameters = parameters(kind, &found, points);
    let most = series.points.last().map_or(1, |point| point.lanes);
    found.projection = [2, 4, 8]
        .into_iter()
        .filter_map(|times| most.checked_mul(times))
        .map(|lanes| Projection {
            lanes,
            seconds: found.seconds(f64::from(lanes)),
            speedup: found.speedup(f64::from(lanes)),
        })
        .collect();
    Ok(found)
}

/// Parameters with their intervals, then what follows from them. Exponents of a chosen form are as
/// they are.
fn parameters(kind: &Kind, fit: &Fit, points: usize) -> Vec<Parameter> {
    let with_n = |estimate: Estimate| Estimate { n: points, ..estimate };
    let own = kind.parameters.iter().enumerate().map(|(i, name)| {
        let draws = fit.draws.iter().map(|draw| draw.values[i]).collect();
        Parameter { name, estimate: Some(with_n(fit.estimate(fit.values[i], draws))) }
    });
    let derived = kind.derived.iter().map(|derived| {
        // Where a draw has no such value it lies beyond all others.
        let draws = fit
            .draws
            .iter()
            .map(|draw| (derived.of)(&draw.values).unwrap_or(f64::INFINITY))
            .collect();
        let estimate = (derived.of)(&fit.values).map(|value| with_n(fit.estimate(value, draws)));
        Parameter { name: derived.name, estimate }
    });
    own.chain(derived).collect()
}

/// Each time predicted from the others: root mean square of the relative errors.
fn prediction_error(kind: &Kind, series: &Series) -> Option<f64> {
    let of = |(left_out, point): (usize, &series::Point)| {
        let design = series.without(left_out);
        let values = (kind.prepare)(&design)?(&design.seconds)?;
        Some(((kind.seconds)(&values, f64::from(point.lanes)) / point.seconds - 1.0).powi(2))
    };
    let sum = series.points.iter().enumerate().map(of).sum::<Option<f64>>()?;
    Some((sum / series.points.len() as f64).sqrt())
}

//! What a metric is computed from: counts of one cell, summed over lanes and phases.

use std::sync::Arc;

use crate::metric::model::Model;
use crate::pop::lane_time::{same_source, weaker};
use crate::summary::times::computing;
use amdahl_record::limits::Limits;
use amdahl_record::units::significant;
use amdahl_record::{Phase, Provenance, Reading, Scope as Of};
use amdahl_stats::median;

/// The recorder's own readings: seconds of the phases, of reading the probes, and how often each
/// phase began.
const OF_THE_RECORDER: [&str; 3] = [WALL, PROBING, "entries"];
const WALL: &str = "wall";
const PROBING: &str = "probing";

/// Reading the probes may take this share of the time of what is counted: more is a defect of the
/// count.
const DISTURBED: f64 = 0.1;

/// The phases that a value is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// All phases that compute, with what an accelerator does of them.
    Computing,
    /// One phase.
    Phase(Phase),
}

impl Span {
    /// The spans of a cell with these phases: computing first, then each phase of the timed part.
    pub fn of(phases: &[Phase]) -> Vec<Span> {
        let timed = phases.iter().filter(|phase| phase.is_timed());
        std::iter::once(Span::Computing).chain(timed.map(|phase| Span::Phase(*phase))).collect()
    }

    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Span::Computing => "computing",
            Span::Phase(phase) => phase.word(),
        }
    }

    fn phases(self) -> Vec<Phase> {
        match self {
            Span::Computing => computing(),
            Span::Phase(phase) => vec![phase],
        }
    }
}

/// The size of the problem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Rows.
    pub rows: f64,
    /// Iterations.
    pub iterations: f64,
    /// Lanes.
    pub lanes: u32,
    /// Elementary operations of all iterations on all lanes, and whether they were counted or follow
    /// from a formula.
    pub operations: Option<(f64, Provenance)>,
    /// Line of the caches, bytes.
    pub line: Option<f64>,
}

/// What a metric is computed from.
pub struct Scope<'a> {
    /// Readings of each repeat, or of the one simulated run.
    pub runs: Vec<&'a [Reading]>,
    /// The problem.
    pub size: Size,
    /// Limits of the machine's processors; `None` where they are not known, and for simulated
    /// counts.
    pub limits: Option<&'a Limits>,
    /// What the workload says of it.
    pub model: Arc<Model>,
    /// The accelerator that computed; `None` on processors.
    pub device: Option<Accelerator>,
    /// Which phases.
    pub span: Span,
    /// Which lane; all where `None`.
    pub lane: Option<usize>,
}

/// An accelerator that computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accelerator {
    /// flop/s of all lanes as its maker publishes them; `None` where the list has none.
    pub flops: Option<f64>,
}

/// A sum over lanes and phases: the median over repeats.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The value, in the reading's unit.
    pub value: f64,
    /// Where it comes from.
    pub from: Provenance,
    /// What was counted together with it.
    pub group: Option<String>,
}

impl Scope<'_> {
    /// The limits of the processors that computed.
    ///
    /// # Errors
    /// Where an accelerator computed, or where they are not known.
    pub fn limits(&self) -> Result<&Limits, String> {
        match (self.device, self.limits) {
            (Some(_), _) => {
                Err("the machine's limits are those of its processors, and an accelerator computed"
                    .into())
            }
            (None, limits) => {
                limits.ok_or_else(|| "the folder has no limits of the machine".into())
            }
        }
    }

    /// flop/s that all lanes together cannot exceed: measured of processors, published of
    /// accelerators.
    ///
    /// # Errors
    /// Where that is not known.
    pub fn peak(&self) -> Result<f64, String> {
        match self.device {
            Some(device) => device
                .flops
                .ok_or_else(|| "the list of accelerators has no figures of this one".into()),
            None => {
                let peak = self.limits()?.flops(self.size.lanes);
                peak.ok_or_else(|| {
                    "the machine's arithmetic was not measured for so many lanes".into()
                })
            }
        }
    }

    /// The sum of a reading over the lanes and phases of this scope.
    ///
    /// # Errors
    /// Why there is none.
    pub fn total(&self, metric: &str) -> Result<Input, String> {
        let mut values = Vec::with_capacity(self.runs.len());
        let mut source: Option<(Provenance, Option<String>)> = None;
        for readings in &self.runs {
            let (value, reading, from) = self.sum(readings, metric)?;
            values.push(value);
            source = match source {
                None => Some((from, reading.counted_by().map(String::from))),
                Some((so_far, group)) if same_kind(so_far, from) => {
                    Some((weaker(so_far, from), group))
                }
                Some(_) => {
                    return Err(format!(
                        "{metric}: counted in different ways in different repeats"
                    ));
                }
            };
        }
        let ((from, group), value) = source.zip(median(&values)).ok_or("no good repeat")?;
        if !OF_THE_RECORDER.contains(&metric) {
            self.undisturbed(metric)?;
        }
        Ok(Input { value, from, group })
    }

    /// Refuses counts of phases that took little more time than the reading of the probes, of which
    /// they hold a part.
    fn undisturbed(&self, metric: &str) -> Result<(), String> {
        // Simulated runs and older records have no such times.
        let share = |readings: &&[Reading]| {
            let (probing, wall) =
                (self.sum(readings, PROBING).ok()?.0, self.sum(readings, WALL).ok()?.0);
            (wall > 0.0).then(|| probing / wall)
        };
        let shares: Vec<f64> = self.runs.iter().filter_map(share).collect();
        match median(&shares) {
            Some(share) if share > DISTURBED => Err(format!(
                "{metric}: a part of reading the probes is counted too, and that took {} % of the time of {}: choose fewer with AMDAHL_PROBES",
                significant(100.0 * share),
                self.span.word()
            )),
            _ => Ok(()),
        }
    }

    fn sum<'r>(
        &self,
        readings: &'r [Reading],
        metric: &str,
    ) -> Result<(f64, &'r Reading, Provenance), String> {
        let reading = readings
            .iter()
            .find(|r| r.metric == metric)
            .ok_or_else(|| format!("'{metric}' was not recorded"))?;
        let (Some(lanes), Some(from)) = (&reading.values, reading.from) else {
            return Err(format!("{metric}: {}", reading.reason().unwrap_or("no reason given")));
        };
        let of_node = lanes.iter().any(Vec::is_empty) || reading.scope == Of::Node;
        if of_node && self.lane.is_some() {
            return Err(format!("{metric}: counted for a whole node, not for a lane"));
        }
        if let Some(lane) = self.lane.filter(|lane| *lane >= lanes.len()) {
            return Err(format!("{metric}: lane {lane} was not recorded"));
        }
        let mut sum = 0.0;
        let phases = self.span.phases();
        for (lane, _) in lanes
            .iter()
            .enumerate()
            .filter(|(i, phases)| !phases.is_empty() && self.lane.is_none_or(|lane| lane == *i))
        {
            for phase in &phases {
                let value = reading.value(lane, *phase).filter(|v| *v >= 0.0);
                sum += value
                    .ok_or_else(|| format!("{metric}: not counted in phase {}", phase.word()))?;
            }
        }
        Ok((sum, reading, from))
    }

    /// Totals of several readings that were counted together: from the same source, and in the same
    /// group where groups are known.
    ///
    /// # Errors
    /// Why one is missing, or that they were not counted together.
    pub fn together<const N: usize>(
        &self,
        metrics: [&str; N],
    ) -> Result<([f64; N], Provenance), String> {
        let mut values = [0.0; N];
        let mut first: Option<Input> = None;
        for (value, metric) in values.iter_mut().zip(metrics) {
            let group = first.as_ref().and_then(|first| first.group.as_deref());
            let input =
                self.total(group.and_then(|group| self.own(metric, group)).unwrap_or(metric))?;
            *value = input.value;
            first = Some(match first {
                None => input,
                Some(first)
                    if !same_source(first.from, input.from) || first.group != input.group =>
                {
                    return Err(format!("{} were not counted together", metrics.join(" and ")));
                }
                Some(first) => Input { from: weaker(first.from, input.from), ..first },
            });
        }
        Ok((values, first.map_or(Provenance::Measured, |input| input.from)))
    }

    /// The name of a group's own count of `metric`: groups of caches have instructions of their
    /// own, `instructions.L1D` and the like.
    fn own(&self, metric: &str, group: &str) -> Option<&str> {
        let of_group = |r: &&Reading| r.counted_by() == Some(group);
        let own = |name: &str| {
            name == metric || name.strip_prefix(metric).is_some_and(|rest| rest.starts_with('.'))
        };
        let readings = self.runs.first()?.iter().filter(of_group);
        readings.map(|reading| reading.metric.as_str()).find(|name| own(name))
    }

    /// Seconds of the wall clock on the lanes of this scope, added up. Simulated runs have none.
    ///
    /// # Errors
    /// Why there are none.
    pub fn lane_seconds(&self) -> Result<f64, String> {
        match self.total(WALL)? {
            Input { value, from: Provenance::Measured, .. } if value > 0.0 => Ok(value),
            Input { from: Provenance::Measured, .. } => {
                Err(format!("no time was spent in {}", self.span.word()))
            }
            _ => Err("the wall time is not measured".into()),
        }
    }

    /// Seconds of the wall clock, the mean over the lanes.
    ///
    /// # Errors
    /// Why there are none.
    pub fn seconds(&self) -> Result<f64, String> {
        let lanes = if self.lane.is_some() { 1.0 } else { f64::from(self.size.lanes) };
        Ok(self.lane_seconds()? / lanes)
    }

    /// Refuses a single lane, for what is known of all together only.
    ///
    /// # Errors
    /// For one lane.
    pub fn all_lanes(&self) -> Result<(), String> {
        self.lane.map_or(Ok(()), |_| Err("known for all lanes together only".into()))
    }
}

fn same_kind(a: Provenance, b: Provenance) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

/// `top` / `bottom` × `factor`, or that nothing was counted to divide by.
///
/// # Errors
/// When `bottom` is 0.
pub fn quotient(top: f64, bottom: f64, factor: f64, what: &str) -> Result<f64, String> {
    if bottom > 0.0 {
        Ok(factor * top / bottom)
    } else {
        Err(format!("no {what} were counted here"))
    }
}

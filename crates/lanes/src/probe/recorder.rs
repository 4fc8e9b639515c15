//! The recorder: from snapshots at phase boundaries to readings per phase.
//!
//! One recorder per lane, made and used on that lane's thread. A boundary takes one snapshot of all
//! probes, the clock first, and adds the differences since the last boundary to the phase that
//! ends. Where there are other probes, the clock is read again after them: the time that they took
//! belongs to no phase's wall time. It is a metric of its own, [`PROBING`], under the phase that
//! begins, so that the wall times and it add up to the whole. What the other probes count includes
//! a part of it.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::{
    Availability, Metric, PROBES, Probe, ProbeSource, Raw, Seat, callgrind::Marker, clock,
};
use amdahl_record::error::{Error, Result};
use amdahl_record::layout::Layout;
use amdahl_record::units::Unit;
use amdahl_record::{Phase, PhaseNames, Provenance, Reading, Scope};

/// Name of the metric that the recorder itself adds: how often each phase was entered.
pub const ENTRIES: &str = "entries";

/// Name of the metric for the seconds spent in reading probes at the beginning of each phase.
pub const PROBING: &str = "probing";

/// Adds up what the probes of one lane count, phase by phase.
pub struct Recorder {
    // Probes never see the recorder, so a borrow cannot meet another.
    inner: RefCell<Inner>,
}

struct Inner {
    sources: Vec<Box<dyn Probe>>,
    /// Number of available metrics of each source.
    widths: Vec<usize>,
    metrics: Vec<Known>,
    /// Of the available metrics, in the order of snapshots.
    last: Vec<Raw>,
    now: Vec<Raw>,
    /// By metric and phase.
    totals: Vec<Vec<Raw>>,
    /// Seconds of reading probes, by the phase that began.
    probing: Vec<f64>,
    entries: Vec<f64>,
    current: Option<Phase>,
    /// Tells the simulator that executes this program where phases begin and end.
    marker: Option<Marker>,
}

/// A metric of some source.
struct Known {
    metric: Metric,
    place: Place,
    /// Name of the source's group.
    group: String,
    from: Provenance,
}

/// Where the values of a metric are.
enum Place {
    /// At this index among the available ones.
    Here(usize),
    /// With another lane of the node.
    Elsewhere,
    /// Nowhere, for this reason; and what to do about it.
    Nowhere(String, String),
}

impl Recorder {
    /// Opens `probes` on the calling thread. The clock is added in front if it is not the first of
    /// them. No phase runs yet.
    pub fn new(probes: &[ProbeSource], seat: Seat) -> Recorder {
        let clock = PROBES[0];
        let has_clock = probes.first().is_some_and(|first| first.name == clock.name);
        let opened = (!has_clock).then_some(&clock).into_iter().chain(probes);
        Recorder::with(opened.map(|source| (source.name, (source.open)(seat))).collect())
    }

    /// A recorder over opened probes with their names, the first of which is the clock.
    fn with(sources: Vec<(&'static str, Box<dyn Probe>)>) -> Recorder {
        let mut metrics = Vec::new();
        let mut widths = Vec::new();
        let mut width = 0;
        for (name, source) in &sources {
            let before = width;
            for (metric, availability) in source.available() {
                let place = match availability {
                    Availability::Yes => {
                        width += 1;
                        Place::Here(width - 1)
                    }
                    Availability::Elsewhere => Place::Elsewhere,
                    Availability::No { why, help } => Place::Nowhere(why, help),
                };
                let group = if metric.group == 0 {
                    name.to_string()
                } else {
                    format!("{name}-{}", metric.group)
                };
                metrics.push(Known { metric, place, group, from: source.provenance() });
            }
            widths.push(width - before);
        }
        let sources = sources.into_iter().map(|(_, source)| source).collect();
        let nothing = Raw::counted(0.0);
        let phases = Phase::count();
        Recorder {
            inner: RefCell::new(Inner {
                sources,
                widths,
                metrics,
                last: vec![nothing; width],
                now: vec![nothing; width],
                totals: vec![vec![nothing; phases]; width],
                probing: vec![0.0; phases],
                entries: vec![0.0; phases],
                current: None,
                marker: None,
            }),
        }
    }

    /// The same, which tells a simulator of the phases.
    pub fn marked(self, marker: Option<Marker>) -> Recorder {
        self.inner.borrow_mut().marker = marker;
        self
    }

    /// Ends the current phase and begins `phase`. Returns the phase that ended, for
    /// [`Recorder::resume`]. Entering the phase that already runs changes nothing and costs
    /// nothing.
    pub fn enter(&self, phase: Phase) -> Option<Phase> {
        self.inner.borrow_mut().switch(Some(phase))
    }

    /// Ends the current phase; the time until the next `enter` belongs to none. Returns the phase
    /// that ended.
    pub fn pause(&self) -> Option<Phase> {
        self.inner.borrow_mut().switch(None)
    }

    /// Goes back to what ran before: the value that `enter` or `pause` returned.
    pub fn resume(&self, previous: Option<Phase>) {
        self.inner.borrow_mut().switch(previous);
    }

    /// Fails where these metrics cannot be had here, with the reason of the first and what to do
    /// about it.
    pub fn require(&self, metrics: &[&str]) -> Result<()> {
        let inner = self.inner.borrow();
        for wanted in metrics {
            match inner
                .metrics
                .iter()
                .find(|known| known.metric.name == *wanted)
                .map(|known| &known.place)
            {
                Some(Place::Here(_) | Place::Elsewhere) => {}
                Some(Place::Nowhere(why, help)) => {
                    return Err(Error::unavailable(format!(
                        "no hardware counters: '{wanted}': {why}"
                    ))
                    .hint(help));
                }
                None => {
                    let error = Error::unavailable(format!(
                        "no hardware counters: no chosen probe has '{wanted}'"
                    ));
                    return Err(error.hint("add 'perf' to AMDAHL_PROBES, or unset it"));
                }
            }
        }
        Ok(())
    }

    /// The phase that runs.
    pub fn current(&self) -> Option<Phase> {
        self.inner.borrow().current
    }

    /// Ends the warm-up: what the phases of the timed part hold so far is counted as
    /// [`Phase::INIT`], and they begin again from nothing. The phase that runs goes on.
    pub fn reset(&self) {
        let mut inner = self.inner.borrow_mut();
        let current = inner.current;
        inner.switch(None);
        let timed = Phase::timed();
        inner.widen(Phase::count());
        for totals in &mut inner.totals {
            for phase in &timed {
                let warm_up = std::mem::replace(&mut totals[phase.index()], Raw::counted(0.0));
                add(&mut totals[Phase::INIT.index()], warm_up);
            }
        }
        for phase in &timed {
            inner.entries[phase.index()] = 0.0;
            inner.probing[Phase::INIT.index()] += std::mem::take(&mut inner.probing[phase.index()]);
        }
        inner.switch(current);
    }

    /// Wall seconds of `phase` so far on this lane, without the running phase's part since its last
    /// boundary.
    pub fn wall(&self, phase: Phase) -> f64 {
        let inner = self.inner.borrow();
        let of_clock = inner.totals.first().and_then(|totals| totals.get(phase.index()));
        of_clock.map_or(0.0, |total| total.value)
    }

    /// Ends the current phase and says what was counted. The recorder can go on afterwards.
    pub fn finish(&self) -> LaneReadings {
        let mut inner = self.inner.borrow_mut();
        inner.switch(None);
        let mut metrics: Vec<LaneReading> =
            inner.metrics.iter().map(|known| inner.reading(known)).collect();
        let own = |metric: &str, unit, values| LaneReading {
            metric: metric.into(),
            unit,
            from: Some(Provenance::Measured),
            values: Some(values),
            why: None,
            group: None,
            scope: Scope::Lane,
        };
        metrics.push(own(
            PROBING,
            Unit::Seconds,
            inner.probing.iter().map(|&s| Some(nanoseconds(s))).collect(),
        ));
        metrics.push(own(ENTRIES, Unit::Count, inner.entries.iter().map(|&n| Some(n)).collect()));
        LaneReadings { phases: PhaseNames::known(), metrics }
    }
}

impl Inner {
    fn switch(&mut self, next: Option<Phase>) -> Option<Phase> {
        let ended = self.current;
        if ended == next {
            return ended;
        }
        if let Some(marker) = &mut self.marker {
            marker.ends(ended);
        }
        if let Some(phase) = next
            && phase.index() >= self.entries.len()
        {
            self.widen(phase.index() + 1);
        }
        let mut at = 0;
        for (source, width) in self.sources.iter_mut().zip(&self.widths) {
            source.snapshot(&mut self.now[at..at + width]);
            at += width;
        }
        if let Some(phase) = ended {
            for ((totals, now), last) in self.totals.iter_mut().zip(&self.now).zip(&self.last) {
                add(&mut totals[phase.index()], difference(*now, *last));
            }
        }
        let first = self.now[0].value;
        if self.sources.len() > 1 {
            let clock = self.widths[0];
            self.sources[0].snapshot(&mut self.now[..clock]);
        }
        if let Some(phase) = next {
            self.entries[phase.index()] += 1.0;
            self.probing[phase.index()] += self.now[0].value - first;
        }
        std::mem::swap(&mut self.now, &mut self.last);
        self.current = next;
        if let Some(marker) = &mut self.marker {
            marker.begins(next);
        }
        ended
    }

    /// Makes room for phases that became known since the recorder was made.
    #[cold]
    fn widen(&mut self, phases: usize) {
        let phases = phases.max(self.entries.len());
        for totals in &mut self.totals {
            totals.resize(phases, Raw::counted(0.0));
        }
        self.probing.resize(phases, 0.0);
        self.entries.resize(phases, 0.0);
    }

    fn reading(&self, known: &Known) -> LaneReading {
        let (from, values, why) = match &known.place {
            Place::Here(index) => match scaled(&self.totals[*index], known.metric.unit) {
                Ok((values, coverage)) if coverage < 1.0 => {
                    (Some(Provenance::Multiplexed { coverage }), Some(values), None)
                }
                Ok((values, _)) => (Some(known.from), Some(values), None),
                Err(why) => (None, None, Some(why)),
            },
            Place::Elsewhere => (Some(known.from), Some(Vec::new()), None),
            Place::Nowhere(why, _) => (None, None, Some(why.clone())),
        };
        let (metric, unit, scope) =
            (known.metric.name.into(), known.metric.unit, known.metric.scope);
        let group = values.is_some().then(|| known.group.clone());
        LaneReading { metric, unit, from, values, why, group, scope }
    }
}

fn difference(now: Raw, last: Raw) -> Raw {
    Raw {
        value: now.value - last.value,
        enabled_s: now.enabled_s - last.enabled_s,
        running_s: now.running_s - last.running_s,
    }
}

fn add(total: &mut Raw, part: Raw) {
    total.value += part.value;
    total.enabled_s += part.enabled_s;
    total.running_s += part.running_s;
}

/// The values of the phases, each scaled by enabled/running time (perf_event_open(2)), and the
/// share of the time that was counted. A phase that was not counted at all has no value; where no
/// phase was counted, the reason.
fn scaled(totals: &[Raw], unit: Unit) -> std::result::Result<(Vec<Option<f64>>, f64), String> {
    let mut values = Vec::with_capacity(totals.len());
    let (mut enabled, mut running) = (0.0, 0.0);
    for total in totals {
        if total.value.is_nan() {
            return Err("lost: a read of the counter failed".into());
        }
        enabled += total.enabled_s;
        running += total.running_s;
        if total.enabled_s > 0.0 && total.running_s <= 0.0 {
            values.push(None);
            continue;
        }
        let multiplexed = total.running_s < total.enabled_s;
        let value =
            if multiplexed { total.value * total.enabled_s / total.running_s } else { total.value };
        values.push(Some(match unit {
            Unit::Seconds => nanoseconds(value),
            Unit::Count | Unit::Bytes => value.round(),
            Unit::Joules | Unit::Ratio => value,
        }));
    }
    if enabled > 0.0 && running <= 0.0 {
        return Err("not counted: other counters held the hardware".into());
    }
    // The two clocks of the kernel are read one after the other: ignore what is less than a
    // thousandth.
    let coverage = if enabled > 0.0 && running < 0.999 * enabled { running / enabled } else { 1.0 };
    Ok((values, coverage))
}

/// Rounds to whole nanoseconds: no clock here is finer, and a record is shorter for it.
fn nanoseconds(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e9
}

/// What one lane counted. Lanes of other ranks send theirs to rank 0 as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneReadings {
    /// The phases of the values, by name: ranks may know them in different orders.
    pub phases: PhaseNames,
    /// By metric, the wall time first.
    pub metrics: Vec<LaneReading>,
}

/// One metric on one lane, or the reason why it is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneReading {
    /// Name.
    pub metric: String,
    /// Unit.
    pub unit: Unit,
    /// Where the values come from; null when there are none.
    pub from: Option<Provenance>,
    /// By phase, in the order of [`LaneReadings::phases`]; null in a phase that was not counted.
    /// Empty where another lane of the node reads it.
    pub values: Option<Vec<Option<f64>>>,
    /// Why there are no values.
    pub why: Option<String>,
    /// What was counted together with it.
    pub group: Option<String>,
    /// Whose events.
    pub scope: Scope,
}

/// Puts the lanes' readings together, in lane order and the wall time first. A metric that some
/// lane lacks is missing as a whole, with that lane's reason; one that was scaled up on some lane
/// has the smallest coverage of all lanes.
pub fn merge(lanes: &[LaneReadings]) -> Vec<Reading> {
    let mut names: Vec<(&str, Unit)> = Vec::new();
    for reading in lanes.iter().flat_map(|lane| &lane.metrics) {
        if !names.iter().any(|(name, _)| *name == reading.metric) {
            names.push((&reading.metric, reading.unit));
        }
    }
    // A stable sort: the others keep their order.
    names.sort_by_key(|(name, _)| *name != clock::WALL);
    let layouts: Vec<Option<Layout>> = lanes.iter().map(|lane| lane.phases.layout().ok()).collect();
    names.into_iter().map(|(name, unit)| merge_metric(name, unit, lanes, &layouts)).collect()
}

fn merge_metric(
    name: &str,
    unit: Unit,
    lanes: &[LaneReadings],
    layouts: &[Option<Layout>],
) -> Reading {
    let mut values = Vec::with_capacity(lanes.len());
    let mut from: Option<Provenance> = None;
    let mut missing: Vec<(usize, String)> = Vec::new();
    let mut groups: Vec<&Option<String>> = Vec::new();
    let mut scope = Scope::Lane;
    for (index, lane) in lanes.iter().enumerate() {
        let reading = lane.metrics.iter().find(|reading| reading.metric == name);
        scope = reading.map_or(scope, |reading| reading.scope);
        match reading {
            None => missing.push((index, "not recorded".into())),
            Some(LaneReading { values: Some(phases), from: of_lane, group, .. }) => {
                let of_lane_values = phases.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
                values.push(match &layouts[index] {
                    Some(layout) => layout.place(of_lane_values),
                    None => of_lane_values,
                });
                if !phases.is_empty() {
                    from = lower(from, *of_lane);
                    groups.push(group);
                }
            }
            Some(reading) => missing
                .push((index, reading.why.clone().unwrap_or_else(|| "no reason given".into()))),
        }
    }
    // A lane on another machine may have had other groups.
    let group = groups
        .first()
        .filter(|first| groups.iter().all(|group| group == *first))
        .and_then(|g| (*g).clone());
    let Some((first, reason)) = missing.first() else {
        let values = Some(values);
        return Reading {
            metric: name.into(),
            unit,
            from,
            values,
            why: None,
            group: group.map(Into::into),
            scope,
        };
    };
    let everywhere =
        missing.len() == lanes.len() && missing.iter().all(|(_, other)| other == reason);
    // What is read once a node is missing for the node's reason; its other lanes have none of their
    // own.
    let why = if everywhere || scope == Scope::Node {
        reason.clone()
    } else {
        format!("lane {first}: {reason}")
    };
    Reading {
        metric: name.into(),
        unit,
        from: None,
        values: None,
        why: Some(why.into()),
        group: None,
        scope,
    }
}

/// The provenance that promises less.
fn lower(a: Option<Provenance>, b: Option<Provenance>) -> Option<Provenance> {
    fn rank(from: Provenance) -> (u8, f64) {
        match from {
            Provenance::Measured => (0, 0.0),
            Provenance::Multiplexed { coverage } => (1, -coverage),
            Provenance::Simulated => (2, 0.0),
            Provenance::Modelled => (3, 0.0),
        }
    }
    match (a, b) {
        (Some(a), Some(b)) => Some(if rank(b) > rank(a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;

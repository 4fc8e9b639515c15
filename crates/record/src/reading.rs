//! What a probe read, by lane and phase, and where that comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Phase;
use crate::shared::Shared;
use crate::units::Unit;

/// Where a reading stands on the ladder from hardware to model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// Read from a clock or a counter.
    Measured,
    /// Counted for a part of the time and scaled up.
    Multiplexed {
        /// Share of the time that was counted, over 0, at most 1.
        coverage: f64,
    },
    /// From a simulated machine.
    Simulated,
    /// From a formula.
    Modelled,
}

/// One metric per lane and phase, or the reason why it is missing. Missing is never 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// The metric's name.
    pub metric: Shared<String>,
    /// Its unit.
    pub unit: Unit,
    /// Where the values come from; null when there are none.
    pub from: Option<Provenance>,
    /// `values[lane][phase]` by [`Phase::index`]; null when unavailable. Not a number (null in
    /// records) in a phase that was not counted; an empty list for a lane whose node another lane
    /// reads. Phases beyond the end of a list that is not empty were never entered: 0.
    pub values: Option<Vec<Vec<f64>>>,
    /// Why there are no values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Shared<String>>,
    /// What counted it: readings with the same name here were counted together, at the same
    /// moments. Quotients are made of these alone. Null in records of older versions, and for what
    /// has no values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Shared<String>>,
    /// Whose events.
    #[serde(default, skip_serializing_if = "Scope::is_lane")]
    pub scope: Scope,
}

impl Reading {
    /// Why there are no values; none where there are, or where nobody said.
    pub fn reason(&self) -> Option<&str> {
        self.why.as_ref().map(|why| why.as_str())
    }

    /// What counted it.
    pub fn counted_by(&self) -> Option<&str> {
        self.group.as_ref().map(|group| group.as_str())
    }

    /// The value of a lane's phase; none where it was not counted.
    pub fn value(&self, lane: usize, phase: Phase) -> Option<f64> {
        self.at(lane, phase).filter(|value| value.is_finite())
    }

    /// The same, not a number where it was not counted; none on a lane without values.
    pub fn at(&self, lane: usize, phase: Phase) -> Option<f64> {
        let lane = self.values.as_ref()?.get(lane)?;
        (!lane.is_empty()).then(|| lane.get(phase.index()).copied().unwrap_or(0.0))
    }

    /// The reading of `metric` that was counted together with this one, among readings of the same
    /// run: a quotient of the two means something. Groups that have instructions of their own call
    /// them `instructions.` and a word; `beside(all, "instructions")` finds them.
    pub fn beside<'a>(&self, all: &'a [Reading], metric: &str) -> Option<&'a Reading> {
        let own = |name: &str| {
            name == metric || name.strip_prefix(metric).is_some_and(|rest| rest.starts_with('.'))
        };
        let together = |other: &&Reading| {
            self.group.is_some() && other.group == self.group && own(&other.metric)
        };
        all.iter().find(together).filter(|other| other.scope == self.scope && other.from.is_some())
    }

    /// Lanes that have values. Of what is counted once a node, one lane of each node.
    pub fn lanes(&self) -> impl Iterator<Item = usize> {
        let values = self.values.iter().flatten().enumerate();
        values.filter(|(_, phases)| !phases.is_empty()).map(|(lane, _)| lane)
    }
}

/// Whose events a reading counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Those of the lane's own thread.
    #[default]
    Lane,
    /// Those of the whole node, whoever caused them: one lane of each node reads them, at its own
    /// phase boundaries.
    Node,
}

impl Scope {
    /// As usual?
    pub fn is_lane(&self) -> bool {
        *self == Scope::Lane
    }
}

//! Seconds by lane and phase, and which phases results have.

use amdahl_record::{Measured, Phase, Provenance, Role};

use crate::summary::{CellSummary, Summary};

/// Wall seconds by lane and phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneTimes {
    /// Phases of each lane, by their index; those behind were never entered.
    phases: usize,
    seconds: Vec<f64>,
}

impl LaneTimes {
    /// Those of a repeat, where every lane has every phase and they come from `from`; else none.
    pub fn of(measured: &Measured, from: Option<Provenance>) -> LaneTimes {
        let reading = measured.reading("wall").filter(|reading| reading.from == from);
        let Some(lanes) = reading.and_then(|reading| reading.values.as_ref()) else {
            return LaneTimes::default();
        };
        let good = |lane: &Vec<f64>| {
            lane.len() >= Phase::SHARED && lane.iter().all(|s| s.is_finite() && *s >= 0.0)
        };
        if !lanes.iter().all(good) {
            return LaneTimes::default();
        }
        let phases = lanes.iter().map(Vec::len).max().unwrap_or(0);
        let mut seconds = Vec::with_capacity(phases * lanes.len());
        for lane in lanes {
            seconds.extend_from_slice(lane);
            seconds.resize(seconds.len() + phases - lane.len(), 0.0);
        }
        LaneTimes { phases, seconds }
    }

    /// Number of lanes.
    pub fn len(&self) -> usize {
        self.seconds.len().checked_div(self.phases).unwrap_or(0)
    }

    /// Were none recorded?
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// The lanes, each with its seconds by the index of the phase.
    pub fn iter(&self) -> impl Iterator<Item = &[f64]> {
        self.seconds.chunks_exact(self.phases.max(1))
    }

    /// The seconds of a lane, by the index of the phase; none where there is no such lane.
    pub fn lane(&self, lane: usize) -> &[f64] {
        let begin = lane * self.phases;
        self.seconds.get(begin..begin + self.phases).unwrap_or_default()
    }

    /// Seconds of a lane in phases whose role is wanted.
    pub fn sum(&self, lane: usize, wanted: impl Fn(Role) -> bool) -> f64 {
        sum(self.lane(lane), wanted)
    }
}

/// Seconds of a lane in phases whose role is wanted.
pub fn sum(lane: &[f64], wanted: impl Fn(Role) -> bool) -> f64 {
    let of_role = |(index, _): &(usize, &f64)| Phase::at(*index).is_some_and(|p| wanted(p.role()));
    lane.iter().enumerate().filter(of_role).map(|(_, seconds)| seconds).sum()
}

/// Seconds that a lane computed, its accelerator and the transfers for it included.
pub fn useful(lane: &[f64]) -> f64 {
    sum(lane, Role::computes)
}

/// The phases in which lanes compute.
pub fn computing() -> Vec<Phase> {
    Phase::all().into_iter().filter(|phase| phase.role().computes()).collect()
}

/// Timed phases as figures show them: first those that compute, last the losses.
pub fn in_order(mut phases: Vec<Phase>) -> Vec<Phase> {
    phases.retain(|phase| phase.is_timed());
    phases.sort_by_key(|phase| (place(phase.role()), phase.index()));
    phases.dedup();
    phases
}

fn place(role: Role) -> u8 {
    match role {
        Role::Setup => 0,
        Role::Compute => 1,
        Role::Offload => 2,
        Role::Transfer => 3,
        Role::Replicate => 4,
        Role::Communicate => 5,
        Role::Wait => 6,
        Role::Finish => 7,
    }
}

impl CellSummary {
    /// The phases that the cell has: those of its workload, those that all programs share, and
    /// others that a lane was in. In the order of values.
    pub fn own_phases(&self) -> Vec<Phase> {
        let mut phases = amdahl_workloads::phases(&self.cell.workload);
        phases.extend(self.phases.iter().map(|time| time.phase));
        phases.sort();
        phases.dedup();
        phases
    }
}

impl Summary {
    /// The timed phases that the cells have, as figures show them.
    pub fn timed_phases(&self) -> Vec<Phase> {
        let mut phases: Vec<Phase> = Vec::new();
        for cell in self.groups.iter().flat_map(|group| &group.cells) {
            for phase in cell.own_phases() {
                if !phases.contains(&phase) {
                    phases.push(phase);
                }
            }
        }
        in_order(phases)
    }

    /// Names of the phases in which lanes of the processor compute: `assign + update`.
    pub fn computing_in_words(&self, between: &str) -> String {
        let own = |phase: &Phase| matches!(phase.role(), Role::Compute | Role::Replicate);
        let phases = self.timed_phases().into_iter().filter(own);
        phases.map(Phase::word).collect::<Vec<_>>().join(between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_begin_with_what_computes() {
        let words: Vec<&str> = in_order(Phase::all())
            .into_iter()
            .filter(|phase| phase.is_shared())
            .map(Phase::word)
            .collect();
        assert_eq!(words, ["assign", "execute", "upload", "download", "update", "reduce", "wait"]);
    }

    #[test]
    fn what_computes_is_useful() {
        let mut lane = vec![1.0; Phase::SHARED];
        lane[Phase::ASSIGN.index()] = 5.0;
        assert_eq!(useful(&lane), 5.0 + 1.0 + 3.0, "assign, update, upload, execute, download");
        assert_eq!(sum(&lane, |role| role == Role::Wait), 1.0);
        let times = LaneTimes { phases: 2, seconds: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!((times.len(), times.lane(1), times.lane(2)), (2, &[3.0, 4.0][..], &[][..]));
        assert_eq!(LaneTimes::default().iter().count(), 0);
    }
}

//! A repeat as profilers see it: on each lane a tree of regions with calls, and time and counts
//! without and with what lies below.

use crate::exchange::{Export, Repeats, cells, file_name, wanted};
use crate::labels;
use crate::summary::{CellSummary, Group, Repeat, Summary};
use amdahl_record::units::Unit;
use amdahl_record::{Phase, Provenance, Scope};

/// The region of the timed part: its time is the repeat's.
pub const ITERATIONS: &str = "iterations";

/// A region's place in the tree: its name, its parent's index, the phase that it is (none where it
/// is made of others).
pub type Place = (&'static str, Option<usize>, Option<Phase>);

/// Number of regions.
pub const REGIONS: usize = 13;

/// The tree, parents before children. The root stands for the worker, without its start and end.
pub static TREE: [Place; REGIONS] = [
    ("amdahl-worker", None, None),
    ("load", Some(0), Some(Phase::Load)),
    ("init", Some(0), Some(Phase::Init)),
    (ITERATIONS, Some(0), None),
    ("assign", Some(3), Some(Phase::Assign)),
    ("wait", Some(3), Some(Phase::Wait)),
    ("reduce", Some(3), Some(Phase::Reduce)),
    ("update", Some(3), Some(Phase::Update)),
    ("finish", Some(0), Some(Phase::Finish)),
    ("compile", Some(0), Some(Phase::Compile)),
    ("upload", Some(3), Some(Phase::Upload)),
    ("execute", Some(3), Some(Phase::Execute)),
    ("download", Some(3), Some(Phase::Download)),
];

/// The first so many of them are those of all cells, the others those of accelerators.
const OF_ALL_CELLS: usize = 9;

/// Index of [`ITERATIONS`].
const TIMED: usize = 3;

/// Values of the regions of [`TREE`], in its order, in whole units so that they add up: (without,
/// with) what lies below.
pub type Values = [(u64, u64); REGIONS];

/// One lane of a profile.
pub struct Lane {
    /// Its rank.
    pub rank: u32,
    /// Its thread.
    pub thread: u32,
    /// How often each region was entered.
    pub calls: [u64; REGIONS],
    /// Nanoseconds.
    pub time: Values,
    /// Counts, in the order of [`Profile::metrics`].
    pub counts: Vec<Values>,
}

/// One repeat of a cell.
pub struct Profile<'a> {
    /// The cell's group.
    pub group: &'a Group,
    /// The cell.
    pub cell: &'a CellSummary,
    /// The repeat.
    pub repeat: &'a Repeat,
    /// Names and sources of the counts that all lanes have in all phases.
    pub metrics: Vec<(String, Provenance)>,
    /// The regions: those of accelerators only where a lane was in one of them.
    pub tree: &'static [Place],
    /// The lanes.
    pub lanes: Vec<Lane>,
}

impl Profile<'_> {
    /// `threads-2-1ab475e79d9a650e/repeat-3`.
    pub fn folder(&self) -> String {
        format!("{}/repeat-{}", file_name(self.cell), self.repeat.repeat)
    }

    /// What it is of, as names and values.
    pub fn facts(&self, summary: &Summary) -> Vec<(&'static str, String)> {
        let cell = &self.cell.cell;
        let mut facts = vec![
            (
                "experiment",
                summary.run.as_ref().map_or(String::new(), |run| run.experiment.clone()),
            ),
            ("cell", self.cell.id.0.clone()),
            ("problem", crate::show::heading(self.group)),
            ("backend", cell.backend.name().to_string()),
            ("ranks", cell.ranks.to_string()),
            ("threads", cell.threads.to_string()),
            (
                "reduction",
                if cell.reduction.is_direct() { String::new() } else { cell.reduction.to_string() },
            ),
            ("repeat", self.repeat.repeat.to_string()),
            ("seconds", format!("{:?}", self.repeat.seconds)),
            ("kernel", self.repeat.measured.kernel.to_string()),
            ("platform", self.repeat.measured.platform.to_string()),
        ];
        facts.retain(|(_, value)| !value.is_empty());
        facts.into_iter().map(|(name, value)| (name, labels::one_line(&value, 200))).collect()
    }
}

/// The profiles of a summary's wanted repeats; what has none is noted.
pub fn of<'a>(summary: &'a Summary, repeats: Repeats, export: &mut Export) -> Vec<Profile<'a>> {
    let mut profiles = Vec::new();
    for (group, cell) in cells(summary) {
        let name = format!("{} ({})", labels::cell(&cell.cell), cell.id);
        let of_cell = wanted(cell, repeats);
        if of_cell.is_empty() {
            export.notes.push(format!("{name}: no such good repeat"));
        }
        for repeat in of_cell {
            match profile(group, cell, repeat) {
                Some(profile) => profiles.push(profile),
                None => {
                    export
                        .notes
                        .push(format!("{name}: repeat {} has no times by phase", repeat.repeat));
                }
            }
        }
    }
    profiles
}

fn profile<'a>(group: &'a Group, cell: &'a CellSummary, repeat: &'a Repeat) -> Option<Profile<'a>> {
    if repeat.lanes.is_empty() {
        return None;
    }
    let lanes = repeat.lanes.len();
    let values = |metric: &str, lane: usize| -> Option<[f64; Phase::ALL.len()]> {
        let reading = repeat.measured.reading(metric)?;
        let mut values = [0.0; Phase::ALL.len()];
        for phase in Phase::ALL {
            values[phase.index()] = reading.value(lane, phase).filter(|value| *value >= 0.0)?;
        }
        Some(values)
    };
    // Counts of events of the lanes themselves. Seconds other than those of the wall clock would
    // pass for time.
    let countable = repeat.measured.readings.iter().filter(|r| {
        r.unit == Unit::Count
            && r.scope == Scope::Lane
            && r.metric != "entries"
            && (0..lanes).all(|lane| values(&r.metric, lane).is_some())
    });
    let metrics: Vec<(String, Provenance)> =
        countable.filter_map(|r| Some((r.metric.to_string(), r.from?))).collect();
    let lane = |i: usize| {
        let facts = repeat.measured.lanes.get(i);
        let entries = values("entries", i);
        let calls = TREE.map(|(_, _, phase)| match (phase, entries) {
            (Some(phase), Some(entries)) => entries[phase.index()] as u64,
            _ => 1,
        });
        let nanoseconds = repeat.lanes[i].map(|s| s * 1e9);
        let counts = metrics
            .iter()
            .filter_map(|(metric, _)| Some(tree(&values(metric, i)?, None)))
            .collect();
        Lane {
            rank: facts.map_or(0, |f| f.rank),
            thread: facts.map_or(i as u32, |f| f.thread),
            calls,
            time: tree(&nanoseconds, Some(repeat.seconds * 1e9)),
            counts,
        }
    };
    let lanes: Vec<Lane> = (0..lanes).map(lane).collect();
    let accelerated =
        lanes.iter().any(|lane| lane.time[OF_ALL_CELLS..].iter().any(|(_, time)| *time > 0));
    let tree = if accelerated { &TREE[..] } else { &TREE[..OF_ALL_CELLS] };
    Some(Profile { group, cell, repeat, metrics, tree, lanes })
}

/// Values of phases as values of the tree. `timed` is the whole of the timed part, where that is
/// more than its phases.
fn tree(phases: &[f64; Phase::ALL.len()], timed: Option<f64>) -> Values {
    let mut values: Values = [(0, 0); TREE.len()];
    for (value, (_, _, phase)) in values.iter_mut().zip(TREE) {
        if let Some(phase) = phase {
            let whole = phases[phase.index()].round() as u64;
            *value = (whole, whole);
        }
    }
    // Children lie behind their parents.
    for (i, (_, parent, _)) in TREE.iter().enumerate().rev() {
        if i == TIMED
            && let Some(timed) = timed
        {
            let rest = (timed.round() as u64).saturating_sub(values[i].1);
            values[i] = (rest, values[i].1 + rest);
        }
        if let Some(parent) = *parent {
            values[parent].1 += values[i].1;
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phases(timed: [f64; 4]) -> [f64; Phase::ALL.len()] {
        let mut phases = [0.0; Phase::ALL.len()];
        for (phase, value) in
            [Phase::Assign, Phase::Reduce, Phase::Update, Phase::Wait].iter().zip(timed)
        {
            phases[phase.index()] = value;
        }
        phases
    }

    #[test]
    fn a_tree_adds_up() {
        let mut all = phases([30.0, 2.0, 3.0, 1.0]);
        for (phase, value) in [(Phase::Load, 5.0), (Phase::Init, 4.0), (Phase::Finish, 6.0)] {
            all[phase.index()] = value;
        }
        let values = tree(&all, Some(40.0));
        assert_eq!(values[0], (0, 5 + 4 + 40 + 6));
        assert_eq!(values[TIMED], (4, 40), "what belongs to no phase is the timed part's own");
        assert_eq!(values[4], (30, 30));
        assert_eq!(tree(&phases([30.0, 2.0, 3.0, 1.0]), None)[TIMED], (0, 36));
        assert_eq!(
            tree(&phases([30.0, 2.0, 3.0, 1.0]), Some(35.0))[TIMED],
            (0, 36),
            "the clocks' grain"
        );
    }

    #[test]
    fn every_phase_has_its_place() {
        for phase in Phase::ALL {
            let places: Vec<_> = TREE.iter().filter(|(_, _, of)| *of == Some(phase)).collect();
            assert_eq!(places.len(), 1, "{phase:?}");
            assert_eq!(places[0].1 == Some(TIMED), Phase::TIMED.contains(&phase), "{phase:?}");
        }
        assert_eq!(TREE[TIMED].0, ITERATIONS);
    }
}

//! A repeat as profilers see it: on each lane a tree of regions with calls, and time and counts
//! without and with what lies below.

use serde_json::{Value, json};

use crate::exchange::{Export, Repeats, cells, file_name, wanted};
use crate::labels;
use crate::summary::{CellSummary, Group, Repeat, Summary};
use amdahl_record::units::Unit;
use amdahl_record::{Phase, Provenance, Role, Scope};

/// The region of the timed part: its time is the repeat's.
pub const ITERATIONS: &str = "iterations";

/// A region's place in the tree: its name, its parent's index, the phase that it is (none where it
/// is made of others).
pub type Place = (&'static str, Option<usize>, Option<Phase>);

/// Index of the root, which stands for the worker without its start and end.
const ROOT: usize = 0;

/// The tree of these phases, parents before children: before the timed part, the timed part, after
/// it, and last what accelerators do.
fn tree_of(phases: &[Phase]) -> Vec<Place> {
    let mut tree: Vec<Place> = vec![("amdahl-worker", None, None)];
    let add = |tree: &mut Vec<Place>, parent: usize, role: Role, of_accelerators: bool| {
        let mine = phases
            .iter()
            .filter(|phase| phase.role() == role && for_accelerators(phase) == of_accelerators);
        tree.extend(mine.map(|phase| (phase.word(), Some(parent), Some(*phase))));
    };
    add(&mut tree, ROOT, Role::Setup, false);
    let timed = tree.len();
    tree.push((ITERATIONS, Some(ROOT), None));
    for role in [Role::Compute, Role::Wait, Role::Communicate, Role::Replicate] {
        add(&mut tree, timed, role, false);
    }
    add(&mut tree, ROOT, Role::Finish, false);
    add(&mut tree, ROOT, Role::Setup, true);
    let of_accelerators = phases.iter().filter(|phase| phase.role().is_of_accelerators());
    tree.extend(of_accelerators.map(|phase| (phase.word(), Some(timed), Some(*phase))));
    tree
}

/// Is it there where an accelerator is?
fn for_accelerators(phase: &Phase) -> bool {
    phase.role().is_of_accelerators() || *phase == Phase::COMPILE
}

/// Values of the regions of a tree, in its order, in whole units so that they add up: (without,
/// with) what lies below.
pub type Values = Vec<(u64, u64)>;

/// One lane of a profile.
pub struct Lane {
    /// Its rank.
    pub rank: u32,
    /// Its thread.
    pub thread: u32,
    /// How often each region was entered.
    pub calls: Vec<u64>,
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
    pub tree: Vec<Place>,
    /// The lanes.
    pub lanes: Vec<Lane>,
}

impl Profile<'_> {
    /// `threads-2-1ab475e79d9a650e/repeat-3`.
    pub fn folder(&self) -> String {
        format!("{}/repeat-{}", file_name(self.cell), self.repeat.repeat)
    }

    /// The index of this count in [`Profile::metrics`].
    pub fn metric(&self, name: &str) -> Option<usize> {
        self.metrics.iter().position(|(metric, _)| metric == name)
    }

    /// What it is of, as names and values: sizes and lanes are numbers, so that readers can group
    /// and filter by them. Sizes go by their symbols; what is not known is left out.
    pub fn facts(&self, summary: &Summary) -> Vec<(&'static str, Value)> {
        let cell = &self.cell.cell;
        let measured = &self.repeat.measured;
        let text = |value: &str| Some(json!(labels::one_line(value, 200)));
        let experiment = summary.run.as_ref().map_or("", |run| &run.experiment);
        let mut facts = vec![
            ("experiment", text(experiment)),
            ("cell", text(&self.cell.id.0)),
            ("problem", text(&crate::show::heading(self.group))),
            ("workload", text(&self.group.workload.kind)),
            ("n", self.group.rows.map(Value::from)),
            ("d", self.group.dims.map(Value::from)),
        ];
        let own = labels::own_sizes(&self.group.workload).into_iter();
        facts.extend(own.map(|(name, size)| (name.symbol, Some(json!(size)))));
        facts.extend([
            ("backend", text(cell.backend.name())),
            ("lanes", Some(json!(cell.lanes()))),
            ("ranks", Some(json!(cell.ranks))),
            ("threads", Some(json!(cell.threads))),
            ("reduction", labels::reduction(cell).and_then(text)),
            ("repeat", Some(json!(self.repeat.repeat))),
            ("seconds", Some(json!(self.repeat.seconds))),
            ("iterations", Some(json!(measured.answer.iterations))),
            ("kernel", text(&measured.kernel)),
            ("platform", text(&measured.platform)),
            ("host", text(&self.cell.key.host)),
        ]);
        let known = facts.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.filter(|(_, value)| *value != json!("")).collect()
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
    let mut own = cell.own_phases();
    // Those of accelerators only where a lane was in one of them.
    let entered = |phase: &Phase| {
        repeat.lanes.iter().any(|lane| lane.get(phase.index()).is_some_and(|s| *s > 0.0))
    };
    if !own.iter().any(|phase| for_accelerators(phase) && entered(phase)) {
        own.retain(|phase| !for_accelerators(phase));
    }
    let places = tree_of(&own);
    let values = |metric: &str, lane: usize| -> Option<Vec<f64>> {
        let reading = repeat.measured.reading(metric)?;
        let mut values = vec![0.0; Phase::count()];
        for phase in Phase::all() {
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
        let calls = places.iter().map(|(_, _, phase)| match (phase, &entries) {
            (Some(phase), Some(entries)) => entries[phase.index()] as u64,
            _ => 1,
        });
        let calls = calls.collect();
        let nanoseconds: Vec<f64> = repeat.lanes.lane(i).iter().map(|s| s * 1e9).collect();
        let counts = metrics
            .iter()
            .filter_map(|(metric, _)| Some(tree(&places, &values(metric, i)?, None)))
            .collect();
        Lane {
            rank: facts.map_or(0, |f| f.rank),
            thread: facts.map_or(i as u32, |f| f.thread),
            calls,
            time: tree(&places, &nanoseconds, Some(repeat.seconds * 1e9)),
            counts,
        }
    };
    let lanes: Vec<Lane> = (0..lanes).map(lane).collect();
    Some(Profile { group, cell, repeat, metrics, tree: places, lanes })
}

/// Values of phases as values of the tree. `timed` is the whole of the timed part, where that is
/// more than its phases.
fn tree(places: &[Place], phases: &[f64], timed: Option<f64>) -> Values {
    let mut values: Values = vec![(0, 0); places.len()];
    for (value, (_, _, phase)) in values.iter_mut().zip(places) {
        if let Some(phase) = phase {
            let whole = phases.get(phase.index()).map_or(0, |whole| whole.round() as u64);
            *value = (whole, whole);
        }
    }
    // Children lie behind their parents.
    for (i, (name, parent, _)) in places.iter().enumerate().rev() {
        if *name == ITERATIONS
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

    fn shared() -> Vec<Phase> {
        Phase::all().into_iter().filter(|phase| phase.is_shared()).collect()
    }

    fn phases(timed: [f64; 4]) -> Vec<f64> {
        let mut phases = vec![0.0; Phase::SHARED];
        for (phase, value) in
            [Phase::ASSIGN, Phase::REDUCE, Phase::UPDATE, Phase::WAIT].iter().zip(timed)
        {
            phases[phase.index()] = value;
        }
        phases
    }

    #[test]
    fn a_tree_adds_up() {
        const TIMED: usize = 3;
        let places = tree_of(&shared());
        let mut all = phases([30.0, 2.0, 3.0, 1.0]);
        for (phase, value) in [(Phase::LOAD, 5.0), (Phase::INIT, 4.0), (Phase::FINISH, 6.0)] {
            all[phase.index()] = value;
        }
        let values = tree(&places, &all, Some(40.0));
        assert_eq!(values[0], (0, 5 + 4 + 40 + 6));
        assert_eq!(values[TIMED], (4, 40), "what belongs to no phase is the timed part's own");
        assert_eq!(values[4], (30, 30));
        assert_eq!(tree(&places, &phases([30.0, 2.0, 3.0, 1.0]), None)[TIMED], (0, 36));
        assert_eq!(
            tree(&places, &phases([30.0, 2.0, 3.0, 1.0]), Some(35.0))[TIMED],
            (0, 36),
            "the clocks' grain"
        );
    }

    #[test]
    fn every_phase_has_its_place() {
        let halo = Phase::named("profile-test-halo", Role::Communicate);
        let places = tree_of(&[&shared()[..], &[halo]].concat());
        let names: Vec<&str> = places.iter().map(|place| place.0).collect();
        assert_eq!(
            names,
            [
                "amdahl-worker",
                "load",
                "init",
                ITERATIONS,
                "assign",
                "wait",
                "reduce",
                "profile-test-halo",
                "update",
                "finish",
                "compile",
                "upload",
                "execute",
                "download"
            ]
        );
        let timed = names.iter().position(|name| *name == ITERATIONS);
        for (name, parent, phase) in &places[1..] {
            if let Some(phase) = phase {
                assert_eq!(*parent == timed, phase.is_timed(), "{name}");
            }
        }
    }
}

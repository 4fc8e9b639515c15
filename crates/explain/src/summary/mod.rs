//! From repeats to estimates: medians with intervals, speedup and efficiency against a stated base,
//! phases, failures.
//!
//! A cell counts with the repeats of one key (program, data, machine): that of its newest good
//! repeat. Costs are summarised first and divided afterwards: a speedup is the base's median time
//! over the cell's median time, an imbalance is a median maximum over a median mean.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::roofline_bound::Floor;
use crate::threads::in_stretches;
use crate::warning::Warning;
use crate::{karp_flatt, labels};
use amdahl_record::accelerators::Price;
use amdahl_record::cell::{Cell, CellId, Dataset, WorkloadSpec, canonical};
use amdahl_record::host::HostFacts;
use amdahl_record::limits::Limits;
use amdahl_record::noise::Noise;
use amdahl_record::peer::PeerFacts;
use amdahl_record::read::Results;
use amdahl_record::shared::Shared;
use amdahl_record::simulation::Simulation;
use amdahl_record::{BuildFacts, Key, Measured, Outcome, Phase, Provenance, RunFacts};
use amdahl_stats::{Bootstrap, Estimate};
use amdahl_workload::Objective;

mod cell;
mod checks;
pub mod times;

use times::{LaneTimes, useful};

/// The facts of a results folder that tables, figures and the report stand on.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The newest run; null when the folder tells of none.
    pub run: Option<RunFacts>,
    /// Cells of the same workload and data set, which share a base.
    pub groups: Vec<Group>,
    /// Machines that the numbers come from.
    pub hosts: Vec<HostFacts>,
    /// Builds of the worker that the numbers come from, as far as a run tells of them.
    pub builds: Vec<BuildFacts>,
    /// The limits that the floors come from.
    pub limits: Vec<Limits>,
    /// The newest noise certificate of each machine, where one was measured.
    pub noise: Vec<Noise>,
    /// Simulated runs of the cells: of each with each last level the newest.
    #[serde(skip)]
    pub simulations: Vec<Simulation>,
    /// What a reader should know.
    pub warnings: Vec<Warning>,
}

/// Cells of the same workload and data set.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// What is computed.
    pub workload: WorkloadSpec,
    /// On what.
    pub dataset: Dataset,
    /// Rows, where known.
    pub rows: Option<u64>,
    /// Columns, where known.
    pub dims: Option<u32>,
    /// Price of an hour of one machine, as the newest run has it; null where nobody gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// What speedups refer to; null when it has no time.
    pub base: Option<Base>,
    /// The cells, by backend, lanes and ranks.
    pub cells: Vec<CellSummary>,
}

/// What the speedups of a group refer to.
#[derive(Clone, Debug, Serialize)]
pub struct Base {
    /// The cell.
    pub cell: CellId,
    /// How it is called: `serial`.
    pub name: String,
    /// Its lanes.
    pub lanes: u32,
    /// Its absolute time, seconds.
    pub time: Estimate,
}

/// One cell.
#[derive(Clone, Debug, Serialize)]
pub struct CellSummary {
    /// Its id.
    pub id: CellId,
    /// The cell.
    pub cell: Cell,
    /// The key whose repeats count.
    pub key: Key,
    /// Good repeats, in their order.
    pub repeats: Vec<Repeat>,
    /// Median of the timed part, seconds; null where no repeat was good.
    pub time: Option<Estimate>,
    /// Median of the worker's life seen from outside, seconds.
    pub process_time: Option<Estimate>,
    /// Machines that it ran on; null where its records do not say.
    pub machines: Option<u32>,
    /// What a run costs at the group's price: the worker's life × machines; null without a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// Median times of the phases; empty where they were not recorded.
    pub phases: Vec<PhaseTime>,
    /// Where the phase times come from.
    pub phases_from: Option<Provenance>,
    /// Timed seconds of the critical lane that belong to no phase, median; null without phases.
    pub unaccounted_s: Option<f64>,
    /// The same as the mean over the lanes.
    #[serde(skip)]
    pub unaccounted_mean_s: Option<f64>,
    /// Largest over mean useful time (of computing) of the lanes, 1 when all lanes work equally
    /// long; null without phases.
    pub imbalance: Option<f64>,
    /// Median time of the base over the median time of this cell; null without a base of the same
    /// machine and data.
    pub speedup: Option<Estimate>,
    /// Speedup over the number of lanes per lane of the base; null where an accelerator is compared
    /// with processors.
    pub efficiency: Option<Estimate>,
    /// The serial share that would explain the speedup ([`karp_flatt`]); null on one lane,
    /// over a base of several, and with more lanes than CPUs.
    pub karp_flatt: Option<Estimate>,
    /// Iterations that were run.
    pub iterations: Option<u32>,
    /// Rows of the data.
    pub rows: Option<u64>,
    /// Columns of the data.
    pub dims: Option<u32>,
    /// Elementary operations that were made, over those of the plain method: 1 where no
    /// short cut spares any; null where they are not counted.
    pub operations_share: Option<f64>,
    /// What the workload minimises or maximises.
    pub objective: Option<Objective>,
    /// Agreement with true labels: NMI, ARI, purity; empty where there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub quality: BTreeMap<String, f64>,
    /// Median CPU time of the timed part, all lanes together, seconds; null where not recorded.
    pub cpu_s: Option<f64>,
    /// Median time to read the rows (of the slowest lane), seconds; null where not recorded.
    pub load_s: Option<f64>,
    /// Median of the largest resident set of a process, bytes; null where not recorded.
    pub peak_rss_bytes: Option<f64>,
    /// Of an outside program: what the newest good repeat says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerFacts>,
    /// What computed, in its own words.
    pub platform: Option<String>,
    /// The kernel that ran.
    pub kernel: Option<String>,
    /// The least time of an iteration on that machine with so many lanes; null where there is none
    /// to be had.
    pub floor: Option<Floor>,
    /// Why there is no floor.
    pub floor_why: Option<String>,
    /// The floor over the time of an iteration (median of the timed part over the iterations): 1 is
    /// as fast as the machine allows.
    pub of_floor: Option<f64>,
    /// More lanes than CPUs?
    pub oversubscribed: bool,
    /// More lanes than cores, but no more than their hardware threads?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shares_cores: bool,
    /// Repeats that ended badly.
    pub failures: Vec<FailedRepeats>,
}

impl CellSummary {
    /// Seconds of the good repeats.
    pub fn samples(&self) -> Vec<f64> {
        self.repeats.iter().map(|r| r.seconds).collect()
    }
    /// The median times of a phase.
    pub fn phase(&self, phase: Phase) -> Option<&PhaseTime> {
        self.phases.iter().find(|p| p.phase == phase)
    }
    /// Number of repeats that ended badly.
    pub fn failed(&self) -> usize {
        self.failures.iter().map(|f| f.count).sum()
    }
}

/// One good repeat.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repeat {
    /// Its number.
    pub repeat: u32,
    /// Seconds of the timed part.
    pub seconds: f64,
    /// Seconds of the worker's life.
    pub process_s: Option<f64>,
    /// Wall seconds by lane and phase; empty where not recorded.
    #[serde(skip)]
    pub lanes: LaneTimes,
    /// All that was measured.
    #[serde(skip)]
    pub measured: Shared<Measured>,
}

impl Repeat {
    /// The lane that did the most useful work: the one that the others wait for.
    /// The lowest of equals.
    pub fn critical_lane(&self) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (i, lane) in self.lanes.iter().enumerate() {
            let useful = useful(lane);
            if best.is_none_or(|(_, most)| useful > most) {
                best = Some((i, useful));
            }
        }
        best.map(|(lane, _)| lane)
    }
}

/// Median times of one phase over the repeats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// On the critical lane, seconds ([`Repeat::critical_lane`]).
    pub critical_s: f64,
    /// Mean over the lanes, seconds.
    pub mean_s: f64,
}

/// Repeats that ended badly for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedRepeats {
    /// `wrong`, or the word of the failure's class.
    pub what: String,
    /// How many.
    pub count: usize,
    /// The newest one's reason.
    pub reason: String,
}

/// Summarises what a results folder holds.
pub fn summarise(results: &Results) -> Summary {
    summarise_with(results, Bootstrap::default())
}

/// Summarises with other intervals than the usual ones.
pub fn summarise_with(results: &Results, bootstrap: Bootstrap) -> Summary {
    let run = results.runs.iter().max_by_key(|run| (run.number, run.started_ms)).cloned();
    let base_name = run.as_ref().map_or("serial", |run| run.base.as_str()).to_string();
    let standing: Vec<&amdahl_record::Record> = results.standing().collect();
    let mut found = Found { replaced: results.records.len() - standing.len(), ..Found::default() };
    let mut by_cell: BTreeMap<&CellId, Vec<&amdahl_record::Record>> = BTreeMap::new();
    for record in standing {
        by_cell.entry(&record.key.cell).or_default().push(record);
    }
    let cells =
        side_by_side(
            by_cell.into_iter().collect(),
            &mut found,
            |(id, records), found| match results.cells.get(id) {
                Some(cell) => Some(cell::summarise(id, cell, &records, results, bootstrap, found)),
                None => {
                    found.unknown_cell += records.len();
                    None
                }
            },
        );
    let price = run.as_ref().and_then(|run| run.price.as_ref());
    let groups = side_by_side(
        group(cells.into_iter().flatten().collect()),
        &mut found,
        |mut group, found| {
            if let Some(price) = price {
                at_price(&mut group, price);
            }
            refer_to_base(&mut group, &base_name, bootstrap, found);
            group
        },
    );
    let (hosts, builds) = sources(results, &groups);
    let warnings = checks::warnings(&groups, &builds, &base_name, bootstrap.level, found, results);
    let limits = limits(results, &groups);
    let noise = hosts.iter().filter_map(|host| results.noise_of(&host.id).cloned()).collect();
    let simulations = results.simulations().into_values().cloned().collect();
    Summary { run, groups, hosts, builds, limits, noise, simulations, warnings }
}

impl Summary {
    /// Gives every cell its cost at another price than the newest run's.
    pub fn at_price(&mut self, price: &Price) {
        self.groups.iter_mut().for_each(|group| at_price(group, price));
        if let Some(run) = &mut self.run {
            run.price = Some(price.clone());
        }
    }
}

/// Gives every cell its cost.
fn at_price(group: &mut Group, price: &Price) {
    for cell in &mut group.cells {
        let paid = cell.process_time.zip(cell.machines);
        cell.price = paid.map(|(life, machines)| price.of(life.value * f64::from(machines)));
    }
    group.price = Some(price.clone());
}

/// What becomes of each item, in their order. What threads notice is joined in order, so that it
/// does not depend on their number.
fn side_by_side<T: Send, U: Send>(
    items: Vec<T>,
    found: &mut Found,
    of: impl Fn(T, &mut Found) -> U + Sync,
) -> Vec<U> {
    let done = in_stretches(items, |stretch| {
        let mut found = Found::default();
        let all: Vec<U> = stretch.into_iter().map(|item| of(item, &mut found)).collect();
        (all, found)
    });
    let mut all = Vec::new();
    for (some, noticed) in done {
        all.extend(some);
        found.join(noticed);
    }
    all
}

/// What was noticed on the way.
#[derive(Default)]
struct Found {
    unknown_cell: usize,
    unusable_time: usize,
    replaced: usize,
    left_out: (usize, Vec<CellId>),
    shared_cpu: Vec<CellId>,
    steal: (f64, Vec<CellId>),
    throttled: (f64, Vec<CellId>),
    crowded: (f64, Vec<CellId>),
    /// The largest share of a phase, the phases and the cells in which reading the probes took too
    /// much of it.
    probing: (f64, Vec<String>, Vec<CellId>),
    base_missing: Vec<CellId>,
    base_elsewhere: Vec<CellId>,
    answers: BTreeMap<String, Vec<CellId>>,
}

impl Found {
    /// Adds what was noticed of later cells.
    fn join(&mut self, later: Found) {
        self.unknown_cell += later.unknown_cell;
        self.unusable_time += later.unusable_time;
        self.replaced += later.replaced;
        self.left_out.0 += later.left_out.0;
        self.left_out.1.extend(later.left_out.1);
        self.shared_cpu.extend(later.shared_cpu);
        self.steal.0 = self.steal.0.max(later.steal.0);
        self.steal.1.extend(later.steal.1);
        self.throttled.0 = self.throttled.0.max(later.throttled.0);
        self.throttled.1.extend(later.throttled.1);
        self.crowded.0 = self.crowded.0.max(later.crowded.0);
        self.crowded.1.extend(later.crowded.1);
        self.probing.0 = self.probing.0.max(later.probing.0);
        for phase in later.probing.1 {
            if !self.probing.1.contains(&phase) {
                self.probing.1.push(phase);
            }
        }
        self.probing.2.extend(later.probing.2);
        self.base_missing.extend(later.base_missing);
        self.base_elsewhere.extend(later.base_elsewhere);
        for (answer, cells) in later.answers {
            self.answers.entry(answer).or_default().extend(cells);
        }
    }
}

/// Cells of the same workload and data set together, small problems first, and within a group by
/// backend, lanes, ranks.
fn group(cells: Vec<CellSummary>) -> Vec<Group> {
    let mut by_problem: BTreeMap<(String, String), Vec<CellSummary>> = BTreeMap::new();
    for cell in cells {
        let problem =
            (canonical(&cell.cell.dataset), canonical(&labels::problem(&cell.cell.workload)));
        by_problem.entry(problem).or_default().push(cell);
    }
    let mut groups: Vec<Group> = by_problem
        .into_values()
        .filter_map(|mut cells| {
            cells.sort_by_key(|c| {
                let cell = &c.cell;
                let backend = (labels::backend_order(&cell.backend), labels::series(cell));
                (backend, cell.lanes(), cell.ranks, cell.oversubscribe, c.id.clone())
            });
            let first = cells.first()?.cell.clone();
            let rows =
                labels::stated_rows(&first.dataset).or_else(|| cells.iter().find_map(|c| c.rows));
            let dims =
                labels::stated_dims(&first.dataset).or_else(|| cells.iter().find_map(|c| c.dims));
            Some(Group {
                workload: labels::problem(&first.workload),
                dataset: first.dataset,
                rows,
                dims,
                price: None,
                base: None,
                cells,
            })
        })
        .collect();
    groups.sort_by_cached_key(|g| {
        (
            labels::dataset_name(&g.dataset),
            g.rows,
            labels::own_sizes(&g.workload).first().map(|(_, size)| *size),
            g.dims,
            canonical(&g.workload),
            canonical(&g.dataset),
        )
    });
    groups
}

/// Finds the base of a group (the named backend's cell with the fewest lanes) and sets speedups and
/// efficiencies.
fn refer_to_base(group: &mut Group, base_name: &str, bootstrap: Bootstrap, found: &mut Found) {
    let base = group
        .cells
        .iter()
        .filter(|c| c.cell.backend.name() == base_name)
        .min_by_key(|c| (c.cell.lanes(), c.cell.oversubscribe));
    let Some((base, time)) = base.and_then(|c| Some((c, c.time?))) else {
        found
            .base_missing
            .extend(group.cells.iter().filter(|c| c.time.is_some()).map(|c| c.id.clone()));
        return;
    };
    let facts = Base {
        cell: base.id.clone(),
        name: labels::cell(&base.cell),
        lanes: base.cell.lanes(),
        time,
    };
    let (key, samples, platform) = (base.key.clone(), base.samples(), base.cell.backend.platform());
    for cell in group.cells.iter_mut().filter(|c| c.time.is_some()) {
        cell.speedup = if cell.id == facts.cell {
            // Over itself: exactly 1, not a ratio of two samples.
            Some(Estimate { value: 1.0, interval: None, n: samples.len() })
        } else if cell.key.host == key.host && cell.key.data == key.data {
            bootstrap.ratio_of_medians(&samples, &cell.samples())
        } else {
            found.base_elsewhere.push(cell.id.clone());
            None
        };
        let lanes = f64::from(cell.cell.lanes()) / f64::from(facts.lanes.max(1));
        // Lanes of an accelerator are no lanes of a processor: how many of the one stand for one of
        // the other is nobody's ideal.
        let of_lanes = cell.speedup.filter(|_| cell.cell.backend.platform() == platform);
        cell.efficiency = of_lanes.filter(|_| lanes > 0.0).map(|s| s.divided_by(lanes));
        let over_one = of_lanes.filter(|_| facts.lanes == 1 && !cell.oversubscribed);
        cell.karp_flatt =
            over_one.and_then(|speedup| karp_flatt::estimate(speedup, cell.cell.lanes()));
    }
    group.base = Some(facts);
}

/// The machines and builds that the summarised cells come from.
fn sources(results: &Results, groups: &[Group]) -> (Vec<HostFacts>, Vec<BuildFacts>) {
    let cells = || groups.iter().flat_map(|g| &g.cells);
    let hosts: BTreeSet<&str> = cells().map(|c| c.key.host.as_str()).collect();
    let builds: BTreeSet<&str> = cells().map(|c| c.key.build.as_str()).collect();
    let build =
        |id: &str| results.runs.iter().rev().map(|run| &run.build).find(|b| b.id == id).cloned();
    (
        hosts.into_iter().filter_map(|id| results.hosts.get(id).cloned()).collect(),
        builds.into_iter().filter_map(build).collect(),
    )
}

/// The limits that floors of the summarised cells come from.
fn limits(results: &Results, groups: &[Group]) -> Vec<Limits> {
    let cells = groups.iter().flat_map(|g| &g.cells).filter(|c| c.floor.is_some());
    let keys: BTreeSet<(&str, &str)> =
        cells.map(|c| (c.key.host.as_str(), c.key.build.as_str())).collect();
    let mut used: Vec<Limits> = Vec::new();
    for limits in keys.into_iter().filter_map(|(host, build)| results.limits_of(host, build)) {
        if !used.contains(limits) {
            used.push(limits.clone());
        }
    }
    used
}

/// The word for a bad end and its reason; `None` for a good one.
fn bad_end(outcome: &Outcome) -> Option<(&str, &str)> {
    match outcome {
        Outcome::Ok => None,
        Outcome::Wrong { reason } => Some(("wrong", reason)),
        Outcome::Failed { class, reason } => Some((class.word(), reason)),
    }
}

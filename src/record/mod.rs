//! What one repeat of a cell left behind. The only thing that measuring and explaining both know.
//!
//! A results folder holds append-only JSON Lines, each line a [`Line`]. Facts that many repeats share (the host, the cell) are lines of
//! their own, referred to by id, so that a repeat's own line stays near 1 KB. The format is described in `docs/records.md`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cell::{Cell, CellId};
use crate::host::HostFacts;
use crate::record::shared::Shared;
use crate::units::Unit;

pub mod accelerators;
pub mod build;
pub mod device;
pub mod limits;
mod lines;
pub mod noise;
pub mod peer;
pub mod read;
pub mod shared;
pub mod simulation;
mod wire;

/// Version of the record format. A reader refuses a newer one and says so.
pub const SCHEMA: u32 = 1;

/// Version of the worker protocol: cell file in, report file out.
pub const PROTOCOL: u32 = 1;

/// One line of a results file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum Line {
    /// One execution of a manifest begins.
    Run(RunFacts),
    /// A machine that results come from; written before the first record that names it.
    Host(HostFacts),
    /// A cell that results belong to; written before the first record that names it.
    Cell {
        /// Its id.
        id: CellId,
        /// The cell.
        cell: Cell,
    },
    /// The limits of a machine, measured before the repeats that are compared with them.
    Limits(Box<limits::Limits>),
    /// What a machine's own noise hides, measured by `amdahl doctor --noise`.
    Noise(Box<noise::Noise>),
    /// One repeat.
    Record(Box<Record>),
    /// A run of a cell on a simulated machine.
    Simulation(Box<simulation::Simulation>),
}

/// One execution of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunFacts {
    /// Version of the format.
    pub schema: u32,
    /// Id of the run, unique among the results.
    pub run: String,
    /// Unix time of the start, milliseconds.
    pub started_ms: u64,
    /// The experiment's name.
    pub experiment: String,
    /// Its title.
    pub title: String,
    /// The question it asks.
    pub question: String,
    /// Where people find more: the code on the poster. Null where the manifest names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Price of an hour of one machine, the user's. Null where the manifest names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<accelerators::Price>,
    /// Name of the base backend of its speedups.
    pub base: String,
    /// What the worker was built from.
    pub build: BuildFacts,
    /// The command line, first word included, without directories.
    pub command: Vec<String>,
    /// Was all measured anew (`--fresh`)? Then older records of the keys it measured no longer count ([`read::Results::standing`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
}

/// What a program was built from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildFacts {
    /// Hash of the worker's executable: what decides whether a result is measured anew.
    pub id: String,
    /// Version of this package.
    pub version: String,
    /// Git revision, null outside a checkout.
    pub revision: Option<String>,
    /// Were there uncommitted changes? Null outside a checkout.
    pub dirty: Option<bool>,
    /// The compiler's version line.
    pub compiler: String,
    /// Flags given to the compiler beside the profile's.
    pub flags: String,
    /// Profile and optional features.
    pub profile: String,
    /// MPI library and version, null where the build has none.
    pub mpi: Option<String>,
}

/// What makes a repeat count as done: the same cell, program, data and host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Key {
    /// The cell.
    pub cell: CellId,
    /// [`BuildFacts::id`].
    pub build: String,
    /// Hash of the data set's source: of the file's bytes, or of the recipe of synthetic rows.
    pub data: String,
    /// [`HostFacts::id`] of the machine that launched it.
    pub host: String,
}

/// One repeat: one fresh process (or set of ranks) that ran one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// What it counts for.
    pub key: Shared<Key>,
    /// The run that made it.
    pub run: Shared<String>,
    /// Number of the repeat, from 0.
    pub repeat: u32,
    /// Unix time of its start, milliseconds.
    pub started_ms: u64,
    /// How long the worker lived, seconds, seen from outside: start, load and finish included. Null where none was started.
    pub process_s: Option<f64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was measured, null where nothing was.
    pub measured: Option<Shared<Measured>>,
}

impl Record {
    /// Did it end well, with the right answer?
    pub fn counts(&self) -> bool {
        self.outcome == Outcome::Ok && self.measured.is_some()
    }
}

/// How a repeat ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// Right answer, time counts.
    Ok,
    /// The answer differs from the oracle's: its time counts for nothing.
    Wrong {
        /// What differs, with both values.
        reason: String,
    },
    /// No answer.
    Failed {
        /// The kind of failure.
        class: Failure,
        /// What is known of it.
        reason: String,
    },
}

/// Kinds of failure of a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// This machine or build lacks what the cell needs. Tried again when that may have changed.
    Unavailable,
    /// The data set is missing, damaged or unfit.
    Data,
    /// The worker could not be started.
    Launch,
    /// The worker or a rank died by a signal.
    Killed,
    /// The worker or a rank panicked.
    Panicked,
    /// The worker ended with an error.
    Error,
    /// The time limit was reached; the worker was ended.
    Timeout,
    /// The worker ended well but left no report, or one of another cell.
    NoReport,
    /// The oracle failed, so that the answer could not be checked.
    Unchecked,
}

impl Failure {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Failure::Unavailable => "unavailable",
            Failure::Data => "data",
            Failure::Launch => "launch",
            Failure::Killed => "killed",
            Failure::Panicked => "panicked",
            Failure::Error => "error",
            Failure::Timeout => "timeout",
            Failure::NoReport => "no-report",
            Failure::Unchecked => "unchecked",
        }
    }
}

/// A named part of a cell's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Rows into memory. Outside the timed part.
    Load,
    /// Initial centroids and warm-up. Outside the timed part.
    Init,
    /// Nearest centroid of each row, and the lane's sums.
    Assign,
    /// Sums over all lanes.
    Reduce,
    /// New centroids, relocation of empty clusters, the convergence rule.
    Update,
    /// Waiting for the slowest lane before a collective.
    Wait,
    /// Final labels, inertia and digests. Outside the timed part.
    Finish,
    /// Programs for an accelerator. Outside the timed part.
    Compile,
    /// Centroids to an accelerator.
    Upload,
    /// An accelerator computes.
    Execute,
    /// Labels or sums from an accelerator.
    Download,
}

impl Phase {
    /// All phases in the order of records.
    pub const ALL: [Phase; 11] = [
        Phase::Load,
        Phase::Init,
        Phase::Assign,
        Phase::Reduce,
        Phase::Update,
        Phase::Wait,
        Phase::Finish,
        Phase::Compile,
        Phase::Upload,
        Phase::Execute,
        Phase::Download,
    ];

    /// The first so many of them are those of all cells; the others are those of accelerators, and not written where they were not entered.
    pub const OF_ALL_CELLS: usize = 7;

    /// Position in [`Phase::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
    /// The word in tables and figures.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Load => "load",
            Phase::Init => "init",
            Phase::Assign => "assign",
            Phase::Reduce => "reduce",
            Phase::Update => "update",
            Phase::Wait => "wait",
            Phase::Finish => "finish",
            Phase::Compile => "compile",
            Phase::Upload => "upload",
            Phase::Execute => "execute",
            Phase::Download => "download",
        }
    }
    /// The phases inside the timed part.
    pub const TIMED: [Phase; 7] =
        [Phase::Assign, Phase::Reduce, Phase::Update, Phase::Wait, Phase::Upload, Phase::Execute, Phase::Download];
}

/// What a worker measured in one repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// What computed, in its own words: "cpu" for processors.
    pub platform: Shared<String>,
    /// The kernel that ran.
    pub kernel: Shared<String>,
    /// [`HostFacts::id`] of the machine of rank 0.
    pub host: Shared<String>,
    /// Seconds of the timed part (the iterations, without load, init and finish): from a common start to the end of the last lane.
    pub seconds: f64,
    /// The answer.
    pub answer: Shared<Answer>,
    /// Where each lane ran, in lane order.
    pub lanes: Shared<Vec<LaneFacts>>,
    /// Readings by metric. The first is the wall time in phases.
    #[serde(with = "wire")]
    #[schemars(with = "wire::Readings")]
    pub readings: Vec<Reading>,
    /// Largest resident set of a rank, bytes.
    pub peak_rss_bytes: Option<u64>,
    /// What else the machine was doing.
    pub load: LoadFacts,
    /// Of an outside program: which, and how its time and its answer came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Shared<peer::PeerFacts>>,
    /// Of an accelerator: what drove it, and what it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Shared<device::DeviceFacts>>,
}

impl Measured {
    /// The reading of `metric`, if there is one.
    pub fn reading(&self, metric: &str) -> Option<&Reading> {
        self.readings.iter().find(|r| r.metric == metric)
    }
    /// Wall seconds of `phase` on each lane; empty where not recorded.
    pub fn wall(&self, phase: Phase) -> Vec<f64> {
        self.reading("wall")
            .and_then(|r| r.values.as_ref())
            .map_or(Vec::new(), |lanes| lanes.iter().filter_map(|phases| phases.get(phase.index()).copied()).collect())
    }
    /// Number of lanes.
    pub fn lane_count(&self) -> usize {
        self.lanes.len()
    }
}

/// Where one lane ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaneFacts {
    /// Rank of its process.
    pub rank: u32,
    /// Thread within the rank.
    pub thread: u32,
    /// CPU it was pinned to, null where pinning was refused.
    pub pinned: Option<u32>,
    /// CPU it was seen on at the end of the timed part.
    pub cpu: Option<u32>,
    /// Number among the lanes of its node: each node has one that is 0. Null in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_index: Option<u32>,
    /// Rows of its shard.
    pub rows: u64,
    /// What its accelerator did, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<device::LaneDevice>,
    /// Where it and its process's memory were; null on machines of one NUMA node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numa: Option<NumaFacts>,
}

/// Where a lane and its memory were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NumaFacts {
    /// The node of the lane's CPU.
    pub node: Option<u32>,
    /// Bytes of its process's memory on each node, after the timed part.
    pub memory_bytes: Vec<(u32, u64)>,
}

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
    /// `values[lane][phase]` in the order of [`Phase::ALL`]; null when unavailable. Not a number (null in records) in a phase that was not
    /// counted; an empty list for a lane whose node another lane reads.
    pub values: Option<Vec<Vec<f64>>>,
    /// Why there are no values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Shared<String>>,
    /// What counted it: readings with the same name here were counted together, at the same moments. Quotients are made of these alone.
    /// Null in records of older versions, and for what has no values.
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
        self.values.as_ref()?.get(lane)?.get(phase.index()).copied().filter(|value| value.is_finite())
    }

    /// The reading of `metric` that was counted together with this one, among readings of the same run: a quotient of the two means
    /// something. Groups that have instructions of their own call them `instructions.` and a word; `beside(all, "instructions")` finds them.
    pub fn beside<'a>(&self, all: &'a [Reading], metric: &str) -> Option<&'a Reading> {
        let own = |name: &str| name == metric || name.strip_prefix(metric).is_some_and(|rest| rest.starts_with('.'));
        let together = |other: &&Reading| self.group.is_some() && other.group == self.group && own(&other.metric);
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
    /// Those of the whole node, whoever caused them: one lane of each node reads them, at its own phase boundaries.
    Node,
}

impl Scope {
    /// As usual?
    pub fn is_lane(&self) -> bool {
        *self == Scope::Lane
    }
}

/// What else the machine was doing during a repeat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadFacts {
    /// One-minute load average at the start.
    pub load1: Option<f64>,
    /// Share of CPU time that the hypervisor took away during the repeat, 0 to 1.
    pub steal: Option<f64>,
    /// CPU frequency at the end of the timed part, MHz.
    pub mhz: Option<f64>,
    /// Shares of the repeat's time, 0 to 1, in which some process of the machine waited for the resource (pressure stall information).
    /// Null where the kernel does not tell, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Pressure>,
}

/// Shares of a time in which some process waited.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pressure {
    /// For a CPU.
    pub cpu: Option<f64>,
    /// For memory to be freed.
    pub memory: Option<f64>,
    /// For a disk.
    pub io: Option<f64>,
}

/// The answer of a cell: what must be right before a time counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Answer {
    /// Of k-means.
    #[serde(rename = "kmeans")]
    KMeans(Clustering),
}

/// The answer of a clustering: all of it belongs to the final centroids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clustering {
    /// Rows × columns.
    pub rows: u64,
    /// Columns.
    pub dims: u32,
    /// Iterations that were run; with the rule "no label changes", the confirming one included.
    pub iterations: u32,
    /// Did it stop by its rule of convergence?
    pub converged: bool,
    /// Σ over the rows of the squared distance to their centroid.
    pub inertia: f64,
    /// Rows of each cluster.
    pub sizes: Vec<u64>,
    /// Digest of the centroids' bits.
    pub centroids: String,
    /// Digest of all labels, independent of how rows are spread over lanes.
    pub labels: String,
    /// Digest of all rows as they were read, independent of how they are spread.
    pub data: String,
    /// Distances of a row to a centroid (or scores in their place) that the timed iterations evaluated on all lanes; null where they
    /// are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distances: Option<u64>,
    /// Those that the choice of the initial centroids evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_distances: Option<u64>,
    /// Comparison with true labels: NMI, ARI, purity. Empty where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quality: BTreeMap<String, f64>,
    /// What a person should know about the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Answer {
    /// Checks this answer against the oracle's, by the rule for programs of ours on CPUs: the same bits. The error says what differs.
    pub fn check_exact(&self, oracle: &Answer) -> Result<(), String> {
        let (Answer::KMeans(mine), Answer::KMeans(right)) = (self, oracle);
        let differ = |what: &str, mine: &dyn std::fmt::Display, right: &dyn std::fmt::Display| {
            Err(format!("{what}: got {mine}, the oracle has {right}"))
        };
        if mine.data != right.data {
            return differ("other data", &mine.data, &right.data);
        }
        if mine.iterations != right.iterations {
            return differ("iterations", &mine.iterations, &right.iterations);
        }
        if mine.inertia.to_bits() != right.inertia.to_bits() {
            return differ("inertia", &mine.inertia, &right.inertia);
        }
        if mine.sizes != right.sizes {
            return differ("cluster sizes", &format!("{:?}", mine.sizes), &format!("{:?}", right.sizes));
        }
        if mine.centroids != right.centroids {
            return differ("digest of the centroids", &mine.centroids, &right.centroids);
        }
        if mine.labels != right.labels {
            return differ("digest of the labels", &mine.labels, &right.labels);
        }
        Ok(())
    }
}

/// What a worker leaves for whoever launched it, written by rank 0 as its last act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of the worker protocol.
    pub protocol: u32,
    /// The cell that was run.
    pub cell: CellId,
    /// The machine of rank 0.
    pub host: HostFacts,
    /// How it ended.
    pub end: End,
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// With an answer.
    Done(Box<Measured>),
    /// With an error that all lanes agreed on.
    Failed {
        /// The kind of failure.
        class: Failure,
        /// What is wrong, where, and what to do.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Clustering {
        Clustering {
            rows: 4,
            dims: 1,
            iterations: 2,
            converged: true,
            inertia: 1.5,
            sizes: vec![2, 2],
            centroids: "c".into(),
            labels: "l".into(),
            data: "d".into(),
            distances: None,
            init_distances: None,
            quality: BTreeMap::new(),
            warnings: vec![],
        }
    }

    #[test]
    fn the_check_names_what_differs() {
        let right = Answer::KMeans(answer());
        assert_eq!(right.check_exact(&right), Ok(()));
        let wrong = Answer::KMeans(Clustering { inertia: 1.5000000000000002, ..answer() });
        assert!(wrong.check_exact(&right).expect_err("one bit off").starts_with("inertia: got 1.5000000000000002"));
        let other = Answer::KMeans(Clustering { centroids: "x".into(), ..answer() });
        assert!(other.check_exact(&right).expect_err("other centroids").contains("centroids"));
    }

    #[test]
    fn phases_know_their_place() {
        for (i, phase) in Phase::ALL.iter().enumerate() {
            assert_eq!(phase.index(), i);
        }
    }
}

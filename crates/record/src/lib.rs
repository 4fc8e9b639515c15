//! The words that planning, measuring and explaining share: [`cell`], the records of its repeats,
//! [`host`], [`units`], [`error`].
//!
//! A record is what one repeat of a cell left behind: the only thing that measuring and explaining
//! both know.
//!
//! A results folder holds append-only JSON Lines, each line a [`Line`]. Facts that many repeats
//! share (the host, the cell) are lines of their own, referred to by id, so that a repeat's own
//! line stays near 1 KB. The format is described in `docs/records.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cell::{Cell, CellId};
use crate::host::HostFacts;
use crate::shared::Shared;

pub mod accelerators;
mod answer;
pub mod build;
pub mod cell;
pub mod counters;
pub mod device;
pub mod error;
pub mod host;
pub mod io;
pub mod launched;
pub mod layout;
pub mod limits;
mod lines;
mod migrate;
pub mod noise;
pub mod peer;
mod phase;
pub mod protocol;
pub mod read;
mod reading;
pub mod shared;
pub mod simulation;
pub mod sum;
pub mod units;
pub mod visible;
mod wire;

pub use answer::Answer;
pub use layout::PhaseNames;
pub use phase::{Phase, Role};
pub use reading::{Provenance, Reading, Scope};

/// Version of the record format. A reader refuses a newer one and says so.
pub const SCHEMA: u32 = 3;

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
    /// Its place among the runs of the folder: one more than the largest number that it found there
    /// when it began to write. What came first is told by it and not by the clock, which may be set
    /// back. 0 in versions 1 and 2.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub number: u64,
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
    /// Was all measured anew (`--fresh`)? Then older records of the keys it measured no longer
    /// count ([`read::Results::standing`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// The phases of its records' values, by name, in their order. A run has another line where it
    /// came to know more of them; the first ones stay.
    #[serde(default, skip_serializing_if = "PhaseNames::is_empty")]
    pub phases: PhaseNames,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a program was built from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildFacts {
    /// Digest of what decides an answer or a time: sources, packages, compiler, flags and profile
    /// (`crates/identity`). Of a worker that does not say it, a hash of its executable.
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

/// What makes a repeat count as done: the same cell, program, data and host, and under MPI the same
/// library.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Key {
    /// The cell.
    pub cell: CellId,
    /// [`BuildFacts::id`].
    pub build: String,
    /// Hash of the data set's source: of the file's bytes, or of the recipe of synthetic rows.
    pub data: String,
    /// [`HostFacts::id`] of the machine that launched it.
    pub host: String,
    /// Of a cell that our worker runs under MPI: a hash of all that the library says of itself
    /// ([`protocol::Capabilities::mpi`]). Null for other cells, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mpi: Option<String>,
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
    /// How long the worker lived, seconds, seen from outside: start, load and finish included. Null
    /// where none was started.
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
    /// The data set was replaced, or the program, while the repeat ran or before: what was measured
    /// is not what the key says. Tried again when the data is back.
    Changed,
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
            Failure::Changed => "changed",
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

/// What a worker measured in one repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// What computed, in its own words: "cpu" for processors.
    pub platform: Shared<String>,
    /// The kernel that ran.
    pub kernel: Shared<String>,
    /// [`HostFacts::id`] of the machine of rank 0.
    pub host: Shared<String>,
    /// Seconds of the timed part (the iterations, without load, init and finish): from a common
    /// start to the end of the last lane.
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
        let Some(wall) = self.reading("wall") else { return Vec::new() };
        let lanes = wall.values.as_ref().map_or(0, Vec::len);
        (0..lanes).filter_map(|lane| wall.at(lane, phase)).collect()
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

/// What else the machine was doing during a repeat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadFacts {
    /// One-minute load average at the start.
    pub load1: Option<f64>,
    /// Share of CPU time that the hypervisor took away during the repeat, 0 to 1.
    pub steal: Option<f64>,
    /// CPU frequency at the end of the timed part, MHz.
    pub mhz: Option<f64>,
    /// Time for which the quota of a control group kept lanes from running, of all CPUs together,
    /// over the repeat's time. Null where no quota is set, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<f64>,
    /// Shares of the repeat's time, 0 to 1, in which some process of the machine waited for the
    /// resource (pressure stall information). Null where the kernel does not tell, and in older
    /// records.
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

/// What a worker leaves for whoever launched it, written by rank 0 as its last act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of the worker protocol.
    pub protocol: u32,
    /// The cell that was run.
    pub cell: CellId,
    /// The machine of rank 0.
    pub host: HostFacts,
    /// The phases of its values, by name, in their order; the shared ones where none are named.
    #[serde(default, skip_serializing_if = "PhaseNames::is_empty")]
    pub phases: PhaseNames,
    /// How it ended.
    pub end: End,
}

impl Report {
    /// A report of this process's own phases.
    pub fn new(cell: CellId, host: HostFacts, end: End) -> Report {
        Report { protocol: PROTOCOL, cell, host, phases: PhaseNames::known(), end }
    }

    /// Reads a report, and puts its values where this process looks for them.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Report, String> {
        let mut report: Report = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if let End::Done(measured) = &mut report.end
            && !report.phases.is_empty()
        {
            report.phases.layout()?.sort(&mut measured.readings)?;
            report.phases = PhaseNames::known();
        }
        Ok(report)
    }
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

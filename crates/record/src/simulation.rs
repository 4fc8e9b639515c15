//! What a simulated machine counted in a run of a cell, or of a smaller one like it.
//!
//! A simulation is no measurement: its times mean nothing and are not kept, its caches are a model
//! with the limits that [`LIMITS`] names, and its counts share no axis with measured ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Failure, Key, Reading};
use crate::cell::Cell;

/// Version of the form of [`Simulation`]. A reader leaves out newer ones with a warning.
pub const SIMULATION: u32 = 1;

/// What the model of the caches leaves out. It is printed with every table and figure of simulated
/// counts.
pub const LIMITS: &str = "two levels, least recently used replaced, no prefetcher, no TLB, no coherence, one thread a rank, \
                          nothing else in the last level";

/// Executed instructions, `Ir`: counted exactly, not modelled.
pub const INSTRUCTIONS: &str = "instructions";
/// Reads of data, `Dr`.
pub const DATA_READS: &str = "data-reads";
/// Writes of data, `Dw`.
pub const DATA_WRITES: &str = "data-writes";
/// Misses of instructions in the first level, `I1mr`.
pub const L1I_MISSES: &str = "L1I-misses";
/// Reads of data that miss the first level, `D1mr`.
pub const L1D_READ_MISSES: &str = "L1D-read-misses";
/// Writes of data that miss the first level, `D1mw`.
pub const L1D_WRITE_MISSES: &str = "L1D-write-misses";
/// Misses of instructions in the last level, `ILmr`.
pub const LL_INSTRUCTION_MISSES: &str = "LL-instruction-misses";
/// Reads of data that miss the last level, `DLmr`: a line is fetched from beyond.
pub const LL_READ_MISSES: &str = "LL-read-misses";
/// Writes of data that miss the last level, `DLmw`.
pub const LL_WRITE_MISSES: &str = "LL-write-misses";

/// Callgrind's names of events and ours, in the order of records.
pub const EVENTS: [(&str, &str); 9] = [
    ("Ir", INSTRUCTIONS),
    ("Dr", DATA_READS),
    ("Dw", DATA_WRITES),
    ("I1mr", L1I_MISSES),
    ("D1mr", L1D_READ_MISSES),
    ("D1mw", L1D_WRITE_MISSES),
    ("ILmr", LL_INSTRUCTION_MISSES),
    ("DLmr", LL_READ_MISSES),
    ("DLmw", LL_WRITE_MISSES),
];

/// One simulated run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Simulation {
    /// Version of this form.
    pub version: u32,
    /// The cell that it explains, with the build, the data and the machine whose caches were
    /// modelled.
    pub key: Key,
    /// The run that made it.
    pub run: String,
    /// Unix time of its start, milliseconds.
    pub started_ms: u64,
    /// How long the simulator ran, seconds: what the simulation costs, and nothing about the
    /// program.
    pub process_s: Option<f64>,
    /// The cell that was simulated: fewer rows and iterations, one thread a rank.
    pub cell: Cell,
    /// The modelled caches.
    pub caches: Caches,
    /// What came of it.
    pub end: SimulationEnd,
}

/// How a simulation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SimulationEnd {
    /// With counts, and with the answer that the same cell has outside the simulator.
    Done(Counts),
    /// Without.
    Failed {
        /// The kind of failure.
        class: Failure,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// What a simulation counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// The simulator and its version.
    pub tool: String,
    /// The kernel that ran: the simulator does not know all instructions of the machine.
    pub kernel: String,
    /// Rows of all lanes together.
    pub rows: u64,
    /// Columns.
    pub dims: u32,
    /// Iterations that were counted.
    pub iterations: u32,
    /// Rows of each lane.
    pub lanes: Vec<u64>,
    /// Readings by metric, all simulated: `values[lane][phase]`, null for phases that are not
    /// simulated (load, init, finish).
    #[serde(with = "super::wire")]
    #[schemars(with = "super::wire::Readings")]
    pub readings: Vec<Reading>,
}

impl Simulation {
    /// Its counts, if it has any.
    pub fn counts(&self) -> Option<&Counts> {
        match &self.end {
            SimulationEnd::Done(counts) => Some(counts),
            SimulationEnd::Failed { .. } => None,
        }
    }
}

impl Simulation {
    /// Why it has no counts, if it has none.
    pub fn reason(&self) -> Option<&str> {
        match &self.end {
            SimulationEnd::Done(_) => None,
            SimulationEnd::Failed { reason, .. } => Some(reason),
        }
    }
}

impl Counts {
    /// The reading of `metric`, if there is one.
    pub fn reading(&self, metric: &str) -> Option<&Reading> {
        self.readings.iter().find(|reading| reading.metric == metric)
    }
}

/// The modelled caches of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Caches {
    /// First level, instructions.
    pub i1: Cache,
    /// First level, data.
    pub d1: Cache,
    /// Last level.
    pub ll: Cache,
    /// Which cache of the machine the last level stands for.
    pub last: LastLevel,
}

/// Which cache of the machine the simulated last level stands for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum LastLevel {
    /// The second level: what misses it goes to the third.
    L2,
    /// One core's share of the third level: what misses it goes to memory.
    #[serde(rename = "L3-share")]
    L3Share,
}

impl LastLevel {
    /// Both, the inner one first.
    pub const ALL: [LastLevel; 2] = [LastLevel::L2, LastLevel::L3Share];

    /// The words in tables.
    pub fn words(self) -> &'static str {
        match self {
            LastLevel::L2 => "L2",
            LastLevel::L3Share => "L3 share",
        }
    }
}

/// One modelled cache. The number of its sets, `bytes / (ways × line_bytes)`, is a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Cache {
    /// Size, bytes.
    pub bytes: u64,
    /// Ways.
    pub ways: u32,
    /// Line, bytes.
    pub line_bytes: u32,
}

impl Cache {
    /// Number of sets.
    pub fn sets(self) -> u64 {
        self.bytes / (u64::from(self.ways) * u64::from(self.line_bytes)).max(1)
    }

    /// As the simulator wants it: size, ways, line.
    pub fn argument(self) -> String {
        format!("{},{},{}", self.bytes, self.ways, self.line_bytes)
    }
}

//! What an outside program leaves behind, and what is kept of it.
//!
//! A peer computes in its own arithmetic, so its answer cannot have our bits. How it is judged is
//! the workload's to say: the fields of its own are kept by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Failure;
use crate::cell::CellId;

/// What a peer leaves in its record file, written as its last act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerReport {
    /// Version of the worker protocol: [`crate::PROTOCOL`].
    pub protocol: u32,
    /// The id that the cell file has.
    pub cell: CellId,
    /// How it ended.
    pub end: PeerEnd,
}

/// How a peer ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerEnd {
    /// With an answer.
    Done(Box<PeerDone>),
    /// With an error.
    Failed {
        /// The kind of failure.
        class: Failure,
        /// What is wrong, where, and what to do.
        reason: String,
    },
}

/// What a peer measured and found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerDone {
    /// What ran, with its version: the line that it prints when it is asked for its version.
    pub version: String,
    /// Wall seconds of all its iterations.
    pub seconds: f64,
    /// How they were timed, in a few words.
    pub timed: String,
    /// CPU seconds of all its iterations, all lanes together; null where they cannot be had.
    #[serde(default)]
    pub cpu_seconds: Option<f64>,
    /// Wall seconds that reading the rows took.
    #[serde(default)]
    pub load_seconds: Option<f64>,
    /// Iterations that were run.
    pub iterations: u32,
    /// Did it stop by its rule of convergence?
    #[serde(default)]
    pub converged: bool,
    /// Largest resident set of one of its processes, bytes.
    #[serde(default)]
    pub peak_rss_bytes: Option<u64>,
    /// Wall seconds by lane and phase, where it knows them: load, init, assign,
    /// reduce, update, wait, finish.
    #[serde(default)]
    pub phases: Option<Vec<Vec<f64>>>,
    /// What the workload asks for beside these: the answer, or the files that hold it.
    #[serde(flatten)]
    pub own: Map<String, Value>,
}

/// What a record keeps of a peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeerFacts {
    /// Its name in manifests.
    pub name: String,
    /// What ran, with its version, in its own words.
    pub version: String,
    /// How its iterations were timed, in its own words.
    pub timed: String,
    /// CPU seconds of all its iterations, all lanes together.
    pub cpu_seconds: Option<f64>,
    /// Wall seconds that reading the rows took.
    pub load_seconds: Option<f64>,
    /// What the workload's judge keeps: how the answer was checked, and what was found.
    #[serde(flatten)]
    pub own: Map<String, Value>,
}

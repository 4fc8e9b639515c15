//! What a worker says of itself to whoever launches it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::BuildFacts;

/// Exit code of a worker that panicked, as Rust has it.
pub const PANICKED: i32 = 101;

/// What a worker can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Version of the worker protocol.
    pub protocol: u32,
    /// What it was built from. Its `id` is empty where the build could not tell: then whoever asks
    /// takes a hash of the executable.
    pub build: BuildFacts,
    /// By workload, the digest of what decides for its cells alone. A workload that is not here has
    /// the id of the build.
    #[serde(default)]
    pub ids: BTreeMap<String, String>,
    /// Digest of its sources alone, without compiler, flags and profile. Empty where not known.
    #[serde(default)]
    pub sources: String,
    /// Hash of all that the MPI library says of itself now, whichever it is: part of the key of
    /// cells under MPI.
    #[serde(default)]
    pub mpi: Option<String>,
    /// Backends it can run.
    pub backends: Vec<String>,
    /// Can it measure the machine's limits?
    #[serde(default)]
    pub limits: bool,
}

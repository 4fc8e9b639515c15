//! What a worker says of itself to whoever launches it.

use serde::{Deserialize, Serialize};

use crate::BuildFacts;

/// Exit code of a worker that panicked, as Rust has it.
pub const PANICKED: i32 = 101;

/// What a worker can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Version of the worker protocol.
    pub protocol: u32,
    /// What it was built from; its `id` is empty: a program does not know its own hash.
    pub build: BuildFacts,
    /// Backends it can run.
    pub backends: Vec<String>,
    /// Can it measure the machine's limits?
    #[serde(default)]
    pub limits: bool,
}

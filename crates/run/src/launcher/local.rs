//! One process on this machine: what has one rank.

use crate::launcher::{Command, Job, Launcher};
use amdahl_record::error::Result;

/// Starts the worker itself.
pub struct Local;

impl Launcher for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn command(&self, job: &Job) -> Result<Command> {
        Ok(Command { argv: job.worker_argv(), env: Vec::new(), has_children: false })
    }
}

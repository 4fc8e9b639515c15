//! One process on this machine: what has one rank.

use crate::launch::{Command, Job, Launcher};
use amdahl_record::cell::Cell;
use amdahl_record::error::Result;

/// Starts the worker itself.
pub struct Local;

impl Launcher for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn suits(&self, cell: &Cell, _lookup: &dyn Fn(&str) -> Option<String>) -> bool {
        !cell.backend.uses_mpi()
    }

    fn command(&self, job: &Job) -> Result<Command> {
        Ok(Command { argv: job.worker_argv(), env: Vec::new(), has_children: false })
    }
}

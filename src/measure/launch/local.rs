//! One process on this machine: what has one rank.

use crate::cell::Cell;
use crate::error::Result;
use crate::measure::launch::{Command, Job, Launcher};

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

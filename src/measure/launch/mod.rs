//! Launching: from a cell to a command line, and from a command line to a report.
//!
//! A [`Launcher`] is pure: it turns a cell into arguments and environment, so it is tested without a cluster. Starting, watching,
//! ending and reading the report are the supervisor's.

use crate::cell::Cell;
use crate::error::Result;
use std::path::PathBuf;

/// What a launcher needs to know besides the cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The cell.
    pub cell: Cell,
    /// The worker's executable.
    pub worker: PathBuf,
    /// The cell file to pass.
    pub cell_file: PathBuf,
    /// Where rank 0 writes the report.
    pub record_file: PathBuf,
    /// CPUs that this process may use.
    pub cpus: usize,
    /// Does the process run as the superuser?
    pub root: bool,
}

/// A command line and the variables to set for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables added to the environment.
    pub env: Vec<(String, String)>,
}

/// Turns a cell into a command line.
pub trait Launcher: Sync {
    /// Name in `amdahl doctor` and in records.
    fn name(&self) -> &'static str;
    /// Is it the one for this cell, in this environment? `lookup` reads an environment variable.
    fn suits(&self, cell: &Cell, lookup: &dyn Fn(&str) -> Option<String>) -> bool;
    /// The command line.
    fn command(&self, job: &Job) -> Result<Command>;
}

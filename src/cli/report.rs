//! `amdahl report`.

use crate::error::{Error, Result};

/// Arguments of `amdahl report`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args) -> Result<()> {
    Err(Error::unavailable("'amdahl report' is not there yet"))
}

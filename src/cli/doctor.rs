//! `amdahl doctor`.

use crate::error::{Error, Result};

/// Arguments of `amdahl doctor`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args) -> Result<()> {
    Err(Error::unavailable("'amdahl doctor' is not there yet"))
}

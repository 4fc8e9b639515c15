//! `amdahl figures`.

use crate::error::{Error, Result};

/// Arguments of `amdahl figures`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args) -> Result<()> {
    Err(Error::unavailable("'amdahl figures' is not there yet"))
}

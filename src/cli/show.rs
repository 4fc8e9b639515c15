//! `amdahl show`.

use crate::error::{Error, Result};

/// Arguments of `amdahl show`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args) -> Result<()> {
    Err(Error::unavailable("'amdahl show' is not there yet"))
}

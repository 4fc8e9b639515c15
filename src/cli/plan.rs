//! `amdahl plan`.

use crate::error::{Error, Result};

/// Arguments of `amdahl plan`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args) -> Result<()> {
    Err(Error::unavailable("'amdahl plan' is not there yet"))
}

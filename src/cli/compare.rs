//! `amdahl compare`.

use crate::error::{Error, Result};

/// Arguments of `amdahl compare`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args) -> Result<()> {
    Err(Error::unavailable("'amdahl compare' is not there yet"))
}

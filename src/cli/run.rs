//! `amdahl run`.

use crate::error::{Error, Result};

/// Arguments of `amdahl run`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args) -> Result<()> {
    Err(Error::unavailable("'amdahl run' is not there yet"))
}

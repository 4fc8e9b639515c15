//! `amdahl completions`: completion scripts for shells.

use clap::CommandFactory;

use crate::error::Result;

/// Arguments of `amdahl completions`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// Prints the script to standard output.
pub fn run(args: &Args) -> Result<()> {
    clap_complete::generate(args.shell, &mut super::Cli::command(), "amdahl", &mut std::io::stdout());
    Ok(())
}

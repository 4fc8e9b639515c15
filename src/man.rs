//! `amdahl man`: manual pages, for `make install`.

use std::path::PathBuf;

use clap::CommandFactory;

use crate::output;
use amdahl_clustering::verbs::manual;
use amdahl_record::error::Result;

const EXAMPLES: &str = "\
Examples:
  amdahl man share/man/man1
  amdahl man /tmp/pages";

/// Arguments of `amdahl man`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Where the pages go; the folder is made
    pub folder: PathBuf,
}

/// Writes the pages.
pub fn run(args: &Args) -> Result<()> {
    for path in manual::write(super::Cli::command(), &args.folder)? {
        output::print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

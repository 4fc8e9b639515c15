//! `amdahl completions`: completion scripts for shells.

use clap::CommandFactory;

use crate::output;
use amdahl_record::error::Result;

const EXAMPLES: &str = "\
Examples:
  amdahl completions bash > ~/.local/share/bash-completion/completions/amdahl
  amdahl completions zsh > ~/.zfunc/_amdahl                    # a folder of $fpath
  amdahl completions fish > ~/.config/fish/completions/amdahl.fish";

/// Arguments of `amdahl completions`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The shell.
    pub shell: clap_complete::Shell,
}

/// Prints the script to standard output.
pub fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "amdahl", &mut script);
    output::print_data(&String::from_utf8_lossy(&script))
}

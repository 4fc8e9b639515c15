//! `amdahl`: plans, launches and explains; clusters a person's data.

use std::process::ExitCode;

use amdahl::{Cli, output};
use amdahl_clustering::verbs::ranks;
use amdahl_lanes::signals;
use clap::Parser;

fn main() -> ExitCode {
    signals::reset();
    let parsed = match Cli::try_parse() {
        Ok(parsed) => parsed,
        // Every rank of a launcher has the same words, and the same to say about them.
        Err(error) if ranks::is_silent() => return ExitCode::from(error.exit_code() as u8),
        Err(error) => return output::say_of_command_line("amdahl", &error),
    };
    match amdahl::run(parsed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("amdahl: {error}\n"));
            ExitCode::from(error.exit_code())
        }
    }
}

//! `amdahl`: plans, launches and explains.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match amdahl::cli::run(amdahl::cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("amdahl: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

//! `mpiexec -n 3 amdahl fit …`: ranks of an MPI launcher.
//!
//! `amdahl` never links MPI. Where it finds itself started as one of several ranks it becomes
//! `amdahl-worker` (exec: the same process), which is linked to MPI, has the same verbs, and runs
//! them with one communicator over all ranks. Rank 0 alone writes and prints.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

use crate::verbs::Place;
use crate::verbs::{fit, predict};
use amdahl_lanes::process;
use amdahl_record::error::{Error, Result};
use amdahl_record::launched::{Ranks, ranks};

/// The verbs that run on ranks, with the words of `amdahl`'s own command line.
#[derive(Parser, Debug)]
#[command(name = "amdahl", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Fit(fit::Args),
    Predict(predict::Args),
}

/// Is this a rank of a launcher, but not the one that prints?
pub fn is_silent() -> bool {
    ranks(|name| std::env::var(name).ok()).is_some_and(|ranks| ranks != Ranks::Known(1))
        && process::rank_hint() != 0
}

/// Becomes the worker where this process is one of several ranks; returns where it is not.
pub fn join() -> Result<()> {
    match ranks(|name| std::env::var(name).ok()) {
        None | Some(Ranks::Known(0 | 1)) => Ok(()),
        Some(Ranks::Known(_) | Ranks::Unknown) => {
            let error = become_worker();
            if is_silent() {
                std::process::exit(i32::from(error.exit_code()));
            }
            Err(error)
        }
    }
}

/// Returns only when it failed.
fn become_worker() -> Error {
    match process::worker() {
        Ok(worker) => Error::io(
            "start",
            &worker,
            Command::new(&worker).args(std::env::args_os().skip(1)).exec(),
        ),
        Err(error) => error,
    }
}

/// The worker's `main` for a command line whose first word is a verb that runs on ranks; `None` for
/// any other command line.
pub fn main_of_worker() -> Option<ExitCode> {
    let verb = std::env::args().nth(1)?;
    if verb != "fit" && verb != "predict" {
        return None;
    }
    process::on_panic_abort();
    let rank = process::rank_hint();
    let verb = match Cli::try_parse() {
        Ok(cli) => cli.verb,
        Err(error) => {
            // Every rank has the same words, and the same to say about them.
            if rank == 0 {
                let _ = error.print();
            }
            return Some(ExitCode::from(error.exit_code() as u8));
        }
    };
    let result = match verb {
        Verb::Fit(args) => fit::run_on(&args, Place::Ranks),
        Verb::Predict(args) => predict::run_on(&args, Place::Ranks),
    };
    let Err(error) = result else { return Some(ExitCode::SUCCESS) };
    if rank == 0 {
        // One write: the lines of several processes must not mix.
        let _ = std::io::stderr().write_all(format!("amdahl: {error}\n").as_bytes());
    } else {
        // Rank 0 has the same error and is given a moment to say it, or hangs.
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    process::abort(i32::from(error.exit_code()))
}

//! `mpiexec -n 3 amdahl fit …`: ranks of an MPI launcher.
//!
//! `amdahl` never links MPI. Where it finds itself started as one of several ranks it becomes
//! `amdahl-worker` (exec: the same process), which is linked to MPI, has the same verbs, and runs
//! them with one communicator over all ranks. Rank 0 alone writes and prints.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

use crate::verbs::Place;
use crate::verbs::logging::Verbosity;
use crate::verbs::{fit, output, predict};
use amdahl_lanes::process;
use amdahl_record::error::{Error, Result};
use amdahl_record::launched::{Ranks, ranks};

/// The verbs that run on ranks, with the words of `amdahl`'s own command line.
#[derive(Parser, Debug)]
#[command(name = "amdahl", version, max_term_width = 120)]
struct Cli {
    #[command(flatten)]
    verbosity: Verbosity,
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

/// Is the first word of this command line a verb that runs on ranks? Before it may stand how much
/// to say.
fn runs_on_ranks(words: impl Iterator<Item = OsString>) -> bool {
    let how_much = |word: &OsString| match word.as_encoded_bytes() {
        b"--verbose" => true,
        [b'-', letters @ ..] => !letters.is_empty() && letters.iter().all(|letter| *letter == b'v'),
        _ => false,
    };
    let mut words = words.filter(|word| !how_much(word));
    words.next().is_some_and(|verb| verb == "fit" || verb == "predict")
}

/// The worker's `main` for a command line whose first word is a verb that runs on ranks; `None` for
/// any other command line.
pub fn main_of_worker() -> Option<ExitCode> {
    if !runs_on_ranks(std::env::args_os().skip(1)) {
        return None;
    }
    process::on_panic_abort();
    let rank = process::rank_hint();
    let Cli { verbosity, verb } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Every rank has the same words, and the same to say about them.
            return Some(match rank {
                0 => output::say_of_command_line("amdahl", &error),
                _ => ExitCode::from(error.exit_code() as u8),
            });
        }
    };
    verbosity.start(format!("amdahl: rank {rank}"));
    let result = match verb {
        Verb::Fit(args) => fit::run_on(&args, Place::Ranks),
        Verb::Predict(args) => predict::run_on(&args, Place::Ranks),
    };
    let Err(error) = result else { return Some(ExitCode::SUCCESS) };
    if rank == 0 {
        // One write: the lines of several processes must not mix.
        output::say(&format!("amdahl: {error}\n"));
    } else {
        // Rank 0 has the same error and is given a moment to say it, or hangs.
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    process::abort(i32::from(error.exit_code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_is_known_whatever_stands_before_it() {
        let of = |line: &str| runs_on_ranks(line.split_whitespace().map(OsString::from));
        assert!(of("fit p.csv -k 3") && of("-v fit p.csv") && of("-vvv --verbose predict m p.csv"));
        assert!(!of("--cell fit --record r") && !of("-v --cell fit") && !of("- fit") && !of(""));
        assert!(!of("-ä fit"));
    }
}

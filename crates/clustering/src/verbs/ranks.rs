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

/// Number of ranks that a launcher started, as far as its environment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranks {
    /// So many.
    Known(u32),
    /// A launcher is there, but does not say.
    Unknown,
}

/// What the environment says of an MPI launcher; `None` where there is none.
///
/// Open MPI and PRRTE, MPICH's Hydra, Intel and PMIx-less Slurm set a size; a step of Slurm says
/// how many tasks it has. A Slurm *job* (`SLURM_NTASKS`) is not a launch: its script runs once.
pub fn ranks(lookup: impl Fn(&str) -> Option<String>) -> Option<Ranks> {
    let number = |name: &str| lookup(name)?.trim().parse::<u32>().ok();
    let size = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"];
    match size.iter().find_map(|name| number(name)) {
        Some(ranks) => Some(Ranks::Known(ranks)),
        None => number("PMIX_RANK").map(|_| Ranks::Unknown),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(environment: &[(&str, &str)]) -> Option<Ranks> {
        ranks(|name| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn launchers_are_known_by_what_they_set() {
        assert_eq!(seen(&[]), None);
        assert_eq!(
            seen(&[("OMPI_COMM_WORLD_SIZE", "3"), ("PMIX_RANK", "0")]),
            Some(Ranks::Known(3))
        );
        assert_eq!(
            seen(&[("PMI_SIZE", "2"), ("PMI_RANK", "1")]),
            Some(Ranks::Known(2)),
            "Hydra, Intel MPI"
        );
        assert_eq!(
            seen(&[("SLURM_STEP_NUM_TASKS", "8"), ("SLURM_PROCID", "3")]),
            Some(Ranks::Known(8)),
            "srun"
        );
        assert_eq!(
            seen(&[("PMIX_RANK", "1")]),
            Some(Ranks::Unknown),
            "a launcher that only speaks PMIx"
        );
    }

    #[test]
    fn a_job_is_not_a_launch() {
        assert_eq!(
            seen(&[("SLURM_NTASKS", "8"), ("SLURM_PROCID", "0"), ("SLURM_JOB_ID", "5")]),
            None
        );
        assert_eq!(
            seen(&[("SLURM_STEP_NUM_TASKS", "1")]),
            Some(Ranks::Known(1)),
            "a shell that srun started"
        );
        assert_eq!(seen(&[("PMI_SIZE", "many")]), None, "no number");
    }
}

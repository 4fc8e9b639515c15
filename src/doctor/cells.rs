//! Does it really run? One tiny cell of each backend of the worker, as a sweep would run it, and
//! its answer against the serial one.

use std::path::Path;

use super::check::Check;
use super::programs::INSTALL_MPI;
use amdahl_accelerator::environment::Wanted;
use amdahl_kmeans_description::spec::{KMeans, Stop};
use amdahl_lanes::signals::Interrupts;
use amdahl_record::cell::{BACKENDS, Backend, Cell, Dataset, Platform, ReductionName, Synthetic};
use amdahl_record::counters::Counters;
use amdahl_record::error::Error;
use amdahl_record::units;
use amdahl_record::{Answer, Measured};
use amdahl_run::launch::attempt::{Executor, Launching};
use amdahl_run::launch::classify::Ending;
use amdahl_run::launch::peer::Programs;
use amdahl_run::launch::program::Worker;
use amdahl_run::launcher::Site;

const TOPIC: &str = "Cells";

/// Seconds that a tiny cell may take before it counts as hanging.
const LIMIT_S: f64 = 30.0;

/// A cell of a millisecond.
pub fn tiny(backend: Backend) -> Cell {
    let ranks = if backend.uses_mpi() { 2 } else { 1 };
    let threads = if backend.uses_threads() { 2 } else { 1 };
    let kmeans = KMeans::new(8, Stop::Iterations(5), 1);
    Cell {
        workload: kmeans.spec(),
        dataset: Dataset::Synthetic {
            shape: Synthetic::Mixture,
            points: 2000,
            dims: 8,
            clusters: 8,
            seed: 1,
        },
        backend,
        ranks,
        threads,
        oversubscribe: true,
        reduction: ReductionName::default(),
    }
}

/// What starts the cells, with its files in `scratch`.
pub fn launching<'a>(
    worker: &'a Worker,
    site: &Site,
    scratch: &Path,
    interrupts: &'a Interrupts,
) -> Launching<'a> {
    Launching {
        worker,
        site: site.clone(),
        scratch: scratch.into(),
        logs: scratch.join("logs"),
        run: format!("doctor-{}", std::process::id()),
        interrupts,
        number: 0,
        programs: Programs::default(),
        counters: Counters::Auto,
        temporary: Some(scratch.into()),
    }
}

/// Runs the tiny cell once. The error is the reason in a record.
pub fn attempt(executor: &mut dyn Executor, cell: &Cell) -> Result<Box<Measured>, String> {
    match executor.attempt(&cell.id(), cell, LIMIT_S) {
        Ok(attempt) => match attempt.ending {
            Ending::Answered(_, measured) => Ok(measured),
            Ending::Failed { class, reason } => {
                Err(format!("{}: {}", class.word(), short(&reason)))
            }
        },
        Err(error) => Err(short(&error.message)),
    }
}

/// One check a backend, the serial one first.
pub fn checks(worker: &Worker, site: &Site, scratch: &Path, interrupts: &Interrupts) -> Vec<Check> {
    let mut launching = launching(worker, site, scratch, interrupts);
    let mut oracle: Option<Answer> = None;
    let mut checks = Vec::new();
    for (name, ..) in BACKENDS {
        let Some(backend) = Backend::from_name(name) else { continue };
        match backend.platform() {
            None | Some(Platform::Reference) => {}
            Some(Platform::XlaCpu) => {
                if let Err(error) = installed(worker) {
                    let help = error.hint.unwrap_or_default();
                    checks.push(Check::no(TOPIC, *name, error.message, help));
                    continue;
                }
            }
            // Real accelerators have a verb of their own: 'amdahl doctor --trainium'.
            Some(Platform::Any | Platform::Cuda | Platform::Trainium) => continue,
        }
        let cell = tiny(backend);
        let title = match (cell.ranks, cell.threads) {
            (1, 1) => name.to_string(),
            (ranks, threads) => format!("{name}, {ranks} x {threads} lanes"),
        };
        if !worker.can.backends.iter().any(|known| known == name) {
            checks.push(Check::no(TOPIC, title, "this worker was built without it", INSTALL_MPI));
            continue;
        }
        checks.push(match attempt(&mut launching, &cell) {
            Ok(measured) => judge(&title, &measured, &mut oracle),
            Err(why) => Check::no(
                TOPIC,
                title,
                why,
                "cells of this backend become rows with this reason; 'amdahl-worker --cell FILE --record FILE' shows all of it",
            ),
        });
    }
    checks
}

/// Is XLA's plugin for processors where the worker looks for it?
fn installed(worker: &Worker) -> Result<(), Error> {
    let wanted = Wanted { platform: Platform::XlaCpu, ..Wanted::default() };
    amdahl_accelerator::settle(&wanted, Some(&worker.path)).map(drop)
}

fn judge(title: &str, measured: &Measured, oracle: &mut Option<Answer>) -> Check {
    let took = units::seconds(measured.seconds);
    let Some(right) = oracle else {
        *oracle = Some(measured.answer.clone().take());
        return Check::yes(TOPIC, title, format!("answered, iterations took {took}"));
    };
    match measured.answer.check_exact(right, &["distances", "init_distances"]) {
        Ok(()) => {
            Check::yes(TOPIC, title, format!("the same answer, bit by bit; iterations took {took}"))
        }
        Err(what) => Check::no(
            TOPIC,
            title,
            format!("another answer than serial: {what}"),
            "this is a defect: report it",
        ),
    }
}

/// The first line, and not too much of it, without the place of a log that the doctor removes.
fn short(reason: &str) -> String {
    const MOST: usize = 240;
    let line = reason.lines().next().unwrap_or_default();
    let line = line.split(" (all of it: ").next().unwrap_or(line);
    match line.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_has_a_tiny_cell_that_is_valid() {
        for (name, ..) in BACKENDS {
            let cell = tiny(Backend::from_name(name).expect("registered"));
            cell.validate().unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn reasons_are_cut_to_a_line() {
        assert_eq!(short("one\ntwo"), "one");
        assert_eq!(short("killed (all of it: logs/x.log)"), "killed");
        assert_eq!(short(&"ä".repeat(500)).chars().count(), 241);
    }
}

//! What measuring itself costs, measured here and now: a phase boundary, a snapshot of each probe,
//! a cell.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::cells::{attempt, launching, tiny};
use super::check::Check;
use super::programs::refused;
use amdahl_lanes::comm::Comm;
use amdahl_lanes::comm::threads::Team;
use amdahl_lanes::pin;
use amdahl_lanes::probe::recorder::Recorder;
use amdahl_lanes::probe::{Availability, PROBES, ProbeSource, Raw, Seat};
use amdahl_lanes::signals::Interrupts;
use amdahl_record::Phase;
use amdahl_record::cell::{Backend, canonical};
use amdahl_record::error::{Error, Result};
use amdahl_record::host;
use amdahl_record::units;
use amdahl_run::launch::program::Worker;
use amdahl_run::launcher::Site;
use amdahl_stats::binomial::median_interval;
use amdahl_stats::median;

const TOPIC: &str = "Cost of measuring";

/// Batches, the median of which is told, and calls in a batch.
const BATCHES: usize = 41;
const CALLS: usize = 500;

/// Pairs of a supervised and a bare run of the same cell.
const PAIRS: usize = 15;

/// All costs.
pub fn checks(
    worker: Option<&Worker>,
    site: &Site,
    scratch: &Path,
    interrupts: &Interrupts,
) -> Vec<Check> {
    let mut checks = vec![Check::time(
        TOPIC,
        "step of the clock",
        clock_step(),
        "is the least that can be told apart",
    )];
    for (name, sources) in
        [("clock", &PROBES[..1]), ("clock + rusage", &PROBES[..2]), ("all probes", PROBES)]
    {
        checks.push(Check::time(
            TOPIC,
            format!("phase boundary: {name}"),
            boundary_s(sources),
            "each",
        ));
    }
    for source in PROBES {
        let name = format!("snapshot of {}", source.name);
        checks.push(match snapshot_s(source) {
            (0, _) => Check::fact(TOPIC, name, "nothing: none of its counters can be had here"),
            (1, cost) => Check::time(TOPIC, name, cost, "each, 1 counter"),
            (counters, cost) => {
                Check::time(TOPIC, name, cost, &format!("each, {counters} counters"))
            }
        });
    }
    checks.push(barrier());
    checks.extend(match worker {
        Some(worker) => cell_checks(worker, site, scratch, interrupts),
        None => vec![Check::no(
            TOPIC,
            "cell",
            "there is no worker to run one",
            "make build, or name the worker in AMDAHL_WORKER",
        )],
    });
    checks
}

/// The smallest difference of two readings of the wall clock that is not 0, seconds.
fn clock_step() -> f64 {
    let mut smallest = f64::INFINITY;
    for _ in 0..10_000 {
        let before = Instant::now();
        let mut step = before.elapsed();
        while step.is_zero() {
            step = before.elapsed();
        }
        smallest = smallest.min(step.as_secs_f64());
    }
    smallest
}

/// Seconds that `call` takes, the median of batches.
fn per_call(mut call: impl FnMut()) -> f64 {
    let batches: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            start.elapsed().as_secs_f64() / CALLS as f64
        })
        .collect();
    median(&batches).unwrap_or(f64::NAN)
}

/// Seconds of one change of phase with these probes.
fn boundary_s(sources: &[ProbeSource]) -> f64 {
    let recorder = Recorder::new(sources, Seat::ALONE);
    let mut phases = [Phase::INIT, Phase::WAIT].iter().cycle();
    per_call(|| {
        if let Some(&phase) = phases.next() {
            recorder.enter(phase);
        }
    })
}

/// The number of its counters, and seconds of one snapshot of this probe alone.
fn snapshot_s(source: &ProbeSource) -> (usize, f64) {
    let mut probe = (source.open)(Seat::ALONE);
    let available = probe
        .available()
        .iter()
        .filter(|(_, availability)| *availability == Availability::Yes)
        .count();
    let mut raw = vec![Raw::LOST; available];
    let cost = per_call(|| {
        probe.snapshot(&mut raw);
        std::hint::black_box(&raw);
    });
    (available, cost)
}

/// The barrier that is added before each collective, on as many threads as there are CPUs (2 at
/// least).
fn barrier() -> Check {
    let cpus = host::allowed_cpus();
    let lanes = cpus.len().max(2);
    let name = format!("barrier of {lanes} threads");
    match barrier_s(lanes, &cpus) {
        Ok(cost) => Check::time(
            TOPIC,
            name,
            cost,
            "each: added before every collective to tell waiting from reducing",
        ),
        Err(error) => refused(TOPIC, &name, &error),
    }
}

fn barrier_s(lanes: usize, cpus: &[u32]) -> Result<f64> {
    /// Fewer than of calls without company: a barrier is slow where lanes share CPUs.
    const BARRIERS: usize = 100;
    let team = Team::new(lanes, lanes > cpus.len());
    let run = &|thread: usize| -> Result<f64> {
        if let Some(&cpu) = cpus.get(thread) {
            pin::pin(cpu);
        }
        let comm = team.member(team.lane(thread));
        let mut batches = Vec::with_capacity(BATCHES);
        for _ in 0..BATCHES {
            let start = Instant::now();
            for _ in 0..BARRIERS {
                comm.barrier()?;
            }
            batches.push(start.elapsed().as_secs_f64() / BARRIERS as f64);
        }
        Ok(median(&batches).unwrap_or(f64::NAN))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..lanes)
            .map(|thread| std::thread::Builder::new().spawn_scoped(scope, move || run(thread)))
            .collect::<std::io::Result<_>>()
            .map_err(|e| Error::internal(format!("cannot start {lanes} threads: {e}")))
            .inspect_err(|_| team.poison())?;
        let costs: Result<Vec<f64>> = threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::internal("a thread panicked")))
            })
            .collect();
        costs.map(|costs| costs[0])
    })
}

/// The tiny serial cell, supervised as in a sweep and bare, in turns.
fn cell_checks(
    worker: &Worker,
    site: &Site,
    scratch: &Path,
    interrupts: &Interrupts,
) -> Vec<Check> {
    const NAME: &str = "cell, over the bare worker";
    match pairs(worker, site, scratch, interrupts) {
        Err(why) => vec![Check::no(
            TOPIC,
            NAME,
            why,
            "see the cells above: the serial one has to run first",
        )],
        Ok(pairs) => {
            let middle = |of: &dyn Fn(&Pair) -> f64| {
                median(&pairs.iter().map(of).collect::<Vec<_>>()).unwrap_or(f64::NAN)
            };
            let more: Vec<f64> = pairs.iter().map(|p| p.supervised_s - p.bare_s).collect();
            // An interval of order statistics holds without any assumption on the noise.
            let between = median_interval(&more, 0.95).map_or(String::new(), |interval| {
                format!(
                    ", 95 % sure between {} and {}",
                    units::seconds(interval.low),
                    units::seconds(interval.high)
                )
            });
            let remark = format!("more for each repeat (median of {} pairs{between})", more.len());
            vec![
                Check::time(TOPIC, NAME, median(&more).unwrap_or(f64::NAN), &remark),
                Check::time(
                    TOPIC,
                    "bare worker",
                    middle(&|p| p.bare_s),
                    "for a tiny cell, process start and end included",
                ),
                Check::time(
                    TOPIC,
                    "of that the timed part",
                    middle(&|p| p.timed_s),
                    "the only part that a record's time holds",
                ),
            ]
        }
    }
}

struct Pair {
    supervised_s: f64,
    bare_s: f64,
    timed_s: f64,
}

fn pairs(
    worker: &Worker,
    site: &Site,
    scratch: &Path,
    interrupts: &Interrupts,
) -> Result<Vec<Pair>, String> {
    let mut launching = launching(worker, site, scratch, interrupts);
    let cell = tiny(Backend::SERIAL);
    let cell_file = scratch.join("bare.cell.json");
    std::fs::write(&cell_file, canonical(&cell))
        .map_err(|e| format!("cannot write {}: {e}", cell_file.display()))?;
    let mut pairs = Vec::with_capacity(PAIRS);
    for round in 0..=PAIRS {
        let start = Instant::now();
        let measured = attempt(&mut launching, &cell)?;
        let supervised_s = start.elapsed().as_secs_f64();
        // A name of its own: some file systems wait for the disk when a file is renamed over
        // another.
        let record_file = scratch.join(format!("bare-{round}.report.json"));
        let start = Instant::now();
        let status = Command::new(&worker.path)
            .args([Path::new("--cell"), &cell_file, Path::new("--record"), &record_file])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|e| format!("cannot start {}: {e}", worker.path.display()))?;
        let bare_s = start.elapsed().as_secs_f64();
        if !status.success() {
            return Err(format!("the bare worker ended with {status}"));
        }
        // The first round reads the executable from the disk.
        if round > 0 {
            pairs.push(Pair { supervised_s, bare_s, timed_s: measured.seconds });
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_positive_and_finite() {
        let barrier = barrier_s(2, &host::allowed_cpus()).expect("two threads");
        for cost in [clock_step(), boundary_s(PROBES), snapshot_s(&PROBES[0]).1, barrier] {
            assert!(cost > 0.0 && cost.is_finite(), "{cost}");
        }
    }
}

//! `amdahl doctor --noise`: the worker against itself in pairs, and the smallest change that this
//! machine can show.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::cells::{attempt, launching};
use super::{Format, NOTHING, SCHEMA, Scratch};
use crate::output;
use amdahl_explain::{labels, noise as explained};
use amdahl_kmeans_description::spec::{KMeans, Stop};
use amdahl_lanes::probe::load::Watch;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::cell::{Backend, Cell, Dataset, ReductionName, Synthetic};
use amdahl_record::error::{Error, Result};
use amdahl_record::host;
use amdahl_record::noise::{CellNoise, NOISE, Noise, Smallest};
use amdahl_record::units;
use amdahl_run::launch::attempt::now_ms;
use amdahl_run::launch::program::Worker;
use amdahl_run::launcher::Site;
use amdahl_run::noise;
use amdahl_stats::{median, pairs};

/// Seconds that one cell's pairs may take together, in full and in short; fewer pairs are measured
/// where they would take longer.
const BUDGET_S: [f64; 2] = [50.0, 14.0];

/// Blocks of two pairs, at most and at least: 40 pairs are twice a job of 20.
const MOST_BLOCKS: usize = 100;
const LEAST_BLOCKS: usize = 20;

/// Pairs of a job.
const JOBS_OF: [usize; 3] = [10, 20, 40];

/// The fixed cell: tens of milliseconds, what a gate would measure.
fn cell(backend: Backend, threads: u32) -> Cell {
    let kmeans = KMeans::new(16, Stop::Iterations(20), 1);
    let dataset = Dataset::Synthetic {
        shape: Synthetic::Mixture,
        points: 100_000,
        dims: 16,
        clusters: 16,
        seed: 1,
    };
    Cell {
        workload: kmeans.spec(),
        dataset,
        backend,
        ranks: 1,
        threads,
        oversubscribe: false,
        reduction: ReductionName::default(),
    }
}

/// Measures, keeps and prints the certificate.
pub fn run(format: Format, quick: bool) -> Result<()> {
    let scratch = Scratch::new()?;
    let interrupts = Interrupts::install(NOTHING)?;
    let worker = Worker::find(&scratch.folder, &interrupts)?;
    let site = Site::gather(None);
    let host = host::gather();
    let mut cells = vec![cell(Backend::SERIAL, 1)];
    let cpus = u32::try_from(host.allowed_cpus.len()).unwrap_or(1);
    if cpus > 1 {
        cells.extend(Backend::from_name("threads").map(|threads| cell(threads, cpus)));
    }
    let watch = Watch::start();
    let mut launching = launching(&worker, &site, &scratch.folder, &interrupts);
    let budget = BUDGET_S[usize::from(quick)];
    let mut measured = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        let later = cells.len() - at - 1;
        let mut once = || -> Result<f64> {
            interrupts.check()?;
            let name = labels::cell(cell);
            let refused = |why| {
                Error::unavailable(format!("the cell {name} does not run: {why}"))
                    .hint("see 'amdahl doctor'")
            };
            attempt(&mut launching, cell).map(|measured| measured.seconds).map_err(refused)
        };
        measured.push(against_itself(&mut once, cell, budget, later)?);
    }
    let noise = Noise {
        version: NOISE,
        host: host.id,
        build: worker.can.build.id.clone(),
        measured_ms: now_ms(),
        cells: measured,
        load: watch.stop(),
    };
    let kept = noise::save(&noise)?;
    output::print(&match format {
        Format::Text => {
            let kept = kept.map_or(
                "not kept: there is no cache folder (set HOME or XDG_CACHE_HOME)".into(),
                |path| {
                    format!(
                        "kept in {}; 'amdahl run' copies it to results of this machine",
                        path.display()
                    )
                },
            );
            format!(
                "{}\n{}\n{kept}\n",
                explained::text(&noise).trim_end(),
                capital(&explained::sentence(&noise))
            )
        }
        Format::Json => {
            #[derive(Serialize)]
            struct Found<'a> {
                schema: u32,
                noise: &'a Noise,
            }
            let found = Found { schema: SCHEMA, noise: &noise };
            serde_json::to_string_pretty(&found)
                .map_err(|e| Error::internal(format!("noise as JSON: {e}")))?
                + "\n"
        }
    })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// Pairs of a cell with itself in ABBA and BAAB blocks, as many as the budget allows. `later`:
/// number of cells that come afterwards.
fn against_itself(
    once: &mut dyn FnMut() -> Result<f64>,
    cell: &Cell,
    budget_s: f64,
    later: usize,
) -> Result<CellNoise> {
    // The first run reads the executable from the disk; the second says how long one takes.
    once()?;
    let start = Instant::now();
    once()?;
    let each = start.elapsed().as_secs_f64();
    let blocks = ((budget_s / (4.0 * each)) as usize).clamp(LEAST_BLOCKS, MOST_BLOCKS);
    let orders = pairs::orders(blocks, now_ms());
    let name = labels::cell(cell);
    let mut progress = Progress::new(&name, blocks, later);
    let (mut log_ratios, mut seconds) =
        (Vec::with_capacity(2 * blocks), Vec::with_capacity(4 * blocks));
    for (done, baab) in orders.into_iter().enumerate() {
        progress.show(done);
        // A and B are the same program: which is which is a name, and the order of the names is
        // what a gate would do.
        let of = [once()?, once()?, once()?, once()?];
        seconds.extend(of);
        log_ratios.extend(match baab {
            false => [(of[1] / of[0]).ln(), (of[2] / of[3]).ln()],
            true => [(of[0] / of[1]).ln(), (of[3] / of[2]).ln()],
        });
    }
    progress.end();
    let smallest = JOBS_OF.into_iter().filter_map(|n| {
        let found = pairs::resolution(&log_ratios, n)?;
        Some(Smallest {
            pairs: n as u32,
            level: found.level,
            bias: found.bias,
            change: found.change,
            false_alarms: found.false_alarms,
        })
    });
    let smallest = smallest.collect();
    let seconds = median(&seconds).ok_or_else(|| Error::internal("a time that is no number"))?;
    Ok(CellNoise { cell: cell.clone(), seconds, log_ratios, smallest })
}

/// How far it is: a line that is written over on a terminal, four lines elsewhere. Nothing wakes up
/// while a worker runs.
struct Progress<'a> {
    name: &'a str,
    blocks: usize,
    later: usize,
    started: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl<'a> Progress<'a> {
    fn new(name: &'a str, blocks: usize, later: usize) -> Progress<'a> {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let terminal = std::io::stderr().is_terminal() && !dumb;
        Progress { name, blocks, later, started: Instant::now(), shown: None, terminal }
    }

    fn show(&mut self, done: usize) {
        let due = match self.terminal {
            true => self.shown.is_none_or(|shown| shown.elapsed() > Duration::from_millis(500)),
            false => done.is_multiple_of(self.blocks.div_ceil(4)),
        };
        if !due {
            return;
        }
        self.shown = Some(Instant::now());
        let left = match done {
            0 => String::new(),
            done => {
                let each = self.started.elapsed().as_secs_f64() / done as f64;
                // Later cells take about as long, mostly less: they have more lanes.
                let blocks = self.blocks - done + self.later * self.blocks;
                format!(", about {} left", units::seconds(each * blocks as f64))
            }
        };
        let line = format!("  {}: {} of {} pairs{left}", self.name, 2 * done, 2 * self.blocks);
        // Nobody reads: no reason to stop.
        let _ = match self.terminal {
            true => write!(std::io::stderr(), "\r\u{1b}[2K{line}"),
            false => writeln!(std::io::stderr(), "{line}"),
        };
    }

    fn end(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\u{1b}[2K"); // as above
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn a_drift_falls_out_of_the_blocks() {
        // Times that grow from run to run, as on a machine that gets warmer.
        let mut runs = 0.0;
        let mut once = || -> Result<f64> {
            runs += 1.0;
            Ok(1.0 + runs * 1e-4)
        };
        let found = against_itself(&mut once, &cell(Backend::SERIAL, 1), 1.0, 0).expect("runs");
        assert!(
            found.log_ratios.len() >= 2 * LEAST_BLOCKS && found.log_ratios.len() <= 2 * MOST_BLOCKS
        );
        // In a block the pairs disagree in sign and nearly agree in size.
        for block in found.log_ratios.chunks(2) {
            assert!(block[0] * block[1] < 0.0 && (block[0] + block[1]).abs() < 1e-6, "{block:?}");
        }
        let twenty =
            found.smallest.iter().find(|smallest| smallest.pairs == 20).expect("enough pairs");
        assert!(twenty.bias < 2e-4 && twenty.change < 5e-4, "{twenty:?}");
    }

    #[test]
    fn the_cell_is_valid() {
        cell(Backend::SERIAL, 1).validate().expect("valid");
        cell(Backend::from_name("threads").expect("registered"), 2).validate().expect("valid");
        assert_eq!(capital("smallest"), "Smallest");
    }
}

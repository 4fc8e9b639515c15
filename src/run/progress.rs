//! What a person sees while a sweep runs: a bar with an estimate on a terminal; elsewhere (a job's
//! log) how much there is to do, a line for each cell that is done, and now and then how far it is.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Names;
use crate::output;
use amdahl_clustering::verbs::logging;
use amdahl_explain::labels::one_line;
use amdahl_record::cell::CellId;
use amdahl_record::simulation::{LastLevel, Simulation};
use amdahl_record::units;
use amdahl_record::visible::visible;
use amdahl_record::{Failure, Record};
use amdahl_run::plan::PlannedCell;
use amdahl_run::sweep::{Standing, Watch};

/// Watches a sweep for a person.
pub struct Progress<'a> {
    names: &'a Names,
    estimate: Estimate,
    /// The bar on a terminal, and what shows it once the sweep has taken two seconds.
    bar: Option<(ProgressBar, mpsc::Sender<()>, Option<JoinHandle<()>>)>,
    measured: u32,
    started: Instant,
    /// When something was said last, without a bar; `None` before the first repeat.
    spoke: Option<Instant>,
}

/// Seconds without a word after which a log tells how far the sweep is, when it has taken so many.
/// Cells are interleaved, so all end late.
fn silence_s(elapsed_s: f64) -> f64 {
    20.0 + elapsed_s / 20.0
}

impl<'a> Progress<'a> {
    /// For so many cells with these names.
    pub fn new(names: &'a Names, cells: usize) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bar = (std::io::stderr().is_terminal() && !dumb).then(|| bar(cells));
        logging::around(bar.as_ref().map(|(bar, ..)| logging::suspending(bar)));
        Progress {
            names,
            estimate: Estimate::default(),
            bar,
            measured: 0,
            started: Instant::now(),
            spoke: None,
        }
    }

    /// Takes the bar away. Returns the number of records that were written.
    pub fn finish(mut self) -> u32 {
        logging::around(None);
        if let Some((bar, stop, shower)) = self.bar.take() {
            drop(stop);
            if let Some(shower) = shower {
                let _ = shower.join(); // it cannot panic
            }
            bar.finish_and_clear();
        }
        self.measured
    }

    fn say(&mut self, line: &str) {
        self.spoke = Some(Instant::now());
        match &self.bar {
            Some((bar, ..)) => bar.suspend(|| output::say(&format!("{line}\n"))),
            None => output::say(&format!("{line}\n")),
        }
    }

    /// Without a bar: what there is to do, before the first repeat.
    fn announce(&mut self) {
        if self.bar.is_none() && self.spoke.is_none() {
            let (repeats, cells) = (self.estimate.all(), self.estimate.missing.len());
            let plural = |n: u64, what: &str| {
                format!("{} {what}{}", units::count(n as f64), if n == 1 { "" } else { "s" })
            };
            self.say(&format!(
                "measuring {} of {}",
                plural(repeats, "repeat"),
                plural(cells as u64, "cell")
            ));
        }
    }

    /// Without a bar: how far it is, where nothing was said for a while.
    fn tell(&mut self) {
        let elapsed = self.started.elapsed().as_secs_f64();
        let quiet = self.spoke.map_or(0.0, |spoke| spoke.elapsed().as_secs_f64());
        if self.bar.is_none() && quiet > silence_s(elapsed) {
            self.say(&format!("[{}] {}", units::seconds(elapsed), self.estimate.words()));
        }
    }

    fn show(&self, doing: &str) {
        if let Some((bar, ..)) = &self.bar {
            let left = self
                .estimate
                .seconds_left()
                .map_or(String::new(), |s| format!(", about {} left", units::seconds(s)));
            bar.set_length(self.estimate.all());
            bar.set_position(self.estimate.done);
            bar.set_message(visible(&format!("{doing}{left}")).into_owned());
        }
    }
}

/// A bar that shows itself after two seconds: what takes less needs none. Nothing wakes up to
/// redraw it while a worker is measured.
fn bar(cells: usize) -> (ProgressBar, mpsc::Sender<()>, Option<JoinHandle<()>>) {
    let bar = ProgressBar::with_draw_target(Some(cells as u64), ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {wide_msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    let (stop, stopped) = mpsc::channel::<()>();
    let shown = bar.clone();
    let shower = std::thread::spawn(move || {
        if stopped.recv_timeout(Duration::from_secs(2)) == Err(mpsc::RecvTimeoutError::Timeout) {
            shown.set_draw_target(ProgressDrawTarget::stderr());
            shown.tick();
        }
    });
    (bar, stop, Some(shower))
}

impl Watch for Progress<'_> {
    fn notice(&mut self, what: &str) {
        self.say(&format!("amdahl: {what}"));
    }

    fn restored(&mut self, cell: &PlannedCell, repeats: usize) {
        let name = self.names.of(cell);
        self.say(&format!(
            "{name}: the line that says which cell it is was lost, with {repeats} repeats; it is \
             written again, and they count"
        ));
    }

    fn missing(&mut self, cell: &PlannedCell, repeats: u32) {
        self.estimate.missing.insert(cell.id.clone(), repeats);
    }

    fn begins(&mut self, cell: &PlannedCell, repeat: u32) {
        self.announce();
        self.show(&format!("{} repeat {}", self.names.of(cell), repeat + 1));
    }

    fn recorded(&mut self, cell: &PlannedCell, record: &Record, is_new: bool) {
        self.measured += u32::from(is_new);
        self.estimate.took(&cell.id, record);
        self.show(self.names.of(cell));
        self.tell();
    }

    fn over(&mut self, cell: &PlannedCell, standing: &Standing) {
        let had = self.estimate.over(&cell.id);
        let name = self.names.of(cell);
        match standing {
            // What was found in the records is said at the end.
            _ if !had => {}
            // On a terminal the bar says enough.
            Standing::Done if self.bar.is_some() => {}
            Standing::Done => {
                let worker = self
                    .estimate
                    .mean(&cell.id)
                    .map_or(String::new(), |s| format!(", {} a repeat", units::seconds(s)));
                self.say(&format!(
                    "[{}] {name}: done{worker}",
                    units::seconds(self.started.elapsed().as_secs_f64())
                ));
            }
            // Often many of the same kind, and said at the end.
            Standing::Open | Standing::Failed(Failure::Unavailable | Failure::Unchecked, _) => {}
            Standing::Wrong(why) => self.say(&format!("{name}: wrong: {}", one_line(why, 100))),
            Standing::Failed(class, why) => {
                self.say(&format!("{name}: {}: {}", class.word(), one_line(why, 100)));
            }
        }
    }

    fn simulates(&mut self, cell: &PlannedCell, last: LastLevel) {
        self.show(&format!(
            "{} simulated with the last level {}",
            self.names.of(cell),
            last.words()
        ));
    }

    fn simulated(&mut self, cell: &PlannedCell, simulation: &Simulation) {
        self.measured += 1;
        // On a terminal the bar says enough; what failed is said at the end.
        if self.bar.is_none() && simulation.counts().is_some() {
            let took =
                simulation.process_s.map_or(String::new(), |s| format!(", {}", units::seconds(s)));
            let words = simulation.caches.last.words();
            let at = units::seconds(self.started.elapsed().as_secs_f64());
            self.say(&format!(
                "[{at}] {}: simulated with the last level {words}{took}",
                self.names.of(cell)
            ));
        }
    }

    fn without_noise(&mut self, why: &str) {
        self.say(&format!("  no noise certificate of this machine: {}", one_line(why, 300)));
    }

    fn without_limits(&mut self, why: &str) {
        self.say(&format!(
            "amdahl: no limits of this machine to compare with: {}",
            one_line(why, 300)
        ));
    }

    fn waits(&mut self, cells: usize) {
        self.show(&format!("waiting for another sweep ({cells} repeats)"));
    }
}

/// How long is left, from how long repeats took.
#[derive(Debug, Default)]
struct Estimate {
    /// Repeats that are missing, by cell.
    missing: BTreeMap<CellId, u32>,
    /// Seconds and number of repeats, by cell.
    took: BTreeMap<CellId, (f64, u32)>,
    /// Repeats that were made.
    done: u64,
}

impl Estimate {
    fn took(&mut self, cell: &CellId, record: &Record) {
        let entry = self.took.entry(cell.clone()).or_default();
        // What was refused without a process says nothing about how long one takes.
        *entry = (
            entry.0 + record.process_s.unwrap_or(0.0),
            entry.1 + u32::from(record.process_s.is_some()),
        );
        self.done += 1;
        if record.counts()
            && let Some(missing) = self.missing.get_mut(cell)
        {
            *missing = missing.saturating_sub(1);
        }
    }

    /// Nothing more will be done for the cell. Says whether anything was.
    fn over(&mut self, cell: &CellId) -> bool {
        self.missing.remove(cell);
        self.took.contains_key(cell)
    }

    /// Mean seconds of a repeat of the cell.
    fn mean(&self, cell: &CellId) -> Option<f64> {
        self.took.get(cell).filter(|(_, n)| *n > 0).map(|(seconds, n)| seconds / f64::from(*n))
    }

    /// How far it is.
    fn words(&self) -> String {
        let left = self
            .seconds_left()
            .map_or(String::new(), |s| format!(", about {} left", units::seconds(s)));
        format!(
            "{} of {} repeats{left}",
            units::count(self.done as f64),
            units::count(self.all() as f64)
        )
    }

    /// Repeats that were made and that are missing.
    fn all(&self) -> u64 {
        self.done + self.missing.values().map(|&n| u64::from(n)).sum::<u64>()
    }

    /// Seconds until the end: a cell that ran takes as long again, one that did not as long as the
    /// others did.
    fn seconds_left(&self) -> Option<f64> {
        let (seconds, n) =
            self.took.values().fold((0.0, 0), |(s, n), (seconds, count)| (s + seconds, n + count));
        if n == 0 {
            return None;
        }
        let others = seconds / f64::from(n);
        Some(
            self.missing
                .iter()
                .map(|(cell, &n)| f64::from(n) * self.mean(cell).unwrap_or(others))
                .sum(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::{Key, Outcome};

    #[test]
    fn what_is_left_is_estimated_from_what_was_taken() {
        let id = |n: &str| CellId(n.into());
        let record = |process_s| Record {
            key: Key {
                cell: id("a"),
                build: String::new(),
                data: String::new(),
                host: String::new(),
                mpi: None,
            }
            .into(),
            run: String::new().into(),
            repeat: 0,
            started_ms: 0,
            process_s: Some(process_s),
            outcome: Outcome::Failed { class: Failure::Killed, reason: String::new() },
            measured: None,
        };
        let mut estimate =
            Estimate { missing: [(id("a"), 2), (id("b"), 3)].into(), ..Estimate::default() };
        assert_eq!(estimate.seconds_left(), None, "nothing is known yet");
        estimate.took(&id("a"), &record(2.0));
        assert_eq!(estimate.seconds_left(), Some(2.0 * 2.0 + 3.0 * 2.0));
        estimate.took(&id("b"), &record(4.0));
        assert_eq!(estimate.seconds_left(), Some(2.0 * 2.0 + 3.0 * 4.0));
        assert_eq!(estimate.all(), 7);
        assert_eq!(estimate.words(), "2 of 7 repeats, about 16.0 s left");
        assert!(estimate.over(&id("b")));
        assert_eq!(estimate.seconds_left(), Some(4.0));
    }
}

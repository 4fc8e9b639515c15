//! A sweep: every wanted repeat of every cell, checked against its oracle, recorded one by one.
//!
//! Nothing here starts a process or knows what a cell computes: attempts are an [`Executor`]'s,
//! records the [`Store`]'s.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::launch::attempt::{Attempt, Executor, Runs, one_line};
use crate::launch::classify::Ending;
use crate::plan::PlannedCell;
use crate::store::{Store, claim, state};
use amdahl_data::stamp::Stamp;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::cell::{Dataset, canonical};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::host::HostFacts;
use amdahl_record::limits::Limits;
use amdahl_record::simulation::{LastLevel, Simulation};
use amdahl_record::{Answer, Failure, Key, Measured, Outcome, Record};

mod data;
mod simulations;

/// How often a sweep looks whether another one has measured the machine's limits.
const PATIENCE: u32 = 20;

/// What a sweep is told as it goes on.
pub trait Watch {
    /// Something happened that a person should know now.
    fn notice(&mut self, _what: &str) {}
    /// So many repeats of the cell had lost the line that says which cell it is; it was written
    /// again.
    fn restored(&mut self, _cell: &PlannedCell, _repeats: usize) {}
    /// Before anything is measured: this many repeats of the cell are missing.
    fn missing(&mut self, _cell: &PlannedCell, _repeats: u32) {}
    /// An attempt at the cell begins.
    fn begins(&mut self, _cell: &PlannedCell, _repeat: u32) {}
    /// A repeat was recorded; not new is what the records said already, word for word.
    fn recorded(&mut self, _cell: &PlannedCell, _record: &Record, _is_new: bool) {}
    /// Nothing more is to be done for the cell in this sweep.
    fn over(&mut self, _cell: &PlannedCell, _standing: &Standing) {}
    /// The machine's noise certificate could not be read, for this reason; the sweep goes on
    /// without.
    fn without_noise(&mut self, _why: &str) {}
    /// The machine's limits could not be measured, for this reason; the sweep goes on without.
    fn without_limits(&mut self, _why: &str) {}
    /// The cell is going to be simulated with this last level.
    fn simulates(&mut self, _cell: &PlannedCell, _last: LastLevel) {}
    /// It was.
    fn simulated(&mut self, _cell: &PlannedCell, _simulation: &Simulation) {}
    /// Another sweep measures what is left; this one waits for it.
    fn waits(&mut self, _cells: usize) {}
}

/// Watches nothing.
impl Watch for () {}

/// Where a cell stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Repeats are missing.
    Open,
    /// All wanted repeats count.
    Done,
    /// The answer was wrong.
    Wrong(String),
    /// It failed.
    Failed(Failure, String),
}

/// How a sweep is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Seconds after which a repeat is ended.
    pub limit_s: f64,
    /// Failures that are final are tried again.
    pub retry: bool,
    /// Between two looks at what another sweep has claimed.
    pub pause: Duration,
    /// Cells are simulated too, with so many rows a rank at most.
    pub simulated_points: Option<u64>,
}

/// A data set, as it was when it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data {
    /// Digest of its source.
    pub digest: String,
    /// The state of its files; empty where it has none.
    pub stamps: Vec<Stamp>,
}

/// Looks at a data set.
pub type Identify<'a> = dyn FnMut(&Dataset) -> Result<Data> + 'a;

/// A sweep in progress.
pub struct Sweep<'a> {
    /// All cells of the plan.
    pub cells: &'a [PlannedCell],
    /// Where records go.
    pub store: &'a mut Store,
    /// What makes attempts.
    pub executor: &'a mut dyn Executor,
    /// What knows data sets.
    pub identify: &'a mut Identify<'a>,
    /// The machine that launches.
    pub host: &'a HostFacts,
    /// Who watches.
    pub watch: &'a mut dyn Watch,
    /// Did the user ask to stop?
    pub interrupts: &'a Interrupts,
    /// How it is done.
    pub options: Options,
    /// Where each cell of `cells` stands; begins empty.
    pub standing: Vec<Standing>,
    /// Data sets by canonical form; begins empty.
    pub digests: BTreeMap<String, std::result::Result<Data, Error>>,
    /// Cells (as indexes) whose simulation failed, and why; begins empty.
    pub unsimulated: Vec<(usize, Failure, String)>,
}

/// What became of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It was used, or was not needed.
    Over,
    /// Another sweep has the cell, or its oracle.
    Claimed,
}

impl Sweep<'_> {
    /// Gives every cell its turns: indexes into the cells, in this order, each for (at most) one
    /// repeat. An error ends the sweep; all that was recorded before is kept.
    pub fn run(&mut self, turns: &[usize]) -> Result<()> {
        let ended = self.turns(turns);
        // What is said to be recorded is there.
        let kept = self.store.keep();
        self.tell();
        ended.and(kept)
    }

    /// Tells what happened to the record file.
    fn tell(&mut self) {
        for notice in self.store.notices() {
            self.watch.notice(&notice);
        }
    }

    fn turns(&mut self, turns: &[usize]) -> Result<()> {
        self.standing = vec![Standing::Open; self.cells.len()];
        let mut waiting = turns.to_vec();
        if self.survey(turns)? > 0 {
            self.limits()?;
            self.noise()?;
        } else if self.store.results().hosts.contains_key(&self.host.id) {
            // A certificate that was made after the times speaks of their machine too.
            self.noise()?;
        }
        loop {
            let before = waiting.len();
            let mut passed_over = Vec::new();
            for cell in waiting {
                self.interrupts.check()?;
                if self.turn(cell, self.cells[cell].repeats)? == Turn::Claimed {
                    passed_over.push(cell);
                }
                self.tell();
            }
            if passed_over.is_empty() {
                return self
                    .options
                    .simulated_points
                    .map_or(Ok(()), |points| self.simulations(turns, points));
            }
            if passed_over.len() == before {
                self.watch.waits(passed_over.len());
                std::thread::sleep(self.options.pause);
            }
            self.store.refresh()?;
            waiting = passed_over;
        }
    }

    /// Finds out what is missing before anything is measured: the number of repeats.
    fn survey(&mut self, turns: &[usize]) -> Result<u64> {
        let mut all = 0;
        let wanted: std::collections::BTreeSet<usize> = turns.iter().copied().collect();
        self.store.restore_host(self.host)?;
        for at in wanted {
            self.interrupts.check()?;
            let planned = &self.cells[at];
            let restored = self.store.restore_cell(&planned.id, &planned.cell)?;
            if restored > 0 {
                self.watch.restored(planned, restored);
            }
            if let (key, None) = self.key(planned)? {
                let repeats = self.missing(at, &key, planned.repeats);
                if repeats > 0 {
                    self.watch.missing(planned, repeats);
                    all += u64::from(repeats);
                }
            }
        }
        Ok(all)
    }

    /// Has the machine's limits measured, unless this folder has them of this machine and build.
    /// Where that fails, the sweep goes on without.
    fn limits(&mut self) -> Result<()> {
        let (build, fresh) = (self.store.run().build.id.clone(), self.store.run().fresh);
        let host = self.host.id.clone();
        let before = if fresh { self.store.results().limits.clone() } else { Vec::new() };
        let of_this = |limits: &Limits| {
            limits.host == host && limits.build == build && !before.contains(limits)
        };
        // Another sweep that is at it needs seconds; this one would disturb it.
        for _ in 0..PATIENCE {
            self.interrupts.check()?;
            let claim = claim::claim_limits(self.store.folder(), &host, &build)?;
            self.store.refresh()?;
            if self.store.results().limits.iter().any(of_this) {
                return Ok(());
            }
            if claim.is_none() {
                std::thread::sleep(self.options.pause);
                continue;
            }
            match self.executor.limits() {
                Ok(Some(limits)) => self.store.append_limits(self.host, limits)?,
                Ok(None) => {}
                Err(error) if error.kind == Kind::Interrupted => return Err(error),
                Err(error) => self.watch.without_limits(&one_line(&error)),
            }
            return Ok(());
        }
        Ok(())
    }

    /// Copies the machine's noise certificate to this folder, unless the folder has it. Nothing is
    /// measured.
    fn noise(&mut self) -> Result<()> {
        match self.executor.noise(&self.host.id) {
            Ok(Some(noise)) if !self.store.results().noise.contains(&noise) => {
                self.store.append_noise(self.host, noise)
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.watch.without_noise(&one_line(&error));
                Ok(())
            }
        }
    }

    /// One turn of one cell: at most one repeat that counts, as long as fewer than `wanted` do.
    fn turn(&mut self, at: usize, wanted: u32) -> Result<Turn> {
        let planned = &self.cells[at];
        if self.standing[at] != Standing::Open {
            return Ok(Turn::Over);
        }
        let (key, unknown) = self.key(planned)?;
        if let Some(error) = unknown {
            let class =
                if error.kind == Kind::Unavailable { Failure::Unavailable } else { Failure::Data };
            self.fail(at, key, class, one_line(&error))?;
            return Ok(Turn::Over);
        }
        if self.missing(at, &key, wanted) == 0 {
            return Ok(Turn::Over);
        }
        let reference = match self.reference(at)? {
            Reference::Answer(answer) => Some(answer),
            Reference::Itself => None,
            Reference::Claimed => return Ok(Turn::Claimed),
            Reference::Failed(why) => {
                self.fail(at, key, Failure::Unchecked, why)?;
                return Ok(Turn::Over);
            }
        };
        let Some(_claim) = claim::claim(self.store.folder(), &key)? else {
            return Ok(Turn::Claimed);
        };
        // Another sweep may have measured it between the last look and the claim.
        self.store.refresh()?;
        if self.missing(at, &key, wanted) > 0 {
            self.measure(at, &key, reference.as_ref())?;
            self.missing(at, &key, wanted);
        }
        Ok(Turn::Over)
    }

    /// Attempts a repeat, a second time if it failed in a way that may pass, and records each
    /// attempt.
    fn measure(&mut self, at: usize, key: &Key, reference: Option<&Answer>) -> Result<()> {
        let planned = &self.cells[at];
        let repeat = self.store.done(key);
        for again in [true, false] {
            if let Some(why) = self.other_data(at) {
                return self.fail(at, key.clone(), Failure::Changed, why);
            }
            let stamps = self.stamps(at);
            self.watch.begins(planned, repeat);
            let mut attempt =
                self.executor.attempt(&planned.id, &planned.cell, self.options.limit_s)?;
            if let Some(why) = self.changed_since(at, key, &stamps)? {
                attempt.ending = Ending::failed(Failure::Changed, why);
            }
            let (record, host) = self.record(key.clone(), repeat, attempt, planned, reference);
            let outcome = record.outcome.clone();
            log::debug!("cell {} repeat {repeat}: {outcome:?}", planned.id);
            let news = !self.says_nothing_new(&record);
            if news {
                let hosts: Vec<&HostFacts> =
                    std::iter::once(self.host).chain(host.as_ref()).collect();
                self.store.append(&planned.cell, &hosts, record.clone())?;
            }
            self.watch.recorded(planned, &record, news);
            match outcome {
                Outcome::Ok => return Ok(()),
                Outcome::Failed {
                    class: Failure::Launch | Failure::Killed | Failure::Changed,
                    ..
                } if again => {}
                Outcome::Wrong { reason } => {
                    self.close(at, Standing::Wrong(reason));
                    return Ok(());
                }
                Outcome::Failed { class, reason } => {
                    self.close(at, Standing::Failed(class, reason));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The record of an attempt, its answer checked, and the machine that it ran on.
    fn record(
        &self,
        key: Key,
        repeat: u32,
        attempt: Attempt,
        planned: &PlannedCell,
        reference: Option<&Answer>,
    ) -> (Record, Option<HostFacts>) {
        let (outcome, measured, host) = match attempt.ending {
            Ending::Failed { class, reason } => (Outcome::Failed { class, reason }, None, None),
            Ending::Answered(host, measured) => {
                let check = reference.map_or(Ok(()), |right| check(planned, &measured, right));
                let outcome =
                    check.map_or_else(|reason| Outcome::Wrong { reason }, |()| Outcome::Ok);
                (outcome, Some(*measured), Some(*host))
            }
        };
        let run = self.store.run().run.clone();
        let (started_ms, process_s) = (attempt.started_ms, attempt.process_s);
        (
            Record {
                key: key.into(),
                run: run.into(),
                repeat,
                started_ms,
                process_s,
                outcome,
                measured: measured.map(Into::into),
            },
            host,
        )
    }

    /// A row for a cell that was not attempted, and no more turns for it.
    fn fail(&mut self, at: usize, key: Key, class: Failure, reason: String) -> Result<()> {
        let planned = &self.cells[at];
        let record = Record {
            repeat: self.store.done(&key),
            key: key.into(),
            run: self.store.run().run.clone().into(),
            started_ms: crate::launch::attempt::now_ms(),
            process_s: None,
            outcome: Outcome::Failed { class, reason: reason.clone() },
            measured: None,
        };
        let news = !self.says_nothing_new(&record);
        if news {
            self.store.append(&planned.cell, &[self.host], record.clone())?;
        }
        self.watch.recorded(planned, &record, news);
        self.close(at, Standing::Failed(class, reason));
        Ok(())
    }

    /// A failure without a process, found again as it stands in the records already: a second row
    /// would be noise.
    fn says_nothing_new(&self, record: &Record) -> bool {
        record.measured.is_none()
            && record.process_s.is_none()
            && self
                .store
                .standing(&record.key)
                .last()
                .is_some_and(|last| last.outcome == record.outcome)
    }

    /// The number of repeats of the key that are missing. If none is, sets down where the cell
    /// stands.
    fn missing(&mut self, at: usize, key: &Key, wanted: u32) -> u32 {
        if self.standing[at] != Standing::Open {
            return 0;
        }
        let (limit_s, retry) = (self.options.limit_s, self.options.retry && !self.tried(key));
        match state::state(self.store.standing(key), wanted, limit_s, retry) {
            state::State::Missing(repeats) => return repeats,
            // An oracle that is only needed for its answer may have more turns of its own.
            state::State::Done if wanted < self.cells[at].repeats => {}
            state::State::Done => self.close(at, Standing::Done),
            state::State::Final(record) => match record.outcome {
                Outcome::Wrong { reason } => self.close(at, Standing::Wrong(reason)),
                Outcome::Failed { class, reason } => {
                    self.close(at, Standing::Failed(class, reason))
                }
                Outcome::Ok => {}
            },
        }
        0
    }

    /// Did this run try the key already?
    fn tried(&self, key: &Key) -> bool {
        let run = &self.store.run().run;
        self.store.standing(key).any(|record| record.run == *run)
    }

    fn close(&mut self, at: usize, standing: Standing) {
        self.watch.over(&self.cells[at], &standing);
        self.standing[at] = standing;
    }

    /// What the cell's answers are checked against; the oracle is measured first where that is
    /// missing.
    fn reference(&mut self, at: usize) -> Result<Reference> {
        let own = self.cells[at].id.clone();
        let wanted = self.cells[at].oracle.clone();
        let Some(oracle) = self.cells.iter().position(|cell| cell.id == wanted) else {
            return Err(Error::internal(format!(
                "the plan has cell {own} but not its oracle {wanted}"
            )));
        };
        if let Some(answer) = self.answer(oracle)? {
            return Ok(Reference::Answer(answer));
        }
        if own == wanted {
            return Ok(Reference::Itself);
        }
        if self.turn(oracle, 1)? == Turn::Claimed {
            return Ok(Reference::Claimed);
        }
        Ok(match (self.answer(oracle)?, &self.standing[oracle]) {
            (Some(answer), _) => Reference::Answer(answer),
            (None, Standing::Wrong(why)) => {
                Reference::Failed(format!("the oracle {wanted} contradicts itself: {why}"))
            }
            (None, Standing::Failed(class, why)) => {
                Reference::Failed(format!("the oracle {wanted} failed ({}): {why}", class.word()))
            }
            (None, _) => Reference::Failed(format!("the oracle {wanted} left no answer")),
        })
    }

    /// The first answer of this cell that counts.
    fn answer(&mut self, at: usize) -> Result<Option<Answer>> {
        let (key, None) = self.key(&self.cells[at])? else { return Ok(None) };
        let first = self.store.standing(&key).find(|record| record.counts());
        Ok(first
            .and_then(|record| record.measured.as_ref())
            .map(|measured| measured.answer.clone().take()))
    }

    /// The key of a cell here and now, and the error where its data set or its program cannot be
    /// identified.
    fn key(&mut self, planned: &PlannedCell) -> Result<(Key, Option<Error>)> {
        let dataset = &planned.cell.dataset;
        let digest =
            self.digests.entry(canonical(dataset)).or_insert_with(|| (self.identify)(dataset));
        let (data, error) = match digest {
            Ok(data) => (data.digest.clone(), None),
            Err(error) => ("unknown".into(), Some(error.clone())),
        };
        let runs = self.executor.runs(&planned.cell)?;
        let key = Key {
            cell: planned.id.clone(),
            build: runs.build(&self.store.run().build.id),
            data,
            host: self.host.id.clone(),
            mpi: self.executor.mpi(&planned.cell),
        };
        let error = match runs {
            Runs::Missing(reason) => error.or(Some(Error::unavailable(reason))),
            _ => error,
        };
        Ok((key, error))
    }
}

/// Checks an answer by the rule for what computed it.
fn check(
    planned: &PlannedCell,
    measured: &Measured,
    right: &Answer,
) -> std::result::Result<(), String> {
    let spec = &planned.cell.workload;
    amdahl_workloads::of(spec).check(spec, measured, right)
}

/// What answers are checked against.
enum Reference {
    /// This one.
    Answer(Answer),
    /// Nothing yet: the cell is the oracle, and this is its first repeat.
    Itself,
    /// Another sweep is measuring the oracle.
    Claimed,
    /// The oracle has no answer, for this reason.
    Failed(String),
}

#[cfg(test)]
mod tests;

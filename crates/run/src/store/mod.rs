//! The results folder, as those who measure see it: append-only files, one a writer, and locks so
//! that two sweeps can share it.
//!
//! ```text
//! results/<experiment>/
//!   20260102T030405Z-4711-1a2b3c4d.jsonl   one file a writer: run, hosts, limits, cells, records
//!   claims/<cell>-<key>                    locked while a repeat of that key is measured; the lock dies with its process
//!   logs/                                  all that failed repeats printed
//!   work/<run>/                            cell files and reports while they are needed
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use amdahl_record::cell::{Cell, CellId};
use amdahl_record::error::{Error, Result};
use amdahl_record::host::HostFacts;
use amdahl_record::limits::Limits;
use amdahl_record::noise::Noise;
use amdahl_record::read::{Results, read};
use amdahl_record::simulation::Simulation;
use amdahl_record::units;
use amdahl_record::{Key, Line, PhaseNames, Record, RunFacts};

pub mod claim;
pub mod scratch;
pub mod state;
mod writer;

use writer::Writer;

/// An opened results folder.
pub struct Store {
    folder: PathBuf,
    run: RunFacts,
    writer: Option<Writer>,
    /// All lines that this run has written: its file may be lost.
    own: Vec<Line>,
    /// What happened to that file, not yet told.
    notices: Vec<String>,
    /// Ids of the hosts and cells that this writer's file has.
    named: BTreeSet<String>,
    results: Results,
    /// Lengths of the files when they were read.
    seen: BTreeMap<PathBuf, u64>,
}

impl Store {
    /// Opens the folder for the run `run`, makes it where it is missing, and mends what an earlier
    /// writer left half-written.
    pub fn open(folder: &Path, run: RunFacts) -> Result<Store> {
        for folder in [folder, &folder.join("claims"), &folder.join("work")] {
            std::fs::create_dir_all(folder)
                .map_err(|e| Error::io("create the folder", folder, e))?;
        }
        let mut mended = writer::mend(folder)?;
        // The lengths first: what another sweep appends in between is read twice rather than never.
        let seen = lengths(folder)?;
        let results = read(folder)?;
        let mut store = Store {
            folder: folder.to_path_buf(),
            run,
            writer: None,
            own: Vec::new(),
            notices: Vec::new(),
            named: BTreeSet::new(),
            results,
            seen,
        };
        mended.append(&mut store.results.warnings);
        store.results.warnings = mended;
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The run that writes.
    pub fn run(&self) -> &RunFacts {
        &self.run
    }

    /// All that the folder held when it was last read, and what was appended since.
    pub fn results(&self) -> &Results {
        &self.results
    }

    /// Looks whether this run's file is what was written to it. Where someone removed, replaced or
    /// changed it, all lines of this run are written anew: under the same name where that is free
    /// now, else beside what is there (of repeats that stand in both, each counts once).
    pub fn keep(&mut self) -> Result<()> {
        let Some((how, path)) =
            self.writer.as_ref().and_then(|writer| Some((writer.lost()?, writer.path())))
        else {
            return Ok(());
        };
        let how = format!("{} {how} while this run wrote to it", path.display());
        let lost = |mut error: Error| {
            error.message = format!("{how}, and what was in it is lost: {}", error.message);
            error
        };
        let mut anew = Writer::create_anew(&self.folder, &self.run.run).map_err(lost)?;
        anew.append(&self.own).map_err(lost)?;
        let place = anew.path().display();
        self.notices
            .push(format!("{how}; its {} lines are written anew to {place}", self.own.len()));
        self.writer = Some(anew);
        Ok(())
    }

    /// What happened to this run's file and was not told yet.
    pub fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Reads again what others wrote since.
    pub fn refresh(&mut self) -> Result<()> {
        self.keep()?;
        let own = self.writer.as_ref().map(|writer| writer.path().to_path_buf());
        let now = lengths(&self.folder)?;
        let changed = now.iter().any(|(path, length)| {
            Some(path) != own.as_ref() && self.seen.get(path) != Some(length)
        });
        if changed {
            self.results = read(&self.folder)?;
            self.seen = now;
        }
        Ok(())
    }

    /// Repeats of `key` that count. A run that measures all anew counts its own alone.
    pub fn done(&self, key: &Key) -> u32 {
        self.standing(key).filter(|record| record.counts()).count() as u32
    }

    /// The records of `key` that stand, oldest first. For a run that measures all anew, these are
    /// its own.
    pub fn standing<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a Record> {
        let only_own = self.run.fresh;
        self.results
            .standing()
            .filter(move |record| *record.key == *key && (!only_own || record.run == self.run.run))
    }

    /// Appends a record, and before it the lines that it refers to and that this file does not have
    /// yet, in one write. Returns when it is on the disk. On an error nothing of it is in the file,
    /// and what was there before is intact.
    pub fn append(&mut self, cell: &Cell, hosts: &[&HostFacts], record: Record) -> Result<()> {
        let (mut names, mut lines) = self.unnamed(hosts);
        let id = &record.key.cell;
        if !self.named.contains(&id.0) {
            names.push(id.0.clone());
            lines.push(Line::Cell { id: id.clone(), cell: cell.clone() });
        }
        lines.push(Line::Record(Box::new(record)));
        self.write(lines, names)
    }

    /// Writes the line of a cell again where the folder has repeats of it and that line was lost.
    /// Returns how many repeats that brings back.
    pub fn restore_cell(&mut self, id: &CellId, cell: &Cell) -> Result<usize> {
        if self.results.cells.contains_key(id) {
            return Ok(0);
        }
        let repeats = self.results.records.iter().filter(|record| record.key.cell == *id).count();
        if repeats > 0 {
            let line = Line::Cell { id: id.clone(), cell: cell.clone() };
            self.write(vec![line], vec![id.0.clone()])?;
        }
        Ok(repeats)
    }

    /// Writes the line of a machine again where the folder has repeats of it and that line was
    /// lost.
    pub fn restore_host(&mut self, host: &HostFacts) -> Result<()> {
        let is_known = self.results.hosts.contains_key(&host.id);
        if is_known || !self.results.records.iter().any(|record| record.key.host == host.id) {
            return Ok(());
        }
        self.write(vec![Line::Host(host.clone())], vec![host.id.clone()])
    }

    /// Appends the limits of a machine, and before them the machine, as [`Store::append`] does.
    pub fn append_limits(&mut self, host: &HostFacts, limits: Limits) -> Result<()> {
        let (names, mut lines) = self.unnamed(&[host]);
        lines.push(Line::Limits(Box::new(limits)));
        self.write(lines, names)
    }

    /// Appends the noise certificate of a machine, and before it the machine, as [`Store::append`]
    /// does.
    pub fn append_noise(&mut self, host: &HostFacts, noise: Noise) -> Result<()> {
        let (names, mut lines) = self.unnamed(&[host]);
        lines.push(Line::Noise(Box::new(noise)));
        self.write(lines, names)
    }

    /// Appends a simulated run, and before it the machine and the cell, as [`Store::append`] does.
    pub fn append_simulation(
        &mut self,
        host: &HostFacts,
        cell: &Cell,
        simulation: Simulation,
    ) -> Result<()> {
        let (mut names, mut lines) = self.unnamed(&[host]);
        let id = &simulation.key.cell;
        if !self.named.contains(&id.0) {
            names.push(id.0.clone());
            lines.push(Line::Cell { id: id.clone(), cell: cell.clone() });
        }
        lines.push(Line::Simulation(Box::new(simulation)));
        self.write(lines, names)
    }

    /// The hosts that this writer's file does not have yet: their ids and lines.
    fn unnamed(&self, hosts: &[&HostFacts]) -> (Vec<String>, Vec<Line>) {
        let mut names: Vec<String> = Vec::new();
        let mut lines = Vec::new();
        for host in hosts {
            if !self.named.contains(&host.id) && !names.contains(&host.id) {
                names.push(host.id.clone());
                lines.push(Line::Host((*host).clone()));
            }
        }
        (names, lines)
    }

    /// Writes lines, which name these, to this writer's file; the file is made first where there is
    /// none. Where phases became known since, the run's line is written anew before them.
    fn write(&mut self, mut lines: Vec<Line>, names: Vec<String>) -> Result<()> {
        let known = PhaseNames::known();
        let more = known != self.run.phases;
        self.run.phases = known;
        if more && self.writer.is_some() {
            lines.insert(0, Line::Run(self.run.clone()));
        }
        self.keep()?;
        if self.writer.is_none() {
            // Whoever began to write since this folder was read came first.
            self.refresh()?;
            self.run.number = 1 + self.results.runs.iter().map(|run| run.number).max().unwrap_or(0);
            let mut writer = Writer::create(&self.folder.join(format!("{}.jsonl", self.run.run)))?;
            let first = Line::Run(self.run.clone());
            writer.append(std::slice::from_ref(&first))?;
            self.own.push(first);
            self.results.runs.push(self.run.clone());
            self.writer = Some(writer);
        }
        let Some(writer) = self.writer.as_mut() else {
            return Err(Error::internal("a store without a writer"));
        };
        writer.append(&lines)?;
        self.own.extend_from_slice(&lines);
        self.named.extend(names);
        for line in lines {
            match line {
                Line::Host(host) => drop(self.results.hosts.insert(host.id.clone(), host)),
                Line::Cell { id, cell } => drop(self.results.cells.insert(id, cell)),
                Line::Limits(limits) => self.results.limits.push(*limits),
                Line::Noise(noise) => self.results.noise.push(*noise),
                Line::Record(record) => self.results.records.push(*record),
                Line::Simulation(simulation) => self.results.simulations.push(*simulation),
                Line::Run(run) => {
                    let own = self.results.runs.iter_mut().filter(|known| known.run == run.run);
                    own.for_each(|known| known.phases = run.phases.clone());
                }
            }
        }
        Ok(())
    }
}

/// Repeats of `key` among `results` that count as done.
pub fn done(results: &Results, key: &Key) -> u32 {
    results.standing().filter(|record| *record.key == *key && record.counts()).count() as u32
}

/// The lengths of the folder's record files.
fn lengths(folder: &Path) -> Result<BTreeMap<PathBuf, u64>> {
    let refused = |e| Error::io("read the results folder", folder, e);
    let mut lengths = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        // Links count as what they lead to; what is no file, or gone by now, has no records.
        if let Ok(facts) = std::fs::metadata(&path)
            && facts.is_file()
        {
            lengths.insert(path, facts.len());
        }
    }
    Ok(lengths)
}

/// Name of a run and of its file: the time in UTC, the process, the host.
pub fn run_name(unix_ms: u64, pid: u32, host: &str) -> String {
    let (days, seconds) = (unix_ms / 86_400_000, unix_ms / 1000 % 86_400);
    let (year, month, day) = units::civil(days as i64);
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let host: String = host.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("{year:04}{month:02}{day:02}T{h:02}{m:02}{s:02}Z-{pid}-{host}")
}

/// Is it a name that [`run_name`] gives, with or without a number behind it?
pub(crate) fn is_run_name(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    let when = |text: &str| {
        let (day, time) =
            text.strip_suffix('Z').and_then(|t| t.split_once('T')).unwrap_or_default();
        day.len() == 8 && time.len() == 6 && digits(day) && digits(time)
    };
    match name.split('-').collect::<Vec<_>>()[..] {
        [time, pid, host] => when(time) && digits(pid) && word(host),
        [time, pid, host, number] => when(time) && digits(pid) && word(host) && digits(number),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

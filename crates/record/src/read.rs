//! Reading a results folder: every line of every `*.jsonl` file in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::cell::{Cell, CellId};
use crate::error::{Error, Kind, Result};
use crate::host::HostFacts;
use crate::io::regular;
use crate::layout::{Layout, PhaseNames};
use crate::limits::{LIMITS, Limits};
use crate::lines;
use crate::lines::Unreadable;
use crate::migrate;
use crate::noise::{NOISE, Noise};
use crate::simulation::{LastLevel, SIMULATION, Simulation, SimulationEnd};
use crate::sum::ALTERED;
use crate::{Key, Line, Reading, Record, RunFacts, SCHEMA};

mod order;

pub use order::Doubled;
use order::{Age, Numbers};

/// All that a results folder holds.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Executions of manifests, oldest first.
    pub runs: Vec<RunFacts>,
    /// Machines by id.
    pub hosts: BTreeMap<String, HostFacts>,
    /// Cells by id.
    pub cells: BTreeMap<CellId, Cell>,
    /// Limits of machines, oldest first.
    pub limits: Vec<Limits>,
    /// Noise certificates of machines, oldest first.
    pub noise: Vec<Noise>,
    /// Repeats, oldest first.
    pub records: Vec<Record>,
    /// Simulated runs, oldest first.
    pub simulations: Vec<Simulation>,
    /// Lines that could not be read, each with file and line. A line cut off at the end of a file
    /// is one of them.
    pub warnings: Vec<String>,
    /// Repeats that stand more than once. Each counts once.
    pub doubled: Doubled,
}

impl Results {
    /// The limits that times of this machine are compared with: the newest that this build of the
    /// worker measured, else the newest.
    pub fn limits_of(&self, host: &str, build: &str) -> Option<&Limits> {
        let of_host = || self.limits.iter().rev().filter(|limits| limits.host == host);
        of_host().find(|limits| limits.build == build).or_else(|| of_host().next())
    }

    /// The newest noise certificate of this machine.
    pub fn noise_of(&self, host: &str) -> Option<&Noise> {
        self.noise.iter().rev().find(|noise| noise.host == host)
    }

    /// The newest simulation of each cell with each last level: one with counts where there is one,
    /// else the newest failure.
    pub fn simulations(&self) -> BTreeMap<(&CellId, LastLevel), &Simulation> {
        let mut newest: BTreeMap<_, &Simulation> = BTreeMap::new();
        for simulation in &self.simulations {
            let at = (&simulation.key.cell, simulation.caches.last);
            let kept = newest
                .get(&at)
                .is_some_and(|old| old.counts().is_some() && simulation.counts().is_none());
            if !kept {
                newest.insert(at, simulation);
            }
        }
        newest
    }

    /// Cells that no line describes although there are repeats of them, and how many.
    pub fn without_cell(&self) -> BTreeMap<&CellId, usize> {
        let mut without = BTreeMap::new();
        let ids = self.records.iter().map(|record| &record.key.cell);
        for id in ids.filter(|id| !self.cells.contains_key(*id)) {
            *without.entry(id).or_default() += 1;
        }
        without
    }

    /// The records that stand: where a run measured a key anew (`--fresh`), the key's records from
    /// before that run are left out. What is done, tables and figures are all made from these.
    pub fn standing(&self) -> impl Iterator<Item = &Record> {
        let numbers = Numbers::of(&self.runs);
        let fresh: BTreeMap<&str, Age> = self
            .runs
            .iter()
            .filter(|run| run.fresh)
            .map(|run| (run.run.as_str(), Age::new(run.number, run.started_ms)))
            .collect();
        let mut since: BTreeMap<&Key, Age> = BTreeMap::new();
        for record in &self.records {
            if let Some(&began) = fresh.get(record.run.as_str()) {
                let since = since.entry(&record.key).or_default();
                *since = began.max(*since);
            }
        }
        self.records.iter().filter(move |r| {
            since.get(&*r.key).is_none_or(|&since| numbers.age(&r.run, r.started_ms) >= since)
        })
    }
}

/// Reads the folder's `*.jsonl` files. Lines that are damaged become warnings and the rest is kept;
/// only a folder that cannot be read or records of a newer format are errors.
pub fn read(folder: &Path) -> Result<Results> {
    let entries = std::fs::read_dir(folder).map_err(|e| {
        Error::io("read the results folder", folder, e)
            .hint("name a folder that 'amdahl run' wrote, such as results/strong-scaling")
    })?;
    let (mut files, mut reader) = (Vec::new(), Reader::default());
    for entry in entries {
        let path = entry.map_err(|e| Error::io("read the results folder", folder, e))?.path();
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        match std::fs::metadata(&path).and_then(|facts| regular::check(facts.file_type())) {
            Ok(()) => files.push(path),
            Err(why) => {
                reader.results.warnings.push(format!("{}: left out: {why}", path.display()))
            }
        }
    }
    files.sort();
    for file in &files {
        reader.number = 0;
        lines::each(file, |number, line| reader.take(file, number, line))?;
    }
    Ok(reader.finish())
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    results: Results,
    /// Where the values of each run's records belong, or why nobody knows.
    layouts: HashMap<String, Result<Layout, String>>,
    /// The files in which a run's line stands.
    files: HashMap<String, BTreeSet<String>>,
    /// The number of the run whose line came last in this file.
    number: u64,
    /// What has no run of its own belongs to the one before it in its file.
    limits: Vec<(Age, Limits)>,
    noise: Vec<(Age, Noise)>,
}

impl Reader {
    /// Takes a line of a file.
    fn take(
        &mut self,
        file: &Path,
        number: u64,
        line: Result<Box<Line>, Unreadable>,
    ) -> Result<()> {
        let place = || format!("{}:{number}", file.display());
        let left_out = match line.map(|line| *line) {
            Ok(Line::Run(run)) => {
                if run.schema > SCHEMA {
                    return Err(Error::new(
                        Kind::Usage,
                        format!(
                            "records of format {}, this program reads up to {SCHEMA}",
                            run.schema
                        ),
                    )
                    .at(file, number as usize, 0)
                    .hint("use a newer amdahl"));
                }
                self.files
                    .entry(run.run.clone())
                    .or_default()
                    .insert(file.file_name().unwrap_or_default().to_string_lossy().into_owned());
                self.number = run.number;
                self.run(migrate::run(run)).err().map(|why| format!("not a run, left out: {why}"))
            }
            Ok(Line::Host(host)) => {
                self.results.hosts.insert(host.id.clone(), host);
                None
            }
            // An id is a hash of what it names: another content is another cell.
            Ok(Line::Cell { id, cell }) if cell.id() != id => {
                Some(format!("not the cell {id}, left out: what it says has the id {}", cell.id()))
            }
            Ok(Line::Cell { id, cell }) => {
                self.results.cells.insert(id, cell);
                None
            }
            Ok(Line::Limits(limits)) if limits.version > LIMITS => Some(format!(
                "limits of version {}, this program reads up to {LIMITS}: left out",
                limits.version
            )),
            Ok(Line::Limits(limits)) => {
                self.limits.push((Age::new(self.number, limits.measured_ms), *limits));
                None
            }
            Ok(Line::Noise(noise)) if noise.version > NOISE => Some(format!(
                "a noise certificate of version {}, this program reads up to {NOISE}: left out",
                noise.version
            )),
            Ok(Line::Noise(noise)) => {
                self.noise.push((Age::new(self.number, noise.measured_ms), *noise));
                None
            }
            Ok(Line::Record(mut record)) => {
                let sorted = match record.measured.as_deref_mut() {
                    Some(measured) => self.sort(&record.run, &mut measured.readings),
                    None => Ok(()),
                };
                match sorted {
                    Ok(()) => {
                        self.results.records.push(*record);
                        None
                    }
                    Err(why) => Some(format!("not a record, left out: {why}")),
                }
            }
            Ok(Line::Simulation(simulation)) if simulation.version > SIMULATION => Some(format!(
                "a simulation of version {}, this program reads up to {SIMULATION}: left out",
                simulation.version
            )),
            Ok(Line::Simulation(mut simulation)) => {
                let sorted = match &mut simulation.end {
                    SimulationEnd::Done(counts) => self.sort(&simulation.run, &mut counts.readings),
                    SimulationEnd::Failed { .. } => Ok(()),
                };
                match sorted {
                    Ok(()) => {
                        self.results.simulations.push(*simulation);
                        None
                    }
                    Err(why) => Some(format!("not a simulation, left out: {why}")),
                }
            }
            Err(Unreadable::CutOff { bytes }) => Some(format!(
                "the last line is cut off ({bytes} bytes); its repeat will be measured again"
            )),
            Err(Unreadable::Altered) => Some(format!("damaged, left out: {ALTERED}")),
            Err(Unreadable::Damaged { why }) => Some(format!("not a record, left out: {why}")),
        };
        self.results.warnings.extend(left_out.map(|why| format!("{}: {why}", place())));
        Ok(())
    }

    /// All that was read, oldest first, each repeat once.
    fn finish(mut self) -> Results {
        self.limits.sort_by_key(|(age, _)| *age);
        self.noise.sort_by_key(|(age, _)| *age);
        let mut results = self.results;
        results.limits = self.limits.into_iter().map(|(_, limits)| limits).collect();
        results.noise = self.noise.into_iter().map(|(_, noise)| noise).collect();
        results.runs.sort_by_key(|run| (run.number, run.started_ms));
        let numbers = Numbers::of(&results.runs);
        results.records.sort_by_cached_key(|r| numbers.age(&r.run, r.started_ms));
        results.simulations.sort_by_cached_key(|s| numbers.age(&s.run, s.started_ms));
        drop(numbers);
        for run in order::once(&mut results.records) {
            results.doubled.records += 1;
            let files = self.files.get(&run).cloned().unwrap_or_default();
            results.doubled.runs.entry(run).or_insert(files);
        }
        let mut without: BTreeMap<&str, usize> = BTreeMap::new();
        let runs = results.records.iter().map(|record| record.run.as_str());
        for run in runs.filter(|run| !self.layouts.contains_key(*run)) {
            *without.entry(run).or_default() += 1;
        }
        let said = without.into_iter().map(|(run, repeats)| {
            format!(
                "run {run}: its line is missing, and of its {repeats} repeats nobody knows whether \
                 they replace others (--fresh)"
            )
        });
        results.warnings.extend(said);
        results
    }

    /// Takes a run, or what it came to know since.
    fn run(&mut self, run: RunFacts) -> Result<(), String> {
        let layout = run.phases.layout();
        self.layouts.insert(run.run.clone(), layout.clone());
        layout?;
        let same = |known: &&mut RunFacts| {
            known.run == run.run
                && RunFacts { phases: known.phases.clone(), ..run.clone() } == **known
        };
        match self.results.runs.iter_mut().find(same) {
            Some(known) => known.phases = run.phases,
            None => self.results.runs.push(run),
        }
        Ok(())
    }

    /// Puts the values of a run's readings where they belong. Where the run's own line is missing,
    /// they are those of the phases that all programs share, which stand first.
    fn sort(&mut self, run: &str, readings: &mut [Reading]) -> Result<(), String> {
        match self.layouts.get(run) {
            Some(Ok(layout)) => layout.sort(readings),
            Some(Err(why)) => Err(format!("its run's phases cannot be told: {why}")),
            None => PhaseNames::shared().layout()?.sort(readings),
        }
    }
}

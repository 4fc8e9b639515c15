//! One attempt at one cell: cell file out, worker run, report in.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::classify::{Ending, classify};
use super::peer::Programs;
use super::program::Worker;
use super::simulate::Simulated;
use super::supervise::{self, Exit, How, supervise};
use crate::launcher::{Job, Site};
use crate::scheduler;
use crate::system::Here;
use amdahl_accelerator::environment::Wanted;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::Failure;
use amdahl_record::cell::{Cell, CellId, short_hash};
use amdahl_record::counters::Counters;
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::regular;
use amdahl_record::limits::Limits;
use amdahl_record::noise::Noise;
use amdahl_record::simulation::Caches;

/// Bytes that are kept of what a failed attempt printed, of each of its two streams.
const KEPT: u64 = 4 << 20;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Unix time of its start, milliseconds.
    pub started_ms: u64,
    /// How long the process lived, seconds; none where it was not started.
    pub process_s: Option<f64>,
    /// How it ended.
    pub ending: Ending,
}

/// Which program runs a cell: what its key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// The worker.
    Worker,
    /// The worker with an accelerator's plugin, which has this hash.
    With(String),
    /// An outside program, known by a hash of its version and its files.
    Peer(String),
    /// An outside program that cannot run here, for this reason.
    Missing(String),
}

impl Runs {
    /// For a cell that is no outside program's: the worker, and the plugin of the cell's
    /// accelerator. Another plugin is another program; where there is none, the worker says so.
    pub fn of_ours(cell: &Cell) -> Runs {
        let Some(platform) = cell.backend.platform() else { return Runs::Worker };
        let plugin = amdahl_workloads::of(&cell.workload).plugin(&cell.workload);
        let wanted = Wanted { platform, plugin, ..Wanted::default() };
        let beside = amdahl_lanes::process::worker().ok();
        match amdahl_accelerator::settle(&wanted, beside.as_deref())
            .and_then(|settled| amdahl_accelerator::sha256(&settled.plugin))
        {
            Ok(hash) => Runs::With(hash),
            Err(_) => Runs::Worker,
        }
    }

    /// What the key of a cell says of the program, where this is the worker's id.
    pub fn build(&self, worker: &str) -> String {
        match self {
            Runs::Worker => worker.into(),
            Runs::With(plugin) => short_hash(format!("{worker} {plugin}").as_bytes()),
            Runs::Peer(id) => id.clone(),
            Runs::Missing(_) => "none".into(),
        }
    }
}

/// Makes one attempt at a cell. The sweep above it is tested with one that starts no process.
pub trait Executor {
    /// One attempt. An error ends the sweep: the user's interruption, a full disk.
    fn attempt(&mut self, id: &CellId, cell: &Cell, limit_s: f64) -> Result<Attempt>;

    /// Which program runs the cell.
    fn runs(&mut self, _cell: &Cell) -> Result<Runs> {
        Ok(Runs::Worker)
    }

    /// Forgets what it keeps of data sets, one of which was replaced.
    fn forget_data(&mut self) {}

    /// The MPI library that runs the cell, as its key says it; none where that is not MPI's.
    fn mpi(&self, _cell: &Cell) -> Option<String> {
        None
    }

    /// Runs the cell on a simulated machine with these caches. An error ends the sweep.
    fn simulate(&mut self, _cell: &Cell, _caches: &Caches, _limit_s: f64) -> Result<Simulated> {
        let end = Err((Failure::Unavailable, "nothing simulates here".into()));
        Ok(Simulated { started_ms: now_ms(), process_s: None, end })
    }

    /// Measures in short what this machine can do at most. `None` where that cannot be had or is
    /// not wanted.
    fn limits(&mut self) -> Result<Option<Limits>> {
        Ok(None)
    }

    /// The machine's noise certificate, where one was measured before. Measures nothing.
    fn noise(&mut self, _host: &str) -> Result<Option<Noise>> {
        Ok(None)
    }
}

/// What stands before a worker and in its environment beside the launcher's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Under {
    /// A program that runs the worker, with its arguments.
    pub argv: Vec<String>,
    /// Variables.
    pub env: Vec<(String, String)>,
}

/// Starts a fresh worker for each attempt.
pub struct Launching<'a> {
    /// The worker.
    pub worker: &'a Worker,
    /// The machine.
    pub site: Site,
    /// A folder of this sweep's own, for cell files and reports.
    pub scratch: PathBuf,
    /// Where the output of failed attempts is kept.
    pub logs: PathBuf,
    /// Id of the run: the first part of the names of what this sweep leaves.
    pub run: String,
    /// Did the user ask to stop?
    pub interrupts: &'a Interrupts,
    /// Attempts so far.
    pub number: u64,
    /// The outside programs.
    pub programs: Programs,
    /// Which counters workers are to have.
    pub counters: Counters,
    /// Where what is started keeps temporary files, if not where it usually does: a launcher that is
    /// ended while it starts leaves some.
    pub temporary: Option<PathBuf>,
}

impl Executor for Launching<'_> {
    fn attempt(&mut self, id: &CellId, cell: &Cell, limit_s: f64) -> Result<Attempt> {
        if let Some(peer) = cell.backend.peer() {
            self.interrupts.check()?;
            return self.attempt_peer(id, cell, peer, limit_s);
        }
        let mut env = vec![(Counters::VARIABLE.to_string(), self.counters.word().to_string())];
        if let Some(folder) = &self.temporary {
            env.push(("TMPDIR".to_string(), folder.to_string_lossy().into_owned()));
        }
        self.attempt_under(id, cell, limit_s, &Under { argv: Vec::new(), env })
    }

    fn runs(&mut self, cell: &Cell) -> Result<Runs> {
        match cell.backend.peer() {
            None => Ok(Runs::of_ours(cell)),
            Some(peer) => {
                Ok(match self.programs.find(&peer.name, &self.scratch, self.interrupts)? {
                    Ok(program) => Runs::Peer(program.id.clone()),
                    Err(reason) => Runs::Missing(reason.clone()),
                })
            }
        }
    }

    fn forget_data(&mut self) {
        self.forget_rows();
    }

    fn mpi(&self, cell: &Cell) -> Option<String> {
        self.worker.mpi(cell)
    }

    fn limits(&mut self) -> Result<Option<Limits>> {
        if !self.worker.can.limits
            || std::env::var_os("AMDAHL_LIMITS").is_some_and(|word| word == "off")
        {
            return Ok(None);
        }
        self.worker.limits(true, &self.scratch, self.interrupts).map(Some)
    }

    fn noise(&mut self, host: &str) -> Result<Option<Noise>> {
        crate::noise::load(host)
    }

    fn simulate(&mut self, cell: &Cell, caches: &Caches, limit_s: f64) -> Result<Simulated> {
        self.interrupts.check()?;
        self.simulate_cell(cell, caches, limit_s)
    }
}

impl Launching<'_> {
    /// One attempt with a fresh worker.
    pub(super) fn attempt_under(
        &mut self,
        id: &CellId,
        cell: &Cell,
        limit_s: f64,
        under: &Under,
    ) -> Result<Attempt> {
        self.interrupts.check()?;
        let started_ms = now_ms();
        let refuse = |class, reason: String| {
            Ok(Attempt { started_ms, process_s: None, ending: Ending::failed(class, reason) })
        };
        if let Some(why) = self.worker.lacks(cell) {
            return refuse(Failure::Unavailable, why);
        }
        self.number += 1;
        let file = |kind: &str| self.scratch.join(format!("{}-{id}.{kind}", self.number));
        let (cell_file, record_file, out, err) =
            (file("cell.json"), file("report.json"), file("out"), file("err"));
        let launcher = scheduler::of(&Here).launcher(cell);
        let mut job = Job {
            cell: cell.clone(),
            under: under.argv.clone(),
            worker: self.worker.path.clone(),
            arguments: Vec::new(),
            cell_file: cell_file.clone(),
            record_file: record_file.clone(),
            site: self.site.clone(),
        };
        // Ranks on other machines need them too.
        job.site.forward.extend(under.env.iter().map(|(name, _)| name.clone()));
        job.site.forward.sort();
        job.site.forward.dedup();
        let command = match launcher.command(&job) {
            Ok(mut command) => {
                command.env.extend(under.env.iter().cloned());
                command
            }
            Err(e) if e.kind == Kind::Unavailable => {
                return refuse(Failure::Unavailable, one_line(&e));
            }
            Err(e) => return Err(e),
        };
        let text = serde_json::to_string_pretty(cell)
            .map_err(|e| Error::internal(format!("a cell as JSON: {e}")))?;
        fs::write(&cell_file, text).map_err(|e| Error::lost("write", &cell_file, e))?;
        let token = format!("{}-{}", self.run, self.number);
        let limits = supervise::Limits {
            time: Duration::from_secs_f64(limit_s.clamp(0.0, 1e9)),
            grace: Duration::from_secs(4),
        };
        self.worker.is_itself()?;
        let exit = supervise(&command, &token, (&out, &err), limits, self.interrupts)?;
        self.worker.is_itself()?;
        let report = regular::read(&record_file)
            .ok()
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let printed: String = [&err, &out].map(|path| read_lossy(path)).concat();
        if exit.how == How::Interrupted {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        let mut ending = classify(id, &exit, limit_s, report.as_deref(), &printed);
        if let Ending::Failed { reason, .. } = &mut ending {
            self.room()?;
            self.keep(id, launcher.name(), &command.argv, &exit, &printed, reason);
        }
        for path in [cell_file, record_file, out, err] {
            let _ = fs::remove_file(path); // the whole folder goes at the end
        }
        let process_s = (!matches!(exit.how, How::NotStarted(_))).then_some(exit.seconds);
        Ok(Attempt { started_ms, process_s, ending })
    }

    /// Is there room for a report? On a full disk every worker fails for want of it: that is no
    /// fault of the cell, and ends the sweep.
    pub(super) fn room(&self) -> Result<()> {
        let path = self.scratch.join("room");
        let written = fs::write(&path, [0u8; 1 << 16]);
        let _ = fs::remove_file(&path); // the whole folder goes at the end
        written.map_err(|e| {
            if e.kind() == std::io::ErrorKind::NotFound {
                return Error::lost("use the folder of this run", &self.scratch, e);
            }
            Error::new(
                Kind::Io,
                format!(
                    "there is no room for a worker's report in {}: {e}",
                    self.scratch.display()
                ),
            )
            .hint("free space there, or raise the limit on file sizes")
        })
    }

    /// Keeps all that a failed attempt printed, and says in the reason where.
    pub(super) fn keep(
        &self,
        id: &CellId,
        launcher: &str,
        argv: &[String],
        exit: &Exit,
        printed: &str,
        reason: &mut String,
    ) {
        let name = format!("{id}-{}-{}.log", self.run, self.number);
        let text = format!(
            "launcher: {launcher}\ncommand: {}\nended: {:?} after {:.3} s, {} processes left behind\n\n{printed}",
            argv.join(" "),
            exit.how,
            exit.seconds,
            exit.survivors
        );
        match fs::create_dir_all(&self.logs).and_then(|()| fs::write(self.logs.join(&name), text)) {
            Ok(()) => reason.push_str(&format!(" (all of it: logs/{name})")),
            Err(e) => reason.push_str(&format!(" (its output could not be kept: {e})")),
        }
    }
}

/// An error as one line for a record.
pub fn one_line(error: &Error) -> String {
    error.to_string().replace("\n  hint: ", "; ")
}

/// Unix time in milliseconds.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

/// The last bytes of what was printed, at most [`KEPT`]: a worker that talks without end must not
/// fill this program's memory.
pub(super) fn read_lossy(path: &Path) -> String {
    let read = || -> std::io::Result<(bool, Vec<u8>)> {
        let mut file = regular::open(path)?;
        let skipped = file.metadata()?.len().saturating_sub(KEPT);
        file.seek(SeekFrom::Start(skipped))?;
        let mut bytes = Vec::new();
        file.take(KEPT).read_to_end(&mut bytes)?;
        Ok((skipped > 0, bytes))
    };
    match read() {
        Ok((false, bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok((true, bytes)) => {
            format!("[the beginning is left out]\n{}", String::from_utf8_lossy(&bytes))
        }
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_worker_that_talks_without_end_the_last_words_are_kept() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "few words").expect("written");
        assert_eq!(read_lossy(file.path()), "few words");
        fs::write(file.path(), "x".repeat(KEPT as usize) + "last words").expect("written");
        let kept = read_lossy(file.path());
        assert!(
            kept.starts_with("[the beginning is left out]\nx") && kept.ends_with("xlast words")
        );
        assert!(kept.len() as u64 <= KEPT + 30);
        assert_eq!(read_lossy(Path::new("/no/such/file")), "");
    }
}

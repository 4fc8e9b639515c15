//! The worker's executable: where it is, what it can do, and the id that decides whether results are
//! measured anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::supervise::{self, How, supervise};
use crate::launcher::Command;
use amdahl_data::stamp::Stamp;
use amdahl_lanes::process;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::PROTOCOL;
use amdahl_record::cell::{Cell, short_hash};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::limits::Limits;
use amdahl_record::protocol::Capabilities;

/// A worker that answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Worker {
    /// Its executable.
    pub path: PathBuf,
    /// What it can do; `build.id` is filled in.
    pub can: Capabilities,
    /// The state of the executable before it was asked.
    stamp: Stamp,
}

impl Worker {
    /// Finds the worker and asks it what it can do. `scratch` is a folder for what it prints.
    pub fn find(scratch: &Path, interrupts: &Interrupts) -> Result<Worker> {
        let path = process::worker()?;
        let stamp = Stamp::of(&path).map_err(|e| Error::io("read", &path, e))?;
        let mut can = ask(&path, scratch, interrupts)?;
        if can.build.id.is_empty() {
            can.build.id = hash(&path)?;
        }
        let worker = Worker { path, can, stamp };
        worker.is_itself()?;
        Ok(worker)
    }

    /// Is the executable still the one that was asked? Looked at before each attempt and after it:
    /// then the one that ran, on whatever machine, was that one. (A copy of it would have to be
    /// carried to every machine together with the libraries that are looked for beside it.)
    ///
    /// # Errors
    /// Where it is another one: what it does would count for the build that was asked.
    pub fn is_itself(&self) -> Result<()> {
        if Stamp::of(&self.path).is_ok_and(|now| now.is_unwritten(&self.stamp)) {
            return Ok(());
        }
        let message = format!(
            "the worker {} was replaced while it was in use: its repeats would count for the build \
             that was there at the start",
            self.path.display()
        );
        Err(Error::new(Kind::Io, message).hint(
            "run the same command again: cells that the new build decides are measured anew; to \
             finish with the old one, name a copy of it in AMDAHL_WORKER",
        ))
    }

    /// The worker as cells of this workload know it: `build.id` is of what decides for them.
    pub fn for_workload(mut self, name: &str) -> Worker {
        if let Some(id) = self.can.ids.get(name) {
            self.can.build.id = id.clone();
        }
        self
    }

    /// What the key of this cell says of MPI: the library, where our worker runs the cell under it.
    pub fn mpi(&self, cell: &Cell) -> Option<String> {
        if !cell.backend.uses_mpi() || cell.backend.peer().is_some() {
            return None;
        }
        // Older workers say one line of it.
        let line = || self.can.build.mpi.as_ref().map(|line| short_hash(line.as_bytes()));
        self.can.mpi.clone().or_else(line)
    }

    /// Has the worker measure the limits of this machine; `quick` as in [`amdahl_limits::measure`].
    pub fn limits(&self, quick: bool, scratch: &Path, interrupts: &Interrupts) -> Result<Limits> {
        let words: &[&str] = if quick { &["--limits", "--quick"] } else { &["--limits"] };
        let printed = printed(
            &self.path,
            words,
            "does not measure this machine's limits",
            scratch,
            interrupts,
        )?;
        let mut limits: Limits = serde_json::from_str(&printed).map_err(|e| {
            Error::unavailable(format!("what {} printed are no limits: {e}", self.path.display()))
        })?;
        self.is_itself()?;
        limits.build = self.can.build.id.clone();
        Ok(limits)
    }

    /// Why this build cannot run the cell, if it cannot.
    pub fn lacks(&self, cell: &Cell) -> Option<String> {
        let name = cell.backend.name();
        if self.can.backends.iter().any(|backend| backend == name) {
            return None;
        }
        let mend = if cell.backend.uses_mpi() {
            "'make build' installs MPI where it can (Debian, Ubuntu: libopenmpi-dev openmpi-bin libclang-dev) and builds a worker with it"
        } else {
            "build a newer one, or name another one in AMDAHL_WORKER"
        };
        Some(format!(
            "the worker was built without '{name}' (it has {}): {mend}",
            self.can.backends.join(", ")
        ))
    }
}

/// What the worker prints when it is called with these words. `fails` says in the error what it did
/// not do.
fn printed(
    path: &Path,
    words: &[&str],
    fails: &str,
    scratch: &Path,
    interrupts: &Interrupts,
) -> Result<String> {
    let name = words.first().map_or("worker", |word| word.trim_start_matches('-'));
    let own = format!("amdahl-{}-{name}", std::process::id());
    let (out, err) = (scratch.join(format!("{own}.out")), scratch.join(format!("{own}.err")));
    let argv = [path.to_string_lossy().into_owned()]
        .into_iter()
        .chain(words.iter().map(|w| w.to_string()))
        .collect();
    let command = Command { argv, env: Vec::new(), has_children: false };
    let limits = supervise::Limits { time: Duration::from_secs(60), grace: Duration::from_secs(1) };
    let token = format!("{}-{name}", std::process::id());
    let exit = supervise(&command, &token, (&out, &err), limits, interrupts)?;
    let [printed, said] = [out, err].map(|file| {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let _ = std::fs::remove_file(file); // a folder that is scratch alone goes at the end
        text
    });
    interrupts.check()?;
    if exit.how == How::Code(0) {
        return Ok(printed);
    }
    let (path, said) = (path.display(), super::classify::tail(&said));
    let hint = "an executable linked to a library that is not here (exit code 127) has to be built again on this machine";
    Err(Error::unavailable(format!(
        "the worker {path} {fails}: {:?}; it printed: {said}",
        exit.how
    ))
    .hint(hint))
}

fn ask(path: &Path, scratch: &Path, interrupts: &Interrupts) -> Result<Capabilities> {
    let printed =
        printed(path, &["--capabilities"], "does not say what it can do", scratch, interrupts)?;
    let can: Capabilities = serde_json::from_str(&printed).map_err(|e| {
        Error::new(Kind::Unavailable, format!("{} is no worker of ours: {e}", path.display()))
            .hint("see AMDAHL_WORKER")
    })?;
    if can.protocol != PROTOCOL {
        return Err(Error::unavailable(format!(
            "the worker {} speaks protocol {}, this program speaks {PROTOCOL}",
            path.display(),
            can.protocol
        ))
        .hint("build both from the same sources"));
    }
    Ok(can)
}

/// The first 64 bits of the SHA-256 of the file, in hexadecimal.
fn hash(path: &Path) -> Result<String> {
    Ok(short_hash(&std::fs::read(path).map_err(|e| Error::io("read", path, e))?))
}

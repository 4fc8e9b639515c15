//! Outside programs: which of them are here and in which version, and one attempt at a cell of one.
//!
//! An attempt has three steps. Our worker writes the rows and the initial centroids as NPY files
//! (`--export`, once for each data set and start in a run), the outside program works on them, and
//! our worker judges what it left (`--judge`). Only the second is measured. No version, no
//! measurement: a program that does not say its version is a row with the reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::attempt::{Attempt, Launching, now_ms, one_line, read_lossy};
use super::classify::{Ending, classify, classify_peer, tail};
use super::supervise::{self, Exit, How, supervise};
use crate::launcher::{Command, Job, Site};
use crate::plan::peers::{Declared, Peers};
use crate::scheduler;
use crate::system::Here;
use amdahl_lanes::probe::load;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::Failure;
use amdahl_record::cell::{Cell, CellId, Peer, canonical, hex, short_hash};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::regular;

/// How long a program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(60);
/// How long our own steps, exporting and judging, may take at least.
const OWN_LIMIT_S: f64 = 600.0;
/// How the names of folders with exported rows begin.
const ROWS: &str = "rows-";
/// Variables that limit the threads of the usual libraries.
const THREADS: [&str; 6] = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
];

/// An outside program that said its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The line that it printed.
    pub version: String,
    /// A hash of that line, of its declaration and of its files: what decides whether results are
    /// measured anew.
    pub id: String,
}

/// The outside programs that cells may name; each is asked for its version once.
#[derive(Debug, Default)]
pub struct Programs {
    peers: Peers,
    home: PathBuf,
    asked: BTreeMap<String, std::result::Result<Program, String>>,
}

impl Programs {
    /// Those of the list.
    pub fn new(peers: Peers) -> Programs {
        Programs { peers, home: home(), asked: BTreeMap::new() }
    }

    /// The program of this name, or the reason why it cannot run here. `scratch` is a folder for
    /// what it prints.
    pub fn find(
        &mut self,
        name: &str,
        scratch: &Path,
        interrupts: &Interrupts,
    ) -> Result<&std::result::Result<Program, String>> {
        if !self.asked.contains_key(name) {
            let found = match self.peers.get(name) {
                None => Err(format!("'{name}' is not in the list of peers: see docs/peers.md")),
                Some(declared) => self.ask(declared, scratch, interrupts)?,
            };
            self.asked.insert(name.into(), found);
        }
        self.asked.get(name).ok_or_else(|| Error::internal("a peer that was asked is not there"))
    }

    /// The words with the folders filled in.
    fn words(&self, words: &[String]) -> Vec<String> {
        let here = self.peers.folder.as_ref().unwrap_or(&self.home);
        let (here, home) = (here.to_string_lossy(), self.home.to_string_lossy());
        words.iter().map(|word| word.replace("{here}", &here).replace("{home}", &home)).collect()
    }

    /// Has a program say its version.
    fn ask(
        &self,
        declared: &Declared,
        scratch: &Path,
        interrupts: &Interrupts,
    ) -> Result<std::result::Result<Program, String>> {
        let name = &declared.peer.name;
        let file =
            |ending: &str| scratch.join(format!("amdahl-{}-{name}.{ending}", std::process::id()));
        let (out, err) = (file("version"), file("version.err"));
        let command =
            Command { argv: self.words(&declared.version), env: Vec::new(), has_children: false };
        let limits = supervise::Limits { time: VERSION_LIMIT, grace: Duration::from_secs(1) };
        let token = format!("{}-version-{name}", std::process::id());
        let exit = supervise(&command, &token, (&out, &err), limits, interrupts)?;
        interrupts.check()?;
        let (printed, said) = (read_lossy(&out), read_lossy(&err));
        for file in [out, err] {
            let _ = fs::remove_file(file); // the whole folder goes at the end
        }
        let line = printed.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let why = match exit.how {
            How::Code(0) if !line.is_empty() => {
                let version = line.chars().filter(|c| !c.is_control()).take(300).collect();
                let id = self.id(declared, &version);
                return Ok(Ok(Program { version, id }));
            }
            How::Code(0) => "it prints nothing when it is asked for its version".into(),
            How::NotStarted(why) => why,
            How::TimedOut => {
                format!("it did not say its version within {} s", VERSION_LIMIT.as_secs())
            }
            how => {
                let last = tail(&said).lines().next_back().unwrap_or("nothing").trim();
                format!("asked for its version it ended with {how:?} and said: {last}")
            }
        };
        let mend = match (declared.install.is_empty(), declared.needs.is_empty()) {
            (true, true) => String::new(),
            (false, true) => format!("; install it: {}", declared.install),
            (true, false) => format!("; it needs {}", declared.needs),
            (false, false) => {
                format!("; install it: {} (needs {})", declared.install, declared.needs)
            }
        };
        Ok(Err(format!("no version, no measurement: {why}{mend}")))
    }

    /// What decides whether results are measured anew.
    fn id(&self, declared: &Declared, version: &String) -> String {
        let mut files = BTreeMap::new();
        let mut add = |path: &Path| {
            if let Ok(bytes) = fs::read(path) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                files.insert(name, hex(&Sha256::digest(&bytes)));
            }
        };
        for word in self.words(&declared.run) {
            let path = Path::new(&word);
            if !path.is_file() {
                continue;
            }
            add(path);
            // A script's neighbours are what it imports.
            if path.extension().is_some_and(|ending| ending == "py") {
                let neighbours = path
                    .parent()
                    .and_then(|folder| fs::read_dir(folder).ok())
                    .into_iter()
                    .flatten();
                neighbours
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|p| p.extension() == path.extension())
                    .for_each(|p| add(&p));
            }
        }
        short_hash(canonical(&("peer", &declared.run, version, files)).as_bytes())
    }
}

/// Where `make peers` puts things: `AMDAHL_PEERS_HOME`, else the folder `peers` beside the one that
/// this program is in.
fn home() -> PathBuf {
    let named =
        std::env::var_os("AMDAHL_PEERS_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.join("peers"));
    let home = named.or_else(beside).unwrap_or_else(|| PathBuf::from("peers"));
    std::path::absolute(&home).unwrap_or(home)
}

impl Launching<'_> {
    /// One attempt at a cell of an outside program.
    pub(super) fn attempt_peer(
        &mut self,
        id: &CellId,
        cell: &Cell,
        peer: &Peer,
        limit_s: f64,
    ) -> Result<Attempt> {
        let started_ms = now_ms();
        let refuse = |ending: Ending| Ok(Attempt { started_ms, process_s: None, ending });
        let unavailable = |why: String| refuse(Ending::failed(Failure::Unavailable, why));
        if let Err(why) = self.programs.find(&peer.name, &self.scratch, self.interrupts)? {
            return unavailable(why.clone());
        }
        let Some(declared) = self.programs.peers.get(&peer.name).cloned() else {
            return unavailable(format!("'{peer}' is not in the list of peers"));
        };
        self.number += 1;
        let folder = self.scratch.join(format!("{}-{id}", self.number));
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        fs::create_dir(&folder).map_err(|e| Error::lost("create the folder", &folder, e))?;
        let (cell_file, record_file) = (folder.join("cell.json"), folder.join("record.json"));
        if let Some(ending) = self.export(id, cell, &folder, &cell_file)? {
            return refuse(ending);
        }
        let mut words = self.programs.words(&declared.run);
        let job = Job {
            under: Vec::new(),
            cell: cell.clone(),
            worker: PathBuf::from(words.remove(0)),
            arguments: words,
            cell_file: cell_file.clone(),
            record_file: record_file.clone(),
            site: self.site.for_peers(cell),
        };
        let launcher = scheduler::of(&Here).launcher(cell);
        let mut command = match launcher.command(&job) {
            Ok(command) => command,
            Err(e) if e.kind == Kind::Unavailable => return unavailable(one_line(&e)),
            Err(e) => return Err(e),
        };
        command.env.extend(THREADS.iter().map(|name| (name.to_string(), cell.threads.to_string())));
        // Whatever it starts itself ends when it is asked to.
        command.has_children = true;
        let watch = load::Watch::start();
        let (exit, printed) = self.supervised(&command, &folder, limit_s)?;
        let load = watch.stop();
        let report = regular::read_to_string(&record_file).ok();
        let mut ending = match classify_peer(id, &exit, limit_s, report.as_deref(), &printed) {
            Err(failed) => failed,
            Ok(_) => {
                let judged = folder.join("judged.json");
                let words = [
                    "--judge".into(),
                    record_file.to_string_lossy().into_owned(),
                    "--peer".into(),
                    peer.name.clone(),
                    "--rule".into(),
                    declared.check.word().into(),
                    "--cell".into(),
                    cell_file.to_string_lossy().into_owned(),
                    "--record".into(),
                    judged.to_string_lossy().into_owned(),
                ];
                let (exit, printed) = self.worker_with(&words, &folder)?;
                let report = regular::read_to_string(&judged).ok();
                match classify(id, &exit, OWN_LIMIT_S, report.as_deref(), &printed) {
                    Ending::Answered(host, measured) => Ending::Answered(
                        host,
                        Box::new(amdahl_record::Measured { load, ..*measured }),
                    ),
                    Ending::Failed { class, reason } => {
                        Ending::failed(class, format!("judging its answer: {reason}"))
                    }
                }
            }
        };
        if let Ending::Failed { reason, .. } = &mut ending {
            self.room()?;
            self.keep(id, launcher.name(), &command.argv, &exit, &printed, reason);
        }
        let _ = fs::remove_dir_all(&folder); // the whole scratch folder goes at the end
        let process_s = (!matches!(exit.how, How::NotStarted(_))).then_some(exit.seconds);
        Ok(Attempt { started_ms, process_s, ending })
    }

    /// Writes the cell file for an outside program, its rows and its start as files. `Some` where
    /// that fails.
    fn export(
        &self,
        id: &CellId,
        cell: &Cell,
        folder: &Path,
        cell_file: &Path,
    ) -> Result<Option<Ending>> {
        let plain = folder.join("plain.json");
        let text = serde_json::to_string_pretty(cell)
            .map_err(|e| Error::internal(format!("a cell as JSON: {e}")))?;
        fs::write(&plain, text).map_err(|e| Error::lost("write", &plain, e))?;
        let own = amdahl_workloads::of(&cell.workload).exported(&cell.workload);
        let material = self
            .scratch
            .join(format!("{ROWS}{}", short_hash(canonical(&(&cell.dataset, own)).as_bytes())));
        let word = |path: &Path| path.to_string_lossy().into_owned();
        let words = [
            "--export".into(),
            word(&material),
            "--cell".into(),
            word(&plain),
            "--record".into(),
            word(cell_file),
        ];
        let (exit, printed) = self.worker_with(&words, folder)?;
        if exit.how == How::Code(0) && is_cell(cell_file) {
            return Ok(None);
        }
        // Where it fails, it leaves a report in that place.
        let report = regular::read_to_string(cell_file).ok();
        Ok(Some(match classify(id, &exit, OWN_LIMIT_S, report.as_deref(), &printed) {
            Ending::Failed { class, reason } => {
                Ending::failed(class, format!("exporting its rows: {reason}"))
            }
            Ending::Answered(..) => {
                Ending::failed(Failure::NoReport, "exporting its rows left an answer")
            }
        }))
    }

    /// Runs our worker with these words.
    fn worker_with(&self, words: &[String], folder: &Path) -> Result<(Exit, String)> {
        let worker = self.worker.path.to_string_lossy().into_owned();
        let argv = std::iter::once(worker).chain(words.iter().cloned()).collect();
        let command = Command { argv, env: Vec::new(), has_children: false };
        self.worker.is_itself()?;
        let ended = self.supervised(&command, folder, OWN_LIMIT_S)?;
        self.worker.is_itself()?;
        Ok(ended)
    }

    /// Forgets the rows that were exported.
    pub(super) fn forget_rows(&self) {
        let entries = fs::read_dir(&self.scratch).into_iter().flatten().flatten();
        for folder in entries.filter(|e| e.file_name().to_string_lossy().starts_with(ROWS)) {
            let _ = fs::remove_dir_all(folder.path()); // the whole scratch folder goes at the end
        }
    }

    /// Runs a command to its end, with what it printed.
    fn supervised(&self, command: &Command, folder: &Path, limit_s: f64) -> Result<(Exit, String)> {
        let (out, err) = (folder.join("out"), folder.join("err"));
        let token = format!("{}-{}", self.run, self.number);
        let limits = supervise::Limits {
            time: Duration::from_secs_f64(limit_s.clamp(0.0, 1e9)),
            grace: Duration::from_secs(4),
        };
        let exit = supervise(command, &token, (&out, &err), limits, self.interrupts)?;
        if exit.how == How::Interrupted {
            return Err(Error::new(Kind::Interrupted, "interrupted"));
        }
        Ok((exit, [&err, &out].map(|path| read_lossy(path)).concat()))
    }
}

/// Is there a cell file for an outside program?
fn is_cell(file: &Path) -> bool {
    let value = regular::read(file)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    value.is_some_and(|value| value.get("id").is_some() && value.get("workload").is_some())
}

impl Site {
    /// The same machine for an outside program: what our worker is linked to does not matter, and a
    /// launcher is looked for also where our worker has none.
    fn for_peers(&self, cell: &Cell) -> Site {
        let own = self.mpiexec.clone();
        let mpiexec = if cell.backend.uses_mpi() { own.or_else(Site::any_mpiexec) } else { own };
        Site { worker_mpi: None, mpiexec, ..self.clone() }
    }
}

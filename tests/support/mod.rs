//! What tests of whole programs share: a folder of their own, the program, a worker that fails as a
//! test wants, bounded waiting.

use amdahl_kmeans_description::spec::KMeans;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use amdahl_kmeans_description::answer::Clustering;
use amdahl_record::cell::{Cell, CellId};
use amdahl_record::read::{Results, read};
use amdahl_record::{Answer, End, Failure, LoadFacts, Measured, Outcome, Report};

/// The k-means of a cell.
pub fn kmeans(cell: &Cell) -> KMeans {
    KMeans::of(&cell.workload).expect("a k-means cell")
}

/// Changes the k-means of a cell.
pub fn change_kmeans(cell: &mut Cell, change: impl FnOnce(&mut KMeans)) {
    let mut kmeans = kmeans(cell);
    change(&mut kmeans);
    cell.workload = kmeans.spec();
}

/// The clustering of an answer.
pub fn clustering(answer: &Answer) -> Clustering {
    Clustering::of(answer).expect("a clustering")
}

/// The worker beside the program under test, where `cargo build` and `make test` leave it.
pub fn built_worker() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_amdahl")).with_file_name("amdahl-worker");
    assert!(
        beside.is_file(),
        "there is no worker at {}: 'make test' builds one, or 'cargo build --release -p amdahl-worker'",
        beside.display()
    );
    beside
}

/// A folder of a test's own, and a mark in the environment of every process that the test starts.
pub struct Sandbox {
    folder: tempfile::TempDir,
    mark: String,
    worker: PathBuf,
}

impl Sandbox {
    /// With the worker that tests are to use: AMDAHL_WORKER, else the one that cargo built.
    pub fn new() -> Sandbox {
        let named = std::env::var_os("AMDAHL_WORKER").map(PathBuf::from);
        Sandbox::over(named.unwrap_or_else(built_worker))
    }

    /// With a worker played by a shell script. `$cell` is the cell file, `$report` where the report
    /// belongs, `$id` the cell's id, `$here` a folder for notes; `answer INERTIA [PROTOCOL [CELL]]`
    /// leaves an answer, `fail REASON` a failure of the class `data`; every start is noted in
    /// `$here/tried`.
    pub fn with_script(script: &str) -> Sandbox {
        let sandbox = Sandbox::over(PathBuf::new());
        let worker = sandbox.path("worker");
        let sandbox = Sandbox { worker, ..sandbox };
        sandbox.script(script);
        sandbox.write("answer.json", report(End::Done(Box::new(measured()))));
        let reason = "@REASON@".to_string();
        sandbox.write("failure.json", report(End::Failed { class: Failure::Data, reason }));
        sandbox
    }

    fn over(worker: PathBuf) -> Sandbox {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
        Sandbox { folder: tempfile::tempdir().expect("a folder"), mark, worker }
    }

    /// Changes the script of the worker, and with it the worker's hash.
    pub fn script(&self, script: &str) {
        let text = include_str!("worker.sh").replace("# what the test wants", script);
        // Written by another process: a program that this one still has open for writing (or a fork
        // of it) cannot be started.
        let mut cat = Command::new("sh")
            .args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(self.path("worker"))
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        cat.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
        assert!(cat.wait().expect("waited for").success());
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), text).expect("a file");
        self.path(name)
    }

    /// Cells whose worker scripts were started, one line a start.
    pub fn tried(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("tried")).unwrap_or_default();
        text.lines().map(String::from).collect()
    }

    /// `amdahl` with these words, in the folder, in a plain environment.
    pub fn amdahl(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amdahl"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("AMDAHL_") && name != "AMDAHL_DATA" && name != "AMDAHL_MPIEXEC"
                || name.starts_with("SLURM_")
            {
                command.env_remove(name);
            }
        }
        // Not what a person keeps in theirs: a certificate of noise, data sets.
        command.env("XDG_CACHE_HOME", self.folder.path().join(".cache"));
        // The limits take a second to measure; the tests that are about them ask for them.
        command
            .env("AMDAHL_LIMITS", "off")
            .env("AMDAHL_WORKER", &self.worker)
            .env("AMDAHL_TEST", &self.mark);
        command
    }

    /// Runs `amdahl` to its end.
    pub fn run(&self, words: &[&str]) -> Ran {
        Ran(self.amdahl(words).output().expect("amdahl starts"))
    }

    /// Starts `amdahl`, its output kept for [`Sandbox::end`].
    pub fn start(&self, words: &[&str]) -> Child {
        self.amdahl(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("amdahl starts")
    }

    /// Waits until a started `amdahl` ends.
    pub fn end(&self, child: Child) -> Ran {
        Ran(child.wait_with_output().expect("amdahl ends"))
    }

    /// The records of `results/test`.
    pub fn results(&self) -> Results {
        read(&self.path("results/test")).expect("readable results")
    }

    /// Records of `results/test` that count.
    pub fn counted(&self) -> usize {
        self.results().records.iter().filter(|record| record.counts()).count()
    }

    /// The outcomes in `results/test` for cells of this backend.
    pub fn outcomes(&self, backend: &str) -> Vec<Outcome> {
        let results = self.results();
        let of = |id| {
            results
                .cells
                .get(id)
                .is_some_and(|cell: &amdahl_record::cell::Cell| cell.backend.name() == backend)
        };
        results.records.iter().filter(|r| of(&r.key.cell)).map(|r| r.outcome.clone()).collect()
    }

    /// Processes that this test started, directly or not, and that still run.
    pub fn processes(&self) -> Vec<i32> {
        let wanted = format!("AMDAHL_TEST={}", self.mark).into_bytes();
        let entries = std::fs::read_dir("/proc").expect("Linux");
        let pids =
            entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|e| e.split(|&b| b == 0).any(|v| v == wanted))
        })
        .collect()
    }

    /// Waits until nothing of this test runs any more.
    pub fn nothing_survives(&self) {
        wait_until("no process survives", || self.processes().is_empty());
    }
}

/// What a program left.
pub struct Ran(pub Output);

impl Ran {
    /// Its exit code; -1 for a signal.
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    /// Standard output.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    /// Standard error.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Its exit code, checked; with what it said where it differs.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Ran {
        assert_eq!(
            self.code(),
            code,
            "standard output:\n{}\nstandard error:\n{}",
            self.out(),
            self.err()
        );
        self
    }
}

fn report(end: End) -> String {
    let report = Report::new(CellId("@CELL@".into()), amdahl_record::host::gather(), end);
    serde_json::to_string(&report).expect("JSON")
}

fn measured() -> Measured {
    let clustering = Clustering {
        rows: 300,
        dims: 2,
        iterations: 4,
        converged: false,
        inertia: 12345.5,
        sizes: vec![100, 100, 100],
        centroids: "c".into(),
        labels: "l".into(),
        data: "d".into(),
        distances: None,
        init_distances: None,
        quality: BTreeMap::new(),
        warnings: vec![],
    };
    Measured {
        platform: "cpu".into(),
        kernel: "a script".into(),
        host: amdahl_record::host::gather().id.into(),
        seconds: 0.5,
        answer: Answer::from(clustering).into(),
        lanes: vec![].into(),
        readings: vec![],
        peak_rss_bytes: None,
        load: LoadFacts::default(),
        peer: None,
        device: None,
    }
}

/// Waits for something that happens while the program runs.
#[track_caller]
pub fn wait_while_running(child: &mut Child, what: &str, mut happened: impl FnMut() -> bool) {
    wait_until(what, || {
        let ended = child.try_wait().expect("a child");
        happened() || ended.is_some_and(|status| panic!("it ended before {what}: {status}"))
    });
}

/// Waits for something that will happen, and fails when it does not within a time that is long
/// enough on any machine.
#[track_caller]
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !happened() {
        assert!(Instant::now() < deadline, "did not happen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process.
pub fn signal(pid: u32, signal: i32) {
    // SAFETY: kill(2) takes no pointers; the process is a child of the test.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0, "the process is there");
}

/// The class of a failure.
#[track_caller]
pub fn class(outcome: &Outcome) -> Failure {
    match outcome {
        Outcome::Failed { class, .. } => *class,
        other => panic!("not a failure: {other:?}"),
    }
}

/// The reason of a failure or a wrong answer.
pub fn reason(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Failed { reason, .. } | Outcome::Wrong { reason } => reason,
        Outcome::Ok => "",
    }
}

/// A manifest named `test` with these backends (one thread, two ranks), this many repeats and more
/// about the experiment.
pub fn manifest(backends: &str, repeats: u32, more: &str) -> String {
    let threads = if backends.contains("threads") { "threads = [1]" } else { "" };
    let ranks = if backends.contains("mpi") { "ranks = [2]\noversubscribe = true" } else { "" };
    format!(
        r#"
[experiment]
name = "test"
repeats = {repeats}
{more}
[workload]
kind = "kmeans"
k = 3
iterations = 4
[dataset]
synthetic = "mixture"
points = 300
dims = 2
clusters = 3
[axes]
backend = [{backends}]
{threads}
{ranks}
"#
    )
}

/// The files below `folder` with this ending.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|p| p.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

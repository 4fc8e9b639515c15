//! Launchers: from a cell to a command line.
//!
//! A [`Launcher`] is pure: it turns a cell and the facts of a [`Site`] into arguments and
//! environment, so it is tested without a cluster. Those of this machine are here; a scheduler's
//! own is in its file ([`crate::scheduler`]), and the scheduler says which one is taken.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use amdahl_record::cell::Cell;
use amdahl_record::error::Result;

pub mod library;
mod local;
mod mpiexec;
mod site;

use library::Library;

/// Facts of this machine and this environment that command lines depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Site {
    /// CPUs that this process may use.
    pub cpus: usize,
    /// Does this process run as the superuser? Open MPI refuses to, unless told twice.
    pub root: bool,
    /// May processes of one user read each other's memory? Open MPI complains at every large
    /// message when they may not.
    pub single_copy: bool,
    /// The MPI launcher to use, where there is one.
    pub mpiexec: Option<Mpiexec>,
    /// The MPI library that the worker is linked to, where that is known.
    pub worker_mpi: Option<Library>,
    /// Names of the environment's variables that ranks on other machines need too.
    pub forward: Vec<String>,
}

/// A program that starts ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mpiexec {
    /// The program, by path or by a name that the search path knows.
    pub program: String,
    /// The library it belongs to.
    pub library: Library,
}

/// What a launcher needs to know besides the cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The cell.
    pub cell: Cell,
    /// What stands before the worker on the command line of each rank: a simulator, or nothing.
    pub under: Vec<String>,
    /// The worker's executable, or the first word of an outside program.
    pub worker: PathBuf,
    /// What an outside program wants to hear before the cell file.
    pub arguments: Vec<String>,
    /// The cell file to pass.
    pub cell_file: PathBuf,
    /// Where rank 0 writes the report.
    pub record_file: PathBuf,
    /// The machine.
    pub site: Site,
}

impl Job {
    /// The worker's own words of a command line.
    pub(crate) fn worker_argv(&self) -> Vec<String> {
        let word = |path: &PathBuf| path.to_string_lossy().into_owned();
        let files =
            ["--cell".into(), word(&self.cell_file), "--record".into(), word(&self.record_file)];
        self.under
            .iter()
            .cloned()
            .chain([word(&self.worker)])
            .chain(self.arguments.iter().cloned())
            .chain(files)
            .collect()
    }
}

/// A command line and the variables to set for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables added to the environment.
    pub env: Vec<(String, String)>,
    /// Does it start processes of its own, which it ends when asked to (SIGTERM) but leaves behind
    /// when killed?
    pub has_children: bool,
}

/// As a person would type it into a shell.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables = self.env.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let words = self.argv.iter().map(|word| quoted(word).into_owned());
        f.write_str(&variables.chain(words).collect::<Vec<_>>().join(" "))
    }
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+./:=,@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

/// Turns a cell into a command line.
pub trait Launcher: Sync {
    /// Name in `amdahl doctor` and in records.
    fn name(&self) -> &'static str;
    /// The command line. The error says why this site cannot run the cell, and what to do about it.
    fn command(&self, job: &Job) -> Result<Command>;
}

/// The launcher for a cell where no scheduler has one of its own: `mpiexec` for ranks under MPI,
/// the program itself for what is one process.
pub fn on_this_machine(cell: &Cell) -> &'static dyn Launcher {
    if cell.backend.uses_mpi() { &mpiexec::Mpiexec } else { &local::Local }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use amdahl_kmeans_description::spec::{KMeans, Stop};
    use amdahl_record::cell::{Backend, Dataset, ReductionName, Synthetic};

    /// A job of this backend and these lanes.
    pub fn job(backend: &str, ranks: u32, threads: u32, site: Site) -> Job {
        let kmeans = KMeans::new(8, Stop::Iterations(10), 1);
        Job {
            cell: Cell {
                workload: kmeans.spec(),
                dataset: Dataset::Synthetic {
                    shape: Synthetic::Mixture,
                    points: 1000,
                    dims: 4,
                    clusters: 8,
                    seed: 1,
                },
                backend: Backend::from_name(backend).expect("a backend"),
                ranks,
                threads,
                oversubscribe: false,
                reduction: ReductionName::default(),
            },
            under: Vec::new(),
            worker: "/bin/worker".into(),
            arguments: Vec::new(),
            cell_file: "/w/c".into(),
            record_file: "/w/r".into(),
            site,
        }
    }

    pub fn words(command: &Command) -> String {
        command.argv.join(" ")
    }

    #[test]
    fn a_command_line_is_shown_as_a_shell_reads_it() {
        let word = |words: &[&str]| words.iter().map(|w| w.to_string()).collect();
        let command = Command {
            argv: word(&["/opt/my programs/worker", "--cell", "it's", "", "a=1"]),
            env: vec![("A_B".into(), "x y".into()), ("C".into(), "1".into())],
            has_children: false,
        };
        let shown = command.to_string();
        assert_eq!(shown, r"A_B='x y' C=1 '/opt/my programs/worker' --cell 'it'\''s' '' a=1");
        let printf = r#"printf '<%s>' "$A_B" "$@""#;
        let script = shown.replace("'/opt/my programs/worker'", "sh -c \"$PRINTF\" sh");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("PRINTF", printf)
            .output()
            .expect("a shell");
        let read = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(read, "<x y><--cell><it's><><a=1>");
    }

    #[test]
    fn one_rank_needs_no_launcher() {
        let command =
            local::Local.command(&job("threads", 1, 4, Site::default())).expect("a command line");
        assert_eq!(words(&command), "/bin/worker --cell /w/c --record /w/r");
        assert!(!command.has_children);
    }

    #[test]
    fn a_simulator_stands_before_each_rank_s_worker() {
        let mpiexec = Some(Mpiexec { program: "mpiexec".into(), library: Library::Mpich });
        let mut job = job("mpi", 2, 1, Site { mpiexec, single_copy: true, ..Site::default() });
        job.under = vec!["valgrind".into(), "-q".into()];
        let command = mpiexec::Mpiexec.command(&job).expect("a command line");
        assert_eq!(
            words(&command),
            "mpiexec -n 2 -bind-to none valgrind -q /bin/worker --cell /w/c --record /w/r"
        );
    }
}

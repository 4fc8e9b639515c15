//! This process as one rank of many: its number, its end, and the worker that it may become.

use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::comm::Comm;
use amdahl_record::error::{Error, Result};
use amdahl_record::launched;
use amdahl_record::protocol::PANICKED;

/// A library that connects processes, each of them a rank: MPI. Only the program that is linked to
/// one has it, so it is registered when that program starts.
pub trait Library: Sync {
    /// Its name and version, one line. May be asked before it is started.
    fn name(&self) -> String;

    /// All that it says of itself. May be asked before it is started.
    fn description(&self) -> String;

    /// Joins this process to its fellows, from the main thread, which alone calls it afterwards.
    ///
    /// # Errors
    /// Where it cannot be started, or not beside threads.
    fn start(&self) -> Result<Box<dyn Ranks>>;

    /// Ends all ranks, from any thread; returns where it was not started.
    fn abort(&self, code: i32);
}

/// A library that was started; it ends when this is dropped.
pub trait Ranks {
    /// The communicator of all ranks. `threads`: lanes in each rank, for the numbers of
    /// [`crate::comm::Lane`].
    fn comm(&self, threads: usize) -> Box<dyn Comm>;
}

static LIBRARY: OnceLock<&'static dyn Library> = OnceLock::new();

/// Makes a library the one that connects this program's processes. The first one stays.
pub fn register(library: &'static dyn Library) {
    let _ = LIBRARY.set(library);
}

/// The library that connects this program's processes, where it is linked to one.
pub fn library() -> Option<&'static dyn Library> {
    LIBRARY.get().copied()
}

/// Ends all ranks at once, from any rank and any thread. For panics and errors that a rank cannot
/// share.
pub fn abort(code: i32) -> ! {
    if let Some(library) = library() {
        library.abort(code);
    }
    std::process::exit(code)
}

/// From now on a panic of any lane ends all ranks, and so does the end of whatever started this
/// process.
pub fn on_panic_abort() {
    end_with_the_launcher();
    std::panic::set_hook(Box::new(|panic| {
        // One write: the lines of several ranks must not mix.
        let _ = std::io::stderr().write_all(format!("amdahl-worker: {panic}\n").as_bytes());
        abort(PANICKED)
    }));
}

/// Asks the system to end this process when the one that started it dies, whatever kills it.
fn end_with_the_launcher() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // Where the system refuses, whoever started it ends it.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
    }
}

/// The rank that the launcher gives this process, before MPI is asked; 0 where there is none.
pub fn rank_hint() -> u32 {
    launched::rank(|name| std::env::var(name).ok()).unwrap_or(0)
}

/// Where the worker is: what `AMDAHL_WORKER` names, else `amdahl-worker` beside this program.
pub fn worker() -> Result<PathBuf> {
    locate(std::env::var_os("AMDAHL_WORKER").map(PathBuf::from), std::env::current_exe().ok())
}

/// `AMDAHL_WORKER`, else `amdahl-worker` beside this program.
fn locate(named: Option<PathBuf>, this: Option<PathBuf>) -> Result<PathBuf> {
    let hint =
        "build it with 'cargo build --release --bin amdahl-worker', or name it in AMDAHL_WORKER";
    if let Some(path) = named.filter(|path| !path.as_os_str().is_empty()) {
        return std::path::absolute(&path).ok().filter(|path| path.is_file()).ok_or_else(|| {
            Error::usage(format!("AMDAHL_WORKER names {}, which is no file", path.display()))
                .hint(hint)
        });
    }
    let beside = this.and_then(|this| Some(this.parent()?.join("amdahl-worker")));
    match beside {
        Some(path) if path.is_file() => Ok(path),
        Some(path) => {
            Err(Error::unavailable(format!("there is no worker at {}", path.display())).hint(hint))
        }
        None => {
            Err(Error::unavailable("cannot find out where this program is, and so not its worker")
                .hint(hint))
        }
    }
}

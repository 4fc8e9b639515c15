//! Facts of this machine and environment that command lines depend on.

use std::process::{Command, Stdio};

use super::library::Library;
use super::{Mpiexec, Site};

/// Launchers by name, in the order they are tried. Debian names them after their library where
/// several are installed.
const NAMES: [&str; 4] = ["mpiexec", "mpirun", "mpiexec.openmpi", "mpiexec.mpich"];

impl Site {
    /// Looks around. `mpi` is what the worker says of its MPI library: the launcher of that library
    /// is preferred, and none is looked for where the worker has none.
    pub fn gather(mpi: Option<&str>) -> Site {
        let worker_mpi = mpi.and_then(Library::parse);
        let named = std::env::var("AMDAHL_MPIEXEC").ok().filter(|name| !name.is_empty());
        Site {
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            root: rustix::process::geteuid().is_root(),
            single_copy: may_read_other_processes(),
            mpiexec: mpi.and_then(|_| find_mpiexec(named, worker_mpi, &library_of)),
            worker_mpi,
            forward: forwarded(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())),
        }
    }
}

impl Site {
    /// A launcher of any library: for programs that find their library when they run.
    pub(crate) fn any_mpiexec() -> Option<Mpiexec> {
        find_mpiexec(
            std::env::var("AMDAHL_MPIEXEC").ok().filter(|name| !name.is_empty()),
            None,
            &library_of,
        )
    }
}

/// The launcher that the user named, else the first of the worker's library, else the first of any.
fn find_mpiexec(
    named: Option<String>,
    wanted: Option<Library>,
    library_of: &dyn Fn(&str) -> Option<Library>,
) -> Option<Mpiexec> {
    let found = |program: &str| {
        library_of(program).map(|library| Mpiexec { program: program.into(), library })
    };
    if let Some(named) = named {
        // A script of the user's may print anything: then it is the worker's library that decides
        // on the dialect.
        let library = library_of(&named).or(wanted).unwrap_or(Library::OpenMpi);
        return Some(Mpiexec { program: named, library });
    }
    let mut any = None;
    for candidate in NAMES.iter().filter_map(|name| found(name)) {
        if wanted.is_none_or(|wanted| wanted.launched_by(candidate.library)) {
            return Some(candidate);
        }
        any = any.or(Some(candidate));
    }
    any
}

/// Asks a launcher which library it belongs to. `None` where it is not there.
fn library_of(program: &str) -> Option<Library> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    Library::parse(
        &(String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr)),
    )
}

/// Variables that decide what a worker does, wherever it runs.
fn forwarded(names: impl Iterator<Item = String>) -> Vec<String> {
    let own = ["AMDAHL_WORKER", "AMDAHL_MPIEXEC"];
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("AMDAHL_") && !own.contains(&name.as_str())).collect();
    names.sort();
    names
}

/// Tries to read this process's own memory the way one rank reads another's. Where a container
/// forbids that call, Open MPI complains at every large message.
fn may_read_other_processes() -> bool {
    #[cfg(target_os = "linux")]
    {
        let (from, mut to) = ([7u8], [0u8]);
        let source = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: 1 };
        let target = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: 1 };
        // SAFETY: both vectors name one byte of an array that outlives the call; `from` is only
        // read.
        let read = unsafe { libc::process_vm_readv(libc::getpid(), &target, 1, &source, 1, 0) };
        read == 1
    }
    #[cfg(not(target_os = "linux"))]
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_launcher_of_the_worker_s_library_is_preferred() {
        let both = |program: &str| match program {
            "mpiexec" | "mpiexec.openmpi" => Some(Library::OpenMpi),
            "mpiexec.mpich" => Some(Library::Mpich),
            _ => None,
        };
        let program = |wanted| find_mpiexec(None, wanted, &both).expect("one is there").program;
        assert_eq!(program(Some(Library::OpenMpi)), "mpiexec");
        assert_eq!(program(Some(Library::Mpich)), "mpiexec.mpich");
        assert_eq!(program(None), "mpiexec");
        assert_eq!(find_mpiexec(None, None, &|_| None), None);
        let only_open = |program: &str| (program == "mpirun").then_some(Library::OpenMpi);
        let other = find_mpiexec(None, Some(Library::Mpich), &only_open)
            .expect("named, so that the mismatch is said");
        assert_eq!(other.library, Library::OpenMpi);
    }

    #[test]
    fn the_user_s_word_goes_first() {
        let named = find_mpiexec(Some("/opt/start-ranks".into()), Some(Library::Mpich), &|_| None)
            .expect("as named");
        assert_eq!(named, Mpiexec { program: "/opt/start-ranks".into(), library: Library::Mpich });
    }

    #[test]
    fn variables_of_ours_go_to_other_machines() {
        let names = ["PATH", "AMDAHL_WORKER", "AMDAHL_FAULT", "AMDAHL_DATA"].map(String::from);
        assert_eq!(forwarded(names.into_iter()), ["AMDAHL_DATA", "AMDAHL_FAULT"]);
    }
}

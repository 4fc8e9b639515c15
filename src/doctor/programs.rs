//! Programs and devices that measuring can use: the worker, MPI, schedulers, valgrind, Trainium.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::check::Check;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::error::Error;
use amdahl_run::launch::program::Worker;
use amdahl_run::launcher::Site;
use amdahl_run::scheduler::{Finding, SCHEDULERS, Scheduler};
use amdahl_run::system::{Here, System};

const WORKER: &str = "Worker";
const MPI: &str = "MPI";
const OTHERS: &str = "Other programs and devices";

/// Packages that bring MPI and what building with it needs.
pub const INSTALL_MPI: &str = "Debian, Ubuntu: apt-get install libopenmpi-dev openmpi-bin libclang-dev; on a cluster: module load openmpi; \
                           then make build";

/// Looks for everything. `scratch` is a folder for what the worker prints.
pub fn look(scratch: &Path, interrupts: &Interrupts) -> (Site, Option<Worker>, Vec<Check>) {
    let worker = Worker::find(scratch, interrupts);
    let mpi = worker.as_ref().ok().and_then(|worker| worker.can.build.mpi.clone());
    let site = Site::gather(mpi.as_deref());
    let mut checks = vec![match &worker {
        Ok(worker) => Check::yes(
            WORKER,
            "found",
            format!("{} (build {})", worker.path.display(), worker.can.build.id),
        ),
        Err(error) => refused(WORKER, "found", error),
    }];
    if let Ok(worker) = &worker {
        checks.push(Check::yes(WORKER, "backends", worker.can.backends.join(", ")));
        checks.push(built_of_the_same(worker));
    }
    checks.push(wrapper(Here.find(&std::env::var("MPICC").unwrap_or("mpicc".into()))));
    checks.push(match (&mpi, &worker) {
        (Some(library), _) => Check::yes(MPI, "worker is linked to", library.clone()),
        (None, Ok(_)) => {
            Check::no(MPI, "worker is linked to", "this worker was built without MPI", INSTALL_MPI)
        }
        (None, Err(_)) => Check::no(MPI, "worker is linked to", "there is no worker", "see above"),
    });
    checks.push(launcher(&site));
    checks.extend(schedulers());
    checks.push(match version("valgrind") {
        Some(version) => Check::yes(OTHERS, "valgrind", version),
        None => Check::no(
            OTHERS,
            "valgrind",
            "not on the search path",
            "Debian, Ubuntu: apt-get install valgrind",
        ),
    });
    checks.push(trainium(
        &std::env::var("NEURON_LIBRARY_PATH").ok(),
        Here.find("libneuronpjrt-path"),
        &neuron_devices(),
    ));
    (site, worker.ok(), checks)
}

/// An error of ours as a finding.
pub fn refused(topic: &'static str, name: &str, error: &Error) -> Check {
    Check::no(
        topic,
        name,
        error.message.clone(),
        error.hint.clone().unwrap_or_else(|| "see docs/method.md".into()),
    )
}

fn built_of_the_same(worker: &Worker) -> Check {
    let its = &worker.can.build;
    if option_env!("AMDAHL_BUILD_SOURCES") == Some(worker.can.sources.as_str()) {
        return Check::yes(WORKER, "built from the same sources", "");
    }
    let revision = its
        .revision
        .as_deref()
        .map_or("an unknown revision", |revision| &revision[..revision.len().min(12)]);
    Check::no(
        WORKER,
        "built from the same sources",
        format!("the worker is version {} of {revision}", its.version),
        "make build",
    )
}

fn wrapper(found: Option<PathBuf>) -> Check {
    match found {
        Some(path) => Check::yes(MPI, "compiler wrapper", path.display().to_string()),
        None => {
            Check::no(MPI, "compiler wrapper", "there is no mpicc on the search path", INSTALL_MPI)
        }
    }
}

fn launcher(site: &Site) -> Check {
    const NAME: &str = "launcher";
    let Some(mpiexec) = &site.mpiexec else {
        return Check::no(
            MPI,
            NAME,
            "there is no mpiexec on the search path",
            "Debian, Ubuntu: apt-get install openmpi-bin; or name one in AMDAHL_MPIEXEC",
        );
    };
    match site.worker_mpi {
        Some(worker) if !worker.launched_by(mpiexec.library) => Check::no(
            MPI,
            NAME,
            format!("{} belongs to {}, the worker to {worker}", mpiexec.program, mpiexec.library),
            format!("name the launcher of {worker} in AMDAHL_MPIEXEC"),
        ),
        _ => Check::yes(MPI, NAME, format!("{} of {}", mpiexec.program, mpiexec.library)),
    }
}

/// What every scheduler has to say.
fn schedulers() -> Vec<Check> {
    let said = |scheduler: &&dyn Scheduler| {
        let name = scheduler.name();
        scheduler.findings(&Here).into_iter().map(move |finding| match finding {
            Finding::Yes(what) => Check::yes(OTHERS, name, what),
            Finding::No { why, help } => Check::no(OTHERS, name, why, help),
        })
    };
    SCHEDULERS.iter().flat_map(said).collect()
}

/// Says what was looked for. It never claims Trainium: no backend of this program computes on it.
fn trainium(library: &Option<String>, program: Option<PathBuf>, devices: &[String]) -> Check {
    const NAME: &str = "Trainium";
    let mut found = Vec::new();
    found.extend(library.as_ref().map(|path| {
        let there = if Path::new(path).exists() { "" } else { ", which does not exist" };
        format!("NEURON_LIBRARY_PATH={path}{there}")
    }));
    found.extend(program.map(|path| path.display().to_string()));
    found.extend(devices.iter().cloned());
    if found.is_empty() {
        return Check::no(
            OTHERS,
            NAME,
            "looked for NEURON_LIBRARY_PATH, the program libneuronpjrt-path and /dev/neuron*: none is here",
            "an AWS machine of the type trn1 or trn2 with the Neuron SDK has them",
        );
    }
    Check::no(
        OTHERS,
        NAME,
        format!("found {}, but no backend of this version computes on it", found.join(", ")),
        "the CPU backends work here",
    )
}

fn neuron_devices() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/dev") else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut devices: Vec<String> = names
        .filter(|name| name.starts_with("neuron"))
        .map(|name| format!("/dev/{name}"))
        .collect();
    devices.sort();
    devices
}

/// The first line that `program --version` prints.
fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::super::check::Is;
    use super::*;
    use amdahl_run::launcher::Mpiexec;
    use amdahl_run::launcher::library::Library;

    #[test]
    fn trainium_is_never_claimed() {
        let nothing = trainium(&None, None, &[]);
        let all = trainium(
            &Some("/nowhere/lib.so".into()),
            Some("/bin/x".into()),
            &["/dev/neuron0".into()],
        );
        assert_eq!((nothing.is, all.is), (Is::No, Is::No));
        let why = all.why.unwrap_or_default();
        assert!(
            why.contains("/dev/neuron0")
                && why.contains("does not exist")
                && why.contains("no backend"),
            "{why}"
        );
    }

    #[test]
    fn a_launcher_of_another_library_is_a_no() {
        let mpiexec = Some(Mpiexec { program: "mpiexec".into(), library: Library::OpenMpi });
        let site = |worker_mpi| Site { mpiexec: mpiexec.clone(), worker_mpi, ..Site::default() };
        assert_eq!(launcher(&site(Some(Library::OpenMpi))).is, Is::Yes);
        assert_eq!(launcher(&site(None)).is, Is::Yes);
        let other = launcher(&site(Some(Library::Mpich)));
        assert_eq!(other.is, Is::No);
        assert!(other.why.is_some_and(|why| why.contains("Open MPI") && why.contains("MPICH")));
        assert_eq!(launcher(&Site::default()).is, Is::No);
    }
}

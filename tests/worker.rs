//! The worker as a process: how tests find it, launch it and read its report.

use crate::support::change_kmeans;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use amdahl_kmeans_description::spec::{KMeans, Stop};
use amdahl_record::cell::{Backend, Cell, Dataset, ReductionName, Synthetic};
use amdahl_record::protocol::Capabilities;
use amdahl_record::{End, Failure, Measured};
use amdahl_worker::read_report;

use amdahl_testing::lacks;

/// The worker under test: `AMDAHL_WORKER` where `make test` names the one with MPI, else the one
/// that cargo built for the tests.
pub fn worker() -> PathBuf {
    std::env::var_os("AMDAHL_WORKER").map_or_else(crate::support::built_worker, PathBuf::from)
}

/// What it can do.
pub fn capabilities() -> &'static Capabilities {
    static CAPABILITIES: OnceLock<Capabilities> = OnceLock::new();
    CAPABILITIES.get_or_init(|| {
        let out = Command::new(worker()).arg("--capabilities").output().expect("the worker starts");
        serde_json::from_slice(&out.stdout).expect("capabilities are JSON")
    })
}

/// Can ranks be launched?
#[track_caller]
pub fn mpi_or_skip(test: &str) -> bool {
    let launcher =
        Command::new("mpiexec").arg("--version").output().is_ok_and(|out| out.status.success());
    let missing = match (capabilities().build.mpi.is_some(), launcher) {
        (true, true) => return true,
        (false, _) => "the worker under test was built without MPI",
        (true, false) => "there is no mpiexec",
    };
    lacks("MPI", test, missing);
    false
}

/// A command that runs the cell's worker, under mpiexec where the backend says so.
pub fn command(cell: &Cell, cell_file: &Path, record: &Path) -> Command {
    std::fs::write(cell_file, serde_json::to_string(cell).expect("cells serialise"))
        .expect("a temporary file");
    let mut command = if cell.backend.uses_mpi() {
        let mut mpiexec = Command::new("mpiexec");
        mpiexec
            .args(["-n", &cell.ranks.to_string(), "--bind-to", "none", "--oversubscribe"])
            .arg(worker());
        mpiexec
    } else {
        Command::new(worker())
    };
    command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    command.env("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
    command.arg("--cell").arg(cell_file).arg("--record").arg(record);
    command
}

/// Runs a cell by hand and returns what it left.
pub fn run(cell: &Cell, environment: &[(&str, &str)]) -> (Output, Option<End>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let record = folder.path().join("record.json");
    let mut command = command(cell, &folder.path().join("cell.json"), &record);
    let out = command.envs(environment.iter().copied()).output().expect("the worker starts");
    let report =
        record.is_file().then(|| read_report(&record, &cell.id()).expect("a report of this cell"));
    (out, report.map(|report| report.end))
}

/// Runs a cell that must end well.
pub fn measure(cell: &Cell, environment: &[(&str, &str)]) -> Measured {
    let (out, end) = run(cell, environment);
    let printed = String::from_utf8_lossy(&out.stderr);
    match end {
        Some(End::Done(measured)) if out.status.success() => *measured,
        other => panic!(
            "{} on {} x {}: {}, {other:?}\n{printed}",
            cell.backend, cell.ranks, cell.threads, out.status
        ),
    }
}

/// A small synthetic cell.
pub fn synthetic(backend: &str, ranks: u32, threads: u32) -> Cell {
    Cell {
        workload: KMeans::new(5, Stop::Iterations(6), 1).spec(),
        dataset: Dataset::Synthetic {
            shape: Synthetic::Mixture,
            points: 2000,
            dims: 6,
            clusters: 5,
            seed: 3,
        },
        backend: Backend::from_name(backend).expect("a backend"),
        ranks,
        threads,
        oversubscribe: true,
        reduction: ReductionName::default(),
    }
}

/// A cell that must end with this class of failure, in words and not by a panic.
fn refused(cell: &Cell) -> (Failure, String) {
    let (out, end) = run(cell, &[]);
    assert_eq!(out.status.code(), Some(2), "{}", String::from_utf8_lossy(&out.stderr));
    match end {
        Some(End::Failed { class, reason }) => (class, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_no_machine_has_room_for_is_refused() {
    for (rows, backend) in [(1 << 50, "serial"), (u64::MAX / 2, "serial"), (1 << 50, "threads")] {
        let mut cell = synthetic(backend, 1, 1);
        let Dataset::Synthetic { points, .. } = &mut cell.dataset else { panic!("made-up rows") };
        *points = rows;
        let (class, reason) = refused(&cell);
        assert_eq!(class, Failure::Unavailable, "{reason}");
        assert!(reason.contains(&format!("no memory for {rows} rows x 6 columns")), "{reason}");
    }
    let many = Cell { oversubscribe: false, ..synthetic("threads", 1, 1 << 24) };
    let (class, reason) = refused(&many);
    assert_eq!(class, Failure::Unavailable, "{reason}");
    assert!(reason.contains("16777216 lanes on this node"), "{reason}");
}

#[test]
fn true_labels_without_classes_are_refused_before_the_work() {
    let mut cell = synthetic("serial", 1, 1);
    let Dataset::Synthetic { points, clusters, .. } = &mut cell.dataset else {
        panic!("made-up rows")
    };
    (*points, *clusters) = (20_000, 20_000);
    change_kmeans(&mut cell, |kmeans| kmeans.k = 20_000);
    let (class, reason) = refused(&cell);
    assert_eq!(class, Failure::Data, "{reason}");
    assert!(reason.contains("too many for a table"), "{reason}");
}

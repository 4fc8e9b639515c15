//! Every bad ending of a real worker: each is a row with a reason, the sweep goes on, and no
//! process survives.

use amdahl_record::{Failure, Outcome};

use crate::support::{
    Ran, Sandbox, class, manifest, reason, signal, wait_until, wait_while_running,
};
use crate::worker::mpi_or_skip;

const RUN: &[&str] = &["run", "test.toml"];

/// A sandbox in which the oracle is measured, so that faults meet the other backend alone.
fn sandbox(backend: &str, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let backends = format!("\"serial\", \"{backend}\"");
    sandbox.write("test.toml", manifest(&backends, 2, ""));
    sandbox.run(&["run", "test.toml", "--only", "backend=serial"]).ends_with(0);
    assert_eq!(sandbox.outcomes("serial"), [Outcome::Ok, Outcome::Ok]);
    // A short time limit is for what hangs alone.
    sandbox.write("test.toml", manifest(&backends, 2, more));
    sandbox
}

fn run_with(sandbox: &Sandbox, fault: &str) -> Ran {
    Ran(sandbox.amdahl(RUN).env("AMDAHL_FAULT", fault).output().expect("amdahl starts"))
}

/// Runs the backend with a fault, and returns its rows.
fn rows(backend: &str, fault: &str, code: i32, more: &str) -> Vec<Outcome> {
    let sandbox = sandbox(backend, more);
    run_with(&sandbox, fault).ends_with(code);
    assert_eq!(sandbox.processes(), [] as [i32; 0], "no process survives");
    sandbox.outcomes(backend)
}

/// One row of this class that says this.
#[track_caller]
fn one(rows: &[Outcome], expected: Failure, words: &str) {
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(class(&rows[0]), expected, "{rows:?}");
    assert!(reason(&rows[0]).contains(words), "{rows:?}");
}

#[test]
fn one_process() {
    one(&rows("threads", "panic:iteration=2", 1, ""), Failure::Panicked, "panicked at");
    let killed = rows("threads", "kill:iteration=2", 1, "");
    assert_eq!(
        killed.iter().map(class).collect::<Vec<_>>(),
        [Failure::Killed, Failure::Killed],
        "tried twice"
    );
    assert!(reason(&killed[0]).contains("SIGKILL"));
    one(&rows("threads", "exit", 1, ""), Failure::Error, "exit code 3");
    let error = rows("threads", "error", 1, "");
    assert_eq!((error.len(), class(&error[0])), (1, Failure::Error), "{error:?}");
    one(
        &rows("threads", "hang:iteration=2", 1, "time-limit = \"2 s\""),
        Failure::Timeout,
        "time limit of 2 s",
    );
    let wrong = rows("threads", "wrong", 5, "");
    assert!(matches!(&wrong[..], [Outcome::Wrong { .. }]), "{wrong:?}");
    assert!(reason(&wrong[0]).contains("the oracle has"), "{wrong:?}");
}

#[test]
fn a_rank_that_panics_ends_all_ranks() {
    if mpi_or_skip("a_rank_that_panics_ends_all_ranks") {
        one(&rows("mpi", "panic:rank=1:iteration=2", 1, ""), Failure::Panicked, "panicked at");
    }
}

#[test]
fn a_rank_that_is_killed_ends_all_ranks() {
    if mpi_or_skip("a_rank_that_is_killed_ends_all_ranks") {
        let killed = rows("mpi", "kill:rank=1:iteration=2", 1, "");
        assert_eq!(
            killed.iter().map(class).collect::<Vec<_>>(),
            [Failure::Killed, Failure::Killed],
            "tried twice"
        );
        assert!(reason(&killed[0]).contains("a rank was killed by SIGKILL"), "{killed:?}");
    }
}

#[test]
fn a_rank_that_hangs_meets_the_time_limit() {
    if mpi_or_skip("a_rank_that_hangs_meets_the_time_limit") {
        one(
            &rows("mpi", "hang:rank=1:iteration=2", 1, "time-limit = \"5 s\""),
            Failure::Timeout,
            "time limit of 5 s",
        );
    }
}

#[test]
fn a_rank_that_just_ends_is_an_error() {
    if mpi_or_skip("a_rank_that_just_ends_is_an_error") {
        one(&rows("mpi", "exit:rank=1", 1, ""), Failure::Error, "exit code 3");
    }
}

#[test]
fn an_error_of_a_rank_is_said_by_all() {
    if mpi_or_skip("an_error_of_a_rank_is_said_by_all") {
        let error = rows("mpi", "error:rank=1", 1, "");
        assert_eq!((error.len(), class(&error[0])), (1, Failure::Error), "{error:?}");
    }
}

#[test]
fn a_wrong_answer_of_a_rank_is_found() {
    if mpi_or_skip("a_wrong_answer_of_a_rank_is_found") {
        let wrong = rows("mpi", "wrong:rank=1", 5, "");
        assert!(matches!(&wrong[..], [Outcome::Wrong { .. }]), "{wrong:?}");
    }
}

/// Workers of the test that have begun to compute cannot be told from those that have not; but they
/// all run.
fn ranks(sandbox: &Sandbox) -> usize {
    let name = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    sandbox.processes().iter().filter(|pid| name(pid).trim() == "amdahl-worker").count()
}

fn hanging(backend: &str) -> (Sandbox, std::process::Child) {
    let sandbox = sandbox(backend, "");
    let mut command = sandbox.amdahl(RUN);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let rank = if backend == "mpi" { 1 } else { 0 };
    let mut child = command
        .env("AMDAHL_FAULT", format!("hang:rank={rank}:iteration=2"))
        .spawn()
        .expect("amdahl starts");
    wait_while_running(&mut child, "the ranks run", || ranks(&sandbox) == rank + 1);
    (sandbox, child)
}

/// After an interruption nothing is lost, and the rest is measured without a fault.
fn goes_on(sandbox: &Sandbox, backend: &str) {
    assert_eq!(sandbox.outcomes(backend), [], "no row for what was ended from outside");
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.outcomes(backend), [Outcome::Ok, Outcome::Ok]);
    assert_eq!(sandbox.counted(), 4);
}

#[test]
fn a_sweep_that_is_killed_takes_its_worker_along() {
    for backend in ["threads", "mpi"] {
        if backend == "mpi" && !mpi_or_skip("a_sweep_that_is_killed_takes_its_worker_along") {
            continue;
        }
        let (sandbox, mut child) = hanging(backend);
        signal(child.id(), libc::SIGKILL);
        child.wait().expect("it ends");
        sandbox.nothing_survives();
        goes_on(&sandbox, backend);
    }
}

#[test]
fn ctrl_c_ends_all_ranks() {
    for backend in ["threads", "mpi"] {
        if backend == "mpi" && !mpi_or_skip("ctrl_c_ends_all_ranks") {
            continue;
        }
        let (sandbox, child) = hanging(backend);
        signal(child.id(), libc::SIGINT);
        sandbox.end(child).ends_with(130);
        assert_eq!(sandbox.processes(), [] as [i32; 0], "no process survives");
        goes_on(&sandbox, backend);
    }
}

#[test]
fn a_launcher_that_is_killed_leaves_no_ranks() {
    if !mpi_or_skip("a_launcher_that_is_killed_leaves_no_ranks") {
        return;
    }
    let (sandbox, child) = hanging("mpi");
    let launcher = || {
        sandbox.processes().into_iter().find(|pid| {
            // Neither the sweep, nor its guard, nor a rank.
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            *pid != child.id() as i32 && !["amdahl", "amdahl-worker"].contains(&name.trim())
        })
    };
    // Once and again: a killed launcher is tried twice.
    let first = launcher().expect("mpiexec runs");
    signal(first as u32, libc::SIGKILL);
    wait_until("the second try", || {
        launcher().is_some_and(|pid| pid != first) && ranks(&sandbox) == 2
    });
    signal(launcher().expect("mpiexec runs") as u32, libc::SIGKILL);
    sandbox.end(child).ends_with(1);
    assert_eq!(sandbox.processes(), [] as [i32; 0], "no process survives");
    let rows = sandbox.outcomes("mpi");
    assert_eq!(rows.iter().map(class).collect::<Vec<_>>(), [Failure::Killed, Failure::Killed]);
}

#[test]
fn ranks_cannot_be_started_without_a_launcher() {
    if !mpi_or_skip("ranks_cannot_be_started_without_a_launcher") {
        return;
    }
    let sandbox = sandbox("mpi", "");
    let output =
        sandbox.amdahl(RUN).env("PATH", sandbox.path("nothing")).output().expect("amdahl starts");
    let ran = Ran(output).ends_with(0);
    assert!(ran.out().contains("there is no mpiexec"), "{}", ran.out());
    one(&sandbox.outcomes("mpi"), Failure::Unavailable, "AMDAHL_MPIEXEC");
    let output = sandbox
        .amdahl(RUN)
        .env("AMDAHL_MPIEXEC", "/no/such/mpiexec")
        .output()
        .expect("amdahl starts");
    Ran(output).ends_with(1);
    let rows = sandbox.outcomes("mpi");
    assert_eq!(
        rows[1..].iter().map(class).collect::<Vec<_>>(),
        [Failure::Launch, Failure::Launch],
        "tried twice"
    );
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.counted(), 4, "both are tried again when they may have changed");
}

#[test]
fn a_damaged_data_file_is_a_row_with_file_row_and_column() {
    let sandbox = Sandbox::new();
    let text = manifest(r#""serial", "threads""#, 2, "");
    let synthetic = "synthetic = \"mixture\"\npoints = 300\ndims = 2\nclusters = 3";
    assert!(text.contains(synthetic));
    sandbox.write("test.toml", text.replace(synthetic, "file = \"points.csv\""));
    let rows: Vec<String> = (0..50).map(|i| format!("{}.5,{}", i % 7, i % 3)).collect();
    let good = rows.join("\n") + "\n";
    sandbox.write("points.csv", good.replace("3.5,0", "3.5,nan"));
    let ran = sandbox.run(RUN).ends_with(6);
    assert!(ran.out().contains("points.csv"), "{}", ran.out());
    let serial = sandbox.outcomes("serial");
    one(&serial, Failure::Data, "row 4, column 2: the value is NaN; ");
    assert_eq!(class(&sandbox.outcomes("threads")[0]), Failure::Unchecked);
    // Mended data is other data: it is measured at once.
    sandbox.write("points.csv", &good);
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.counted(), 4);
    // A file that is gone is said before anything is planned.
    std::fs::remove_file(sandbox.path("points.csv")).expect("it was there");
    let ran = sandbox.run(RUN).ends_with(2);
    assert!(ran.err().contains("test.toml") && ran.err().contains("points.csv"), "{}", ran.err());
}

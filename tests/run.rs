//! `amdahl run` over a worker that does what each test wants: every ending, resuming, sharing a
//! folder, what scripts see.

use amdahl_record::{Failure, Outcome};

use crate::support::{
    Sandbox, class, files, manifest, reason, signal, wait_until, wait_while_running,
};
use amdahl_testing::skipped;

const GOOD: &str = "answer 1.5";

fn sandbox(script: &str, backends: &str, repeats: u32, more: &str) -> Sandbox {
    let sandbox = Sandbox::with_script(script);
    sandbox.write("test.toml", manifest(backends, repeats, more));
    sandbox
}

/// serial and threads 1, each so often.
fn two(script: &str, repeats: u32) -> Sandbox {
    sandbox(script, r#""serial", "threads""#, repeats, "")
}

const RUN: &[&str] = &["run", "test.toml"];

#[test]
fn all_is_measured_once_and_nothing_twice() {
    let sandbox = two(GOOD, 2);
    let ran = sandbox.run(RUN).ends_with(0);
    assert!(
        ran.out().contains("test: 2 of 2 cells measured (4 new records) in results/test"),
        "{}",
        ran.out()
    );
    assert!(ran.out().contains("next: amdahl show results/test"));
    assert_eq!((sandbox.tried().len(), sandbox.counted()), (4, 4));
    let files_before = files(&sandbox.path("results/test"), ".jsonl");
    assert_eq!(files_before.len(), 1);
    assert!(files(&sandbox.path("results/test/work"), "").is_empty(), "the scratch folder is gone");

    let ran = sandbox.run(RUN).ends_with(0);
    assert!(ran.out().contains("2 of 2 cells measured (0 new records)"), "{}", ran.out());
    assert_eq!(sandbox.tried().len(), 4);
    assert_eq!(
        files(&sandbox.path("results/test"), ".jsonl"),
        files_before,
        "a run without news leaves no file"
    );

    sandbox.run(&["run", "test.toml", "--repeats", "3"]).ends_with(0);
    assert_eq!(sandbox.counted(), 6, "one more of each");
    sandbox.run(&["run", "test.toml", "--fresh"]).ends_with(0);
    assert_eq!(sandbox.counted(), 10, "all anew");
    let results = sandbox.results();
    assert_eq!(results.standing().count(), 4, "what the fresh run replaced no longer counts");
}

#[test]
fn an_oracle_that_nobody_asked_for_runs_once() {
    let sandbox = sandbox(GOOD, r#""threads""#, 1, "");
    let ran = sandbox.run(RUN).ends_with(0);
    assert!(ran.out().contains("test: 1 of 1 cell measured (2 new records)"), "{}", ran.out());
    let ran = sandbox.run(&["run", "test.toml", "--repeats", "3"]).ends_with(0);
    assert!(ran.out().contains("test: 1 of 1 cell measured (2 new records)"), "{}", ran.out());
    assert_eq!((sandbox.outcomes("serial").len(), sandbox.outcomes("threads").len()), (1, 3));
}

#[test]
fn another_program_is_another_key() {
    let sandbox = two(GOOD, 1);
    sandbox.run(RUN).ends_with(0);
    sandbox.script("answer 2.5");
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.counted(), 4);
}

#[test]
fn a_part_is_measured_with_the_oracle_it_needs() {
    let sandbox = two(GOOD, 3);
    sandbox.run(&["run", "test.toml", "--only", "backend=threads"]).ends_with(0);
    assert_eq!((sandbox.outcomes("serial").len(), sandbox.outcomes("threads").len()), (1, 3));
    let ran = sandbox.run(&["run", "test.toml", "--only", "backend=thraeds"]).ends_with(2);
    assert!(ran.err().contains("thraeds"), "{}", ran.err());
    let elsewhere = sandbox
        .run(&["run", "test.toml", "--results", "there", "--only", "backend=serial"])
        .ends_with(0);
    assert!(elsewhere.out().contains("in there"), "{}", elsewhere.out());
    assert_eq!(files(&sandbox.path("there"), ".jsonl").len(), 1);
}

#[test]
fn a_wrong_answer_is_a_row_without_a_time_and_exit_code_5() {
    let sandbox = two("is_serial && answer 1.5 || answer 1.25", 2);
    let ran = sandbox.run(RUN).ends_with(5);
    assert!(
        ran.out().contains("wrong        threads 1: inertia: got 1.25, the oracle has 1.5"),
        "{}",
        ran.out()
    );
    let outcomes = sandbox.outcomes("threads");
    assert_eq!(
        outcomes,
        [Outcome::Wrong { reason: "inertia: got 1.25, the oracle has 1.5".into() }]
    );
    assert_eq!(sandbox.outcomes("serial").len(), 2, "the sweep went on");
    sandbox.run(RUN).ends_with(5);
    sandbox.run(&["run", "test.toml", "--retry"]).ends_with(5);
    assert_eq!(sandbox.tried().len(), 3, "a wrong answer is not tried again");
}

/// Runs a sweep whose threads cell ends as the script says, and returns that cell's rows.
fn ending(script: &str, more: &str) -> (Sandbox, Vec<Outcome>) {
    let script = format!("if is_serial; then answer 1.5; exit; fi\n{script}");
    let sandbox = two(&script, 2);
    sandbox.run(&["run", "test.toml", "--only", "backend=serial"]).ends_with(0);
    // A short time limit is for what hangs alone.
    sandbox.write("test.toml", manifest(r#""serial", "threads""#, 2, more));
    let ran = sandbox.run(RUN).ends_with(1);
    assert!(ran.err().contains("1 of 2 cells failed"), "{}", ran.err());
    assert_eq!(sandbox.outcomes("serial"), [Outcome::Ok, Outcome::Ok], "the sweep went on");
    sandbox.nothing_survives();
    let outcomes = sandbox.outcomes("threads");
    (sandbox, outcomes)
}

#[test]
fn a_worker_that_panics() {
    let (sandbox, rows) =
        ending("echo \"thread 'main' panicked at src/x.rs:7:9: a bug\" >&2; exit 101", "");
    assert_eq!(rows.len(), 1, "tried once");
    assert_eq!(class(&rows[0]), Failure::Panicked);
    assert!(reason(&rows[0]).contains("panicked at src/x.rs:7:9: a bug"), "{}", reason(&rows[0]));
    let logs = files(&sandbox.path("results/test/logs"), ".log");
    assert_eq!(logs.len(), 1);
    assert!(std::fs::read_to_string(&logs[0]).expect("a log").contains("a bug"));
    // It would panic again: it is not tried again, unless asked for.
    sandbox.run(RUN).ends_with(1);
    assert_eq!(sandbox.tried().len(), 3);
    sandbox.run(&["run", "test.toml", "--retry"]).ends_with(1);
    assert_eq!(sandbox.tried().len(), 4);
}

#[test]
fn a_worker_that_is_killed() {
    let (sandbox, rows) = ending("kill -9 $$", "");
    assert_eq!(
        rows.iter().map(class).collect::<Vec<_>>(),
        [Failure::Killed, Failure::Killed],
        "tried twice"
    );
    assert!(reason(&rows[0]).contains("SIGKILL"), "{}", reason(&rows[0]));
    sandbox.run(RUN).ends_with(1);
    assert_eq!(sandbox.outcomes("threads").len(), 4, "and again by the next run");
}

#[test]
fn a_worker_that_is_killed_once() {
    let sandbox = two(
        "if ! is_serial && mkdir \"$here/first\" 2>/dev/null; then kill -9 $$; fi; answer 1.5",
        2,
    );
    sandbox.run(RUN).ends_with(0);
    let rows = sandbox.outcomes("threads");
    assert_eq!(class(&rows[0]), Failure::Killed);
    assert_eq!(rows[1..], [Outcome::Ok, Outcome::Ok]);
}

#[test]
fn a_worker_that_says_why_it_failed() {
    let error = "fail 'row 3, column 1 is not finite'; exit 2";
    let (_, rows) = ending(error, "");
    assert_eq!(rows.len(), 1);
    assert_eq!(class(&rows[0]), Failure::Data);
    assert!(reason(&rows[0]).starts_with("row 3, column 1 is not finite"));
}

#[test]
fn a_worker_that_ends_with_an_error_it_cannot_report() {
    let (_, rows) = ending("echo no such thing >&2; exit 3", "");
    assert_eq!(class(&rows[0]), Failure::Error);
    assert!(
        reason(&rows[0]).starts_with("it ended with exit code 3; it printed: no such thing"),
        "{}",
        reason(&rows[0])
    );
}

#[test]
fn a_good_end_without_a_report_is_not_believed() {
    let (_, rows) = ending("exit 0", "");
    assert_eq!(class(&rows[0]), Failure::NoReport);
    let (_, rows) = ending("answer 1.5; exit 9", "");
    assert_eq!(class(&rows[0]), Failure::Error, "nor a good report before a bad end");
    let (_, rows) = ending("answer 1.5 1 0000000000000000", "");
    assert!(reason(&rows[0]).contains("about cell 0000000000000000"), "{}", reason(&rows[0]));
    let (_, rows) = ending("answer 1.5 99", "");
    assert!(reason(&rows[0]).contains("protocol 99"), "{}", reason(&rows[0]));
    let (_, rows) = ending("echo '{' >\"$report\"", "");
    assert_eq!(class(&rows[0]), Failure::NoReport);
}

#[test]
fn a_worker_that_hangs_is_ended_with_all_that_it_started() {
    let hang = "trap '' TERM; setsid sleep 1000 & sleep 1000 & while :; do sleep 1; done";
    let (sandbox, rows) = ending(hang, "time-limit = \"1 s\"");
    assert_eq!(rows.len(), 1, "tried once");
    assert_eq!(class(&rows[0]), Failure::Timeout);
    assert!(reason(&rows[0]).contains("time limit of 1 s"), "{}", reason(&rows[0]));
    sandbox.run(RUN).ends_with(1);
    assert_eq!(sandbox.outcomes("threads").len(), 1, "not tried again with the same limit");
    sandbox.write("test.toml", manifest(r#""serial", "threads""#, 2, "time-limit = \"3 s\""));
    sandbox.run(RUN).ends_with(1);
    assert_eq!(sandbox.outcomes("threads").len(), 2, "tried again with more time");
}

#[test]
fn what_a_worker_leaves_behind_is_ended() {
    let sandbox = two("setsid sleep 1000 >/dev/null 2>&1 & answer 1.5", 1);
    sandbox.run(RUN).ends_with(0);
    // A process that was killed is gone when the system gets round to it.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !sandbox.processes().is_empty() && std::time::Instant::now() < patience {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(sandbox.processes(), [] as [i32; 0]);
}

#[test]
fn an_oracle_that_fails_leaves_its_cells_unchecked() {
    let sandbox = two("is_serial && exit 3; answer 1.5", 2);
    let ran = sandbox.run(RUN).ends_with(6);
    assert!(ran.err().contains("nothing was measured"), "{}", ran.err());
    let rows = sandbox.outcomes("threads");
    assert_eq!(rows.len(), 1);
    assert_eq!(class(&rows[0]), Failure::Unchecked);
    assert_eq!(sandbox.tried().len(), 1, "what cannot be checked is not measured");
}

#[test]
fn a_backend_that_is_missing_is_a_row_and_no_failure() {
    let sandbox = sandbox(GOOD, r#""serial", "mpi""#, 2, "");
    let ran = sandbox.run(RUN).ends_with(0);
    assert!(ran.out().contains("1 of 2 cells measured"), "{}", ran.out());
    let rows = sandbox.outcomes("mpi");
    assert_eq!(class(&rows[0]), Failure::Unavailable);
    assert!(
        reason(&rows[0]).contains("built without 'mpi'")
            && reason(&rows[0]).contains("libopenmpi-dev")
    );
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.outcomes("mpi").len(), 1, "the same reason is not written again");
    sandbox.run(&["run", "test.toml", "--only", "backend=mpi", "--results", "other"]).ends_with(6);
}

#[test]
fn what_cannot_run_at_all_is_said_before_anything_is_measured() {
    let sandbox = two(GOOD, 1);
    let text = manifest(r#""serial""#, 1, "").replace("iterations", "iteratoins");
    sandbox.write("typo.toml", text);
    let ran = sandbox.run(&["run", "typo.toml"]).ends_with(2);
    assert!(
        ran.err().contains("typo.toml:9:1") && ran.err().contains("iterations"),
        "{}",
        ran.err()
    );
    let ran = sandbox.run(&["run", "missing.toml"]).ends_with(2);
    assert!(ran.err().contains("missing.toml"), "{}", ran.err());
    let output = sandbox
        .amdahl(RUN)
        .env("AMDAHL_WORKER", "/no/such/worker")
        .output()
        .expect("amdahl starts");
    let ran = crate::support::Ran(output).ends_with(2);
    assert!(
        ran.err().contains("AMDAHL_WORKER") && ran.err().contains("cargo build"),
        "{}",
        ran.err()
    );
    let output =
        sandbox.amdahl(RUN).env("AMDAHL_WORKER", "/bin/true").output().expect("amdahl starts");
    let ran = crate::support::Ran(output).ends_with(2);
    assert!(ran.err().contains("is no worker of ours"), "{}", ran.err());
    assert!(
        sandbox.tried().is_empty() && files(&sandbox.path("results/test"), ".jsonl").is_empty()
    );
}

#[test]
fn a_worker_of_another_protocol_is_refused() {
    let sandbox = two(GOOD, 1);
    let path = sandbox.path("worker");
    let text = std::fs::read_to_string(&path).expect("a script");
    sandbox.write("other", text.replace("{\"protocol\":1", "{\"protocol\":7"));
    std::fs::rename(sandbox.path("other"), &path).expect("renamed");
    let status = std::process::Command::new("chmod").arg("755").arg(&path).status().expect("chmod");
    assert!(status.success());
    let ran = sandbox.run(RUN).ends_with(2);
    assert!(ran.err().contains("speaks protocol 7"), "{}", ran.err());
}

/// A worker that waits in its third start until it is ended.
const WAITS_IN_THE_THIRD: &str =
    "if [ $(wc -l <\"$here/tried\") -eq 3 ]; then : >\"$here/waiting\"; sleep 1000; fi; answer 1.5";

#[test]
fn ctrl_c_ends_in_good_order_and_the_next_run_goes_on() {
    let sandbox = two(WAITS_IN_THE_THIRD, 3);
    let mut child = sandbox.start(RUN);
    wait_while_running(&mut child, "the third repeat begins", || sandbox.path("waiting").exists());
    signal(child.id(), libc::SIGINT);
    let ran = sandbox.end(child).ends_with(130);
    assert!(
        ran.err().contains("interrupted") && ran.err().contains("2 new records are safe"),
        "{}",
        ran.err()
    );
    sandbox.nothing_survives();
    assert_eq!(sandbox.results().records.len(), 2, "no row for the repeat that was ended");
    assert!(sandbox.results().warnings.is_empty());
    sandbox.run(RUN).ends_with(0);
    assert_eq!((sandbox.counted(), sandbox.tried().len()), (6, 7), "nothing is measured twice");
}

#[test]
fn a_second_ctrl_c_does_not_wait() {
    let deaf = "trap '' TERM INT; : >\"$here/waiting\"; while :; do sleep 1; done";
    let sandbox = two(deaf, 1);
    let mut child = sandbox.start(RUN);
    wait_while_running(&mut child, "the first repeat begins", || sandbox.path("waiting").exists());
    signal(child.id(), libc::SIGINT);
    signal(child.id(), libc::SIGTERM);
    sandbox.end(child).ends_with(130);
    sandbox.nothing_survives();
}

#[test]
fn a_sweep_that_is_killed_leaves_no_process_and_the_next_run_goes_on() {
    let sandbox = two(WAITS_IN_THE_THIRD, 3);
    let mut child = sandbox.start(RUN);
    wait_while_running(&mut child, "the third repeat begins", || sandbox.path("waiting").exists());
    signal(child.id(), libc::SIGKILL);
    child.wait().expect("it ends");
    // The shell is told by the kernel; of what it started, which hears nothing, the guard knows.
    wait_until("the worker and what it started end", || sandbox.processes().is_empty());
    assert_eq!(sandbox.results().records.len(), 2);
    sandbox.run(RUN).ends_with(0);
    assert_eq!(
        (sandbox.counted(), sandbox.tried().len()),
        (6, 7),
        "nothing is lost, nothing is measured twice"
    );
    assert!(
        files(&sandbox.path("results/test/work"), "").is_empty(),
        "what the killed run left is cleared away"
    );
}

#[test]
fn folders_that_are_removed_under_a_sweep_s_hands_end_it_with_their_names() {
    for folder in ["claims", "work"] {
        let removes = format!(
            "if [ $(wc -l <\"$here/tried\") -eq 2 ]; then answer 1.5; rm -rf \"$here/results/test/{folder}\"; else answer 1.5; fi"
        );
        let sandbox = two(&removes, 3);
        let ran = sandbox.run(RUN).ends_with(1);
        assert!(ran.err().contains(&format!("test/{folder}/")), "{folder}: {}", ran.err());
        assert!(ran.err().contains("was removed while it was in use"), "{folder}: {}", ran.err());
        assert!(ran.err().contains("run the same command again"), "{folder}: {}", ran.err());
        sandbox.script(GOOD);
        sandbox.run(RUN).ends_with(0);
    }
}

#[test]
fn a_record_that_was_cut_off_is_measured_again() {
    let sandbox = two(GOOD, 2);
    sandbox.run(RUN).ends_with(0);
    let path = files(&sandbox.path("results/test"), ".jsonl").remove(0);
    let bytes = std::fs::read(&path).expect("records");
    std::fs::write(&path, &bytes[..bytes.len() - 20]).expect("cut");
    let ran = sandbox.run(RUN).ends_with(0);
    assert!(ran.err().contains("cut off") && ran.err().contains("mended"), "{}", ran.err());
    assert_eq!((sandbox.counted(), sandbox.tried().len()), (4, 5));
    assert!(sandbox.results().warnings.is_empty());
}

#[test]
fn two_sweeps_share_a_folder_and_the_work() {
    let sandbox = two("sleep 0.05; answer 1.5", 6);
    let sweeps = [sandbox.start(RUN), sandbox.start(RUN), sandbox.start(RUN)];
    for child in sweeps {
        sandbox.end(child).ends_with(0);
    }
    assert_eq!((sandbox.counted(), sandbox.tried().len()), (12, 12), "each repeat once");
    let results = sandbox.results();
    let mut repeats: Vec<_> =
        results.records.iter().map(|r| (r.key.clone().take(), r.repeat)).collect();
    repeats.sort();
    repeats.dedup();
    assert_eq!(repeats.len(), 12, "each under its own number");
}

#[test]
fn a_limit_on_file_sizes_ends_the_sweep_with_all_records_whole() {
    let sandbox = two(GOOD, 12);
    let mut command = std::process::Command::new("sh");
    let amdahl = sandbox.amdahl(RUN);
    command
        .args(["-c", "ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(amdahl.get_program())
        .args(amdahl.get_args());
    command.current_dir(sandbox.path("")).stdin(std::process::Stdio::null());
    for (name, value) in amdahl.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let ran = crate::support::Ran(command.output().expect("a shell")).ends_with(1);
    assert!(
        ran.err().contains("cannot write a record to") && ran.err().contains("ulimit -f"),
        "{}",
        ran.err()
    );
    assert!(ran.err().contains("run the same command again"), "{}", ran.err());
    let kept = sandbox.counted();
    assert!(kept > 0 && kept < 24, "{kept}");
    assert!(sandbox.results().warnings.is_empty(), "the last line is whole");
    sandbox.run(RUN).ends_with(0);
    assert_eq!(
        (sandbox.counted(), sandbox.tried().len()),
        (24, 25),
        "the one that could not be written is measured again"
    );
}

#[test]
fn a_full_disk_ends_the_sweep_with_all_records_whole() {
    let sandbox = two(GOOD, 40);
    let disk = sandbox.path("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=32k", "none"])
        .arg(&disk)
        .output();
    if !mount.is_ok_and(|output| output.status.success()) {
        let test = "a_full_disk_ends_the_sweep_with_all_records_whole";
        return skipped(test, "mounting a small file system is not permitted here");
    }
    struct Unmount<'a>(&'a std::path::Path);
    impl Drop for Unmount<'_> {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg(self.0).status();
        }
    }
    let mounted = Unmount(&disk);
    let words = ["run", "test.toml", "--results", "disk/test"];
    let ran = sandbox.run(&words).ends_with(1);
    assert!(ran.err().contains("No space left on device"), "{}", ran.err());
    assert!(ran.err().contains("run the same command again"), "{}", ran.err());
    let read = || amdahl_record::read::read(&disk.join("test")).expect("readable");
    let kept = read();
    assert!(kept.warnings.is_empty(), "{:?}", kept.warnings);
    assert!(
        !kept.records.is_empty() && kept.records.iter().all(|record| record.counts()),
        "no row blames the worker"
    );
    // With room again, the sweep goes on where it was.
    let more = std::process::Command::new("mount")
        .args(["-o", "remount,size=4m"])
        .arg(&disk)
        .status()
        .expect("mount");
    assert!(more.success());
    sandbox.run(&words).ends_with(0);
    assert_eq!(read().records.len(), 80);
    drop(mounted);
}

#[test]
fn inside_an_allocation_every_cell_is_a_job_step() {
    let sandbox = two(GOOD, 1);
    let srun = "#!/bin/sh\necho \"$@\" >>\"${0%/*}/steps\"\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\nexec \"$@\"\n";
    sandbox.write("srun", srun);
    let status = std::process::Command::new("chmod")
        .arg("755")
        .arg(sandbox.path("srun"))
        .status()
        .expect("chmod");
    assert!(status.success());
    let path =
        format!("{}:{}", sandbox.path("").display(), std::env::var("PATH").expect("a search path"));
    let output = sandbox
        .amdahl(RUN)
        .env("SLURM_JOB_ID", "12")
        .env("PATH", path)
        .output()
        .expect("amdahl starts");
    crate::support::Ran(output).ends_with(0);
    assert_eq!(sandbox.counted(), 2);
    let steps = std::fs::read_to_string(sandbox.path("steps")).expect("steps");
    assert_eq!(steps.lines().count(), 2, "{steps}");
    assert!(
        steps.lines().all(|step| step.starts_with("-K1 --mpi=none --ntasks=1 --cpus-per-task=1")),
        "{steps}"
    );
}

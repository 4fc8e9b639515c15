//! What programs say of their own work: nothing, unless they are asked to, and then on standard
//! error.

use std::process::Command;

use crate::support::{Ran, Sandbox, manifest};
use crate::worker::{synthetic, worker};

/// Command lines that `amdahl` said it starts.
fn started(ran: &Ran) -> Vec<String> {
    let err = ran.err();
    err.lines()
        .filter_map(|line| line.strip_prefix("amdahl: info: starts: "))
        .map(String::from)
        .collect()
}

#[test]
fn each_command_line_is_shown_where_it_is_asked_for() {
    let sandbox = Sandbox::with_script("answer 1.5");
    sandbox.write("test.toml", manifest(r#""serial", "threads""#, 2, ""));
    let run = |words: &[&str], log: &str| {
        let words = [&["run", "test.toml", "--fresh"], words].concat();
        let output = sandbox.amdahl(&words).env("AMDAHL_LOG", log).output().expect("amdahl starts");
        Ran(output).ends_with(0)
    };
    let quiet = run(&[], "");
    assert!(!quiet.err().contains("info") && started(&quiet).is_empty(), "{}", quiet.err());
    let worker = sandbox.path("worker").display().to_string();
    for (words, log) in [(&["-v"][..], ""), (&[], "amdahl_run=info"), (&["--verbose"], "off")] {
        let ran = run(words, log);
        let lines = started(&ran);
        assert_eq!(lines.len(), 5, "what it can do, and two repeats of two cells: {}", ran.err());
        assert_eq!(lines[0], format!("{worker} --capabilities"));
        let work = ["results", "test", "work", ""].join("/");
        let cell = format!("AMDAHL_COUNTERS=auto {worker} --cell {work}");
        for line in &lines[1..] {
            assert!(line.starts_with(&cell) && line.contains(".cell.json --record "), "{line}");
        }
        assert!(!ran.out().contains("starts:") && !ran.err().contains("debug"), "{}", ran.err());
        assert!(!ran.err().contains('\u{1b}'), "no colours: {}", ran.err());
    }
    let more = run(&["-vv"], "");
    let ended = "amdahl: debug: amdahl_run::launch::supervise: ended: Code(0) after ";
    assert_eq!(more.err().matches(ended).count(), 5, "{}", more.err());
    let before = sandbox.run(&["-v", "doctor", "--quick"]).ends_with(0);
    let asked = format!("{worker} --capabilities");
    assert!(started(&before).contains(&asked), "before the verb too: {}", before.err());
}

#[test]
fn the_worker_listens_to_the_same_variable() {
    let folder = tempfile::tempdir().expect("a folder");
    let cell = synthetic("serial", 1, 1);
    let file = folder.path().join("cell.json");
    std::fs::write(&file, serde_json::to_string(&cell).expect("JSON")).expect("written");
    let run = |log: &str| {
        let mut command = Command::new(worker());
        command.arg("--cell").arg(&file).env("AMDAHL_LOG", log);
        Ran(command.output().expect("the worker starts")).ends_with(0)
    };
    let quiet = run("");
    assert_eq!(quiet.err(), "");
    let ran = run("debug");
    let first =
        format!("amdahl-worker: rank 0: info: cell {}: serial on 1 ranks x 1 threads", cell.id());
    assert!(ran.err().starts_with(&first), "{}", ran.err());
    assert!(ran.err().contains(" s in the timed part"), "{}", ran.err());
    let report: serde_json::Value = serde_json::from_str(&ran.out()).expect("a report alone");
    assert_eq!(report["cell"], cell.id().to_string());
}

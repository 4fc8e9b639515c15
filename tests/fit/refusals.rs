//! What cannot be done is said with what is wrong and where, and leaves nothing on the disk.

use std::process::{Command, Stdio};

use super::{names, on_ranks};
use crate::support::{Sandbox, signal, wait_while_running};
use crate::worker;

const POINTS: &str = "x,y,w,class\n0,0,1,a\n0,1,2,a\n9,9,0,b\n9,8,3,b\n";

#[test]
fn every_mistake_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("p.csv", POINTS);
    sandbox.write("nan.csv", "1,2\n3,nan\n");
    sandbox.write("zero.csv", "0\n0\n0\n0\n");
    sandbox.write("short.csv", "1\n1\n");
    sandbox.write("negative.csv", "x,w\n1,1\n2,-3\n");
    let base = ["--labels-column", "last"];
    for (words, what) in [
        (
            &["fit", "p.csv", "-k", "5", "--labels-column", "class"][..],
            "k = 5 clusters need at least 5 rows, the data has 4",
        ),
        (&["fit", "nan.csv", "-k", "1"], "row 2, column 2: the value is NaN"),
        (&["fit", "p.csv", "-k", "2"], "'a' is not a number"),
        (&["fit", "p.csv", "-k", "2", "--columns", "x,z"], "no column is called 'z'"),
        (&["fit", "p.csv", "-k", "2", "--columns", "1,7"], "no column 7, the data has 4"),
        (
            &["fit", "p.csv", "-k", "2", "--columns", "x,y", "--weights", "zero.csv"],
            "all weights are 0",
        ),
        (
            &["fit", "p.csv", "-k", "2", "--columns", "x,y", "--weights", "short.csv"],
            "2 x 1 weights, the data has 4 rows",
        ),
        (&["fit", "negative.csv", "-k", "1", "--weights", "w"], "row 2: the weight is -3"),
        (&["fit", "missing.csv", "-k", "2"], "missing.csv"),
        (&["fit", "digitz", "-k", "2"], "did you mean 'digits'"),
        (
            &["fit", "p.csv", "-k", "2", "--columns", "x,y", "--init", "best"],
            "neither a way to begin nor a file",
        ),
        (
            &[
                "fit",
                "p.csv",
                "-k",
                "2",
                "--columns",
                "x,y",
                "--starts",
                "2",
                "--init",
                "first-rows",
            ],
            "would all do the same",
        ),
        (&["fit", "p.csv", "-k", "2", "--columns", "x,y", "--tolerance=-1"], "--tolerance"),
        (&["fit", "p.csv", "-k", "0"], "-k"),
        (
            &["fit", "p.csv", "-k", "2", "--columns", "x,y", "--model", "no/such/m.json"],
            "the folder must be there",
        ),
        (&["fit", "p.csv", "-k", "2", "--columns", "x,y", "--model", "m.npy"], "ends in .json"),
        (
            &["fit", "p.csv", "-k", "2", "--columns", "x,y", "--labels", "p.csv/l.csv"],
            "cannot write p.csv/l.csv",
        ),
        (
            &["fit", "p.csv", "-k", "2", "--columns", "x,y", "--init", "zero.csv"],
            "k x columns of the data is 2 x 2",
        ),
    ] {
        let before = names(&sandbox);
        let ran = sandbox.run(words);
        assert!(matches!(ran.code(), 1 | 2), "{words:?}: {}", ran.err());
        assert!(ran.err().contains(what), "'{what}' is not in: {}", ran.err());
        assert!(ran.out().is_empty());
        assert_eq!(names(&sandbox), before, "{words:?} leaves nothing");
    }
    let ran = sandbox
        .run(&[&["fit", "p.csv", "-k", "2", "--weights", "w"], &base[..]].concat())
        .ends_with(0);
    assert!(ran.out().contains("ARI 1.0000"), "{}", ran.out());
}

#[test]
fn a_model_that_does_not_fit_or_is_damaged_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("p.csv", POINTS);
    sandbox
        .run(&[
            "fit",
            "p.csv",
            "-k",
            "2",
            "--columns",
            "x,y",
            "--model",
            "m.json",
            "--labels",
            "l.txt",
        ])
        .ends_with(0);
    // Columns are found by their names, wherever they are.
    sandbox.write("other.csv", "id,y,x\nsome,1,0\nmore,8,9\n");
    sandbox.run(&["predict", "m.json", "other.csv", "--labels", "o.txt"]).ends_with(0);
    let labels = |name: &str| std::fs::read_to_string(sandbox.path(name)).expect("labels");
    let expected: Vec<String> = [labels("l.txt").lines().next(), labels("l.txt").lines().last()]
        .map(|label| label.expect("a label").to_string())
        .to_vec();
    assert_eq!(labels("o.txt").lines().collect::<Vec<_>>(), expected);
    let printed = sandbox.run(&["predict", "m.json", "other.csv", "--labels", "-"]).ends_with(0);
    assert_eq!(printed.out(), labels("o.txt"), "labels alone");

    let text = std::fs::read_to_string(sandbox.path("m.json")).expect("a model");
    sandbox.write("unnamed.csv", "1,2,3\n");
    sandbox.write("new.json", text.replace("\"version\": 1", "\"version\": 2"));
    sandbox.write("edited.json", text.replace("\"rows\": 4", "\"rows\": 5"));
    sandbox.write("half.json", &text[..text.len() / 2]);
    sandbox.write("lost.json", text.replace("m.npy", "lost.npy"));
    for (words, what) in [
        (["m.json", "unnamed.csv"], "the model has 2 columns, the data 3"),
        (["new.json", "p.csv"], "the model has version 2, this program reads version 1"),
        (["edited.json", "p.csv"], "the model is damaged: its checksum"),
        (["half.json", "p.csv"], "half.json:"),
        (["lost.json", "p.csv"], "its checksum"),
        (["p.csv", "p.csv"], "not a model"),
        (["l.txt", "p.csv"], "not a model"),
        (["no.json", "p.csv"], "no.json"),
    ] {
        let ran = sandbox.run(&["predict", words[0], words[1]]).ends_with(2);
        assert!(ran.err().contains(what), "'{what}' is not in: {}", ran.err());
    }
    let centroids = std::fs::read(sandbox.path("m.npy")).expect("centroids");
    for (bytes, what) in [
        (Some([&centroids[..centroids.len() - 1], &[1]].concat()), "SHA-256"),
        (Some(centroids[..100].to_vec()), "100 bytes"),
        (None, "centroids are missing"),
    ] {
        std::fs::remove_file(sandbox.path("m.npy")).expect("removed");
        if let Some(bytes) = bytes {
            sandbox.write("m.npy", bytes);
        } else {
            // It was removed.
        }
        let ran = sandbox.run(&["predict", "m.json", "p.csv"]).ends_with(2);
        assert!(
            ran.err().contains(what) && ran.err().contains("m.npy"),
            "'{what}' is not in: {}",
            ran.err()
        );
    }
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let sandbox = Sandbox::new();
    let rows: String = (0..40_000).map(|i| format!("{}\n", i % 97)).collect();
    sandbox.write("p.csv", rows);
    let amdahl =
        sandbox.amdahl(&["fit", "p.csv", "-k", "3", "--model", "m.json", "--labels", "l.npy"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(amdahl.get_program())
        .args(amdahl.get_args());
    let ran = limited.current_dir(sandbox.path("")).stdin(Stdio::null()).output().expect("a shell");
    let ran = crate::support::Ran(ran).ends_with(1);
    assert!(ran.err().contains("cannot write l.npy"), "{}", ran.err());
    assert_eq!(names(&sandbox), ["p.csv"]);
    // A device is written to, not replaced.
    let ran = sandbox.run(&["fit", "p.csv", "-k", "3", "--labels", "/dev/full"]).ends_with(1);
    assert!(ran.err().contains("cannot write /dev/full"), "{}", ran.err());
    assert!(!std::fs::metadata("/dev/full").expect("there").is_file());
    assert_eq!(names(&sandbox), ["p.csv"]);
}

#[test]
fn ctrl_c_ends_a_fit_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let rows: String = (0..20_000u64)
        .map(|i| format!("{},{}\n", (i * 7919) % 1009, (i * 104_729) % 997))
        .collect();
    sandbox.write("p.csv", rows);
    let words = [
        "fit",
        "p.csv",
        "-k",
        "64",
        "--starts",
        "1000000",
        "--tolerance",
        "0",
        "--labels",
        "l.txt",
    ];
    let mut child = sandbox.start(&words);
    // The file of labels is begun before the work.
    wait_while_running(&mut child, "a file is begun", || names(&sandbox).len() > 1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(child.id(), libc::SIGINT);
    let ran = sandbox.end(child).ends_with(130);
    assert!(
        ran.err().contains("interrupted") && ran.err().contains("nothing was written"),
        "{}",
        ran.err()
    );
    assert_eq!(names(&sandbox), ["p.csv"]);
}

#[test]
fn ranks_of_another_launcher_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("p.csv", POINTS);
    let words = ["fit", "p.csv", "-k", "2", "--columns", "x,y"];
    // What MPICH's launcher leaves; under Open MPI's library each would be alone.
    let mut fit = sandbox.amdahl(&words);
    let ran = fit.envs([("PMI_SIZE", "3"), ("PMI_RANK", "0")]).output().expect("amdahl starts");
    let ran = crate::support::Ran(ran).ends_with(2);
    // A worker without MPI refuses ranks of any launcher.
    let said = ["the launcher started 3 ranks, MPI joins 1", "built without MPI"];
    assert!(said.iter().any(|said| ran.err().contains(said)), "{}", ran.err());
    assert_eq!(names(&sandbox), ["p.csv"]);
}

#[test]
fn an_error_under_ranks_is_said_once() {
    if !worker::mpi_or_skip("an_error_under_ranks_is_said_once") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("p.csv", POINTS);
    for (words, what) in [
        (
            &["fit", "p.csv", "-k", "5", "--columns", "x,y"][..],
            "k = 5 clusters need at least 5 rows",
        ),
        (&["fit", "p.csv", "-k", "2"], "'a' is not a number"),
        (&["fit", "p.csv", "-k", "2", "--init", "best"], "neither a way to begin"),
        (&["fit", "p.csv"], "required arguments"),
        (&["predict", "p.csv", "p.csv"], "not a model"),
    ] {
        let ran = on_ranks(&sandbox, 3, words);
        assert_eq!(ran.code(), 2, "{}", ran.err());
        assert_eq!(ran.err().matches(what).count(), 1, "{}", ran.err());
        assert_eq!(names(&sandbox), ["p.csv"]);
    }
    sandbox.nothing_survives();
}

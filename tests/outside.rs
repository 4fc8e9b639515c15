//! Outside programs as backends: good ones, and every way in which one can be bad. They are played
//! by a shell script over rows whose clusters are known; the worker that writes their rows and
//! judges their answers is the real one.

use crate::support::clustering;
use std::path::{Path, PathBuf};
use std::process::Command;

use amdahl_data::write;
use amdahl_kmeans_description::peer::{Judged, Rule};
use amdahl_record::{Failure, Outcome};

use crate::support::{Sandbox, class, reason};
use amdahl_testing::{program_or_skip, python_or_skip, skipped};

const RUN: &[&str] = &["run", "test.toml"];

/// Three pairs of rows; the first three rows begin the clusters, and one iteration finds the means.
const ROWS: [f32; 12] = [0.0, 0.0, 10.0, 0.0, 0.0, 10.0, 1.0, 0.0, 11.0, 0.0, 1.0, 10.0];
const MEANS: [f32; 6] = [0.5, 0.0, 10.5, 0.0, 0.5, 10.0];

/// A sandbox with a list of one peer whose script does this, and a manifest of `repeats` that names
/// it beside serial.
fn sandbox(script: &str, repeats: u32, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    write::matrix(&sandbox.path("rows.npy"), &ROWS, 2).expect("written");
    write::matrix(&sandbox.path("right.npy"), &MEANS, 2).expect("written");
    write::matrix(&sandbox.path("wrong.npy"), &MEANS.map(|x| x + 3.0), 2).expect("written");
    write::matrix(&sandbox.path("narrow.npy"), &MEANS, 1).expect("written");
    sandbox.write("version", "echo fake 1");
    program(&sandbox, script);
    declare(&sandbox, "lanes = 'serial'\nrun = ['{here}/peer']");
    let manifest = format!(
        "experiment = {{ name = 'test', peers = 'peers.toml', repeats = {repeats}{more} }}\n\
         workload = {{ kind = 'kmeans', k = 3, iterations = 4 }}\ndataset = {{ file = 'rows.npy' }}\n\
         axes = {{ backend = ['serial', 'fake'] }}\n"
    );
    sandbox.write("test.toml", manifest);
    sandbox
}

fn declare(sandbox: &Sandbox, how: &str) {
    let text = format!(
        "[[peer]]\nname = 'fake'\nabout = 'a script'\n{how}\ninstall = 'make fake'\nneeds = 'a shell'\n"
    );
    sandbox.write("peers.toml", text);
}

fn program(sandbox: &Sandbox, script: &str) {
    let text = include_str!("support/peer.sh").replace("# what the test wants", script);
    sandbox.write("peer.new", text);
    // Made executable and renamed by another process: see `Sandbox::script`.
    let done = Command::new("sh")
        .args(["-c", "cat peer.new >peer.tmp && chmod 755 peer.tmp && mv peer.tmp peer"])
        .current_dir(sandbox.path(""))
        .status();
    assert!(done.expect("a shell").success());
}

/// The rows of the fake peer, in their order.
fn rows(sandbox: &Sandbox) -> Vec<Outcome> {
    sandbox.outcomes("fake")
}

#[test]
fn a_peer_is_measured_and_its_answer_judged() {
    let sandbox = sandbox("answer right.npy right.npy", 2, "");
    let ran = sandbox.run(RUN).ends_with(0);
    assert!(ran.out().contains("2 of 2 cells measured"), "{}", ran.out());
    assert_eq!(rows(&sandbox), [Outcome::Ok, Outcome::Ok]);
    let results = sandbox.results();
    let of = |backend: &str| {
        let is = |id| {
            results
                .cells
                .get(id)
                .is_some_and(|cell: &amdahl_record::cell::Cell| cell.backend.name() == backend)
        };
        results.records.iter().find(|record| is(&record.key.cell)).expect("a record").clone()
    };
    let (serial, fake) = (of("serial"), of("fake"));
    let measured = fake.measured.expect("measured");
    let peer = measured.peer.clone().expect("a peer");
    let judged = Judged::of(&peer).expect("judged");
    assert_eq!(
        (peer.name.as_str(), peer.version.as_str(), judged.rule),
        ("fake", "fake 1", Rule::Lloyd)
    );
    assert_eq!((measured.seconds, measured.peak_rss_bytes), (0.25, Some(1 << 20)));
    let one = judged.one_step.expect("compared");
    assert_eq!((one.inertia, one.ours, one.other_labels, one.near_ties), (1.5, 1.5, 0, None));
    let found = clustering(&measured.answer);
    let right = clustering(&serial.measured.expect("measured").answer);
    assert_eq!(
        (found.inertia, &found.sizes, &found.labels),
        (right.inertia, &right.sizes, &right.labels),
        "one judge"
    );
    assert_eq!(found.data, right.data, "the rows that were written are the rows");
    assert_ne!(fake.key.build, serial.key.build);
    assert!(
        measured.readings[0].values.is_none(),
        "phases are missing, with a reason: {:?}",
        measured.readings[0].why
    );

    // All is done; another version, or another script, is another program.
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.tried().len(), 2);
    sandbox.write("version", "echo fake 2");
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.tried().len(), 4);
    program(&sandbox, "answer right.npy right.npy # changed");
    sandbox.run(RUN).ends_with(0);
    assert_eq!(sandbox.tried().len(), 6);

    let shown = sandbox.run(&["show", "results/test"]).ends_with(0).out();
    assert!(
        shown.contains("Beside other programs")
            && shown.contains("Peer fake: fake 1; timed not at all"),
        "{shown}"
    );
    let planned = sandbox.run(&["plan", "test.toml"]).ends_with(0).out();
    assert_eq!(planned.matches("2/2").count(), 2, "what is done of a peer is known: {planned}");
}

#[test]
fn no_version_no_measurement() {
    for (version, said) in [
        ("true", "prints nothing when it is asked for its version"),
        ("echo no such library >&2; exit 1", "said: no such library"),
    ] {
        let sandbox = sandbox("answer right.npy right.npy", 2, "");
        sandbox.write("version", version);
        let ran = sandbox.run(RUN).ends_with(0);
        assert!(ran.out().contains("1 of 2 cells measured"), "{}", ran.out());
        let found = rows(&sandbox);
        assert_eq!((found.len(), class(&found[0])), (1, Failure::Unavailable));
        let why = reason(&found[0]);
        assert!(why.starts_with("no version, no measurement: ") && why.contains(said), "{why}");
        assert!(why.contains("install it: make fake (needs a shell)"), "{why}");
        assert!(sandbox.tried().is_empty(), "it was not run");
        sandbox.run(RUN).ends_with(0);
        assert_eq!(rows(&sandbox).len(), 1, "the same reason is not written twice");
        sandbox.write("version", "echo fake 1");
        sandbox.run(RUN).ends_with(0);
        assert_eq!(rows(&sandbox)[1..], [Outcome::Ok, Outcome::Ok], "looked for again");
    }
}

#[test]
fn a_peer_that_is_not_there_is_a_row() {
    let sandbox = sandbox("", 1, "");
    declare(&sandbox, "lanes = 'serial'\nrun = ['{here}/nowhere']");
    sandbox.run(RUN).ends_with(0);
    let found = rows(&sandbox);
    assert_eq!(class(&found[0]), Failure::Unavailable);
    assert!(
        reason(&found[0]).contains("nowhere") && reason(&found[0]).contains("make fake"),
        "{}",
        reason(&found[0])
    );
}

#[test]
fn a_wrong_answer_of_a_peer_counts_for_nothing() {
    for (script, said) in [
        ("answer right.npy wrong.npy", "inertia after one iteration: got 109.5, ours is 1.5"),
        ("answer wrong.npy right.npy", "inertia: got 109.5, the oracle has 1.5"),
        ("iterations=3; answer right.npy right.npy", "iterations: got 3, the oracle has 4"),
    ] {
        let sandbox = sandbox(script, 2, "");
        let ran = sandbox.run(RUN).ends_with(5);
        assert!(ran.err().contains("1 of 2 cells gave a wrong answer"), "{}", ran.err());
        let found = rows(&sandbox);
        assert_eq!(found.len(), 1, "it is not tried again");
        assert!(
            matches!(found[0], Outcome::Wrong { .. }) && reason(&found[0]).starts_with(said),
            "{:?}",
            found[0]
        );
    }
    // Another algorithm is asked for the objective alone.
    let sandbox = sandbox("iterations=3; answer right.npy wrong.npy", 1, "");
    declare(&sandbox, "lanes = 'serial'\nrun = ['{here}/peer']\ncheck = 'objective'");
    sandbox.run(RUN).ends_with(0);
    assert_eq!(rows(&sandbox), [Outcome::Ok]);
}

#[test]
fn a_peer_that_fails_is_a_row_and_the_sweep_goes_on() {
    let cases = [
        ("kill -9 $$", Failure::Killed, "SIGKILL", 2),
        ("echo too much >&2; exit 3", Failure::Error, "exit code 3; it printed: too much", 1),
        ("exit 0", Failure::NoReport, "left no report", 1),
        ("answer right.npy right.npy 7", Failure::NoReport, "protocol 7", 1),
        (
            "answer right.npy right.npy 1 0000000000000000",
            Failure::NoReport,
            "about cell 0000000000000000",
            1,
        ),
        ("leave '{'", Failure::NoReport, "cannot be read", 1),
        ("fail 'no such rule'", Failure::Unavailable, "no such rule", 1),
        (
            "answer narrow.npy right.npy",
            Failure::Error,
            "its centroids are 6 x 1, wanted are 3 x 2",
            1,
        ),
        ("answer right.npy right.npy; rm \"$record\".c*", Failure::Error, "judging its answer", 1),
    ];
    for (script, wanted, said, attempts) in cases {
        let sandbox = sandbox(script, 2, "");
        // What this machine lacks is no failure; a program that is here and fails is one.
        sandbox.run(RUN).ends_with(i32::from(wanted != Failure::Unavailable));
        let found = rows(&sandbox);
        assert_eq!((found.len(), class(&found[0])), (attempts, wanted), "{script}: {found:?}");
        assert!(reason(&found[0]).contains(said), "{script}: {}", reason(&found[0]));
        assert_eq!(sandbox.outcomes("serial"), [Outcome::Ok, Outcome::Ok], "the sweep went on");
    }
}

#[test]
fn a_slow_peer_is_ended_with_all_that_it_started() {
    let sandbox = sandbox(
        "trap '' TERM; setsid sleep 1000 & sleep 1000 & while :; do sleep 1; done",
        2,
        ", time-limit = '1 s'",
    );
    sandbox.run(RUN).ends_with(1);
    let found = rows(&sandbox);
    assert_eq!((found.len(), class(&found[0])), (1, Failure::Timeout));
    sandbox.nothing_survives();
}

#[test]
fn an_unknown_backend_names_the_nearest_peer() {
    let sandbox = sandbox("", 1, "");
    let text = std::fs::read_to_string(sandbox.path("test.toml"))
        .expect("written")
        .replace("'fake']", "'fakes']");
    sandbox.write("typo.toml", text);
    let ran = sandbox.run(&["plan", "typo.toml"]).ends_with(2);
    assert!(
        ran.err().contains("unknown backend 'fakes'") && ran.err().contains("did you mean 'fake'?"),
        "{}",
        ran.err()
    );
    sandbox.write("peers.toml", "[[peer]]\nname = 'fake'\n");
    let ran = sandbox.run(&["plan", "test.toml"]).ends_with(2);
    assert!(ran.err().contains("peers.toml") && ran.err().contains("about"), "{}", ran.err());
    sandbox.write(
        "strong.toml",
        "workload = { kind = 'kmeans', k = 2 }\ndataset = { file = 'rows.npy' }\n",
    );
    let output =
        sandbox.amdahl(&["plan", "strong.toml"]).env("AMDAHL_PEERS", "/no/such/list").output();
    let ran = crate::support::Ran(output.expect("amdahl starts")).ends_with(2);
    assert!(
        ran.err().contains("/no/such/list") && ran.err().contains("AMDAHL_PEERS"),
        "{}",
        ran.err()
    );
}

const NO_PEERS: &str = "'make peers' was not run for this target folder";

/// The Python of `make peers`, where it was run. CI has neither it nor Java.
fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_amdahl")).parent()?.parent()?;
    Some(target.join("peers/venv/bin/python")).filter(|python| python.is_file())
}

/// A list of peers that are in the sources, run by the environment of `make peers`.
fn real(sandbox: &Sandbox, python: &Path) {
    let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let peer = |name: &str, lanes: &str, script: &str, word: &str| {
        let script = adapters.join(script);
        let words = if word.is_empty() { String::new() } else { format!(", '{word}'") };
        format!(
            "[[peer]]\nname = '{name}'\nabout = 'x'\nlanes = '{lanes}'\nrun = ['{}', '-B', '{}'{words}]\n",
            python.display(),
            script.display()
        )
    };
    let list = [
        peer("sk", "threads", "scikit_learn.py", "lloyd"),
        peer("faiss", "threads", "faiss_kmeans.py", ""),
        peer("team", "processes", "multiprocessing_kmeans.py", ""),
        peer("article", "mpi", "mpi4py_kmeans.py", ""),
    ];
    sandbox.write("real.toml", list.concat());
}

fn manifest(backends: &str, stop: &str) -> String {
    format!(
        "experiment = {{ name = 'test', peers = 'real.toml', repeats = 1, time-limit = '60 s' }}\n\
         workload = {{ kind = 'kmeans', k = 5, init = 'random-rows', {stop} }}\n\
         dataset = {{ synthetic = 'separated', points = 3001, dims = 7, clusters = 5 }}\n\
         [axes]\nbackend = ['serial', {backends}]\nthreads = 2\nranks = 2\noversubscribe = true\n"
    )
}

#[test]
fn real_peers_find_what_we_find() {
    let Some(python) = python() else {
        return skipped("real_peers_find_what_we_find", NO_PEERS);
    };
    let sandbox = Sandbox::new();
    real(&sandbox, &python);
    sandbox.write("test.toml", manifest("'sk', 'faiss', 'team'", "iterations = 3"));
    sandbox.run(RUN).ends_with(0);
    for backend in ["sk", "faiss", "team"] {
        let found = sandbox.outcomes(backend);
        // On rows that are far apart three iterations may be too many for a program that stops.
        let stops = |outcome: &Outcome| reason(outcome).contains("it converges, give it fewer");
        assert!(
            found.iter().all(|outcome| *outcome == Outcome::Ok || stops(outcome)),
            "{backend}: {found:?}"
        );
    }
    assert_eq!(sandbox.outcomes("team"), [Outcome::Ok]);
}

#[test]
fn an_exception_on_one_rank_of_the_articles_program_ends_all() {
    const TEST: &str = "an_exception_on_one_rank_of_the_articles_program_ends_all";
    let Some(python) = python() else { return skipped(TEST, NO_PEERS) };
    if !program_or_skip(TEST, "mpiexec", &["--version"], "there is no mpiexec") {
        return;
    }
    let sandbox = Sandbox::new();
    real(&sandbox, &python);
    sandbox.write("test.toml", manifest("'article'", "iterations = 3"));
    for (fault, good) in [("error:rank=1:iteration=2", false), ("", true)] {
        let output =
            sandbox.amdahl(&["run", "test.toml", "--retry"]).env("AMDAHL_FAULT", fault).output();
        output.expect("amdahl starts");
        let last = sandbox.outcomes("article").pop().expect("a row");
        match good {
            true => assert_eq!(last, Outcome::Ok),
            false => {
                // Rank 0 waits in a reduction: it was ended, and did not wait for the time limit.
                assert_eq!(class(&last), Failure::Error, "{last:?}");
                assert!(
                    reason(&last).contains("a fault on purpose on rank 1 in iteration 2"),
                    "{}",
                    reason(&last)
                );
            }
        }
        sandbox.nothing_survives();
    }
}

#[test]
fn what_adapters_share_is_right() {
    if !python_or_skip("what_adapters_share_is_right") {
        return;
    }
    let tests = ["-B", "-m", "unittest", "discover", "peers/tests"];
    let output = Command::new("python3")
        .args(tests)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("python3");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("Ran 0 tests"), "{said}");
}

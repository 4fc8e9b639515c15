//! The machine's own limits, from the worker to the table. Values are looked at for being possible,
//! never for being fast.

use std::process::{Command, Output};

use amdahl_record::limits::{Figure, LIMITS, Level, Limits};

use crate::support::Sandbox;
use crate::worker::worker;

const MANIFEST: &str = "experiment = { name = \"test\", repeats = 2 }\nworkload = { kind = \"kmeans\", k = 4, iterations = 3 }\n\
    dataset = { synthetic = \"mixture\", points = 20000, dims = 8, clusters = 4 }\n\
    axes = { backend = [\"serial\", \"threads\"], threads = [1] }\n";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", MANIFEST);
    sandbox
}

fn ok(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A sweep that may measure limits.
fn run(sandbox: &Sandbox, words: &[&str]) -> String {
    ok(sandbox
        .amdahl(&[&["run", "test.toml"], words].concat())
        .env_remove("AMDAHL_LIMITS")
        .output()
        .expect("starts"))
}

fn possible(figure: &Figure, what: &str) {
    match figure.best {
        Some(best) => {
            assert!(best.is_finite() && best > 0.0 && figure.passes >= 3, "{what}: {figure:?}")
        }
        None => {
            assert!(figure.why.as_ref().is_some_and(|why| !why.is_empty()), "{what}: {figure:?}")
        }
    }
}

#[test]
fn the_worker_measures_values_that_are_possible() {
    let printed =
        ok(Command::new(worker()).args(["--limits", "--quick"]).output().expect("starts"));
    let limits: Limits = serde_json::from_str(&printed).expect("limits");
    assert_eq!((limits.version, limits.quick), (LIMITS, true));
    assert_eq!(limits.host, amdahl_record::host::gather().id);
    for peak in &limits.peaks {
        possible(&peak.fma, "fma");
    }
    for row in &limits.bandwidths {
        possible(&row.read, row.level.word());
        assert!(row.triad.best.is_none(), "the short version has no triad");
    }
    assert!(limits.flops(1).is_some() && limits.read(Level::L1, 1).is_some());
}

#[test]
fn a_sweep_keeps_the_limits_once_and_show_has_the_fraction() {
    let sandbox = sandbox();
    run(&sandbox, &[]);
    assert_eq!(sandbox.results().limits.len(), 1);
    assert_eq!(sandbox.results().limits[0].build, sandbox.results().records[0].key.build);
    run(&sandbox, &[]);
    run(&sandbox, &["--repeats", "3"]);
    assert_eq!(sandbox.results().limits.len(), 1, "this machine and build are known");
    run(&sandbox, &["--fresh"]);
    assert_eq!(sandbox.results().limits.len(), 2, "all is measured anew");

    let show = |format: &str| {
        ok(sandbox.amdahl(&["show", "results/test", "--format", format]).output().expect("starts"))
    };
    let json: serde_json::Value = serde_json::from_str(&show("json")).expect("JSON");
    for cell in json["groups"][0]["cells"].as_array().expect("cells") {
        assert!(cell["of_floor"].as_f64().is_some_and(|fraction| fraction > 0.0), "{cell}");
        assert_eq!(cell["floor"]["from"], "modelled");
    }
    for format in ["text", "markdown"] {
        assert!(
            show(format).contains("of floor") && show(format).contains("Floor modelled"),
            "{}",
            show(format)
        );
    }
}

#[test]
fn without_limits_the_fraction_is_null_with_a_reason() {
    let sandbox = sandbox();
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    assert!(sandbox.results().limits.is_empty(), "AMDAHL_LIMITS=off");
    let shown =
        ok(sandbox.amdahl(&["show", "results/test", "--format", "json"]).output().expect("starts"));
    let json: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    for cell in json["groups"][0]["cells"].as_array().expect("cells") {
        assert!(cell["of_floor"].is_null() && cell["floor"].is_null(), "{cell}");
        assert!(cell["floor_why"].as_str().is_some_and(|why| why.contains("no limits")), "{cell}");
    }
}

#[test]
fn two_sweeps_on_one_folder_measure_the_limits_once() {
    let sandbox = sandbox();
    let start = || {
        let mut command = sandbox.amdahl(&["run", "test.toml"]);
        command
            .env_remove("AMDAHL_LIMITS")
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command.spawn().expect("starts")
    };
    let both = [start(), start()];
    for child in both {
        sandbox.end(child).ends_with(0);
    }
    assert_eq!(sandbox.results().limits.len(), 1);
    assert_eq!(sandbox.results().records.len(), 4);
}

#[test]
fn a_worker_that_cannot_is_not_asked_and_one_that_fails_stops_nothing() {
    let sandbox = Sandbox::with_script("answer 1");
    sandbox.write("test.toml", MANIFEST);
    run(&sandbox, &[]);
    assert!(sandbox.results().limits.is_empty());
    assert_eq!(sandbox.results().records.len(), 4);

    for (limits, said) in
        [("echo broken >&2; exit 3", "broken"), ("echo nonsense; exit 0", "no limits")]
    {
        sandbox.write("limits", limits);
        let mut command = sandbox.amdahl(&["run", "test.toml", "--fresh"]);
        let ran = command.env_remove("AMDAHL_LIMITS").output().expect("starts");
        let text = String::from_utf8_lossy(&ran.stderr);
        assert!(
            ran.status.success()
                && text.contains("no limits of this machine")
                && text.contains(said),
            "{text}"
        );
    }
    assert_eq!((sandbox.results().limits.len(), sandbox.results().records.len()), (0, 12));
}

#[test]
fn the_doctor_shows_a_roofline() {
    let sandbox = sandbox();
    let text = ok(sandbox.amdahl(&["doctor", "--roofline", "--quick"]).output().expect("starts"));
    for word in ["FMA peak GFLOP/s", "read GB/s", "ridge flop/byte", "one core"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let json = ok(sandbox
        .amdahl(&["doctor", "--roofline", "--quick", "--format", "json"])
        .output()
        .expect("starts"));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["schema"], &json["limits"]["version"]), (&1.into(), &LIMITS.into()));
}

/// On a busy machine memory's bandwidth may have no figure; what is said of one is made of these.
#[test]
fn a_ridge_says_what_it_means_for_a_workload() {
    // 40 GFLOP/s over 10 GB/s on a core, 160 over 24 on all: k / 2 flop a byte.
    let (limits, host) = (crate::samples::limits(), crate::samples::host("h0"));
    let plain = amdahl_explain::terminal::Style { colour: false };
    let text = amdahl_explain::limits_table::text(&limits, &host, plain);
    for word in ["k-means", "8 on one core", "14 on all 4 CPUs together"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

//! The noise certificate: measured once, kept, copied to results, quoted.

use std::process::Output;

use amdahl_record::Line;
use amdahl_record::noise::{CellNoise, NOISE, Noise, Smallest};

use crate::samples;
use crate::support::Sandbox;

const MANIFEST: &str = "experiment = { name = \"test\", repeats = 1 }\nworkload = { kind = \"kmeans\", k = 4, iterations = 3 }\n\
    dataset = { synthetic = \"mixture\", points = 2000, dims = 8, clusters = 4 }\n\
    axes = { backend = [\"serial\", \"threads\"], threads = [1] }\n";

fn certificate(host: &str) -> Noise {
    let smallest =
        Smallest { pairs: 20, level: 0.9974, bias: 0.004, change: 0.0215, false_alarms: 0.0 };
    Noise {
        version: NOISE,
        host: host.into(),
        build: "b0".into(),
        measured_ms: 1_700_000_000_000,
        cells: vec![CellNoise {
            cell: samples::cell(100_000, 16, "serial", 1, 1),
            seconds: 0.04,
            log_ratios: vec![0.01; 40],
            smallest: vec![smallest],
        }],
        load: Default::default(),
    }
}

fn ok(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_sweep_copies_the_certificate_once_and_show_quotes_it() {
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", MANIFEST);
    let host = amdahl_record::host::gather().id;
    let cache = sandbox.path("cache");
    let amdahl = |words: &[&str]| {
        sandbox.amdahl(words).env("XDG_CACHE_HOME", &cache).output().expect("starts")
    };
    ok(amdahl(&["run", "test.toml"]));
    assert!(sandbox.results().noise.is_empty(), "nothing was measured, and a sweep measures none");
    let text = ok(amdahl(&["show", "results/test"]));
    assert!(text.contains("not measured; 'amdahl doctor --noise' tells"), "{text}");

    let kept = certificate(&host);
    let line = serde_json::to_string(&Line::Noise(Box::new(kept.clone()))).expect("JSON");
    std::fs::create_dir_all(cache.join("amdahl/noise")).expect("a folder");
    std::fs::write(cache.join(format!("amdahl/noise/{host}.json")), line).expect("a file");
    let measured = sandbox.results().records.len();
    ok(amdahl(&["run", "test.toml"]));
    let results = sandbox.results();
    assert_eq!(
        (results.noise.len(), results.records.len()),
        (1, measured),
        "it speaks of what is measured already"
    );
    ok(amdahl(&["run", "test.toml", "--repeats", "2"]));
    ok(amdahl(&["run", "test.toml", "--repeats", "3"]));
    assert_eq!(sandbox.results().noise, std::slice::from_ref(&kept), "copied once");
    let text = ok(amdahl(&["show", "results/test"]));
    assert!(
        text.contains("smallest change this machine can show: 2.15 % with 20 pairs (serial), measured 2023-11-14"),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&ok(amdahl(&["show", "results/test", "--format", "json"])))
            .expect("JSON");
    assert_eq!(json["noise"][0]["cells"][0]["smallest"][0]["change"], 0.0215);

    // A damaged one is said, and the sweep goes on.
    std::fs::write(cache.join(format!("amdahl/noise/{host}.json")), "{").expect("a file");
    let ran = amdahl(&["run", "test.toml", "--repeats", "4"]);
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success() && said.contains("no noise certificate"), "{said}");
}

#[test]
fn newer_certificates_are_left_out_with_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let newer = Noise { version: NOISE + 1, ..certificate("h0") };
    samples::write(
        folder.path(),
        &[Line::Noise(Box::new(newer)), Line::Noise(Box::new(certificate("h0")))],
    );
    let results = amdahl_record::read::read(folder.path()).expect("readable");
    assert_eq!(results.noise, [certificate("h0")]);
    assert!(
        results.warnings[0].contains("noise certificate of version 2"),
        "{:?}",
        results.warnings
    );
    assert_eq!(results.noise_of("h1"), None);
}

/// Half a minute of pairs.
#[test]
fn the_doctor_measures_and_keeps_it() {
    let sandbox = Sandbox::new();
    let cache = sandbox.path("cache");
    let doctor = |words: &[&str]| {
        sandbox.amdahl(words).env("XDG_CACHE_HOME", &cache).output().expect("starts")
    };
    let json = ok(doctor(&["doctor", "--noise", "--quick", "--format", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let noise: Noise = serde_json::from_value(json["noise"].clone()).expect("a certificate");
    assert_eq!(
        (noise.version, noise.host.as_str()),
        (NOISE, amdahl_record::host::gather().id.as_str())
    );
    for cell in &noise.cells {
        assert!(cell.log_ratios.len() >= 40 && cell.seconds > 0.0);
        assert!(
            cell.smallest.iter().any(|smallest| smallest.pairs == 20 && smallest.change > 0.0),
            "{:?}",
            cell.smallest
        );
    }
    assert!(cache.join(format!("amdahl/noise/{}.json", noise.host)).is_file());
}

//! `amdahl doctor` as a person and a program see it.

use std::process::{Command, Output};

fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_amdahl"))
        .arg("doctor")
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .expect("amdahl starts")
}

fn checks(arguments: &[&str], variables: &[(&str, &str)]) -> Vec<serde_json::Value> {
    let output = doctor(&[arguments, &["--format", "json"]].concat(), variables);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(findings["schema"], 1);
    findings["checks"].as_array().expect("a list").clone()
}

fn find<'a>(checks: &'a [serde_json::Value], topic: &str, name: &str) -> &'a serde_json::Value {
    checks
        .iter()
        .find(|c| c["topic"] == topic && c["name"] == name)
        .unwrap_or_else(|| panic!("no check {topic}, {name}"))
}

#[test]
fn every_no_says_why_and_what_to_do() {
    let checks = checks(&["--quick"], &[]);
    assert!(checks.len() > 20, "{}", checks.len());
    for check in &checks {
        let has = |key: &str| check[key].as_str().is_some_and(|text| !text.is_empty());
        match check["is"].as_str() {
            Some("no") => assert!(has("why") && has("help"), "{check}"),
            Some("yes" | "fact") => assert!(!has("why"), "{check}"),
            _ => panic!("{check}"),
        }
    }
    let mut names: Vec<_> =
        checks.iter().map(|c| (c["topic"].to_string(), c["name"].to_string())).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "a name is unique within its topic");
}

#[test]
fn a_missing_worker_is_a_finding_not_an_error() {
    let checks = checks(&[], &[("AMDAHL_WORKER", "/nowhere/worker")]);
    let worker = find(&checks, "Worker", "found");
    assert_eq!(worker["is"], "no");
    assert!(worker["why"].as_str().is_some_and(|why| why.contains("/nowhere/worker")), "{worker}");
    // The costs that need no worker are measured all the same.
    let boundary = find(&checks, "Cost of measuring", "phase boundary: clock");
    assert!(boundary["seconds"].as_f64().is_some_and(|s| s > 0.0), "{boundary}");
}

#[test]
fn trainium_is_not_claimed_for_a_variable_alone() {
    let checks = checks(&["--quick"], &[("NEURON_LIBRARY_PATH", "/nowhere/libneuronpjrt.so")]);
    let trainium = find(&checks, "Other programs and devices", "Trainium");
    assert_eq!(trainium["is"], "no");
    assert!(
        trainium["why"].as_str().is_some_and(|why| why.contains("/nowhere/libneuronpjrt.so")),
        "{trainium}"
    );
}

#[test]
fn a_mistyped_probe_is_a_finding() {
    let checks = checks(&["--quick"], &[("AMDAHL_PROBES", "clock,pref")]);
    let chosen = find(&checks, "Counters", "AMDAHL_PROBES");
    assert_eq!(chosen["is"], "no");
    assert!(chosen["why"].as_str().is_some_and(|why| why.contains("'pref'")), "{chosen}");
}

#[test]
fn the_text_is_for_people_and_plain_when_it_is_no_terminal() {
    let output = doctor(&["--quick"], &[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("Processor\n") && text.contains("-> "), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours");
}

#[test]
fn assumptions_about_trainium_are_checked_in_order() {
    let sandbox = crate::support::Sandbox::new();
    assert_eq!(amdahl_reference::PLATFORM, "amdahl-reference");
    let plugin =
        std::env::current_exe().expect("this program").with_file_name("libamdahl_reference.so");
    let monitor =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/neuron/monitor.json");
    let doctor = |words: &[&str]| {
        let mut command = sandbox.amdahl(&[&["doctor", "--trainium"], words].concat());
        command
            .env("AMDAHL_NEURON_SYSFS", "/no/such/folder")
            .env("AMDAHL_NEURON_MONITOR", &monitor);
        command.env_remove("NEURON_LIBRARY_PATH");
        crate::support::Ran(command.output().expect("amdahl starts")).ends_with(0).out()
    };
    let none = doctor(&[]);
    assert!(none.contains("there is nothing in /no/such/folder"), "{none}");
    assert!(none.contains("core 0 42.5 %, 1.500 TFLOP/s; core 1 0 %"), "{none}");
    assert!(none.contains("there is no Neuron plugin") && !none.contains("sums on the"), "{none}");
    let rehearsal = doctor(&[
        "--plugin",
        plugin.to_str().expect("a plain path"),
        "--price",
        "3.60 USD/h 2026-11-01",
    ]);
    assert!(
        rehearsal.contains("amdahl-reference, interpreter")
            && rehearsal.contains("this is not Trainium"),
        "{rehearsal}"
    );
    assert_eq!(rehearsal.matches("the processor's bits").count(), 2, "{rehearsal}");
    assert!(rehearsal.contains("0.001 USD (price of 2026-11-01)"), "{rehearsal}");
}

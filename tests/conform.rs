//! The reference plugin under an outside client of the interface: `pypjrt-conform`, which calls what
//! a plugin has and says of each call whether it passed, is not supported, or failed.

use std::path::PathBuf;
use std::process::Command;

use amdahl_accelerator::environment::REFERENCE;
use amdahl_testing::skipped;
use serde_json::Value;

/// What this plugin refuses rightly: it describes no hardware by name, and the check asks for a TPU.
const REFUSED: [&str; 1] = ["topology.create_by_name"];

/// The program that `make oracles` installs.
fn conform_or_skip(test: &str) -> Option<PathBuf> {
    let target = PathBuf::from(env!("CARGO_BIN_EXE_amdahl"));
    let target = target.parent().and_then(|folder| folder.parent()).expect("two folders above");
    let program = target.join("oracles/venv/bin/pypjrt-conform");
    if program.is_file() {
        return Some(program);
    }
    skipped(test, format!("there is no {} ('make oracles' installs it)", program.display()));
    None
}

#[test]
fn an_outside_client_finds_nothing_missing() {
    assert_eq!(amdahl_reference::PLATFORM, "amdahl-reference");
    let Some(program) = conform_or_skip("an_outside_client_finds_nothing_missing") else { return };
    let plugin = std::env::current_exe().expect("this program").with_file_name(REFERENCE);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    let out = Command::new(program).arg(plugin).arg("--json").arg(&file).output();
    let out = out.expect("it starts");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    let report: Value =
        serde_json::from_slice(&std::fs::read(file).expect("a report")).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    let with = |result: &str| -> Vec<&str> {
        let of = checks.iter().filter(|check| check["result"] == result);
        of.filter_map(|check| check["id"].as_str()).collect()
    };
    assert_eq!(with("fail"), [""; 0], "{said}");
    assert_eq!(with("unsupported"), REFUSED, "{said}");
    assert!(with("pass").len() > 45, "{said}");
}

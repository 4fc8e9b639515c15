//! Tests that cannot run on every machine: each says what it lacks. For tests alone.
//!
//! `cargo test` hides what a passing test prints, so that the reasons also go to the file that
//! `AMDAHL_SKIPPED` names, a line each; `scripts/test.sh` names one and shows it at the end.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says that `test`, or a part of it, cannot run here, and why.
pub fn skipped(test: &str, why: impl Display) {
    let line = line(test, why);
    eprint!("SKIPPED {line}");
    if let Some(file) = std::env::var_os("AMDAHL_SKIPPED").filter(|file| !file.is_empty()) {
        keep(Path::new(&file), &line);
    }
}

fn line(test: &str, why: impl Display) -> String {
    format!("{test}: {why}").replace('\n', " ") + "\n"
}

/// Appends a line in one piece: other tests write at the same time.
fn keep(file: &Path, line: &str) {
    let opened = std::fs::File::options().append(true).create(true).open(file);
    let written = opened.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|e| panic!("AMDAHL_SKIPPED names {}: {e}", file.display()));
}

fn is_set(value: Option<OsString>) -> bool {
    value.is_some_and(|value| !value.is_empty() && value != "0")
}

/// As [`skipped`]; where `AMDAHL_REQUIRE_WHAT` is set (to anything but nothing or `0`), as a
/// machine for continuous integration sets it for what it has, the test fails instead.
#[track_caller]
pub fn lacks(what: &str, test: &str, why: impl Display) {
    let variable = format!("AMDAHL_REQUIRE_{what}");
    let required = is_set(std::env::var_os(&variable));
    assert!(!required, "{test}: {why}, and {variable} is set");
    skipped(test, why);
}

/// The folder of the real data sets: `AMDAHL_DATA`, else `shared/data` beside this project.
pub fn data_folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var_os("AMDAHL_DATA").map_or(beside, PathBuf::from)
}

/// The folder of the real data sets, if `file` is there.
#[track_caller]
pub fn data_or_skip(test: &str, file: &str) -> Option<PathBuf> {
    let folder = data_folder();
    if folder.join(file).is_file() {
        return Some(folder);
    }
    let why =
        format!("{file} is not below {} (AMDAHL_DATA names another folder)", folder.display());
    lacks("DATA", test, why);
    None
}

/// Does this program start? `arguments` are those that make it end well at once.
pub fn program_or_skip(test: &str, program: &str, arguments: &[&str], why: &str) -> bool {
    let output = Command::new(program).args(arguments).output();
    let there = output.is_ok_and(|output| output.status.success());
    if !there {
        skipped(test, why);
    }
    there
}

/// Is there a simulator?
pub fn valgrind_or_skip(test: &str) -> bool {
    let why = "there is no valgrind (Debian and Ubuntu: apt-get install valgrind)";
    program_or_skip(test, "valgrind", &["--version"], why)
}

/// Is there a Python that is new enough for the scripts of this project?
pub fn python_or_skip(test: &str) -> bool {
    let new_enough = "import sys; sys.exit(sys.version_info < (3, 11))";
    program_or_skip(test, "python3", &["-c", new_enough], "there is no python3 of at least 3.11")
}

#[cfg(test)]
#[test]
fn reasons_are_kept_a_line_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("skipped.txt");
    keep(&file, &line("a", "there is\nno b"));
    keep(&file, &line("c", "there is no d"));
    let kept = std::fs::read_to_string(&file).expect("written");
    assert_eq!(kept, "a: there is no b\nc: there is no d\n");
    let set = |value: &str| is_set(Some(value.into()));
    assert!(set("1") && set("yes") && !set("0") && !set("") && !is_set(None));
}

//! Exports of results, opened by the tools that they are meant for. `make readers` installs these;
//! without them the tests that need them say so and pass. `AMDAHL_READERS` names the Python that
//! has them.

mod profiles;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use amdahl_explain::analysis::Analysis;
use amdahl_explain::exchange::{Export, FORMATS, Repeats, format};
use amdahl_explain::summary::{Summary, summarise};
use serde_json::Value;

use crate::explain::{amdahl, folder_with, mixed};
use crate::samples::{self, Made, collect};
use amdahl_testing::lacks;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn reference() -> PathBuf {
    root().join("results/reference/strong-scaling")
}

/// The Python that has the readers; `None`, and a line that says so, where there is none.
fn python(test: &str) -> Option<PathBuf> {
    // <target>/release/amdahl
    let target =
        Path::new(env!("CARGO_BIN_EXE_amdahl")).ancestors().nth(2).expect("a target folder");
    let named = std::env::var_os("AMDAHL_READERS").map(PathBuf::from);
    let python = named.unwrap_or_else(|| target.join("readers/bin/python"));
    if python.is_file() {
        return Some(python);
    }
    let why = format!("{} is missing (make readers, or AMDAHL_READERS=PYTHON)", python.display());
    lacks("READERS", test, why);
    None
}

/// Google Benchmark's `compare.py` beside that Python; `None`, and a line that says so, where it is
/// not there.
fn compare_py(python: &Path, test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("AMDAHL_COMPARE").map(PathBuf::from);
    let beside = || Some(python.parent()?.parent()?.join("benchmark/tools/compare.py"));
    let script = named.or_else(beside)?;
    if script.is_file() {
        return Some(script);
    }
    let why = format!("{} is missing (make readers, or AMDAHL_COMPARE=FILE)", script.display());
    lacks("READERS", test, why);
    None
}

/// What a reader sees in files.
fn seen(python: &Path, format: &str, paths: &[PathBuf]) -> Vec<Value> {
    let ran = Command::new(python)
        .arg(root().join("tests/readers/read.py"))
        .arg(format)
        .args(paths)
        .output();
    let ran = ran.expect("Python starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

fn made(summary: &Summary, name: &str, repeats: Repeats) -> Export {
    (format(name).expect("a known format").write)(&Analysis::of(summary), repeats)
        .expect("an export")
}

fn exported(folder: &Path, to: &str, out: &Path) -> String {
    let (folder, out) = (folder.to_string_lossy(), out.to_string_lossy());
    let ran = amdahl(&["export", &folder, "--to", to, "--out", &out, "--repeat", "all"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("UTF-8")
}

fn sum(values: &Value) -> f64 {
    values.as_array().expect("values").iter().map(|v| v.as_f64().expect("a number")).sum()
}

fn middle(values: &[f64]) -> f64 {
    amdahl_stats::median(values).expect("finite values")
}

/// The folders of profiles by cell.
fn profiles(out: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let list = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let entries = entries.map(|entry| entry.expect("an entry"));
        // What amdahl leaves to know its files again is none of them.
        let shown = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
        let mut all: Vec<_> = shown.map(|entry| entry.path()).collect();
        all.sort();
        all
    };
    let id = |path: &Path| path.to_string_lossy().rsplit('-').next().expect("an id").to_string();
    list(out).into_iter().map(|cell| (id(&cell), list(&cell))).collect()
}

/// What `amdahl show` says of each cell, as JSON.
fn shown(folder: &Path) -> BTreeMap<String, Value> {
    let shown = amdahl(&["show", &folder.to_string_lossy(), "--format", "json"]);
    let json: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let groups = json["groups"].as_array().expect("groups").iter();
    let cells = groups.flat_map(|group| group["cells"].as_array().expect("cells").clone());
    cells.map(|cell| (cell["id"].as_str().expect("an id").to_string(), cell)).collect()
}

#[test]
fn every_format_copes_with_every_folder() {
    let hostile = samples::Made { experiment: "../x".into(), ..Made::default() }.lines();
    let empty = Made { spreads: vec![], ..Made::default() }.lines();
    for lines in [mixed(), hostile, empty] {
        let summary = summarise(&collect(&lines));
        let analysis = Analysis::of(&summary);
        for format in FORMATS {
            for repeats in [Repeats::Middle, Repeats::All, Repeats::Number(3)] {
                let export = (format.write)(&analysis, repeats).expect("an export");
                assert!(
                    export == (format.write)(&analysis, repeats).expect("again"),
                    "{}: equal bytes",
                    format.name
                );
                let mut paths: Vec<_> = export.files.iter().map(|file| &file.path).collect();
                paths.sort();
                paths.dedup();
                assert_eq!(
                    paths.len(),
                    export.files.len(),
                    "{}: no two files have one path",
                    format.name
                );
                for path in paths {
                    let plain =
                        |c: std::path::Component<'_>| matches!(c, std::path::Component::Normal(_));
                    assert!(
                        path.components().all(plain) && path.is_relative(),
                        "{}",
                        path.display()
                    );
                }
            }
        }
    }
}

#[test]
fn a_cell_without_a_result_is_noted_not_zero() {
    let summary = summarise(&collect(&mixed()));
    let tau = made(&summary, "tau", Repeats::Middle);
    assert_eq!(
        tau.notes.iter().filter(|note| note.contains("no such good repeat")).count(),
        2,
        "{:?}",
        tau.notes
    );
    let google = made(&summary, "google-benchmark", Repeats::Middle);
    let left_out = |why: &str| google.notes.iter().filter(|note| note.contains(why)).count();
    assert_eq!(left_out("is left out: killed"), 2, "{:?}", google.notes);
    let json: Value = serde_json::from_slice(&google.files[0].bytes).expect("JSON");
    for row in json["benchmarks"].as_array().expect("rows") {
        assert!(row["real_time"].is_f64() && row["cpu_time"].is_f64(), "compare.py wants both");
    }
}

#[test]
fn the_command_says_what_it_cannot_write() {
    let (temp, folder) = folder_with(&Made { repeats: 2, ..Made::default() }.lines());
    let (folder, out) = (folder.to_string_lossy().into_owned(), temp.path().join("out"));
    let run = |args: &[&str]| {
        amdahl(&[&["export", &folder, "--out", &out.to_string_lossy()], args].concat())
    };
    let none = run(&["--to", "tau", "--repeat", "7"]);
    assert_eq!(none.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&none.stdout).contains("no such good repeat"));
    assert_eq!(run(&["--to", "otf2"]).status.code(), Some(2));
    assert_eq!(run(&["--to", "tau", "--repeat", "first"]).status.code(), Some(2));
    assert!(run(&["--to", "tau"]).status.success());
}

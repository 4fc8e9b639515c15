//! Exports of results, opened by the tools that they are meant for. `make readers` installs these;
//! without them the tests that need them say so and pass. `AMDAHL_READERS` names the Python that
//! has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use amdahl_explain::analysis::Analysis;
use amdahl_explain::exchange::{Export, FORMATS, Repeats, format};
use amdahl_explain::summary::{Summary, summarise};
use amdahl_record::read;
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
        let mut all: Vec<_> = std::fs::read_dir(folder)
            .expect("a folder")
            .map(|e| e.expect("an entry").path())
            .collect();
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

/// Holds what Hatchet sees of every repeat of a sweep against what `amdahl show` says of the cell.
fn compare_with_show(python: &Path, format: &str, unit: f64, grain: f64) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    exported(&reference(), format, temp.path());
    let cells = shown(&reference());
    let profiles = profiles(temp.path());
    assert_eq!(profiles.len(), cells.len(), "every cell has profiles");
    for (id, repeats) in profiles
        .iter()
        .filter(|(id, _)| cells[id]["cell"]["ranks"] != 1 || cells[id]["cell"]["threads"] != 1)
    {
        let seen = seen(python, format, repeats);
        let cell = &cells[id];
        let lanes = (cell["cell"]["ranks"].as_u64().unwrap_or(1)
            * cell["cell"]["threads"].as_u64().unwrap_or(1)) as f64;
        let over = |name: &str| {
            let of = |repeat: &Value| unit * sum(&repeat["regions"][name]["inclusive"]) / lanes;
            middle(&seen.iter().map(of).collect::<Vec<f64>>())
        };
        let near = |name: &str, got: f64, shown: &Value| {
            let shown = shown.as_f64().expect("a number");
            assert!(
                (got - shown).abs() <= grain,
                "{id} {name}: Hatchet has {got}, amdahl show {shown}"
            );
        };
        near("iterations", over("iterations"), &cell["time"]["value"]);
        for phase in cell["phases"].as_array().expect("phases") {
            let name = phase["phase"].as_str().expect("a word");
            // Regions of accelerators are not there where nothing ran in them.
            if seen[0]["regions"].get(name).is_none() {
                assert_eq!(phase["mean_s"], 0.0, "{name}");
                continue;
            }
            near(name, over(name), &phase["mean_s"]);
        }
        for (repeat, of) in seen.iter().zip(cell["repeats"].as_array().expect("repeats")) {
            assert_eq!(repeat["depth"]["assign"], 2, "root, iterations, assign");
            assert!(of["seconds"].as_f64().is_some());
        }
    }
}

#[test]
fn hatchet_sees_in_tau_profiles_of_a_sweep_what_show_says() {
    let Some(python) = python("hatchet_sees_in_tau_profiles_of_a_sweep_what_show_says") else {
        return;
    };
    // Whole microseconds, and the median of ten lies between two of them.
    compare_with_show(&python, "tau", 1e-6, 1e-6);
}

#[test]
fn hatchet_sees_in_caliper_profiles_of_a_sweep_what_show_says() {
    let Some(python) = python("hatchet_sees_in_caliper_profiles_of_a_sweep_what_show_says") else {
        return;
    };
    compare_with_show(&python, "caliper", 1.0, 2e-9);
}

#[test]
fn hatchet_sees_made_up_counters_lane_by_lane() {
    let Some(python) = python("hatchet_sees_made_up_counters_lane_by_lane") else { return };
    let mut lines =
        Made { spreads: vec![("serial", 1, 1), ("hybrid", 2, 2)], repeats: 1, ..Made::default() }
            .lines();
    crate::metrics::with_made_up_pmu(&mut lines, &[("L1D-load-misses", 1234.0, "perf-1")]);
    let (temp, folder) = folder_with(&lines);
    let out = temp.path().join("tau");
    exported(&folder, "tau", &out);
    for (id, repeats) in profiles(&out) {
        let seen = &seen(&python, "tau", &repeats)[0];
        let metrics: Vec<&str> =
            seen["metrics"].as_array().expect("metrics").iter().filter_map(Value::as_str).collect();
        assert_eq!(metrics, ["L1D_LOAD_MISSES", "time"], "{id}");
        let lanes = seen["regions"]["assign"]["inclusive"].as_array().map(Vec::len);
        assert!(lanes == Some(1) || lanes == Some(4), "{lanes:?}");
    }
}

#[test]
fn extra_p_models_a_made_up_sweep() {
    let Some(python) = python("extra_p_models_a_made_up_sweep") else { return };
    let mut spreads = vec![("serial", 1, 1)];
    spreads.extend([1, 2, 4, 8, 16].map(|lanes| ("threads", 1, lanes)));
    let (temp, folder) = folder_with(&Made { spreads, ..Made::default() }.lines());
    let out = temp.path().join("extra-p");
    let said = exported(&folder, "extra-p", &out);
    assert!(
        said.contains("serial: 1 value of 'p', Extra-P wants 5") && !said.contains("threads:"),
        "{said}"
    );
    let seen = &seen(&python, "extra-p", &[out.join("threads.jsonl")])[0];
    assert_eq!((&seen["points"], &seen["parameters"]), (&Value::from(5), &Value::from(vec!["p"])));
    assert!(seen["model"].as_str().is_some_and(|model| !model.is_empty()), "{seen}");
    let cells = shown(&folder);
    let two = cells.values().find(|c| c["cell"]["threads"] == 2).expect("two threads");
    let median = seen["medians"]["amdahl-worker->iterations"]["2"].as_f64().expect("a median");
    assert!((median - two["time"]["value"].as_f64().expect("a time")).abs() < 1e-8, "{median}");
}

#[test]
fn pandas_sees_the_same_in_parquet_and_csv() {
    let Some(python) = python("pandas_sees_the_same_in_parquet_and_csv") else { return };
    let (temp, folder) = folder_with(&mixed());
    for (folder, cells) in [(reference(), 12), (folder, 18)] {
        let out = temp.path().join(format!("tables-{cells}"));
        for format in ["csv", "parquet"] {
            exported(&folder, format, &out.join(format));
        }
        let seen = &seen(&python, "tables", &[out])[0];
        for table in ["cells", "repeats", "readings"] {
            assert_eq!(seen[table]["same"], true, "{table}: {}", seen[table]);
        }
        assert_eq!(seen["cells"]["rows"], cells);
        assert_eq!(
            (&seen["cells"]["types"]["lanes"], &seen["readings"]["types"]["value"]),
            (&"int64".into(), &"float64".into())
        );
        for (id, cell) in shown(&folder) {
            let Some(time) = cell["time"]["value"].as_f64() else { continue };
            assert_eq!(seen["medians"][&id].as_f64(), Some(time), "{id}");
        }
    }
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
    let json: Value = serde_json::from_slice(&google.files[0].bytes).expect("JSON");
    let failed: Vec<_> = (json["benchmarks"].as_array().expect("rows").iter())
        .filter(|row| row["error_occurred"] == true)
        .collect();
    assert_eq!(failed.len(), 2);
    assert!(failed[0].get("real_time").is_none() && failed[0]["error_message"] == "killed");
}

#[test]
fn google_benchmark_holds_every_repeat_and_the_median() {
    let summary = summarise(&read::read(&reference()).expect("reference results"));
    let json: Value =
        serde_json::from_slice(&made(&summary, "google-benchmark", Repeats::Middle).files[0].bytes)
            .expect("JSON");
    assert_eq!(json["context"]["json_schema_version"], 1);
    let rows = json["benchmarks"].as_array().expect("rows");
    for cell in summary.groups.iter().flat_map(|g| &g.cells) {
        let mine = || {
            rows.iter().filter(|row| {
                row["run_name"].as_str().is_some_and(|name| name.ends_with(&cell.id.0))
            })
        };
        assert_eq!(mine().filter(|row| row["run_type"] == "iteration").count(), cell.repeats.len());
        let median =
            mine().find(|row| row["aggregate_name"] == "median").expect("a median")["real_time"]
                .as_f64();
        let expected = cell.time.expect("a time").value * 1e3
            / f64::from(cell.iterations.expect("iterations"));
        assert!((median.expect("a number") - expected).abs() < 1e-9 * expected);
        assert!(mine().all(|row| row["cpu_time"].is_f64() && row["time_unit"] == "ms"));
    }
}

#[test]
fn phases_in_a_trace_follow_each_other_and_fill_the_timed_part() {
    let summary = summarise(&read::read(&reference()).expect("reference results"));
    let export = made(&summary, "chrome", Repeats::Middle);
    assert_eq!(export.files.len(), 12);
    for file in &export.files {
        let json: Value = serde_json::from_slice(&file.bytes).expect("JSON");
        let number = |event: &Value, key: &str| event[key].as_f64().expect("a number");
        let mut lanes: BTreeMap<(u64, u64), Vec<Value>> = BTreeMap::new();
        for event in
            json["traceEvents"].as_array().expect("events").iter().filter(|e| e["ph"] == "X")
        {
            let lane =
                (event["pid"].as_u64().expect("a rank"), event["tid"].as_u64().expect("a thread"));
            lanes.entry(lane).or_default().push(event.clone());
        }
        for events in lanes.values() {
            let of = |name: &str| events.iter().find(|e| e["name"] == name).expect("an event");
            let iterations = of("iterations");
            let mut at = number(iterations, "ts");
            for name in ["assign", "wait", "reduce", "update"] {
                assert!(
                    (number(of(name), "ts") - at).abs() < 1e-2,
                    "{name} begins where the one before ends"
                );
                at += number(of(name), "dur");
            }
            let end = number(iterations, "ts") + number(iterations, "dur");
            assert!(at <= end + 1e-2, "phases lie within the timed part");
            assert!((number(of("finish"), "ts") - end).abs() < 1e-2);
        }
        let starts: Vec<f64> = lanes
            .values()
            .map(|e| number(e.iter().find(|e| e["name"] == "iterations").expect("timed"), "ts"))
            .collect();
        assert!(starts.iter().all(|start| (start - starts[0]).abs() < 1e-9), "a common start");
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

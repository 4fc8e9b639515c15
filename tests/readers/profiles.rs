//! One repeat each: TAU, Caliper, Thicket, TALP, Chrome.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use amdahl_explain::exchange::Repeats;
use amdahl_explain::summary::summarise;
use amdahl_record::read;
use serde_json::Value;

use super::{exported, made, middle, profiles, python, reference, seen, shown, sum};
use crate::explain::folder_with;
use crate::samples::Made;

/// Holds what Hatchet sees of every repeat of a sweep against what `amdahl show` says of the cell.
fn compare_with_show(python: &Path, format: &str, unit: f64, grain: f64) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    exported(&reference(), format, temp.path());
    let cells = shown(&reference());
    let profiles = profiles(temp.path());
    assert_eq!(profiles.len(), cells.len(), "every cell has profiles");
    for (id, repeats) in &profiles {
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
            // TAU's reader leaves out a level that is 0 everywhere.
            let wanted =
                if format == "tau" && lanes == 1.0 { &["node"][..] } else { &["node", "rank"] };
            assert_eq!(repeat["index"], Value::from(wanted.to_vec()), "{id}");
            assert!(repeat["positive"].as_u64() > Some(0));
            assert_eq!(
                repeat["filtered"], repeat["positive"],
                "{id}: filter keeps what it is told"
            );
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
fn thicket_groups_filters_and_joins_what_show_says() {
    let Some(python) = python("thicket_groups_filters_and_joins_what_show_says") else { return };
    let temp = tempfile::tempdir().expect("a temporary folder");
    exported(&reference(), "thicket", temp.path());
    let cells = shown(&reference());
    let seen = &seen(&python, "thicket", &[temp.path().to_path_buf()])[0];
    assert_eq!(seen["index"], Value::from(vec!["node", "profile"]));
    let profiles = seen["profiles"].as_u64().expect("a number");
    assert_eq!(profiles, 120);
    for key in ["k", "n", "d", "lanes", "ranks", "threads", "repeat"] {
        assert_eq!(seen["types"][key], "int64", "{key}");
    }
    assert!(seen["types"]["seconds"] == "float64" && seen["types"]["host"] == "object");
    assert_eq!(seen["by_k"], serde_json::json!({ "16": 60, "64": 60 }));
    assert_eq!(seen["more_than_a_lane"], 60);
    assert_eq!(seen["joined_rows"], seen["rows"]);
    for (id, cell) in &cells {
        let near = |name: &str, shown: &Value| {
            let got = seen["medians"][id][name].as_f64().expect("a number");
            let shown = shown.as_f64().expect("a number");
            assert!((got - shown).abs() <= 2e-9, "{id} {name}: {got}, amdahl show {shown}");
        };
        near("iterations", &cell["time"]["value"]);
        for phase in cell["phases"].as_array().expect("phases") {
            let name = phase["phase"].as_str().expect("a word");
            match seen["medians"][id].get(name) {
                Some(_) => near(name, &phase["mean_s"]),
                None => assert_eq!(phase["mean_s"], 0.0, "{name}"),
            }
        }
    }
}

#[test]
fn talp_pages_reports_what_show_says() {
    let Some(python) = python("talp_pages_reports_what_show_says") else { return };
    let temp = tempfile::tempdir().expect("a temporary folder");
    exported(&reference(), "talp", temp.path());
    let seen = &seen(&python, "talp", &[temp.path().to_path_buf()])[0];
    assert_eq!(seen["pages"].as_array().map(Vec::len), Some(8), "{}", seen["pages"]);
    for (id, cell) in shown(&reference()) {
        let of = &seen["cells"][&id];
        let times: Vec<f64> = serde_json::from_value(of["elapsed"].clone()).expect("times");
        let shown = cell["time"]["value"].as_f64().expect("a time");
        assert!((middle(&times) - shown).abs() <= 2e-9, "{id}: {times:?}, amdahl show {shown}");
        let efficiencies: Vec<f64> =
            serde_json::from_value(of["parallelEfficiency"].clone()).expect("efficiencies");
        let pop = cell["pop"]["parallel"].as_f64().expect("an efficiency");
        // That of the cell is of all its repeats together.
        assert!((middle(&efficiencies) - pop).abs() < 0.02, "{id}: {efficiencies:?}, {pop}");
        let (ranks, threads) = (&cell["cell"]["ranks"], &cell["cell"]["threads"]);
        let wanted = match (ranks.as_u64(), threads.as_u64()) {
            (Some(1), Some(1)) => "Serial".to_string(),
            (Some(1), _) => format!("{threads}xOpenMP"),
            (_, Some(1)) => format!("{ranks}xMPI"),
            _ => format!("{ranks}xMPI {threads}xOpenMP"),
        };
        assert_eq!(of["label"], wanted, "{id}");
    }
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
        assert!(lanes.keys().all(|(pid, tid)| *pid > 0 && *tid > 0), "Perfetto keeps 0 for itself");
        let threads: BTreeSet<u64> = lanes.keys().map(|(_, tid)| *tid).collect();
        assert_eq!(
            threads.len(),
            lanes.len(),
            "{}: no two lanes have one tid",
            file.path.display()
        );
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

//! All repeats: Extra-P, Google Benchmark, tables.

use std::collections::BTreeSet;
use std::process::Command;

use amdahl_explain::exchange::Repeats;
use amdahl_explain::summary::summarise;
use amdahl_record::read;
use serde_json::Value;

use super::{compare_py, exported, made, python, reference, seen, shown};
use crate::explain::{folder_with, mixed};
use crate::samples::Made;

#[test]
fn extra_p_models_a_made_up_sweep() {
    let Some(python) = python("extra_p_models_a_made_up_sweep") else { return };
    let mut spreads = vec![("serial", 1, 1)];
    spreads.extend([1, 2, 4, 8, 16].map(|lanes| ("threads", 1, lanes)));
    let (temp, folder) = folder_with(&Made { spreads, ..Made::default() }.lines());
    let out = temp.path().join("extra-p");
    let said = exported(&folder, "extra-p", &out);
    assert!(
        said.contains("serial: 1 value of 'p', Extra-P wants 5") && !said.contains("threads: 5"),
        "{said}"
    );
    assert!(said.contains("threads: the same problem on several numbers of lanes"), "{said}");
    let seen = &seen(&python, "extra-p", &[out.join("threads.jsonl")])[0];
    assert_eq!((&seen["points"], &seen["parameters"]), (&Value::from(5), &Value::from(vec!["p"])));
    assert!(seen["model"].as_str().is_some_and(|model| !model.is_empty()), "{seen}");
    let cells = shown(&folder);
    let two = cells.values().find(|c| c["cell"]["threads"] == 2).expect("two threads");
    let median = seen["medians"]["amdahl-worker->iterations"]["2"].as_f64().expect("a median");
    assert!((median - two["time"]["value"].as_f64().expect("a time")).abs() < 1e-8, "{median}");
}

#[test]
fn extra_p_models_strong_scaling_with_the_option_that_is_noted() {
    let test = "extra_p_models_strong_scaling_with_the_option_that_is_noted";
    let Some(python) = python(test) else { return };
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = temp.path().join("p.jsonl");
    let line = |p: u32| {
        let value = 1.0 + 16.0 / f64::from(p);
        format!(
            "{{\"params\":{{\"p\":{p}}},\"callpath\":\"c\",\"metric\":\"time\",\"value\":{value}}}\n"
        )
    };
    let text: String = [1, 2, 4, 8, 16].map(line).concat();
    std::fs::write(&file, text).expect("written");
    let extrap = python.with_file_name("extrap");
    let models = |options: &[&str]| {
        let mut command = Command::new(&extrap);
        command.args(["--print", "functions"]).args(options).arg("--json").arg(&file);
        let ran = command.output().expect("Extra-P starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    assert!(!models(&[]).contains("p^(-1)"), "then the note can go: {}", models(&[]));
    assert_eq!(models(&["--scaling", "strong"]), models(&[]), "then the note can name it");
    let with = models(&["--modeler", "basic", "--options", "allow_negative_exponents=True"]);
    assert!(with.contains("p^(-1)"), "{with}");
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
fn duckdb_and_polars_ask_every_column_without_quotes() {
    let Some(python) = python("duckdb_and_polars_ask_every_column_without_quotes") else { return };
    let temp = tempfile::tempdir().expect("a temporary folder");
    for format in ["csv", "parquet"] {
        exported(&reference(), format, &temp.path().join(format));
    }
    let seen = &seen(&python, "sql", &[temp.path().to_path_buf()])[0];
    for (id, cell) in shown(&reference()) {
        for engine in ["DuckDB of csv", "DuckDB of parquet", "polars of parquet"] {
            assert_eq!(seen[engine][&id], cell["time"]["value"], "{engine}: {id}");
        }
    }
}

#[test]
fn compare_py_finds_pairs_and_whole_nanoseconds() {
    let test = "compare_py_finds_pairs_and_whole_nanoseconds";
    let Some(python) = python(test) else { return };
    let Some(script) = compare_py(&python, test) else { return };
    let temp = tempfile::tempdir().expect("a temporary folder");
    exported(&reference(), "google-benchmark", temp.path());
    let (file, out) = (temp.path().join("benchmark.json"), temp.path().join("compared.json"));
    let file = file.to_string_lossy();
    let compared = |words: &[&str]| -> Vec<Value> {
        let mut command = Command::new(&python);
        command.arg(&script).args(["--no-color", "--dump_to_json"]).arg(&out).args(words);
        let ran = command.output().expect("Python starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        serde_json::from_slice(&std::fs::read(&out).expect("a file")).expect("JSON")
    };
    let named = |of: &[Value], end: &str| {
        let name = |row: &Value| row["name"].as_str().expect("a name").to_string();
        of.iter().map(name).filter(|name| name.ends_with(end)).count()
    };
    let pairs = compared(&["filters", &file, "serial", "threads"]);
    assert_eq!(named(&pairs, "/[serial vs. threads]/lanes:1_median"), 2, "one a problem");
    let again = compared(&["benchmarks", &file, &file]);
    assert_eq!(named(&again, "_median"), 12, "a rerun has the same names");
    let whole = |row: &Value| row["measurements"][0]["real_time"].as_f64() > Some(1e5);
    assert!(
        again.iter().filter(|row| row["run_type"] == "iteration").all(whole),
        "digits to print"
    );
}

#[test]
fn google_benchmark_holds_every_repeat_and_the_median() {
    let summary = summarise(&read::read(&reference()).expect("reference results"));
    let json: Value =
        serde_json::from_slice(&made(&summary, "google-benchmark", Repeats::Middle).files[0].bytes)
            .expect("JSON");
    assert_eq!(json["context"]["json_schema_version"], 1);
    let rows = json["benchmarks"].as_array().expect("rows");
    let name = |row: &Value| row["run_name"].as_str().expect("a name").to_string();
    let mut names: Vec<String> = rows.iter().map(name).collect();
    names.dedup();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "each name is one cell's");
    let cells: Vec<_> = summary.groups.iter().flat_map(|group| &group.cells).collect();
    assert_eq!(names.len(), cells.len());
    for (cell, name) in cells.into_iter().zip(names) {
        assert!(!name.contains(&cell.id.0), "a name has no id: {name}");
        let mine = || rows.iter().filter(|row| row["run_name"] == name);
        assert_eq!(mine().filter(|row| row["run_type"] == "iteration").count(), cell.repeats.len());
        let median =
            mine().find(|row| row["aggregate_name"] == "median").expect("a median")["real_time"]
                .as_f64();
        let expected = cell.time.expect("a time").value * 1e9
            / f64::from(cell.iterations.expect("iterations"));
        assert!((median.expect("a number") - expected).abs() < 1e-9 * expected);
        assert!(mine().all(|row| row["cpu_time"].is_f64() && row["time_unit"] == "ns"));
    }
}

//! The verb `amdahl plan`, as a process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use amdahl_record::Line;
use amdahl_record::cell::Cell;
use serde_json::Value;

use crate::samples::{self, Made};

/// A folder with a manifest that asks for the cells of made-up records.
fn manifest() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample.toml");
    let text = r#"
        experiment = { title = "A sample", repeats = 5 }
        workload = { kind = "kmeans", iterations = 20, warmup = 2 }
        dataset = { synthetic = "mixture", points = 100_000, dims = 16, clusters = 16, seed = 1 }
        [axes]
        k = [16, 32]
        backend = ["serial", "threads"]
        threads = [1]
    "#;
    std::fs::write(&path, text).expect("a manifest");
    let worker = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/worker.sh");
    std::os::unix::fs::symlink(worker, folder.path().join("worker")).expect("a worker");
    std::fs::write(folder.path().join("id"), WORKER).expect("its id");
    (folder, path)
}

/// What the worker of these tests is known by.
const WORKER: &str = "000000000000a11d";

/// Runs `amdahl plan` in the manifest's folder, with a worker that is asked for its id alone.
fn plan(manifest: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_amdahl"))
        .arg("plan")
        .arg(manifest)
        .args(args)
        .current_dir(manifest.parent().expect("a folder"))
        .env("AMDAHL_WORKER", manifest.with_file_name("worker"))
        .output()
        .expect("amdahl starts")
}

fn text(output: &Output) -> (String, String) {
    let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (words(&output.stdout), words(&output.stderr))
}

fn json(manifest: &Path, args: &[&str]) -> Value {
    let output = plan(manifest, &[&["--format", "json"], args].concat());
    assert!(output.status.success(), "{:?}", text(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Records of the manifest's cells with k = 16, made by this worker here and now.
fn records() -> Vec<Line> {
    let made =
        Made { spreads: vec![("serial", 1, 1), ("threads", 1, 1)], repeats: 3, ..Made::default() };
    let mut lines = made.lines();
    let dataset = samples::cell(100_000, 16, "serial", 1, 1).dataset;
    let data = amdahl_data::identify(&dataset).expect("synthetic rows").digest;
    for line in &mut lines {
        if let Line::Record(record) = line {
            record.key.data = data.clone();
            record.key.build = WORKER.into();
            record.key.host = amdahl_record::host::gather().id;
            record.process_s = Some(2.5);
        }
    }
    lines
}

fn counted(plan: &Value, field: &str) -> Vec<u64> {
    plan["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .map(|cell| cell[field].as_u64().expect("a number"))
        .collect()
}

#[test]
fn says_what_is_done_and_what_the_rest_costs() {
    let (folder, path) = manifest();
    let nothing = json(&path, &[]);
    assert_eq!((counted(&nothing, "done"), counted(&nothing, "repeats")), (vec![0; 4], vec![5; 4]));
    assert_eq!(nothing["results"], "results/sample");
    assert!(
        nothing["cells"][0]["cost"]["from"] == "modelled"
            && nothing["total"]["seconds"].as_f64() > Some(0.0)
    );

    samples::write(&folder.path().join("results/sample"), &records());
    let some = json(&path, &[]);
    assert_eq!(counted(&some, "done"), [3, 3, 0, 0]);
    assert_eq!(some["cells"][0]["cost"]["seconds"], 2.5);
    assert_eq!(some["cells"][0]["cost"]["from"], "measured");
    assert_eq!(some["cells"][2]["cost"]["from"], "modelled");
    assert_eq!(some["notes"], Value::Array(vec![]));
    let (table, _) = text(&plan(&path, &[]));
    assert!(table.contains("3/5  2.50 s  median of 3") && table.contains("0/5"), "{table}");
    assert!(
        table.contains("4 cells, 6 of 20 repeats are done; the other 14 take about"),
        "{table}"
    );
    assert_eq!(counted(&json(&path, &["--results", "elsewhere"]), "done"), [0; 4]);
}

#[test]
fn results_of_other_workers_rows_and_hosts_are_not_done() {
    for change in ["build", "data", "host"] {
        let (folder, path) = manifest();
        let mut lines = records();
        for line in &mut lines {
            if let Line::Record(record) = line {
                let part = match change {
                    "build" => &mut record.key.build,
                    "data" => &mut record.key.data,
                    _ => &mut record.key.host,
                };
                *part = "another".into();
            }
        }
        samples::write(&folder.path().join("results/sample"), &lines);
        let plan = json(&path, &[]);
        assert_eq!(counted(&plan, "done"), [0; 4], "{change}");
        assert_eq!(plan["cells"][0]["cost"]["from"], "measured", "but they tell what it costs");
    }
}

#[test]
fn without_a_worker_what_is_done_is_not_known() {
    let (folder, _) = manifest();
    samples::write(&folder.path().join("results/sample"), &records());
    let run = |format: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_amdahl"));
        command.args(["plan", "sample.toml", "--format", format]).current_dir(folder.path());
        text(&command.env("AMDAHL_WORKER", "no/such/worker").output().expect("amdahl starts")).0
    };
    let plan: Value = serde_json::from_str(&run("json")).expect("JSON");
    assert_eq!(
        (&plan["cells"][0]["done"], &plan["cells"][2]["done"]),
        (&Value::Null, &Value::from(0))
    );
    let table = run("text");
    assert!(
        table.contains("?/5") && table.contains("at least 0 of 20 repeats are done"),
        "{table}"
    );
    assert!(
        table.contains("Note: what is done is not known: AMDAHL_WORKER names no/such/worker"),
        "{table}"
    );
}

#[test]
fn a_cell_is_printed_as_the_worker_reads_it() {
    let (_folder, path) = manifest();
    let plan_ = json(&path, &[]);
    let id = plan_["cells"][1]["id"].as_str().expect("an id");
    let output = plan(&path, &["--cell", &id[..12]]);
    let cell = Cell::parse(&text(&output).0).expect("a cell file");
    assert_eq!(cell.id().0, id);
    let (_, said) = text(&plan(&path, &["--cell", ""]));
    assert!(said.contains("4 cells have ids that begin with ''"), "{said}");
    let nobody = plan(&path, &["--cell", "xyz"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(text(&nobody).1.contains("no cell of 'sample' has an id that begins with 'xyz'"));
}

#[test]
fn a_part_of_a_plan_keeps_its_oracle() {
    let (_folder, path) = manifest();
    let part = json(&path, &["--only", "backend=threads,k=32"]);
    assert_eq!(counted(&part, "repeats"), [1, 5], "the oracle once, the cell as often as asked");
    let (_, said) = text(&plan(&path, &["--only", "backend=thread"]));
    assert!(
        said.contains("no cell has backend=thread") && said.contains("did you mean 'threads'?"),
        "{said}"
    );
}

#[test]
fn a_bad_manifest_is_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "[axes]\nrank = 2\n").expect("a manifest");
    let output = plan(&path, &[]);
    assert_eq!(output.status.code(), Some(2));
    let (said, error) = text(&output);
    assert!(
        said.is_empty() && error.contains("bad.toml:2:1: unknown key 'rank' in 'axes'"),
        "{error}"
    );
    assert!(error.contains("did you mean 'ranks'?"), "{error}");
    std::fs::write(&path, b"title = \"\xff\"\n").expect("a manifest");
    let (_, error) = text(&plan(&path, &[]));
    assert!(error.contains("bad.toml:1:10: not UTF-8 from here on"), "{error}");
}

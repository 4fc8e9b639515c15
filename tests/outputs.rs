//! No verb writes over what it reads, nor over what somebody else wrote.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Sandbox, files, manifest};

/// A sandbox with data of every kind, whose files are links to each other under a second name.
fn with_data() -> Sandbox {
    let sandbox = Sandbox::new();
    let rows: Vec<f32> = (0..40).map(|i| (i * 7 % 13) as f32).collect();
    let npy = amdahl_data::write::matrix_bytes(&rows, 2);
    sandbox.write("d.npy", &npy);
    sandbox.write("c.npy", amdahl_data::write::matrix_bytes(&rows[..4], 2));
    sandbox.write("w.npy", amdahl_data::write::matrix_bytes(&[1.0; 20], 1));
    sandbox.write("t.txt", "0\n1\n".repeat(10));
    sandbox.write("d.csv", "1,2\n3,4\n5,7\n9,9\n");
    std::fs::hard_link(sandbox.path("d.csv"), sandbox.path("hard.csv")).expect("a link");
    std::os::unix::fs::symlink("d.csv", sandbox.path("soft.csv")).expect("a link");
    std::os::unix::fs::symlink(".", sandbox.path("here")).expect("a link");
    sandbox
}

/// The bytes of all files of the sandbox, by name.
fn contents(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let read = |path: &Path| (path.display().to_string(), std::fs::read(path).expect("readable"));
    let all = files(&sandbox.path(""), "");
    all.iter().filter(|path| path.is_file()).map(|path| read(path)).collect()
}

/// Runs a command line that is refused with 2, says all of `said` and changes nothing.
#[track_caller]
fn refused(sandbox: &Sandbox, line: &str, said: &[&str]) {
    let before = contents(sandbox);
    let words: Vec<&str> = line.split(' ').collect();
    let ran = sandbox.run(&words).ends_with(2);
    for said in said {
        assert!(ran.err().contains(said), "'{line}': '{said}' is not in: {}", ran.err());
    }
    assert!(contents(sandbox) == before, "'{line}' changed something");
}

#[test]
fn fit_and_predict_never_write_over_what_they_read() {
    let sandbox = with_data();
    sandbox.run(&["fit", "d.csv", "-k", "2", "--model", "m.json"]).ends_with(0);
    for (line, said) in [
        ("fit d.npy -k 3 --model d.json", ["the model's centroids (d.npy)", "the data (d.npy)"]),
        ("fit d.npy -k 3 --model d", ["the model's centroids (d.npy)", "the data (d.npy)"]),
        ("fit d.npy -k 3 --model here/d.json", ["(here/d.npy)", "the data (d.npy)"]),
        ("fit d.npy -k 2 --weights w.npy --model w.json", ["(w.npy)", "--weights (w.npy)"]),
        ("fit d.npy -k 2 --init c.npy --model c.json", ["(c.npy)", "--init (c.npy)"]),
        ("fit d.npy -k 2 --truth t.txt --labels t.txt", ["--labels (t.txt)", "--truth (t.txt)"]),
        ("fit d.npy -k 2 --labels d-k2.npy", ["--labels (d-k2.npy)", "the model's centroids"]),
        ("fit d.npy -k 2 --labels d-k2.json", ["--labels (d-k2.json)", "the model (d-k2.json)"]),
        ("fit d.csv -k 2 --labels d.csv", ["--labels (d.csv)", "the data (d.csv)"]),
        ("fit d.csv -k 2 --labels hard.csv", ["--labels (hard.csv)", "the data (d.csv)"]),
        ("fit soft.csv -k 2 --labels d.csv", ["--labels (d.csv)", "the data (soft.csv)"]),
        ("predict m.json d.csv --labels d.csv", ["--labels (d.csv)", "the data (d.csv)"]),
        ("predict m.json d.csv --labels m.json", ["--labels (m.json)", "the model (m.json)"]),
        ("predict m.json d.csv --labels here/m.npy", ["(here/m.npy)", "centroids (m.npy)"]),
    ] {
        refused(&sandbox, line, &said);
        refused(&sandbox, &format!("{line} --force"), &said);
    }
}

#[test]
fn fit_and_predict_replace_what_they_wrote_and_nothing_else() {
    let sandbox = with_data();
    let line = "fit d.csv -k 2 --model m.json --labels l.txt";
    let words: Vec<&str> = line.split(' ').collect();
    for _ in 0..2 {
        sandbox.run(&words).ends_with(0);
    }
    sandbox.run(&["predict", "m.json", "d.csv", "--labels", "l.txt"]).ends_with(0);
    for (name, what) in [("l.txt", "--labels"), ("m.npy", "centroids"), ("m.json", "the model")] {
        let ours = std::fs::read(sandbox.path(name)).expect("written");
        sandbox.write(name, "somebody's work");
        refused(&sandbox, line, &[what, name, "--force"]);
        let forced = [&words[..], &["--force"]].concat();
        sandbox.run(&forced).ends_with(0);
        assert_eq!(std::fs::read(sandbox.path(name)).expect("written"), ours, "{name}");
        sandbox.run(&words).ends_with(0);
    }
    // What is no file is written to.
    sandbox.run(&["predict", "m.json", "d.csv", "--labels", "/dev/null"]).ends_with(0);
}

#[test]
fn figures_reports_and_exports_replace_what_amdahl_wrote_and_nothing_else() {
    let sandbox = with_data();
    sandbox.write("test.toml", manifest(r#""serial", "threads""#, 2, ""));
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    for (line, folder) in [
        ("figures results/test", "plots"),
        ("report results/test --format html,facts", "report"),
        ("export results/test --to csv --out table", "table"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        for _ in 0..2 {
            sandbox.run(&words).ends_with(0);
        }
        for made in files(&sandbox.path(folder), "") {
            let name = made.file_name().expect("a name").to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            // Changed by hand since.
            let ours = std::fs::read(&made).expect("written");
            std::fs::write(&made, [&ours[..], b"\n"].concat()).expect("written");
            let ran = sandbox.run(&words).ends_with(2);
            assert!(ran.err().contains(&name) && ran.err().contains("--force"), "{}", ran.err());
            sandbox.run(&[&words[..], &["--force"]].concat()).ends_with(0);
            sandbox.run(&words).ends_with(0);
        }
        // A link to what the verb reads: not even by force.
        let records = files(&sandbox.path("results/test"), ".jsonl").remove(0);
        let before = std::fs::read(&records).expect("records");
        let made = files(&sandbox.path(folder), "").pop().expect("something was made");
        std::fs::remove_file(&made).expect("removed");
        std::os::unix::fs::symlink(&records, &made).expect("a link");
        let ran = sandbox.run(&[&words[..], &["--force"]].concat()).ends_with(2);
        assert!(ran.err().contains("the records ("), "{}", ran.err());
        assert!(std::fs::read(&records).expect("records") == before);
        std::fs::remove_file(&made).expect("removed");
    }
}

#[test]
fn run_keeps_its_hands_off_what_is_not_its_own() {
    let sandbox = with_data();
    sandbox.write("test.toml", manifest(r#""serial""#, 1, ""));
    // Where a sweep keeps files while it measures.
    let work = |name: &str| format!("mine/work{}{name}", std::path::MAIN_SEPARATOR);
    for folder in [work("thesis"), "mine/claims".into()] {
        std::fs::create_dir_all(sandbox.path(&folder)).expect("made");
    }
    for (name, text) in [
        ("mine/train.jsonl".to_string(), "{\"text\":\"one\"}\n{\"text\":\"two\"}"),
        (work("thesis/lock"), ""),
        (work("thesis/text"), "precious"),
        ("outside".into(), "keep\nhalf"),
    ] {
        sandbox.write(&name, text);
    }
    std::os::unix::fs::symlink("../outside", sandbox.path("mine/x.jsonl")).expect("a link");
    sandbox.run(&["run", "test.toml", "--results", "mine"]).ends_with(0);
    let read = |name: &str| std::fs::read_to_string(sandbox.path(name)).expect("still there");
    assert!(read("mine/train.jsonl").ends_with("\"two\"}"));
    assert_eq!(
        (read(&work("thesis/text")), read("outside")),
        ("precious".into(), "keep\nhalf".into())
    );

    let manifest = work("m.toml");
    std::fs::copy(sandbox.path("test.toml"), sandbox.path(&manifest)).expect("copied");
    let ran = sandbox.run(&["run", &manifest, "--results", "mine"]).ends_with(2);
    assert!(ran.err().contains(&manifest) && ran.err().contains("lies within"));
}

#[test]
fn a_worker_s_record_never_takes_the_place_of_its_cell() {
    let sandbox = with_data();
    sandbox.write("test.toml", manifest(r#""serial""#, 1, ""));
    let plan = sandbox.run(&["plan", "test.toml", "--format", "json"]).ends_with(0).out();
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    let id = plan["cells"][0]["id"].as_str().expect("an id").to_string();
    let cell = sandbox.run(&["plan", "test.toml", "--cell", &id]).ends_with(0).out();
    let file = sandbox.write("cell.json", &cell);
    let ran = std::process::Command::new(crate::worker::worker())
        .arg("--cell")
        .arg(&file)
        .arg("--record")
        .arg(&file)
        .output()
        .expect("the worker starts");
    assert_eq!(ran.status.code(), Some(2));
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("--record (") && said.contains("--cell ("), "{said}");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), cell);
}

//! Manifests: what is wrong with bad ones, what the shipped ones plan, and that nothing written can
//! make planning fall over.

use std::path::{Path, PathBuf};

use amdahl_run::plan;
use amdahl_run::plan::Machine;

mod properties;
mod verb;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A golden file of bad manifests: `# what it shows`, `| the manifest`, `> the message`. With
/// `AMDAHL_BLESS=1` in the environment the messages are written anew.
fn check_messages(name: &str) {
    let path = root().join("tests/golden/manifests").join(name);
    let text = std::fs::read_to_string(&path).expect("a golden file");
    let (mut said, mut cases) = (String::new(), 0);
    for case in text.split("# ").skip(1) {
        let (title, rest) = case.split_once('\n').expect("a title");
        let lines = rest.lines().filter_map(|line| line.strip_prefix('|'));
        let manifest: String =
            lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect();
        let file = root().join("manifest.toml");
        let error = match plan::parse(&manifest, &file, Machine::of(4)) {
            Ok(plan) => panic!("{name}: {title}: accepted, {} cells", plan.cells.len()),
            Err(error) => error,
        };
        let place =
            error.place.as_ref().unwrap_or_else(|| panic!("{name}: {title}: no place: {error}"));
        assert!(place.line > 0 && place.column > 0, "{name}: {title}: {error}");
        assert_eq!(error.exit_code(), 2, "{name}: {title}");
        let message = error.to_string().replace(&format!("{}/", root().display()), "");
        said.push_str(&format!("{}# {title}\n", if cases > 0 { "\n" } else { "" }));
        said.extend(manifest.lines().map(|line| format!("{}\n", format!("| {line}").trim_end())));
        said.extend(message.lines().map(|line| format!("> {line}\n")));
        cases += 1;
    }
    assert!(cases > 3, "{name} has cases");
    if std::env::var_os("AMDAHL_BLESS").is_some() {
        std::fs::write(&path, &said).expect("golden files can be written");
    }
    let golden = std::fs::read_to_string(&path).expect("a golden file");
    assert_eq!(said, golden, "{name} differs; AMDAHL_BLESS=1 writes it anew");
}

#[test]
fn every_bad_manifest_has_a_message_with_its_place() {
    for name in ["toml.txt", "keys.txt", "values.txt", "axes.txt", "ties.txt"] {
        check_messages(name);
    }
}

#[test]
fn a_missing_manifest_is_named() {
    let error =
        plan::load(&PathBuf::from("no/such/manifest.toml"), Machine::of(1)).expect_err("missing");
    assert!(error.to_string().contains("no/such/manifest.toml"), "{error}");
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn the_schema_is_not_stale() {
    let path = root().join("docs/manifest.schema.json");
    let schema = plan::schema::schema();
    if std::env::var_os("AMDAHL_BLESS").is_some() {
        std::fs::create_dir_all(root().join("docs")).expect("a folder");
        std::fs::write(&path, &schema).expect("the schema can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == schema,
        "docs/manifest.schema.json is stale; AMDAHL_BLESS=1 cargo test --release schema writes it anew"
    );
}

#[test]
fn the_schema_asks_for_what_the_program_asks_for() {
    let schema: serde_json::Value = serde_json::from_str(&plan::schema::schema()).expect("JSON");
    assert_eq!(schema["required"], serde_json::json!(["workload", "dataset"]));
    assert_eq!(schema["properties"]["workload"]["required"], serde_json::json!(["kind"]));
    assert!(schema["$defs"]["Experiment"].get("required").is_none());
    assert!(!plan::schema::schema().contains("null"), "TOML has no null");
    assert_eq!(schema["$defs"]["Experiment"]["properties"]["repeats"]["minimum"], 1);
    assert_eq!(schema["$defs"]["Experiment"]["properties"]["seed"]["minimum"], 0);
}

/// The manifests that come with the program.
fn shipped() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("experiments")).expect("experiments/");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    paths.sort();
    assert!(paths.len() >= 4, "{paths:?}");
    paths
}

#[test]
fn the_shipped_manifests_plan_on_machines_of_any_size() {
    for path in shipped() {
        let text = std::fs::read_to_string(&path).expect("a manifest");
        assert!(
            text.starts_with("#:schema ../docs/manifest.schema.json\n"),
            "{}: editors find the schema",
            path.display()
        );
        for cpus in [1, 2, 3, 4, 12, 64] {
            let plan = plan::load(&path, Machine::of(cpus))
                .unwrap_or_else(|e| panic!("{e} on {cpus} CPUs"));
            for planned in &plan.cells {
                planned.cell.validate().expect("a valid cell");
                assert_eq!(planned.cell.oversubscribe, planned.cell.lanes() > cpus, "{planned:?}");
            }
            assert!(plan.cells.iter().any(|c| c.cell.backend.name() == plan.experiment.base));
        }
    }
}

#[test]
fn the_default_sweep_has_every_backend_on_two_cpus() {
    let plan = plan::load(&root().join("experiments/strong-scaling.toml"), Machine::of(2))
        .expect("a plan");
    let mut backends: Vec<_> = plan.cells.iter().map(|c| c.cell.backend.name()).collect();
    backends.sort_unstable();
    backends.dedup();
    assert_eq!(backends, ["hybrid", "mpi", "serial", "threads"]);
    assert!(plan.cells.len() <= 40 && plan.experiment.repeats >= 5, "{} cells", plan.cells.len());
}

#[test]
fn weak_scaling_keeps_the_rows_of_a_lane() {
    let plan =
        plan::load(&root().join("experiments/weak-scaling.toml"), Machine::of(8)).expect("a plan");
    let per_lane: Vec<u64> = plan
        .cells
        .iter()
        .filter(|planned| planned.repeats == plan.experiment.repeats)
        .map(|planned| match planned.cell.dataset {
            amdahl_record::cell::Dataset::Synthetic { points, .. } => {
                points / u64::from(planned.cell.lanes())
            }
            _ => panic!("synthetic rows"),
        })
        .collect();
    assert!(per_lane.len() > 6 && per_lane.iter().all(|n| *n == per_lane[0]), "{per_lane:?}");
    let oracles = plan.cells.iter().filter(|c| c.repeats == 1).count();
    assert_eq!(oracles, 3, "2, 4 and 8 lanes' rows on one lane, each once");
}

#[test]
fn the_page_about_manifests_names_every_key_and_its_example_is_good() {
    let page = std::fs::read_to_string(root().join("docs/manifest.md")).expect("the page");
    let schema: serde_json::Value = serde_json::from_str(&plan::schema::schema()).expect("JSON");
    let mut keys = Vec::new();
    fn collect(schema: &serde_json::Value, keys: &mut Vec<String>) {
        if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
            keys.extend(properties.keys().cloned());
        }
        schema
            .as_object()
            .into_iter()
            .flat_map(|o| o.values())
            .for_each(|value| collect(value, keys));
    }
    collect(&schema, &mut keys);
    assert!(keys.len() > 30, "{keys:?}");
    for key in keys {
        let named = [format!("`{key}`"), format!("[{key}]"), format!("{{ {key} =")]
            .iter()
            .any(|way| page.contains(way));
        assert!(named, "docs/manifest.md does not name '{key}'");
    }
    let example = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    let plan = plan::parse(example, &root().join("experiments/example.toml"), Machine::of(4))
        .expect("it is good");
    assert_eq!(plan.cells.len(), 4 * (1 + 3 + 3));
    let in_a_line = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for rate in ["8 × 10⁹ terms", "50 ns", "0.02 s", "0.5 s more with MPI"] {
        assert!(in_a_line.contains(rate), "the page states the model: {rate}");
    }
    use amdahl_run::plan::cost::{MPI_START_S, SECONDS_PER_VALUE, START_S, TERMS_PER_SECOND};
    assert_eq!(
        (TERMS_PER_SECOND, SECONDS_PER_VALUE, START_S, MPI_START_S),
        (8e9, 50e-9, 0.02, 0.5)
    );
}

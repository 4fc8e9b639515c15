//! Manifests: what is wrong with bad ones, what the shipped ones plan, and that nothing written can make planning fall over.

use std::path::{Path, PathBuf};

use amdahl::plan::{self, Machine};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A golden file of bad manifests: `# what it shows`, `| the manifest`, `> the message`. With `AMDAHL_BLESS=1` in the environment the
/// messages are written anew.
fn check_messages(name: &str) {
    let path = root().join("tests/golden/manifests").join(name);
    let text = std::fs::read_to_string(&path).expect("a golden file");
    let (mut said, mut cases) = (String::new(), 0);
    for case in text.split("# ").skip(1) {
        let (title, rest) = case.split_once('\n').expect("a title");
        let lines = rest.lines().filter_map(|line| line.strip_prefix('|'));
        let manifest: String = lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect();
        let file = root().join("manifest.toml");
        let error = match plan::parse(&manifest, &file, Machine { cpus: 4 }) {
            Ok(plan) => panic!("{name}: {title}: accepted, {} cells", plan.cells.len()),
            Err(error) => error,
        };
        let place = error.place.as_ref().unwrap_or_else(|| panic!("{name}: {title}: no place: {error}"));
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
    let error = plan::load(&PathBuf::from("no/such/manifest.toml"), Machine { cpus: 1 }).expect_err("missing");
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

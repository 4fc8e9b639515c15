//! Generic crates cannot name a workload: none of them depends on one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Crates that may name workloads: the program and its verbs for a person's own data.
const MAY: [&str; 1] = ["amdahl-clustering"];

fn manifests() -> Vec<(PathBuf, toml::Table)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut folders = vec![root];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "src") {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "Cargo.toml") {
                let text = std::fs::read_to_string(&path).expect("a manifest");
                found.push((path, text.parse().expect("TOML")));
            }
        }
    }
    found
}

fn name(manifest: &toml::Table) -> &str {
    manifest["package"]["name"].as_str().expect("a name")
}

#[test]
fn generic_crates_do_not_depend_on_a_workload() {
    let all = manifests();
    let is_registry = |path: &Path| path.components().any(|part| part.as_os_str() == "registry");
    let in_room = |path: &Path| path.components().any(|part| part.as_os_str() == "workloads");
    let workloads: BTreeSet<&str> = all
        .iter()
        .filter(|(path, _)| in_room(path) && !is_registry(path))
        .map(|(_, manifest)| name(manifest))
        .collect();
    assert!(workloads.len() >= 4, "descriptions and programs of two workloads: {workloads:?}");
    let mut checked = 0;
    for (path, manifest) in all.iter().filter(|(path, _)| !in_room(path)) {
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table);
        let named: Vec<&String> = dependencies
            .into_iter()
            .flat_map(toml::Table::keys)
            .filter(|dependency| workloads.contains(dependency.as_str()))
            .collect();
        if !MAY.contains(&name(manifest)) {
            assert!(named.is_empty(), "{} depends on {named:?}", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked} crates");
}

#[test]
fn parameters_of_one_name_are_of_one_kind() {
    let all: Vec<_> = amdahl_workloads::ALL
        .iter()
        .flat_map(|workload| workload.parameters().iter().map(|p| (workload.name(), p)))
        .collect();
    assert!(all.len() > 15, "{} parameters", all.len());
    for (workload, one) in &all {
        for (other, same) in all.iter().filter(|(_, other)| other.name == one.name) {
            let (a, b) = (std::mem::discriminant(&one.kind), std::mem::discriminant(&same.kind));
            assert_eq!(a, b, "'{}' of {workload} and of {other}", one.name);
        }
    }
}

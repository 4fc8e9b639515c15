//! Generic crates cannot name a workload: none of them depends on one. Rooms of a crate do not need
//! each other in circles.

use std::collections::{BTreeMap, BTreeSet};
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

/// The rooms that a source file names: what follows `crate::`.
fn named(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let word = |text: &str| -> String {
        let text = text.trim_start().chars();
        text.take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut found = BTreeSet::new();
    for rest in code.join("\n").split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let outer = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth < 0 || (depth == 0 && c == ',')
        };
        let ends = list.split_inclusive(outer);
        for one in ends {
            found.insert(word(one));
            // The brace that ends the list is the only one too many.
            if one.matches('}').count() > one.matches('{').count() {
                break;
            }
        }
    }
    found
}

/// Of each room of a crate the others that it names.
fn rooms(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let (mut folders, mut files) = (vec![source.to_path_buf()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let is_source = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "rs");
    let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files.iter().filter(|path| is_source(path)) {
        let inner = path.strip_prefix(source).expect("below it");
        let room = inner.iter().next().expect("a name").to_string_lossy();
        let room = room.trim_end_matches(".rs").to_string();
        let text = std::fs::read_to_string(path).expect("a source file");
        rooms.entry(room).or_default().extend(named(&text));
    }
    rooms.remove("lib");
    let all: BTreeSet<String> = rooms.keys().cloned().collect();
    for (room, others) in &mut rooms {
        others.retain(|other| all.contains(other) && other != room);
    }
    rooms
}

/// What is left when rooms that need no other are taken away again and again: rooms in circles, and
/// those that need them.
fn in_circles(mut rooms: BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    while let Some(done) = rooms.iter().find(|(_, needs)| needs.is_empty()).map(|(r, _)| r.clone())
    {
        rooms.remove(&done);
        rooms.values_mut().for_each(|needs| {
            needs.remove(&done);
        });
    }
    rooms
}

#[test]
fn rooms_of_explain_do_not_need_each_other_in_circles() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/explain/src");
    let rooms = rooms(&source);
    assert!(rooms.len() > 20 && rooms["show"].contains("law"), "{rooms:?}");
    let left = in_circles(rooms);
    assert!(left.is_empty(), "these need each other: {left:#?}");
}

#[test]
fn circles_are_found() {
    let text =
        "use crate::a::X;\n// crate::no\nuse crate::{b, c::{d, e}, f};\nlet x = crate::g::h();";
    let words: Vec<String> = named(text).into_iter().collect();
    assert_eq!(words, ["a", "b", "c", "f", "g"]);
    let needs = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    let rooms =
        [("a", needs(&["b"])), ("b", needs(&["a"])), ("c", needs(&[])), ("d", needs(&["a"]))];
    let left = in_circles(rooms.map(|(room, needs)| (room.to_string(), needs)).into());
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["a", "b", "d"]);
}

//! The architecture, held to by a test: each room imports only from rooms before it.

use std::path::{Path, PathBuf};

/// The rooms in order. A file belongs to the longest prefix that matches its module path.
const ROOMS: &[&str] = &[
    "error",
    "units",
    "cell",
    "host",
    "record",
    "exact",
    "stats",
    "data",
    "plan",
    "measure::probe",
    "measure::comm",
    "measure::team",
    "measure::device",
    "measure::pin",
    "measure::limits",
    "measure::noise",
    "workload",
    "measure::worker",
    "measure::launch",
    "measure::store",
    "measure::sweep",
    "fit",
    "explain",
    "explain::lint",
    "explain::frame",
    "explain::figure",
    "explain::facts",
    "explain::report",
    "cli",
];

fn room(module: &str) -> Option<usize> {
    (0..ROOMS.len())
        .filter(|&i| module == ROOMS[i] || module.starts_with(&format!("{}::", ROOMS[i])))
        .max_by_key(|&i| ROOMS[i].len())
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// Every `crate::a::b` in the text, braces opened: `use crate::{a, b::c}` names a and b::c. Tests in a file are free to look up.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("#[cfg(test)]") {
            break;
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        for (at, _) in line.match_indices("crate::") {
            if line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let rest = &line[at + "crate::".len()..];
            if let Some(group) = rest.strip_prefix('{') {
                assert!(group.contains('}'), "line {}: keep a group of crate imports on one line", number + 1);
                for part in group[..group.find('}').unwrap_or(group.len())].split(',') {
                    found.push((number + 1, part.trim().to_string()));
                }
            } else {
                let path: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
                found.push((number + 1, path));
            }
        }
    }
    found
}

#[test]
fn each_room_imports_only_from_rooms_before_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 10, "the test looks at the sources");
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src").with_extension("");
        let mut module: Vec<_> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|m| m == "mod") {
            module.pop();
        }
        let module = module.join("::");
        let Some(own) = room(&module) else { continue };
        for (line, import) in imports(&std::fs::read_to_string(&file).expect("a source file")) {
            let Some(other) = room(&import) else { continue };
            checked += 1;
            if other > own {
                wrong.push(format!("{}:{line}: {module} imports {import}, which lies above it", file.display()));
            }
        }
    }
    assert!(checked > 20, "the test sees imports");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_test_sees_a_wrong_import() {
    assert!(room("plan") < room("explain::figure"));
    assert_eq!(
        imports("use crate::{cli, data::Shape};\n// use crate::x\n"),
        [(1, "cli".into()), (1, "data::Shape".into())]
    );
    assert_eq!(imports("    let x = crate::record::read::read(p);"), [(1, "record::read::read".into())]);
}

/// Paths of this repository that stand in code marks, without those that stand for any.
fn named(text: &str) -> Vec<&str> {
    let any = ["NAME", "FAMILY", "EXPERIMENT"];
    let folders = ["src/", "tests/", "docs/", "scripts/", "experiments/", "peers/", "benches/", "plugins/", "report/"];
    let words = text.split('`').skip(1).step_by(2);
    let plain =
        |word: &&str| !word.contains(|c: char| "*<{ \n".contains(c)) && !any.iter().any(|any| word.contains(any));
    words.filter(plain).filter(|word| folders.iter().any(|folder| word.starts_with(folder))).collect()
}

#[test]
fn files_that_documents_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md")];
    for entry in std::fs::read_dir(root.join("docs")).expect("documents") {
        documents.push(entry.expect("an entry").path());
    }
    let (mut checked, mut missing) = (0, Vec::new());
    for document in documents.iter().filter(|path| path.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(document).expect("a document");
        for path in named(&text) {
            checked += 1;
            if !root.join(path).exists() {
                missing.push(format!("{}: {path}", document.display()));
            }
        }
    }
    assert!(checked > 50, "{checked} paths");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert_eq!(named("`src/a.rs` and `src/NAME.rs`, `x y`, `docs/b.md`"), ["src/a.rs", "docs/b.md"]);
}

//! Documents name files that are there.

use std::path::Path;

/// Paths of this repository that stand in code marks, without those that stand for any.
fn named(text: &str) -> Vec<&str> {
    let any = ["NAME", "FAMILY", "EXPERIMENT"];
    let folders = [
        "src/",
        "tests/",
        "docs/",
        "scripts/",
        "experiments/",
        "peers/",
        "benches/",
        "plugins/",
        "report/",
    ];
    let words = text.split('`').skip(1).step_by(2);
    let plain = |word: &&str| {
        !word.contains(|c: char| "*<{ \n".contains(c)) && !any.iter().any(|any| word.contains(any))
    };
    words
        .filter(plain)
        .filter(|word| folders.iter().any(|folder| word.starts_with(folder)))
        .collect()
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
    assert_eq!(
        named("`src/a.rs` and `src/NAME.rs`, `x y`, `docs/b.md`"),
        ["src/a.rs", "docs/b.md"]
    );
}

//! What is committed is what its records give: the pictures of the documentation, and the numbers
//! in README.md. `AMDAHL_BLESS=1` writes them anew.

use std::path::{Path, PathBuf};

use amdahl_explain::analysis::Analysis;
use amdahl_explain::figure;
use amdahl_explain::figure::medium::SCREEN;
use amdahl_explain::figure::{Drawing, View};
use amdahl_explain::report::page::page;
use amdahl_explain::report_model::Facts;
use amdahl_explain::summary::{Summary, summarise};
use amdahl_record::read;

/// The committed records, as the README names them.
const RECORDS: &str = "results/reference/strong-scaling";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn summary() -> Summary {
    summarise(&read::read(&root().join(RECORDS)).expect("committed records"))
}

fn drawn(summary: &Summary) -> (Facts, Vec<Drawing>) {
    let analysis = Analysis::of(summary);
    let view = View::new(&analysis, RECORDS);
    let drawings = figure::draw(&view, &SCREEN).expect("figures");
    (Facts::of(&view, &drawings), drawings)
}

/// Holds a committed text against what it should be.
fn hold(path: &Path, is: &str, should: &str) {
    if std::env::var_os("AMDAHL_BLESS").is_some_and(|v| v == "1") {
        return std::fs::write(path, should).expect("written");
    }
    assert!(
        is == should,
        "{} is not what {RECORDS} gives: AMDAHL_BLESS=1 writes it anew",
        path.display()
    );
}

#[test]
fn pictures_of_the_documentation_are_those_of_their_records() {
    let (_, drawings) = drawn(&summary());
    let folder = root().join("docs/figures");
    let mut held = 0;
    let mut pictures: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("pictures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    pictures.sort();
    for path in pictures {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let name = name
            .strip_prefix("strong-scaling-")
            .unwrap_or_else(|| panic!("{name}: of which records?"));
        let drawing = drawings
            .iter()
            .find(|d| d.name == name)
            .unwrap_or_else(|| panic!("no figure '{name}'"));
        hold(&path, &std::fs::read_to_string(&path).expect("a picture"), &drawing.svg);
        held += 1;
    }
    assert!(held >= 2, "{held} pictures");
}

/// Where the numbers of README.md begin and end.
const MARKS: (&str, &str) = (
    "<!-- computed from results/reference/strong-scaling -->\n",
    "<!-- end of what is computed -->\n",
);

#[test]
fn numbers_in_the_readme_are_those_of_their_records() {
    let (facts, _) = drawn(&summary());
    let path = root().join("README.md");
    let text = std::fs::read_to_string(&path).expect("README.md");
    let (before, rest) = text.split_once(MARKS.0).expect("the first mark");
    let (_, after) = rest.split_once(MARKS.1).expect("the second mark");
    let sentences: Vec<&str> = facts.answer.iter().take(2).map(String::as_str).collect();
    let computed =
        format!("> **{}** {}\n>\n> {}\n", sentences[0], sentences[1..].join(" "), facts.counts);
    hold(&path, &text, &format!("{before}{}{computed}{}{after}", MARKS.0, MARKS.1));
}

#[test]
fn documents_of_the_same_records_have_the_same_bytes() {
    let make = || {
        let summary = summary();
        let (facts, drawings) = drawn(&summary);
        let page = page(&facts, &drawings);
        (facts.json().expect("JSON"), drawings, page)
    };
    let (one, other) = (make(), make());
    assert!(one.0 == other.0 && one.1 == other.1, "facts and figures");
    assert!(one.2 == other.2, "the page");
}

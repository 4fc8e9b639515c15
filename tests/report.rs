//! The HTML report of made-up records.

use std::path::PathBuf;

use amdahl::explain::facts::Facts;
use amdahl::explain::figure::medium::PAGE;
use amdahl::explain::figure::{self, View};
use amdahl::explain::report::html;
use amdahl::explain::report::page::page;
use amdahl::explain::summary::summarise;
use amdahl::record::Line;

use crate::explain::{amdahl, folder_with, mixed};
use crate::figures::{draw_for, situations};
use crate::samples::collect;

fn report(lines: &[Line]) -> String {
    report_of(lines, "results/sample")
}

fn report_of(lines: &[Line], folder: &str) -> String {
    let summary = summarise(&collect(lines));
    let view = View::new(&summary, folder).expect("a view");
    let drawings = figure::draw(&view, &PAGE).expect("figures");
    page(&Facts::of(&view, &drawings).expect("facts"), &drawings)
}

/// The names of all tags in order; panics where one is not closed, closed twice, or crosses another.
fn tags(html: &str) -> Vec<String> {
    const VOID: [&str; 3] = ["meta", "br", "!doctype"];
    let (mut open, mut all): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closes what was opened last");
            continue;
        }
        let name: String = tag.chars().take_while(|c| !c.is_whitespace() && *c != '/').collect();
        all.push(name.clone());
        if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new(), "all tags are closed");
    all
}

#[test]
fn every_situation_makes_a_whole_page_with_the_same_bytes() {
    for (name, lines) in situations() {
        let html = report(&lines);
        assert!(html == report(&lines), "{name}: equal records give equal bytes");
        let tags = tags(&html);
        for section in ["answer", "figures", "pop", "cells", "set-up", "method", "reproduce"] {
            assert!(html.contains(&format!("<section id=\"{section}\">")), "{name} has {section}");
        }
        let parallel = summarise(&collect(&lines)).groups.iter().any(|group| !group.cost.is_empty());
        assert_eq!(html.contains("<section id=\"cost\">"), parallel, "{name}");
        assert_eq!(tags.iter().filter(|t| *t == "h1").count(), 1, "{name}");
        let figures = draw_for(&lines, &PAGE).len();
        assert_eq!(tags.iter().filter(|t| *t == "svg").count(), figures, "{name}");
        let tables = tags.iter().filter(|t| *t == "table").count();
        assert_eq!(tables, tags.iter().filter(|t| *t == "caption").count(), "{name}: every table has a caption");
        assert!(!html.contains("NaN"), "{name}");
    }
}

#[test]
fn it_needs_no_network_and_no_script() {
    let html = report(&mixed());
    for forbidden in
        ["<script", "<link", "<img", "<iframe", "@import", "url(", " src=", " style=", "javascript:", "onclick"]
    {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert_eq!(
        html.matches("http").count(),
        html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count() + 1,
        "http-equiv"
    );
    assert!(html.contains("<html lang=\"en\">") && html.contains("name=\"viewport\""));

    // The policy lets in exactly the style sheets that are there.
    let policy =
        html.split("Content-Security-Policy\" content=\"").nth(1).and_then(|t| t.split('"').next()).expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    let styles: Vec<&str> = html.split("<style>").skip(1).filter_map(|t| t.split("</style>").next()).collect();
    let figures = draw_for(&mixed(), &PAGE).len();
    assert_eq!(styles.len(), 1 + figures, "the page's and one in each figure");
    for style in styles {
        assert!(policy.contains(&html::allowed(style)), "a style sheet that the policy forbids");
    }
}

#[test]
fn hostile_words_are_only_words() {
    let (_, lines) = situations().into_iter().find(|(name, _)| *name == "hostile").expect("the hostile one");
    let html = report(&lines);
    let tags = tags(&html);
    assert!(tags.iter().all(|tag| !["script", "img", "b"].contains(&tag.as_str())), "{tags:?}");
    assert!(html.contains("&lt;/td&gt;&lt;script&gt;alert(&quot;reason&quot;)&lt;/script&gt; ü 漢字"));
    assert!(!html.contains('\u{1b}'));
}

#[test]
fn it_says_what_was_found_and_what_failed() {
    let html = report(&mixed());
    for said in [
        "<h1>Made-up strong scaling</h1>",
        "How much faster do more lanes make it?",
        "times as fast as serial",
        "of the ideal speedup of 4 over serial is lost",
        "Where the speedup went",
        "serialisation (est.)",
        "Without a result: 3 MPI ranks (killed).",
        "rank 1 of 3 died by signal 9 (SIGKILL)",
        "5 of 5",
        "amdahl show results/sample --cell ID &gt; cell.json",
        "mpiexec -n RANKS --bind-to none amdahl-worker --cell cell.json --record out.json",
        "Open MPI 4.1.4",
        "2023-11-14 22:13 UTC",
    ] {
        assert!(html.contains(said), "{said}");
    }
}

#[test]
fn it_is_written_where_it_is_wanted() {
    let (temp, folder) = folder_with(&mixed());
    let out = temp.path().join("pages");
    let made = amdahl(&["report", &folder.to_string_lossy(), "--out", &out.to_string_lossy()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let html = std::fs::read_to_string(out.join("sample.html")).expect("the page");
    assert!(html == report_of(&mixed(), &folder.to_string_lossy()));
    let facts = std::fs::read_to_string(out.join("sample.facts.json")).expect("the facts");
    let facts: serde_json::Value = serde_json::from_str(&facts).expect("JSON");
    assert_eq!(facts["title"], "Made-up strong scaling");
    assert!(html.contains(facts["answer"][0].as_str().expect("a sentence")));
    let empty = temp.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    assert_eq!(amdahl(&["report", &empty.to_string_lossy()]).status.code(), Some(6));
}

/// Not a test: writes every situation's page to the folder in `AMDAHL_LOOK`, for people to look at.
#[test]
#[ignore = "for people: AMDAHL_LOOK=folder cargo test --release -- --ignored to_look_at"]
fn pages_to_look_at() {
    let folder = PathBuf::from(std::env::var_os("AMDAHL_LOOK").expect("AMDAHL_LOOK names a folder"));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, lines) in situations() {
        let path = folder.join(format!("{name}.html"));
        std::fs::write(&path, report(&lines)).expect("a file");
        assert!(path.is_file());
    }
}

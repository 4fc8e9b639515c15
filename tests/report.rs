//! The page of made-up records, as text. What it does in a browser is in page.rs.

use std::path::PathBuf;

use amdahl_explain::analysis::Analysis;
use amdahl_explain::figure;
use amdahl_explain::figure::View;
use amdahl_explain::figure::medium::PAGE;
use amdahl_explain::report::html;
use amdahl_explain::report::page::page;
use amdahl_explain::report::size::LIMIT;
use amdahl_explain::report_model::Facts;
use amdahl_explain::report_model::document::Block;
use amdahl_explain::summary::summarise;
use amdahl_record::Line;

use crate::explain::{amdahl, folder_with, mixed};
use crate::figures::draw_for;
use crate::samples::{Made, collect};
use crate::situations::situations;

/// The page of these records.
pub fn report(lines: &[Line]) -> String {
    report_of(lines, "results/sample")
}

fn report_of(lines: &[Line], folder: &str) -> String {
    let summary = summarise(&collect(lines));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, folder);
    let drawings = figure::draw(&view, &PAGE).expect("figures");
    page(&Facts::of(&view, &drawings), &drawings)
}

/// The names of all tags in order; panics where one is not closed, closed twice, or crosses
/// another.
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
        if name == "script" {
            rest = &rest[rest.find("</script>").expect("a script ends")..];
        }
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
            assert!(html.contains(&format!("<section id=\"{section}\"")), "{name} has {section}");
        }
        let summary = summarise(&collect(&lines));
        let analysis = Analysis::of(&summary);
        let parallel = summary.groups.iter().any(|group| !analysis.group(group).cost.is_empty());
        assert_eq!(html.contains("<section id=\"cost\">"), parallel, "{name}");
        assert_eq!(tags.iter().filter(|t| *t == "h1").count(), 1, "{name}");
        let figures = draw_for(&lines, &PAGE).len();
        assert_eq!(tags.iter().filter(|t| *t == "svg").count(), figures, "{name}");
        let tables = tags.iter().filter(|t| *t == "table").count();
        assert_eq!(
            tables,
            tags.iter().filter(|t| *t == "caption").count(),
            "{name}: every table has a caption"
        );
        let said = html.split("</head>").nth(1).expect("a body");
        assert!(!said.contains("NaN") && !said.contains("Infinity"), "{name}");
    }
}

#[test]
fn it_needs_no_network() {
    let html = report(&mixed());
    for forbidden in [
        "<link",
        "<img",
        "<iframe",
        "<object",
        "@import",
        " src=",
        " style=",
        "javascript:",
        "onclick",
        "eval(",
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "sendBeacon",
        "import(",
        "innerHTML",
        "Function(",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert_eq!(
        html.matches("url(").count(),
        html.matches("url(data:font/woff2;base64,").count(),
        "fonts are within the page"
    );
    assert_eq!(
        html.matches("http").count(),
        html.matches("http://www.w3.org/2000/svg").count() + 1,
        "http-equiv"
    );
    assert!(html.contains("<html lang=\"en\">") && html.contains("name=\"viewport\""));

    // The policy lets in exactly the style sheet and the script that are there; the other script
    // element is data.
    let policy = html
        .split("Content-Security-Policy\" content=\"")
        .nth(1)
        .and_then(|t| t.split('"').next())
        .expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    let styles: Vec<&str> =
        html.split("<style>").skip(1).filter_map(|t| t.split("</style>").next()).collect();
    assert_eq!(styles.len(), 1, "figures have none of their own");
    assert!(
        policy.contains(&format!("style-src {};", html::allowed(styles[0]))),
        "the style sheet"
    );
    let scripts: Vec<&str> =
        html.split("<script>").skip(1).filter_map(|t| t.split("</script>").next()).collect();
    assert_eq!((scripts.len(), html.matches("<script").count()), (1, 2));
    assert!(policy.contains(&format!("script-src {};", html::allowed(scripts[0]))), "the script");
    assert!(!policy.contains("unsafe"));
}

/// The data of a page's explorer.
fn island(html: &str) -> serde_json::Value {
    let open = "<script type=\"application/json\" id=\"data\">";
    let text = html.split(open).nth(1).and_then(|t| t.split("</script>").next()).expect("data");
    assert!(!text.contains(['<', '>', '&']), "nothing that could end the element");
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn the_explorer_has_every_cell() {
    for (name, lines) in situations() {
        let html = report(&lines);
        let data = island(&html);
        let cells: Vec<_> =
            summarise(&collect(&lines)).groups.into_iter().flat_map(|group| group.cells).collect();
        let ids: Vec<&str> = data["cells"]["id"]
            .as_array()
            .expect("ids")
            .iter()
            .filter_map(|id| id.as_str())
            .collect();
        assert_eq!(ids, cells.iter().map(|cell| cell.id.0.as_str()).collect::<Vec<_>>(), "{name}");
        for (i, cell) in cells.iter().enumerate() {
            let seconds = data["cells"]["time"][i].as_f64().map(|micros| micros / 1e6);
            assert_eq!(seconds.is_some(), cell.time.is_some(), "{name}: missing is null");
            if let Some(time) = cell.time {
                assert!((seconds.unwrap_or(0.0) / time.value - 1.0).abs() < 1e-3, "{name}");
            } else {
                assert!(
                    data["cells"]["failure"][i.to_string()].is_string(),
                    "{name}: with its reason"
                );
            }
            let samples = data["cells"]["samples"][i].as_array().map_or(0, Vec::len);
            assert_eq!(samples, cell.samples().len(), "{name}: all samples, being few");
        }
        assert!(!html.contains("id=\"left-out\""), "{name}");
    }
}

/// The facts and figures of these records with `factor` times as many cells, each with `repeats`
/// samples, in as many problems, and with tables and failures to match.
pub fn many(lines: &[Line], factor: usize, repeats: usize, problems: usize) -> String {
    let summary = summarise(&collect(lines));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, "results/sample");
    let drawings = figure::draw(&view, &PAGE).expect("figures");
    let mut facts = Facts::of(&view, &drawings);
    let few = facts.cells.len();
    facts.cells = (0..few * factor)
        .map(|i| {
            let mut cell = facts.cells[i % few].clone();
            cell.id = format!("{i:016x}");
            cell.problem = i * problems / (few * factor);
            cell.samples = (0..repeats).map(|s| 0.012_345_678 + s as f64 * 1.234_567e-5).collect();
            cell.failure = cell.failure.map(|_| "x".repeat(200));
            cell
        })
        .collect();
    facts.problems = (0..problems).map(|_| facts.problems[0].clone()).collect();
    for section in &mut facts.sections {
        for block in &mut section.blocks {
            if let Block::Table(table) = block {
                table.rows = (0..table.rows.len() * factor)
                    .map(|i| table.rows[i % table.rows.len()].clone())
                    .collect();
            }
        }
    }
    page(&facts, &drawings)
}

#[test]
fn it_stays_small_whatever_the_results_and_says_what_is_left_out() {
    let nine = Made::default().lines();
    let html = many(&nine, 556, 200, 100);
    assert!(html.len() <= LIMIT, "{} bytes", html.len());
    let data = island(&html);
    assert_eq!(
        data["cells"]["id"].as_array().map(Vec::len),
        Some(5_004),
        "every cell can be explored"
    );
    assert!(html.contains("<section id=\"left-out\">") && html.contains("something is left out"));
    assert!(html.contains("The single times of the cells.") && html.contains("rows of tables."));
    assert!(html.contains("The facts beside this page have all of it"));
    assert_eq!(
        tags(&html).iter().filter(|tag| *tag == "svg").count(),
        draw_for(&nine, &PAGE).len(),
        "every figure"
    );
    // The same with as many problems and all that is said of them.
    let html = report(&crowd());
    assert!(html.len() <= LIMIT, "{} bytes", html.len());
    assert_eq!(
        island(&html)["cells"]["id"].as_array().map(Vec::len),
        Some(4_950),
        "every cell can be explored"
    );
    // Samples go first, and only as many as it takes.
    let sizes = (1..40).map(|i| many(&nine, 5 * i, 200, 10));
    let html = { sizes }
        .find(|html| html.contains("something is left out"))
        .expect("a size that is too large");
    assert!(html.len() <= LIMIT, "{} bytes", html.len());
    let kept = html
        .split(" of a cell, of up to 200.")
        .next()
        .and_then(|before| before.rsplit("at most ").next());
    let kept: usize = kept.and_then(|kept| kept.parse().ok()).expect("how many are kept");
    assert!((1..200).contains(&kept), "{kept} of a cell are kept");
    // More than anybody measures: still a page, and it says that cells are missing.
    let html = many(&mixed(), 5_000, 3, 5_000);
    assert!(html.len() <= LIMIT, "{} bytes", html.len());
    assert!(html.contains("cells of the last problems in the explorer."));
    tags(&html);
}

#[test]
fn hostile_words_are_only_words() {
    let (_, lines) =
        situations().into_iter().find(|(name, _)| *name == "hostile").expect("the hostile one");
    let html = report(&lines);
    let tags = tags(&html);
    assert!(tags.iter().all(|tag| !["img", "b"].contains(&tag.as_str())), "{tags:?}");
    assert_eq!(tags.iter().filter(|tag| *tag == "script").count(), 2, "the page's own");
    assert!(
        island(&html)["cells"]["failure"].to_string().contains("</td><script>alert("),
        "in data they are words too"
    );
    assert!(
        html.contains("&lt;/td&gt;&lt;script&gt;alert(&quot;reason&quot;)&lt;/script&gt; ü 漢字")
    );
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
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    let on_paper = out.join("sample.pdf").is_file();
    assert_eq!((on_paper, said.contains("no PDF")), (cfg!(feature = "pdf"), !on_paper), "{said}");
    let empty = temp.path().join("empty");
    std::fs::create_dir(&empty).expect("a folder");
    assert_eq!(amdahl(&["report", &empty.to_string_lossy()]).status.code(), Some(6));
}

#[cfg(not(feature = "pdf"))]
#[test]
fn a_build_without_typst_says_what_to_build() {
    let (temp, folder) = folder_with(&mixed());
    let (folder, out) = (folder.to_string_lossy(), temp.path().join("out"));
    let out = out.to_string_lossy();
    for args in [
        vec!["poster", &folder, "--out", &out],
        vec!["report", &folder, "--out", &out, "--format", "html,pdf"],
        vec!["figures", &folder, "--out", &out, "--format", "svg,png"],
    ] {
        let refused = amdahl(&args);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains("the feature 'pdf'") && said.contains("make build"), "{said}");
        assert!(!temp.path().join("out").exists(), "nothing is made by halves");
    }
    let made = amdahl(&["report", &folder, "--out", &out, "--format", "html,facts"]);
    assert!(made.status.success() && made.stderr.is_empty());
}

/// 4,950 cells of 550 problems.
fn crowd() -> Vec<Line> {
    let points = (1..=25).map(|i| i * 1_000).collect();
    Made { points, k: (2..=23).collect(), repeats: 3, ..Made::default() }.lines()
}

/// Not a test: writes every situation's page to the folder in `AMDAHL_LOOK`, for people to look at.
#[test]
#[ignore = "for people: make look"]
fn pages_to_look_at() {
    let folder =
        PathBuf::from(std::env::var_os("AMDAHL_LOOK").expect("AMDAHL_LOOK names a folder"));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, lines) in situations().into_iter().chain([("five-thousand-cells", crowd())]) {
        let path = folder.join(format!("{name}.html"));
        std::fs::write(&path, report(&lines)).expect("a file");
        assert!(path.is_file());
    }
}

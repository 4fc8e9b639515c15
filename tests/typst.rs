//! Report and poster as PDF: pages, words, and the user's own texts.

use std::path::PathBuf;
use std::process::Command;

use amdahl_explain::analysis::Analysis;
use amdahl_explain::figure::medium::{A0, A4, Medium, SCREEN};
use amdahl_explain::figure::{Drawing, View, draw};
use amdahl_explain::report_model::Facts;
use amdahl_explain::summary::summarise;
use amdahl_record::Line;
use amdahl_typst::{Orientation, Own, alone, poster, report};
use serde_json::{Value, json};

use crate::explain::{amdahl, folder_with, mixed};
use crate::figures::situations;
use crate::samples::{Made, collect};
use amdahl_testing::skipped;

/// Facts of no records, with every kind of block.
fn made_up(drawings: &[Drawing], rows: usize, word: &str) -> Value {
    let figures: Vec<Value> = drawings
        .iter()
        .map(|d| {
            json!({"name": d.name, "about": d.about, "title": d.title, "from": "measured", "cells": ["c1"], "description": d.description,
                   "caption": [format!("Each marker is a median. {word}"), "n = 8 repeats."]})
        })
        .collect();
    let classes = ["plain", "failed", "base"];
    let row = |i: usize| json!({"class": classes[i % 3], "cells": [format!("threads {i} {word}"), "1.234 to 5.678", "42", "3.14", word]});
    let rows: Vec<Value> = (0..rows).map(row).collect();
    let columns = json!([
        {"title": "cell", "kind": "words"}, {"title": "95 %", "kind": "range"}, {"title": "lanes", "kind": "number"},
        {"title": "time/ms", "kind": "number"}, {"title": "note", "kind": "words"}
    ]);
    let mut wide = columns.as_array().expect("columns").clone();
    (0..24).for_each(|i| wide.push(json!({"title": format!("measure {i}"), "kind": "number"})));
    let wide_row = json!({"class": "plain", "cells": vec!["1234.5678"; wide.len()]});
    let first = drawings.first().map_or("none", |d| d.name);
    json!({
        "schema": 1, "amdahl": "0.1.0", "title": format!("Made-up scaling {word}"), "question": format!("How fast is it? {word}"),
        "experiment": "made-up", "started": "2026-01-31 23:59 UTC", "url": "https://example.org/made-up", "results": "results/made-up",
        "counts": "12 cells, 120 repeats with the right answer.",
        "answer": [format!("4 threads are 3.21 times as fast as serial {word}"), "A second sentence.", "For k = 8 serial takes 12.3 ms."],
        "warnings": [{"text": format!("Two builds are mixed {word}."), "note": "To do: measure again."}, {"text": "Few repeats.", "note": null}],
        "figures": figures,
        "sections": [
            {"id": "set-up", "title": "Set-up", "appendix": false, "blocks": [
                {"kind": "properties", "caption": "Machine", "rows": [{"name": "CPU", "value": format!("A CPU {word}")}, {"name": "CPUs", "value": "4"},
                    {"name": "memory", "value": null}, {"name": "flags", "value": "f".repeat(300)}]}]},
            {"id": "method", "title": "Method", "appendix": false, "blocks": [
                {"kind": "list", "items": [{"text": "Each repeat is a fresh process. More is said", "note": null}, {"text": "Medians", "note": "and intervals"},
                    {"text": word, "note": word}]}]},
            {"id": "figures", "title": "Figures", "appendix": false, "blocks": [{"kind": "figure", "name": first}]},
            {"id": "cells", "title": "All cells", "appendix": false, "blocks": [
                {"kind": "text", "tone": "lead", "text": word}, {"kind": "text", "tone": "note", "text": word}, {"kind": "text", "tone": "plain", "text": word},
                {"kind": "table", "caption": "Wide", "columns": wide, "rows": [wide_row]},
                {"kind": "table", "caption": format!("Cells {word}"), "columns": columns, "rows": rows}]},
            {"id": "reproduce", "title": "Get a result again", "appendix": true, "blocks": [
                {"kind": "heading", "text": format!("By hand {word}")},
                {"kind": "code", "text": format!("amdahl plan --cell ID\n{{\"a\":\"{}\"}} {word}", "b".repeat(300))}]},
        ],
    })
}

fn drawn(lines: &[Line], medium: &Medium) -> (Facts, Vec<Drawing>) {
    let summary = summarise(&collect(lines));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, "results/made-up");
    let drawings = draw(&view, medium).expect("figures");
    (Facts::of(&view, &drawings), drawings)
}

fn drawings() -> Vec<Drawing> {
    drawn(&mixed(), &A4).1
}

/// The text of a PDF; `None`, loudly, where there is no pdftotext.
fn text(pdf: &[u8]) -> Option<String> {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("a.pdf");
    std::fs::write(&path, pdf).expect("a file");
    match Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output() {
        Ok(made) => {
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            let text = String::from_utf8_lossy(&made.stdout).into_owned();
            assert!(
                !text.contains('\u{200b}'),
                "where words may be broken nothing is to be copied"
            );
            Some(text)
        }
        Err(_) => {
            skipped("words of a PDF", "there is no pdftotext (package poppler-utils)");
            None
        }
    }
}

/// Heights of the boxes of all words of a PDF that are set level, points; `None` where there is no
/// pdftotext.
fn heights(pdf: &[u8]) -> Option<Vec<f64>> {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("a.pdf");
    std::fs::write(&path, pdf).expect("a file");
    let made = Command::new("pdftotext").arg("-bbox").arg(&path).arg("-").output().ok()?;
    let text = String::from_utf8_lossy(&made.stdout).into_owned();
    let number = |line: &str, name: &str| -> Option<f64> {
        line.split(&format!("{name}=\"")).nth(1)?.split('"').next()?.parse().ok()
    };
    // What runs upwards is higher than wide, but for the shortest words.
    let long = |line: &&str| {
        line.split_once('>')
            .is_some_and(|(_, word)| word.split('<').next().is_some_and(|w| w.len() > 3))
    };
    let words = text.lines().filter(|line| line.contains("<word ")).filter(long);
    let boxes = words.filter_map(|line| {
        Some((
            number(line, "xMax")? - number(line, "xMin")?,
            number(line, "yMax")? - number(line, "yMin")?,
        ))
    });
    Some(boxes.filter(|(width, height)| width > height).map(|(_, height)| height).collect())
}

/// Widths and heights of the pages, mm.
fn pages(pdf: &[u8]) -> Vec<(f64, f64)> {
    let text = String::from_utf8_lossy(pdf);
    let boxes = text
        .split("/MediaBox")
        .skip(1)
        .filter_map(|rest| rest.split_once('[')?.1.split_once(']').map(|b| b.0.to_string()));
    let numbers = |text: String| -> Vec<f64> {
        text.split_whitespace().filter_map(|n| n.parse().ok()).collect()
    };
    boxes.map(numbers).map(|n| ((n[2] - n[0]) * 25.4 / 72.0, (n[3] - n[1]) * 25.4 / 72.0)).collect()
}

fn near(page: (f64, f64), size: (f64, f64)) -> bool {
    (page.0 - size.0).abs() < 0.5 && (page.1 - size.1).abs() < 0.5
}

#[test]
fn every_kind_of_block_is_set_on_the_right_paper() {
    let (drawings, own) = (drawings(), Own::default());
    for rows in [0, 1, 3, 1000] {
        let facts = made_up(&drawings, rows, "word");
        let pdf = report(&facts, &drawings, &own).expect("a report");
        assert!(pdf.starts_with(b"%PDF-"));
        let sizes = pages(&pdf);
        assert!(near(sizes[0], (210.0, 297.0)), "{sizes:?}");
        assert!(
            sizes.iter().any(|size| near(*size, (297.0, 210.0))),
            "the wide table is turned: {sizes:?}"
        );
        if let Some(text) = text(&pdf) {
            for said in [
                "Made-up scaling word",
                "How fast is it?",
                "3.21 times as fast",
                "Threats to validity",
                "Two builds are mixed",
                "A CPU word",
            ] {
                assert!(text.contains(said), "{said} is not in\n{text}");
            }
            assert_eq!(text.contains("of 1000 rows."), rows == 1000);
        }
        for (orientation, size) in
            [(Orientation::Portrait, (841.0, 1189.0)), (Orientation::Landscape, (1189.0, 841.0))]
        {
            let pdf = poster(&facts, &drawings, &own, orientation).expect("a poster");
            assert_eq!(pages(&pdf).len(), 1, "one sheet");
            assert!(near(pages(&pdf)[0], size), "{:?}", pages(&pdf));
        }
    }
}

#[test]
fn hostile_words_are_only_words() {
    let drawings = drawings();
    let long = "Donaudampfschifffahrtsgesellschaft".repeat(12);
    for word in [
        "#panic(\"no\") $x^2$ *bold* _it_ `raw` @ref <label> \\ #{ [ ] // /* https://x.y",
        "\u{202e}evil\u{202c} \u{200f}\u{7}",
        "😀 漢字 مرحبا",
        &long,
        &"x".repeat(10_000),
    ] {
        let facts = made_up(&drawings, 3, word);
        let pdf = report(&facts, &drawings, &Own::default()).expect("a report");
        if let (Some(text), true) = (text(&pdf), word.starts_with('#')) {
            assert!(
                text.contains("#panic(\"no\") $x^2$ *bold* _it_ `raw` @ref <label> \\ #{ [ ]"),
                "{text}"
            );
        }
        for orientation in [Orientation::Portrait, Orientation::Landscape] {
            let pdf = poster(&facts, &drawings, &Own::default(), orientation).expect("a poster");
            assert_eq!(pages(&pdf).len(), 1, "one sheet, whatever the words");
        }
    }
}

#[test]
fn own_texts_are_taken_in_and_their_errors_have_a_place() {
    let (temp, drawings) = (tempfile::tempdir().expect("a folder"), drawings());
    let own = || Own::of(temp.path(), "made-up");
    let write = |name: &str, text: &str| {
        let path = temp.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    let facts = made_up(&drawings, 3, "word");
    write(
        "introduction.typ",
        "= Why\nBecause of *seventeen* reasons, see #image(\"a.svg\", width: 2cm).\n",
    );
    write(
        "a.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"4\" height=\"4\"><rect width=\"4\" height=\"4\"/></svg>",
    );
    write("made-up/discussion.typ", "Of this experiment alone.");
    write("poster-note.typ", "Come to booth twelve.");
    let pdf = report(&facts, &drawings, &own()).expect("a report");
    let sheet = poster(&facts, &drawings, &own(), Orientation::Portrait).expect("a poster");
    if let (Some(report), Some(poster)) = (text(&pdf), text(&sheet)) {
        assert!(
            report.contains("Because of seventeen reasons")
                && report.contains("Of this experiment alone."),
            "{report}"
        );
        assert!(poster.contains("Come to booth twelve."), "{poster}");
    }

    write("made-up/discussion.typ", "Fine so far.\n  And then #undefined-word here.\n");
    let error = report(&facts, &drawings, &own()).expect_err("an unknown word");
    let place = error.place.clone().expect("a place");
    assert!(place.file.ends_with("made-up/discussion.typ"), "{error}");
    assert_eq!((place.line, place.column, error.exit_code()), (2, 13, 2), "{error}");
    assert!(error.message.contains("unknown variable: undefined-word"), "{error}");

    write("made-up/discussion.typ", "#image(\"nowhere.png\")");
    let error = report(&facts, &drawings, &own()).expect_err("no such file").to_string();
    assert!(error.contains("discussion.typ:1:8") && error.contains("nowhere.png"), "{error}");
    write(
        "made-up/discussion.typ",
        "#read(\"../../../etc/passwd\") #import \"@preview/cetz:0.3.0\": *",
    );
    assert!(report(&facts, &drawings, &own()).is_err(), "nothing outside the folder is read");

    // A template of the user's own takes the place of ours.
    write("made-up/discussion.typ", "");
    write(
        "report.typ",
        "#let facts = json(\"facts.json\")\n#set page(paper: \"a5\")\nOnly #facts.title",
    );
    assert!(near(pages(&report(&facts, &drawings, &own()).expect("a report"))[0], (148.0, 210.0)));
}

#[test]
fn figures_are_pages_and_pictures() {
    for drawing in drawn(&mixed(), &SCREEN).1 {
        let pdf = alone::pdf(&drawing).expect("a PDF");
        assert_eq!(pages(&pdf).len(), 1);
        assert!((pages(&pdf)[0].0 - 760.0 * 25.4 / 96.0).abs() < 0.5, "{:?}", pages(&pdf));
        assert!(pdf == alone::pdf(&drawing).expect("a PDF"));
        let png = alone::png(&drawing).expect("a PNG");
        assert!(png.starts_with(b"\x89PNG"));
        assert_eq!(
            u32::from_be_bytes([png[16], png[17], png[18], png[19]]),
            1520,
            "two pixels for each"
        );
    }
}

const SHEETS: [Orientation; 2] = [Orientation::Portrait, Orientation::Landscape];

#[test]
fn every_situation_makes_a_report_and_posters_with_the_same_bytes() {
    for (name, lines) in situations() {
        let make = || {
            let (facts, drawings) = drawn(&lines, &A4);
            let mut made = vec![report(&facts, &drawings, &Own::default()).expect(name)];
            let (facts, drawings) = drawn(&lines, &A0);
            made.extend(
                SHEETS.map(|lies| poster(&facts, &drawings, &Own::default(), lies).expect(name)),
            );
            (facts, made)
        };
        let ((facts, once), (_, again)) = (make(), make());
        assert!(once == again, "{name}: equal records give equal bytes");
        assert!(near(pages(&once[0])[0], (210.0, 297.0)), "{name}");
        assert!(once[1..].iter().all(|sheet| pages(sheet).len() == 1), "{name}: one sheet");
        for sheet in &once[1..] {
            let least = heights(sheet).into_iter().flatten().fold(f64::INFINITY, f64::min);
            // A word's box is 1.21 times as high as its type.
            assert!(
                least > 20.0 * 1.21 || least.is_infinite(),
                "{name}: type of {} points",
                least / 1.21
            );
        }
        let Some(said) = text(&once[0]) else { continue };
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        for sentence in facts.answer.iter().take(1).chain(Some(&facts.counts)) {
            assert!(
                squeezed(&said).contains(&squeezed(sentence)),
                "{name}: {sentence} is not in\n{said}"
            );
        }
    }
}

#[test]
fn thousands_of_cells_end_on_paper_and_say_so() {
    let points = (1..=20).map(|i| i * 1000).collect();
    let lines =
        Made { points, k: (1..=12).map(|i| 4 * i).collect(), repeats: 1, ..Made::default() }
            .lines();
    let (facts, drawings) = drawn(&lines, &A4);
    assert!(facts.cells.len() > 2000, "{}", facts.cells.len());
    let pdf = report(&facts, &drawings, &Own::default()).expect("a report");
    let count = pages(&pdf).len();
    assert!((10..120).contains(&count), "{count} pages");
    let (facts, drawings) = drawn(&lines, &A0);
    for lies in SHEETS {
        assert_eq!(
            pages(&poster(&facts, &drawings, &Own::default(), lies).expect("a poster")).len(),
            1
        );
    }
    if let Some(text) = text(&pdf) {
        assert!(
            text.contains("left out on paper") && text.contains("facts.json"),
            "it says what is not there"
        );
    }
}

#[test]
fn documents_are_written_where_they_are_wanted() {
    let (temp, folder) = folder_with(&mixed());
    let out = temp.path().join("paper");
    let args = |verb: &'static str| {
        vec![
            verb.to_string(),
            folder.display().to_string(),
            "--out".into(),
            out.display().to_string(),
        ]
    };
    let run = |args: Vec<String>| {
        let made = amdahl(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    run(args("report"));
    run(args("poster"));
    run([
        args("figures"),
        ["--only", "speedup", "--format", "svg,pdf,png"].map(String::from).to_vec(),
    ]
    .concat());
    for name in [
        "sample.html",
        "sample.pdf",
        "sample.facts.json",
        "sample-poster-portrait.pdf",
        "sample-poster-landscape.pdf",
        "sample-speedup.svg",
        "sample-speedup.pdf",
        "sample-speedup.png",
    ] {
        assert!(out.join(name).is_file(), "{name}");
    }
    std::fs::write(temp.path().join("introduction.typ"), "#nothing").expect("a file");
    let own = temp.path().display().to_string();
    let failed =
        amdahl(&["report", &folder.display().to_string(), "--format", "pdf", "--own", &own]);
    assert_eq!(failed.status.code(), Some(2));
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("introduction.typ:1:2: unknown variable: nothing"), "{said}");
}

/// Not a test: writes every situation's documents to the folder in `AMDAHL_LOOK`, for people to
/// look at.
#[test]
#[ignore = "for people: make look"]
fn paper_to_look_at() {
    let folder =
        PathBuf::from(std::env::var_os("AMDAHL_LOOK").expect("AMDAHL_LOOK names a folder"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("a file");
    for (name, word) in
        [("words", "of #panic $x$ \u{202e}evil 😀"), ("long-words", &*"Donaudampf".repeat(40))]
    {
        let drawings = drawings();
        let facts = made_up(&drawings, 5, word);
        write(&format!("{name}.pdf"), &report(&facts, &drawings, &Own::default()).expect(name));
        for lies in SHEETS {
            let pdf = poster(&facts, &drawings, &Own::default(), lies).expect(name);
            write(&format!("{name}-{}.pdf", lies.word()), &pdf);
        }
    }
    for (name, lines) in situations() {
        let (facts, drawings) = drawn(&lines, &A4);
        let pdf = report(&facts, &drawings, &Own::default()).expect(name);
        write(&format!("{name}.pdf"), &pdf);
        let (facts, drawings) = drawn(&lines, &A0);
        for lies in SHEETS {
            let pdf = poster(&facts, &drawings, &Own::default(), lies).expect(name);
            write(&format!("{name}-{}.pdf", lies.word()), &pdf);
        }
    }
}

#[test]
fn a_poster_of_nothing_is_no_poster() {
    let (_temp, folder) = crate::explain::folder_with(&crate::situations::all_failed());
    let out = folder.with_file_name("sheets");
    let words = [
        "poster",
        folder.to_str().expect("a plain path"),
        "--out",
        out.to_str().expect("a plain path"),
    ];
    let refused = crate::explain::amdahl(&words);
    assert_eq!(refused.status.code(), Some(6), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("no result that a poster could show")
            && !out.exists()
    );
}

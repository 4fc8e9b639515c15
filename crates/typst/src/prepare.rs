//! The facts as paper can take them: clean words that can be broken, and tables that end.

use serde_json::{Map, Value, json};

use amdahl_explain::figure::style::{LABEL, width};

/// Most rows of tables, points of lists and paragraphs of one section on paper.
const MOST_OF_SECTION: usize = 400;
/// Most of all sections together; the later ones still have room for [`LEAST_OF_SECTION`].
const MOST_OF_ALL: usize = 1200;
const LEAST_OF_SECTION: usize = 40;
/// Words longer than this may be broken anywhere, after as many characters.
const LONG_WORD: usize = 18;
/// Nobody reads a longer word: it is cut.
const LONGEST_WORD: usize = 400;
/// A text is broken in so many places at most: Typst gives up a text with some 500.
const MOST_BREAKS: usize = 300;

/// Words under these keys are names, not text.
const NAMES: [&str; 6] = ["kind", "tone", "class", "id", "url", "from"];

/// The zero-width space: here a line may end.
const BREAK: char = '\u{200b}';

/// The facts for the templates.
pub fn prepare(facts: &Value) -> Value {
    let mut facts = facts.clone();
    let mut room = MOST_OF_ALL;
    // What no template needs only takes time.
    if let Some(all) = facts.as_object_mut() {
        let wanted = [
            "schema",
            "amdahl",
            "title",
            "question",
            "experiment",
            "started",
            "url",
            "results",
            "counts",
            "answer",
            "warnings",
            "sections",
            "figures",
        ];
        all.retain(|key, _| wanted.contains(&key.as_str()));
        for figure in all.get_mut("figures").and_then(Value::as_array_mut).into_iter().flatten() {
            let from = source(&figure["from"]);
            if let Some(figure) = figure.as_object_mut() {
                figure.retain(|key, _| key != "cells" && key != "description");
                figure.insert("from".into(), from.into());
            }
        }
        // Templates need not ask whether these are there.
        for (key, word) in [("question", ""), ("experiment", "results")] {
            if all.get(key).is_none_or(Value::is_null) {
                all.insert(key.into(), word.into());
            }
        }
        for section in all.get_mut("sections").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(blocks) = section.get_mut("blocks").and_then(Value::as_array_mut) {
                cut(blocks, &mut room);
            }
        }
    }
    clean_all(&mut facts, "");
    if let Some(sections) = facts.get_mut("sections").and_then(Value::as_array_mut) {
        sections.iter_mut().for_each(|section| measure(section.get_mut("blocks")));
    }
    facts
}

/// The word for where numbers come from.
fn source(from: &Value) -> String {
    match from.as_str().or_else(|| from.as_object()?.keys().next().map(String::as_str)) {
        Some("multiplexed") => "measured (multiplexed)".into(),
        Some(word) => word.into(),
        None => "source not told".into(),
    }
}

/// Ends a section that paper has no room for, and says so.
fn cut(blocks: &mut Vec<Value>, room_of_all: &mut usize) {
    let given = MOST_OF_SECTION.min((*room_of_all).max(LEAST_OF_SECTION));
    let (mut room, mut left_out) = (given, 0);
    blocks.retain_mut(|block| {
        let rows = match block["kind"].as_str() {
            Some("table") => block.get_mut("rows"),
            Some("list") => block.get_mut("items"),
            Some("figure") => return true,
            _ => None,
        };
        if room == 0 {
            left_out += 1;
            return false;
        }
        let Some(rows) = rows.and_then(Value::as_array_mut) else {
            room -= 1;
            return true;
        };
        let (all, most) = (rows.len(), rows.len().min(room));
        rows.truncate(most);
        room -= most;
        if all > most {
            block["cut"] = json!(format!("The first {most} of {all} rows. {ELSEWHERE}"));
        }
        true
    });
    *room_of_all = room_of_all.saturating_sub(given - room);
    if left_out > 0 {
        let said = format!(
            "{left_out} more tables, lists and paragraphs of this section are left out on paper. {ELSEWHERE}"
        );
        blocks.push(json!({"kind": "text", "tone": "note", "text": said}));
    }
}

const ELSEWHERE: &str =
    "All are in the facts.json beside this report, and in what 'amdahl show --format csv' prints.";

/// Cleans every text of a value. A key of an object says whether its words are names.
fn clean_all(value: &mut Value, key: &str) {
    match value {
        Value::String(text) if key == "code" => *text = code(text),
        Value::String(text) if !NAMES.contains(&key) => *text = words(text),
        Value::Array(items) => items.iter_mut().for_each(|item| clean_all(item, key)),
        Value::Object(fields) => {
            let is = |fields: &Map<String, Value>, kind: &str| {
                fields.get("kind").and_then(Value::as_str) == Some(kind)
            };
            let (is_code, names_a_figure) =
                (is(fields, "code"), is(fields, "figure") || fields.contains_key("about"));
            for (key, value) in fields.iter_mut() {
                match key.as_str() {
                    "text" if is_code => clean_all(value, "code"),
                    "name" if names_a_figure => {}
                    key => clean_all(value, key),
                }
            }
        }
        _ => {}
    }
}

/// Is this a character that nobody sees but that changes what others look like or where they stand?
fn unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn seen(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !unseen(*c) && !matches!(*c, '\u{fffe}' | '\u{ffff}'))
}

/// Text on one line without unseen characters, whose long words may be broken.
fn words(text: &str) -> String {
    let text: String = seen(text).map(|c| if c.is_control() { ' ' } else { c }).collect();
    // A number and its sign stay together.
    let together = [
        (" %", "\u{a0}%"),
        (" × ", "\u{a0}×\u{a0}"),
        ("n = ", "n\u{a0}=\u{a0}"),
        ("k = ", "k\u{a0}=\u{a0}"),
    ];
    breakable(&together.iter().fold(text, |text, (apart, joined)| text.replace(apart, joined)))
}

/// The same for code, which keeps its lines.
fn code(text: &str) -> String {
    let text: String =
        seen(text).map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    text.lines().map(breakable).collect::<Vec<_>>().join("\n")
}

/// Allows a line to end within long words: after what separates their parts, and after every so
/// many characters.
fn breakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut breaks = 0;
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 {
            out.push(' ');
        }
        if word.chars().count() <= LONG_WORD {
            out.push_str(word);
            continue;
        }
        let all = word.chars().count();
        let cut = (all > LONGEST_WORD).then_some('…');
        let (mut run, all) = (0, all.min(LONGEST_WORD));
        for (i, c) in word.chars().take(all).enumerate() {
            out.push(c);
            run += 1;
            let ends_part = matches!(
                c,
                '/' | '_'
                    | '-'
                    | '.'
                    | ','
                    | ';'
                    | ':'
                    | '='
                    | '&'
                    | '?'
                    | '|'
                    | '+'
                    | ')'
                    | ']'
                    | '}'
            );
            let may_end = (ends_part && run > 3) || run >= LONG_WORD;
            if may_end && i + 1 < all && breaks < MOST_BREAKS {
                out.push(BREAK);
                (run, breaks) = (0, breaks + 1);
            }
        }
        out.extend(cut);
    }
    out
}

/// Of each column of each table: what is widest in it, and its widest word. Templates measure those
/// alone.
fn measure(blocks: Option<&mut Value>) {
    for block in blocks.and_then(Value::as_array_mut).into_iter().flatten() {
        if block["kind"] != "table" {
            continue;
        }
        let rows = block["rows"].as_array().cloned().unwrap_or_default();
        let cell = |row: &Value, i: usize| row["cells"][i].as_str().unwrap_or_default().to_string();
        for (i, column) in block["columns"].as_array_mut().into_iter().flatten().enumerate() {
            let title = column["title"].as_str().unwrap_or_default().to_string();
            let cells: Vec<String> = rows.iter().map(|row| cell(row, i)).collect();
            column["widest"] = json!(widest(cells.iter().map(String::as_str)));
            column["word"] = json!(widest(cells.iter().flat_map(|cell| parts(cell))));
            column["title-word"] = json!(widest(parts(&title)));
        }
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', BREAK, '-'])
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> &'a str {
    texts
        .map(|text| (width(text, LABEL), text))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or("", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_may_be_broken_and_unseen_marks_are_gone() {
        assert_eq!(words("a\u{202e}b\u{7}c"), "ab c");
        assert_eq!(words("short words stay"), "short words stay");
        let long = words(&"x".repeat(100));
        assert!(
            long.split(BREAK).all(|part| part.chars().count() <= LONG_WORD)
                && long.replace(BREAK, "") == "x".repeat(100)
        );
        let endless = words(&"x".repeat(10_000));
        assert!(endless.ends_with("x…") && endless.chars().count() < 450, "{endless}");
        let many = words(&format!("{} ", "x".repeat(300)).repeat(100));
        assert_eq!(many.matches(BREAK).count(), MOST_BREAKS);
        assert_eq!(
            words("/a/long/path/of/folders/and/files.json").split(BREAK).next(),
            Some("/a/long/")
        );
        assert_eq!(code("one\ntwo"), "one\ntwo");
    }

    #[test]
    fn tables_end_and_say_so() {
        let rows: Vec<Value> =
            (0..1000).map(|i| json!({"class": "", "cells": [format!("row {i}"), "1"]})).collect();
        let columns =
            json!([{"title": "long name", "kind": "words"}, {"title": "n", "kind": "number"}]);
        let table = json!({"kind": "table", "caption": "c", "columns": columns, "rows": rows});
        let prepared =
            prepare(&json!({"sections": [{"id": "a", "blocks": [table]}], "cells": [1]}));
        let table = &prepared["sections"][0]["blocks"][0];
        assert_eq!(table["rows"].as_array().map(Vec::len), Some(MOST_OF_SECTION));
        assert!(
            table["cut"].as_str().is_some_and(|cut| cut.starts_with("The first 400 of 1000 rows."))
        );
        assert_eq!(table["columns"][0]["title-word"], "name");
        assert!(table["columns"][0]["widest"].as_str().is_some_and(|w| w.starts_with("row ")));
        assert!(prepared.get("cells").is_none());

        let many: Vec<Value> = (0..300)
            .map(|_| json!({"kind": "table", "columns": [], "rows": [{}, {}, {}, {}]}))
            .collect();
        let sections: Vec<Value> =
            (0..20).map(|i| json!({"id": i.to_string(), "blocks": many})).collect();
        let prepared = prepare(&json!({"sections": sections}));
        let tables = |i: usize| prepared["sections"][i]["blocks"].as_array().map_or(0, Vec::len);
        assert_eq!(
            (tables(0), tables(3), tables(19)),
            (101, 11, 11),
            "100 and the sentence, then less"
        );
        let said = prepared["sections"][0]["blocks"][100]["text"].as_str();
        assert!(said.is_some_and(|said| said.starts_with("200 more tables")), "{said:?}");
    }
}

//! Sections of the page: paragraphs, lists, tables and figures as HTML, within a room in bytes.

use crate::figure::Drawing;
use crate::figure::trace::quoted;
use crate::report::html::{escape, figure_svg};
use crate::report::size::Cut;
use crate::report_model::Facts;
use crate::report_model::document::{Block, Class, Item, Kind, Property, Section, Table, Tone};
use amdahl_record::Provenance;
use amdahl_record::units;

/// What was left out for want of room.
#[derive(Debug, Default)]
pub struct Left {
    /// Rows of tables.
    pub rows: usize,
    /// Paragraphs, points of lists and headings.
    pub words: usize,
    /// Names of figures.
    pub figures: Vec<String>,
    /// Bytes of the figures that are there.
    drawn: usize,
}

/// A section with its heading. Where its room is used up, the rest is left out but for what is said
/// after its last table.
pub fn section(
    section: &Section,
    facts: &Facts,
    drawings: &[Drawing],
    cut: &Cut,
    left: &mut Left,
) -> String {
    let room = if section.appendix { cut.appendix } else { cut.section };
    let last_table = section.blocks.iter().rposition(|block| matches!(block, Block::Table(_)));
    let (rows, words) = (left.rows, left.words);
    let mut html = String::new();
    let mut used = 0;
    for (i, block) in section.blocks.iter().enumerate() {
        let remark = last_table.is_some_and(|last| i > last);
        let room = if remark { usize::MAX } else { room.saturating_sub(used) };
        let piece = match block {
            Block::Table(rows) => table(rows, room, left),
            Block::List { items } => list(items, room, left),
            Block::Figure { name } => figure(name, facts, drawings, cut, left),
            other => simple(other, room, left),
        };
        if !matches!(block, Block::Figure { .. }) {
            used += piece.len();
        }
        html.push_str(&piece);
    }
    let mut missing = Vec::new();
    if left.rows > rows {
        missing.push(many(left.rows - rows, "row", "of tables"));
    }
    if left.words > words {
        missing.push(many(left.words - words, "sentence", "and points of lists"));
    }
    if !missing.is_empty() {
        html.push_str(&format!(
            "<p class=\"note left-out\">Left out here, to keep this page small: {}. <a href=\"#left-out\">Where they are</a></p>\n",
            missing.join("; ")
        ));
    }
    format!(
        "<section id=\"{}\">\n<h2>{}</h2>\n{html}</section>\n",
        escape(&section.id),
        escape(&section.title)
    )
}

/// A number with a noun and what it is of.
pub fn many(number: usize, noun: &str, of: &str) -> String {
    format!("{} {noun}{} {of}", units::count(number as f64), if number == 1 { "" } else { "s" })
}

/// A block that is there as a whole or not at all.
fn simple(block: &Block, room: usize, left: &mut Left) -> String {
    let html = match block {
        Block::Text { text, tone: Tone::Lead } => {
            format!("<p class=\"lead\">{}</p>\n", escape(text))
        }
        Block::Text { text, tone: Tone::Plain } => format!("<p>{}</p>\n", escape(text)),
        Block::Text { text, tone: Tone::Note } => {
            format!("<p class=\"note\">{}</p>\n", escape(text))
        }
        Block::Heading { text } => format!("<h3>{}</h3>\n", escape(text)),
        Block::Code { text } => format!("<pre>{}</pre>\n", escape(text)),
        Block::Properties { caption, rows } => properties(caption, rows),
        // These have functions of their own.
        Block::Table(_) | Block::List { .. } | Block::Figure { .. } => String::new(),
    };
    if html.len() <= room {
        return html;
    }
    match block {
        Block::Properties { rows, .. } => left.rows += rows.len(),
        _ => left.words += 1,
    }
    String::new()
}

/// Points of equal rank, as many as there is room for.
pub fn list(items: &[Item], room: usize, left: &mut Left) -> String {
    let mut html = String::new();
    for (i, item) in items.iter().enumerate() {
        let note = item
            .note
            .as_deref()
            .map(|note| format!(" <span class=\"note\">{}</span>", escape(note)));
        let point = format!("<li>{}{}</li>\n", escape(&item.text), note.unwrap_or_default());
        if html.len() + point.len() > room {
            left.words += items.len() - i;
            break;
        }
        html.push_str(&point);
    }
    if html.is_empty() { html } else { format!("<ul>\n{html}</ul>\n") }
}

/// Tables with more rows scroll in a box, so that what follows is not screens away. Paper has all
/// of them.
const TALL: usize = 40;

/// A table with a caption, in a box that scrolls where it is wider than the page, with as many rows
/// as there is room for.
fn table(table: &Table, room: usize, left: &mut Left) -> String {
    let kind = |i: usize| match table.columns.get(i).map(|column| column.kind) {
        Some(Kind::Range) => " class=\"range\"",
        Some(Kind::Number) => " class=\"number\"",
        _ => "",
    };
    let head: Vec<String> = (table.columns.iter().enumerate())
        .map(|(i, column)| format!("<th scope=\"col\"{}>{}</th>", kind(i), escape(&column.title)))
        .collect();
    let (mut rows, mut count) = (String::new(), 0);
    for (shown, row) in table.rows.iter().enumerate() {
        let mut html = String::from(match row.class {
            Class::Plain => "<tr>",
            Class::Failed => "<tr class=\"failed\">",
            Class::Base => "<tr class=\"base\">",
        });
        for (i, cell) in row.cells.iter().enumerate() {
            html.push_str(&match i {
                0 => format!("<th scope=\"row\"{}>{}</th>", kind(i), escape(cell)),
                _ => format!("<td{}>{}</td>", kind(i), escape(cell)),
            });
        }
        html.push_str("</tr>\n");
        if rows.len() + html.len() > room {
            left.rows += table.rows.len() - shown;
            break;
        }
        rows.push_str(&html);
        count += 1;
    }
    if rows.is_empty() {
        return rows;
    }
    let head = format!("<thead><tr>{}</tr></thead>\n", head.concat());
    let (tall, caption) = match count > TALL {
        true => (" tall", format!("{} ({} rows)", table.caption, units::count(count as f64))),
        false => ("", table.caption.clone()),
    };
    boxed(tall, "", &caption, &format!("{head}<tbody>\n{rows}</tbody>"))
}

/// A table of names and values.
fn properties(caption: &str, rows: &[Property]) -> String {
    let row = |row: &Property| {
        let value =
            row.value.as_deref().map_or("<span class=\"note\">not known</span>".into(), escape);
        format!("<tr><th scope=\"row\">{}</th><td>{value}</td></tr>\n", escape(&row.name))
    };
    let rows: String = rows.iter().map(row).collect();
    boxed("", " class=\"facts\"", caption, &format!("<tbody>\n{rows}</tbody>"))
}

fn boxed(tall: &str, class: &str, caption: &str, rows: &str) -> String {
    let caption = escape(caption);
    format!(
        "<div class=\"scroll{tall}\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table{class}><caption>{caption}</caption>\n{rows}\
         </table></div>\n"
    )
}

/// A figure with its finding and its caption; without the drawing where there is no room for it,
/// and nothing where it was not drawn.
fn figure(name: &str, facts: &Facts, drawings: &[Drawing], cut: &Cut, left: &mut Left) -> String {
    let place = facts.figures.iter().position(|figure| figure.name == name);
    let (Some(place), Some(drawing)) = (place, drawings.iter().find(|d| d.name == name)) else {
        return String::new();
    };
    let caption: Vec<String> = drawing.caption.iter().map(|sentence| escape(sentence)).collect();
    let about = escape(drawing.about);
    let svg = figure_svg(&drawing.svg, cut.traces);
    let shown = match left.drawn + svg.len() <= cut.figures {
        true => {
            left.drawn += svg.len();
            format!(
                "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{about}\">{svg}</div>"
            )
        }
        false => {
            left.figures.push(name.to_string());
            format!(
                "<p class=\"note left-out\">Not drawn here, to keep this page small. To draw it: <code>amdahl figures {} --only {}</code></p>",
                escape(&quoted(&facts.results)),
                escape(name)
            )
        }
    };
    let (class, word) = provenance(drawing.from);
    format!(
        "<figure>\n<h3>{}</h3>\n{shown}\n<figcaption><span class=\"badge {class}\">{word}</span> Figure {}. {about}. {}</figcaption>\n</figure>\n",
        escape(&drawing.title),
        place + 1,
        caption.join(" "),
    )
}

/// Where numbers come from, as a class and in words.
fn provenance(from: Provenance) -> (&'static str, String) {
    match from {
        Provenance::Measured => ("measured", "measured".into()),
        Provenance::Multiplexed { coverage } => {
            ("measured", format!("measured, counted {:.0} % of the time", coverage * 100.0))
        }
        Provenance::Simulated => ("simulated", "simulated".into()),
        Provenance::Modelled => ("modelled", "modelled".into()),
    }
}

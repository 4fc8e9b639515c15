//! The page: one HTML file that needs nothing else.

use crate::explain::facts::Facts;
use crate::explain::facts::document::{Block, Class, Item, Kind, Property, Section, Table, Tone};
use crate::explain::figure::Drawing;
use crate::explain::figure::style::dark_rules;
use crate::explain::report::html::{allowed, escape};

const STYLE: &str = include_str!("style.css");

/// The page of these facts, with figures that were drawn for it. Equal facts give equal bytes.
pub fn page(facts: &Facts, drawings: &[Drawing]) -> String {
    // Nothing may be loaded or run: only these two style sheets apply.
    let policy = format!(
        "default-src 'none'; style-src {} {}; base-uri 'none'; form-action 'none'",
        allowed(STYLE),
        allowed(&dark_rules(".figure"))
    );
    let title = escape(&facts.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"{policy}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" \
         content=\"light dark\">\n<meta name=\"generator\" content=\"amdahl {}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        escape(&facts.amdahl)
    );
    page.push_str(&format!("<header>\n<h1>{title}</h1>\n"));
    if let Some(question) = &facts.question {
        page.push_str(&format!("<p class=\"question\">{}</p>\n", escape(question)));
    }
    let experiment = facts.experiment.as_deref().zip(facts.started.as_deref());
    let run = experiment.map(|(name, at)| format!("Experiment {name}, newest run started {at}. ")).unwrap_or_default();
    page.push_str(&format!("<p class=\"meta\">{}{}</p>\n</header>\n<main>\n", escape(&run), escape(&facts.counts)));
    page.push_str(&answer(facts));
    page.push_str(&warnings(&facts.warnings));
    for part in &facts.sections {
        page.push_str(&section(part, facts, drawings));
    }
    page.push_str(&format!(
        "</main>\n<footer>Made by amdahl {} from records alone: every number and figure on this page is computed from them.</footer>\n\
         </body>\n</html>\n",
        escape(&facts.amdahl)
    ));
    page
}

fn answer(facts: &Facts) -> String {
    let mut html = String::from("<section id=\"answer\">\n<h2>Answer</h2>\n");
    for (i, sentence) in facts.answer.iter().enumerate() {
        let class = if i == 0 { " class=\"lead\"" } else { "" };
        html.push_str(&format!("<p{class}>{}</p>\n", escape(sentence)));
    }
    html + "</section>\n"
}

fn warnings(items: &[Item]) -> String {
    if items.is_empty() {
        return String::new();
    }
    format!(
        "<section class=\"warnings\" aria-labelledby=\"caution\">\n<h2 id=\"caution\">Before you believe this</h2>\n{}</section>\n",
        list(items)
    )
}

fn section(section: &Section, facts: &Facts, drawings: &[Drawing]) -> String {
    let mut html = format!("<section id=\"{}\">\n<h2>{}</h2>\n", escape(&section.id), escape(&section.title));
    for block in &section.blocks {
        html.push_str(&match block {
            Block::Text { text, tone } => format!("<p{}>{}</p>\n", class(tone), escape(text)),
            Block::Heading { text } => format!("<h3>{}</h3>\n", escape(text)),
            Block::List { items } => list(items),
            Block::Code { text } => format!("<pre>{}</pre>\n", escape(text)),
            Block::Table(rows) => table(rows),
            Block::Properties { caption, rows } => properties(caption, rows),
            Block::Figure { name } => figure(name, facts, drawings),
        });
    }
    html + "</section>\n"
}

fn class(tone: &Tone) -> &'static str {
    match tone {
        Tone::Lead => " class=\"lead\"",
        Tone::Plain => "",
        Tone::Note => " class=\"note\"",
    }
}

fn list(items: &[Item]) -> String {
    let item = |item: &Item| {
        let note = item.note.as_deref().map(|note| format!(" <span class=\"note\">{}</span>", escape(note)));
        format!("<li>{}{}</li>\n", escape(&item.text), note.unwrap_or_default())
    };
    format!("<ul>\n{}</ul>\n", items.iter().map(item).collect::<String>())
}

/// A table with a caption, in a box that scrolls where it is wider than the page.
fn table(table: &Table) -> String {
    let caption = escape(&table.caption);
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table><caption>{caption}</caption>\n<thead><tr>"
    );
    let kind = |i: usize| match table.columns.get(i).map(|column| column.kind) {
        Some(Kind::Range) => " class=\"range\"",
        Some(Kind::Number) => " class=\"number\"",
        _ => "",
    };
    for (i, column) in table.columns.iter().enumerate() {
        html.push_str(&format!("<th scope=\"col\"{}>{}</th>", kind(i), escape(&column.title)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        html.push_str(match row.class {
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
    }
    html + "</tbody></table></div>\n"
}

/// A table of names and values.
fn properties(caption: &str, rows: &[Property]) -> String {
    let caption = escape(caption);
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table \
         class=\"facts\"><caption>{caption}</caption>\n<tbody>\n"
    );
    for row in rows {
        let value = row.value.as_deref().map_or("<span class=\"note\">not known</span>".into(), escape);
        html.push_str(&format!("<tr><th scope=\"row\">{}</th><td>{value}</td></tr>\n", escape(&row.name)));
    }
    html + "</tbody></table></div>\n"
}

/// A figure with its finding and its caption; nothing where it was not drawn.
fn figure(name: &str, facts: &Facts, drawings: &[Drawing]) -> String {
    let place = facts.figures.iter().position(|figure| figure.name == name);
    let (Some(place), Some(drawing)) = (place, drawings.iter().find(|d| d.name == name)) else {
        return String::new();
    };
    let caption: Vec<String> = drawing.caption.iter().map(|sentence| escape(sentence)).collect();
    format!(
        "<figure>\n<h3>{}</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{about}\">{}</div>\n<figcaption>Figure {}. \
         {about}. {}</figcaption>\n</figure>\n",
        escape(&drawing.title),
        drawing.svg.trim_end(),
        place + 1,
        caption.join(" "),
        about = escape(drawing.about),
    )
}

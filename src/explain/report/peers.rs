//! Ours beside outside programs, and the questions about several processes.

use crate::explain::report::html::{Column, Row, escape, table};
use crate::explain::summary::Summary;
use crate::explain::table::Align;
use crate::explain::{accuracy, beside, show};

/// The ranks, what comes of them, and what ran; nothing where no outside program was asked for.
pub fn beside(summary: &Summary) -> String {
    let mut tables = String::new();
    for group in summary.groups.iter().filter(|group| beside::heading(group).is_some()) {
        let columns: Vec<Column> = beside::COLUMNS
            .iter()
            .map(|&(title, align)| (title, if align == Align::Right { "number" } else { "range" }))
            .collect();
        let class = |rank: &beside::Rank| if rank.place.is_none() { "failed" } else { "" };
        let rows: Vec<Row> = (beside::rows(group).zip(&group.ranks))
            .map(|(row, rank)| Row { class: class(rank), cells: row.iter().map(|text| escape(text)).collect() })
            .collect();
        tables.push_str(&table(&show::heading(group), &columns, &rows));
        for finding in beside::findings(group) {
            tables.push_str(&format!("<p>{}.</p>\n", escape(&finding)));
        }
    }
    if tables.is_empty() {
        return String::new();
    }
    let versions: Vec<Row> = beside::versions(summary.groups.iter())
        .into_iter()
        .map(|(name, version, timed)| Row {
            class: "",
            cells: [name, version, timed].iter().map(|t| escape(t)).collect(),
        })
        .collect();
    let ran = table("What ran", &[("program", "range"), ("version", ""), ("how it was timed", "")], &versions);
    format!(
        "<section id=\"peers\">\n<h2>Beside other programs</h2>\n{tables}<p class=\"note\">The same rows, the same initial centroids, the same \
         rule for the end; runs of all programs are interleaved. Times are wall times of an iteration; reading the rows is apart. Over ours \
         is the median over that of our fastest cell with as many lanes, above 1 is slower, with a 95 % bootstrap interval. CPU is of an \
         iteration and all lanes together; memory is the largest resident set of one process. Inertia is computed by one function from \
         everybody's final centroids; off ours by is relative. Programs without a time are in the table of failures, with the \
         reason.</p>\n{ran}</section>\n"
    )
}

/// The three questions, for each group that answers them.
pub fn questions(summary: &Summary) -> String {
    let mut html = String::new();
    for group in &summary.groups {
        let answers = accuracy::answers(group);
        if answers.is_empty() {
            continue;
        }
        if summary.groups.len() > 1 {
            html.push_str(&format!("<h3>{}</h3>\n", escape(&show::heading(group))));
        }
        for answer in answers {
            let facts: Vec<String> = answer.facts.iter().map(|fact| format!("<li>{}</li>", escape(fact))).collect();
            html.push_str(&format!("<p>{}</p>\n<ul>{}</ul>\n", escape(answer.question), facts.join("\n")));
        }
    }
    match html.is_empty() {
        true => html,
        false => format!("<section id=\"questions\">\n<h2>More processes, and accuracy</h2>\n{html}</section>\n"),
    }
}

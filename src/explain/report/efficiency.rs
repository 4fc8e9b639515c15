//! Where the speedup went, and the efficiencies that say the same in other words.

use crate::explain::figure::View;
use crate::explain::pop::said;
use crate::explain::report::html::{Column, Row, escape, table};
use crate::explain::summary::Group;
use crate::explain::table::Align;

/// Where the speedup of the widest cell of the main group went; `None` where there is nothing to explain.
pub fn sentence(view: &View<'_>) -> Option<String> {
    let group = &view.summary.groups[view.main_group()?];
    said::sentence(said::widest(group)?, &group.base.as_ref()?.name)
}

/// Lost speedup by cause, one table a group; nothing where no cell has a speedup to lose.
pub fn lost(view: &View<'_>) -> String {
    let tables = tables(view, &said::LOST_COLUMNS, said::lost_rows);
    if tables.is_empty() {
        return String::new();
    }
    let mut untold: Vec<String> = view.summary.groups.iter().flat_map(said::untold).collect();
    untold.sort();
    untold.dedup();
    let untold: String = untold.iter().map(|why| format!("<p class=\"note\">{}.</p>\n", escape(why))).collect();
    format!(
        "<section id=\"lost\">\n<h2>Where the speedup went</h2>\n<p>What is missing from the ideal speedup, by cause. The parts add up; \
         a negative one is a gain.</p>\n{tables}<p class=\"note\">{}</p>\n{untold}</section>\n",
        escape(said::LOST_NOTE)
    )
}

/// POP efficiencies, one table a group; nothing where no phases were recorded.
pub fn pop(view: &View<'_>) -> String {
    let tables = tables(view, &said::POP_COLUMNS, said::pop_rows);
    if tables.is_empty() {
        return String::new();
    }
    format!(
        "<section id=\"pop\">\n<h2>Efficiencies</h2>\n<p>{}.</p>\n{tables}<p class=\"note\">{}</p>\n</section>\n",
        escape(said::POP),
        escape(said::POP_NOTE)
    )
}

/// A table a group, without columns that are empty in all its rows.
fn tables(view: &View<'_>, columns: &[(&'static str, Align)], rows: fn(&Group) -> Vec<Vec<String>>) -> String {
    let mut html = String::new();
    for (group, heading) in view.summary.groups.iter().zip(view.headings()) {
        let rows = rows(group);
        let filled: Vec<usize> = (0..columns.len()).filter(|i| rows.iter().any(|row| !row[*i].is_empty())).collect();
        let of = |align| if align == Align::Right { "number" } else { "range" };
        let titles: Vec<Column> = filled.iter().map(|i| (columns[*i].0, of(columns[*i].1))).collect();
        let cells = |row: &Vec<String>| filled.iter().map(|i| escape(&row[*i])).collect();
        let rows: Vec<Row> = rows.iter().map(|row| Row { class: "", cells: cells(row) }).collect();
        if !rows.is_empty() {
            html.push_str(&table(&heading, &titles, &rows));
        }
    }
    html
}

//! Laws of scaling: what limits each backend, and what more lanes would bring, modelled.

use crate::analysis::Analysis;
use crate::law::{Laws, render};
use crate::report_model::document::{Block, Class, Kind, Section, Table};
use crate::show;

/// Problems whose laws are tables of the document; the others are in the JSON of `amdahl show`.
const MOST: usize = 24;

/// A table a group; `None` where no backend has several lanes.
pub fn laws(analysis: &Analysis<'_>) -> Option<Section> {
    let mut section = Section::new("laws", "Laws of scaling");
    section.text(format!("{}.", render::HEADING));
    let several =
        |group: &&crate::summary::Group| group.cells.iter().any(|cell| cell.cell.lanes() > 1);
    let groups = || analysis.summary.groups.iter().filter(several);
    for group in groups().take(MOST) {
        add(&mut section, show::heading(group), analysis.laws(group));
    }
    for weak in analysis.weak().iter().take(MOST) {
        let rows = weak.laws.rows_per_lane.unwrap_or(0);
        let caption = format!(
            "{}, {} rows for each lane",
            weak.problem,
            amdahl_record::units::count(rows as f64)
        );
        add(&mut section, caption, std::slice::from_ref(&weak.laws));
    }
    if section.blocks.len() < 2 {
        return None;
    }
    let left_out = groups().count().saturating_sub(MOST);
    if left_out > 0 {
        section.note(format!(
            "The laws of {left_out} more problems are in 'amdahl show --format json'."
        ));
    }
    section.note(
        "Fitted to median times, weighted by their uncertainty; cells with more lanes than CPUs do not count. Brackets are 95 % intervals from \
         resampled repeats, wider where the law misses the times. An asterisk marks the law that best predicts each time from the others. The \
         largest deviation is that of a cell's time from the law. Speedups beyond what was measured are modelled.",
    );
    Some(section)
}

fn add(section: &mut Section, caption: String, laws: &[Laws]) {
    let kinds = [Kind::Range, Kind::Range, Kind::Words, Kind::Number, Kind::Number, Kind::Words];
    let columns: Vec<_> = render::COLUMNS.into_iter().zip(kinds).collect();
    let mut table = Table::new(caption, &columns);
    // Where every law of a backend is refused, a sentence says why: no table of refusals.
    let fitted = |laws: &&Laws| laws.laws.iter().any(|law| law.fit.is_some());
    for row in laws.iter().filter(fitted).flat_map(render::rows) {
        table.row(Class::Plain, row);
    }
    if table.rows.is_empty() {
        section.blocks.push(Block::Heading { text: table.caption.clone() });
    }
    section.table(table.without_empty_columns());
    let mut refused: Vec<(String, Vec<&str>)> = Vec::new();
    for one in laws.iter().filter(|laws| !fitted(laws)) {
        let why = one
            .laws
            .iter()
            .find_map(|law| Some(format!("{}: {}", law.name, law.refused.as_ref()?)));
        let why = why.unwrap_or_else(|| "no reason given".into());
        match refused.iter_mut().find(|(known, _)| *known == why) {
            Some((_, backends)) => backends.push(&one.backend),
            None => refused.push((why, vec![&one.backend])),
        }
    }
    for (why, backends) in refused {
        section.text(format!("No law can be fitted to {} ({why}).", backends.join(", ")));
    }
    let next = laws.iter().filter_map(|laws| laws.next.as_ref());
    let words: Vec<String> = next.map(|next| format!("{}.", next.words)).collect();
    if !words.is_empty() {
        section.text("Worth measuring next:");
        section.list(words);
    }
}

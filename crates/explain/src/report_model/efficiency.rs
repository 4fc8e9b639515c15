//! Where the speedup went, and the efficiencies that say the same in other words.

use crate::figure::View;
use crate::pop::{Explanations, render};
use crate::report_model::document::{Class, Section, Table};
use crate::summary::Group;
use crate::table::Align;

/// Where the speedup of the widest cell of the main group went; `None` where there is nothing to
/// explain.
pub fn sentence(view: &View<'_>) -> Option<String> {
    let group = &view.summary.groups[view.main_group()?];
    let explained = &view.analysis.group(group).explained;
    let cell = render::widest(group, explained)?;
    Some(render::sentence(cell, explained.lost(cell)?, &group.base.as_ref()?.name))
}

/// Lost speedup by cause, one table a group; `None` where no cell has a speedup to lose.
pub fn lost(view: &View<'_>) -> Option<Section> {
    let mut section = Section::new("lost", "Where the speedup went");
    section.text("What is missing from the ideal speedup, by cause. The parts add up; a negative one is a gain.");
    if !tables(&mut section, view, &render::LOST_COLUMNS, render::lost_rows) {
        return None;
    }
    section.note(render::LOST_NOTE);
    let of_group = |group| render::untold(group, &view.analysis.group(group).explained);
    let mut untold: Vec<String> = view.summary.groups.iter().flat_map(of_group).collect();
    untold.sort();
    untold.dedup();
    untold.into_iter().for_each(|why| section.note(format!("{why}.")));
    Some(section)
}

/// POP efficiencies, one table a group; `None` where no phases were recorded.
pub fn pop(view: &View<'_>) -> Option<Section> {
    let mut section = Section::new("pop", "Efficiencies");
    section.text(format!("{}.", render::POP));
    if !tables(&mut section, view, &render::POP_COLUMNS, render::pop_rows) {
        return None;
    }
    section.note(render::POP_NOTE);
    Some(section)
}

/// A table a group, without columns that are empty in all its rows. Is there one at all?
fn tables(
    section: &mut Section,
    view: &View<'_>,
    columns: &[(&'static str, Align)],
    rows: fn(&Group, &Explanations) -> Vec<Vec<String>>,
) -> bool {
    let before = section.blocks.len();
    let columns: Vec<_> = columns.iter().map(|(title, align)| (*title, (*align).into())).collect();
    for (group, heading) in view.summary.groups.iter().zip(view.headings()) {
        let mut table = Table::new(heading, &columns);
        let rows = rows(group, &view.analysis.group(group).explained);
        rows.into_iter().for_each(|row| table.row(Class::Plain, row));
        section.table(table.without_empty_columns());
    }
    section.blocks.len() > before
}

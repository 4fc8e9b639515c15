//! Tables of cells: all of them, those that failed, and how many lanes beat one thread.

use crate::analysis::Analysis;
use crate::report_model::document::{Block, Class, Kind, Section, Table};
use crate::show::Scale;
use crate::summary::{Group, Summary};
use crate::{bandwidth, cost_metric, labels, show};

/// How many lanes it takes to beat one thread, a table for each group; `None` where there is none.
pub fn costs(analysis: &Analysis<'_>) -> Option<Section> {
    let columns = cost_metric::COLUMNS.map(|(title, align)| (title, align.into()));
    let mut section = Section::new("cost", "COST");
    for group in &analysis.summary.groups {
        let costs = &analysis.group(group).cost;
        if cost_metric::heading(group, costs).is_none() {
            continue;
        }
        let mut table = Table::new(show::heading(group), &columns);
        cost_metric::rows(costs).for_each(|row| table.row(Class::Plain, row));
        section.table(table);
    }
    if section.blocks.is_empty() {
        return None;
    }
    section.note(
        "The fewest lanes whose time is shown to be less than that of one serial thread: the whole 95 % interval of the ratio of medians lies above \
         1. Lanes that the interval does not rule out are named too; cells with more lanes than CPUs do not count. After McSherry, Isard and \
         Murray, \u{201c}Scalability! But at what COST?\u{201d}, HotOS XV, 2015.",
    );
    Some(section)
}

/// Bandwidth of the phases that are there to move bytes; `None` where there are none.
pub fn bandwidth(analysis: &Analysis<'_>) -> Option<Section> {
    let columns = bandwidth::COLUMNS.map(|(title, align)| (title, align.into()));
    let mut section = Section::new("bandwidth", "Bandwidth");
    for group in &analysis.summary.groups {
        let mut table = Table::new(show::heading(group), &columns);
        let rows = bandwidth::rows(group, &analysis.group(group).bandwidth);
        rows.into_iter().for_each(|row| table.row(Class::Plain, row));
        section.table(table);
    }
    if section.blocks.is_empty() {
        return None;
    }
    section.note(
        "Bytes that the phase moves in all iterations, as the workload counts them, over the seconds \
         that the slowest lane was in it; waiting for the others is apart. Lines that caches read \
         before they are written to are not counted. The median of the repeats has a 95 % bootstrap \
         interval; the best repeat is what STREAM tells.",
    );
    Some(section)
}

/// All cells, one table a group.
pub fn cells(summary: &Summary) -> Section {
    let mut section = Section::new("cells", "All cells").in_appendix();
    for group in &summary.groups {
        section.table(cell_table(group));
        section.note(format!("{}.", show::base_line(group)));
        show::price_line(group).into_iter().for_each(|line| section.note(format!("{line}.")));
    }
    let mut operations: Vec<&str> =
        summary.groups.iter().map(|group| labels::operations(&group.workload)).collect();
    operations.sort_unstable();
    operations.dedup();
    section.note(format!(
        "Ranges are 95 % bootstrap intervals. Efficiency is speedup over lanes; an accelerator has none over processors. Imbalance is the largest over the mean useful time of the lanes. Wait \
         is the share of the time that lanes wait, on average, for the slowest. Of floor is modelled: the least time of an iteration that the \
         machine's measured limits (of accelerators, published figures) allow, over the time that it took; empty where there are no limits. Of {}: those made over those of the plain method, where some were spared. The id names the cell for 'amdahl show \
         --cell'.",
        operations.join(" and ")
    ));
    section
}

fn cell_table(group: &Group) -> Table {
    let scale = Scale::of(group.cells.iter().filter_map(|c| c.time).map(|t| t.value));
    let (time, price) = (format!("time/{}", scale.unit), show::price_column(group));
    let columns = [
        ("cell", Kind::Range),
        ("lanes", Kind::Number),
        ("n", Kind::Number),
        (time.as_str(), Kind::Number),
        ("95 %", Kind::Range),
        ("speedup", Kind::Number),
        ("95 %", Kind::Range),
        ("efficiency", Kind::Number),
        ("imbalance", Kind::Number),
        ("wait", Kind::Number),
        ("of floor", Kind::Number),
        (labels::operations(&group.workload), Kind::Number),
        (price.as_str(), Kind::Number),
        ("note", Kind::Words),
        ("id", Kind::Range),
    ];
    let mut table = Table::new(show::heading(group), &columns);
    let base = group.base.as_ref().map(|base| &base.cell);
    for cell in &group.cells {
        let class = match () {
            () if cell.time.is_none() => Class::Failed,
            () if base == Some(&cell.id) => Class::Base,
            () => Class::Plain,
        };
        let mut row = show::row(cell, group, &scale);
        row.push(cell.id.0.clone());
        table.row(class, row);
    }
    table.without_empty_columns()
}

/// Bad ends with their reasons; `None` where there are none.
pub fn failures(summary: &Summary) -> Option<Section> {
    let columns = [
        ("cell", Kind::Range),
        ("of", Kind::Words),
        ("what", Kind::Range),
        ("repeats", Kind::Range),
        ("reason of the newest", Kind::Words),
    ];
    let mut table = Table::new("Repeats without a result; their times count for nothing", &columns);
    for (group, cell) in summary.groups.iter().flat_map(|g| g.cells.iter().map(move |c| (g, c))) {
        for failure in &cell.failures {
            let cells = vec![
                labels::cell(&cell.cell),
                show::heading(group),
                failure.what.clone(),
                format!("{} of {}", failure.count, cell.failed() + cell.repeats.len()),
                labels::one_line(&failure.reason, 600),
            ];
            table.row(Class::Failed, cells);
        }
    }
    let mut section = Section::new("failures", "Failures");
    section.table(table);
    (!section.blocks.is_empty()).then_some(section)
}

/// The figures, in their order.
pub fn figures<'n>(names: impl Iterator<Item = &'n str>) -> Section {
    let mut section = Section::new("figures", "Figures");
    section.blocks = names.map(|name| Block::Figure { name: name.into() }).collect();
    section
}

//! Metrics for people and for programs.

use serde::Serialize;
use serde_json::json;

use crate::analysis::Analysis;
use crate::export::{FORMAT, pretty};
use crate::labels;
use crate::metric::{Entry, OfCell, all, of};
use crate::pop::{Explanations, render};
use crate::show::heading;
use crate::summary::{Group, Summary};
use crate::table::{Align, Table, escape};
use crate::terminal::Style;
use amdahl_record::Provenance;
use amdahl_record::error::{Error, Result};
use amdahl_record::simulation;
use amdahl_record::units;

/// Cells side by side in one table.
const WIDE: usize = 8;

/// The part of the tables that is computed from counts of one kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Real,
    Simulated(&'static str),
}

impl Kind {
    fn of(entry: &Entry) -> Kind {
        entry.last_level.map_or(Kind::Real, Kind::Simulated)
    }

    fn title(self, summary: &Summary) -> String {
        let phases = summary.computing_in_words(" + ");
        match self {
            Kind::Real => format!("Metrics of computing ({phases}), all lanes"),
            Kind::Simulated(last) => format!(
                "SIMULATED metrics of computing ({phases}), all lanes; the last level stands for the {last}; the model: {}",
                simulation::LIMITS
            ),
        }
    }
}

/// Efficiencies and metrics as plain text, each line ended.
pub fn text(analysis: &Analysis<'_>, style: Style) -> String {
    let summary = analysis.summary;
    let mut lines = Vec::new();
    let table = |title: &str, lines: &mut Vec<String>, table: &Table| {
        lines.push(format!("  {title}"));
        for (i, line) in table.text().into_iter().enumerate() {
            lines.push(format!("    {}", if i == 0 { style.faint(&line) } else { line }));
        }
    };
    let cells = of(summary);
    let mut rest = cells.as_slice();
    for group in &summary.groups {
        let (mine, others) = rest.split_at(group.cells.len());
        rest = others;
        let explained = &analysis.group(group).explained;
        lines.push(style.strong(&heading(group)));
        if explained.has_pop() {
            table(render::POP, &mut lines, &render::pop_table(group, explained));
        }
        for (title, of_kind) in tables(summary, mine) {
            table(&title, &mut lines, &of_kind);
        }
        lines.extend(missing(mine).into_iter().map(|line| format!("  {line}")));
        lines.extend(untold(group, explained).into_iter().map(|line| format!("  {line}")));
        lines.push(String::new());
    }
    lines.push(
        style.faint(
            "Formulas: docs/metrics.md, or --format json. Per phase and lane: --format csv.",
        ),
    );
    lines.join("\n") + "\n"
}

/// The same as Markdown.
pub fn markdown(analysis: &Analysis<'_>) -> String {
    let summary = analysis.summary;
    let mut text = String::new();
    let cells = of(summary);
    let mut rest = cells.as_slice();
    for group in &summary.groups {
        let (mine, others) = rest.split_at(group.cells.len());
        rest = others;
        let explained = &analysis.group(group).explained;
        text.push_str(&format!("## {}\n\n", escape(&heading(group))));
        if explained.has_pop() {
            text.push_str(&format!(
                "{}\n\n{}\n",
                escape(render::POP),
                render::pop_table(group, explained).markdown()
            ));
        }
        for (title, table) in tables(summary, mine) {
            text.push_str(&format!("{}\n\n{}\n", escape(&title), table.markdown()));
        }
        for line in missing(mine).into_iter().chain(untold(group, explained)) {
            text.push_str(&format!("- {}\n", escape(&line)));
        }
        text.push('\n');
    }
    text
}

/// Why efficiencies have no counter parts, and why cells have none at all: each reason once.
fn untold(group: &Group, explained: &Explanations) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for cell in &group.cells {
        let Some(explained) = explained.cell(cell) else { continue };
        let parts = explained.pop.as_ref().and_then(|pop| pop.counters_why.as_ref());
        let parts = parts.map(|why| format!("Efficiencies without counter parts: {why}"));
        let none = explained
            .why
            .as_ref()
            .map(|why| format!("No efficiencies of {}: {why}", labels::cell(&cell.cell)));
        lines.extend(parts.or(none).map(|line| labels::one_line(&line, 240)));
    }
    let mut seen = std::collections::BTreeSet::new();
    lines.retain(|line| seen.insert(line.clone()));
    lines
}

fn tables(summary: &Summary, cells: &[OfCell]) -> Vec<(String, Table)> {
    let mut kinds: Vec<Kind> = Vec::new();
    for entry in cells.iter().flat_map(|cell| &cell.entries).filter(|e| e.value.is_some()) {
        if !kinds.contains(&Kind::of(entry)) {
            kinds.push(Kind::of(entry));
        }
    }
    let mut tables = Vec::new();
    for kind in kinds {
        for some in cells.chunks(WIDE) {
            let mut table = Table::new(&[
                ("metric", Align::Left),
                ("unit", Align::Left),
                ("from", Align::Left),
            ]);
            let mut columns: Vec<(&str, Align)> =
                vec![("metric", Align::Left), ("unit", Align::Left), ("from", Align::Left)];
            columns.extend(some.iter().map(|cell| (cell.name.as_str(), Align::Right)));
            let mut rows = Vec::new();
            for metric in all() {
                let of_cell = |cell: &OfCell| {
                    let mine = cell
                        .entries
                        .iter()
                        .filter(|e| e.metric == metric.name && Kind::of(e) == kind);
                    mine.filter(|e| e.phase == "computing" && e.lane.is_none())
                        .find_map(|e| e.value.zip(e.from))
                };
                let values: Vec<Option<(f64, Provenance)>> = some.iter().map(of_cell).collect();
                let Some((_, from)) = values.iter().flatten().next() else { continue };
                let mut row = vec![metric.name.to_string(), metric.unit.to_string(), source(*from)];
                row.extend(
                    values
                        .iter()
                        .map(|value| value.map_or(String::new(), |(value, _)| number(value))),
                );
                rows.push(row);
            }
            if !rows.is_empty() {
                table = Table::new(&columns);
                rows.into_iter().for_each(|row| table.row(row));
            }
            tables.push((kind.title(summary), table));
        }
    }
    tables
}

/// Metrics without a value in any cell, by reason.
fn missing(cells: &[OfCell]) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for metric in all() {
        let entries = || cells.iter().flat_map(|c| &c.entries).filter(|e| e.metric == metric.name);
        if entries().any(|e| e.value.is_some()) {
            continue;
        }
        let Some(why) = entries().find_map(|e| e.why.clone()) else { continue };
        // "cycles: no such counter" and "instructions: no such counter" are one reason.
        let why = why.split_once(": ").map_or(why.clone(), |(_, rest)| rest.to_string());
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, metrics)) => metrics.push(&metric.name),
            None => reasons.push((why, vec![metric.name.as_str()])),
        }
    }
    let lines = reasons
        .into_iter()
        .map(|(why, metrics)| format!("Not known ({why}): {}", metrics.join(", ")));
    lines.map(|line| labels::one_line(&line, 400)).collect()
}

/// Where a value comes from, in a word.
pub fn source(from: Provenance) -> String {
    match from {
        Provenance::Measured => "measured".into(),
        Provenance::Multiplexed { coverage } => {
            format!("multiplexed, {:.0} % counted", 100.0 * coverage)
        }
        Provenance::Simulated => "simulated".into(),
        Provenance::Modelled => "modelled".into(),
    }
}

/// Three digits that count; very large and very small ones with an exponent.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e7).contains(&size) => format!("{value:.2e}"),
        size if size < 1.0 => format!("{value:.3}"),
        size if size >= 1000.0 => units::count(value),
        _ => units::significant(value),
    }
}

/// Efficiencies, metrics by phase and lane, and the definitions.
///
/// # Errors
/// Internal, when JSON cannot be written.
pub fn json(analysis: &Analysis<'_>) -> Result<String> {
    let summary = analysis.summary;
    let definitions: Vec<_> = all()
        .map(
            |m| json!({ "metric": m.name, "unit": m.unit, "formula": m.formula, "about": m.about }),
        )
        .collect();
    let cells = summary.groups.iter().flat_map(|g| g.cells.iter().map(move |c| (g, c)));
    let cells: Vec<_> = (cells.zip(of(summary)))
        .map(|((group, cell), metrics)| {
            let explained = analysis.group(group).explained.cell(cell);
            json!({
                "cell": cell.id, "name": metrics.name, "problem": heading(group),
                "pop": explained.and_then(|e| e.pop.as_ref()),
                "pop_why": explained.and_then(|e| e.why.as_ref()),
                "lost": explained.and_then(|e| e.lost.as_ref()), "metrics": metrics.entries,
            })
        })
        .collect();
    pretty(
        &json!({ "format": FORMAT, "definitions": definitions, "simulation_limits": simulation::LIMITS, "cells": cells }),
    )
}

#[derive(Serialize)]
struct Row<'a> {
    cell: &'a str,
    name: &'a str,
    problem: &'a str,
    backend: &'a str,
    ranks: u32,
    threads: u32,
    lanes: u32,
    metric: &'a str,
    unit: &'a str,
    phase: &'a str,
    lane: Option<usize>,
    value: Option<f64>,
    from: Option<String>,
    last_level: Option<&'a str>,
    why: Option<&'a str>,
}

/// One row a value: metrics by phase and lane, and the efficiencies as metrics that begin with
/// `POP`. An empty field means missing.
///
/// # Errors
/// Internal, when CSV cannot be written.
pub fn csv(analysis: &Analysis<'_>) -> Result<String> {
    let summary = analysis.summary;
    let broken =
        |error: &dyn std::fmt::Display| Error::internal(format!("cannot write CSV: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let cells = summary.groups.iter().flat_map(|g| g.cells.iter().map(move |c| (g, c)));
    for ((group, cell), metrics) in cells.zip(of(summary)) {
        let problem = heading(group);
        let row = Row {
            cell: &cell.id.0,
            name: &metrics.name,
            problem: &problem,
            backend: cell.cell.backend.name(),
            ranks: cell.cell.ranks,
            threads: cell.cell.threads,
            lanes: cell.cell.lanes(),
            metric: "",
            unit: "1",
            phase: "timed",
            lane: None,
            value: None,
            from: None,
            last_level: None,
            why: None,
        };
        for (metric, value, from) in
            analysis.group(group).explained.pop(cell).into_iter().flat_map(render::values)
        {
            let from = value.and(Some(from.into()));
            writer.serialize(Row { metric, value, from, ..row }).map_err(|e| broken(&e))?;
        }
        for e in &metrics.entries {
            let (from, why) = (e.from.map(source), e.why.as_deref());
            let Entry { metric, unit, phase, lane, value, last_level, .. } = *e;
            let filled = Row { metric, unit, phase, lane, value, from, last_level, why, ..row };
            writer.serialize(filled).map_err(|e| broken(&e))?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| broken(&e))?;
    String::from_utf8(bytes).map_err(|e| broken(&e))
}

//! A plan as text and as JSON.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Row, View};
use amdahl_explain::table::{Align, Table};
use amdahl_record::error::{Error, Result};
use amdahl_record::units;
use amdahl_run::plan::cost::Basis;
use amdahl_run::plan::only::value;
use amdahl_run::plan::parameters;

/// Columns that are always there; of the other parameters, those that differ between cells.
const ALWAYS: [&str; 6] = ["backend", "ranks", "threads", "k", "points", "dims"];

/// What all missing repeats are expected to cost.
struct Total {
    repeats: u32,
    done: u32,
    /// Cells of which it cannot be told how many repeats are done.
    untold: usize,
    seconds: f64,
    /// Cells with missing repeats of unknown cost.
    unknown: usize,
    /// Words of the estimates that it is made from.
    words: BTreeSet<&'static str>,
}

fn total(view: &View<'_>) -> Total {
    let mut total =
        Total { repeats: 0, done: 0, untold: 0, seconds: 0.0, unknown: 0, words: BTreeSet::new() };
    for row in &view.rows {
        total.repeats += row.planned.repeats;
        let done = row.done.unwrap_or(0);
        total.done += done;
        total.untold += usize::from(row.done.is_none());
        let missing = row.planned.repeats - done;
        match row.cost.seconds {
            _ if missing == 0 => {}
            None => total.unknown += 1,
            Some(seconds) => {
                total.seconds += seconds * f64::from(missing);
                total.words.insert(row.cost.basis.word());
            }
        }
    }
    total
}

/// A table of the cells, what is left out and why, and the total.
pub(super) fn text(view: &View<'_>) -> String {
    let experiment = &view.plan.experiment;
    let mut lines = vec![match experiment.title == experiment.name {
        true => experiment.name.clone(),
        false => format!("{}: {}", experiment.name, experiment.title),
    }];
    if !experiment.question.is_empty() {
        lines.push(experiment.question.clone());
    }
    let repeats = match experiment.repeats {
        1 => "once".to_string(),
        n => format!("{n} times"),
    };
    let limit = units::seconds(experiment.time_limit_s);
    lines.push(format!(
        "Each cell {repeats}, ended after {limit}, on {}; results in {}.",
        view.machine.words(),
        view.results.display()
    ));
    lines.push(String::new());
    lines.extend(cells(view).text());
    if view.rows.iter().any(|row| !row.planned.asked) {
        lines.push(String::new());
        lines.push(
            "oracle: not asked for by the axes; it runs once, and the answers of others are checked against its."
                .into(),
        );
    }
    if !view.plan.left_out.is_empty() {
        lines.push(String::new());
        lines.push("Left out:".into());
        for one in &view.plan.left_out {
            let times = if one.combinations > 1 {
                format!(" ({} times)", one.combinations)
            } else {
                String::new()
            };
            lines.push(format!("  {}{times}: {}", one.what, one.why));
        }
    }
    lines.push(String::new());
    lines.push(sum(view));
    lines.extend(view.notes.iter().map(|note| format!("Note: {note}")));
    lines.join("\n") + "\n"
}

fn cells(view: &View<'_>) -> Table {
    let on = |row: &Row<'_>, name: &str| value(&row.planned.cell, &row.planned.id, name);
    let more: Vec<&str> = parameters::names()
        .into_iter()
        .filter(|name| !ALWAYS.contains(name))
        .filter(|name| view.rows.iter().map(|row| on(row, name)).collect::<BTreeSet<_>>().len() > 1)
        .collect();
    let mut columns = vec![("id", Align::Left), ("backend", Align::Left)];
    columns.extend(ALWAYS[1..].iter().map(|name| (*name, Align::Right)));
    columns.extend(more.iter().map(|name| (*name, Align::Left)));
    columns.extend([
        ("done", Align::Right),
        ("cost", Align::Right),
        ("that is", Align::Left),
        ("", Align::Left),
    ]);
    let mut table = Table::new(&columns);
    for row in &view.rows {
        let size = |known: Option<u64>| known.map_or("?".into(), |n| units::count(n as f64));
        let mut line = vec![row.planned.id.0.clone()];
        line.extend(ALWAYS[..4].iter().map(|name| on(row, name).unwrap_or_default()));
        line.extend([size(row.shape.0), size(row.shape.1)]);
        line.extend(more.iter().map(|name| on(row, name).unwrap_or_default()));
        let done = row.done.map_or("?".into(), |done| done.to_string());
        line.push(format!("{done}/{}", row.planned.repeats));
        line.push(row.cost.seconds.map_or("?".into(), units::seconds));
        line.push(match &row.cost.basis {
            Basis::Measured { repeats } => format!("median of {repeats}"),
            basis => basis.word().into(),
        });
        line.push(notes(row));
        table.row(line);
    }
    table.without_empty_columns()
}

/// What is special about a cell.
fn notes(row: &Row<'_>) -> String {
    let over = row.planned.cell.oversubscribe.then_some("oversubscribed");
    over.into_iter().chain((!row.planned.asked).then_some("oracle")).collect::<Vec<_>>().join(", ")
}

fn sum(view: &View<'_>) -> String {
    let total = total(view);
    let missing = total.repeats - total.done;
    let cells = match view.rows.len() {
        1 => "1 cell".to_string(),
        n => format!("{n} cells"),
    };
    if missing == 0 {
        return format!("{cells}, all {} repeats are done.", total.repeats);
    }
    let least = if total.untold > 0 { "at least " } else { "" };
    let mut sum = format!("{cells}, {least}{} of {} repeats are done", total.done, total.repeats);
    if !total.words.is_empty() {
        let words: Vec<&str> = total.words.iter().copied().collect();
        sum.push_str(&format!(
            "; the other {missing} take about {} ({})",
            units::seconds(total.seconds),
            words.join("; ")
        ));
    }
    match total.unknown {
        0 => {}
        1 => sum.push_str("; 1 cell of unknown cost comes on top"),
        n => sum.push_str(&format!("; {n} cells of unknown cost come on top")),
    }
    sum + "."
}

/// Everything, for programs.
pub(super) fn json(view: &View<'_>) -> Result<String> {
    let total = total(view);
    let cells: Vec<_> = view
        .rows
        .iter()
        .map(|row| {
            let (why, repeats) = match &row.cost.basis {
                Basis::Unknown(why) => (Some(why), None),
                Basis::Measured { repeats } => (None, Some(repeats)),
                Basis::Modelled | Basis::AtMost => (None, None),
            };
            json!({
                "id": row.planned.id,
                "oracle": row.planned.oracle,
                "cell": row.planned.cell,
                "points": row.shape.0,
                "dims": row.shape.1,
                "repeats": row.planned.repeats,
                "done": row.done,
                "cost": {
                    "seconds": row.cost.seconds,
                    "from": row.cost.basis.word(),
                    "repeats": repeats,
                    "why": why,
                },
            })
        })
        .collect();
    let value = json!({
        // A path that is no text is shown as far as it is.
        "manifest": view.manifest.to_string_lossy(),
        "results": view.results.to_string_lossy(),
        "cpus": view.machine.cpus,
        "nodes": view.machine.nodes,
        "experiment": view.plan.experiment,
        "cells": cells,
        "left_out": view.plan.left_out,
        "total": {
            "cells": view.rows.len(),
            "repeats": total.repeats,
            "done": total.done,
            "cells_of_unknown_done": total.untold,
            "seconds": total.seconds,
            "cells_of_unknown_cost": total.unknown,
        },
        "notes": view.notes,
    });
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(|e| Error::internal(format!("the plan does not become JSON: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_run::plan::cost::Estimator;
    use amdahl_run::plan::{Machine, parse};
    use std::path::Path;

    #[test]
    fn the_table_is_what_it_was() {
        let text = r#"
            [experiment]
            title = "A sample"
            question = "What does a plan look like?"
            base = "mpi"
            time-limit = "5 min"
            [workload]
            kind = "kmeans"
            [dataset]
            [axes]
            dataset = ["digits", "iris"]
            k = [10, 3]
            zip = [["dataset", "k"]]
            backend = ["threads", "mpi", "hybrid"]
            ranks = [2]
            threads = [2, 8]
            oversubscribe = [{ backend = "threads" }]
        "#;
        let (path, machine) = (Path::new("sample.toml"), Machine::of(4));
        let plan = parse(text, path, machine).expect("a good manifest");
        let estimator = Estimator::default();
        let rows = plan.cells.iter().enumerate().map(|(i, planned)| Row {
            planned,
            done: (i != 2).then_some(u32::from(i == 0)),
            cost: estimator.cost(planned, machine),
            shape: estimator.shape(planned),
        });
        let results = Path::new("results/sample");
        let view = View {
            manifest: path,
            results,
            machine,
            plan: &plan,
            rows: rows.collect(),
            notes: vec!["a note".into()],
        };
        let shown = super::text(&view);
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/plan.txt");
        if std::env::var_os("AMDAHL_BLESS").is_some() {
            std::fs::write(&golden, &shown).expect("golden files can be written");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert!(
            shown == expected,
            "tests/golden/plan.txt differs; AMDAHL_BLESS=1 writes it anew. Now:\n{shown}"
        );
    }
}

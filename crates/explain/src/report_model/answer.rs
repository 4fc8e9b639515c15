//! The answer in words, computed from the data.

use std::collections::BTreeSet;

use crate::figure::{Drawing, View};
use crate::report_model::document::{Class, Kind, Section, Table};
use crate::report_model::efficiency;
use crate::summary::{CellSummary, Group, Summary};
use crate::{labels, peer_comparison};
use amdahl_record::units;
use amdahl_stats::Estimate;

/// How much the document stands on, in a sentence.
pub fn counts(summary: &Summary) -> String {
    let cells = || summary.groups.iter().flat_map(|g| &g.cells);
    let good: usize = cells().map(|c| c.repeats.len()).sum();
    let bad: usize = cells().map(CellSummary::failed).sum();
    let plural = |n: usize, what: &str| {
        format!("{} {what}{}", units::count(n as f64), if n == 1 { "" } else { "s" })
    };
    let failed =
        if bad == 0 { String::new() } else { format!(", {} that failed", plural(bad, "repeat")) };
    format!(
        "{}, {} with the right answer{failed}.",
        plural(cells().count(), "cell"),
        plural(good, "repeat")
    )
}

/// Findings in an answer, at most: the figures say the others.
const FINDINGS: usize = 5;

/// The answer, its most important sentence first.
pub fn answer(view: &View<'_>, drawings: &[Drawing]) -> Vec<String> {
    let mut sentences = Vec::new();
    let drawn = |name: &str| drawings.iter().any(|drawing| drawing.name == name);
    match view.main_group().and_then(|group| view.summary.groups[group].base.as_ref()) {
        None => sentences.push("No speedup can be stated: the base has no good repeat.".into()),
        Some(base) if !drawn("speedup") && !drawn("weak") => sentences.push(format!(
            "Nothing was measured on more lanes than the base, {}, which takes {}.",
            base.name,
            units::seconds(base.time.value)
        )),
        Some(_) => {}
    }
    for (i, drawing) in drawings.iter().take(FINDINGS).enumerate() {
        sentences.push(format!("{}.", drawing.title));
        if i == 0 {
            sentences.extend(efficiency::sentence(view));
            sentences.extend(against_others(view));
        }
    }
    sentences
}

/// What came of the race with outside programs, on the main problem; `None` where there was none.
fn against_others(view: &View<'_>) -> Option<String> {
    let ranks = |i: usize| &view.analysis.group(&view.summary.groups[i]).ranks;
    let raced = |i: &usize| peer_comparison::heading(ranks(*i)).is_some();
    let index =
        view.main_group().filter(raced).or_else(|| (0..view.summary.groups.len()).find(raced))?;
    let findings = peer_comparison::findings(ranks(index));
    let scope = if view.summary.groups.len() > 1 {
        format!(" ({})", view.headings()[index])
    } else {
        String::new()
    };
    Some(format!("Beside other programs{scope}: {}.", findings.first()?))
}

/// The fastest cell of each backend for every problem.
pub fn fastest(view: &View<'_>) -> Section {
    let mut section = Section::new("fastest", "Fastest of each backend");
    let headings = view.headings();
    if headings.len() <= 2 {
        for (i, heading) in headings.iter().enumerate() {
            section.text(in_words(view, i, heading));
        }
    } else {
        section.table(in_a_table(view, &headings));
    }
    section
}

/// The fastest cell of a backend.
struct Best {
    name: String,
    seconds: f64,
    speedup: Option<f64>,
    interval: Option<(f64, f64)>,
    efficiency: Option<f64>,
}

/// The fastest cell of each backend in a group, the base's own cell left out, fastest first.
fn best(group: &Group) -> Vec<Best> {
    let base = group.base.as_ref().map(|base| &base.cell);
    let others = group.cells.iter().filter(|cell| Some(&cell.id) != base);
    let mut timed: Vec<(&CellSummary, f64)> =
        others.filter_map(|cell| Some((cell, cell.time?.value))).collect();
    timed.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut backends = BTreeSet::new();
    timed.retain(|(cell, _)| backends.insert(labels::series(&cell.cell)));
    let best = |(cell, seconds): (&CellSummary, f64)| Best {
        name: labels::in_words(&cell.cell),
        seconds,
        speedup: cell.speedup.map(|speedup| speedup.value),
        interval: cell.speedup.and_then(|speedup| speedup.interval).map(|i| (i.low, i.high)),
        efficiency: cell.efficiency.map(|efficiency| efficiency.value),
    };
    timed.into_iter().map(best).collect()
}

fn in_words(view: &View<'_>, index: usize, heading: &str) -> String {
    let group = &view.summary.groups[index];
    let mut text = match &group.base {
        Some(base) => format!(
            "For {heading}, {} takes {}.",
            base.name,
            with_interval(base.time, &units::seconds)
        ),
        None => format!("For {heading} no speedup can be stated: the base has no good repeat."),
    };
    let mut parts = Vec::new();
    for best in best(group) {
        let mut part = format!("{} ({}", best.name, units::seconds(best.seconds));
        if let Some(speedup) = best.speedup {
            part.push_str(&format!(", {speedup:.2} times as fast"));
        }
        if let Some((low, high)) = best.interval {
            part.push_str(&format!(", 95 % interval {low:.2} to {high:.2}"));
        }
        if let Some(efficiency) = best.efficiency {
            part.push_str(&format!(", efficiency {:.0} %", efficiency * 100.0));
        }
        parts.push(part + ")");
    }
    if !parts.is_empty() {
        text.push_str(&format!(" Fastest of each backend: {}.", parts.join("; ")));
    }
    let failed = without_result(group);
    if !failed.is_empty() {
        text.push_str(&format!(" Without a result: {}.", failed.join(", ")));
    }
    text
}

fn in_a_table(view: &View<'_>, headings: &[String]) -> Table {
    let columns = [
        ("problem", Kind::Words),
        ("base", Kind::Range),
        ("fastest of a backend", Kind::Range),
        ("time", Kind::Number),
        ("speedup", Kind::Number),
        ("95 %", Kind::Range),
        ("efficiency", Kind::Number),
    ];
    let mut table =
        Table::new("The fastest cell of each backend, and cells without a result", &columns);
    for (group, heading) in view.summary.groups.iter().zip(headings) {
        let base = group.base.as_ref();
        let base = base.map_or("no good repeat".into(), |b| {
            format!("{}, {}", b.name, units::seconds(b.time.value))
        });
        let found = best(group);
        let mut add = |class, rest: [String; 5]| {
            table.row(class, [heading.clone(), base.clone()].into_iter().chain(rest).collect());
        };
        for best in found {
            let or_none = |value: Option<String>| value.unwrap_or_default();
            add(
                Class::Plain,
                [
                    best.name,
                    units::seconds(best.seconds),
                    or_none(best.speedup.map(|s| format!("{s:.2}"))),
                    or_none(best.interval.map(|(low, high)| format!("{low:.2} to {high:.2}"))),
                    or_none(best.efficiency.map(|e| format!("{:.0} %", e * 100.0))),
                ],
            );
        }
        for failed in without_result(group) {
            add(Class::Failed, [failed, "-".into(), String::new(), String::new(), String::new()]);
        }
    }
    table
}

fn without_result(group: &Group) -> Vec<String> {
    (group.cells.iter().filter(|c| c.time.is_none()))
        .map(|c| {
            format!(
                "{} ({})",
                labels::in_words(&c.cell),
                c.failures.first().map_or("no repeat", |f| &f.what)
            )
        })
        .collect()
}

fn with_interval(estimate: Estimate, show: &dyn Fn(f64) -> String) -> String {
    match estimate.interval {
        Some(i) => format!(
            "{} (median of {}, {:.0} % interval {} to {})",
            show(estimate.value),
            estimate.n,
            i.level * 100.0,
            show(i.low),
            show(i.high)
        ),
        None => {
            format!("{} (median of {}, too few for an interval)", show(estimate.value), estimate.n)
        }
    }
}

//! The findings: answer, warnings, figures, cells, failures.

use crate::error::Result;
use crate::explain::figure::{Drawing, View};
use crate::explain::frame::{numbers, words};
use crate::explain::report::efficiency;
use crate::explain::report::html::{Column, Row, escape, table};
use crate::explain::show::Scale;
use crate::explain::summary::{CellSummary, Group, Summary};
use crate::explain::table::Align;
use crate::explain::{cost, names, show};
use crate::record::Phase;
use crate::stats::Estimate;
use crate::units;

/// How much the page stands on, in a sentence.
pub fn counts(summary: &Summary) -> String {
    let cells = || summary.groups.iter().flat_map(|g| &g.cells);
    let good: usize = cells().map(|c| c.repeats.len()).sum();
    let bad: usize = cells().map(CellSummary::failed).sum();
    let plural = |n: usize, what: &str| format!("{} {what}{}", units::count(n as f64), if n == 1 { "" } else { "s" });
    let failed = if bad == 0 { String::new() } else { format!(", {} that failed", plural(bad, "repeat")) };
    format!("{}, {} with the right answer{failed}.", plural(cells().count(), "cell"), plural(good, "repeat"))
}

/// The answer in words, computed from the data.
pub fn answer(view: &View<'_>, drawings: &[Drawing]) -> Result<String> {
    let mut html = String::from("<section id=\"answer\">\n<h2>Answer</h2>\n");
    for (i, drawing) in drawings.iter().enumerate() {
        let class = if i == 0 { " class=\"lead\"" } else { "" };
        html.push_str(&format!("<p{class}>{}.</p>\n", escape(&drawing.title)));
        if i == 0
            && let Some(sentence) = efficiency::sentence(view)
        {
            html.push_str(&format!("<p>{}</p>\n", escape(&sentence)));
        }
    }
    let headings = view.headings();
    if headings.len() <= 2 {
        for (i, heading) in headings.iter().enumerate() {
            html.push_str(&format!("<p>{}</p>\n", escape(&in_words(view, i, heading)?)));
        }
    } else {
        html.push_str(&in_a_table(view, &headings)?);
    }
    html.push_str("</section>\n");
    Ok(html)
}

/// The fastest cell of a backend.
struct Best {
    name: String,
    seconds: f64,
    speedup: Option<f64>,
    interval: Option<(f64, f64)>,
    efficiency: Option<f64>,
}

fn best(view: &View<'_>, group: usize) -> Result<Vec<Best>> {
    let table = view.frames.best_by_backend(group as u32)?;
    let (names, seconds) = (words(&table, "in_words")?, numbers(&table, "seconds")?);
    let (speedup, efficiency) = (numbers(&table, "speedup")?, numbers(&table, "efficiency")?);
    let (low, high) = (numbers(&table, "speedup_low")?, numbers(&table, "speedup_high")?);
    Ok((0..names.len())
        .filter_map(|i| {
            Some(Best {
                name: names[i].clone(),
                seconds: seconds[i]?,
                speedup: speedup[i],
                interval: low[i].zip(high[i]),
                efficiency: efficiency[i],
            })
        })
        .collect())
}

fn in_words(view: &View<'_>, index: usize, heading: &str) -> Result<String> {
    let group = &view.summary.groups[index];
    let mut text = match &group.base {
        Some(base) => format!("For {heading}, {} takes {}.", base.name, with_interval(base.time, &units::seconds)),
        None => format!("For {heading} no speedup can be stated: the base has no good repeat."),
    };
    let mut parts = Vec::new();
    for best in best(view, index)? {
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
    Ok(text)
}

fn in_a_table(view: &View<'_>, headings: &[String]) -> Result<String> {
    let mut rows = Vec::new();
    for (i, (group, heading)) in view.summary.groups.iter().zip(headings).enumerate() {
        let base = group.base.as_ref();
        let base = base.map_or("no good repeat".into(), |b| format!("{}, {}", b.name, units::seconds(b.time.value)));
        let found = best(view, i)?;
        let mut add = |class, rest: [String; 5]| {
            let cells = [heading.clone(), base.clone()].into_iter().chain(rest).map(|text| escape(&text)).collect();
            rows.push(Row { class, cells });
        };
        for best in found {
            let or_none = |value: Option<String>| value.unwrap_or_default();
            add(
                "",
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
            add("failed", [failed, "-".into(), String::new(), String::new(), String::new()]);
        }
    }
    let columns = [
        ("problem", ""),
        ("base", "range"),
        ("fastest of a backend", "range"),
        ("time", "number"),
        ("speedup", "number"),
        ("95 %", "range"),
        ("efficiency", "number"),
    ];
    Ok(table("The fastest cell of each backend, and cells without a result", &columns, &rows))
}

fn without_result(group: &Group) -> Vec<String> {
    (group.cells.iter().filter(|c| c.time.is_none()))
        .map(|c| format!("{} ({})", names::in_words(&c.cell), c.failures.first().map_or("no repeat", |f| &f.what)))
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
        None => format!("{} (median of {}, too few for an interval)", show(estimate.value), estimate.n),
    }
}

/// What a reader should know; nothing where there is nothing.
pub fn warnings(summary: &Summary) -> String {
    if summary.warnings.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section class=\"warnings\" aria-labelledby=\"caution\">\n<h2 id=\"caution\">Before you believe this</h2>\n<ul>\n",
    );
    for warning in &summary.warnings {
        let advice =
            warning.advice().map_or(String::new(), |a| format!(" <span class=\"note\">To do: {}.</span>", escape(a)));
        html.push_str(&format!("<li>{}.{advice}</li>\n", escape(&warning.to_string())));
    }
    html.push_str("</ul>\n</section>\n");
    html
}

/// The figures with numbers.
pub fn figures(drawings: &[Drawing]) -> String {
    let mut html = String::from("<section id=\"figures\">\n<h2>Figures</h2>\n");
    for (i, drawing) in drawings.iter().enumerate() {
        let about = escape(drawing.about);
        html.push_str(&format!(
            "<figure>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{about}\">{}</div>\n<figcaption>Figure {}. \
             {about}.</figcaption>\n</figure>\n",
            drawing.svg.trim_end(),
            i + 1
        ));
    }
    html.push_str("</section>\n");
    html
}

/// How many lanes it takes to beat one thread, a row for each group and backend; nothing where there is none.
pub fn costs(summary: &Summary) -> String {
    let mut rows = Vec::new();
    for group in &summary.groups {
        let problem = cost::heading(group).map(|_| show::heading(group));
        for row in problem.iter().flat_map(|_| cost::rows(group)) {
            let cells = problem.iter().chain(&row).map(|text| escape(text)).collect();
            rows.push(Row { class: "", cells });
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let columns: Vec<Column> = std::iter::once(("problem", ""))
        .chain(cost::COLUMNS.map(|(title, align)| (title, if align == Align::Right { "number" } else { "range" })))
        .collect();
    let table = table("COST: lanes that it takes to beat one thread", &columns, &rows);
    format!(
        "<section id=\"cost\">\n<h2>COST</h2>\n{table}<p class=\"note\">The fewest lanes whose time is shown to be less than that of \
         one serial thread: the whole 95 % interval of the ratio of medians lies above 1. Lanes that the interval does not rule out are \
         named too; cells with more lanes than CPUs do not count. After McSherry, Isard and Murray, \u{201c}Scalability! But at what \
         COST?\u{201d}, HotOS XV, 2015.</p>\n</section>\n"
    )
}

/// All cells, one table a group.
pub fn cells(view: &View<'_>) -> String {
    let mut html = String::from("<section id=\"cells\">\n<h2>All cells</h2>\n");
    for group in &view.summary.groups {
        html.push_str(&cell_table(group));
        html.push_str(&format!("<p class=\"note\">{}.</p>\n", escape(&show::base_line(group))));
    }
    html.push_str(
        "<p class=\"note\">Ranges are 95 % bootstrap intervals. Efficiency is speedup over lanes. Imbalance is the largest over the mean \
         useful time of the lanes. Wait is the share of the time that lanes wait, on average, for the slowest. Of floor is modelled: the least time of an iteration that the \
         machine's measured limits allow, over the time that it took; empty where there are no limits.</p>\n</section>\n",
    );
    html
}

fn cell_table(group: &Group) -> String {
    let scale = Scale::of(group.cells.iter().filter_map(|c| c.time).map(|t| t.value));
    let columns = [
        ("cell", "range"),
        ("lanes", "number"),
        ("n", "number"),
        (time_title(scale.unit), "number"),
        ("95 %", "range"),
        ("speedup", "number"),
        ("95 %", "range"),
        ("efficiency", "number"),
        ("imbalance", "number"),
        ("wait", "number"),
        ("of floor", "number"),
        ("note", ""),
    ];
    let rows: Vec<Row> = (group.cells.iter())
        .map(|cell| Row {
            class: if cell.time.is_none() { "failed" } else { "" },
            cells: show::row(cell, group, &scale).iter().map(|text| escape(text)).collect(),
        })
        .collect();
    table(&show::heading(group), &columns, &rows)
}

fn time_title(unit: &str) -> &'static str {
    match unit {
        "s" => "time/s",
        "ms" => "time/ms",
        "µs" => "time/µs",
        _ => "time/ns",
    }
}

/// Bad ends with their reasons; nothing where there are none.
pub fn failures(summary: &Summary) -> String {
    let rows: Vec<Row> = (summary.groups.iter().flat_map(|g| g.cells.iter().map(move |c| (g, c))))
        .flat_map(|(group, cell)| cell.failures.iter().map(move |failure| (group, cell, failure)))
        .map(|(group, cell, failure)| Row {
            class: "",
            cells: vec![
                escape(&names::cell(&cell.cell)),
                escape(&show::heading(group)),
                format!("<span class=\"bad\">{}</span>", escape(&failure.what)),
                format!("{} of {}", failure.count, cell.failed() + cell.repeats.len()),
                escape(&names::one_line(&failure.reason, 600)),
            ],
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let columns = [("cell", "range"), ("of", ""), ("what", ""), ("repeats", "range"), ("reason of the newest", "")];
    let table = table("Repeats without a result; their times count for nothing", &columns, &rows);
    format!("<section id=\"failures\">\n<h2>Failures</h2>\n{table}</section>\n")
}

/// The phases inside the timed part, as words.
pub fn timed_phases() -> String {
    Phase::TIMED.map(Phase::word).join(", ")
}

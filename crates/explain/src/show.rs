//! The table of a results folder, for a terminal and as Markdown.

use crate::analysis::{Analysis, OfGroup};
use crate::bandwidth;
use crate::labels::{build_line, host_line};
use crate::pop::render;
use crate::roofline_bound;
use crate::summary::{CellSummary, Group, Summary};
use crate::table::{Align, Table, escape};
use crate::terminal::Style;
use crate::{cost_metric, homework_questions, labels, law, limits_table, noise, peer_comparison};
use amdahl_record::Phase;
use amdahl_record::accelerators::Price;
use amdahl_record::units;
use amdahl_stats::Estimate;

/// Order of the rows within a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By backend, then lanes.
    #[default]
    Backend,
    /// By lanes, then backend.
    Lanes,
    /// Fastest first; cells without a time last.
    Time,
    /// Greatest speedup first; cells without one last.
    Speedup,
}

impl Sort {
    /// Sorts the rows of every group. Equal rows keep their order.
    pub fn apply(self, summary: &mut Summary) {
        for group in &mut summary.groups {
            match self {
                Sort::Backend => {}
                Sort::Lanes => group.cells.sort_by_key(|c| c.cell.lanes()),
                Sort::Time => group.cells.sort_by(|a, b| key(a.time).total_cmp(&key(b.time))),
                Sort::Speedup => group
                    .cells
                    .sort_by(|a, b| key(b.speedup.or(LAST)).total_cmp(&key(a.speedup.or(LAST)))),
            }
        }
    }
}

/// Stands for no speedup: below every speedup.
const LAST: Option<Estimate> = Some(Estimate { value: f64::NEG_INFINITY, interval: None, n: 0 });

fn key(estimate: Option<Estimate>) -> f64 {
    estimate.map_or(f64::INFINITY, |e| e.value)
}

/// The whole table as plain text, each line ended.
pub fn text(analysis: &Analysis<'_>, style: Style) -> String {
    let summary = analysis.summary;
    let mut lines = Vec::new();
    if let Some(run) = &summary.run {
        lines.push(
            style.strong(&labels::one_line(&format!("{}: {}", run.experiment, run.title), 200)),
        );
        if !run.question.is_empty() {
            lines.push(labels::one_line(&run.question, 400));
        }
        lines.push(String::new());
    }
    for group in &summary.groups {
        let of_group = analysis.group(group);
        lines.push(style.strong(&heading(group)));
        for (i, line) in table(group).text().into_iter().enumerate() {
            let row = if i == 0 { style.faint(&line) } else { line };
            let failed = i > 0 && group.cells.get(i - 1).is_some_and(|c| c.time.is_none());
            lines.push(format!("  {}", if failed { style.bad(&row) } else { row }));
        }
        lines.push(format!("  {}", base_line(group)));
        lines.extend(price_line(group).map(|line| format!("  {line}")));
        if of_group.explained.has_lost() {
            lines.push(format!("  {}", render::LOST));
            for (i, line) in
                render::lost_table(group, &of_group.explained).text().into_iter().enumerate()
            {
                lines.push(format!("    {}", if i == 0 { style.faint(&line) } else { line }));
            }
            lines.extend(lost_words(group, of_group).into_iter().map(|line| format!("    {line}")));
        }
        if !of_group.bandwidth.is_empty() {
            lines.push(format!("  {}", bandwidth::HEADING));
            let table = bandwidth::table(group, &of_group.bandwidth);
            for (i, line) in table.text().into_iter().enumerate() {
                lines.push(format!("    {}", if i == 0 { style.faint(&line) } else { line }));
            }
        }
        let laws = analysis.laws(group);
        if !laws.is_empty() {
            lines.push(format!("  {}", law::render::HEADING));
            lines.extend(law::render::all(laws).into_iter().map(|line| format!("    {line}")));
        }
        if let Some(heading) = cost_metric::heading(group, &of_group.cost) {
            lines.push(format!("  {heading}"));
            for (i, line) in cost_metric::table(&of_group.cost).text().into_iter().enumerate() {
                lines.push(format!("    {}", if i == 0 { style.faint(&line) } else { line }));
            }
        }
        if let Some(heading) = peer_comparison::heading(&of_group.ranks) {
            lines.push(format!("  {heading}"));
            for (i, line) in peer_comparison::table(&of_group.ranks).text().into_iter().enumerate()
            {
                lines.push(format!("    {}", if i == 0 { style.faint(&line) } else { line }));
            }
            lines.extend(
                peer_comparison::findings(&of_group.ranks)
                    .into_iter()
                    .map(|finding| format!("    {finding}.")),
            );
        }
        for answer in homework_questions::answers(group) {
            lines.push(format!("  {}", answer.question));
            lines.extend(answer.facts.into_iter().map(|fact| format!("    {fact}")));
        }
        for (cell, failure) in failures(group) {
            let line = format!("  {cell}: {}", labels::one_line(&failure, 240));
            lines.push(style.bad(&line));
        }
        lines.push(String::new());
    }
    let weak = analysis.weak();
    if !weak.is_empty() {
        lines.push(law::render::WEAK.to_string());
        lines.extend(weak.iter().flat_map(law::render::weak_lines).map(|line| format!("  {line}")));
        lines.push(String::new());
    }
    lines.extend(provenance(summary));
    for warning in &summary.warnings {
        lines.push(style.caution(&format!("warning: {warning}")));
        if let Some(advice) = warning.advice() {
            lines.push(style.faint(&format!("         {advice}")));
        }
    }
    lines.join("\n") + "\n"
}

/// The whole table as Markdown.
pub fn markdown(analysis: &Analysis<'_>) -> String {
    let summary = analysis.summary;
    let mut text = String::new();
    if let Some(run) = &summary.run {
        text.push_str(&format!("# {}\n\n", escape(&run.title)));
        if !run.question.is_empty() {
            text.push_str(&format!("{}\n\n", escape(&run.question)));
        }
    }
    for group in &summary.groups {
        let of_group = analysis.group(group);
        text.push_str(&format!(
            "## {}\n\n{}\n{}\n\n",
            escape(&heading(group)),
            table(group).markdown(),
            escape(&base_line(group))
        ));
        text.extend(price_line(group).map(|line| format!("{}\n\n", escape(&line))));
        if of_group.explained.has_lost() {
            text.push_str(&format!(
                "{}\n\n{}\n",
                escape(render::LOST),
                render::lost_table(group, &of_group.explained).markdown()
            ));
            for line in lost_words(group, of_group) {
                text.push_str(&format!("- {}\n", escape(&line)));
            }
            text.push('\n');
        }
        if !of_group.bandwidth.is_empty() {
            let table = bandwidth::table(group, &of_group.bandwidth);
            text.push_str(&format!("{}\n\n{}\n", escape(bandwidth::HEADING), table.markdown()));
        }
        let laws = analysis.laws(group);
        if !laws.is_empty() {
            text.push_str(&format!("{}\n\n", escape(law::render::HEADING)));
            for line in law::render::all(laws) {
                text.push_str(&format!("- {}\n", escape(line.trim())));
            }
            text.push('\n');
        }
        if let Some(heading) = cost_metric::heading(group, &of_group.cost) {
            text.push_str(&format!(
                "{}\n\n{}\n",
                escape(&heading),
                cost_metric::table(&of_group.cost).markdown()
            ));
        }
        if let Some(heading) = peer_comparison::heading(&of_group.ranks) {
            text.push_str(&format!(
                "{}\n\n{}\n",
                escape(heading),
                peer_comparison::table(&of_group.ranks).markdown()
            ));
            for finding in peer_comparison::findings(&of_group.ranks) {
                text.push_str(&format!("- {}.\n", escape(&finding)));
            }
            text.push('\n');
        }
        for answer in homework_questions::answers(group) {
            text.push_str(&format!("{}\n\n", escape(answer.question)));
            for fact in answer.facts {
                text.push_str(&format!("- {}\n", escape(&fact)));
            }
            text.push('\n');
        }
        for (cell, failure) in failures(group) {
            text.push_str(&format!(
                "- {}: {}\n",
                escape(&cell),
                escape(&labels::one_line(&failure, 400))
            ));
        }
        if failures(group).next().is_some() {
            text.push('\n');
        }
    }
    let weak = analysis.weak();
    if !weak.is_empty() {
        text.push_str(&format!("{}\n\n", escape(law::render::WEAK)));
        for line in weak.iter().flat_map(law::render::weak_lines) {
            text.push_str(&format!("- {}\n", escape(line.trim())));
        }
        text.push('\n');
    }
    for line in provenance(summary) {
        text.push_str(&format!("{}\n", escape(&line)));
    }
    if !summary.warnings.is_empty() {
        text.push_str("\nWarnings:\n\n");
    }
    for warning in &summary.warnings {
        let advice = warning.advice().map_or(String::new(), |advice| format!(" ({advice})"));
        text.push_str(&format!("- {}\n", escape(&format!("{warning}{advice}"))));
    }
    text
}

/// Where the speedup of a group went, in words, and what of it could not be told.
fn lost_words(group: &Group, OfGroup { explained, .. }: &OfGroup) -> Vec<String> {
    let base = group.base.as_ref().map_or("the base", |base| &base.name);
    let widest = render::widest(group, explained);
    let sentence = widest.and_then(|c| Some(render::sentence(c, explained.lost(c)?, base)));
    sentence.into_iter().chain(render::untold(group, explained)).collect()
}

/// What a group computes and on what.
pub fn heading(group: &Group) -> String {
    format!(
        "{} on {}",
        labels::workload(&group.workload),
        labels::dataset(&group.dataset, group.rows, group.dims)
    )
}

/// The base of a group's speedups with its absolute time.
pub fn base_line(group: &Group) -> String {
    match &group.base {
        Some(base) => format!(
            "Speedup is over {}: {} (median of {}{})",
            base.name,
            units::seconds(base.time.value),
            base.time.n,
            base.time.interval.map_or(", no interval".into(), |i| format!(
                ", {:.0} % interval {} to {}",
                i.level * 100.0,
                units::seconds(i.low),
                units::seconds(i.high)
            ))
        ),
        None => "No speedup: the base has no good repeat".into(),
    }
}

/// How the costs of a group's cells come about; `None` where nobody gave a price.
pub fn price_line(group: &Group) -> Option<String> {
    let Price { per_hour, currency, date } = group.price.as_ref()?;
    Some(format!(
        "Cost of 1000 runs: median life of the processes, loading and checking included, × machines × {per_hour} {currency} an hour, the price of {date}"
    ))
}

/// The name of the column with the costs of a group's cells; it stays empty, and is left out, where
/// nobody gave a price.
pub fn price_column(group: &Group) -> String {
    group.price.as_ref().map_or(String::new(), |price| format!("{}/1000 runs", price.currency))
}

/// Each kind of bad end of each cell, as the cell's name and a sentence.
pub fn failures(group: &Group) -> impl Iterator<Item = (String, String)> + '_ {
    group.cells.iter().flat_map(|cell| {
        let repeats = cell.failed() + cell.repeats.len();
        cell.failures.iter().map(move |failure| {
            let name = format!("{} ({})", labels::cell(&cell.cell), cell.id);
            (
                name,
                format!("{} in {} of {repeats}: {}", failure.what, failure.count, failure.reason),
            )
        })
    })
}

/// Where the numbers come from: one line for each machine, build and kernel.
fn provenance(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> =
        summary.hosts.iter().map(|h| format!("Machine {}", host_line(h))).collect();
    lines.extend(summary.builds.iter().map(|b| format!("Worker {}", build_line(b))));
    lines.extend(peer_comparison::versions(summary.groups.iter()).into_iter().map(
        |(name, version, timed)| {
            labels::one_line(&format!("Peer {name}: {version}; timed {timed}"), 240)
        },
    ));
    let mut ran: Vec<String> = (summary.groups.iter().flat_map(|g| &g.cells))
        .filter(|c| c.peer.is_none())
        .filter_map(|c| {
            Some(format!(
                "Computed by {} (kernel {}), times measured",
                c.platform.as_ref()?,
                c.kernel.as_ref()?
            ))
        })
        .map(|line| labels::one_line(&line, 200))
        .collect();
    ran.extend((summary.groups.iter().flat_map(|g| &g.cells)).filter_map(|c| {
        let measured = &c.repeats.last()?.measured;
        let device = measured.device.as_ref()?;
        let plugin =
            std::path::Path::new(&device.plugin).file_name()?.to_string_lossy().into_owned();
        let (hash, kind) = (device.sha256.get(..16).unwrap_or(&device.sha256), &device.device);
        let line = format!(
            "Device {} ({kind}): plugin {plugin}, SHA-256 {hash}…, PJRT {}",
            measured.platform, device.api
        );
        Some(labels::one_line(&line, 200))
    }));
    ran.sort();
    ran.dedup();
    lines.extend(ran);
    let formula = roofline_bound::formula(summary.groups.iter().map(|group| &group.workload));
    let limits = summary.limits.iter().map(|limits| limits_table::line(limits, &formula));
    lines.extend(limits.map(|line| labels::one_line(&line, 240)));
    lines.extend(
        limits_table::chips(summary)
            .iter()
            .map(|chip| labels::one_line(&limits_table::chip_line(chip), 240)),
    );
    lines.extend(noise::sentences(summary).into_iter().map(|line| labels::one_line(&line, 240)));
    lines
}

/// The rows of a group.
pub fn table(group: &Group) -> Table {
    use Align::{Left, Right};
    let scale = Scale::of(group.cells.iter().filter_map(|c| c.time).map(|t| t.value));
    let (time, price) = (format!("time/{}", scale.unit), price_column(group));
    let mut table = Table::new(&[
        ("cell", Left),
        ("lanes", Right),
        ("n", Right),
        (&time, Right),
        ("95 %", Left),
        ("speedup", Right),
        ("95 %", Left),
        ("efficiency", Right),
        ("imbalance", Right),
        ("wait", Right),
        ("of floor", Right),
        (labels::operations(&group.workload), Right),
        (&price, Right),
        ("note", Left),
    ]);
    for cell in &group.cells {
        table.row(row(cell, group, &scale));
    }
    table.without_empty_columns()
}

/// The cells of a row: name, lanes, n, time, its range, speedup, its range, efficiency, imbalance,
/// wait, of floor, operations (where fewer were made than by the plain method), cost, note.
pub fn row(cell: &CellSummary, group: &Group, scale: &Scale) -> Vec<String> {
    let or_empty = |value: Option<String>| value.unwrap_or_default();
    let is_base = group.base.as_ref().is_some_and(|b| b.cell == cell.id);
    let range = |e: Option<Estimate>, show: &dyn Fn(f64) -> String| {
        or_empty(e.and_then(|e| e.interval).map(|i| format!("{} to {}", show(i.low), show(i.high))))
    };
    let time = |seconds: f64| scale.show(seconds);
    let ratio = |value: f64| format!("{value:.2}");
    let wait = cell
        .phase(Phase::WAIT)
        .zip(cell.time)
        .map(|(wait, time)| format!("{:.1} %", 100.0 * wait.mean_s / time.value));
    vec![
        labels::cell(&cell.cell),
        cell.cell.lanes().to_string(),
        cell.repeats.len().to_string(),
        cell.time.map_or("-".into(), |t| time(t.value)),
        range(cell.time, &time),
        or_empty(cell.speedup.map(|s| ratio(s.value))),
        range(cell.speedup, &ratio),
        or_empty(cell.efficiency.map(|e| ratio(e.value))),
        or_empty(cell.imbalance.map(|i| format!("{i:.3}"))),
        or_empty(wait),
        or_empty(cell.of_floor.map(|fraction| format!("{:.0} %", 100.0 * fraction))),
        or_empty(
            cell.operations_share
                .filter(|share| *share < 0.9995)
                .map(|share| format!("{:.1} %", 100.0 * share)),
        ),
        or_empty(cell.price.map(|price| units::significant(1000.0 * price))),
        note(cell, is_base),
    ]
}

fn note(cell: &CellSummary, is_base: bool) -> String {
    let mut notes = Vec::new();
    if is_base {
        notes.push("base".to_string());
    }
    notes.extend(cell.failures.iter().map(|f| format!("{} {}×", f.what, f.count)));
    if cell.oversubscribed {
        notes.push("more lanes than CPUs".into());
    }
    notes.join(", ")
}

/// One unit and one number of decimals for a column of times: three significant digits for the
/// smallest.
pub struct Scale {
    /// Its sign.
    pub unit: &'static str,
    factor: f64,
    decimals: usize,
}

impl Scale {
    /// Fits these seconds.
    pub fn of(seconds: impl Iterator<Item = f64>) -> Scale {
        let least = seconds.filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min);
        let (unit, factor) = match least {
            s if s.is_infinite() || s >= 1.0 => ("s", 1.0),
            s if s >= 1e-3 => ("ms", 1e3),
            s if s >= 1e-6 => ("µs", 1e6),
            _ => ("ns", 1e9),
        };
        let scaled = if least.is_infinite() { 1.0 } else { least * factor };
        Scale {
            unit,
            factor,
            decimals: if scaled >= 100.0 {
                0
            } else if scaled >= 10.0 {
                1
            } else {
                2
            },
        }
    }
    /// The seconds in the unit.
    pub fn value(&self, seconds: f64) -> f64 {
        seconds * self.factor
    }
    /// The number without its unit.
    pub fn show(&self, seconds: f64) -> String {
        format!("{:.*}", self.decimals, seconds * self.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_for_a_column() {
        let scale = Scale::of([1.5, 0.0123].into_iter());
        assert_eq!(
            (scale.show(0.0123), scale.show(1.5), scale.unit),
            ("12.3".into(), "1500.0".into(), "ms")
        );
        assert_eq!(Scale::of(std::iter::empty()).unit, "s");
    }
}

//! Efficiencies and lost speedup in tables and in a sentence.

use crate::labels;
use crate::pop::speedup_loss::{Cause, Lost};
use crate::pop::{Explanations, Pop};
use crate::summary::{CellSummary, Group};
use crate::table::{Align, Table};
use amdahl_record::Role;

/// Title of the table of lost speedup.
pub const LOST: &str = "Speedup lost: of the ideal, by cause; the parts add up (negative: a gain)";

/// Title of the table of efficiencies.
pub const POP: &str = "POP efficiencies: 1 is ideal; parallel = load balance × communication, global = parallel × computation";

/// What the columns of the lost speedup mean.
pub const LOST_NOTE: &str = "Imbalance: waiting for the lane that computes longest. Communication: what that lane waits and spends in \
                             collectives. Without a CPU: wall minus CPU time while computing. Slower computing: more lane time than the \
                             base's, whatever the reason. Other: reading probes, and what belongs to no phase. This step: what is lost \
                             more than on the next fewer lanes.";

/// What the columns of the efficiencies mean.
pub const POP_NOTE: &str = "Serialisation and transfer are estimates: transfer is what the longest lane spends in collectives after all \
                            lanes have met at a barrier. Computation is the base's computing time over that of all lanes, and where \
                            counters were read it is instructions × IPC × frequency.";

/// Columns of the table of lost speedup.
pub const LOST_COLUMNS: [(&str, Align); 13] = [
    ("cell", Align::Left),
    ("ideal", Align::Right),
    ("speedup", Align::Right),
    ("lost", Align::Right),
    ("imbalance", Align::Right),
    ("communication", Align::Right),
    ("without a CPU", Align::Right),
    ("instructions", Align::Right),
    ("IPC", Align::Right),
    ("frequency", Align::Right),
    ("slower computing", Align::Right),
    ("other", Align::Right),
    ("this step", Align::Right),
];

/// Columns of the table of efficiencies.
pub const POP_COLUMNS: [(&str, Align); 13] = [
    ("cell", Align::Left),
    ("parallel", Align::Right),
    ("load balance", Align::Right),
    ("among ranks", Align::Right),
    ("within ranks", Align::Right),
    ("communication", Align::Right),
    ("serialisation (est.)", Align::Right),
    ("transfer (est.)", Align::Right),
    ("computation", Align::Right),
    ("instructions", Align::Right),
    ("IPC", Align::Right),
    ("frequency", Align::Right),
    ("global", Align::Right),
];

/// Rows of the lost speedup: every cell that has one.
pub fn lost_rows(group: &Group, explained: &Explanations) -> Vec<Vec<String>> {
    let cells = group.cells.iter().filter_map(|cell| Some((cell, explained.lost(cell)?)));
    cells
        .map(|(cell, lost)| {
            let mut row = vec![
                labels::cell(&cell.cell),
                ratio(lost.ideal),
                ratio(lost.speedup),
                ratio(lost.lost),
            ];
            row.extend(Cause::ALL.map(|cause| lost.to(cause).map_or(String::new(), ratio)));
            row.push(lost.step.as_ref().map_or(String::new(), |step| ratio(step.lost)));
            row
        })
        .collect()
}

/// Rows of the efficiencies: every cell that has them.
pub fn pop_rows(group: &Group, explained: &Explanations) -> Vec<Vec<String>> {
    let cells = group.cells.iter().filter_map(|cell| Some((cell, explained.pop(cell)?)));
    let or_empty = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.3}"));
    cells
        .map(|(cell, pop)| {
            let values = values(pop).into_iter().map(|(_, value, _)| or_empty(value));
            std::iter::once(labels::cell(&cell.cell)).chain(values).collect()
        })
        .collect()
}

/// The efficiencies by name, with where each comes from.
pub fn values(pop: &Pop) -> Vec<(&'static str, Option<f64>, &'static str)> {
    let (timed, estimated) = ("measured", "estimated");
    vec![
        ("POP parallel efficiency", Some(pop.parallel), timed),
        ("POP load balance", Some(pop.load_balance), timed),
        ("POP balance among ranks", pop.balance_among_ranks, timed),
        ("POP balance within ranks", pop.balance_within_ranks, timed),
        ("POP communication efficiency", Some(pop.communication), timed),
        ("POP serialisation efficiency", pop.serialisation_estimate, estimated),
        ("POP transfer efficiency", pop.transfer_estimate, estimated),
        ("POP computation scaling", pop.computation, timed),
        ("POP instruction scaling", pop.instructions, timed),
        ("POP IPC scaling", pop.ipc, timed),
        ("POP frequency scaling", pop.frequency, timed),
        ("POP global efficiency", pop.global, timed),
    ]
}

/// Two decimals, and no sign where they are both 0.
fn ratio(value: f64) -> String {
    let text = format!("{value:.2}");
    if text == "-0.00" { "0.00".into() } else { text }
}

/// The lost speedup as a table, without columns that are empty.
pub fn lost_table(group: &Group, explained: &Explanations) -> Table {
    filled(&LOST_COLUMNS, lost_rows(group, explained))
}

/// The efficiencies as a table, without columns that are empty.
pub fn pop_table(group: &Group, explained: &Explanations) -> Table {
    filled(&POP_COLUMNS, pop_rows(group, explained))
}

fn filled(columns: &[(&str, Align)], rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new(columns);
    for row in rows {
        table.row(row);
    }
    table.without_empty_columns()
}

/// Why computing could not be told apart into instructions, IPC and frequency: the reasons of a
/// group's cells, each once.
pub fn untold(group: &Group, explained: &Explanations) -> Vec<String> {
    let mut reasons: Vec<String> = (group.cells.iter())
        .filter_map(|cell| explained.lost(cell)?.untold.as_deref())
        .map(|why| {
            labels::one_line(
                &format!("Instructions, IPC and frequency are not told apart: {why}"),
                200,
            )
        })
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    reasons
}

/// The cell that a sentence speaks of: of those with most lanes that each have a CPU, the one that
/// loses least.
pub fn widest<'g>(group: &'g Group, explained: &Explanations) -> Option<&'g CellSummary> {
    let lost = |cell: &CellSummary| explained.lost(cell).map(|lost| lost.lost);
    let cells = || {
        group.cells.iter().filter(|c| !c.oversubscribed && c.peer.is_none() && lost(c).is_some())
    };
    let most = cells().map(|c| c.cell.lanes()).max().filter(|lanes| *lanes > 1)?;
    let of_most = cells().filter(|c| c.cell.lanes() == most);
    of_most.min_by(|a, b| {
        lost(a).unwrap_or(f64::INFINITY).total_cmp(&lost(b).unwrap_or(f64::INFINITY))
    })
}

/// Where the speedup of a cell went, in a sentence with its point.
pub fn sentence(cell: &CellSummary, lost: &Lost, base: &str) -> String {
    let name = labels::in_words(&cell.cell);
    let lanes = if lost.ideal == lost.ideal.trunc() {
        format!("{:.0}", lost.ideal)
    } else {
        ratio(lost.ideal)
    };
    if let Some(interval) = cell.speedup.and_then(|s| s.interval)
        && interval.holds(lost.ideal)
    {
        return format!(
            "{name}: the interval of the speedup over {base}, {} to {}, holds the ideal of {lanes}: no loss is shown.",
            ratio(interval.low),
            ratio(interval.high)
        );
    }
    let mut parts: Vec<_> = lost.parts.iter().filter(|part| part.speedup.abs() >= 0.005).collect();
    parts.sort_by(|a, b| b.speedup.total_cmp(&a.speedup));
    let (gains, losses): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.speedup < 0.0);
    let list = |parts: Vec<&crate::pop::speedup_loss::Part>| {
        let words = parts
            .iter()
            .map(|part| format!("{} to {}", ratio(part.speedup), part.cause.in_words()));
        joined(words.collect())
    };
    let mut text = if lost.lost < 0.0 {
        format!(
            "{name}: {} more than the ideal speedup of {lanes} over {base} was reached",
            ratio(-lost.lost)
        )
    } else {
        format!("{name}: {} of the ideal speedup of {lanes} over {base} is lost", ratio(lost.lost))
    };
    if !losses.is_empty() {
        text.push_str(&format!(
            "{} {}",
            if lost.lost < 0.0 { "; lost are" } else { ":" },
            list(losses)
        ));
    }
    if !gains.is_empty() {
        let words =
            gains.iter().map(|p| format!("{} ({})", ratio(-p.speedup), gained(p.cause))).collect();
        text.push_str(&format!("; gained are {}", joined(words)));
    }
    if lost.in_replicated >= 0.005 {
        let part = ratio(lost.in_replicated);
        let own = cell.own_phases();
        let own = own.into_iter().filter(|phase| phase.role() == Role::Replicate);
        let phases = joined(own.map(|phase| phase.word().into()).collect());
        text.push_str(&format!(
            ". Of the computing, {part} is the {phases}, which every lane repeats"
        ));
    }
    if lost.to(Cause::Computing).is_some_and(|part| part.abs() >= 0.005) {
        text.push_str(". How much of the computing is instructions, IPC or frequency cannot be told without counters");
    }
    text + "."
}

fn gained(cause: Cause) -> &'static str {
    match cause {
        Cause::Imbalance => "less imbalance",
        Cause::Communication => "less communication",
        Cause::WithoutCpu => "less time without a CPU",
        Cause::Instructions => "fewer instructions",
        Cause::Ipc => "higher IPC",
        Cause::Frequency => "higher frequency",
        Cause::Computing => "faster computing",
        Cause::Other => "less that belongs to no phase",
    }
}

fn joined(mut words: Vec<String>) -> String {
    match words.pop() {
        None => String::new(),
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
    }
}

/// The largest part of a loss; `None` where nothing is lost.
pub fn main_cause(lost: &Lost) -> Option<Cause> {
    let parts = lost.parts.iter().filter(|part| part.speedup > 0.0);
    parts.max_by(|a, b| a.speedup.total_cmp(&b.speedup)).map(|part| part.cause)
}

//! Ours beside outside programs: ranks of an iteration's time, with as many lanes each.
//!
//! Times are those of an iteration, since a program that stops by its own rule may run fewer of
//! them. The ratio is over the fastest of our cells with as many lanes, medians with both sides
//! resampled. Inertia is everybody's by one function, ours, from their final centroids.

use serde::Serialize;

use crate::labels;
use crate::summary::{CellSummary, Group};
use crate::table::{Align, Table};
use amdahl_record::cell::CellId;
use amdahl_record::units;
use amdahl_stats::{Bootstrap, Estimate};

/// A cell among those with as many lanes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rank {
    /// The cell.
    pub cell: CellId,
    /// How it is called.
    pub name: String,
    /// Its lanes.
    pub lanes: u32,
    /// Is it one of ours?
    pub ours: bool,
    /// Place among those with as many lanes, from 1; null where it has no time.
    pub place: Option<usize>,
    /// Median time of an iteration, seconds.
    pub iteration_s: Option<Estimate>,
    /// Its time over that of our fastest cell with as many lanes: above 1 it is slower. Null for
    /// that cell itself.
    pub over_ours: Option<Estimate>,
    /// CPU seconds of an iteration, all lanes together.
    pub cpu_s: Option<f64>,
    /// Seconds that reading the rows took.
    pub load_s: Option<f64>,
    /// Largest resident set of one of its processes, bytes.
    pub peak_rss_bytes: Option<f64>,
    /// Iterations that it ran.
    pub iterations: Option<u32>,
    /// Inertia of its final centroids.
    pub objective: Option<f64>,
    /// How much larger than ours, relative to it.
    pub objective_off: Option<f64>,
    /// Why it has no time.
    pub why: Option<String>,
}

/// The ranks of a group, by lanes and place; those without a time come last. Empty where no outside
/// program was asked for.
pub fn ranks(group: &Group, bootstrap: Bootstrap) -> Vec<Rank> {
    if !group.cells.iter().any(is_peer) {
        return Vec::new();
    }
    let mut lanes: Vec<u32> =
        group.cells.iter().filter(|c| is_peer(c)).map(|c| c.cell.lanes()).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let ours = group.cells.iter().filter(|c| !is_peer(c)).find_map(objective);
    lanes.into_iter().flat_map(|lanes| with(group, lanes, ours, bootstrap)).collect()
}

fn is_peer(cell: &CellSummary) -> bool {
    cell.cell.backend.peer().is_some()
}

/// Seconds of an iteration in each good repeat.
fn samples(cell: &CellSummary) -> Vec<f64> {
    let iterations = cell.iterations.filter(|&n| n > 0).map_or(1.0, f64::from);
    cell.samples().iter().map(|seconds| seconds / iterations).collect()
}

fn objective(cell: &CellSummary) -> Option<f64> {
    cell.objective.as_ref().map(|objective| objective.value)
}

fn with(group: &Group, lanes: u32, ours_objective: Option<f64>, bootstrap: Bootstrap) -> Vec<Rank> {
    let cells: Vec<&CellSummary> = group.cells.iter().filter(|c| c.cell.lanes() == lanes).collect();
    let median = |cell: &CellSummary| bootstrap.median(&samples(cell)).map(|t| t.value);
    let own = cells.iter().filter(|c| !is_peer(c) && c.time.is_some());
    let fastest = own.min_by(|a, b| {
        median(a).unwrap_or(f64::INFINITY).total_cmp(&median(b).unwrap_or(f64::INFINITY))
    });
    let mut ranks: Vec<Rank> =
        cells.iter().map(|cell| rank(cell, fastest.copied(), ours_objective, bootstrap)).collect();
    ranks.sort_by(|a, b| {
        let key = |rank: &Rank| rank.iteration_s.map_or(f64::INFINITY, |t| t.value);
        key(a).total_cmp(&key(b))
    });
    for (i, rank) in ranks.iter_mut().filter(|rank| rank.iteration_s.is_some()).enumerate() {
        rank.place = Some(i + 1);
    }
    ranks
}

fn rank(
    cell: &CellSummary,
    fastest: Option<&CellSummary>,
    ours_objective: Option<f64>,
    bootstrap: Bootstrap,
) -> Rank {
    let of_one = |seconds: Option<f64>| {
        seconds.zip(cell.iterations.filter(|&n| n > 0)).map(|(s, n)| s / f64::from(n))
    };
    let fastest = fastest.filter(|ours| ours.id != cell.id && ours.key.host == cell.key.host);
    let off = objective(cell)
        .zip(ours_objective.filter(|ours| *ours > 0.0))
        .map(|(found, ours)| (found - ours) / ours);
    let why = cell.failures.first().map(|f| format!("{}: {}", f.what, f.reason));
    Rank {
        cell: cell.id.clone(),
        name: labels::cell(&cell.cell),
        lanes: cell.cell.lanes(),
        ours: !is_peer(cell),
        place: None,
        iteration_s: cell.time.and_then(|_| bootstrap.median(&samples(cell))),
        over_ours: fastest
            .and_then(|ours| bootstrap.ratio_of_medians(&samples(cell), &samples(ours))),
        cpu_s: of_one(cell.cpu_s),
        load_s: cell.load_s,
        peak_rss_bytes: cell.peak_rss_bytes,
        iterations: cell.iterations,
        objective: objective(cell),
        objective_off: off,
        why: why
            .filter(|_| cell.time.is_none())
            .or_else(|| cell.time.is_none().then(|| "no repeat".into())),
    }
}

/// The heading of a group's ranks; `None` where there are none.
pub fn heading(ranks: &[Rank]) -> Option<&'static str> {
    (!ranks.is_empty()).then_some(
        "Beside other programs: time of an iteration, places among those with as many lanes",
    )
}

/// What came out, a sentence for each number of lanes.
pub fn findings(ranks: &[Rank]) -> Vec<String> {
    let mut lanes: Vec<u32> = ranks.iter().map(|rank| rank.lanes).collect();
    lanes.dedup();
    lanes.into_iter().filter_map(|lanes| finding(ranks, lanes)).collect()
}

fn finding(ranks: &[Rank], lanes: u32) -> Option<String> {
    let placed: Vec<&Rank> =
        ranks.iter().filter(|rank| rank.lanes == lanes && rank.place.is_some()).collect();
    let ours = placed.iter().find(|rank| rank.ours)?;
    let next = placed.iter().find(|rank| !rank.ours)?;
    let on = if lanes == 1 { "On 1 lane".into() } else { format!("On {lanes} lanes") };
    let programs = placed.iter().filter(|rank| !rank.ours).count();
    let others = if programs == 1 {
        "the other program".into()
    } else {
        format!("{programs} other programs")
    };
    let ratio = next.over_ours?;
    let interval = ratio.interval.map_or(", too few repeats for an interval".into(), |i| {
        format!(", {:.0} % interval {:.2} to {:.2}", 100.0 * i.level, i.low, i.high)
    });
    let (low, high) = ratio.interval.map_or((ratio.value, ratio.value), |i| (i.low, i.high));
    Some(if low > 1.0 {
        format!(
            "{on} ours ({}) is faster than {others}: the fastest of them, {}, takes {:.2} times as long an iteration{interval}",
            ours.name, next.name, ratio.value
        )
    } else if high < 1.0 {
        format!(
            "{on} {} is faster than ours ({}): it takes {:.2} times as long an iteration{interval}",
            next.name, ours.name, ratio.value
        )
    } else {
        format!(
            "{on} ours ({}) and {} cannot be told apart: the ratio of their times of an iteration is {:.2}{interval}",
            ours.name, next.name, ratio.value
        )
    })
}

/// The columns of the ranks.
pub const COLUMNS: [(&str, Align); 12] = [
    ("lanes", Align::Right),
    ("place", Align::Right),
    ("program", Align::Left),
    ("iteration", Align::Right),
    ("over ours", Align::Right),
    ("95 %", Align::Left),
    ("CPU", Align::Right),
    ("load", Align::Right),
    ("memory", Align::Right),
    ("iterations", Align::Right),
    ("objective", Align::Right),
    ("off ours by", Align::Right),
];

/// The rows of the ranks.
pub fn rows(ranks: &[Rank]) -> impl Iterator<Item = Vec<String>> + '_ {
    ranks.iter().map(|rank| {
        let or_empty = |value: Option<String>| value.unwrap_or_default();
        let range = rank
            .over_ours
            .and_then(|ratio| ratio.interval)
            .map(|i| format!("{:.2} to {:.2}", i.low, i.high));
        vec![
            rank.lanes.to_string(),
            rank.place.map_or("-".into(), |place| place.to_string()),
            if rank.ours { format!("{} (ours)", rank.name) } else { rank.name.clone() },
            rank.iteration_s.map_or("-".into(), |t| units::seconds(t.value)),
            or_empty(rank.over_ours.map(|ratio| format!("{:.2}", ratio.value))),
            or_empty(range),
            or_empty(rank.cpu_s.map(units::seconds)),
            or_empty(rank.load_s.map(units::seconds)),
            or_empty(rank.peak_rss_bytes.map(units::bytes)),
            or_empty(rank.iterations.map(|n| n.to_string())),
            or_empty(rank.objective.map(|objective| format!("{objective:.8e}"))),
            or_empty(
                rank.objective_off
                    .map(|off| if off == 0.0 { "0".into() } else { format!("{off:+.1e}") }),
            ),
        ]
    })
}

/// The ranks as a table.
pub fn table(ranks: &[Rank]) -> Table {
    let mut table = Table::new(&COLUMNS);
    rows(ranks).for_each(|row| table.row(row));
    table.without_empty_columns()
}

/// What ran: name, version, and how it was timed, once for each outside program of the cells.
pub fn versions<'a>(groups: impl Iterator<Item = &'a Group>) -> Vec<(String, String, String)> {
    let mut versions: Vec<(String, String, String)> = groups
        .flat_map(|group| &group.cells)
        .filter_map(|cell| cell.peer.as_ref())
        .map(|peer| (peer.name.clone(), peer.version.clone(), how(&peer.timed)))
        .collect();
    versions.sort();
    versions.dedup();
    versions
}

/// How it was timed, without the numbers that differ from cell to cell.
fn how(timed: &str) -> String {
    let plain: String = timed.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    let mut short = plain;
    while short.contains("##") {
        short = short.replace("##", "#");
    }
    labels::one_line(
        &short.replace("of fits of # and # iterations", "of fits that differ in their iterations"),
        160,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_was_timed_is_said_without_numbers() {
        assert_eq!(
            how("by the difference of fits of 105 and 1 iterations"),
            "by the difference of fits that differ in their iterations"
        );
        assert_eq!(how("by its own clock"), "by its own clock");
    }
}

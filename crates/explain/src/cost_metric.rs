//! COST: how many lanes a parallel program needs to beat one thread.
//!
//! F. McSherry, M. Isard, D. Murray: "Scalability! But at what COST?", HotOS XV, 2015: the
//! Configuration that Outperforms a Single Thread. Here the single thread is the cell `serial` of
//! the same workload and data, and a configuration is a number of lanes of a backend (ours or an
//! outside program). A number of lanes beats it when the whole interval of the ratio (median time
//! of `serial` over median time of the cell, both sides resampled) lies above 1. What the interval
//! cannot rule out is told as well.
//!
//! Cells with more lanes than CPUs do not count: they say nothing of a machine that has so many.
//! Where a backend spreads the same number of lanes in several ways (ranks × threads), the best of
//! them counts.

use serde::Serialize;

use crate::labels;
use crate::summary::{CellSummary, Group};
use crate::table::{Align, Table};
use amdahl_record::cell::{Backend, CellId};
use amdahl_record::units;
use amdahl_stats::{Bootstrap, Estimate};

/// The COST of a backend in a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// The backend.
    pub backend: String,
    /// The fewest lanes that are shown to be faster than `serial`; null where none are.
    pub lanes: Option<u32>,
    /// The fewest lanes whose interval reaches above 1: with fewer it is shown not to be faster.
    /// Null where none may be.
    pub not_ruled_out: Option<u32>,
    /// Numbers of lanes that were measured, rising.
    pub measured: Vec<u32>,
    /// The cell with `lanes`; where that is null, the fastest cell; null where no cell can be
    /// compared.
    pub cell: Option<Versus>,
    /// Why no cell can be compared; null where one can.
    pub why: Option<String>,
}

/// A cell against `serial`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Versus {
    /// Its id.
    pub id: CellId,
    /// How it is called.
    pub name: String,
    /// Its lanes.
    pub lanes: u32,
    /// Median time of `serial` over its own: above 1 it is faster.
    pub over_serial: Estimate,
}

impl Versus {
    /// Is it shown to be faster?
    fn is_faster(&self) -> bool {
        self.over_serial.interval.is_some_and(|i| i.low > 1.0)
    }
    /// Is it not shown to be no faster?
    fn may_be_faster(&self) -> bool {
        self.over_serial.interval.is_none_or(|i| i.high > 1.0)
    }
}

/// The COST of every backend of a group but `serial`, in the order of the cells; empty where the
/// group has no `serial` cell.
pub fn of(group: &Group, bootstrap: Bootstrap) -> Vec<Cost> {
    let Some(serial) = serial(group) else { return Vec::new() };
    let mut backends: Vec<String> = Vec::new();
    for cell in group.cells.iter().filter(|cell| cell.cell.backend != Backend::SERIAL) {
        let name = labels::series(&cell.cell);
        if !backends.contains(&name) {
            backends.push(name);
        }
    }
    let of_backend = |backend: &String| {
        let cells: Vec<_> =
            group.cells.iter().filter(|c| labels::series(&c.cell) == *backend).collect();
        cost(backend, &cells, serial, group, bootstrap)
    };
    backends.iter().map(of_backend).collect()
}

fn serial(group: &Group) -> Option<&CellSummary> {
    group.cells.iter().find(|c| c.cell.backend == Backend::SERIAL)
}

fn cost(
    name: &str,
    cells: &[&CellSummary],
    serial: &CellSummary,
    group: &Group,
    bootstrap: Bootstrap,
) -> Cost {
    let mut against: Vec<Versus> = Vec::new();
    let mut why = None;
    for cell in cells {
        match versus(cell, serial, group, bootstrap) {
            Ok(versus) => against.push(versus),
            Err(reason) => why = Some(reason),
        }
    }
    against.sort_by_key(|v| v.lanes);
    let best = |lanes: Option<u32>| {
        let those = against.iter().filter(|v| lanes.is_none_or(|lanes| v.lanes == lanes));
        // The first of equals.
        those.rev().max_by(|a, b| a.over_serial.value.total_cmp(&b.over_serial.value))
    };
    let mut measured: Vec<u32> = against.iter().map(|v| v.lanes).collect();
    measured.dedup();
    let first = |keep: fn(&Versus) -> bool| {
        measured.iter().copied().find(|&lanes| best(Some(lanes)).is_some_and(keep))
    };
    let lanes = first(Versus::is_faster);
    Cost {
        backend: name.to_string(),
        lanes,
        not_ruled_out: first(Versus::may_be_faster),
        cell: best(lanes).cloned(),
        why: why.filter(|_| against.is_empty()),
        measured,
    }
}

/// A cell against `serial`, or why it cannot be compared.
fn versus(
    cell: &CellSummary,
    serial: &CellSummary,
    group: &Group,
    bootstrap: Bootstrap,
) -> Result<Versus, String> {
    if serial.time.is_none() {
        return Err("serial has no good repeat".into());
    }
    if cell.time.is_none() {
        let failure = cell.failures.first().map(|f| format!("{}: {}", f.what, f.reason));
        return Err(failure.unwrap_or_else(|| "no repeat".into()));
    }
    if cell.oversubscribed {
        return Err("more lanes than CPUs".into());
    }
    if cell.key.host != serial.key.host {
        return Err("serial was measured on another machine".into());
    }
    if cell.key.data != serial.key.data {
        return Err("serial was measured on other data".into());
    }
    let is_base = group.base.as_ref().is_some_and(|base| base.cell == serial.id);
    let ratio = match cell.speedup {
        Some(speedup) if is_base => Some(speedup),
        _ => bootstrap.ratio_of_medians(&serial.samples(), &cell.samples()),
    };
    let over_serial = ratio.ok_or("a time that is not positive")?;
    Ok(Versus {
        id: cell.id.clone(),
        name: labels::cell(&cell.cell),
        lanes: cell.cell.lanes(),
        over_serial,
    })
}

impl Cost {
    /// The answer in words: `2`, `2 (1 not ruled out)`, `not reached (up to 4 lanes)`, `not shown
    /// (up to 4 lanes; 3 not ruled out)`.
    pub fn words(&self) -> String {
        let up_to = match self.measured.last() {
            None => {
                return format!(
                    "not known: {}",
                    labels::one_line(self.why.as_deref().unwrap_or("no cell"), 48)
                );
            }
            Some(1) => "1 lane measured".to_string(),
            Some(most) => format!("up to {most} lanes measured"),
        };
        match (self.lanes, self.not_ruled_out) {
            (Some(lanes), Some(possible)) if possible < lanes => {
                format!("{lanes} ({possible} not ruled out)")
            }
            (Some(lanes), _) => lanes.to_string(),
            (None, Some(possible)) => format!("not shown ({up_to}; {possible} not ruled out)"),
            (None, None) => format!("not reached ({up_to})"),
        }
    }
}

/// The heading of a group's table, with the time to beat; `None` where there is nothing to tell.
pub fn heading(group: &Group, costs: &[Cost]) -> Option<String> {
    if costs.is_empty() {
        return None;
    }
    let time = serial(group)?
        .time
        .map_or("which has no good repeat".into(), |time| units::seconds(time.value));
    Some(format!("COST: lanes that it takes to beat one thread, serial, {time}"))
}

/// The columns of the table.
pub const COLUMNS: [(&str, Align); 5] = [
    ("backend", Align::Left),
    ("COST/lanes", Align::Left),
    ("cell", Align::Left),
    ("over serial", Align::Right),
    ("95 %", Align::Left),
];

/// The rows of a group, one for each backend.
pub fn rows(costs: &[Cost]) -> impl Iterator<Item = Vec<String>> + '_ {
    costs.iter().map(|cost| {
        let cell = cost.cell.as_ref();
        let interval = cell.and_then(|c| c.over_serial.interval);
        vec![
            cost.backend.clone(),
            cost.words(),
            cell.map_or(String::new(), |c| {
                if cost.lanes.is_some() { c.name.clone() } else { format!("best: {}", c.name) }
            }),
            cell.map_or(String::new(), |c| format!("{:.2}", c.over_serial.value)),
            interval.map_or(String::new(), |i| format!("{:.2} to {:.2}", i.low, i.high)),
        ]
    })
}

/// The table of a group.
pub fn table(costs: &[Cost]) -> Table {
    let mut table = Table::new(&COLUMNS);
    rows(costs).for_each(|row| table.row(row));
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_stats::Interval;

    fn versus(lanes: u32, value: f64, interval: Option<(f64, f64)>) -> Versus {
        let interval = interval.map(|(low, high)| Interval { low, high, level: 0.95 });
        let over_serial = Estimate { value, interval, n: 6 };
        Versus { id: CellId("0".into()), name: format!("x {lanes}"), lanes, over_serial }
    }

    #[test]
    fn what_counts_as_faster() {
        assert!(versus(1, 1.2, Some((1.1, 1.3))).is_faster());
        assert!(!versus(1, 1.2, Some((1.0, 1.3))).is_faster(), "an interval that holds 1");
        assert!(!versus(1, 1.2, None).is_faster(), "no interval");
        assert!(versus(1, 0.9, Some((0.8, 1.01))).may_be_faster());
        assert!(versus(1, 0.9, None).may_be_faster());
        assert!(!versus(1, 0.9, Some((0.8, 1.0))).may_be_faster());
    }

    #[test]
    fn the_answer_in_words() {
        let cost = |lanes, not_ruled_out, measured: &[u32]| Cost {
            backend: "x".into(),
            lanes,
            not_ruled_out,
            measured: measured.to_vec(),
            cell: None,
            why: measured.is_empty().then(|| "wrong: another\nanswer".into()),
        };
        assert_eq!(cost(Some(2), Some(2), &[1, 2, 4]).words(), "2");
        assert_eq!(cost(Some(2), Some(1), &[1, 2, 4]).words(), "2 (1 not ruled out)");
        assert_eq!(cost(None, None, &[1, 2, 4]).words(), "not reached (up to 4 lanes measured)");
        assert_eq!(
            cost(None, Some(4), &[1, 4]).words(),
            "not shown (up to 4 lanes measured; 4 not ruled out)"
        );
        assert_eq!(cost(None, None, &[1]).words(), "not reached (1 lane measured)");
        assert_eq!(cost(None, None, &[]).words(), "not known: wrong: another answer");
    }
}

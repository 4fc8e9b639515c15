//! Bytes a second of the phases that are there to move bytes, as STREAM tells them.
//!
//! The workload says how many bytes an iteration moves in a phase. A repeat's rate is those of all
//! its iterations over the seconds that the slowest lane was in the phase; waiting for the others is
//! a phase of its own. The best repeat is what STREAM prints (of its runs), the median with its
//! interval is what all other tables tell. Bytes are those that the workload counts: what a cache
//! reads before it is written to is not among them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::labels;
use crate::summary::{CellSummary, Group};
use crate::table::{Align, Table};
use amdahl_record::Phase;
use amdahl_record::cell::CellId;
use amdahl_record::units::significant;
use amdahl_stats::{Bootstrap, Estimate};

/// The rate of a phase of a cell, byte/s.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// The phase.
    pub phase: &'static str,
    /// Bytes that all lanes move in it in an iteration.
    pub bytes: f64,
    /// Of each good repeat, in their order.
    #[serde(skip)]
    pub samples: Vec<f64>,
    /// Median of the repeats.
    pub median: Estimate,
    /// Of the fastest repeat.
    pub best: f64,
}

/// The rates of a group's cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bandwidths(BTreeMap<CellId, Vec<Rate>>);

impl Bandwidths {
    /// Of a group's cells.
    pub fn of(group: &Group, bootstrap: Bootstrap) -> Bandwidths {
        let rates = |cell: &CellSummary| (cell.id.clone(), rates(cell, bootstrap));
        let all = group.cells.iter().map(rates).filter(|(_, rates)| !rates.is_empty());
        Bandwidths(all.collect())
    }

    /// Has no cell any?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of a cell, in the order of its phases.
    pub fn cell(&self, cell: &CellSummary) -> &[Rate] {
        self.0.get(&cell.id).map_or(&[], Vec::as_slice)
    }
}

fn rates(cell: &CellSummary, bootstrap: Bootstrap) -> Vec<Rate> {
    let (spec, iterations) = (&cell.cell.workload, f64::from(cell.iterations.unwrap_or(0)));
    let workload = amdahl_workloads::of(spec);
    let Some(size) = workload.size(spec, cell.rows, cell.dims) else { return Vec::new() };
    let work = workload.work_by_phase(spec, &size).into_iter().filter(|of| of.bandwidth_bound);
    let rate = |of: amdahl_workload::PhaseWork| {
        let index = Phase::find(of.phase)?.index();
        let slowest = |lanes: &crate::summary::times::LaneTimes| {
            let seconds = lanes.iter().filter_map(|lane| lane.get(index).copied());
            seconds.reduce(f64::max).filter(|seconds| *seconds > 0.0)
        };
        let seconds = cell.repeats.iter().filter_map(|repeat| slowest(&repeat.lanes));
        let samples: Vec<f64> = seconds.map(|seconds| of.bytes * iterations / seconds).collect();
        let best = samples.iter().copied().reduce(f64::max).filter(|best| *best > 0.0)?;
        let median = bootstrap.median(&samples)?;
        Some(Rate { phase: of.phase, bytes: of.bytes, samples, median, best })
    };
    work.filter_map(rate).collect()
}

/// Title of the table.
pub const HEADING: &str = "Bandwidth by phase: bytes that the phase moves over the seconds of the \
                           slowest lane";

/// The columns of the table.
pub const COLUMNS: [(&str, Align); 6] = [
    ("cell", Align::Left),
    ("phase", Align::Left),
    ("bytes/iteration", Align::Right),
    ("median GB/s", Align::Right),
    ("95 %", Align::Left),
    ("best GB/s", Align::Right),
];

/// The rows of a group: one for each phase of a cell.
pub fn rows(group: &Group, bandwidths: &Bandwidths) -> Vec<Vec<String>> {
    let giga = |rate: f64| significant(rate / 1e9);
    let row = |(cell, rate): (&CellSummary, &Rate)| {
        let interval = rate.median.interval;
        vec![
            labels::cell(&cell.cell),
            rate.phase.to_string(),
            amdahl_record::units::count(rate.bytes),
            giga(rate.median.value),
            interval.map_or(String::new(), |i| format!("{} to {}", giga(i.low), giga(i.high))),
            giga(rate.best),
        ]
    };
    let cells = group.cells.iter();
    cells.flat_map(|cell| bandwidths.cell(cell).iter().map(move |r| (cell, r))).map(row).collect()
}

/// The table of a group.
pub fn table(group: &Group, bandwidths: &Bandwidths) -> Table {
    let mut table = Table::new(&COLUMNS);
    rows(group, bandwidths).into_iter().for_each(|row| table.row(row));
    table
}

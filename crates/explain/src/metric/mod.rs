//! Derived metrics: quotients that a person can judge, each with its unit and its formula.
//!
//! One file a family, one line in [`FAMILIES`]. A metric takes its inputs from a [`Scope`]: sums
//! over lanes and phases, medians over repeats, divided afterwards. Inputs of a quotient come from
//! one source and were counted together (in one group); where that cannot be, or an input is
//! missing, the metric is null with the reason. Simulated and measured counts are never mixed.

use serde::Serialize;

use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::cell::{CellId, WorkloadSpec};
use amdahl_record::simulation::{Counts, Simulation};
use amdahl_record::{Answer, Phase, Provenance, Role};

mod arithmetic;
mod balance;
mod cache;
mod instructions;
mod memory;
pub mod render;
pub mod scope;

use scope::{Accelerator, Scope, Size, Span};

/// A derived metric.
pub struct Metric {
    /// Name in tables and files.
    pub name: &'static str,
    /// Unit; "1" for a quotient without one.
    pub unit: &'static str,
    /// How it is computed, in the names of readings.
    pub formula: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
    /// Computes it, or says why it cannot be.
    pub of: fn(&Scope<'_>) -> Result<Derived, String>,
}

/// A value with where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Derived {
    /// In the metric's unit.
    pub value: f64,
    /// Of its inputs, what promises least.
    pub from: Provenance,
}

/// How the names of metrics begin that are simulated alone.
const SIMULATED: &str = "simulated";

/// Every family. A new one is a file and a line here.
pub const FAMILIES: &[&[Metric]] = &[
    instructions::METRICS,
    cache::METRICS,
    memory::METRICS,
    arithmetic::METRICS,
    balance::METRICS,
];

/// Every metric, in the order of tables.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// One value of a metric of a cell, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The metric's name.
    pub metric: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// `computing` (all phases that compute) or a phase.
    pub phase: &'static str,
    /// The lane; null for all together.
    pub lane: Option<usize>,
    /// The value; null where there is none.
    pub value: Option<f64>,
    /// Where it comes from.
    pub from: Option<Provenance>,
    /// Of simulated counts, which cache of the machine the last level stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_level: Option<&'static str>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// All metrics of a cell.
#[derive(Clone, Debug, Serialize)]
pub struct OfCell {
    /// The cell.
    pub cell: CellId,
    /// How it is called.
    pub name: String,
    /// Its values: every metric of every span and lane that has one; one entry with the reason for
    /// a metric that has none.
    pub entries: Vec<Entry>,
}

/// The metrics of every cell of a summary, in its order.
pub fn of(summary: &Summary) -> Vec<OfCell> {
    let cells = summary.groups.iter().flat_map(|g| g.cells.iter().map(move |c| (g, c)));
    cells
        .map(|(group, cell)| OfCell {
            cell: cell.id.clone(),
            name: crate::labels::cell(&cell.cell),
            entries: of_cell(summary, group, cell),
        })
        .collect()
}

/// The metrics of one cell: the measured ones, then those of each of its simulations.
pub fn of_cell(summary: &Summary, group: &Group, cell: &CellSummary) -> Vec<Entry> {
    let scope = measured(summary, group, cell, Span::Computing, None);
    let phases = cell.own_phases();
    // Those that were recorded: a damaged cell may have any number.
    let lanes = cell.repeats.iter().map(|repeat| repeat.measured.lanes.len()).max().unwrap_or(0);
    let simulations: Vec<&Simulation> =
        summary.simulations.iter().filter(|s| s.key.cell == cell.id).collect();
    let mut found = Vec::new();
    for metric in all() {
        let mut mine = entries(metric, &scope, &phases, lanes, None);
        for simulation in &simulations {
            let Some(counts) = simulation.counts() else { continue };
            let scope = Ok(simulated(simulation, counts));
            let of_it = entries(
                metric,
                &scope,
                &phases,
                counts.lanes.len(),
                Some(simulation.caches.last.words()),
            );
            mine.extend(of_it.into_iter().filter(|e| e.from == Some(Provenance::Simulated)));
        }
        // What has a value anywhere needs no reason.
        if mine.iter().any(|e| e.value.is_some()) {
            mine.retain(|e| e.value.is_some());
        } else if metric.name.starts_with(SIMULATED) {
            mine[0].why = Some(match simulations.iter().find_map(|s| s.reason()) {
                Some(reason) => format!("the simulation failed: {reason}"),
                None => "no simulation of this cell".into(),
            });
        }
        found.extend(mine);
    }
    found
}

/// What the simulated metrics of a cell are computed from.
pub fn simulated<'a>(simulation: &'a Simulation, counts: &'a Counts) -> Scope<'a> {
    let spec = &simulation.cell.workload;
    let (rows, iterations) = (counts.rows as f64, f64::from(counts.iterations));
    let answer = Answer {
        iterations: counts.iterations,
        counts: [("rows".into(), counts.rows), ("dims".into(), counts.dims.into())].into(),
        ..Answer::default()
    };
    let by_formula = amdahl_workloads::of(spec).facts(spec, &answer).formula_operations;
    let own = own_size(spec, counts.rows, counts.dims);
    Scope {
        runs: vec![counts.readings.as_slice()],
        size: Size {
            rows,
            dims: f64::from(counts.dims),
            k: own,
            iterations,
            lanes: counts.lanes.len() as u32,
            distances: by_formula.map(|all| (all, Provenance::Modelled)),
            line: Some(f64::from(simulation.caches.ll.line_bytes)),
        },
        limits: None,
        operates: operates(spec, false),
        device: None,
        span: Span::Computing,
        lane: None,
    }
}

/// A metric over all spans, for all lanes together and for each; one entry with the reason where it
/// has no value at all.
fn entries(
    metric: &Metric,
    scope: &Result<Scope<'_>, String>,
    phases: &[Phase],
    lanes: usize,
    last_level: Option<&'static str>,
) -> Vec<Entry> {
    let entry = |span: Span, lane, derived: Result<Derived, String>| {
        // What is no number is no value: a formula over made-up or damaged records can overflow.
        let derived = derived
            .and_then(|d| if d.value.is_finite() { Ok(d) } else { Err("not a number".into()) });
        Entry {
            metric: metric.name,
            unit: metric.unit,
            phase: span.word(),
            lane,
            value: derived.as_ref().ok().map(|d| d.value),
            from: derived.as_ref().ok().map(|d| d.from),
            last_level,
            why: derived.err(),
        }
    };
    let scope = match scope {
        Ok(scope) => scope,
        Err(why) => return vec![entry(Span::Computing, None, Err(why.clone()))],
    };
    let mut all: Vec<Entry> = Vec::new();
    for span in Span::of(phases) {
        for lane in std::iter::once(None).chain((0..lanes).filter(|_| lanes > 1).map(Some)) {
            all.push(entry(span, lane, (metric.of)(&scope.at(span, lane))));
        }
    }
    if all.iter().any(|e| e.value.is_some()) {
        all.retain(|e| e.value.is_some());
    } else {
        all.truncate(1);
    }
    all
}

impl<'a> Scope<'a> {
    /// The same counts for another span and lane.
    pub fn at(&self, span: Span, lane: Option<usize>) -> Scope<'a> {
        Scope {
            runs: self.runs.clone(),
            size: self.size,
            limits: self.limits,
            operates: self.operates,
            device: self.device,
            span,
            lane,
        }
    }
}

/// The phase in which a workload's operations are made: that of its model, else the first in which
/// its lanes compute; of accelerators, the one in which they do.
pub fn operates(spec: &WorkloadSpec, offloaded: bool) -> Phase {
    let role = if offloaded { Role::Offload } else { Role::Compute };
    let modelled = amdahl_workloads::of(spec).operation().filter(|_| !offloaded);
    let modelled = modelled.and_then(|operation| Phase::find(operation.phase));
    let first = || amdahl_workloads::phases(spec).into_iter().find(|phase| phase.role() == role);
    modelled.or_else(first).unwrap_or(if offloaded { Phase::EXECUTE } else { Phase::ASSIGN })
}

/// The workload's own size beside rows and columns; 0 where it has none.
fn own_size(spec: &WorkloadSpec, rows: u64, columns: u32) -> f64 {
    let workload = amdahl_workloads::of(spec);
    let size = workload.size(spec, Some(rows), Some(columns)).unwrap_or_default();
    let mut named = workload.sizes().iter().zip(size);
    named.find(|(name, _)| !["points", "dims"].contains(&name.key)).map_or(0.0, |(_, size)| size)
}

/// What the measured metrics of a cell are computed from.
///
/// # Errors
/// Why there is nothing: no good repeat.
pub fn measured<'a>(
    summary: &'a Summary,
    group: &Group,
    cell: &'a CellSummary,
    span: Span,
    lane: Option<usize>,
) -> Result<Scope<'a>, String> {
    let newest = cell.repeats.iter().max_by_key(|r| r.repeat).ok_or("no good repeat")?;
    let spec = &group.workload;
    let workload = amdahl_workloads::of(spec);
    let facts = workload.facts(spec, &newest.measured.answer);
    let (rows, columns) = (facts.rows.unwrap_or(0), facts.columns.unwrap_or(0));
    let counted = facts.operations.map(|all| (all, Provenance::Measured));
    let by_formula = facts.formula_operations.map(|all| (all, Provenance::Modelled));
    let host = summary.hosts.iter().find(|host| host.id == cell.key.host);
    let line = host.and_then(|h| {
        h.caches.iter().filter(|c| c.kind != "instruction").find_map(|c| c.line_bytes)
    });
    let mut limits = summary.limits.iter().filter(|l| l.host == cell.key.host);
    let limits = limits.clone().find(|l| l.build == cell.key.build).or_else(|| limits.next_back());
    Ok(Scope {
        runs: cell.repeats.iter().map(|r| r.measured.readings.as_slice()).collect(),
        size: Size {
            rows: rows as f64,
            dims: f64::from(columns),
            k: own_size(spec, rows, columns),
            iterations: f64::from(facts.iterations),
            lanes: cell.cell.lanes(),
            distances: counted.or(by_formula),
            line: line.map(f64::from),
        },
        limits,
        operates: operates(spec, cell.cell.backend.platform().is_some()),
        device: cell.cell.backend.platform().map(|_| {
            let own = &cell.cell.workload;
            let size = workload.size(own, facts.rows, facts.columns).unwrap_or_default();
            let width = workload.work(own, &size).precision.bytes();
            Accelerator { flops: cell.floor.as_ref().map(|f| f.flops), width }
        }),
        span,
        lane,
    })
}

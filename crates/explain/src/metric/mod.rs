//! Derived metrics: quotients that a person can judge, each with its unit and its formula.
//!
//! One file a family, one line in [`FAMILIES`]. A metric takes its inputs from a [`Scope`]: sums
//! over lanes and phases, medians over repeats, divided afterwards. Inputs of a quotient come from
//! one source and were counted together (in one group); where that cannot be, or an input is
//! missing, the metric is null with the reason. Simulated and measured counts are never mixed.

use std::sync::{Arc, LazyLock};

use serde::Serialize;

use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::cell::{CellId, WorkloadSpec};
use amdahl_record::simulation::{Counts, Simulation};
use amdahl_record::{Answer, Phase, Provenance};
use amdahl_workload::Operation;

mod arithmetic;
mod balance;
mod cache;
mod instructions;
mod memory;
mod model;
pub mod render;
pub mod scope;

use model::Model;
pub use model::operates;
use scope::{Accelerator, Scope, Size, Span};

/// A derived metric. In its texts `{one}`, `{many}` and `{about}` stand for the words of an
/// elementary operation.
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

/// A metric as it is called: one of operations once for each workload's.
pub struct Named {
    /// Name in tables and files.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// How it is computed.
    pub formula: String,
    /// What it says.
    pub about: String,
    metric: &'static Metric,
    /// The operations that it is about, by their word for many; none where it is about any workload.
    operations: Option<&'static str>,
}

impl Named {
    fn new(metric: &'static Metric, operation: Option<Operation>) -> Named {
        let word = |text: &str| match operation {
            None => text.to_string(),
            Some(Operation { one, many, about, .. }) => {
                text.replace("{one}", one).replace("{many}", many).replace("{about}", about)
            }
        };
        Named {
            name: word(metric.name),
            unit: word(metric.unit),
            formula: word(metric.formula),
            about: word(metric.about),
            metric,
            operations: operation.map(|operation| operation.many),
        }
    }

    /// Is it about this workload's cells?
    fn concerns(&self, spec: &WorkloadSpec) -> bool {
        let own = amdahl_workloads::of(spec).operation().map(|operation| operation.many);
        self.operations.is_none_or(|of| own == Some(of))
    }
}

/// Every metric, in the order of tables.
pub fn all() -> impl Iterator<Item = &'static Named> {
    static ALL: LazyLock<Vec<Named>> = LazyLock::new(|| {
        let mut operations: Vec<Operation> = Vec::new();
        for operation in amdahl_workloads::ALL.iter().filter_map(|workload| workload.operation()) {
            if !operations.iter().any(|known| known.many == operation.many) {
                operations.push(operation);
            }
        }
        let mut all = Vec::new();
        for metric in FAMILIES.iter().flat_map(|family| family.iter()) {
            match metric.name.contains('{') {
                true => all.extend(operations.iter().map(|o| Named::new(metric, Some(*o)))),
                false => all.push(Named::new(metric, None)),
            }
        }
        all
    });
    ALL.iter()
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
    for metric in all().filter(|metric| metric.concerns(&cell.cell.workload)) {
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
    Scope {
        runs: vec![counts.readings.as_slice()],
        size: Size {
            rows,
            iterations,
            lanes: counts.lanes.len() as u32,
            operations: by_formula.map(|all| (all, Provenance::Modelled)),
            line: Some(f64::from(simulation.caches.ll.line_bytes)),
        },
        limits: None,
        model: Arc::new(Model::of(spec, Some(counts.rows), Some(counts.dims), false)),
        device: None,
        span: Span::Computing,
        lane: None,
    }
}

/// A metric over all spans, for all lanes together and for each; one entry with the reason where it
/// has no value at all.
fn entries(
    metric: &'static Named,
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
            metric: &metric.name,
            unit: &metric.unit,
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
            all.push(entry(span, lane, (metric.metric.of)(&scope.at(span, lane))));
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
            model: Arc::clone(&self.model),
            device: self.device,
            span,
            lane,
        }
    }
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
    let facts = amdahl_workloads::of(spec).facts(spec, &newest.measured.answer);
    let offloaded = cell.cell.backend.platform().is_some();
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
            rows: facts.rows.unwrap_or(0) as f64,
            iterations: f64::from(facts.iterations),
            lanes: cell.cell.lanes(),
            operations: counted.or(by_formula),
            line: line.map(f64::from),
        },
        limits,
        model: Arc::new(Model::of(&cell.cell.workload, facts.rows, facts.columns, offloaded)),
        device: offloaded
            .then(|| Accelerator { flops: cell.floor.as_ref().map(|floor| floor.flops) }),
        span,
        lane,
    })
}

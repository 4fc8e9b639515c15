//! Where figures of misses take their counts from: a PMU or a simulation, never both.

use crate::figure::View;
use crate::labels;
use crate::metric::scope::{Scope, Span};
use crate::metric::{measured, simulated};
use crate::summary::times::in_order;
use crate::summary::{CellSummary, Group};
use amdahl_record::simulation::{LIMITS, LastLevel, Simulation};
use amdahl_record::units;
use amdahl_record::{Phase, Provenance};

/// A level whose misses are drawn: its name, and the readings that count them, added up.
pub type Level = (&'static str, &'static [&'static str]);

/// Levels that a PMU counts, the inner one first.
const MEASURED: [Level; 3] =
    [("L1D", &["L1D-load-misses"]), ("L2", &["L2-misses"]), ("last level", &["LLC-load-misses"])];

/// Misses of the first level and of the last one in a simulation.
const D1: &[&str] = &["L1D-read-misses", "L1D-write-misses"];
const LAST: &[&str] = &["LL-read-misses", "LL-write-misses"];

/// The levels of one kind, the inner one first, in the order of colours.
pub fn levels(is_simulated: bool) -> Vec<&'static str> {
    match is_simulated {
        true => vec!["L1D", LastLevel::L2.words(), LastLevel::L3Share.words()],
        false => MEASURED.iter().map(|(name, _)| *name).collect(),
    }
}

/// Misses of a cell in a level.
pub struct Misses {
    /// The level.
    pub level: &'static str,
    /// Misses in the span, on all lanes.
    pub misses: f64,
    /// Instructions that were counted with them; none where they were not.
    pub instructions: Option<f64>,
    /// Rows, and those of the lane with most.
    pub rows: (f64, f64),
    /// Iterations.
    pub iterations: f64,
    /// The problem's size, in the order of the workload's variables.
    pub sizes: Vec<f64>,
    /// Bytes that the lane with most goes through again in each iteration.
    pub resident: f64,
    /// Bytes of a row that an iteration cannot do without.
    pub compulsory: f64,
}

/// What a cell missed in a span; empty where nothing was counted in this way.
pub fn of_cell(
    view: &View<'_>,
    group: &Group,
    cell: &CellSummary,
    span: Span,
    is_simulated: bool,
) -> Vec<Misses> {
    let mut found = Vec::new();
    let mut add = |scope: &Scope<'_>, (level, readings): Level| {
        let sum = |metrics: &[&str]| metrics.iter().map(|m| scope.total(m)).sum::<Total>();
        if let Total(Ok(misses)) = sum(readings) {
            let together = scope.together([readings[0], "instructions"]);
            let (size, model) = (scope.size, &scope.model);
            found.push(Misses {
                level,
                misses,
                instructions: together
                    .ok()
                    .map(|([_, instructions], _)| instructions)
                    .filter(|i| *i > 0.0),
                rows: (size.rows, (size.rows / f64::from(size.lanes.max(1))).ceil()),
                iterations: size.iterations,
                sizes: model.sizes.clone(),
                resident: model.work.resident.of_a_lane(size.lanes) as f64,
                compulsory: model.work.bytes / size.rows,
            });
        }
    };
    if is_simulated {
        let mut has_first = false;
        for (simulation, counts) in simulations(view, cell) {
            let scope = simulated(simulation, counts).at(span, None);
            if !has_first {
                add(&scope, ("L1D", D1));
                has_first = true;
            }
            add(&scope, (simulation.caches.last.words(), LAST));
        }
    } else if let Ok(scope) = measured(view.summary, group, cell, span, None) {
        MEASURED.into_iter().for_each(|level| add(&scope, level));
    }
    found.retain(|m| m.misses.is_finite() && m.rows.0 > 0.0 && m.iterations > 0.0);
    found
}

/// A sum that is missing where a part of it is.
struct Total(Result<f64, String>);

impl std::iter::Sum<Result<crate::metric::scope::Input, String>> for Total {
    fn sum<I: Iterator<Item = Result<crate::metric::scope::Input, String>>>(parts: I) -> Total {
        Total(parts.map(|part| part.map(|input| input.value)).sum())
    }
}

fn simulations<'a>(
    view: &'a View<'_>,
    cell: &CellSummary,
) -> impl Iterator<Item = (&'a Simulation, &'a amdahl_record::simulation::Counts)> {
    let id = cell.id.clone();
    view.summary
        .simulations
        .iter()
        .filter(move |s| s.key.cell == id)
        .filter_map(|s| Some((s, s.counts()?)))
}

/// Sizes of the caches by the names of [`levels`], bytes: of the simulated machine, or of the
/// machine.
pub fn sizes(view: &View<'_>, is_simulated: bool) -> Vec<(&'static str, f64)> {
    let names = levels(is_simulated);
    let mut sizes: Vec<(&'static str, f64)> = Vec::new();
    let mut add = |name: &'static str, bytes: u64| {
        if bytes > 0 && !sizes.iter().any(|(known, _)| *known == name) {
            sizes.push((name, bytes as f64));
        }
    };
    if is_simulated {
        for simulation in view.summary.simulations.iter().filter(|s| s.counts().is_some()) {
            add("L1D", simulation.caches.d1.bytes);
            add(simulation.caches.last.words(), simulation.caches.ll.bytes);
        }
    } else {
        let caches = view
            .summary
            .hosts
            .iter()
            .flat_map(|host| &host.caches)
            .filter(|c| c.kind != "instruction");
        for cache in caches {
            if let Some(name) = names.get(cache.level.saturating_sub(1) as usize) {
                add(name, cache.bytes);
            }
        }
    }
    sizes
}

/// Where the counts come from, for captions.
pub fn source(view: &View<'_>, is_simulated: bool) -> String {
    if !is_simulated {
        return view.source().replace("wall clock", "hardware counters");
    }
    let counts: Vec<_> = view.summary.simulations.iter().filter_map(|s| s.counts()).collect();
    let mut kernels: Vec<String> =
        counts.iter().map(|c| format!("{}, kernel {}", c.tool, c.kernel)).collect();
    kernels.sort();
    kernels.dedup();
    let (least, most) =
        counts.iter().fold((u64::MAX, 0), |(least, most), c| (least.min(c.rows), most.max(c.rows)));
    let rows = match least == most {
        true => units::count(most as f64),
        false => format!("{} to {}", units::count(least as f64), units::count(most as f64)),
    };
    format!("Simulated, not measured ({}; {rows} rows). The model: {LIMITS}.", kernels.join("; "))
}

/// Where a figure's numbers come from.
pub fn provenance(is_simulated: bool) -> Provenance {
    if is_simulated { Provenance::Simulated } else { Provenance::Measured }
}

/// The words for a source in titles.
pub fn word(is_simulated: bool) -> &'static str {
    if is_simulated { "Simulated" } else { "Measured" }
}

/// How the rows of a cell lie, for series.
pub fn layout(group: &Group) -> &'static str {
    let cell = group.cells.first().map(|cell| &cell.cell);
    cell.and_then(|cell| labels::word(cell, "layout")).unwrap_or_default()
}

/// The spans of a figure by phase: those of the timed part, without those of accelerators, whose
/// counts are not the processor's.
pub fn by_phase(cells: &[&CellSummary]) -> Vec<Span> {
    let mut phases: Vec<Phase> = cells.iter().flat_map(|cell| cell.own_phases()).collect();
    phases.retain(|phase| !phase.role().is_of_accelerators());
    in_order(phases).into_iter().map(Span::Phase).collect()
}

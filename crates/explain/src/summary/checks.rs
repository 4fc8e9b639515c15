//! What a reader should know before believing the table.

use std::collections::BTreeSet;

use crate::summary::{CellSummary, Found, Group};
use crate::warning::{BEYOND, NOISY, SLOW_BASE, SUPERLINEAR, Warning};
use amdahl_record::BuildFacts;
use amdahl_record::cell::CellId;
use amdahl_record::read::Results;
use amdahl_stats::{binomial, bootstrap};

/// All warnings, the gravest first.
pub(super) fn warnings(
    groups: &[Group],
    builds: &[BuildFacts],
    base: &str,
    level: f64,
    found: Found,
    results: &Results,
) -> Vec<Warning> {
    let timed: Vec<&CellSummary> =
        groups.iter().flat_map(|g| &g.cells).filter(|c| c.time.is_some()).collect();
    let ids = |keep: &dyn Fn(&CellSummary) -> bool| -> Vec<CellId> {
        timed.iter().filter(|c| keep(c)).map(|c| c.id.clone()).collect()
    };
    let distinct = |of: fn(&CellSummary) -> &str| -> Vec<String> {
        timed.iter().map(|c| of(c)).collect::<BTreeSet<_>>().into_iter().map(String::from).collect()
    };
    let mut warnings: Vec<Warning> =
        results.warnings.iter().map(|what| Warning::Damaged { what: what.clone() }).collect();
    let mut add = |when: bool, warning: Warning| {
        if when {
            warnings.push(warning);
        }
    };

    add(found.unknown_cell > 0, Warning::UnknownCell { records: found.unknown_cell });
    let doubled = || Warning::Doubled { what: results.doubled.to_string() };
    add(!results.doubled.is_empty(), doubled());
    add(found.unusable_time > 0, Warning::UnusableTime { records: found.unusable_time });
    let hosts = distinct(|c| &c.key.host);
    add(hosts.len() > 1, Warning::MixedHosts { hosts });
    // Each outside program is a build of its own, and so is the worker with each plugin of an
    // accelerator.
    let ours = timed
        .iter()
        .filter(|c| c.cell.backend.peer().is_none() && c.cell.backend.platform().is_none());
    let mixed: Vec<String> =
        ours.map(|c| c.key.build.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    add(mixed.len() > 1, Warning::MixedBuilds { builds: mixed });
    let mpi: BTreeSet<&String> = timed.iter().filter_map(|c| c.key.mpi.as_ref()).collect();
    let libraries = mpi.into_iter().cloned().collect::<Vec<_>>();
    add(libraries.len() > 1, Warning::MixedMpi { libraries });
    add(
        !found.base_missing.is_empty(),
        Warning::BaseMissing { base: base.to_string(), cells: found.base_missing },
    );
    add(!found.base_elsewhere.is_empty(), Warning::BaseElsewhere { cells: found.base_elsewhere });
    let oversubscribed = ids(&|c| c.oversubscribed);
    add(!oversubscribed.is_empty(), Warning::Oversubscribed { cells: oversubscribed });
    let shares = ids(&|c| c.shares_cores);
    add(!shares.is_empty(), Warning::SharedCores { cells: shares });
    suspicious_bases(groups).into_iter().for_each(|warning| add(true, warning));
    add(!found.shared_cpu.is_empty(), Warning::SharedCpu { cells: found.shared_cpu });
    add(!found.steal.1.is_empty(), Warning::Steal { cells: found.steal.1, worst: found.steal.0 });
    add(
        !found.throttled.1.is_empty(),
        Warning::Throttled { cells: found.throttled.1, worst: found.throttled.0 },
    );
    add(
        !found.crowded.1.is_empty(),
        Warning::Crowded { cells: found.crowded.1, worst: found.crowded.0 },
    );

    let (worst, phases, cells) = found.probing;
    add(!cells.is_empty(), Warning::Probing { cells, phases, worst });

    let beyond = |c: &CellSummary| c.of_floor.unwrap_or(0.0);
    let faster = ids(&|c| beyond(c) > BEYOND);
    let most = timed.iter().map(|c| beyond(c)).fold(0.0, f64::max);
    add(!faster.is_empty(), Warning::BelowFloor { cells: faster, most });

    let lone = ids(&|c| c.repeats.len() < bootstrap::MIN_SAMPLES);
    add(!lone.is_empty(), Warning::NoInterval { cells: lone });
    let wanted = binomial::samples_for(level);
    let is_few = |c: &CellSummary| (bootstrap::MIN_SAMPLES..wanted).contains(&c.repeats.len());
    let few = ids(&is_few);
    let fewest = timed.iter().filter(|c| is_few(c)).map(|c| c.repeats.len()).min().unwrap_or(0);
    add(!few.is_empty(), Warning::FewRepeats { cells: few, fewest, wanted });
    let half_width = |c: &CellSummary| c.time.and_then(|t| t.relative_half_width()).unwrap_or(0.0);
    let noisy = ids(&|c| half_width(c) > NOISY);
    let worst = timed.iter().map(|c| half_width(c)).fold(0.0, f64::max);
    add(!noisy.is_empty(), Warning::Noisy { cells: noisy, worst });

    let (records, cells) = found.left_out;
    add(records > 0, Warning::LeftOut { records, cells });
    add(found.replaced > 0, Warning::Replaced { records: found.replaced });
    let dirty: Vec<String> =
        builds.iter().filter(|b| b.dirty == Some(true)).map(|b| b.id.clone()).collect();
    add(!dirty.is_empty(), Warning::DirtyBuild { builds: dirty });
    for (what, cells) in found.answers {
        add(true, Warning::Answer { cells, what });
    }
    warnings
}

/// What speaks against the bases of the speedups: another kernel than that of the cells, the same
/// program on one lane that is faster, cells that are faster than their lanes allow.
fn suspicious_bases(groups: &[Group]) -> Vec<Warning> {
    let (mut kernels, mut other_kernel) = (BTreeSet::new(), Vec::new());
    let (mut slow, mut slowest) = (Vec::new(), 0f64);
    let (mut above, mut most) = (Vec::new(), 0f64);
    for group in groups {
        let base = group.base.as_ref().and_then(|b| group.cells.iter().find(|c| c.id == b.cell));
        let Some(base) = base else { continue };
        let ours = group.cells.iter().filter(|cell| {
            cell.id != base.id
                && cell.cell.backend.peer().is_none()
                && cell.cell.backend.platform().is_none()
        });
        for cell in ours {
            let is_same = cell.cell.workload == base.cell.workload;
            let (mine, its) = (instruction_set(cell), instruction_set(base));
            if is_same && mine.is_some() && its.is_some() && mine != its {
                other_kernel.push(cell.id.clone());
                kernels.extend(mine.into_iter().chain(its).map(String::from));
            }
            let above_of = |limit: f64, of: Option<amdahl_stats::Estimate>| {
                of.filter(|of| of.interval.is_some_and(|interval| interval.low > limit))
            };
            let one_lane = is_same && cell.cell.lanes() == 1 && base.cell.lanes() == 1;
            if let Some(speedup) = above_of(SLOW_BASE, cell.speedup).filter(|_| one_lane) {
                slow.push(cell.id.clone());
                slowest = slowest.max(speedup.value);
            }
            let several = is_same && cell.cell.lanes() > 1;
            if let Some(efficiency) = above_of(SUPERLINEAR, cell.efficiency).filter(|_| several) {
                above.push(cell.id.clone());
                most = most.max(efficiency.value);
            }
        }
    }
    let kernels = kernels.into_iter().collect();
    let mut found = Vec::new();
    if !other_kernel.is_empty() {
        found.push(Warning::MixedKernels { cells: other_kernel, kernels });
    }
    if !slow.is_empty() {
        found.push(Warning::SlowBase { cells: slow, most: slowest });
    }
    if !above.is_empty() {
        found.push(Warning::Superlinear { cells: above, most });
    }
    found
}

/// The first word of the kernel that ran: `avx512` of `avx512, tiles, certified`.
fn instruction_set(cell: &CellSummary) -> Option<&str> {
    cell.kernel.as_deref()?.split(',').next()
}

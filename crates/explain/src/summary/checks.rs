//! What a reader should know before believing the table.

use std::collections::BTreeSet;

use crate::summary::{CellSummary, Found, Group};
use crate::warning::{BEYOND, NOISY, Warning};
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

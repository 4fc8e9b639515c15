//! The checks of the twelve rules, in their order.

use std::collections::BTreeSet;

use crate::labels;
use crate::reporting_rules::{Drawn, Finding, Joined, Subject, Verdict};
use crate::summary::{CellSummary, Group, Summary};
use crate::warning::Warning;
use amdahl_record::Provenance;
use amdahl_stats::{binomial, bootstrap};

fn finding(what: impl Into<String>, places: Vec<String>, todo: impl Into<String>) -> Finding {
    Finding { what: what.into(), places, todo: todo.into() }
}

fn name(cell: &CellSummary) -> String {
    format!("{} ({})", labels::cell(&cell.cell), cell.id)
}

/// Cells with a time.
fn timed(summary: &Summary) -> impl Iterator<Item = &CellSummary> {
    summary.groups.iter().flat_map(|group| &group.cells).filter(|cell| cell.time.is_some())
}

/// Names of the cells with a time for which this holds.
fn those(summary: &Summary, keep: impl Fn(&CellSummary) -> bool) -> Vec<String> {
    timed(summary).filter(|cell| keep(cell)).map(name).collect()
}

/// A finding for a warning that the summary has, with the warning's own words and advice.
fn warned(summary: &Summary, which: impl Fn(&Warning) -> bool) -> Vec<Finding> {
    let cells: Vec<&CellSummary> = summary.groups.iter().flat_map(|group| &group.cells).collect();
    let of = |warning: &Warning| {
        let known = |id: &amdahl_record::cell::CellId| {
            cells.iter().find(|cell| cell.id == *id).map(|cell| name(cell))
        };
        let places = match warning {
            Warning::MixedHosts { hosts } => hosts.clone(),
            Warning::MixedMpi { libraries } => libraries.clone(),
            Warning::MixedBuilds { builds } | Warning::DirtyBuild { builds } => builds.clone(),
            other => other.cells().iter().filter_map(known).collect(),
        };
        finding(
            warning.to_string(),
            places,
            warning.advice().unwrap_or("look at the results folder"),
        )
    };
    summary.warnings.iter().filter(|warning| which(warning)).map(of).collect()
}

/// Rule 1.
pub(super) fn base(subject: &Subject<'_>) -> Verdict {
    let summary = subject.analysis.summary;
    let parallel = |group: &&Group| {
        group.cells.iter().any(|cell| cell.time.is_some() && cell.cell.lanes() > 1)
    };
    if !summary.groups.iter().any(|group| parallel(&group)) {
        return Verdict::kept("no cell has several lanes, so there is no speedup");
    }
    let found = warned(summary, |w| {
        matches!(w, Warning::BaseMissing { .. } | Warning::BaseElsewhere { .. })
    });
    let bases = || summary.groups.iter().filter_map(|group| group.base.as_ref());
    let (serial, one_lane) =
        (bases().all(|base| base.name == "serial"), bases().all(|base| base.lanes == 1));
    Verdict::kept(match (serial, one_lane) {
        (true, _) => {
            "every speedup is over the serial program without threads or messages, whose time stands beside it"
        }
        (_, true) => "every speedup names its base, one lane of a parallel program, whose time stands beside it",
        _ => "every speedup names its base and the lanes that it has, and its time stands beside it",
    })
    .unless(found)
}

/// Rule 2.
pub(super) fn left_out(subject: &Subject<'_>) -> Verdict {
    let summary = subject.analysis.summary;
    let found = warned(summary, |w| {
        matches!(
            w,
            Warning::UnknownCell { .. } | Warning::UnusableTime { .. } | Warning::Damaged { .. }
        )
    });
    let part = summary
        .run
        .as_ref()
        .is_some_and(|run| run.command.iter().any(|word| word.starts_with("--only")));
    let verdict = match part {
        true => Verdict::unknown(
            "the newest run measured a part of its manifest (--only); whether earlier runs measured the rest, records do not tell",
        ),
        false => {
            let failed = summary
                .groups
                .iter()
                .flat_map(|group| &group.cells)
                .filter(|cell| cell.time.is_none())
                .count();
            Verdict::kept(match failed {
                0 => "every cell that was asked for has a time".to_string(),
                1 => "the cell without a time is a row with its reason".to_string(),
                n => format!("the {n} cells without a time are rows with their reasons"),
            })
        }
    };
    verdict.unless(found)
}

/// Rule 3.
pub(super) fn costs(_: &Subject<'_>) -> Verdict {
    Verdict::built_in(
        "times are summarised, and every rate (IPC, byte/s, flop/s) is a sum of counts over a sum of costs",
    )
}

/// Rule 4.
pub(super) fn ratios(_: &Subject<'_>) -> Verdict {
    Verdict::built_in(
        "speedups, efficiencies and comparisons are ratios of medians; no mean of ratios is taken anywhere",
    )
}

/// Rule 5.
pub(super) fn intervals(subject: &Subject<'_>) -> Verdict {
    let summary = subject.analysis.summary;
    let level =
        timed(summary).filter_map(|cell| Some(cell.time?.interval?.level)).fold(0.0, f64::max);
    let wanted = binomial::samples_for(if level > 0.0 { level } else { 0.95 });
    let none = those(summary, |cell| cell.repeats.len() < bootstrap::MIN_SAMPLES);
    let few = those(summary, |cell| (bootstrap::MIN_SAMPLES..wanted).contains(&cell.repeats.len()));
    let mut found = Vec::new();
    let todo = format!(
        "raise 'repeats' to {wanted} at least and run it again: only what is missing is measured"
    );
    if !none.is_empty() {
        found.push(finding(
            "cells without an interval: fewer than 3 good repeats",
            none,
            todo.clone(),
        ));
    }
    if !few.is_empty() {
        let what = format!(
            "cells whose interval cannot reach its level: fewer than {wanted} good repeats"
        );
        found.push(finding(what, few, todo));
    }
    match timed(summary).next() {
        None => Verdict::unknown("no cell has a time"),
        Some(_) => {
            Verdict::kept(format!("every time has an interval from at least {wanted} repeats"))
                .unless(found)
        }
    }
}

/// Rule 6.
pub(super) fn normality(_: &Subject<'_>) -> Verdict {
    Verdict::built_in(
        "intervals come from the exact bootstrap of the median and from the binomial distribution of ranks, which assume no shape",
    )
}

/// Rule 7.
pub(super) fn comparison(subject: &Subject<'_>) -> Verdict {
    let summary = subject.analysis.summary;
    let is_mixed = |warning: &Warning| {
        use Warning::{MixedBuilds, MixedHosts, MixedKernels, MixedMpi, SlowBase};
        matches!(
            warning,
            MixedHosts { .. }
                | MixedBuilds { .. }
                | MixedMpi { .. }
                | MixedKernels { .. }
                | SlowBase { .. }
        )
    };
    let mut found = warned(summary, is_mixed);
    for group in &summary.groups {
        let kinds: BTreeSet<&str> =
            group.cells.iter().filter_map(|cell| cell.phases_from.map(kind)).collect();
        if kinds.len() > 1 {
            let what = format!(
                "phases of one table are {}",
                kinds.into_iter().collect::<Vec<_>>().join(" and ")
            );
            found.push(finding(
                what,
                vec![labels::workload(&group.workload)],
                "measure all cells in the same way",
            ));
        }
    }
    Verdict::kept("all cells come from one machine and one build; a difference is called one only where the whole interval of the ratio shows it")
        .unless(found)
}

/// Rule 8.
pub(super) fn summary(_: &Subject<'_>) -> Verdict {
    Verdict::built_in(
        "times have a floor and a long tail, so the median says what a repeat usually takes; single repeats are drawn too",
    )
}

/// Rule 9.
pub(super) fn set_up(subject: &Subject<'_>) -> Verdict {
    let summary = subject.analysis.summary;
    let mut found = Vec::new();
    let hosts: BTreeSet<&str> = timed(summary).map(|cell| cell.key.host.as_str()).collect();
    let unknown: Vec<String> = hosts
        .iter()
        .filter(|id| !summary.hosts.iter().any(|host| host.id == **id))
        .map(ToString::to_string)
        .collect();
    if !unknown.is_empty() {
        found.push(finding(
            "machines of which nothing is known",
            unknown,
            "keep the lines of the kind 'host' with the records",
        ));
    }
    for host in &summary.hosts {
        let facts = [
            ("CPU model", host.cpu.is_none()),
            ("memory", host.memory_bytes.is_none()),
            ("kernel", host.kernel.is_none()),
        ];
        let missing: Vec<&str> =
            facts.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
        if !missing.is_empty() {
            let what = format!("machine without {}", missing.join(", "));
            found.push(finding(
                what,
                vec![host.id.clone()],
                "say it beside the results; 'amdahl doctor' tells what it finds",
            ));
        }
    }
    let ours = |cell: &&CellSummary| {
        cell.cell.backend.peer().is_none() && cell.cell.backend.platform().is_none()
    };
    let builds: BTreeSet<&str> =
        timed(summary).filter(ours).map(|cell| cell.key.build.as_str()).collect();
    let unknown: Vec<String> = builds
        .iter()
        .filter(|id| !summary.builds.iter().any(|build| build.id == **id))
        .map(ToString::to_string)
        .collect();
    if !unknown.is_empty() {
        found.push(finding(
            "builds of which nothing is known",
            unknown,
            "keep the lines of the kind 'run' with the records",
        ));
    }
    for build in &summary.builds {
        if build.compiler.is_empty() || build.compiler == "unknown" {
            found.push(finding(
                "build without its compiler",
                vec![build.id.clone()],
                "build it where rustc says its version",
            ));
        }
        if build.revision.is_none() {
            found.push(finding(
                "build without a revision",
                vec![build.id.clone()],
                "build it in a git checkout",
            ));
        }
    }
    found.extend(warned(summary, |w| matches!(w, Warning::DirtyBuild { .. })));
    if summary.run.is_none() {
        found.push(finding(
            "no run tells which experiment it was",
            vec![],
            "keep the lines of the kind 'run' with the records",
        ));
    }
    Verdict::kept(
        "machine, build, experiment, data and every parameter of every cell are in the records and in the report",
    )
    .unless(found)
}

/// Rule 10.
pub(super) fn timing(_: &Subject<'_>) -> Verdict {
    Verdict::built_in(
        "lanes meet at a barrier, the time of the slowest counts, waiting and collectives are told apart: 'Method' says so",
    )
}

/// Rule 11.
pub(super) fn bounds(subject: &Subject<'_>) -> Verdict {
    let summary = subject.analysis.summary;
    if timed(summary).next().is_none() {
        return Verdict::unknown("no cell has a time");
    }
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    let mut without = Vec::new();
    for group in &summary.groups {
        let cells = || group.cells.iter().filter(|cell| cell.time.is_some());
        let ideal = group.base.is_some()
            && cells().any(|cell| cell.cell.lanes() > 1 && cell.speedup.is_some());
        let floor = cells().any(|cell| cell.floor.is_some());
        // Fitting takes a while: it is asked only where nothing else bounds.
        let fitted = !(ideal || floor)
            && subject.analysis.laws(group).iter().any(|laws| laws.chosen.is_some());
        let bounds = [
            (ideal, "the ideal speedup"),
            (floor, "the floor of the machine's limits"),
            (fitted, "a fitted law"),
        ];
        kinds.extend(bounds.iter().filter(|(has, _)| *has).map(|(_, kind)| *kind));
        if cells().next().is_some() && !(ideal || floor || fitted) {
            without.push(format!(
                "{} on {}",
                labels::workload(&group.workload),
                labels::dataset_name(&group.dataset)
            ));
        }
    }
    let todo =
        "measure the base (serial) and the machine's limits: 'amdahl run' does both where it can";
    let found = if without.is_empty() {
        vec![]
    } else {
        vec![finding("problems without any bound", without, todo)]
    };
    Verdict::kept(format!(
        "results stand beside {}",
        kinds.into_iter().collect::<Vec<_>>().join(", ")
    ))
    .unless(found)
}

/// Rule 12.
pub(super) fn plots(subject: &Subject<'_>) -> Verdict {
    let Some(figures) = subject.figures else {
        return Verdict::unknown("no figures were drawn");
    };
    let those = |keep: &dyn Fn(&Drawn) -> bool| -> Vec<String> {
        figures.iter().filter(|figure| keep(figure)).map(|figure| figure.name.clone()).collect()
    };
    let mut found = Vec::new();
    let lines = those(&|figure| figure.joined == Some(Joined::Categories));
    if !lines.is_empty() {
        found.push(finding("a line through categories", lines, "draw bars or points"));
    }
    let mixed = those(&|figure| {
        figure.from.iter().map(|from| kind(*from)).collect::<BTreeSet<_>>().len() > 1
    });
    if !mixed.is_empty() {
        found.push(finding(
            "measured, simulated or modelled numbers on one axis",
            mixed,
            "draw a figure of each",
        ));
    }
    let unknown = those(&|figure| figure.joined.is_none());
    match unknown.is_empty() {
        true => Verdict::kept(
            "lines join numbers of lanes only, and every figure shows numbers from one source",
        ),
        false => Verdict::unknown(format!(
            "it is not known what the lines of these figures join: {}",
            unknown.join(", ")
        )),
    }
    .unless(found)
}

/// The word for where numbers come from; multiplexed counters were measured.
fn kind(from: Provenance) -> &'static str {
    match from {
        Provenance::Measured | Provenance::Multiplexed { .. } => "measured",
        Provenance::Simulated => "simulated",
        Provenance::Modelled => "modelled",
    }
}

//! The twelve rules: made-up results that keep them, and results that break each one that can be
//! broken.

use amdahl_explain::analysis::Analysis;
use amdahl_explain::reporting_rules;
use amdahl_explain::reporting_rules::{Drawn, Joined, RULES, Status, Subject, Verdict};
use amdahl_explain::summary::{Summary, summarise};
use amdahl_record::{Failure, Line, Provenance};

use crate::samples::{self, Made};

fn summary(lines: &[Line]) -> Summary {
    summarise(&samples::collect(lines))
}

fn good() -> Vec<Line> {
    let mut lines = Made::default().lines();
    lines.push(Line::Limits(Box::new(samples::limits())));
    lines
}

fn figures() -> Vec<Drawn> {
    let drawn = |name: &str, joined| Drawn {
        name: name.into(),
        from: vec![Provenance::Measured],
        joined: Some(joined),
    };
    vec![drawn("speedup", Joined::Numbers), drawn("phases", Joined::Nothing)]
}

fn judge(lines: &[Line], figures: &[Drawn]) -> Vec<Verdict> {
    let summary = summary(lines);
    let analysis = &Analysis::of(&summary);
    reporting_rules::check(&Subject { analysis, figures: Some(figures) })
}

/// The rules that are broken, and what is said of the first of them.
fn broken(verdicts: &[Verdict]) -> (Vec<u8>, String) {
    let broken: Vec<&Verdict> =
        verdicts.iter().filter(|verdict| verdict.status == Status::Broken).collect();
    let said = broken.first().map_or(String::new(), |verdict| verdict.findings[0].to_string());
    (broken.iter().map(|verdict| verdict.rule).collect(), said)
}

fn breaks(rule: u8, lines: &[Line], says: &str) {
    let (rules, said) = broken(&judge(lines, &figures()));
    assert_eq!(rules, [rule], "{said}");
    assert!(said.contains(says) && said.contains("To do: "), "{said}");
}

#[test]
fn good_results_keep_all_twelve() {
    let verdicts = judge(&good(), &figures());
    assert_eq!(
        verdicts.iter().map(|verdict| verdict.rule).collect::<Vec<_>>(),
        (1..=12).collect::<Vec<_>>()
    );
    assert_eq!(broken(&verdicts).0, [0u8; 0]);
    assert!(
        verdicts.iter().all(|verdict| verdict.status == Status::Kept && !verdict.reason.is_empty()),
        "{verdicts:?}"
    );
    let built_in: Vec<u8> = verdicts.iter().filter(|v| v.by_construction).map(|v| v.rule).collect();
    assert_eq!(built_in, [3, 4, 6, 8, 10], "the others depend on what was measured");
    assert_eq!(
        reporting_rules::text(&verdicts),
        "of 12 rules 12 are kept, 0 broken, 0 cannot be judged\n"
    );
    let rows = reporting_rules::rows(&verdicts);
    assert_eq!(rows.len(), RULES.len());
    assert!(rows[3][2] == "kept by construction" && rows[0][2] == "kept", "{rows:?}");
}

#[test]
fn a_missing_base_and_one_of_another_machine() {
    let mut lines = good();
    samples::fail(&mut lines, "serial", 1, Failure::Killed, "no memory");
    breaks(1, &lines, "base 'serial' has no good repeat");
    // Without speedups there is no base to be missing.
    let alone = Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines();
    assert_eq!(judge(&alone, &figures())[0].status, Status::Kept);

    let mut lines = Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines();
    lines.extend(
        Made { spreads: vec![("threads", 1, 2)], host: "h1".into(), ..Made::default() }.lines(),
    );
    let (rules, _) = broken(&judge(&lines, &figures()));
    assert_eq!(rules[0], 1);
    assert!(rules.contains(&7), "two machines in one table: {rules:?}");
}

#[test]
fn what_is_left_out_without_a_reason() {
    let mut lines = good();
    let id = lines.iter().find_map(|line| match line {
        Line::Cell { id, cell } if cell.backend.name() == "mpi" => Some(id.clone()),
        _ => None,
    });
    let id = id.expect("an mpi cell");
    lines.retain(|line| !matches!(line, Line::Cell { id: other, .. } if *other == id));
    breaks(2, &lines, "no line says which cell");

    // A failure with its reason is no such thing.
    let mut lines = good();
    samples::fail(&mut lines, "mpi", 3, Failure::Killed, "signal 9");
    let verdict = &judge(&lines, &figures())[1];
    assert!(
        verdict.status == Status::Kept && verdict.reason.contains("with its reason"),
        "{verdict:?}"
    );

    // Whether the rest of the manifest was measured, the records do not say.
    for line in &mut lines {
        if let Line::Run(run) = line {
            run.command.push("--only".into());
        }
    }
    assert_eq!(judge(&lines, &figures())[1].status, Status::Unknown);
}

#[test]
fn too_few_samples_and_no_interval() {
    let few = |repeats| {
        let mut lines = Made { repeats, ..Made::default() }.lines();
        lines.push(Line::Limits(Box::new(samples::limits())));
        lines
    };
    breaks(5, &few(2), "cells without an interval");
    breaks(5, &few(5), "fewer than 6 good repeats");
    assert_eq!(broken(&judge(&few(6), &figures())).0, [0u8; 0]);
}

#[test]
fn machines_builds_and_sources_in_one_table() {
    let mut lines = good();
    lines.extend(
        Made {
            spreads: vec![("threads", 1, 4)],
            build: "b1".into(),
            started_ms: 1_800_000_000_000,
            ..Made::default()
        }
        .lines(),
    );
    breaks(7, &lines, "2 builds");

    let mut lines = good();
    let mut changed = 0;
    for line in &mut lines {
        if let Line::Record(record) = line
            && let Some(measured) = &mut record.measured
            && measured.lanes.len() == 4
        {
            changed += 1;
            measured
                .readings
                .iter_mut()
                .for_each(|reading| reading.from = Some(Provenance::Simulated));
        }
    }
    assert!(changed > 0);
    breaks(7, &lines, "measured and simulated");
}

#[test]
fn a_set_up_that_is_not_known() {
    let with = |change: &dyn Fn(&mut Line)| {
        let mut lines = good();
        lines.iter_mut().for_each(change);
        lines
    };
    breaks(
        9,
        &with(&|line| {
            if let Line::Host(host) = line {
                host.cpu = None
            }
        }),
        "without CPU model",
    );
    breaks(
        9,
        &with(&|line| {
            if let Line::Run(run) = line {
                run.build.compiler = String::new()
            }
        }),
        "without its compiler",
    );
    breaks(
        9,
        &with(&|line| {
            if let Line::Run(run) = line {
                run.build.revision = None
            }
        }),
        "without a revision",
    );
    breaks(
        9,
        &with(&|line| {
            if let Line::Run(run) = line {
                run.build.dirty = Some(true)
            }
        }),
        "uncommitted",
    );
    let mut lines = good();
    lines.retain(|line| !matches!(line, Line::Run(_)));
    breaks(9, &lines, "builds of which nothing is known");
    let mut lines = good();
    lines.retain(|line| !matches!(line, Line::Host(_)));
    breaks(9, &lines, "machines of which nothing is known");
}

#[test]
fn results_without_any_bound() {
    // One lane, no limits: nothing to stand beside.
    let lines = Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines();
    breaks(11, &lines, "without any bound");
    let mut lines = lines;
    lines.push(Line::Limits(Box::new(samples::limits())));
    let verdict = &judge(&lines, &figures())[10];
    assert!(verdict.status == Status::Kept && verdict.reason.contains("floor"), "{verdict:?}");
}

#[test]
fn lines_through_categories_and_mixed_axes() {
    let mut figures = figures();
    figures[1].joined = Some(Joined::Categories);
    let (rules, said) = broken(&judge(&good(), &figures));
    assert!(
        rules == [12] && said.contains("a line through categories (phases)"),
        "{rules:?} {said}"
    );
    figures[1].joined = Some(Joined::Nothing);
    figures[0].from.push(Provenance::Simulated);
    let (rules, said) = broken(&judge(&good(), &figures));
    assert!(rules == [12] && said.contains("on one axis (speedup)"), "{rules:?} {said}");
    // Counters that shared the hardware were measured all the same.
    figures[0].from = vec![Provenance::Measured, Provenance::Multiplexed { coverage: 0.5 }];
    assert_eq!(judge(&good(), &figures)[11].status, Status::Kept);
    figures[0].joined = None;
    assert_eq!(judge(&good(), &figures)[11].status, Status::Unknown);
    let good = summary(&good());
    let analysis = &Analysis::of(&good);
    let verdicts = reporting_rules::check(&Subject { analysis, figures: None });
    assert_eq!(verdicts[11].status, Status::Unknown);
    assert!(reporting_rules::text(&verdicts).contains("rule 12: cannot be judged"));
}

#[test]
fn strict_reports_end_with_4_and_are_written_all_the_same() {
    use crate::explain::{amdahl, folder_with};
    let few = Made { repeats: 2, ..Made::default() }.lines();
    for (lines, code) in [(good(), 0), (few, 4)] {
        let (temp, folder) = folder_with(&lines);
        let out = temp.path().join("out");
        let made = amdahl(&[
            "report",
            &folder.to_string_lossy(),
            "--out",
            &out.to_string_lossy(),
            "--strict",
        ]);
        let said = String::from_utf8_lossy(&made.stdout).into_owned();
        assert_eq!(
            made.status.code(),
            Some(code),
            "{said}{}",
            String::from_utf8_lossy(&made.stderr)
        );
        assert!(
            said.contains("of 12 rules") && (code == 0 || said.contains("rule 5: broken")),
            "{said}"
        );
        let page = std::fs::read_to_string(out.join("sample.html")).expect("the page");
        assert!(page.contains("The twelve rules of reporting"));
    }
}

//! Comparisons of made-up folders.

use amdahl_explain::compare::{Comparison, Verdict, compare};
use amdahl_explain::summary::summarise;
use amdahl_explain::terminal::Style;
use amdahl_record::error::Kind;
use amdahl_record::{Failure, Line, Outcome};
use amdahl_stats::Bootstrap;
use proptest::prelude::*;

use crate::explain::{amdahl, folder_with, golden};
use crate::samples::{self, Made, collect};

fn between(a: &[Line], b: &[Line]) -> Comparison {
    compare(&summarise(&collect(a)), &summarise(&collect(b)), Bootstrap::default())
}

/// The made-up experiment on another day, this much slower.
fn slower(by: f64) -> Vec<Line> {
    Made { slower: by, seed: 2, ..Made::default() }.lines()
}

fn kind(comparison: &Comparison, limit: f64) -> Option<Kind> {
    comparison.judge(Some(limit)).err().map(|e| e.kind)
}

#[test]
fn a_planted_slowdown_is_found_and_a_small_one_passes_the_gate() {
    let comparison = between(&slower(1.0), &slower(1.3));
    let verdict = |name: &str| {
        let pair = comparison
            .pairs
            .iter()
            .find(|p| amdahl_explain::labels::cell(&p.cell) == name)
            .expect("the cell");
        (pair.verdict.clone(), pair.ratio.expect("a ratio").value)
    };
    assert_eq!(verdict("serial").0, Verdict::Same, "only parallel cells were slowed");
    let (threads, ratio) = verdict("threads 4");
    assert_eq!(threads, Verdict::Slower);
    assert!((1.15..1.4).contains(&ratio), "{ratio}");
    assert_eq!(kind(&comparison, 1.05), Some(Kind::Regression));
    assert_eq!(kind(&comparison, 1.5), None);
    assert!(comparison.judge(None).is_ok(), "without a limit it only tells");
    assert_eq!(comparison.passed(2.0), "no cell is shown to take more than 2 times as long in B\n");
    assert!(!comparison.not_ruled_out(ratio).is_empty(), "the ratio itself is inside its interval");
    assert!(
        comparison.passed(ratio).contains("not ruled out either, for "),
        "{}",
        comparison.passed(ratio)
    );
}

#[test]
fn what_does_not_decide_is_no_pass() {
    let few = Made { repeats: 2, ..Made::default() }.lines();
    let comparison = between(&few, &slower(1.3));
    assert!(comparison.pairs.iter().all(|p| p.verdict == Verdict::TooFew { n: [2, 8] }));
    assert_eq!(kind(&comparison, 1.05), Some(Kind::Inconclusive));

    let mut failed = slower(1.0);
    samples::fail(&mut failed, "mpi", 4, Failure::Timeout, "more than 60 s");
    let comparison = between(&slower(1.0), &failed);
    assert_eq!(kind(&comparison, 1.5), Some(Kind::Inconclusive), "a cell lost its time");
    assert_eq!(kind(&between(&failed, &slower(1.0)), 1.5), None, "a cell found its time");

    let mut wrong = slower(1.0);
    for line in &mut wrong {
        if let Line::Record(record) = line {
            record.outcome = Outcome::Wrong { reason: "inertia: got 1, the oracle has 2".into() };
        }
    }
    assert_eq!(kind(&between(&slower(1.0), &wrong), 1.5), Some(Kind::WrongAnswer));

    let mut once = slower(1.0);
    if let Some(Line::Record(record)) = once.iter_mut().find(|line| matches!(line, Line::Record(_)))
    {
        record.outcome = Outcome::Wrong { reason: "inertia: got 1, the oracle has 2".into() };
    }
    assert_eq!(
        kind(&between(&slower(1.0), &once), 1.5),
        Some(Kind::WrongAnswer),
        "one answer of many"
    );
    assert_eq!(kind(&between(&once, &slower(1.0)), 1.5), None, "it was mended");

    let mut few = slower(1.0);
    let cell = few
        .iter()
        .find_map(|line| if let Line::Cell { id, .. } = line { Some(id.clone()) } else { None });
    let beyond = |line: &Line| matches!(line, Line::Record(r) if Some(&r.key.cell) == cell.as_ref() && r.repeat > 1);
    few.retain(|line| !beyond(line));
    assert_eq!(
        kind(&between(&slower(1.0), &few), 1.5),
        Some(Kind::Inconclusive),
        "one cell has too few repeats"
    );

    let elsewhere = Made { k: vec![3], ..Made::default() }.lines();
    let comparison = between(&slower(1.0), &elsewhere);
    assert_eq!(
        (comparison.pairs.len(), comparison.only_a.len(), comparison.only_b.len()),
        (0, 9, 9)
    );
    assert_eq!(comparison.judge(None).err().map(|e| e.kind), Some(Kind::NothingMeasured));
}

#[test]
fn times_of_other_data_are_not_compared() {
    let mut changed = slower(1.0);
    for line in &mut changed {
        if let Line::Record(record) = line {
            record.key.data = "another file".into();
        }
    }
    let comparison = between(&slower(1.0), &changed);
    assert!(comparison.pairs.iter().all(|p| p.verdict == Verdict::OtherData && p.ratio.is_none()));
    assert_eq!(kind(&comparison, 1.05), Some(Kind::Inconclusive));
}

#[test]
fn the_table_is_what_it_was() {
    let mut b = slower(1.1);
    samples::fail(&mut b, "mpi", 3, Failure::Panicked, "rank 0 panicked");
    b.extend(Made { k: vec![3], spreads: vec![("serial", 1, 1)], ..Made::default() }.lines());
    let comparison =
        compare(&summarise(&collect(&slower(1.0))), &summarise(&collect(&b)), Bootstrap::default());
    golden("compare.txt", &comparison.text(Style { colour: false }));
    golden("compare.md", &comparison.markdown());
}

#[test]
fn the_exit_codes_are_the_documented_ones() {
    let (_a, a) = folder_with(&slower(1.0));
    let (_b, b) = folder_with(&slower(1.3));
    let (a, b) = (a.to_string_lossy(), b.to_string_lossy());
    let code = |args: &[&str]| amdahl(args).status.code();
    assert_eq!(code(&["compare", &a, &b]), Some(0));
    assert_eq!(code(&["compare", &a, &b, "--fail-over", "1.05"]), Some(3));
    assert_eq!(code(&["compare", &b, &a, "--fail-over", "1.05"]), Some(0));
    assert_eq!(code(&["compare", &a, &b, "--fail-over", "0.5"]), Some(2));
    let json = amdahl(&["compare", &a, &b, "--fail-over", "1.05", "--format", "json"]);
    let json: serde_json::Value =
        serde_json::from_slice(&json.stdout).expect("JSON even when it fails");
    assert_eq!((&json["judged"], &json["format"]), (&"regression".into(), &1.into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn exchanging_the_folders_turns_the_verdicts_round(by in 0.8..1.25f64, noise in 0.0..0.3f64, repeats in 1..7u32) {
        let spreads = vec![("serial", 1, 1), ("threads", 1, 2)];
        let a = Made { spreads: spreads.clone(), noise, repeats, ..Made::default() }.lines();
        let b = Made { spreads, noise, repeats, slower: by, seed: 9, ..Made::default() }.lines();
        let (there, back) = (between(&a, &b), between(&b, &a));
        for (one, other) in there.pairs.iter().zip(&back.pairs) {
            let turned = match &other.verdict {
                Verdict::Slower => Verdict::Faster,
                Verdict::Faster => Verdict::Slower,
                same => same.clone(),
            };
            prop_assert_eq!(&one.verdict, &turned);
            let product = one.ratio.expect("a ratio").value * other.ratio.expect("a ratio").value;
            prop_assert!((product - 1.0).abs() < 1e-12);
        }
    }
}

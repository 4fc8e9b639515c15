//! Records of every version of the format keep their meaning: `data/version-N.jsonl` hold the same
//! repeats (one lane, threads, ranks, an accelerator, an outside program, a failure, a simulation),
//! each as its version writes them.

use std::path::{Path, PathBuf};

use amdahl_record::read::{Results, read};
use amdahl_record::{Line, Phase, PhaseNames, Role, RunFacts, SCHEMA};

fn fixture(version: u32) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    data.join(format!("version-{version}.jsonl"))
}

/// What a folder with this file holds.
fn results(text: &str) -> Results {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.jsonl"), text).expect("written");
    read(folder.path()).expect("records")
}

fn of_version(version: u32) -> Results {
    results(&std::fs::read_to_string(fixture(version)).expect("a fixture of each version"))
}

/// All that results are: not a number equals itself here. Of a run's phases the order, which is how
/// its values were written, is no part of that, and neither is its number.
fn all_of(mut results: Results) -> String {
    for run in &mut results.runs {
        assert_eq!(run.phases.len(), 11);
        run.phases = PhaseNames::default();
        run.number = 0; // versions 1 and 2 had none
    }
    format!("{results:#?}")
}

#[test]
fn every_version_says_the_same() {
    let newest = of_version(SCHEMA);
    assert_eq!((newest.runs.len(), newest.records.len(), newest.simulations.len()), (2, 6, 1));
    assert!(newest.warnings.is_empty(), "{:?}", newest.warnings);
    let newest = all_of(newest);
    for version in 1..SCHEMA {
        assert_eq!(all_of(of_version(version)), newest, "version {version}");
    }
}

#[test]
fn values_are_those_of_their_phases() {
    for version in 1..=SCHEMA {
        let results = of_version(version);
        let accelerated = results.records.iter().filter_map(|record| record.measured.as_ref());
        let measured = accelerated.into_iter().find(|m| m.device.is_some()).expect("one of them");
        assert_eq!(measured.wall(Phase::EXECUTE), [0.298], "version {version}");
        assert_eq!(measured.wall(Phase::COMPILE), [0.05]);
        let instructions = measured.reading("instructions").expect("counted");
        let value = |phase| instructions.value(0, phase);
        assert_eq!((value(Phase::ASSIGN), value(Phase::INIT)), (Some(2000.0), None));
        assert_eq!((value(Phase::REDUCE), value(Phase::DOWNLOAD)), (Some(0.0), Some(8.0)));
        let counts = results.simulations[0].counts().expect("counts");
        let misses = counts.reading("L1D-read-misses").expect("counted");
        assert_eq!(misses.value(0, Phase::UPDATE), Some(210.0));
        assert_eq!(misses.value(0, Phase::FINISH), None);
    }
}

/// The newest fixture's lines.
fn lines() -> Vec<Line> {
    let text = std::fs::read_to_string(fixture(SCHEMA)).expect("a fixture");
    text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
}

fn written(lines: &[Line]) -> String {
    lines.iter().map(|line| serde_json::to_string(line).expect("JSON") + "\n").collect()
}

/// The first run with its first record, whose phases are called otherwise.
fn with_phases(phases: PhaseNames) -> Vec<Line> {
    let mut lines = lines();
    let record = lines.iter().position(|line| matches!(line, Line::Record(_))).expect("a record");
    lines.truncate(record + 1);
    for line in &mut lines {
        if let Line::Run(run) = line {
            run.phases = phases.clone();
        }
    }
    lines
}

#[test]
fn phases_that_nobody_knows_come_and_go() {
    let names = PhaseNames::of(&[
        ("versions-test-halo", Role::Communicate),
        ("load", Role::Setup),
        ("versions-test-sweep", Role::Compute),
    ]);
    let mut lines = with_phases(names);
    for line in &mut lines {
        if let Line::Record(record) = line {
            let readings = &mut record.measured.as_deref_mut().expect("measured").readings;
            readings.truncate(1);
            readings[0].values = Some(vec![vec![0.5, 0.25, 2.0]]);
        }
    }
    let once = results(&written(&lines));
    assert!(once.warnings.is_empty(), "{:?}", once.warnings);
    let halo = Phase::find("versions-test-halo").expect("known since");
    let sweep = Phase::find("versions-test-sweep").expect("known since");
    assert_eq!((halo.role(), sweep.role()), (Role::Communicate, Role::Compute));
    let measured = once.records[0].measured.as_ref().expect("measured");
    let wall = |phase| measured.wall(phase)[0];
    assert_eq!((wall(halo), wall(Phase::LOAD), wall(sweep)), (0.5, 0.25, 2.0));
    assert_eq!(wall(Phase::ASSIGN), 0.0, "never entered");

    // Written by this program, in its own order, and read again.
    let run = RunFacts { phases: PhaseNames::known(), ..once.runs[0].clone() };
    let again = vec![Line::Run(run), Line::Record(Box::new(once.records[0].clone()))];
    let twice = results(&written(&again));
    assert_eq!(twice.records[0].measured.as_ref().expect("measured").wall(sweep), [2.0]);
    assert_eq!(twice.records[0].measured.as_ref().expect("measured").wall(halo), [0.5]);
}

#[test]
fn a_run_may_come_to_know_more_phases() {
    let few = PhaseNames::of(&[("load", Role::Setup), ("init", Role::Setup)]);
    let Some(Line::Run(run)) = with_phases(few).into_iter().next() else { panic!("a run first") };
    let more = Line::Run(RunFacts { phases: PhaseNames::known(), ..run.clone() });
    let mut lines = lines();
    lines.retain(|line| !matches!(line, Line::Run(other) if other.run == run.run));
    lines.insert(0, Line::Run(run));
    lines.insert(1, more);
    let results = results(&written(&lines));
    assert!(results.warnings.is_empty(), "{:?}", results.warnings);
    assert_eq!((results.runs.len(), results.records.len()), (2, 6), "still one run");
}

#[test]
fn what_has_no_name_is_left_out_and_said() {
    let few = PhaseNames::of(&[("load", Role::Setup), ("init", Role::Setup)]);
    let results_of = |phases| results(&written(&with_phases(phases)));
    let unnamed = results_of(few);
    assert_eq!(unnamed.records.len(), 0);
    assert!(unnamed.warnings[0].contains("more phases than the 2"), "{:?}", unnamed.warnings);
    let bad = results_of(PhaseNames::of(&[("no name", Role::Setup)]));
    assert!(bad.warnings[0].contains("no name of a phase"), "{:?}", bad.warnings);
    assert!(bad.warnings[1].contains("its run's phases"), "{:?}", bad.warnings);
    assert!(bad.runs.is_empty() && bad.records.is_empty());
}

#[test]
fn a_cell_that_is_not_what_its_id_says_is_left_out() {
    // Of a version without checksums: they would not fit.
    let text = std::fs::read_to_string(fixture(2)).expect("a fixture");
    let results = results(&text.replacen("\"k\":64", "\"k\":65", 1));
    assert_eq!((results.cells.len(), results.records.len()), (4, 6));
    assert!(
        results.warnings[0].contains("not the cell 9cd95ac550d0e396"),
        "{:?}",
        results.warnings
    );
    assert_eq!(results.without_cell().into_values().sum::<usize>(), 1);
}

#[test]
fn of_repeats_whose_run_is_lost_is_said_what_nobody_knows() {
    let mut lines = lines();
    lines.retain(|line| !matches!(line, Line::Run(run) if !run.run.contains("T23000")));
    let results = results(&written(&lines));
    assert_eq!(results.records.len(), 6);
    assert_eq!(results.warnings.len(), 1, "{:?}", results.warnings);
    assert!(results.warnings[0].contains("run 20261121T223902Z"), "{:?}", results.warnings);
}

#[test]
fn a_newer_version_is_refused() {
    let mut newer = lines();
    let Line::Run(run) = &mut newer[0] else { panic!("a run first") };
    run.schema = SCHEMA + 1;
    let newer = written(&newer);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.jsonl"), newer).expect("written");
    let error = read(folder.path()).expect_err("newer");
    assert!(error.to_string().contains("use a newer amdahl"), "{error}");
}

/// The fixture's lines, with other runs before the records.
fn with_runs(change: impl Fn(&mut RunFacts)) -> String {
    let mut lines = lines();
    for line in &mut lines {
        if let Line::Run(run) = line {
            change(run);
        }
    }
    written(&lines)
}

#[test]
fn a_repeat_that_stands_twice_counts_once_and_is_said() {
    let text = std::fs::read_to_string(fixture(SCHEMA)).expect("a fixture");
    let once = results(&text);
    assert!(once.doubled.is_empty());
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("written");
    };
    // A copy, and a file joined from both.
    write("a.jsonl", &text);
    write("b.jsonl", &text);
    write("c.jsonl", &format!("{text}{text}"));
    let mut read = read(folder.path()).expect("readable");
    assert_eq!((read.doubled.records, read.doubled.runs.len()), (18, 2));
    let said = read.doubled.to_string();
    assert!(said.starts_with("18 repeats stand in the folder more than once"), "{said}");
    assert!(said.contains("a.jsonl, b.jsonl, c.jsonl"), "{said}");
    read.doubled = Default::default();
    read.simulations.truncate(1);
    assert_eq!(format!("{read:?}"), format!("{once:?}"), "and changes nothing else");
    // Another attempt of the same number, which began at another time, is another repeat.
    let mut other = lines();
    for line in &mut other {
        if let Line::Record(record) = line {
            record.started_ms += 1;
        }
    }
    let other = written(&other);
    assert!(results(&format!("{text}{other}")).doubled.is_empty());
}

#[test]
fn what_came_first_is_told_by_numbers_and_not_by_the_clock() {
    let order = |text: &str| -> Vec<String> {
        let mut runs: Vec<String> =
            results(text).records.iter().map(|record| record.run.to_string()).collect();
        runs.dedup();
        runs
    };
    let (first, second) = ("20261121T223902Z-26778-d4d5380d", "20261121T230000Z-27000-d4d5380d");
    let numbers = |one: u64, other: u64| {
        with_runs(|run| run.number = if run.run == first { one } else { other })
    };
    assert_eq!(order(&numbers(1, 2)), [first, second]);
    assert_eq!(order(&numbers(2, 1)), [second, first], "the clock was set back");
    assert_eq!(order(&numbers(0, 0)), [first, second], "of before there were numbers: the clock");
    assert_eq!(order(&numbers(1, 0)), [second, first], "and before all that have one");
    // A run that measured anew replaces what came before it by its number.
    let standing = |one: u64, other: u64| {
        let mut lines = lines();
        let mut key = None;
        for line in &mut lines {
            match line {
                Line::Run(run) if run.run == first => (run.number, run.fresh) = (one, true),
                Line::Run(run) => run.number = other,
                // All of one key: each replaces the other's.
                Line::Record(record) => {
                    record.key = key.get_or_insert_with(|| record.key.clone()).clone();
                }
                _ => {}
            }
        }
        results(&written(&lines)).standing().map(|r| r.run.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(standing(1, 2).len(), 6, "what came after it stands");
    assert_eq!(standing(2, 1), [first, first, first]);
    assert_eq!(standing(0, 0).len(), 6);
}

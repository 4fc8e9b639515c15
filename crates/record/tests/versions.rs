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
/// its values were written, is no part of that.
fn all_of(mut results: Results) -> String {
    for run in &mut results.runs {
        assert_eq!(run.phases.len(), 11);
        run.phases = PhaseNames::default();
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
    let text = std::fs::read_to_string(fixture(SCHEMA)).expect("a fixture");
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
    let text = std::fs::read_to_string(fixture(SCHEMA)).expect("a fixture");
    let newer =
        text.replace(&format!("\"schema\":{SCHEMA}"), &format!("\"schema\":{}", SCHEMA + 1));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.jsonl"), newer).expect("written");
    let error = read(folder.path()).expect_err("newer");
    assert!(error.to_string().contains("use a newer amdahl"), "{error}");
}

//! The records' format as it is documented.

use std::path::Path;

use amdahl_record::limits::Level;
use amdahl_record::{Line, Outcome, Phase, PhaseNames, SCHEMA};

fn docs(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

#[test]
fn the_schema_of_records_is_not_stale() {
    let schema = schemars::schema_for!(amdahl_record::sum::Written).to_value();
    let sorted: serde_json::Value =
        serde_json::from_str(&amdahl_record::cell::canonical(&schema)).expect("JSON");
    let schema = serde_json::to_string_pretty(&sorted).expect("JSON") + "\n";
    let path = docs("records.schema.json");
    if std::env::var_os("AMDAHL_BLESS").is_some() {
        std::fs::write(&path, &schema).expect("the schema can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == schema,
        "docs/records.schema.json is stale; AMDAHL_BLESS=1 cargo test --release schema writes it anew"
    );
}

#[test]
fn the_lines_in_the_documentation_are_lines() {
    let text = std::fs::read_to_string(docs("records.md")).expect("documentation");
    let mut lines: Vec<Line> = text
        .lines()
        .filter(|line| line.starts_with("{\"line\""))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    assert_eq!(lines.len(), 6);
    let Line::Run(run) = lines.remove(0) else { panic!("a run") };
    assert_eq!((run.schema, run.phases), (SCHEMA, PhaseNames::shared()));
    let Line::Cell { id, cell } = &lines[0] else { panic!("a cell") };
    assert_eq!(cell.id(), *id);
    let Line::Limits(limits) = &lines[1] else { panic!("limits") };
    assert_eq!((limits.flops(1), limits.read(Level::Memory, 1)), (Some(1.18e11), Some(3.3e10)));
    let Line::Record(good) = &lines[2] else { panic!("a record") };
    assert!(good.counts() && good.key.cell == *id);
    assert_eq!(good.measured.as_ref().expect("measured").wall(Phase::ASSIGN), [0.0028]);
    let Line::Simulation(simulation) = &lines[3] else { panic!("a simulation") };
    let misses = simulation.counts().and_then(|counts| counts.reading("L1D-read-misses"));
    assert_eq!(misses.and_then(|misses| misses.value(0, Phase::ASSIGN)), Some(160_100.0));
    assert_eq!(misses.and_then(|misses| misses.value(0, Phase::LOAD)), None);
    let Line::Record(bad) = &lines[4] else { panic!("a record") };
    assert!(matches!(bad.outcome, Outcome::Failed { .. }) && !bad.counts());
}

#[test]
fn every_exit_code_is_documented() {
    use amdahl_record::error::Kind;
    let text = std::fs::read_to_string(docs("exit-codes.md")).expect("documentation");
    for kind in [
        Kind::Internal,
        Kind::Io,
        Kind::Comm,
        Kind::Usage,
        Kind::Manifest,
        Kind::Data,
        Kind::Unavailable,
        Kind::Regression,
        Kind::Inconclusive,
        Kind::WrongAnswer,
        Kind::NothingMeasured,
        Kind::Interrupted,
    ] {
        let code = kind.exit_code();
        assert!(
            text.lines().any(|line| line.starts_with(&format!("| {code} |"))),
            "{kind:?} ends with {code}"
        );
    }
}

//! Damaged records and manifests, without starting a process for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{attacks, tell};
use crate::fuzz::edits::{Draws, damage};
use crate::samples::{self, Made};
use amdahl_explain::analysis::Analysis;
use amdahl_explain::summary::summarise;
use amdahl_explain::terminal::Style;
use amdahl_explain::{export, show};
use amdahl_record::read::read;
use amdahl_run::plan::{self, Machine};

/// A record file as a sweep leaves it.
fn records() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Made { repeats: 3, ..Made::default() };
    samples::write(folder.path(), &made.lines());
    let files = crate::support::files(folder.path(), ".jsonl");
    std::fs::read(&files[0]).expect("records")
}

/// What is said of a folder of records; an error is an answer too.
fn explained(folder: &Path) -> Result<String, String> {
    let results = read(folder).map_err(|error| error.to_string())?;
    let summary = summarise(&results);
    let analysis = Analysis::of(&summary);
    let tables = [show::text(&analysis, Style { colour: false }), show::markdown(&analysis)];
    let data = export::json(&analysis).and_then(|_| export::csv(&summary));
    data.map_err(|error| error.to_string()).map(|_| tables.concat())
}

#[test]
fn damaged_records_are_explained_or_refused() {
    let (folder, whole) = (crate::fuzz::folder(), records());
    let path = folder.path().join("a.jsonl");
    let (mut shown, mut refused) = (0, 0);
    let tries = attacks(2_000);
    for input in 0..tries {
        let draws = &mut Draws::new("records", input);
        let mut file = whole.clone();
        match draws.below(3) {
            0 => file.truncate(draws.below(whole.len())),
            _ => damage(&mut file, std::slice::from_ref(&whole), draws),
        }
        std::fs::write(&path, &file).expect("written");
        let text = catch_unwind(AssertUnwindSafe(|| explained(folder.path())))
            .unwrap_or_else(|_| panic!("records {input} panic, see above"));
        match &text {
            Ok(text) => {
                shown += 1;
                assert!(!text.is_empty(), "records {input}: nothing is said");
            }
            Err(why) => {
                refused += 1;
                assert!(!why.is_empty(), "records {input}: no reason");
            }
        }
    }
    assert!(shown > tries / 2, "{shown} shown, {refused} refused");
    tell("damaged or cut record files", tries, &format!("{shown} shown, {refused} refused"));
}

#[test]
fn damaged_manifests_are_planned_or_refused_in_their_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let seeds: Vec<Vec<u8>> = crate::support::files(&folder, ".toml")
        .iter()
        .map(|path| std::fs::read(path).expect("a manifest"))
        .collect();
    assert!(seeds.len() > 3, "{}", seeds.len());
    let (mut planned, mut refused) = (0, 0);
    let tries = attacks(2_000);
    for input in 0..tries {
        let draws = &mut Draws::new("manifests", input);
        let mut file = draws.of(&seeds).clone();
        damage(&mut file, &seeds, draws);
        let Ok(text) = String::from_utf8(file) else { continue };
        let plan = catch_unwind(AssertUnwindSafe(|| {
            plan::parse(&text, Path::new("manifest.toml"), Machine::of(4))
        }))
        .unwrap_or_else(|_| panic!("manifest {input} panics, see above"));
        match plan {
            Ok(_) => planned += 1,
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                assert!(said.contains("manifest.toml"), "manifest {input}: no place in {said}");
            }
        }
    }
    assert!(planned > tries / 50 && refused > tries / 4, "{planned} planned, {refused} refused");
    tell("damaged manifests", tries, &format!("{planned} planned, {refused} refused"));
}

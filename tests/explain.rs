//! Summaries, tables and comparisons of made-up records.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use amdahl_explain::analysis::Analysis;
use amdahl_explain::show;
use amdahl_explain::show::Sort;
use amdahl_explain::summary::{Summary, summarise};
use amdahl_explain::terminal::Style;
use amdahl_explain::warning::Warning;
use amdahl_explain::{export, labels};
use amdahl_record::limits::Limits;
use amdahl_record::{Failure, Line, Outcome, Record};
use proptest::prelude::*;

use crate::samples::{self, Made};
use crate::situations::hardware_threads;

/// The text of a golden file; with `AMDAHL_BLESS=1` in the environment it is written first.
pub fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("AMDAHL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder"))
            .expect("a folder for golden files");
        std::fs::write(&path, text).expect("golden files can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} differs; AMDAHL_BLESS=1 writes it anew. Now:\n{text}");
}

/// An experiment in which most things went well.
pub fn mixed() -> Vec<Line> {
    let mut lines = Made { points: vec![10_000, 100_000], repeats: 5, ..Made::default() }.lines();
    samples::fail(&mut lines, "mpi", 3, Failure::Killed, "rank 1 of 3 died by signal 9 (SIGKILL)");
    lines.push(Line::Limits(Box::new(samples::limits())));
    lines
}

fn plain(summary: &Summary) -> String {
    show::text(&Analysis::of(summary), Style { colour: false })
}

pub fn amdahl(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_amdahl"))
        .args(args)
        .env_remove("NO_COLOR")
        .output()
        .expect("amdahl starts")
}

pub fn folder_with(lines: &[Line]) -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let folder = temp.path().join("results");
    samples::write(&folder, lines);
    (temp, folder)
}

#[test]
fn tables_are_what_they_were() {
    let summary = summarise(&samples::collect(&mixed()));
    golden("show.txt", &plain(&summary));
    golden("show.md", &show::markdown(&Analysis::of(&summary)));
    golden("show.csv", &export::csv(&summary).expect("CSV"));
}

#[test]
fn the_numbers_are_medians_and_ratios_of_medians() {
    let results = Made::default().results();
    let summary = summarise(&results);
    assert_eq!(summary.groups.len(), 1);
    let group = &summary.groups[0];
    let base = group.base.as_ref().expect("serial is there");
    assert_eq!(base.name, "serial");
    for cell in &group.cells {
        let seconds: Vec<f64> = results
            .records
            .iter()
            .filter(|r| r.key.cell == cell.id)
            .map(|r| r.measured.as_ref().expect("good").seconds)
            .collect();
        let time = cell.time.expect("a time");
        assert_eq!(Some(time.value), amdahl_stats::median(&seconds));
        assert!(time.interval.expect("eight repeats").holds(time.value));
        let speedup = cell.speedup.expect("a speedup");
        assert!((speedup.value - base.time.value / time.value).abs() < 1e-12);
        let efficiency = cell.efficiency.expect("an efficiency").value;
        assert!((efficiency - speedup.value / f64::from(cell.cell.lanes())).abs() < 1e-12);
        let phases: f64 =
            cell.phases.iter().filter(|p| p.phase.is_timed()).map(|p| p.critical_s).sum();
        assert!(
            phases <= time.value * 1.05,
            "{}: {phases} of {}",
            labels::cell(&cell.cell),
            time.value
        );
        assert!(cell.imbalance.expect("phases") >= 1.0);
    }
    assert_eq!(summary.warnings, []);
}

#[test]
fn the_floor_is_modelled_from_the_limits_of_the_same_machine() {
    let mut lines = Made::default().lines();
    let none = summarise(&samples::collect(&lines));
    let why = |c: &amdahl_explain::summary::CellSummary| c.floor_why.clone().unwrap_or_default();
    for cell in &none.groups[0].cells {
        assert!(
            cell.floor.is_none() && cell.of_floor.is_none() && why(cell).contains("no limits"),
            "{}",
            why(cell)
        );
    }
    assert!(!plain(&none).contains("of floor"), "an old folder has no such column");
    assert!(!plain(&none).contains("distances"), "all were evaluated");
    assert!(!plain(&none).contains("Floor"));
    let csv = export::csv(&none).expect("CSV");
    assert!(
        csv.lines()
            .next()
            .is_some_and(|header| header.contains(",floor_seconds,floor_bound,of_floor,"))
    );

    lines.push(Line::Limits(Box::new(samples::limits())));
    let summary = summarise(&samples::collect(&lines));
    assert_eq!(summary.limits, [samples::limits()]);
    for cell in &summary.groups[0].cells {
        // 2·10⁵·16·16 flop, 20 iterations; 40 GFLOP/s a lane.
        let floor = 2.0 * 1e5 * 16.0 * 16.0 / (40e9 * f64::from(cell.cell.lanes()));
        let measured = cell.time.expect("a time").value / 20.0;
        assert!((cell.floor.as_ref().expect("a floor").seconds - floor).abs() < 1e-15);
        assert!((cell.of_floor.expect("a fraction") - floor / measured).abs() < 1e-12);
    }
    assert!(plain(&summary).contains("of floor") && plain(&summary).contains("Floor modelled"));

    // Limits of another machine are nobody's here; those that the same build measured come before
    // newer ones.
    let elsewhere = Limits { host: "h9".into(), ..samples::limits() };
    let newer = Limits {
        build: "b9".into(),
        measured_ms: 1_800_000_000_000,
        peaks: vec![],
        ..samples::limits()
    };
    lines.extend([elsewhere, newer].map(|limits| Line::Limits(Box::new(limits))));
    assert_eq!(summarise(&samples::collect(&lines)).limits, [samples::limits()]);
    for line in &mut lines {
        if let Line::Limits(limits) = line {
            limits.host = "h9".into();
        }
    }
    assert!(
        summarise(&samples::collect(&lines)).groups[0]
            .cells
            .iter()
            .all(|cell| cell.of_floor.is_none())
    );
}

#[test]
fn a_cell_that_beats_its_floor_is_pointed_out() {
    let mut lines = Made::default().lines();
    let mut slow = samples::limits();
    slow.peaks.iter_mut().for_each(|peak| peak.fma.best = Some(1e9));
    lines.push(Line::Limits(Box::new(slow)));
    let warnings = summarise(&samples::collect(&lines)).warnings;
    assert!(
        warnings.iter().any(
            |w| matches!(w, Warning::BelowFloor { cells, most } if cells.len() == 9 && *most > 1.02)
        ),
        "{warnings:?}"
    );
}

#[test]
fn cost_is_the_fewest_lanes_that_beat_one_thread() {
    // Lanes that share out the work, and a program that is four times as slow.
    let spreads: Vec<_> =
        std::iter::once(("serial", 1, 1)).chain((1..=4).map(|t| ("threads", 1, t))).collect();
    let lines = Made { spreads, ..Made::default() }.lines();
    let cost = |lines: &[Line]| {
        let summary = summarise(&samples::collect(lines));
        Analysis::of(&summary).group(&summary.groups[0]).cost.clone()
    };
    let [ours] = &cost(&lines)[..] else { panic!("one parallel backend") };
    assert_eq!(
        (ours.backend.as_str(), ours.lanes, &ours.measured[..]),
        ("threads", Some(2), &[1, 2, 3, 4][..])
    );
    let cell = ours.cell.as_ref().expect("the cell that beats it");
    assert_eq!((cell.name.as_str(), cell.lanes), ("threads 2", 2));
    assert!(cell.over_serial.interval.expect("eight repeats").low > 1.0);

    let slow = Made { slower: 4.0, ..Made::default() }.lines();
    for cost in cost(&slow) {
        assert_eq!((cost.lanes, cost.not_ruled_out), (None, None), "{cost:?}");
        assert_eq!(cost.words(), "not reached (up to 4 lanes measured)");
        assert_eq!(cost.cell.as_ref().map(|c| c.lanes), Some(4), "the fastest is named");
    }

    // Two repeats have no interval: nothing is shown, nothing is ruled out.
    let few = Made { repeats: 2, ..Made::default() }.lines();
    assert!(
        cost(&few)
            .iter()
            .all(|c| c.words() == "not shown (up to 4 lanes measured; 1 not ruled out)")
    );

    let mut failed = lines.clone();
    for threads in 1..=4 {
        samples::fail(&mut failed, "threads", threads, Failure::Killed, "no memory");
    }
    assert_eq!(cost(&failed)[0].words(), "not known: killed: no memory");
    let mut alone = lines.clone();
    samples::fail(&mut alone, "serial", 1, Failure::Killed, "no memory");
    assert_eq!(cost(&alone)[0].words(), "not known: serial has no good repeat");
    let text = plain(&summarise(&samples::collect(&lines)));
    assert!(text.contains("COST: lanes that it takes to beat one thread, serial, 6"), "{text}");

    // Another base changes speedups, and not the COST.
    let mut other = lines;
    for line in &mut other {
        if let Line::Run(run) = line {
            run.base = "threads".into();
        }
    }
    let over: Vec<_> =
        cost(&other)[0].cell.iter().map(|c| (c.lanes, c.over_serial.value)).collect();
    assert_eq!(over, [(2, cell.over_serial.value)]);
}

#[test]
fn failures_are_rows_with_their_reason() {
    let summary = summarise(&samples::collect(&mixed()));
    let failed: Vec<_> =
        summary.groups.iter().flat_map(|g| &g.cells).filter(|c| c.time.is_none()).collect();
    assert_eq!(failed.len(), 2, "mpi 3 at both sizes");
    assert_eq!((failed[0].failed(), failed[0].failures[0].what.as_str()), (5, "killed"));
    assert!(plain(&summary).contains("killed in 5 of 5: rank 1 of 3 died by signal 9 (SIGKILL)"));
    let csv = export::csv(&summary).expect("CSV");
    assert!(csv.lines().any(|l| l.contains(",killed,rank 1 of 3")), "{csv}");
}

#[test]
fn a_wrong_answer_has_no_time() {
    let mut lines = Made::default().lines();
    for line in &mut lines {
        if let Line::Record(record) = line {
            record.outcome =
                Outcome::Wrong { reason: "iterations: got 19, the oracle has 20".into() };
        }
    }
    let summary = summarise(&samples::collect(&lines));
    assert!(summary.groups[0].cells.iter().all(|c| c.time.is_none() && c.speedup.is_none()));
    assert!(summary.groups[0].base.is_none());
    assert!(plain(&summary).contains("wrong in 8 of 8: iterations: got 19"));
}

#[test]
fn the_newest_build_counts_and_the_rest_is_said_to_be_left_out() {
    let mut lines = Made { repeats: 4, ..Made::default() }.lines();
    let newer = Made {
        build: "b1".into(),
        repeats: 6,
        slower: 2.0,
        started_ms: 1_800_000_000_000,
        ..Made::default()
    };
    lines.extend(newer.lines());
    let summary = summarise(&samples::collect(&lines));
    assert!(summary.groups[0].cells.iter().all(|c| c.key.build == "b1" && c.repeats.len() == 6));
    assert!(
        matches!(&summary.warnings[..], [Warning::LeftOut { records: 36, cells }] if cells.len() == 9)
    );

    // A newer build that only fails does not hide the older one's good repeats.
    let mut lines = Made { repeats: 4, ..Made::default() }.lines();
    let mut failing = newer.lines();
    samples::fail(&mut failing, "threads", 2, Failure::Timeout, "60 s");
    lines.extend(failing);
    let summary = summarise(&samples::collect(&lines));
    let cell = summary.groups[0]
        .cells
        .iter()
        .find(|c| labels::cell(&c.cell) == "threads 2")
        .expect("the cell");
    assert_eq!((cell.key.build.as_str(), cell.repeats.len()), ("b0", 4));
    assert!(
        summary
            .warnings
            .iter()
            .any(|w| matches!(w, Warning::MixedBuilds { builds } if builds.len() == 2))
    );
}

#[test]
fn what_speaks_against_a_base_is_said() {
    let is_of = |lines: &[Line]| -> Vec<&'static str> {
        let told = summarise(&samples::collect(lines)).warnings;
        let name = |warning: &Warning| match warning {
            Warning::MixedKernels { kernels, cells } => {
                assert_eq!(
                    (&kernels[..], cells.len()),
                    (&["avx512".into(), "portable".into()][..], 8)
                );
                Some("kernels")
            }
            Warning::SlowBase { cells, most } => {
                assert!(cells.len() == 2 && (1.6..1.9).contains(most), "{most}");
                Some("slow")
            }
            Warning::Superlinear { most, .. } => {
                assert!(*most > 1.5, "{most}");
                Some("superlinear")
            }
            Warning::SharedCores { cells } => {
                assert_eq!(cells.len(), 4, "threads and ranks, 3 and 4 lanes on 2 cores");
                Some("cores")
            }
            _ => None,
        };
        told.iter().filter_map(name).collect()
    };
    assert_eq!(is_of(&Made::default().lines()), [""; 0]);
    assert_eq!(is_of(&Made { slower: 1.04, ..Made::default() }.lines()), [""; 0]);
    let slow = Made { slower: 0.57, ..Made::default() }.lines();
    assert_eq!(is_of(&slow), ["slow", "superlinear"]);
    let (temp, folder) = folder_with(&slow);
    let (folder, out) = (folder.to_string_lossy(), temp.path().to_string_lossy());
    let words = ["report", &*folder, "--format", "html", "--out", &*out, "--strict"];
    let ended = amdahl(&words);
    assert_eq!(ended.status.code(), Some(4));
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("rule 7: broken"), "{said}");

    let mut other = Made::default().lines();
    let serial = samples::cell(100_000, 16, "serial", 1, 1).id();
    for line in &mut other {
        if let Line::Record(record) = line
            && record.key.cell == serial
            && let Some(measured) = &mut record.measured
        {
            let mut changed = (**measured).clone();
            changed.kernel = "avx512, tiles".into();
            *measured = changed.into();
        }
    }
    assert_eq!(is_of(&other), ["kernels"]);

    assert_eq!(is_of(&hardware_threads()), ["cores"]);
    // Threads of a process are on one machine, whatever their numbers there are said to be.
    let mut unnumbered = hardware_threads();
    for line in &mut unnumbered {
        if let Line::Record(record) = line
            && let Some(measured) = &mut record.measured
        {
            let mut changed = (**measured).clone();
            let threads = changed.lanes.iter_mut().filter(|lane| lane.thread > 0);
            threads.for_each(|lane| lane.node_index = Some(0));
            *measured = changed.into();
        }
    }
    assert_eq!(is_of(&unnumbered), ["cores"]);
}

#[test]
fn ranks_under_two_libraries_are_named() {
    let under = |library: &str, ranks| {
        let spreads = vec![("mpi", ranks, 1)];
        Made { mpi: Some(library.into()), spreads, ..Made::default() }.lines()
    };
    let both: Vec<_> = under("aa", 1).into_iter().chain(under("bb", 2)).collect();
    let libraries = |lines| {
        summarise(&samples::collect(lines)).warnings.into_iter().find_map(|warning| match warning {
            Warning::MixedMpi { libraries } => Some(libraries),
            _ => None,
        })
    };
    assert_eq!(libraries(&both), Some(vec!["aa".to_string(), "bb".to_string()]));
    assert_eq!(libraries(&under("aa", 2)), None, "one library");
}

#[test]
fn a_fresh_run_replaces_the_same_program_s_older_repeats() {
    let mut lines = Made::default().lines();
    let fresh =
        Made { fresh: true, seed: 5, started_ms: 1_800_000_000_000, repeats: 6, ..Made::default() };
    lines.extend(fresh.lines());
    let summary = summarise(&samples::collect(&lines));
    assert!(summary.groups[0].cells.iter().all(|c| c.repeats.len() == 6));
    assert_eq!(summary.warnings, [Warning::Replaced { records: 72 }]);
}

#[test]
fn no_speedup_over_another_machine() {
    let mut lines = Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines();
    lines.extend(
        Made { spreads: vec![("threads", 1, 2)], host: "h1".into(), ..Made::default() }.lines(),
    );
    let summary = summarise(&samples::collect(&lines));
    let threads = &summary.groups[0].cells[1];
    assert!(threads.time.is_some() && threads.speedup.is_none());
    assert!(summary.warnings.iter().any(|w| matches!(w, Warning::BaseElsewhere { .. })));
    assert!(summary.warnings.iter().any(|w| matches!(w, Warning::MixedHosts { .. })));
}

#[test]
fn as_many_cpus_as_there_are_machines_are_there() {
    let mut lines =
        Made { spreads: vec![("serial", 1, 1), ("mpi", 8, 1)], ..Made::default() }.lines();
    let about_cpus = |lines: &[Line]| {
        let summary = summarise(&samples::collect(lines));
        let said =
            |w: &&Warning| matches!(w, Warning::Oversubscribed { .. } | Warning::SharedCpu { .. });
        summary.warnings.iter().filter(said).count()
    };
    assert_eq!(about_cpus(&lines), 1, "eight lanes on the four CPUs of one machine");
    let mut place = |cpus: u32| {
        for line in &mut lines {
            let Line::Record(record) = line else { continue };
            let measured = record.measured.as_mut().expect("all are good");
            if measured.lanes.len() < 8 {
                continue;
            }
            for (i, lane) in (0..).zip(measured.lanes.iter_mut()) {
                (lane.node_index, lane.cpu) = (Some(i % 4), Some(i % cpus));
            }
        }
        about_cpus(&lines)
    };
    assert_eq!(place(4), 0, "four on each of two machines");
    assert_eq!(place(3), 1, "on three CPUs of each");
}

#[test]
fn what_a_reader_should_know_is_said() {
    let mut lines =
        Made { spreads: vec![("threads", 1, 2), ("threads", 1, 8)], repeats: 2, ..Made::default() }
            .lines();
    for line in &mut lines {
        if let Line::Record(record) = line
            && let Some(measured) = &mut record.measured
        {
            measured.load.steal = Some(0.2);
            measured.load.throttled = Some(0.03);
            measured.lanes[1].cpu = Some(0);
            // The lanes had a CPU for four fifths of the time.
            let mut cpu = measured.readings[0].clone();
            cpu.metric = "cpu".into();
            cpu.values.iter_mut().flatten().flatten().for_each(|s| *s *= 0.8);
            measured.readings.push(cpu);
        }
    }
    let warnings = summarise(&samples::collect(&lines)).warnings;
    let has = |test: fn(&Warning) -> bool| assert!(warnings.iter().any(test), "{warnings:?}");
    has(
        |w| matches!(w, Warning::BaseMissing { base, cells } if base == "serial" && cells.len() == 2),
    );
    has(|w| matches!(w, Warning::Oversubscribed { cells } if cells.len() == 1));
    has(|w| matches!(w, Warning::SharedCpu { cells } if cells.len() == 1));
    has(|w| matches!(w, Warning::Steal { worst, .. } if *worst == 0.2));
    has(|w| matches!(w, Warning::Throttled { worst, .. } if *worst == 0.03));
    has(
        |w| matches!(w, Warning::Crowded { worst, cells } if (*worst - 0.2).abs() < 1e-9 && cells.len() == 1),
    );
    has(|w| matches!(w, Warning::NoInterval { cells } if cells.len() == 2));
}

#[test]
fn show_prints_and_tells_an_empty_folder_apart() {
    let (_temp, folder) = folder_with(&mixed());
    let shown = amdahl(&["show", &folder.to_string_lossy()]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let text = String::from_utf8(shown.stdout).expect("UTF-8");
    assert_eq!(
        text,
        plain(&summarise(&samples::collect(&mixed()))),
        "no colours when it is not a terminal"
    );

    let json = amdahl(&["show", &folder.to_string_lossy(), "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["format"], 1);
    assert_eq!(json["groups"][0]["cells"].as_array().map(Vec::len), Some(9));
    assert_eq!(json["groups"][0]["base"]["name"], "serial");

    let empty = tempfile::tempdir().expect("a temporary folder");
    let shown = amdahl(&["show", &empty.path().to_string_lossy()]);
    assert_eq!(shown.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&shown.stderr).contains("amdahl run"), "says what to do");
    assert_eq!(amdahl(&["show", "no/such/folder"]).status.code(), Some(2));
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let (_temp, folder) = folder_with(&mixed());
    let mut child = Command::new(env!("CARGO_BIN_EXE_amdahl"))
        .args(["show", &folder.to_string_lossy(), "--format", "json"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("amdahl starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("amdahl ends");
    assert!(ended.status.success());
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
fn an_error_that_nobody_reads_keeps_its_exit_code() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_amdahl"))
        .args(["show", "no/such/folder"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("amdahl starts");
    drop(child.stderr.take());
    assert_eq!(child.wait().expect("amdahl ends").code(), Some(2));
}

/// Records as strange as they come: times that are none, phases that are missing, cells that
/// nothing describes.
fn strange() -> impl Strategy<Value = Vec<Line>> {
    let value = prop_oneof![
        Just(f64::NAN),
        Just(0.0),
        Just(-1.0),
        Just(f64::INFINITY),
        Just(f64::MIN_POSITIVE),
        1e-9..1e9f64
    ];
    let lanes = prop::collection::vec(prop::collection::vec(value.clone(), 0..9), 0..4);
    let spread = prop_oneof![
        Just(("serial", 1, 1)),
        Just(("threads", 1, 2)),
        Just(("mpi", 3, 1)),
        Just(("hybrid", 0, 9))
    ];
    let record = (spread, value, lanes, 0..4u8, 0..3u8, any::<bool>(), 0..3u64);
    prop::collection::vec(record, 0..20).prop_map(|records| {
        let mut lines = Made { spreads: vec![], ..Made::default() }.lines();
        for (i, ((backend, ranks, threads), seconds, lanes, outcome, from, described, at)) in
            records.into_iter().enumerate()
        {
            let cell = samples::cell(1000, 4, backend, ranks, threads);
            if described {
                lines.push(Line::Cell { id: cell.id(), cell: cell.clone() });
            }
            let sane = samples::cell(1000, 4, "serial", 1, 1);
            let mut measured =
                samples::measured(&sane, 1000, 4, &mut samples::Noise::new(1), 0.1, 1.0);
            measured.seconds = seconds;
            measured.readings[0].values = (from < 2).then_some(lanes);
            let made = Made { build: format!("b{from}"), ..Made::default() };
            lines.push(Line::Record(Box::new(Record {
                key: made.key(&cell).into(),
                run: "run".into(),
                repeat: i as u32 % 3,
                started_ms: at,
                process_s: Some(seconds),
                outcome: match outcome {
                    0 | 1 => Outcome::Ok,
                    2 => Outcome::Wrong { reason: "\u{1b}[2J".into() },
                    _ => Outcome::Failed { class: Failure::Timeout, reason: String::new() },
                },
                measured: (outcome != 3).then_some(measured.into()),
            })));
        }
        lines
    })
}

proptest! {
    #[test]
    fn no_records_make_it_panic(lines in strange()) {
        let mut summary = summarise(&samples::collect(&lines));
        for sort in [Sort::Backend, Sort::Lanes, Sort::Time, Sort::Speedup] {
            sort.apply(&mut summary);
        }
        let text = plain(&summary);
        prop_assert!(!text.contains('\u{1b}'), "{}", text);
        prop_assert!(!text.contains("NaN"), "{}", text);
        export::json(&Analysis::of(&summary)).expect("JSON");
        export::csv(&summary).expect("CSV");
        for cell in summary.groups.iter().flat_map(|g| &g.cells) {
            prop_assert!(cell.samples().iter().all(|s| s.is_finite() && *s > 0.0));
            prop_assert_eq!(cell.time.is_some(), !cell.repeats.is_empty());
        }
    }
}

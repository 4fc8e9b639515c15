//! Derived metrics of made-up counters.

use amdahl_explain::analysis::Analysis;
use amdahl_explain::metric;
use amdahl_explain::metric::scope::Span;
use amdahl_explain::metric::{Entry, all, render};
use amdahl_explain::summary::{Summary, summarise};
use amdahl_explain::terminal::Style;
use amdahl_record::simulation::{
    Cache, Caches, Counts, LastLevel, SIMULATION, Simulation, SimulationEnd,
};
use amdahl_record::units::Unit;
use amdahl_record::{Line, Phase, Provenance, Reading, Scope};

use crate::explain::{amdahl, folder_with};
use crate::lost::with_made_up_counters;
use crate::samples::{self, Made};

fn summary(lines: &[Line]) -> Summary {
    summarise(&samples::collect(lines))
}

/// A reading with the same value in every phase of a cell without an accelerator on every lane,
/// counted in `group`.
pub fn flat(metric: &str, lanes: usize, value: f64, from: Provenance, group: &str) -> Reading {
    // There is no accelerator.
    let mut phases = vec![0.0; Phase::SHARED];
    phases[..Phase::COMPILE.index()].fill(value);
    Reading {
        metric: metric.into(),
        unit: Unit::Count,
        from: Some(from),
        values: Some(vec![phases; lanes]),
        why: None,
        group: Some(group.into()),
        scope: Scope::Lane,
    }
}

/// Adds made-up readings of a PMU to every record.
pub fn with_made_up_pmu(lines: &mut [Line], readings: &[(&str, f64, &str)]) {
    for line in lines {
        let Line::Record(record) = line else { continue };
        let Some(measured) = &mut record.measured else { continue };
        let lanes = measured.lane_count();
        let made = readings
            .iter()
            .map(|&(metric, value, group)| flat(metric, lanes, value, Provenance::Measured, group));
        measured.readings.extend(made);
    }
}

/// A made-up simulation of every cell with each last level: fewer misses with the larger one.
pub fn with_made_up_simulations(lines: &mut Vec<Line>) {
    let mut made = Vec::new();
    for line in lines.iter() {
        let Line::Cell { id, cell } = line else { continue };
        let Some(key) = lines.iter().find_map(|line| match line {
            Line::Record(record) if record.key.cell == *id => Some(record.key.clone()),
            _ => None,
        }) else {
            continue;
        };
        for last in LastLevel::ALL {
            let lanes = cell.ranks as usize;
            let cache = |bytes| Cache { bytes, ways: 8, line_bytes: 64 };
            let misses = if last == LastLevel::L2 { 400.0 } else { 100.0 };
            let reading =
                |metric, value| flat(metric, lanes, value, Provenance::Simulated, "callgrind");
            made.push(Line::Simulation(Box::new(Simulation {
                version: SIMULATION,
                key: key.clone().take(),
                run: "run-1".into(),
                started_ms: 1_700_000_000_000,
                process_s: Some(3.0),
                cell: cell.clone(),
                caches: Caches {
                    i1: cache(32 << 10),
                    d1: cache(32 << 10),
                    ll: cache(if last == LastLevel::L2 { 1 << 20 } else { 8 << 20 }),
                    last,
                },
                end: SimulationEnd::Done(Counts {
                    tool: "made up".into(),
                    kernel: "avx2".into(),
                    rows: 2_000,
                    dims: 16,
                    iterations: 2,
                    lanes: vec![2_000 / lanes as u64; lanes],
                    readings: vec![
                        reading("instructions", 100_000.0),
                        reading("data-reads", 30_000.0),
                        reading("data-writes", 10_000.0),
                        reading("L1D-read-misses", 1_500.0),
                        reading("L1D-write-misses", 500.0),
                        reading("LL-read-misses", misses),
                        reading("LL-write-misses", 0.0),
                    ],
                }),
            })));
        }
    }
    lines.extend(made);
}

/// The entries of a cell's metric over assign and update on all lanes.
fn computing<'a>(cells: &'a [metric::OfCell], name: &str, metric: &str) -> Vec<&'a Entry> {
    let cell = cells.iter().find(|c| c.name == name).expect("a cell");
    let entries = cell
        .entries
        .iter()
        .filter(|e| e.metric == metric && e.phase == "computing" && e.lane.is_none());
    entries.collect()
}

fn value(cells: &[metric::OfCell], name: &str, metric: &str) -> f64 {
    computing(cells, name, metric)[0].value.unwrap_or_else(|| panic!("{metric} of {name}"))
}

#[test]
fn metrics_of_made_up_hardware_counters() {
    let mut lines = Made::default().lines();
    lines.push(Line::Limits(Box::new(samples::limits())));
    with_made_up_pmu(
        &mut lines,
        &[
            ("instructions", 8e6, "perf-1"),
            ("cycles", 4e6, "perf-1"),
            ("L1D-loads", 3e6, "perf-1"),
            ("L1D-load-misses", 6e5, "perf-1"),
            ("LLC-loads", 1e5, "perf-2"),
            ("LLC-load-misses", 5e4, "perf-2"),
        ],
    );
    let summary = summary(&lines);
    let cells = metric::of(&summary);
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-12 * b.abs(), "{a} is not {b}");
    near(value(&cells, "threads 2", "IPC"), 2.0);
    near(value(&cells, "threads 2", "L1D miss ratio"), 0.2);
    near(value(&cells, "threads 2", "L1D MPKI"), 75.0);
    near(value(&cells, "threads 2", "LLC miss ratio"), 0.5);
    // Two lanes, two phases, 64 bytes a line; 100,000 points in 20 iterations of 16 columns.
    near(value(&cells, "threads 2", "bytes per point"), 4.0 * 5e4 * 64.0 / (1e5 * 20.0));
    near(
        value(&cells, "threads 2", "over compulsory"),
        4.0 * 5e4 * 64.0 / (4.0 * 16.0 * 1e5 * 20.0),
    );
    near(
        value(&cells, "threads 2", "intensity"),
        2.0 * 16.0 * 16.0 * 1e5 * 20.0 / (4.0 * 5e4 * 64.0),
    );
    near(value(&cells, "threads 2", "compulsory intensity"), 8.0);
    // Misses of the last level were counted in another group than the instructions.
    let mpki = computing(&cells, "threads 2", "LLC MPKI")[0];
    assert!(
        mpki.value.is_none()
            && mpki.why.as_ref().is_some_and(|why| why.contains("not counted together")),
        "{mpki:?}"
    );
    // The short limits have no triad, and three lanes were not measured.
    let triad = computing(&cells, "threads 4", "of triad")[0];
    assert!(triad.why.as_ref().is_some_and(|why| why.contains("short version")), "{triad:?}");
    assert!(
        value(&cells, "threads 4", "of read bandwidth") > 0.0
            && value(&cells, "threads 4", "of peak") < 1.0
    );
    assert_eq!(computing(&cells, "threads 2", "FLOP/s")[0].from, Some(Provenance::Modelled));
    // By lane where that can be told.
    let threads = cells.iter().find(|c| c.name == "threads 4").expect("a cell");
    let lanes =
        |metric| threads.entries.iter().filter(|e| e.metric == metric && e.lane.is_some()).count();
    assert_eq!((lanes("IPC"), lanes("bytes per point")), (5 * 4, 0));
}

#[test]
fn made_up_simulated_counts_stay_apart_from_measured_ones() {
    let mut lines =
        Made { spreads: vec![("serial", 1, 1), ("mpi", 2, 1)], ..Made::default() }.lines();
    with_made_up_simulations(&mut lines);
    // Cycles are measured, instructions simulated alone: no IPC comes of that.
    with_made_up_pmu(&mut lines, &[("cycles", 4e6, "perf-1")]);
    let summary = summary(&lines);
    let cells = metric::of(&summary);
    let entries = computing(&cells, "mpi 2", "simulated LL MPKI");
    let values: Vec<_> = entries.iter().map(|e| (e.value, e.from, e.last_level)).collect();
    let simulated = Some(Provenance::Simulated);
    assert_eq!(
        values,
        [(Some(4.0), simulated, Some("L2")), (Some(1.0), simulated, Some("L3 share"))]
    );
    assert_eq!(computing(&cells, "serial", "simulated L1D miss ratio")[0].value, Some(0.05));
    assert!(computing(&cells, "serial", "IPC").iter().all(|e| e.value.is_none()));
    let text = render::text(&Analysis::of(&summary), Style { colour: false });
    assert!(text.contains("SIMULATED metrics") && text.contains("no prefetcher"), "{text}");
    let instructions =
        text.lines().find(|l| l.contains("instructions per distance")).expect("a row");
    assert!(instructions.contains("simulated"), "{instructions}");
}

#[test]
fn multiplexed_and_node_wide_counts_are_labelled_or_refused() {
    let mut lines = Made::default().lines();
    with_made_up_counters(&mut lines, |_| (4e9, 2e9));
    for line in &mut lines {
        let Line::Record(record) = line else { continue };
        let Some(measured) = &mut record.measured else { continue };
        for reading in &mut measured.readings[1..] {
            reading.from = Some(Provenance::Multiplexed { coverage: 0.5 });
        }
        let lanes = measured.lane_count();
        let mut node = flat("LLC-load-misses", lanes, 1e5, Provenance::Measured, "uncore");
        node.scope = Scope::Node;
        node.values.iter_mut().flatten().skip(1).for_each(Vec::clear);
        measured.readings.push(node);
    }
    let cells = metric::of(&summary(&lines));
    let ipc = computing(&cells, "threads 4", "IPC")[0];
    assert!(ipc.value.is_some_and(|ipc| (ipc - 2.0).abs() < 1e-6), "{ipc:?}");
    assert_eq!(ipc.from, Some(Provenance::Multiplexed { coverage: 0.5 }));
    let bytes = value(&cells, "threads 4", "bytes per point");
    assert!(
        (bytes - 2.0 * 1e5 * 64.0 / (1e5 * 20.0)).abs() < 1e-12,
        "the one lane that reads stands for all: {bytes}"
    );
}

#[test]
fn every_metric_is_documented_with_unit_and_formula() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md"))
        .expect("docs/metrics.md");
    let mut names: Vec<&str> = Vec::new();
    for metric in all() {
        assert!(!names.contains(&metric.name.as_str()), "{} twice", metric.name);
        names.push(&metric.name);
        let row = format!(
            "| {} | {} | {} | {} |",
            metric.name, metric.unit, metric.formula, metric.about
        );
        assert!(docs.contains(&row), "docs/metrics.md lacks the row\n{row}");
    }
    assert!(names.len() > 20);
}

#[test]
fn show_writes_metrics_in_every_format() {
    let (_temp, folder) = folder_with(&Made::default().lines());
    let show = |format: &str| {
        let shown = amdahl(&["show", &folder.to_string_lossy(), "--metrics", "--format", format]);
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        String::from_utf8(shown.stdout).expect("UTF-8")
    };
    let text = show("text");
    assert!(text.contains("POP efficiencies") && text.contains("serialisation (est.)"), "{text}");
    assert!(text.contains("Not known ('instructions' was not recorded)"), "{text}");
    assert!(show("markdown").contains("| metric | unit | from |"));
    let json: serde_json::Value = serde_json::from_str(&show("json")).expect("JSON");
    assert_eq!(json["definitions"].as_array().map(Vec::len), Some(all().count()));
    assert!(
        json["cells"][4]["lost"]["parts"].as_array().is_some_and(|parts| !parts.is_empty()),
        "{}",
        json["cells"][4]
    );
    let mut reader = csv::Reader::from_reader(show("csv").into_bytes().leak() as &[u8]);
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert!(rows.iter().any(|row| &row[7] == "POP load balance" && !row[11].is_empty()));
    assert!(
        rows.iter().all(|row| row[11].is_empty() == row[12].is_empty()),
        "a value has a source"
    );
}

#[test]
fn counts_that_the_probes_disturb_are_refused() {
    let mut lines = Made { spreads: vec![("serial", 1, 1)], ..Made::default() }.lines();
    with_made_up_pmu(&mut lines, &[("instructions", 8e7, "perf-1"), ("cycles", 4e7, "perf-1")]);
    for line in &mut lines {
        if let Line::Record(record) = line
            && let Some(measured) = &mut record.measured
        {
            let mut probing = flat("probing", 1, 0.0, Provenance::Measured, "clock");
            let values = &mut probing.values.as_mut().expect("made up")[0];
            // Nothing beside the assignment, half as much again as the update.
            values[Phase::ASSIGN.index()] = 1e-5;
            values[Phase::UPDATE.index()] = 1.5 * measured.wall(Phase::UPDATE)[0];
            measured.readings.push(probing);
        }
    }
    let summary = summary(&lines);
    let (group, cell) = (&summary.groups[0], &summary.groups[0].cells[0]);
    let ipc = |span| {
        let scope = metric::measured(&summary, group, cell, span, None).expect("a good repeat");
        scope
            .together(["instructions", "cycles"])
            .map(|([instructions, cycles], _)| instructions / cycles)
    };
    assert_eq!(ipc(Span::Phase(Phase::ASSIGN)), Ok(2.0));
    let why = ipc(Span::Phase(Phase::UPDATE)).expect_err("disturbed");
    assert!(why.contains("150 % of the time of update"), "{why}");
    assert!(
        metric::of_cell(&summary, group, cell)
            .iter()
            .all(|entry| entry.phase != "update" || entry.metric != "IPC")
    );
}

#[test]
fn a_cell_of_more_lanes_than_were_recorded_comes_to_an_end() {
    let mut lines =
        Made { spreads: vec![("serial", 1, 1), ("threads", 1, 2)], ..Made::default() }.lines();
    for line in &mut lines {
        if let Line::Cell { cell, .. } = line
            && cell.lanes() > 1
        {
            (cell.ranks, cell.threads) = (u32::MAX, u32::MAX);
        }
    }
    let found = metric::of(&summary(&lines));
    let imbalance =
        found[1].entries.iter().find(|e| e.metric == "time imbalance").expect("every metric");
    assert!(
        imbalance.why.as_ref().is_some_and(|why| why.contains("lane 2 was not recorded")),
        "{imbalance:?}"
    );
}

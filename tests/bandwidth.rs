//! A workload without an elementary operation, whose phases are there to move bytes: made-up
//! records with numbers that can be followed by hand.

use amdahl_explain::analysis::Analysis;
use amdahl_explain::figure;
use amdahl_explain::figure::medium::SCREEN;
use amdahl_explain::figure::{Drawing, View};
use amdahl_explain::metric;
use amdahl_explain::relations::{Values, source};
use amdahl_explain::report_model::Facts;
use amdahl_explain::summary::{CellSummary, Summary, summarise};
use amdahl_explain::terminal::Style;
use amdahl_explain::{export, show};
use amdahl_record::cell::{Dataset, WorkloadSpec};
use amdahl_record::{Answer, Line, Phase};
use serde_json::json;

use crate::samples::{self, Made};

/// Seconds of copy, scale, add and triad in ten iterations over 16 million elements on one lane:
/// 2.56 GB of copy and scale, 3.84 GB of add and triad are 8, 8, 8 and 10 GB/s.
const SECONDS: [(&str, f64); 4] =
    [("copy", 0.32), ("scale", 0.32), ("add", 0.48), ("triad", 0.384)];

/// STREAM on one lane and on four, which are two and a half times as fast; of four lanes the first
/// three need three quarters of the last one's time. The repeat with number 3 is a quarter faster.
pub fn streams() -> Vec<Line> {
    let spreads = vec![("serial", 1, 1), ("threads", 1, 4)];
    let mut lines = Made { points: vec![1_000_000], spreads, ..Made::default() }.lines();
    lines.push(Line::Limits(Box::new(samples::limits())));
    for line in &mut lines {
        match line {
            Line::Cell { cell, .. } => {
                cell.workload = WorkloadSpec::of("stream", json!({"iterations": 10, "warmup": 1}));
                assert!(matches!(cell.dataset, Dataset::Synthetic { dims: 16, .. }));
            }
            Line::Record(record) => {
                let faster = if record.repeat == 3 { 1.25 } else { 1.0 };
                let Some(measured) = &mut record.measured else { continue };
                measured.answer = Answer {
                    of: "stream".into(),
                    iterations: 10,
                    counts: [("rows".into(), 1_000_000), ("dims".into(), 16)].into(),
                    ..Answer::default()
                }
                .into();
                amdahl_workloads::register_phases();
                let lanes = measured.lane_count();
                let scale = if lanes == 1 { faster } else { 2.5 * faster };
                let mut values = vec![vec![0.0; Phase::count()]; lanes];
                for (lane, phases) in values.iter_mut().enumerate() {
                    let share = if lane + 1 == lanes { 1.0 } else { 0.75 };
                    for (name, seconds) in SECONDS {
                        let phase = Phase::find(name).expect("a phase of its own");
                        phases[phase.index()] = share * seconds / scale;
                        phases[Phase::WAIT.index()] += (1.0 - share) * seconds / scale;
                    }
                }
                measured.readings[0].values = Some(values);
                measured.seconds = SECONDS.iter().map(|(_, s)| s).sum::<f64>() / scale + 1e-4;
            }
            _ => {}
        }
    }
    lines
}

fn summary() -> Summary {
    summarise(&samples::collect(&streams()))
}

fn cell(summary: &Summary, lanes: u32) -> &CellSummary {
    let mut cells = summary.groups[0].cells.iter();
    cells.find(|cell| cell.cell.lanes() == lanes).expect("a cell")
}

#[track_caller]
fn near(is: f64, should: f64) {
    assert!((is / should - 1.0).abs() < 1e-9, "{is} is not {should}");
}

#[test]
fn rates_are_bytes_of_the_formulas_over_seconds_of_the_slowest_lane() {
    let summary = summary();
    let analysis = Analysis::of(&summary);
    let bandwidths = &analysis.group(&summary.groups[0]).bandwidth;
    for (lanes, rates) in [(1, [8e9, 8e9, 8e9, 10e9]), (4, [20e9, 20e9, 20e9, 25e9])] {
        let found = bandwidths.cell(cell(&summary, lanes));
        assert!(found.iter().map(|rate| rate.phase).eq(SECONDS.map(|(name, _)| name)));
        for (rate, should) in found.iter().zip(rates) {
            near(rate.median.value, should);
            near(rate.best, 1.25 * should);
            assert_eq!(rate.samples.len(), 8);
        }
        near(found[0].bytes, 256e6);
        near(found[3].bytes, 384e6);
    }
    let text = show::text(&analysis, Style { colour: false });
    let has =
        |row: &str| text.lines().any(|line| line.split_whitespace().eq(row.split_whitespace()));
    assert!(has("serial copy 256,000,000 8.00 8.00 to 8.00 10.0"), "{text}");
    assert!(has("threads 4 triad 384,000,000 25.0 25.0 to 25.0 31.2"), "{text}");
    assert!(text.contains("max(4nd / FMA peak, 80nd / read bandwidth)"), "{text}");
    assert!(!text.contains("distance"), "{text}");
    assert!(show::markdown(&analysis).contains("| serial | copy |"));
    let json: serde_json::Value =
        serde_json::from_str(&export::json(&analysis).expect("JSON")).expect("JSON");
    near(json["groups"][0]["bandwidth"][1][3]["median"]["value"].as_f64().expect("a rate"), 25e9);
}

#[test]
fn metrics_without_an_operation_come_from_the_model_of_work() {
    let summary = summary();
    let cells = metric::of(&summary);
    let value = |of: &metric::OfCell, name: &str, phase: &str| {
        let found = of.entries.iter().find(|e| e.metric == name && e.phase == phase);
        found.and_then(|entry| entry.value)
    };
    let serial = &cells[0];
    // 80 bytes and 4 flop of 16 million elements ten times, in 1.504 s.
    near(value(serial, "compulsory bandwidth", "computing").expect("known"), 12.8 / 1.504);
    near(value(serial, "FLOP/s", "computing").expect("known"), 0.64 / 1.504);
    near(value(serial, "compulsory intensity", "computing").expect("known"), 0.05);
    near(value(serial, "compulsory bandwidth", "copy").expect("known"), 8.0);
    near(value(serial, "FLOP/s", "triad").expect("known"), 0.32 / 0.384);
    near(value(serial, "compulsory intensity", "triad").expect("known"), 2.0 / 24.0);
    assert_eq!(value(serial, "FLOP/s", "copy"), None, "a copy computes nothing");
    let names = |of: &metric::OfCell| of.entries.iter().any(|e| e.metric.contains("distance"));
    assert!(!cells.iter().any(names), "these are another workload's operations");
    let of_kmeans = metric::of(&summarise(&samples::collect(&Made::default().lines())));
    assert!(of_kmeans.iter().all(names));
}

fn drawn(lines: &[Line]) -> (Facts, Vec<Drawing>) {
    let summary = summarise(&samples::collect(lines));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, "results/sample");
    let drawings = figure::draw(&view, &SCREEN).expect("figures");
    (Facts::of(&view, &drawings), drawings)
}

#[test]
fn a_figure_has_the_bandwidth_of_each_kernel_beside_the_machine_s() {
    let (facts, drawings) = drawn(&streams());
    let figure = drawings.iter().find(|drawing| drawing.name == "bandwidth").expect("drawn");
    assert_eq!(
        figure.title,
        "4 threads: triad moves 25.0 GB/s, 104 % of what the machine reads from memory"
    );
    for words in ["copy: serial on 1 lanes 8.00 GB/s;", "threads on 4 lanes 20.0 GB/s;"] {
        assert!(figure.description.contains(words), "{}", figure.description);
    }
    assert!(figure.caption[1].starts_with("Dashed: what so many lanes read from memory at most"));
    assert!(facts.sections.iter().any(|section| section.id == "bandwidth"));
    let json = facts.json().expect("JSON");
    for wrong in ["distance", "2·n·k·d", "\"k\":"] {
        assert!(!json.contains(wrong), "{wrong}");
    }
    assert!(json.contains("max(4·n·d / FMA peak, 80·n·d / read bandwidth)"));
    assert!(drawings.iter().any(|drawing| drawing.name == "roofline"));
    let (_, of_kmeans) = drawn(&crate::explain::mixed());
    assert!(!of_kmeans.iter().any(|drawing| drawing.name == "bandwidth"));
}

#[test]
fn tables_for_programs_have_no_size_of_another_workload() {
    let both: Vec<Line> = streams().into_iter().chain(Made::default().lines()).collect();
    let summary = summarise(&samples::collect(&both));
    let table = (source("cells").expect("a table").fill)(&Analysis::of(&summary));
    let Some(Values::Whole(k)) = table.column("k").map(|column| &column.values) else {
        panic!("a column of clusters")
    };
    let cells = summary.groups.iter().flat_map(|group| &group.cells);
    let expected = cells.map(|cell| (cell.cell.workload.kind == "kmeans").then_some(16));
    assert!(k.iter().copied().eq(expected), "{k:?}");
    let csv = export::csv(&summary).expect("CSV");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let at = reader.headers().expect("a header").iter().position(|name| name == "k");
    let at = at.expect("a column of clusters");
    let rows: Vec<String> =
        reader.records().map(|row| row.expect("a row")[at].to_string()).collect();
    assert!(rows.contains(&"16".to_string()) && rows.contains(&String::new()), "{rows:?}");
}

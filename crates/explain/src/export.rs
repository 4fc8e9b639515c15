//! Summaries for programs: JSON and CSV.

use serde::Serialize;
use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::labels;
use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::Phase;
use amdahl_record::error::{Error, Result};

/// Version of the JSON and CSV output of `amdahl show` and `amdahl compare`.
pub const FORMAT: u32 = 1;

/// The summary and what follows from it as JSON, all estimates and samples included. Times are in
/// seconds.
pub fn json(analysis: &Analysis<'_>) -> Result<String> {
    let summary = analysis.summary;
    let mut value = serde_json::to_value(summary).map_err(broken)?;
    let warnings: Vec<_> = (summary.warnings.iter())
        .map(|w| json!({ "what": w, "message": w.to_string(), "advice": w.advice() }))
        .collect();
    value["format"] = json!(FORMAT);
    for (group, written) in
        summary.groups.iter().zip(value["groups"].as_array_mut().into_iter().flatten())
    {
        let of_group = analysis.group(group);
        written["cost"] = serde_json::to_value(&of_group.cost).map_err(broken)?;
        if !of_group.ranks.is_empty() {
            written["ranks"] = serde_json::to_value(&of_group.ranks).map_err(broken)?;
        }
        if !of_group.bandwidth.is_empty() {
            let cells = group.cells.iter().map(|cell| of_group.bandwidth.cell(cell));
            written["bandwidth"] =
                serde_json::to_value(cells.collect::<Vec<_>>()).map_err(broken)?;
        }
        written["laws"] = serde_json::to_value(analysis.laws(group)).map_err(broken)?;
        let cells = written["cells"].as_array_mut().into_iter().flatten();
        for (cell, written) in group.cells.iter().zip(cells) {
            let explained = serde_json::to_value(of_group.explained.cell(cell)).map_err(broken)?;
            if let (Value::Object(cell), Value::Object(explained)) = (written, explained) {
                cell.extend(explained);
            }
        }
    }
    value["weak_scaling"] = serde_json::to_value(analysis.weak()).map_err(broken)?;
    value["warnings"] = json!(warnings);
    pretty(&value)
}

/// A value as JSON for people and programs.
pub fn pretty(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(broken)
}

fn broken(error: serde_json::Error) -> Error {
    Error::internal(format!("cannot write JSON: {error}"))
}

/// How a cell's row begins; an empty field means missing.
#[derive(Debug, Serialize)]
struct Problem<'a> {
    cell: &'a str,
    experiment: &'a str,
    dataset: String,
    rows: Option<u64>,
    dims: Option<u32>,
}

/// The row behind the workload's own sizes.
#[derive(Debug, Serialize)]
struct Row<'a> {
    backend: &'a str,
    ranks: u32,
    threads: u32,
    lanes: u32,
    reduction: Option<&'a str>,
    oversubscribed: bool,
    n: usize,
    failed: usize,
    failure: Option<&'a str>,
    reason: Option<&'a str>,
    seconds: Option<f64>,
    seconds_low: Option<f64>,
    seconds_high: Option<f64>,
    process_seconds: Option<f64>,
    base: Option<&'a str>,
    base_seconds: Option<f64>,
    speedup: Option<f64>,
    speedup_low: Option<f64>,
    speedup_high: Option<f64>,
    efficiency: Option<f64>,
    imbalance: Option<f64>,
    iterations: Option<u32>,
    objective: Option<f64>,
    cpu_seconds: Option<f64>,
    load_seconds: Option<f64>,
    peak_rss_bytes: Option<f64>,
    floor_seconds: Option<f64>,
    floor_bound: Option<&'static str>,
    of_floor: Option<f64>,
    machines: Option<u32>,
    price: Option<f64>,
    currency: Option<&'a str>,
}

/// The rest of the row, behind the phases.
#[derive(Debug, Serialize)]
struct Rest<'a> {
    platform: Option<&'a str>,
    kernel: Option<&'a str>,
    build: &'a str,
    data: &'a str,
    host: &'a str,
}

fn problem<'a>(experiment: &'a str, group: &'a Group, cell: &'a CellSummary) -> Problem<'a> {
    Problem {
        cell: &cell.id.0,
        experiment,
        dataset: labels::dataset_name(&group.dataset),
        rows: group.rows,
        dims: group.dims,
    }
}

fn row<'a>(group: &'a Group, cell: &'a CellSummary) -> Row<'a> {
    let interval = cell.time.and_then(|t| t.interval);
    let speedup = cell.speedup.and_then(|s| s.interval);
    Row {
        backend: cell.cell.backend.name(),
        ranks: cell.cell.ranks,
        threads: cell.cell.threads,
        lanes: cell.cell.lanes(),
        reduction: labels::reduction(&cell.cell),
        oversubscribed: cell.oversubscribed,
        n: cell.repeats.len(),
        failed: cell.failed(),
        failure: cell.failures.first().map(|f| f.what.as_str()),
        reason: cell.failures.first().map(|f| f.reason.as_str()),
        seconds: cell.time.map(|t| t.value),
        seconds_low: interval.map(|i| i.low),
        seconds_high: interval.map(|i| i.high),
        process_seconds: cell.process_time.map(|t| t.value),
        base: group.base.as_ref().map(|b| b.cell.0.as_str()),
        base_seconds: group.base.as_ref().map(|b| b.time.value),
        speedup: cell.speedup.map(|s| s.value),
        speedup_low: speedup.map(|i| i.low),
        speedup_high: speedup.map(|i| i.high),
        efficiency: cell.efficiency.map(|e| e.value),
        imbalance: cell.imbalance,
        iterations: cell.iterations,
        objective: cell.objective.as_ref().map(|objective| objective.value),
        cpu_seconds: cell.cpu_s,
        load_seconds: cell.load_s,
        peak_rss_bytes: cell.peak_rss_bytes,
        floor_seconds: cell.floor.as_ref().map(|f| f.seconds),
        floor_bound: cell.floor.as_ref().map(|f| f.bound.word()),
        of_floor: cell.of_floor,
        machines: cell.machines,
        price: cell.price,
        currency: group.price.as_ref().map(|price| price.currency.as_str()),
    }
}

fn rest(cell: &CellSummary) -> Rest<'_> {
    Rest {
        platform: cell.platform.as_deref(),
        kernel: cell.kernel.as_deref(),
        build: &cell.key.build,
        data: &cell.key.data,
        host: &cell.key.host,
    }
}

/// The phases that have a column: the timed ones that the workloads and all programs have, and those
/// of accelerators and others where some cell was in them. In the order of values.
fn columns(summary: &Summary) -> Vec<Phase> {
    let cells = || summary.groups.iter().flat_map(|group| &group.cells);
    let entered =
        |phase: Phase| cells().any(|cell| cell.phase(phase).is_some_and(|time| time.mean_s > 0.0));
    let mut phases = summary.timed_phases();
    phases.retain(|phase| !phase.role().is_of_accelerators() || entered(*phase));
    phases.sort();
    phases
}

/// The names of a row's columns, as they are written.
fn header(row: &impl Serialize) -> Result<Vec<String>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.serialize(row)?;
    let bytes = writer.into_inner().map_err(|e| e.into_error())?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    Ok(reader.headers()?.iter().map(String::from).collect())
}

/// The cells as CSV with a header. Times are in seconds, phases are means over the lanes, a floor
/// is modelled and that of one iteration, an empty field means missing.
pub fn csv(summary: &Summary) -> Result<String> {
    let broken =
        |error: &dyn std::fmt::Display| Error::internal(format!("cannot write CSV: {error}"));
    let experiment = summary.run.as_ref().map_or("", |run| run.experiment.as_str());
    let (sizes, phases) = (labels::all_own_sizes(), columns(summary));
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let mut has_header = false;
    for group in &summary.groups {
        for cell in &group.cells {
            let (problem, row) = (problem(experiment, group, cell), row(group, cell));
            let rest = rest(cell);
            if !has_header {
                let mut names = header(&problem).map_err(|e| broken(&e))?;
                names.extend(sizes.iter().map(|size| size.key.to_string()));
                names.extend(header(&row).map_err(|e| broken(&e))?);
                names.extend(phases.iter().map(|phase| format!("{}_seconds", phase.word())));
                names.extend(header(&rest).map_err(|e| broken(&e))?);
                writer.write_record(&names).map_err(|e| broken(&e))?;
                has_header = true;
            }
            let seconds: Vec<Option<f64>> =
                phases.iter().map(|phase| Some(cell.phase(*phase)?.mean_s)).collect();
            let own = sizes.iter().map(|size| labels::own_size_of(&group.workload, size.key));
            let own: Vec<Option<u64>> = own.collect();
            writer.serialize((problem, own, row, seconds, rest)).map_err(|e| broken(&e))?;
        }
    }
    let bytes = writer.into_inner().map_err(|e| broken(&e))?;
    String::from_utf8(bytes).map_err(|e| broken(&e))
}

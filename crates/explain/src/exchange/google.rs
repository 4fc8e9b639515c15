//! Google Benchmark's JSON: `benchmark.json`, every good repeat and the aggregates of each cell.
//!
//! The form of `--benchmark_format=json`, read by `tools/compare.py` of the library, and by
//! services that watch benchmarks. Times are those of one iteration in nanoseconds, because readers
//! print whole units; CPU time is that of all lanes together. A cell without a result, or without
//! CPU times, has no row and is noted: `compare.py` wants both times of every row.
//!
//! `compare.py filters FILE serial threads` replaces what matches in names, and pairs those that
//! are equal then. So a name holds problem, backend and lanes, each once, and no id.

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::exchange::{Export, Format, Repeats, cells, words};
use crate::export::pretty;
use crate::labels;
use crate::summary::{CellSummary, Repeat, Summary};
use amdahl_record::Phase;
use amdahl_record::error::Result;
use amdahl_stats::median;

/// Google Benchmark.
pub const FORMAT: Format = Format {
    name: "google-benchmark",
    about: "Google Benchmark JSON: compare.py, services",
    write,
};

fn write(analysis: &Analysis<'_>, _: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    let mut benchmarks = Vec::new();
    for (family, ((_, cell), name)) in cells(summary).zip(words::cells(summary)).enumerate() {
        match timings(cell) {
            Ok(timings) => benchmarks.extend(rows(family, &name, cell, &timings)),
            Err(why) => export.notes.push(format!("{name} is left out: {why}")),
        }
    }
    export.add(
        "benchmark.json",
        pretty(&json!({ "context": context(summary), "benchmarks": benchmarks }))?,
    );
    Ok(export)
}

fn context(summary: &Summary) -> Value {
    let host = summary.hosts.first();
    let caches: Vec<Value> = (host.iter().flat_map(|h| &h.caches))
        .map(|c| json!({ "type": c.kind, "level": c.level, "size": c.bytes, "num_sharing": c.shared_by }))
        .collect();
    json!({
        "date": summary.run.as_ref().map(|run| words::rfc3339(run.started_ms)),
        "host_name": host.and_then(|h| h.hostname.clone()),
        "executable": "amdahl-worker",
        "num_cpus": host.map(|h| h.allowed_cpus.len()),
        "cpu_scaling_enabled": host.and_then(|h| h.governor.as_ref()).map(|governor| governor != "performance"),
        "caches": caches,
        "library_build_type": "release",
        "json_schema_version": 1,
    })
}

/// Nanoseconds of one iteration in a repeat.
struct Timing {
    iterations: u32,
    real: f64,
    cpu: f64,
}

/// Those of all good repeats, or why the cell has no row: `compare.py` ends at a row that lacks one
/// of the two times.
fn timings(cell: &CellSummary) -> std::result::Result<Vec<Timing>, String> {
    if cell.repeats.is_empty() {
        let why = cell.failures.first().map_or("no good repeat", |failure| &failure.what);
        return Err(labels::one_line(why, 200));
    }
    let timing = |repeat: &Repeat| {
        let used = match &repeat.measured.peer {
            Some(peer) => peer.cpu_seconds,
            None => repeat.total("cpu", &Phase::timed()).ok().map(|(seconds, _)| seconds),
        };
        let used = used.ok_or_else(|| format!("repeat {} has no CPU time", repeat.repeat))?;
        let iterations = repeat.measured.answer.iterations;
        let nanoseconds = |seconds: f64| seconds * 1e9 / f64::from(iterations.max(1));
        Ok(Timing { iterations, real: nanoseconds(repeat.seconds), cpu: nanoseconds(used) })
    };
    cell.repeats.iter().map(timing).collect()
}

fn rows(family: usize, name: &str, cell: &CellSummary, timings: &[Timing]) -> Vec<Value> {
    let (repetitions, threads) = (timings.len(), cell.cell.lanes());
    let repeats = timings.iter().enumerate().map(|(index, timing)| {
        json!({
            "name": name, "family_index": family, "per_family_instance_index": 0, "run_name": name, "run_type": "iteration",
            "repetitions": repetitions, "repetition_index": index, "threads": threads,
            "iterations": timing.iterations, "real_time": timing.real, "cpu_time": timing.cpu, "time_unit": "ns",
        })
    });
    let real: Vec<f64> = timings.iter().map(|timing| timing.real).collect();
    let cpu: Vec<f64> = timings.iter().map(|timing| timing.cpu).collect();
    type Statistic = fn(&[f64]) -> Option<f64>;
    let statistics = [("mean", mean as Statistic), ("median", median), ("stddev", deviation)];
    let aggregates = statistics.into_iter().filter_map(|(aggregate, of)| {
        Some(json!({
            "name": format!("{name}_{aggregate}"), "family_index": family, "per_family_instance_index": 0, "run_name": name,
            "run_type": "aggregate", "repetitions": repetitions, "threads": threads,
            "aggregate_name": aggregate, "aggregate_unit": "time", "iterations": repetitions,
            "real_time": of(&real)?, "cpu_time": of(&cpu)?, "time_unit": "ns",
        }))
    });
    repeats.chain(aggregates).collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The sample's standard deviation.
fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    Some(
        (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_are_those_of_a_sample() {
        assert_eq!(deviation(&[1.0, 3.0]), Some(2f64.sqrt()));
        assert_eq!(deviation(&[1.0]), None);
    }
}

//! Google Benchmark's JSON: `benchmark.json`, every good repeat and the aggregates of each cell.
//!
//! The form of `--benchmark_format=json`, read by `tools/compare.py` of the library, and by
//! services that watch benchmarks. Times are those of one iteration; CPU time is that of all lanes
//! together, and left out where it was not recorded.

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::exchange::{Export, Format, Repeats, cells};
use crate::export::pretty;
use crate::labels;
use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::Phase;
use amdahl_record::error::Result;
use amdahl_record::units;
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
    for (family, (group, cell)) in cells(summary).enumerate() {
        benchmarks.extend(of_cell(family, group, cell));
        if cell.repeats.is_empty() {
            let why = cell.failures.first().map_or("no repeat", |failure| &failure.what);
            benchmarks.push(json!({
                "name": name(group, cell), "run_name": name(group, cell), "run_type": "iteration", "family_index": family,
                "error_occurred": true, "error_message": labels::one_line(why, 200),
            }));
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
        "date": summary.run.as_ref().map(|run| rfc3339(run.started_ms)),
        "host_name": host.and_then(|h| h.hostname.clone()),
        "executable": "amdahl-worker",
        "num_cpus": host.map(|h| h.allowed_cpus.len()),
        "cpu_scaling_enabled": host.and_then(|h| h.governor.as_ref()).map(|governor| governor != "performance"),
        "caches": caches,
        "library_build_type": "release",
        "json_schema_version": 1,
    })
}

/// A Unix time in milliseconds as `2026-01-31T23:59:00+00:00`.
fn rfc3339(unix_ms: u64) -> String {
    let of_day = unix_ms / 1000 % 86_400;
    format!(
        "{}T{:02}:{:02}:{:02}+00:00",
        units::day(unix_ms),
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

fn name(group: &Group, cell: &CellSummary) -> String {
    let own = labels::own_sizes(&group.workload).into_iter();
    let own: String = own.map(|(name, size)| format!("/{}:{size}", name.symbol)).collect();
    let size = |value: Option<u64>| value.map_or("?".into(), |value| value.to_string());
    format!(
        "{}/{}/n:{}/d:{}{own}/{}/ranks:{}/threads:{}/{}",
        group.workload.kind,
        labels::dataset_name(&group.dataset).replace(['/', ' '], "-"),
        size(group.rows),
        size(group.dims.map(u64::from)),
        cell.cell.backend.name(),
        cell.cell.ranks,
        cell.cell.threads,
        cell.id
    )
}

fn of_cell(family: usize, group: &Group, cell: &CellSummary) -> Vec<Value> {
    let name = name(group, cell);
    let (mut rows, mut real, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for (index, repeat) in cell.repeats.iter().enumerate() {
        let answer = &*repeat.measured.answer;
        let iterations = f64::from(answer.iterations.max(1));
        let milliseconds = |seconds: f64| seconds * 1e3 / iterations;
        let used = match &repeat.measured.peer {
            Some(peer) => peer.cpu_seconds,
            None => repeat.total("cpu", &Phase::timed()).ok().map(|(seconds, _)| seconds),
        };
        let mut row = json!({
            "name": name, "family_index": family, "per_family_instance_index": 0, "run_name": name, "run_type": "iteration",
            "repetitions": cell.repeats.len(), "repetition_index": index, "threads": cell.cell.lanes(),
            "iterations": answer.iterations, "real_time": milliseconds(repeat.seconds), "time_unit": "ms",
        });
        real.push(milliseconds(repeat.seconds));
        if let Some(used) = used {
            row["cpu_time"] = json!(milliseconds(used));
            cpu.push(milliseconds(used));
        }
        rows.push(row);
    }
    let of = |statistic: fn(&[f64]) -> Option<f64>| {
        (statistic(&real), statistic(&cpu).filter(|_| cpu.len() == real.len()))
    };
    for (aggregate, (real, cpu)) in
        [("mean", of(mean)), ("median", of(median)), ("stddev", of(deviation))]
    {
        let Some(real) = real else { continue };
        let mut row = json!({
            "name": format!("{name}_{aggregate}"), "family_index": family, "per_family_instance_index": 0, "run_name": name,
            "run_type": "aggregate", "repetitions": cell.repeats.len(), "threads": cell.cell.lanes(),
            "aggregate_name": aggregate, "aggregate_unit": "time", "iterations": cell.repeats.len(),
            "real_time": real, "time_unit": "ms",
        });
        if let Some(cpu) = cpu {
            row["cpu_time"] = json!(cpu);
        }
        rows.push(row);
    }
    rows
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
    fn dates_and_deviations() {
        assert_eq!(rfc3339(1_700_000_000_000), "2023-11-14T22:13:20+00:00");
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00+00:00");
        assert_eq!(deviation(&[1.0, 3.0]), Some(2f64.sqrt()));
        assert_eq!(deviation(&[1.0]), None);
    }
}

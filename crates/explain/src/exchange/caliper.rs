//! Caliper's `json-split`: `CELL/repeat-N.json`, as `cali-query` writes it.
//!
//! D. Boehme et al.: "Caliper: performance introspection for HPC software stacks", SC'16. Read by
//! Hatchet (`GraphFrame.from_caliper`) and, through it, by Thicket. Seconds. Readers know the
//! dimension `mpi.rank` alone: lanes stand in it by their number, and what rank and thread they are
//! stands beside it.

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::exchange::profile;
use crate::exchange::profile::Profile;
use crate::exchange::{Export, Format, Repeats};
use crate::export::pretty;
use crate::summary::Summary;
use amdahl_record::error::Result;

/// Caliper.
pub const FORMAT: Format =
    Format { name: "caliper", about: "Caliper json-split: Hatchet, Thicket", write };

fn write(analysis: &Analysis<'_>, repeats: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    for profile in profile::of(summary, repeats, &mut export) {
        export.add(format!("{}.json", profile.folder()), pretty(&document(&profile, summary))?);
    }
    Ok(export)
}

fn document(profile: &Profile<'_>, summary: &Summary) -> Value {
    let nodes: Vec<Value> = (profile.tree.iter())
        .map(|(name, parent, _)| match parent {
            Some(parent) => json!({ "label": name, "column": "path", "parent": parent }),
            None => json!({ "label": name, "column": "path" }),
        })
        .collect();
    let mut columns =
        vec!["Node order", "path", "mpi.rank", "sum#time.duration", "inclusive#sum#time.duration"];
    columns.extend(["amdahl.rank", "amdahl.thread", "calls"]);
    columns.extend(profile.metrics.iter().map(|(name, _)| name.as_str()));
    // The order of nodes is no metric.
    let is_value = |column: &str| column != "path" && column != "Node order";
    let metadata: Vec<Value> =
        columns.iter().map(|column| json!({ "is_value": is_value(column) })).collect();
    // The rows of the first lane come first, in the order of the nodes: readers look the order of a
    // node up there.
    let mut rows = Vec::new();
    for (number, lane) in profile.lanes.iter().enumerate() {
        for i in 0..profile.tree.len() {
            let seconds = |nanoseconds: u64| json!(nanoseconds as f64 / 1e9);
            let mut row = vec![
                json!(i),
                json!(i),
                json!(number),
                seconds(lane.time[i].0),
                seconds(lane.time[i].1),
            ];
            row.extend([json!(lane.rank), json!(lane.thread), json!(lane.calls[i])]);
            row.extend(lane.counts.iter().map(|values| json!(values[i].0)));
            rows.push(Value::Array(row));
        }
    }
    let mut document =
        json!({ "data": rows, "columns": columns, "column_metadata": metadata, "nodes": nodes });
    for (name, value) in profile.facts(summary) {
        document[format!("amdahl.{name}")] = json!(value);
    }
    for (name, from) in &profile.metrics {
        document[format!("amdahl.source.{name}")] = json!(crate::metric::render::source(*from));
    }
    document
}

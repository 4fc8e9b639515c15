//! Caliper's `json-split`, as `cali-query` writes it: lane by lane for Hatchet, and as one profile
//! of all lanes for Thicket.
//!
//! D. Boehme et al.: "Caliper: performance introspection for HPC software stacks", SC'16. Seconds.
//! Hatchet (`GraphFrame.from_caliper`) knows the dimension `mpi.rank` alone: lanes stand in it by
//! their number, also where there is one, so that the index is always (node, rank); what rank and
//! thread they are stands beside it. Thicket (`Thicket.from_caliper`) composes an index of node and
//! profile, and its `groupby` and `filter_metadata` take no third level: its files have no
//! `mpi.rank`, but mean, least and largest over the lanes.

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::exchange::profile;
use crate::exchange::profile::Profile;
use crate::exchange::{Export, Format, Repeats};
use crate::export::pretty;
use crate::summary::Summary;
use amdahl_record::error::Result;

/// Caliper, lane by lane.
pub const FORMAT: Format =
    Format { name: "caliper", about: "Caliper json-split, lane by lane: Hatchet", write };

/// Caliper, all lanes as one.
pub const THICKET: Format = Format {
    name: "thicket",
    about: "Caliper json-split, a file a repeat in one folder: Thicket",
    write: write_thicket,
};

fn write(analysis: &Analysis<'_>, repeats: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    for profile in profile::of(summary, repeats, &mut export) {
        let document = document(&profile, summary, by_lane(&profile));
        export.add(format!("{}.json", profile.folder()), pretty(&document)?);
    }
    Ok(export)
}

fn write_thicket(analysis: &Analysis<'_>, repeats: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    for profile in profile::of(summary, repeats, &mut export) {
        let document = document(&profile, summary, over_lanes(&profile));
        export.add(format!("{}.json", profile.folder().replace('/', "-")), pretty(&document)?);
    }
    Ok(export)
}

/// Names of columns with their values by region and, where there are any, lanes. The first two,
/// order and path, are the region's number; the first lane's rows come first, in the order of the
/// regions, because readers look the order of a region up there.
struct Columns {
    names: Vec<String>,
    rows: Vec<Vec<Value>>,
}

const ORDER_AND_PATH: [&str; 2] = ["Node order", "path"];

fn columns<'a>(own: &[&'a str], metrics: impl Iterator<Item = &'a str>) -> Vec<String> {
    let fixed = ORDER_AND_PATH.iter().chain(own).copied();
    fixed.chain(metrics).map(String::from).collect()
}

fn seconds(nanoseconds: u64) -> Value {
    json!(nanoseconds as f64 / 1e9)
}

fn by_lane(profile: &Profile<'_>) -> Columns {
    let own = ["mpi.rank", "sum#time.duration", "inclusive#sum#time.duration"];
    let own = [&own[..], &["amdahl.rank", "amdahl.thread", "calls"]].concat();
    let mut rows = Vec::new();
    for (number, lane) in profile.lanes.iter().enumerate() {
        for i in 0..profile.tree.len() {
            let (without, with) = lane.time[i];
            let mut row = vec![json!(i), json!(i), json!(number), seconds(without), seconds(with)];
            row.extend([json!(lane.rank), json!(lane.thread), json!(lane.calls[i])]);
            row.extend(lane.counts.iter().map(|values| json!(values[i].0)));
            rows.push(row);
        }
    }
    Columns { names: columns(&own, profile.metrics.iter().map(|(name, _)| &**name)), rows }
}

/// Times are means, with the least and the largest; counts and calls are those of all lanes.
fn over_lanes(profile: &Profile<'_>) -> Columns {
    // The names that Caliper gives to means over ranks: readers call them time and time (inc).
    let own = ["sum#avg#sum#time.duration", "sum#avg#inclusive#sum#time.duration"];
    let extremes = ["min#inclusive#sum#time.duration", "max#inclusive#sum#time.duration"];
    let own = [&own[..], &extremes, &["calls"]].concat();
    let lanes = &profile.lanes;
    let row = |i: usize| {
        let with = || lanes.iter().map(|lane| lane.time[i].1);
        let mean = |sum: u64| json!(sum as f64 / 1e9 / lanes.len() as f64);
        let mut row = vec![json!(i), json!(i)];
        row.extend([mean(lanes.iter().map(|lane| lane.time[i].0).sum()), mean(with().sum())]);
        row.extend([with().min(), with().max()].map(|time| seconds(time.unwrap_or(0))));
        row.push(json!(lanes.iter().map(|lane| lane.calls[i]).sum::<u64>()));
        let counts = (0..profile.metrics.len())
            .map(|m| lanes.iter().map(|lane| lane.counts[m][i].0).sum::<u64>());
        row.extend(counts.map(|count| json!(count)));
        row
    };
    Columns {
        names: columns(&own, profile.metrics.iter().map(|(name, _)| &**name)),
        rows: (0..profile.tree.len()).map(row).collect(),
    }
}

fn document(profile: &Profile<'_>, summary: &Summary, columns: Columns) -> Value {
    let nodes: Vec<Value> = (profile.tree.iter())
        .map(|(name, parent, _)| match parent {
            Some(parent) => json!({ "label": name, "column": "path", "parent": parent }),
            None => json!({ "label": name, "column": "path" }),
        })
        .collect();
    // The order of regions is no metric.
    let is_value = |column: &String| !ORDER_AND_PATH.contains(&column.as_str());
    let metadata: Vec<Value> =
        columns.names.iter().map(|column| json!({ "is_value": is_value(column) })).collect();
    let mut document = json!({
        "data": columns.rows, "columns": columns.names, "column_metadata": metadata, "nodes": nodes,
    });
    for (name, value) in profile.facts(summary) {
        document[name] = value;
    }
    for (name, from) in &profile.metrics {
        document[format!("source.{name}")] = json!(crate::metric::render::source(*from));
    }
    document
}

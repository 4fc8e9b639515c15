//! Chrome's trace event format: `CELL/repeat-N.trace.json`, for Perfetto (ui.perfetto.dev) and
//! `chrome://tracing`.
//!
//! A record holds the sum of each phase on each lane, not when each began. So the trace shows each
//! phase once, as long as all its visits together and behind the phases before it: lengths are
//! measured, the order within the timed part is not. Each bar says how often its phase was entered.

use serde_json::{Value, json};

use crate::exchange::profile;
use crate::exchange::profile::{Profile, REGIONS};
use crate::exchange::{Export, Format, Repeats};
use crate::export::pretty;
use crate::summary::Summary;
use amdahl_record::error::Result;

/// Chrome.
pub const FORMAT: Format = Format {
    name: "chrome",
    about: "Chrome trace of a repeat, lanes × phases: Perfetto, chrome://tracing",
    write,
};

fn write(summary: &Summary, repeats: Repeats) -> Result<Export> {
    let mut export = Export::default();
    for profile in profile::of(summary, repeats, &mut export) {
        export
            .add(format!("{}.trace.json", profile.folder()), pretty(&document(&profile, summary))?);
    }
    Ok(export)
}

/// Regions as they follow each other, as far as a program has an order: by their index in the tree.
const ORDER: [usize; REGIONS - 1] = [1, 2, 9, 3, 4, 5, 6, 7, 10, 11, 12, 8];

fn document(profile: &Profile<'_>, summary: &Summary) -> Value {
    let mut events = Vec::new();
    // The timed part has a common start: lanes that load faster wait for the others there.
    let before = |lane: &profile::Lane| lane.time[1].1 + lane.time[2].1 + lane.time[9].1;
    let start = profile.lanes.iter().map(before).max().unwrap_or(0);
    for lane in &profile.lanes {
        let of = |name: &str, arguments: Value| json!({ "ph": "M", "name": name, "pid": lane.rank, "tid": lane.thread, "args": arguments });
        events.push(of("process_name", json!({ "name": format!("rank {}", lane.rank) })));
        events.push(of("thread_name", json!({ "name": format!("thread {}", lane.thread) })));
        let mut ends = [0u64; REGIONS];
        for i in ORDER.into_iter().filter(|i| *i < profile.tree.len()) {
            let (name, parent, phase) = profile.tree[i];
            let Some(parent) = parent else { continue };
            // Behind what comes before it in the same parent.
            let begin = match name {
                profile::ITERATIONS => start,
                _ => ends[parent],
            };
            let length = lane.time[i].1;
            ends[parent] = begin + length;
            ends[i] = begin;
            let kind = if phase.is_some() { "sum of all visits" } else { "whole timed part" };
            events.push(json!({
                "ph": "X", "name": name, "cat": "phase", "pid": lane.rank, "tid": lane.thread,
                "ts": begin as f64 / 1e3, "dur": length as f64 / 1e3,
                "args": { "entered": lane.calls[i], "length": kind },
            }));
        }
    }
    let facts: serde_json::Map<String, Value> = profile
        .facts(summary)
        .into_iter()
        .map(|(name, value)| (name.to_string(), json!(value)))
        .collect();
    json!({ "traceEvents": events, "displayTimeUnit": "ms", "otherData": facts })
}

//! Chrome's trace event format: `CELL/repeat-N.trace.json`, for Perfetto (ui.perfetto.dev) and
//! `chrome://tracing`.
//!
//! A record holds the sum of each phase on each lane, not when each began. So the trace shows each
//! phase once, as long as all its visits together and behind the phases before it: lengths are
//! measured, the order within the timed part is not. Each bar says how often its phase was entered.
//!
//! Process and thread ids are made up from ranks and lanes, counted from 1: Perfetto keeps 0 for the
//! idle task, and takes two threads of one id for one thread, whatever their processes.

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::exchange::profile;
use crate::exchange::profile::{Place, Profile};
use crate::exchange::{Export, Format, Repeats};
use crate::export::pretty;
use crate::summary::Summary;
use amdahl_record::error::Result;
use amdahl_record::{Phase, Role};

/// Chrome.
pub const FORMAT: Format = Format {
    name: "chrome",
    about: "Chrome trace of a repeat, lanes × phases: Perfetto, chrome://tracing",
    write,
};

fn write(analysis: &Analysis<'_>, repeats: Repeats) -> Result<Export> {
    let summary = analysis.summary;
    let mut export = Export::default();
    for profile in profile::of(summary, repeats, &mut export) {
        export
            .add(format!("{}.trace.json", profile.folder()), pretty(&document(&profile, summary))?);
    }
    Ok(export)
}

/// Regions as they follow each other, as far as a program has an order: what comes before the timed
/// part, the timed part and its phases, what comes after it. By their index in the tree.
fn order(tree: &[Place]) -> Vec<usize> {
    let rank = |i: &usize| match tree[*i].2.map(Phase::role) {
        Some(Role::Setup) => 0,
        None => 1,
        Some(Role::Finish) => 3,
        Some(_) => 2,
    };
    let mut order: Vec<usize> = (1..tree.len()).collect();
    order.sort_by_key(rank);
    order
}

fn document(profile: &Profile<'_>, summary: &Summary) -> Value {
    let mut events = Vec::new();
    // The timed part has a common start: lanes that load faster wait for the others there.
    let is_before = |place: &Place| place.2.is_some_and(|phase| phase.role() == Role::Setup);
    let before = |lane: &profile::Lane| {
        let times = profile.tree.iter().zip(&lane.time).filter(|(place, _)| is_before(place));
        times.map(|(_, (_, time))| time).sum::<u64>()
    };
    let order = order(&profile.tree);
    let start = profile.lanes.iter().map(before).max().unwrap_or(0);
    for (number, lane) in profile.lanes.iter().enumerate() {
        let (pid, tid) = (lane.rank + 1, number + 1);
        let of = |name: &str, arguments: Value| json!({ "ph": "M", "name": name, "pid": pid, "tid": tid, "args": arguments });
        events.push(of("process_name", json!({ "name": format!("rank {}", lane.rank) })));
        events.push(of("thread_name", json!({ "name": format!("thread {}", lane.thread) })));
        let mut ends = vec![0u64; profile.tree.len()];
        for &i in &order {
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
                "ph": "X", "name": name, "cat": "phase", "pid": pid, "tid": tid,
                "ts": begin as f64 / 1e3, "dur": length as f64 / 1e3,
                "args": { "entered": lane.calls[i], "length": kind },
            }));
        }
    }
    let facts = profile.facts(summary).into_iter();
    let facts: serde_json::Map<String, Value> =
        facts.map(|(name, value)| (name.to_string(), value)).collect();
    json!({ "traceEvents": events, "displayTimeUnit": "ms", "otherData": facts })
}

//! The table `lanes`.

use crate::analysis::Analysis;
use crate::labels;
use crate::relations::{Relation, Rows, Source, repeats};
use crate::summary::times::{sum, useful};
use crate::summary::{CellSummary, Repeat};
use amdahl_record::{LaneFacts, Role};

/// One row a lane of a good repeat.
pub const SOURCE: Source = Source {
    name: "lanes",
    about: "one row a lane of a repeat that counts: where it ran, how long it computed",
    fill,
};

struct Place<'a> {
    cell: &'a CellSummary,
    repeat: &'a Repeat,
    lane: usize,
    facts: &'a LaneFacts,
    critical: Option<usize>,
}

impl Place<'_> {
    fn wall(&self) -> Option<&[f64]> {
        Some(self.repeat.lanes.lane(self.lane)).filter(|wall| !wall.is_empty())
    }

    fn node(&self) -> Option<i64> {
        self.facts.numa.as_ref()?.node.map(i64::from)
    }
}

fn places<'a>(cell: &'a CellSummary, repeat: &'a Repeat) -> impl Iterator<Item = Place<'a>> {
    let critical = repeat.critical_lane();
    let lanes = repeat.measured.lanes.iter().enumerate();
    lanes.map(move |(lane, facts)| Place { cell, repeat, lane, facts, critical })
}

fn fill(analysis: &Analysis<'_>) -> Relation {
    Rows::new(repeats(analysis.summary).flat_map(|(cell, repeat)| places(cell, repeat)))
        .text("cell", "id of the cell", |p| Some(p.cell.id.0.clone()))
        .text("name", "backend and lanes", |p| Some(labels::cell(&p.cell.cell)))
        .whole("repeat", "number of the repeat", |p| Some(i64::from(p.repeat.repeat)))
        .whole("lane", "number of the lane", |p| Some(p.lane as i64))
        .whole("rank", "its process", |p| Some(i64::from(p.facts.rank)))
        .whole("thread", "its thread of that process", |p| Some(i64::from(p.facts.thread)))
        .whole("on_machine", "number among the lanes of its machine", |p| {
            p.facts.node_index.map(i64::from)
        })
        .whole("pinned", "CPU that it was pinned to", |p| p.facts.pinned.map(i64::from))
        .whole("cpu", "CPU that it was seen on", |p| p.facts.cpu.map(i64::from))
        .whole("numa_node", "NUMA node of that CPU", Place::node)
        .whole("rows", "rows of its shard", |p| Some(p.facts.rows as i64))
        .number("computing_seconds", "phases in which a lane computes", |p| p.wall().map(useful))
        .number("timed_seconds", "all phases of the timed part", |p| {
            p.wall().map(|wall| sum(wall, Role::is_timed))
        })
        .truth("critical", "the lane of the repeat that computed longest?", |p| {
            p.critical.map(|critical| critical == p.lane)
        })
        .relation()
}

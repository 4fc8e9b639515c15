//! The table `readings`.

use crate::analysis::Analysis;
use crate::metric::render::source;
use crate::relations::{Relation, Rows, Source, repeats};
use crate::summary::Summary;
use amdahl_record::{Phase, Reading};

/// One row a value that was read.
pub const SOURCE: Source = Source {
    name: "readings",
    about: "one row a metric, lane and phase of a repeat that counts; of a missing metric one row \
            with the reason",
    fill,
};

struct Value<'a> {
    cell: &'a str,
    repeat: u32,
    lane: Option<usize>,
    place: Option<(u32, u32)>,
    phase: Option<Phase>,
    reading: &'a Reading,
    value: Option<f64>,
}

fn values(summary: &Summary) -> Vec<Value<'_>> {
    let mut rows: Vec<Value<'_>> = Vec::new();
    for (cell, repeat) in repeats(summary) {
        for reading in &repeat.measured.readings {
            let row = Value {
                cell: &cell.id.0,
                repeat: repeat.repeat,
                lane: None,
                place: None,
                phase: None,
                reading,
                value: None,
            };
            let own = cell.own_phases();
            let before = rows.len();
            for lane in reading.lanes() {
                let place = repeat.measured.lanes.get(lane).map(|facts| (facts.rank, facts.thread));
                let values =
                    own.iter().filter_map(|phase| Some((*phase, reading.value(lane, *phase)?)));
                rows.extend(values.map(|(phase, value)| Value {
                    lane: Some(lane),
                    place,
                    phase: Some(phase),
                    value: Some(value),
                    ..row
                }));
            }
            if rows.len() == before {
                rows.push(row);
            }
        }
    }
    rows
}

fn unit(reading: &Reading) -> Option<String> {
    serde_json::to_value(reading.unit).ok().and_then(|unit| Some(unit.as_str()?.to_string()))
}

fn why(value: &Value<'_>) -> Option<String> {
    match value.value {
        Some(_) => None,
        None => value.reading.reason().map(String::from),
    }
}

fn fill(analysis: &Analysis<'_>) -> Relation {
    Rows::new(values(analysis.summary))
        .text("cell", "id of the cell", |r| Some(r.cell.into()))
        .whole("repeat", "number of the repeat", |r| Some(i64::from(r.repeat)))
        .whole("lane", "number of the lane", |r| r.lane.map(|lane| lane as i64))
        .whole("rank", "its process", |r| r.place.map(|(rank, _)| i64::from(rank)))
        .whole("thread", "its thread", |r| r.place.map(|(_, thread)| i64::from(thread)))
        .text("phase", "word of the phase", |r| r.phase.map(|phase| phase.word().into()))
        .text("metric", "name of the metric", |r| Some(r.reading.metric.to_string()))
        .text("unit", "its unit", |r| unit(r.reading))
        .number("value", "what was read", |r| r.value)
        .text("source", "measured, multiplexed, simulated or modelled", |r| {
            r.value.and(r.reading.from).map(source)
        })
        .text("counted_with", "what was counted together", |r| {
            r.reading.counted_by().map(String::from)
        })
        .text("why", "why there is no value", why)
        .relation()
}

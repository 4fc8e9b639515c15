//! Results as three tables of columns: cells, repeats and readings.

use crate::exchange::cells;
use crate::labels;
use crate::metric::render::source;
use crate::show::heading;
use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::Phase;

/// The values of a column; missing is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Words.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Text(values) => values.len(),
            Values::Whole(values) => values.len(),
            Values::Number(values) => values.len(),
        }
    }
}

/// A named table; all columns are equally long.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Name in file names.
    pub name: &'static str,
    /// Columns with their names.
    pub columns: Vec<(&'static str, Values)>,
}

/// The tables of a summary: `cells` (one row a cell), `repeats` (one row a good repeat), `readings`
/// (one row a metric, lane and phase of a good repeat; a metric that is missing has one row with
/// the reason). They join by `cell` and `repeat`.
pub fn tables(summary: &Summary) -> Vec<Table> {
    vec![of_cells(summary), of_repeats(summary), of_readings(summary)]
}

fn text<T>(rows: &[T], of: impl Fn(&T) -> Option<String>) -> Values {
    Values::Text(rows.iter().map(of).collect())
}

fn whole<T>(rows: &[T], of: impl Fn(&T) -> Option<i64>) -> Values {
    Values::Whole(rows.iter().map(of).collect())
}

fn number<T>(rows: &[T], of: impl Fn(&T) -> Option<f64>) -> Values {
    Values::Number(rows.iter().map(|row| of(row).filter(|value| value.is_finite())).collect())
}

fn of_cells(summary: &Summary) -> Table {
    let rows: Vec<(&Group, &CellSummary)> = cells(summary).collect();
    let own = |group: &Group| labels::own_sizes(group).first().map(|(_, size)| *size as i64);
    let pop = |c: &CellSummary, of: fn(&crate::pop::Pop) -> Option<f64>| {
        c.explained.pop.as_ref().and_then(of)
    };
    let columns = vec![
        ("cell", text(&rows, |(_, c)| Some(c.id.0.clone()))),
        ("name", text(&rows, |(_, c)| Some(labels::cell(&c.cell)))),
        ("problem", text(&rows, |(g, _)| Some(heading(g)))),
        ("rows", whole(&rows, |(g, _)| g.rows.map(|rows| rows as i64))),
        ("dims", whole(&rows, |(g, _)| g.dims.map(i64::from))),
        ("k", whole(&rows, |(g, _)| own(g))),
        ("backend", text(&rows, |(_, c)| Some(c.cell.backend.name().into()))),
        ("ranks", whole(&rows, |(_, c)| Some(i64::from(c.cell.ranks)))),
        ("threads", whole(&rows, |(_, c)| Some(i64::from(c.cell.threads)))),
        ("lanes", whole(&rows, |(_, c)| Some(i64::from(c.cell.lanes())))),
        ("n", whole(&rows, |(_, c)| Some(c.repeats.len() as i64))),
        ("failed", whole(&rows, |(_, c)| Some(c.failed() as i64))),
        ("failure", text(&rows, |(_, c)| c.failures.first().map(|f| f.what.clone()))),
        ("seconds", number(&rows, |(_, c)| Some(c.time?.value))),
        ("seconds_low", number(&rows, |(_, c)| Some(c.time?.interval?.low))),
        ("seconds_high", number(&rows, |(_, c)| Some(c.time?.interval?.high))),
        ("speedup", number(&rows, |(_, c)| Some(c.speedup?.value))),
        ("efficiency", number(&rows, |(_, c)| Some(c.efficiency?.value))),
        ("parallel_efficiency", number(&rows, |(_, c)| pop(c, |p| Some(p.parallel)))),
        ("load_balance", number(&rows, |(_, c)| pop(c, |p| Some(p.load_balance)))),
        ("communication_efficiency", number(&rows, |(_, c)| pop(c, |p| Some(p.communication)))),
        ("computation_scaling", number(&rows, |(_, c)| pop(c, |p| p.computation))),
        ("iterations", whole(&rows, |(_, c)| c.iterations.map(i64::from))),
        ("of_floor", number(&rows, |(_, c)| c.of_floor)),
        ("host", text(&rows, |(_, c)| Some(c.key.host.clone()))),
        ("build", text(&rows, |(_, c)| Some(c.key.build.clone()))),
        ("data", text(&rows, |(_, c)| Some(c.key.data.clone()))),
    ];
    Table { name: "cells", columns }
}

fn of_repeats(summary: &Summary) -> Table {
    let rows: Vec<_> =
        cells(summary).flat_map(|(_, c)| c.repeats.iter().map(move |r| (c, r))).collect();
    let columns = vec![
        ("cell", text(&rows, |(c, _)| Some(c.id.0.clone()))),
        ("name", text(&rows, |(c, _)| Some(labels::cell(&c.cell)))),
        ("repeat", whole(&rows, |(_, r)| Some(i64::from(r.repeat)))),
        ("seconds", number(&rows, |(_, r)| Some(r.seconds))),
        ("process_seconds", number(&rows, |(_, r)| r.process_s)),
        (
            "peak_rss_bytes",
            whole(&rows, |(_, r)| r.measured.peak_rss_bytes.map(|bytes| bytes as i64)),
        ),
        ("load1", number(&rows, |(_, r)| r.measured.load.load1)),
        ("steal", number(&rows, |(_, r)| r.measured.load.steal)),
        ("kernel", text(&rows, |(_, r)| Some(r.measured.kernel.to_string()))),
        ("platform", text(&rows, |(_, r)| Some(r.measured.platform.to_string()))),
    ];
    Table { name: "repeats", columns }
}

struct Reading<'a> {
    cell: &'a str,
    repeat: u32,
    lane: Option<usize>,
    place: Option<(u32, u32)>,
    phase: Option<Phase>,
    reading: &'a amdahl_record::Reading,
    value: Option<f64>,
}

fn of_readings(summary: &Summary) -> Table {
    let mut rows: Vec<Reading<'_>> = Vec::new();
    for (_, cell) in cells(summary) {
        for repeat in &cell.repeats {
            for reading in &repeat.measured.readings {
                let row = Reading {
                    cell: &cell.id.0,
                    repeat: repeat.repeat,
                    lane: None,
                    place: None,
                    phase: None,
                    reading,
                    value: None,
                };
                let before = rows.len();
                for lane in reading.lanes() {
                    let place =
                        repeat.measured.lanes.get(lane).map(|facts| (facts.rank, facts.thread));
                    let values = Phase::ALL
                        .iter()
                        .filter_map(|phase| Some((*phase, reading.value(lane, *phase)?)));
                    rows.extend(values.map(|(phase, value)| Reading {
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
    }
    let unit = |reading: &amdahl_record::Reading| {
        serde_json::to_value(reading.unit).ok().and_then(|unit| Some(unit.as_str()?.to_string()))
    };
    let columns = vec![
        ("cell", text(&rows, |r| Some(r.cell.into()))),
        ("repeat", whole(&rows, |r| Some(i64::from(r.repeat)))),
        ("lane", whole(&rows, |r| r.lane.map(|lane| lane as i64))),
        ("rank", whole(&rows, |r| r.place.map(|(rank, _)| i64::from(rank)))),
        ("thread", whole(&rows, |r| r.place.map(|(_, thread)| i64::from(thread)))),
        ("phase", text(&rows, |r| r.phase.map(|phase| phase.word().into()))),
        ("metric", text(&rows, |r| Some(r.reading.metric.to_string()))),
        ("unit", text(&rows, |r| unit(r.reading))),
        ("value", number(&rows, |r| r.value)),
        ("from", text(&rows, |r| r.value.and(r.reading.from).map(source))),
        ("group", text(&rows, |r| r.reading.counted_by().map(String::from))),
        (
            "why",
            text(&rows, |r| {
                if r.value.is_some() { None } else { r.reading.reason().map(String::from) }
            }),
        ),
    ];
    Table { name: "readings", columns }
}

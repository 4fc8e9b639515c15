//! Records and summaries as tables that can be queried: one row a cell, one row a repeat, one row a
//! phase of a lane of a repeat.
//!
//! Figures and the report select, group and join these instead of walking the records. The columns
//! are filled from the summary, so a figure stands on the same repeats as the table of `amdahl
//! show`.

use polars::prelude::*;

use crate::labels;
use crate::summary::{CellSummary, Group, Summary};
use amdahl_record::Phase;
use amdahl_record::error::{Error, Result};

/// The tables of one results folder.
#[derive(Clone, Debug)]
pub struct Frames {
    /// One row a cell: `group`, `cell`, `name`, `in_words`, `backend`, `order`, `ranks`, `threads`,
    /// `lanes`, `n`, `iterations`, `seconds`, `low`, `high` (seconds of the timed part: median and
    /// interval), `speedup`, `speedup_low`, `speedup_high`, `efficiency`, `is_base`,
    /// `oversubscribed`, `peer` (is it an outside program?). `order` is the place of the cell in
    /// its group; null means missing.
    pub cells: DataFrame,
    /// One row a good repeat: `group`, `order` (the cell's), `repeat` (a running number within the
    /// cell), `seconds`, `process_s`.
    pub repeats: DataFrame,
    /// One row a phase of a cell: `group`, `order` (the cell's), `phase`, `phase_seconds`: the
    /// median over the repeats of the mean over the lanes. The timed phases, and `other` for timed
    /// seconds that belong to none.
    pub phases: DataFrame,
}

/// Name of the rest of the timed part in [`Frames::phases`].
pub const OTHER: &str = "other";

impl Frames {
    /// Fills the tables.
    ///
    /// # Errors
    /// Internal, when the table library refuses the columns.
    pub fn new(summary: &Summary) -> Result<Frames> {
        let cells: Vec<(u32, u32, &Group, &CellSummary)> = (summary.groups.iter().enumerate())
            .flat_map(|(g, group)| {
                group
                    .cells
                    .iter()
                    .enumerate()
                    .map(move |(i, cell)| (g as u32, i as u32, group, cell))
            })
            .collect();
        Ok(Frames {
            cells: cell_table(&cells).map_err(refused)?,
            repeats: repeat_table(&cells).map_err(refused)?,
            phases: phase_table(&cells).map_err(refused)?,
        })
    }

    /// Our cells of a group that have a speedup, by order. Outside programs are ranked in a table
    /// of their own ([`crate::peer_comparison`]).
    pub fn speedups(&self, group: u32) -> Result<DataFrame> {
        let ours = col("group").eq(lit(group)).and(col("peer").eq(lit(false)));
        let cells = self.cells.clone().lazy().filter(ours.and(col("speedup").is_not_null()));
        cells.sort(["order"], SortMultipleOptions::default()).collect().map_err(refused)
    }

    /// The fastest cell of each backend in a group, the base's own cell left out, fastest first:
    /// the columns of [`Frames::cells`].
    pub fn best_by_backend(&self, group: u32) -> Result<DataFrame> {
        let cells = self.cells.clone().lazy().filter(col("group").eq(lit(group)));
        let fastest_first = || SortMultipleOptions::default().with_maintain_order(true);
        cells
            .filter(col("seconds").is_not_null().and(col("is_base").eq(lit(false))))
            .sort(["seconds", "order"], fastest_first())
            .group_by_stable([col("backend")])
            .agg([all().as_expr().first()])
            .sort(["seconds", "order"], fastest_first())
            .collect()
            .map_err(refused)
    }

    /// Speedup of each single repeat over the median of the group's base: `cell`, `lanes`, `order`,
    /// `repeat`, `speedup`.
    pub fn repeat_speedups(&self, group: u32) -> Result<DataFrame> {
        let mine = |table: &DataFrame| table.clone().lazy().filter(col("group").eq(lit(group)));
        let base = mine(&self.cells)
            .filter(col("is_base"))
            .select([col("group"), col("seconds").alias("base_seconds")]);
        let with_speedup =
            mine(&self.cells).filter(col("speedup").is_not_null().and(col("peer").eq(lit(false))));
        let with_speedup = with_speedup.select([col("cell"), col("lanes"), col("order")]);
        mine(&self.repeats)
            .inner_join(with_speedup, col("order"), col("order"))
            .inner_join(base, col("group"), col("group"))
            .select([
                col("cell"),
                col("lanes"),
                col("order"),
                col("repeat"),
                (col("base_seconds") / col("seconds")).alias("speedup"),
            ])
            .sort(["order", "repeat", "speedup"], SortMultipleOptions::default())
            .collect()
            .map_err(refused)
    }

    /// How the lanes of a group's cells spent their time: `cell`, `name`, `in_words`, `lanes`,
    /// `order`, `phase`, `seconds`: the median over the repeats of the mean over the lanes, seconds
    /// of one iteration.
    pub fn phase_costs(&self, group: u32) -> Result<DataFrame> {
        let mine = |table: &DataFrame| table.clone().lazy().filter(col("group").eq(lit(group)));
        let iterations = col("iterations").cast(DataType::Float64);
        mine(&self.phases)
            .inner_join(mine(&self.cells), col("order"), col("order"))
            .filter(col("iterations").gt(lit(0u32)).and(col("peer").eq(lit(false))))
            .select([
                col("cell"),
                col("name"),
                col("in_words"),
                col("lanes"),
                col("order"),
                col("phase"),
                (col("phase_seconds") / iterations).alias("seconds"),
            ])
            .sort(["order", "phase"], SortMultipleOptions::default())
            .collect()
            .map_err(refused)
    }
}

fn cell_table(cells: &[(u32, u32, &Group, &CellSummary)]) -> PolarsResult<DataFrame> {
    let f64s = |of: &dyn Fn(&CellSummary) -> Option<f64>| {
        cells.iter().map(|(.., c)| of(c)).collect::<Vec<_>>()
    };
    let u32s =
        |of: &dyn Fn(&CellSummary) -> u32| cells.iter().map(|(.., c)| of(c)).collect::<Vec<_>>();
    let words =
        |of: &dyn Fn(&CellSummary) -> String| cells.iter().map(|(.., c)| of(c)).collect::<Vec<_>>();
    let is_base = |(_, _, group, cell): &(u32, u32, &Group, &CellSummary)| {
        group.base.as_ref().is_some_and(|base| base.cell == cell.id)
    };
    table(vec![
        Column::new("group".into(), cells.iter().map(|(g, ..)| *g).collect::<Vec<_>>()),
        Column::new("order".into(), cells.iter().map(|(_, i, ..)| *i).collect::<Vec<_>>()),
        Column::new("cell".into(), words(&|c| c.id.0.clone())),
        Column::new("name".into(), words(&|c| labels::cell(&c.cell))),
        Column::new("in_words".into(), words(&|c| labels::in_words(&c.cell))),
        Column::new("backend".into(), words(&|c| labels::series(&c.cell))),
        Column::new("ranks".into(), u32s(&|c| c.cell.ranks)),
        Column::new("threads".into(), u32s(&|c| c.cell.threads)),
        Column::new("lanes".into(), u32s(&|c| c.cell.lanes())),
        Column::new("n".into(), u32s(&|c| c.repeats.len() as u32)),
        Column::new(
            "iterations".into(),
            cells.iter().map(|(.., c)| c.iterations).collect::<Vec<Option<u32>>>(),
        ),
        Column::new("seconds".into(), f64s(&|c| c.time.map(|t| t.value))),
        Column::new("low".into(), f64s(&|c| Some(c.time?.interval?.low))),
        Column::new("high".into(), f64s(&|c| Some(c.time?.interval?.high))),
        Column::new("speedup".into(), f64s(&|c| c.speedup.map(|s| s.value))),
        Column::new("speedup_low".into(), f64s(&|c| Some(c.speedup?.interval?.low))),
        Column::new("speedup_high".into(), f64s(&|c| Some(c.speedup?.interval?.high))),
        Column::new("efficiency".into(), f64s(&|c| c.efficiency.map(|e| e.value))),
        Column::new("is_base".into(), cells.iter().map(is_base).collect::<Vec<_>>()),
        Column::new(
            "peer".into(),
            cells.iter().map(|(.., c)| c.cell.backend.peer().is_some()).collect::<Vec<_>>(),
        ),
        Column::new(
            "oversubscribed".into(),
            cells.iter().map(|(.., c)| c.oversubscribed).collect::<Vec<_>>(),
        ),
    ])
}

fn repeat_table(cells: &[(u32, u32, &Group, &CellSummary)]) -> PolarsResult<DataFrame> {
    let repeats = || {
        cells
            .iter()
            .flat_map(|(g, order, _, c)| c.repeats.iter().enumerate().map(move |r| (*g, *order, r)))
    };
    table(vec![
        Column::new("group".into(), repeats().map(|(g, ..)| g).collect::<Vec<_>>()),
        Column::new("order".into(), repeats().map(|(_, order, _)| order).collect::<Vec<_>>()),
        Column::new("repeat".into(), repeats().map(|(.., (i, _))| i as u32).collect::<Vec<_>>()),
        Column::new("seconds".into(), repeats().map(|(.., (_, r))| r.seconds).collect::<Vec<_>>()),
        Column::new(
            "process_s".into(),
            repeats().map(|(.., (_, r))| r.process_s).collect::<Vec<_>>(),
        ),
    ])
}

fn phase_table(cells: &[(u32, u32, &Group, &CellSummary)]) -> PolarsResult<DataFrame> {
    let (mut group, mut order, mut phase, mut seconds) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (g, place, _, cell) in cells {
        let timed = Phase::TIMED.iter().filter_map(|p| Some((p.word(), cell.phase(*p)?.mean_s)));
        for (word, value) in timed.chain(cell.unaccounted_mean_s.map(|rest| (OTHER, rest))) {
            group.push(*g);
            order.push(*place);
            phase.push(word);
            seconds.push(value);
        }
    }
    table(vec![
        Column::new("group".into(), group),
        Column::new("order".into(), order),
        Column::new("phase".into(), phase),
        Column::new("phase_seconds".into(), seconds),
    ])
}

fn table(columns: Vec<Column>) -> PolarsResult<DataFrame> {
    let height = columns.first().map_or(0, Column::len);
    DataFrame::new(height, columns)
}

fn refused(error: PolarsError) -> Error {
    Error::internal(format!("cannot query the tables of records: {error}"))
}

/// A column of numbers; null is `None`.
///
/// # Errors
/// Internal, when there is no such column of numbers.
pub fn numbers(table: &DataFrame, name: &str) -> Result<Vec<Option<f64>>> {
    let column = table.column(name).and_then(|c| c.cast(&DataType::Float64)).map_err(refused)?;
    Ok(column.f64().map_err(refused)?.iter().collect())
}

/// A column of words.
///
/// # Errors
/// Internal, when there is no such column of words.
pub fn words(table: &DataFrame, name: &str) -> Result<Vec<String>> {
    let column = table.column(name).map_err(refused)?;
    Ok(column
        .str()
        .map_err(refused)?
        .iter()
        .map(|word| word.unwrap_or_default().to_string())
        .collect())
}

//! Results as tables of typed columns: one file each and one line in [`SOURCES`]. `amdahl export`
//! writes some of them, `amdahl query` asks all of them in SQL.
//!
//! They join by `cell`, and those of repeats by `cell` and `repeat`. Nothing is rounded; missing is
//! null, never 0.

use std::borrow::Cow;

use crate::analysis::Analysis;
use crate::summary::{CellSummary, Group, Repeat, Summary};

pub mod cells;
pub mod failures;
pub mod lanes;
pub mod phases;
pub mod readings;
pub mod repeats;
pub mod write;

/// The values of a column; missing is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Words.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Whole(Vec<Option<i64>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
    /// Yes or no.
    Truth(Vec<Option<bool>>),
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Text(values) => values.len(),
            Values::Whole(values) => values.len(),
            Values::Number(values) => values.len(),
            Values::Truth(values) => values.len(),
        }
    }

    /// Without a row?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word for their type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Values::Text(_) => "text",
            Values::Whole(_) => "whole",
            Values::Number(_) => "number",
            Values::Truth(_) => "truth",
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it holds, in a few words; empty for a column that a query made.
    pub about: &'static str,
    /// The values.
    pub values: Values,
}

/// A table; all columns are equally long.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relation {
    /// The columns.
    pub columns: Vec<Column>,
}

impl Relation {
    /// Number of rows.
    pub fn height(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Where a table comes from.
pub struct Source {
    /// Its name, in SQL and in file names.
    pub name: &'static str,
    /// What a row is.
    pub about: &'static str,
    /// Fills it.
    pub fill: fn(&Analysis<'_>) -> Relation,
}

/// Every table. A new one is a file and a line here.
pub const SOURCES: &[Source] = &[
    cells::SOURCE,
    repeats::SOURCE,
    phases::SOURCE,
    lanes::SOURCE,
    readings::SOURCE,
    failures::SOURCE,
];

/// The table with this name.
pub fn source(name: &str) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.name == name)
}

/// All tables with their columns, as a table: a row for each table, with what a row of it is, then
/// a row for each of its columns.
pub fn listing(analysis: &Analysis<'_>) -> Relation {
    let mut rows = Vec::new();
    for source in SOURCES {
        let table = (source.fill)(analysis);
        rows.push((source.name, None, "", source.about, Some(table.height() as i64)));
        rows.extend(table.columns.into_iter().map(|column| {
            (source.name, Some(column.name), column.values.type_name(), column.about, None)
        }));
    }
    Rows::new(rows)
        .text("table", "", |row| Some(row.0.into()))
        .text("column", "", |row| row.1.as_deref().map(String::from))
        .text("type", "", |row| Some(row.2).filter(|word| !word.is_empty()).map(String::from))
        .text("holds", "", |row| Some(row.3.into()))
        .whole("rows", "", |row| row.4)
        .relation()
}

/// The cells of a summary with their groups.
pub(crate) fn cells(summary: &Summary) -> impl Iterator<Item = (&Group, &CellSummary)> {
    summary.groups.iter().flat_map(|group| group.cells.iter().map(move |cell| (group, cell)))
}

/// The good repeats with their cells.
fn repeats(summary: &Summary) -> impl Iterator<Item = (&CellSummary, &Repeat)> {
    cells(summary).flat_map(|(_, cell)| cell.repeats.iter().map(move |repeat| (cell, repeat)))
}

/// Makes columns of rows.
struct Rows<T> {
    rows: Vec<T>,
    columns: Vec<Column>,
}

impl<T> Rows<T> {
    fn new(rows: impl IntoIterator<Item = T>) -> Self {
        Rows { rows: rows.into_iter().collect(), columns: Vec::new() }
    }

    fn add(mut self, name: &'static str, about: &'static str, values: Values) -> Self {
        self.columns.push(Column { name: name.into(), about, values });
        self
    }

    fn text(
        self,
        name: &'static str,
        about: &'static str,
        of: impl Fn(&T) -> Option<String>,
    ) -> Self {
        let values = Values::Text(self.rows.iter().map(of).collect());
        self.add(name, about, values)
    }

    fn whole(
        self,
        name: &'static str,
        about: &'static str,
        of: impl Fn(&T) -> Option<i64>,
    ) -> Self {
        let values = Values::Whole(self.rows.iter().map(of).collect());
        self.add(name, about, values)
    }

    /// What is not finite is missing.
    fn number(
        self,
        name: &'static str,
        about: &'static str,
        of: impl Fn(&T) -> Option<f64>,
    ) -> Self {
        let finite = |row: &T| of(row).filter(|value| value.is_finite());
        let values = Values::Number(self.rows.iter().map(finite).collect());
        self.add(name, about, values)
    }

    fn truth(
        self,
        name: &'static str,
        about: &'static str,
        of: impl Fn(&T) -> Option<bool>,
    ) -> Self {
        let values = Values::Truth(self.rows.iter().map(of).collect());
        self.add(name, about, values)
    }

    fn relation(self) -> Relation {
        Relation { columns: self.columns }
    }
}

//! Arrow's files and streams (IPC), Feather's second version among them: record batches of columns, as
//! pyarrow, polars and pandas write them, plain or compressed by LZ4 or Zstandard.
//!
//! Format: <https://arrow.apache.org/docs/format/Columnar.html>. Of a batch only what the wanted columns
//! need is read, pieces of it where it is not compressed. What is read, left out and refused is as for
//! Parquet.

mod batch;
mod flat;
mod labels;
mod messages;
mod rows;
mod schema;

use std::fs::File;
use std::ops::Range;

use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

use self::batch::{Batch, Origin, Place};
use self::messages::{MAGIC, Messages};
use self::schema::{Kind, Schema};
use super::contract::{Format, Likeness};
use super::table::{self, Typed};
use crate::input::Input;
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::select::Selection;

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "arrow",
    about: "record batches of columns in Arrow's IPC format, a file, a stream or Feather",
    endings: &[".arrow", ".arrows", ".feather", ".ipc"],
    has_datasets: false,
    sniff: |input| match input.head() {
        head if head.starts_with(MAGIC) || head.starts_with(b"FEA1") => Likeness::Sure,
        [0xff, 0xff, 0xff, 0xff, _, _, _, 0, ..] => Likeness::Perhaps,
        _ => Likeness::No,
    },
    // Which column holds labels is not known here.
    shape: |_| Ok(None),
    open: |input, labels| Ok(Box::new(Arrow::open(input, labels, Some(&Selection::default()))?)),
    select: Some(|input, labels, selection| {
        Ok(Box::new(Arrow::open(input, labels, Some(selection))?))
    }),
    labels: |input| {
        let arrow = Arrow::open(input.clone(), &Labels::LastColumn, None)?;
        table::only_label(input, &arrow.schema.columns(), arrow.schema.pandas.as_deref())?;
        let all = arrow.truth.all(|label| arrow.read_labels(label))?;
        Ok(all.unwrap_or_default().to_vec())
    },
};

/// A column of the file that is values of rows.
#[derive(Clone, Copy)]
struct Feature {
    column: usize,
    /// Its values of each row.
    width: usize,
}

/// An opened file.
struct Arrow {
    input: Input,
    file: File,
    schema: Schema,
    batches: Vec<Place>,
    dictionaries: Vec<Place>,
    features: Vec<Feature>,
    left_out: Vec<String>,
    names: Vec<String>,
    truth: table::Truth,
}

impl Schema {
    fn columns(&self) -> Vec<Typed> {
        self.fields.iter().map(schema::Field::typed).collect()
    }
}

impl Arrow {
    /// Opens the columns that are wanted, with the labels; `None` for the labels alone.
    fn open(input: Input, labels: &Labels, selection: Option<&Selection>) -> Result<Arrow> {
        let file = regular::open(input.path()).map_err(|e| Error::io("read", input.path(), e))?;
        let Messages { schema, batches, dictionaries } =
            Messages::read(Origin { input: &input, file: &file })?;
        let columns = schema.columns();
        let table::Chosen { features: kept, label, left_out } =
            table::choose(&input, &columns, schema.pandas.as_deref(), labels, selection)?;
        let (features, names, truth) = (Vec::new(), Vec::new(), table::Truth::of(label));
        let mut arrow =
            Arrow { input, file, schema, batches, dictionaries, features, left_out, names, truth };
        for column in kept {
            let width = arrow.width(column)?;
            arrow.names.extend(table::names(&columns[column], width));
            arrow.features.push(Feature { column, width });
        }
        Ok(arrow)
    }

    fn origin(&self) -> Origin<'_> {
        Origin { input: &self.input, file: &self.file }
    }

    fn rows(&self) -> u64 {
        self.batches.last().map_or(0, |batch| batch.start + batch.rows)
    }

    /// The values of each row in a column: the length of its lists, by the first of them.
    fn width(&self, column: usize) -> Result<usize> {
        let field = &self.schema.fields[column];
        let width = match field.kind {
            Kind::Fixed(width) => width as u64,
            Kind::Lists(bytes) => {
                let first = self.batches.iter().find(|batch| batch.rows > 0);
                let first = first.ok_or_else(|| self.input.refuse("the file has 0 rows"))?;
                Batch::open(self.origin(), *first, &self.schema.fields)?
                    .first_length(column, bytes)?
            }
            _ => return Ok(1),
        };
        table::width(&self.input, &field.typed().name, width)
    }

    /// The batch that holds `row`.
    fn batch_of(&self, row: u64) -> Place {
        self.batches[self.batches.partition_point(|batch| batch.start + batch.rows <= row)]
    }
}

impl Source for Arrow {
    fn shape(&self) -> Shape {
        Shape { rows: self.rows(), dims: self.names.len() }
    }
    fn seekable(&self) -> bool {
        true
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape(), &range)?;
        Ok(Box::new(rows::Rows::new(self, range)))
    }
    fn names(&self) -> Option<&[String]> {
        Some(&self.names)
    }
    fn left_out(&self) -> &[String] {
        &self.left_out
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        check_range(self.shape(), &range)?;
        self.truth.part(range, |label| self.read_labels(label))
    }
}

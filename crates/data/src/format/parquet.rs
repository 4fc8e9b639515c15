//! Parquet: columns in row groups, as pandas, Spark, polars and DuckDB write them.
//!
//! Read are columns of integers, floats, decimals and truth values, and columns of lists of them, which
//! are vectors: all lists of a column have one length, and become so many columns. Dates and times are
//! numbers where they are asked for by name. A column of labels may hold texts too. Columns that are no
//! values of rows, an index of pandas, texts, dates, nested values, are left out unless they are asked
//! for, and said to be; a missing value is refused.
//!
//! A lane reads the row groups that hold its rows, and of these the pages: pages before its first row
//! are passed over by their headers. It holds one decompressed page of each column at a time.

mod labels;
mod rows;

use std::fs::File;
use std::ops::Range;

use amdahl_parquet::{Codec, Column, Convert, Fault, Footer, Holds, MAGIC, Number, Pages};
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

use super::contract::{Format, Likeness};
use super::table::{self, Held, Typed};
use crate::input::Input;
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::select::Selection;

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "parquet",
    about: "columns in row groups, as pandas and Spark write them",
    endings: &[".parquet", ".pq"],
    has_datasets: false,
    sniff: |input| if input.head().starts_with(MAGIC) { Likeness::Sure } else { Likeness::No },
    // Which column holds labels is not known here.
    shape: |_| Ok(None),
    open: |input, labels| Ok(Box::new(Parquet::open(input, labels, Some(&Selection::default()))?)),
    select: Some(|input, labels, selection| {
        Ok(Box::new(Parquet::open(input, labels, Some(selection))?))
    }),
    labels: |input| {
        let parquet = Parquet::open(input.clone(), &Labels::LastColumn, None)?;
        let columns = columns(&parquet.footer);
        table::only_label(input, &columns, parquet.footer.pandas.as_deref())?;
        let all = parquet.truth.all(|label| parquet.read_labels(label))?;
        Ok(all.unwrap_or_default().to_vec())
    },
};

/// A column of the file that is values of rows.
#[derive(Clone, Copy)]
struct Feature {
    /// Its place in the file.
    column: usize,
    /// Its values of each row.
    width: usize,
}

/// An opened file.
struct Parquet {
    input: Input,
    file: File,
    footer: Footer,
    /// The columns that are values.
    features: Vec<Feature>,
    /// The columns that are no values of rows and that nobody asked for, in words.
    left_out: Vec<String>,
    /// The names of the values of a row: of lists with the place in the list.
    names: Vec<String>,
    truth: table::Truth,
}

impl Parquet {
    /// Opens the columns that are wanted, with the labels; `None` for the labels alone.
    fn open(input: Input, labels: &Labels, selection: Option<&Selection>) -> Result<Parquet> {
        let file = regular::open(input.path()).map_err(|e| Error::io("read", input.path(), e))?;
        let footer = footer(&input, &file)?;
        let columns = columns(&footer);
        let table::Chosen { features: kept, label, left_out } =
            table::choose(&input, &columns, footer.pandas.as_deref(), labels, selection)?;
        let (features, names, truth) = (Vec::new(), Vec::new(), table::Truth::of(label));
        let mut parquet = Parquet { input, file, footer, features, left_out, names, truth };
        parquet.check_codecs(&kept)?;
        for column in kept {
            let width = parquet.width(column)?;
            parquet.names.extend(table::names(&columns[column], width));
            parquet.features.push(Feature { column, width });
        }
        Ok(parquet)
    }

    /// The values of each row in a column: the length of its lists, by the footer where that says it,
    /// else of the first one (another one differs and is refused when it is read).
    fn width(&self, column: usize) -> Result<usize> {
        let Column { name, is_list, .. } = &self.footer.columns[column];
        if !is_list {
            return Ok(1);
        }
        let groups = 0..self.footer.groups();
        let rows = |group: usize| self.footer.starts[group + 1] - self.footer.starts[group];
        let mut groups = groups.filter(|&group| rows(group) > 0);
        let values = |group| self.footer.chunk(group, column).values;
        let first = self.footer.group_of(0);
        let mut width = values(first) / rows(first);
        if !groups.all(|group| rows(group).checked_mul(width) == Some(values(group))) {
            let unknown = Feature { column, width: 1 };
            let mut pages = self.pages(unknown, 0, &mut rows::As::<f32>::default())?;
            let length = pages.first_length(&mut rows::As::<f32>::default());
            width = length.map_err(|fault| say(&self.input, fault))?;
        }
        table::width(&self.input, name, width)
    }

    /// Refuses codecs that are not read before any row is.
    fn check_codecs(&self, kept: &[usize]) -> Result<()> {
        let label = self.truth.column();
        for group in 0..self.footer.groups() {
            for &column in kept.iter().chain(&label) {
                let codec = self.footer.chunk(group, column).codec;
                if let Codec::Other(_) = codec {
                    let (codec, name) = (codec.name(), &self.footer.columns[column].name);
                    return Err(self
                        .input
                        .refuse(format!(
                            "column '{name}' is compressed by {codec}, which is not read"
                        ))
                        .hint("write it with compression snappy, zstd, gzip, lz4_raw or none"));
                }
            }
        }
        Ok(())
    }

    /// The cursor of a column at `row`.
    fn pages<C: Convert>(
        &self,
        feature: Feature,
        row: u64,
        convert: &mut C,
    ) -> Result<Pages<'_, C>> {
        let Feature { column, width } = feature;
        let group = self.footer.group_of(row);
        let start = self.footer.starts[group];
        let chunk = self.footer.chunk(group, column);
        let mut pages = Pages::new(&self.file, &self.footer.columns[column], chunk, start, width);
        pages
            .skip(convert, (row - start) * width as u64)
            .map_err(|fault| say(&self.input, fault))?;
        Ok(pages)
    }

    /// That a value of a row, both from 0, is not finite; `place` is that of its column in the rows.
    fn bad_value(&self, place: usize, row: u64, value: usize, x: f32) -> Error {
        let Feature { column, .. } = self.features[place];
        let first: usize = self.features[..place].iter().map(|feature| feature.width).sum();
        let (name, holds) = (&self.names[first + value], self.footer.columns[column].holds);
        let what = match holds {
            _ if x.is_nan() => "NaN",
            Holds::Numbers(Number::F64 | Number::Decimal { .. }) => {
                "infinite, or beyond the range of f32"
            }
            _ => "infinite",
        };
        let message =
            format!("row {}, column {} ('{name}'): the value is {what}", row + 1, column + 1);
        self.input
            .refuse(message)
            .hint("remove such rows or mend them; rows and columns count from 1")
    }
}

/// Reads the footer of a file.
fn footer(input: &Input, file: &File) -> Result<Footer> {
    let Some(length) = input.length() else {
        return Err(input
            .refuse("a Parquet file inside a gzip file cannot be read from its end")
            .hint("decompress it with gunzip; Parquet compresses its own pages"));
    };
    if !input.head().starts_with(MAGIC) {
        let hex =
            |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        let start = &input.head()[..input.head().len().min(4)];
        let message = format!("wrong magic number: expected {}, got {}", hex(MAGIC), hex(start));
        let hint = match start == b"PARE" {
            true => "the file is encrypted: write it without",
            false => "this is not a Parquet file",
        };
        return Err(input.refuse(message).hint(hint));
    }
    Footer::open(file, length).map_err(|fault| say(input, fault))
}

/// A fault as an error about a file.
fn say(input: &Input, fault: Fault) -> Error {
    match fault {
        Fault::Io(error) => Error::io("read", input.path(), error),
        Fault::Wrong { what, hint: None } => input.refuse(what),
        Fault::Wrong { what, hint: Some(hint) } => input.refuse(what).hint(hint),
    }
}

/// The columns to whoever chooses some.
fn columns(footer: &Footer) -> Vec<Typed> {
    let held = |column: &Column| match column.holds {
        Holds::Truth | Holds::Numbers(_) if column.is_list => Held::Vectors,
        Holds::Truth | Holds::Numbers(_) => Held::Numbers,
        Holds::Moments(_, what) => Held::Moments(what),
        Holds::Texts => Held::Texts,
        Holds::Nested => Held::Other("nested values"),
        Holds::Other(what) => Held::Other(what),
    };
    let typed = |column: &Column| Typed { name: column.name.clone(), held: held(column) };
    footer.columns.iter().map(typed).collect()
}

impl Source for Parquet {
    fn shape(&self) -> Shape {
        Shape { rows: self.footer.rows(), dims: self.names.len() }
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

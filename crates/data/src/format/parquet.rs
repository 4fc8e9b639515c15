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
use std::sync::OnceLock;

use amdahl_parquet::{Codec, Column, Convert, Fault, Footer, Holds, MAGIC, Number, Pages};
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

use super::contract::{Format, Likeness, column};
use crate::input::Input;
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::select::Selection;

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "parquet",
    about: "columns in row groups, as pandas and Spark write them",
    endings: &[".parquet", ".pq"],
    sniff: |input| if input.head().starts_with(MAGIC) { Likeness::Sure } else { Likeness::No },
    // Which column holds labels is not known here.
    shape: |_| Ok(None),
    open: |input, labels| Ok(Box::new(Parquet::open(input, labels, Some(&Selection::default()))?)),
    select: Some(|input, labels, selection| {
        Ok(Box::new(Parquet::open(input, labels, Some(selection))?))
    }),
    labels: |input| {
        let parquet = Parquet::open(input.clone(), &Labels::LastColumn, None)?;
        let index = index(&parquet.footer);
        let is_one = |column: &&Column| can_be_labels(column) && !index.contains(&column.name);
        let columns = parquet.footer.columns.iter().filter(is_one).count();
        if columns > 1 {
            return Err(input.refuse(format!("labels are one column, the file has {columns}")));
        }
        Ok(parquet.all_labels()?.unwrap_or_default())
    },
};

/// Lists as vectors have at most so many values, or as many as the file has bytes.
const WIDEST: u64 = 1 << 16;

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
    /// The columns that are values, and the one that holds the labels.
    features: Vec<Feature>,
    label: Option<usize>,
    /// The columns that are no values of rows and that nobody asked for, in words.
    left_out: Vec<String>,
    /// The names of the values of a row: of lists with the place in the list.
    names: Vec<String>,
    truth: OnceLock<Result<Vec<u32>>>,
}

impl Parquet {
    /// Opens the columns that are wanted, with the labels; `None` for the labels alone.
    fn open(input: Input, labels: &Labels, selection: Option<&Selection>) -> Result<Parquet> {
        let file = regular::open(input.path()).map_err(|e| Error::io("read", input.path(), e))?;
        let footer = footer(&input, &file)?;
        let names: Vec<String> = footer.columns.iter().map(|column| column.name.clone()).collect();
        let index = index(&footer);
        let what: Vec<Option<&str>> =
            footer.columns.iter().map(|column| no_values(column, &index)).collect();
        let label = match labels {
            Labels::None | Labels::File(_) => None,
            Labels::LastColumn => {
                let is_fit = |place: &usize| {
                    let column = &footer.columns[*place];
                    !index.contains(&column.name) && can_be_labels(column)
                };
                Some((0..names.len()).rfind(is_fit).ok_or_else(|| {
                    input.refuse("no column can hold labels: all are an index or nested")
                })?)
            }
            Labels::Column(name) => Some(column(&input, &names, name)?),
        };
        let left: Vec<usize> = (0..names.len()).filter(|&place| what[place].is_some()).collect();
        let kept = selection
            .map(|selection| selection.resolve(Some(&names), names.len(), label, &left))
            .transpose();
        let kept = kept.map_err(|error| none_left(error, &names, &what).at(input.path(), 0, 0))?;
        let kept = kept.unwrap_or_default();
        for &column in &kept {
            refuse_unfit(&input, &footer.columns[column], column, label.is_none())?;
        }
        if let Some(label) = label.filter(|&label| !can_be_labels(&footer.columns[label])) {
            let (what, name) = (what[label].unwrap_or("lists"), &names[label]);
            let place = label + 1;
            return Err(input.refuse(format!("the labels in column {place} ('{name}') are {what}")));
        }
        let asked = |column: &usize| kept.contains(column) || label == Some(*column);
        let mut left_out: Vec<String> = Vec::new();
        for column in left.into_iter().filter(|column| !asked(column)) {
            let said =
                format!("column '{}' holds {}", names[column], what[column].unwrap_or_default());
            // A structure of several leaves is one column to people.
            if left_out.last() != Some(&said) {
                left_out.push(said);
            }
        }
        let (features, names, truth) = (Vec::new(), Vec::new(), OnceLock::new());
        let mut parquet = Parquet { input, file, footer, features, label, left_out, names, truth };
        parquet.check_codecs(&kept)?;
        for column in kept {
            let width = parquet.width(column)?;
            let Column { name, is_list, .. } = &parquet.footer.columns[column];
            let name = |place| if *is_list { format!("{name}[{place}]") } else { name.clone() };
            parquet.names.extend((1..=width).map(name));
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
        let most = self.input.longest().max(WIDEST);
        if width == 0 || width > most {
            let what =
                format!("column '{name}' holds lists of {width} values, expected 1 to {most}");
            return Err(self.input.refuse(what));
        }
        // Less than the bytes of a file, or than 2^16.
        Ok(width as usize)
    }

    /// Refuses codecs that are not read before any row is.
    fn check_codecs(&self, kept: &[usize]) -> Result<()> {
        for group in 0..self.footer.groups() {
            for &column in kept.iter().chain(&self.label) {
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

    /// The labels of all rows.
    fn all_labels(&self) -> Result<Option<Vec<u32>>> {
        let Some(label) = self.label else { return Ok(None) };
        let truth =
            self.truth.get_or_init(|| self.read_labels(label)).as_ref().map_err(Clone::clone)?;
        Ok(Some(truth.clone()))
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

/// The columns that pandas notes as its index, and those named as it names an index without a name.
fn index(footer: &Footer) -> Vec<String> {
    /// What pandas notes: the name of a column, or an object for an index without one.
    #[derive(serde::Deserialize)]
    struct Pandas {
        index_columns: Vec<serde_json::Value>,
    }
    let note = footer.pandas.as_ref().and_then(|text| serde_json::from_str::<Pandas>(text).ok());
    let noted = note.map(|pandas| pandas.index_columns).unwrap_or_default();
    let is_index = |name: &&String| {
        name.starts_with("__index_level_") || noted.iter().any(|column| column == *name)
    };
    footer.columns.iter().map(|column| &column.name).filter(is_index).cloned().collect()
}

/// What a column holds that is no values of rows unless somebody asks for it.
fn no_values(column: &Column, index: &[String]) -> Option<&'static str> {
    match column.holds {
        _ if index.contains(&column.name) => Some("an index of pandas"),
        Holds::Truth | Holds::Numbers(_) => None,
        Holds::Texts => Some("texts"),
        Holds::Nested => Some("nested values"),
        Holds::Moments(_, what) | Holds::Other(what) => Some(what),
    }
}

/// Can the values of a column be labels?
fn can_be_labels(column: &Column) -> bool {
    !column.is_list && !matches!(column.holds, Holds::Nested | Holds::Other(_))
}

/// Says of a table without numbers what it holds.
fn none_left(error: Error, names: &[String], what: &[Option<&str>]) -> Error {
    let mut held = names.iter().zip(what).filter_map(|(name, what)| Some((name, (*what)?)));
    match held.next() {
        Some((name, what)) if error.message.starts_with("there are 0 columns") => {
            error.hint(format!(
                "column '{name}' holds {what}; dates and times are read where --columns names them"
            ))
        }
        _ => error,
    }
}

/// Refuses a column that cannot be values of rows.
fn refuse_unfit(input: &Input, column: &Column, place: usize, label_is_free: bool) -> Result<()> {
    let Column { name, holds, .. } = column;
    let place = place + 1;
    let what = match holds {
        Holds::Truth | Holds::Numbers(_) | Holds::Moments(..) => return Ok(()),
        Holds::Texts => "texts",
        Holds::Nested => "nested values",
        Holds::Other(what) => what,
    };
    let hint = match holds {
        Holds::Texts if label_is_free => {
            "leave the column out when you write the file, or say that it holds the labels"
        }
        Holds::Texts => "leave the column out when you write the file",
        _ => "write it as integers or floats, or leave the column out",
    };
    let message = format!("column {place} ('{name}') holds {what}, expected numbers");
    Err(input.refuse(message).hint(hint))
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
        // Whether there are labels is asked for without any.
        if range.is_empty() {
            return Ok(self.label.map(|_| Vec::new()));
        }
        let Some(label) = self.label else { return Ok(None) };
        let truth =
            self.truth.get_or_init(|| self.read_labels(label)).as_ref().map_err(Clone::clone)?;
        Ok(Some(truth[range.start as usize..range.end as usize].to_vec()))
    }
}

//! Parquet: columns in row groups, as pandas, Spark, polars and DuckDB write them.
//!
//! Read are flat columns of integers, floats, decimals and truth values. A column of labels may hold
//! texts too. Columns that are no values of rows, an index of pandas and nested ones, are left out
//! unless they are asked for; any other column, and a missing value, is refused by name.
//!
//! A lane reads the row groups that hold its rows, and of these the pages: pages before its first row
//! are passed over by their headers. It holds one decompressed page of each column at a time.

use std::collections::HashMap;
use std::fs::File;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::OnceLock;

use amdahl_parquet::{Codec, Column, Convert, Fault, Footer, Holds, MAGIC, Number, Pages};
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

use super::contract::{Format, Likeness, column};
use crate::input::Input;
use crate::labels::{self, Numbering};
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::select::Selection;
use crate::value::Value;

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
        let columns = parquet.footer.columns.len() - parquet.no_values.len();
        if columns > 1 {
            return Err(input.refuse(format!("labels are one column, the file has {columns}")));
        }
        Ok(parquet.all_labels()?.unwrap_or_default())
    },
};

/// Rows of one column that are decoded at a time: what they become stays in a cache while the other
/// columns come.
const BLOCK_VALUES: usize = 32 * 1024;

/// An opened file.
struct Parquet {
    input: Input,
    file: File,
    footer: Footer,
    /// The columns that are values, and the one that holds the labels.
    features: Vec<usize>,
    label: Option<usize>,
    /// The columns that are no values of rows.
    no_values: Vec<usize>,
    /// Of these, the ones that nobody asked for, in words.
    left_out: Vec<String>,
    /// The names of the columns that are values.
    names: Vec<String>,
    truth: OnceLock<Result<Vec<u32>>>,
}

impl Parquet {
    /// Opens the columns that are wanted, with the labels; `None` for the labels alone.
    fn open(input: Input, labels: &Labels, selection: Option<&Selection>) -> Result<Parquet> {
        let file = regular::open(input.path()).map_err(|e| Error::io("read", input.path(), e))?;
        let footer = footer(&input, &file)?;
        let names: Vec<String> = footer.columns.iter().map(|column| column.name.clone()).collect();
        let no_values = no_values(&footer);
        let label = match labels {
            Labels::None | Labels::File(_) => None,
            Labels::LastColumn => {
                Some((0..names.len()).rfind(|column| !no_values.contains(column)).ok_or_else(
                    || input.refuse("no column can hold labels: all are an index or nested"),
                )?)
            }
            Labels::Column(name) => Some(column(&input, &names, name)?),
        };
        let kept = selection
            .map(|selection| selection.resolve(Some(&names), names.len(), label, &no_values))
            .transpose();
        let features = kept.map_err(|error| error.at(input.path(), 0, 0))?.unwrap_or_default();
        for &column in &features {
            refuse_unfit(&input, &footer.columns[column], column, label.is_none())?;
        }
        if let Some(label) = label {
            let what = match footer.columns[label].holds {
                Holds::Nested => Some("nested values"),
                Holds::Other(what) => Some(what),
                Holds::Truth | Holds::Numbers(_) | Holds::Texts => None,
            };
            if let Some(what) = what {
                let name = &names[label];
                return Err(input
                    .refuse(format!("the labels in column {} ('{name}') are {what}", label + 1)));
            }
        }
        let asked = |column: &usize| features.contains(column) || label == Some(*column);
        let mut left_out: Vec<String> = Vec::new();
        for column in no_values.iter().copied().filter(|column| !asked(column)) {
            let Column { name, holds, .. } = &footer.columns[column];
            let what = if *holds == Holds::Nested { "nested values" } else { "an index of pandas" };
            let said = format!("column '{name}' holds {what}");
            // A structure of several leaves is one column to people.
            if left_out.last() != Some(&said) {
                left_out.push(said);
            }
        }
        let names = features.iter().map(|&column| names[column].clone()).collect();
        let truth = OnceLock::new();
        let parquet =
            Parquet { input, file, footer, features, label, no_values, left_out, names, truth };
        parquet.check_codecs()?;
        Ok(parquet)
    }

    /// Refuses codecs that are not read before any row is.
    fn check_codecs(&self) -> Result<()> {
        for group in 0..self.footer.groups() {
            for &column in self.features.iter().chain(&self.label) {
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
    fn pages<C: Convert>(&self, column: usize, row: u64, convert: &mut C) -> Result<Pages<'_, C>> {
        let group = self.footer.group_of(row);
        let start = self.footer.starts[group];
        let chunk = self.footer.chunk(group, column);
        let mut pages = Pages::new(&self.file, &self.footer.columns[column], chunk, start);
        pages.skip(convert, row - start).map_err(|fault| say(&self.input, fault))?;
        Ok(pages)
    }

    /// The labels of all rows.
    fn all_labels(&self) -> Result<Option<Vec<u32>>> {
        let Some(label) = self.label else { return Ok(None) };
        let truth =
            self.truth.get_or_init(|| self.read_labels(label)).as_ref().map_err(Clone::clone)?;
        Ok(Some(truth.clone()))
    }

    fn read_labels(&self, label: usize) -> Result<Vec<u32>> {
        let mut classes = Classes::default();
        let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
        let mut buffer = [0; 1024];
        for group in 0..self.footer.groups() {
            let (mut row, end) = (self.footer.starts[group], self.footer.starts[group + 1]);
            if row == end {
                continue;
            }
            let mut pages = self.pages(label, row, &mut classes)?;
            while row < end {
                let now = (end - row).min(buffer.len() as u64) as usize;
                let filled = pages.fill(&mut classes, &mut buffer[..now]);
                filled.map_err(|fault| say(&self.input, fault))?;
                for (i, &key) in buffer[..now].iter().enumerate() {
                    if key == NO_LABEL {
                        let row = row + i as u64 + 1;
                        let what = "is no label, they are finite numbers up to 2^53, or texts";
                        return Err(self.input.refuse(format!("row {row}: the value {what}")));
                    }
                    numbering.push(key, &mut seen)?;
                }
                row += now as u64;
            }
        }
        if self.footer.columns[label].holds == Holds::Texts {
            let mut texts: Vec<_> =
                classes.texts.into_iter().map(|(text, id)| (id, text)).collect();
            texts.sort_unstable();
            // A dictionary may hold texts that no row has.
            let seen =
                texts.into_iter().filter_map(|(id, text)| Some((text, *seen.get(&id)?))).collect();
            return Ok(labels::sorted_texts(numbering, seen));
        }
        let order = |a: &u64, b: &u64| f64::from_bits(*a).total_cmp(&f64::from_bits(*b));
        Ok(numbering.sorted(seen, order))
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

/// The columns that are no values of rows: nested ones, and those that pandas notes as its index.
fn no_values(footer: &Footer) -> Vec<usize> {
    /// What pandas notes: the name of a column, or an object for an index without one.
    #[derive(serde::Deserialize)]
    struct Pandas {
        index_columns: Vec<serde_json::Value>,
    }
    let note = footer.pandas.as_ref().and_then(|text| serde_json::from_str::<Pandas>(text).ok());
    let index = note.map(|pandas| pandas.index_columns).unwrap_or_default();
    let is_index = |name: &str| {
        // The name that pandas gives to an index that has none.
        name.starts_with("__index_level_") || index.iter().any(|column| column == name)
    };
    let out = |column: &Column| column.holds == Holds::Nested || is_index(&column.name);
    (0..footer.columns.len()).filter(|&place| out(&footer.columns[place])).collect()
}

/// Refuses a column that cannot be values of rows.
fn refuse_unfit(input: &Input, column: &Column, place: usize, label_is_free: bool) -> Result<()> {
    let Column { name, holds, .. } = column;
    let place = place + 1;
    let what = match holds {
        Holds::Truth | Holds::Numbers(_) => return Ok(()),
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
        Shape { rows: self.footer.rows(), dims: self.features.len() }
    }
    fn seekable(&self) -> bool {
        true
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape(), &range)?;
        Ok(Box::new(Rows {
            parquet: self,
            next: range.start,
            end: range.end,
            narrow: Group::NONE,
            wide: Group::NONE,
        }))
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

/// A stream of rows.
struct Rows<'a> {
    parquet: &'a Parquet,
    next: u64,
    end: u64,
    narrow: Group<'a, f32>,
    wide: Group<'a, f64>,
}

/// The columns of a row group, read as f32 or f64.
struct Group<'a, T: Value> {
    /// The row that they give next, and the first one of the next group.
    next: u64,
    end: u64,
    columns: Vec<Pages<'a, As<T>>>,
}

impl<'a, T: Value> Group<'a, T> {
    /// Nothing is open.
    const NONE: Self = Group { next: 0, end: 0, columns: Vec::new() };

    /// Opens the row group of row `next`, unless it is what comes next already.
    fn at(&mut self, parquet: &'a Parquet, next: u64) -> Result<()> {
        if self.next == next && next < self.end {
            return Ok(());
        }
        self.columns.clear();
        for &column in &parquet.features {
            self.columns.push(parquet.pages(column, next, &mut As::default())?);
        }
        self.next = next;
        self.end = parquet.footer.starts[parquet.footer.group_of(next) + 1];
        Ok(())
    }

    /// Passes over rows as far as they are in this group.
    fn skip(&mut self, input: &Input, from: u64, rows: u64) -> Result<()> {
        if self.next != from {
            return Ok(());
        }
        let here = rows.min(self.end - self.next);
        for pages in &mut self.columns {
            pages.skip(&mut As::default(), here).map_err(|fault| say(input, fault))?;
        }
        self.next += here;
        Ok(())
    }
}

impl<'a> Rows<'a> {
    /// Fills `out` with the next rows, fewer only at the end; returns how many.
    fn take<T: Value>(
        &mut self,
        out: &mut [T],
        group: impl Fn(&mut Self) -> &mut Group<'a, T>,
    ) -> Result<usize> {
        let dims = self.parquet.features.len();
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        let mut out = &mut out[..rows * dims];
        let mut values = Vec::new();
        while !out.is_empty() {
            let (parquet, next) = (self.parquet, self.next);
            let open = group(self);
            open.at(parquet, next)?;
            let block = (BLOCK_VALUES / dims).max(16).min(out.len() / dims);
            let now = (open.end - next).min(block as u64) as usize;
            let (these, later) = out.split_at_mut(now * dims);
            values.resize(now, T::default());
            for column in 0..dims {
                let pages = &mut group(self).columns[column];
                let filled = pages.fill(&mut As::default(), &mut values);
                filled.map_err(|fault| say(&parquet.input, fault))?;
                if let Some(bad) = values.iter().position(|x| !x.narrow().is_finite()) {
                    return Err(self.bad_value(column, next + bad as u64, values[bad].narrow()));
                }
                for (row, value) in these.chunks_exact_mut(dims).zip(&values) {
                    row[column] = *value;
                }
            }
            out = later;
            group(self).next += now as u64;
            self.next += now as u64;
        }
        Ok(rows)
    }

    fn bad_value(&self, column: usize, row: u64, value: f32) -> Error {
        let column = self.parquet.features[column];
        let Column { name, holds, .. } = &self.parquet.footer.columns[column];
        let what = match holds {
            _ if value.is_nan() => "NaN",
            Holds::Numbers(Number::F64 | Number::Decimal { .. }) => {
                "infinite, or beyond the range of f32"
            }
            _ => "infinite",
        };
        let message =
            format!("row {}, column {} ('{name}'): the value is {what}", row + 1, column + 1);
        self.parquet
            .input
            .refuse(message)
            .hint("remove such rows or mend them; rows and columns count from 1")
    }
}

impl RowSource for Rows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.parquet.features.len() }
    }
    fn position(&self) -> u64 {
        self.next
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        self.take(out, |rows| &mut rows.narrow)
    }
    fn read_wide(&mut self, out: &mut [f64]) -> Result<usize> {
        self.take(out, |rows| &mut rows.wide)
    }
    fn skip(&mut self, rows: u64) -> Result<()> {
        let (input, from) = (&self.parquet.input, self.next);
        let rows = rows.min(self.end - from);
        self.narrow.skip(input, from, rows)?;
        self.wide.skip(input, from, rows)?;
        // Rows in later row groups are found when they are read.
        self.next += rows;
        Ok(())
    }
}

/// Values as numbers.
struct As<T>(PhantomData<T>);

impl<T> Default for As<T> {
    fn default() -> As<T> {
        As(PhantomData)
    }
}

impl<T: Value> Convert for As<T> {
    type Out = T;
    fn numbers(&mut self, number: Number, bytes: &[u8], out: &mut [T]) {
        T::column(number, bytes, out);
    }
    fn text(&mut self, _: &[u8]) -> Option<T> {
        None
    }
}

/// Values as labels: the bits of a number in double precision, or the number of a text.
#[derive(Default)]
struct Classes {
    texts: HashMap<Vec<u8>, u64>,
}

/// The label of a value that is none: the bits of a NaN.
const NO_LABEL: u64 = u64::MAX;

impl Convert for Classes {
    type Out = u64;
    fn numbers(&mut self, number: Number, bytes: &[u8], out: &mut [u64]) {
        let mut doubles = [0.0; 256];
        let pieces = bytes.chunks(doubles.len() * number.width());
        for (out, bytes) in out.chunks_mut(doubles.len()).zip(pieces) {
            number.doubles(bytes, &mut doubles[..out.len()]);
            for (out, value) in out.iter_mut().zip(doubles) {
                // + 0.0 makes -0 and 0 the same label.
                let fit = value.is_finite() && value.abs() <= (1u64 << 53) as f64;
                *out = if fit { (value + 0.0).to_bits() } else { NO_LABEL };
            }
        }
    }
    fn text(&mut self, text: &[u8]) -> Option<u64> {
        if let Some(&number) = self.texts.get(text) {
            return Some(number);
        }
        let next = self.texts.len() as u64;
        self.texts.insert(text.to_vec(), next);
        Some(next)
    }
}

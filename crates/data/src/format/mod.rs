//! File formats. A new one is a file here and a line in [`FORMATS`].
//!
//! Which format a file has is decided by the name that the user gives; else by content that only
//! one format can have (its magic number, with a size that fits); else by the file's name; else by
//! content that looks right. Compression by gzip is seen from the content and may wrap any format.

pub mod csv;
pub mod idx;
pub mod liao;
pub mod npy;
pub mod parquet;

use super::input::Input;
use super::select::Selection;
use super::{Shape, Source};
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Kind, Result};

/// How a format is recognised and read.
#[derive(Debug)]
pub struct Format {
    /// Its name in manifests.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// How the names of such files end (lower case, without `.gz`).
    pub endings: &'static [&'static str],
    /// How much the content looks like it.
    pub sniff: fn(&Input) -> Likeness,
    /// Rows and columns, where the header says so.
    pub shape: fn(&Input) -> Result<Option<Shape>>,
    /// Opens the rows, with the labels that are in the same file; [`Labels::None`] when they are
    /// elsewhere.
    pub open: fn(Input, &Labels) -> Result<Box<dyn Source>>,
    /// Opens some columns, where the format can pass over the others unread (they may hold anything
    /// then); column numbers count all columns of the file. Where absent, all columns are read and
    /// some of them handed on.
    pub select: Option<Select>,
    /// Reads a file of labels, one a row, numbered as [`super::labels`] says.
    pub labels: fn(&Input) -> Result<Vec<u32>>,
}

/// Opens some columns of a file, with its labels.
pub type Select = fn(Input, &Labels, &Selection) -> Result<Box<dyn Source>>;

/// How much a file's content looks like a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Not at all.
    No,
    /// It could be.
    Perhaps,
    /// Nothing else looks like this.
    Sure,
}

/// Every format. Where several look right, the first wins.
pub const FORMATS: &[Format] =
    &[npy::FORMAT, parquet::FORMAT, liao::FORMAT, idx::FORMAT, csv::FORMAT];

/// The format of a file: the one called `name`, or the one that it looks like.
pub fn choose(input: &Input, name: Option<&str>) -> Result<&'static Format> {
    if let Some(name) = name {
        return by_name(name);
    }
    let like = |least| FORMATS.iter().find(|format| (format.sniff)(input) >= least);
    let file = input.name();
    let named =
        || FORMATS.iter().find(|format| format.endings.iter().any(|ending| file.ends_with(ending)));
    like(Likeness::Sure).or_else(named).or_else(|| like(Likeness::Perhaps)).ok_or_else(|| {
        let start =
            input.head().iter().take(8).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        input
            .refuse(format!(
                "the format is not recognised: the content begins with the bytes {start}"
            ))
            .hint(format!(
                "name it: {}",
                FORMATS
                    .iter()
                    .map(|f| format!("'{}' ({})", f.name, f.about))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))
    })
}

/// The format with this name.
pub fn by_name(name: &str) -> Result<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
        let known: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        let error = Error::new(
            Kind::Data,
            format!("unknown data format '{name}', expected one of {}", known.join(", ")),
        );
        super::suggest(error, name, known)
    })
}

/// Refuses labels inside a file whose format has none.
fn no_labels_inside(input: &Input, format: &str, labels: &Labels) -> Result<()> {
    match labels {
        Labels::None | Labels::File(_) => Ok(()),
        Labels::LastColumn | Labels::Column(_) => Err(input
            .refuse(format!("labels in a column are read from CSV and Parquet only, this is the format '{format}'"))
            .hint("give the labels as a file of their own")),
    }
}

/// The column called `name`.
fn column(input: &Input, names: &[String], name: &str) -> Result<usize> {
    let mut found = (0..names.len()).filter(|&i| names[i] == name);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column),
        (Some(one), Some(two)) => {
            let (one, two) = (one + 1, two + 1);
            Err(input.refuse(format!("two columns are called '{name}': {one} and {two}")))
        }
        (None, _) if names.is_empty() => {
            Err(input.refuse(format!("no column can be called '{name}': the file has no header")))
        }
        (None, _) => {
            let error = input.refuse(super::select::no_column(name, names));
            Err(super::suggest(error, name, names.iter().map(String::as_str)))
        }
    }
}

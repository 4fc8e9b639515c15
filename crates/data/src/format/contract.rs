//! What a format is to the rest of the program.

use amdahl_record::cell::Labels;
use amdahl_record::error::Result;

use crate::input::Input;
use crate::rows::{Shape, Source};
use crate::select::{Selection, no_column};
use crate::suggest::suggest;

/// How a format is recognised and read.
#[derive(Debug)]
pub struct Format {
    /// Its name in manifests.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// How the names of such files end (lower case, without `.gz`).
    pub endings: &'static [&'static str],
    /// May a file hold several data sets, of which one is named?
    pub has_datasets: bool,
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
    /// Reads a file of labels, one a row, numbered as [`crate::labels`] says.
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

/// Refuses labels inside a file whose format has none.
pub fn no_labels_inside(input: &Input, format: &str, labels: &Labels) -> Result<()> {
    match labels {
        Labels::None | Labels::File(_) => Ok(()),
        Labels::LastColumn | Labels::Column(_) => Err(input
            .refuse(format!("labels in a column are read from CSV and Parquet only, this is the format '{format}'"))
            .hint("give the labels as a file of their own")),
    }
}

/// The column called `name`.
pub fn column(input: &Input, names: &[String], name: &str) -> Result<usize> {
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
            let error = input.refuse(no_column(name, names));
            Err(suggest(error, name, names.iter().map(String::as_str)))
        }
    }
}

//! Results in the formats of other tools: one file a format and one line in [`FORMATS`].
//!
//! A format turns a summary into files in memory; whoever asked writes them. Profiles (TAU,
//! Caliper, TALP, Chrome) show one repeat each, tables and samples (CSV, Parquet, Extra-P, Google
//! Benchmark) hold all good repeats. What a record does not hold is left out and said, never 0.

use std::path::PathBuf;

use crate::analysis::Analysis;
use crate::labels;
use crate::relations;
use crate::relations::Source;
pub(crate) use crate::relations::cells;
use crate::summary::{CellSummary, Repeat};
use amdahl_record::error::Result;

mod caliper;
mod chrome;
mod csv;
mod extrap;
mod google;
mod parquet;
mod profile;
mod talp;
mod tau;
mod words;

/// A format of another tool.
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// Who reads it, in a few words.
    pub about: &'static str,
    /// Makes the files.
    pub write: fn(&Analysis<'_>, Repeats) -> Result<Export>,
}

/// Every format. A new one is a file and a line here.
pub const FORMATS: &[Format] = &[
    tau::FORMAT,
    extrap::FORMAT,
    google::FORMAT,
    csv::FORMAT,
    parquet::FORMAT,
    caliper::FORMAT,
    caliper::THICKET,
    talp::FORMAT,
    chrome::FORMAT,
];

/// The tables that are written as such: `amdahl query` makes the others of these.
const TABLES: [Source; 3] =
    [relations::cells::SOURCE, relations::repeats::SOURCE, relations::readings::SOURCE];

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Which repeats become profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Of each cell the one whose time is the median; of an even number the faster of the two in
    /// the middle.
    Middle,
    /// Every good one.
    All,
    /// The one with this number.
    Number(u32),
}

/// What becomes of a summary in a format.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Export {
    /// The files.
    pub files: Vec<File>,
    /// What is not in them, and why.
    pub notes: Vec<String>,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Where, below the folder of the export.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Export {
    fn add(&mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) {
        self.files.push(File { path: path.into(), bytes: bytes.into() });
    }
}

/// The name of a cell in file names: `threads-2-1ab475e79d9a650e`.
fn file_name(cell: &CellSummary) -> String {
    let name = labels::cell(&cell.cell).replace('×', "x");
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let id: String = cell.id.0.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{plain}-{id}")
}

/// The repeats of a cell that are wanted.
fn wanted(cell: &CellSummary, repeats: Repeats) -> Vec<&Repeat> {
    match repeats {
        Repeats::All => cell.repeats.iter().collect(),
        Repeats::Number(number) => cell.repeats.iter().filter(|r| r.repeat == number).collect(),
        Repeats::Middle => {
            let mut by_time: Vec<&Repeat> = cell.repeats.iter().collect();
            by_time.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
            by_time.get(by_time.len().saturating_sub(1) / 2).copied().into_iter().collect()
        }
    }
}

//! Tables whose columns have types: which of them are values of rows, which holds the labels, and which
//! are left out. What Parquet and Arrow have in common.

use std::ops::Range;
use std::sync::OnceLock;

use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};

use super::contract::column;
use crate::input::Input;
use crate::select::Selection;

/// A column.
pub struct Typed {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub held: Held,
}

/// What a column holds, seen from who wants rows of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A number for each row.
    Numbers,
    /// A list of numbers for each row, which is a vector.
    Vectors,
    /// Days or times, in words: numbers where somebody asks for them.
    Moments(&'static str),
    /// Texts, which may be labels.
    Texts,
    /// What is neither, in words.
    Other(&'static str),
}

impl Held {
    fn can_be_labels(self) -> bool {
        matches!(self, Held::Numbers | Held::Moments(_) | Held::Texts)
    }

    /// What it is that is no number by itself.
    fn what(self) -> Option<&'static str> {
        match self {
            Held::Numbers | Held::Vectors => None,
            Held::Texts => Some("texts"),
            Held::Moments(what) | Held::Other(what) => Some(what),
        }
    }
}

/// The columns that are wanted.
pub struct Chosen {
    /// The places of the values of rows.
    pub features: Vec<usize>,
    /// The place of the labels.
    pub label: Option<usize>,
    /// The columns that are no values of rows and that nobody asked for, in words.
    pub left_out: Vec<String>,
}

/// The labels of a table, which are read as a whole when they are first wanted.
pub struct Truth {
    column: Option<usize>,
    all: OnceLock<Result<Vec<u32>>>,
}

impl Truth {
    /// Those in a column, if there are any.
    pub fn of(column: Option<usize>) -> Truth {
        Truth { column, all: OnceLock::new() }
    }

    /// The place of their column.
    pub fn column(&self) -> Option<usize> {
        self.column
    }

    /// Those of all rows. `read` is asked once for those of a column.
    pub fn all(&self, read: impl FnOnce(usize) -> Result<Vec<u32>>) -> Result<Option<&[u32]>> {
        let Some(column) = self.column else { return Ok(None) };
        self.all.get_or_init(|| read(column)).as_deref().map(Some).map_err(Clone::clone)
    }

    /// Those of some rows, which are rows of the table.
    pub fn part(
        &self,
        range: Range<u64>,
        read: impl FnOnce(usize) -> Result<Vec<u32>>,
    ) -> Result<Option<Vec<u32>>> {
        // Whether there are labels is asked for without any.
        if range.is_empty() {
            return Ok(self.column.map(|_| Vec::new()));
        }
        let part = |all: &[u32]| all[range.start as usize..range.end as usize].to_vec();
        Ok(self.all(read)?.map(part))
    }
}

/// Chooses columns; `selection` is `None` for the labels alone. `pandas` is what pandas noted.
pub fn choose(
    input: &Input,
    columns: &[Typed],
    pandas: Option<&str>,
    labels: &Labels,
    selection: Option<&Selection>,
) -> Result<Chosen> {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let index = index(&names, pandas);
    let is_index = |place: usize| index.contains(&names[place]);
    let what: Vec<Option<&str>> = (0..columns.len())
        .map(|place| match is_index(place) {
            true => Some("an index of pandas"),
            false => columns[place].held.what(),
        })
        .collect();
    let label = match labels {
        Labels::None | Labels::File(_) => None,
        Labels::LastColumn => {
            let is_fit = |&place: &usize| !is_index(place) && columns[place].held.can_be_labels();
            Some((0..columns.len()).rfind(is_fit).ok_or_else(|| {
                input.refuse("no column can hold labels: all are an index or nested")
            })?)
        }
        Labels::Column(name) => Some(column(input, &names, name)?),
    };
    let left: Vec<usize> = (0..names.len()).filter(|&place| what[place].is_some()).collect();
    let kept = selection
        .map(|selection| selection.resolve(Some(&names), names.len(), label, &left))
        .transpose();
    let kept = kept.map_err(|error| none_left(error, &names, &what).at(input.path(), 0, 0))?;
    let features = kept.unwrap_or_default();
    for &place in &features {
        refuse_unfit(input, &columns[place], place, label.is_none())?;
    }
    if let Some(label) = label.filter(|&label| !columns[label].held.can_be_labels()) {
        let (what, name) = (what[label].unwrap_or("lists"), &names[label]);
        let place = label + 1;
        return Err(input.refuse(format!("the labels in column {place} ('{name}') are {what}")));
    }
    let asked = |column: &usize| features.contains(column) || label == Some(*column);
    let mut left_out: Vec<String> = Vec::new();
    for column in left.into_iter().filter(|column| !asked(column)) {
        let said = format!("column '{}' holds {}", names[column], what[column].unwrap_or_default());
        // A structure of several leaves is one column to people.
        if left_out.last() != Some(&said) {
            left_out.push(said);
        }
    }
    Ok(Chosen { features, label, left_out })
}

/// The column of a file of labels, which has no other that could be one.
pub fn only_label(input: &Input, columns: &[Typed], pandas: Option<&str>) -> Result<()> {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let index = index(&names, pandas);
    let is_one = |column: &&Typed| column.held.can_be_labels() && !index.contains(&column.name);
    match columns.iter().filter(is_one).count() {
        0 | 1 => Ok(()),
        more => Err(input.refuse(format!("labels are one column, the file has {more}"))),
    }
}

/// The columns that pandas notes as its index, and those named as it names an index without a name.
fn index(names: &[String], pandas: Option<&str>) -> Vec<String> {
    /// What pandas notes: the name of a column, or an object for an index without one.
    #[derive(serde::Deserialize)]
    struct Pandas {
        index_columns: Vec<serde_json::Value>,
    }
    let note = pandas.and_then(|text| serde_json::from_str::<Pandas>(text).ok());
    let noted = note.map(|pandas| pandas.index_columns).unwrap_or_default();
    let is_index = |name: &&String| {
        name.starts_with("__index_level_") || noted.iter().any(|column| column == *name)
    };
    names.iter().filter(is_index).cloned().collect()
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
fn refuse_unfit(input: &Input, column: &Typed, place: usize, label_is_free: bool) -> Result<()> {
    let Typed { name, held } = column;
    let place = place + 1;
    let what = match held {
        Held::Numbers | Held::Vectors | Held::Moments(_) => return Ok(()),
        Held::Texts => "texts",
        Held::Other(what) => what,
    };
    let hint = match held {
        Held::Texts if label_is_free => {
            "leave the column out when you write the file, or say that it holds the labels"
        }
        Held::Texts => "leave the column out when you write the file",
        _ => "write it as integers or floats, or leave the column out",
    };
    let message = format!("column {place} ('{name}') holds {what}, expected numbers");
    Err(input.refuse(message).hint(hint))
}

/// Vectors have at most so many values, or one for each 32 bytes of the file: each value has a name, and
/// what a damaged file says takes no more memory than the file.
const WIDEST: u64 = 1 << 13;
const BYTES_OF_A_VALUE: u64 = 32;

/// Sees that a column's lists, which have `width` values, can be vectors.
pub fn width(input: &Input, name: &str, width: u64) -> Result<usize> {
    let most = (input.longest() / BYTES_OF_A_VALUE).max(WIDEST);
    if width == 0 || width > most {
        let what = format!("column '{name}' holds lists of {width} values, expected 1 to {most}");
        return Err(input.refuse(what));
    }
    // No more than the bytes of a file.
    Ok(width as usize)
}

/// The names of a column's values: its own, or of a vector with the place in it.
pub fn names(column: &Typed, width: usize) -> impl Iterator<Item = String> + '_ {
    (1..=width).map(move |place| match column.held {
        Held::Vectors => format!("{}[{place}]", column.name),
        _ => column.name.clone(),
    })
}

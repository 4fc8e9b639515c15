//! Text: one row a line, fields separated by commas, semicolons, tabs or blanks.
//!
//! - **Separator**: the first of tab, semicolon, comma that is in the first line outside quotes;
//!   blanks (any number of them) otherwise.
//! - **Header**: the first line is one when a field in it, apart from the labels, is neither a
//!   number nor a sign of a missing value (empty, `?`, `NA` …), or when its label is no number and
//!   that of the second line is. scikit-learn's first line (rows, columns, names of classes) is
//!   recognised, and its count of rows is checked.
//! - **Values** are read straight to the nearest f32, and kept as f64 beside it where a column lies
//!   far from 0. Blanks around a field do not matter. A field
//!   may be in double quotes, a quote in it doubled; a quoted field ends on its line. Empty lines
//!   are passed over. A byte order mark is too.
//! - **Places**: lines and columns count from 1 as in the file, a label column included; rows count
//!   from 1 after the header.
//!
//! The file is read as a whole when it is opened, because its number of rows is not known before.

use std::collections::HashMap;
use std::io::BufRead;

use super::contract::{Format, Likeness, column};
use crate::fields::{Fields, Separator, is_number, shown};
use crate::input::Input;
use crate::labels;
use crate::labels::Numbering;
use crate::memory::{InMemory, reserve};
use crate::rows::{Matrix, Source};
use crate::select::Selection;
use crate::spread::Spread;
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "csv",
    about: "text, one row a line",
    endings: &[".csv", ".tsv", ".txt", ".dat"],
    sniff,
    shape: |_| Ok(None),
    open: |input, labels| {
        Ok(Box::new(read(&input, labels, &Selection::default())?) as Box<dyn Source>)
    },
    select: Some(|input, labels, selection| {
        Ok(Box::new(read(&input, labels, selection)?) as Box<dyn Source>)
    }),
    labels: read_labels,
};

/// Text has no control characters but tabs and ends of lines.
fn sniff(input: &Input) -> Likeness {
    let control = |b: &u8| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r');
    if input.head().iter().any(control) { Likeness::No } else { Likeness::Perhaps }
}

/// The longest line that is read.
const LONGEST_LINE: u64 = 1 << 26;

/// The lines of a file that are not empty.
struct Lines<'a> {
    input: &'a Input,
    reader: Box<dyn BufRead + 'a>,
    text: Vec<u8>,
    /// Number of the line, from 1.
    number: usize,
    position: u64,
}

impl<'a> Lines<'a> {
    fn new(input: &'a Input) -> Result<Self> {
        let reader = Box::new(input.content()?.into_reader());
        Ok(Lines { input, reader, text: Vec::new(), number: 0, position: 0 })
    }

    /// The next line into `text`; false at the end of the file.
    fn next(&mut self) -> Result<bool> {
        loop {
            self.text.clear();
            let mut limited = std::io::Read::take(&mut self.reader, LONGEST_LINE);
            let read = limited.read_until(b'\n', &mut self.text);
            let read =
                read.map_err(|e| self.input.damaged(self.position + self.text.len() as u64, e))?;
            if read == 0 {
                return Ok(false);
            }
            self.number += 1;
            self.position += read as u64;
            if read as u64 == LONGEST_LINE && !self.text.ends_with(b"\n") {
                return Err(self.refuse(format!(
                    "the line is longer than {LONGEST_LINE} bytes: this is not text"
                )));
            }
            if self.number == 1 && self.text.starts_with(b"\xef\xbb\xbf") {
                self.text.drain(..3);
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Number of lines that are left, and of bytes of the whole.
    fn count(mut self) -> Result<(usize, u64)> {
        let mut lines = 0;
        while self.next()? {
            lines += 1;
        }
        Ok((lines, self.position))
    }

    fn refuse(&self, message: impl Into<String>) -> Error {
        Error::data(message).at(self.input.path(), self.number, 0)
    }
}

/// What the first line is.
enum First {
    /// A row.
    Row,
    /// The names of the columns.
    Names(Vec<String>),
    /// scikit-learn's: the number of rows and of columns without the label.
    Counts { rows: u64, dims: usize },
}

/// What the first line is, seen from itself and the second.
fn look(
    first: &[Vec<u8>],
    second: Option<&[Vec<u8>]>,
    labels: &Labels,
    selection: &Selection,
) -> First {
    let counts = |field: &Vec<u8>| std::str::from_utf8(field).ok()?.parse::<u64>().ok();
    if let [rows, dims, classes @ ..] = first
        && let (Some(rows), Some(dims)) = (counts(rows), counts(dims))
        && !classes.is_empty()
        && !classes.iter().any(|class| is_number(class))
        && second.is_some_and(|row| {
            dims.checked_add(1) == Some(row.len() as u64) && row.iter().all(|x| is_number(x))
        })
    {
        return First::Counts { rows, dims: dims as usize };
    }
    let names = || {
        First::Names(first.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    };
    let label = if *labels == Labels::LastColumn { first.len() - 1 } else { first.len() };
    let is_name = |field: &Vec<u8>| {
        const MISSING: [&[u8]; 9] =
            [b"", b"?", b"-", b"na", b"n/a", b"null", b"none", b".", b"#n/a"];
        !is_number(field) && !MISSING.contains(&&field.to_ascii_lowercase()[..])
    };
    // A column of texts that nobody wants says nothing.
    let wanted = selection.numbers();
    let matters =
        |column: usize| wanted.as_ref().is_none_or(|wanted| wanted.contains(&(column + 1)));
    if first[..label].iter().enumerate().any(|(column, field)| matters(column) && is_name(field)) {
        return names();
    }
    let label_is_a_name = first.get(label).is_some_and(|label| !is_number(label));
    let labels_are_numbers = second.and_then(<[_]>::last).is_some_and(|label| is_number(label));
    if label_is_a_name && labels_are_numbers { names() } else { First::Row }
}

/// Reads the columns of a file that are wanted, with its labels.
fn read(input: &Input, labels: &Labels, selection: &Selection) -> Result<InMemory> {
    let (separator, first, first_row) = begin(input, labels, selection)?;
    let mut lines = Lines::new(input)?;
    let mut fields = Fields::default();
    let mut matrix = Matrix { values: Vec::new(), dims: 0 };
    let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
    let names = if let First::Names(names) = &first { &names[..] } else { &[] };
    let (width, like) = match &first {
        First::Row => (first_row, "in row 1"),
        First::Names(names) => (names.len(), "in the header"),
        First::Counts { dims, .. } => (dims + 1, "as the first line says"),
    };
    let label = match labels {
        Labels::None | Labels::File(_) => None,
        Labels::LastColumn => Some(width - 1),
        Labels::Column(name) => Some(column(input, names, name)?),
    };
    let has_names = (!names.is_empty()).then_some(names);
    let kept = selection
        .resolve(has_names, width, label, &[])
        .map_err(|error| error.at(input.path(), 0, 0))?;
    matrix.dims = kept.len();
    if !matches!(first, First::Row) {
        lines.next()?;
    }
    // Room for all rows at once, and no more than there can be: a field and what separates it are
    // two bytes.
    let (rows, bytes) = Lines::new(input)?.count()?;
    let rows = rows.min(bytes as usize / 2 / width + 1);
    reserve(&mut matrix.values, rows.saturating_mul(kept.len()))?;
    if label.is_some() {
        numbering.expect(rows)?;
    }
    // What rounding takes is kept until it is known that nobody needs it.
    let (mut wide, mut spread) = (Some(Vec::new()), Spread::new(kept.len()));
    let mut row = 0u64;
    while lines.next()? {
        row += 1;
        let count = fields
            .split(&lines.text, separator)
            .map_err(|what| lines.refuse(format!("row {row}: {what}")))?;
        if count != width {
            return Err(
                lines.refuse(format!("row {row} has {count} fields, expected {width} {like}"))
            );
        }
        reserve(&mut matrix.values, matrix.dims)?;
        let place = |column: usize| match names.get(column) {
            Some(name) => {
                format!("row {row}, column {} ('{}')", column + 1, shown(name.as_bytes()))
            }
            None => format!("row {row}, column {}", column + 1),
        };
        if let Some(column) = label {
            let field = fields.get(column);
            if field.is_empty() {
                return Err(lines.refuse(format!("{}: the label is empty", place(column))));
            }
            numbering.push_bytes(field, &mut seen)?;
        }
        for &column in &kept {
            let field = fields.get(column);
            match std::str::from_utf8(field).ok().and_then(|text| text.parse::<f32>().ok()) {
                Some(value) if value.is_finite() => matrix.values.push(value),
                other => return Err(bad_value(&lines, &place(column), field, other)),
            }
            if let Some(wide) = &mut wide {
                let text = std::str::from_utf8(field).unwrap_or_default();
                reserve(wide, 1)?;
                wide.push(text.parse::<f64>().unwrap_or_default());
            }
        }
        if let Some(values) = &wide {
            spread.add(&values[values.len() - kept.len()..]);
            wide = wide.filter(|_| !spread.is_near());
        }
    }
    if row == 0 {
        return Err(input.refuse("the file has 0 rows"));
    }
    if let First::Counts { rows, .. } = first
        && rows != row
    {
        return Err(input.refuse(format!("the first line says {rows} rows, the file has {row}")));
    }
    let truth = label.map(|_| labels::sorted_texts(numbering, seen));
    let names = kept.iter().filter_map(|&column| names.get(column).cloned()).collect();
    Ok(InMemory::new(matrix, truth)?.named(names).wide(wide))
}

/// The separator, what the first line is, and the number of its fields.
fn begin(
    input: &Input,
    labels: &Labels,
    selection: &Selection,
) -> Result<(Separator, First, usize)> {
    if sniff(input) == Likeness::No {
        let error = input.refuse("this is not text: it has control characters");
        return Err(match input.head() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                error.hint("it begins like UTF-16: save it as UTF-8")
            }
            _ => error.hint("another format is named by --data-format (in a manifest: format)"),
        });
    }
    let mut lines = Lines::new(input)?;
    if !lines.next()? {
        return Err(input.refuse("the file has 0 rows"));
    }
    let separator = Separator::of(&lines.text);
    let mut fields = Fields::default();
    let mut owned = |lines: &Lines| -> Result<Vec<Vec<u8>>> {
        let count = fields.split(&lines.text, separator).map_err(|what| lines.refuse(what))?;
        Ok((0..count).map(|i| fields.get(i).to_vec()).collect())
    };
    let first = owned(&lines)?;
    let second = if lines.next()? { Some(owned(&lines)?) } else { None };
    let what = look(&first, second.as_deref(), labels, selection);
    Ok((separator, what, first.len()))
}

fn bad_value(lines: &Lines, place: &str, field: &[u8], value: Option<f32>) -> Error {
    let written = field.iter().any(u8::is_ascii_digit);
    let error = match value {
        _ if field.is_empty() => lines.refuse(format!("{place}: the field is empty")),
        Some(value) if value.is_nan() => lines.refuse(format!("{place}: the value is NaN")),
        Some(_) if written => {
            return lines.refuse(format!(
                "{place}: the value is {}, beyond the range of f32",
                shown(field)
            ));
        }
        Some(_) => lines.refuse(format!("{place}: the value is infinite")),
        None => lines.refuse(format!("{place}: '{}' is not a number", shown(field))),
    };
    error.hint(what_to_do(field, value))
}

/// What to do about a field that is no finite number.
fn what_to_do(field: &[u8], value: Option<f32>) -> String {
    let missing = [&b""[..], b"na", b"n/a", b"null", b"none", b"nil", b"?", b"-", b"."];
    if value.is_some() || missing.contains(&&field.to_ascii_lowercase()[..]) {
        return "remove rows with missing values, or fill them in; rows count from 1 after the header".into();
    }
    let text = String::from_utf8_lossy(field);
    if text.contains(',') && text.replacen(',', ".", 1).parse::<f32>().is_ok() {
        return format!("numbers are read with a point: {}", text.replacen(',', ".", 1));
    }
    "a column of labels is named by --labels-column (in a manifest: labels = { column = \"…\" }); 'amdahl fit --columns' reads some columns \
     and no others; rows count from 1 after the header"
        .into()
}

/// Reads a file of labels: one column. The first line is a header when it is no number and the
/// second is one.
fn read_labels(input: &Input) -> Result<Vec<u32>> {
    let mut lines = Lines::new(input)?;
    let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
    let mut fields = Fields::default();
    let mut separator = None;
    // The first line waits for the second.
    let mut first = None;
    let mut row = 0u64;
    while lines.next()? {
        row += 1;
        let separator = *separator.get_or_insert_with(|| Separator::of(&lines.text));
        let count = fields.split(&lines.text, separator).map_err(|what| lines.refuse(what))?;
        let field = fields.get(0);
        if count != 1 || field.is_empty() {
            return Err(
                lines.refuse(format!("a label is expected alone on its line, got {count} fields"))
            );
        }
        if row == 1 {
            first = Some(field.to_vec());
            continue;
        }
        if let Some(first) = first.take()
            && (is_number(&first) || !is_number(field))
        {
            numbering.push_bytes(&first, &mut seen)?;
        }
        numbering.push_bytes(field, &mut seen)?;
    }
    if let Some(only) = first {
        numbering.push_bytes(&only, &mut seen)?;
    }
    Ok(labels::sorted_texts(numbering, seen))
}

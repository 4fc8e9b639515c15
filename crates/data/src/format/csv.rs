//! Text: one row a line, fields separated by commas, semicolons, tabs or blanks.
//!
//! - **Separator**: the first of tab, semicolon, comma that is in the first line outside quotes;
//!   blanks (any number of them) otherwise.
//! - **Header**: the first line is one when a field in it, apart from the labels, is neither a
//!   number nor a sign of a missing value (empty, `?`, `NA` …), when its label is no number and
//!   that of the second line is, or when it counts the columns (0, 1, 2 …). So is a comment above the
//!   rows that has as many fields, as NumPy's savetxt writes it. Other lines that begin with `#` are
//!   passed over.
//! - **Index**: a first column without a name, while the others have one, is what pandas and R write
//!   of their rows; it is left out unless it is asked for. scikit-learn's first line (rows, columns, names of classes) is
//!   recognised, and its count of rows is checked.
//! - **Values** are read straight to the nearest f32, and once more from the file as f64 where a
//!   column lies far from 0. Blanks around a field do not matter. A field
//!   may be in double quotes, a quote in it doubled; a quoted field ends on its line. Empty lines
//!   are passed over. A byte order mark is too.
//! - **Places**: lines and columns count from 1 as in the file, a label column included; rows count
//!   from 1 after the header.
//!
//! The file is read as a whole when it is opened, because its number of rows is not known before.

use std::collections::HashMap;
use std::ops::Range;

use super::contract::{Format, Likeness, column};
use crate::fields::{Fields, Separator, is_number, shown};
use crate::input::Input;
use crate::labels;
use crate::labels::Numbering;
use crate::lines::{First, Head, Lines, head};
use crate::memory::{InMemory, reserve};
use crate::rows::{Matrix, RowSource, Shape, Source};
use crate::select::Selection;
use crate::spread::Spread;
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "csv",
    about: "text, one row a line",
    endings: &[".csv", ".tsv", ".txt", ".dat"],
    has_datasets: false,
    sniff,
    shape: |_| Ok(None),
    open: |input, labels| {
        Ok(Box::new(read(input, labels, &Selection::default())?) as Box<dyn Source>)
    },
    select: Some(|input, labels, selection| {
        Ok(Box::new(read(input, labels, selection)?) as Box<dyn Source>)
    }),
    labels: read_labels,
};

/// Text has no control characters but tabs and ends of lines.
fn sniff(input: &Input) -> Likeness {
    let control = |b: &u8| *b < b' ' && !matches!(b, b'\t' | b'\n' | b'\r');
    if input.head().iter().any(control) { Likeness::No } else { Likeness::Perhaps }
}

/// Reads the columns of a file that are wanted, with its labels.
fn read(input: Input, labels: &Labels, selection: &Selection) -> Result<Text> {
    Ok(Text { found: parse(&input, labels, selection)?, input })
}

/// What a file was found to hold.
struct Parsed {
    rows: InMemory,
    /// The places of their columns.
    kept: Vec<usize>,
    separator: Separator,
    /// A line stands above the rows.
    is_a_line: bool,
    /// All columns lie near 0.
    is_near: bool,
    /// Nothing was rounded. Of rows that lie near 0 nobody looked.
    is_exact: bool,
}

fn parse(input: &Input, labels: &Labels, selection: &Selection) -> Result<Parsed> {
    is_text(input)?;
    let Head { separator, first, is_a_line, width, index, counts_columns } =
        head(input, labels, selection)?;
    let mut lines = Lines::new(input)?;
    let mut fields = Fields::default();
    let mut matrix = Matrix { values: Vec::new(), dims: 0 };
    let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
    let names = if let First::Names(names) = &first { &names[..] } else { &[] };
    let (width, like) = match &first {
        First::Row => (width, "in row 1"),
        First::Names(_) => (width, "in the header"),
        First::Counts { dims, .. } => (dims + 1, "as the first line says"),
    };
    let label = match labels {
        Labels::None | Labels::File(_) => None,
        Labels::LastColumn => Some(width - 1),
        Labels::Column(name) => Some(column(input, names, name)?),
    };
    let has_names = (!names.is_empty()).then_some(names);
    let kept = selection
        .resolve(has_names, width, label, index.as_slice())
        .map_err(|error| error.at(input.path(), 0, 0))?;
    matrix.dims = kept.len();
    if is_a_line {
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
    // Until all columns are known to lie near 0.
    let (mut spread, mut is_near, mut is_rounded) = (Spread::new(kept.len()), false, false);
    let mut wide = Vec::new();
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
            if !is_near {
                wide.push(double(field).unwrap_or_default());
            }
        }
        if !is_near {
            let narrow = &matrix.values[matrix.values.len() - kept.len()..];
            is_rounded |= wide.iter().zip(narrow).any(|(wide, x)| *wide != f64::from(*x));
            spread.add(&wide);
            is_near = spread.is_near();
            wide.clear();
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
    let header = counts_columns.then(|| {
        "line 1, which counts the columns as pandas names those without names".to_string()
    });
    let left_out = index.filter(|index| !kept.contains(index)).map(|index| {
        format!("column {} has no name, as an index that pandas or R wrote", index + 1)
    });
    let rows = InMemory::new(matrix, truth)?
        .named(names)
        .without(header.into_iter().chain(left_out).collect());
    let is_exact = !is_rounded && !is_near;
    Ok(Parsed { rows, kept, separator, is_a_line, is_near, is_exact })
}

/// A field in double precision.
fn double(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// Rows of text, rounded to f32 in memory. Where that may have taken from values, they are read from
/// the file again when they are asked for as they are: memory holds them once.
struct Text {
    input: Input,
    found: Parsed,
}

impl Source for Text {
    fn shape(&self) -> Shape {
        self.found.rows.shape()
    }
    fn seekable(&self) -> bool {
        self.found.rows.seekable()
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        let narrow = self.found.rows.rows(range)?;
        if self.found.is_exact {
            return Ok(narrow);
        }
        Ok(Box::new(TextRows { text: self, narrow, lines: None, next: 0 }))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        self.found.rows.truth(range)
    }
    fn names(&self) -> Option<&[String]> {
        self.found.rows.names()
    }
    fn is_near(&self) -> bool {
        self.found.is_near
    }
    fn left_out(&self) -> &[String] {
        self.found.rows.left_out()
    }
}

struct TextRows<'a> {
    text: &'a Text,
    narrow: Box<dyn RowSource + 'a>,
    /// The file, opened when values are asked for as they are, and its next row.
    lines: Option<Lines<'a>>,
    next: u64,
}

impl TextRows<'_> {
    /// The next row as it is.
    fn wide(&mut self, fields: &mut Fields, out: &mut [f64]) -> Result<()> {
        let Text { input, found: Parsed { kept, separator, is_a_line, .. } } = self.text;
        let changed = || input.refuse("the file changed while it was read");
        let lines = match &mut self.lines {
            Some(lines) => lines,
            none => {
                let lines = none.insert(Lines::new(input)?);
                if *is_a_line {
                    lines.next()?;
                }
                lines
            }
        };
        let position = self.narrow.position();
        while self.next <= position {
            if !lines.next()? {
                return Err(changed());
            }
            self.next += 1;
        }
        let count = fields.split(&lines.text, *separator).map_err(|_| changed())?;
        for (out, &column) in out.iter_mut().zip(kept) {
            let value = if column < count { double(fields.get(column)) } else { None };
            *out = value.filter(|x| (*x as f32).is_finite()).ok_or_else(changed)?;
        }
        self.narrow.skip(1)
    }
}

impl RowSource for TextRows<'_> {
    fn shape(&self) -> Shape {
        self.narrow.shape()
    }
    fn position(&self) -> u64 {
        self.narrow.position()
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        self.narrow.read(out)
    }
    fn read_wide(&mut self, out: &mut [f64]) -> Result<usize> {
        let Shape { rows, dims } = self.shape();
        let rows = (out.len() / dims).min(rows as usize);
        let mut fields = Fields::default();
        out.chunks_exact_mut(dims).take(rows).try_for_each(|row| self.wide(&mut fields, row))?;
        Ok(rows)
    }
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.narrow.skip(rows)
    }
}

/// Refuses what is no text.
fn is_text(input: &Input) -> Result<()> {
    if sniff(input) == Likeness::No {
        let error = input.refuse("this is not text: it has control characters");
        return Err(match input.head() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                error.hint("it begins like UTF-16: save it as UTF-8")
            }
            _ => error.hint("another format is named by --data-format (in a manifest: format)"),
        });
    }
    Ok(())
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
    let pointed = text.replacen(',', ".", 1);
    let is_decimal = text.contains(',') && pointed.parse::<f32>().is_ok();
    match of_thousands(&text) {
        Some(number) if is_decimal => {
            return format!(
                "a comma is no part of a number: write {number} if it separates thousands, {pointed} if it is the decimal mark"
            );
        }
        Some(number) => return format!("thousands are not separated in numbers: write {number}"),
        None if is_decimal => return format!("numbers are read with a point: {pointed}"),
        None => {}
    }
    "a column of labels is named by --labels-column (in a manifest: labels = { column = \"…\" }); 'amdahl fit --columns' reads some columns \
     and no others; rows count from 1 after the header"
        .into()
}

/// A number whose thousands are separated by commas, points, blanks or apostrophes, without them.
fn of_thousands(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let separator = digits.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, ',' | ' ' | '\'' | '’' | '\u{a0}' | '\u{202f}') {
        return None;
    }
    let (whole, part) = digits.split_once('.').map_or((digits, None), |(a, b)| (a, Some(b)));
    let mut groups = whole.split(separator);
    let is_number = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    let first = groups.next().filter(|group| group.len() <= 3 && is_number(group))?;
    let rest: Vec<&str> = groups.collect();
    if rest.is_empty() || !rest.iter().all(|group| group.len() == 3 && is_number(group)) {
        return None;
    }
    let part =
        part.map_or(Some(String::new()), |part| is_number(part).then(|| format!(".{part}")))?;
    Some(format!("{sign}{first}{}{part}", rest.concat()))
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

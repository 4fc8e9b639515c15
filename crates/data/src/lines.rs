//! Lines of text, and what stands above its rows.

use std::io::BufRead;

use crate::fields::{Fields, Separator, is_number};
use crate::input::Input;
use crate::select::Selection;
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};

/// The longest line that is read.
const LONGEST_LINE: u64 = 1 << 26;

/// The lines of a file that are rows or a header: neither empty, nor a comment, nor Excel's `sep=;`.
pub struct Lines<'a> {
    input: &'a Input,
    reader: Box<dyn BufRead + 'a>,
    /// The line, with its end.
    pub text: Vec<u8>,
    /// Number of the line, from 1.
    number: usize,
    position: u64,
    /// The last comment above the first line, without its `#`.
    pub comment: Option<Vec<u8>>,
    /// The separator that a line of its own names.
    pub separator: Option<Separator>,
    is_above: bool,
}

impl<'a> Lines<'a> {
    /// Before the first line.
    pub fn new(input: &'a Input) -> Result<Self> {
        Ok(Lines {
            input,
            reader: Box::new(input.content()?.into_reader()),
            text: Vec::new(),
            number: 0,
            position: 0,
            comment: None,
            separator: None,
            is_above: true,
        })
    }

    /// The next line into `text`; false at the end of the file.
    pub fn next(&mut self) -> Result<bool> {
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
            let text = self.text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if let Some(comment) = text.strip_prefix(b"#") {
                if self.is_above {
                    self.comment = Some(comment.trim_ascii().to_vec());
                }
                continue;
            }
            // Excel says so where its separator is not the one of the language.
            if let (1, [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', byte]) = (self.number, text) {
                self.separator = Some(Separator::Byte(*byte));
                continue;
            }
            self.is_above = false;
            return Ok(true);
        }
    }

    /// Number of lines that are left, and of bytes of the whole.
    pub fn count(mut self) -> Result<(usize, u64)> {
        let mut lines = 0;
        while self.next()? {
            lines += 1;
        }
        Ok((lines, self.position))
    }

    /// An error in this line.
    pub fn refuse(&self, message: impl Into<String>) -> Error {
        Error::data(message).at(self.input.path(), self.number, 0)
    }
}

/// What stands above the rows.
pub struct Head {
    /// What separates fields.
    pub separator: Separator,
    /// What the first line is.
    pub first: First,
    /// Does the first line of the file have no row? It has one under a header in a comment.
    pub is_a_line: bool,
    /// Fields of each row.
    pub width: usize,
    /// The column that has no name, while others have: the index that pandas and R write.
    pub index: Option<usize>,
    /// Is the header one because it counts the columns?
    pub counts_columns: bool,
}

/// What the first line is.
pub enum First {
    /// A row.
    Row,
    /// The names of the columns.
    Names(Vec<String>),
    /// scikit-learn's: the number of rows and of columns without the label.
    Counts {
        /// Rows.
        rows: u64,
        /// Columns without the label.
        dims: usize,
    },
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

/// Do the fields count the columns from 0, as pandas names those that have no name? Two may as well
/// be a row.
fn is_a_count(fields: &[Vec<u8>]) -> bool {
    let counts = |(i, field): (usize, &Vec<u8>)| field == i.to_string().as_bytes();
    fields.len() > 2 && fields.iter().enumerate().all(counts)
}

/// Does the second line go on counting where the first one ends, as the rows of a counted array do?
fn goes_on(first: &[Vec<u8>], second: &[Vec<u8>]) -> bool {
    let number = |field: &Vec<u8>| std::str::from_utf8(field).ok()?.parse::<f64>().ok();
    let step = first.len() as f64;
    first.len() == second.len()
        && first.iter().zip(second).all(|(a, b)| Some(number(a).unwrap_or(0.0) + step) == number(b))
}

/// Looks at the first two lines and the comment above them.
pub fn head(input: &Input, labels: &Labels, selection: &Selection) -> Result<Head> {
    let mut lines = Lines::new(input)?;
    if !lines.next()? {
        return Err(input.refuse("the file has 0 rows"));
    }
    let separator = lines.separator.unwrap_or_else(|| Separator::of(&lines.text));
    let mut fields = Fields::default();
    let mut owned = |text: &[u8]| -> std::result::Result<Vec<Vec<u8>>, String> {
        let count = fields.split(text, separator)?;
        Ok((0..count).map(|i| fields.get(i).to_vec()).collect())
    };
    let line = owned(&lines.text).map_err(|what| lines.refuse(what))?;
    let comment = lines.comment.take().and_then(|text| owned(&text).ok());
    let second = match lines.next()? {
        true => Some(owned(&lines.text).map_err(|what| lines.refuse(what))?),
        false => None,
    };
    let is_quoted = lines.text.trim_ascii_start().starts_with(b"\"");
    let is_unnamed = |names: &[Vec<u8>]| {
        names.len() > 1 && names[0].is_empty() && names[1..].iter().all(|name| !name.is_empty())
    };
    let named = |fields: &[Vec<u8>]| {
        First::Names(fields.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    };
    let mut first = look(&line, second.as_deref(), labels, selection);
    let (mut is_a_line, mut width, mut counts_columns) = (true, line.len(), false);
    if matches!(first, First::Row) {
        let counts = |fields: &[Vec<u8>]| {
            is_a_count(fields)
                || is_unnamed(fields)
                    && (0..)
                        .zip(&fields[1..])
                        .all(|(i, field)| field == i32::to_string(&i).as_bytes())
        };
        let is_header = |fields: &[Vec<u8>]| {
            fields.len() == line.len() && fields.iter().any(|name| !is_number(name))
        };
        match &comment {
            _ if counts(&line) && second.as_ref().is_some_and(|row| !goes_on(&line, row)) => {
                (first, counts_columns) = (named(&line), true);
            }
            Some(comment) if is_header(comment) => (first, is_a_line) = (named(comment), false),
            _ => is_a_line = false,
        }
    }
    let mut index = None;
    if let First::Names(names) = &mut first {
        // R names the columns, and not the one with the names of the rows, which it quotes.
        if is_a_line && is_quoted && second.is_some_and(|row| row.len() == names.len() + 1) {
            names.insert(0, String::new());
            width += 1;
        }
        let others = names.len() > 1 && names[1..].iter().all(|name| !name.trim().is_empty());
        index = (others && names[0].trim().is_empty()).then_some(0);
    }
    Ok(Head { separator, first, is_a_line, width, index, counts_columns })
}

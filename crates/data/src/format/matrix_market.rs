//! MatrixMarket, the exchange format of NIST: a banner, comments that begin with `%`, the extents, then
//! the values of an array column by column, or the coordinates and values of what is not 0.
//!
//! R. F. Boisvert, R. Pozo, K. A. Remington, *The Matrix Market exchange formats*, NISTIR 5935 (1996).
//! Read are arrays and coordinates of real numbers, integers and patterns (whose values are 1), general,
//! symmetric or skew-symmetric. Values lie in memory in double precision, 8 bytes each in an array and 16
//! each with coordinates (twice that where both triangles follow from one): neither stands row by row.

use std::ops::Range;

use super::contract::{Format, Likeness, no_labels_inside};
use crate::fields::shown;
use crate::input::Input;
use crate::labels;
use crate::lines::Lines;
use crate::memory::reserve;
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::sparse::fits_memory;
use crate::value::{Value, read_as_both};
use amdahl_record::error::Result;

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "matrix-market",
    about: "arrays and coordinates of numbers in NIST's exchange format",
    endings: &[".mtx", ".mm"],
    has_datasets: false,
    sniff: |input| match input.head().get(..BANNER.len()) {
        Some(start) if start.eq_ignore_ascii_case(BANNER) => Likeness::Sure,
        _ => Likeness::No,
    },
    shape: |_| Ok(None),
    open: |input, labels| {
        no_labels_inside(&input, "matrix-market", labels)?;
        Ok(Box::new(Market::read(input)?) as Box<dyn Source>)
    },
    select: None,
    labels: |input| labels::of_column(input, &Market::read(input.clone())?),
};

const BANNER: &[u8] = b"%%MatrixMarket";

/// Which values follow from others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symmetry {
    None,
    Same,
    Negated,
}

/// Where the values are.
enum Values {
    /// Column by column; of a symmetric matrix from the diagonal on, of a skew one from below it on.
    Array(Vec<f64>),
    /// By row and column, sorted.
    Entries(Vec<(u32, u32, f64)>),
}

struct Market {
    shape: Shape,
    symmetry: Symmetry,
    values: Values,
}

/// The words of the lines, with errors that say which line.
struct Words<'a> {
    lines: Lines<'a>,
    at: usize,
}

impl Words<'_> {
    /// The next line that is no comment; false at the end.
    fn next_line(&mut self) -> Result<bool> {
        self.at = 0;
        while self.lines.next()? {
            if !self.lines.text.trim_ascii_start().starts_with(b"%") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next word of the line, as a number.
    fn number<T: std::str::FromStr>(&mut self, what: &str) -> Result<T> {
        let rest = self.lines.text[self.at..].trim_ascii_start();
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let word = &rest[..end];
        let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        let number =
            number.ok_or_else(|| self.lines.refuse(format!("'{}' is no {what}", shown(word))))?;
        self.at = self.lines.text.len() - rest.len() + end;
        Ok(number)
    }

    /// A value, which must be one of f32.
    fn value(&mut self) -> Result<f64> {
        let value: f64 = self.number("value")?;
        if (value as f32).is_finite() {
            return Ok(value);
        }
        let what = format!("the value is {value}: NaN, infinite, or beyond the range of f32");
        Err(self.lines.refuse(what).hint("remove such rows or mend them"))
    }

    /// That nothing is left on the line.
    fn end(&self) -> Result<()> {
        match self.lines.text[self.at..].trim_ascii() {
            [] => Ok(()),
            rest => Err(self.lines.refuse(format!("'{}' follows on the line", shown(rest)))),
        }
    }
}

impl Market {
    fn read(input: Input) -> Result<Market> {
        let mut words = Words { lines: Lines::new(&input)?, at: 0 };
        words.lines.next()?;
        let banner = String::from_utf8_lossy(&words.lines.text).to_lowercase();
        let mut banner = banner.split_ascii_whitespace();
        if banner.next().map(str::as_bytes) != Some(&BANNER.to_ascii_lowercase()) {
            return Err(input.refuse("the file does not begin with %%MatrixMarket"));
        }
        let mut word = || banner.next().unwrap_or("nothing").to_string();
        let (object, form, field, symmetry) = (word(), word(), word(), word());
        let not_read = |what: &str, read: &str| {
            let message = format!("the banner says '{what}', which is not read, expected {read}");
            Err(words.lines.refuse(message))
        };
        if object != "matrix" {
            return not_read(&object, "'matrix'");
        }
        let is_array = match &form[..] {
            "array" => true,
            "coordinate" => false,
            other => return not_read(other, "'array' or 'coordinate'"),
        };
        let is_pattern = match &field[..] {
            "real" | "double" | "integer" | "unsigned-integer" => false,
            "pattern" if !is_array => true,
            other => return not_read(other, "'real' or 'integer'"),
        };
        let symmetry = match &symmetry[..] {
            "general" => Symmetry::None,
            "symmetric" => Symmetry::Same,
            "skew-symmetric" => Symmetry::Negated,
            other => return not_read(other, "'general', 'symmetric' or 'skew-symmetric'"),
        };
        if !words.next_line()? {
            return Err(input.refuse("the line with the extents is missing: it is truncated"));
        }
        let (rows, columns) =
            (words.number::<u32>("number of rows")?, words.number::<u32>("number of columns")?);
        let entries: Option<u64> =
            if is_array { None } else { Some(words.number("number of entries")?) };
        words.end()?;
        if rows == 0 || columns == 0 {
            return Err(words.lines.refuse(format!("{rows} rows of {columns} columns")));
        }
        if symmetry != Symmetry::None && rows != columns {
            let what = format!("{rows} rows of {columns} columns are not symmetric");
            return Err(words.lines.refuse(what));
        }
        let shape = Shape { rows: rows.into(), dims: columns as usize };
        let n = shape.rows;
        let stored = match (entries, symmetry) {
            (Some(entries), _) => entries,
            (None, Symmetry::None) => n * shape.dims as u64,
            (None, Symmetry::Same) => n * (n - 1) / 2 + n,
            (None, Symmetry::Negated) => n * (n - 1) / 2,
        };
        // A value and the end of its line are two bytes.
        if stored > input.longest() / 2 + 1 {
            let longest = input.longest();
            let what = format!("{stored} values cannot be in {longest} bytes: it is truncated");
            return Err(words.lines.refuse(what));
        }
        let values = match is_array {
            true => Values::Array(array(&mut words, stored)?),
            false => Values::Entries(coordinates(&mut words, stored, shape, is_pattern, symmetry)?),
        };
        if words.next_line()? {
            return Err(words.lines.refuse(format!("a line follows the last of {stored} values")));
        }
        drop(words);
        fits_memory(&input, shape)?;
        Ok(Market { shape, symmetry, values })
    }

    /// The value of a row and a column of an array.
    fn of_array(&self, values: &[f64], row: usize, column: usize) -> f64 {
        let n = self.shape.rows as usize;
        let (low, high) = (row.min(column), row.max(column));
        match self.symmetry {
            Symmetry::None => values[column * n + row],
            // Before column j, of n values and less by one each, there are j n − j (j − 1) / 2.
            Symmetry::Same => values[low * n + low - low * (low + 1) / 2 + (high - low)],
            Symmetry::Negated if row == column => 0.0,
            Symmetry::Negated => {
                let value = values[low * (n - 1) + low - low * (low + 1) / 2 + (high - low - 1)];
                if row > column { value } else { -value }
            }
        }
    }
}

fn array(words: &mut Words<'_>, stored: u64) -> Result<Vec<f64>> {
    let mut values = Vec::new();
    for place in 0..stored {
        if !words.next_line()? {
            return Err(words
                .lines
                .refuse(format!("{place} values, expected {stored}: it is truncated")));
        }
        reserve(&mut values, 1)?;
        values.push(words.value()?);
        words.end()?;
    }
    Ok(values)
}

fn coordinates(
    words: &mut Words<'_>,
    stored: u64,
    shape: Shape,
    is_pattern: bool,
    symmetry: Symmetry,
) -> Result<Vec<(u32, u32, f64)>> {
    let mut entries = Vec::new();
    for place in 0..stored {
        if !words.next_line()? {
            return Err(words
                .lines
                .refuse(format!("{place} entries, expected {stored}: it is truncated")));
        }
        let (row, column) = (words.number::<u32>("row")?, words.number::<u32>("column")?);
        if row == 0 || column == 0 || u64::from(row) > shape.rows || column as usize > shape.dims {
            let Shape { rows, dims } = shape;
            let what =
                format!("row {row}, column {column} of {rows} rows of {dims} columns, both from 1");
            return Err(words.lines.refuse(what));
        }
        let value = if is_pattern { 1.0 } else { words.value()? };
        words.end()?;
        reserve(&mut entries, 2)?;
        entries.push((row - 1, column - 1, value));
        if symmetry != Symmetry::None && row != column {
            let value = if symmetry == Symmetry::Same { value } else { -value };
            entries.push((column - 1, row - 1, value));
        }
    }
    entries.sort_unstable_by_key(|&(row, column, _)| (row, column));
    if let Some(twice) =
        entries.windows(2).find(|pair| pair[0].0 == pair[1].0 && pair[0].1 == pair[1].1)
    {
        let (row, column, _) = twice[0];
        let what = format!("row {}, column {} has two values", row + 1, column + 1);
        return Err(words.lines.refuse(what).hint("add them up before the file is written"));
    }
    Ok(entries)
}

impl Source for Market {
    fn shape(&self) -> Shape {
        self.shape
    }
    /// One lane that has read them scatters them.
    fn seekable(&self) -> bool {
        false
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape, &range)?;
        Ok(Box::new(MarketRows { market: self, next: range.start, end: range.end }))
    }
    fn truth(&self, _: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

struct MarketRows<'a> {
    market: &'a Market,
    next: u64,
    end: u64,
}

impl MarketRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let dims = self.market.shape.dims;
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        for out in out.chunks_exact_mut(dims).take(rows) {
            let row = self.next as usize;
            match &self.market.values {
                Values::Array(values) => {
                    for (column, out) in out.iter_mut().enumerate() {
                        *out = T::of_double(self.market.of_array(values, row, column));
                    }
                }
                Values::Entries(entries) => {
                    out.fill(T::default());
                    let first = entries.partition_point(|entry| (entry.0 as usize) < row);
                    for &(_, column, value) in
                        entries[first..].iter().take_while(|entry| entry.0 as usize == row)
                    {
                        out[column as usize] = T::of_double(value);
                    }
                }
            }
            self.next += 1;
        }
        Ok(rows)
    }
}

impl RowSource for MarketRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.market.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.next += rows.min(self.end - self.next);
        Ok(())
    }
}

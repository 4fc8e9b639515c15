//! The text of LIBSVM and SVMlight: a label, then the values that are not 0, each behind the number
//! of its column: `-1 3:0.5 17:1`.
//!
//! C.-C. Chang, C.-J. Lin, *LIBSVM: a library for support vector machines*, ACM TIST 2 (2011);
//! T. Joachims, <https://www.cs.cornell.edu/people/tj/svm_light/>. Columns count from 1, or from 0
//! where a 0 is among them (as scikit-learn's `load_svmlight_file` decides it); numbers rise within
//! a row. There are as many columns as the largest number says. What follows a `#` is a comment, and
//! `qid:N` behind the label is passed over.
//!
//! The file is looked through once when it is opened, and its rows are made of its lines whenever they
//! are read: no more than one line is held. Labels are known by the name `label`.

use std::collections::HashMap;
use std::ops::Range;

use super::contract::{Format, Likeness};
use crate::fields::shown;
use crate::input::Input;
use crate::labels::{self, Numbering};
use crate::lines::Lines;
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::sparse::fits_memory;
use crate::value::{Value, read_as_both};
use amdahl_record::cell::Labels;
use amdahl_record::error::{Error, Result};

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "libsvm",
    about: "a label and number:value pairs a line, as LIBSVM and SVMlight have them",
    endings: &[".libsvm", ".svmlight", ".svm"],
    has_datasets: false,
    sniff,
    shape: |_| Ok(None),
    open: |input, labels| {
        match labels {
            Labels::LastColumn => {
                let error = input.refuse("labels stand first in each line, not last");
                return Err(error.hint(
                    "--labels-column label (in a manifest: labels = { column = \"label\" })",
                ));
            }
            Labels::Column(name) if name != "label" => {
                let what = format!("no column is called '{name}', labels are called 'label'");
                return Err(input.refuse(what));
            }
            Labels::None | Labels::File(_) | Labels::Column(_) => {}
        }
        let has_labels = matches!(labels, Labels::Column(_));
        Ok(Box::new(Pairs::look(input, has_labels)?) as Box<dyn Source>)
    },
    select: None,
    labels: |input| Ok(Pairs::look(input.clone(), true)?.truth.unwrap_or_default()),
};

/// Nothing else has lines of a number and rising numbers with values.
fn sniff(input: &Input) -> Likeness {
    for line in input.head().split_inclusive(|&byte| byte == b'\n') {
        // The last line may be cut, and its last word with it.
        let is_whole = line.ends_with(b"\n");
        let end = line.iter().rposition(u8::is_ascii_whitespace).filter(|_| !is_whole);
        let line = &line[..end.unwrap_or(line.len())];
        let Ok(Some((_, pairs))) = split(line) else { continue };
        let (mut before, mut any) = (None, false);
        for pair in pairs {
            let Some((number, value)) = pair_of(pair) else { return Likeness::No };
            if before.is_some_and(|before| before >= number) || f32::of_text(value).is_none() {
                return Likeness::No;
            }
            (before, any) = (Some(number), true);
        }
        if any {
            return Likeness::Sure;
        }
    }
    Likeness::No
}

/// The label of a line, and its pairs; `None` of a line without any.
fn split(line: &[u8]) -> std::result::Result<Option<(&[u8], Words<'_>)>, String> {
    let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
    let mut words = Words(line.trim_ascii());
    let Some(label) = words.next() else { return Ok(None) };
    if label.contains(&b':') {
        return Err(format!("'{}' stands where a label is expected", shown(label)));
    }
    let mut behind = words.clone();
    if behind.next().is_some_and(|word| word.starts_with(b"qid:")) {
        words = behind;
    }
    Ok(Some((label, words)))
}

/// A column's number, and the text of its value.
fn pair_of(word: &[u8]) -> Option<(u32, &[u8])> {
    let colon = word.iter().position(|&byte| byte == b':')?;
    let number = std::str::from_utf8(&word[..colon]).ok()?;
    // "+1" is a number to Rust, and no column.
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((number.parse().ok().filter(|_| is_plain)?, &word[colon + 1..]))
}

/// What blanks separate.
#[derive(Clone)]
struct Words<'a>(&'a [u8]);

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];
    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0.trim_ascii_start();
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        self.0 = &text[end..];
        (end > 0).then_some(&text[..end])
    }
}

/// A file that has been looked through.
struct Pairs {
    input: Input,
    shape: Shape,
    /// The number of the first column, 0 or 1.
    first: u32,
    truth: Option<Vec<u32>>,
}

impl Pairs {
    /// Sees that each line is right, and counts.
    fn look(input: Input, has_labels: bool) -> Result<Pairs> {
        let mut lines = Lines::new(&input)?;
        let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
        let (mut rows, mut first, mut last) = (0u64, 1, 0);
        while lines.next()? {
            let line = split(&lines.text).map_err(|what| lines.refuse(what))?;
            let Some((label, pairs)) = line else { continue };
            rows += 1;
            if has_labels {
                numbering.push_bytes(label, &mut seen)?;
            } else if labels::number(label).is_none() && !label.contains(&b',') {
                let what = format!("row {rows}: the label '{}' is not a number", shown(label));
                return Err(lines.refuse(what));
            }
            let mut before = None;
            for word in pairs {
                let place = format!("row {rows}, '{}'", shown(word));
                let Some((number, value)) = pair_of(word) else {
                    return Err(
                        lines.refuse(format!("{place}: expected a number, ':' and a value"))
                    );
                };
                if before.is_some_and(|before| before >= number) {
                    let what = format!("{place}: columns must rise within a row");
                    return Err(lines.refuse(what));
                }
                match f32::of_text(value) {
                    Some(value) if value.is_finite() => {}
                    Some(_) => {
                        let what = format!("{place}: NaN, infinite, or beyond the range of f32");
                        return Err(lines.refuse(what).hint("remove such rows or mend them"));
                    }
                    None => return Err(lines.refuse(format!("{place}: the value is no number"))),
                }
                (first, last) = (first.min(number), last.max(number));
                before = Some(number);
            }
        }
        if rows == 0 || last < first {
            return Err(input.refuse("there are no values other than 0: 0 rows or 0 columns"));
        }
        let shape = Shape { rows, dims: (last - first) as usize + 1 };
        fits_memory(&input, shape)?;
        let truth = has_labels.then(|| labels::sorted_texts(numbering, seen));
        drop(lines);
        Ok(Pairs { input, shape, first, truth })
    }
}

impl Source for Pairs {
    fn shape(&self) -> Shape {
        self.shape
    }
    /// One lane reads the lines and scatters the rows.
    fn seekable(&self) -> bool {
        false
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape, &range)?;
        let lines = Lines::new(&self.input)?;
        let mut rows = PairRows { pairs: self, lines, next: 0, end: range.end };
        rows.skip(range.start)?;
        Ok(Box::new(rows))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        check_range(self.shape, &range)?;
        let of = |truth: &Vec<u32>| truth[range.start as usize..range.end as usize].to_vec();
        Ok(self.truth.as_ref().map(of))
    }
}

struct PairRows<'a> {
    pairs: &'a Pairs,
    lines: Lines<'a>,
    next: u64,
    end: u64,
}

impl PairRows<'_> {
    /// Hands the pairs of the next row to `each`.
    fn row(&mut self, mut each: impl FnMut(usize, &[u8]) -> Option<()>) -> Result<()> {
        let changed =
            |input: &Input| -> Error { input.refuse("the file changed while it was read") };
        let input = &self.pairs.input;
        loop {
            if !self.lines.next()? {
                return Err(changed(input));
            }
            let Some((_, pairs)) = split(&self.lines.text).map_err(|_| changed(input))? else {
                continue;
            };
            for word in pairs {
                let place = pair_of(word).and_then(|(number, value)| {
                    each(number.checked_sub(self.pairs.first)? as usize, value)
                });
                place.ok_or_else(|| changed(input))?;
            }
            self.next += 1;
            return Ok(());
        }
    }

    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let dims = self.pairs.shape.dims;
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        for out in out.chunks_exact_mut(dims).take(rows) {
            out.fill(T::default());
            self.row(|place, value| {
                *out.get_mut(place)? = T::of_text(value).filter(|x| x.narrow().is_finite())?;
                Some(())
            })?;
        }
        Ok(rows)
    }
}

impl RowSource for PairRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.pairs.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        (0..rows.min(self.end - self.next)).try_for_each(|_| self.row(|_, _| Some(())))
    }
}

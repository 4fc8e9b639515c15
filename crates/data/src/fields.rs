//! One line of text cut into fields.

use crate::labels::number;

/// What separates the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// This byte.
    Byte(u8),
    /// Blanks and tabs, any number of them.
    Blanks,
}

impl Separator {
    /// The separator of a line: the first of tab, semicolon, comma that it has outside quotes; else
    /// blanks, if there are any.
    pub fn of(line: &[u8]) -> Separator {
        let line = line.trim_ascii();
        let mut quoted = false;
        let mut has = [false; 256];
        for &byte in line {
            quoted ^= byte == b'"';
            has[usize::from(byte)] |= !quoted;
        }
        let found = [b'\t', b';', b','].into_iter().find(|&byte| has[usize::from(byte)]);
        match found {
            Some(byte) => Separator::Byte(byte),
            None if has[usize::from(b' ')] => Separator::Blanks,
            None => Separator::Byte(b','),
        }
    }

    fn separates(self, byte: u8) -> bool {
        match self {
            Separator::Byte(separator) => byte == separator,
            Separator::Blanks => matches!(byte, b' ' | b'\t'),
        }
    }
}

/// The fields of a line, without the blanks around them and without quotes.
#[derive(Debug, Default)]
pub struct Fields {
    text: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Fields {
    /// Cuts a line and returns the number of its fields. Refuses a quote that is not closed, or
    /// that something follows.
    pub fn split(&mut self, line: &[u8], separator: Separator) -> Result<usize, String> {
        self.text.clear();
        self.ends.clear();
        let line = match separator {
            Separator::Byte(_) => line.trim_ascii_end_of_line(),
            Separator::Blanks => line.trim_ascii(),
        };
        if line.contains(&b'"') {
            self.split_quoted(line, separator)?;
        } else {
            self.text.extend_from_slice(line);
            let mut start = 0;
            for field in line.split(|&byte| separator.separates(byte)) {
                if separator != Separator::Blanks || !field.is_empty() {
                    self.ends.push((start, start + field.len()));
                }
                start += field.len() + 1;
            }
        }
        Ok(self.ends.len())
    }

    fn split_quoted(&mut self, mut line: &[u8], separator: Separator) -> Result<(), String> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t') && !separator.separates(*byte);
        let skip = |line: &mut &[u8], pass: &dyn Fn(&u8) -> bool| {
            let passed = line.iter().take_while(|byte| pass(byte)).count();
            *line = &line[passed..];
        };
        loop {
            skip(&mut line, &blank);
            let start = self.text.len();
            if let Some(rest) = line.strip_prefix(b"\"") {
                line = rest;
                loop {
                    let end = line
                        .iter()
                        .position(|&b| b == b'"')
                        .ok_or("a quote is not closed on this line")?;
                    self.text.extend_from_slice(&line[..end]);
                    line = &line[end + 1..];
                    // Two quotes are one in the text.
                    match line.strip_prefix(b"\"") {
                        Some(rest) => line = rest,
                        None => break,
                    }
                    self.text.push(b'"');
                }
                skip(&mut line, &blank);
                if line.first().is_some_and(|&byte| !separator.separates(byte)) {
                    return Err(format!(
                        "text follows the closing quote of field {}",
                        self.ends.len() + 1
                    ));
                }
            } else {
                let end =
                    line.iter().position(|&byte| separator.separates(byte)).unwrap_or(line.len());
                self.text.extend_from_slice(&line[..end]);
                line = &line[end..];
            }
            self.ends.push((start, self.text.len()));
            if line.is_empty() {
                return Ok(());
            }
            line = &line[1..];
            if separator == Separator::Blanks {
                skip(&mut line, &|&byte| separator.separates(byte));
            }
        }
    }

    /// A field by its place from 0; empty where there is none.
    pub fn get(&self, field: usize) -> &[u8] {
        self.ends.get(field).map_or(&[], |&(start, end)| self.text[start..end].trim_ascii())
    }
}

trait EndOfLine {
    fn trim_ascii_end_of_line(&self) -> &[u8];
}
impl EndOfLine for [u8] {
    /// Without the line's end: a separator that is a tab may be the last byte of a line and counts.
    fn trim_ascii_end_of_line(&self) -> &[u8] {
        let line = self.strip_suffix(b"\n").unwrap_or(self);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

/// Is the field a number, NaN and infinity among them?
pub fn is_number(field: &[u8]) -> bool {
    number(field).is_some()
}

/// A field for messages: its first 40 characters, control characters escaped.
pub fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    let mut shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<String>, String> {
        let mut fields = Fields::default();
        let count = fields.split(line.as_bytes(), Separator::of(line.as_bytes()))?;
        Ok((0..count).map(|i| String::from_utf8_lossy(fields.get(i)).into_owned()).collect())
    }

    #[test]
    fn fields_of_lines() {
        let cut = |line| split(line).expect("a line").join("|");
        assert_eq!(cut("1,2,3\n"), "1|2|3");
        assert_eq!(cut(" 1 , 2,3 \r\n"), "1|2|3");
        assert_eq!(cut("1,5;2,5"), "1,5|2,5", "semicolons before commas");
        assert_eq!(cut("a\tb\t\n"), "a|b|", "the last field is empty");
        assert_eq!(
            cut("  1   2 \t 3  \n").split('|').count(),
            2,
            "a tab separates before blanks do"
        );
        assert_eq!(cut("  1   2  3  \n"), "1|2|3");
        assert_eq!(cut("1,,3"), "1||3");
        assert_eq!(cut("7\n"), "7");
        assert_eq!(cut("\"a,b\" , \"say \"\"x\"\"\",2\"\n"), "a,b|say \"x\"|2\"");
        assert_eq!(cut("\"a b\"  \"c\" d"), "a b|c|d");
        assert_eq!(cut("\"\",1"), "|1");
        assert_eq!(cut("1,\"\""), "1|");
        assert_eq!(cut("\"a\","), "a|");
    }

    #[test]
    fn quotes_that_are_wrong() {
        assert!(split("1,\"2").expect_err("open").contains("not closed"));
        assert!(split("1,\"2\"x,3").expect_err("more").contains("closing quote of field 2"));
    }

    #[test]
    fn long_fields_are_cut() {
        assert_eq!(shown(b"a\tb"), "a\\tb");
        assert_eq!(shown(&[b'x'; 50]).chars().count(), 41);
        assert!(
            is_number(b"1e5")
                && is_number(b"nan")
                && !is_number(b"1,5")
                && !is_number(b"")
                && !is_number(b"\xff")
        );
    }
}

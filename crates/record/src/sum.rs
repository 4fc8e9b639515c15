//! Checksums of lines: what is read is what was written, or it is not believed.
//!
//! The last field of a line is `sum`: the CRC-32 (the one of gzip and PNG) of all that stands
//! before it, as eight hexadecimal digits.
//!
//! ```text
//! {"line":"cell","id":…,"cell":{…},"sum":"5d1fb2a0"}
//! └─────────── these bytes ───────┘
//! ```
//!
//! A flipped bit is always found, and so is any damage within four bytes; of the rest one in four
//! thousand million is not. A line without the field is read as it stands: records of before had
//! none.

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::Line;

/// What stands between the bytes and their sum.
const FIELD: &[u8] = b",\"sum\":\"";
/// What stands after it.
const END: &[u8] = b"\"}";
/// Digits of a sum.
const DIGITS: usize = 8;

/// A line as it is written: for the schema of files.
#[derive(JsonSchema)]
#[allow(dead_code)] // never made: it is the form of what `write` writes
pub struct Written {
    /// What it says.
    #[schemars(flatten)]
    line: Line,
    /// CRC-32 of all bytes of the line before the comma that stands before this field, which is the
    /// last: eight hexadecimal digits. Lines of versions 1 and 2 have none.
    #[schemars(regex(pattern = "^[0-9a-f]{8}$"))]
    sum: Option<String>,
}

/// Appends a line, an object, with its sum and its end.
///
/// # Errors
/// Where the line cannot be written as JSON.
pub fn write(line: &impl Serialize, into: &mut Vec<u8>) -> serde_json::Result<()> {
    let start = into.len();
    serde_json::to_writer(&mut *into, line)?;
    into.pop(); // the closing brace, which comes after the sum
    let sum = crc32fast::hash(&into[start..]);
    into.extend_from_slice(FIELD);
    write!(into, "{sum:08x}").map_err(serde_json::Error::io)?;
    into.extend_from_slice(END);
    into.push(b'\n');
    Ok(())
}

/// Reads a line.
///
/// # Errors
/// Where its sum does not fit, or it is no line.
pub fn read(text: &[u8]) -> Result<Line, String> {
    check(text.trim_ascii()).map_err(|Differs| ALTERED.to_string())?;
    // The sum is a field that nothing asks for.
    serde_json::from_slice(text).map_err(|e| e.to_string())
}

/// What is said of a line whose sum does not fit.
pub(crate) const ALTERED: &str = "what stands there does not fit its checksum";

/// What stands before a line's sum, without the closing brace, where the sum fits; all of it where
/// there is none.
///
/// # Errors
/// Where the sum is another one.
pub(crate) fn check(text: &[u8]) -> Result<Checked<'_>, Differs> {
    let split = || {
        let (before, field) =
            text.split_at_checked(text.len().checked_sub(FIELD.len() + DIGITS + END.len())?)?;
        Some((before, field.strip_prefix(FIELD)?.strip_suffix(END)?))
    };
    match split() {
        None => Ok(Checked::Without(text)),
        Some((before, said)) => {
            let sum = format!("{:08x}", crc32fast::hash(before));
            if said == sum.as_bytes() { Ok(Checked::Fits(before)) } else { Err(Differs) }
        }
    }
}

/// A line whose sum was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checked<'a> {
    /// It fits: what stands before it, a JSON object without its closing brace.
    Fits(&'a [u8]),
    /// There is none: the whole line.
    Without(&'a [u8]),
}

/// A line is not what was written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Differs;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_last_field_and_every_flipped_bit_is_found() {
        let mut text = Vec::new();
        write(&serde_json::json!({ "line": "x", "of": [1, 2.5, "ü"] }), &mut text).expect("JSON");
        let text = text.strip_suffix(b"\n").expect("a line");
        let value: serde_json::Value = serde_json::from_slice(text).expect("still JSON");
        assert_eq!(
            (value["of"][1].as_f64(), value["sum"].as_str().map(str::len)),
            (Some(2.5), Some(8))
        );
        let before = text.len() - FIELD.len() - DIGITS - END.len();
        assert_eq!(check(text), Ok(Checked::Fits(&text[..before])));
        for bit in 0..text.len() * 8 {
            let mut flipped = text.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match check(&flipped) {
                Err(Differs) => {}
                // The field itself is no field any more; what it was about is as it was.
                Ok(Checked::Without(all)) => assert_eq!(all[..before], text[..before]),
                Ok(Checked::Fits(_)) => panic!("bit {bit} was not missed"),
            }
        }
    }

    #[test]
    fn lines_without_a_sum_are_whole() {
        for text in [&b"{}"[..], b"", b"{\"line\":\"cell\"}", b"{\"sum\":\"00000000\"}"] {
            assert_eq!(check(text), Ok(Checked::Without(text)));
        }
    }
}

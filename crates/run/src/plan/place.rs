//! Where things stand in a manifest's text, and errors that say so.

use std::cmp::Ordering;
use std::ops::Range;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

use amdahl_record::error::{Error, Kind};

/// A value and the bytes of the text that it was read from. Comparisons look at the value alone.
#[derive(Clone, Debug, Default)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

impl<T> At<T> {
    /// `value`, read from `span`.
    pub fn new(value: T, span: Range<usize>) -> Self {
        At { value, span }
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<T: Eq> Eq for At<T> {}
impl<T: PartialOrd> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}
impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        Ok(At { span: spanned.span(), value: spanned.into_inner() })
    }
}

/// In the schema, a value with its place is the value.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A manifest's text with the name of its file.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The file, as the user named it.
    pub file: &'a Path,
    /// Its text.
    pub text: &'a str,
}

impl Text<'_> {
    /// An error at the start of `span`.
    pub fn error(&self, span: &Range<usize>, message: impl Into<String>) -> Error {
        let (line, column) = position(self.text, span.start);
        Error::new(Kind::Manifest, message).at(self.file, line, column)
    }

    /// The line of the start of `span`, from 1.
    pub fn line(&self, span: &Range<usize>) -> usize {
        position(self.text, span.start).0
    }

    /// Puts what the TOML reader found into our words: syntax errors, unknown keys and words, wrong
    /// types.
    pub fn toml_error(&self, mut error: toml::de::Error) -> Error {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().replace('\n', ", ");
        error.set_input(None);
        let shown = error.to_string();
        let key = shown
            .trim_end()
            .lines()
            .next_back()
            .and_then(|l| l.strip_prefix("in `")?.strip_suffix('`'));
        if let Some((what, given, known)) = unknown(&message) {
            let known: Vec<&str> = known.collect();
            let inside = key.map_or(String::new(), |key| format!(" in '{key}'"));
            return self
                .error(&span, format!("unknown {what} '{given}'{inside}"))
                .hint(nearest(given, &known));
        }
        let there = self.text.get(span.clone()).unwrap_or_default().trim();
        let message = match message
            .strip_prefix("invalid type: ")
            .and_then(|m| m.rsplit_once(", expected "))
        {
            Some((got, expected)) => {
                format!("expected {}, got {}", plain_type(expected), plain_value(got))
            }
            None if message == "duplicate key" => format!("'{there}' stands here a second time"),
            None if message.starts_with("string values must be quoted") && there.is_empty() => {
                "expected a value".into()
            }
            None => message.replace('`', "'"),
        };
        match key {
            Some(key) => self.error(&span, format!("{key}: {message}")),
            None => self.error(&span, message),
        }
    }
}

/// Serde's name of what was expected, in words for people.
fn plain_type(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "a table",
        section if section.starts_with("struct ") => "a section",
        other => other,
    }
}

/// Serde's name of what was found (integer `5`, string "x", map), in words for people.
fn plain_value(got: &str) -> String {
    let quoted = |start: &str| got.strip_prefix(start)?.split('`').next();
    match got {
        "map" => "a table".into(),
        "sequence" => "a list".into(),
        _ => match ["integer `", "floating point `", "boolean `"]
            .iter()
            .find_map(|start| quoted(start))
        {
            Some(value) => value.into(),
            None => match got.strip_prefix("string ") {
                Some(text) => format!("the text {text}"),
                None => got.replace('`', "'"),
            },
        },
    }
}

/// Takes serde's "unknown field `a`, expected one of `b`, `c`" apart: what it is, what was given,
/// what is known.
fn unknown(message: &str) -> Option<(&'static str, &str, impl Iterator<Item = &str>)> {
    let (what, rest) = match message.strip_prefix("unknown field `") {
        Some(rest) => ("key", rest),
        None => ("word", message.strip_prefix("unknown variant `")?),
    };
    let (given, expected) = rest.rsplit_once("`, expected ")?;
    Some((what, given, expected.split('`').skip(1).step_by(2)))
}

/// Line and column, both from 1, of the byte at `offset`. Columns count characters. An offset
/// behind the end is the end.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&b| b == b'\n').count() + 1;
    (line, before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1)
}

/// "did you mean 'x'?" when one of `known` is close to `given`, else the list of what is known.
/// Numbers are never misspelt numbers.
pub fn nearest(given: &str, known: &[&str]) -> String {
    let lower = given.to_lowercase();
    let number = given.parse::<f64>().is_ok();
    let close = known
        .iter()
        .filter(|_| !number)
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| {
            *distance <= (word.chars().count().max(3) / 3).max(1)
                || (lower.len() >= 3 && word.starts_with(&lower))
        })
        .min_by_key(|(distance, _)| *distance);
    match close {
        Some((_, word)) => format!("did you mean '{word}'?"),
        None if known.is_empty() => "there is none to choose from".into(),
        None => format!("known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "äö = 1\nx = 'é' y";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, text.find('=').expect("in the text")), (1, 4));
        assert_eq!(position(text, text.find('y').expect("in the text")), (2, 9));
        assert_eq!(position(text, 1000), (2, 10));
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a\n", 2), (2, 1));
        assert_eq!(position("ä", 1), (1, 1), "inside a character is its start");
    }

    #[test]
    fn the_nearest_word() {
        assert_eq!(nearest("rank", &["ranks", "threads"]), "did you mean 'ranks'?");
        assert_eq!(nearest("MPI", &["mpi", "threads"]), "did you mean 'mpi'?");
        assert_eq!(nearest("thraeds", &["ranks", "threads"]), "did you mean 'threads'?");
        assert_eq!(nearest("cuda", &["serial", "threads"]), "known: serial, threads");
        assert_eq!(nearest("mnist", &["digits", "mnist-t10k"]), "did you mean 'mnist-t10k'?");
    }

    #[test]
    fn the_words_of_serde_are_understood() {
        let (what, given, known) =
            unknown("unknown field `rank`, expected one of `ranks`, `threads`").expect("known");
        assert_eq!(
            (what, given, known.collect::<Vec<_>>()),
            ("key", "rank", vec!["ranks", "threads"])
        );
        let (what, _, known) = unknown("unknown variant `a`, expected `b`").expect("known");
        assert_eq!((what, known.collect::<Vec<_>>()), ("word", vec!["b"]));
        assert!(unknown("something else").is_none());
    }
}

//! Text from outside on a terminal or a page: what would steer it is shown, not obeyed.
//!
//! Titles, names of columns, what a program printed: all of it may hold control characters, which
//! terminals take for commands, and marks of direction, which put words in another order than they
//! are written in. Such a character is written as `<U+202E>`. This is done where text is printed, so
//! that no sentence can forget it.

use std::borrow::Cow;
use std::fmt::Write;

/// Is it shown by its number?
fn steers(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Marks of direction: ALM, LRM, RLM, embeddings and overrides, isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => true,
        // Ends of lines and paragraphs, annotations, tags: nobody sees them.
        '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        // Not allowed in XML.
        '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    }
}

/// The text with what would steer a terminal or a page shown as such.
pub fn visible(text: &str) -> Cow<'_, str> {
    replaced(text, |out, c, _| _ = write!(out, "<U+{:04X}>", u32::from(c)))
}

/// The same for text of ours that is styled for a terminal: the few sequences for bold and coloured
/// letters stay.
pub fn visible_beside_styles(text: &str) -> Cow<'_, str> {
    const STYLES: [&str; 5] = ["[0m", "[1m", "[2m", "[31m", "[33m"];
    replaced(text, |out, c, rest| {
        if c == '\u{1b}' && STYLES.iter().any(|style| rest.starts_with(style)) {
            out.push(c);
        } else {
            _ = write!(out, "<U+{:04X}>", u32::from(c));
        }
    })
}

/// The same for JSON, whose strings have a way to write such characters: the value stays what it is.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    replaced(json, |out, c, _| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Each character that steers as `show` writes it, which also sees what follows.
fn replaced(text: &str, show: impl Fn(&mut String, char, &str)) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for (at, c) in text.char_indices() {
        match steers(c) {
            true => show(&mut out, c, &text[at + c.len_utf8()..]),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_shown() {
        assert_eq!(visible("größer → 2\n\tZWJ \u{200d}"), "größer → 2\n\tZWJ \u{200d}");
        assert_eq!(
            visible("\u{1b}[31mred\u{1b}]0;x\u{7} \r\u{9b}2J"),
            "<U+001B>[31mred<U+001B>]0;x<U+0007> <U+000D><U+009B>2J"
        );
        assert_eq!(visible("a\u{202e}b\u{2066}c"), "a<U+202E>b<U+2066>c");
        assert_eq!(visible("\0\u{ffff}\u{e0041}"), "<U+0000><U+FFFF><U+E0041>");
    }

    #[test]
    fn our_own_styles_stay_and_no_others() {
        let ours = "\u{1b}[1mHeading\u{1b}[0m";
        assert_eq!(visible_beside_styles(ours), ours);
        assert_eq!(visible(ours), "<U+001B>[1mHeading<U+001B>[0m");
        assert_eq!(
            visible_beside_styles("\u{1b}[2J\u{1b}[31;5m\u{1b}[1"),
            "<U+001B>[2J<U+001B>[31;5m<U+001B>[1"
        );
    }

    #[test]
    fn json_says_the_same_as_before() {
        let value = serde_json::json!({ "title": "a\u{202e}b\u{1b}\u{9b}\u{e0041}" });
        let text = value.to_string();
        let shown = visible_json(&text);
        assert!(!shown.chars().any(steers), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }
}

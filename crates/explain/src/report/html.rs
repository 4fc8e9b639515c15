//! Small pieces of HTML. Whatever comes from records goes through [`escape`].

use sha2::{Digest, Sha256};

pub use crate::figure::canvas::escape;
use crate::figure::style::{FONTS, dark_rules};

/// The source that a content security policy allows for exactly this text: `'sha256-…'`.
pub fn allowed(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

/// A description of this many bytes is long.
const DESCRIPTION: usize = 2_000;

/// Attributes that say what goes without saying, or what the page's style sheet says.
const NEEDLESS: [&str; 4] =
    [" opacity=\"1\"", " stroke=\"none\" stroke-width=\"1\"", " stroke=\"none\"", " fill=\"none\""];

/// A figure's SVG as the page has it: without its own style sheet, for the page's applies; and,
/// where not `whole`, without its metadata and with a description that is cut short.
pub fn figure_svg(svg: &str, whole: bool) -> String {
    let font = format!(" font-family=\"{}\"", FONTS.replace('\'', "&apos;"));
    let mut svg = svg
        .trim_end()
        .replace(&format!("<style>{}</style>", dark_rules(".figure")), "")
        .replace(&font, "");
    for needless in NEEDLESS {
        svg = svg.replace(needless, "");
    }
    if whole {
        return svg;
    }
    if let Some((start, end)) = inside(&svg, "<metadata>", "</metadata>") {
        svg.replace_range(start - "<metadata>".len()..end + "</metadata>".len(), "");
    }
    if let Some((start, end)) = svg
        .find("<desc")
        .and_then(|at| inside(&svg[at..], ">", "</desc>").map(|(s, e)| (at + s, at + e)))
        && end - start > DESCRIPTION
    {
        // Not within a letter, nor within the name of one such as `&amp;`.
        let short: String = svg[start..end].chars().take(DESCRIPTION).collect();
        let whole_words = short.rfind(' ').unwrap_or(0);
        svg.replace_range(start + whole_words..end, " …");
    }
    svg
}

/// From where to where the text between two marks is.
fn inside(text: &str, open: &str, close: &str) -> Option<(usize, usize)> {
    let start = text.find(open)? + open.len();
    Some((start, start + text[start..].find(close)?))
}

/// Base 64 (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for i in 0..4 {
            text.push(if i <= chunk.len() {
                DIGITS[(group >> (18 - 6 * i) & 63) as usize] as char
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_without_what_programs_read() {
        let words = "one &amp; two ".repeat(400);
        let svg = format!(
            "<svg><title>t</title><desc id=\"d\">{words}</desc><metadata>{{}}</metadata><g/></svg>\n"
        );
        assert_eq!(figure_svg(&svg, true), svg.trim_end());
        let short = figure_svg(&svg, false);
        assert!(
            short.len() < DESCRIPTION + 100
                && !short.contains("metadata")
                && short.contains(" …</desc><g/>"),
            "{short}"
        );
    }

    #[test]
    fn base64_of_the_standard() {
        // RFC 4648, section 10.
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }
}

//! Looks at a figure's SVG as a reader does: is every text on the sheet, and does none lie over
//! another?

use amdahl_explain::figure::style;
use amdahl_explain::figure::style::{Font, INK};

/// A text of a figure, with the rectangle that it takes, CSS pixels.
struct Text {
    words: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// Drawn this many times larger than shown.
const SCALE: f64 = 4.0;

fn attribute<'s>(tag: &'s str, name: &str) -> &'s str {
    let start = tag.find(&format!(" {name}=\"")).map_or(tag.len(), |at| at + name.len() + 3);
    tag[start..].split('"').next().unwrap_or("")
}

fn number(tag: &str, name: &str) -> f64 {
    attribute(tag, name).parse::<f64>().unwrap_or(f64::NAN) / SCALE
}

/// Every text of a figure.
fn texts(svg: &str) -> Vec<Text> {
    let mut texts = Vec::new();
    for part in svg.split("<text").skip(1) {
        let (tag, rest) = part.split_once('>').expect("a tag ends");
        let words = rest.split("</text>").next().unwrap_or("").trim();
        let plain = ["&lt;", "&gt;", "&quot;", "&apos;", "&amp;"]
            .iter()
            .fold(words.to_string(), |w, e| w.replace(e, "x"));
        let (x, y, size) = (number(tag, "x"), number(tag, "y"), number(tag, "font-size"));
        let font = Font { size, colour: INK, bold: attribute(tag, "font-weight") == "bold" };
        let wide = style::width(&plain, font);
        let before = match attribute(tag, "text-anchor") {
            "middle" => wide / 2.0,
            "end" => wide,
            _ => 0.0,
        };
        // Letters reach about three quarters of the size up and a quarter down from the line they
        // stand on.
        let high = size * 0.9;
        let (left, top, right, bottom) = match attribute(tag, "transform").starts_with("rotate") {
            true => (x - high / 2.0, y - wide / 2.0, x + high / 2.0, y + wide / 2.0),
            false => (x - before, y - high / 2.0, x - before + wide, y + high / 2.0),
        };
        if !words.is_empty() {
            texts.push(Text { words: words.into(), left, top, right, bottom });
        }
    }
    texts
}

/// Complains of a text beyond the sheet's edge and of texts that overlap by more than a pixel and a
/// half.
#[track_caller]
pub fn check(what: &str, svg: &str) {
    let complaints = complaints(svg);
    assert!(complaints.is_empty(), "{what}: {}", complaints.join("; "));
}

fn complaints(svg: &str) -> Vec<String> {
    let size: Vec<f64> = attribute(svg, "viewBox")
        .split(' ')
        .map(|n| n.parse::<f64>().expect("a number") / SCALE)
        .collect();
    let (width, height) = (size[2], size[3]);
    let texts = texts(svg);
    let mut found = Vec::new();
    for text in &texts {
        let Text { words, left, top, right, bottom } = text;
        if ![left, top, right, bottom].iter().all(|v| v.is_finite()) {
            found.push(format!("'{words}' lies nowhere"));
        }
        if *left < -1.0 || *top < -1.0 || *right > width + 1.0 || *bottom > height + 1.0 {
            found.push(format!(
                "'{words}' leaves the sheet ({left:.0} to {right:.0} of {width}, {top:.0} to {bottom:.0} of {height})"
            ));
        }
    }
    for (i, a) in texts.iter().enumerate() {
        for b in &texts[..i] {
            let across = a.right.min(b.right) - a.left.max(b.left);
            let down = a.bottom.min(b.bottom) - a.top.max(b.top);
            if across > 1.5 && down > 1.5 {
                found.push(format!(
                    "'{}' and '{}' overlap by {across:.0} × {down:.0}",
                    a.words, b.words
                ));
            }
        }
    }
    found
}

#[test]
fn the_check_sees_what_a_reader_sees() {
    let figure = |texts: &str| {
        format!(
            "<svg viewBox=\"0 0 400 200\"><text x=\"0\" y=\"40\" font-size=\"48\">\nfirst\n</text>{texts}</svg>"
        )
    };
    let at = |x: i32, y: i32| {
        figure(&format!("<text x=\"{x}\" y=\"{y}\" font-size=\"48\">\nsecond\n</text>"))
    };
    assert!(complaints(&figure("")).is_empty());
    assert!(complaints(&at(0, 120)).is_empty(), "below");
    assert_eq!(complaints(&at(20, 60)).len(), 1, "over the first");
    assert_eq!(complaints(&at(350, 120)).len(), 1, "beyond the right edge");
    assert_eq!(complaints(&at(0, 199)).len(), 1, "beyond the lower edge");
}

//! Small pieces of HTML. Whatever comes from records goes through [`escape`].

use sha2::{Digest, Sha256};

pub use crate::explain::figure::style::escape;

/// A column of a table: its title and the class of its cells.
pub type Column = (&'static str, &'static str);

/// A row: its class, and its cells, already escaped. The first is the row's header.
pub struct Row {
    /// Class of the row; empty for none.
    pub class: &'static str,
    /// Cells as HTML.
    pub cells: Vec<String>,
}

/// A table with a caption, in a box that scrolls where it is wider than the page.
pub fn table(caption: &str, columns: &[Column], rows: &[Row]) -> String {
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table><caption>{0}</caption>\n<thead><tr>",
        escape(caption)
    );
    for (title, class) in columns {
        html.push_str(&format!("<th scope=\"col\"{}>{}</th>", of_class(class), escape(title)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.push_str(&format!("<tr{}>", of_class(row.class)));
        for (i, cell) in row.cells.iter().enumerate() {
            let class = of_class(columns.get(i).map_or("", |c| c.1));
            match i {
                0 => html.push_str(&format!("<th scope=\"row\"{class}>{cell}</th>")),
                _ => html.push_str(&format!("<td{class}>{cell}</td>")),
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// A table of names and values, already escaped.
pub fn facts(caption: &str, rows: &[(String, String)]) -> String {
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table class=\"facts\"><caption>{0}</caption>\n<tbody>\n",
        escape(caption)
    );
    for (name, value) in rows {
        html.push_str(&format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n"));
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn of_class(class: &str) -> String {
    if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") }
}

/// The source that a content security policy allows for exactly this text: `'sha256-…'`.
pub fn allowed(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            text.push(if i <= chunk.len() { DIGITS[(group >> (18 - 6 * i) & 63) as usize] as char } else { '=' });
        }
    }
    text
}

/// A Unix time in milliseconds as `2026-01-31 23:59 UTC`, by the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date
/// algorithms", civil_from_days).
pub fn date(unix_ms: u64) -> String {
    let minutes = unix_ms / 60_000;
    let days = (minutes / 1440) as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60 % 24, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_standard() {
        // RFC 4648, section 10.
        for (text, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400_000), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_700_000_000_000), "2023-11-14 22:13 UTC");
        assert!(date(u64::MAX).ends_with("UTC"));
    }

    #[test]
    fn tables_are_semantic_and_escaped() {
        let rows = [Row { class: "failed", cells: vec![escape("<a>"), "1".into()] }];
        let html = table("A & B", &[("name", ""), ("value", "number")], &rows);
        assert!(html.contains("<caption>A &amp; B</caption>"));
        assert!(html.contains("<tr class=\"failed\"><th scope=\"row\">&lt;a&gt;</th><td class=\"number\">1</td></tr>"));
    }
}

//! Tables as text: for a terminal, as Markdown, CSV and JSON.

use crate::relations::{Column, Relation, Values};
use crate::table::{Align, Table};
use amdahl_record::error::{Error, Result};

/// For a terminal: aligned columns, numbers with six digits.
pub fn text(relation: &Relation) -> String {
    rounded(relation).text().iter().map(|line| format!("{line}\n")).collect()
}

/// As Markdown, numbers with six digits.
pub fn markdown(relation: &Relation) -> String {
    rounded(relation).markdown()
}

/// As CSV with a header; an empty field means missing. Nothing is rounded.
///
/// # Errors
/// Internal, when it cannot be written.
pub fn csv(relation: &Relation) -> Result<String> {
    let broken =
        |error: &dyn std::fmt::Display| Error::internal(format!("cannot write CSV: {error}"));
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let names = relation.columns.iter().map(|column| column.name.as_bytes());
    writer.write_record(names).map_err(|e| broken(&e))?;
    for row in 0..relation.height() {
        let fields = relation.columns.iter().map(|column| whole(column, row).unwrap_or_default());
        writer.write_record(fields).map_err(|e| broken(&e))?;
    }
    let bytes = writer.into_inner().map_err(|e| broken(&e))?;
    String::from_utf8(bytes).map_err(|e| broken(&e))
}

/// As JSON: an array with an object a row, columns in their order. Nothing is rounded.
///
/// # Errors
/// Internal, when it cannot be written.
pub fn json(relation: &Relation) -> Result<String> {
    let broken = |e: serde_json::Error| Error::internal(format!("cannot write JSON: {e}"));
    let names = relation.columns.iter().map(|column| serde_json::to_string(&column.name));
    let names = names.collect::<std::result::Result<Vec<_>, _>>().map_err(broken)?;
    let mut rows = Vec::with_capacity(relation.height());
    for row in 0..relation.height() {
        let fields = relation.columns.iter().zip(&names).map(|(column, name)| {
            let value = match &column.values {
                Values::Text(values) => serde_json::to_string(&values[row]),
                Values::Whole(values) => serde_json::to_string(&values[row]),
                // What is not finite becomes null.
                Values::Number(values) => serde_json::to_string(&values[row]),
                Values::Truth(values) => serde_json::to_string(&values[row]),
            };
            value.map(|value| format!("{name}: {value}"))
        });
        let fields = fields.collect::<std::result::Result<Vec<_>, _>>().map_err(broken)?;
        rows.push(format!("  {{{}}}", fields.join(", ")));
    }
    Ok(match rows.is_empty() {
        true => "[]\n".into(),
        false => format!("[\n{}\n]\n", rows.join(",\n")),
    })
}

fn rounded(relation: &Relation) -> Table {
    let align = |column: &Column| match column.values {
        Values::Whole(_) | Values::Number(_) => Align::Right,
        Values::Text(_) | Values::Truth(_) => Align::Left,
    };
    let titles: Vec<(&str, Align)> =
        relation.columns.iter().map(|column| (&*column.name, align(column))).collect();
    let mut table = Table::new(&titles);
    for row in 0..relation.height() {
        let field = |column: &Column| match &column.values {
            Values::Number(values) => values[row].map(six_digits),
            Values::Text(values) => {
                values[row].as_ref().map(|text| text.replace(char::is_control, " "))
            }
            _ => whole(column, row),
        };
        let fields = relation.columns.iter().map(|column| field(column).unwrap_or_default());
        table.row(fields.collect());
    }
    table
}

/// A value in full.
fn whole(column: &Column, row: usize) -> Option<String> {
    match &column.values {
        Values::Text(values) => values[row].clone(),
        Values::Whole(values) => values[row].map(|value| value.to_string()),
        Values::Number(values) => values[row].map(|value| value.to_string()),
        Values::Truth(values) => values[row].map(|value| value.to_string()),
    }
}

/// A number with at most six digits that matter.
fn six_digits(value: f64) -> String {
    let short = format!("{value:.5e}").parse().unwrap_or(value);
    match short.abs() {
        size if size != 0.0 && !(1e-4..1e15).contains(&size) => format!("{short:e}"),
        _ => format!("{short}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation() -> Relation {
        let column = |name: &'static str, values| Column { name: name.into(), about: "", values };
        Relation {
            columns: vec![
                column("what", Values::Text(vec![Some("a, \"b\"\n".into()), None])),
                column("n", Values::Whole(vec![Some(3), None])),
                column("s", Values::Number(vec![Some(1.0 / 3.0), None])),
                column("good", Values::Truth(vec![Some(true), None])),
            ],
        }
    }

    #[test]
    fn every_format_has_every_value_and_nothing_for_a_missing_one() {
        assert_eq!(
            text(&relation()),
            "what     n         s  good\na, \"b\"   3  0.333333  true\n\n"
        );
        assert_eq!(
            markdown(&relation()),
            "| what | n | s | good |\n| --- | ---: | ---: | --- |\n| a, \"b\"  | 3 | 0.333333 | true |\n\
             |  |  |  |  |\n"
        );
        assert_eq!(
            csv(&relation()).expect("CSV"),
            "what,n,s,good\n\"a, \"\"b\"\"\n\",3,0.3333333333333333,true\n,,,\n"
        );
        let json: serde_json::Value =
            serde_json::from_str(&json(&relation()).expect("JSON")).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!([
                {"what": "a, \"b\"\n", "n": 3, "s": 1.0 / 3.0, "good": true},
                {"what": null, "n": null, "s": null, "good": null}
            ])
        );
        assert_eq!(super::json(&Relation::default()).expect("JSON"), "[]\n");
    }

    #[test]
    fn numbers_are_short_but_never_zero() {
        assert_eq!(six_digits(1234567.0), "1234570");
        assert_eq!(six_digits(0.0001234567), "0.000123457");
        assert_eq!(six_digits(1.5e-9), "1.5e-9");
        assert_eq!(six_digits(-0.25), "-0.25");
        assert_eq!(six_digits(0.0), "0");
    }
}

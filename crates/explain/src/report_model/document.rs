//! The words and tables of a document, apart from how they look: what the page, the report and the
//! poster are made from.
//!
//! All text is plain: whoever renders it sets it as text and never reads it as markup.

use serde::Serialize;

use crate::table::Align;

/// A part of the document with a heading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Short name, for links: letters and `-`.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Does it belong to the appendix of a printed report?
    pub appendix: bool,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Block {
    /// A paragraph.
    Text {
        /// What it says.
        text: String,
        /// How loud.
        tone: Tone,
    },
    /// A heading below the section's.
    Heading {
        /// What it says.
        text: String,
    },
    /// Points of equal rank.
    List {
        /// The points.
        items: Vec<Item>,
    },
    /// Lines to type, or a file.
    Code {
        /// The lines.
        text: String,
    },
    /// A table.
    Table(Table),
    /// Names with their values.
    Properties {
        /// Its heading.
        caption: String,
        /// The rows.
        rows: Vec<Property>,
    },
    /// The figure of that name.
    Figure {
        /// Its name.
        name: String,
    },
}

/// How loud a paragraph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// What the reader came for.
    Lead,
    /// As usual.
    Plain,
    /// A remark.
    Note,
}

/// A point of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// What it says.
    pub text: String,
    /// A remark to it, such as what to do.
    pub note: Option<String>,
}

/// A name with its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Property {
    /// The name.
    pub name: String,
    /// The value; null where it is not known.
    pub value: Option<String>,
}

/// A table of text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// Its heading.
    pub caption: String,
    /// The columns, the first being the rows' headers.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its title.
    pub title: String,
    /// What stands in it.
    pub kind: Kind,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Words that may be broken into lines.
    Words,
    /// Words that belong on one line.
    Range,
    /// A number.
    Number,
}

impl From<Align> for Kind {
    fn from(align: Align) -> Kind {
        match align {
            Align::Left => Kind::Range,
            Align::Right => Kind::Number,
        }
    }
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What sets it apart.
    pub class: Class,
    /// The cells; empty where there is nothing to say.
    pub cells: Vec<String>,
}

/// What sets a row apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Nothing.
    #[default]
    Plain,
    /// It has no result.
    Failed,
    /// Others refer to it.
    Base,
}

impl Table {
    /// A table without rows.
    pub fn new(caption: impl Into<String>, columns: &[(&str, Kind)]) -> Table {
        let columns = columns
            .iter()
            .map(|(title, kind)| Column { title: title.to_string(), kind: *kind })
            .collect();
        Table { caption: caption.into(), columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, class: Class, cells: Vec<String>) {
        self.rows.push(Row { class, cells });
    }

    /// Leaves out columns that are empty in every row.
    pub fn without_empty_columns(mut self) -> Table {
        for i in (1..self.columns.len()).rev() {
            if self.rows.iter().all(|row| row.cells.get(i).is_none_or(String::is_empty)) {
                self.columns.remove(i);
                for row in self.rows.iter_mut().filter(|row| row.cells.len() > i) {
                    row.cells.remove(i);
                }
            }
        }
        self
    }
}

impl Section {
    /// A section without anything in it.
    pub fn new(id: &str, title: &str) -> Section {
        Section { id: id.into(), title: title.into(), appendix: false, blocks: Vec::new() }
    }

    /// The same in the appendix.
    pub fn in_appendix(mut self) -> Section {
        self.appendix = true;
        self
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text { text: text.into(), tone: Tone::Plain });
    }

    /// Adds a remark.
    pub fn note(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text { text: text.into(), tone: Tone::Note });
    }

    /// Adds points of equal rank.
    pub fn list(&mut self, items: impl IntoIterator<Item = String>) {
        let items = items.into_iter().map(|text| Item { text, note: None }).collect();
        self.blocks.push(Block::List { items });
    }

    /// Adds a table, where it has rows.
    pub fn table(&mut self, table: Table) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }

    /// Adds names with their values.
    pub fn properties(&mut self, caption: &str, rows: Vec<Property>) {
        self.blocks.push(Block::Properties { caption: caption.into(), rows });
    }
}

/// A name with a value that is known.
pub fn known(name: &str, value: impl ToString) -> Property {
    Property { name: name.into(), value: Some(value.to_string()) }
}

/// A name with a value that may not be known.
pub fn perhaps<T: ToString>(name: &str, value: Option<T>) -> Property {
    Property { name: name.into(), value: value.map(|value| value.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_columns_are_left_out_but_the_header() {
        let mut table =
            Table::new("t", &[("a", Kind::Words), ("b", Kind::Number), ("c", Kind::Number)]);
        table.row(Class::Plain, vec![String::new(), String::new(), "1".into()]);
        table.row(Class::Failed, vec!["x".into()]);
        let table = table.without_empty_columns();
        assert_eq!(table.columns.iter().map(|c| c.title.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(table.rows[0].cells, ["", "1"]);
    }

    #[test]
    fn blocks_say_their_kind() {
        let json =
            serde_json::to_value(Block::Text { text: "x".into(), tone: Tone::Note }).expect("json");
        assert_eq!(json, serde_json::json!({"kind": "text", "text": "x", "tone": "note"}));
        let table = Block::Table(Table::new("t", &[("a", Kind::Words)]));
        assert_eq!(serde_json::to_value(table).expect("json")["kind"], "table");
    }
}

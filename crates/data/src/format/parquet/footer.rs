//! What a Parquet file says about itself at its end: columns, row groups, and where the pieces of a
//! column are.
//!
//! Definitions:
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use super::codec::Codec;
use super::thrift::{Damage, Kind, Read, Reader};
use crate::packed::Element;

/// What a file's footer says.
#[derive(Debug, Default)]
pub struct Footer {
    /// The leaves of the schema, in their order.
    pub columns: Vec<Column>,
    /// The row of the file that each row group begins with, and the number of rows at the end.
    pub starts: Vec<u64>,
    /// A chunk for each row group and column: those of the first row group first.
    pub chunks: Vec<Chunk>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; of a nested one that of the outermost.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
    /// May values be missing?
    pub optional: bool,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Truth values, one bit each.
    Truth,
    /// Numbers.
    Numbers(Element),
    /// Texts.
    Texts,
    /// What is not read, in words.
    Other(&'static str),
}

/// The part of a column in one row group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its first byte in the file.
    pub offset: u64,
    /// Its bytes.
    pub bytes: u64,
    /// How its pages are compressed.
    pub codec: Codec,
}

impl Footer {
    /// Reads a footer. `end` is where the data before it ends: no chunk may reach beyond it.
    pub fn read(bytes: &[u8], end: u64) -> Read<Footer> {
        let mut footer = Footer { starts: vec![0], ..Footer::default() };
        let (mut rows, mut has_schema) = (None, false);
        Reader::new(bytes).structure(|r, field, kind| {
            match field {
                2 => {
                    footer.columns = schema(r, kind)?;
                    has_schema = true;
                }
                3 => rows = Some(r.integer(kind)?),
                4 if has_schema => {
                    r.list(kind, |r, kind| {
                        let count = row_group(r, kind, end, &mut footer)?;
                        let start = footer.starts.last().and_then(|start| start.checked_add(count));
                        footer
                            .starts
                            .push(start.ok_or(Damage::Wrong("more rows than 64 bits can count"))?);
                        Ok(())
                    })?;
                }
                4 => return Err(Damage::Wrong("row groups before the schema")),
                8 => return Err(Damage::Wrong("the columns are encrypted")),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        if !has_schema {
            return Err(Damage::Wrong("no schema"));
        }
        if rows.and_then(|rows| u64::try_from(rows).ok()) != footer.starts.last().copied() {
            return Err(Damage::Wrong(
                "the rows of the row groups do not add up to the rows of the file",
            ));
        }
        Ok(footer)
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The row group that holds `row`.
    pub fn group_of(&self, row: u64) -> usize {
        self.starts.partition_point(|&start| start <= row).saturating_sub(1)
    }

    /// The chunk of a column in a row group.
    pub fn chunk(&self, group: usize, column: usize) -> Chunk {
        self.chunks[group * self.columns.len() + column]
    }
}

/// A node of the schema.
#[derive(Default)]
struct Node<'a> {
    physical: Option<i64>,
    repetition: i64,
    name: &'a [u8],
    children: u64,
    converted: Option<i64>,
    logical: Option<Logical>,
}

#[derive(Clone, Copy)]
enum Logical {
    Integer { signed: bool },
    Other(i16),
}

/// The leaves of the schema, which lists its nodes each before its children.
fn schema(r: &mut Reader<'_>, kind: Kind) -> Read<Vec<Column>> {
    let mut columns = Vec::new();
    let mut at_root = true;
    // Nodes that are still to come below the current child of the root, and that child's name.
    let (mut open, mut outer) = (0u64, String::new());
    r.list(kind, |r, kind| {
        let node = node(r, kind)?;
        if std::mem::take(&mut at_root) {
            return Ok(());
        }
        let nested = open > 0;
        if !nested {
            outer = String::from_utf8_lossy(node.name).into_owned();
        }
        open = (open.saturating_sub(1))
            .checked_add(node.children)
            .ok_or(Damage::Wrong("the tree of the schema"))?;
        if node.children == 0 {
            let holds = if nested || node.repetition == 2 {
                Holds::Other("nested values")
            } else {
                holds(&node)?
            };
            columns.push(Column { name: outer.clone(), holds, optional: node.repetition == 1 });
        }
        Ok(())
    })?;
    if open > 0 || columns.is_empty() {
        return Err(Damage::Wrong("the tree of the schema"));
    }
    Ok(columns)
}

fn node<'a>(r: &mut Reader<'a>, kind: Kind) -> Read<Node<'a>> {
    Reader::expect_structure(kind)?;
    let mut node = Node::default();
    r.structure(|r, field, kind| {
        match field {
            1 => node.physical = Some(r.integer(kind)?),
            3 => node.repetition = r.integer(kind)?,
            4 => node.name = r.bytes(kind)?,
            5 => {
                node.children = r
                    .integer(kind)?
                    .try_into()
                    .map_err(|_| Damage::Wrong("the tree of the schema"))?
            }
            6 => node.converted = Some(r.integer(kind)?),
            10 => node.logical = logical(r, kind)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(node)
}

fn logical(r: &mut Reader<'_>, kind: Kind) -> Read<Option<Logical>> {
    Reader::expect_structure(kind)?;
    let mut found = None;
    r.structure(|r, which, kind| {
        found = Some(Logical::Other(which));
        if which != 10 {
            return Ok(false);
        }
        Reader::expect_structure(kind)?;
        let mut signed = true;
        r.structure(|r, field, kind| {
            if field == 2 {
                signed = r.boolean(kind)?;
            }
            Ok(field == 2)
        })?;
        found = Some(Logical::Integer { signed });
        Ok(true)
    })?;
    Ok(found)
}

fn holds(node: &Node<'_>) -> Read<Holds> {
    // The newer annotation counts where there are both.
    let meaning = match (node.logical, node.converted) {
        (Some(Logical::Integer { signed }), _) => Some(signed),
        (Some(Logical::Other(which)), _) => return Ok(annotated(node, which)),
        (None, Some(11..=14)) => Some(false),
        (None, Some(15..=18)) => Some(true),
        (None, Some(0)) => return Ok(annotated(node, 1)),
        (None, Some(4)) => return Ok(annotated(node, 4)),
        (None, Some(5)) => return Ok(annotated(node, 5)),
        (None, Some(6)) => return Ok(annotated(node, 6)),
        (None, Some(7 | 8)) => return Ok(annotated(node, 7)),
        (None, Some(9 | 10)) => return Ok(annotated(node, 8)),
        (None, Some(_)) => return Ok(annotated(node, 0)),
        (None, None) => None,
    };
    Ok(match (node.physical, meaning) {
        (Some(0), _) => Holds::Truth,
        (Some(1), Some(false)) => Holds::Numbers(Element::U32),
        (Some(1), _) => Holds::Numbers(Element::I32),
        (Some(2), Some(false)) => Holds::Numbers(Element::U64),
        (Some(2), _) => Holds::Numbers(Element::I64),
        (Some(3), _) => Holds::Other("times"),
        (Some(4), _) => Holds::Numbers(Element::F32),
        (Some(5), _) => Holds::Numbers(Element::F64),
        (Some(6), _) => Holds::Texts,
        (Some(7), _) => Holds::Other("bytes"),
        _ => return Err(Damage::Wrong("a column of an unknown type")),
    })
}

/// What a column with a logical type holds; the numbers are those of the union `LogicalType`.
fn annotated(node: &Node<'_>, which: i16) -> Holds {
    match which {
        1 | 4 | 12 if node.physical == Some(6) => Holds::Texts,
        5 => Holds::Other("decimals"),
        6 => Holds::Other("dates"),
        7 | 8 => Holds::Other("times"),
        11 => Holds::Other("nothing but missing values"),
        14 => Holds::Other("UUIDs"),
        15 => Holds::Other("half-precision floats"),
        _ => Holds::Other("values of an unknown meaning"),
    }
}

/// Reads a row group into the footer and returns its rows.
fn row_group(r: &mut Reader<'_>, kind: Kind, end: u64, footer: &mut Footer) -> Read<u64> {
    Reader::expect_structure(kind)?;
    let before = footer.chunks.len();
    let (mut rows, mut values) = (None, None);
    r.structure(|r, field, kind| {
        match field {
            1 => r.list(kind, |r, kind| {
                let column = footer.chunks.len() - before;
                let Some(column) = footer.columns.get(column) else {
                    return Err(Damage::Wrong("a row group with too many columns"));
                };
                let (chunk, count) = chunk(r, kind, end)?;
                footer.chunks.push(chunk);
                // A nested column has as many values as it likes.
                if column.holds != Holds::Other("nested values") {
                    if values.is_some_and(|others| others != count) {
                        return Err(Damage::Wrong("a row group whose columns differ in length"));
                    }
                    values = Some(count);
                }
                Ok(())
            })?,
            3 => rows = Some(r.integer(kind)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if footer.chunks.len() - before != footer.columns.len() {
        return Err(Damage::Wrong("a row group with too few columns"));
    }
    let rows = rows.ok_or(Damage::Wrong("a row group without its number of rows"))?;
    if values.is_some_and(|values| values != rows) {
        return Err(Damage::Wrong(
            "a row group whose columns have another number of values than it has rows",
        ));
    }
    u64::try_from(rows).map_err(|_| Damage::Wrong("a row group of less than 0 rows"))
}

/// Reads where a chunk is, and its number of values.
fn chunk(r: &mut Reader<'_>, kind: Kind, end: u64) -> Read<(Chunk, i64)> {
    Reader::expect_structure(kind)?;
    let (mut codec, mut values, mut bytes, mut data, mut dictionary) =
        (None, None, None, None, None);
    let mut elsewhere = false;
    r.structure(|r, field, kind| match field {
        1 => {
            elsewhere = !r.bytes(kind)?.is_empty();
            Ok(true)
        }
        3 => {
            Reader::expect_structure(kind)?;
            r.structure(|r, field, kind| {
                match field {
                    4 => codec = Some(Codec::from_number(r.integer(kind)?)),
                    5 => values = Some(r.integer(kind)?),
                    7 => bytes = Some(r.integer(kind)?),
                    9 => data = Some(r.integer(kind)?),
                    11 => dictionary = Some(r.integer(kind)?),
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
            Ok(true)
        }
        8 => Err(Damage::Wrong("the columns are encrypted")),
        _ => Ok(false),
    })?;
    if elsewhere {
        return Err(Damage::Wrong("the columns are in other files"));
    }
    let (Some(codec), Some(values), Some(bytes), Some(data)) = (codec, values, bytes, data) else {
        return Err(Damage::Wrong("a column without its codec, values, size or place"));
    };
    // Some writers put 0 where there is no dictionary.
    let offset = dictionary.filter(|&first| first > 0 && first < data).unwrap_or(data);
    let (Ok(offset), Ok(bytes)) = (u64::try_from(offset), u64::try_from(bytes)) else {
        return Err(Damage::Wrong("a column that begins or ends before the file"));
    };
    if offset.checked_add(bytes).is_none_or(|last| last > end) {
        return Err(Damage::Wrong("a column that ends after the file's data"));
    }
    Ok((Chunk { offset, bytes, codec }, values))
}

//! The end of a Parquet file: its columns, its row groups, and where the pieces of a column are.
//!
//! Definitions: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use std::fs::File;

use crate::codec::Codec;
use crate::number::Number;
use crate::thrift::{Damage, Kind, Read, Reader};
use crate::{Fault, Result, bytes, types};

/// The first four bytes of a file, and the last.
pub const MAGIC: &[u8] = b"PAR1";

/// More values than these for each byte of the file are not believed: a column of equal values has
/// some ten thousand.
const MOST_VALUES: u64 = 1 << 16;

/// A file's footer.
#[derive(Debug, Default)]
pub struct Footer {
    /// The leaves of the schema, in their order.
    pub columns: Vec<Column>,
    /// The row of the file that each row group begins with, and the number of rows at the end.
    pub starts: Vec<u64>,
    /// What pandas noted about its table, as JSON.
    pub pandas: Option<String>,
    /// A chunk for each row group and column: those of the first row group first.
    chunks: Vec<Chunk>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; of a nested one that of the outermost.
    pub name: String,
    /// Its values.
    pub holds: Holds,
    /// Has each row a list of values, not one?
    pub is_list: bool,
    /// The definition level of a value that is there: how many of the nodes down to it may be
    /// missing, or are lists.
    pub definition: u32,
}

/// The values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Truth values, one bit each.
    Truth,
    /// Numbers.
    Numbers(Number),
    /// Days or times as numbers of a unit since midnight or 1970, and which of them in words.
    Moments(Number, &'static str),
    /// Texts.
    Texts,
    /// Lists of lists or texts, maps or structures: neither a value for each row nor a vector of them.
    Nested,
    /// Values that are not read, in words.
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
    /// Its values; of lists, the values of all of them (a list without any counts as one).
    pub values: u64,
}

impl Footer {
    /// Reads the footer of a file of `length` bytes that begins with [`MAGIC`], and sees that it can
    /// be true.
    pub fn open(file: &File, length: u64) -> Result<Footer> {
        let truncated = |what: String| {
            Fault::wrong(what).with_hint(
                "it was not written or copied to its end: its footer, which says where all is, stands last",
            )
        };
        // Magic number, footer, length of the footer, magic number.
        if length < 12 {
            let what =
                format!("a Parquet file has 12 bytes at least, this one {length}: it is truncated");
            return Err(truncated(what));
        }
        let end = bytes(file, length - 8, 8)?;
        if &end[4..] != MAGIC {
            return Err(truncated("the file does not end with PAR1: it is truncated".into()));
        }
        let size = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
        if size > length - 12 {
            return Err(Fault::wrong(format!(
                "the footer says it is {size} bytes long, the file has {length}: it is damaged"
            )));
        }
        let start = length - 8 - size;
        let text = bytes(file, start, size as usize)?;
        let footer = Footer::read(&text, start).map_err(|damage| {
            let what = match damage {
                Damage::End => "it ends early",
                Damage::Wrong(what) => what,
            };
            Fault::wrong(format!("the footer cannot be read: {what}"))
        })?;
        let (rows, columns) = (footer.rows(), footer.columns.len() as u64);
        if rows == 0 {
            return Err(Fault::wrong("the file has 0 rows"));
        }
        if rows.checked_mul(columns).is_none_or(|values| values / MOST_VALUES > length) {
            let what = format!(
                "the footer says {rows} rows of {columns} columns, more than {length} bytes can hold"
            );
            return Err(Fault::wrong(what).with_hint("the file is damaged: write it again"));
        }
        if let Some(chunk) = footer.chunks.iter().find(|chunk| chunk.values / MOST_VALUES > length)
        {
            let what = format!(
                "the footer says {} values of a column, more than {length} bytes can hold",
                chunk.values
            );
            return Err(Fault::wrong(what).with_hint("the file is damaged: write it again"));
        }
        Ok(footer)
    }

    /// Reads a footer. The data before it ends at `end`: no chunk may reach beyond it.
    fn read(bytes: &[u8], end: u64) -> Read<Footer> {
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
                5 => r.list(kind, |r, kind| {
                    if let Some(pandas) = pandas_note(r, kind)? {
                        footer.pandas = Some(pandas);
                    }
                    Ok(())
                })?,
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

    /// Number of row groups.
    pub fn groups(&self) -> usize {
        self.starts.len() - 1
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

/// The value of an entry of metadata whose key is `pandas`.
fn pandas_note(r: &mut Reader<'_>, kind: Kind) -> Read<Option<String>> {
    Reader::expect_structure(kind)?;
    let (mut key, mut value) = (&b""[..], &b""[..]);
    r.structure(|r, field, kind| {
        match field {
            1 => key = r.bytes(kind)?,
            2 => value = r.bytes(kind)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok((key == b"pandas").then(|| String::from_utf8_lossy(value).into_owned()))
}

/// A node of the schema.
#[derive(Default)]
struct Node<'a> {
    physical: Option<i64>,
    /// Bytes of a value of fixed length.
    length: i64,
    repetition: i64,
    name: &'a [u8],
    children: u64,
    converted: Option<i64>,
    scale: i64,
    logical: Option<Logical>,
}

/// An annotation, by its number in the union `LogicalType`.
#[derive(Clone, Copy)]
enum Logical {
    Integer { signed: bool },
    Decimal { scale: i64 },
    Other(i16),
}

/// The leaves of the schema, which lists its nodes each before its children.
fn schema(r: &mut Reader<'_>, kind: Kind) -> Read<Vec<Column>> {
    let mut columns = Vec::new();
    let mut at_root = true;
    // The child of the root that we are in: its name, whether it is a chain of nodes down to a single
    // leaf, and the levels so far. Nodes that are still to come below it are counted, not stacked.
    let mut outer = Outer::default();
    r.list(kind, |r, kind| {
        let node = node(r, kind)?;
        if std::mem::take(&mut at_root) {
            return Ok(());
        }
        let is_nested = outer.open > 0;
        if !is_nested {
            let name = String::from_utf8_lossy(node.name).into_owned();
            outer = Outer { name, is_chain: true, ..Outer::default() };
        }
        outer.is_chain &= node.children <= 1;
        outer.repetition += u32::from(node.repetition == 2);
        outer.definition += u32::from(node.repetition != 0);
        let below = outer.open.saturating_sub(1).checked_add(node.children);
        outer.open = below.ok_or(Damage::Wrong("the tree of the schema"))?;
        if node.children == 0 {
            let is_list = outer.is_chain && outer.repetition == 1;
            let holds = match (is_list, is_nested) {
                (true, _) => match holds(&node)? {
                    numbers @ (Holds::Truth | Holds::Numbers(_)) => numbers,
                    _ => Holds::Nested,
                },
                (false, true) => Holds::Nested,
                (false, false) => holds(&node)?,
            };
            let (name, definition) = (outer.name.clone(), outer.definition);
            columns.push(Column { name, holds, is_list, definition });
        }
        Ok(())
    })?;
    if outer.open > 0 || columns.is_empty() {
        return Err(Damage::Wrong("the tree of the schema"));
    }
    Ok(columns)
}

/// Where in the schema we are.
#[derive(Default)]
struct Outer {
    name: String,
    /// Nodes that are still to come below the current child of the root.
    open: u64,
    is_chain: bool,
    repetition: u32,
    definition: u32,
}

fn node<'a>(r: &mut Reader<'a>, kind: Kind) -> Read<Node<'a>> {
    Reader::expect_structure(kind)?;
    let mut node = Node::default();
    r.structure(|r, field, kind| {
        match field {
            1 => node.physical = Some(r.integer(kind)?),
            2 => node.length = r.integer(kind)?,
            3 => node.repetition = r.integer(kind)?,
            4 => node.name = r.bytes(kind)?,
            5 => {
                let children = r.integer(kind)?.try_into();
                node.children = children.map_err(|_| Damage::Wrong("the tree of the schema"))?;
            }
            6 => node.converted = Some(r.integer(kind)?),
            7 => node.scale = r.integer(kind)?,
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
        if which != 5 && which != 10 {
            return Ok(false);
        }
        Reader::expect_structure(kind)?;
        let (mut signed, mut scale) = (true, 0);
        r.structure(|r, field, kind| {
            match (which, field) {
                (5, 1) => scale = r.integer(kind)?,
                (10, 2) => signed = r.boolean(kind)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        found =
            Some(if which == 5 { Logical::Decimal { scale } } else { Logical::Integer { signed } });
        Ok(true)
    })?;
    Ok(found)
}

fn holds(node: &Node<'_>) -> Read<Holds> {
    // The newer annotation counts where there are both.
    let signed = match (node.logical, node.converted) {
        (Some(Logical::Integer { signed }), _) => Some(signed),
        (Some(Logical::Decimal { scale }), _) => return Ok(decimals(node, scale)),
        (Some(Logical::Other(which)), _) => return Ok(annotated(node, which)),
        (None, Some(11..=14)) => Some(false),
        (None, Some(15..=18)) => Some(true),
        (None, Some(0)) => return Ok(annotated(node, 1)),
        (None, Some(4)) => return Ok(annotated(node, 4)),
        (None, Some(5)) => return Ok(decimals(node, node.scale)),
        (None, Some(6)) => return Ok(annotated(node, 6)),
        (None, Some(7 | 8)) => return Ok(annotated(node, 7)),
        (None, Some(9 | 10)) => return Ok(annotated(node, 8)),
        (None, Some(_)) => return Ok(annotated(node, 0)),
        (None, None) => None,
    };
    Ok(match (node.physical, signed) {
        (Some(types::BOOLEAN), _) => Holds::Truth,
        (Some(types::INT32), Some(false)) => Holds::Numbers(Number::U32),
        (Some(types::INT32), _) => Holds::Numbers(Number::I32),
        (Some(types::INT64), Some(false)) => Holds::Numbers(Number::U64),
        (Some(types::INT64), _) => Holds::Numbers(Number::I64),
        (Some(types::INT96), _) => Holds::Moments(Number::Int96, "times"),
        (Some(types::FLOAT), _) => Holds::Numbers(Number::F32),
        (Some(types::DOUBLE), _) => Holds::Numbers(Number::F64),
        (Some(types::BYTE_ARRAY), _) => Holds::Texts,
        (Some(types::FIXED), _) => Holds::Other("bytes"),
        _ => return Err(Damage::Wrong("a column of an unknown type")),
    })
}

fn decimals(node: &Node<'_>, scale: i64) -> Holds {
    let (width, big) = match (node.physical, node.length) {
        (Some(types::INT32), _) => (4, false),
        (Some(types::INT64), _) => (8, false),
        (Some(types::FIXED), length @ 1..=16) => (length as u8, true),
        (Some(types::FIXED), _) => return Holds::Other("decimals of more than 38 digits"),
        _ => return Holds::Other("decimals of no fixed width"),
    };
    match u8::try_from(scale) {
        Ok(scale @ 0..=38) => Holds::Numbers(Number::Decimal { width, big, scale }),
        _ => Holds::Other("decimals of more than 38 digits"),
    }
}

/// The values of a column with a logical type; the numbers are those of the union `LogicalType`.
fn annotated(node: &Node<'_>, which: i16) -> Holds {
    match which {
        1 | 4 | 12 if node.physical == Some(types::BYTE_ARRAY) => Holds::Texts,
        6 => Holds::Moments(integer(node), "dates"),
        7 | 8 => Holds::Moments(integer(node), "times"),
        11 => Holds::Other("nothing but missing values"),
        14 => Holds::Other("UUIDs"),
        15 if node.physical == Some(types::FIXED) && node.length == 2 => {
            Holds::Numbers(Number::F16)
        }
        _ => Holds::Other("values of an unknown meaning"),
    }
}

/// The integers that dates and times are.
fn integer(node: &Node<'_>) -> Number {
    if node.physical == Some(types::INT32) { Number::I32 } else { Number::I64 }
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
                let chunk = chunk(r, kind, end)?;
                footer.chunks.push(chunk);
                // A nested column has as many values as it likes.
                if column.holds != Holds::Nested && !column.is_list {
                    if values.is_some_and(|others| others != chunk.values) {
                        return Err(Damage::Wrong("a row group whose columns differ in length"));
                    }
                    values = Some(chunk.values);
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
    let rows = u64::try_from(rows).map_err(|_| Damage::Wrong("a row group of less than 0 rows"))?;
    if values.is_some_and(|values| values != rows) {
        return Err(Damage::Wrong(
            "a row group whose columns have another number of values than it has rows",
        ));
    }
    Ok(rows)
}

/// Reads where a chunk is, and its number of values.
fn chunk(r: &mut Reader<'_>, kind: Kind, end: u64) -> Read<Chunk> {
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
    let (Ok(offset), Ok(bytes), Ok(values)) =
        (offset.try_into(), bytes.try_into(), values.try_into())
    else {
        return Err(Damage::Wrong("a column that begins or ends before the file"));
    };
    let (offset, bytes): (u64, u64) = (offset, bytes);
    if offset.checked_add(bytes).is_none_or(|last| last > end) {
        return Err(Damage::Wrong("a column that ends after the file's data"));
    }
    Ok(Chunk { offset, bytes, codec, values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thrift::Structure;

    fn group(name: &str, children: i32) -> Structure {
        let mut node = Structure::default();
        node.int(3, 0);
        node.text(4, name);
        node.int(5, children);
        node
    }

    fn leaf(name: &str) -> Structure {
        let mut node = Structure::default();
        node.int(1, types::FLOAT as i32);
        node.int(3, 0);
        node.text(4, name);
        node
    }

    fn footer(schema: Vec<Structure>) -> Read<Footer> {
        let mut footer = Structure::default();
        footer.int(1, 1);
        footer.structures(2, schema);
        footer.long(3, 0);
        footer.structures(4, Vec::new());
        Footer::read(&footer.end(), 4)
    }

    #[test]
    fn a_schema_costs_no_more_than_its_bytes() {
        let names = |footer: Read<Footer>| {
            footer.map(|read| read.columns.into_iter().map(|c| (c.name, c.holds)).collect())
        };
        let single = |name: &str| (name.to_string(), Holds::Numbers(Number::F32));
        // The root's claim is not believed, nor needed.
        let claims = names(footer(vec![group("root", i32::MAX), leaf("x")]));
        assert_eq!(claims, Ok(vec![single("x")]));
        let mut deep = vec![group("root", 1)];
        deep.extend((0..100_000).map(|_| group("deep", 1)));
        deep.push(leaf("x"));
        assert_eq!(names(footer(deep)), Ok(vec![("deep".to_string(), Holds::Nested)]));
        let open = footer(vec![group("root", 1), group("a", i32::MAX), leaf("x")]);
        assert_eq!(open.map(|_| ()), Err(Damage::Wrong("the tree of the schema")));
    }
}

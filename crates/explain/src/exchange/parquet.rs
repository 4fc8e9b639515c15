//! Parquet: `cells.parquet`, `repeats.parquet`, `readings.parquet`.
//!
//! The plainest files that the format has: optional columns of 64-bit integers, doubles and UTF-8
//! text, plain encoding, one page a column chunk, gzip. Specification:
//! <https://github.com/apache/parquet-format>. Writing them takes less than the library that would.

use std::io::Write;

use crate::exchange::columns::{Table, Values, tables};
use crate::exchange::{Export, Format, Repeats};
use crate::summary::Summary;
use amdahl_record::error::{Error, Result};

/// Parquet.
pub const FORMAT: Format = Format {
    name: "parquet",
    about: "the same tables, typed: pandas, polars, DuckDB, R",
    write: files,
};

/// Rows of a row group: a page's length must fit into 31 bits.
const GROUP: usize = 1 << 18;

const MAGIC: &[u8; 4] = b"PAR1";

// Numbers of the specification.
const INT64: i64 = 2;
const DOUBLE: i64 = 5;
const BYTE_ARRAY: i64 = 6;
const OPTIONAL: i64 = 1;
const UTF8: i64 = 0;
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const GZIP: i64 = 2;
const DATA_PAGE: i64 = 0;

fn files(summary: &Summary, _: Repeats) -> Result<Export> {
    let mut export = Export::default();
    for table in tables(summary) {
        export.add(format!("{}.parquet", table.name), file(&table)?);
    }
    Ok(export)
}

/// A whole file.
fn file(table: &Table) -> Result<Vec<u8>> {
    let rows = table.columns.first().map_or(0, |(_, values)| values.len());
    let mut bytes = MAGIC.to_vec();
    let mut groups = Vec::new();
    for from in (0..rows).step_by(GROUP) {
        let to = rows.min(from + GROUP);
        let mut chunks = Vec::new();
        for (name, values) in &table.columns {
            chunks.push(chunk(&mut bytes, name, values, from..to)?);
        }
        groups.push((chunks, to - from));
    }
    let footer = footer(table, &groups, rows);
    bytes.extend_from_slice(&footer);
    bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    bytes.extend_from_slice(MAGIC);
    Ok(bytes)
}

/// Where a column chunk lies, and how long it is.
struct Chunk {
    name: &'static str,
    kind: i64,
    offset: i64,
    plain: i64,
    packed: i64,
    rows: i64,
}

fn chunk(
    bytes: &mut Vec<u8>,
    name: &'static str,
    values: &Values,
    rows: std::ops::Range<usize>,
) -> Result<Chunk> {
    let count = rows.len();
    let (mut present, mut data) = (Vec::with_capacity(count), Vec::new());
    match values {
        Values::Text(values) => {
            for value in &values[rows] {
                present.push(value.is_some());
                if let Some(text) = value {
                    data.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    data.extend_from_slice(text.as_bytes());
                }
            }
        }
        Values::Whole(values) => {
            for value in &values[rows] {
                present.push(value.is_some());
                data.extend(value.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        Values::Number(values) => {
            for value in &values[rows] {
                present.push(value.is_some());
                data.extend(value.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    }
    let levels = levels(&present);
    let mut page = (levels.len() as u32).to_le_bytes().to_vec();
    page.extend_from_slice(&levels);
    page.extend_from_slice(&data);
    let packed = gzip(&page)?;
    let header = header(count, page.len(), packed.len());
    let offset = bytes.len() as i64;
    bytes.extend_from_slice(&header);
    bytes.extend_from_slice(&packed);
    Ok(Chunk {
        name,
        kind: kind(values),
        offset,
        plain: (header.len() + page.len()) as i64,
        packed: (header.len() + packed.len()) as i64,
        rows: count as i64,
    })
}

fn kind(values: &Values) -> i64 {
    match values {
        Values::Text(_) => BYTE_ARRAY,
        Values::Whole(_) => INT64,
        Values::Number(_) => DOUBLE,
    }
}

/// Which values are there, as one run of packed bits.
fn levels(present: &[bool]) -> Vec<u8> {
    let mut levels = Vec::new();
    varint(&mut levels, (present.len().div_ceil(8) as u64) << 1 | 1);
    levels.extend(present.chunks(8).map(|bits| {
        bits.iter().enumerate().fold(0, |byte, (i, there)| byte | u8::from(*there) << i)
    }));
    levels
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let broken = |e: std::io::Error| Error::internal(format!("cannot pack a Parquet page: {e}"));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).map_err(broken)?;
    encoder.finish().map_err(broken)
}

fn header(rows: usize, plain: usize, packed: usize) -> Vec<u8> {
    let mut header = Struct::new();
    header.int(1, DATA_PAGE);
    header.int(2, plain as i64);
    header.int(3, packed as i64);
    let mut page = Struct::new();
    page.int(1, rows as i64);
    page.int(2, PLAIN);
    page.int(3, RLE);
    page.int(4, RLE);
    header.nested(5, page);
    header.end()
}

fn footer(table: &Table, groups: &[(Vec<Chunk>, usize)], rows: usize) -> Vec<u8> {
    let mut footer = Struct::new();
    footer.int(1, 1);
    let mut root = Struct::new();
    root.text(4, "schema");
    root.int(5, table.columns.len() as i64);
    let columns = table.columns.iter().map(|(name, values)| {
        let mut column = Struct::new();
        column.int(1, kind(values));
        column.int(3, OPTIONAL);
        column.text(4, name);
        if kind(values) == BYTE_ARRAY {
            column.int(6, UTF8);
        }
        column
    });
    footer.structs(2, std::iter::once(root).chain(columns).collect());
    footer.long(3, rows as i64);
    let groups = groups.iter().map(|(chunks, rows)| {
        let mut group = Struct::new();
        group.structs(1, chunks.iter().map(column_chunk).collect());
        group.long(2, chunks.iter().map(|c| c.plain).sum());
        group.long(3, *rows as i64);
        group
    });
    footer.structs(4, groups.collect());
    footer.text(6, concat!("amdahl version ", env!("CARGO_PKG_VERSION")));
    footer.end()
}

fn column_chunk(chunk: &Chunk) -> Struct {
    let mut facts = Struct::new();
    facts.int(1, chunk.kind);
    facts.ints(2, &[PLAIN, RLE]);
    facts.texts(3, &[chunk.name]);
    facts.int(4, GZIP);
    facts.long(5, chunk.rows);
    facts.long(6, chunk.plain);
    facts.long(7, chunk.packed);
    facts.long(9, chunk.offset);
    let mut column = Struct::new();
    column.long(2, chunk.offset);
    column.nested(3, facts);
    column
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A structure of Thrift's compact protocol. Fields are written in rising order of their numbers,
/// none more than 15 apart.
struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

impl Struct {
    fn new() -> Struct {
        Struct { bytes: Vec::new(), last: 0 }
    }

    fn field(&mut self, number: u8, kind: u8) {
        self.bytes.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    fn zigzag(&mut self, value: i64) {
        varint(&mut self.bytes, (value << 1 ^ value >> 63) as u64);
    }

    fn int(&mut self, number: u8, value: i64) {
        self.field(number, I32);
        self.zigzag(value);
    }

    fn long(&mut self, number: u8, value: i64) {
        self.field(number, I64);
        self.zigzag(value);
    }

    fn raw(&mut self, text: &str) {
        varint(&mut self.bytes, text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, number: u8, text: &str) {
        self.field(number, BINARY);
        self.raw(text);
    }

    fn list(&mut self, number: u8, kind: u8, count: usize) {
        self.field(number, LIST);
        if count < 15 {
            self.bytes.push((count as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            varint(&mut self.bytes, count as u64);
        }
    }

    fn ints(&mut self, number: u8, values: &[i64]) {
        self.list(number, I32, values.len());
        values.iter().for_each(|value| self.zigzag(*value));
    }

    fn texts(&mut self, number: u8, texts: &[&str]) {
        self.list(number, BINARY, texts.len());
        texts.iter().for_each(|text| self.raw(text));
    }

    fn structs(&mut self, number: u8, structs: Vec<Struct>) {
        self.list(number, STRUCT, structs.len());
        for of_list in structs {
            self.bytes.extend(of_list.end());
        }
    }

    fn nested(&mut self, number: u8, nested: Struct) {
        self.field(number, STRUCT);
        self.bytes.extend(nested.end());
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_thrift_writes_them() {
        let mut bytes = Vec::new();
        varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 0x02]);
        let mut fields = Struct::new();
        fields.int(1, -1);
        fields.text(4, "ab");
        assert_eq!(fields.end(), [0x15, 1, 0x38, 2, b'a', b'b', 0]);
        assert_eq!(levels(&[true, false, true]), [3, 0b101]);
    }
}

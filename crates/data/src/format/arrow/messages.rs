//! The messages of a file or a stream: its schema, its record batches, its dictionaries.
//!
//! A stream is walked through, bodies passed over. Of a file the footer says where they are. That is not
//! the same thing twice: polars writes files whose first message has no length before it, so that what
//! lies before the footer is no stream.

use amdahl_record::error::{Error, Result};

use super::batch::{Origin, Place};
use super::flat::{Read, Table};
use super::schema::Schema;

/// What a file begins and ends with; a stream does not.
pub const MAGIC: &[u8] = b"ARROW1";

/// The messages of a file.
pub struct Messages {
    /// The columns.
    pub schema: Schema,
    /// Batches of rows, in their order.
    pub batches: Vec<Place>,
    /// Dictionaries, or what is added to them.
    pub dictionaries: Vec<Place>,
}

/// What a message says of itself.
struct Message<'a> {
    kind: u8,
    header: Table<'a>,
    /// Bytes of its body.
    length: u64,
    /// Of a batch.
    rows: u64,
}

// Numbers of the union `MessageHeader`.
const SCHEMA: u8 = 1;
const DICTIONARY: u8 = 2;
const BATCH: u8 = 3;

fn message(bytes: &[u8]) -> Read<Message<'_>> {
    let table = Table::root(bytes)?;
    let (kind, header) = (table.number(1, 0u8)?, table.table(2)?.ok_or("a message has no header")?);
    let count = |number: i64| u64::try_from(number).map_err(|_| "a number below 0");
    let rows = match kind {
        DICTIONARY => header.table(1)?.ok_or("a dictionary has no values")?.number(0, 0i64)?,
        BATCH => header.number(0, 0i64)?,
        _ => 0,
    };
    Ok(Message { kind, header, length: count(table.number(3, 0i64)?)?, rows: count(rows)? })
}

fn truncated(origin: Origin<'_>) -> Error {
    origin
        .input
        .refuse("the file ends within a message: it is truncated")
        .hint("it was not written or copied to its end")
}

/// Where the metadata of the message at `at` are, which ends before `end`, and their size; `None` at the
/// mark of a stream's end.
fn metadata(origin: Origin<'_>, at: u64, end: u64) -> Result<Option<(u64, usize)>> {
    let word = |at: u64| -> Result<u32> {
        if end.saturating_sub(at) < 4 {
            return Err(truncated(origin));
        }
        let bytes = origin.bytes(at, 4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    // Before version 0.15 the mark was not there.
    let (mut size, mut first) = (word(at)?, at + 4);
    if size == u32::MAX {
        (size, first) = (word(first)?, first + 4);
    }
    match u64::from(size) {
        0 => Ok(None),
        long if long > end - first => Err(truncated(origin)),
        _ => Ok(Some((first, size as usize))),
    }
}

impl Messages {
    /// Reads a file or a stream.
    pub fn read(origin: Origin<'_>) -> Result<Messages> {
        let input = origin.input;
        let Some(length) = input.length() else {
            return Err(input
                .refuse("Arrow's format inside a gzip file is not read")
                .hint("decompress it with gunzip; Arrow compresses its own buffers"));
        };
        if input.head().starts_with(b"FEA1") {
            return Err(input
                .refuse("this is the first version of Feather, which is not read")
                .hint("pyarrow.feather.write_feather(pyarrow.feather.read_table(path), path) writes the second"));
        }
        let messages = match input.head().starts_with(MAGIC) {
            true => file(origin, length)?,
            false => stream(origin, length)?,
        };
        if messages.batches.iter().all(|batch| batch.rows == 0) {
            return Err(input.refuse("the file has 0 rows"));
        }
        Ok(messages)
    }

    fn new(schema: Schema) -> Messages {
        Messages { schema, batches: Vec::new(), dictionaries: Vec::new() }
    }

    /// Takes a message in, whose metadata are at `first`; returns where its body ends.
    fn take(&mut self, origin: Origin<'_>, first: u64, size: usize, end: u64) -> Result<u64> {
        let bytes = origin.bytes(first, size)?;
        let Message { kind, length, rows, .. } =
            message(&bytes).map_err(|what| origin.damaged(what))?;
        let body = first + size as u64;
        if length > end - body {
            return Err(truncated(origin));
        }
        let start = self.batches.last().map_or(0, |batch| batch.start + batch.rows);
        // Of a column of equal values nothing holds the rows.
        let most = origin.input.longest().saturating_mul(1 << 16);
        if start.checked_add(rows).is_none_or(|all| all > most) {
            return Err(origin.damaged("more rows than the file can hold"));
        }
        let place = Place { metadata: first, size, body, length, start, rows };
        match kind {
            DICTIONARY => self.dictionaries.push(place),
            BATCH => self.batches.push(place),
            _ => return Err(origin.damaged("a message of another kind than it should be")),
        }
        Ok(body + length)
    }
}

fn stream(origin: Origin<'_>, length: u64) -> Result<Messages> {
    let none = "there is no schema: the file is empty, or no file of Arrow";
    let Some((first, size)) = metadata(origin, 0, length)? else {
        return Err(origin.input.refuse(none));
    };
    let bytes = origin.bytes(first, size)?;
    let look = || match message(&bytes)? {
        Message { kind: SCHEMA, header, .. } => Schema::read(header, size),
        _ => Err(none),
    };
    let mut messages = Messages::new(look().map_err(|what| origin.damaged(what))?);
    let mut at = first + size as u64;
    while at < length {
        let Some((first, size)) = metadata(origin, at, length)? else { break };
        at = messages.take(origin, first, size, length)?;
    }
    Ok(messages)
}

fn file(origin: Origin<'_>, length: u64) -> Result<Messages> {
    // The footer's size and the magic number stand last.
    let last = (size_of::<u32>() + MAGIC.len()) as u64;
    let tail = match length < 8 + last {
        true => Vec::new(),
        false => origin.bytes(length - last, last as usize)?,
    };
    let Some((size, MAGIC)) = tail.split_first_chunk() else { return Err(truncated(origin)) };
    let size = u32::from_le_bytes(*size);
    if u64::from(size) > length - last - 8 {
        return Err(origin.damaged("its footer is larger than the file"));
    }
    let end = length - last - u64::from(size);
    let bytes = origin.bytes(end, size as usize)?;
    let look = || -> Read<_> {
        let footer = Table::root(&bytes)?;
        let schema = footer.table(1)?.ok_or("its footer has no schema")?;
        // Where a block begins, in bytes from the file's beginning.
        let blocks = |field| -> Read<Vec<i64>> {
            let blocks = footer.vector(field, 24)?;
            (0..blocks.length).map(|place| blocks.number(place, 0)).collect()
        };
        Ok((Schema::read(schema, bytes.len())?, blocks(2)?, blocks(3)?))
    };
    let (schema, dictionaries, batches) = look().map_err(|what| origin.damaged(what))?;
    let mut messages = Messages::new(schema);
    for at in dictionaries.into_iter().chain(batches) {
        let at = u64::try_from(at).ok().filter(|&at| at < end);
        let at = at.ok_or_else(|| origin.damaged("a block outside the file"))?;
        let Some((first, size)) = metadata(origin, at, end)? else {
            return Err(origin.damaged("a block without a message"));
        };
        messages.take(origin, first, size, end)?;
    }
    Ok(messages)
}

//! Record batches: where the buffers of each column are, and what is in them.

use std::fs::File;
use std::os::unix::fs::FileExt;

use amdahl_parquet::Codec;
use amdahl_record::error::{Error, Result};

use super::flat::{Damage, Read, Table, Vector};
use super::schema::{BUFFERS_OF_VIEWS, Field, Kind, Stored};
use crate::input::Input;
use crate::value::Value;

/// Bytes of offsets and bits that are looked at in one go.
const PIECE: usize = 8192;

/// Where a message is.
#[derive(Clone, Copy)]
pub struct Place {
    /// Its metadata.
    pub metadata: u64,
    /// Bytes of them.
    pub size: usize,
    /// Its body, and the bytes of that.
    pub body: u64,
    /// Bytes of the body.
    pub length: u64,
    /// The row of the file that it begins with.
    pub start: u64,
    /// Its rows.
    pub rows: u64,
}

/// The file, for errors and bytes.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Names it.
    pub input: &'a Input,
    /// Holds them.
    pub file: &'a File,
}

impl Origin<'_> {
    /// `length` bytes from `at` on, of which the caller has seen that they are in the file.
    pub fn bytes(&self, at: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    fn fill(&self, at: u64, out: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(out, at).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                self.input.refuse("the file became shorter while it was read")
            }
            _ => Error::io("read", self.input.path(), error),
        })
    }

    /// An error about metadata.
    pub fn damaged(&self, what: Damage) -> Error {
        self.input
            .refuse(format!("the metadata cannot be read: {what}"))
            .hint("the file is damaged, or its writer is: write it again")
    }
}

/// The bytes of a buffer: in the file, or decompressed.
enum Bytes {
    File { at: u64, length: u64 },
    Memory(Vec<u8>),
}

impl Bytes {
    fn length(&self) -> u64 {
        match self {
            Bytes::File { length, .. } => *length,
            Bytes::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Fills `out` from byte `from` on.
    fn read(&self, origin: Origin<'_>, from: u64, out: &mut [u8]) -> Result<()> {
        let end = from.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > self.length()) {
            return Err(origin.damaged("a buffer is shorter than its rows need"));
        }
        match self {
            Bytes::File { at, .. } => origin.fill(at + from, out),
            Bytes::Memory(bytes) => {
                out.copy_from_slice(&bytes[from as usize..][..out.len()]);
                Ok(())
            }
        }
    }
}

/// A record batch whose metadata have been read.
pub struct Batch<'a> {
    origin: Origin<'a>,
    place: Place,
    metadata: Vec<u8>,
    /// For each column, its first node and its first buffer.
    starts: Vec<(usize, usize)>,
    codec: Option<Codec>,
}

/// The table `RecordBatch` of a message, which may be that of a dictionary.
fn record_batch(metadata: &[u8]) -> Read<Table<'_>> {
    let message = Table::root(metadata)?;
    let header = message.table(2)?.ok_or("a message has no header")?;
    match message.number(1, 0u8)? {
        2 => header.table(1)?.ok_or("a dictionary has no values"),
        _ => Ok(header),
    }
}

/// Counts the nodes and buffers of a field and of what lies in it.
fn count(field: &Field, views: Vector<'_>, next: &mut (usize, usize, usize)) -> Read<()> {
    let (nodes, buffers, view) = next;
    *nodes += 1;
    let own = match field.kind {
        Kind::Numbers(_) | Kind::Moments(..) | Kind::Lists(_) | Kind::Dictionary { .. } => 2,
        Kind::Fixed(_) => 1,
        Kind::Texts(_) => 3,
        Kind::Views | Kind::Other(_, BUFFERS_OF_VIEWS) => {
            let more = usize::try_from(views.number::<i64>(*view, 0)?);
            *view += 1;
            more.ok().and_then(|more| more.checked_add(2)).ok_or("a number of buffers below 0")?
        }
        Kind::Other(_, buffers) => buffers,
    };
    *buffers = buffers.checked_add(own).ok_or("more buffers than can be")?;
    if matches!(field.kind, Kind::Dictionary { .. }) {
        // What lies in it is in the dictionary.
        return Ok(());
    }
    field.children.iter().try_for_each(|child| count(child, views, next))
}

impl<'a> Batch<'a> {
    /// Reads the metadata of a batch with these columns.
    pub fn open(origin: Origin<'a>, place: Place, fields: &[Field]) -> Result<Batch<'a>> {
        let metadata = origin.bytes(place.metadata, place.size)?;
        let look = || -> Read<_> {
            let table = record_batch(&metadata)?;
            let views = table.vector(4, 8)?;
            let (mut next, mut starts) = ((0, 0, 0), Vec::with_capacity(fields.len()));
            for field in fields {
                starts.push((next.0, next.1));
                count(field, views, &mut next)?;
            }
            let codec = match table.table(3)? {
                None => None,
                Some(compression) => Some(match compression.number(0, 0i8)? {
                    0 => Codec::Lz4Frame,
                    1 => Codec::Zstd,
                    _ => return Err("its buffers are compressed by an unknown codec"),
                }),
            };
            Ok((starts, codec))
        };
        let (starts, codec) = look().map_err(|what| origin.damaged(what))?;
        Ok(Batch { origin, place, metadata, starts, codec })
    }

    /// A node's length and its number of missing values.
    fn node(&self, node: usize) -> Result<(u64, u64)> {
        let look = || -> Read<(u64, u64)> {
            let nodes = record_batch(&self.metadata)?.vector(1, 16)?;
            let number = |offset| {
                nodes.number::<i64>(node, offset)?.try_into().map_err(|_| "a node below 0")
            };
            Ok((number(0)?, number(8)?))
        };
        look().map_err(|what| self.origin.damaged(what))
    }

    /// A buffer, decompressed where it is compressed.
    fn buffer(&self, buffer: usize) -> Result<Bytes> {
        let look = || -> Read<(u64, u64)> {
            let buffers = record_batch(&self.metadata)?.vector(2, 16)?;
            let number = |offset| -> Read<u64> {
                buffers.number::<i64>(buffer, offset)?.try_into().map_err(|_| "a buffer below 0")
            };
            let (offset, length) = (number(0)?, number(8)?);
            match offset.checked_add(length) {
                Some(end) if end <= self.place.length => Ok((self.place.body + offset, length)),
                _ => Err("a buffer ends after its batch"),
            }
        };
        let (at, length) = look().map_err(|what| self.origin.damaged(what))?;
        let Some(codec) = self.codec.filter(|_| length > 0) else {
            return Ok(Bytes::File { at, length });
        };
        let mut says = [0; 8];
        let whole = Bytes::File { at, length };
        whole.read(self.origin, 0, &mut says)?;
        let (at, length) = (at + 8, length - 8);
        match i64::from_le_bytes(says) {
            -1 => Ok(Bytes::File { at, length }),
            says => {
                let Ok(says) = usize::try_from(says) else {
                    return Err(self.origin.damaged("a buffer of less than no bytes"));
                };
                let packed = self.origin.bytes(at, length as usize)?;
                let plain = codec.decompress(packed, says).map_err(|what| {
                    self.origin.input.refuse(format!("a buffer cannot be decompressed: {what}"))
                })?;
                Ok(Bytes::Memory(plain))
            }
        }
    }

    /// Sees that no value of a node is missing, of `count` from `first` on; each row has `width`.
    fn none_missing(
        &self,
        name: &str,
        node: usize,
        buffer: usize,
        span: (u64, u64),
        width: u64,
    ) -> Result<()> {
        let (first, count) = span;
        let (length, missing) = self.node(node)?;
        if first.checked_add(count).is_none_or(|end| end > length) {
            return Err(self.origin.damaged("a column is shorter than its batch"));
        }
        if missing == 0 {
            return Ok(());
        }
        let bits = self.buffer(buffer)?;
        let mut piece = [0; PIECE];
        let mut value = first;
        while value < first + count {
            let byte = value / 8;
            let now = ((first + count).div_ceil(8) - byte).min(PIECE as u64) as usize;
            bits.read(self.origin, byte, &mut piece[..now])?;
            let end = ((byte + now as u64) * 8).min(first + count);
            while value < end {
                let at = (value / 8 - byte) as usize;
                if piece[at] >> (value % 8) & 1 == 0 {
                    let row = self.place.start + (value - first) / width.max(1) + 1;
                    return Err(self.missing(row, name));
                }
                value += 1;
            }
        }
        Ok(())
    }

    fn missing(&self, row: u64, name: &str) -> Error {
        self.origin
            .input
            .refuse(format!("row {row}, column '{name}': the value is missing (null)"))
            .hint("remove rows with missing values, or fill them in; rows count from 1")
    }

    /// The length of the first list of a column.
    pub fn first_length(&self, column: usize, width: usize) -> Result<u64> {
        let offsets = self.buffer(self.starts[column].1 + 1)?;
        Ok(self.offset(&offsets, 1, width)?.saturating_sub(self.offset(&offsets, 0, width)?))
    }

    /// Offset `place` of a buffer of them.
    fn offset(&self, offsets: &Bytes, place: u64, width: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        offsets.read(self.origin, place * width as u64, &mut bytes[..width])?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The numbers of a column, of whose lists each has `width`.
    pub fn numbers(&self, column: usize, field: &Field, width: usize) -> Result<Numbers<'a>> {
        let name = &field.typed().name;
        let (node, buffer) = self.starts[column];
        let rows = self.place.rows;
        self.none_missing(name, node, buffer, (0, rows), 1)?;
        let stored = field.stored().ok_or_else(|| self.origin.damaged("a column of no numbers"))?;
        let (first, values) = match field.kind {
            Kind::Lists(bytes) => {
                let offsets = self.buffer(buffer + 1)?;
                let first = self.offset(&offsets, 0, bytes)?;
                self.one_length(&offsets, name, bytes, width)?;
                (first, Some((node + 1, buffer + 2)))
            }
            Kind::Fixed(_) => (0, Some((node + 1, buffer + 1))),
            _ => (0, None),
        };
        let mut data = buffer + 1;
        if let Some((node, buffer)) = values {
            let count = rows.checked_mul(width as u64);
            let count = count.ok_or_else(|| self.origin.damaged("more values than can be"))?;
            self.none_missing(name, node, buffer, (first, count), width as u64)?;
            data = buffer + 1;
        }
        let bytes = self.buffer(data)?;
        Ok(Numbers { origin: self.origin, stored, bytes, first })
    }

    /// Sees that all lists of a column have one length.
    fn one_length(&self, offsets: &Bytes, name: &str, bytes: usize, width: usize) -> Result<()> {
        let mut piece = [0; PIECE];
        let mut before = self.offset(offsets, 0, bytes)?;
        let (mut row, rows) = (0, self.place.rows);
        while row < rows {
            let now = (rows - row).min((PIECE / bytes) as u64);
            let piece = &mut piece[..now as usize * bytes];
            offsets.read(self.origin, (row + 1) * bytes as u64, piece)?;
            for offset in piece.chunks_exact(bytes) {
                let mut wide = [0; 8];
                wide[..bytes].copy_from_slice(offset);
                let offset = u64::from_le_bytes(wide);
                row += 1;
                let length = offset.saturating_sub(before);
                if length != width as u64 {
                    let row = self.place.start + row;
                    let what = format!(
                        "row {row}, column '{name}': its list has {length} values, others have {width}"
                    );
                    return Err(self.origin.input.refuse(what).hint(
                        "lists are read as vectors, which have one length; --columns reads other columns",
                    ));
                }
                before = offset;
            }
        }
        Ok(())
    }

    /// Hands the texts of a column to `each`.
    pub fn texts(
        &self,
        column: usize,
        field: &Field,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let (node, buffer) = self.starts[column];
        let rows = self.place.rows;
        self.none_missing(&field.typed().name, node, buffer, (0, rows), 1)?;
        let places = self.buffer(buffer + 1)?;
        let mut text = Vec::new();
        let mut hand_on = |bytes: &Bytes, at: u64, length: u64| -> Result<()> {
            if at.checked_add(length).is_none_or(|end| end > bytes.length()) {
                return Err(self.origin.damaged("a text ends after its buffer"));
            }
            text.resize(length as usize, 0);
            bytes.read(self.origin, at, &mut text)?;
            each(&text)
        };
        if let Kind::Texts(width) = field.kind {
            let data = self.buffer(buffer + 2)?;
            for row in 0..rows {
                let at = self.offset(&places, row, width)?;
                let end = self.offset(&places, row + 1, width)?;
                let length = end.checked_sub(at);
                let length =
                    length.ok_or_else(|| self.origin.damaged("a text of less than no bytes"))?;
                hand_on(&data, at, length)?;
            }
            return Ok(());
        }
        let mut elsewhere: Option<(usize, Bytes)> = None;
        for row in 0..rows {
            let mut view = [0; 16];
            places.read(self.origin, row * 16, &mut view)?;
            let number = |at: usize| {
                u32::from_le_bytes([view[at], view[at + 1], view[at + 2], view[at + 3]])
            };
            let length = number(0);
            if let Some(short) = view[4..].get(..length as usize) {
                hand_on(&Bytes::Memory(short.to_vec()), 0, length.into())?;
                continue;
            }
            // Behind the length its first four bytes stand, then the buffer and the place in it.
            let which = buffer + 2 + number(8) as usize;
            let bytes = match &elsewhere {
                Some((open, bytes)) if *open == which => bytes,
                _ => &elsewhere.insert((which, self.buffer(which)?)).1,
            };
            hand_on(bytes, number(12).into(), length.into())?;
        }
        Ok(())
    }
}

/// The numbers of a column in a batch.
pub struct Numbers<'a> {
    origin: Origin<'a>,
    stored: Stored,
    bytes: Bytes,
    /// The first value that belongs to the batch.
    first: u64,
}

impl Numbers<'_> {
    /// Reads values from `place` on; `scratch` is overwritten.
    pub fn read<T: Value>(&self, place: u64, scratch: &mut Vec<u8>, out: &mut [T]) -> Result<()> {
        let place = self.first + place;
        let (at, length) = self.stored.span(place, out.len());
        scratch.resize(length, 0);
        self.bytes.read(self.origin, at, scratch)?;
        self.stored.convert(place, scratch, out);
        Ok(())
    }
}

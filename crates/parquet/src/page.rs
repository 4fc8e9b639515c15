//! The pages of one chunk of a column, one after the other.

use std::fs::File;

use crate::codec::Codec;
use crate::encoding::{BLOCK, CUT, Delta, Hybrid, Values, Wrong, text};
use crate::encodings::{
    BYTE_STREAM_SPLIT, DELTA_BINARY_PACKED, PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY,
};
use crate::footer::{Chunk, Column, Holds};
use crate::number::Number;
use crate::thrift::{Damage, Kind, Read, Reader};
use crate::{Fault, Result, bytes};

/// What values of a column become.
pub trait Convert {
    /// What they become.
    type Out: Copy + Default;
    /// Converts the numbers in `bytes`, as many as `out` is long.
    fn numbers(&mut self, number: Number, bytes: &[u8], out: &mut [Self::Out]);
    /// Converts a text; `None` where texts cannot be.
    fn text(&mut self, text: &[u8]) -> Option<Self::Out>;
}

/// Bytes of a page header that are looked at first, and at most: statistics may hold long texts.
const HEADER: u64 = 512;
const LONGEST_HEADER: u64 = 1 << 20;

/// A header of a page.
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    kind: i64,
    uncompressed: u64,
    compressed: u64,
    checksum: Option<u32>,
    values: u64,
    encoding: i64,
    level_encoding: i64,
    /// Of the second version: bytes of levels before the values, and are the values compressed?
    levels: Option<[u64; 2]>,
    packed: bool,
}

// Numbers of the enumeration `PageType`.
pub(crate) const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

impl Header {
    /// Reads a header; returns its length too.
    fn read(bytes: &[u8]) -> Read<(Header, u64)> {
        let mut header = Header { kind: -1, packed: true, ..Header::default() };
        let mut sizes = [None, None];
        let mut inner = None;
        let size = |r: &mut Reader<'_>, kind: Kind| -> Read<u64> {
            let size =
                i32::try_from(r.integer(kind)?).ok().and_then(|size| u64::try_from(size).ok());
            size.ok_or(Damage::Wrong("a size that is negative or too large"))
        };
        let mut reader = Reader::new(bytes);
        reader.structure(|r, field, kind| {
            match field {
                1 => header.kind = r.integer(kind)?,
                2 => sizes[0] = Some(size(r, kind)?),
                3 => sizes[1] = Some(size(r, kind)?),
                4 => header.checksum = Some(r.integer(kind)? as u32),
                5 | 7 => {
                    Reader::expect_structure(kind)?;
                    inner = Some(if field == 5 { DATA } else { DICTIONARY });
                    r.structure(|r, field, kind| {
                        match field {
                            1 => header.values = size(r, kind)?,
                            2 => header.encoding = r.integer(kind)?,
                            3 if inner == Some(DATA) => header.level_encoding = r.integer(kind)?,
                            _ => return Ok(false),
                        }
                        Ok(true)
                    })?;
                }
                8 => {
                    Reader::expect_structure(kind)?;
                    inner = Some(DATA_2);
                    let mut levels = [0; 2];
                    r.structure(|r, field, kind| {
                        match field {
                            1 => header.values = size(r, kind)?,
                            4 => header.encoding = r.integer(kind)?,
                            5 => levels[1] = size(r, kind)?,
                            6 => levels[0] = size(r, kind)?,
                            7 => header.packed = r.boolean(kind)?,
                            _ => return Ok(false),
                        }
                        Ok(true)
                    })?;
                    header.levels = Some(levels);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let [Some(uncompressed), Some(compressed)] = sizes else {
            return Err(Damage::Wrong("a page without its size"));
        };
        if [DATA, DICTIONARY, DATA_2].contains(&header.kind) && inner != Some(header.kind) {
            return Err(Damage::Wrong("a page without the header of its kind"));
        }
        (header.uncompressed, header.compressed) = (uncompressed, compressed);
        Ok((header, (bytes.len() - reader.rest().len()) as u64))
    }
}

/// A place in the values of a chunk.
pub struct Pages<'a, C: Convert> {
    file: &'a File,
    column: &'a Column,
    codec: Codec,
    /// Where the next page is, and where the last one ends.
    at: u64,
    end: u64,
    /// The row of the file of the next value.
    row: u64,
    /// The current page, how its values are coded, and how many are left.
    page: Vec<u8>,
    values: Values,
    left: u64,
    dictionary: Vec<C::Out>,
}

impl<'a, C: Convert> Pages<'a, C> {
    /// The values of a chunk, the first of which belongs to `row`.
    pub fn new(file: &'a File, column: &'a Column, chunk: Chunk, row: u64) -> Self {
        let Chunk { offset, bytes, codec } = chunk;
        Pages {
            file,
            column,
            codec,
            at: offset,
            end: offset + bytes,
            row,
            page: Vec::new(),
            values: Values::Bits(0),
            left: 0,
            dictionary: Vec::new(),
        }
    }

    /// Fills `out` with the next values.
    pub fn fill(&mut self, convert: &mut C, mut out: &mut [C::Out]) -> Result<()> {
        while !out.is_empty() {
            if self.left == 0 {
                self.next_page(convert, 0)?;
                continue;
            }
            let now = self.left.min(out.len() as u64) as usize;
            let (these, later) = out.split_at_mut(now);
            self.decode(convert, these).map_err(|what| self.damaged(what))?;
            self.left -= now as u64;
            self.row += now as u64;
            out = later;
        }
        Ok(())
    }

    /// Passes over the next `count` values.
    pub fn skip(&mut self, convert: &mut C, mut count: u64) -> Result<()> {
        let mut scratch = [C::Out::default(); BLOCK];
        while count > 0 {
            if self.left == 0 {
                count -= self.next_page(convert, count)?;
                continue;
            }
            let now = self.left.min(count).min(BLOCK as u64) as usize;
            self.fill(convert, &mut scratch[..now])?;
            count -= now as u64;
        }
        Ok(())
    }

    /// Decodes the next values of the current page.
    fn decode(&mut self, convert: &mut C, out: &mut [C::Out]) -> std::result::Result<(), Wrong> {
        let (number, page) = (number(self.column), &self.page);
        let width = number.width();
        match &mut self.values {
            Values::Plain(at) => {
                let bytes =
                    page.get(*at..).and_then(|rest| rest.get(..out.len().checked_mul(width)?));
                let bytes = bytes.ok_or(CUT)?;
                convert.numbers(number, bytes, out);
                *at += bytes.len();
            }
            Values::Texts(at) => {
                for out in out {
                    let (text, end) = text(page, *at)?;
                    *out = convert.text(text).ok_or("a text where numbers are expected")?;
                    *at = end;
                }
            }
            Values::Indices(runs) => {
                let mut indices = [0; BLOCK];
                for out in out.chunks_mut(BLOCK) {
                    runs.fill(page, &mut indices[..out.len()])?;
                    for (out, index) in out.iter_mut().zip(indices) {
                        let value = self.dictionary.get(index as usize);
                        *out = *value.ok_or("a place beyond its dictionary")?;
                    }
                }
            }
            others => {
                // A number has 16 bytes at most.
                let mut bytes = [0; 16 * BLOCK];
                for out in out.chunks_mut(BLOCK) {
                    let bytes = &mut bytes[..out.len() * width];
                    others.numbers(page, width, bytes)?;
                    convert.numbers(number, bytes, out);
                }
            }
        }
        Ok(())
    }

    fn damaged(&self, what: &str) -> Fault {
        let (name, row) = (&self.column.name, self.row + 1);
        Fault::wrong(format!("column '{name}', the page of row {row}: {what}"))
            .with_hint("the file is damaged, or its writer is: write it again")
    }

    /// Goes on to the next page. A page of data with no more than `skip` values is passed over; returns
    /// how many that were.
    fn next_page(&mut self, convert: &mut C, skip: u64) -> Result<u64> {
        let left = self.end - self.at;
        if left == 0 {
            return Err(self.damaged("the pages hold fewer values than the row group has rows"));
        }
        let mut look = left.min(HEADER);
        let (header, length) = loop {
            match Header::read(&bytes(self.file, self.at, look as usize)?) {
                Ok(found) => break found,
                Err(Damage::End) if look < left.min(LONGEST_HEADER) => {
                    look = left.min(LONGEST_HEADER)
                }
                Err(Damage::End) => return Err(self.damaged("its header ends early")),
                Err(Damage::Wrong(what)) => {
                    return Err(self.damaged(&format!("its header is damaged: {what}")));
                }
            }
        };
        let start = self.at + length;
        if header.compressed > self.end - start {
            return Err(self.damaged("it ends after the column"));
        }
        self.at = start + header.compressed;
        let is_data = matches!(header.kind, DATA | DATA_2);
        if is_data && header.values <= skip {
            self.row += header.values;
            return Ok(header.values);
        }
        if !is_data && header.kind != DICTIONARY {
            return Ok(0);
        }
        let body = bytes(self.file, start, header.compressed as usize)?;
        if let Some(checksum) = header.checksum {
            let mut crc = flate2::Crc::new();
            crc.update(&body);
            if crc.sum() != checksum {
                return Err(self.damaged("its checksum is wrong"));
            }
        }
        // What was the current page is not needed any more.
        self.page = Vec::new();
        if header.kind == DICTIONARY {
            self.page = self.decompress(self.codec, body, header.uncompressed)?;
            self.read_dictionary(convert, header).map_err(|what| self.damaged(what))?;
            self.page = Vec::new();
            return Ok(0);
        }
        let first = self.open_data(header, body)?;
        self.values = self.coded(header, first).map_err(|what| self.damaged(what))?;
        self.left = header.values;
        Ok(0)
    }

    fn decompress(&self, codec: Codec, body: Vec<u8>, length: u64) -> Result<Vec<u8>> {
        codec.decompress(body, length as usize).map_err(|what| self.damaged(&what))
    }

    /// Decompresses a page of data, sees that no value is missing, and returns where the values begin.
    fn open_data(&mut self, header: Header, mut body: Vec<u8>) -> Result<usize> {
        let Some([repetition, definition]) = header.levels else {
            self.page = self.decompress(self.codec, body, header.uncompressed)?;
            if !self.column.optional {
                return Ok(0);
            }
            if header.level_encoding != RLE {
                return Err(self.damaged("its levels are in an old encoding that is not read"));
            }
            let end = prefixed(&self.page, 0);
            let end = end.ok_or_else(|| self.damaged("its levels are longer than the page"))?;
            self.none_missing(4, end, &self.page, header.values)?;
            return Ok(end);
        };
        // The levels stand before the values and are never compressed.
        let before = repetition + definition;
        if before > body.len() as u64 || before > header.uncompressed {
            return Err(self.damaged("its levels are longer than the page"));
        }
        if self.column.optional {
            self.none_missing(repetition as usize, before as usize, &body, header.values)?;
        }
        let body = if before == 0 { body } else { body.split_off(before as usize) };
        let codec = if header.packed && !body.is_empty() { self.codec } else { Codec::Plain };
        self.page = self.decompress(codec, body, header.uncompressed - before)?;
        Ok(0)
    }

    /// Sees that the levels in the bytes `at..end` say that each value is there.
    fn none_missing(&self, at: usize, end: usize, bytes: &[u8], values: u64) -> Result<()> {
        let levels =
            Hybrid::new(at, end, 1).and_then(|levels| levels.first_other(bytes, values, 1));
        match levels.map_err(|what| self.damaged(what))? {
            None => Ok(()),
            Some(missing) => {
                let (row, name) = (self.row + missing + 1, &self.column.name);
                Err(Fault::wrong(format!(
                    "row {row}, column '{name}': the value is missing (null)"
                ))
                .with_hint("remove rows with missing values, or fill them in; rows count from 1"))
            }
        }
    }

    /// How the values are coded that begin at byte `first` of the page.
    fn coded(&self, header: Header, first: usize) -> std::result::Result<Values, Wrong> {
        let (page, number) = (&self.page, number(self.column));
        let integers = match number {
            Number::I32 | Number::U32 | Number::I64 | Number::U64 => true,
            Number::Decimal { big, .. } => !big,
            _ => false,
        };
        Ok(match (header.encoding, self.column.holds) {
            (PLAIN, Holds::Truth) => Values::Bits(first * 8),
            (PLAIN, Holds::Numbers(_)) => Values::Plain(first),
            (PLAIN, Holds::Texts) => Values::Texts(first),
            (RLE, Holds::Truth) => {
                Values::Truth(Hybrid::new(first + 4, prefixed(page, first).ok_or(CUT)?, 1)?)
            }
            (PLAIN_DICTIONARY | RLE_DICTIONARY, _) => {
                // A page without values may be without a width too.
                let width = page.get(first).copied().unwrap_or(0);
                Values::Indices(Hybrid::new((first + 1).min(page.len()), page.len(), width.into())?)
            }
            (DELTA_BINARY_PACKED, _) if integers => {
                Values::Delta(Box::new(Delta::new(page, first)?))
            }
            (BYTE_STREAM_SPLIT, Holds::Numbers(_)) => {
                let count = header.values as usize;
                if count * number.width() > page.len() - first {
                    return Err(CUT);
                }
                Values::Split { next: 0, start: first, count }
            }
            _ => {
                return Err(
                    "its values are in an encoding that is not read (write it with plain or \
                            dictionary encoding)",
                );
            }
        })
    }

    /// Reads the page as the chunk's dictionary.
    fn read_dictionary(
        &mut self,
        convert: &mut C,
        header: Header,
    ) -> std::result::Result<(), Wrong> {
        if ![PLAIN, PLAIN_DICTIONARY].contains(&header.encoding) {
            return Err("its dictionary is in an encoding that is not read");
        }
        self.values = match self.column.holds {
            Holds::Numbers(_) => Values::Plain(0),
            Holds::Texts => Values::Texts(0),
            Holds::Truth | Holds::Nested | Holds::Other(_) => {
                return Err("a dictionary of truth values");
            }
        };
        let least = if self.column.holds == Holds::Texts { 4 } else { number(self.column).width() };
        let count = header.values as usize;
        if count.checked_mul(least).is_none_or(|bytes| bytes > self.page.len()) {
            return Err("its dictionary ends early");
        }
        let mut entries = vec![C::Out::default(); count];
        self.decode(convert, &mut entries)?;
        self.dictionary = entries;
        Ok(())
    }
}

/// Where the bytes end whose length stands in the four bytes at `at`.
fn prefixed(page: &[u8], at: usize) -> Option<usize> {
    let length = u32::from_le_bytes(*page.get(at..)?.first_chunk()?) as usize;
    (at + 4).checked_add(length).filter(|&end| end <= page.len())
}

/// How a column's numbers are stored; truth values become bytes, and texts have no width.
fn number(column: &Column) -> Number {
    match column.holds {
        Holds::Numbers(number) => number,
        Holds::Truth | Holds::Texts | Holds::Nested | Holds::Other(_) => Number::U8,
    }
}

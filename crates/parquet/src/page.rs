//! The pages of one chunk of a column, one after the other.

use std::fs::File;

use crate::codec::Codec;
use crate::encoding::{BLOCK, CUT, Delta, DeltaTexts, Hybrid, Values, Wrong, text};
use crate::encodings::{
    BYTE_STREAM_SPLIT, DELTA_BINARY_PACKED, DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY, PLAIN,
    PLAIN_DICTIONARY, RLE, RLE_DICTIONARY,
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
    /// How definition and repetition levels are coded.
    level_encodings: [i64; 2],
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
                            3 | 4 if inner == Some(DATA) => {
                                header.level_encodings[field as usize - 3] = r.integer(kind)?;
                            }
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
    /// The row of the file of the first value, the values of each row, and those that were passed.
    first: u64,
    width: u64,
    passed: u64,
    /// The current page, how its values are coded, and how many are left.
    page: Vec<u8>,
    values: Values,
    left: u64,
    dictionary: Vec<C::Out>,
}

impl<'a, C: Convert> Pages<'a, C> {
    /// The values of a chunk, the first of which belongs to `row`. Each row has `width` of them: 1, or
    /// of lists the length that all must have.
    pub fn new(file: &'a File, column: &'a Column, chunk: Chunk, row: u64, width: usize) -> Self {
        let Chunk { offset, bytes, codec, .. } = chunk;
        Pages {
            file,
            column,
            codec,
            at: offset,
            end: offset + bytes,
            first: row,
            width: width.max(1) as u64,
            passed: 0,
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
            self.passed += now as u64;
            out = later;
        }
        Ok(())
    }

    /// The length of the first list of the chunk; of several that hang together in damaged levels, of
    /// all on the page.
    pub fn first_length(&mut self, convert: &mut C) -> Result<u64> {
        // Every list is irregular of no length at all: the page's levels are looked at, no more.
        self.width = 0;
        while self.left == 0 {
            self.next_page(convert, 0)?;
        }
        Ok(self.width)
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
            Values::DeltaTexts(texts) if self.column.holds == Holds::Texts => {
                for out in out {
                    let text = texts.next(page)?;
                    *out = convert.text(text).ok_or("a text where numbers are expected")?;
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
        let (name, row) = (&self.column.name, self.row_of(self.passed) + 1);
        Fault::wrong(format!("column '{name}', the page of row {row}: {what}"))
            .with_hint("the file is damaged, or its writer is: write it again")
    }

    /// The row of the file of a value of the chunk.
    fn row_of(&self, value: u64) -> u64 {
        self.first + value / self.width.max(1)
    }

    /// Goes on to the next page. A page of data with no more than `skip` values is passed over; returns
    /// how many that were.
    fn next_page(&mut self, convert: &mut C, skip: u64) -> Result<u64> {
        let left = self.end - self.at;
        if left == 0 {
            if self.width > 1 && !self.passed.is_multiple_of(self.width) {
                return Err(self.ragged(self.passed));
            }
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
            self.passed += header.values;
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

    /// Decompresses a page of data, sees that no value is missing and that lists have one length, and
    /// returns where the values begin.
    fn open_data(&mut self, header: Header, mut body: Vec<u8>) -> Result<usize> {
        let count = header.values;
        let Some([repetition, definition]) = header.levels else {
            self.page = self.decompress(self.codec, body, header.uncompressed)?;
            let page = std::mem::take(&mut self.page);
            let mut at = 0;
            let mut levels = |is_there: bool, encoding: i64| -> Result<std::ops::Range<usize>> {
                if !is_there {
                    return Ok(at..at);
                }
                if encoding != RLE {
                    return Err(self.damaged("its levels are in an old encoding that is not read"));
                }
                let end = prefixed(&page, at);
                let end = end.ok_or_else(|| self.damaged("its levels are longer than the page"))?;
                Ok(std::mem::replace(&mut at, end) + 4..end)
            };
            let [of_definition, of_repetition] = header.level_encodings;
            let repetition = levels(self.column.is_list, of_repetition)?;
            let definition = levels(self.column.definition > 0, of_definition)?;
            self.check_levels(&page, repetition, definition, count)?;
            self.page = page;
            return Ok(at);
        };
        // The levels stand before the values and are never compressed.
        let before = repetition + definition;
        if before > body.len() as u64 || before > header.uncompressed {
            return Err(self.damaged("its levels are longer than the page"));
        }
        let (middle, end) = (repetition as usize, before as usize);
        self.check_levels(&body, 0..middle, middle..end, count)?;
        let body = if before == 0 { body } else { body.split_off(end) };
        let codec = if header.packed && !body.is_empty() { self.codec } else { Codec::Plain };
        self.page = self.decompress(codec, body, header.uncompressed - before)?;
        Ok(0)
    }

    /// Sees by their levels that `count` values are there and that lists of them have one length.
    fn check_levels(
        &mut self,
        bytes: &[u8],
        repetition: std::ops::Range<usize>,
        definition: std::ops::Range<usize>,
        count: u64,
    ) -> Result<()> {
        let column = self.column;
        let missing = match column.definition {
            0 => Ok(None),
            there => Hybrid::new(definition.start, definition.end, there.ilog2() + 1)
                .and_then(|levels| levels.first_other(bytes, count, there)),
        };
        let missing = missing.map_err(|what| self.damaged(what))?;
        if column.is_list {
            let levels = Hybrid::new(repetition.start, repetition.end, 1);
            let levels = levels.map_err(|what| self.damaged(what))?;
            if self.width == 0 {
                let length = levels.first_length(bytes, count);
                self.width = length.map_err(|what| self.damaged(what))?;
                return Ok(());
            }
            let until = missing.map_or(count, |missing| missing + 1);
            let phase = self.passed % self.width;
            let irregular = levels.first_irregular(bytes, until, phase, self.width);
            if let Some(place) = irregular.map_err(|what| self.damaged(what))? {
                return Err(self.ragged(self.passed + place));
            }
        }
        let Some(missing) = missing else { return Ok(()) };
        let (row, name) = (self.row_of(self.passed + missing) + 1, &column.name);
        let list = if column.is_list { ", or its list is empty" } else { "" };
        Err(Fault::wrong(format!("row {row}, column '{name}': the value is missing (null){list}"))
            .with_hint("remove rows with missing values, or fill them in; rows count from 1"))
    }

    /// That a list is shorter or longer than the others, seen at this value of the chunk.
    fn ragged(&self, value: u64) -> Fault {
        let (width, name) = (self.width, &self.column.name);
        let (row, length) = match value % width {
            0 => (self.row_of(value), format!("more than {width}")),
            fewer => (self.row_of(value) + 1, fewer.to_string()),
        };
        Fault::wrong(format!(
            "row {row}, column '{name}': its list has {length} values, others have {width}"
        ))
        .with_hint(
            "lists are read as vectors, which have one length; --columns reads other columns",
        )
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
            (PLAIN, Holds::Numbers(_) | Holds::Moments(..)) => Values::Plain(first),
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
            (DELTA_LENGTH_BYTE_ARRAY, Holds::Texts) => {
                Values::DeltaTexts(Box::new(DeltaTexts::new(page, first, false)?))
            }
            (DELTA_BYTE_ARRAY, Holds::Texts) => {
                Values::DeltaTexts(Box::new(DeltaTexts::new(page, first, true)?))
            }
            (DELTA_BYTE_ARRAY, _) if number.is_fixed() => {
                Values::DeltaTexts(Box::new(DeltaTexts::new(page, first, true)?))
            }
            (BYTE_STREAM_SPLIT, Holds::Numbers(_) | Holds::Moments(..)) => {
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
            Holds::Numbers(_) | Holds::Moments(..) => Values::Plain(0),
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
        Holds::Numbers(number) | Holds::Moments(number, _) => number,
        Holds::Truth | Holds::Texts | Holds::Nested | Holds::Other(_) => Number::U8,
    }
}

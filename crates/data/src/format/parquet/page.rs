//! The pages of one chunk of a column, one after the other.
//!
//! A cursor holds one decompressed page and the chunk's dictionary, and passes over pages that it
//! does not need by their headers.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::codec::Codec;
use super::encoding::{Delta, Hybrid, Values, Wrong};
use super::footer::{Chunk, Column, Holds};
use super::thrift::{Damage, Kind, Read, Reader};
use crate::input::Input;
use crate::packed::Element;
use amdahl_record::error::{Error, Result};

/// What values of a column become.
pub trait Convert {
    /// What they become.
    type Out: Copy + Default;
    /// Numbers: bytes of whole values of this element, the least significant byte first. As many as
    /// `out` is long.
    fn numbers(
        &mut self,
        element: Element,
        bytes: &[u8],
        out: &mut [Self::Out],
    ) -> Result<(), Wrong>;
    /// A text.
    fn text(&mut self, text: &[u8]) -> Result<Self::Out, Wrong>;
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

const DATA: i64 = 0;
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
    input: &'a Input,
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
    pub fn new(
        input: &'a Input,
        file: &'a File,
        column: &'a Column,
        chunk: Chunk,
        row: u64,
    ) -> Self {
        let Chunk { offset, bytes, codec } = chunk;
        Pages {
            input,
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
            self.decode(convert, these)?;
            out = later;
        }
        Ok(())
    }

    /// Passes over the next `count` values.
    pub fn skip(&mut self, convert: &mut C, mut count: u64) -> Result<()> {
        let mut scratch = vec![C::Out::default(); self.left.min(count).min(1024) as usize];
        while count > 0 {
            if self.left == 0 {
                count -= self.next_page(convert, count)?;
                continue;
            }
            let now = self.left.min(count).min(1024) as usize;
            scratch.resize(now, C::Out::default());
            self.decode(convert, &mut scratch)?;
            count -= now as u64;
        }
        Ok(())
    }

    fn decode(&mut self, convert: &mut C, out: &mut [C::Out]) -> Result<()> {
        let element = element(self.column);
        let (convert, dictionary) = (std::cell::RefCell::new(convert), &self.dictionary);
        let next = std::cell::Cell::new(0);
        let out = std::cell::RefCell::new(out);
        let (width, count) = (element.width(), out.borrow().len());
        let done = self.values.read(
            &self.page,
            count,
            |bytes| {
                let first = next.replace(next.get() + bytes.len() / width);
                convert.borrow_mut().numbers(
                    element,
                    bytes,
                    &mut out.borrow_mut()[first..next.get()],
                )
            },
            |index| {
                let place = next.replace(next.get() + 1);
                out.borrow_mut()[place] =
                    *dictionary.get(index as usize).ok_or("a place beyond its dictionary")?;
                Ok(())
            },
            |text| {
                let place = next.replace(next.get() + 1);
                out.borrow_mut()[place] = convert.borrow_mut().text(text)?;
                Ok(())
            },
        );
        done.map_err(|what| self.damaged(what))?;
        self.left -= count as u64;
        self.row += count as u64;
        Ok(())
    }

    fn damaged(&self, what: &str) -> Error {
        let (name, row) = (&self.column.name, self.row + 1);
        self.input
            .refuse(format!("column '{name}', the page of row {row}: {what}"))
            .hint("the file is damaged, or its writer is: write it again")
    }

    fn bytes(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                self.input.refuse("the file became shorter while it was read")
            }
            _ => Error::io("read", self.input.path(), error),
        })?;
        Ok(bytes)
    }

    /// Goes on to the next page. A page of data with no more than `skip` values is passed over;
    /// returns how many that were.
    fn next_page(&mut self, convert: &mut C, skip: u64) -> Result<u64> {
        let left = self.end - self.at;
        if left == 0 {
            return Err(self.damaged("the pages hold fewer values than the row group has rows"));
        }
        let mut look = left.min(HEADER);
        let (header, length) = loop {
            match Header::read(&self.bytes(self.at, look as usize)?) {
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
        let body = self.bytes(start, header.compressed as usize)?;
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
            self.page = self
                .codec
                .decompress(body, header.uncompressed as usize)
                .map_err(|what| self.damaged(&what))?;
            self.read_dictionary(convert, header)?;
            self.page = Vec::new();
            return Ok(0);
        }
        let first = self.open_data(header, body)?;
        self.values = self.coded(header, first).map_err(|what| self.damaged(what))?;
        self.left = header.values;
        Ok(0)
    }

    /// Decompresses a page of data, sees that no value is missing, and returns where the values
    /// begin.
    fn open_data(&mut self, header: Header, mut body: Vec<u8>) -> Result<usize> {
        let length = header.uncompressed as usize;
        let Some([repetition, definition]) = header.levels else {
            self.page = self.codec.decompress(body, length).map_err(|what| self.damaged(&what))?;
            if !self.column.optional {
                return Ok(0);
            }
            if header.level_encoding != RLE {
                return Err(self.damaged("its levels are in an old encoding that is not read"));
            }
            let length = self.page.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
            let end = length
                .and_then(|length| length.checked_add(4))
                .filter(|&end| end <= self.page.len());
            let end = end.ok_or_else(|| self.damaged("its levels are longer than the page"))?;
            let levels = Hybrid::new(4, end, 1).map_err(|what| self.damaged(what))?;
            self.none_missing(levels, &self.page, header.values)?;
            return Ok(end);
        };
        // The levels stand before the values and are never compressed.
        let before = (repetition + definition) as usize;
        if before > body.len() || before > length {
            return Err(self.damaged("its levels are longer than the page"));
        }
        if self.column.optional {
            let levels =
                Hybrid::new(repetition as usize, before, 1).map_err(|what| self.damaged(what))?;
            self.none_missing(levels, &body, header.values)?;
        }
        let body = if before == 0 { body } else { body.split_off(before) };
        let codec = if header.packed && !body.is_empty() { self.codec } else { Codec::Plain };
        self.page = codec.decompress(body, length - before).map_err(|what| self.damaged(&what))?;
        Ok(0)
    }

    fn none_missing(&self, levels: Hybrid, bytes: &[u8], values: u64) -> Result<()> {
        match levels.first_other(bytes, values, 1).map_err(|what| self.damaged(what))? {
            None => Ok(()),
            Some(missing) => Err(self
                .input
                .refuse(format!(
                    "row {}, column '{}': the value is missing (null)",
                    self.row + missing + 1,
                    self.column.name
                ))
                .hint("remove rows with missing values, or fill them in; rows count from 1")),
        }
    }

    /// How the values are coded that begin at byte `first` of the page.
    fn coded(&self, header: Header, first: usize) -> Result<Values, Wrong> {
        let (page, width, count) =
            (&self.page, element(self.column).width(), header.values as usize);
        let integers = matches!(
            self.column.holds,
            Holds::Numbers(Element::I32 | Element::U32 | Element::I64 | Element::U64)
        );
        Ok(match (header.encoding, self.column.holds) {
            (PLAIN, Holds::Truth) => Values::Bits(first * 8),
            (PLAIN, Holds::Numbers(_)) => Values::Plain { at: first, width },
            (PLAIN, Holds::Texts) => Values::Texts(first),
            (RLE, Holds::Truth) => {
                let length = page
                    .get(first..)
                    .and_then(|rest| rest.first_chunk())
                    .map(|n| u32::from_le_bytes(*n) as usize);
                let end = length
                    .and_then(|length| (first + 4).checked_add(length))
                    .filter(|&end| end <= page.len());
                Values::Truth(Hybrid::new(first + 4, end.ok_or("its values end early")?, 1)?)
            }
            (PLAIN_DICTIONARY | RLE_DICTIONARY, _) => {
                // A page without values may be without a width too.
                let width = page.get(first).copied().unwrap_or(0);
                Values::Indices(Hybrid::new((first + 1).min(page.len()), page.len(), width.into())?)
            }
            (DELTA_BINARY_PACKED, _) if integers => {
                Values::Delta(Box::new(Delta::new(page, first)?), width)
            }
            (BYTE_STREAM_SPLIT, Holds::Numbers(_)) => {
                if count * width > page.len() - first {
                    return Err("its values end early");
                }
                Values::Split { next: 0, start: first, count, width }
            }
            _ => {
                return Err(
                    "its values are in an encoding that is not read (write it with plain or dictionary encoding)",
                );
            }
        })
    }

    /// Reads the page as the chunk's dictionary.
    fn read_dictionary(&mut self, convert: &mut C, header: Header) -> Result<()> {
        if ![PLAIN, PLAIN_DICTIONARY].contains(&header.encoding) {
            return Err(self.damaged("its dictionary is in an encoding that is not read"));
        }
        let count = header.values as usize;
        let width = element(self.column).width();
        let least = if self.column.holds == Holds::Texts { 4 } else { width };
        if count.checked_mul(least).is_none_or(|bytes| bytes > self.page.len()) {
            return Err(self.damaged("its dictionary ends early"));
        }
        let mut entries = vec![C::Out::default(); count];
        let done = match self.column.holds {
            Holds::Numbers(element) => {
                convert.numbers(element, &self.page[..count * width], &mut entries)
            }
            Holds::Texts => {
                let mut next = 0;
                let text = |text: &[u8]| {
                    entries[next] = convert.text(text)?;
                    next += 1;
                    Ok(())
                };
                Values::Texts(0).read(&self.page, count, |_| Ok(()), |_| Ok(()), text)
            }
            Holds::Truth | Holds::Other(_) => Err("a dictionary of truth values"),
        };
        done.map_err(|what| self.damaged(what))?;
        self.dictionary = entries;
        Ok(())
    }
}

const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const DELTA_BINARY_PACKED: i64 = 5;
const RLE_DICTIONARY: i64 = 8;
const BYTE_STREAM_SPLIT: i64 = 9;

/// How a column's numbers are stored; truth values become bytes, and texts have no width.
fn element(column: &Column) -> Element {
    match column.holds {
        Holds::Numbers(element) => element,
        Holds::Truth | Holds::Texts | Holds::Other(_) => Element::U8,
    }
}

//! Bytes of an HDF5 file, and the messages of its object headers.
//!
//! Definitions: *HDF5 File Format Specification*, version 3,
//! <https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html>; the numbers of sections are
//! those of that text.

use std::fs::File;
use std::os::unix::fs::FileExt;

use amdahl_record::error::{Error, Result};

use crate::input::Input;

/// The address of what is not there.
pub const NOWHERE: u64 = u64::MAX;

/// Messages of an object header are followed through so many blocks.
const MOST_BLOCKS: usize = 1024;

/// A file, and how many bytes it has.
#[derive(Clone, Copy)]
pub struct Bytes<'a> {
    /// Names it.
    pub input: &'a Input,
    /// Holds them.
    pub file: &'a File,
    /// Their number.
    pub length: u64,
}

impl Bytes<'_> {
    /// `length` bytes from `at` on; nothing is asked for that the file does not have.
    pub fn read(&self, at: u64, length: u64) -> Result<Vec<u8>> {
        if at.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(self.damaged("something lies beyond the end of the file: it is truncated"));
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, at).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                self.input.refuse("the file became shorter while it was read")
            }
            _ => Error::io("read", self.input.path(), error),
        })?;
        Ok(bytes)
    }

    /// The same, of which the first are a signature.
    pub fn signed(&self, at: u64, length: u64, signature: &[u8]) -> Result<Vec<u8>> {
        let bytes = self.read(at, length)?;
        match bytes.starts_with(signature) {
            true => Ok(bytes),
            false => {
                let name = String::from_utf8_lossy(signature);
                Err(self.damaged(&format!("no '{name}' where one is expected")))
            }
        }
    }

    /// An error about the file's structure.
    pub fn damaged(&self, what: &str) -> Error {
        let error = self.input.refuse(format!("the file's structure cannot be read: {what}"));
        error.hint("the file is damaged, or its writer is: write it again")
    }

    /// That the file is right, and that this program does not read it.
    pub fn not_read(&self, what: &str) -> Error {
        let error = self.input.refuse(format!("{what}, which is not read"));
        error.hint("h5repack --latest=0 -f GZIP=4, or h5py without libver, writes what is read")
    }
}

/// Little-endian numbers, one after the other.
pub struct Cursor<'a> {
    rest: &'a [u8],
}

/// What ends before it should.
pub const CUT: &str = "a message ends early";

impl<'a> Cursor<'a> {
    /// From the first byte on.
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
    }

    /// The next bytes.
    pub fn take(&mut self, length: usize) -> std::result::Result<&'a [u8], &'static str> {
        let (these, rest) = self.rest.split_at_checked(length).ok_or(CUT)?;
        self.rest = rest;
        Ok(these)
    }

    /// A number of up to eight bytes.
    pub fn number(&mut self, width: usize) -> std::result::Result<u64, &'static str> {
        let mut bytes = [0; 8];
        bytes
            .get_mut(..width)
            .ok_or("a number of more than 64 bits")?
            .copy_from_slice(self.take(width)?);
        Ok(u64::from_le_bytes(bytes))
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }
}

/// A message of an object header: its type, and its content.
pub struct Message {
    /// The number of its type (IV.A.2).
    pub kind: u16,
    /// Is the content somewhere else?
    pub is_shared: bool,
    /// The content.
    pub content: Vec<u8>,
}

/// The messages of the object header at `at` (IV.A.1).
pub fn messages(bytes: Bytes<'_>, at: u64) -> Result<Vec<Message>> {
    let start = bytes.read(at, 16)?;
    let is_new = start.starts_with(b"OHDR");
    let mut blocks = Vec::new();
    let mut order = false;
    if is_new {
        let flags = start[5];
        // Times of access and change, and limits of attributes.
        let before =
            6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
        let width = 1 << (flags & 3);
        let head = bytes.read(at, before + width)?;
        let mut size = Cursor::new(&head[before as usize..]);
        let size = size.number(width as usize).map_err(|what| bytes.damaged(what))?;
        order = flags & 4 != 0;
        blocks.push((at + before + width, size));
    } else if start[0] == 1 {
        let size = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
        blocks.push((at + 16, size.into()));
    } else {
        return Err(bytes.damaged("no object header where one is expected"));
    }
    let mut found = Vec::new();
    let mut next = 0;
    while let Some(&(at, size)) = blocks.get(next) {
        next += 1;
        if next > MOST_BLOCKS {
            return Err(bytes.damaged("an object header that does not end"));
        }
        let block = bytes.read(at, size)?;
        let mut cursor = Cursor::new(&block);
        let head = if is_new { 4 + 2 * usize::from(order) } else { 8 };
        // Less is a gap.
        while cursor.left() >= head {
            let read = || -> std::result::Result<_, &'static str> {
                let kind = cursor.number(if is_new { 1 } else { 2 })? as u16;
                let size = cursor.number(2)? as usize;
                let flags = cursor.number(1)?;
                cursor.take(if is_new { 2 * usize::from(order) } else { 3 })?;
                Ok((kind, flags & 2 != 0, cursor.take(size)?))
            };
            let mut read = read;
            let (kind, is_shared, content) = read().map_err(|what| bytes.damaged(what))?;
            if kind == 0x10 {
                let mut place = Cursor::new(content);
                let mut number = || place.number(8).map_err(|what| bytes.damaged(what));
                let (at, size) = (number()?, number()?);
                // A signature stands before the messages of a newer block, a checksum after them.
                match is_new {
                    true => {
                        bytes.signed(at, 4, b"OCHK")?;
                        blocks.push((at + 4, size.saturating_sub(8)));
                    }
                    false => blocks.push((at, size)),
                }
            } else if kind != 0 {
                found.push(Message { kind, is_shared, content: content.to_vec() });
            }
        }
    }
    Ok(found)
}

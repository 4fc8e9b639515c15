//! What the messages of a data set say: its extents, the type of its values, and where these are.

use amdahl_record::error::Result;

use super::file::{Bytes, Cursor, Message, NOWHERE};
use crate::element::{Element, Order};

/// A data set.
pub struct Array {
    /// Its extents, the first of which counts the rows.
    pub extents: Vec<u64>,
    /// How a value is stored.
    pub element: Element,
    /// The order of its bytes.
    pub order: Order,
    /// Where the values are.
    pub storage: Storage,
}

/// Where values are.
pub enum Storage {
    /// One after the other from this byte on.
    Contiguous(u64),
    /// In chunks, each compressed by itself.
    Chunked {
        /// The extents of a chunk.
        chunk: Vec<u64>,
        /// How chunks are found.
        index: Index,
        /// What was done to a chunk's bytes, in this order.
        filters: Vec<Filter>,
    },
}

/// How chunks are found.
#[derive(Clone, Copy)]
pub enum Index {
    /// By the tree at this address.
    Tree(u64),
    /// There is one: its address, and its stored bytes where it is filtered.
    Single(u64, Option<(u64, u32)>),
    /// They lie one after the other from this address on.
    Implicit(u64),
    /// By the array at this address, which has an entry for each.
    Fixed(u64),
}

/// What is done to the bytes of a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// zlib's compression.
    Deflate,
    /// The first bytes of all values stand first, then the second ones …
    Shuffle,
    /// A checksum stands at the end.
    Fletcher32,
    /// Marc Lehmann's compression, which h5py brings with it.
    Lzf,
}

type Read<T> = std::result::Result<T, Trouble>;

/// Why a message is not understood.
enum Trouble {
    Damage(&'static str),
    NotRead(String),
}

impl From<&'static str> for Trouble {
    fn from(what: &'static str) -> Trouble {
        Trouble::Damage(what)
    }
}

fn not_read<T>(what: impl Into<String>) -> Read<T> {
    Err(Trouble::NotRead(what.into()))
}

impl Array {
    /// From the messages of an object.
    pub fn read(bytes: Bytes<'_>, name: &str, object: &[Message]) -> Result<Array> {
        let say = |trouble| match trouble {
            Trouble::Damage(what) => bytes.damaged(what),
            Trouble::NotRead(what) => bytes.not_read(&format!("the data set '{name}' {what}")),
        };
        let content = |kind: u16| object.iter().find(|message| message.kind == kind);
        let look = || -> Read<Array> {
            let needed = |kind: u16| match content(kind) {
                Some(Message { is_shared: true, .. }) => not_read("shares its type with others"),
                Some(message) => Ok(Cursor::new(&message.content)),
                None => not_read("is a group or a type, no data set"),
            };
            let mut filters = Vec::new();
            if content(0x0b).is_some() {
                filters = pipeline(needed(0x0b)?)?;
            }
            let layout = needed(0x08)?;
            let extents = dataspace(needed(0x01)?)?;
            let (element, order) = datatype(needed(0x03)?, true)?;
            let storage = storage(layout, &extents, filters)?;
            Ok(Array { extents, element, order, storage })
        };
        look().map_err(say)
    }
}

/// The extents (IV.A.2.b).
fn dataspace(mut cursor: Cursor<'_>) -> Read<Vec<u64>> {
    let (version, rank, _flags) = (cursor.number(1)?, cursor.number(1)?, cursor.number(1)?);
    cursor.take(match version {
        1 => 5,
        2 => 1,
        _ => return not_read("has extents of an unknown version"),
    })?;
    (0..rank).map(|_| Ok(cursor.number(8)?)).collect()
}

/// The type of the values (IV.A.2.d).
fn datatype(mut cursor: Cursor<'_>, may_be_named: bool) -> Read<(Element, Order)> {
    let class = cursor.number(1)? & 0xf;
    let bits = cursor.number(3)?;
    let size = cursor.number(4)?;
    let order = if bits & 1 == 0 { Order::Little } else { Order::Big };
    let element = match class {
        0 => {
            let (offset, precision) = (cursor.number(2)?, cursor.number(2)?);
            if offset != 0 || precision != 8 * size {
                return not_read("has integers that do not fill their bytes");
            }
            match (size, bits & 8 != 0) {
                (1, true) => Element::I8,
                (1, false) => Element::U8,
                (2, true) => Element::I16,
                (2, false) => Element::U16,
                (4, true) => Element::I32,
                (4, false) => Element::U32,
                (8, true) => Element::I64,
                (8, false) => Element::U64,
                _ => return not_read(format!("has integers of {size} bytes")),
            }
        }
        1 => {
            // Where the bits begin and how many they are, the exponent's place and size, the fraction's size.
            cursor.take(5)?;
            let exponent = cursor.number(1)?;
            cursor.take(1)?;
            match (size, exponent, cursor.number(1)?) {
                _ if bits & 0x40 != 0 => return not_read("has floats in the order of a VAX"),
                (2, 5, 10) => Element::F16,
                (2, 8, 7) => Element::BF16,
                (4, 8, 23) => Element::F32,
                (8, 11, 52) => Element::F64,
                _ => return not_read(format!("has floats of {size} bytes in a form of their own")),
            }
        }
        // Named integers, as truth values are: their type stands first.
        8 if may_be_named => return datatype(cursor, false),
        _ => {
            let names = [
                "",
                "",
                "times",
                "texts",
                "bit fields",
                "bytes without a meaning",
                "records",
                "references",
                "",
                "texts or lists of any length",
                "arrays",
            ];
            let what = names.get(class as usize).unwrap_or(&"values of an unknown type");
            return not_read(format!("holds {what}"));
        }
    };
    Ok((element, order))
}

/// Where the values are (IV.A.2.i).
fn storage(mut cursor: Cursor<'_>, extents: &[u64], filters: Vec<Filter>) -> Read<Storage> {
    let version = cursor.number(1)?;
    // The fifth, of HDF5 2.0, is the fourth with wider sizes in the indices of chunks.
    if !(3..=5).contains(&version) {
        return not_read(format!("has a layout of version {version}"));
    }
    let class = cursor.number(1)?;
    match class {
        1 => match cursor.number(8)? {
            NOWHERE => not_read("was never written to"),
            address => Ok(Storage::Contiguous(address)),
        },
        2 => chunked(cursor, version, extents.len(), filters),
        0 => not_read("is so small that it lies in its header"),
        _ => not_read("lies in other files"),
    }
}

fn chunked(
    mut cursor: Cursor<'_>,
    version: u64,
    rank: usize,
    filters: Vec<Filter>,
) -> Read<Storage> {
    let flags = if version > 3 { cursor.number(1)? } else { 0 };
    let dimensions = cursor.number(1)? as usize;
    if dimensions != rank + 1 {
        return Err("chunks of another rank than the data set".into());
    }
    let mut tree = 0;
    let width = match version {
        3 => {
            tree = cursor.number(8)?;
            4
        }
        _ => cursor.number(1)? as usize,
    };
    // The last is the size of a value.
    let mut chunk = Vec::new();
    for _ in 0..dimensions {
        chunk.push(cursor.number(width)?);
    }
    chunk.pop();
    if chunk.contains(&0) {
        return Err("chunks without values".into());
    }
    let index = match (version, if version == 3 { 0 } else { cursor.number(1)? }) {
        (3, _) => Index::Tree(tree),
        (_, 1) => {
            let filtered = match flags & 2 != 0 {
                true => Some((cursor.number(8)?, cursor.number(4)? as u32)),
                false => None,
            };
            Index::Single(cursor.number(8)?, filtered)
        }
        (_, 2) => Index::Implicit(cursor.number(8)?),
        (_, 3) => {
            cursor.take(1)?;
            Index::Fixed(cursor.number(8)?)
        }
        _ => return not_read("may grow, in a file of libver='latest'"),
    };
    if let Index::Tree(NOWHERE)
    | Index::Single(NOWHERE, _)
    | Index::Implicit(NOWHERE)
    | Index::Fixed(NOWHERE) = index
    {
        return not_read("was never written to");
    }
    Ok(Storage::Chunked { chunk, index, filters })
}

/// The filters (IV.A.2.l).
fn pipeline(mut cursor: Cursor<'_>) -> Read<Vec<Filter>> {
    let (version, count) = (cursor.number(1)?, cursor.number(1)?);
    cursor.take(if version == 1 { 6 } else { 0 })?;
    let mut filters = Vec::new();
    for _ in 0..count {
        let number = cursor.number(2)?;
        let name = if version == 1 || number >= 256 { cursor.number(2)? as usize } else { 0 };
        cursor.take(2)?;
        let values = cursor.number(2)? as usize;
        // Of the first version names fill groups of eight bytes, and so do the values.
        let padded = if version == 1 { name.next_multiple_of(8) } else { name };
        let shown =
            String::from_utf8_lossy(cursor.take(padded)?).trim_end_matches('\0').to_string();
        cursor.take(4 * if version == 1 { values.next_multiple_of(2) } else { values })?;
        filters.push(match number {
            1 => Filter::Deflate,
            2 => Filter::Shuffle,
            3 => Filter::Fletcher32,
            32000 => Filter::Lzf,
            other => {
                let what = match (other, &shown[..]) {
                    (4, _) => "szip".to_string(),
                    (_, "") => format!("filter {other}"),
                    (_, name) => format!("filter {other} ('{name}')"),
                };
                return not_read(format!("is compressed by {what}"));
            }
        });
    }
    Ok(filters)
}

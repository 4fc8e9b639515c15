//! Parquet files of flat columns and of lists: columns in row groups, as pandas, Spark, polars and DuckDB write
//! them. Format: <https://parquet.apache.org/docs/file-format/>.
//!
//! **Reading.** A [`Footer`] says which columns there are and where their chunks lie; [`Pages`] is a
//! cursor in one chunk, which gives its values in order and passes over pages by their headers. It
//! holds one decompressed page. Nothing is allocated because a header claims it: chunks and pages are
//! held against the bytes that are there, a page's size against what its codec can make of them.
//!
//! **Writing.** A [`Writer`] makes the plainest files that the format has.

mod codec;
mod encoding;
mod footer;
mod number;
mod page;
mod thrift;
mod write;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

pub use codec::Codec;
pub use footer::{Chunk, Column, Footer, Holds, MAGIC};
pub use number::{Number, half};
pub use page::{Convert, Pages};
pub use write::{Kind, Piece, Writer};

/// Why a file cannot be read.
#[derive(Debug)]
pub enum Fault {
    /// The system cannot read it.
    Io(io::Error),
    /// Its content is not what it should be.
    Wrong {
        /// What is wrong.
        what: String,
        /// What to do.
        hint: Option<&'static str>,
    },
}

impl Fault {
    fn wrong(what: impl Into<String>) -> Fault {
        Fault::Wrong { what: what.into(), hint: None }
    }

    fn with_hint(self, hint: &'static str) -> Fault {
        match self {
            Fault::Wrong { what, .. } => Fault::Wrong { what, hint: Some(hint) },
            io => io,
        }
    }
}

/// The result of reading.
pub type Result<T> = std::result::Result<T, Fault>;

/// Numbers of encodings, in the enumeration `Encoding`.
mod encodings {
    pub const PLAIN: i64 = 0;
    pub const PLAIN_DICTIONARY: i64 = 2;
    pub const RLE: i64 = 3;
    pub const DELTA_BINARY_PACKED: i64 = 5;
    pub const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
    pub const DELTA_BYTE_ARRAY: i64 = 7;
    pub const RLE_DICTIONARY: i64 = 8;
    pub const BYTE_STREAM_SPLIT: i64 = 9;
}

/// Numbers of types, in the enumeration `Type`.
mod types {
    pub const BOOLEAN: i64 = 0;
    pub const INT32: i64 = 1;
    pub const INT64: i64 = 2;
    pub const INT96: i64 = 3;
    pub const FLOAT: i64 = 4;
    pub const DOUBLE: i64 = 5;
    pub const BYTE_ARRAY: i64 = 6;
    pub const FIXED: i64 = 7;
}

/// `length` bytes of a file from `offset` on.
fn bytes(file: &File, offset: u64, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::wrong("the file became shorter while it was read"),
        _ => Fault::Io(error),
    })?;
    Ok(bytes)
}

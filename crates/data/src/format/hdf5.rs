//! HDF5 as h5py and the benchmarks of nearest neighbours write it (ann-benchmarks: `train`, `test`): a
//! data set of numbers in a file of several.
//!
//! Read are superblocks of all versions, groups by symbol tables and by links in their header, integers
//! and floats of every width in either byte order (bfloat16 too), contiguous and chunked data sets, the
//! filters deflate, shuffle, Fletcher32 and LZF. Of a contiguous data set each lane reads its own rows; of
//! a chunked one it holds one row of chunks. The first extent counts the rows, the others are flattened
//! into columns.

mod array;
mod chunks;
mod file;
mod group;

use std::fs::File;
use std::ops::Range;

use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

use self::array::{Array, Storage};
use self::chunks::Chunks;
use self::file::Bytes;
use super::contract::{Format, Likeness, no_labels_inside};
use crate::input::Input;
use crate::labels;
use crate::layout::Layout;
use crate::packed;
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::value::{Value, read_as_both};

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "hdf5",
    about: "a data set of numbers in a file of several, as h5py writes them",
    endings: &[".hdf5", ".h5"],
    has_datasets: true,
    sniff: |input| match input.head().starts_with(SIGNATURE) {
        true => Likeness::Sure,
        false => Likeness::No,
    },
    shape: |input| Ok(Some(open(input.clone())?.shape())),
    open: |input, labels| {
        no_labels_inside(&input, "hdf5", labels)?;
        open(input)
    },
    select: None,
    labels: |input| labels::of_column(input, &*open(input.clone())?),
};

/// What every file begins with.
const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Opens the data set that is wanted.
fn open(input: Input) -> Result<Box<dyn Source>> {
    let Some(length) = input.length() else {
        return Err(input
            .refuse("HDF5 inside a gzip file is not read")
            .hint("decompress it with gunzip; HDF5 compresses its own chunks"));
    };
    let file = regular::open(input.path()).map_err(|e| Error::io("read", input.path(), e))?;
    let bytes = Bytes { input: &input, file: &file, length };
    let (name, object) = group::find(bytes, input.dataset())?;
    let Array { extents, element, order, storage } = Array::read(bytes, &name, &object)?;
    let [rows, columns @ ..] = &extents[..] else {
        return Err(input.refuse(format!("the data set '{name}' is one value, rows are expected")));
    };
    let shown: Vec<String> = extents.iter().map(u64::to_string).collect();
    let says = format!("the data set '{name}' has {} {} values", shown.join(" x "), element.name());
    if extents.contains(&0) {
        return Err(input.refuse(format!("{says}: there are no rows or no columns")));
    }
    let dims = columns.iter().try_fold(1u64, |dims, extent| dims.checked_mul(*extent));
    let values = dims.and_then(|dims| dims.checked_mul(*rows)?.checked_mul(element.width() as u64));
    let (Some(dims), Some(values)) = (dims, values) else {
        return Err(input.refuse(format!("{says}: more bytes than 64 bits can count")));
    };
    let shape = Shape { rows: *rows, dims: dims as usize };
    let offset = if let Storage::Contiguous(offset) = storage { offset } else { 0 };
    let layout = Layout { element, order, offset, shape, columns_first: None };
    match storage {
        Storage::Contiguous(_) => {
            if offset.checked_add(values).is_none_or(|end| end > length) {
                let what =
                    format!("{says} from byte {offset} on, the file has {length}: it is truncated");
                return Err(input.refuse(what));
            }
            Ok(packed::open(input, layout))
        }
        Storage::Chunked { chunk, index, filters } => {
            let chunks = Chunks::find(bytes, &extents, chunk, index, filters, element.width())?;
            Ok(Box::new(Chunked { input, file, length, layout, chunks }))
        }
    }
}

/// A data set in chunks.
struct Chunked {
    input: Input,
    file: File,
    length: u64,
    layout: Layout,
    chunks: Chunks,
}

impl Source for Chunked {
    fn shape(&self) -> Shape {
        self.layout.shape
    }
    fn seekable(&self) -> bool {
        true
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.layout.shape, &range)?;
        let (next, end) = (range.start, range.end);
        Ok(Box::new(ChunkedRows { set: self, next, end, block: Vec::new(), rows: 0..0 }))
    }
    fn truth(&self, _: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

struct ChunkedRows<'a> {
    set: &'a Chunked,
    next: u64,
    end: u64,
    /// A row of chunks as bytes, and the rows of the data set that it holds.
    block: Vec<u8>,
    rows: Range<u64>,
}

impl ChunkedRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let Chunked { input, file, length, layout, chunks } = self.set;
        let dims = layout.shape.dims;
        let line = dims * layout.element.width();
        let rows = ((out.len() / dims) as u64).min(self.end - self.next) as usize;
        let mut out = &mut out[..rows * dims];
        while !out.is_empty() {
            if !self.rows.contains(&self.next) {
                // What was there is not needed any more.
                self.block = Vec::new();
                let (height, _) = chunks.rows();
                let place = self.next / height;
                self.block = chunks.read(Bytes { input, file, length: *length }, place)?;
                self.rows =
                    place * height..(place * height).saturating_add(height).min(layout.shape.rows);
            }
            let now = ((self.rows.end - self.next) as usize).min(out.len() / dims);
            let (these, later) = out.split_at_mut(now * dims);
            let first = (self.next - self.rows.start) as usize * line;
            let values = self.next * dims as u64;
            layout.decode(input, values, &self.block[first..first + now * line], these)?;
            self.next += now as u64;
            out = later;
        }
        Ok(rows)
    }
}

impl RowSource for ChunkedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.set.layout.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.next += rows.min(self.end - self.next);
        Ok(())
    }
}

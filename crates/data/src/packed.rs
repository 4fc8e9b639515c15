//! Numbers of fixed width at a known place of a file, row by row or column by column: what NPY, IDX
//! and the Liao format have in common.
//!
//! Values become f32 (or f64, where the rounding comes later): integers and f64 are rounded to the nearest f32, ties to even (integers up to
//! 2^24 are exact). A value that is NaN or infinite, or an f64 that is finite but rounds to
//! infinity, is refused with its row and column, both counted from 1.
//!
//! A lane reads its own rows of an uncompressed file only. A compressed file is decompressed into
//! memory as a whole when its first row is asked for; values are converted when they are read, so
//! that bytes stay bytes until then. The header is held against the size of the file before
//! anything is allocated.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::OnceLock;

use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

use crate::columns::{Columns, Origin};
use crate::input::Input;
use crate::labels;
use crate::layout::{CHUNK, Layout};
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::value::{Value, read_as_both};

/// The rows of a file.
pub fn open(input: Input, layout: Layout) -> Box<dyn Source> {
    if input.compressed() {
        Box::new(Inflated { input, layout, bytes: OnceLock::new() })
    } else {
        Box::new(Packed { input, layout })
    }
}

/// The values of a file with one column as labels, numbered from 0 in the order of their values.
pub fn labels(input: &Input, layout: Layout) -> Result<Vec<u32>> {
    if layout.shape.dims != 1 {
        let Shape { rows, dims } = layout.shape;
        return Err(
            input.refuse(format!("labels are one column, the header says {rows} rows of {dims}"))
        );
    }
    let mut classes = labels::Numbering::default();
    let mut seen = HashMap::new();
    let mut row = 0u64;
    let mut values = Vec::new();
    layout.stream(input, |bytes| {
        values.resize(bytes.len() / layout.element.width(), 0.0);
        layout.element.doubles(layout.order, bytes, &mut values);
        for &value in &values {
            row += 1;
            if !value.is_finite() || value.abs() > (1u64 << 53) as f64 {
                return Err(input.refuse(format!(
                    "row {row}: {value} is no label, they are finite numbers up to 2^53"
                )));
            }
            // + 0.0 makes -0 and 0 the same label.
            classes.push((value + 0.0).to_bits(), &mut seen)?;
        }
        Ok(())
    })?;
    Ok(classes.sorted(seen, |a, b| f64::from_bits(*a).total_cmp(&f64::from_bits(*b))))
}

struct Packed {
    input: Input,
    layout: Layout,
}

impl Source for Packed {
    fn shape(&self) -> Shape {
        self.layout.shape
    }
    fn seekable(&self) -> bool {
        true
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.layout.shape, &range)?;
        let Packed { input, layout } = self;
        if layout.columns_first.is_some() {
            let file =
                regular::open(input.path()).map_err(|e| Error::io("read", input.path(), e))?;
            return Ok(Box::new(Columns::new(input, layout, Origin::File(file), range)));
        }
        let mut file = input.file()?;
        let width = self.layout.element.width() as u64;
        let start = self.layout.offset + range.start * self.layout.shape.dims as u64 * width;
        file.seek(SeekFrom::Start(start)).map_err(|e| Error::io("read", self.input.path(), e))?;
        Ok(Box::new(PackedRows {
            source: self,
            file,
            buffer: Vec::new(),
            next: range.start,
            end: range.end,
        }))
    }
    fn truth(&self, _: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

struct PackedRows<'a> {
    source: &'a Packed,
    file: BufReader<File>,
    buffer: Vec<u8>,
    next: u64,
    end: u64,
}

impl PackedRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let Packed { input, layout } = self.source;
        let dims = layout.shape.dims;
        let rows = ((out.len() / dims) as u64).min(self.end - self.next);
        let width = layout.element.width();
        self.buffer.resize(CHUNK, 0);
        let mut first = self.next * dims as u64;
        for out in out[..rows as usize * dims].chunks_mut(CHUNK / width) {
            let bytes = &mut self.buffer[..out.len() * width];
            self.file.read_exact(bytes).map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    input.refuse("the file became shorter while it was read")
                }
                _ => Error::io("read", input.path(), error),
            })?;
            layout.decode(input, first, bytes, out)?;
            first += out.len() as u64;
        }
        self.next += rows;
        Ok(rows as usize)
    }
}

impl RowSource for PackedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.source.layout.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        let rows = rows.min(self.end - self.next);
        let bytes =
            rows * (self.source.layout.shape.dims * self.source.layout.element.width()) as u64;
        // Less than the length of a file, which fits i64. What is in the buffer stays there.
        self.file
            .seek_relative(bytes as i64)
            .map_err(|e| Error::io("read", self.source.input.path(), e))?;
        self.next += rows;
        Ok(())
    }
}

/// A compressed file, decompressed when its first row is asked for.
struct Inflated {
    input: Input,
    layout: Layout,
    bytes: OnceLock<Result<Vec<u8>>>,
}

impl Source for Inflated {
    fn shape(&self) -> Shape {
        self.layout.shape
    }
    fn seekable(&self) -> bool {
        false
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.layout.shape, &range)?;
        let bytes = self
            .bytes
            .get_or_init(|| self.layout.load(&self.input))
            .as_ref()
            .map_err(Clone::clone)?;
        if self.layout.columns_first.is_some() {
            let origin = Origin::Memory(bytes);
            return Ok(Box::new(Columns::new(&self.input, &self.layout, origin, range)));
        }
        Ok(Box::new(InflatedRows { source: self, bytes, next: range.start, end: range.end }))
    }
    fn truth(&self, _: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

struct InflatedRows<'a> {
    source: &'a Inflated,
    bytes: &'a [u8],
    next: u64,
    end: u64,
}

impl InflatedRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let Inflated { input, layout, .. } = self.source;
        let dims = layout.shape.dims;
        let rows = ((out.len() / dims) as u64).min(self.end - self.next);
        // The file's values are all in memory: their number fits.
        let (first, count) = (self.next * dims as u64, rows as usize * dims);
        let width = layout.element.width();
        let start = first as usize * width;
        layout.decode(
            input,
            first,
            &self.bytes[start..start + count * width],
            &mut out[..count],
        )?;
        self.next += rows;
        Ok(rows as usize)
    }
}

impl RowSource for InflatedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.source.layout.shape.dims }
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

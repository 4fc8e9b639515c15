//! Numbers of fixed width in row-major order at a known place of a file: what NPY, IDX and the Liao
//! format have in common.
//!
//! Values become f32: integers and f64 are rounded to the nearest f32, ties to even (integers up to
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

use super::input::Input;
use super::labels;
use super::memory::reserve;
use super::{RowSource, Shape, Source, check_range};
use amdahl_record::error::{Error, Result};

/// Bytes that are converted at a time.
const CHUNK: usize = 64 * 1024;

/// How one number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 8 bits without sign.
    U8,
    /// 8 bits.
    I8,
    /// 16 bits without sign.
    U16,
    /// 16 bits.
    I16,
    /// 32 bits without sign.
    U32,
    /// 32 bits.
    I32,
    /// 64 bits without sign.
    U64,
    /// 64 bits.
    I64,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

/// The order of a number's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The least significant first.
    Little,
    /// The most significant first.
    Big,
}

/// Runs `$body` with `$from` bound to the conversion from bytes of the element's type, and `$width`
/// to its size.
macro_rules! with_element {
    ($element:expr, $order:expr, |$from:ident, $width:ident| $body:expr) => {
        match ($element, $order) {
            (Element::U8, _) => with_element!(u8, from_le_bytes, $from, $width, $body),
            (Element::I8, _) => with_element!(i8, from_le_bytes, $from, $width, $body),
            (Element::U16, Order::Little) => {
                with_element!(u16, from_le_bytes, $from, $width, $body)
            }
            (Element::U16, Order::Big) => with_element!(u16, from_be_bytes, $from, $width, $body),
            (Element::I16, Order::Little) => {
                with_element!(i16, from_le_bytes, $from, $width, $body)
            }
            (Element::I16, Order::Big) => with_element!(i16, from_be_bytes, $from, $width, $body),
            (Element::U32, Order::Little) => {
                with_element!(u32, from_le_bytes, $from, $width, $body)
            }
            (Element::U32, Order::Big) => with_element!(u32, from_be_bytes, $from, $width, $body),
            (Element::I32, Order::Little) => {
                with_element!(i32, from_le_bytes, $from, $width, $body)
            }
            (Element::I32, Order::Big) => with_element!(i32, from_be_bytes, $from, $width, $body),
            (Element::U64, Order::Little) => {
                with_element!(u64, from_le_bytes, $from, $width, $body)
            }
            (Element::U64, Order::Big) => with_element!(u64, from_be_bytes, $from, $width, $body),
            (Element::I64, Order::Little) => {
                with_element!(i64, from_le_bytes, $from, $width, $body)
            }
            (Element::I64, Order::Big) => with_element!(i64, from_be_bytes, $from, $width, $body),
            (Element::F32, Order::Little) => {
                with_element!(f32, from_le_bytes, $from, $width, $body)
            }
            (Element::F32, Order::Big) => with_element!(f32, from_be_bytes, $from, $width, $body),
            (Element::F64, Order::Little) => {
                with_element!(f64, from_le_bytes, $from, $width, $body)
            }
            (Element::F64, Order::Big) => with_element!(f64, from_be_bytes, $from, $width, $body),
        }
    };
    ($type:ty, $method:ident, $from:ident, $width:ident, $body:expr) => {{
        const $width: usize = size_of::<$type>();
        let $from = <$type>::$method;
        $body
    }};
}

impl Element {
    /// Bytes of one number.
    pub fn width(self) -> usize {
        with_element!(self, Order::Little, |_from, WIDTH| WIDTH)
    }

    /// Converts the numbers in `bytes` to the nearest f32 each; as many as `out` is long.
    #[allow(
        clippy::unnecessary_cast,
        reason = "one body for all elements, the target type among them"
    )]
    pub fn singles(self, order: Order, bytes: &[u8], out: &mut [f32]) {
        with_element!(self, order, |from, WIDTH| {
            for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<WIDTH>().0) {
                *out = from(*bytes) as f32;
            }
        });
    }

    /// The numbers in `bytes` in double precision.
    #[allow(
        clippy::unnecessary_cast,
        reason = "one body for all elements, the target type among them"
    )]
    pub fn doubles(self, order: Order, bytes: &[u8]) -> Box<dyn Iterator<Item = f64> + '_> {
        with_element!(self, order, |from, WIDTH| {
            Box::new(bytes.as_chunks::<WIDTH>().0.iter().map(move |bytes| from(*bytes) as f64))
        })
    }

    /// Its name in messages.
    fn name(self) -> &'static str {
        match self {
            Element::U8 => "u8",
            Element::I8 => "i8",
            Element::U16 => "u16",
            Element::I16 => "i16",
            Element::U32 => "u32",
            Element::I32 => "i32",
            Element::U64 => "u64",
            Element::I64 => "i64",
            Element::F32 => "f32",
            Element::F64 => "f64",
        }
    }
}

/// Where the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    element: Element,
    order: Order,
    offset: u64,
    shape: Shape,
}

impl Layout {
    /// The rows of `input` that begin at byte `offset` and have these extents, of which the first
    /// counts the rows and the others, if any, are flattened into columns. Refuses extents of 0 and
    /// those that do not make exactly the bytes that the file has.
    pub fn new(
        input: &Input,
        element: Element,
        order: Order,
        offset: u64,
        extents: &[u64],
    ) -> Result<Layout> {
        let shown: Vec<_> = extents.iter().map(u64::to_string).collect();
        let shown = format!("{} {} values", shown.join(" x "), element.name());
        let [rows, columns @ ..] = extents else {
            return Err(input.refuse("the header says 0 dimensions, at least 1 is needed"));
        };
        if extents.contains(&0) {
            return Err(
                input.refuse(format!("the header says {shown}: there are no rows or no columns"))
            );
        }
        let dims = columns.iter().try_fold(1u64, |dims, &extent| dims.checked_mul(extent));
        let end = dims
            .and_then(|dims| {
                dims.checked_mul(*rows)?.checked_mul(element.width() as u64)?.checked_add(offset)
            })
            .ok_or_else(|| {
                input.refuse(format!("the header says {shown}: more bytes than 64 bits can count"))
            })?;
        let says = format!("the header says {shown} = {end} bytes with the header");
        if let Some(length) = input.length()
            && length != end
        {
            return Err(
                input.refuse(format!("{says}, the file has {length}: {}", compare(end, length)))
            );
        }
        if end > input.longest() {
            let longest = input.longest();
            return Err(input.refuse(format!(
                "{says}, the compressed file can hold at most {longest}: it is truncated"
            )));
        }
        let dims = usize::try_from(dims.unwrap_or(u64::MAX)).map_err(|_| input.refuse(says))?;
        Ok(Layout { element, order, offset, shape: Shape { rows: *rows, dims } })
    }

    /// Rows and columns.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Number of values. [`Layout::new`] has seen that it does not overflow.
    fn values(&self) -> u64 {
        self.shape.rows * self.shape.dims as u64
    }

    /// The byte after the last row.
    fn end(&self) -> u64 {
        self.offset + self.values() * self.element.width() as u64
    }

    /// Converts `bytes` to `out`; `first` is the number of the first value in the file, for
    /// messages.
    fn decode(&self, input: &Input, first: u64, bytes: &[u8], out: &mut [f32]) -> Result<()> {
        self.element.singles(self.order, bytes, out);
        if out.iter().all(|x| x.is_finite()) {
            return Ok(());
        }
        let bad = out.iter().position(|x| !x.is_finite()).unwrap_or(0);
        let value = self
            .element
            .doubles(self.order, &bytes[bad * self.element.width()..])
            .next()
            .unwrap_or(f64::NAN);
        let place = first + bad as u64;
        let (row, column) =
            (place / self.shape.dims as u64 + 1, place % self.shape.dims as u64 + 1);
        let what = if value.is_nan() {
            "NaN".to_string()
        } else if value.is_infinite() {
            "infinite".to_string()
        } else {
            format!("{value:e}, beyond the range of f32")
        };
        Err(input
            .refuse(format!("row {row}, column {column}: the value is {what}"))
            .hint("remove such rows or mend them; rows and columns count from 1"))
    }

    /// Reads all values of `input` from its beginning to its end and hands them on as bytes of
    /// whole values.
    fn stream(&self, input: &Input, mut chunk: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut content = input.content()?;
        let mut buffer = vec![0; CHUNK];
        let end = self.end();
        let truncated = |position| {
            input.refuse(format!(
                "the header says {end} bytes with the header, the file has {position}: {}",
                compare(end, position)
            ))
        };
        while content.position() < self.offset {
            let now = (self.offset - content.position()).min(CHUNK as u64) as usize;
            if content.fill(&mut buffer[..now])? < now {
                return Err(truncated(content.position()));
            }
        }
        while content.position() < end {
            let now = (end - content.position()).min(CHUNK as u64) as usize;
            if content.fill(&mut buffer[..now])? < now {
                return Err(truncated(content.position()));
            }
            chunk(&buffer[..now])?;
        }
        // Reading on finds bytes that are too many and a wrong checksum.
        if content.fill(&mut buffer)? > 0 {
            while content.position() - end < 1 << 24 && content.fill(&mut buffer)? > 0 {}
            return Err(truncated(content.position()));
        }
        Ok(())
    }

    /// The bytes of all values.
    fn load(&self, input: &Input) -> Result<Vec<u8>> {
        let mut values = Vec::new();
        self.stream(input, |bytes| {
            reserve(&mut values, bytes.len())?;
            values.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(values)
    }
}

fn compare(expected: u64, got: u64) -> String {
    if got < expected {
        format!("it is truncated, {} bytes are missing", expected - got)
    } else {
        format!("{} bytes follow the last row", got - expected)
    }
}

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
    layout.stream(input, |bytes| {
        for value in layout.element.doubles(layout.order, bytes) {
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
        let mut file = self.input.file()?;
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

impl RowSource for PackedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.source.layout.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
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

impl RowSource for InflatedRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.source.layout.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
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
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.next += rows.min(self.end - self.next);
        Ok(())
    }
}

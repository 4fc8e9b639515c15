//! The vectors of TEXMEX (SIFT1M, GIST1M and many sets after them): each row begins with its number
//! of columns as a little-endian i32, and has as many values; the file's ending says of which type.
//!
//! H. Jégou, M. Douze, C. Schmid, *Product quantization for nearest neighbor search*, IEEE TPAMI 33
//! (2011); <http://corpus-texmex.irisa.fr>. All rows have the same number of columns here: a row that
//! says another one is refused when it is read.

use std::ops::Range;

use super::contract::{Format, Likeness, no_labels_inside};
use crate::element::{Element, Order};
use crate::input::Input;
use crate::layout::Layout;
use crate::packed;
use crate::rows::{RowSource, Shape, Source};
use crate::value::{Value, read_as_both};
use amdahl_record::cell::Labels;
use amdahl_record::error::Result;

/// Values of f32.
pub const FVECS: Format = format::<0>(NAMES[0], "rows of an i32 count and f32 values", &[".fvecs"]);

/// Values of 8 bits without sign.
pub const BVECS: Format =
    format::<1>(NAMES[1], "rows of an i32 count and values of 8 bits", &[".bvecs"]);

/// Values of i32.
pub const IVECS: Format = format::<2>(NAMES[2], "rows of an i32 count and i32 values", &[".ivecs"]);

/// Their names in manifests.
const NAMES: [&str; 3] = ["fvecs", "bvecs", "ivecs"];

/// Types of values.
const ELEMENTS: [Element; 3] = [Element::F32, Element::U8, Element::I32];

const fn format<const E: usize>(
    name: &'static str,
    about: &'static str,
    endings: &'static [&'static str],
) -> Format {
    Format {
        name,
        about,
        endings,
        has_datasets: false,
        sniff: |_| Likeness::No,
        shape: |input| {
            let (layout, before) = layout::<E>(input)?;
            Ok(Some(Shape { dims: layout.shape.dims - before, ..layout.shape }))
        },
        open: |input, labels| open::<E>(input, labels),
        select: None,
        labels: |input| {
            let error = input.refuse("labels are one column, rows of vectors are several");
            Err(error.hint("give labels as text, NPY or IDX"))
        },
    }
}

fn open<const E: usize>(input: Input, labels: &Labels) -> Result<Box<dyn Source>> {
    no_labels_inside(&input, NAMES[E], labels)?;
    let (layout, before) = layout::<E>(&input)?;
    let mut counts = vec![0f32; before];
    let count = ((layout.shape.dims - before) as i32).to_le_bytes();
    f32::convert(layout.element, layout.order, &count, &mut counts);
    let name = input.path().to_path_buf();
    Ok(Box::new(Vectors { rows: packed::open(input, layout), counts, name }))
}

/// The rows with their counts in front, which take so many columns.
fn layout<const E: usize>(input: &Input) -> Result<(Layout, usize)> {
    let [count, ..] = input.head().as_chunks().0 else {
        return Err(input.refuse(format!(
            "a row begins with 4 bytes, the file has {}: it is truncated",
            input.head().len()
        )));
    };
    let count = i32::from_le_bytes(*count);
    let (element, columns) = (ELEMENTS[E], u64::try_from(count).unwrap_or(0));
    if columns == 0 {
        return Err(input.refuse(format!("row 1 says {count} columns, at least 1 is needed")));
    }
    let before = size_of::<i32>() / element.width();
    let dims = columns + before as u64;
    let row = dims * element.width() as u64;
    let Some(length) = input.length() else {
        return Err(input
            .refuse("compressed vectors are not read: their number is not known before")
            .hint("decompress the file first"));
    };
    if length % row != 0 {
        return Err(input.refuse(format!(
            "row 1 says {columns} columns, {row} bytes a row, and {} bytes follow the last whole row: it is truncated, or its rows differ",
            length % row
        )));
    }
    Ok((Layout::new(input, element, Order::Little, 0, &[length / row, dims])?, before))
}

/// Rows that begin with their count.
struct Vectors {
    /// With the counts.
    rows: Box<dyn Source>,
    /// The count as values of the rows.
    counts: Vec<f32>,
    name: std::path::PathBuf,
}

impl Source for Vectors {
    fn shape(&self) -> Shape {
        let Shape { rows, dims } = self.rows.shape();
        Shape { rows, dims: dims - self.counts.len() }
    }
    fn seekable(&self) -> bool {
        self.rows.seekable()
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        Ok(Box::new(VectorRows { vectors: self, rows: self.rows.rows(range)? }))
    }
    fn truth(&self, _: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

struct VectorRows<'a> {
    vectors: &'a Vectors,
    rows: Box<dyn RowSource + 'a>,
}

/// Values that are read at a time: they stay in a cache.
const BLOCK: usize = 1 << 14;

impl VectorRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let (wide, before) = (self.rows.shape().dims, self.vectors.counts.len());
        let dims = wide - before;
        let mut block = vec![T::default(); wide * (BLOCK / wide).max(1)];
        let mut done = 0;
        for out in out.chunks_mut(block.len() / wide * dims) {
            let (first, wanted) = (self.rows.position(), out.len() / dims);
            let got = T::read(self.rows.as_mut(), &mut block[..wanted * wide])?;
            let rows = block.chunks_exact(wide).take(got);
            for (i, (row, out)) in rows.zip(out.chunks_exact_mut(dims)).enumerate() {
                if row[..before].iter().zip(&self.vectors.counts).any(|(a, b)| a.narrow() != *b) {
                    let row = first + i as u64 + 1;
                    return Err(amdahl_record::error::Error::data(format!(
                        "row {row} does not say {dims} columns as the first one does"
                    ))
                    .at(&self.vectors.name, 0, 0));
                }
                out.copy_from_slice(&row[before..]);
            }
            done += got;
            if got < wanted {
                break;
            }
        }
        Ok(done)
    }
}

impl RowSource for VectorRows<'_> {
    fn shape(&self) -> Shape {
        let Shape { rows, dims } = self.rows.shape();
        Shape { rows, dims: dims - self.vectors.counts.len() }
    }
    fn position(&self) -> u64 {
        self.rows.position()
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.rows.skip(rows)
    }
}

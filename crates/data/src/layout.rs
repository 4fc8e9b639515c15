//! Where the values of a file are that have a fixed width.

use amdahl_record::error::{Error, Result};

use crate::element::{Element, Order};
use crate::input::Input;
use crate::memory::reserve;
use crate::rows::Shape;
use crate::value::Value;

/// Bytes that are converted at a time.
pub const CHUNK: usize = 64 * 1024;

/// Where the rows of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How a value is stored.
    pub element: Element,
    /// The order of its bytes.
    pub order: Order,
    /// The first byte of the first value.
    pub offset: u64,
    /// Rows and columns.
    pub shape: Shape,
    /// The extents after the first, where the first one runs fastest.
    pub columns_first: Option<Vec<u64>>,
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
        Ok(Layout {
            element,
            order,
            offset,
            shape: Shape { rows: *rows, dims },
            columns_first: None,
        })
    }

    /// The same bytes, but of the extents the first runs fastest, then the second, and so on:
    /// Fortran's order. `extents` are those that [`Layout::new`] was given.
    pub fn by_columns(self, extents: &[u64]) -> Layout {
        Layout { columns_first: extents.get(1..).map(<[u64]>::to_vec), ..self }
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
    pub fn decode<T: Value>(
        &self,
        input: &Input,
        first: u64,
        bytes: &[u8],
        out: &mut [T],
    ) -> Result<()> {
        T::convert(self.element, self.order, bytes, out);
        if out.iter().all(|x| x.narrow().is_finite()) {
            return Ok(());
        }
        let bad = out.iter().position(|x| !x.narrow().is_finite()).unwrap_or(0);
        let place = first + bad as u64;
        let (row, column) = (place / self.shape.dims as u64, place % self.shape.dims as u64);
        Err(self.bad_value(input, row, column, &bytes[bad * self.element.width()..]))
    }

    /// That the value at the beginning of `bytes`, in this row and column from 0, is not finite.
    pub fn bad_value(&self, input: &Input, row: u64, column: u64, bytes: &[u8]) -> Error {
        let mut value = [f64::NAN];
        self.element.doubles(self.order, bytes, &mut value);
        let [value] = value;
        let what = if value.is_nan() {
            "NaN".to_string()
        } else if value.is_infinite() {
            "infinite".to_string()
        } else {
            format!("{value:e}, beyond the range of f32")
        };
        let (row, column) = (row + 1, column + 1);
        input
            .refuse(format!("row {row}, column {column}: the value is {what}"))
            .hint("remove such rows or mend them; rows and columns count from 1")
    }

    /// Reads all values of `input` from its beginning to its end and hands them on as bytes of
    /// whole values.
    pub fn stream(&self, input: &Input, mut chunk: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
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
    pub fn load(&self, input: &Input) -> Result<Vec<u8>> {
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

//! What values of rows are read as.

use std::fmt::{Display, LowerExp};

use crate::element::{Element, Order};
use crate::rows::RowSource;
use amdahl_parquet::Number;
use amdahl_record::error::Result;

/// f32, which lanes usually compute with, or f64, where the rounding comes later or never.
pub trait Value:
    Copy + Default + From<f32> + Into<f64> + PartialOrd + Display + LowerExp + Send + Sync + 'static
{
    /// Converts the numbers in `bytes`, as many as `out` is long.
    fn convert(element: Element, order: Order, bytes: &[u8], out: &mut [Self]);

    /// The same of a column of Parquet.
    fn column(number: Number, bytes: &[u8], out: &mut [Self]);

    /// The next rows of a stream.
    ///
    /// # Errors
    /// What [`RowSource::read`] says.
    fn read(rows: &mut (impl RowSource + ?Sized), out: &mut [Self]) -> Result<usize>;

    /// The number that a field of text holds, if it holds one; rounded once.
    fn of_text(text: &[u8]) -> Option<Self>;

    /// A number in double precision, rounded.
    fn of_double(x: f64) -> Self;

    /// As the caller of [`RowSource::read`] would get it.
    fn narrow(self) -> f32;

    /// The nearest to `x`, ties to even; infinite beyond the range.
    fn nearest(x: f64) -> Self;

    /// Its bits, in the low half where it has 32.
    fn bits(self) -> u64;

    /// The value with these bits.
    fn from_bits(bits: u64) -> Self;
}

impl Value for f32 {
    fn convert(element: Element, order: Order, bytes: &[u8], out: &mut [f32]) {
        element.singles(order, bytes, out);
    }
    fn column(number: Number, bytes: &[u8], out: &mut [f32]) {
        number.singles(bytes, out);
    }
    fn read(rows: &mut (impl RowSource + ?Sized), out: &mut [f32]) -> Result<usize> {
        rows.read(out)
    }
    fn of_text(text: &[u8]) -> Option<f32> {
        std::str::from_utf8(text).ok()?.parse().ok()
    }
    fn of_double(x: f64) -> f32 {
        x as f32
    }
    fn narrow(self) -> f32 {
        self
    }
    fn nearest(x: f64) -> f32 {
        x as f32
    }
    fn bits(self) -> u64 {
        u64::from(self.to_bits())
    }
    fn from_bits(bits: u64) -> f32 {
        f32::from_bits(bits as u32)
    }
}

impl Value for f64 {
    fn convert(element: Element, order: Order, bytes: &[u8], out: &mut [f64]) {
        element.doubles(order, bytes, out);
    }
    fn column(number: Number, bytes: &[u8], out: &mut [f64]) {
        number.doubles(bytes, out);
    }
    fn read(rows: &mut (impl RowSource + ?Sized), out: &mut [f64]) -> Result<usize> {
        rows.read_wide(out)
    }
    fn of_text(text: &[u8]) -> Option<f64> {
        std::str::from_utf8(text).ok()?.parse().ok()
    }
    fn of_double(x: f64) -> f64 {
        x
    }
    fn narrow(self) -> f32 {
        self as f32
    }
    fn nearest(x: f64) -> f64 {
        x
    }
    fn bits(self) -> u64 {
        self.to_bits()
    }
    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
}

/// The two ways of reading of a [`RowSource`] that has one, `take`, for either kind of value.
macro_rules! read_as_both {
    () => {
        fn read(&mut self, out: &mut [f32]) -> Result<usize> {
            self.take(out)
        }
        fn read_wide(&mut self, out: &mut [f64]) -> Result<usize> {
            self.take(out)
        }
    };
}
pub(crate) use read_as_both;

//! Numbers as the bytes that lanes exchange, without a copy.

/// Numbers whose memory is plain bytes. Sealed: implemented for numbers alone.
pub trait Plain: Copy + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! plain {
    ($($number:ty),*) => { $(impl sealed::Sealed for $number {} impl Plain for $number {})* };
}
plain!(u8, u32, i64, u64, i128, f32, f64);

/// The memory of `values`.
pub fn of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: numbers have no padding, so all of the slice's memory is initialised bytes; the
    // borrow carries over.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The memory of `values`, to be written.
pub fn of_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as for `of`, and every pattern of bytes is a number, so nothing that is written can
    // be invalid.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

//! Sparse rows: files that hold the values other than 0 alone, read as rows of all values.

use amdahl_record::error::Result;
use amdahl_record::host;

use crate::input::Input;
use crate::rows::Shape;

/// Refuses rows that this machine could not hold in f32 with their zeros, as whoever computes with
/// them does.
///
/// # Errors
/// With what they would take, and what there is.
pub fn fits_memory(input: &Input, shape: Shape) -> Result<()> {
    let Shape { rows, dims } = shape;
    let needed = u128::from(rows) * dims as u128 * size_of::<f32>() as u128;
    let there = host::memory_bytes().unwrap_or(u64::MAX);
    if needed <= u128::from(there) {
        return Ok(());
    }
    let gib = |bytes: f64| bytes / f64::from(1u32 << 30);
    let message = format!(
        "{rows} rows of {dims} columns take {:.1} GiB with their zeros, this machine has {:.1}",
        gib(needed as f64),
        gib(there as f64)
    );
    Err(input.refuse(message).hint(
        "sparse values are read into rows of all columns: take fewer columns or rows, or project \
         them to fewer (TruncatedSVD) first",
    ))
}

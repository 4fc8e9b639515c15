//! Squared distances of rows of f64, compiled for each instruction set.

use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::vector::{Vector, Work};
use amdahl_lanes::exact::squared_distance;

/// The squared distance of each row to one of its own.
pub struct Distances<'a, F> {
    /// Row-major.
    pub rows: &'a [f64],
    /// Columns.
    pub dims: usize,
    /// The other end, by the row's number.
    pub of: F,
    /// One for each row.
    pub to: &'a mut [f64],
}

impl<'a, F: Fn(usize) -> &'a [f64]> Work for Distances<'_, F> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        // Nothing in the definition may be fused, and the compiler fuses nothing on its own.
        let rows = self.rows.chunks_exact(self.dims).zip(self.to);
        for (i, (row, to)) in rows.enumerate() {
            *to = squared_distance(row, (self.of)(i));
        }
    }
}

/// The squared distances of rows (row-major, as many as `to` has room for) to another: the same bits
/// with every kernel.
pub fn distances(kernel: Kernel, rows: &[f64], other: &[f64], to: &mut [f64]) {
    assert_eq!(rows.len(), to.len() * other.len(), "rows of as many columns");
    kernel.run(Distances { rows, dims: other.len(), of: |_| other, to });
}

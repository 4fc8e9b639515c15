//! Four lanes in plain Rust, for any processor; compilers make vectors of it where they can (SSE2,
//! NEON).

use super::{TwoBest, Vector};
use amdahl_lanes::exact::Grid;

/// Four values.
#[derive(Clone, Copy)]
pub struct Portable([f32; 4]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Portable(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
    #[inline(always)]
    fn bits(self, other: Self, f: impl Fn(f32, f32) -> bool) -> u32 {
        (0..4).fold(0, |bits, i| bits | u32::from(f(self.0[i], other.0[i])) << i)
    }
}

impl Vector for Portable {
    const WIDTH: usize = 4;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Portable([x; 4])
    }
    #[inline(always)]
    unsafe fn splat_bits(x: u32) -> Self {
        Portable([f32::from_bits(x); 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's pointer is valid for four values.
        Portable(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        // Two roundings where the target does not promise the instruction: fused without it is a
        // slow call.
        const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));
        Portable(std::array::from_fn(|i| {
            if FUSED { self.0[i].mul_add(by.0[i], to.0[i]) } else { self.0[i] * by.0[i] + to.0[i] }
        }))
    }
    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn if_greater(self, other: Self, yes: Self, no: Self) -> Self {
        Portable(std::array::from_fn(|i| if self.0[i] > other.0[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    unsafe fn greater_bits(self, other: Self) -> u32 {
        self.bits(other, |a, b| a > b)
    }
    #[inline(always)]
    unsafe fn differing_bits(self, other: Self) -> u32 {
        self.bits(other, |a, b| a.to_bits() != b.to_bits())
    }
    #[inline(always)]
    unsafe fn prefetch(_at: *const f32) {}
    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn columns(rows: *const f32, stride: usize) -> [Self; 4] {
        // SAFETY: the caller's rows are valid for four values each.
        let row = |i: usize| unsafe { rows.add(i * stride).cast::<[f32; 4]>().read_unaligned() };
        let rows = [row(0), row(1), row(2), row(3)];
        std::array::from_fn(|t| Portable(std::array::from_fn(|i| rows[i][t])))
    }
    #[inline(always)]
    unsafe fn put_rows(columns: [Self; 4], rows: *mut f32, stride: usize) {
        for i in 0..4 {
            let row: [f32; 4] = std::array::from_fn(|t| columns[t].0[i]);
            // SAFETY: as above.
            unsafe { rows.add(i * stride).cast::<[f32; 4]>().write_unaligned(row) }
        }
    }
    #[inline(always)]
    unsafe fn sums(vectors: [Self; 4]) -> [f32; 4] {
        vectors.map(|v| (v.0[0] + v.0[1]) + (v.0[2] + v.0[3]))
    }
    #[inline(always)]
    unsafe fn move_eight(
        x: &[f32; 8],
        scale: &[f64; 8],
        to: &mut [i64; 8],
        from: Option<&mut [i64; 8]>,
    ) {
        let values: [i64; 8] = std::array::from_fn(|i| Grid::shifted(x[i], scale[i]));
        *to = std::array::from_fn(|i| to[i].wrapping_add(values[i]));
        if let Some(from) = from {
            *from = std::array::from_fn(|i| from[i].wrapping_sub(values[i]));
        }
    }
    #[inline(always)]
    unsafe fn square_eight(x: &[f32; 8], c: &[f32; 8], sums: &mut [f64; 8]) {
        for (sum, (&x, &c)) in sums.iter_mut().zip(x.iter().zip(c)) {
            let difference = f64::from(x) - f64::from(c);
            *sum += difference * difference;
        }
    }
    #[inline(always)]
    unsafe fn scores<const R: usize>(
        rows: [*const f64; R],
        columns: &[[f64; 8]],
        start: &[f64; 8],
    ) -> [[f64; 8]; R] {
        let mut sums = [*start; R];
        for (t, column) in columns.iter().enumerate() {
            for (row, sums) in rows.iter().zip(&mut sums) {
                // SAFETY: the caller's rows have as many values as there are columns.
                let x = unsafe { *row.add(t) };
                *sums = std::array::from_fn(|i| sums[i] + x * column[i]);
            }
        }
        sums
    }
    #[inline(always)]
    unsafe fn enter(scores: &[f64; 8], block: f64, found: &mut TwoBest) {
        for (i, &score) in scores.iter().enumerate() {
            let best = found.best[i];
            let is_better = score > best;
            let (more, less) = if is_better { (score, best) } else { (best, score) };
            found.best[i] = more;
            found.second[i] = if less > found.second[i] { less } else { found.second[i] };
            found.block[i] = if is_better { block } else { found.block[i] };
        }
    }
}

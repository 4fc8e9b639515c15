//! The vector operations that kernels are written in, one file for each instruction set, and the
//! way from a kernel that was chosen at run time to code that the compiler made for its
//! instructions.

use crate::device::cpu::kernel::{Kernel, Set};

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
pub mod portable;

/// A vector of f32 lanes.
///
/// # Safety
/// Every function needs a processor with the instructions that the implementation names; pointers
/// need not be aligned but valid for `WIDTH` values, or for what the function says.
#[allow(clippy::missing_safety_doc)]
pub trait Vector: Copy {
    /// Lanes.
    const WIDTH: usize;
    /// The same value in every lane.
    unsafe fn splat(x: f32) -> Self;
    /// The same bit pattern in every lane.
    unsafe fn splat_bits(x: u32) -> Self;
    /// Reads the lanes from memory.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes the lanes to memory.
    unsafe fn store(self, to: *mut f32);
    /// self × by + to, rounded once where the processor can.
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self;
    /// self + other.
    unsafe fn plus(self, other: Self) -> Self;
    /// self − other.
    unsafe fn minus(self, other: Self) -> Self;
    /// The larger of each pair.
    unsafe fn max(self, other: Self) -> Self;
    /// The smaller of each pair.
    unsafe fn min(self, other: Self) -> Self;
    /// `yes` where self > other, else `no`.
    unsafe fn if_greater(self, other: Self, yes: Self, no: Self) -> Self;
    /// A bit for each lane where self > other; not where one is NaN.
    unsafe fn greater_bits(self, other: Self) -> u32;
    /// A bit for each lane where the bit patterns differ.
    unsafe fn differing_bits(self, other: Self) -> u32;
    /// Four columns of `WIDTH` rows that lie `stride` values apart. Reads four values of each row.
    unsafe fn columns(rows: *const f32, stride: usize) -> [Self; 4];
    /// The inverse of [`Vector::columns`]: writes four values of each row.
    unsafe fn put_rows(columns: [Self; 4], rows: *mut f32, stride: usize);
    /// Asks for the cache line at this address, which may be any.
    unsafe fn prefetch(at: *const f32);
    /// The sum of the lanes of each of four vectors.
    unsafe fn sums(vectors: [Self; 4]) -> [f32; 4];
    /// Adds the shifted grid values of eight columns ([`amdahl_lanes::exact::Grid::shifted`]) to
    /// one sum and takes them from another, modulo 2^64.
    unsafe fn move_eight(
        x: &[f32; 8],
        scale: &[f64; 8],
        to: &mut [i64; 8],
        from: Option<&mut [i64; 8]>,
    );
    /// Adds the squared differences of eight columns to eight sums, as
    /// [`amdahl_lanes::exact::squared_distance`] does: nothing fused.
    unsafe fn square_eight(x: &[f32; 8], c: &[f32; 8], sums: &mut [f64; 8]);
    /// Of each of `R` rows of f64 and eight others, of which `columns` holds a column after the other:
    /// their products, added up from `start`; rounded once where the processor can. Each row is valid
    /// for as many values as there are columns.
    unsafe fn scores<const R: usize>(
        rows: [*const f64; R],
        columns: &[[f64; 8]],
        start: &[f64; 8],
    ) -> [[f64; 8]; R];
    /// Takes eight scores of `block` in among the best and the second best so far and the blocks of the
    /// best. Of equal ones the earlier stays.
    unsafe fn enter(scores: &[f64; 8], block: f64, found: &mut TwoBest);
}

/// Of scores that came eight at a time, in each place: the best, the second best, and the number of the
/// block that the best came with.
#[derive(Clone, Copy)]
pub struct TwoBest {
    /// −∞ before any.
    pub best: [f64; 8],
    /// −∞ before two.
    pub second: [f64; 8],
    /// A whole number.
    pub block: [f64; 8],
}

/// A piece of work that is compiled for every instruction set.
pub trait Work {
    /// What it returns.
    type Output;
    /// Does it, with `P` vectors of rows against at most `Q` centroids in registers.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) -> Self::Output;
}

impl Kernel {
    /// Centroids whose scores are in registers at the same time: the `Q` of [`Kernel::run`].
    pub fn block(self) -> usize {
        match self.set() {
            Set::Portable => 4,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => 6,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 8,
        }
    }

    /// Lanes of its vectors.
    pub fn width(self) -> usize {
        match self.set() {
            Set::Portable => portable::Portable::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => avx2::Avx2::WIDTH,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => avx512::Avx512::WIDTH,
        }
    }

    /// Does the work with this kernel's instructions. P × Q accumulators, P rows and a centroid
    /// fill the registers without spilling any: 16 registers of SSE2 and AVX2, 32 of AVX-512 (and
    /// of NEON, which runs the portable source).
    #[inline]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        match self.set() {
            // SAFETY: plain Rust needs no instructions beyond the target's.
            Set::Portable => unsafe { work.run::<portable::Portable, 2, 4>() },
            // SAFETY: a kernel of this set exists only where the processor was found to have AVX2
            // and FMA.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { with_avx2(work) },
            // SAFETY: a kernel of this set exists only where the processor was found to have
            // AVX-512 F, BW, DQ and VL.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { with_avx512(work) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<W: Work>(work: W) -> W::Output {
    // SAFETY: whoever calls this has AVX2 and FMA, as the attribute demands.
    unsafe { work.run::<avx2::Avx2, 2, 6>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512<W: Work>(work: W) -> W::Output {
    // SAFETY: whoever calls this has AVX-512 F, BW, DQ and VL, as the attribute demands.
    unsafe { work.run::<avx512::Avx512, 3, 8>() }
}

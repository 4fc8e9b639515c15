//! A vector register of f32 values, as a kernel sees it: one file an instruction set, the kernel itself is written once.

pub mod portable;

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;

/// A register of [`Vector::WIDTH`] values of f32, or of u32 in the same bits.
///
/// # Safety
/// All functions need the instruction set of the implementation; pointers are valid for `WIDTH` values.
#[allow(clippy::missing_safety_doc)]
pub trait Vector: Copy {
    /// Number of lanes.
    const WIDTH: usize;
    /// Every lane `x`.
    unsafe fn splat(x: f32) -> Self;
    /// Every lane the bits of `x`.
    unsafe fn splat_bits(x: u32) -> Self;
    /// Reads consecutive values.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes consecutive values.
    unsafe fn store(self, to: *mut f32);
    /// `self × by + to`, rounded once where the processor can.
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self;
    /// `self − other`.
    unsafe fn minus(self, other: Self) -> Self;
    /// Lane by lane the larger one; what is not a number may come from either side.
    unsafe fn max(self, other: Self) -> Self;
    /// Lane by lane the smaller one.
    unsafe fn min(self, other: Self) -> Self;
    /// Lanes of `yes` where `self > other`, else of `no`.
    unsafe fn if_greater(self, other: Self, yes: Self, no: Self) -> Self;
    /// A bit for every lane where `self > other`.
    unsafe fn greater_bits(self, other: Self) -> u32;
    /// A bit for every lane whose bits differ.
    unsafe fn differing_bits(self, other: Self) -> u32;
}

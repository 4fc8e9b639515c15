//! Eight lanes in AVX2 with fused multiply-add.

use std::arch::x86_64::*;

use super::Vector;

/// One 256-bit register.
#[derive(Clone, Copy)]
pub struct Avx2(__m256);

// SAFETY (all functions): the caller has AVX2 and FMA, and valid pointers, as the trait demands.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Avx2 {
    const WIDTH: usize = 8;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Avx2(unsafe { _mm256_set1_ps(x) })
    }
    #[inline(always)]
    unsafe fn splat_bits(x: u32) -> Self {
        Avx2(unsafe { _mm256_castsi256_ps(_mm256_set1_epi32(x.cast_signed())) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Avx2(unsafe { _mm256_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm256_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        Avx2(unsafe { _mm256_fmadd_ps(self.0, by.0, to.0) })
    }
    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        Avx2(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Avx2(unsafe { _mm256_max_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Avx2(unsafe { _mm256_min_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn if_greater(self, other: Self, yes: Self, no: Self) -> Self {
        Avx2(unsafe { _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0)) })
    }
    #[inline(always)]
    unsafe fn greater_bits(self, other: Self) -> u32 {
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0)).cast_unsigned() }
    }
    #[inline(always)]
    unsafe fn differing_bits(self, other: Self) -> u32 {
        unsafe {
            let equal = _mm256_cmpeq_epi32(_mm256_castps_si256(self.0), _mm256_castps_si256(other.0));
            !_mm256_movemask_ps(_mm256_castsi256_ps(equal)).cast_unsigned() & 0xff
        }
    }
}

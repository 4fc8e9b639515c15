//! Eight lanes in AVX2 with fused multiply-add.

use std::arch::x86_64::*;

use super::{TwoBest, Vector};
use amdahl_lanes::exact::ROUND;

/// One 256-bit register. Its instructions: AVX2 and FMA.
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
            let equal =
                _mm256_cmpeq_epi32(_mm256_castps_si256(self.0), _mm256_castps_si256(other.0));
            !_mm256_movemask_ps(_mm256_castsi256_ps(equal)).cast_unsigned() & 0xff
        }
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Avx2(unsafe { _mm256_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn columns(rows: *const f32, stride: usize) -> [Self; 4] {
        unsafe {
            let pair = |row: usize| {
                let low = _mm256_castps128_ps256(_mm_loadu_ps(rows.add(row * stride)));
                _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(rows.add((row + 4) * stride)))
            };
            transpose([pair(0), pair(1), pair(2), pair(3)]).map(Avx2)
        }
    }
    #[inline(always)]
    unsafe fn put_rows(columns: [Self; 4], rows: *mut f32, stride: usize) {
        unsafe {
            let quads = transpose(columns.map(|column| column.0));
            for (row, quad) in quads.into_iter().enumerate() {
                _mm_storeu_ps(rows.add(row * stride), _mm256_castps256_ps128(quad));
                _mm_storeu_ps(rows.add((row + 4) * stride), _mm256_extractf128_ps::<1>(quad));
            }
        }
    }
    #[inline(always)]
    unsafe fn sums(vectors: [Self; 4]) -> [f32; 4] {
        unsafe {
            let quads = transpose(vectors.map(|vector| vector.0));
            let sums =
                _mm256_add_ps(_mm256_add_ps(quads[0], quads[1]), _mm256_add_ps(quads[2], quads[3]));
            let four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps::<1>(sums));
            std::mem::transmute::<__m128, [f32; 4]>(four)
        }
    }
    #[inline(always)]
    unsafe fn move_eight(
        x: &[f32; 8],
        scale: &[f64; 8],
        to: &mut [i64; 8],
        mut from: Option<&mut [i64; 8]>,
    ) {
        for i in [0, 4] {
            unsafe {
                let values = _mm256_cvtps_pd(_mm_loadu_ps(x[i..].as_ptr()));
                let values = _mm256_fmadd_pd(
                    values,
                    _mm256_loadu_pd(scale[i..].as_ptr()),
                    _mm256_set1_pd(ROUND),
                );
                let values = _mm256_castpd_si256(values);
                let at = to[i..].as_mut_ptr().cast();
                _mm256_storeu_si256(at, _mm256_add_epi64(_mm256_loadu_si256(at), values));
                if let Some(from) = &mut from {
                    let at = from[i..].as_mut_ptr().cast();
                    _mm256_storeu_si256(at, _mm256_sub_epi64(_mm256_loadu_si256(at), values));
                }
            }
        }
    }
    #[inline(always)]
    unsafe fn square_eight(x: &[f32; 8], c: &[f32; 8], sums: &mut [f64; 8]) {
        for i in [0, 4] {
            unsafe {
                let wide = |x: &[f32; 8]| _mm256_cvtps_pd(_mm_loadu_ps(x[i..].as_ptr()));
                let d = _mm256_sub_pd(wide(x), wide(c));
                let at = sums[i..].as_mut_ptr();
                _mm256_storeu_pd(at, _mm256_add_pd(_mm256_loadu_pd(at), _mm256_mul_pd(d, d)));
            }
        }
    }
    #[inline(always)]
    unsafe fn scores<const R: usize>(
        rows: [*const f64; R],
        columns: &[[f64; 8]],
        start: &[f64; 8],
    ) -> [[f64; 8]; R] {
        unsafe {
            let halves =
                |x: &[f64; 8]| [_mm256_loadu_pd(x.as_ptr()), _mm256_loadu_pd(x[4..].as_ptr())];
            let mut sums = [halves(start); R];
            for (t, column) in columns.iter().enumerate() {
                let [low, high] = halves(column);
                for (row, sums) in rows.iter().zip(&mut sums) {
                    let x = _mm256_set1_pd(*row.add(t));
                    *sums = [_mm256_fmadd_pd(x, low, sums[0]), _mm256_fmadd_pd(x, high, sums[1])];
                }
            }
            sums.map(|sums| {
                let mut out = [0f64; 8];
                _mm256_storeu_pd(out.as_mut_ptr(), sums[0]);
                _mm256_storeu_pd(out[4..].as_mut_ptr(), sums[1]);
                out
            })
        }
    }
    #[inline(always)]
    unsafe fn enter(scores: &[f64; 8], block: f64, found: &mut TwoBest) {
        let TwoBest { best, second, block: blocks } = found;
        for i in [0, 4] {
            unsafe {
                let score = _mm256_loadu_pd(scores[i..].as_ptr());
                let (to_best, to_second) = (best[i..].as_mut_ptr(), second[i..].as_mut_ptr());
                let to_block = blocks[i..].as_mut_ptr();
                let before = _mm256_loadu_pd(to_best);
                let is_better = _mm256_cmp_pd::<_CMP_GT_OQ>(score, before);
                let less = _mm256_min_pd(score, before);
                _mm256_storeu_pd(to_best, _mm256_max_pd(score, before));
                _mm256_storeu_pd(to_second, _mm256_max_pd(less, _mm256_loadu_pd(to_second)));
                let (old, new) = (_mm256_loadu_pd(to_block), _mm256_set1_pd(block));
                _mm256_storeu_pd(to_block, _mm256_blendv_pd(old, new, is_better));
            }
        }
    }
}

/// Transposes the 4 x 4 values in each half of four registers.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn transpose(r: [__m256; 4]) -> [__m256; 4] {
    // SAFETY: the caller has AVX.
    unsafe {
        let [a, b] = [_mm256_unpacklo_ps(r[0], r[1]), _mm256_unpackhi_ps(r[0], r[1])];
        let [c, d] = [_mm256_unpacklo_ps(r[2], r[3]), _mm256_unpackhi_ps(r[2], r[3])];
        [
            _mm256_shuffle_ps::<0x44>(a, c),
            _mm256_shuffle_ps::<0xee>(a, c),
            _mm256_shuffle_ps::<0x44>(b, d),
            _mm256_shuffle_ps::<0xee>(b, d),
        ]
    }
}

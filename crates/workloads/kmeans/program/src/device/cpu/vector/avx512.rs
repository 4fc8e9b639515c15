//! Sixteen lanes in AVX-512.

use std::arch::x86_64::*;

use super::{TwoBest, Vector};
use amdahl_lanes::exact::ROUND;

/// One 512-bit register. Its instructions: AVX-512 F, BW, DQ and VL.
#[derive(Clone, Copy)]
pub struct Avx512(__m512);

// SAFETY (all functions): the caller has AVX-512 F, BW, DQ and VL, and valid pointers, as the trait
// demands.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Avx512 {
    const WIDTH: usize = 16;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Avx512(unsafe { _mm512_set1_ps(x) })
    }
    #[inline(always)]
    unsafe fn splat_bits(x: u32) -> Self {
        Avx512(unsafe { _mm512_castsi512_ps(_mm512_set1_epi32(x.cast_signed())) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        Avx512(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn multiply_add(self, by: Self, to: Self) -> Self {
        Avx512(unsafe { _mm512_fmadd_ps(self.0, by.0, to.0) })
    }
    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        Avx512(unsafe { _mm512_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Avx512(unsafe { _mm512_max_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        Avx512(unsafe { _mm512_min_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn if_greater(self, other: Self, yes: Self, no: Self) -> Self {
        Avx512(unsafe {
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0), no.0, yes.0)
        })
    }
    #[inline(always)]
    unsafe fn greater_bits(self, other: Self) -> u32 {
        u32::from(unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn differing_bits(self, other: Self) -> u32 {
        u32::from(unsafe {
            _mm512_cmpneq_epi32_mask(_mm512_castps_si512(self.0), _mm512_castps_si512(other.0))
        })
    }
    #[inline(always)]
    unsafe fn prefetch(at: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }
    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Avx512(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    unsafe fn columns(rows: *const f32, stride: usize) -> [Self; 4] {
        unsafe {
            let four = |row: usize| {
                let quad = |i: usize| _mm_loadu_ps(rows.add((row + i) * stride));
                let low = _mm512_castps128_ps512(quad(0));
                let low = _mm512_insertf32x4::<1>(low, quad(4));
                _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(low, quad(8)), quad(12))
            };
            transpose([four(0), four(1), four(2), four(3)]).map(Avx512)
        }
    }
    #[inline(always)]
    unsafe fn put_rows(columns: [Self; 4], rows: *mut f32, stride: usize) {
        unsafe {
            let quads = transpose(columns.map(|column| column.0));
            for (row, quad) in quads.into_iter().enumerate() {
                _mm_storeu_ps(rows.add(row * stride), _mm512_castps512_ps128(quad));
                _mm_storeu_ps(rows.add((row + 4) * stride), _mm512_extractf32x4_ps::<1>(quad));
                _mm_storeu_ps(rows.add((row + 8) * stride), _mm512_extractf32x4_ps::<2>(quad));
                _mm_storeu_ps(rows.add((row + 12) * stride), _mm512_extractf32x4_ps::<3>(quad));
            }
        }
    }
    #[inline(always)]
    unsafe fn sums(vectors: [Self; 4]) -> [f32; 4] {
        unsafe {
            let quads = transpose(vectors.map(|vector| vector.0));
            let sums =
                _mm512_add_ps(_mm512_add_ps(quads[0], quads[1]), _mm512_add_ps(quads[2], quads[3]));
            let half =
                _mm256_add_ps(_mm512_castps512_ps256(sums), _mm512_extractf32x8_ps::<1>(sums));
            let four = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            std::mem::transmute::<__m128, [f32; 4]>(four)
        }
    }
    #[inline(always)]
    unsafe fn move_eight(
        x: &[f32; 8],
        scale: &[f64; 8],
        to: &mut [i64; 8],
        from: Option<&mut [i64; 8]>,
    ) {
        unsafe {
            let x = _mm512_cvtps_pd(_mm256_loadu_ps(x.as_ptr()));
            let x = _mm512_fmadd_pd(x, _mm512_loadu_pd(scale.as_ptr()), _mm512_set1_pd(ROUND));
            let x = _mm512_castpd_si512(x);
            let at = to.as_mut_ptr().cast();
            _mm512_storeu_si512(at, _mm512_add_epi64(_mm512_loadu_si512(at), x));
            if let Some(from) = from {
                let at = from.as_mut_ptr().cast();
                _mm512_storeu_si512(at, _mm512_sub_epi64(_mm512_loadu_si512(at), x));
            }
        }
    }
    #[inline(always)]
    unsafe fn square_eight(x: &[f32; 8], c: &[f32; 8], sums: &mut [f64; 8]) {
        unsafe {
            let wide = |x: &[f32; 8]| _mm512_cvtps_pd(_mm256_loadu_ps(x.as_ptr()));
            let d = _mm512_sub_pd(wide(x), wide(c));
            let at = sums.as_mut_ptr();
            _mm512_storeu_pd(at, _mm512_add_pd(_mm512_loadu_pd(at), _mm512_mul_pd(d, d)));
        }
    }
    #[inline(always)]
    unsafe fn scores<const R: usize>(
        rows: [*const f64; R],
        columns: &[[f64; 8]],
        start: &[f64; 8],
    ) -> [[f64; 8]; R] {
        unsafe {
            let mut sums = [_mm512_loadu_pd(start.as_ptr()); R];
            for (t, column) in columns.iter().enumerate() {
                let column = _mm512_loadu_pd(column.as_ptr());
                for (row, sum) in rows.iter().zip(&mut sums) {
                    *sum = _mm512_fmadd_pd(_mm512_set1_pd(*row.add(t)), column, *sum);
                }
            }
            sums.map(|sum| {
                let mut out = [0f64; 8];
                _mm512_storeu_pd(out.as_mut_ptr(), sum);
                out
            })
        }
    }
    #[inline(always)]
    unsafe fn enter(scores: &[f64; 8], block: f64, found: &mut TwoBest) {
        unsafe {
            let score = _mm512_loadu_pd(scores.as_ptr());
            let before = _mm512_loadu_pd(found.best.as_ptr());
            let is_better = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(score, before);
            let less = _mm512_min_pd(score, before);
            let second = _mm512_max_pd(less, _mm512_loadu_pd(found.second.as_ptr()));
            let (old, new) = (_mm512_loadu_pd(found.block.as_ptr()), _mm512_set1_pd(block));
            _mm512_storeu_pd(found.best.as_mut_ptr(), _mm512_max_pd(score, before));
            _mm512_storeu_pd(found.second.as_mut_ptr(), second);
            _mm512_storeu_pd(found.block.as_mut_ptr(), _mm512_mask_mov_pd(old, is_better, new));
        }
    }
}

/// Transposes the 4 x 4 values in each quarter of four registers.
///
/// # Safety
/// The processor has AVX-512 F.
#[inline(always)]
unsafe fn transpose(r: [__m512; 4]) -> [__m512; 4] {
    // SAFETY: the caller has AVX-512 F.
    unsafe {
        let [a, b] = [_mm512_unpacklo_ps(r[0], r[1]), _mm512_unpackhi_ps(r[0], r[1])];
        let [c, d] = [_mm512_unpacklo_ps(r[2], r[3]), _mm512_unpackhi_ps(r[2], r[3])];
        [
            _mm512_shuffle_ps::<0x44>(a, c),
            _mm512_shuffle_ps::<0xee>(a, c),
            _mm512_shuffle_ps::<0x44>(b, d),
            _mm512_shuffle_ps::<0xee>(b, d),
        ]
    }
}

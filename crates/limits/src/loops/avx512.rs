//! With AVX-512: 16 values in a vector, 32 registers.

use std::arch::x86_64::*;

use super::BLOCK;

/// Independent chains of multiply-adds.
pub const CHAINS: usize = 16;

#[target_feature(enable = "avx512f")]
pub fn fma(rounds: u64) -> f32 {
    let factor = _mm512_set1_ps(std::hint::black_box(0.999_99));
    let term = _mm512_set1_ps(std::hint::black_box(1e-5));
    let mut chains = [_mm512_set1_ps(std::hint::black_box(1.0)); CHAINS];
    for _ in 0..rounds {
        for chain in &mut chains {
            *chain = _mm512_fmadd_ps(*chain, factor, term);
        }
    }
    chains.iter().map(|&chain| _mm512_reduce_add_ps(chain)).sum()
}

#[target_feature(enable = "avx512f")]
pub fn read<const AHEAD: usize>(values: &[f32]) -> u32 {
    let mut sums = [_mm512_setzero_si512(); BLOCK / 16];
    for block in values.chunks_exact(BLOCK) {
        let at = block.as_ptr();
        for (i, sum) in sums.iter_mut().enumerate() {
            if AHEAD > 0 {
                // A prefetch beyond the end of the buffer does nothing: it never faults.
                _mm_prefetch::<_MM_HINT_T0>(
                    at.wrapping_byte_add(AHEAD).wrapping_add(16 * i).cast(),
                );
            }
            // SAFETY: the block has BLOCK values, of which these are the 16 from 16·i.
            let loaded = unsafe { _mm512_loadu_si512(at.add(16 * i).cast()) };
            *sum = _mm512_xor_si512(*sum, loaded);
        }
    }
    let all = sums.iter().fold(_mm512_setzero_si512(), |all, &sum| _mm512_xor_si512(all, sum));
    let mut words = [0u32; 16];
    // SAFETY: there is room for 16 words.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), all) };
    words.iter().fold(0, |all, word| all ^ word)
}

#[target_feature(enable = "avx512f")]
pub fn triad(a: &mut [f32], b: &[f32], c: &[f32], s: f32) {
    let s = _mm512_set1_ps(s);
    let blocks = a.chunks_exact_mut(BLOCK).zip(b.chunks_exact(BLOCK)).zip(c.chunks_exact(BLOCK));
    for ((a, b), c) in blocks {
        for i in (0..BLOCK).step_by(16) {
            // SAFETY: each block has BLOCK values, of which these are the 16 from i.
            unsafe {
                let sum = _mm512_fmadd_ps(
                    _mm512_loadu_ps(c.as_ptr().add(i)),
                    s,
                    _mm512_loadu_ps(b.as_ptr().add(i)),
                );
                _mm512_storeu_ps(a.as_mut_ptr().add(i), sum);
            }
        }
    }
}

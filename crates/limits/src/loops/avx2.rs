//! With AVX2 and FMA: 8 values in a vector, 16 registers.

use std::arch::x86_64::*;

use super::BLOCK;

/// Independent chains of multiply-adds: with the two constants they fill 14 of the 16 registers.
pub const CHAINS: usize = 12;

#[target_feature(enable = "avx2,fma")]
pub fn fma(rounds: u64) -> f32 {
    let factor = _mm256_set1_ps(std::hint::black_box(0.999_99));
    let term = _mm256_set1_ps(std::hint::black_box(1e-5));
    let mut chains = [_mm256_set1_ps(std::hint::black_box(1.0)); CHAINS];
    for _ in 0..rounds {
        for chain in &mut chains {
            *chain = _mm256_fmadd_ps(*chain, factor, term);
        }
    }
    let mut values = [0f32; 8];
    let mut sum = 0.0;
    for chain in chains {
        // SAFETY: there is room for 8 values.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), chain) };
        sum += values.iter().sum::<f32>();
    }
    sum
}

#[target_feature(enable = "avx2")]
pub fn read<const AHEAD: usize>(values: &[f32]) -> u32 {
    let mut sums = [_mm256_setzero_si256(); BLOCK / 8];
    for block in values.chunks_exact(BLOCK) {
        let at = block.as_ptr();
        for (i, sum) in sums.iter_mut().enumerate() {
            if AHEAD > 0 && i % 2 == 0 {
                // One for each line of 64 bytes. A prefetch beyond the end of the buffer does
                // nothing: it never faults.
                _mm_prefetch::<_MM_HINT_T0>(at.wrapping_byte_add(AHEAD).wrapping_add(8 * i).cast());
            }
            // SAFETY: the block has BLOCK values, of which these are the 8 from 8·i.
            let loaded = unsafe { _mm256_loadu_si256(at.add(8 * i).cast()) };
            *sum = _mm256_xor_si256(*sum, loaded);
        }
    }
    let all = sums.iter().fold(_mm256_setzero_si256(), |all, &sum| _mm256_xor_si256(all, sum));
    let mut words = [0u32; 8];
    // SAFETY: there is room for 8 words.
    unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), all) };
    words.iter().fold(0, |all, word| all ^ word)
}

#[target_feature(enable = "avx2,fma")]
pub fn triad(a: &mut [f32], b: &[f32], c: &[f32], s: f32) {
    let s = _mm256_set1_ps(s);
    let blocks = a.chunks_exact_mut(BLOCK).zip(b.chunks_exact(BLOCK)).zip(c.chunks_exact(BLOCK));
    for ((a, b), c) in blocks {
        for i in (0..BLOCK).step_by(8) {
            // SAFETY: each block has BLOCK values, of which these are the 8 from i.
            unsafe {
                let sum = _mm256_fmadd_ps(
                    _mm256_loadu_ps(c.as_ptr().add(i)),
                    s,
                    _mm256_loadu_ps(b.as_ptr().add(i)),
                );
                _mm256_storeu_ps(a.as_mut_ptr().add(i), sum);
            }
        }
    }
}

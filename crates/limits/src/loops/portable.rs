//! For any processor: plain loops that the compiler makes vectors of, with the vectors that the
//! target has for certain.

use super::BLOCK;

/// f32 values in a vector that the target has for certain.
pub const WIDTH: u32 = if cfg!(target_feature = "avx512f") {
    16
} else if cfg!(target_feature = "avx") {
    8
} else {
    4
};

/// Independent chains of vectors. Arm has 32 registers and up to four units, others may have no
/// more than 16 registers.
pub const CHAINS: usize = if cfg!(target_arch = "aarch64") { 16 } else { 8 };

const VALUES: usize = CHAINS * WIDTH as usize;

/// One step of a chain. Without an instruction for it, a fused multiply-add would be a call of a
/// library: there it is two operations.
fn step(value: f32, factor: f32, term: f32) -> f32 {
    if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
        value.mul_add(factor, term)
    } else {
        value * factor + term
    }
}

pub fn fma(rounds: u64) -> f32 {
    let (factor, term) = (std::hint::black_box(0.999_99), std::hint::black_box(1e-5));
    let mut chains = [std::hint::black_box(1.0); VALUES];
    for _ in 0..rounds {
        for value in &mut chains {
            *value = step(*value, factor, term);
        }
    }
    chains.iter().sum()
}

pub fn read(values: &[f32]) -> u32 {
    let mut sums = [0u32; BLOCK];
    for block in values.chunks_exact(BLOCK) {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum ^= value.to_bits();
        }
    }
    sums.iter().fold(0, |all, sum| all ^ sum)
}

pub fn triad(a: &mut [f32], b: &[f32], c: &[f32], s: f32) {
    let blocks = a.chunks_exact_mut(BLOCK).zip(b.chunks_exact(BLOCK)).zip(c.chunks_exact(BLOCK));
    for ((a, b), c) in blocks {
        for i in 0..BLOCK {
            a[i] = step(c[i], s, b[i]);
        }
    }
}

//! The measuring loops over the widest vectors that the processor has, chosen at run time.
//!
//! Arithmetic: chains of multiply-adds that do not depend on each other, as many as latency × units
//! asks for (4 cycles × 2 units = 8, and more for older processors), all in registers. Reading:
//! exclusive-or of a buffer, because it needs neither rounding nor a port that loads want. Triad:
//! `a[i] = b[i] + s·c[i]` with ordinary stores (McCalpin's STREAM).

mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

/// An instruction set that this processor has: a value exists only where it was found, or needs
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loops(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// Slices that the loops take are whole multiples of this many values.
pub const BLOCK: usize = 64;

impl Loops {
    /// All that this processor has, the widest first.
    pub fn all() -> Vec<Loops> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                all.push(Loops(Set::Avx512));
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Loops(Set::Avx2));
            }
        }
        all.push(Loops(Set::Portable));
        all
    }

    /// The widest.
    pub fn widest() -> Loops {
        Loops::all()[0]
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "AVX2 + FMA",
            Set::Portable => "portable",
        }
    }

    /// f32 values in a vector.
    pub fn width(self) -> u32 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 16,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => 8,
            Set::Portable => portable::WIDTH,
        }
    }

    /// Vector units for multiply-adds that any processor of this kind has at most.
    pub fn units(self) -> u32 {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx2 => 2,
            // Arm's largest cores have four of 128 bits.
            Set::Portable if cfg!(target_arch = "aarch64") => 4,
            Set::Portable => 2,
        }
    }

    /// Multiply-adds in registers, `rounds` times over all chains. Returns a value that depends on
    /// every one of them.
    pub fn fma(self, rounds: u64) -> f32 {
        match self.0 {
            // SAFETY: the value exists only where the features were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512::fma(rounds) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2::fma(rounds) },
            Set::Portable => portable::fma(rounds),
        }
    }

    /// Floating-point operations of a round of [`Loops::fma`].
    pub fn flops_of_a_round(self) -> u64 {
        let chains = match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => avx512::CHAINS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => avx2::CHAINS,
            Set::Portable => portable::CHAINS,
        };
        2 * chains as u64 * u64::from(self.width())
    }

    /// Reads the values (a multiple of [`BLOCK`]; what is left over is not read). `AHEAD`: asks for
    /// lines so many bytes ahead, 0 for none.
    pub fn read<const AHEAD: usize>(self, values: &[f32]) -> u32 {
        match self.0 {
            // SAFETY: the value exists only where the features were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512::read::<AHEAD>(values) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2::read::<AHEAD>(values) },
            Set::Portable => portable::read(values),
        }
    }

    /// `a[i] = b[i] + s·c[i]` over the shortest of the three (multiples of [`BLOCK`]; what is left
    /// over is not computed).
    pub fn triad(self, a: &mut [f32], b: &[f32], c: &[f32], s: f32) {
        match self.0 {
            // SAFETY: the value exists only where the features were detected.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512::triad(a, b, c, s) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2::triad(a, b, c, s) },
            Set::Portable => portable::triad(a, b, c, s),
        }
    }
}

/// Cycles of a round of [`clock_rounds`].
pub const CYCLES_OF_A_ROUND: u64 = 3 * 16;

/// Multiplications of integers that each need the one before: three cycles each on every x86-64
/// core since 2008 (Intel from Nehalem, AMD from K10; A. Fog, "Instruction tables"), so their rate
/// tells the clock. `None` on other processors.
pub fn clock_rounds(rounds: u64) -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    {
        let mut value = rounds | 3;
        for _ in 0..rounds {
            // SAFETY: arithmetic on one register; flags are clobbered, as is the rule.
            unsafe {
                std::arch::asm!(
                    ".rept 16",
                    "imul {v}, {v}",
                    ".endr",
                    v = inout(reg) value,
                    options(pure, nomem, nostack)
                );
            }
        }
        Some(value)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = rounds;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_loops_compute_the_same() {
        let values: Vec<f32> = (0..4 * BLOCK).map(|i| 1.0 + i as f32).collect();
        let expected = values.iter().fold(0, |all, value| all ^ value.to_bits());
        for loops in Loops::all() {
            assert_eq!(loops.read::<0>(&values), expected, "{}", loops.name());
            assert_eq!(loops.read::<1024>(&values), expected, "{}", loops.name());
            let mut a = vec![0.0; 2 * BLOCK];
            loops.triad(&mut a, &values[..2 * BLOCK], &values[2 * BLOCK..], 0.5);
            assert!(
                (0..a.len()).all(|i| a[i] == values[i] + 0.5 * values[i + 2 * BLOCK]),
                "{}",
                loops.name()
            );
            assert!(loops.fma(1000).is_finite());
            // x ← x·m + a from the same start in every chain.
            assert_eq!(
                loops.fma(0) / loops.width() as f32,
                loops.flops_of_a_round() as f32 / 2.0 / loops.width() as f32
            );
        }
        assert_eq!(Loops::widest(), Loops::all()[0]);
    }

    #[test]
    fn what_is_left_over_is_left_alone() {
        let values = vec![1.0; BLOCK + 3];
        for loops in Loops::all() {
            let mut a = vec![0.0; BLOCK + 3];
            loops.triad(&mut a, &values, &values, 1.0);
            assert_eq!(a[BLOCK..], [0.0; 3], "{}", loops.name());
            assert_eq!(a[..BLOCK], [2.0; BLOCK], "{}", loops.name());
            assert_eq!(loops.read::<0>(&values[..3]), 0);
        }
    }
}

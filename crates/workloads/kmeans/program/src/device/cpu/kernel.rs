//! Which instructions a lane computes with.

use amdahl_record::error::{Error, Kind, Result};

/// Instructions that the same source is compiled for, and that this processor has: a value is made
/// in this file alone, where the processor was asked, or needs no more than the target guarantees.
/// So whoever holds one may run its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel(Set);

/// An instruction set that this build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// Whatever the target guarantees.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors: AVX-512 F, BW, DQ and VL.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Set {
    /// All of them, the best last.
    const ALL: &'static [Set] = &[
        Set::Portable,
        #[cfg(target_arch = "x86_64")]
        Set::Avx2,
        #[cfg(target_arch = "x86_64")]
        Set::Avx512,
    ];

    fn name(self) -> &'static str {
        match self {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        }
    }

    /// The kernel of these instructions, if this processor has them: all that the functions
    /// compiled for it in `vector.rs` enable.
    fn found(self) -> Option<Kernel> {
        let here = match self {
            Set::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        };
        here.then_some(Kernel(self))
    }
}

impl Kernel {
    /// All that this processor has, the best last.
    pub fn all() -> impl DoubleEndedIterator<Item = Kernel> {
        Set::ALL.iter().filter_map(|set| set.found())
    }

    /// The best that this processor has.
    pub fn best() -> Kernel {
        Kernel::all().next_back().unwrap_or(Kernel(Set::Portable))
    }

    /// The best that this processor has, or the one that `AMDAHL_KERNEL` names.
    pub fn chosen() -> Result<Kernel> {
        match std::env::var("AMDAHL_KERNEL") {
            Ok(name) if !name.is_empty() => Kernel::by_name(&name),
            _ => Ok(Kernel::best()),
        }
    }

    /// The kernel with this name, if this processor has it.
    pub fn by_name(name: &str) -> Result<Kernel> {
        let set = Set::ALL.iter().find(|set| set.name() == name).ok_or_else(|| {
            let names: Vec<_> = Set::ALL.iter().map(|set| set.name()).collect();
            Error::new(
                Kind::Usage,
                format!("AMDAHL_KERNEL names no kernel of this build: '{name}'"),
            )
            .hint(format!("one of {}", names.join(", ")))
        })?;
        set.found().ok_or_else(|| {
            Error::unavailable(format!("this processor lacks the instructions of kernel '{name}'"))
        })
    }

    /// The name in records and for `AMDAHL_KERNEL`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Which instructions these are.
    #[inline(always)]
    pub(super) fn set(self) -> Set {
        self.0
    }
}

//! Which instructions a lane computes with.

use amdahl_record::error::{Error, Kind, Result};

/// Instruction sets that the same source is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Whatever the target guarantees.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// All that this build knows, the best last.
    pub const ALL: &'static [Kernel] = &[
        Kernel::Portable,
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2,
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512,
    ];

    /// The name in records and for `AMDAHL_KERNEL`.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => "avx512",
        }
    }

    /// Does this processor have it?
    pub fn supported(self) -> bool {
        match self {
            Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
        }
    }

    /// The best that this processor has, or the one that `AMDAHL_KERNEL` names.
    pub fn chosen() -> Result<Kernel> {
        match std::env::var("AMDAHL_KERNEL") {
            Ok(name) if !name.is_empty() => Kernel::by_name(&name),
            _ => {
                Ok(Kernel::ALL.iter().copied().rfind(|k| k.supported()).unwrap_or(Kernel::Portable))
            }
        }
    }

    /// The kernel with this name, if this processor has it.
    pub fn by_name(name: &str) -> Result<Kernel> {
        let kernel = Kernel::ALL.iter().copied().find(|k| k.name() == name).ok_or_else(|| {
            let names: Vec<_> = Kernel::ALL.iter().map(|k| k.name()).collect();
            Error::new(
                Kind::Usage,
                format!("AMDAHL_KERNEL names no kernel of this build: '{name}'"),
            )
            .hint(format!("one of {}", names.join(", ")))
        })?;
        if !kernel.supported() {
            return Err(Error::unavailable(format!(
                "this processor lacks the instructions of kernel '{name}'"
            )));
        }
        Ok(kernel)
    }
}

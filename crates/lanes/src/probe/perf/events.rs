//! The events that are known, by their numbers in perf_event_open(2), and raw ones by the
//! processor's manual.
//!
//! Processors count a few events at a time, so events are asked for in small groups: what is
//! divided by each other stands in one. Each group of caches has instructions of its own
//! (`instructions.L1D` …), so that misses per instruction come from the same moments.

use super::kernel::Event;
use amdahl_record::units::Unit;

/// How an event must be opened for its count to mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// In user space alone.
    User,
    /// In the kernel too where allowed, else in user space alone.
    Both,
    /// It happens in the kernel: without permission to look there it would read 0.
    Kernel,
}

/// An event with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Name of the metric.
    pub name: &'static str,
    /// Unit of its values; the task clock counts nanoseconds and is given in seconds.
    pub unit: Unit,
    /// What is opened; `None` where this processor's manual was not read, or names no such event.
    pub event: Option<Event>,
    /// Where it counts.
    pub at: Where,
    /// A running program makes it grow, so a count of 0 shows a counter that stands still.
    pub grows: bool,
    /// Events of a source with the same number are asked for together.
    pub group: u8,
    /// Only wanted beside the others of its group.
    pub companion: bool,
}

const fn software(name: &'static str, unit: Unit, config: u64, at: Where, grows: bool) -> Known {
    let event = Some(Event { class: 1, config });
    Known { name, unit, event, at, grows, group: 0, companion: false }
}

const fn counted(name: &'static str, class: u32, config: u64, group: u8) -> Known {
    let event = Some(Event { class, config });
    Known { name, unit: Unit::Count, event, at: Where::User, grows: false, group, companion: false }
}

const fn hardware(name: &'static str, config: u64, group: u8) -> Known {
    counted(name, 0, config, group)
}

const fn instructions(name: &'static str, group: u8) -> Known {
    Known { companion: true, ..counted(name, 0, 1, group) }
}

const L1D: u64 = 0;
const LAST: u64 = 2;
const DTLB: u64 = 3;
const ACCESS: u64 = 0;
const MISS: u64 = 1;

/// Reads of a cache: `cache | operation << 8 | result << 16`, the operation "read" being 0.
const fn reads(name: &'static str, cache: u64, result: u64, group: u8) -> Known {
    counted(name, 3, cache | result << 16, group)
}

/// Time, faults, switches; cycles, instructions, branches.
pub const CORE: &[Known] = &[
    software("task-clock", Unit::Seconds, 1, Where::Both, true),
    software("page-faults", Unit::Count, 2, Where::Both, false),
    software("context-switches", Unit::Count, 3, Where::Kernel, false),
    software("cpu-migrations", Unit::Count, 4, Where::Kernel, false),
    Known { grows: true, ..hardware("cycles", 0, 1) },
    Known { grows: true, ..hardware("instructions", 1, 1) },
    hardware("branches", 4, 1),
    hardware("branch-misses", 5, 1),
];

/// Caches from the first level to the last. Those of the second have no number that holds for all
/// processors.
pub const CACHES: &[Known] = &[
    reads("L1D-loads", L1D, ACCESS, 0),
    reads("L1D-load-misses", L1D, MISS, 0),
    instructions("instructions.L1D", 0),
    Known { event: None, ..counted("L2-references", 4, 0, 1) },
    Known { event: None, ..counted("L2-misses", 4, 0, 1) },
    instructions("instructions.L2", 1),
    reads("LLC-loads", LAST, ACCESS, 2),
    reads("LLC-load-misses", LAST, MISS, 2),
    instructions("instructions.LLC", 2),
    hardware("cache-references", 2, 3),
    hardware("cache-misses", 3, 3),
    instructions("instructions.cache", 3),
];

/// Translation of addresses.
pub const TLB: &[Known] = &[
    reads("dTLB-loads", DTLB, ACCESS, 0),
    reads("dTLB-load-misses", DTLB, MISS, 0),
    instructions("instructions.dTLB", 0),
];

/// Cycles in which nothing moves on.
pub const STALLS: &[Known] = &[
    hardware("stalled-cycles-frontend", 7, 0),
    hardware("stalled-cycles-backend", 8, 0),
    Known { companion: true, ..hardware("cycles.stalls", 0, 0) },
];

/// Floating-point instructions by width, where the processor counts them by width; on AMD,
/// operations. A fused multiply-add counts as two.
pub const VECTORS: &[Known] = &[
    Known { event: None, ..counted("fp32-scalar", 4, 0, 0) },
    Known { event: None, ..counted("fp32-128", 4, 0, 0) },
    Known { event: None, ..counted("fp32-256", 4, 0, 0) },
    Known { event: None, ..counted("fp32-512", 4, 0, 0) },
    Known { event: None, ..counted("fp64-scalar", 4, 0, 1) },
    Known { event: None, ..counted("fp64-128", 4, 0, 1) },
    Known { event: None, ..counted("fp64-256", 4, 0, 1) },
    Known { event: None, ..counted("fp64-512", 4, 0, 1) },
    Known { event: None, ..counted("fp-operations", 4, 0, 2) },
];

/// A processor, as `/proc/cpuinfo` names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// `vendor_id` on x86; "arm" where there is a `CPU implementer`.
    pub vendor: String,
    /// `cpu family`.
    pub family: u32,
    /// `model`.
    pub model: u32,
}

impl Processor {
    /// From the text of `/proc/cpuinfo`.
    pub fn parse(cpuinfo: &str) -> Processor {
        let field = |name: &str| {
            let of = |line: &str| {
                line.split_once(':')
                    .map(|(key, value)| (key.trim().to_string(), value.trim().to_string()))
            };
            cpuinfo.lines().filter_map(of).find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let number = |name: &str| field(name).and_then(|value| value.parse().ok()).unwrap_or(0);
        let arm = field("CPU implementer").map(|_| "arm".to_string());
        let vendor = field("vendor_id").or(arm).unwrap_or_default();
        Processor { vendor, family: number("cpu family"), model: number("model") }
    }

    /// The raw code of an event: `umask << 8 | event` on x86, the common event number of the Arm
    /// architecture.
    ///
    /// Sources: Intel's "Perfmon events" (L2_RQSTS 0x24, FP_ARITH_INST_RETIRED 0xC7), AMD's
    /// "Processor Programming Reference" (L2 requests 0x60 and 0x64, retired SSE/AVX operations
    /// 0x03), Arm's PMUv3 (L2D_CACHE 0x16, L2D_CACHE_REFILL 0x17). Processors that are not named
    /// there, and those with two kinds of cores, get none.
    pub fn raw(&self, name: &str) -> Option<u64> {
        /// Broadwell to Granite Rapids, without hybrids.
        const INTEL: &[u32] = &[
            0x3D, 0x47, 0x4F, 0x56, 0x4E, 0x5E, 0x8E, 0x9E, 0xA5, 0xA6, 0x55, 0x7D, 0x7E, 0x6A,
            0x6C, 0x8C, 0x8D, 0xA7, 0x8F, 0xCF, 0xAD, 0xAE,
        ];
        match (self.vendor.as_str(), self.family) {
            ("GenuineIntel", 6) if INTEL.contains(&self.model) => Some(match name {
                "L2-references" => 0xFF24,
                "L2-misses" => 0x3F24,
                "fp32-scalar" => 0x02C7,
                "fp32-128" => 0x08C7,
                "fp32-256" => 0x20C7,
                "fp32-512" => 0x80C7,
                "fp64-scalar" => 0x01C7,
                "fp64-128" => 0x04C7,
                "fp64-256" => 0x10C7,
                "fp64-512" => 0x40C7,
                _ => return None,
            }),
            // Zen to Zen 4.
            ("AuthenticAMD", 0x17 | 0x19) => Some(match name {
                "L2-references" => 0xE860,
                "L2-misses" => 0x0864,
                "fp-operations" => 0x0F03,
                _ => return None,
            }),
            ("arm", _) => Some(match name {
                "L2-references" => 0x16,
                "L2-misses" => 0x17,
                _ => return None,
            }),
            _ => None,
        }
    }

    /// The events of a list with the raw codes of this processor.
    pub fn complete(&self, events: &[Known]) -> Vec<Known> {
        let raw = |known: &Known| self.raw(known.name).map(|config| Event { class: 4, config });
        events
            .iter()
            .map(|known| Known { event: known.event.or_else(|| raw(known)), ..*known })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_known_by_its_numbers() {
        let intel = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\nmodel name\t: Xeon\n";
        let intel = Processor::parse(intel);
        assert_eq!(intel, Processor { vendor: "GenuineIntel".into(), family: 6, model: 143 });
        assert_eq!(intel.raw("fp32-256"), Some(0x20C7));
        let amd = Processor::parse("vendor_id : AuthenticAMD\ncpu family : 25\nmodel : 17\n");
        assert_eq!((amd.raw("L2-misses"), amd.raw("fp32-256")), (Some(0x0864), None));
        let arm = Processor::parse("CPU implementer : 0x41\nCPU part : 0xd40\n");
        assert_eq!(arm.raw("L2-references"), Some(0x16));
        let hybrid = Processor::parse("vendor_id : GenuineIntel\ncpu family : 6\nmodel : 151\n");
        assert_eq!(hybrid.raw("fp32-256"), None, "two kinds of cores count by two units");
        assert_eq!(Processor::parse("").raw("L2-references"), None);
    }

    #[test]
    fn a_list_is_completed_and_the_rest_stays_unknown() {
        let amd = Processor { vendor: "AuthenticAMD".into(), family: 25, model: 17 };
        let caches = amd.complete(CACHES);
        let event = |name: &str| {
            caches.iter().find(|known| known.name == name).and_then(|known| known.event)
        };
        assert_eq!(event("L2-references"), Some(Event { class: 4, config: 0xE860 }));
        assert_eq!(event("LLC-load-misses"), Some(Event { class: 3, config: 2 | 1 << 16 }));
        assert_eq!(event("L1D-load-misses"), Some(Event { class: 3, config: 1 << 16 }));
        assert!(amd.complete(VECTORS).iter().filter(|known| known.event.is_some()).count() == 1);
    }

    #[test]
    fn a_group_is_small_enough_for_four_counters() {
        for list in [CORE, CACHES, TLB, STALLS, VECTORS] {
            for group in 0..8 {
                assert!(list.iter().filter(|known| known.group == group).count() <= 4);
            }
        }
    }
}

//! Misses of caches: as a share of accesses, and per thousand instructions.
//!
//! Both are told for each level. A ratio says how well a level filters what reaches it; misses per
//! thousand instructions (MPKI) say how much that matters. Simulated counts have names of their
//! own, so that they cannot be mixed with measured ones.

use crate::metric::scope::{Scope, quotient};
use crate::metric::{Derived, Metric};
use amdahl_record::Provenance;

/// A level: the readings that count what reaches it and what misses it, added up.
struct Level {
    accesses: &'static [&'static str],
    misses: &'static [&'static str],
}

/// By the index of the metrics below.
const LEVELS: [Level; 7] = [
    Level { accesses: &["L1D-loads"], misses: &["L1D-load-misses"] },
    Level { accesses: &["L2-references"], misses: &["L2-misses"] },
    Level { accesses: &["LLC-loads"], misses: &["LLC-load-misses"] },
    Level { accesses: &["cache-references"], misses: &["cache-misses"] },
    Level {
        accesses: &["data-reads", "data-writes"],
        misses: &["L1D-read-misses", "L1D-write-misses"],
    },
    Level {
        accesses: &["L1D-read-misses", "L1D-write-misses"],
        misses: &["LL-read-misses", "LL-write-misses"],
    },
    Level { accesses: &["dTLB-loads"], misses: &["dTLB-load-misses"] },
];

const PER_KILO: &str = "misses/1000 instructions";

macro_rules! level {
    ($index:literal, $ratio:literal, $ratio_formula:literal, $mpki:literal, $mpki_formula:literal, $about:literal) => {
        [
            Metric {
                name: $ratio,
                unit: "1",
                formula: $ratio_formula,
                about: $about,
                of: ratio::<$index>,
            },
            Metric {
                name: $mpki,
                unit: PER_KILO,
                formula: $mpki_formula,
                about: $about,
                of: mpki::<$index>,
            },
        ]
    };
}

const L1D: [Metric; 2] = level!(
    0,
    "L1D miss ratio",
    "L1D-load-misses / L1D-loads",
    "L1D MPKI",
    "1000 × L1D-load-misses / instructions",
    "Loads that the first level does not hold."
);
const L2: [Metric; 2] = level!(
    1,
    "L2 miss ratio",
    "L2-misses / L2-references",
    "L2 MPKI",
    "1000 × L2-misses / instructions",
    "What reaches the second level and is not there."
);
const LLC: [Metric; 2] = level!(
    2,
    "LLC miss ratio",
    "LLC-load-misses / LLC-loads",
    "LLC MPKI",
    "1000 × LLC-load-misses / instructions",
    "Loads that the last level does not hold; prefetches are not among them, so it understates traffic."
);
const CACHE: [Metric; 2] = level!(
    3,
    "cache miss ratio",
    "cache-misses / cache-references",
    "cache MPKI",
    "1000 × cache-misses / instructions",
    "The kernel's generic cache events: usually those of the last level."
);
const D1_SIMULATED: [Metric; 2] = level!(
    4,
    "simulated L1D miss ratio",
    "(L1D-read-misses + L1D-write-misses) / (data-reads + data-writes)",
    "simulated L1D MPKI",
    "1000 × (L1D-read-misses + L1D-write-misses) / instructions",
    "Simulated: reads and writes that miss the first level."
);
const LL_SIMULATED: [Metric; 2] = level!(
    5,
    "simulated LL miss ratio",
    "(LL-read-misses + LL-write-misses) / (L1D-read-misses + L1D-write-misses)",
    "simulated LL MPKI",
    "1000 × (LL-read-misses + LL-write-misses) / instructions",
    "Simulated: what misses the first level and the last one too. Which cache the last level stands for is said with it."
);
const TLB: [Metric; 2] = level!(
    6,
    "dTLB miss ratio",
    "dTLB-load-misses / dTLB-loads",
    "dTLB MPKI",
    "1000 × dTLB-load-misses / instructions",
    "Loads whose page was not in the first table of translations."
);

/// The metrics of this family.
pub const METRICS: &[Metric] = &{
    let [a, b] = L1D;
    let [c, d] = L2;
    let [e, f] = LLC;
    let [g, h] = CACHE;
    let [i, j] = D1_SIMULATED;
    let [k, l] = LL_SIMULATED;
    let [m, n] = TLB;
    [a, b, c, d, e, f, g, h, m, n, i, j, k, l]
};

fn ratio<const LEVEL: usize>(scope: &Scope<'_>) -> Result<Derived, String> {
    let Level { accesses, misses } = &LEVELS[LEVEL];
    let (misses, accesses, from) = of_both(scope, misses, accesses)?;
    Ok(Derived { value: quotient(misses, accesses, 1.0, "accesses")?, from })
}

fn mpki<const LEVEL: usize>(scope: &Scope<'_>) -> Result<Derived, String> {
    let (misses, instructions, from) = of_both(scope, LEVELS[LEVEL].misses, &["instructions"])?;
    Ok(Derived { value: quotient(misses, instructions, 1000.0, "instructions")?, from })
}

/// Two sums of readings that were all counted together.
fn of_both(scope: &Scope<'_>, a: &[&str], b: &[&str]) -> Result<(f64, f64, Provenance), String> {
    let (mut sums, mut source) = ([0.0, 0.0], None);
    for (sum, metrics) in sums.iter_mut().zip([a, b]) {
        for metric in metrics {
            // Each is held against the first reading, which stands for all.
            let ([_, value], from) = scope.together([a[0], metric])?;
            *sum += value;
            source = Some(from);
        }
    }
    Ok((sums[0], sums[1], source.ok_or("no readings")?))
}

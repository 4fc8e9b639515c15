//! How much is computed: operations, flop, and flop for each byte.
//!
//! Flop are counted by formulas: those of each elementary operation that was made (a multiply-add is
//! two flop), or of the workload's model of work where it counts none. They are those of the
//! algorithm, not those that the hardware executed, and stand as modelled.

use crate::metric::memory::{bytes, positive};
use crate::metric::scope::Scope;
use crate::metric::{Derived, Metric};
use amdahl_record::Provenance;

/// The metrics of this family.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "{many}",
        unit: "10^9 {many}/s",
        formula: "{many} / seconds / 10^9",
        about: "{about}, as many as all lanes make in a second.",
        of: |scope| {
            let (operations, from, _) = scope.operations()?;
            Ok(Derived { value: operations / scope.seconds()? / 1e9, from })
        },
    },
    Metric {
        name: "FLOP/s",
        unit: "GFLOP/s",
        formula: "flop / seconds / 10^9",
        about: "Flop of the algorithm a second, all lanes together.",
        of: |scope| Ok(Derived { value: rate(scope)? / 1e9, from: Provenance::Modelled }),
    },
    Metric {
        name: "of peak",
        unit: "1",
        formula: "FLOP/s / FMA peak of so many lanes, measured; of accelerators, published",
        about: "Share of what multiply-adds in registers reach on this machine, or of what an accelerator's maker says.",
        of: |scope| Ok(Derived { value: rate(scope)? / scope.peak()?, from: Provenance::Modelled }),
    },
    Metric {
        name: "intensity",
        unit: "flop/B",
        formula: "flop / (LLC-load-misses × line)",
        about: "Flop for each byte from memory: below the ridge of the machine bandwidth limits, above it arithmetic.",
        of: |scope| {
            let (bytes, _) = bytes(scope)?;
            let value = scope.flop()? / positive(bytes, "bytes from memory")?;
            Ok(Derived { value, from: Provenance::Modelled })
        },
    },
    Metric {
        name: "compulsory intensity",
        unit: "flop/B",
        formula: "flop / compulsory bytes",
        about: "The most flop for a byte that there can be: what cannot be spared is moved once an iteration.",
        of: |scope| {
            let value = scope.flop()? / scope.compulsory()?;
            Ok(Derived { value, from: Provenance::Modelled })
        },
    },
];

/// flop/s of the algorithm.
fn rate(scope: &Scope<'_>) -> Result<f64, String> {
    Ok(scope.flop()? / scope.seconds()?)
}

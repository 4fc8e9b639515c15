//! How much is computed: distances, flop, and flop for each byte.
//!
//! Flop are counted by a formula: 2·d for each distance that was evaluated (a multiply-add is two
//! flop), whichever form the distance has. They are those of the algorithm, not those that the
//! hardware executed, and stand as modelled.

use crate::metric::memory::{bytes, positive};
use crate::metric::scope::Scope;
use crate::metric::{Derived, Metric};
use amdahl_record::Provenance;

/// The metrics of this family.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "distances",
        unit: "10^9 distances/s",
        formula: "distances evaluated / seconds / 10^9",
        about: "Distances of a point to a centroid that all lanes evaluate in a second.",
        of: |scope| {
            let (distances, from) = distances(scope)?;
            Ok(Derived { value: distances / scope.seconds()? / 1e9, from })
        },
    },
    Metric {
        name: "FLOP/s",
        unit: "GFLOP/s",
        formula: "2·d × distances evaluated / seconds / 10^9",
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
        formula: "2·d × distances evaluated / (LLC-load-misses × line)",
        about: "Flop for each byte from memory: below the ridge of the machine bandwidth limits, above it arithmetic.",
        of: |scope| {
            let (bytes, _) = bytes(scope)?;
            let (distances, _) = distances(scope)?;
            let value = 2.0 * scope.size.dims * distances / positive(bytes, "bytes from memory")?;
            Ok(Derived { value, from: Provenance::Modelled })
        },
    },
    Metric {
        name: "compulsory intensity",
        unit: "flop/B",
        formula: "2·d × distances evaluated / (4·n·d·iterations); bfloat16 on an accelerator: 2·n·d·iterations",
        about: "The most flop for a byte that there can be: every value is read once an iteration.",
        of: |scope| {
            let (distances, _) = distances(scope)?;
            let half = scope.device.map_or(4.0, |device| device.width) / 2.0;
            let values = half * scope.size.rows * scope.size.iterations;
            Ok(Derived {
                value: distances / positive(values, "rows and iterations")?,
                from: Provenance::Modelled,
            })
        },
    },
];

fn distances(scope: &Scope<'_>) -> Result<(f64, Provenance), String> {
    scope.all_lanes()?;
    scope.evaluates()?;
    scope.size.distances.ok_or_else(|| "distances are not counted".into())
}

/// flop/s of the algorithm.
fn rate(scope: &Scope<'_>) -> Result<f64, String> {
    let (distances, _) = distances(scope)?;
    Ok(2.0 * scope.size.dims * distances / scope.seconds()?)
}

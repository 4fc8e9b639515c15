//! What memory has to deliver, against what an iteration cannot do without.
//!
//! The workload's model of work says which bytes an iteration has to move, each once. What is moved
//! beyond that comes from the working set not fitting into a cache. Bytes are counted as misses of
//! the last level times a line: an understatement where hardware prefetches are not among the
//! misses.

use crate::metric::scope::Scope;
use crate::metric::{Derived, Metric};
use amdahl_record::Provenance;
use amdahl_record::limits::Level;

/// The metrics of this family.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "bytes per point",
        unit: "B/(point·iteration)",
        formula: "LLC-load-misses × line / (n·iterations)",
        about: "What comes from memory for a point in an iteration.",
        of: |scope| {
            let (bytes, from) = bytes(scope)?;
            let points = scope.size.rows * scope.size.iterations;
            Ok(Derived { value: bytes / positive(points, "iterations")?, from })
        },
    },
    Metric {
        name: "over compulsory",
        unit: "1",
        formula: "LLC-load-misses × line / compulsory bytes of all iterations",
        about: "What comes from memory over what cannot be spared: above 1, some of it is read more than once.",
        of: |scope| {
            let (bytes, from) = bytes(scope)?;
            Ok(Derived { value: bytes / scope.compulsory_in_all()?, from })
        },
    },
    Metric {
        name: "compulsory bandwidth",
        unit: "GB/s",
        formula: "compulsory bytes / seconds / 10^9",
        about: "Bytes that cannot be spared a second, all lanes together, wherever they come from: what STREAM tells of its kernels.",
        of: |scope| {
            let value = scope.compulsory()? / scope.seconds()? / 1e9;
            Ok(Derived { value, from: Provenance::Modelled })
        },
    },
    Metric {
        name: "bandwidth",
        unit: "GB/s",
        formula: "LLC-load-misses × line / seconds / 10^9",
        about: "Bytes from memory a second, all lanes together.",
        of: |scope| {
            let (rate, from) = rate(scope)?;
            Ok(Derived { value: rate / 1e9, from })
        },
    },
    Metric {
        name: "of triad",
        unit: "1",
        formula: "bandwidth / measured triad bandwidth of memory on so many lanes",
        about: "Share of what STREAM's triad reaches on this machine.",
        of: |scope| {
            let (rate, from) = rate(scope)?;
            Ok(Derived { value: rate / triad(scope)?, from })
        },
    },
    Metric {
        name: "of read bandwidth",
        unit: "1",
        formula: "bandwidth / measured read bandwidth of memory on so many lanes",
        about: "Share of what reading alone reaches on this machine.",
        of: |scope| {
            let (rate, from) = rate(scope)?;
            let limits = scope.limits()?;
            let most = limits.read(Level::Memory, scope.size.lanes);
            Ok(Derived {
                value: rate
                    / most.ok_or("the machine's bandwidth was not measured for so many lanes")?,
                from,
            })
        },
    },
];

/// Bytes that came from memory, in this scope.
pub(super) fn bytes(scope: &Scope<'_>) -> Result<(f64, Provenance), String> {
    scope.all_lanes()?;
    let misses = scope.total("LLC-load-misses")?;
    let line = scope.size.line.ok_or("the size of a cache line is not known")?;
    Ok((misses.value * line, misses.from))
}

fn rate(scope: &Scope<'_>) -> Result<(f64, Provenance), String> {
    let (bytes, from) = bytes(scope)?;
    Ok((bytes / scope.seconds()?, from))
}

/// The measured triad of exactly so many lanes, byte/s.
fn triad(scope: &Scope<'_>) -> Result<f64, String> {
    let limits = scope.limits()?;
    let lanes = scope.size.lanes;
    let rows: Vec<_> = limits
        .bandwidths
        .iter()
        .filter(|row| row.level == Level::Memory && row.lanes == lanes)
        .collect();
    let best = rows.iter().filter_map(|row| row.triad.best).reduce(f64::max);
    best.ok_or_else(|| match rows.iter().find_map(|row| row.triad.why.clone()) {
        Some(why) => format!("triad: {why}"),
        None => format!("the machine's triad was not measured on {lanes} lanes"),
    })
}

pub(super) fn positive(value: f64, what: &str) -> Result<f64, String> {
    if value > 0.0 { Ok(value) } else { Err(format!("there are no {what}")) }
}

//! The programs of all workloads. A new one is a line in [`ALL`].

use amdahl_program::Program;
use amdahl_record::cell::WorkloadSpec;
use amdahl_record::error::{Error, Result};

/// Every program.
pub const ALL: &[&dyn Program] = &[&amdahl_kmeans::KMeansProgram, &amdahl_stream::StreamProgram];

/// The program of the workload with this name.
pub fn find(name: &str) -> Option<&'static dyn Program> {
    ALL.iter().copied().find(|program| program.name() == name)
}

/// The program of a cell's workload.
///
/// # Errors
/// Where this build has none.
pub fn of(spec: &WorkloadSpec) -> Result<&'static dyn Program> {
    find(&spec.kind)
        .ok_or_else(|| Error::unavailable(format!("this worker has no workload '{}'", spec.kind)))
}

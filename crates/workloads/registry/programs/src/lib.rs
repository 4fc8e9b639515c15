//! The programs of all workloads. A new one is a line in [`ALL`].

use amdahl_program::Program;

/// Every program.
pub const ALL: &[&dyn Program] = &[&amdahl_kmeans::KMeansProgram];

/// The program of the workload with this name.
pub fn find(name: &str) -> Option<&'static dyn Program> {
    ALL.iter().copied().find(|program| program.name() == name)
}

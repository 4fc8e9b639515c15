//! The descriptions of all workloads. A new one is a line in [`ALL`].

use amdahl_record::cell::{Cell, WorkloadSpec};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_workload::Workload;

mod unknown;

/// Every workload.
pub const ALL: &[&dyn Workload] = &[&amdahl_kmeans_description::KMeansWorkload];

/// The workload of this name.
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    ALL.iter().copied().find(|workload| workload.name() == name)
}

/// Their names in manifests.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|workload| workload.name()).collect()
}

/// The workload of a cell or a record. One that this program does not know, as in records of a
/// newer one, has no parameters and no model of work, and its answers are compared to the last bit.
pub fn of(spec: &WorkloadSpec) -> &'static dyn Workload {
    find(&spec.kind).unwrap_or(&unknown::Unknown)
}

/// Reads a cell file's text, and lets the workload check its own parameters.
///
/// # Errors
/// Where it is no cell, or one that no workload of this program has.
pub fn parse_cell(text: &str) -> Result<Cell> {
    let cell = Cell::parse(text)?;
    let workload = find(&cell.workload.kind).ok_or_else(|| {
        Error::new(Kind::Manifest, format!("unknown workload '{}'", cell.workload.kind))
            .hint(format!("known: {}", names().join(", ")))
    })?;
    workload.validate(&cell.workload)?;
    Ok(cell)
}

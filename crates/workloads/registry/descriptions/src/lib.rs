//! The descriptions of all workloads. A new one is a line in [`ALL`].

use std::sync::Once;

use amdahl_record::cell::{Cell, WorkloadSpec};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::{Phase, Role};
use amdahl_workload::Workload;

mod unknown;

/// Every workload.
pub const ALL: &[&dyn Workload] =
    &[&amdahl_kmeans_description::KMeansWorkload, &amdahl_stream_description::StreamWorkload];

/// The workload of this name.
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    register_phases();
    ALL.iter().copied().find(|workload| workload.name() == name)
}

/// Their names in manifests.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|workload| workload.name()).collect()
}

/// Makes the phases of all workloads known, so that names in records have their roles. Done by
/// itself where a workload is looked up; programs do it when they start, so that phases always have
/// the same order.
pub fn register_phases() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (name, role) in ALL.iter().flat_map(|workload| workload.phases()) {
            Phase::named(name, *role);
        }
    });
}

/// The phases of a workload's cells: its own, and those that all programs share where they stand
/// for what any program does. In the order of values.
pub fn phases(spec: &WorkloadSpec) -> Vec<Phase> {
    let workload = of(spec);
    let own = workload.phases().iter().filter_map(|(name, _)| Phase::find(name));
    // Those of the shared names that are some workload's own work.
    let shared = Phase::all().into_iter().filter(|phase| {
        phase.is_shared() && !matches!(phase.role(), Role::Compute | Role::Replicate)
    });
    let mut phases: Vec<Phase> = own.chain(shared).collect();
    phases.sort();
    phases.dedup();
    phases
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_s_phases_have_their_names_and_roles() {
        register_phases();
        for workload in ALL {
            assert!(!workload.phases().is_empty(), "{}", workload.name());
            for (name, role) in workload.phases() {
                let phase = Phase::find(name).expect("registered under its own name");
                assert_eq!(phase.role(), *role, "{name}: another workload has it otherwise");
                assert!(role.is_timed(), "{name}");
            }
        }
    }
}

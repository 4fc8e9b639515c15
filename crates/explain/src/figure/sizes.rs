//! The sizes of problems: which differ in rows, clusters and columns alone, and what an iteration
//! costs.

use crate::summary::{CellSummary, Group};
use amdahl_record::cell::{Dataset, canonical};
use amdahl_stats::Estimate;

/// What can vary, in the order of [`Size::of`]: rows, clusters, columns.
pub const VARIABLES: [&str; 3] = ["rows (n)", "clusters (k)", "columns (d)"];

/// The size of a problem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Rows, clusters, columns.
    pub of: [f64; 3],
}

impl Size {
    /// The size of a group, where it is known.
    pub fn of_group(group: &Group) -> Option<Size> {
        let workload = amdahl_workloads::of(&group.workload);
        let size = workload.size(&group.workload, group.rows, group.dims)?;
        Some(Size { of: size.try_into().ok()? })
    }

    /// Pairs of a point and a centroid, times their columns: what an iteration of Lloyd's algorithm
    /// goes through.
    pub fn work(&self) -> f64 {
        self.of.iter().product()
    }
}

/// The same text for groups that differ in size alone.
pub fn family(group: &Group) -> String {
    let family = amdahl_workloads::of(&group.workload).family(&group.workload);
    let mut dataset = group.dataset.clone();
    match &mut dataset {
        Dataset::Synthetic { points, dims, .. } => (*points, *dims) = (0, 0),
        Dataset::Catalogue { sample, .. } | Dataset::File { sample, .. } => *sample = None,
    }
    canonical(&(family, dataset))
}

/// Median seconds of an iteration.
pub fn iteration(cell: &CellSummary) -> Option<Estimate> {
    let iterations = cell.iterations.filter(|n| *n > 0)?;
    cell.time.map(|time| time.divided_by(f64::from(iterations)))
}

/// Seconds of an iteration in each good repeat.
pub fn iterations(cell: &CellSummary) -> Vec<f64> {
    let iterations = cell.iterations.filter(|n| *n > 0).map_or(f64::NAN, f64::from);
    cell.repeats
        .iter()
        .map(|r| r.seconds / iterations)
        .filter(|s| s.is_finite() && *s > 0.0)
        .collect()
}

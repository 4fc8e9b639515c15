//! The sizes of problems: which differ in rows, clusters and columns alone, and what an iteration
//! costs.

use crate::summary::{CellSummary, Group};
use amdahl_record::cell::{Dataset, Workload, canonical};
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
        let Workload::KMeans(kmeans) = &group.workload;
        let of = [group.rows? as f64, f64::from(kmeans.k), f64::from(group.dims?)];
        of.iter().all(|v| *v > 0.0).then_some(Size { of })
    }

    /// Pairs of a point and a centroid, times their columns: what an iteration of Lloyd's algorithm
    /// goes through.
    pub fn work(&self) -> f64 {
        self.of.iter().product()
    }
}

/// The same text for groups that differ in size alone.
pub fn family(group: &Group) -> String {
    let Workload::KMeans(mut kmeans) = group.workload.clone();
    kmeans.k = 0;
    let mut dataset = group.dataset.clone();
    match &mut dataset {
        Dataset::Synthetic { points, dims, .. } => (*points, *dims) = (0, 0),
        Dataset::Catalogue { sample, .. } | Dataset::File { sample, .. } => *sample = None,
    }
    canonical(&(kmeans, dataset))
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

//! The sizes of problems: which differ in size alone, and what an iteration costs.

use crate::summary::{CellSummary, Group};
use amdahl_record::cell::{Dataset, canonical};
use amdahl_stats::Estimate;
use amdahl_workload::SizeName;

/// The size of a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    /// One value for each of [`Size::names`].
    pub of: Vec<f64>,
    /// The workload's variables.
    pub names: &'static [SizeName],
}

impl Size {
    /// The size of a group, where it is known.
    pub fn of_group(group: &Group) -> Option<Size> {
        let workload = amdahl_workloads::of(&group.workload);
        let of = workload.size(&group.workload, group.rows, group.dims)?;
        let names = workload.sizes();
        (of.len() == names.len()).then_some(Size { of, names })
    }

    /// The product of all: what an iteration of the plain method goes through.
    pub fn work(&self) -> f64 {
        self.of.iter().product()
    }

    /// What the product counts: `point, cluster and column`.
    pub fn unit(&self) -> String {
        let ones: Vec<&str> = self.names.iter().map(|name| name.one).collect();
        match ones.split_last() {
            Some((last, [])) => last.to_string(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => "unit".into(),
        }
    }

    /// The product in symbols: `n·k·d`.
    pub fn symbols(&self) -> String {
        self.names.iter().map(|name| name.symbol).collect::<Vec<_>>().join("·")
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

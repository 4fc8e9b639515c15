//! Weak scaling: cells of different groups that have as many rows for each lane, and the law of
//! that.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::labels;
use crate::law;
use crate::law::{Laws, Scaling};
use crate::summary::{CellSummary, Summary};
use amdahl_record::cell::{Dataset, canonical};

/// The laws of one backend's cells that have as many rows for each lane.
#[derive(Clone, Debug, Serialize)]
pub struct Weak {
    /// What is computed on what, the number of rows left out.
    pub problem: String,
    /// The laws.
    #[serde(flatten)]
    pub laws: Laws,
}

/// Every series of cells with as many rows for each lane and at least two numbers of lanes, by
/// problem, backend and rows.
pub fn of(summary: &Summary) -> Vec<Weak> {
    let mut problems: BTreeMap<(String, String), Vec<&CellSummary>> = BTreeMap::new();
    for cell in
        summary.groups.iter().flat_map(|group| &group.cells).filter(|cell| cell.time.is_some())
    {
        let key = (canonical(&without_rows(&cell.cell.dataset)), canonical(&cell.cell.workload));
        problems.entry(key).or_default().push(cell);
    }
    problems.values().flat_map(|cells| of_problem(cells, summary)).collect()
}

fn of_problem(cells: &[&CellSummary], summary: &Summary) -> Vec<Weak> {
    let mut backends = law::backends(cells);
    let place = |name: &String| {
        cells
            .iter()
            .find(|c| labels::series(&c.cell) == *name)
            .map(|c| labels::backend_order(&c.cell.backend))
    };
    backends.sort_by_cached_key(|name| (place(name), name.clone()));
    let mut found = Vec::new();
    for backend in &backends {
        for rows in rows_per_lane(cells, backend) {
            let series: Vec<&CellSummary> =
                cells.iter().filter(|cell| per_lane(cell) == Some(rows)).copied().collect();
            let eligible = law::eligible(&series, backend);
            let several = eligible.iter().any(|cell| cell.cell.lanes() != eligible[0].cell.lanes());
            // Nothing grows where all have the same number of rows.
            if !several {
                continue;
            }
            let laws =
                law::laws(backend, Scaling::Weak, &eligible, None, &summary.hosts, Some(rows));
            let first = eligible[0];
            let name = labels::dataset_name(&first.cell.dataset);
            let dims = first.dims.map_or(String::new(), |dims| format!(", {dims} columns"));
            let problem = format!("{} on {name}{dims}", labels::workload(&first.cell.workload));
            found.push(Weak { problem, laws });
        }
    }
    found
}

/// The rows for each lane that cells of this backend have, rising.
fn rows_per_lane(cells: &[&CellSummary], backend: &str) -> Vec<u64> {
    let mut rows: Vec<u64> = cells
        .iter()
        .filter(|cell| labels::series(&cell.cell) == backend)
        .filter_map(|cell| per_lane(cell))
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// Rows for each lane; `None` where the rows cannot be spread evenly.
fn per_lane(cell: &CellSummary) -> Option<u64> {
    let rows = labels::stated_rows(&cell.cell.dataset)?;
    let lanes = u64::from(cell.cell.lanes());
    rows.is_multiple_of(lanes).then(|| rows / lanes)
}

/// The data set with no number of rows.
fn without_rows(dataset: &Dataset) -> Dataset {
    let mut dataset = dataset.clone();
    match &mut dataset {
        Dataset::Synthetic { points, .. } => *points = 0,
        Dataset::Catalogue { sample, .. } | Dataset::File { sample, .. } => {
            if let Some(sample) = sample {
                sample.points = 0;
            }
        }
    }
    dataset
}

//! Short names that tell the cells of one plan apart.

use std::collections::BTreeMap;

use amdahl_explain::labels;
use amdahl_record::cell::CellId;
use amdahl_run::plan::parameters;
use amdahl_run::plan::{PlannedCell, only};

/// Names of the cells of a plan: how each is spread, and its values on the axes on which the plan's
/// cells differ.
pub struct Names(BTreeMap<CellId, String>);

impl Names {
    /// For these cells.
    pub fn new(cells: &[PlannedCell]) -> Names {
        let value =
            |planned: &PlannedCell, axis: &str| only::value(&planned.cell, &planned.id, axis);
        let varied: Vec<&str> = parameters::names()
            .into_iter()
            // How a cell is spread is in its name already.
            .filter(|axis| !["backend", "ranks", "threads", parameters::REDUCTION].contains(axis))
            .filter(|axis| {
                cells.iter().any(|planned| value(planned, axis) != value(&cells[0], axis))
            })
            .collect();
        let name = |planned: &PlannedCell| {
            let mut words = vec![labels::cell(&planned.cell)];
            words.extend(
                varied.iter().filter_map(|axis| Some(format!("{axis}={}", value(planned, axis)?))),
            );
            words.join(" ")
        };
        Names(cells.iter().map(|planned| (planned.id.clone(), name(planned))).collect())
    }

    /// The name of a cell of the plan.
    pub fn of<'a>(&'a self, planned: &'a PlannedCell) -> &'a str {
        self.0.get(&planned.id).map_or(&planned.id.0, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_run::plan::{Machine, parse};

    #[test]
    fn a_name_has_what_differs_and_nothing_else() {
        let text = |k: &str| {
            format!(
                "workload = {{ kind = \"kmeans\", iterations = 1 }}\n\
                 dataset = {{ synthetic = \"mixture\", points = 100, dims = 2, clusters = 2 }}\n\
                 axes = {{ backend = [\"serial\", \"threads\"], threads = [2], k = {k} }}"
            )
        };
        let named = |k| {
            let plan = parse(&text(k), std::path::Path::new("a.toml"), Machine::of(2))
                .expect("a good manifest");
            let names = Names::new(&plan.cells);
            plan.cells.iter().map(|planned| names.of(planned).to_string()).collect::<Vec<_>>()
        };
        let mut one = named("[4]");
        one.sort();
        assert_eq!(one, ["serial", "threads 2"]);
        let mut two = named("[4, 8]");
        two.sort();
        assert_eq!(two, ["serial k=4", "serial k=8", "threads 2 k=4", "threads 2 k=8"]);
    }
}

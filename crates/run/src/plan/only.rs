//! A part of a plan: `backend=mpi,ranks=2`.

use std::collections::BTreeSet;

use crate::plan::axes::shape_word;
use crate::plan::parameters::{self, REDUCTION};
use crate::plan::place::nearest;
use crate::plan::{Plan, PlannedCell};
use amdahl_record::cell::{Cell, CellId, Dataset};

use amdahl_record::error::{Error, Result};

/// Selects cells by the values of their axes. Different axes must all fit; of several values of one
/// axis, any may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Axis and the values it may have, as they are written.
    wanted: Vec<(String, Vec<String>)>,
}

/// What a filter can name beside the parameters of a manifest.
const MORE: [&str; 2] = ["lanes", "id"];

impl Filter {
    /// Reads `axis=value` pairs joined by commas: `backend=mpi,backend=hybrid,ranks=2` are cells of
    /// either backend with two ranks.
    pub fn parse(text: &str) -> Result<Filter> {
        let mut wanted: Vec<(String, Vec<String>)> = Vec::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let Some((name, value)) =
                pair.split_once('=').map(|(name, value)| (name.trim(), value.trim()))
            else {
                return Err(Error::usage(format!("'{pair}' is not of the form axis=value"))
                    .hint("for example --only backend=mpi,ranks=2"));
            };
            let known: Vec<&str> = parameters::names().into_iter().chain(MORE).collect();
            if !known.contains(&name) {
                return Err(Error::usage(format!("unknown axis '{name}' in '{pair}'"))
                    .hint(nearest(name, &known)));
            }
            match wanted.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value.into()),
                None => wanted.push((name.into(), vec![value.into()])),
            }
        }
        Ok(Filter { wanted })
    }

    /// Does the cell have the wanted values?
    pub fn selects(&self, planned: &PlannedCell) -> bool {
        self.wanted.iter().all(|(name, values)| {
            let own = value(&planned.cell, &planned.id, name);
            own.is_some_and(|own| values.iter().any(|value| same(&own, value)))
        })
    }

    /// The part of the plan that is selected, with the oracles that it needs: those that are not
    /// selected themselves run once.
    ///
    /// A value that no cell of the plan has, and values that no cell has together, are errors.
    pub fn apply(&self, plan: &Plan) -> Result<Plan> {
        for (name, values) in &self.wanted {
            let known: BTreeSet<String> =
                plan.cells.iter().filter_map(|c| value(&c.cell, &c.id, name)).collect();
            if let Some(unknown) =
                values.iter().find(|value| !known.iter().any(|known| same(known, value)))
            {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let pair = format!("{name}={unknown}");
                let left_out =
                    plan.left_out.iter().find(|one| one.what.split(", ").any(|part| part == pair));
                let hint = match known.len() {
                    _ if let Some(one) = left_out => {
                        format!("{} is left out: {}", one.what, one.why)
                    }
                    0 => format!("the cells of '{}' have no {name}", plan.experiment.name),
                    _ if name == "id" => "'amdahl plan' lists the ids".into(),
                    _ => nearest(unknown, &known),
                };
                return Err(Error::usage(format!("no cell has {name}={unknown}")).hint(hint));
            }
        }
        let selected: BTreeSet<&CellId> =
            plan.cells.iter().filter(|c| self.selects(c)).map(|c| &c.id).collect();
        if selected.is_empty() {
            return Err(Error::usage(format!("no cell has all of {self}")).hint(
                "'amdahl plan' lists the cells, and those that are left out with the reason",
            ));
        }
        let needed: BTreeSet<&CellId> =
            plan.cells.iter().filter(|c| selected.contains(&c.id)).map(|c| &c.oracle).collect();
        let cells =
            plan.cells.iter().filter(|c| selected.contains(&c.id) || needed.contains(&c.id)).map(
                |planned| {
                    let asked = selected.contains(&planned.id);
                    PlannedCell {
                        repeats: if asked { planned.repeats } else { 1 },
                        asked,
                        ..planned.clone()
                    }
                },
            );
        // What the manifest leaves out is not left out of this part.
        let left_out = if self.wanted.is_empty() { plan.left_out.clone() } else { Vec::new() };
        Ok(Plan { cells: cells.collect(), left_out, ..plan.clone() })
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pairs = self
            .wanted
            .iter()
            .flat_map(|(name, values)| values.iter().map(move |v| format!("{name}={v}")));
        f.write_str(&pairs.collect::<Vec<_>>().join(","))
    }
}

/// Numbers are equal as numbers (`tolerance=0.0` is 0), all else as text.
fn same(own: &str, wanted: &str) -> bool {
    own == wanted || matches!((own.parse::<f64>(), wanted.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
}

/// The value of a cell on an axis, as a manifest writes it; `None` where the cell has no such
/// value.
pub fn value(cell: &Cell, id: &CellId, axis: &str) -> Option<String> {
    let workload = amdahl_workloads::of(&cell.workload);
    if let Some(parameter) = workload.parameters().iter().find(|p| p.name == axis) {
        return (parameter.shown)(&cell.workload, &cell.backend);
    }
    let (sample, file) = match &cell.dataset {
        Dataset::Synthetic { .. } => (None, None),
        Dataset::Catalogue { sample, .. } => (sample.as_ref(), None),
        Dataset::File { sample, path, .. } => (sample.as_ref(), Some(path)),
    };
    let made = match &cell.dataset {
        Dataset::Synthetic { shape, points, dims, clusters, seed } => {
            Some((*shape, *points, *dims, *clusters, *seed))
        }
        Dataset::Catalogue { .. } | Dataset::File { .. } => None,
    };
    match axis {
        "backend" => Some(cell.backend.name().into()),
        "ranks" => Some(cell.ranks.to_string()),
        "threads" => Some(cell.threads.to_string()),
        "lanes" => Some(cell.lanes().to_string()),
        // Every cell has one, also where nothing is reduced: then it tells no cells apart.
        REDUCTION => Some(cell.reduction.to_string()),
        "id" => Some(id.0.clone()),
        "synthetic" => made.map(|(shape, ..)| shape_word(shape).into()),
        "dataset" => match &cell.dataset {
            Dataset::Catalogue { name, .. } => Some(name.clone()),
            Dataset::Synthetic { .. } | Dataset::File { .. } => None,
        },
        "file" => file.map(|path| path.display().to_string()),
        "points" => {
            made.map(|(_, points, ..)| points).or(sample.map(|s| s.points)).map(|n| n.to_string())
        }
        "dims" => made.map(|(_, _, dims, ..)| dims.to_string()),
        "clusters" => made.map(|(_, _, _, clusters, _)| clusters.to_string()),
        "seed" => {
            made.map(|(.., seed)| seed).or(sample.map(|s| s.seed)).map(|seed| seed.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Machine, parse};
    use proptest::prelude::*;
    use std::path::Path;

    fn plan() -> Plan {
        let text = r#"
            workload = { kind = "kmeans", tolerance = 0.5 }
            dataset = { synthetic = "mixture", dims = 2, clusters = 2 }
            [axes]
            backend = ["serial", "threads", "mpi"]
            ranks = [1, 2, 8]
            threads = [2, 4]
            k = [2, 4]
            points = [100, 200]
        "#;
        parse(text, Path::new("only.toml"), Machine::of(4)).expect("a good manifest")
    }

    fn only(text: &str) -> Result<Plan> {
        Filter::parse(text)?.apply(&plan())
    }

    #[test]
    fn axes_must_all_fit_values_of_one_axis_may() {
        let part =
            only("backend=mpi, backend=threads ,k=2,points=100").expect("there are such cells");
        let lanes: Vec<_> =
            part.cells.iter().map(|c| (c.cell.backend.name(), c.cell.lanes(), c.repeats)).collect();
        assert_eq!(
            lanes,
            [("serial", 1, 1), ("threads", 2, 5), ("threads", 4, 5), ("mpi", 1, 5), ("mpi", 2, 5)]
        );
        assert_eq!(only("").expect("no wish, no limit"), plan());
        assert_eq!(
            only("tolerance=0.50").expect("equal as numbers").cells.len(),
            plan().cells.len()
        );
    }

    #[test]
    fn how_an_accelerator_is_used_can_be_chosen() {
        let text = r#"
            workload = { kind = "kmeans", k = 2, iterations = 3 }
            dataset = { synthetic = "mixture", points = 100, dims = 2, clusters = 2 }
            axes = { backend = ["serial", "pjrt-reference"], update = ["host", "device"], precision = ["f32", "bf16"] }
        "#;
        let plan = parse(text, Path::new("only.toml"), Machine::of(4)).expect("a good manifest");
        let cells = |text: &str| {
            let part = Filter::parse(text)
                .and_then(|filter| filter.apply(&plan))
                .expect("there are such cells");
            let of = |c: &PlannedCell| {
                (c.cell.backend.name().to_string(), value(&c.cell, &c.id, "precision"), c.repeats)
            };
            part.cells.iter().map(of).collect::<Vec<_>>()
        };
        let pjrt = |precision: &str| ("pjrt-reference".to_string(), Some(precision.to_string()), 5);
        let oracle = ("serial".to_string(), None, 1);
        assert_eq!(cells("update=device,precision=bf16"), [oracle.clone(), pjrt("bf16")]);
        assert_eq!(cells("update=host"), [oracle, pjrt("f32"), pjrt("bf16")]);
    }

    #[test]
    fn the_reduction_of_lanes_can_be_chosen() {
        let text = r#"
            workload = { kind = "kmeans", k = 2, iterations = 3 }
            dataset = { synthetic = "mixture", points = 100, dims = 2, clusters = 2 }
            axes = { backend = ["serial", "threads", "mpi"], threads = 2, ranks = [1, 2], reduction = ["direct", "tree"] }
        "#;
        let plan = parse(text, Path::new("only.toml"), Machine::of(4)).expect("a good manifest");
        let of = |c: &PlannedCell| {
            let (lanes, reduction) = (c.cell.lanes(), value(&c.cell, &c.id, "reduction"));
            (c.cell.backend.name().to_string(), lanes, reduction.unwrap_or_default())
        };
        let cell = |backend: &str, lanes, reduction: &str| {
            (backend.to_string(), lanes, reduction.to_string())
        };
        let all = [
            cell("serial", 1, "direct"),
            cell("threads", 2, "direct"),
            cell("threads", 2, "tree"),
            cell("mpi", 1, "direct"),
            cell("mpi", 2, "direct"),
            cell("mpi", 2, "tree"),
        ];
        let planned: Vec<_> = plan.cells.iter().map(of).collect();
        assert_eq!(planned, all, "one lane has nothing to reduce, and one cell");
        assert!(plan.cells.iter().all(|c| c.oracle == plan.cells[0].id), "one oracle for all");
        let part = Filter::parse("reduction=tree").and_then(|f| f.apply(&plan)).expect("some");
        let part: Vec<_> = part.cells.iter().map(of).collect();
        assert_eq!(part, [all[0].clone(), all[2].clone(), all[5].clone()]);
        let plain = parse(
            &text.replace(r#", reduction = ["direct", "tree"]"#, ""),
            Path::new("only.toml"),
            Machine::of(4),
        );
        let ids = |plan: &Plan, only: &dyn Fn(&Cell) -> bool| -> Vec<CellId> {
            plan.cells.iter().filter(|c| only(&c.cell)).map(|c| c.id.clone()).collect()
        };
        let plain = plain.expect("a good manifest");
        assert_eq!(ids(&plain, &|_| true), ids(&plan, &|cell| cell.reduction.is_direct()));
        let one = text.replace("k = 2,", r#"k = 2, reduction = "trees","#);
        let error = parse(&one, Path::new("only.toml"), Machine::of(4)).expect_err("a typo");
        assert!(error.to_string().contains("did you mean 'tree'?"), "{error}");
    }

    #[test]
    fn what_matches_nothing_is_an_error_with_the_nearest_spelling() {
        let message = |text: &str| only(text).expect_err(text).to_string();
        assert_eq!(
            message("rank=2"),
            "unknown axis 'rank' in 'rank=2'\n  hint: did you mean 'ranks'?"
        );
        assert_eq!(
            message("backend=thread"),
            "no cell has backend=thread\n  hint: did you mean 'threads'?"
        );
        assert_eq!(message("k=3"), "no cell has k=3\n  hint: known: 2, 4");
        let left_out = "backend=mpi, ranks=8, threads=1 is left out: needs 8 CPUs, 4 may be used; set oversubscribe = true to run it \
                        all the same";
        assert_eq!(message("ranks=8"), format!("no cell has ranks=8\n  hint: {left_out}"));
        assert_eq!(
            message("iterations=3"),
            "no cell has iterations=3\n  hint: the cells of 'only' have no iterations"
        );
        assert!(
            message("backend=serial,threads=4")
                .starts_with("no cell has all of backend=serial,threads=4")
        );
        assert!(message("backend").starts_with("'backend' is not of the form axis=value"));
    }

    proptest! {
        #[test]
        fn selects_what_a_naive_filter_selects(
            backends in proptest::collection::btree_set(prop_oneof![Just("serial"), Just("threads"), Just("mpi")], 0..3),
            lanes in proptest::collection::btree_set(1u32..5, 0..3),
            ks in proptest::collection::btree_set(prop_oneof![Just(2u32), Just(4)], 0..2),
        ) {
            let pairs = backends.iter().map(|b| format!("backend={b}"))
                .chain(lanes.iter().map(|l| format!("lanes={l}")))
                .chain(ks.iter().map(|k| format!("k={k}")));
            let filter = Filter::parse(&pairs.collect::<Vec<_>>().join(",")).expect("well formed");
            for planned in plan().cells {
                let k: u32 = value(&planned.cell, &planned.id, "k").expect("k").parse().expect("a number");
                let naive = (backends.is_empty() || backends.contains(planned.cell.backend.name()))
                    && (lanes.is_empty() || lanes.contains(&planned.cell.lanes()))
                    && (ks.is_empty() || ks.contains(&k));
                prop_assert_eq!(filter.selects(&planned), naive);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}") {
            let _ = only(&text);
        }
    }
}

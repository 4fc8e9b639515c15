//! What a repeat of a cell is expected to cost, so that a person knows before a sweep whether to
//! wait for it or to come back tomorrow.
//!
//! Where the cell was measured before, its cost is the median of how long its worker lived.
//! Otherwise it is modelled: so many terms at a nominal rate, that of a core with vectors of 256
//! bits, and the start of the processes. The model is for planning alone, may be off by a factor of
//! three, and is never compared with anything measured.

use std::collections::HashMap;

use crate::plan::{Machine, PlannedCell};
use amdahl_data::catalogue;
use amdahl_record::cell::{CellId, Dataset};
use amdahl_record::read::Results;
use amdahl_stats::median;

/// Nominal rate of a lane: multiply-adds in a second.
pub const TERMS_PER_SECOND: f64 = 8e9;
/// Nominal time to make, read or digest a value of the data.
pub const SECONDS_PER_VALUE: f64 = 50e-9;
/// Nominal time to start and end a process.
pub const START_S: f64 = 0.02;
/// Nominal time that an MPI launcher and the library take on top of that.
pub const MPI_START_S: f64 = 0.5;
/// Nominal time that an outside program takes on top of that: its language, its imports, fits
/// beside the timed one, and the judge.
pub const PEER_START_S: f64 = 3.0;

/// How an estimate came about.
#[derive(Clone, Debug, PartialEq)]
pub enum Basis {
    /// Median of this many repeats that were measured.
    Measured {
        /// How many.
        repeats: usize,
    },
    /// From the number of operations at a nominal rate.
    Modelled,
    /// From a limit of the number of iterations: it will take this or less, by the model.
    AtMost,
    /// It cannot be said, for this reason.
    Unknown(String),
}

impl Basis {
    /// The word in tables.
    pub fn word(&self) -> &'static str {
        match self {
            Basis::Measured { .. } => "measured",
            Basis::Modelled => "modelled",
            Basis::AtMost => "modelled, at most",
            Basis::Unknown(_) => "unknown",
        }
    }
}

/// Expected cost of a repeat.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Seconds; `None` where it cannot be said.
    pub seconds: Option<f64>,
    /// Where they come from.
    pub basis: Basis,
}

/// Estimates costs from earlier results, if there are any.
#[derive(Debug, Default)]
pub struct Estimator {
    /// Process times by cell.
    lived_s: HashMap<CellId, Vec<f64>>,
    /// Rows, columns and iterations by cell.
    answers: HashMap<CellId, (u64, u64, u32)>,
}

impl Estimator {
    /// Learns from `results`: repeats that count, of any build and host.
    pub fn new(results: &Results) -> Estimator {
        let mut estimator = Estimator::default();
        for record in results.standing().filter(|record| record.counts()) {
            estimator.lived_s.entry(record.key.cell.clone()).or_default().extend(record.process_s);
            if let Some(measured) = &record.measured {
                let answer = &*measured.answer;
                let (rows, columns) = (answer.rows(), answer.columns());
                let size = (rows.unwrap_or(0), columns.unwrap_or(0).into(), answer.iterations);
                estimator.answers.insert(record.key.cell.clone(), size);
            }
        }
        estimator
    }

    /// Rows and columns of the cell's data, as far as they are known without reading them.
    pub fn shape(&self, planned: &PlannedCell) -> (Option<u64>, Option<u64>) {
        let seen = self.seen(planned);
        let catalogue = match &planned.cell.dataset {
            Dataset::Synthetic { points, dims, .. } => {
                return (Some(*points), Some(u64::from(*dims)));
            }
            Dataset::Catalogue { name, .. } => {
                catalogue::set(name).ok().map(|set| (set.rows, set.dims as u64))
            }
            Dataset::File { .. } => None,
        };
        let sampled = match &planned.cell.dataset {
            Dataset::Synthetic { .. } => None,
            Dataset::Catalogue { sample, .. } | Dataset::File { sample, .. } => {
                sample.map(|s| s.points)
            }
        };
        let rows = sampled.or(seen.map(|s| s.0)).or(catalogue.map(|c| c.0));
        (rows, seen.map(|s| s.1).or(catalogue.map(|c| c.1)))
    }

    /// What the cell's own answer or its oracle's says of rows, columns and iterations.
    fn seen(&self, planned: &PlannedCell) -> Option<(u64, u64, u32)> {
        self.answers.get(&planned.id).or_else(|| self.answers.get(&planned.oracle)).copied()
    }

    /// What a repeat of the cell is expected to cost on `machine`.
    pub fn cost(&self, planned: &PlannedCell, machine: Machine) -> Cost {
        if let Some(times) = self.lived_s.get(&planned.id)
            && let Some(seconds) = median(times)
        {
            return Cost {
                seconds: Some(seconds),
                basis: Basis::Measured { repeats: times.len() },
            };
        }
        let (Some(rows), Some(dims)) = self.shape(planned) else {
            let why = "the size of the file is known once a repeat was run".into();
            return Cost { seconds: None, basis: Basis::Unknown(why) };
        };
        let spec = &planned.cell.workload;
        let seen = self.seen(planned).map(|(.., iterations)| iterations);
        let model = amdahl_workloads::of(spec).cost(spec, rows, dims, seen);
        let basis = if model.at_most { Basis::AtMost } else { Basis::Modelled };
        let lanes = f64::from(planned.cell.lanes().min(machine.all()).max(1));
        let backend = &planned.cell.backend;
        let more = [(backend.uses_mpi(), MPI_START_S), (backend.peer().is_some(), PEER_START_S)];
        let start = more
            .iter()
            .filter(|(has, _)| *has)
            .fold(START_S, |start, (_, seconds)| start + seconds);
        let work = model.terms / TERMS_PER_SECOND + model.values * SECONDS_PER_VALUE;
        Cost { seconds: Some(start + work / lanes), basis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, parse};
    use std::path::Path;

    fn plan(dataset: &str, workload: &str) -> Plan {
        let text = format!(
            "workload = {{ kind = 'kmeans', k = 10, warmup = 0, {workload} }}\ndataset = {{ {dataset} }}\n\
             [axes]\nbackend = ['serial', 'threads', 'mpi']\nranks = 2\nthreads = [2, 8]\noversubscribe = true"
        );
        parse(&text, Path::new("cost.toml"), Machine::of(4)).expect("a good manifest")
    }

    #[test]
    fn the_model_counts_terms_and_shares_them_among_cpus() {
        let machine = Machine::of(4);
        let plan = plan(
            "synthetic = 'mixture', points = 1000000, dims = 10, clusters = 3",
            "iterations = 9",
        );
        let estimator = Estimator::default();
        let seconds: Vec<f64> = plan
            .cells
            .iter()
            .map(|c| estimator.cost(c, machine).seconds.expect("modelled"))
            .collect();
        let work = 1e6 * 10.0 * 10.0 * 10.0 / TERMS_PER_SECOND + 1e7 * SECONDS_PER_VALUE;
        let expected = [
            START_S + work,
            START_S + work / 2.0,
            START_S + work / 4.0,
            START_S + MPI_START_S + work / 2.0,
        ];
        for (got, expected) in seconds.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-12, "{seconds:?}");
        }
        assert!(plan.cells.iter().all(|c| estimator.cost(c, machine).basis == Basis::Modelled));
    }

    #[test]
    fn what_is_not_known_is_said() {
        let machine = Machine::of(4);
        let converging = plan("name = 'digits'", "tolerance = 0.0, max-iterations = 50");
        let estimator = Estimator::default();
        assert_eq!(estimator.cost(&converging.cells[0], machine).basis, Basis::AtMost);
        assert_eq!(estimator.shape(&converging.cells[0]), (Some(1797), Some(64)));
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("rows.csv"), "1,2\n").expect("a file");
        let path = folder.path().join("rows.csv");
        let of_file = plan(&format!("file = '{}'", path.display()), "iterations = 5");
        let cost = estimator.cost(&of_file.cells[0], machine);
        assert!(cost.seconds.is_none() && matches!(cost.basis, Basis::Unknown(_)), "{cost:?}");
    }

    #[test]
    fn what_was_measured_goes_first_and_tells_of_others() {
        let machine = Machine::of(4);
        let plan = plan("name = 'digits'", "tolerance = 0.0, max-iterations = 50");
        let (serial, threads) = (&plan.cells[0], &plan.cells[1]);
        let estimator = Estimator {
            lived_s: [(serial.id.clone(), vec![3.0, 1.0, 2.0])].into(),
            answers: [(serial.id.clone(), (1797, 64, 14))].into(),
        };
        let measured = Cost { seconds: Some(2.0), basis: Basis::Measured { repeats: 3 } };
        assert_eq!(estimator.cost(serial, machine), measured);
        let modelled = estimator.cost(threads, machine);
        assert_eq!(modelled.basis, Basis::Modelled, "the oracle knows the number of iterations");
        let work = 1797.0 * 64.0 * (10.0 * 15.0 / TERMS_PER_SECOND + SECONDS_PER_VALUE);
        assert!((modelled.seconds.expect("modelled") - START_S - work / 2.0).abs() < 1e-12);
    }
}

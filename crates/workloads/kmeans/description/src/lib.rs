//! k-means as planning, checking and explaining know it: [`spec`] are its parameters, [`answer`]
//! its answer, [`peer`] how an outside program's answer is judged.

use std::path::PathBuf;

use amdahl_record::cell::{Backend, Cell, WorkloadSpec};
use amdahl_record::error::Result;
use amdahl_record::peer::PeerFacts;
use amdahl_record::{Answer, Measured, Role};
use amdahl_workload::facts::PeerAnswer;
use amdahl_workload::parameter::Refusal;
use amdahl_workload::work::{Formulas, Operation, Resident};
use amdahl_workload::{
    Cost, Facts, LeastRows, Objective, Parameter, Precision, SizeName, Values, Work, Workload,
};
use serde_json::json;

pub mod answer;
pub mod parameters;
pub mod peer;
pub mod spec;
mod words;

use spec::{Algorithm, Arithmetic, KMeans, Numbers, Offload, Stop};

/// Its name in manifests, cells and answers.
pub const NAME: &str = "kmeans";

/// Iterations that are simulated at most; those of Lloyd's algorithm are all alike.
const SIMULATED_ITERATIONS: u32 = 3;

/// k-means, as the registry knows it.
pub struct KMeansWorkload;

/// The parameters of a cell that was checked; of one that was not (a damaged record), k-means of no
/// clusters: whatever is computed from it is refused or empty.
fn read(spec: &WorkloadSpec) -> KMeans {
    KMeans::of(spec).unwrap_or_else(|_| KMeans::new(0, Stop::Iterations(0), 0))
}

impl Workload for KMeansWorkload {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "k-means"
    }

    fn phases(&self) -> &'static [(&'static str, Role)] {
        &[("assign", Role::Compute), ("update", Role::Replicate)]
    }

    fn parameters(&self) -> &'static [Parameter] {
        parameters::ALL
    }

    fn resolve(&self, values: &dyn Values) -> std::result::Result<WorkloadSpec, Refusal> {
        parameters::resolve(values).map(|kmeans| kmeans.spec())
    }

    fn validate(&self, spec: &WorkloadSpec) -> Result<()> {
        KMeans::of(spec)?.validate()
    }

    fn least_rows(&self, spec: &WorkloadSpec) -> Option<LeastRows> {
        let k = read(spec).k;
        let (what, mend) = (format!("k = {k} clusters"), "a smaller k".into());
        Some(LeastRows { rows: k.into(), what, mend })
    }

    /// The same workload and rows on one lane, without bounds.
    fn oracle_of(&self, cell: &Cell) -> Cell {
        let mut kmeans = read(&cell.workload);
        if kmeans.algorithm.is_bounded() {
            kmeans.algorithm = Algorithm::Lloyd;
        }
        if cell.backend.platform().is_some() {
            // What an accelerator rounds is compared with what is not rounded.
            kmeans.offload = Offload::default();
            kmeans.arithmetic = Arithmetic::Certified;
        }
        Cell {
            workload: kmeans.spec(),
            backend: Backend::SERIAL,
            ranks: 1,
            threads: 1,
            oversubscribe: false,
            ..cell.clone()
        }
    }

    fn smaller(&self, spec: &WorkloadSpec) -> WorkloadSpec {
        let mut kmeans = read(spec);
        kmeans.warmup = kmeans.warmup.max(1);
        match &mut kmeans.stop {
            Stop::Iterations(n) => *n = (*n).min(SIMULATED_ITERATIONS),
            Stop::Converged { max_iterations: n, .. } => *n = (*n).min(SIMULATED_ITERATIONS),
        }
        kmeans.spec()
    }

    fn cost(&self, spec: &WorkloadSpec, rows: u64, columns: u64, seen: Option<u32>) -> Cost {
        let kmeans = read(spec);
        let (iterations, at_most) = match (&kmeans.stop, seen) {
            (Stop::Iterations(iterations), _) => (*iterations, false),
            (Stop::Converged { .. }, Some(iterations)) => (iterations, false),
            (Stop::Converged { max_iterations, .. }, None) => (*max_iterations, true),
        };
        // One pass more for the final labels and the inertia.
        let passes = f64::from(iterations) + f64::from(kmeans.warmup) + 1.0;
        // A pass over a batch, and one over all rows at the end.
        let passes = match kmeans.algorithm {
            Algorithm::Minibatch { batch, .. } => {
                1.0 + (passes - 1.0) * f64::from(batch) / (rows.max(1) as f64)
            }
            _ => passes,
        };
        let values = rows as f64 * columns as f64;
        Cost { terms: values * f64::from(kmeans.k) * passes, values, at_most }
    }

    fn plugin(&self, spec: &WorkloadSpec) -> Option<PathBuf> {
        read(spec).offload.plugin
    }

    fn exported(&self, spec: &WorkloadSpec) -> serde_json::Value {
        let kmeans = read(spec);
        json!([kmeans.init, kmeans.k])
    }

    fn peer_rules(&self) -> &'static [&'static str] {
        &["lloyd", "objective"]
    }

    fn effort(&self) -> &'static [&'static str] {
        answer::EFFORT
    }

    fn check(
        &self,
        spec: &WorkloadSpec,
        measured: &Measured,
        oracle: &Answer,
    ) -> std::result::Result<(), String> {
        let fixed = matches!(read(spec).stop, Stop::Iterations(_));
        match (&measured.peer, &measured.device) {
            (Some(facts), _) => peer::check(&measured.answer, oracle, facts, fixed),
            (None, Some(device)) if !device.exact => {
                answer::check_rounded(&measured.answer, oracle, fixed)
            }
            _ => measured.answer.check_exact(oracle, answer::EFFORT),
        }
    }

    fn in_words(&self, spec: &WorkloadSpec) -> String {
        words::in_words(&read(spec))
    }

    fn variant(&self, spec: &WorkloadSpec) -> String {
        words::variant(&read(spec))
    }

    fn method(&self, spec: &WorkloadSpec) -> String {
        words::method(&read(spec))
    }

    fn problem(&self, spec: &WorkloadSpec) -> WorkloadSpec {
        KMeans { offload: Offload::default(), ..read(spec) }.spec()
    }

    fn comparable(&self, spec: &WorkloadSpec) -> serde_json::Value {
        let kmeans = read(spec);
        json!([kmeans.k, kmeans.init, kmeans.stop])
    }

    fn sizes(&self) -> &'static [SizeName] {
        &[
            SizeName { key: "points", symbol: "n", label: "rows (n)", one: "point", many: "rows" },
            SizeName {
                key: "k",
                symbol: "k",
                label: "clusters (k)",
                one: "cluster",
                many: "clusters",
            },
            SizeName {
                key: "dims",
                symbol: "d",
                label: "columns (d)",
                one: "column",
                many: "columns",
            },
        ]
    }

    fn size(
        &self,
        spec: &WorkloadSpec,
        rows: Option<u64>,
        columns: Option<u32>,
    ) -> Option<Vec<f64>> {
        let size = [rows? as f64, f64::from(read(spec).k), f64::from(columns?)];
        size.iter().all(|value| *value > 0.0).then(|| size.to_vec())
    }

    fn family(&self, spec: &WorkloadSpec) -> WorkloadSpec {
        KMeans { k: 0, ..read(spec) }.spec()
    }

    fn operation(&self) -> Option<Operation> {
        Some(Operation {
            one: "distance",
            many: "distances",
            about: "Distances of a point to a centroid",
            flop: "2·d",
            flop_of: |size| 2.0 * size.last().copied().unwrap_or(0.0),
            phase: "assign",
        })
    }

    /// An iteration of Lloyd's algorithm over n rows of d columns needs n·k·d multiply-adds (2 flop
    /// each), whichever form of the distance is chosen, and has to read each of the n·d values
    /// once.
    fn work(&self, spec: &WorkloadSpec, size: &[f64]) -> Work {
        let kmeans = read(spec);
        let (precision, row_bytes) = match (kmeans.numbers, kmeans.offload.precision) {
            (Numbers::F64, _) => (Precision::F64, 8),
            (Numbers::F32, spec::Precision::F32) => (Precision::F32, 4),
            // The host keeps the rows in f32.
            (Numbers::F32, spec::Precision::Bf16) => (Precision::Bf16, 4),
        };
        let (rows, k, columns) = match *size {
            [rows, k, columns] => (rows, k, columns),
            _ => (0.0, 0.0, 0.0),
        };
        let values = rows * columns;
        Work {
            flop: 2.0 * values * k,
            bytes: precision.bytes() * values,
            resident: Resident { rows: rows as u64, row_bytes: row_bytes * columns as u64 },
            precision,
        }
    }

    fn formulas(&self) -> Option<Formulas> {
        Some(Formulas {
            flop: "2·n·k·d",
            bytes: "4·n·d",
            counted: "every value being read once an iteration (twice the bytes in f64)",
        })
    }

    /// 2·n·k·d flop over 4·n·d bytes are k/2 flop a byte.
    fn ridge(&self, ridges: &[(String, f64)]) -> Option<String> {
        let words: Vec<String> = ridges
            .iter()
            .map(|(lanes, ridge)| format!("{} on {lanes}", (2.0 * ridge).ceil()))
            .collect();
        (!words.is_empty()).then(|| {
            format!(
                "k-means does 2*n*k*d flop on 4*n*d bytes, k/2 flop a byte: with rows in memory, \
                 arithmetic limits it where k is at least\n{}.",
                words.join(", ")
            )
        })
    }

    fn facts(&self, spec: &WorkloadSpec, answer: &Answer) -> Facts {
        let kmeans = read(spec);
        let plain = answer
            .rows()
            .map(|rows| rows as f64 * f64::from(kmeans.k) * f64::from(answer.iterations));
        // What every row against every centroid comes to, where that is what is done.
        let by_formula = plain.filter(|_| kmeans.algorithm == Algorithm::Lloyd);
        Facts {
            rows: answer.rows(),
            columns: answer.columns(),
            iterations: answer.iterations,
            objective: answer.value("inertia").map(|value| Objective {
                name: "inertia".into(),
                value,
                less_is_better: true,
            }),
            quality: answer.quality.clone(),
            operations: answer.count("distances").map(|distances| distances as f64),
            formula_operations: by_formula,
            plain_operations: plain,
        }
    }

    fn of_peer(&self, facts: &PeerFacts) -> PeerAnswer {
        peer::Judged::of(facts).map_or_else(
            |_| PeerAnswer::default(),
            |judged| PeerAnswer {
                objective: judged.inertia,
                rule: Some(judged.rule.word().into()),
            },
        )
    }
}

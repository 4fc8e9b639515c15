//! A workload that this program does not know: its records can be read, and little be said of them.

use amdahl_record::cell::{Backend, Cell, WorkloadSpec};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::{Answer, Role};
use amdahl_workload::parameter::Refusal;
use amdahl_workload::work::Resident;
use amdahl_workload::{Cost, Facts, Parameter, Precision, SizeName, Values, Work, Workload};

pub struct Unknown;

impl Workload for Unknown {
    fn name(&self) -> &'static str {
        "unknown"
    }
    fn title(&self) -> &'static str {
        "a workload that this program does not know"
    }
    fn phases(&self) -> &'static [(&'static str, Role)] {
        &[]
    }
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }
    fn resolve(&self, _: &dyn Values) -> std::result::Result<WorkloadSpec, Refusal> {
        let message = "this program does not know the workload".into();
        Err(Refusal::Wrong { parameter: None, message, hint: "use a newer amdahl".into() })
    }
    fn validate(&self, spec: &WorkloadSpec) -> Result<()> {
        Err(Error::new(Kind::Manifest, format!("unknown workload '{}'", spec.kind)))
    }
    fn oracle_of(&self, cell: &Cell) -> Cell {
        let backend = Backend::SERIAL;
        Cell { backend, ranks: 1, threads: 1, oversubscribe: false, ..cell.clone() }
    }
    fn smaller(&self, spec: &WorkloadSpec) -> WorkloadSpec {
        spec.clone()
    }
    fn cost(&self, _: &WorkloadSpec, rows: u64, columns: u64, _: Option<u32>) -> Cost {
        Cost { terms: 0.0, values: rows as f64 * columns as f64, at_most: false }
    }
    fn in_words(&self, spec: &WorkloadSpec) -> String {
        spec.kind.clone()
    }
    fn sizes(&self) -> &'static [SizeName] {
        &[]
    }
    fn size(&self, _: &WorkloadSpec, _: Option<u64>, _: Option<u32>) -> Option<Vec<f64>> {
        None
    }
    fn work(&self, _: &WorkloadSpec, _: &[f64]) -> Work {
        let resident = Resident { rows: 0, row_bytes: 0 };
        Work { flop: 0.0, bytes: 0.0, resident, precision: Precision::F32 }
    }
    fn facts(&self, _: &WorkloadSpec, answer: &Answer) -> Facts {
        Facts {
            rows: answer.rows(),
            columns: answer.columns(),
            iterations: answer.iterations,
            quality: answer.quality.clone(),
            ..Facts::default()
        }
    }
}

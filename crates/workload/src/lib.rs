//! The seam between workloads and all that plans, checks and explains them.
//!
//! A workload is a room under `crates/workloads`: its *description* (this trait: parameters,
//! phases, oracle, check, model of work, facts) and its *program* (`amdahl_program::Program`: what
//! every lane runs). Planning and explaining know the description alone, through the registry;
//! measuring knows the program alone. Neither can name a workload.

use std::path::PathBuf;

use amdahl_record::cell::{Cell, WorkloadSpec};
use amdahl_record::error::Result;
use amdahl_record::peer::PeerFacts;
use amdahl_record::{Answer, Measured, Role};

pub mod facts;
pub mod parameter;
pub mod work;

pub use facts::{Facts, Objective};
pub use parameter::{Parameter, Values};
pub use work::{Cost, Formulas, Operation, PhaseWork, Precision, SizeName, Work};

/// Rows that a data set needs at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeastRows {
    /// So many.
    pub rows: u64,
    /// For what: `k = 8 clusters`.
    pub what: String,
    /// What else would do: `a smaller k`.
    pub mend: String,
}

/// What planning, checking and explaining need to know of a workload.
pub trait Workload: Sync {
    /// Its name in manifests, cells and answers: `kmeans`.
    fn name(&self) -> &'static str;

    /// Its name in sentences: `k-means`.
    fn title(&self) -> &'static str;

    /// The phases of its iterations, by name, in the order in which figures show them. `load`,
    /// `init`, `finish`, waiting, collectives and accelerators have phases that all share.
    fn phases(&self) -> &'static [(&'static str, Role)];

    // ---- planning

    /// Its parameters. Manifest, `--only`, schema, help and tables are made from this table.
    fn parameters(&self) -> &'static [Parameter];

    /// The parameters of a cell from what a manifest says, with defaults where it says nothing.
    ///
    /// # Errors
    /// What cannot be planned at all is a [`parameter::Refusal::Wrong`] manifest; a combination that
    /// has no meaning is [`parameter::Refusal::LeftOut`] with its reason.
    fn resolve(&self, values: &dyn Values)
    -> std::result::Result<WorkloadSpec, parameter::Refusal>;

    /// Refuses parameters that make no sense together, as in a cell file written by hand.
    ///
    /// # Errors
    /// What is wrong.
    fn validate(&self, spec: &WorkloadSpec) -> Result<()>;

    /// Rows that a data set needs at least, where it needs more than one.
    fn least_rows(&self, spec: &WorkloadSpec) -> Option<LeastRows> {
        let _ = spec;
        None
    }

    /// The cell whose answer `cell` must match: one lane on the processor, without short cuts.
    fn oracle_of(&self, cell: &Cell) -> Cell;

    /// The workload of a run like this one that is small enough to be simulated: few iterations
    /// after one that fills the caches.
    fn smaller(&self, spec: &WorkloadSpec) -> WorkloadSpec;

    /// What a run is expected to take, for planning alone.
    fn cost(&self, spec: &WorkloadSpec, rows: u64, columns: u64, seen: Option<u32>) -> Cost;

    /// The plugin that the cell names for its accelerator.
    fn plugin(&self, spec: &WorkloadSpec) -> Option<PathBuf> {
        let _ = spec;
        None
    }

    /// What the files that are exported for outside programs depend on beside the data set: cells
    /// that agree in it share them.
    fn exported(&self, spec: &WorkloadSpec) -> serde_json::Value {
        serde_json::Value::Object(spec.parameters.clone())
    }

    /// The rules by which an outside program's answer can be judged; the first is taken where a list of
    /// peers names none.
    fn peer_rules(&self) -> &'static [&'static str] {
        &[]
    }

    // ---- checking

    /// Counts of an answer that tell how it was found, and may differ from the oracle's.
    fn effort(&self) -> &'static [&'static str] {
        &[]
    }

    /// Checks an answer against the oracle's. The error says what differs, with both values.
    ///
    /// # Errors
    /// Where it is not the right answer.
    fn check(
        &self,
        spec: &WorkloadSpec,
        measured: &Measured,
        oracle: &Answer,
    ) -> std::result::Result<(), String> {
        let _ = spec;
        measured.answer.check_exact(oracle, self.effort())
    }

    // ---- explaining

    /// The workload in a few words: `k-means, k = 8, from the first rows, 20 iterations`.
    fn in_words(&self, spec: &WorkloadSpec) -> String;

    /// What sets a cell apart from others of its backend, after a space each: ` bf16`.
    fn variant(&self, spec: &WorkloadSpec) -> String {
        let _ = spec;
        String::new()
    }

    /// What sets the way to the answer apart from the plain one, in a few words: `batches of
    /// 1,024`.
    fn method(&self, spec: &WorkloadSpec) -> String {
        let _ = spec;
        String::new()
    }

    /// The workload without what only concerns how it is computed: cells that agree in it solve the
    /// same problem and share a base.
    fn problem(&self, spec: &WorkloadSpec) -> WorkloadSpec {
        spec.clone()
    }

    /// What must agree for two answers' objectives to be comparable: start and end, not the method.
    fn comparable(&self, spec: &WorkloadSpec) -> serde_json::Value {
        serde_json::Value::Object(spec.parameters.clone())
    }

    /// The variables of the problem's size, in the order of [`Workload::size`].
    fn sizes(&self) -> &'static [SizeName];

    /// The size of a problem of so many rows and columns; none where it is not known.
    fn size(
        &self,
        spec: &WorkloadSpec,
        rows: Option<u64>,
        columns: Option<u32>,
    ) -> Option<Vec<f64>>;

    /// The same for problems that differ in size alone.
    fn family(&self, spec: &WorkloadSpec) -> WorkloadSpec {
        spec.clone()
    }

    /// What is counted as its elementary operation, where it has one.
    fn operation(&self) -> Option<Operation> {
        None
    }

    /// What an iteration needs at least, on all lanes together.
    fn work(&self, spec: &WorkloadSpec, size: &[f64]) -> Work;

    /// The formulas of [`Workload::work`]; none where it has no model.
    fn formulas(&self) -> Option<Formulas> {
        None
    }

    /// [`Workload::work`] by phase, where that is known: of its own phases, in their order.
    fn work_by_phase(&self, spec: &WorkloadSpec, size: &[f64]) -> Vec<PhaseWork> {
        let _ = (spec, size);
        Vec::new()
    }

    /// What the machine's ridges (flop for each byte from memory, by so many lanes in words) mean for
    /// it; none where there is nothing to say.
    fn ridge(&self, ridges: &[(String, f64)]) -> Option<String> {
        let _ = ridges;
        None
    }

    /// What is to be said of an answer.
    fn facts(&self, spec: &WorkloadSpec, answer: &Answer) -> Facts;

    /// The objective that an outside program reports itself, and how its answer was checked.
    fn of_peer(&self, facts: &PeerFacts) -> facts::PeerAnswer {
        let _ = facts;
        facts::PeerAnswer::default()
    }
}

//! What is to be said of an answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What tables, figures and the report say of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Rows of the input, where it has rows.
    pub rows: Option<u64>,
    /// Columns of the input, where it has columns.
    pub columns: Option<u32>,
    /// Iterations that were run.
    pub iterations: u32,
    /// What the workload minimises or maximises.
    pub objective: Option<Objective>,
    /// How good the answer is beside a known truth, by measure.
    pub quality: BTreeMap<String, f64>,
    /// Elementary operations of all iterations on all lanes, where they were counted.
    pub operations: Option<f64>,
    /// The same by a formula, where the method follows one.
    pub formula_operations: Option<f64>,
    /// What the plain method needs for the same iterations: short cuts are shares of it.
    pub plain_operations: Option<f64>,
}

/// A number that says how good an answer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Its name: `inertia`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Is less better?
    pub less_is_better: bool,
}

/// What an outside program says of its answer, and how it was judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeerAnswer {
    /// The objective as the program says itself.
    pub objective: Option<f64>,
    /// The rule by which it was judged.
    pub rule: Option<String>,
}

//! Planning: from a manifest, as a person wrote it, to the cells that answer its question.

use crate::cell::{Cell, CellId};

/// What a plan needs to know of the machine that will run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// CPUs that may be used.
    pub cpus: u32,
}

/// A manifest, resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is asked.
    pub experiment: Experiment,
    /// The cells in the order of the manifest.
    pub cells: Vec<PlannedCell>,
    /// Combinations of axes that are not run, with the reason.
    pub left_out: Vec<LeftOut>,
}

/// What an experiment asks, and how it is measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Name of the results folder: letters, digits, `-` and `_`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The question.
    pub question: String,
    /// Backend whose cell is the base of speedups.
    pub base: String,
    /// Seed of the order in which cells are run.
    pub seed: u64,
    /// Repeats of each cell.
    pub repeats: u32,
    /// Seconds after which a repeat is ended.
    pub time_limit_s: f64,
}

/// A cell and what it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCell {
    /// Its id.
    pub id: CellId,
    /// The cell.
    pub cell: Cell,
    /// The cell whose answer it must match; its own id for an oracle.
    pub oracle: CellId,
    /// Repeats that are wanted: those of the experiment, 1 for an oracle that the axes do not ask for.
    pub repeats: u32,
}

/// A combination that is not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Which, as `axis=value` pairs.
    pub what: String,
    /// Why, and what to do about it.
    pub why: String,
}

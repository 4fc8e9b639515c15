//! What a machine's own noise hides: the same program measured against itself, and the smallest
//! change that could still be seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LoadFacts;
use crate::cell::Cell;

/// Version of the form of [`Noise`]. A reader leaves out newer ones with a warning.
pub const NOISE: u32 = 1;

/// The noise certificate of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// Version of this form.
    pub version: u32,
    /// [`crate::host::HostFacts::id`] of the machine.
    pub host: String,
    /// [`super::BuildFacts::id`] of the worker that was measured against itself.
    pub build: String,
    /// Unix time of the end of measuring, milliseconds.
    pub measured_ms: u64,
    /// The cells.
    pub cells: Vec<CellNoise>,
    /// What else the machine was doing.
    pub load: LoadFacts,
}

/// One cell against itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CellNoise {
    /// The cell.
    pub cell: Cell,
    /// Median seconds of its timed part, over all runs.
    pub seconds: f64,
    /// Natural logarithm of the second over the first of each pair, in the order of measuring: two
    /// neighbours are an ABBA or BAAB block.
    pub log_ratios: Vec<f64>,
    /// What so many pairs can show.
    pub smallest: Vec<Smallest>,
}

/// The smallest change that a job of so many pairs can show.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Smallest {
    /// Pairs of a job.
    pub pairs: u32,
    /// Level of its interval of the median (ranks of the binomial distribution).
    pub level: f64,
    /// The largest |median| of the jobs of the program against itself, as a change (e^|m| − 1):
    /// what is smaller may be nothing.
    pub bias: f64,
    /// The least slowdown, as a share, that is found with 95 % probability: the interval's lower
    /// end beyond `bias`.
    pub change: f64,
    /// Share of jobs of the program against itself, drawn from the recorded pairs, whose interval
    /// lies wholly beyond `bias` on the side of a slowdown: false alarms.
    pub false_alarms: f64,
}

impl Noise {
    /// The smallest change with so many pairs, the largest over the cells. `None` where that was
    /// not measured.
    pub fn change(&self, pairs: u32) -> Option<f64> {
        let of_cells = self
            .cells
            .iter()
            .flat_map(|cell| &cell.smallest)
            .filter(|smallest| smallest.pairs == pairs);
        of_cells.map(|smallest| smallest.change).reduce(f64::max)
    }
}

//! The parts of a cell's run that are told apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A named part of a cell's run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Rows into memory. Outside the timed part.
    Load,
    /// Initial centroids and warm-up. Outside the timed part.
    Init,
    /// Nearest centroid of each row, and the lane's sums.
    Assign,
    /// Sums over all lanes.
    Reduce,
    /// New centroids, relocation of empty clusters, the convergence rule.
    Update,
    /// Waiting for the slowest lane before a collective.
    Wait,
    /// Final labels, inertia and digests. Outside the timed part.
    Finish,
    /// Programs for an accelerator. Outside the timed part.
    Compile,
    /// Centroids to an accelerator.
    Upload,
    /// An accelerator computes.
    Execute,
    /// Labels or sums from an accelerator.
    Download,
}

impl Phase {
    /// All phases in the order of records.
    pub const ALL: [Phase; 11] = [
        Phase::Load,
        Phase::Init,
        Phase::Assign,
        Phase::Reduce,
        Phase::Update,
        Phase::Wait,
        Phase::Finish,
        Phase::Compile,
        Phase::Upload,
        Phase::Execute,
        Phase::Download,
    ];

    /// The first so many of them are those of all cells; the others are those of accelerators, and
    /// not written where they were not entered.
    pub const OF_ALL_CELLS: usize = 7;

    /// Position in [`Phase::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
    /// The word in tables and figures.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Load => "load",
            Phase::Init => "init",
            Phase::Assign => "assign",
            Phase::Reduce => "reduce",
            Phase::Update => "update",
            Phase::Wait => "wait",
            Phase::Finish => "finish",
            Phase::Compile => "compile",
            Phase::Upload => "upload",
            Phase::Execute => "execute",
            Phase::Download => "download",
        }
    }
    /// The phases inside the timed part.
    pub const TIMED: [Phase; 7] = [
        Phase::Assign,
        Phase::Reduce,
        Phase::Update,
        Phase::Wait,
        Phase::Upload,
        Phase::Execute,
        Phase::Download,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_know_their_place() {
        for (i, phase) in Phase::ALL.iter().enumerate() {
            assert_eq!(phase.index(), i);
        }
    }
}

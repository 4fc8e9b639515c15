//! Outside programs that compute what a workload computes: what they are given, and how what they
//! leave is judged.
//!
//! An outside program cannot open our data sets, and its answer cannot have our bits. So the worker
//! writes files that it can read, and a cell that stands on them; afterwards it looks at the files
//! that the program left. Both on one lane, unmeasured.

use std::path::Path;

use amdahl_record::Answer;
use amdahl_record::cell::Cell;
use amdahl_record::error::Result;
use amdahl_record::peer::PeerDone;
use serde_json::{Map, Value};

use crate::LaneContext;

/// What a workload's program does for outside programs.
pub trait PeerProgram: Sync {
    /// Writes the files that outside programs read for this cell into `folder`, which exists and
    /// is absolute, unless they are there. Returns the cell that names them.
    ///
    /// # Errors
    /// Where the data cannot be read or the files cannot be written.
    fn export(&self, cell: &Cell, folder: &Path, context: &LaneContext<'_>) -> Result<Cell>;

    /// The words for the ways in which an answer can be checked, the usual one first.
    fn rules(&self) -> &'static [&'static str];

    /// Judges what an outside program left for a cell that was exported. `rule` is one of
    /// [`PeerProgram::rules`]; relative paths in `done` are seen from `folder`.
    ///
    /// # Errors
    /// Where there is nothing that can be judged.
    fn judge(
        &self,
        cell: &Cell,
        done: &PeerDone,
        folder: &Path,
        rule: &str,
        context: &LaneContext<'_>,
    ) -> Result<Judgement>;
}

/// An outside program's answer as the judge sees it.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The answer, computed from what the program left.
    pub answer: Answer,
    /// What a record keeps beside it: how it was checked, and what was found.
    pub own: Map<String, Value>,
}

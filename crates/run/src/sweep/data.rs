//! Is what was measured what the key says? Data sets are looked at before an attempt and after it,
//! and so is the program.

use super::Sweep;
use crate::launch::attempt::one_line;
use amdahl_data::stamp::Stamp;
use amdahl_record::Key;
use amdahl_record::cell::{Dataset, canonical};
use amdahl_record::error::Result;

impl Sweep<'_> {
    /// Why the data set of a cell is not what the cell's key says, if it is not. One that was only
    /// touched is looked at again.
    pub(super) fn other_data(&mut self, at: usize) -> Option<String> {
        let dataset = &self.cells[at].cell.dataset;
        if matches!(dataset, Dataset::Synthetic { .. }) {
            return None;
        }
        let known = self.digests.get_mut(&canonical(dataset))?.as_mut().ok()?;
        let what = "while the sweep ran, the data set was";
        match (self.identify)(dataset) {
            Ok(now) if now.digest == known.digest => {
                *known = now;
                None
            }
            Ok(now) => Some(format!(
                "{what} replaced: its digest is {}, that of the plan was {}",
                now.digest, known.digest
            )),
            Err(error) => Some(format!("{what} taken away: {}", one_line(&error))),
        }
    }

    /// The state of the files of a cell's data set.
    pub(super) fn stamps(&self, at: usize) -> Vec<Stamp> {
        let known = self.digests.get(&canonical(&self.cells[at].cell.dataset));
        known.and_then(|data| data.as_ref().ok()).map_or(Vec::new(), |data| data.stamps.clone())
    }

    /// Why an attempt did not measure what its key says, if it did not: data or program are not
    /// what they were before it.
    pub(super) fn changed_since(
        &mut self,
        at: usize,
        key: &Key,
        stamps: &[Stamp],
    ) -> Result<Option<String>> {
        let why = self.other_data(at).or_else(|| {
            (self.stamps(at) != stamps)
                .then(|| "someone wrote to the data set while this repeat ran".to_string())
        });
        if why.is_some() {
            self.executor.forget_data();
            return Ok(why);
        }
        let runs = self.executor.runs(&self.cells[at].cell)?;
        let is_same = runs.build(&self.store.run().build.id) == key.build;
        let what = "the program that computes the cell was replaced while this repeat ran";
        Ok((!is_same).then(|| what.to_string()))
    }
}

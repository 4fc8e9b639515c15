//! A look at final labels: their digest, and their table against true labels.

use crate::data::digest;
use crate::error::Result;
use crate::measure::comm::{Buf, Comm, Op};
use crate::measure::device::LabelSink;

/// Receives a lane's labels, then adds up over lanes.
pub struct Tally<'a> {
    truth: Option<&'a [u32]>,
    /// Global number of the lane's first row.
    first: u64,
    /// Number of true classes, over all lanes; 0 where none are known.
    pub classes: usize,
    /// Rows by cluster and class, k × classes.
    pub table: Vec<i64>,
    /// See [`digest::labels`].
    pub digest: u64,
}

impl<'a> Tally<'a> {
    /// For `k` clusters and the true labels of the lane's rows, the first of which has the global number `first`. Collective.
    pub fn new(comm: &dyn Comm, k: usize, truth: Option<&'a [u32]>, first: u64) -> Result<Tally<'a>> {
        let mut classes = [truth.and_then(|truth| truth.iter().max()).map_or(0, |&max| u64::from(max) + 1)];
        comm.all_reduce(Op::Max, Buf::U64(&mut classes))?;
        let classes = classes[0] as usize;
        Ok(Tally { truth, first, classes, table: vec![0; k * classes], digest: 0 })
    }

    /// Adds the table up over lanes; the digest stays this lane's. Collective.
    pub fn reduce(&mut self, comm: &dyn Comm) -> Result<()> {
        comm.all_reduce(Op::Sum, Buf::I64(&mut self.table))
    }
}

impl LabelSink for Tally<'_> {
    fn put(&mut self, first: u64, labels: &[u32]) -> Result<()> {
        self.digest = self.digest.wrapping_add(digest::labels(first, labels));
        if let Some(truth) = self.truth {
            let truth = &truth[(first - self.first) as usize..];
            for (&label, &class) in labels.iter().zip(truth) {
                self.table[label as usize * self.classes + class as usize] += 1;
            }
        }
        Ok(())
    }
}

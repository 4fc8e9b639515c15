//! A look at final labels: their digest, and their table against true labels.

use crate::device::LabelSink;
use amdahl_data::digest;
use amdahl_lanes::comm::{Buf, Comm, Op};
use amdahl_record::error::{Error, Result};

/// Most places that a table may have: 1 GiB on each lane.
const MOST: u64 = 1 << 27;

/// Receives a lane's labels, then adds up over lanes.
pub struct Tally<'a> {
    truth: Option<&'a [u32]>,
    /// Global number of the lane's first row.
    first: u64,
    /// Number of true classes: see [`classes`].
    pub classes: usize,
    /// Rows by cluster and class, k × classes.
    pub table: Vec<i64>,
    /// See [`digest::labels`].
    pub digest: u64,
}

/// Number of true classes, over all lanes; 0 where none are known. Collective; what has too many of
/// them for a table against `k` clusters is refused by all lanes alike, and best before anything is
/// computed.
pub fn classes(comm: &dyn Comm, k: usize, truth: Option<&[u32]>) -> Result<usize> {
    let mut classes =
        [truth.and_then(|truth| truth.iter().max()).map_or(0, |&max| u64::from(max) + 1)];
    comm.all_reduce(Op::Max, Buf::U64(&mut classes))?;
    let places = classes[0].checked_mul(k as u64).filter(|&places| places <= MOST);
    let classes = classes[0];
    places.map(|_| classes as usize).ok_or_else(|| {
        Error::data(format!(
            "the true labels have {classes} classes: too many for a table against {k} clusters"
        ))
        .hint("leave the labels out, or name those of classes; numbers of rows are none")
    })
}

impl<'a> Tally<'a> {
    /// For `k` clusters and the true labels of the lane's rows, the first of which has the global
    /// number `first`, of so many [`classes`].
    pub fn new(k: usize, classes: usize, truth: Option<&'a [u32]>, first: u64) -> Tally<'a> {
        Tally { truth, first, classes, table: vec![0; k * classes], digest: 0 }
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

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_lanes::comm::solo::Solo;

    #[test]
    fn numbers_of_rows_are_no_classes() {
        assert_eq!(classes(&Solo, 3, None), Ok(0));
        assert_eq!(classes(&Solo, 3, Some(&[0, 7])), Ok(8));
        let refused = classes(&Solo, 3, Some(&[0, 7, u32::MAX])).expect_err("a table of 96 GiB");
        assert!(refused.message.contains("4294967296 classes"), "{refused}");
    }
}

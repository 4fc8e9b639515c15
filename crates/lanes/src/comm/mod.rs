//! Communicators: how the lanes of a cell exchange data.
//!
//! A workload is written once, as the program that every lane runs, against [`Comm`]. Every
//! collective is called by all lanes in the same order. Integer reductions are exact, so their
//! result does not depend on the order in which lanes are added.

use amdahl_record::error::{Error, Result};

pub mod barrier;
pub mod bytes;
pub mod conformance;
pub mod hybrid;
pub mod solo;
pub mod threads;
pub mod timed;

/// Which lane this is, among how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Number of this lane, `rank × threads + thread`.
    pub index: usize,
    /// Number of lanes.
    pub count: usize,
    /// Rank of this lane's process.
    pub rank: usize,
    /// Number of ranks.
    pub ranks: usize,
    /// Thread within the rank.
    pub thread: usize,
    /// Threads in each rank.
    pub threads: usize,
    /// Number of this lane among those of its node: decides its CPU.
    pub node_index: usize,
    /// Number of lanes on its node.
    pub node_count: usize,
}

impl Lane {
    /// The only lane.
    pub const SOLO: Lane = Lane {
        index: 0,
        count: 1,
        rank: 0,
        ranks: 1,
        thread: 0,
        threads: 1,
        node_index: 0,
        node_count: 1,
    };

    /// Is this the lane that reads scattered data and reports?
    pub fn is_root(&self) -> bool {
        self.index == 0
    }
}

/// How values of several lanes become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sum. Integers wrap: two's complement is order-independent, and callers prove that true sums
    /// fit.
    Sum,
    /// Smallest.
    Min,
    /// Largest.
    Max,
}

/// Values to reduce in place.
#[derive(Debug)]
pub enum Buf<'a> {
    /// Signed integers.
    I64(&'a mut [i64]),
    /// Unsigned integers.
    U64(&'a mut [u64]),
    /// Floating point: `Sum` depends on the order of lanes, `Min` and `Max` do not.
    F64(&'a mut [f64]),
}

impl Buf<'_> {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Buf::I64(v) => v.len(),
            Buf::U64(v) => v.len(),
            Buf::F64(v) => v.len(),
        }
    }
    /// The values as bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Buf::I64(v) => bytes::of_mut(v),
            Buf::U64(v) => bytes::of_mut(v),
            Buf::F64(v) => bytes::of_mut(v),
        }
    }
    /// The same values, lent out for a while.
    pub fn reborrow(&mut self) -> Buf<'_> {
        match self {
            Buf::I64(v) => Buf::I64(v),
            Buf::U64(v) => Buf::U64(v),
            Buf::F64(v) => Buf::F64(v),
        }
    }
    /// Nothing to reduce?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A message to or from another lane.
#[derive(Debug)]
pub struct Send<'a> {
    /// The receiving lane.
    pub to: usize,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// Room for a message of known length from another lane.
#[derive(Debug)]
pub struct Recv<'a> {
    /// The sending lane.
    pub from: usize,
    /// Where the bytes go; as long as the message.
    pub bytes: &'a mut [u8],
}

/// A sum of signed integers that was started and not yet waited for. Tickets are waited for in the
/// order they were started.
#[derive(Debug)]
#[must_use = "a started collective must be waited for"]
pub struct Ticket {
    /// What was given, where the communicator has not taken it over.
    pub values: Vec<i64>,
}

/// How the lanes of a cell exchange data. One value per lane, used by that lane's thread alone;
/// need not be `Send`.
pub trait Comm {
    /// Which lane this is.
    fn lane(&self) -> Lane;

    /// Returns when all lanes have called it.
    fn barrier(&self) -> Result<()>;

    /// Gives every lane the bytes of lane `root`. All lanes pass the same length.
    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()>;

    /// Replaces `values` on every lane by their reduction over the lanes, element by element.
    fn all_reduce(&self, op: Op, values: Buf<'_>) -> Result<()>;

    /// Concatenates every lane's `send` in lane order into `recv` on every lane. `counts[i]` is the
    /// length that lane i sends.
    fn all_gather_v(&self, send: &[u8], counts: &[usize], recv: &mut [u8]) -> Result<()>;

    /// Messages between any lanes, at most one per ordered pair; every lane calls it, with empty
    /// lists if it has none (halo exchange, scatter). A message to oneself is allowed. Sender and
    /// receiver state the same length.
    fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()>;

    /// Starts a sum over all lanes that may proceed while this lane computes. Without means to
    /// proceed on its own, a communicator adds up when the sum is waited for, as here.
    fn start_sum(&self, values: Vec<i64>) -> Result<Ticket> {
        Ok(Ticket { values })
    }

    /// Ends the oldest started sum and returns it.
    fn wait_sum(&self, ticket: Ticket) -> Result<Vec<i64>> {
        let mut values = ticket.values;
        self.all_reduce(Op::Sum, Buf::I64(&mut values))?;
        Ok(values)
    }

    /// Ends every lane when one has an error: all lanes return an error if any passes one, the
    /// first lane's own error wins, and none hangs in a later collective.
    fn agree(&self, local: Result<()>) -> Result<()> {
        let failed = local.is_err();
        let lane = self.lane();
        // The lowest lane with an error, or `count` when there is none.
        let mut first = [if failed { lane.index as u64 } else { lane.count as u64 }];
        self.all_reduce(Op::Min, Buf::U64(&mut first))?;
        if first[0] == lane.count as u64 {
            return Ok(());
        }
        let mine = local.err();
        let message = mine.as_ref().map(encode).unwrap_or_default();
        let mut length = [if first[0] == lane.index as u64 { message.len() as u64 } else { 0 }];
        self.all_reduce(Op::Max, Buf::U64(&mut length))?;
        let mut bytes = vec![0u8; length[0] as usize];
        if first[0] == lane.index as u64 {
            bytes.copy_from_slice(&message);
        }
        self.broadcast(first[0] as usize, &mut bytes)?;
        Err(decode(&bytes, first[0]))
    }
}

/// An error as bytes for the other lanes.
fn encode(error: &Error) -> Vec<u8> {
    let place = error.place.as_ref().map(|p| (p.file.display().to_string(), p.line, p.column));
    serde_json::to_vec(&(error.kind.word(), &error.message, place, &error.hint)).unwrap_or_default()
}

fn decode(bytes: &[u8], lane: u64) -> Error {
    use amdahl_record::error::Kind;
    type Wire = (String, String, Option<(String, usize, usize)>, Option<String>);
    let Ok((word, message, place, hint)) = serde_json::from_slice::<Wire>(bytes) else {
        return Error::comm(format!("lane {lane} failed and could not say why"));
    };
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or(Kind::Internal);
    let mut error = Error::new(kind, message);
    if let Some((file, line, column)) = place {
        error = error.at(file, line, column);
    }
    error.hint = hint;
    error
}

/// Ends every lane when one has an error, as [`Comm::agree`], and keeps the value otherwise.
pub fn agreed<T>(comm: &dyn Comm, local: Result<T>) -> Result<T> {
    match local {
        Ok(value) => comm.agree(Ok(())).map(|()| value),
        Err(error) => Err(comm.agree(Err(error.clone())).err().unwrap_or(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::error::Kind;

    #[test]
    fn an_error_is_the_same_on_every_lane() {
        for kind in Kind::ALL {
            let error = Error::new(kind, "what").at("a.csv", 3, 1).hint("do");
            assert_eq!(decode(&encode(&error), 0), error);
        }
        assert_eq!(decode(b"", 2).kind, Kind::Comm);
    }
}

//! Reductions: by which messages the values of all lanes become one.
//!
//! A communicator reduces in the way of its own ([`Comm::all_reduce`]). A [`Reduction`] does the
//! same with other messages, over any communicator, and [`Reduced`] puts it into a communicator's
//! place: the workload above does not see the difference. Sums of integers are exact, so every
//! reduction has the same bits; a floating-point `Sum` depends on the order of lanes, which each
//! reduction has its own.

use std::cell::RefCell;

use crate::comm::{Buf, Comm, Lane, Op, Recv, Send, Ticket, conformance};
use amdahl_record::error::{Error, Result};

mod direct;
mod tree;

/// Memory that a reduction uses again each time.
pub type Room = Vec<u64>;

/// A way to reduce, which every lane follows.
pub trait Reduction: Sync {
    /// Its name in manifests and cells.
    fn name(&self) -> &'static str;

    /// What is sent, in a line for people.
    fn summary(&self) -> &'static str;

    /// Replaces `values` on every lane by their reduction over the lanes, element by element. Every
    /// lane calls it, with as many values. What is in `room` means nothing.
    fn all_reduce(&self, comm: &dyn Comm, op: Op, values: Buf<'_>, room: &mut Room) -> Result<()>;

    /// Starts a sum that may proceed while the lane computes. A reduction without means to proceed
    /// adds up when the sum is waited for, as here.
    fn start_sum(&self, _comm: &dyn Comm, values: Vec<i64>) -> Result<Ticket> {
        Ok(Ticket { values })
    }

    /// Ends the oldest started sum and returns it.
    fn wait_sum(&self, comm: &dyn Comm, ticket: Ticket, room: &mut Room) -> Result<Vec<i64>> {
        let mut values = ticket.values;
        self.all_reduce(comm, Op::Sum, Buf::I64(&mut values), room)?;
        Ok(values)
    }
}

/// Every reduction; the first is taken where none is named. A new one is a file and a line here.
pub const REDUCTIONS: &[&dyn Reduction] = &[&direct::Direct, &tree::Tree];

/// The reduction with this name.
///
/// # Errors
/// Where there is none: says which there are.
pub fn named(name: &str) -> Result<&'static dyn Reduction> {
    REDUCTIONS.iter().copied().find(|reduction| reduction.name() == name).ok_or_else(|| {
        let names: Vec<_> = REDUCTIONS.iter().map(|reduction| reduction.name()).collect();
        Error::unavailable(format!("this program has no reduction '{name}'"))
            .hint(format!("it has {}", names.join(", ")))
    })
}

/// A communicator that reduces in a way of choice.
pub struct Reduced<'a> {
    inner: &'a dyn Comm,
    reduction: &'static dyn Reduction,
    room: RefCell<Room>,
}

impl<'a> Reduced<'a> {
    /// `inner`, with another reduction.
    pub fn new(inner: &'a dyn Comm, reduction: &'static dyn Reduction) -> Self {
        Reduced { inner, reduction, room: RefCell::default() }
    }
}

impl Comm for Reduced<'_> {
    fn lane(&self) -> Lane {
        self.inner.lane()
    }
    fn barrier(&self) -> Result<()> {
        self.inner.barrier()
    }
    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        self.inner.broadcast(root, bytes)
    }
    fn all_reduce(&self, op: Op, values: Buf<'_>) -> Result<()> {
        self.reduction.all_reduce(self.inner, op, values, &mut self.room.borrow_mut())
    }
    fn all_gather_v(&self, send: &[u8], counts: &[usize], recv: &mut [u8]) -> Result<()> {
        self.inner.all_gather_v(send, counts, recv)
    }
    fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()> {
        self.inner.exchange(sends, recvs)
    }
    fn start_sum(&self, values: Vec<i64>) -> Result<Ticket> {
        self.reduction.start_sum(self.inner, values)
    }
    fn wait_sum(&self, ticket: Ticket) -> Result<Vec<i64>> {
        self.reduction.wait_sum(self.inner, ticket, &mut self.room.borrow_mut())
    }
    fn agree(&self, local: Result<()>) -> Result<()> {
        self.inner.agree(local)
    }
}

/// Runs the checks of a communicator with every reduction; every lane calls it. Returns the number
/// of checks that this lane made.
pub fn check(comm: &dyn Comm) -> Result<u32> {
    let mut made = 0;
    for &reduction in REDUCTIONS {
        made += conformance::check(&Reduced::new(comm, reduction)).map_err(|mut error| {
            error.message = format!("reduction '{}': {}", reduction.name(), error.message);
            error
        })?;
    }
    Ok(made)
}

/// Reduces the values of another lane, as they came over the wire, into `mine`.
fn combine(op: Op, mine: &mut Buf<'_>, theirs: &[u64]) {
    fn each<T: Copy>(mine: &mut [T], theirs: &[u64], one: impl Fn(T, u64) -> T) {
        for (mine, theirs) in mine.iter_mut().zip(theirs) {
            *mine = one(*mine, *theirs);
        }
    }
    match (op, mine) {
        (Op::Sum, Buf::I64(v)) => each(v, theirs, |a, b| a.wrapping_add(b.cast_signed())),
        (Op::Min, Buf::I64(v)) => each(v, theirs, |a, b| a.min(b.cast_signed())),
        (Op::Max, Buf::I64(v)) => each(v, theirs, |a, b| a.max(b.cast_signed())),
        (Op::Sum, Buf::U64(v)) => each(v, theirs, u64::wrapping_add),
        (Op::Min, Buf::U64(v)) => each(v, theirs, u64::min),
        (Op::Max, Buf::U64(v)) => each(v, theirs, u64::max),
        (Op::Sum, Buf::F64(v)) => each(v, theirs, |a, b| a + f64::from_bits(b)),
        (Op::Min, Buf::F64(v)) => each(v, theirs, |a, b| a.min(f64::from_bits(b))),
        (Op::Max, Buf::F64(v)) => each(v, theirs, |a, b| a.max(f64::from_bits(b))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comm::conformance::tests::{on_hybrid, on_threads};
    use crate::comm::solo::Solo;

    #[test]
    fn every_reduction_conforms_on_every_communicator() {
        assert!(check(&Solo).expect("conforms") > 10);
        for count in [1, 2, 3, 5, 8] {
            on_threads(count, &|comm| assert!(check(comm).expect("conforms") > 10));
        }
        for (ranks, threads) in [(2, 2), (3, 2)] {
            on_hybrid(ranks, threads, &|comm| assert!(check(comm).expect("conforms") > 10));
        }
    }

    #[test]
    fn every_operation_has_the_same_bits_as_the_communicator_s_own() {
        on_threads(5, &|comm| {
            let me = comm.lane().index as u64;
            for &reduction in REDUCTIONS {
                let other = Reduced::new(comm, reduction);
                for op in [Op::Sum, Op::Min, Op::Max] {
                    let values = [u64::MAX - me, me << 63, me * 77, 3];
                    let (mut own, mut its) = (values, values);
                    comm.all_reduce(op, Buf::U64(&mut own)).expect("reduced");
                    other.all_reduce(op, Buf::U64(&mut its)).expect("reduced");
                    assert_eq!(own, its, "{op:?} of {}", reduction.name());
                    let (mut own, mut its) = (values.map(|v| v as i64), values.map(|v| v as i64));
                    comm.all_reduce(op, Buf::I64(&mut own)).expect("reduced");
                    other.all_reduce(op, Buf::I64(&mut its)).expect("reduced");
                    assert_eq!(own, its, "{op:?} of {}", reduction.name());
                    // Whole numbers, whose sums are exact in any order.
                    let values = [me as f64, -2.0 * me as f64, 1e15];
                    let (mut own, mut its) = (values, values);
                    comm.all_reduce(op, Buf::F64(&mut own)).expect("reduced");
                    other.all_reduce(op, Buf::F64(&mut its)).expect("reduced");
                    assert_eq!(own, its, "{op:?} of {}", reduction.name());
                }
            }
        });
    }

    #[test]
    fn a_reduction_is_found_by_its_name_alone() {
        for reduction in REDUCTIONS {
            assert_eq!(named(reduction.name()).expect("registered").name(), reduction.name());
        }
        let error = named("trees").map(|_| ()).expect_err("no such reduction");
        assert!(error.to_string().contains("it has direct, tree"), "{error}");
    }
}

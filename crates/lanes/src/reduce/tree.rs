//! A fixed binary tree over the lanes: values go up to the first lane, their reduction comes down.
//!
//! In the round of distance d = 1, 2, 4 …, each lane whose number is an odd multiple of d sends all
//! its values to the lane d below it, which is done with it for this way. The way down is the same
//! backwards. That makes 2 ⌈log₂ lanes⌉ rounds and 2 (lanes − 1) messages of the whole length,
//! whoever is early: the order of additions never changes. Lanes are numbered rank by rank, so the
//! first rounds stay within a rank where it has several threads.

use super::{Reduction, Room, combine};
use crate::comm::{Buf, Comm, Op, Recv, Send, bytes};
use amdahl_record::error::Result;

/// Messages along a tree.
pub struct Tree;

impl Reduction for Tree {
    fn name(&self) -> &'static str {
        "tree"
    }

    fn summary(&self) -> &'static str {
        "up and down a fixed binary tree of lanes, by messages"
    }

    fn all_reduce(
        &self,
        comm: &dyn Comm,
        op: Op,
        mut values: Buf<'_>,
        room: &mut Room,
    ) -> Result<()> {
        let lane = comm.lane();
        let distances =
            || std::iter::successors(Some(1), |d| Some(2 * d)).take_while(|&d| d < lane.count);
        room.resize(values.len(), 0);
        for distance in distances() {
            match place(lane.index, lane.count, distance) {
                Place::Above(lower) => {
                    comm.exchange(&[Send { to: lower, bytes: values.bytes_mut() }], &mut [])?
                }
                Place::Below(upper) => {
                    let bytes = bytes::of_mut(room.as_mut_slice());
                    comm.exchange(&[], &mut [Recv { from: upper, bytes }])?;
                    combine(op, &mut values, room);
                }
                Place::Apart => comm.exchange(&[], &mut [])?,
            }
        }
        let mut down: Vec<usize> = distances().collect();
        down.reverse();
        for distance in down {
            match place(lane.index, lane.count, distance) {
                Place::Above(lower) => {
                    comm.exchange(&[], &mut [Recv { from: lower, bytes: values.bytes_mut() }])?
                }
                Place::Below(upper) => {
                    comm.exchange(&[Send { to: upper, bytes: values.bytes_mut() }], &mut [])?
                }
                Place::Apart => comm.exchange(&[], &mut [])?,
            }
        }
        Ok(())
    }
}

/// What a lane does in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is the upper of two; this is the lower.
    Above(usize),
    /// It is the lower of two; this is the upper.
    Below(usize),
    /// Neither.
    Apart,
}

fn place(lane: usize, lanes: usize, distance: usize) -> Place {
    if lane % (2 * distance) == distance {
        Place::Above(lane - distance)
    } else if lane.is_multiple_of(2 * distance) && lane + distance < lanes {
        Place::Below(lane + distance)
    } else {
        Place::Apart
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::comm::Lane;
    use crate::comm::conformance::tests::on_threads;

    #[test]
    fn a_round_joins_pairs() {
        for lanes in 1..20 {
            for distance in [1, 2, 4, 8, 16] {
                for lane in 0..lanes {
                    match place(lane, lanes, distance) {
                        Place::Above(lower) => {
                            assert_eq!(place(lower, lanes, distance), Place::Below(lane));
                        }
                        Place::Below(upper) => {
                            assert_eq!(place(upper, lanes, distance), Place::Above(lane));
                        }
                        Place::Apart => {}
                    }
                }
            }
        }
        assert_eq!(place(2, 3, 2), Place::Above(0));
        assert_eq!(place(2, 3, 1), Place::Apart, "a lane without a neighbour waits a round");
    }

    /// Counts messages and calls, and can do nothing else.
    struct Counted<'a> {
        inner: &'a dyn Comm,
        messages: &'a AtomicUsize,
        rounds: &'a AtomicUsize,
    }

    impl Comm for Counted<'_> {
        fn lane(&self) -> Lane {
            self.inner.lane()
        }
        fn barrier(&self) -> Result<()> {
            unreachable!("a tree meets at no barrier")
        }
        fn broadcast(&self, _root: usize, _bytes: &mut [u8]) -> Result<()> {
            unreachable!("a tree sends single messages")
        }
        fn all_reduce(&self, _op: Op, _values: Buf<'_>) -> Result<()> {
            unreachable!("a tree is what reduces")
        }
        fn all_gather_v(&self, _send: &[u8], _counts: &[usize], _recv: &mut [u8]) -> Result<()> {
            unreachable!("a tree sends single messages")
        }
        fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()> {
            self.messages.fetch_add(sends.len(), Ordering::Relaxed);
            self.rounds.fetch_add(1, Ordering::Relaxed);
            self.inner.exchange(sends, recvs)
        }
    }

    #[test]
    fn as_many_messages_and_rounds_as_a_tree_has() {
        for (lanes, rounds) in [(1, 0), (2, 2), (3, 4), (4, 4), (5, 6), (8, 6), (9, 8)] {
            let (messages, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
            on_threads(lanes, &|inner| {
                let comm = Counted { inner, messages: &messages, rounds: &calls };
                let mut values = [inner.lane().index as i64, 1];
                let (buf, mut room) = (Buf::I64(&mut values), Room::new());
                Tree.all_reduce(&comm, Op::Sum, buf, &mut room).expect("reduced");
                assert_eq!(values, [(lanes * (lanes - 1) / 2) as i64, lanes as i64]);
            });
            assert_eq!(messages.into_inner(), 2 * (lanes - 1));
            assert_eq!(calls.into_inner(), rounds * lanes);
        }
    }
}

//! Lanes that are threads of one process and share its memory.
//!
//! A collective has three steps: every lane publishes where its buffer is; a barrier; every lane
//! works on its own part of all buffers; a second barrier, after which the buffers are their
//! owners' again. A reduction is thus a reduce-scatter and an all-gather in one pass, without a
//! copy.
//!
//! A lane also publishes which of its calls this is, and of which collective. Nobody looks at a
//! buffer unless all lanes are in the same one: a program whose lanes part ways has an error, and
//! never another lane's memory that is no longer there.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::comm::barrier::Barrier;
use crate::comm::{Buf, Comm, Lane, Op, Recv, Send};
use amdahl_record::error::{Error, Result};

/// Lanes work on parts of a buffer that are multiples of this many values, so that they rarely
/// share a cache line.
const PART: usize = 32;

/// Where a lane's buffer is during a collective. A page apart from the next: neighbours' lines are
/// prefetched in pairs and more.
#[repr(align(4096))]
#[derive(Default)]
struct Slot {
    start: AtomicPtr<u8>,
    length: AtomicUsize,
    /// The number of the lane's call, and which collective that is: see [`Threads::call`].
    call: AtomicU64,
    /// Has the thread its communicator?
    taken: AtomicBool,
}

/// Which collective a call is of. That of a broadcast also says from whom.
const BARRIER: u32 = 0;
const REDUCE: u32 = 1;
const GATHER: u32 = 2;
const EXCHANGE: u32 = 3;
const BROADCAST: u32 = 4;

/// What the threads of one process share.
pub struct Team {
    barrier: Barrier,
    slots: Vec<Slot>,
}

impl Team {
    /// A team of `count` threads. `crowded`: more lanes than CPUs, so that waiting lanes sleep
    /// instead of looking.
    pub fn new(count: usize, crowded: bool) -> Arc<Team> {
        Arc::new(Team {
            barrier: Barrier::new(count, crowded),
            slots: (0..count).map(|_| Slot::default()).collect(),
        })
    }

    /// The communicator of the thread `lane.thread`. Panics where there is no such thread in the
    /// team, or where it has one already.
    pub fn member(self: &Arc<Team>, lane: Lane) -> Threads {
        let taken = self.slots[lane.thread].taken.swap(true, Ordering::SeqCst);
        assert!(!taken, "thread {} of the team has its communicator", lane.thread);
        Threads { team: Arc::clone(self), lane, calls: Cell::new(0) }
    }

    /// The lane of thread `thread` in a process that is alone.
    pub fn lane(&self, thread: usize) -> Lane {
        let count = self.slots.len();
        Lane {
            index: thread,
            count,
            thread,
            threads: count,
            node_index: thread,
            node_count: count,
            ..Lane::SOLO
        }
    }

    /// Ends every collective that is waited for, now or later, with an error.
    pub fn poison(&self) {
        self.barrier.poison();
    }
}

/// The communicator of one thread of a team. Its lane numbers may be those of a larger whole (see
/// [`super::hybrid`]); within the team it is `lane.thread` of `lane.threads`.
pub struct Threads {
    team: Arc<Team>,
    lane: Lane,
    /// Collectives that this lane has begun.
    calls: Cell<u32>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.team.poison();
        }
        self.team.slots[self.lane.thread].taken.store(false, Ordering::SeqCst);
    }
}

/// A published buffer.
#[derive(Clone, Copy)]
struct Published {
    start: *mut u8,
    length: usize,
}

impl Threads {
    /// The team.
    pub fn team(&self) -> &Team {
        &self.team
    }

    /// Publishes that this lane's next call is of this collective.
    fn call(&self, collective: u32) -> u64 {
        self.calls.set(self.calls.get().wrapping_add(1));
        let call = u64::from(self.calls.get()) << 32 | u64::from(collective);
        self.team.slots[self.lane.thread].call.store(call, Ordering::Relaxed);
        call
    }

    /// Publishes a buffer, runs `work` with everybody's buffers while all lanes are inside the same
    /// call, and gives the buffers back. An error where lanes are in different ones.
    ///
    /// `length` is in elements of the caller's choice. Between the barriers the published memory
    /// may be used by all lanes, each in a part of its own (or all only reading). `work` must not
    /// panic: it would leave the others waiting.
    fn together<R>(
        &self,
        collective: u32,
        mine: Published,
        work: impl FnOnce(&[Slot]) -> R,
    ) -> Result<R> {
        let slot = &self.team.slots[self.lane.thread];
        slot.start.store(mine.start, Ordering::Relaxed);
        slot.length.store(mine.length, Ordering::Relaxed);
        let call = self.call(collective);
        // The barrier orders these stores before every other lane's loads. If it fails it fails on
        // all lanes: nobody looks.
        self.team.barrier.wait()?;
        // A lane in another collective never shows this call, whatever it goes on to do, so all
        // lanes in this one see it, and none looks at a buffer or waits for the others.
        if self.team.slots.iter().any(|slot| slot.call.load(Ordering::Relaxed) != call) {
            self.team.poison();
            return Err(Error::internal("lanes are in different collectives"));
        }
        let result = work(&self.team.slots);
        // All lanes are inside and none can leave early, so this ends even if the team is poisoned
        // from outside.
        self.team.barrier.wait_committed();
        Ok(result)
    }

    fn reduce<T: Copy>(&self, values: &mut [T], combine: impl Fn(T, T) -> T) -> Result<()> {
        let (length, threads, me) = (values.len(), self.team.slots.len(), self.lane.thread);
        let mine = Published { start: values.as_mut_ptr().cast(), length };
        let same = self.together(REDUCE, mine, |slots| {
            if slots.iter().any(|slot| slot.length.load(Ordering::Relaxed) != length) {
                return false;
            }
            let part = length.div_ceil(threads).next_multiple_of(PART);
            let (low, high) = ((part * me).min(length), (part * (me + 1)).min(length));
            let part_of = |slot: &Slot| {
                let start = slot.start.load(Ordering::Relaxed).cast::<T>();
                // SAFETY: every lane is in this reduction and published `length` values of 64 bits,
                // numbers of T or of a type as good, that it holds by a unique borrow until the
                // second barrier and does not touch itself. `low..high` lies within `length`, and
                // the parts of different lanes do not overlap, so this is the only reference to
                // these values.
                unsafe { std::slice::from_raw_parts_mut(start.add(low), high - low) }
            };
            let (first, others) = slots.split_first().expect("a team has at least one thread");
            let total = part_of(first);
            for other in others {
                for (sum, value) in total.iter_mut().zip(part_of(other).iter()) {
                    *sum = combine(*sum, *value);
                }
            }
            for other in others {
                part_of(other).copy_from_slice(total);
            }
            true
        })?;
        if same {
            Ok(())
        } else {
            Err(Error::internal("lanes reduce buffers of different lengths"))
        }
    }
}

impl Comm for Threads {
    fn lane(&self) -> Lane {
        self.lane
    }

    fn barrier(&self) -> Result<()> {
        self.call(BARRIER);
        self.team.barrier.wait()
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        let me = self.lane.thread;
        let length = bytes.len();
        let mine = Published { start: bytes.as_mut_ptr(), length };
        if root >= self.team.slots.len() {
            return Err(Error::internal(format!("there is no lane {root} to broadcast from")));
        }
        let same = self.together(BROADCAST + root as u32, mine, |slots| {
            let from = &slots[root];
            if from.length.load(Ordering::Relaxed) != length {
                return false;
            }
            if me != root {
                // SAFETY: every lane is in this broadcast from this root, whose buffer is `length`
                // bytes, held until the second barrier, and only read by all lanes; the own buffer
                // is another one, uniquely borrowed here and read by nobody.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        from.start.load(Ordering::Relaxed),
                        bytes.as_mut_ptr(),
                        length,
                    )
                }
            }
            true
        })?;
        if same {
            Ok(())
        } else {
            Err(Error::internal("lanes broadcast buffers of different lengths"))
        }
    }

    fn all_reduce(&self, op: Op, values: Buf<'_>) -> Result<()> {
        match (op, values) {
            (Op::Sum, Buf::I64(v)) => self.reduce(v, i64::wrapping_add),
            (Op::Min, Buf::I64(v)) => self.reduce(v, i64::min),
            (Op::Max, Buf::I64(v)) => self.reduce(v, i64::max),
            (Op::Sum, Buf::U64(v)) => self.reduce(v, u64::wrapping_add),
            (Op::Min, Buf::U64(v)) => self.reduce(v, u64::min),
            (Op::Max, Buf::U64(v)) => self.reduce(v, u64::max),
            (Op::Sum, Buf::F64(v)) => self.reduce(v, |a, b| a + b),
            (Op::Min, Buf::F64(v)) => self.reduce(v, f64::min),
            (Op::Max, Buf::F64(v)) => self.reduce(v, f64::max),
        }
    }

    fn all_gather_v(&self, send: &[u8], counts: &[usize], recv: &mut [u8]) -> Result<()> {
        let mine = Published { start: send.as_ptr().cast_mut(), length: send.len() };
        let matches = self.together(GATHER, mine, |slots| {
            let mut at = 0;
            for (slot, &count) in slots.iter().zip(counts) {
                let Some(room) = recv.get_mut(at..at + count) else { return false };
                if slot.length.load(Ordering::Relaxed) != count {
                    return false;
                }
                // SAFETY: the lane is in this gather, and published `count` bytes that it borrows
                // until the second barrier; nobody writes to them.
                let bytes = unsafe {
                    std::slice::from_raw_parts(slot.start.load(Ordering::Relaxed), count)
                };
                room.copy_from_slice(bytes);
                at += count;
            }
            at == recv.len() && counts.len() == slots.len()
        })?;
        if matches {
            Ok(())
        } else {
            Err(Error::internal("lanes gather buffers of other lengths than announced"))
        }
    }

    fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()> {
        let me = self.lane.thread;
        let mine = Published { start: sends.as_ptr().cast_mut().cast(), length: sends.len() };
        let matches = self.together(EXCHANGE, mine, |slots| {
            for recv in recvs.iter_mut() {
                let Some(slot) = slots.get(recv.from) else { return false };
                // SAFETY: lane `from` is in this exchange, and published its list of `length`
                // sends, which it borrows, with their bytes, until the second barrier; nobody
                // writes to them.
                let sends = unsafe {
                    std::slice::from_raw_parts(
                        slot.start.load(Ordering::Relaxed).cast::<Send<'_>>(),
                        slot.length.load(Ordering::Relaxed),
                    )
                };
                match sends.iter().find(|send| send.to == me) {
                    Some(send) if send.bytes.len() == recv.bytes.len() => {
                        recv.bytes.copy_from_slice(send.bytes)
                    }
                    _ => return false,
                }
            }
            true
        })?;
        if matches {
            Ok(())
        } else {
            Err(Error::internal("a message that was expected was not sent, or in another length"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_that_part_ways_have_an_error_and_no_other_lanes_memory() {
        let ways: [fn(&Threads) -> Result<()>; 5] = [
            |comm| comm.barrier(),
            |comm| comm.all_reduce(Op::Sum, Buf::I64(&mut [1; 3])),
            |comm| comm.broadcast(0, &mut [0; 3]),
            |comm| comm.broadcast(1, &mut [0; 3]),
            |comm| comm.exchange(&[], &mut [Recv { from: 0, bytes: &mut [] }]),
        ];
        for (i, one) in ways.iter().enumerate() {
            for other in &ways[i + 1..] {
                let team = Team::new(3, true);
                let program = |thread: usize| {
                    let comm = team.member(team.lane(thread));
                    let mine = if thread == 2 { other } else { one };
                    // Who has waited at a barrier alone is told at the next call.
                    mine(&comm).and_then(|()| comm.all_reduce(Op::Max, Buf::U64(&mut [1])))
                };
                std::thread::scope(|scope| {
                    let lanes = [0, 1, 2].map(|thread| scope.spawn(move || program(thread)));
                    for lane in lanes {
                        assert!(lane.join().expect("no panic").is_err());
                    }
                });
            }
        }
    }

    #[test]
    fn a_thread_has_one_communicator() {
        let team = Team::new(1, true);
        let first = team.member(team.lane(0));
        let second = std::panic::catch_unwind(|| team.member(team.lane(0)));
        assert!(second.is_err());
        drop(first);
        assert!(team.member(team.lane(0)).barrier().is_ok());
    }
}

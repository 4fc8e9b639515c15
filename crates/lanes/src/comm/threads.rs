//! Lanes that are threads of one process and share its memory.
//!
//! A collective has three steps: every lane publishes where its buffer is; a barrier; every lane
//! works on its own part of all buffers; a second barrier, after which the buffers are their
//! owners' again. A reduction is thus a reduce-scatter and an all-gather in one pass, without a
//! copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::comm::barrier::Barrier;
use crate::comm::{Buf, Comm, Lane, Op, Recv, Send};
use amdahl_record::error::{Error, Result};

/// Lanes work on parts of a buffer that are multiples of this many values, so that they rarely
/// share a cache line.
const PART: usize = 32;

/// Where a lane's buffer is during a collective. A page apart from the next: neighbours' lines are
/// prefetched in pairs and more.
#[repr(align(4096))]
struct Slot {
    start: AtomicPtr<u8>,
    length: AtomicUsize,
}

/// What the threads of one process share.
pub struct Team {
    barrier: Barrier,
    slots: Vec<Slot>,
}

impl Team {
    /// A team of `count` threads. `crowded`: more lanes than CPUs, so that waiting lanes sleep
    /// instead of looking.
    pub fn new(count: usize, crowded: bool) -> Arc<Team> {
        let slot =
            || Slot { start: AtomicPtr::new(std::ptr::null_mut()), length: AtomicUsize::new(0) };
        Arc::new(Team {
            barrier: Barrier::new(count, crowded),
            slots: (0..count).map(|_| slot()).collect(),
        })
    }

    /// The communicator of one thread. Exactly one is made for each thread of the team, and used by
    /// that thread alone.
    pub fn member(self: &Arc<Team>, lane: Lane) -> Threads {
        Threads { team: Arc::clone(self), lane }
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
}

impl Drop for Threads {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.team.poison();
        }
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

    /// Publishes a buffer, runs `work` with everybody's buffers while all lanes are inside, and
    /// gives the buffers back.
    ///
    /// `length` is in elements of the caller's choice. Between the barriers the published memory
    /// may be used by all lanes, each in a part of its own (or all only reading). `work` must not
    /// panic: it would leave the others waiting.
    fn together<R>(&self, mine: Published, work: impl FnOnce(&[Slot]) -> R) -> Result<R> {
        let slot = &self.team.slots[self.lane.thread];
        slot.start.store(mine.start, Ordering::Relaxed);
        slot.length.store(mine.length, Ordering::Relaxed);
        // The barrier orders these stores before every other lane's loads. If it fails it fails on
        // all lanes: nobody looks.
        self.team.barrier.wait()?;
        let result = work(&self.team.slots);
        // All lanes are inside and none can leave early, so this ends even if the team is poisoned
        // from outside.
        self.team.barrier.wait_committed();
        Ok(result)
    }

    fn reduce<T: Copy>(&self, values: &mut [T], combine: impl Fn(T, T) -> T) -> Result<()> {
        let (length, threads, me) = (values.len(), self.lane.threads, self.lane.thread);
        let mine = Published { start: values.as_mut_ptr().cast(), length };
        let same = self.together(mine, |slots| {
            if slots.iter().any(|slot| slot.length.load(Ordering::Relaxed) != length) {
                return false;
            }
            let part = length.div_ceil(threads).next_multiple_of(PART);
            let (low, high) = ((part * me).min(length), (part * (me + 1)).min(length));
            let part_of = |slot: &Slot| {
                let start = slot.start.load(Ordering::Relaxed).cast::<T>();
                // SAFETY: every lane published `length` values of type T (all lanes call the same
                // collective) that it holds by a unique borrow until the second barrier, and does
                // not touch itself. `low..high` lies within `length`, and the parts of different
                // lanes do not overlap, so this is the only reference to these values.
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
        self.team.barrier.wait()
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        let me = self.lane.thread;
        let length = bytes.len();
        let mine = Published { start: bytes.as_mut_ptr(), length };
        let same = self.together(mine, |slots| {
            let from = &slots[root];
            if from.length.load(Ordering::Relaxed) != length {
                return false;
            }
            if me != root {
                // SAFETY: the root's buffer is `length` bytes, held until the second barrier, and
                // only read by all lanes; the own buffer is another one, uniquely borrowed here and
                // read by nobody.
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
        let matches = self.together(mine, |slots| {
            let mut at = 0;
            for (slot, &count) in slots.iter().zip(counts) {
                let Some(room) = recv.get_mut(at..at + count) else { return false };
                if slot.length.load(Ordering::Relaxed) != count {
                    return false;
                }
                // SAFETY: the lane published `count` bytes that it borrows until the second
                // barrier; nobody writes to them.
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
        let matches = self.together(mine, |slots| {
            for recv in recvs.iter_mut() {
                let Some(slot) = slots.get(recv.from) else { return false };
                // SAFETY: lane `from` published its list of `length` sends, which it borrows, with
                // their bytes, until the second barrier; nobody writes to them.
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

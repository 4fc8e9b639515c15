//! Threads in ranks: a team of threads inside each process, another communicator between the
//! processes.
//!
//! Only the first thread of a rank, which is the process's main thread, calls the outer
//! communicator (MPI at thread level *funneled*). A collective is done within the team first, then
//! between the first threads, then handed out to the team.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::comm::threads::Threads;
use crate::comm::{Buf, Comm, Lane, Op, Recv, Send};
use amdahl_record::error::{Error, Result};

/// Messages of a rank's threads on their way: what each wants to send, what each waits for, and
/// what has come for each.
pub struct Mailroom {
    boxes: Vec<Mutex<Mailbox>>,
}

#[derive(Default)]
struct Mailbox {
    /// (receiving lane, bytes).
    out: Vec<(usize, Vec<u8>)>,
    /// (sending lane, length).
    wanted: Vec<(usize, usize)>,
    /// Bytes by sending lane.
    arrived: BTreeMap<usize, Vec<u8>>,
}

impl Mailroom {
    /// A mailroom for a rank of `threads` threads.
    pub fn new(threads: usize) -> Arc<Mailroom> {
        Arc::new(Mailroom { boxes: (0..threads).map(|_| Mutex::default()).collect() })
    }
    fn of(&self, thread: usize) -> MutexGuard<'_, Mailbox> {
        self.boxes[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The communicator of one lane of ranks × threads.
pub struct Hybrid {
    inner: Threads,
    /// Between ranks; on the first thread of each rank only.
    outer: Option<Box<dyn Comm>>,
    mail: Arc<Mailroom>,
}

impl Hybrid {
    /// The communicator of one thread. `inner` carries the lane's numbers in the whole; `outer` is
    /// given to the first thread of each rank and to no other.
    pub fn new(inner: Threads, outer: Option<Box<dyn Comm>>, mail: Arc<Mailroom>) -> Self {
        debug_assert_eq!(inner.lane().thread == 0, outer.is_some());
        Hybrid { inner, outer, mail }
    }

    /// Runs `work` on the first thread; if it fails there the team is told.
    fn between<R>(&self, work: impl FnOnce(&dyn Comm) -> Result<R>) -> Result<Option<R>> {
        match &self.outer {
            None => Ok(None),
            Some(outer) => work(&**outer).map(Some).inspect_err(|_| self.inner.team().poison()),
        }
    }

    /// Moves the messages of one rank's threads, by the first thread, while the others wait.
    fn carry(&self, outer: &dyn Comm) -> Result<()> {
        let Lane { rank, ranks, threads, .. } = self.lane();
        // Messages between two ranks travel as one, in the order (sending thread, receiving
        // thread), which both sides know.
        let mut parcels: Vec<BTreeMap<(usize, usize), Vec<u8>>> =
            (0..ranks).map(|_| BTreeMap::new()).collect();
        let mut expected: Vec<BTreeMap<(usize, usize), usize>> =
            (0..ranks).map(|_| BTreeMap::new()).collect();
        for thread in 0..threads {
            let mut mailbox = self.mail.of(thread);
            for (to, bytes) in mailbox.out.drain(..) {
                parcels[to / threads].insert((thread, to % threads), bytes);
            }
            for (from, length) in mailbox.wanted.drain(..) {
                expected[from / threads].insert((from % threads, thread), length);
            }
        }
        for ((from, to), bytes) in std::mem::take(&mut parcels[rank]) {
            self.mail.of(to).arrived.insert(rank * threads + from, bytes);
        }
        expected[rank].clear();
        let outgoing: Vec<(usize, Vec<u8>)> = parcels
            .into_iter()
            .enumerate()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(to, parts)| (to, parts.into_values().flatten().collect()))
            .collect();
        let mut incoming: Vec<(usize, Vec<u8>)> = expected
            .iter()
            .enumerate()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(from, parts)| (from, vec![0; parts.values().sum()]))
            .collect();
        let sends: Vec<_> = outgoing.iter().map(|(to, bytes)| Send { to: *to, bytes }).collect();
        let mut recvs: Vec<_> =
            incoming.iter_mut().map(|(from, bytes)| Recv { from: *from, bytes }).collect();
        outer.exchange(&sends, &mut recvs)?;
        for (from, bytes) in &incoming {
            let mut rest = bytes.as_slice();
            for (&(sender, receiver), &length) in &expected[*from] {
                let (now, later) = rest.split_at(length);
                self.mail.of(receiver).arrived.insert(from * threads + sender, now.to_vec());
                rest = later;
            }
        }
        Ok(())
    }
}

impl Comm for Hybrid {
    fn lane(&self) -> Lane {
        self.inner.lane()
    }

    fn barrier(&self) -> Result<()> {
        self.inner.barrier()?;
        self.between(|outer| outer.barrier())?;
        self.inner.barrier()
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        let threads = self.lane().threads;
        self.inner.broadcast(root % threads, bytes)?;
        self.between(|outer| outer.broadcast(root / threads, bytes))?;
        self.inner.broadcast(0, bytes)
    }

    fn all_reduce(&self, op: Op, mut values: Buf<'_>) -> Result<()> {
        self.inner.all_reduce(op, values.reborrow())?;
        self.between(|outer| outer.all_reduce(op, values.reborrow()))?;
        self.inner.broadcast(0, values.bytes_mut())
    }

    fn all_gather_v(&self, send: &[u8], counts: &[usize], recv: &mut [u8]) -> Result<()> {
        let Lane { rank, threads, .. } = self.lane();
        let of_ranks: Vec<usize> = counts.chunks(threads).map(|c| c.iter().sum()).collect();
        let mut mine = vec![0u8; of_ranks[rank]];
        self.inner.all_gather_v(send, &counts[rank * threads..(rank + 1) * threads], &mut mine)?;
        self.between(|outer| outer.all_gather_v(&mine, &of_ranks, recv))?;
        self.inner.broadcast(0, recv)
    }

    fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()> {
        let thread = self.lane().thread;
        {
            let mut mailbox = self.mail.of(thread);
            mailbox.out = sends.iter().map(|s| (s.to, s.bytes.to_vec())).collect();
            mailbox.wanted = recvs.iter().map(|r| (r.from, r.bytes.len())).collect();
        }
        self.inner.barrier()?;
        self.between(|outer| self.carry(outer))?;
        self.inner.barrier()?;
        let mut arrived = std::mem::take(&mut self.mail.of(thread).arrived);
        for recv in recvs {
            match arrived.remove(&recv.from) {
                Some(bytes) if bytes.len() == recv.bytes.len() => {
                    recv.bytes.copy_from_slice(&bytes)
                }
                _ => {
                    return Err(Error::internal(
                        "a message that was expected was not sent, or in another length",
                    ));
                }
            }
        }
        Ok(())
    }
}

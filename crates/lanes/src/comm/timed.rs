//! A decorator that tells the time of waiting apart from the time of communicating.
//!
//! Before each collective the lanes meet at a barrier: what passes until the last one has come is
//! waiting (imbalance), what follows is the collective itself. The barrier is an addition of the
//! measurement; `amdahl doctor` prints what it costs. Time outside collectives stays with the phase
//! that the workload is in.

use crate::comm::{Buf, Comm, Lane, Op, Recv, Send, Ticket};
use crate::probe::recorder::Recorder;
use amdahl_record::error::Result;
use amdahl_record::{Phase, Role};

/// A communicator whose collectives are recorded as [`Phase::WAIT`] and [`Phase::REDUCE`], and whose
/// exchanges with neighbours as `exchange` instead.
pub struct Timed<'a> {
    inner: &'a dyn Comm,
    recorder: &'a Recorder,
    exchange: Phase,
}

impl<'a> Timed<'a> {
    /// Decorates `inner` with a recorder of the same lane.
    pub fn new(inner: &'a dyn Comm, recorder: &'a Recorder) -> Self {
        Timed { inner, recorder, exchange: Phase::named("exchange", Role::Communicate) }
    }

    fn timed<R>(&self, as_phase: Phase, collective: impl FnOnce() -> Result<R>) -> Result<R> {
        // A single lane waits for nobody and sends to nobody. Outside the timed part, a collective
        // belongs to the phase it is in.
        let phase = self.recorder.current();
        if self.inner.lane().count == 1 || !phase.is_some_and(Phase::is_timed) {
            return collective();
        }
        self.recorder.enter(Phase::WAIT);
        self.inner.barrier()?;
        self.recorder.enter(as_phase);
        let result = collective();
        self.recorder.resume(phase);
        result
    }

    fn overlapped<R>(&self, part: impl FnOnce() -> Result<R>) -> Result<R> {
        let before = self.recorder.enter(Phase::REDUCE);
        let result = part();
        self.recorder.resume(before);
        result
    }
}

impl Comm for Timed<'_> {
    fn lane(&self) -> Lane {
        self.inner.lane()
    }
    fn barrier(&self) -> Result<()> {
        self.timed(Phase::REDUCE, || self.inner.barrier())
    }
    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        self.timed(Phase::REDUCE, || self.inner.broadcast(root, bytes))
    }
    fn all_reduce(&self, op: Op, values: Buf<'_>) -> Result<()> {
        self.timed(Phase::REDUCE, || self.inner.all_reduce(op, values))
    }
    fn all_gather_v(&self, send: &[u8], counts: &[usize], recv: &mut [u8]) -> Result<()> {
        self.timed(Phase::REDUCE, || self.inner.all_gather_v(send, counts, recv))
    }
    fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()> {
        self.timed(self.exchange, || self.inner.exchange(sends, recvs))
    }
    fn start_sum(&self, values: Vec<i64>) -> Result<Ticket> {
        // No barrier: a started sum is meant to overlap with what follows.
        self.overlapped(|| self.inner.start_sum(values))
    }
    fn wait_sum(&self, ticket: Ticket) -> Result<Vec<i64>> {
        self.overlapped(|| self.inner.wait_sum(ticket))
    }
}

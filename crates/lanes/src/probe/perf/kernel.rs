//! What the counters ask of a kernel: the trait that lets tests play one.

use super::refusal::errno;

/// One kind of event: `type` and `config` of perf_event_open(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Class: 0 hardware, 1 software.
    pub class: u32,
    /// Which of the class.
    pub config: u64,
}

/// What is asked of the kernel. A counter is closed when it is dropped; errors are error numbers.
pub trait Kernel {
    /// A counter that stands alone or leads a group.
    type Counter;
    /// A counter in the group of another.
    type Member;
    /// Opens a counter of `event` for the calling thread. It stands still until it is enabled.
    fn open(&mut self, event: Event, user_only: bool) -> Result<Self::Counter, i32>;
    /// Opens a counter of `event` in the group of `leader`, which was not enabled yet. Where that
    /// fails, the group is as it was.
    fn join(
        &mut self,
        leader: &Self::Counter,
        event: Event,
        user_only: bool,
    ) -> Result<Self::Member, i32>;
    /// Opens a counter of `event` of a unit outside the cores, for everybody, on the CPU that
    /// stands for its socket.
    fn open_cpu(&mut self, _event: Event, _cpu: u32) -> Result<Self::Counter, i32> {
        Err(errno::ENOENT)
    }
    /// Lets a counter and its group count from here on.
    fn enable(&mut self, leader: &mut Self::Counter) -> Result<(), i32>;
    /// Reads a group: `[counters, enabled ns, running ns, value of each in the order of opening]`.
    /// False when that fails, or when it is not as long as `into`.
    fn read(&mut self, leader: &Self::Counter, into: &mut [u64]) -> bool;
    /// `kernel.perf_event_paranoid`.
    fn paranoid(&self) -> Option<i32>;
}

/// A system without perf_event.
#[cfg(any(test, not(target_os = "linux")))]
pub struct Nothing;

#[cfg(any(test, not(target_os = "linux")))]
impl Kernel for Nothing {
    type Counter = ();
    type Member = ();
    fn open(&mut self, _: Event, _: bool) -> Result<(), i32> {
        Err(errno::ENOSYS)
    }
    fn join(&mut self, _: &(), _: Event, _: bool) -> Result<(), i32> {
        Err(errno::ENOSYS)
    }
    fn enable(&mut self, _: &mut ()) -> Result<(), i32> {
        Err(errno::ENOSYS)
    }
    fn read(&mut self, _: &(), _: &mut [u64]) -> bool {
        false
    }
    fn paranoid(&self) -> Option<i32> {
        None
    }
}

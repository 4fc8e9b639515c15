//! The kernel of this machine, through the crate `perf-event`.
//!
//! Its `Builder` opens each counter that stands alone, leads a group or belongs to a CPU. Three
//! things it lacks:
//! - Its `Group` is led by an event of its own that counts nothing: one more file a group, and a
//!   longer read. Here the first event leads, so the others join by `perf-event-open-sys`.
//! - `Group::read` panics once an event could not join, or was closed, and on a kernel whose running
//!   time is ahead of its enabled time; `Counter::read` panics on the latter. Files are read here.
//! - It opens files that a program started from here would inherit.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use perf_event::{Builder, Counter, ReadFormat};
use perf_event_open_sys as sys;
use rustix::io::{FdFlags, fcntl_setfd};

use super::kernel::{Event, Kernel};
use crate::comm::bytes;

/// The kernel of this machine.
pub struct Linux;

/// The description of an event of the calling thread, by its numbers: raw ones and those of units
/// outside the cores have no name in the crate.
///
/// Not inherited by threads: one group counts one lane.
fn described(event: Event, user_only: bool) -> Builder<'static> {
    let mut builder = Builder::new();
    builder.exclude_kernel(user_only).exclude_hv(true);
    let attributes = builder.attrs_mut();
    (attributes.type_, attributes.config) = (event.class, event.config);
    // Without the numbers of counters, which the crate would add: the order says whose a value is.
    attributes.read_format =
        (ReadFormat::TOTAL_TIME_ENABLED | ReadFormat::TOTAL_TIME_RUNNING | ReadFormat::GROUP)
            .bits();
    builder
}

fn number(error: std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

fn file(counter: &Counter) -> BorrowedFd<'_> {
    // SAFETY: the counter owns its file and keeps it open while it is borrowed.
    unsafe { BorrowedFd::borrow_raw(counter.as_raw_fd()) }
}

fn build(builder: Builder) -> Result<Counter, i32> {
    let counter = builder.build().map_err(number)?;
    fcntl_setfd(file(&counter), FdFlags::CLOEXEC).map_err(|error| error.raw_os_error())?;
    Ok(counter)
}

impl Kernel for Linux {
    type Counter = Counter;
    type Member = OwnedFd;

    fn open(&mut self, event: Event, user_only: bool) -> Result<Counter, i32> {
        build(described(event, user_only))
    }

    fn join(&mut self, leader: &Counter, event: Event, user_only: bool) -> Result<OwnedFd, i32> {
        let mut builder = described(event, user_only);
        // It counts when its leader does. The leader still waits: a software event that joins a
        // group that already counts was seen to miss everything until the next context switch
        // (Linux 6.18).
        builder.enabled(true);
        let (this_thread, any_cpu) = (0, -1);
        // SAFETY: the attributes are whole, say their own size, and ask for a count alone, so that
        // the kernel touches no other memory. What it returns, if not negative, is a new file that
        // nothing else owns.
        unsafe {
            let file = sys::perf_event_open(
                builder.attrs_mut(),
                this_thread,
                any_cpu,
                leader.as_raw_fd(),
                sys::bindings::PERF_FLAG_FD_CLOEXEC.into(),
            );
            if file < 0 {
                return Err(number(std::io::Error::last_os_error()));
            }
            Ok(OwnedFd::from_raw_fd(file))
        }
    }

    fn open_cpu(&mut self, event: Event, cpu: u32) -> Result<Counter, i32> {
        let mut builder = described(event, false).any_pid().one_cpu(cpu as usize);
        // Units outside the cores know neither user space nor hypervisor.
        builder.exclude_hv(false);
        build(builder)
    }

    fn enable(&mut self, leader: &mut Counter) -> Result<(), i32> {
        leader.enable().map_err(number)
    }

    fn read(&mut self, leader: &Counter, into: &mut [u64]) -> bool {
        let bytes = size_of_val(into);
        rustix::io::read(file(leader), bytes::of_mut(into)) == Ok(bytes)
    }

    fn paranoid(&self) -> Option<i32> {
        let setting = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?;
        setting.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::{CACHES, CORE, STALLS, TLB};
    use super::*;
    use perf_event::events::{Cache, CacheOp, CacheResult, Hardware, Software, WhichCache};
    use rustix::io::fcntl_getfd;

    const TASK_CLOCK: Event = Event { class: 1, config: 1 };
    const PAGE_FAULTS: Event = Event { class: 1, config: 2 };

    #[test]
    fn events_have_the_numbers_of_the_kernel_s_header() {
        let read = |which, result| Cache { which, operation: CacheOp::READ, result };
        let (access, miss) = (CacheResult::ACCESS, CacheResult::MISS);
        let all: [(&str, perf_event::events::Event); 20] = [
            ("task-clock", Software::TASK_CLOCK.into()),
            ("page-faults", Software::PAGE_FAULTS.into()),
            ("context-switches", Software::CONTEXT_SWITCHES.into()),
            ("cpu-migrations", Software::CPU_MIGRATIONS.into()),
            ("cycles", Hardware::CPU_CYCLES.into()),
            ("instructions", Hardware::INSTRUCTIONS.into()),
            ("branches", Hardware::BRANCH_INSTRUCTIONS.into()),
            ("branch-misses", Hardware::BRANCH_MISSES.into()),
            ("L1D-loads", read(WhichCache::L1D, access).into()),
            ("L1D-load-misses", read(WhichCache::L1D, miss).into()),
            ("instructions.L1D", Hardware::INSTRUCTIONS.into()),
            ("LLC-loads", read(WhichCache::LL, access).into()),
            ("LLC-load-misses", read(WhichCache::LL, miss).into()),
            ("cache-references", Hardware::CACHE_REFERENCES.into()),
            ("cache-misses", Hardware::CACHE_MISSES.into()),
            ("dTLB-loads", read(WhichCache::DTLB, access).into()),
            ("dTLB-load-misses", read(WhichCache::DTLB, miss).into()),
            ("stalled-cycles-frontend", Hardware::STALLED_CYCLES_FRONTEND.into()),
            ("stalled-cycles-backend", Hardware::STALLED_CYCLES_BACKEND.into()),
            ("cycles.stalls", Hardware::CPU_CYCLES.into()),
        ];
        for (name, theirs) in all {
            let known = [CORE, CACHES, TLB, STALLS].concat().into_iter().find(|e| e.name == name);
            let ours = known.and_then(|known| known.event).expect("an event of ours");
            let builder = Builder::new().kind(theirs);
            let theirs = (builder.attrs().type_, builder.attrs().config);
            assert_eq!((ours.class, ours.config), theirs, "{name}");
        }
    }

    #[test]
    fn a_group_counts_after_an_event_could_not_join_and_no_program_inherits_its_files() {
        let mut kernel = Linux;
        // A sandbox may forbid all of it; why is said elsewhere.
        let Ok(mut leader) = kernel.open(TASK_CLOCK, true) else {
            return eprintln!("SKIPPED: this system has no task clock to count");
        };
        let unknown = Event { class: 1, config: u64::from(u32::MAX) };
        assert!(kernel.join(&leader, unknown, true).is_err());
        let member = kernel.join(&leader, PAGE_FAULTS, true).expect("a member");
        for file in [file(&leader), std::os::fd::AsFd::as_fd(&member)] {
            assert_eq!(fcntl_getfd(file), Ok(FdFlags::CLOEXEC));
        }
        let mut read = [0; 5];
        assert!(kernel.read(&leader, &mut read));
        assert_eq!(read, [2, 0, 0, 0, 0], "two counters that stand still");
        kernel.enable(&mut leader).expect("enabled");
        let mut memory = vec![0u8; 64 << 20];
        for page in memory.chunks_mut(4096) {
            page[0] = std::hint::black_box(1);
        }
        std::hint::black_box(&memory);
        assert!(kernel.read(&leader, &mut read));
        assert!(read[1..].iter().all(|&count| count > 0), "time, and faults of pages: {read:?}");
        assert!(!kernel.read(&leader, &mut [0; 4]), "two counters do not fit");
        assert!(!kernel.read(&leader, &mut [0; 6]), "there is no third");
        drop(member);
        assert!(kernel.read(&leader, &mut [0; 4]), "one is left");
    }
}

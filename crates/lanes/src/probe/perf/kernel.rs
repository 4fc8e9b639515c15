//! The system calls behind the counters, and the trait that lets tests play the kernel.

/// One kind of event: `type` and `config` of perf_event_open(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Class: 0 hardware, 1 software.
    pub class: u32,
    /// Which of the class.
    pub config: u64,
}

/// What is asked of the kernel. Files are numbers that it hands out.
pub trait Kernel {
    /// Opens a counter of `event` for the calling thread, in the group of the file `leader`; a
    /// leader itself stands still until its group is enabled. The error is an error number.
    fn open(&mut self, event: Event, user_only: bool, leader: Option<i32>) -> Result<i32, i32>;
    /// Opens a counter of `event` of a unit outside the cores, for everybody, on the CPU that
    /// stands for its socket.
    fn open_cpu(&mut self, _event: Event, _cpu: u32) -> Result<i32, i32> {
        Err(super::refusal::errno::ENOENT)
    }
    /// Lets a group count from here on.
    fn enable(&mut self, leader: i32) -> Result<(), i32>;
    /// Reads a group: `[members, enabled ns, running ns, value of each member in the order of
    /// opening]`. False when that fails.
    fn read(&mut self, leader: i32, into: &mut [u64]) -> bool;
    /// Closes a counter.
    fn close(&mut self, file: i32);
    /// `kernel.perf_event_paranoid`.
    fn paranoid(&self) -> Option<i32>;
}

#[cfg(target_os = "linux")]
pub use linux::Linux;

/// A system without perf_event.
#[cfg(not(target_os = "linux"))]
pub struct Nothing;

#[cfg(not(target_os = "linux"))]
impl Kernel for Nothing {
    fn open(&mut self, _: Event, _: bool, _: Option<i32>) -> Result<i32, i32> {
        Err(super::refusal::errno::ENOSYS)
    }
    fn enable(&mut self, _: i32) -> Result<(), i32> {
        Err(super::refusal::errno::ENOSYS)
    }
    fn read(&mut self, _: i32, _: &mut [u64]) -> bool {
        false
    }
    fn close(&mut self, _: i32) {}
    fn paranoid(&self) -> Option<i32> {
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Event, Kernel};

    /// The kernel of this machine.
    pub struct Linux;

    /// `struct perf_event_attr` as first extended (`PERF_ATTR_SIZE_VER1`): every kernel since
    /// 2.6.33 takes it.
    #[repr(C)]
    #[derive(Default)]
    struct Attributes {
        class: u32,
        size: u32,
        config: u64,
        sample_period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup_events: u32,
        breakpoint_type: u32,
        config1: u64,
        config2: u64,
    }
    const _: () = assert!(size_of::<Attributes>() == 72);

    const FORMAT_TOTAL_TIME_ENABLED: u64 = 1 << 0;
    const FORMAT_TOTAL_TIME_RUNNING: u64 = 1 << 1;
    const FORMAT_GROUP: u64 = 1 << 3;
    const DISABLED: u64 = 1 << 0;
    const EXCLUDE_KERNEL: u64 = 1 << 5;
    const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
    const IOCTL_ENABLE: libc::Ioctl = libc::_IO(b'$' as u32, 0);
    const WHOLE_GROUP: libc::c_int = 1;
    const CLOSE_ON_EXEC: libc::c_ulong = 1 << 3;

    fn last_error() -> i32 {
        std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
    }

    /// The call itself: a file, or an error number.
    fn perf_event_open(
        attributes: &Attributes,
        process: libc::pid_t,
        cpu: libc::c_int,
        leader: libc::c_int,
    ) -> Result<i32, i32> {
        // SAFETY: `attributes` lives through the call, says its own size, and the kernel only reads
        // it.
        let file = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                attributes as *const Attributes,
                process,
                cpu,
                leader,
                CLOSE_ON_EXEC,
            )
        };
        if file < 0 { Err(last_error()) } else { Ok(file as i32) }
    }

    impl Kernel for Linux {
        fn open(&mut self, event: Event, user_only: bool, leader: Option<i32>) -> Result<i32, i32> {
            // Not inherited: one group counts one lane. A leader waits for its members: a software
            // event that joins a group that already counts was seen to miss everything until the
            // next context switch (Linux 6.18).
            let mut flags = EXCLUDE_HYPERVISOR;
            flags |= if user_only { EXCLUDE_KERNEL } else { 0 };
            flags |= if leader.is_none() { DISABLED } else { 0 };
            let attributes = Attributes {
                class: event.class,
                size: size_of::<Attributes>() as u32,
                config: event.config,
                read_format: FORMAT_TOTAL_TIME_ENABLED | FORMAT_TOTAL_TIME_RUNNING | FORMAT_GROUP,
                // C lays bit fields out from the other end on big-endian machines.
                flags: if cfg!(target_endian = "big") { flags.reverse_bits() } else { flags },
                ..Attributes::default()
            };
            let (this_thread, any_cpu): (libc::pid_t, libc::c_int) = (0, -1);
            perf_event_open(&attributes, this_thread, any_cpu, leader.unwrap_or(-1))
        }

        fn open_cpu(&mut self, event: Event, cpu: u32) -> Result<i32, i32> {
            // Units outside the cores know neither user space nor kernel.
            let attributes = Attributes {
                class: event.class,
                size: size_of::<Attributes>() as u32,
                config: event.config,
                read_format: FORMAT_TOTAL_TIME_ENABLED | FORMAT_TOTAL_TIME_RUNNING | FORMAT_GROUP,
                ..Attributes::default()
            };
            let (everybody, no_leader): (libc::pid_t, i32) = (-1, -1);
            perf_event_open(&attributes, everybody, cpu as libc::c_int, no_leader)
        }

        fn enable(&mut self, leader: i32) -> Result<(), i32> {
            // SAFETY: the file is a counter of ours, and this request takes a number, no pointer.
            let status = unsafe { libc::ioctl(leader, IOCTL_ENABLE, WHOLE_GROUP) };
            if status < 0 { Err(last_error()) } else { Ok(()) }
        }

        fn read(&mut self, leader: i32, into: &mut [u64]) -> bool {
            let bytes = size_of_val(into);
            // SAFETY: `into` is writable for `bytes`, and any bit pattern is a u64.
            let read = unsafe { libc::read(leader, into.as_mut_ptr().cast(), bytes) };
            read == bytes as isize
        }

        fn close(&mut self, file: i32) {
            // SAFETY: the file came from `open`, nothing else knows it, and it is closed once.
            unsafe { libc::close(file) };
        }

        fn paranoid(&self) -> Option<i32> {
            std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid")
                .ok()?
                .trim()
                .parse()
                .ok()
        }
    }
}

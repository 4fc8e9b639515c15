//! Why the kernel refuses a counter, and what to do about it. Pure, so that every refusal is tested
//! on any machine.
//!
//! The error numbers are those of perf_event_open(2), by their values on Linux, so that this
//! compiles everywhere.

use super::super::Availability;

/// Error numbers, `errno(3)`.
pub mod errno {
    /// Operation not permitted.
    pub const EPERM: i32 = 1;
    /// No such entry.
    pub const ENOENT: i32 = 2;
    /// Permission denied.
    pub const EACCES: i32 = 13;
    /// Busy.
    pub const EBUSY: i32 = 16;
    /// No such device.
    pub const ENODEV: i32 = 19;
    /// Invalid argument.
    pub const EINVAL: i32 = 22;
    /// Too many open files in the system.
    pub const ENFILE: i32 = 23;
    /// Too many open files in this process.
    pub const EMFILE: i32 = 24;
    /// No such system call.
    pub const ENOSYS: i32 = 38;
    /// Not supported.
    pub const EOPNOTSUPP: i32 = 95;
}

fn no(why: impl Into<String>, help: impl Into<String>) -> Availability {
    Availability::No { why: why.into(), help: help.into() }
}

/// The lane's thread is one of several that work for it.
pub fn one_thread_of_many() -> Availability {
    no(
        "it counts the lane's thread alone, and the accelerator's library computes on others",
        "its CPU time ('cpu') is that of the whole process; count on processors' own backends",
    )
}

/// What the refusal `error` of perf_event_open means. `paranoid` is `kernel.perf_event_paranoid`,
/// where it could be read.
pub fn explain(error: i32, paranoid: Option<i32>) -> Availability {
    match error {
        errno::ENOENT | errno::ENODEV | errno::EOPNOTSUPP => no(
            format!("this machine has no such counter ({})", name(error)),
            "a virtual machine often hides the processor's counters: ask its provider for a type with a virtual PMU, or use a \
             machine without a hypervisor",
        ),
        errno::EACCES => {
            let setting = paranoid.map_or("not readable".into(), |level| level.to_string());
            no(
                format!("not allowed: kernel.perf_event_paranoid = {setting} (EACCES)"),
                "ask an administrator for 'sysctl -w kernel.perf_event_paranoid=2' (counting in one's own programs; 1 also in \
                 the kernel for them), or for the capability CAP_PERFMON",
            )
        }
        errno::EPERM => no(
            "not allowed: a filter forbids perf_event_open (EPERM)",
            "containers forbid this system call by default: start the container with a seccomp profile that allows \
             perf_event_open, and with the capability PERFMON ('--cap-add PERFMON')",
        ),
        errno::EINVAL => no(
            "the kernel refuses this counter here (EINVAL)",
            "this kernel does not know the counter, or cannot count it for one thread: a newer kernel may",
        ),
        errno::EMFILE | errno::ENFILE => no(
            format!("too many open files ({})", name(error)),
            "each lane needs one file for each counter: raise the limit ('ulimit -n 4096'), or choose fewer probes with \
             AMDAHL_PROBES",
        ),
        errno::EBUSY => no(
            "the counters are held by another program (EBUSY)",
            "end the other profiler (perf, a vendor's tool, the NMI watchdog) and try again",
        ),
        errno::ENOSYS => no(
            "this kernel has no perf_event_open (ENOSYS)",
            "perf_event is a part of Linux: this kernel is another, or was built without CONFIG_PERF_EVENTS, or a sandbox hides \
             the call: use another kernel or no sandbox",
        ),
        other => {
            no(format!("perf_event_open failed with error {other}"), "see errno(3) for the number")
        }
    }
}

/// An event that happens inside the kernel, which may not be watched: it would read 0 for ever.
pub fn kernel_only(paranoid: Option<i32>) -> Availability {
    let setting = paranoid.map_or("not readable".into(), |level| level.to_string());
    no(
        format!("happens in the kernel, not counted with kernel.perf_event_paranoid = {setting}"),
        "ask an administrator for 'sysctl -w kernel.perf_event_paranoid=1', or for the capability CAP_PERFMON",
    )
}

/// A counter that opened and does not move.
pub fn stands_still() -> Availability {
    no(
        "opens, but never counts",
        "some hypervisors offer counters that stand still: ask the provider for a virtual PMU that works",
    )
}

/// What the refusal of a unit outside the cores means: it counts everybody's work, which needs more
/// permission.
pub fn of_node(error: i32, paranoid: Option<i32>) -> Availability {
    if error != errno::EACCES {
        return explain(error, paranoid);
    }
    let setting = paranoid.map_or("not readable".into(), |level| level.to_string());
    no(
        format!("not allowed for the whole node: kernel.perf_event_paranoid = {setting} (EACCES)"),
        "ask an administrator for 'sysctl -w kernel.perf_event_paranoid=0', or for the capability CAP_PERFMON",
    )
}

/// A processor without counters of its memory controllers, or whose kernel does not show them.
pub fn no_unit() -> Availability {
    no(
        "the kernel shows no memory controller that counts (uncore_imc)",
        "servers of Intel's have them, virtual machines do not: see /sys/bus/event_source/devices on the machine itself",
    )
}

/// A machine without energy meters, or whose kernel does not show them.
pub fn no_meter() -> Availability {
    no(
        "this machine shows no energy meter (RAPL)",
        "virtual machines have none; on a real one 'modprobe intel_rapl_msr' may show it in /sys/class/powercap",
    )
}

/// Energy meters that only the administrator may read.
pub fn meter_refused() -> Availability {
    no(
        "the energy meter may not be read",
        "ask an administrator for 'chmod o+r /sys/class/powercap/intel-rapl:*/energy_uj' (and what is below), or for \
         'sysctl -w kernel.perf_event_paranoid=0'",
    )
}

/// A raw event of a processor whose manual was not read.
pub fn unknown_here() -> Availability {
    no(
        "no code for this event on this processor",
        "events of this kind have other numbers on each processor; see crates/lanes/src/probe/perf/events.rs to add this one",
    )
}

/// A count that only means something beside others, of which there is none.
pub fn nothing_beside() -> Availability {
    no(
        "there is nothing it could be compared with",
        "it is counted beside the others of its group: see why those are missing",
    )
}

fn name(error: i32) -> &'static str {
    match error {
        errno::ENOENT => "ENOENT",
        errno::ENODEV => "ENODEV",
        errno::EOPNOTSUPP => "EOPNOTSUPP",
        errno::EMFILE => "EMFILE",
        errno::ENFILE => "ENFILE",
        _ => "unnamed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_a_text_and_a_help_of_its_own() {
        use errno::*;
        let mut seen = Vec::new();
        for error in [ENOENT, EACCES, EPERM, EINVAL, EMFILE, EBUSY, ENOSYS, 7] {
            let Availability::No { why, help } = explain(error, Some(3)) else {
                panic!("{error} is a refusal")
            };
            assert!(!help.is_empty() && why.len() < 80, "{why}");
            assert!(!seen.contains(&(why.clone(), help.clone())), "{error} has a text of its own");
            seen.push((why, help));
        }
    }

    #[test]
    fn the_setting_that_forbids_is_quoted() {
        let Availability::No { why, help } = explain(errno::EACCES, Some(4)) else {
            panic!("a refusal")
        };
        assert!(why.contains("kernel.perf_event_paranoid = 4"), "{why}");
        assert!(help.contains("sysctl"), "{help}");
        let Availability::No { why, .. } = explain(errno::EACCES, None) else {
            panic!("a refusal")
        };
        assert!(why.contains("not readable"), "{why}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_numbers_are_those_of_the_system() {
        assert_eq!(
            (
                errno::EPERM,
                errno::ENOENT,
                errno::EACCES,
                errno::EINVAL,
                errno::EMFILE,
                errno::EBUSY,
                errno::ENODEV
            ),
            (
                libc::EPERM,
                libc::ENOENT,
                libc::EACCES,
                libc::EINVAL,
                libc::EMFILE,
                libc::EBUSY,
                libc::ENODEV
            )
        );
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        assert_eq!(
            (errno::ENFILE, errno::ENOSYS, errno::EOPNOTSUPP),
            (libc::ENFILE, libc::ENOSYS, libc::EOPNOTSUPP)
        );
    }
}

//! Where lanes run: lane i of a node on the i-th CPU that the process may use.

/// Pins the calling thread to one CPU. Returns whether the system did so.
pub fn pin(cpu: u32) -> bool {
    #[cfg(target_os = "linux")]
    {
        if cpu >= libc::CPU_SETSIZE as u32 {
            return false;
        }
        // SAFETY: all zero is an empty set, the number is below CPU_SETSIZE, and the call reads the
        // set alone.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            libc::CPU_SET(cpu as usize, &mut set);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) == 0
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = cpu;
        false
    }
}

/// The CPU that the calling thread runs on now.
pub fn current() -> Option<u32> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: takes nothing and returns a number, negative on failure.
        u32::try_from(unsafe { libc::sched_getcpu() }).ok()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn a_pinned_thread_stays() {
        std::thread::spawn(|| {
            let cpus = amdahl_record::host::allowed_cpus();
            let last = *cpus.last().expect("a thread may run somewhere");
            assert!(super::pin(last));
            assert_eq!(super::current(), Some(last));
            assert!(!super::pin(u32::MAX));
        })
        .join()
        .expect("no panic");
    }
}

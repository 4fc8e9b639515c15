//! Where lanes run: lane i of a node on the i-th CPU that the process may use.

/// Pins the calling thread to one CPU. Returns whether the system did so.
pub fn pin(cpu: u32) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CpuSet, sched_setaffinity};
        if cpu as usize >= CpuSet::MAX_CPU {
            return false;
        }
        let mut set = CpuSet::new();
        set.set(cpu as usize);
        sched_setaffinity(None, &set).is_ok()
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
        u32::try_from(rustix::thread::sched_getcpu()).ok()
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

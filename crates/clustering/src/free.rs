//! How many CPUs other programs leave free.
//!
//! Threads that meet many times a second wait for the one that has no CPU: on a busy machine two of
//! them can be many times slower than one. The answer does not depend on their number, so that a fit
//! takes as many as there are free CPUs where nobody says how many.

use std::time::Duration;

use amdahl_record::host;

/// How long is looked, where other programs run: the system counts in steps of 10 ms at most.
const LOOK: Duration = Duration::from_millis(60);

/// Share of that time that a free CPU is idle.
const IDLE: f64 = 0.5;

/// CPUs that this process may use, is granted time for and that other programs leave free: at least
/// 1. All of them where the system does not tell. Takes 60 ms where other programs run, else nothing.
pub fn cpus() -> usize {
    let all = crate::cpus();
    if all == 1 {
        return 1;
    }
    let Some(before) = stat() else { return all };
    // This thread is one that runs.
    if running(&before).is_none_or(|running| running <= 1) {
        return all;
    }
    std::thread::sleep(LOOK);
    let Some(after) = stat() else { return all };
    idle(&before, &after, &host::allowed_cpus()).clamp(1, all)
}

fn stat() -> Option<String> {
    std::fs::read_to_string("/proc/stat").ok()
}

/// Tasks that run or wait for a CPU, on the whole machine.
fn running(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("procs_running "))?.trim().parse().ok()
}

/// How many of these CPUs were idle between two readings.
fn idle(before: &str, after: &str, cpus: &[u32]) -> usize {
    let is_idle = |cpu: &&u32| {
        let (Some(then), Some(now)) = (ticks(before, **cpu), ticks(after, **cpu)) else {
            return true;
        };
        let (all, idle) = (now.0.saturating_sub(then.0), now.1.saturating_sub(then.1));
        all == 0 || idle as f64 >= IDLE * all as f64
    };
    cpus.iter().filter(is_idle).count()
}

/// Ticks of a CPU, all and idle ones (waiting for a disk is idle, too).
fn ticks(stat: &str, cpu: u32) -> Option<(u64, u64)> {
    let name = format!("cpu{cpu} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name))?;
    // User, nice, system, idle, iowait, irq, softirq, steal; guests are in user and nice.
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|n| n.parse().ok()).collect();
    Some((ticks.iter().sum(), ticks.get(3)? + ticks.get(4).unwrap_or(&0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "cpu  9 9 9 9\ncpu0 10 0 5 100 2 0 0 0 0 0\ncpu1 10 0 5 100 0 0 0 0 0 0\n\
                          cpu10 1 1 1 1\nintr 5\nprocs_running 3\n";
    const AFTER: &str =
        "cpu0 11 0 5 104 3 0 0 0 0 0\ncpu1 15 0 6 100 0 0 0 0 0 0\nprocs_running 1\n";

    #[test]
    fn idle_cpus_are_counted() {
        assert_eq!((running(BEFORE), running("cpu 1")), (Some(3), None));
        assert_eq!(ticks(BEFORE, 0), Some((117, 102)));
        assert_eq!(ticks(BEFORE, 7), None);
        assert_eq!(idle(BEFORE, AFTER, &[0, 1]), 1, "cpu1 was busy");
        assert_eq!(idle(BEFORE, AFTER, &[0]), 1);
        assert_eq!(idle(BEFORE, AFTER, &[0, 10]), 2, "of cpu10 nothing is known");
        assert!((1..=crate::cpus()).contains(&cpus()));
    }
}

//! Processes that outlive their launcher: found by a token in their environment, ended, and reaped.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// The variable that carries the token of a repeat to every process that belongs to it.
pub const TOKEN: &str = "AMDAHL_TOKEN";

/// Processes with this token in their environment, this one left out.
pub fn find(token: &str) -> Vec<i32> {
    let wanted = format!("{TOKEN}={token}").into_bytes();
    let own = std::process::id() as i32;
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|&pid| pid != own)
        // Other users' processes cannot be read, and are not ours.
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environ| environ.split(|&b| b == 0).any(|variable| variable == wanted))
        })
        .collect()
}

/// Kills every process that carries the token, again until none is left or `patience` is over.
/// Returns how many were found, and how many of them are still there.
pub fn end(token: &str, patience: Duration) -> (usize, usize) {
    let deadline = Instant::now() + patience;
    let mut found = std::collections::BTreeSet::new();
    loop {
        let alive = find(token);
        for &pid in &alive {
            found.insert(pid);
            // One that has ended in the meantime is as good as killed.
            let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::KILL));
        }
        for &pid in &found {
            // Those whose parent died were handed to this process (see `adopt`): without this they
            // stay as zombies. Waiting for a process that is not a child fails harmlessly.
            let _ = Pid::from_raw(pid).map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
        }
        if alive.is_empty() || Instant::now() >= deadline {
            return (found.len(), alive.len());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Makes this process the parent of all descendants whose own parent dies, so that [`end`] can see
/// them end.
pub fn adopt() {
    #[cfg(target_os = "linux")]
    {
        // Where the kernel lacks it, orphans go to init as usual.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

//! Processes that outlive their launcher: found by a token in their environment, ended, and reaped.

use std::time::{Duration, Instant};

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
            // SAFETY: kill(2) takes no pointers; the process carries this repeat's own token.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        for &pid in &found {
            // Those whose parent died were handed to this process (see `adopt`): without this they
            // stay as zombies. SAFETY: a null status pointer is allowed; waiting for a process that
            // is not a child fails harmlessly.
            unsafe { libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) };
        }
        if alive.is_empty() || Instant::now() >= deadline {
            return (found.len(), alive.len());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Makes this process the parent of all descendants whose own parent dies, so that [`reap`] can see
/// them end.
pub fn adopt() {
    #[cfg(target_os = "linux")]
    // SAFETY: this option takes no pointers. Where the kernel lacks it, orphans go to init as
    // usual.
    unsafe {
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
}

/// Takes note of adopted processes that have ended. Only for a program that has no other children
/// at that moment.
pub fn reap() {
    // SAFETY: a null status pointer is allowed.
    while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

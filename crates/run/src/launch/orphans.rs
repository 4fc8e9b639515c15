//! Processes that outlive their launcher: found by a token in their environment, ended, and reaped.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// The variable that carries the token of a repeat to every process that belongs to it.
pub const TOKEN: &str = "AMDAHL_TOKEN";

/// Processes with this token in their environment, this one left out.
pub fn find(token: &str) -> Vec<i32> {
    let wanted = format!("{TOKEN}={token}").into_bytes();
    carrying(|variable| variable == wanted)
}

/// Processes of any repeat of this run, this one left out.
pub fn of_run(run: &str) -> Vec<i32> {
    let begin = format!("{TOKEN}={run}-").into_bytes();
    carrying(|variable| variable.starts_with(&begin))
}

/// Processes with a variable like this in their environment, this one left out.
fn carrying(is_wanted: impl Fn(&[u8]) -> bool) -> Vec<i32> {
    let own = std::process::id() as i32;
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|&pid| pid != own)
        // Other users' processes cannot be read, and are not ours.
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environ| environ.split(|&b| b == 0).any(&is_wanted))
        })
        .collect()
}

/// Kills every process that carries the token, again until none is left or `patience` is over.
/// Returns how many were found, and how many of them are still there.
pub fn end(token: &str, patience: Duration) -> (usize, usize) {
    kill_all(|| find(token), patience)
}

/// Kills every process of a run, as [`end`] does, once they have had `grace` to end by themselves.
pub fn end_run(run: &str, grace: Duration, patience: Duration) -> (usize, usize) {
    let by_force = Instant::now() + grace;
    while Instant::now() < by_force && !of_run(run).is_empty() {
        std::thread::sleep(Duration::from_millis(50));
    }
    kill_all(|| of_run(run), patience)
}

/// Kills what is found, again until nothing is.
fn kill_all(find: impl Fn() -> Vec<i32>, patience: Duration) -> (usize, usize) {
    let deadline = Instant::now() + patience;
    let mut found = std::collections::BTreeSet::new();
    loop {
        let alive = find();
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

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn of_a_run_also_what_is_stopped_and_what_left_the_group_is_ended() {
        let run = format!("test-run-{}", std::process::id());
        let start = |run: &str, script: &str| {
            let mut command = std::process::Command::new("sh");
            command.args(["-c", script]).env(TOKEN, format!("{run}-1")).process_group(0);
            // What survives a broken test must not hold the output of the others.
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("a shell")
        };
        let mut stopped = start(&run, "kill -STOP $$; sleep 600");
        let mut deaf = start(&run, "trap '' TERM; sleep 600 & wait");
        let mut other = start(&format!("{run}0"), "exec sleep 600");
        let patience = Duration::from_secs(10);
        let (found, left) = end_run(&run, Duration::from_millis(100), patience);
        assert!(found >= 2 && left == 0, "{found} found, {left} left");
        assert_eq!(of_run(&run), [] as [i32; 0]);
        assert!(other.try_wait().expect("ours").is_none(), "another run's lives");
        other.kill().expect("ours");
        for child in [&mut stopped, &mut deaf, &mut other] {
            let _ = child.wait(); // the search may have reaped it
        }
    }
}

//! One process (and all that it starts) from its start to its end: a time limit, the user's Ctrl-C,
//! and nothing left behind.
//!
//! The process leads a group of its own, so a Ctrl-C in the terminal reaches `amdahl` alone, which
//! then ends it in good order. It is told by the kernel when `amdahl` dies, however that happens:
//! that is tied to the *thread* that started it, so start it from a thread that lives as long (the
//! main thread).

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::orphans;
use crate::launcher::Command;
use amdahl_lanes::signals::Interrupts;

/// How long a process may run, and how long it may take to end when asked to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// From the start to the request to end (SIGTERM).
    pub time: Duration,
    /// From the request to the end by force (SIGKILL). Open MPI's launcher takes two seconds to end
    /// its ranks.
    pub grace: Duration,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal, which did not come from here.
    Signal(i32),
    /// It was ended at the time limit.
    TimedOut,
    /// It was ended because the user asked to stop.
    Interrupted,
    /// It was never started, for this reason.
    NotStarted(String),
}

/// A process's end, seen from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Exit {
    /// How it ended.
    pub how: How,
    /// Seconds from the start to its end, or to the decision to end it.
    pub seconds: f64,
    /// Processes that it left behind; they were killed.
    pub survivors: usize,
}

/// Runs `command` with `token` in its environment, standard output and error into the two files, to
/// its end.
///
/// Fails only when the files cannot be written or a process cannot be got rid of; everything else
/// is an [`Exit`].
pub fn supervise(
    command: &Command,
    token: &str,
    (out, err): (&Path, &Path),
    limits: Limits,
    interrupts: &Interrupts,
) -> amdahl_record::error::Result<Exit> {
    use amdahl_record::error::Error;
    let create = |path: &Path| File::create(path).map_err(|e| Error::lost("create", path, e));
    let (out, err) = (create(out)?, create(err)?);
    let Some((program, arguments)) = command.argv.split_first() else {
        return Err(Error::internal("an empty command line"));
    };
    let mut process = std::process::Command::new(program);
    process
        .args(arguments)
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .env(orphans::TOKEN, token);
    process.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    // A launcher that is killed leaves its ranks behind; asked to end, it ends them first.
    end_with_this_thread(
        &mut process,
        if command.has_children { Signal::TERM } else { Signal::KILL },
    );
    log::info!("starts: {command}");
    interrupts.supervised(true);
    let started = Instant::now();
    let exit = match process.spawn() {
        Err(e) => Ok(Exit {
            how: How::NotStarted(format!("cannot start {program}: {e}")),
            seconds: 0.0,
            survivors: 0,
        }),
        Ok(mut child) => {
            watch(&mut child, started, limits, token, interrupts).map(|(how, seconds)| {
                let (survivors, _) = orphans::end(token, Duration::from_secs(10));
                Exit { how, seconds, survivors }
            })
        }
    };
    interrupts.supervised(false);
    if let Ok(Exit { how, seconds, survivors }) = &exit {
        log::debug!("ended: {how:?} after {seconds:.3} s, {survivors} processes left behind");
    }
    exit
}

/// Asks the kernel to send `signal` to the process when the thread that starts it ends.
fn end_with_this_thread(process: &mut std::process::Command, signal: Signal) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpid, getppid, set_parent_process_death_signal};
        let parent = getpid();
        let before_exec = move || {
            set_parent_process_death_signal(Some(signal))?;
            // The parent may have died before the request: then nobody will send the signal.
            if getppid() == Some(parent) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
        };
        // SAFETY: between fork and exec two system calls are made, both async-signal-safe, and
        // nothing is allocated.
        unsafe { process.pre_exec(before_exec) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (process, signal);
}

/// Waits for the end, and ends the process at the time limit or when the user asks to stop.
fn watch(
    child: &mut Child,
    started: Instant,
    limits: Limits,
    token: &str,
    interrupts: &Interrupts,
) -> amdahl_record::error::Result<(How, f64)> {
    let group = child.id() as i32;
    let handle = ProcessHandle::open(group);
    let deadline = started + limits.time;
    loop {
        if let Some(status) = ended(child)? {
            return Ok((natural(status), started.elapsed().as_secs_f64()));
        }
        let how = if interrupts.count() > 0 {
            How::Interrupted
        } else if Instant::now() >= deadline {
            How::TimedOut
        } else {
            handle
                .wait(deadline.saturating_duration_since(Instant::now()), interrupts.descriptor());
            continue;
        };
        let seconds = started.elapsed().as_secs_f64();
        let (gentle, grace) = match how {
            How::Interrupted => (PATIENCE, limits.grace.min(3 * PATIENCE)),
            _ => (limits.grace, limits.grace),
        };
        end(child, &handle, group, (token, gentle, grace), interrupts)?;
        return Ok((how, seconds));
    }
}

/// How long the processes of an interrupted repeat may take to end by themselves. A launcher has
/// three times as long: it ends soon once its ranks are gone.
const PATIENCE: Duration = Duration::from_millis(250);

/// Ends the group: asks, waits, kills; first those that the leader started, then the leader itself.
fn end(
    child: &mut Child,
    handle: &ProcessHandle,
    group: i32,
    (token, gentle, grace): (&str, Duration, Duration),
    interrupts: &Interrupts,
) -> amdahl_record::error::Result<()> {
    signal_group(group, Signal::TERM);
    let (no_longer, by_force) = (Instant::now() + gentle, Instant::now() + grace);
    while ended(child)?.is_none() && Instant::now() < no_longer && interrupts.count() < 2 {
        handle.wait(gentle.min(Duration::from_millis(50)), None);
    }
    if ended(child)?.is_none() {
        for other in orphans::find(token).into_iter().filter(|pid| *pid != group) {
            // One that has ended in the meantime is as good as killed.
            let _ = Pid::from_raw(other).map(|other| kill_process(other, Signal::KILL));
        }
    }
    while ended(child)?.is_none() && Instant::now() < by_force && interrupts.count() < 2 {
        handle.wait(
            by_force.saturating_duration_since(Instant::now()).min(Duration::from_millis(50)),
            None,
        );
    }
    // Whatever the leader left in its group goes with it.
    signal_group(group, Signal::KILL);
    let give_up = Instant::now() + Duration::from_secs(30);
    while ended(child)?.is_none() {
        if Instant::now() >= give_up {
            return Err(amdahl_record::error::Error::new(
                amdahl_record::error::Kind::Io,
                format!("process {group} does not end, even by SIGKILL: the kernel holds it"),
            )
            .hint("look at its state in /proc; a hanging network file system does this"));
        }
        handle.wait(Duration::from_millis(50), None);
    }
    Ok(())
}

fn ended(child: &mut Child) -> amdahl_record::error::Result<Option<ExitStatus>> {
    child.try_wait().map_err(|e| {
        amdahl_record::error::Error::new(
            amdahl_record::error::Kind::Io,
            format!("cannot wait for process {}: {e}", child.id()),
        )
    })
}

fn natural(status: ExitStatus) -> How {
    match (status.code(), status.signal()) {
        (Some(code), _) => How::Code(code),
        (None, Some(signal)) => How::Signal(signal),
        (None, None) => How::Code(-1),
    }
}

/// The group is the child's own, and the child has not been reaped or just has. A group that is
/// gone needs no signal.
fn signal_group(group: i32, signal: Signal) {
    let _ = Pid::from_raw(group).map(|group| kill_process_group(group, signal));
}

/// Sleeps until a process ends, without waking up in between: polling would disturb what is
/// measured.
struct ProcessHandle(Option<std::os::fd::OwnedFd>);

impl ProcessHandle {
    fn open(pid: i32) -> Self {
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{PidfdFlags, pidfd_open};
            let opened =
                Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
            ProcessHandle(opened)
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = pid;
            ProcessHandle(None)
        }
    }

    /// Returns when the process ended, `other` is readable or the time is over; sometimes earlier.
    fn wait(&self, time: Duration, other: Option<BorrowedFd<'_>>) {
        let Some(own) = &self.0 else {
            std::thread::sleep(time.min(Duration::from_millis(20)));
            return;
        };
        let mut polled: Vec<PollFd<'_>> = [Some(own.as_fd()), other]
            .into_iter()
            .flatten()
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let longest = Duration::from_secs(60);
        let time = time.saturating_add(Duration::from_millis(1)).min(longest);
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        // Where it is interrupted by a signal, the caller looks again.
        let _ = poll(&mut polled, Some(&time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let argv = ["sh", "-c", script].map(String::from).to_vec();
        Command { argv, env: vec![("WORD".into(), "said".into())], has_children: false }
    }

    fn within(time_ms: u64) -> Limits {
        Limits { time: Duration::from_millis(time_ms), grace: Duration::from_millis(200) }
    }

    /// Runs a script and returns its end and what it wrote.
    fn run(name: &str, script: &str, limits: Limits) -> (Exit, String, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let (out, err) = (folder.path().join("out"), folder.path().join("err"));
        let token = format!("test-{}-{name}", std::process::id());
        let exit = supervise(&shell(script), &token, (&out, &err), limits, &Interrupts::none())
            .expect("supervised");
        assert_eq!(orphans::find(&token), [] as [i32; 0], "nothing survives");
        let text = |path: &Path| std::fs::read_to_string(path).expect("written");
        (exit, text(&out), text(&err))
    }

    #[test]
    fn a_process_ends_by_itself() {
        let (exit, out, err) = run("ends", "echo $WORD; echo loud >&2; exit 3", within(60_000));
        assert_eq!((exit.how, out.as_str(), err.as_str()), (How::Code(3), "said\n", "loud\n"));
        assert_eq!(exit.survivors, 0);
    }

    #[test]
    fn a_signal_is_not_an_exit_code() {
        assert_eq!(run("signal", "kill -9 $$", within(60_000)).0.how, How::Signal(9));
    }

    #[test]
    fn a_program_that_is_not_there_is_not_started() {
        let command =
            Command { argv: vec!["/no/such/program".into()], env: vec![], has_children: false };
        let folder = tempfile::tempdir().expect("a folder");
        let (out, err) = (folder.path().join("out"), folder.path().join("err"));
        let exit = supervise(&command, "t", (&out, &err), within(1000), &Interrupts::none())
            .expect("supervised");
        assert!(
            matches!(&exit.how, How::NotStarted(why) if why.contains("/no/such/program")),
            "{exit:?}"
        );
    }

    #[test]
    fn at_the_time_limit_a_process_is_asked_to_end() {
        let (exit, out, _) =
            run("asked", "trap 'echo asked; exit 0' TERM; sleep 600 & wait", within(300));
        assert_eq!((exit.how, out.as_str()), (How::TimedOut, "asked\n"));
    }

    #[test]
    fn what_does_not_listen_is_ended_by_force() {
        let (exit, ..) = run("deaf", "trap '' TERM; while :; do sleep 0.05; done", within(300));
        assert_eq!(exit.how, How::TimedOut);
    }

    #[test]
    fn what_leaves_the_group_and_outlives_its_parent_is_found() {
        let Ok(setsid) = std::process::Command::new("setsid").arg("true").status() else {
            let test = "what_leaves_the_group_and_outlives_its_parent_is_found";
            return amdahl_testing::skipped(test, "there is no setsid");
        };
        assert!(setsid.success());
        let (exit, ..) = run("orphan", "setsid sleep 600 & sleep 0.2; exit 0", within(60_000));
        assert_eq!(exit.how, How::Code(0));
        assert_eq!(exit.survivors, 1);
    }
}

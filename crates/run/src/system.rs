//! What a scheduler asks of the system it runs on: variables, programs, the clock. A trait, so that
//! answers of a cluster can be given without one.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time that a program which is asked for a word may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What can be asked.
pub trait System {
    /// A variable of the environment; none where it is not set, or empty.
    fn variable(&self, name: &str) -> Option<String>;
    /// Where the search path has a program.
    fn find(&self, program: &str) -> Option<PathBuf>;
    /// What a program prints; none where it is not there, fails or takes long.
    fn output(&self, program: &str, arguments: &[&str]) -> Option<String>;
    /// CPUs that this process may use: its mask, and its control group's share.
    fn cpus(&self) -> u32;
    /// Unix time, seconds.
    fn now_s(&self) -> u64;
}

/// The system that this process runs on.
pub struct Here;

impl System for Here {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        if program.contains('/') {
            return Some(PathBuf::from(program)).filter(|path| path.is_file());
        }
        std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|folder| folder.join(program))
            .find(|path| path.is_file())
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        // A word or two fit into a pipe; one who says more is not read in the meantime, and ends
        // at the limit.
        let started = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if started.elapsed() < ANSWERS_WITHIN => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Ok(None) | Err(_) => break None,
            }
        };
        if status.is_none() {
            let _ = child.kill(); // it may have ended in between
            let _ = child.wait();
        }
        status.filter(|status| status.success())?;
        let mut text = String::new();
        child.stdout.take()?.read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn cpus(&self) -> u32 {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        u32::try_from(cpus).unwrap_or(u32::MAX)
    }

    fn now_s(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A system of a test's making: variables, programs on the search path, and what they print.
    #[derive(Default)]
    pub struct Made {
        pub variables: Vec<(&'static str, String)>,
        pub programs: Vec<&'static str>,
        pub outputs: Vec<(&'static str, &'static str)>,
        pub now_s: u64,
    }

    impl Made {
        pub fn with(variables: &[(&'static str, &str)]) -> Made {
            let variables = variables.iter().map(|(name, value)| (*name, value.to_string()));
            Made { variables: variables.collect(), ..Made::default() }
        }
    }

    impl System for Made {
        fn variable(&self, name: &str) -> Option<String> {
            let found = self.variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
        }
        fn find(&self, program: &str) -> Option<PathBuf> {
            let there = self.programs.contains(&program);
            there.then(|| PathBuf::from("/bin").join(program))
        }
        fn output(&self, program: &str, arguments: &[&str]) -> Option<String> {
            let asked = [&[program], arguments].concat().join(" ");
            let found = self.outputs.iter().find(|(known, _)| *known == asked);
            found.map(|(_, text)| text.to_string())
        }
        fn cpus(&self) -> u32 {
            6
        }
        fn now_s(&self) -> u64 {
            self.now_s
        }
    }

    #[test]
    fn programs_are_asked_and_found() {
        let shell = Here.find("sh").expect("every system has a shell");
        assert!(shell.is_absolute() && Here.find(&shell.to_string_lossy()) == Some(shell));
        assert_eq!(Here.output("sh", &["-c", "echo said"]).as_deref(), Some("said\n"));
        assert_eq!(Here.output("sh", &["-c", "echo said; exit 3"]), None, "a failure says nothing");
        assert_eq!(Here.output("no-such-program", &[]), None);
        assert!(Here.find("no-such-program").is_none() && Here.cpus() >= 1);
    }
}

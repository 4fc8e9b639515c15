//! Faults on purpose, so that tests can show how each ends.
//!
//! `AMDAHL_FAULT=KIND[:rank=R][:iteration=I]` makes the worker commit one fault, on the first
//! thread of rank R (0 where absent), at the start of iteration I (1 where absent; warm-up does not
//! count). Kinds: `panic`, `kill` (SIGKILL to itself), `hang`, `exit` (exit code 3 without a word),
//! `error` (an error that all lanes agree on), `wrong` (an answer that is wrong).

use amdahl_lanes::comm::Lane;
use amdahl_record::error::{Error, Kind, Result};

/// What kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Panic,
    Kill,
    Hang,
    Exit,
    Error,
    Wrong,
}

/// A fault to commit, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    planned: Option<(What, usize, u32)>,
}

impl Fault {
    /// No fault.
    pub const NONE: Fault = Fault { planned: None };

    /// Reads the value of `AMDAHL_FAULT`.
    pub fn parse(text: &str) -> Result<Fault> {
        let refuse = || {
            Error::new(Kind::Usage, format!("AMDAHL_FAULT cannot be read: '{text}'"))
                .hint("KIND[:rank=R][:iteration=I] with KIND one of panic, kill, hang, exit, error, wrong")
        };
        let mut parts = text.split(':');
        let what = match parts.next() {
            Some("panic") => What::Panic,
            Some("kill") => What::Kill,
            Some("hang") => What::Hang,
            Some("exit") => What::Exit,
            Some("error") => What::Error,
            Some("wrong") => What::Wrong,
            _ => return Err(refuse()),
        };
        let (mut rank, mut iteration) = (0, 1);
        for part in parts {
            match part.split_once('=') {
                Some(("rank", value)) => rank = value.parse().map_err(|_| refuse())?,
                Some(("iteration", value)) => iteration = value.parse().map_err(|_| refuse())?,
                _ => return Err(refuse()),
            }
        }
        Ok(Fault { planned: Some((what, rank, iteration)) })
    }

    /// Reads the environment.
    pub fn from_environment() -> Result<Fault> {
        match std::env::var("AMDAHL_FAULT") {
            Ok(text) if !text.is_empty() => Fault::parse(&text),
            _ => Ok(Fault::NONE),
        }
    }

    /// Is the answer to be wrong?
    pub fn spoils_the_answer(&self, lane: Lane) -> bool {
        matches!(self.planned, Some((What::Wrong, rank, _)) if rank == lane.rank && lane.thread == 0)
    }

    /// Commits the fault if this is its lane and iteration (from 1).
    #[inline]
    pub fn at(&self, lane: Lane, iteration: u32) -> Result<()> {
        match self.planned {
            Some((what, rank, when))
                if rank == lane.rank && lane.thread == 0 && when == iteration =>
            {
                commit(what)
            }
            _ => Ok(()),
        }
    }
}

fn commit(what: What) -> Result<()> {
    match what {
        What::Panic => std::panic::panic_any("a panic on purpose (AMDAHL_FAULT)"),
        What::Kill => {
            use rustix::process::{Signal, getpid, kill_process};
            kill_process(getpid(), Signal::KILL)
                .map_err(|e| Error::internal(format!("no signal to this process: {e}")))
        }
        What::Hang => loop {
            std::thread::sleep(std::time::Duration::from_secs(3600));
        },
        What::Exit => {
            // SAFETY: ends the process at once, without running exit handlers, as a crash in C code
            // would.
            unsafe { libc::_exit(3) }
        }
        What::Error => Err(Error::internal("an error on purpose (AMDAHL_FAULT)")),
        What::Wrong => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_understood_is_taken() {
        let fault = Fault::parse("error:rank=1:iteration=3").expect("well-formed");
        let lane = |rank| Lane { rank, ..Lane::SOLO };
        assert!(fault.at(lane(0), 3).is_ok() && fault.at(lane(1), 2).is_ok());
        assert!(fault.at(lane(1), 3).is_err());
        assert!(Fault::parse("wrong").expect("well-formed").spoils_the_answer(Lane::SOLO));
        for bad in ["", "boom", "panic:rank", "panic:rank=x", "panic:lane=1"] {
            assert_eq!(Fault::parse(bad).expect_err("malformed").kind, Kind::Usage);
        }
    }
}

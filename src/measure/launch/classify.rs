//! What an ending means: from a process's end, what it printed and the report it left, to an outcome.
//!
//! Nothing is believed for its exit code alone: an answer counts only when the process ended with 0 AND rank 0 wrote, as its last act, a
//! report of the right protocol about the right cell.

use crate::cell::CellId;
use crate::record::{End, Failure, Measured, PROTOCOL, Report};

use super::supervise::{Exit, How};

/// Bytes of what a worker printed that a reason quotes.
const TAIL: usize = 2048;

/// Exit code of a Rust program that panicked, and of our workers' abort after a panic.
const PANICKED: i32 = 101;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With an answer, not yet checked, and the machine it came from.
    Answered(Box<Report>, Box<Measured>),
    /// Without one.
    Failed {
        /// The kind of failure.
        class: Failure,
        /// What is known of it.
        reason: String,
    },
}

impl Ending {
    /// A failure.
    pub fn failed(class: Failure, reason: impl Into<String>) -> Self {
        Ending::Failed { class, reason: reason.into() }
    }
}

/// Decides what became of an attempt at `cell`. `report` is the text of the report file, if there is one; `printed` what the processes
/// wrote to standard error and output.
pub fn classify(cell: &CellId, exit: &Exit, limit_s: f64, report: Option<&str>, printed: &str) -> Ending {
    let with_tail = |what: String| match tail(printed) {
        "" => format!("{what}; it printed nothing"),
        tail => format!("{what}; it printed: {tail}"),
    };
    let report = report.map(|text| parse(cell, text));
    match &exit.how {
        How::NotStarted(why) => return Ending::failed(Failure::Launch, why.clone()),
        How::TimedOut => {
            return Ending::failed(
                Failure::Timeout,
                with_tail(format!("still running after the time limit of {limit_s} s, and ended")),
            );
        }
        How::Interrupted => return Ending::failed(Failure::Killed, "ended because the sweep was interrupted"),
        How::Code(_) | How::Signal(_) => {}
    }
    // What the worker itself says goes before what its end looks like.
    if let Some(Ok(Report { end: End::Failed { class, reason }, .. })) = report {
        return Ending::Failed { class, reason };
    }
    match exit.how {
        How::Code(0) => match report {
            Some(Ok(report)) => match report.end.clone() {
                End::Done(measured) => Ending::Answered(Box::new(report), measured),
                End::Failed { class, reason } => Ending::Failed { class, reason },
            },
            Some(Err(why)) => Ending::failed(Failure::NoReport, with_tail(why)),
            None => Ending::failed(Failure::NoReport, with_tail("it ended well but left no report".into())),
        },
        How::Signal(signal) => Ending::failed(Failure::Killed, with_tail(format!("killed by {}", name(signal)))),
        How::Code(code) if code == PANICKED || printed.contains("panicked at") => {
            Ending::failed(Failure::Panicked, with_tail(format!("a lane panicked (exit code {code})")))
        }
        How::Code(code) => {
            if let Some(signal) = signal_of_a_rank(code, printed) {
                return Ending::failed(Failure::Killed, with_tail(format!("a rank was killed by {}", name(signal))));
            }
            let class = if matches!(code, 126 | 127) { Failure::Launch } else { Failure::Error };
            Ending::failed(class, with_tail(format!("it ended with exit code {code}")))
        }
        _ => Ending::failed(Failure::Error, "an ending of no known kind"),
    }
}

/// A report of our protocol about this cell, or why it is none.
fn parse(cell: &CellId, text: &str) -> Result<Report, String> {
    let report: Report =
        serde_json::from_str(text).map_err(|e| format!("it left a report that cannot be read ({e})"))?;
    if report.protocol != PROTOCOL {
        return Err(format!("its report is of protocol {}, this program speaks {PROTOCOL}", report.protocol));
    }
    if report.cell != *cell {
        return Err(format!("its report is about cell {}, not {cell}", report.cell));
    }
    Ok(report)
}

/// Launchers end with 128 + signal of the rank that died (Open MPI, srun), or say so (MPICH ends with the signal's number).
fn signal_of_a_rank(code: i32, printed: &str) -> Option<i32> {
    let said = ["exited on signal ", "KILLED BY SIGNAL: ", "EXIT STRING: "]
        .iter()
        .find_map(|words| printed.split(words).nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    let said = said.or_else(|| {
        let hydra = printed.contains("BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES");
        (hydra && printed.contains("YOUR APPLICATION TERMINATED WITH THE EXIT STRING")).then_some(code)
    });
    said.or_else(|| (129..=128 + 64).contains(&code).then(|| code - 128)).filter(|signal| (1..=64).contains(signal))
}

/// A signal's name, for those that end workers.
fn name(signal: i32) -> String {
    let known = [
        (libc::SIGKILL, "SIGKILL (from outside, or out of memory)"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGILL, "SIGILL (an instruction that this CPU lacks)"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGXFSZ, "SIGXFSZ (the limit on file sizes)"),
        (libc::SIGXCPU, "SIGXCPU (the limit on CPU time)"),
    ];
    known.iter().find(|(number, _)| *number == signal).map_or(format!("signal {signal}"), |(_, name)| (*name).into())
}

/// The last lines, at most [`TAIL`] bytes, whole lines where there are any.
pub fn tail(printed: &str) -> &str {
    let printed = printed.trim();
    if printed.len() <= TAIL {
        return printed;
    }
    let mut start = printed.len() - TAIL;
    while !printed.is_char_boundary(start) {
        start += 1;
    }
    let cut = &printed[start..];
    cut.find('\n').map_or(cut, |newline| &cut[newline + 1..])
}

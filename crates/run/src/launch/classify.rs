//! What an ending means: from a process's end, what it printed and the report it left, to an
//! outcome.
//!
//! Nothing is believed for its exit code alone: an answer counts only when the process ended with 0
//! AND rank 0 wrote, as its last act, a report of the right protocol about the right cell.

use amdahl_record::cell::CellId;
use amdahl_record::host::HostFacts;
use amdahl_record::peer::{PeerDone, PeerEnd, PeerReport};
use amdahl_record::protocol::PANICKED;
use amdahl_record::{End, Failure, Measured, PROTOCOL, Report};

use super::supervise::{Exit, How};

/// Bytes of what a worker printed that a reason quotes.
const TAIL: usize = 2048;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// With an answer, not yet checked, from this machine.
    Answered(Box<HostFacts>, Box<Measured>),
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

/// What a report says.
enum Said<T> {
    Answer(T),
    Failure(Failure, String),
}

/// Decides what became of an attempt at `cell`. `report` is the text of the report file, if there
/// is one; `printed` what the processes wrote to standard error and output.
pub fn classify(
    cell: &CellId,
    exit: &Exit,
    limit_s: f64,
    report: Option<&str>,
    printed: &str,
) -> Ending {
    let said = report.map(|text| {
        let report = Report::parse(text).map_err(unreadable)?;
        ours(cell, report.protocol, &report.cell)?;
        Ok(match report.end {
            End::Done(measured) => Said::Answer((Box::new(report.host), measured)),
            End::Failed { class, reason } => Said::Failure(class, reason),
        })
    });
    match decide(exit, limit_s, said, printed) {
        Ok((host, measured)) => Ending::Answered(host, measured),
        Err((class, reason)) => Ending::Failed { class, reason },
    }
}

/// The same for an outside program, whose answer has yet to be judged.
pub fn classify_peer(
    cell: &CellId,
    exit: &Exit,
    limit_s: f64,
    report: Option<&str>,
    printed: &str,
) -> Result<Box<PeerDone>, Ending> {
    let said = report.map(|text| {
        let report: PeerReport = parse(text)?;
        ours(cell, report.protocol, &report.cell)?;
        Ok(match report.end {
            PeerEnd::Done(done) => Said::Answer(done),
            PeerEnd::Failed { class, reason } => Said::Failure(class, reason),
        })
    });
    decide(exit, limit_s, said, printed).map_err(|(class, reason)| Ending::Failed { class, reason })
}

/// What an ending means, given what its report says, or why it is none.
fn decide<T>(
    exit: &Exit,
    limit_s: f64,
    report: Option<Result<Said<T>, String>>,
    printed: &str,
) -> Result<T, (Failure, String)> {
    let failed = |class, reason: String| Err((class, reason));
    let with_tail = |what: String| match tail(printed) {
        "" => format!("{what}; it printed nothing"),
        tail => format!("{what}; it printed: {tail}"),
    };
    match &exit.how {
        How::NotStarted(why) => return failed(Failure::Launch, why.clone()),
        How::TimedOut => {
            let what = format!("still running after the time limit of {limit_s} s, and ended");
            return failed(Failure::Timeout, with_tail(what));
        }
        How::Interrupted => {
            return failed(Failure::Killed, "ended because the sweep was interrupted".into());
        }
        How::Code(_) | How::Signal(_) => {}
    }
    // What the worker itself says goes before what its end looks like.
    if let Some(Ok(Said::Failure(class, reason))) = report {
        return failed(class, reason.replace("\n  hint: ", "; "));
    }
    match exit.how {
        How::Code(0) => match report {
            Some(Ok(Said::Answer(answer))) => Ok(answer),
            Some(Ok(Said::Failure(class, reason))) => failed(class, reason),
            Some(Err(why)) => failed(Failure::NoReport, with_tail(why)),
            None => failed(Failure::NoReport, with_tail("it ended well but left no report".into())),
        },
        How::Signal(libc::SIGABRT) if printed.contains("memory allocation of") => {
            failed(Failure::Killed, with_tail("not enough memory (killed by SIGABRT)".into()))
        }
        How::Signal(signal) => {
            failed(Failure::Killed, with_tail(format!("killed by {}", name(signal))))
        }
        How::Code(code) if code == PANICKED || printed.contains("panicked at") => {
            failed(Failure::Panicked, with_tail(format!("a lane panicked (exit code {code})")))
        }
        How::Code(code) => {
            if let Some(signal) = signal_of_a_rank(code, printed) {
                return failed(
                    Failure::Killed,
                    with_tail(format!("a rank was killed by {}", name(signal))),
                );
            }
            let class = if matches!(code, 126 | 127) { Failure::Launch } else { Failure::Error };
            failed(class, with_tail(format!("it ended with exit code {code}")))
        }
        _ => failed(Failure::Error, "an ending of no known kind".into()),
    }
}

fn parse<'a, R: serde::Deserialize<'a>>(text: &'a str) -> Result<R, String> {
    serde_json::from_str(text).map_err(|e| unreadable(e.to_string()))
}

fn unreadable(why: String) -> String {
    format!("it left a report that cannot be read ({why})")
}

/// A report of our protocol about this cell, or why it is none.
fn ours(cell: &CellId, protocol: u32, about: &CellId) -> Result<(), String> {
    if protocol != PROTOCOL {
        return Err(format!(
            "its report is of protocol {protocol}, this program speaks {PROTOCOL}"
        ));
    }
    if about != cell {
        return Err(format!("its report is about cell {about}, not {cell}"));
    }
    Ok(())
}

/// Launchers end with 128 + signal of the rank that died (Open MPI, srun), or say so (MPICH ends
/// with the signal's number).
fn signal_of_a_rank(code: i32, printed: &str) -> Option<i32> {
    let said = ["exited on signal ", "KILLED BY SIGNAL: "].iter().find_map(|words| {
        printed.split(words).nth(1)?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    });
    let said = said.or_else(|| {
        let hydra = printed.contains("BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES");
        (hydra && printed.contains("YOUR APPLICATION TERMINATED WITH THE EXIT STRING"))
            .then_some(code)
    });
    said.or_else(|| (129..=128 + 64).contains(&code).then(|| code - 128))
        .filter(|signal| (1..=64).contains(signal))
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
    known
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or(format!("signal {signal}"), |(_, name)| (*name).into())
}

/// The last lines, at most [`TAIL`] bytes, whole lines where there are any.
pub fn tail(printed: &str) -> &str {
    // Where in the program it happened is for a debugger.
    let printed = printed.split("\nstack backtrace:").next().unwrap_or_default().trim();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(how: How) -> Exit {
        Exit { how, seconds: 1.0, survivors: 0 }
    }

    fn id() -> CellId {
        CellId("0123456789abcdef".into())
    }

    fn class(how: How, report: Option<&str>, printed: &str) -> Failure {
        match classify(&id(), &exit(how), 60.0, report, printed) {
            Ending::Failed { class, .. } => class,
            Ending::Answered(..) => panic!("an answer"),
        }
    }

    fn reason(how: How, report: Option<&str>, printed: &str) -> String {
        match classify(&id(), &exit(how), 60.0, report, printed) {
            Ending::Failed { reason, .. } => reason,
            Ending::Answered(..) => panic!("an answer"),
        }
    }

    /// A report with this end, about this cell.
    fn report(cell: &str, protocol: u32, end: &str) -> String {
        let host = serde_json::to_string(&amdahl_record::host::gather()).expect("JSON");
        format!("{{\"protocol\":{protocol},\"cell\":\"{cell}\",\"host\":{host},\"end\":{end}}}")
    }

    const ERROR: &str = "{\"failed\":{\"class\":\"data\",\"reason\":\"row 3 is not finite\"}}";
    fn answer() -> String {
        let answer = r#"{"of":"kmeans","rows":1,"dims":1,"iterations":1,"converged":true,"inertia":0.0,"sizes":[1],"centroids":"c",
            "labels":"l","data":"d"}"#;
        let measured = Measured {
            platform: "cpu".into(),
            kernel: "k".into(),
            host: "h".into(),
            seconds: 1.0,
            answer: serde_json::from_str(answer).expect("an answer"),
            lanes: vec![].into(),
            readings: vec![],
            peak_rss_bytes: None,
            load: Default::default(),
            peer: None,
            device: None,
        };
        serde_json::to_string(&End::Done(Box::new(measured))).expect("JSON")
    }

    #[test]
    fn an_answer_needs_exit_code_0_and_a_report_about_this_cell() {
        let good = report(&id().0, PROTOCOL, &answer());
        assert!(matches!(
            classify(&id(), &exit(How::Code(0)), 60.0, Some(&good), ""),
            Ending::Answered(..)
        ));
        assert_eq!(class(How::Code(0), None, ""), Failure::NoReport);
        assert_eq!(class(How::Code(0), Some(&good[..good.len() / 2]), ""), Failure::NoReport);
        let other = report("ffffffffffffffff", PROTOCOL, &answer());
        assert_eq!(class(How::Code(0), Some(&other), ""), Failure::NoReport);
        assert!(
            reason(How::Code(0), Some(&other), "")
                .contains("about cell ffffffffffffffff, not 0123456789abcdef")
        );
        let newer = report(&id().0, PROTOCOL + 1, &answer());
        assert!(reason(How::Code(0), Some(&newer), "").contains("protocol 2"));
        // A rank that dies after rank 0 has written: the end was not good.
        assert_eq!(class(How::Code(3), Some(&good), ""), Failure::Error);
        assert_eq!(class(How::Signal(9), Some(&good), ""), Failure::Killed);
        assert_eq!(class(How::TimedOut, Some(&good), ""), Failure::Timeout);
    }

    #[test]
    fn the_worker_s_own_words_go_first() {
        let error = report(&id().0, PROTOCOL, ERROR);
        for how in [How::Code(2), How::Code(137), How::Code(0), How::Signal(6)] {
            assert_eq!(class(how.clone(), Some(&error), "panicked at"), Failure::Data);
            assert_eq!(reason(how, Some(&error), "noise"), "row 3 is not finite");
        }
    }

    #[test]
    fn ends_are_told_apart() {
        assert_eq!(class(How::NotStarted("no such file".into()), None, ""), Failure::Launch);
        assert_eq!(
            class(How::Code(127), None, "libmpi.so.40: cannot open shared object file"),
            Failure::Launch
        );
        assert_eq!(class(How::Code(101), None, ""), Failure::Panicked);
        assert_eq!(
            class(How::Code(134), None, "thread 'main' panicked at src/x.rs:1"),
            Failure::Panicked
        );
        assert_eq!(class(How::Code(2), None, "amdahl-worker: no"), Failure::Error);
        assert_eq!(class(How::Signal(libc::SIGKILL), None, ""), Failure::Killed);
        assert!(
            reason(How::Signal(libc::SIGKILL), None, "last words")
                .ends_with("it printed: last words")
        );
        assert!(reason(How::TimedOut, None, "").contains("time limit of 60 s"));
        let printed = "memory allocation of 400000000000 bytes failed\nstack backtrace:\n   0: std::alloc::rust_oom\n";
        assert_eq!(
            reason(How::Signal(libc::SIGABRT), None, printed),
            "not enough memory (killed by SIGABRT); it printed: memory allocation of 400000000000 bytes failed"
        );
    }

    #[test]
    fn launchers_tell_of_a_killed_rank_in_their_own_ways() {
        let open_mpi = "mpiexec noticed that process rank 1 with PID 0 on node vm exited on signal 9 (Killed).";
        let mpich = "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   KILLED BY SIGNAL: 9 (Killed)";
        let mpich_4 = "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   EXIT CODE: 9\n\
                       YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)";
        for (code, printed) in
            [(137, open_mpi), (9, mpich), (9, mpich_4), (137, "srun: error: task 1: Killed")]
        {
            assert_eq!(class(How::Code(code), None, printed), Failure::Killed, "{printed}");
            assert!(
                reason(How::Code(code), None, printed).contains("a rank was killed by SIGKILL"),
                "{printed}"
            );
        }
        let exits = "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   EXIT CODE: 3";
        assert_eq!(class(How::Code(3), None, exits), Failure::Error);
    }

    #[test]
    fn the_tail_is_short_and_begins_with_a_line() {
        assert_eq!(tail(" a\nb \n"), "a\nb");
        let long: String = (0..1000).map(|i| format!("line {i} ü\n")).collect();
        let cut = tail(&long);
        assert!(cut.len() <= TAIL && cut.len() > TAIL - 20);
        assert!(cut.starts_with("line ") && cut.ends_with("line 999 ü"));
        let wide = "ü".repeat(TAIL);
        assert!(tail(&wide).len() <= TAIL);
    }
}

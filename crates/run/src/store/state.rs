//! What the records say about a key: is it done, and if it failed, is it tried again?

use amdahl_record::{Failure, Outcome, Record};

/// What is to be done for a key.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// All wanted repeats count.
    Done,
    /// This many repeats are missing.
    Missing(u32),
    /// It failed, and would fail again: nothing is to be done. The record says how.
    Final(Box<Record>),
}

/// Judges the records of one key (oldest first), for `wanted` repeats within `limit_s` seconds
/// each. `retry` tries failures again that are otherwise final.
///
/// A wrong answer is final for its key: the same program on the same data would give it again. So
/// are a panic, an error, a damaged data set and a missing report. What depends on the moment is
/// tried again: a machine without MPI may have it now, a killed process may have been killed for
/// lack of memory, a data set that was replaced may be back, an oracle may be right this time. A time limit is tried again when there is more
/// time than then.
pub fn state<'a>(
    records: impl Iterator<Item = &'a Record>,
    wanted: u32,
    limit_s: f64,
    retry: bool,
) -> State {
    let mut counted = 0;
    let mut last_failure = None;
    for record in records {
        match &record.outcome {
            Outcome::Ok if record.counts() => {
                counted += 1;
                last_failure = None;
            }
            Outcome::Ok => {}
            Outcome::Wrong { .. } => return State::Final(Box::new(record.clone())),
            Outcome::Failed { .. } => last_failure = Some(record),
        }
    }
    if counted >= wanted {
        return State::Done;
    }
    match last_failure {
        Some(record) if !retry && is_final(record, limit_s) => {
            State::Final(Box::new(record.clone()))
        }
        _ => State::Missing(wanted - counted),
    }
}

fn is_final(record: &Record, limit_s: f64) -> bool {
    match &record.outcome {
        Outcome::Ok => false,
        Outcome::Wrong { .. } => true,
        Outcome::Failed { class, .. } => match class {
            Failure::Panicked | Failure::Error | Failure::Data | Failure::NoReport => true,
            Failure::Timeout => record.process_s.is_some_and(|lived_s| limit_s <= lived_s),
            Failure::Unavailable
            | Failure::Changed
            | Failure::Launch
            | Failure::Killed
            | Failure::Unchecked => false,
        },
    }
}

//! Which of several records came first, and which stand twice.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{Record, RunFacts};

/// When something was measured, among all that a folder holds: runs have numbers in the order in
/// which they began to write. Those of before there were numbers come first, by the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Age {
    number: u64,
    at_ms: u64,
}

impl Age {
    /// Of something that the run of this number measured at this time. Within a run the order of
    /// its file counts, whatever the clock says.
    pub fn new(number: u64, at_ms: u64) -> Age {
        Age { number, at_ms: if number == 0 { at_ms } else { 0 } }
    }
}

/// The numbers of runs, by id.
pub(super) struct Numbers<'a>(HashMap<&'a str, u64>);

impl<'a> Numbers<'a> {
    /// Those of these runs.
    pub fn of(runs: &'a [RunFacts]) -> Numbers<'a> {
        let mut numbers: HashMap<&str, u64> = HashMap::new();
        for run in runs {
            let number = numbers.entry(&run.run).or_default();
            *number = run.number.max(*number);
        }
        Numbers(numbers)
    }

    /// The age of something that a run measured at this time.
    pub fn age(&self, run: &str, at_ms: u64) -> Age {
        Age::new(self.0.get(run).copied().unwrap_or(0), at_ms)
    }
}

/// Repeats that stand more than once: a file was copied, or joined with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubled {
    /// How many were left out.
    pub records: usize,
    /// The runs that they belong to, each with the files that its line stands in.
    pub runs: BTreeMap<String, BTreeSet<String>>,
}

impl Doubled {
    /// Is there one?
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }
}

impl std::fmt::Display for Doubled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let repeats = if self.records == 1 { "repeat stands" } else { "repeats stand" };
        write!(f, "{} {repeats} in the folder more than once and count once", self.records)?;
        let files: BTreeSet<&String> = self.runs.values().flatten().collect();
        match files.len() {
            0 => Ok(()),
            1 => write!(
                f,
                " (look at {})",
                files.into_iter().map(String::as_str).collect::<String>()
            ),
            n => {
                let named: Vec<&str> = files.into_iter().take(3).map(String::as_str).collect();
                let more = if n > 3 { format!(" and {} more", n - 3) } else { String::new() };
                write!(f, " (files that were copied or joined: {}{more})", named.join(", "))
            }
        }
    }
}

/// Takes out the repeats that stand before in the list already, and returns their runs. A repeat is
/// known by its key, its run, its number, its start and its life.
pub(super) fn once(records: &mut Vec<Record>) -> Vec<String> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    // Most lists are in the order of their starts already, and no two starts are equal.
    order.sort_by(|&a, &b| compare(&records[a], &records[b]));
    let mut again = vec![false; records.len()];
    for pair in order.windows(2) {
        again[pair[1]] = compare(&records[pair[0]], &records[pair[1]]) == Ordering::Equal;
    }
    if !again.contains(&true) {
        return Vec::new();
    }
    let mut runs = Vec::new();
    let mut again = again.into_iter();
    records.retain(|record| {
        let is_again = again.next().unwrap_or(false);
        if is_again {
            runs.push(record.run.to_string());
        }
        !is_again
    });
    runs
}

fn compare(a: &Record, b: &Record) -> Ordering {
    let life = |record: &Record| record.process_s.map(f64::to_bits);
    (a.started_ms.cmp(&b.started_ms))
        .then_with(|| a.repeat.cmp(&b.repeat))
        .then_with(|| life(a).cmp(&life(b)))
        .then_with(|| a.run.as_str().cmp(b.run.as_str()))
        .then_with(|| (*a.key).cmp(&*b.key))
}

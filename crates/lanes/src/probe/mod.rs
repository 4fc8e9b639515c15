//! Probes: what is counted while a lane computes.
//!
//! A probe is one source of counters on one lane. It says beforehand which metrics it has and why
//! it lacks others, and it takes snapshots. The [`recorder::Recorder`] takes one at every phase
//! boundary and adds the differences up per phase. Counters are left running, so a boundary costs
//! one read per source and nothing is lost between phases.

use amdahl_record::counters::Counters;
use amdahl_record::error::{Error, Result};
use amdahl_record::units::Unit;
use amdahl_record::{Provenance, Scope};

pub mod callgrind;
pub mod clock;
mod energy;
pub mod load;
pub mod neuron;
pub mod numa;
mod perf;
pub mod recorder;
mod rusage;
mod uncore;

/// A metric that a probe knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name in records, unique among all probes.
    pub name: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Metrics of one source with the same number are counted at the same moments; quotients are
    /// made within a group alone. 0 where all of the source is one group.
    pub group: u8,
    /// Whose events.
    pub scope: Scope,
}

impl Metric {
    /// A metric of the lane's own thread, in the source's only group.
    pub fn new(name: &'static str, unit: Unit) -> Metric {
        Metric { name, unit, group: 0, scope: Scope::Lane }
    }

    /// The same of the whole node.
    pub fn of_node(self) -> Metric {
        Metric { scope: Scope::Node, ..self }
    }

    /// The same in this group of its source.
    pub fn in_group(self, group: u8) -> Metric {
        Metric { group, ..self }
    }
}

/// Which lane opens a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Is it the lane that reads what is counted once for all lanes of its node?
    pub reads_node: bool,
    /// Does all of its process work for it? That of a lane whose accelerator's library computes on
    /// threads of its own: what the kernel accounts to the lane's thread is not all of its work.
    pub whole_process: bool,
}

impl Seat {
    /// A lane that is alone on its node.
    pub const ALONE: Seat = Seat { reads_node: true, whole_process: false };
}

/// Can a metric be had here?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Yes: one of the probe's raw values belongs to it.
    Yes,
    /// Another lane of this node reads it, for all.
    Elsewhere,
    /// No.
    No {
        /// Why, short: it stands in every record.
        why: String,
        /// What to do about it, as long as needed: `amdahl doctor` prints it.
        help: String,
    },
}

/// One raw reading at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw {
    /// The count so far, not scaled, in the metric's unit. It only grows.
    pub value: f64,
    /// Seconds so far during which the counter was wanted.
    pub enabled_s: f64,
    /// Seconds so far during which it really counted: fewer than `enabled_s` when counters share
    /// the hardware in turns.
    pub running_s: f64,
}

impl Raw {
    /// A reading that could not be taken. It turns the metric of this repeat into "missing", never
    /// into 0.
    pub const LOST: Raw = Raw { value: f64::NAN, enabled_s: 0.0, running_s: 0.0 };

    /// A reading of something that always counts.
    pub fn counted(value: f64) -> Raw {
        Raw { value, enabled_s: 0.0, running_s: 0.0 }
    }
}

/// One source of counters on one lane. Created, used and dropped on that lane's thread.
pub trait Probe {
    /// Every metric this source knows, in the order of snapshots, and whether it can be had here.
    fn available(&self) -> Vec<(Metric, Availability)>;

    /// Writes one raw reading per *available* metric into `into`, in the order of
    /// [`Probe::available`].
    fn snapshot(&mut self, into: &mut [Raw]);

    /// Where its values come from, when they need not be scaled.
    fn provenance(&self) -> Provenance {
        Provenance::Measured
    }
}

/// A source by name, and how to open it on the calling thread. Opening never fails: what cannot be
/// had is said by `available`.
#[derive(Clone, Copy, Debug)]
pub struct ProbeSource {
    /// Name in `AMDAHL_PROBES` and in `amdahl doctor`.
    pub name: &'static str,
    /// Opens it on the calling thread.
    pub open: fn(Seat) -> Box<dyn Probe>,
}

/// Every source. A new one is a file and a line here. The clock comes first: it is the wall time.
pub const PROBES: &[ProbeSource] = &[
    ProbeSource { name: "clock", open: clock::open },
    ProbeSource { name: "rusage", open: rusage::open },
    ProbeSource { name: "perf", open: perf::open_core },
    ProbeSource { name: "perf-cache", open: perf::open_caches },
    ProbeSource { name: "perf-tlb", open: perf::open_tlb },
    ProbeSource { name: "perf-stalls", open: perf::open_stalls },
    ProbeSource { name: "perf-fp", open: perf::open_vectors },
    ProbeSource { name: "neuron", open: neuron::open },
    ProbeSource { name: "memory", open: uncore::open },
    ProbeSource { name: "energy", open: energy::open },
];

/// The variable that selects sources: names separated by commas.
pub const VARIABLE: &str = "AMDAHL_PROBES";

/// Metrics without which there are no hardware counters to speak of.
pub const HARDWARE: [&str; 2] = ["cycles", "instructions"];

/// Which counters a launcher wants (`AMDAHL_COUNTERS`), and the sources: those that `AMDAHL_PROBES`
/// selects, else all; with counters `off`, the clock alone.
pub fn selected() -> Result<(Counters, Vec<ProbeSource>)> {
    let word = std::env::var(Counters::VARIABLE).unwrap_or_default();
    let counters = match Counters::ALL.into_iter().find(|counters| counters.word() == word) {
        Some(counters) => counters,
        None if word.is_empty() => Counters::Auto,
        None => {
            let known = Counters::ALL.map(Counters::word).join(", ");
            return Err(Error::usage(format!(
                "{} = '{word}': expected one of {known}",
                Counters::VARIABLE
            )));
        }
    };
    let sources = match counters {
        Counters::Off => select(Some("clock"))?,
        _ => select(std::env::var(VARIABLE).ok().as_deref())?,
    };
    Ok((counters, sources))
}

/// The sources that `names` (separated by commas) selects; all for `None` or an empty text. The
/// clock is always among them, and first.
pub fn select(names: Option<&str>) -> Result<Vec<ProbeSource>> {
    let Some(names) = names.filter(|names| !names.trim().is_empty()) else {
        return Ok(PROBES.to_vec());
    };
    let wanted: Vec<&str> =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    for name in &wanted {
        if !PROBES.iter().any(|source| source.name == *name) {
            let known: Vec<&str> = PROBES.iter().map(|source| source.name).collect();
            return Err(Error::usage(format!("unknown probe '{name}' in {VARIABLE}"))
                .hint(format!("the probes are {}", known.join(", "))));
        }
    }
    Ok(PROBES
        .iter()
        .filter(|source| source.name == "clock" || wanted.contains(&source.name))
        .copied()
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_always_first() {
        let names = |text| -> Vec<&str> {
            select(text).expect("known names").iter().map(|s| s.name).collect()
        };
        assert_eq!(names(None)[0], "clock");
        assert_eq!(names(None).len(), PROBES.len());
        assert_eq!(names(Some("rusage")), ["clock", "rusage"]);
        assert_eq!(names(Some(" clock ")), ["clock"]);
        assert_eq!(names(Some("")).len(), PROBES.len());
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let error = select(Some("clock,rusge")).expect_err("a typo");
        assert!(error.message.contains("'rusge'"), "{error}");
        assert!(error.hint.is_some_and(|hint| hint.contains("rusage")));
    }

    #[test]
    fn every_metric_has_a_name_of_its_own() {
        let mut names: Vec<&str> = Vec::new();
        for source in PROBES {
            for (metric, _) in (source.open)(Seat::ALONE).available() {
                assert!(!names.contains(&metric.name), "'{}' twice", metric.name);
                names.push(metric.name);
            }
        }
        assert_eq!(names[0], "wall");
    }
}

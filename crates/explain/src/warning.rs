//! What a reader should know before believing a table: each warning says what was seen and what to
//! do.

use std::fmt;

use serde::Serialize;

use crate::labels;
use amdahl_record::cell::CellId;
use amdahl_record::units;
use amdahl_stats::binomial;

/// Speedup of another cell with one lane above which a base is called slow: its whole interval.
pub const SLOW_BASE: f64 = 1.05;

/// Efficiency above which a cell is called faster than its lanes allow: its whole interval.
pub const SUPERLINEAR: f64 = 1.1;

/// Share of stolen CPU time above which a repeat is suspect.
pub const HIGH_STEAL: f64 = 0.02;

/// Time for which a quota kept lanes from running, over a repeat's time, above which it is suspect.
pub const THROTTLED: f64 = 0.01;

/// Share of the computing time that a lane was without a CPU above which a repeat is suspect.
pub const CROWDED: f64 = 0.05;

/// Share of a phase that reading the probes at its beginning may take.
pub const PROBING: f64 = 0.01;

/// Fraction of its floor above which a cell contradicts it.
pub const BEYOND: f64 = 1.02;

/// Half width of an interval, as a share of the median, above which a cell is called noisy.
pub const NOISY: f64 = 0.05;

/// What a reader should know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Warning {
    /// Cells of one or two repeats: no interval.
    NoInterval {
        /// The cells.
        cells: Vec<CellId>,
    },
    /// Cells of so few repeats that no interval between samples reaches the level.
    FewRepeats {
        /// The cells.
        cells: Vec<CellId>,
        /// Repeats of the cell that has fewest.
        fewest: usize,
        /// Repeats that the level needs.
        wanted: usize,
    },
    /// Cells whose interval is wide.
    Noisy {
        /// The cells.
        cells: Vec<CellId>,
        /// The largest half width as a share of its median.
        worst: f64,
    },
    /// Cells with more lanes than CPUs.
    Oversubscribed {
        /// The cells.
        cells: Vec<CellId>,
    },
    /// Cells with more lanes than cores: hardware threads of one core share what computes.
    SharedCores {
        /// The cells.
        cells: Vec<CellId>,
    },
    /// Cells whose speedup is over a base that ran another kernel.
    MixedKernels {
        /// The cells.
        cells: Vec<CellId>,
        /// The instruction sets of the kernels.
        kernels: Vec<String>,
    },
    /// Cells with one lane that are shown to be faster than a base that is the same program on one
    /// lane.
    SlowBase {
        /// The cells.
        cells: Vec<CellId>,
        /// The largest speedup among them.
        most: f64,
    },
    /// Cells that are shown to be faster than their number of lanes allows.
    Superlinear {
        /// The cells.
        cells: Vec<CellId>,
        /// The largest efficiency.
        most: f64,
    },
    /// Cells in which several lanes ran on the same CPU although there were enough.
    SharedCpu {
        /// The cells.
        cells: Vec<CellId>,
    },
    /// Cells from which the hypervisor took CPU time.
    Steal {
        /// The cells.
        cells: Vec<CellId>,
        /// The largest share of a repeat.
        worst: f64,
    },
    /// Cells whose lanes a quota of CPU time kept from running.
    Throttled {
        /// The cells.
        cells: Vec<CellId>,
        /// The largest time, of all CPUs together, over a repeat's time.
        worst: f64,
    },
    /// Cells whose lanes, while they computed, often had no CPU: something else ran on it.
    Crowded {
        /// The cells.
        cells: Vec<CellId>,
        /// The largest share of a repeat's computing time.
        worst: f64,
    },
    /// Cells with a phase so short that reading the probes took a part of it that counts.
    Probing {
        /// The cells.
        cells: Vec<CellId>,
        /// The phases, as words.
        phases: Vec<String>,
        /// The largest share of a phase.
        worst: f64,
    },
    /// Cells that were faster than their floor.
    BelowFloor {
        /// The cells.
        cells: Vec<CellId>,
        /// The largest fraction of the floor.
        most: f64,
    },
    /// The table stands on more than one machine.
    MixedHosts {
        /// Their ids.
        hosts: Vec<String>,
    },
    /// The table stands on more than one build of the worker.
    MixedBuilds {
        /// Their ids.
        builds: Vec<String>,
    },
    /// Cells under MPI were measured with more than one library.
    MixedMpi {
        /// Hashes of what the libraries say of themselves, as keys have them.
        libraries: Vec<String>,
    },
    /// The worker was built from a checkout with uncommitted changes.
    DirtyBuild {
        /// Ids of the builds.
        builds: Vec<String>,
    },
    /// Repeats of older builds, data or machines were left out.
    LeftOut {
        /// Number of repeats.
        records: usize,
        /// The cells they belong to.
        cells: Vec<CellId>,
    },
    /// Repeats were left out because a later run measured all anew (`--fresh`).
    Replaced {
        /// Number of repeats.
        records: usize,
    },
    /// Cells that have no speedup because their base was not measured.
    BaseMissing {
        /// Name of the base's backend.
        base: String,
        /// The cells.
        cells: Vec<CellId>,
    },
    /// Cells that have no speedup because their base comes from another machine or other data.
    BaseElsewhere {
        /// The cells.
        cells: Vec<CellId>,
    },
    /// Repeats of cells that no line describes.
    UnknownCell {
        /// Number of repeats.
        records: usize,
    },
    /// Repeats whose time is no positive number.
    UnusableTime {
        /// Number of repeats.
        records: usize,
    },
    /// Repeats that stand in the folder more than once. Each counts once.
    Doubled {
        /// How many, and in which files.
        what: String,
    },
    /// A line that could not be read.
    Damaged {
        /// File, line and what is wrong.
        what: String,
    },
    /// What the worker said of its answer.
    Answer {
        /// The cells.
        cells: Vec<CellId>,
        /// In its words.
        what: String,
    },
}

fn cells(count: usize) -> String {
    if count == 1 { "1 cell".into() } else { format!("{} cells", units::count(count as f64)) }
}

fn repeats(count: usize) -> String {
    if count == 1 { "1 repeat".into() } else { format!("{} repeats", units::count(count as f64)) }
}

fn percent(share: f64) -> String {
    format!("{} %", units::significant(share * 100.0))
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::NoInterval { cells: c } => {
                write!(f, "{} with fewer than 3 good repeats: no interval", cells(c.len()))
            }
            Warning::FewRepeats { cells: c, fewest, wanted } => write!(
                f,
                "{} with fewer than {wanted} good repeats: an interval from {fewest} holds the median at most {} of the time",
                cells(c.len()),
                percent(binomial::best_level(*fewest))
            ),
            Warning::Noisy { cells: c, worst } => {
                write!(
                    f,
                    "{} known no better than ± {} (the worst)",
                    cells(c.len()),
                    percent(*worst)
                )
            }
            Warning::Oversubscribed { cells: c } => {
                write!(
                    f,
                    "{} with more lanes than CPUs: lanes wait for a CPU, not only for each other",
                    cells(c.len())
                )
            }
            Warning::SharedCores { cells: c } => write!(
                f,
                "{} with more lanes than cores: hardware threads of a core share what computes",
                cells(c.len())
            ),
            Warning::MixedKernels { cells: c, kernels } => write!(
                f,
                "{} with another kernel than the base of their speedups: {}",
                cells(c.len()),
                labels::one_line(&kernels.join(" and "), 120)
            ),
            Warning::SlowBase { cells: c, most } => write!(
                f,
                "the base of the speedups is slow: {} with one lane, too, up to {} times as fast",
                cells(c.len()),
                units::significant(*most)
            ),
            Warning::Superlinear { cells: c, most } => write!(
                f,
                "{} faster than their lanes allow, up to {} of the ideal",
                cells(c.len()),
                percent(*most)
            ),
            Warning::SharedCpu { cells: c } => {
                write!(
                    f,
                    "{} with several lanes on one CPU, although there were enough CPUs",
                    cells(c.len())
                )
            }
            Warning::Steal { cells: c, worst } => {
                write!(
                    f,
                    "the hypervisor took up to {} of the CPU time from {} (medians)",
                    percent(*worst),
                    cells(c.len())
                )
            }
            Warning::Throttled { cells: c, worst } => write!(
                f,
                "a quota of CPU time (a container's) stopped the lanes of {}, for up to {} of a repeat's time (medians)",
                cells(c.len()),
                percent(*worst)
            ),
            Warning::Crowded { cells: c, worst } => {
                write!(
                    f,
                    "other programs ran on the CPUs of {}: up to {} of the computing time (medians)",
                    cells(c.len()),
                    percent(*worst)
                )
            }
            Warning::Probing { cells: c, phases, worst } => {
                let most = match *worst > 1.0 {
                    true => format!("{} times", units::count(*worst)),
                    false => format!("{} of", percent(*worst)),
                };
                write!(
                    f,
                    "reading the probes took up to {most} a phase's own time in {}: {}",
                    cells(c.len()),
                    phases.join(", ")
                )
            }
            Warning::BelowFloor { cells: c, most } => {
                write!(
                    f,
                    "{} faster than their floor, by up to {}",
                    cells(c.len()),
                    percent(*most - 1.0)
                )
            }
            Warning::MixedHosts { hosts } => {
                write!(f, "results of {} machines in one table", hosts.len())
            }
            Warning::MixedBuilds { builds } => {
                write!(f, "results of {} builds of the worker in one table", builds.len())
            }
            Warning::MixedMpi { libraries } => {
                write!(f, "results of {} MPI libraries in one table", libraries.len())
            }
            Warning::DirtyBuild { builds } => match builds.len() {
                1 => write!(f, "the worker was built from a checkout with uncommitted changes"),
                n => write!(
                    f,
                    "{n} builds of the worker come from a checkout with uncommitted changes"
                ),
            },
            Warning::LeftOut { records, cells: c } => write!(
                f,
                "{} of {} left out: older program, data or machine than the newest good repeat",
                repeats(*records),
                cells(c.len())
            ),
            Warning::Replaced { records } => {
                write!(
                    f,
                    "{} left out: a later run measured them anew (--fresh)",
                    repeats(*records)
                )
            }
            Warning::BaseMissing { base, cells: c } => {
                write!(
                    f,
                    "{} without a speedup: the base '{base}' has no good repeat",
                    cells(c.len())
                )
            }
            Warning::BaseElsewhere { cells: c } => {
                write!(
                    f,
                    "{} without a speedup: the base was measured on another machine or other data",
                    cells(c.len())
                )
            }
            Warning::UnknownCell { records } => {
                write!(f, "{} left out: no line says which cell it is", repeats(*records))
            }
            Warning::UnusableTime { records } => {
                write!(f, "{} left out: the time is no positive number", repeats(*records))
            }
            Warning::Doubled { what } | Warning::Damaged { what } => {
                f.write_str(&labels::one_line(what, 300))
            }
            Warning::Answer { cells: c, what } => {
                write!(f, "{} ({})", labels::one_line(what, 300), cells(c.len()))
            }
        }
    }
}

impl Warning {
    /// What to do about it; `None` where nothing needs doing.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Warning::NoInterval { .. } | Warning::FewRepeats { .. } => {
                "raise 'repeats' in the manifest and run it again: only what is missing is measured"
            }
            Warning::Noisy { .. } => {
                "end other programs, raise 'repeats' or the number of iterations; smaller differences cannot be told apart"
            }
            Warning::Oversubscribed { .. } => {
                "do not read these as scaling; leave them out or use a machine with more CPUs"
            }
            Warning::SharedCores { .. } => {
                "read them apart from cells with a core for each lane; laws of scaling are not fitted to them"
            }
            Warning::MixedKernels { .. } => {
                "measure base and cells with the same AMDAHL_KERNEL: run the experiment again with --fresh"
            }
            Warning::SlowBase { .. } => {
                "speedups over it promise too much: find out what slowed it down, and run it again with --fresh"
            }
            Warning::Superlinear { .. } => {
                "either the rows of a lane fit a cache that all rows do not fit, which the roofline tells, or the base is slow: run it again with --fresh"
            }
            Warning::SharedCpu { .. } => {
                "look at 'amdahl doctor' for what keeps lanes from being pinned"
            }
            Warning::Steal { .. } => "measure on a quieter or a real machine, or at another time",
            Warning::Throttled { .. } => {
                "give the container whole CPUs (docker run --cpuset-cpus) instead of a quota, or use fewer lanes: these times tell of the quota"
            }
            Warning::Crowded { .. } => {
                "end other programs and run again with --fresh; until then the times tell of them too"
            }
            Warning::Probing { .. } => {
                "that time is in no phase, but counters of these phases hold a part of it: choose fewer probes with AMDAHL_PROBES, or \
                 counters = \"off\"; 'amdahl doctor' prints what each costs"
            }
            Warning::BelowFloor { .. } => {
                "the limits were measured on a busier machine, or the rows were partly kept in a cache: run again with --fresh"
            }
            Warning::MixedHosts { .. } => {
                "compare cells of one machine only; give each machine its own folder with --results"
            }
            Warning::MixedBuilds { .. } => {
                "run the experiment again with --fresh to measure all cells with one build"
            }
            Warning::MixedMpi { .. } => {
                "run the experiment again, so that all cells under MPI are measured with the library that is here now"
            }
            Warning::DirtyBuild { .. } => {
                "commit, build and run again, so that the revision says what was measured"
            }
            Warning::BaseMissing { .. } => {
                "run the base's cell, or see under failures why it has no result"
            }
            Warning::BaseElsewhere { .. } => {
                "run the experiment on one machine; the base is measured there too"
            }
            Warning::UnknownCell { .. } => {
                "run the experiment again: that writes the lost line, and nothing is measured again for it"
            }
            Warning::UnusableTime { .. } => "run the experiment again; what is missing is measured",
            Warning::LeftOut { .. }
            | Warning::Replaced { .. }
            | Warning::Doubled { .. }
            | Warning::Damaged { .. }
            | Warning::Answer { .. } => {
                return None;
            }
        })
    }

    /// The cells that it is about; empty when it is about all of them.
    pub fn cells(&self) -> &[CellId] {
        match self {
            Warning::NoInterval { cells }
            | Warning::FewRepeats { cells, .. }
            | Warning::Noisy { cells, .. }
            | Warning::Oversubscribed { cells }
            | Warning::SharedCores { cells }
            | Warning::MixedKernels { cells, .. }
            | Warning::SlowBase { cells, .. }
            | Warning::Superlinear { cells, .. }
            | Warning::SharedCpu { cells }
            | Warning::Steal { cells, .. }
            | Warning::Throttled { cells, .. }
            | Warning::Crowded { cells, .. }
            | Warning::Probing { cells, .. }
            | Warning::BelowFloor { cells, .. }
            | Warning::LeftOut { cells, .. }
            | Warning::BaseMissing { cells, .. }
            | Warning::BaseElsewhere { cells }
            | Warning::Answer { cells, .. } => cells,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_and_what_to_do() {
        let warning = Warning::FewRepeats {
            cells: vec![CellId("a".into()), CellId("b".into())],
            fewest: 3,
            wanted: 6,
        };
        assert_eq!(
            warning.to_string(),
            "2 cells with fewer than 6 good repeats: an interval from 3 holds the median at most 75.0 % of the time"
        );
        assert!(warning.advice().is_some_and(|a| a.contains("repeats")));
        assert_eq!(warning.cells().len(), 2);
    }
}

//! Probes: what is counted while a lane computes.
//!
//! A probe is one source of counters on one lane. It says beforehand which metrics it has and why it lacks others, and it takes
//! snapshots. The [`recorder::Recorder`] takes one at every phase boundary and adds the differences up per phase.

use crate::record::Provenance;
use crate::units::Unit;

/// A metric that a probe knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Name in records.
    pub name: &'static str,
    /// Unit of its values.
    pub unit: Unit,
}

/// Can a metric be had here?
#[derive(Clone, Debug, PartialEq)]
pub enum Availability {
    /// Yes: this many of the probe's raw values belong to it (one each).
    Yes,
    /// No, for this reason, with what to do about it.
    No(String),
}

/// One raw reading at one moment. Values only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Raw {
    /// The value, in the metric's unit.
    pub value: f64,
    /// Share of the time so far that the counter was on the hardware: 1 unless multiplexed, 0 when never counted.
    pub coverage: f64,
}

/// One source of counters on one lane. Created, used and dropped on that lane's thread.
pub trait Probe {
    /// Every metric this source knows, in the order of snapshots, and whether it can be had here.
    fn available(&self) -> Vec<(Metric, Availability)>;

    /// Writes one raw reading per *available* metric into `into`, in the order of [`Probe::available`].
    fn snapshot(&mut self, into: &mut [Raw]);

    /// Where its values come from.
    fn provenance(&self) -> Provenance {
        Provenance::Measured
    }
}

/// A source by name, and how to open it on the calling thread. Opening never fails: what cannot be had is said by `available`.
pub struct ProbeSource {
    /// Name in `amdahl doctor`.
    pub name: &'static str,
    /// Opens it on the calling thread.
    pub open: fn() -> Box<dyn Probe>,
}

/// Every source. A new one is a file and a line here. The clock comes first: it is the wall time.
pub const PROBES: &[ProbeSource] = &[];

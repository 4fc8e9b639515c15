//! The machine's own limits as they were measured: what no program on it can beat, and so what a
//! time is compared with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LoadFacts;

/// Version of the form of [`Limits`]. A reader leaves out newer ones with a warning.
pub const LIMITS: u32 = 1;

/// What one machine reached in arithmetic and in moving data. Rates are in flop/s and byte/s (10⁹,
/// not 2³⁰).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Version of this form.
    pub version: u32,
    /// [`crate::host::HostFacts::id`] of the machine.
    pub host: String,
    /// [`super::BuildFacts::id`] of the worker that measured; empty in the worker's own output.
    pub build: String,
    /// Unix time of the measuring, milliseconds.
    pub measured_ms: u64,
    /// The short version, which a sweep begins with.
    pub quick: bool,
    /// Instruction set of the measuring loops.
    pub vector: String,
    /// The core's clock while it computes, Hz.
    pub clock: Figure,
    /// Arithmetic, by number of lanes.
    pub peaks: Vec<Peak>,
    /// Bandwidths, by level, lanes and pages.
    pub bandwidths: Vec<Bandwidth>,
    /// What else the machine was doing.
    pub load: LoadFacts,
}

/// Arithmetic of so many lanes together, each pinned to a CPU of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Peak {
    /// Number of lanes.
    pub lanes: u32,
    /// f32 multiply-adds in registers, flop/s: two for each.
    pub fma: Figure,
}

/// Bandwidth of so many lanes together, each over a buffer of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bandwidth {
    /// Where the buffer lies.
    pub level: Level,
    /// Number of lanes.
    pub lanes: u32,
    /// On huge pages?
    pub huge_pages: bool,
    /// Size of the level that one lane sees, bytes; null for memory and where it is not known.
    pub capacity_bytes: Option<u64>,
    /// Each lane's buffer, bytes; null where none fits.
    pub buffer_bytes: Option<u64>,
    /// Reading, byte/s.
    pub read: Figure,
    /// `a[i] = b[i] + s·c[i]`, byte/s: 12 bytes for each i, as STREAM counts.
    pub triad: Figure,
}

/// A level of the memory hierarchy, the inner one first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Level {
    /// First-level data cache.
    L1,
    /// Second level.
    L2,
    /// Third level.
    L3,
    /// Beyond the caches.
    #[serde(rename = "memory")]
    Memory,
}

impl Level {
    /// All levels, the inner ones first.
    pub const ALL: [Level; 4] = [Level::L1, Level::L2, Level::L3, Level::Memory];

    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Level::L1 => "L1",
            Level::L2 => "L2",
            Level::L3 => "L3",
            Level::Memory => "memory",
        }
    }
}

/// The best of several passes, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// The best pass; null where nothing was measured or the value was refused.
    pub best: Option<f64>,
    /// How far the median pass stays behind, as a share of the best: 0 is calm. Null with `best`.
    pub spread: Option<f64>,
    /// Passes that were long enough for the clock.
    pub passes: u32,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Figure {
    /// Nothing, for this reason.
    pub fn missing(why: impl Into<String>) -> Figure {
        Figure { best: None, spread: None, passes: 0, why: Some(why.into()) }
    }

    /// Takes the value back, for this reason.
    pub fn refuse(&mut self, why: impl Into<String>) {
        (self.best, self.spread, self.why) = (None, None, Some(why.into()));
    }
}

impl Limits {
    /// flop/s that this number of lanes cannot exceed: as many times one core's peak, but no more
    /// than all cores reached together. `None` where that was not measured, or where there are more
    /// lanes than were measured.
    pub fn flops(&self, lanes: u32) -> Option<f64> {
        let of = |lanes: u32| self.peaks.iter().find(|peak| peak.lanes == lanes)?.fma.best;
        scaled(lanes, self.all_lanes()?, of(1), of(self.all_lanes()?))
    }

    /// byte/s that this number of lanes cannot exceed in reading from the level, on the pages that
    /// are faster; scaled as [`Limits::flops`].
    pub fn read(&self, level: Level, lanes: u32) -> Option<f64> {
        let of = |lanes: u32| {
            let rows =
                self.bandwidths.iter().filter(|row| row.level == level && row.lanes == lanes);
            rows.filter_map(|row| row.read.best).reduce(f64::max)
        };
        scaled(lanes, self.all_lanes()?, of(1), of(self.all_lanes()?))
    }

    /// Size of the level that one lane sees, bytes.
    pub fn capacity(&self, level: Level) -> Option<u64> {
        self.bandwidths.iter().filter(|row| row.level == level).find_map(|row| row.capacity_bytes)
    }

    /// The number of lanes of the measurement on all cores.
    pub fn all_lanes(&self) -> Option<u32> {
        self.peaks.iter().map(|peak| peak.lanes).max()
    }
}

/// The rate of `lanes` from that of one lane and that of `all`.
fn scaled(lanes: u32, all: u32, one: Option<f64>, together: Option<f64>) -> Option<f64> {
    if lanes == 0 || lanes > all {
        return None;
    }
    let together = together.filter(|_| all > 0);
    // One core does at least its share of what all do together: a disturbed measurement of one does
    // not lower the limit below that.
    let one = one.into_iter().chain(together.map(|rate| rate / f64::from(all))).reduce(f64::max);
    let many = one.map(|rate| rate * f64::from(lanes));
    match (many, together) {
        (Some(many), Some(together)) => {
            Some(if lanes == 1 { many } else { many.min(together.max(many / f64::from(lanes))) })
        }
        (Some(many), None) => (lanes == 1).then_some(many),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lanes_reach_no_more_than_all_cores_together() {
        assert_eq!(scaled(1, 4, Some(10.0), Some(36.0)), Some(10.0));
        assert_eq!(scaled(3, 4, Some(10.0), Some(36.0)), Some(30.0));
        assert_eq!(scaled(4, 4, Some(10.0), Some(36.0)), Some(36.0));
        // Memory that one core nearly fills.
        assert_eq!(scaled(2, 4, Some(10.0), Some(12.0)), Some(12.0));
        assert_eq!(
            scaled(2, 4, Some(10.0), Some(9.0)),
            Some(10.0),
            "two lanes are at least as fast as one"
        );
        // One core was disturbed.
        assert_eq!(scaled(1, 4, Some(5.0), Some(36.0)), Some(9.0));
        assert_eq!(scaled(5, 4, Some(10.0), Some(36.0)), None, "more lanes than CPUs");
        assert_eq!(scaled(2, 4, Some(10.0), None), None);
        assert_eq!(scaled(1, 4, None, None), None);
    }
}

//! The wall clock: seconds of `CLOCK_MONOTONIC`, read without a system call on Linux.

use std::time::Instant;

use super::{Availability, Metric, Probe, Raw, Seat};
use amdahl_record::units::Unit;

/// Name of the metric that every record has, and has first.
pub const WALL: &str = "wall";

struct Clock {
    /// Seconds are counted from here, so that they are small numbers with many exact digits.
    start: Instant,
}

/// Opens the clock.
pub fn open(_: Seat) -> Box<dyn Probe> {
    Box::new(Clock { start: Instant::now() })
}

impl Probe for Clock {
    fn available(&self) -> Vec<(Metric, Availability)> {
        vec![(Metric::new(WALL, Unit::Seconds), Availability::Yes)]
    }

    fn snapshot(&mut self, into: &mut [Raw]) {
        into[0] = Raw::counted(self.start.elapsed().as_secs_f64());
    }
}

//! No scheduler: all that there is, is this machine.

use std::time::Duration;

use super::{Allocation, Finding, Scheduler};
use crate::system::System;

/// This machine, which belongs to nobody's job.
pub struct NoScheduler;

impl Scheduler for NoScheduler {
    fn name(&self) -> &'static str {
        "none"
    }

    fn job(&self, _system: &dyn System) -> Option<String> {
        None
    }

    fn allocation(&self, system: &dyn System) -> Option<Allocation> {
        Some(Allocation::this_machine(system))
    }

    fn time_left(&self, _system: &dyn System) -> Option<Duration> {
        None
    }

    fn findings(&self, _system: &dyn System) -> Vec<Finding> {
        Vec::new()
    }
}

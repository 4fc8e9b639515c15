//! Workloads: the algorithms, each written once, as the program that every lane runs.
//!
//! A workload sees a communicator, a recorder for its phases and the data set; it knows neither ranks from threads nor what launched it.
//! A new one is a room of its own, a line in [`run`] and a variant of [`crate::cell::Workload`].

use std::sync::Arc;

use crate::cell::{Cell, Workload};
use crate::error::Result;
use crate::measure::comm::Comm;
use crate::measure::device::cpu::Pool;
use crate::measure::probe::recorder::Recorder;
use crate::record::Answer;
use crate::record::device::{DeviceFacts, LaneDevice};

pub mod fault;
pub mod kmeans;
pub mod load;

/// What a lane's program works with.
pub struct LaneContext<'a> {
    /// The other lanes; collectives are recorded.
    pub comm: &'a dyn Comm,
    /// This lane's phases.
    pub recorder: &'a Recorder,
    /// The data set, opened at most once in each process.
    pub source: &'a load::SharedSource,
    /// Where the lanes of this process find each other's rows.
    pub pool: &'a Arc<Pool>,
    /// Faults to commit, for tests.
    pub fault: &'a fault::Fault,
}

/// What a lane knows at the end.
#[derive(Clone, Debug)]
pub struct LaneResult {
    /// The answer, the same on every lane.
    pub answer: Answer,
    /// Seconds of the timed part, the same on every lane: from the common start to the end of the last lane.
    pub seconds: f64,
    /// What computed, in its own words.
    pub platform: String,
    /// The kernel that ran.
    pub kernel: String,
    /// Rows of this lane's shard.
    pub rows: u64,
    /// The accelerator, where there is one; on the first lane.
    pub device: Option<DeviceFacts>,
    /// What it did on this lane.
    pub lane_device: Option<LaneDevice>,
}

/// Runs the cell's workload on this lane.
pub fn run(cell: &Cell, context: &LaneContext<'_>) -> Result<LaneResult> {
    match &cell.workload {
        Workload::KMeans(spec) => kmeans::run(spec, &cell.backend, context),
    }
}

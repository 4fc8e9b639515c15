//! Workloads: the algorithms, each written once, as the program that every lane runs.
//!
//! A workload sees a communicator, a recorder for its phases and the data set; it knows neither
//! ranks from threads nor what launched it. A new one is a room of its own and a line in the
//! registry.

use amdahl_lanes::comm::Comm;
use amdahl_lanes::probe::recorder::Recorder;
use amdahl_record::Answer;
use amdahl_record::cell::Cell;
use amdahl_record::device::{DeviceFacts, LaneDevice};
use amdahl_record::error::Result;

pub mod fault;
pub mod load;
pub mod peer;
pub mod shared;

pub use peer::{Judgement, PeerProgram};

/// What a lane's program works with.
pub struct LaneContext<'a> {
    /// The other lanes; collectives are recorded.
    pub comm: &'a dyn Comm,
    /// This lane's phases.
    pub recorder: &'a Recorder,
    /// The data set, opened at most once in each process.
    pub source: &'a load::SharedSource,
    /// What the lanes of this process share.
    pub shared: &'a shared::ProcessShared,
    /// Faults to commit, for tests.
    pub fault: &'a fault::Fault,
}

/// What a lane knows at the end.
#[derive(Clone, Debug)]
pub struct LaneResult {
    /// The answer, the same on every lane.
    pub answer: Answer,
    /// Seconds of the timed part, the same on every lane: from the common start to the end of the
    /// last lane.
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

/// A workload's program, as every lane runs it.
pub trait Program: Sync {
    /// The workload's name in manifests and cells.
    fn name(&self) -> &'static str;

    /// Runs the cell on this lane.
    ///
    /// # Errors
    /// Where the cell cannot be run here, or another lane failed: all lanes have one then.
    fn run(&self, cell: &Cell, context: &LaneContext<'_>) -> Result<LaneResult>;

    /// What it does for outside programs, where there are some that compute the same.
    fn peer(&self) -> Option<&dyn PeerProgram> {
        None
    }
}

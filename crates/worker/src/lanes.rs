//! The lanes of one cell in this process: each with its communicator, its CPU and its recorder.

use serde::{Deserialize, Serialize};

use amdahl_lanes::comm::solo::Solo;
use amdahl_lanes::comm::timed::Timed;
use amdahl_lanes::comm::{Buf, Comm, Op};
use amdahl_lanes::pin;
use amdahl_lanes::probe;
use amdahl_lanes::probe::callgrind::Marker;
use amdahl_lanes::probe::recorder::{LaneReadings, Recorder};
use amdahl_lanes::probe::{Seat, numa};
use amdahl_lanes::reduce::{self, Reduced};
use amdahl_lanes::spawn;
use amdahl_program::fault::Fault;
use amdahl_program::load::SharedSource;
use amdahl_program::shared::ProcessShared;
use amdahl_program::{LaneContext, LaneResult};
use amdahl_programs as programs;
use amdahl_record::LaneFacts;
use amdahl_record::cell::{Backend, Cell, CommKind};
use amdahl_record::counters::Counters;
use amdahl_record::error::{Error, Result};
use amdahl_record::host;
use amdahl_record::launched::RIGHT_LAUNCHER;

/// What one lane leaves behind, sent to the first lane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaneEnd {
    /// Where it ran.
    pub facts: LaneFacts,
    /// What it counted.
    pub readings: LaneReadings,
    /// Largest resident set of its process, bytes.
    pub peak_rss_bytes: Option<u64>,
}

/// What the first lane knows at the end.
pub struct CellEnd {
    /// The workload's result.
    pub result: LaneResult,
    /// Every lane's, in lane order.
    pub lanes: Vec<LaneEnd>,
}

/// What the lanes of a process share.
pub struct Shared<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// The data set.
    pub source: &'a SharedSource,
    /// CPUs that the process may use.
    pub cpus: &'a [u32],
    /// What the lanes share.
    pub shared: ProcessShared,
    /// Faults to commit, for tests.
    pub fault: Fault,
}

/// Runs all lanes of this process. `Some` on the process of lane 0, at the end of all lanes.
pub fn run(shared: &Shared<'_>) -> Result<Option<CellEnd>> {
    let cell = shared.cell;
    let (threads, cpus) = (cell.threads as usize, shared.cpus.len());
    match &cell.backend {
        Backend::Native { comm, .. } => match comm {
            CommKind::Solo => lane(shared, &Solo),
            CommKind::Threads => {
                enough(threads, shared)?;
                spawn::on_threads(threads, threads > cpus, &|comm| lane(shared, comm))
            }
            CommKind::Mpi | CommKind::Hybrid => {
                spawn::on_ranks(|comm| ranks_are_there(shared, comm.lane().ranks), cpus, &|comm| {
                    lane(shared, comm)
                })
            }
        },
        Backend::Peer(name) => {
            Err(Error::internal(format!("'{name}' is not a backend of this program")))
        }
    }
}

/// The threads of each rank, when as many ranks were started as the cell wants.
fn ranks_are_there(shared: &Shared<'_>, ranks: usize) -> Result<usize> {
    if ranks != shared.cell.ranks as usize {
        return Err(Error::unavailable(format!(
            "the cell wants {} ranks, this launcher started {ranks}",
            shared.cell.ranks
        ))
        .hint(RIGHT_LAUNCHER));
    }
    Ok(shared.cell.threads as usize)
}

/// Are there CPUs for so many lanes, or may they share some?
fn enough(lanes: usize, shared: &Shared<'_>) -> Result<()> {
    let cpus = shared.cpus.len();
    if lanes <= cpus || shared.cell.oversubscribe {
        return Ok(());
    }
    Err(Error::unavailable(format!("{lanes} lanes on this node, but only {cpus} CPUs may be used"))
        .hint("use fewer lanes, or set oversubscribe = true: the results are then labelled"))
}

/// Runs one lane on the calling thread.
fn lane(shared: &Shared<'_>, comm: &dyn Comm) -> Result<Option<CellEnd>> {
    let here = comm.lane();
    let selected = probe::selected();
    let reduction = reduce::named(&shared.cell.reduction.0);
    comm.agree(
        enough(here.node_count, shared)
            .and(selected.as_ref().map(drop).map_err(Clone::clone))
            .and(reduction.as_ref().map(drop).map_err(Clone::clone)),
    )?;
    let (counters, sources) = selected?;
    if here.is_root() {
        let names: Vec<_> = sources.iter().map(|source| source.name).collect();
        log::debug!("counters from {}", names.join(", "));
    }
    let pinned = shared
        .cpus
        .get(here.node_index % shared.cpus.len().max(1))
        .copied()
        .filter(|&cpu| pin::pin(cpu));
    let seat = Seat {
        reads_node: here.node_index == 0,
        whole_process: shared.cell.backend.platform().is_some(),
    };
    let recorder = Recorder::new(&sources, seat).marked(Marker::wanted(here.rank));
    comm.agree(if counters == Counters::Hardware {
        recorder.require(&probe::HARDWARE)
    } else {
        Ok(())
    })?;
    let reduced = Reduced::new(comm, reduction?);
    let timed = Timed::new(&reduced, &recorder);
    let context = LaneContext {
        comm: &timed,
        recorder: &recorder,
        source: shared.source,
        shared: &shared.shared,
        fault: &shared.fault,
    };
    let result = programs::of(&shared.cell.workload)?.run(shared.cell, &context)?;
    let cpu = pin::current();
    let (rank, thread, device) = (here.rank as u32, here.thread as u32, result.lane_device);
    let node_index = Some(here.node_index as u32);
    let end = LaneEnd {
        facts: LaneFacts {
            rank,
            thread,
            pinned,
            cpu,
            node_index,
            rows: result.rows,
            device,
            numa: numa::facts(cpu),
        },
        readings: recorder.finish(),
        peak_rss_bytes: host::peak_rss_bytes(),
    };
    let lanes = gather(comm, &end)?;
    Ok(here.is_root().then_some(CellEnd { result, lanes }))
}

/// Every lane's end, on every lane.
fn gather(comm: &dyn Comm, mine: &LaneEnd) -> Result<Vec<LaneEnd>> {
    let lane = comm.lane();
    let text =
        serde_json::to_vec(mine).map_err(|e| Error::internal(format!("a lane's readings: {e}")))?;
    let mut lengths = vec![0u64; lane.count];
    lengths[lane.index] = text.len() as u64;
    comm.all_reduce(Op::Sum, Buf::U64(&mut lengths))?;
    let lengths: Vec<usize> = lengths.into_iter().map(|l| l as usize).collect();
    let mut all = vec![0u8; lengths.iter().sum()];
    comm.all_gather_v(&text, &lengths, &mut all)?;
    let mut rest = all.as_slice();
    lengths
        .iter()
        .map(|&length| {
            let (now, later) = rest.split_at(length);
            rest = later;
            serde_json::from_slice(now)
                .map_err(|e| Error::internal(format!("a lane's readings: {e}")))
        })
        .collect()
}

//! The lanes of one cell in this process: each with its communicator, its CPU and its recorder.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cell::{Backend, Cell, CommKind, DeviceKind};
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::measure::comm::{Buf, Comm, Op, solo::Solo, threads::Team, timed::Timed};
use crate::measure::device::cpu::Pool;
use crate::measure::pin;
use crate::measure::probe;
use crate::measure::probe::recorder::{LaneReadings, Recorder};
use crate::record::LaneFacts;
use crate::workload::{self, LaneContext, LaneResult, fault::Fault, load::SharedSource};

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
    /// Where the lanes find each other's rows.
    pub pool: Arc<Pool>,
    /// Faults to commit, for tests.
    pub fault: Fault,
}

/// Runs all lanes of this process. `Some` on the process of lane 0, at the end of all lanes.
pub fn run(shared: &Shared<'_>) -> Result<Option<CellEnd>> {
    let cell = shared.cell;
    let threads = cell.threads as usize;
    match &cell.backend {
        Backend::Native { comm, device: DeviceKind::Cpu } => match comm {
            CommKind::Solo => lane(shared, &Solo),
            CommKind::Threads => {
                let team = Team::new(threads, threads > shared.cpus.len());
                on_team(shared, &team, &team.member(team.lane(0)), |thread| team.member(team.lane(thread)))
            }
            CommKind::Mpi | CommKind::Hybrid => mpi(shared, threads),
        },
        Backend::Peer(name) => Err(Error::internal(format!("'{name}' is not a backend of this program"))),
    }
}

/// Runs a lane on each thread of a team: `first` on the calling thread, the others on threads of their own.
fn on_team<C: Comm>(
    shared: &Shared<'_>,
    team: &Team,
    first: &dyn Comm,
    member: impl Fn(usize) -> C + Sync,
) -> Result<Option<CellEnd>> {
    // A lane that fails alone frees those who wait for it.
    let guarded = |comm: &dyn Comm| lane(shared, comm).inspect_err(|_| team.poison());
    std::thread::scope(|scope| {
        let (guarded, member) = (&guarded, &member);
        let others: Vec<_> = (1..first.lane().threads)
            .map(|thread| {
                let lane = move || guarded(&member(thread)).map(|_| ());
                std::thread::Builder::new().name(format!("lane-{thread}")).spawn_scoped(scope, lane)
            })
            .collect::<std::io::Result<_>>()
            .map_err(|e| Error::new(Kind::Io, format!("cannot start {} threads: {e}", first.lane().threads)))
            .inspect_err(|_| team.poison())?;
        let mut end = guarded(first);
        for other in others {
            let other = other.join().unwrap_or_else(|_| Err(Error::internal("a lane panicked")));
            // What a lane says of its own failure comes before what others say of it.
            match (&end, other) {
                (Ok(_), Err(error)) => end = Err(error),
                (Err(mine), Err(error)) if mine.kind == Kind::Comm => end = Err(error),
                _ => {}
            }
        }
        end
    })
}

#[cfg(feature = "mpi")]
fn mpi(shared: &Shared<'_>, threads: usize) -> Result<Option<CellEnd>> {
    use crate::measure::comm::Lane;
    use crate::measure::comm::hybrid::{Hybrid, Mailroom};
    use crate::measure::comm::mpi::{Mpi, MpiComm};
    let mpi = Mpi::start()?;
    let outer = mpi.comm(threads);
    let Lane { rank, ranks, node_index, node_count, .. } = outer.lane();
    if ranks != shared.cell.ranks as usize {
        return Err(Error::unavailable(format!(
            "the cell wants {} ranks, this launcher started {ranks}",
            shared.cell.ranks
        ))
        .hint("use the launcher of the MPI that this worker is linked to: see 'amdahl doctor'"));
    }
    if threads == 1 {
        return lane(shared, &outer);
    }
    let team = Team::new(threads, node_count > shared.cpus.len());
    let mail = Mailroom::new(threads);
    let member = |thread: usize| {
        let (index, count, node_index) = (rank * threads + thread, ranks * threads, node_index + thread);
        team.member(Lane { index, count, rank, ranks, thread, threads, node_index, node_count })
    };
    // The first thread alone holds what talks to other ranks, and is the main thread.
    let first = Hybrid::new(member(0), Some(outer), mail.clone());
    on_team(shared, &team, &first, |thread| Hybrid::<MpiComm>::new(member(thread), None, mail.clone()))
}

#[cfg(not(feature = "mpi"))]
fn mpi(_shared: &Shared<'_>, _threads: usize) -> Result<Option<CellEnd>> {
    Err(Error::unavailable("this worker was built without MPI")
        .hint("install an MPI and libclang, then run 'make build' again"))
}

/// Runs one lane on the calling thread.
fn lane(shared: &Shared<'_>, comm: &dyn Comm) -> Result<Option<CellEnd>> {
    let here = comm.lane();
    let room = if here.node_count > shared.cpus.len() && !shared.cell.oversubscribe {
        Err(Error::unavailable(format!(
            "{} lanes on this node, but only {} CPUs may be used",
            here.node_count,
            shared.cpus.len()
        ))
        .hint("use fewer lanes, or set oversubscribe = true: the results are then labelled"))
    } else {
        Ok(())
    };
    let probes = probe::selected();
    comm.agree(room.and(probes.as_ref().map(drop).map_err(Clone::clone)))?;
    let pinned = shared.cpus.get(here.node_index % shared.cpus.len().max(1)).copied().filter(|&cpu| pin::pin(cpu));
    let recorder = Recorder::new(&probes?);
    let timed = Timed::new(comm, &recorder);
    let context = LaneContext {
        comm: &timed,
        recorder: &recorder,
        source: shared.source,
        pool: &shared.pool,
        fault: &shared.fault,
    };
    let result = workload::run(shared.cell, &context)?;
    let cpu = pin::current();
    let end = LaneEnd {
        facts: LaneFacts { rank: here.rank as u32, thread: here.thread as u32, pinned, cpu, rows: result.rows },
        readings: recorder.finish(),
        peak_rss_bytes: host::peak_rss_bytes(),
    };
    let lanes = gather(comm, &end)?;
    Ok(here.is_root().then_some(CellEnd { result, lanes }))
}

/// Every lane's end, on every lane.
fn gather(comm: &dyn Comm, mine: &LaneEnd) -> Result<Vec<LaneEnd>> {
    let lane = comm.lane();
    let text = serde_json::to_vec(mine).map_err(|e| Error::internal(format!("a lane's readings: {e}")))?;
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
            serde_json::from_slice(now).map_err(|e| Error::internal(format!("a lane's readings: {e}")))
        })
        .collect()
}

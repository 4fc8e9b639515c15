//! A program on every lane of this process: threads, ranks, or threads in ranks.

use crate::comm::hybrid::{Hybrid, Mailroom};
use crate::comm::threads::Team;
use crate::comm::{Comm, Lane};
use crate::process;
use amdahl_record::error::{Error, Kind, Result};

/// Runs `program` on `threads` threads of this process, the first of which is the calling one.
/// Returns what it made of it.
///
/// `crowded`: there are fewer CPUs than lanes, so waiting lanes sleep at once.
pub fn on_threads<R>(
    threads: usize,
    crowded: bool,
    program: &(dyn Fn(&dyn Comm) -> Result<R> + Sync),
) -> Result<R> {
    let team = Team::new(threads, crowded);
    on_team(&team, &team.member(team.lane(0)), |thread| team.member(team.lane(thread)), program)
}

/// Runs `program` on every lane of this rank. `threads` says how many there are, from this rank's
/// lane without them; all ranks say the same number. `cpus`: CPUs that the process may use.
///
/// # Errors
/// Where this program is linked to nothing that connects ranks, and what `program` says.
pub fn on_ranks<R>(
    threads: impl FnOnce(&dyn Comm) -> Result<usize>,
    cpus: usize,
    program: &(dyn Fn(&dyn Comm) -> Result<R> + Sync),
) -> Result<R> {
    let library = process::library().ok_or_else(|| {
        Error::unavailable("this worker was built without MPI")
            .hint("install an MPI and libclang, then run 'make build' again")
    })?;
    let started = library.start()?;
    let alone = started.comm(1);
    let threads = threads(&*alone)?;
    if threads == 1 {
        return program(&*alone);
    }
    let outer = started.comm(threads);
    let Lane { rank, ranks, node_index, node_count, .. } = outer.lane();
    let team = Team::new(threads, node_count > cpus);
    let mail = Mailroom::new(threads);
    let member = |thread: usize| {
        let (index, count, node_index) =
            (rank * threads + thread, ranks * threads, node_index + thread);
        team.member(Lane { index, count, rank, ranks, thread, threads, node_index, node_count })
    };
    // The first thread alone holds what talks to other ranks, and is the main thread.
    let first = Hybrid::new(member(0), Some(outer), mail.clone());
    on_team(&team, &first, |thread| Hybrid::new(member(thread), None, mail.clone()), program)
}

/// Runs a lane on each thread of a team: `first` on the calling thread, the others on threads of
/// their own.
fn on_team<C: Comm, R>(
    team: &Team,
    first: &dyn Comm,
    member: impl Fn(usize) -> C + Sync,
    program: &(dyn Fn(&dyn Comm) -> Result<R> + Sync),
) -> Result<R> {
    // A lane that fails alone frees those who wait for it.
    let guarded = |comm: &dyn Comm| program(comm).inspect_err(|_| team.poison());
    std::thread::scope(|scope| {
        let (guarded, member) = (&guarded, &member);
        let others: Vec<_> = (1..first.lane().threads)
            .map(|thread| {
                let lane = move || guarded(&member(thread)).map(|_| ());
                std::thread::Builder::new().name(format!("lane-{thread}")).spawn_scoped(scope, lane)
            })
            .collect::<std::io::Result<_>>()
            .map_err(|e| {
                Error::new(Kind::Io, format!("cannot start {} threads: {e}", first.lane().threads))
            })
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

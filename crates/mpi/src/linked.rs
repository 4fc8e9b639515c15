//! Ranks of an MPI program, one lane each.
//!
//! The crate `mpi` starts and ends MPI and names its types; the collectives that its safe layer
//! lacks (in place, in chunks, on untyped buffers) call its C interface here. MPI's own error
//! handler stays: an error in a collective ends all ranks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::{c_int, c_void};

use mpi::ffi;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{AsRaw, Communicator, CommunicatorCollectives};

use amdahl_lanes::comm::{Buf, Comm, Lane, Op, Recv, Send, Ticket};
use amdahl_lanes::process::{Library, Ranks};
use amdahl_record::error::{Error, Result};

/// Values in one call: MPI counts in `int`.
const CHUNK: usize = 1 << 28;

/// The MPI library that this program is linked to.
pub struct Linked;

impl Library for Linked {
    fn name(&self) -> String {
        description().lines().next().unwrap_or_default().trim().to_string()
    }

    fn description(&self) -> String {
        description()
    }

    fn start(&self) -> Result<Box<dyn Ranks>> {
        match mpi::initialize_with_threading(mpi::Threading::Funneled) {
            Some((universe, level)) if level >= mpi::Threading::Funneled => {
                Ok(Box::new(Mpi { universe }))
            }
            Some(_) => Err(Error::unavailable(
                "this MPI does not allow threads beside the main thread (MPI_THREAD_FUNNELED)",
            )),
            None => Err(Error::internal("MPI was initialised twice")),
        }
    }

    fn abort(&self, code: i32) {
        if mpi::environment::is_initialized() && !mpi::environment::is_finalized() {
            // SAFETY: MPI is initialised and not finalised; MPI_COMM_WORLD exists. This ends the
            // process.
            unsafe {
                ffi::MPI_Abort(ffi::RSMPI_COMM_WORLD, code);
            }
        }
    }
}

/// All that the library says of itself: with MPICH also its device and how it was configured.
fn description() -> String {
    let text = mpi::environment::library_version().unwrap_or_default();
    text.trim_end_matches('\0').trim().to_string()
}

/// MPI, initialised; finalised when dropped.
struct Mpi {
    universe: mpi::environment::Universe,
}

impl Ranks for Mpi {
    fn comm(&self, threads: usize) -> Box<dyn Comm> {
        let world = self.universe.world();
        let node = world.split_shared(world.rank());
        let (rank, ranks) = (world.rank() as usize, world.size() as usize);
        let lane = Lane {
            index: rank,
            count: ranks,
            rank,
            ranks,
            thread: 0,
            threads: 1,
            node_index: node.rank() as usize * threads,
            node_count: node.size() as usize * threads,
        };
        Box::new(MpiComm { world, lane, pending: RefCell::default(), in_place: in_place() })
    }
}

/// The library's marker for "the receive buffer is the send buffer", a macro that no binding
/// generator can read. Open MPI's mpi.h defines it as (void*)1, MPICH and its descendants as
/// (void*)-1.
fn in_place() -> Option<*const c_void> {
    let library = Linked.name();
    if library.contains("Open MPI") {
        Some(std::ptr::without_provenance(1))
    } else if ["MPICH", "CRAY MPICH", "Intel(R) MPI", "MVAPICH"]
        .iter()
        .any(|name| library.contains(name))
    {
        Some(std::ptr::without_provenance(usize::MAX))
    } else {
        None
    }
}

/// All ranks, for the thread that started MPI.
struct MpiComm {
    world: SimpleCommunicator,
    lane: Lane,
    pending: RefCell<VecDeque<Pending>>,
    in_place: Option<*const c_void>,
}

/// A sum on its way. MPI holds pointers into `values` and `send`, whose heap memory stays where it
/// is when this is moved.
struct Pending {
    values: Vec<i64>,
    _send: Vec<i64>,
    requests: Vec<ffi::MPI_Request>,
}

impl Drop for MpiComm {
    fn drop(&mut self) {
        for pending in self.pending.get_mut() {
            wait_all(&mut pending.requests);
        }
    }
}

fn wait_all(requests: &mut [ffi::MPI_Request]) {
    // SAFETY: all requests are live, and statuses are ignored.
    unsafe {
        ffi::MPI_Waitall(
            requests.len() as c_int,
            requests.as_mut_ptr(),
            ffi::RSMPI_STATUSES_IGNORE,
        );
    }
}

fn operation(op: Op) -> ffi::MPI_Op {
    // SAFETY: these are constants of the library, read only.
    unsafe {
        match op {
            Op::Sum => ffi::RSMPI_SUM,
            Op::Min => ffi::RSMPI_MIN,
            Op::Max => ffi::RSMPI_MAX,
        }
    }
}

impl MpiComm {
    fn all_reduce_in_chunks<T: Copy>(
        &self,
        values: &mut [T],
        datatype: ffi::MPI_Datatype,
        op: ffi::MPI_Op,
    ) {
        for chunk in values.chunks_mut(CHUNK) {
            let copy = if self.in_place.is_none() { chunk.to_vec() } else { Vec::new() };
            let send = self.in_place.unwrap_or(copy.as_ptr().cast());
            // SAFETY: `chunk` holds `len` values of `datatype`; the send buffer is a copy of it or
            // the marker for "in place".
            unsafe {
                ffi::MPI_Allreduce(
                    send,
                    chunk.as_mut_ptr().cast(),
                    chunk.len() as c_int,
                    datatype,
                    op,
                    self.world.as_raw(),
                );
            }
        }
    }
}

impl Comm for MpiComm {
    fn lane(&self) -> Lane {
        self.lane
    }

    fn barrier(&self) -> Result<()> {
        self.world.barrier();
        Ok(())
    }

    fn broadcast(&self, root: usize, bytes: &mut [u8]) -> Result<()> {
        for chunk in bytes.chunks_mut(CHUNK) {
            // SAFETY: `chunk` is `len` bytes; all ranks pass the same length and so the same
            // chunks.
            unsafe {
                ffi::MPI_Bcast(
                    chunk.as_mut_ptr().cast(),
                    chunk.len() as c_int,
                    ffi::RSMPI_UINT8_T,
                    root as c_int,
                    self.world.as_raw(),
                );
            }
        }
        Ok(())
    }

    fn all_reduce(&self, op: Op, values: Buf<'_>) -> Result<()> {
        // SAFETY: the datatypes are constants of the library, read only.
        let (int64, uint64, double) =
            unsafe { (ffi::RSMPI_INT64_T, ffi::RSMPI_UINT64_T, ffi::RSMPI_DOUBLE) };
        match values {
            Buf::I64(v) => self.all_reduce_in_chunks(v, int64, operation(op)),
            Buf::U64(v) => self.all_reduce_in_chunks(v, uint64, operation(op)),
            Buf::F64(v) => self.all_reduce_in_chunks(v, double, operation(op)),
        }
        Ok(())
    }

    fn all_gather_v(&self, send: &[u8], counts: &[usize], recv: &mut [u8]) -> Result<()> {
        // Counts and displacements are `int` here too, so large gathers are a broadcast from each
        // rank in turn.
        let mut rest = recv;
        for (rank, &count) in counts.iter().enumerate() {
            let (part, later) = rest.split_at_mut(count);
            if rank == self.lane.rank {
                part.copy_from_slice(send);
            }
            self.broadcast(rank, part)?;
            rest = later;
        }
        Ok(())
    }

    fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()> {
        // First, because nothing may return before MPI_Waitall once a transfer has begun.
        let mut to_self = sends.iter().find(|send| send.to == self.lane.rank);
        for recv in recvs.iter_mut().filter(|recv| recv.from == self.lane.rank) {
            match to_self.take() {
                Some(send) if send.bytes.len() == recv.bytes.len() => {
                    recv.bytes.copy_from_slice(send.bytes)
                }
                _ => {
                    return Err(Error::internal(
                        "a message to oneself was not sent, or in another length",
                    ));
                }
            }
        }
        let mut requests = Vec::new();
        for recv in recvs.iter_mut().filter(|recv| recv.from != self.lane.rank) {
            for chunk in recv.bytes.chunks_mut(CHUNK) {
                // SAFETY: the memory is borrowed until MPI_Waitall below, and each chunk belongs to
                // one request.
                unsafe {
                    let mut request = ffi::RSMPI_REQUEST_NULL;
                    ffi::MPI_Irecv(
                        chunk.as_mut_ptr().cast(),
                        chunk.len() as c_int,
                        ffi::RSMPI_UINT8_T,
                        recv.from as c_int,
                        0,
                        self.world.as_raw(),
                        &mut request,
                    );
                    requests.push(request);
                }
            }
        }
        for send in sends.iter().filter(|send| send.to != self.lane.rank) {
            for chunk in send.bytes.chunks(CHUNK) {
                // SAFETY: the memory is borrowed, unchanged, until MPI_Waitall below.
                unsafe {
                    let mut request = ffi::RSMPI_REQUEST_NULL;
                    ffi::MPI_Isend(
                        chunk.as_ptr().cast(),
                        chunk.len() as c_int,
                        ffi::RSMPI_UINT8_T,
                        send.to as c_int,
                        0,
                        self.world.as_raw(),
                        &mut request,
                    );
                    requests.push(request);
                }
            }
        }
        wait_all(&mut requests);
        Ok(())
    }

    fn start_sum(&self, mut values: Vec<i64>) -> Result<Ticket> {
        let send = if self.in_place.is_none() { values.clone() } else { Vec::new() };
        let mut requests = Vec::new();
        for (i, chunk) in values.chunks_mut(CHUNK).enumerate() {
            let from = self.in_place.unwrap_or_else(|| send[i * CHUNK..].as_ptr().cast());
            // SAFETY: `values` and `send` go into `pending` and are neither moved on the heap nor
            // read before MPI_Waitall.
            unsafe {
                let mut request = ffi::RSMPI_REQUEST_NULL;
                ffi::MPI_Iallreduce(
                    from,
                    chunk.as_mut_ptr().cast(),
                    chunk.len() as c_int,
                    ffi::RSMPI_INT64_T,
                    ffi::RSMPI_SUM,
                    self.world.as_raw(),
                    &mut request,
                );
                requests.push(request);
            }
        }
        self.pending.borrow_mut().push_back(Pending { values, _send: send, requests });
        Ok(Ticket { values: Vec::new() })
    }

    fn wait_sum(&self, _ticket: Ticket) -> Result<Vec<i64>> {
        let oldest = self.pending.borrow_mut().pop_front();
        match oldest {
            Some(mut pending) => {
                wait_all(&mut pending.requests);
                Ok(pending.values)
            }
            None => Err(Error::internal("no sum was started")),
        }
    }
}

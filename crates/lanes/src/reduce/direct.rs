//! The communicator's own: MPI_Allreduce between ranks, parts of shared memory between threads.

use super::{Reduction, Room};
use crate::comm::{Buf, Comm, Op, Ticket};
use amdahl_record::error::Result;

/// Leaves it to the communicator.
pub struct Direct;

impl Reduction for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn summary(&self) -> &'static str {
        "the communicator's own: MPI_Allreduce, threads in shared memory"
    }

    fn all_reduce(&self, comm: &dyn Comm, op: Op, values: Buf<'_>, _room: &mut Room) -> Result<()> {
        comm.all_reduce(op, values)
    }

    fn start_sum(&self, comm: &dyn Comm, values: Vec<i64>) -> Result<Ticket> {
        comm.start_sum(values)
    }

    fn wait_sum(&self, comm: &dyn Comm, ticket: Ticket, _room: &mut Room) -> Result<Vec<i64>> {
        comm.wait_sum(ticket)
    }
}

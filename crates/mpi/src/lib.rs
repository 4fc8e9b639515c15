//! The MPI library of the worker.
//!
//! A crate of its own, because the worker alone is linked to one: everything else knows ranks
//! through [`amdahl_lanes::process`]. Without the feature `linked` it is empty, so that the
//! workspace builds where there is no MPI.

#[cfg(feature = "linked")]
mod linked;

/// Makes MPI what connects the ranks of this program; does nothing in a build without it.
pub fn register() {
    #[cfg(feature = "linked")]
    amdahl_lanes::process::register(&linked::Linked);
}

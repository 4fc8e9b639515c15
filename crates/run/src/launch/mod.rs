//! Launching: from a command line to a report.
//!
//! Which command line, a scheduler's launcher says ([`crate::scheduler`], [`crate::launcher`]).
//! Starting, watching and ending processes is [`supervise`]'s; what an ending means is
//! [`classify`]'s; one attempt at one cell, from cell file to outcome, is an
//! [`attempt::Executor`]'s.

pub mod attempt;
pub mod classify;
pub mod orphans;
pub mod peer;
pub mod program;
pub mod simulate;
pub mod supervise;

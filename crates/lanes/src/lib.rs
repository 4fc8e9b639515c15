//! What a lane works with: [`comm`]unicators, sums that do not depend on their order ([`exact`]),
//! ways to [`reduce`],
//! [`probe`]s and the phase recorder.
//!
//! Nothing here knows a workload.

pub mod comm;
pub mod exact;
pub mod pin;
pub mod probe;
pub mod process;
pub mod reduce;
pub mod signals;
pub mod spawn;

//! From a manifest to records: [`plan`] resolves it into cells, [`sweep`] takes turns at them,
//! [`launch`] starts and supervises one process (or one set of ranks) a repeat, [`store`] keeps
//! what they leave.

pub mod launch;
pub mod noise;
pub mod plan;
pub mod store;
pub mod sweep;

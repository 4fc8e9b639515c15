//! From a manifest to records: [`plan`] resolves it into cells, [`sweep`] takes turns at them,
//! [`launch`] starts and supervises one process (or one set of ranks) a repeat, [`store`] keeps
//! what they leave. A [`scheduler`] says which nodes there are and picks the [`launcher`] that
//! makes a command line of a cell; what either asks of the [`system`] can be made up in a test.

pub mod launch;
pub mod launcher;
pub mod noise;
pub mod plan;
pub mod scheduler;
pub mod store;
pub mod sweep;
pub mod system;

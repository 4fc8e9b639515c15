//! Measuring: from a cell to a record.

pub mod comm;
pub mod device;
pub mod launch;
pub mod limits;
pub mod noise;
pub mod pin;
pub mod probe;
pub mod store;
pub mod sweep;
pub mod team;
pub mod worker;

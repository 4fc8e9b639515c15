//! Files.

pub mod atomic;
pub mod litter;
pub mod outputs;
pub mod regular;
pub mod written;

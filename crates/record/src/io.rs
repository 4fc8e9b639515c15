//! Files.

pub mod atomic;
pub mod regular;

//! Files.

pub mod atomic;

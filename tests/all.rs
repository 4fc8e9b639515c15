//! The integration tests: one binary, one module a subject.

mod explain;
mod layers;
mod samples;

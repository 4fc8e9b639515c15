//! The integration tests: one binary, one module a subject.

mod compare;
mod explain;
mod layers;
mod samples;
mod setup;

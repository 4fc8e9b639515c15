//! The integration tests: one binary, one module a subject.

mod browser;
mod cache;
#[path = "../benches/common/mod.rs"]
mod common;
mod compare;
mod conformance;
mod counters;
mod data;
mod devices;
mod doctor;
mod documents;
mod drawn;
mod drift;
mod explain;
mod faults;
mod figures;
mod fit;
mod fuzz;
mod instructions;
mod laws;
mod limits;
mod lint;
mod lost;
mod metrics;
mod noise;
mod oracles;
mod outside;
mod page;
mod peers;
mod pjrt;
mod plan;
mod probe;
mod query;
mod readers;
mod reference;
mod report;
mod run;
mod samples;
mod setup;
mod situations;
mod store;
mod support;
#[cfg(feature = "pdf")]
mod typst;
mod verbose;
mod worker;

//! The integration tests: one binary, one module a subject.

#[cfg(feature = "explain")]
mod browser;
mod cache;
#[path = "../benches/common/mod.rs"]
mod common;
mod compare;
mod conformance;
mod counters;
mod data;
#[cfg(feature = "explain")]
mod devices;
mod doctor;
mod documents;
#[cfg(feature = "explain")]
mod drawn;
#[cfg(feature = "explain")]
mod drift;
mod explain;
mod faults;
#[cfg(feature = "explain")]
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
#[cfg(feature = "explain")]
mod page;
mod peers;
mod pjrt;
mod plan;
#[cfg(feature = "explain")]
mod press;
mod probe;
mod readers;
mod reference;
#[cfg(feature = "explain")]
mod report;
mod run;
mod samples;
mod setup;
// Most of them are for figures.
#[cfg_attr(not(feature = "explain"), allow(dead_code))]
mod situations;
mod store;
mod support;
mod verbose;
mod worker;

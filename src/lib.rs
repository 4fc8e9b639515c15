//! `amdahl`: where did my speedup go?
//!
//! The map of the house. Data flows one way, and each arrow is one file:
//!
//! ```text
//! plan  ──cell──▶  measure  ──record──▶  explain
//! ```
//!
//! | room | what is in it |
//! |---|---|
//! | [`error`], [`units`], [`cell`], [`host`], [`record`] | the words that all wings share |
//! | [`exact`] | sums that do not depend on their order |
//! | [`stats`] | medians, intervals: pure functions |
//! | [`data`] | rows of numbers, one file a format |
//! | [`plan`] | manifest → cells |
//! | [`measure`] | communicators, devices, probes; the worker, the launchers, the store |
//! | [`workload`] | the algorithms, each written once as the program that every lane runs |
//! | [`fit`] | k-means on a person's data: models, the library API |
//! | [`explain`] | records → tables, figures, report |
//! | [`cli`] | one file a verb |
//!
//! Each room imports only from those above it (within `measure`: communicators, devices and probes lie below the workloads; the worker,
//! launchers and the store above them). A test holds the code to that.

pub mod cell;
pub mod cli;
pub mod data;
pub mod error;
pub mod exact;
pub mod explain;
pub mod fit;
pub mod host;
pub mod measure;
pub mod plan;
pub mod record;
pub mod stats;
pub mod units;
pub mod workload;

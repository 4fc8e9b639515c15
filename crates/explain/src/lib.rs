//! Explaining: from records to tables, comparisons, figures and a report.
//!
//! The lean half needs nothing but the records: [`summary`] groups repeats by cell and estimates,
//! [`show`] and [`export`] write that down, [`compare`] sets two folders side by side.

pub mod compare;
pub mod cost_metric;
pub mod exchange;
pub mod export;
pub mod homework_questions;
pub mod labels;
pub mod law;
pub mod limits_table;
pub mod metric;
pub mod noise;
pub mod peer_comparison;
pub mod pop;
pub mod reporting_rules;
pub mod roofline_bound;
pub mod show;
pub mod summary;
pub mod table;
pub mod warning;

#[cfg(feature = "explain")]
pub mod figure;
#[cfg(feature = "explain")]
pub mod frame;
#[cfg(feature = "explain")]
pub mod report;
#[cfg(feature = "explain")]
pub mod report_model;

//! Explaining: from records to tables, comparisons, figures and a report.
//!
//! The lean half needs nothing but the records: [`summary`] groups repeats by cell and estimates, [`show`] and [`export`] write that down,
//! [`compare`] sets two folders side by side.

pub mod accuracy;
pub mod beside;
pub mod compare;
pub mod cost;
pub mod exchange;
pub mod export;
pub mod floor;
pub mod law;
pub mod lint;
pub mod metric;
pub mod names;
pub mod noise;
pub mod pop;
pub mod roofline;
pub mod show;
pub mod summary;
pub mod table;
pub mod warning;

#[cfg(feature = "explain")]
pub mod facts;
#[cfg(feature = "explain")]
pub mod figure;
#[cfg(feature = "explain")]
pub mod frame;
#[cfg(feature = "explain")]
pub mod report;

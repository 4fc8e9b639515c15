//! Explaining: from records to tables, comparisons, figures and a page.
//!
//! [`summary`] groups repeats by cell and estimates, [`analysis`] puts together what follows from
//! that, [`show`] and [`export`] write it down, [`compare`] sets two folders side by side,
//! [`figure`] draws, [`report`] makes the page. No room needs another that needs it. Nothing here is
//! heavy: paper (`amdahl-typst`) and queries (`amdahl-query`) are crates of their own.

pub mod analysis;
pub mod bandwidth;
pub mod compare;
pub mod cost_metric;
pub mod exchange;
pub mod export;
pub mod figure;
pub mod homework_questions;
pub mod karp_flatt;
pub mod labels;
pub mod law;
pub mod limits_table;
pub mod metric;
pub mod noise;
pub mod peer_comparison;
pub mod pop;
pub mod relations;
pub mod report;
pub mod report_model;
pub mod reporting_rules;
pub mod roofline_bound;
pub mod show;
pub mod summary;
pub mod table;
pub mod terminal;
mod threads;
pub mod warning;

//! Rows of numbers: where they come from and which lane gets which.
//!
//! A [`Source`] is an opened data set. It knows its shape and hands out [`RowSource`]s, streams of
//! consecutive rows that fill the caller's memory, so that a device reads straight into its own
//! layout. Formats are one file each and one line in [`format::FORMATS`].
//!
//! Modules stand in layers: one uses those of the layers above it and, without circles, of its own.

// Rows, and what is known of a file.
mod element;
pub mod input;
mod rows;
pub mod spread;
pub mod stamp;
mod suggest;
mod value;

// Pieces of formats.
mod columns;
mod fields;
pub mod labels;
mod layout;
mod lines;
pub mod memory;
mod packed;
pub mod select;
mod sparse;

// Formats.
pub mod format;

// Rows made from others, or from nothing.
mod joined;
mod labelled;
pub mod random;
pub mod sample;
pub mod synthetic;
pub mod weights;

// From the name of a data set to its rows.
pub mod catalogue;
pub mod open;

// Of rows, whoever they come from.
pub mod digest;
pub mod shard;
pub mod write;

pub use open::{Identity, identify, open, open_selected};
pub use rows::{Matrix, MatrixRows, RowSource, Shape, Source, check_range};
pub use suggest::suggest;
pub use value::Value;

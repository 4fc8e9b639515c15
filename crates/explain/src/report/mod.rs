//! Documents made from [`crate::report_model`] and drawings alone: they decide how it looks and say
//! nothing of their own.

mod blocks;
mod explorer_data;
mod fonts;
pub mod html;
pub mod page;
pub mod size;
pub mod typst;

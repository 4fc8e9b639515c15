//! The page, made from [`crate::report_model`] and drawings alone: it decides how they look and says
//! nothing of its own. Paper is the crate `amdahl-typst`.

mod blocks;
mod explorer_data;
mod fonts;
pub mod html;
pub mod page;
pub mod size;

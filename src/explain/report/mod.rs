//! Documents made from [`crate::explain::facts`] and drawings alone: they decide how it looks and say nothing of their own.

mod blocks;
mod fonts;
pub mod html;
mod island;
pub mod page;
pub mod press;
pub mod size;

//! Documents made from [`crate::explain::facts`] and drawings alone: they decide how it looks and say nothing of their own.

pub mod html;
pub mod page;

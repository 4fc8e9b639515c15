//! What accelerators can do at most, as published, and what a run costs at a price that the user gives.

use serde::Deserialize;

use crate::error::{Error, Result};

/// A chip as its maker describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Chip {
    /// Its name.
    pub name: String,
    /// Cores; a rank drives one.
    pub cores: u32,
    /// bfloat16 operations a second, all cores together.
    pub bf16_flops: f64,
    /// f32 operations a second, all cores together.
    pub f32_flops: f64,
    /// Bytes a second from its memory, all cores together.
    pub bandwidth: f64,
    /// Bytes of its memory.
    pub memory: u64,
    /// Who says so.
    pub source: String,
}

/// The chips that are known.
///
/// # Errors
/// The list that is built in cannot be read: a defect of this program.
pub fn chips() -> Result<Vec<Chip>> {
    #[derive(Deserialize)]
    struct List {
        chip: Vec<Chip>,
    }
    let list: List = toml::from_str(include_str!("accelerators.toml"))
        .map_err(|e| Error::internal(format!("the built-in list of accelerators: {e}")))?;
    Ok(list.chip)
}

impl Chip {
    /// The least seconds that one core needs for an iteration over so many rows: it reads each value once and does 2k operations with it.
    /// Modelled from published figures; the share of a core is its part of the chip.
    pub fn floor(&self, rows: u64, dims: u32, k: u32, bf16: bool) -> f64 {
        let values = rows as f64 * f64::from(dims);
        let (flops, bytes) = if bf16 { (self.bf16_flops, 2.0) } else { (self.f32_flops, 4.0) };
        let cores = f64::from(self.cores);
        (values * 2.0 * f64::from(k) / (flops / cores)).max(values * bytes / (self.bandwidth / cores))
    }
}

/// A price of the user's: `2.5 USD/h 2026-11-01`. No price is built in, since they change.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// Of an hour of the instance.
    pub per_hour: f64,
    /// Its currency.
    pub currency: String,
    /// The day it was looked up.
    pub date: String,
}

impl Price {
    /// Reads a price.
    ///
    /// # Errors
    /// What is missing or unreadable.
    pub fn parse(text: &str) -> Result<Price> {
        let unreadable = || {
            Error::usage(format!("'{text}' is no price"))
                .hint("write amount, currency and day: \"2.50 USD/h 2026-11-01\"")
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let [amount, unit, date] = words[..] else { return Err(unreadable()) };
        let per_hour: f64 = amount.parse().map_err(|_| unreadable())?;
        let currency = unit.strip_suffix("/h").filter(|c| !c.is_empty() && c.chars().all(|c| c.is_ascii_alphabetic()));
        let digits = date.split('-').map(str::len).collect::<Vec<_>>() == [4, 2, 2];
        let dated = digits && date.chars().all(|c| c.is_ascii_digit() || c == '-');
        match currency {
            Some(currency) if dated && per_hour.is_finite() && per_hour >= 0.0 => {
                Ok(Price { per_hour, currency: currency.into(), date: date.into() })
            }
            _ => Err(unreadable()),
        }
    }

    /// The cost of so many seconds of the instance.
    pub fn of(&self, seconds: f64) -> f64 {
        self.per_hour * seconds / 3600.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_have_sources_and_plausible_figures() {
        let chips = chips().expect("the list");
        assert_eq!(
            chips.iter().map(|chip| chip.name.as_str()).collect::<Vec<_>>(),
            ["Trainium1", "Trainium2", "Trainium3"]
        );
        for chip in &chips {
            assert!(chip.source.contains("AWS Neuron documentation"), "{}", chip.name);
            assert!(chip.bf16_flops > chip.f32_flops && chip.bandwidth > 1e11 && chip.memory > 1 << 34, "{chip:?}");
        }
        // Few clusters: the memory decides; many: the arithmetic.
        let chip = &chips[0];
        assert_eq!(chip.floor(1_000_000, 10, 2, false), 4e7 / 410e9);
        assert_eq!(chip.floor(1_000_000, 10, 1000, false), 2e10 / 23.75e12);
        assert!(chip.floor(1_000_000, 10, 2, true) < chip.floor(1_000_000, 10, 2, false));
    }

    #[test]
    fn a_price_has_a_day() {
        let price = Price::parse("1.80 USD/h 2026-11-01").expect("a price");
        assert_eq!((price.of(1800.0), price.currency.as_str(), price.date.as_str()), (0.9, "USD", "2026-11-01"));
        for wrong in
            ["1.80", "1.80 USD/h", "x USD/h 2026-11-01", "1 USD 2026-11-01", "-1 USD/h 2026-11-01", "1 USD/h today"]
        {
            assert!(Price::parse(wrong).expect_err(wrong).message.contains("is no price"));
        }
    }
}

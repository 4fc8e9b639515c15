//! What accelerators can do at most, as published, and what a run costs at a price that the user
//! gives.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A chip as its maker describes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Chip {
    /// Its name.
    pub name: String,
    /// Words in the names of the platforms that drive it, in lower case.
    pub platforms: Vec<String>,
    /// Words by which it is known in what it or its machine says, in lower case.
    pub known_by: Vec<String>,
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

/// The chips that are known; the list is read once.
///
/// # Errors
/// The list that is built in cannot be read: a defect of this program.
pub fn chips() -> Result<&'static [Chip]> {
    #[derive(Deserialize)]
    struct List {
        chip: Vec<Chip>,
    }
    static LIST: LazyLock<std::result::Result<List, String>> = LazyLock::new(|| {
        toml::from_str(include_str!("accelerators.toml")).map_err(|e| e.to_string())
    });
    match &*LIST {
        Ok(list) => Ok(&list.chip),
        Err(why) => Err(Error::internal(format!("the built-in list of accelerators: {why}"))),
    }
}

/// The chip that a device is, by the name of its platform and what it and its machine say of
/// themselves; `None` where no chip of the list is known by any of that.
///
/// # Errors
/// As [`chips`].
pub fn recognise<'a>(
    platform: &str,
    said: impl Iterator<Item = &'a str>,
) -> Result<Option<&'static Chip>> {
    let platform = platform.to_lowercase();
    let said: Vec<String> = said.map(str::to_lowercase).collect();
    Ok(chips()?.iter().find(|chip| {
        let known = |word: &String| said.iter().any(|said| said.contains(word.as_str()));
        chip.platforms.iter().any(|word| platform.contains(word.as_str()))
            && chip.known_by.iter().any(known)
    }))
}

impl Chip {
    /// Operations a second of one core, in this arithmetic: its part of the chip's.
    pub fn flops_of_a_core(&self, bf16: bool) -> f64 {
        (if bf16 { self.bf16_flops } else { self.f32_flops }) / f64::from(self.cores)
    }

    /// Bytes a second that one core reads from the chip's memory: its part of the chip's.
    pub fn bandwidth_of_a_core(&self) -> f64 {
        self.bandwidth / f64::from(self.cores)
    }
}

/// A price of the user's: `2.5 USD/h 2026-11-01`. No price is built in, since they change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// Of an hour of one machine.
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
        let currency = unit
            .strip_suffix("/h")
            .filter(|c| !c.is_empty() && c.chars().all(|c| c.is_ascii_alphabetic()));
        let dated = is_day(date);
        match currency {
            Some(currency) if dated && per_hour.is_finite() && per_hour >= 0.0 => {
                Ok(Price { per_hour, currency: currency.into(), date: date.into() })
            }
            _ => Err(unreadable()),
        }
    }

    /// The cost of so many seconds of one machine.
    pub fn of(&self, seconds: f64) -> f64 {
        self.per_hour * seconds / 3600.0
    }
}

/// Is this a day of the calendar, as 2026-11-01?
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, count: usize| {
        part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let [year, month, day] = parts[..] else { return false };
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) =
        (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>())
    else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_have_sources_and_plausible_figures() {
        let chips = chips().expect("the list");
        assert_eq!(
            chips.iter().map(|chip| chip.name.as_str()).collect::<Vec<_>>(),
            [
                "Trainium1",
                "Trainium2",
                "Trainium3",
                "NVIDIA H200 SXM",
                "NVIDIA H100 SXM",
                "NVIDIA A100 SXM, 80 GB"
            ]
        );
        for chip in chips {
            let maker = if chip.name.starts_with("Trainium") {
                "AWS Neuron documentation"
            } else {
                "NVIDIA's data sheet"
            };
            assert!(chip.source.contains(maker), "{}", chip.name);
            let words = chip.platforms.iter().chain(&chip.known_by);
            assert!(
                words.clone().count() > 1 && words.clone().all(|word| *word == word.to_lowercase()),
                "{chip:?}"
            );
            assert!(
                chip.bf16_flops > chip.f32_flops && chip.bandwidth > 1e11 && chip.memory > 1 << 34,
                "{chip:?}"
            );
        }
    }

    #[test]
    fn a_chip_is_known_by_its_platform_and_its_name() {
        let name = |platform, said: &[&str]| {
            recognise(platform, said.iter().copied())
                .expect("the list")
                .map(|chip| chip.name.clone())
        };
        assert_eq!(
            name("neuron", &["NC", "Amazon EC2 trn1.32xlarge"]).as_deref(),
            Some("Trainium1")
        );
        assert_eq!(name("cuda", &["NVIDIA H200"]).as_deref(), Some("NVIDIA H200 SXM"));
        // What runs on a machine with a Trainium is no Trainium for that.
        assert_eq!(name("amdahl-reference", &["interpreter", "Amazon EC2 trn1.32xlarge"]), None);
        assert_eq!(name("cuda", &["NVIDIA H100 PCIe"]), None);
    }

    #[test]
    fn a_price_has_a_day() {
        let price = Price::parse("1.80 USD/h 2026-11-01").expect("a price");
        assert_eq!(
            (price.of(1800.0), price.currency.as_str(), price.date.as_str()),
            (0.9, "USD", "2026-11-01")
        );
        for wrong in [
            "1.80",
            "1.80 USD/h",
            "x USD/h 2026-11-01",
            "1 USD 2026-11-01",
            "-1 USD/h 2026-11-01",
            "1 USD/h today",
        ] {
            assert!(Price::parse(wrong).expect_err(wrong).message.contains("is no price"));
        }
        for (day, is) in [
            ("2024-02-29", true),
            ("2026-02-29", false),
            ("2026-02-31", false),
            ("2026-13-01", false),
            ("2026-04-31", false),
        ] {
            assert_eq!(Price::parse(&format!("1 USD/h {day}")).is_ok(), is, "{day}");
        }
    }
}

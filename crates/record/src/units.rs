//! Units of what is measured, and how each is written for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The unit of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Bytes.
    #[serde(rename = "B")]
    Bytes,
    /// Joules.
    #[serde(rename = "J")]
    Joules,
    /// A number of events.
    Count,
    /// A quotient without a unit.
    Ratio,
}

impl Unit {
    /// Writes `value` with a scale that a person reads easily: `1.23 ms`, `4.0 MiB`, `12,345`.
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::Seconds => seconds(value),
            Unit::Bytes => bytes(value),
            Unit::Joules => format!("{} J", significant(value)),
            Unit::Count => count(value),
            Unit::Ratio => format!("{value:.3}"),
        }
    }
}

/// Seconds with three significant digits and a fitting prefix.
pub fn seconds(value: f64) -> String {
    let magnitude = value.abs();
    let (scale, unit) = if magnitude >= 2.0 * 86_400.0 {
        (1.0 / 86_400.0, "days")
    } else if magnitude >= 7200.0 {
        (1.0 / 3600.0, "h")
    } else if magnitude >= 120.0 {
        (1.0 / 60.0, "min")
    } else if magnitude >= 1.0 || magnitude == 0.0 {
        (1.0, "s")
    } else if magnitude >= 1e-3 {
        (1e3, "ms")
    } else if magnitude >= 1e-6 {
        (1e6, "µs")
    } else {
        (1e9, "ns")
    };
    format!("{} {unit}", significant(value * scale))
}

/// Bytes with a binary prefix.
pub fn bytes(value: f64) -> String {
    let mut scaled = value;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if scaled.abs() < 1024.0 || unit == "TiB" {
            return if unit == "B" {
                format!("{scaled:.0} B")
            } else {
                format!("{} {unit}", significant(scaled))
            };
        }
        scaled /= 1024.0;
    }
    unreachable!("the last unit returns")
}

/// A whole number with thousands separators.
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0.0 {
        grouped.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar (Howard
/// Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`).
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468; // days since 0000-03-01
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day of a Unix time in milliseconds, UTC: `2026-01-31`.
pub fn day(unix_ms: u64) -> String {
    let (year, month, day) = civil((unix_ms / 86_400_000) as i64);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Three significant digits, without an exponent.
pub fn significant(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 99.95 || magnitude == 0.0 {
        format!("{value:.0}")
    } else if magnitude >= 9.995 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_can_read_them() {
        assert_eq!(seconds(0.00123), "1.23 ms");
        assert_eq!(seconds(0.0), "0 s");
        assert_eq!(seconds(180.0), "3.00 min");
        assert_eq!((seconds(9000.0), seconds(864_000.0)), ("2.50 h".into(), "10.0 days".into()));
        assert_eq!(bytes(4.0 * 1024.0 * 1024.0), "4.00 MiB");
        assert_eq!(bytes(12.0), "12 B");
        assert_eq!(count(1234567.0), "1,234,567");
        assert_eq!(count(-1234.0), "-1,234");
        assert_eq!(count(12.0), "12");
        assert_eq!((day(0), day(951_782_400_000)), ("1970-01-01".into(), "2000-02-29".into()));
    }
}

//! Which counters each probe can have here.

use super::check::Check;
use crate::measure::probe::{Availability, PROBES, Seat, VARIABLE, select};

const TOPIC: &str = "Counters";

/// Every metric of every probe.
pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for source in PROBES {
        let mut available = Vec::new();
        let mut missing = Vec::new();
        for (metric, availability) in (source.open)(Seat::ALONE).available() {
            match availability {
                Availability::Yes | Availability::Elsewhere => available.push(metric.name),
                Availability::No { why, help } => missing.push(Check::no(TOPIC, metric.name, why, help)),
            }
        }
        if !available.is_empty() {
            checks.push(Check::yes(TOPIC, format!("{} probe", source.name), available.join(", ")));
        }
        checks.extend(missing);
    }
    if let Ok(text) = std::env::var(VARIABLE) {
        checks.push(match select(Some(&text)) {
            Ok(chosen) => {
                let names: Vec<&str> = chosen.iter().map(|source| source.name).collect();
                Check::fact(TOPIC, format!("chosen by {VARIABLE}"), names.join(", "))
            }
            Err(error) => Check::no(TOPIC, VARIABLE, error.message, error.hint.unwrap_or_default()),
        });
    }
    checks
}

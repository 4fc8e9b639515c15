//! Which counters each probe can have here, and whether caches can be simulated.

use super::check::Check;
use amdahl_lanes::probe::callgrind::geometry;
use amdahl_lanes::probe::{Availability, PROBES, Seat, VARIABLE, select};
use amdahl_record::host::HostFacts;
use amdahl_record::simulation::{Cache, LastLevel};
use amdahl_record::units;
use amdahl_run::launch::simulate::valgrind;

const TOPIC: &str = "Counters";

/// Every metric of every probe.
pub fn checks(host: &HostFacts) -> Vec<Check> {
    let mut checks = Vec::new();
    for source in PROBES {
        let mut available = Vec::new();
        // What is missing for the same reason is one finding.
        let mut missing: Vec<(Vec<&str>, String, String)> = Vec::new();
        for (metric, availability) in (source.open)(Seat::ALONE).available() {
            match availability {
                Availability::Yes | Availability::Elsewhere => available.push(metric.name),
                Availability::No { why, help } => {
                    match missing.iter_mut().find(|(_, w, h)| *w == why && *h == help) {
                        Some((names, ..)) => names.push(metric.name),
                        None => missing.push((vec![metric.name], why, help)),
                    }
                }
            }
        }
        if !available.is_empty() {
            checks.push(Check::yes(TOPIC, format!("{} probe", source.name), available.join(", ")));
        }
        checks.extend(missing.into_iter().map(|(names, why, help)| {
            let name = match names.len() {
                1 => names[0].to_string(),
                n => format!("{} and {} more", names[0], n - 1),
            };
            Check::no(TOPIC, name, why, help)
        }));
    }
    checks.push(simulation(host));
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

/// The simulator, and the caches that it would model.
fn simulation(host: &HostFacts) -> Check {
    const NAME: &str = "cache simulation";
    let found = valgrind().and_then(|version| {
        let [second, third] = LastLevel::ALL.map(|last| geometry::caches(host, last));
        Ok((version, second?, third))
    });
    let said =
        |cache: Cache| format!("{} in {} ways", units::bytes(cache.bytes as f64), cache.ways);
    match found {
        Ok((version, second, third)) => {
            let third = third.map_or_else(
                |error| error.message,
                |caches| format!("a share of L3 {}", said(caches.ll)),
            );
            let caches = format!("L1D {}, L2 {}, {third}", said(second.d1), said(second.ll));
            Check::yes(TOPIC, NAME, format!("{version}, for counters = \"simulated\": {caches}"))
        }
        Err(error) => Check::no(TOPIC, NAME, error.message, error.hint.unwrap_or_default()),
    }
}

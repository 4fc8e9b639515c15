//! Energy of the whole node: what the processor's own meters (RAPL) say, from `/sys/class/powercap`
//! or, where those files are the administrator's alone, from perf_event's unit `power`.
//!
//! The meters count everybody's work and wrap around; one lane of each node reads them, at its own
//! phase boundaries. They move about once a millisecond: judge them over many.

use std::path::{Path, PathBuf};

use super::perf::kernel::Kernel;
use super::perf::{Machine, refusal};
use super::uncore::{Scaled, named, open_all, read_all};
use super::{Availability, Metric, Probe, Raw, Seat};
use amdahl_record::units::Unit;

/// Metrics, the names of their zones and of their events.
const METRICS: [(&str, &str, &str); 2] =
    [("energy-package", "package", "energy-pkg"), ("energy-memory", "dram", "energy-ram")];

/// Opens it.
pub fn open(seat: Seat) -> Box<dyn Probe> {
    Box::new(Energy::open(Machine, Path::new("/"), seat))
}

/// One meter file.
struct Zone {
    file: PathBuf,
    /// Where it wraps around, microjoules.
    range: u64,
    last: u64,
    /// Microjoules since it was opened.
    total: u64,
}

impl Zone {
    fn read(&mut self) -> Option<u64> {
        let now = number(&self.file)?;
        self.total += if now >= self.last {
            now - self.last
        } else {
            (self.range - self.last.min(self.range)) + now
        };
        self.last = now;
        Some(self.total)
    }
}

enum Meter<K: Kernel> {
    Files(Vec<Zone>),
    Counters(Scaled<K::Counter>),
}

struct Energy<K: Kernel> {
    kernel: K,
    meters: Vec<Result<Meter<K>, Availability>>,
}

fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Zones of this kind (`package-0`, `dram`) at any depth, and whether some of them may not be read.
fn zones(root: &Path, kind: &str) -> (Vec<Zone>, bool) {
    let entries =
        std::fs::read_dir(root.join("sys/class/powercap")).into_iter().flatten().flatten();
    let (mut zones, mut refused) = (Vec::new(), false);
    for folder in entries.map(|entry| entry.path()) {
        let name = std::fs::read_to_string(folder.join("name")).unwrap_or_default();
        // `intel-rapl-mmio` shows the same meters a second time.
        let second = folder.file_name().is_some_and(|name| name.to_string_lossy().contains("mmio"));
        if second || !name.trim().starts_with(kind) {
            continue;
        }
        let file = folder.join("energy_uj");
        match (number(&file), number(&folder.join("max_energy_range_uj"))) {
            (Some(last), Some(range)) => zones.push(Zone { file, range, last, total: 0 }),
            _ => refused = true,
        }
    }
    (zones, refused)
}

impl<K: Kernel> Energy<K> {
    fn open(mut kernel: K, root: &Path, seat: Seat) -> Energy<K> {
        let meters = METRICS
            .iter()
            .map(|(_, kind, event)| {
                if !seat.reads_node {
                    return Err(Availability::Elsewhere);
                }
                let (zones, refused) = zones(root, kind);
                if !zones.is_empty() && !refused {
                    return Ok(Meter::Files(zones));
                }
                match (named(root, "power", event), refused) {
                    (events, _) if !events.is_empty() => {
                        open_all(&mut kernel, &events, 1.0).map(Meter::Counters)
                    }
                    (_, true) => Err(refusal::meter_refused()),
                    _ => Err(refusal::no_meter()),
                }
            })
            .collect();
        Energy { kernel, meters }
    }
}

impl<K: Kernel> Probe for Energy<K> {
    fn available(&self) -> Vec<(Metric, Availability)> {
        let availability = |meter: &Result<_, Availability>| {
            meter.as_ref().err().cloned().unwrap_or(Availability::Yes)
        };
        let metric = |name| Metric::new(name, Unit::Joules).of_node();
        METRICS
            .iter()
            .zip(&self.meters)
            .map(|((name, ..), meter)| (metric(name), availability(meter)))
            .collect()
    }

    fn snapshot(&mut self, into: &mut [Raw]) {
        for (raw, meter) in into.iter_mut().zip(self.meters.iter_mut().flatten()) {
            *raw = match meter {
                Meter::Files(zones) => {
                    let microjoules: Option<u64> = zones.iter_mut().map(Zone::read).sum();
                    microjoules.map_or(Raw::LOST, |sum| Raw::counted(sum as f64 / 1e6))
                }
                Meter::Counters(counters) => read_all(&mut self.kernel, counters),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::uncore::tests::{Node, write};

    fn zone(root: &Path, folder: &str, name: &str, microjoules: u64) {
        let at = |file: &str| format!("sys/class/powercap/{folder}/{file}");
        write(root, &at("name"), &format!("{name}\n"));
        write(root, &at("energy_uj"), &format!("{microjoules}\n"));
        write(root, &at("max_energy_range_uj"), "1000000\n");
    }

    fn energy(root: &Path, seat: Seat) -> Energy<Node> {
        Energy::open(Node { refuses: None, open: Vec::new() }, root, seat)
    }

    #[test]
    fn packages_are_added_up_and_a_meter_may_wrap_around() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        zone(root, "intel-rapl:0", "package-0", 900_000);
        zone(root, "intel-rapl:1", "package-1", 100);
        zone(root, "intel-rapl-mmio:0", "package-0", 5);
        let mut energy = energy(root, Seat::ALONE);
        assert_eq!(energy.available()[0].1, Availability::Yes);
        assert!(matches!(energy.available()[1].1, Availability::No { .. }), "no meter of memory");
        let mut raw = [Raw::LOST];
        energy.snapshot(&mut raw);
        assert_eq!(raw[0].value, 0.0);
        zone(root, "intel-rapl:0", "package-0", 100_000);
        zone(root, "intel-rapl:1", "package-1", 200_100);
        energy.snapshot(&mut raw);
        assert_eq!(
            raw[0],
            Raw::counted(0.4),
            "0.2 J over the end of the first meter, and 0.2 J of the second"
        );
        std::fs::remove_file(root.join("sys/class/powercap/intel-rapl:1/energy_uj"))
            .expect("removed");
        energy.snapshot(&mut raw);
        assert!(raw[0].value.is_nan(), "lost, not zero");
    }

    #[test]
    fn where_files_are_not_to_be_read_perf_is_asked_and_then_the_reason_is_given() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let said = |energy: &Energy<Node>| match energy.available().remove(0).1 {
            Availability::No { why, help } => format!("{why}; {help}"),
            other => format!("{other:?}"),
        };
        assert!(said(&energy(root, Seat::ALONE)).contains("no energy meter"));
        zone(root, "intel-rapl:0", "package-0", 1);
        std::fs::remove_file(root.join("sys/class/powercap/intel-rapl:0/energy_uj"))
            .expect("removed");
        assert!(
            said(&energy(root, Seat::ALONE)).contains("chmod"),
            "{}",
            said(&energy(root, Seat::ALONE))
        );
        let at = |file: &str| format!("sys/bus/event_source/devices/power/{file}");
        for (file, text) in [
            ("type", "9"),
            ("cpumask", "0"),
            ("format/event", "config:0-7"),
            ("events/energy-pkg", "event=0x02"),
            ("events/energy-pkg.scale", "0.25"),
            ("events/energy-pkg.unit", "Joules"),
        ] {
            write(root, &at(file), text);
        }
        let mut by_perf = energy(root, Seat::ALONE);
        let mut raw = [Raw::LOST];
        by_perf.snapshot(&mut raw);
        assert_eq!(raw[0].value, 4.0, "16 counts of a quarter of a joule");
        assert_eq!(
            energy(root, Seat { reads_node: false, ..Seat::ALONE }).available()[0].1,
            Availability::Elsewhere
        );
    }
}

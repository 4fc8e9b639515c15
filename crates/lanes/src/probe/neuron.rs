//! What AWS's Neuron driver counts on the cores of a Trainium machine. FROM DOCUMENTATION: never
//! seen on a real driver.
//!
//! Plain files below `/sys/devices/virtual/neuron_device`:
//! `neuron{D}/neuron_core{C}/stats/other_info/{flop_count, inference_count, nc_time_in_use}/total`
//! grow while a core works. They belong to the node, so one lane of it reads them, added up over
//! all cores. The unit of `nc_time_in_use` is not documented; it is handed on as a count.
//!
//! `neuron-monitor` prints a line of JSON every few seconds; [`monitor`] reads one. Its `flops` is
//! a rate, so `amdahl doctor --trainium` shows it from a file that [`MONITOR`] names, and nothing
//! is recorded.
//!
//! A machine without that folder has no such metrics, and none are listed as missing.

use std::path::{Path, PathBuf};

use super::{Availability, Metric, Probe, Raw, Seat};
use amdahl_record::units::Unit;

/// Where the driver's folders are.
pub const ROOT: &str = "/sys/devices/virtual/neuron_device";

/// Another place for them, for tests.
pub const VARIABLE: &str = "AMDAHL_NEURON_SYSFS";

/// Names a file of what `neuron-monitor` printed.
pub const MONITOR: &str = "AMDAHL_NEURON_MONITOR";

/// Metrics and the files that hold them.
const METRICS: [(&str, &str); 3] = [
    ("neuron-flops", "flop_count"),
    ("neuron-inferences", "inference_count"),
    ("neuron-time-in-use", "nc_time_in_use"),
];

/// Opens it below the driver's folder, or the one that `AMDAHL_NEURON_SYSFS` names.
pub fn open(seat: Seat) -> Box<dyn Probe> {
    let root = std::env::var_os(VARIABLE).map_or(PathBuf::from(ROOT), PathBuf::from);
    Box::new(Neuron::below(&root, seat))
}

/// The files of all cores.
pub struct Neuron {
    /// A folder `other_info` for each core.
    cores: Vec<PathBuf>,
    seat: Seat,
}

impl Neuron {
    /// Those below this folder; none where there is no such folder.
    pub fn below(root: &Path, seat: Seat) -> Neuron {
        let cores = devices(root).into_iter().flat_map(|device| inside(&device, "neuron_core"));
        Neuron { cores: cores.map(|core| core.join("stats/other_info")).collect(), seat }
    }

    /// The sum over all cores of what a file holds.
    fn total(&self, file: &str) -> Option<f64> {
        self.cores.iter().map(|core| number(&core.join(file).join("total"))).sum()
    }
}

impl Probe for Neuron {
    fn available(&self) -> Vec<(Metric, Availability)> {
        if self.cores.is_empty() {
            return Vec::new();
        }
        let of = |(name, file): (&'static str, &str)| {
            let availability = match (self.seat.reads_node, self.total(file)) {
                (false, _) => Availability::Elsewhere,
                (true, Some(_)) => Availability::Yes,
                (true, None) => Availability::No {
                    why: format!("the Neuron driver has no readable {file}"),
                    help: "this program knows the driver's files from documentation: see docs/trainium.md".into(),
                },
            };
            (Metric::new(name, Unit::Count).of_node(), availability)
        };
        METRICS.map(of).into()
    }

    fn snapshot(&mut self, into: &mut [Raw]) {
        let available = self.available().into_iter().zip(METRICS);
        let mine = available
            .filter(|((_, availability), _)| *availability == Availability::Yes)
            .map(|(_, (_, file))| file);
        for (raw, file) in into.iter_mut().zip(mine) {
            *raw = self.total(file).map_or(Raw::LOST, Raw::counted);
        }
    }
}

/// The devices' folders, in order.
pub fn devices(root: &Path) -> Vec<PathBuf> {
    inside(root, "neuron")
}

/// Folders that are named `prefix` and a number, by that number.
pub fn inside(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some((name.strip_prefix(prefix)?.parse().ok()?, entry.path()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

fn number(file: &Path) -> Option<f64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// A core's line of `neuron-monitor`.
#[derive(Clone, Debug, PartialEq)]
pub struct Core {
    /// Its number.
    pub core: u32,
    /// Share of the time in use, percent.
    pub utilization: f64,
    /// Operations a second, where it says.
    pub flops: Option<f64>,
}

/// Reads one line of what `neuron-monitor` prints: the cores in use, in order.
///
/// # Errors
/// What is not as documented.
pub fn monitor(line: &str) -> Result<Vec<Core>, String> {
    let json: serde_json::Value =
        serde_json::from_str(line).map_err(|e| format!("no JSON: {e}"))?;
    let runtimes =
        json["neuron_runtime_data"].as_array().ok_or("there is no list 'neuron_runtime_data'")?;
    let mut cores = Vec::new();
    for runtime in runtimes {
        let used = &runtime["report"]["neuroncore_counters"]["neuroncores_in_use"];
        for (name, of) in used.as_object().ok_or("there is no 'neuroncores_in_use'")? {
            let core = name.parse().map_err(|_| format!("'{name}' is no number of a core"))?;
            let utilization = of["neuroncore_utilization"]
                .as_f64()
                .ok_or("there is no 'neuroncore_utilization'")?;
            cores.push(Core { core, utilization, flops: of["flops"].as_f64() });
        }
    }
    cores.sort_by_key(|core| core.core);
    Ok(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From documentation.
    const LINE: &str = include_str!("../../../../tests/neuron/monitor.json");

    fn put(root: &Path, device: u32, core: u32, file: &str, text: &str) {
        let folder = root.join(format!("neuron{device}/neuron_core{core}/stats/other_info/{file}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("total"), text).expect("a file");
    }

    #[test]
    fn files_as_documented_are_added_up_over_cores() {
        let root = tempfile::tempdir().expect("a folder");
        for (device, core) in [(0, 0), (0, 1), (10, 0)] {
            put(root.path(), device, core, "flop_count", "1000\n");
            put(root.path(), device, core, "inference_count", "2\n");
        }
        let mut probe = Neuron::below(root.path(), Seat::ALONE);
        let available = probe.available();
        assert_eq!((available[0].0.name, &available[0].1), ("neuron-flops", &Availability::Yes));
        assert!(
            matches!(&available[2].1, Availability::No { why, .. } if why.contains("nc_time_in_use"))
        );
        let mut raw = [Raw::LOST; 2];
        probe.snapshot(&mut raw);
        assert_eq!((raw[0].value, raw[1].value), (3000.0, 6.0));
        put(root.path(), 10, 0, "flop_count", "2500\n");
        probe.snapshot(&mut raw);
        assert_eq!(raw[0].value, 4500.0);
        let names: Vec<_> =
            devices(root.path()).iter().map(|p| p.file_name().map(|n| n.to_owned())).collect();
        assert_eq!(names, [Some("neuron0".into()), Some("neuron10".into())]);
    }

    #[test]
    fn one_lane_of_a_node_reads_and_a_machine_without_the_driver_lacks_nothing() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(Neuron::below(root.path(), Seat::ALONE).available(), []);
        put(root.path(), 0, 0, "flop_count", "1");
        let other = Neuron::below(root.path(), Seat { reads_node: false, ..Seat::ALONE });
        assert!(
            other
                .available()
                .iter()
                .all(|(_, availability)| *availability == Availability::Elsewhere)
        );
    }

    #[test]
    fn a_line_of_the_monitor_as_documented() {
        let cores = monitor(LINE).expect("as documented");
        assert_eq!(cores[0], Core { core: 0, utilization: 42.5, flops: Some(1.5e12) });
        assert_eq!((cores.len(), cores[1].flops), (2, None));
        assert!(monitor("{}").expect_err("nothing in it").contains("neuron_runtime_data"));
        assert!(monitor("no").expect_err("no JSON").contains("no JSON"));
    }
}

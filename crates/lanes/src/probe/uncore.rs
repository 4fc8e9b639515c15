//! Units of a processor that are outside its cores, for the whole node: bytes that its memory
//! controllers move.
//!
//! The kernel says in `/sys/bus/event_source/devices/NAME` which units there are (`uncore_imc_0`
//! …), which of their events are known by name (`events/cas_count_read`, with `.scale` and
//! `.unit`), and on which CPUs they are read (`cpumask`: one of each socket). They count
//! everybody's traffic, so one lane of each node reads them, and only where
//! `kernel.perf_event_paranoid` is 0 or less.

use std::path::{Path, PathBuf};

use super::perf::kernel::{Event, Kernel};
use super::perf::{Machine, refusal};
use super::{Availability, Metric, Probe, Raw, Seat};
use amdahl_record::host;
use amdahl_record::units::Unit;

/// Bytes read from and written to memory by the whole node.
const METRICS: [(&str, &str); 2] =
    [("memory-read-bytes", "cas_count_read"), ("memory-write-bytes", "cas_count_write")];

/// Opens it.
pub fn open(seat: Seat) -> Box<dyn Probe> {
    Box::new(Memory::open(Machine, Path::new("/"), seat))
}

/// A named event of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// What is opened.
    pub event: Event,
    /// CPUs on which it is opened: one of each socket.
    pub cpus: Vec<u32>,
    /// What a count stands for, in the unit that `unit` names.
    pub scale: f64,
    /// "MiB", "Joules".
    pub unit: String,
}

/// The folder of all units below `root`.
fn devices(root: &Path) -> PathBuf {
    root.join("sys/bus/event_source/devices")
}

/// Units whose name begins with `prefix`.
fn units(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(devices(root)).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The event of this name in every unit whose name begins with `prefix`.
pub fn named(root: &Path, prefix: &str, event: &str) -> Vec<Named> {
    units(root, prefix).iter().filter_map(|unit| of_unit(unit, event)).collect()
}

fn of_unit(unit: &Path, name: &str) -> Option<Named> {
    let text = |file: &str| {
        std::fs::read_to_string(unit.join(file)).ok().map(|text| text.trim().to_string())
    };
    let class = text("type")?.parse().ok()?;
    let mut config = 0;
    for term in text(&format!("events/{name}"))?.split(',') {
        let (field, value) = term.split_once('=')?;
        let value = match value.trim().strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok()?,
            None => value.trim().parse().ok()?,
        };
        // 'config:8-15': where the bits of this field begin. Fields in pieces, or in other words,
        // are not known here.
        let place = text(&format!("format/{}", field.trim()))?;
        let bits = place.strip_prefix("config:")?;
        let first: u32 = bits.split('-').next()?.parse().ok()?;
        config |= value.checked_shl(first)?;
    }
    let scale =
        text(&format!("events/{name}.scale")).and_then(|scale| scale.parse().ok()).unwrap_or(1.0);
    let unit_of = text(&format!("events/{name}.unit")).unwrap_or_default();
    Some(Named {
        event: Event { class, config },
        cpus: host::cpu_list(&text("cpumask")?),
        scale,
        unit: unit_of,
    })
}

/// Counters of one metric, with what a count of each stands for.
pub type Scaled<C> = Vec<(C, f64)>;

/// Opens an event on all its CPUs.
pub fn open_all<K: Kernel>(
    kernel: &mut K,
    events: &[Named],
    unit: f64,
) -> Result<Scaled<K::Counter>, Availability> {
    let mut counters = Vec::new();
    for named in events {
        for &cpu in &named.cpus {
            let counter = kernel
                .open_cpu(named.event, cpu)
                .and_then(|mut counter| kernel.enable(&mut counter).map(|()| counter))
                .map_err(|error| refusal::of_node(error, kernel.paranoid()))?;
            counters.push((counter, named.scale * unit));
        }
    }
    Ok(counters)
}

/// The sum of all counters.
pub fn read_all<K: Kernel>(kernel: &mut K, counters: &Scaled<K::Counter>) -> Raw {
    let mut sum = Raw::counted(0.0);
    for (counter, scale) in counters {
        let mut buffer = [0u64; 4];
        if !kernel.read(counter, &mut buffer) || buffer[0] != 1 {
            return Raw::LOST;
        }
        // Units that take turns are scaled as cores are, by the recorder: all counters of a metric
        // are wanted for the same time.
        sum.value += buffer[3] as f64 * scale;
        sum.enabled_s += buffer[1] as f64 / 1e9;
        sum.running_s += buffer[2] as f64 / 1e9;
    }
    sum
}

/// The memory controllers.
struct Memory<K: Kernel> {
    kernel: K,
    /// For each of [`METRICS`]: its counters, or why there are none.
    counters: Vec<Result<Scaled<K::Counter>, Availability>>,
}

impl<K: Kernel> Memory<K> {
    fn open(mut kernel: K, root: &Path, seat: Seat) -> Memory<K> {
        let counters = METRICS
            .iter()
            .map(|(_, event)| {
                let found = named(root, "uncore_imc", event);
                match (seat.reads_node, found.is_empty()) {
                    (false, _) => Err(Availability::Elsewhere),
                    (true, true) => Err(refusal::no_unit()),
                    (true, false) => open_all(&mut kernel, &found, (1u64 << 20) as f64),
                }
            })
            .collect();
        Memory { kernel, counters }
    }
}

impl<K: Kernel> Probe for Memory<K> {
    fn available(&self) -> Vec<(Metric, Availability)> {
        let availability = |counters: &Result<_, Availability>| {
            counters.as_ref().err().cloned().unwrap_or(Availability::Yes)
        };
        let metric = |name| Metric::new(name, Unit::Bytes).of_node();
        METRICS
            .iter()
            .zip(&self.counters)
            .map(|((name, _), counters)| (metric(name), availability(counters)))
            .collect()
    }

    fn snapshot(&mut self, into: &mut [Raw]) {
        for (raw, counters) in into.iter_mut().zip(self.counters.iter().flatten()) {
            *raw = read_all(&mut self.kernel, counters);
        }
    }
}

#[cfg(test)]
/// A machine with memory controllers, for tests.
pub mod tests {
    use super::*;
    use crate::probe::perf::refusal::errno;

    /// Writes a file below a folder.
    pub fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// A kernel that only knows units outside of cores.
    pub struct Node {
        /// Refusal.
        pub refuses: Option<i32>,
        /// What was opened.
        pub open: Vec<(Event, u32)>,
    }

    impl Kernel for Node {
        type Counter = usize;
        type Member = ();
        fn open(&mut self, _: Event, _: bool) -> Result<usize, i32> {
            Err(errno::ENOENT)
        }
        fn join(&mut self, _: &usize, _: Event, _: bool) -> Result<(), i32> {
            Err(errno::ENOENT)
        }
        fn open_cpu(&mut self, event: Event, cpu: u32) -> Result<usize, i32> {
            self.open.push((event, cpu));
            self.refuses.map_or(Ok(self.open.len()), Err)
        }
        fn enable(&mut self, _: &mut usize) -> Result<(), i32> {
            Ok(())
        }
        fn read(&mut self, counter: &usize, into: &mut [u64]) -> bool {
            into.copy_from_slice(&[1, 2_000_000_000, 2_000_000_000, 16 * *counter as u64]);
            true
        }
        fn paranoid(&self) -> Option<i32> {
            Some(2)
        }
    }

    fn two_sockets(root: &Path) {
        for (unit, class) in [("uncore_imc_0", 20), ("uncore_imc_1", 21)] {
            let at = |file: &str| format!("sys/bus/event_source/devices/{unit}/{file}");
            write(root, &at("type"), &format!("{class}\n"));
            write(root, &at("cpumask"), "0,28\n");
            write(root, &at("format/event"), "config:0-7\n");
            write(root, &at("format/umask"), "config:8-15\n");
            for (event, umask) in [("cas_count_read", 3), ("cas_count_write", 12)] {
                write(
                    root,
                    &at(&format!("events/{event}")),
                    &format!("event=0x04,umask=0x{umask:02x}\n"),
                );
                write(root, &at(&format!("events/{event}.scale")), "6.103515625e-5\n");
                write(root, &at(&format!("events/{event}.unit")), "MiB\n");
            }
        }
    }

    fn why(memory: &Memory<Node>) -> String {
        match memory.available().remove(0).1 {
            Availability::No { why, help } => format!("{why}; {help}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_controller_of_every_socket_is_added_up() {
        let folder = tempfile::tempdir().expect("a folder");
        two_sockets(folder.path());
        let node = Node { refuses: None, open: Vec::new() };
        let mut memory = Memory::open(node, folder.path(), Seat::ALONE);
        assert_eq!(memory.kernel.open.len(), 8, "two events, two units, two sockets");
        assert_eq!(memory.kernel.open[1], (Event { class: 20, config: 0x0304 }, 28));
        assert_eq!(memory.kernel.open[4].0.config, 0x0C04);
        let mut raw = [Raw::LOST; 2];
        memory.snapshot(&mut raw);
        // Counters 1 to 4 count 16 times their number, and a count is a line of 64 bytes.
        assert_eq!(raw[0].value, f64::from(16 * (1 + 2 + 3 + 4)) * 64.0);
        assert_eq!((raw[0].enabled_s, raw[0].running_s), (8.0, 8.0));
        assert!(
            memory.available().iter().all(|(metric, _)| metric.scope == amdahl_record::Scope::Node)
        );
    }

    #[test]
    fn one_lane_reads_and_refusals_say_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |refuses, reads_node| {
            Memory::open(
                Node { refuses, open: Vec::new() },
                folder.path(),
                Seat { reads_node, ..Seat::ALONE },
            )
        };
        assert!(
            why(&open(None, true)).contains("no memory controller"),
            "{}",
            why(&open(None, true))
        );
        two_sockets(folder.path());
        assert_eq!(open(None, false).available()[0].1, Availability::Elsewhere);
        let refused = why(&open(Some(errno::EACCES), true));
        assert!(
            refused.contains("perf_event_paranoid = 2")
                && refused.contains("perf_event_paranoid=0"),
            "{refused}"
        );
        assert!(why(&open(Some(errno::EPERM), true)).contains("EPERM"));
    }

    #[test]
    fn an_event_in_unknown_words_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        two_sockets(folder.path());
        let at = "sys/bus/event_source/devices/uncore_imc_0";
        write(folder.path(), &format!("{at}/events/cas_count_read"), "event=0x04,filter=0x03\n");
        assert_eq!(named(folder.path(), "uncore_imc", "cas_count_read").len(), 1);
        assert_eq!(named(folder.path(), "uncore_cha", "cas_count_read"), []);
    }
}

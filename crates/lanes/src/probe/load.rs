//! What else the machine is doing while a repeat runs: read at its start and at its end, from the
//! whole machine.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::pin;
use amdahl_record::{LoadFacts, Pressure, host};

/// Watches the machine from its start to its stop.
pub struct Watch {
    root: PathBuf,
    load1: Option<f64>,
    ticks: Option<Ticks>,
    /// Microseconds of waiting since boot, for CPU, memory and disk.
    stalls: [Option<u64>; 3],
    /// Seconds for which a quota kept lanes from running.
    throttled_s: Option<f64>,
    started: Instant,
}

/// CPU time since boot in clock ticks, all CPUs together.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ticks {
    total: u64,
    steal: u64,
}

impl Watch {
    /// Begins to watch.
    pub fn start() -> Watch {
        Watch::below(Path::new("/"))
    }

    fn below(root: &Path) -> Watch {
        Watch {
            root: root.to_path_buf(),
            load1: load1(root),
            ticks: ticks(root),
            stalls: stalls(root),
            throttled_s: host::throttled_s(),
            started: Instant::now(),
        }
    }

    /// Ends, on the thread whose CPU's frequency is wanted.
    pub fn stop(self) -> LoadFacts {
        let steal = self.ticks.zip(ticks(&self.root)).and_then(|(before, after)| {
            let total = after.total.checked_sub(before.total).filter(|&ticks| ticks > 0)?;
            // Some kernels let steal run backwards by a tick.
            Some(after.steal.saturating_sub(before.steal) as f64 / total as f64)
        });
        let seconds = self.started.elapsed().as_secs_f64();
        let pressure = pressure(self.stalls, stalls(&self.root), seconds);
        let throttled = self.throttled_s.zip(host::throttled_s());
        LoadFacts {
            load1: self.load1,
            steal,
            mhz: mhz(&self.root, pin::current().unwrap_or(0)),
            pressure,
            throttled: throttled.map(|(before, after)| (after - before).max(0.0) / seconds),
        }
    }
}

fn load1(root: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(root.join("proc/loadavg")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The line `cpu  user nice system idle iowait irq softirq steal …` of proc(5); guest time is part
/// of user time.
fn ticks(root: &Path) -> Option<Ticks> {
    let text = std::fs::read_to_string(root.join("proc/stat")).ok()?;
    let fields = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> =
        fields.split_whitespace().take(8).map_while(|field| field.parse().ok()).collect();
    Some(Ticks { total: fields.iter().sum(), steal: *fields.get(7)? })
}

/// The sums `some … total=MICROSECONDS` of `/proc/pressure` (the kernel's psi.rst).
fn stalls(root: &Path) -> [Option<u64>; 3] {
    ["cpu", "memory", "io"].map(|resource| {
        let text = std::fs::read_to_string(root.join("proc/pressure").join(resource)).ok()?;
        let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
        some.split_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
    })
}

/// Shares of the time between two readings; none where the kernel tells nothing.
fn pressure(before: [Option<u64>; 3], after: [Option<u64>; 3], seconds: f64) -> Option<Pressure> {
    let share = |i: usize| {
        let waited = after[i]?.checked_sub(before[i]?)? as f64 * 1e-6;
        (seconds > 0.0).then(|| (waited / seconds).min(1.0))
    };
    let pressure = Pressure { cpu: share(0), memory: share(1), io: share(2) };
    (pressure != Pressure { cpu: None, memory: None, io: None }).then_some(pressure)
}

fn mhz(root: &Path, cpu: u32) -> Option<f64> {
    let scaling = root.join(format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"));
    if let Some(khz) =
        std::fs::read_to_string(scaling).ok().and_then(|text| text.trim().parse::<f64>().ok())
    {
        return Some(khz / 1000.0);
    }
    let cpuinfo = std::fs::read_to_string(root.join("proc/cpuinfo")).ok()?;
    let mut of_this = false;
    for (key, value) in cpuinfo.lines().filter_map(|line| line.split_once(':')) {
        match key.trim() {
            "processor" => of_this = value.trim().parse() == Ok(cpu),
            "cpu MHz" if of_this => return value.trim().parse().ok(),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, content: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, content).expect("a file");
    }

    #[test]
    fn steal_is_the_share_of_the_time_that_passed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        write(root, "proc/loadavg", "1.50 0.70 0.30 1/100 12345\n");
        write(root, "proc/stat", "cpu  100 0 100 800 0 0 0 10 5 0\ncpu0 1 1 1 1 1 1 1 1\n");
        let watch = Watch::below(root);
        write(root, "proc/stat", "cpu  150 0 110 830 0 0 0 20 5 0\n");
        let facts = watch.stop();
        assert_eq!(facts.load1, Some(1.5));
        assert_eq!(facts.steal, Some(0.1));
        assert_eq!(facts.mhz, None);
    }

    #[test]
    fn pressure_is_the_share_of_the_time_in_which_somebody_waited() {
        let folder = tempfile::tempdir().expect("a folder");
        write(
            folder.path(),
            "proc/pressure/cpu",
            "some avg10=1.00 avg60=0.50 avg300=0.10 total=1000000\nfull total=7\n",
        );
        let before = stalls(folder.path());
        assert_eq!(before, [Some(1_000_000), None, None]);
        write(
            folder.path(),
            "proc/pressure/cpu",
            "some avg10=1.00 avg60=0.50 avg300=0.10 total=1500000\n",
        );
        let waited = pressure(before, stalls(folder.path()), 2.0).expect("the kernel tells");
        assert_eq!(waited, Pressure { cpu: Some(0.25), memory: None, io: None });
        assert_eq!(pressure([None; 3], [None; 3], 2.0), None);
        assert_eq!(pressure(before, before, 0.0), None, "no time, no share");
    }

    #[test]
    fn no_time_passed_or_no_files_is_null() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "proc/stat", "cpu  100 0 100 800 0 0 0 10 5 0\n");
        assert_eq!(Watch::below(folder.path()).stop().steal, None);
        let nowhere = Watch::below(&folder.path().join("nowhere"));
        assert_eq!(nowhere.stop(), LoadFacts::default());
    }

    #[test]
    fn the_frequency_is_that_of_the_asked_cpu() {
        let folder = tempfile::tempdir().expect("a folder");
        write(
            folder.path(),
            "proc/cpuinfo",
            "processor : 0\ncpu MHz : 1000.0\n\nprocessor : 1\ncpu MHz : 2500.5\n",
        );
        assert_eq!(mhz(folder.path(), 1), Some(2500.5));
        write(folder.path(), "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "3100000\n");
        assert_eq!(mhz(folder.path(), 1), Some(3100.0));
        assert_eq!(mhz(folder.path(), 7), None);
    }
}

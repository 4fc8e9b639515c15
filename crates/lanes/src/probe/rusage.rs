//! What the kernel accounts to the calling thread: CPU time, page faults, context switches. Where a
//! library computes on threads of its own for the lane ([`Seat::whole_process`]), to its process.
//!
//! `cpu` is `CLOCK_THREAD_CPUTIME_ID` or `CLOCK_PROCESS_CPUTIME_ID`, exact to the scheduler's clock. `user` and `system` are the
//! kernel's split of it, which is sampled at the timer tick on most kernels: judge it over many
//! milliseconds only.

use super::{Availability, Metric, Probe, Seat};
use amdahl_record::units::Unit;

const METRICS: [(&str, Unit); 7] = [
    ("cpu", Unit::Seconds),
    ("user", Unit::Seconds),
    ("system", Unit::Seconds),
    ("minor-faults", Unit::Count),
    ("major-faults", Unit::Count),
    ("voluntary-switches", Unit::Count),
    ("involuntary-switches", Unit::Count),
];

/// Opens it for the calling thread, or for its process.
pub fn open(seat: Seat) -> Box<dyn Probe> {
    Box::new(platform::Rusage { whole_process: seat.whole_process })
}

fn metrics(availability: impl Fn() -> Availability) -> Vec<(Metric, Availability)> {
    METRICS.iter().map(|&(name, unit)| (Metric::new(name, unit), availability())).collect()
}

#[cfg(target_os = "linux")]
mod platform {
    use std::mem::MaybeUninit;

    use rustix::time::{ClockId, DynamicClockId, clock_gettime_dynamic};

    use super::super::Raw;
    use super::*;

    pub struct Rusage {
        pub whole_process: bool,
    }

    impl Probe for Rusage {
        fn available(&self) -> Vec<(Metric, Availability)> {
            metrics(|| Availability::Yes)
        }

        fn snapshot(&mut self, into: &mut [Raw]) {
            let (clock, who) = match self.whole_process {
                true => (ClockId::ProcessCPUTime, libc::RUSAGE_SELF),
                false => (ClockId::ThreadCPUTime, libc::RUSAGE_THREAD),
            };
            into[0] = cpu_seconds(clock).map_or(Raw::LOST, Raw::counted);
            let Some(usage) = usage(who) else {
                into[1..].fill(Raw::LOST);
                return;
            };
            let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
            into[1] = Raw::counted(seconds(usage.ru_utime));
            into[2] = Raw::counted(seconds(usage.ru_stime));
            into[3] = Raw::counted(usage.ru_minflt as f64);
            into[4] = Raw::counted(usage.ru_majflt as f64);
            into[5] = Raw::counted(usage.ru_nvcsw as f64);
            into[6] = Raw::counted(usage.ru_nivcsw as f64);
        }
    }

    fn cpu_seconds(clock: ClockId) -> Option<f64> {
        let time = clock_gettime_dynamic(DynamicClockId::Known(clock)).ok()?;
        Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
    }

    /// By `libc`: `rustix` has no getrusage.
    fn usage(who: libc::c_int) -> Option<libc::rusage> {
        let mut usage = MaybeUninit::<libc::rusage>::uninit();
        // SAFETY: `usage` is a place for one rusage, and the call has filled it where it returns 0.
        unsafe {
            let status = libc::getrusage(who, usage.as_mut_ptr());
            (status == 0).then(|| usage.assume_init())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::super::Raw;
    use super::*;

    pub struct Rusage {
        pub whole_process: bool,
    }

    impl Probe for Rusage {
        fn available(&self) -> Vec<(Metric, Availability)> {
            metrics(|| Availability::No {
                why: "per-thread accounting is read on Linux alone".into(),
                help: "run on Linux, or measure wall time only".into(),
            })
        }

        fn snapshot(&mut self, _into: &mut [Raw]) {}
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::Raw;
    use super::*;

    #[test]
    fn touching_fresh_memory_counts_faults_and_cpu_time() {
        let mut probe = open(Seat::ALONE);
        let (mut before, mut after) = ([Raw::LOST; 7], [Raw::LOST; 7]);
        probe.snapshot(&mut before);
        let mut memory = vec![0u8; 64 << 20];
        for page in memory.chunks_mut(4096) {
            page[0] = std::hint::black_box(1);
        }
        std::hint::black_box(&memory);
        probe.snapshot(&mut after);
        let grew = |i: usize| after[i].value - before[i].value;
        assert!(grew(0) > 0.0, "CPU time passes");
        // With transparent huge pages one fault maps 2 MiB, so at least 31 whole ones.
        assert!(grew(3) >= 31.0, "minor faults: {}", grew(3));
        assert!((0..7).all(|i| grew(i) >= 0.0), "nothing shrinks");
    }

    #[test]
    fn work_of_another_thread_counts_where_the_process_is_the_lane_s() {
        let seats = [Seat::ALONE, Seat { whole_process: true, ..Seat::ALONE }];
        let mut probes = seats.map(open);
        let mut snapshots = || {
            let mut taken = [[Raw::LOST; 7]; 2];
            probes.iter_mut().zip(&mut taken).for_each(|(probe, into)| probe.snapshot(into));
            taken
        };
        let before = snapshots();
        // The other thread says itself when it has worked enough, however busy the machine is.
        let worked = std::thread::spawn(|| {
            let (mut probe, mut now) = (open(Seat::ALONE), [Raw::LOST; 7]);
            while now[0].value.is_nan() || now[0].value < 0.05 {
                std::hint::black_box((0..10_000u64).sum::<u64>());
                probe.snapshot(&mut now);
            }
            now[0].value
        });
        let worked = worked.join().expect("it ends");
        let after = snapshots();
        let grew = |i: usize| after[i][0].value - before[i][0].value;
        assert!(grew(1) >= worked && grew(0) < worked, "{} and {} of {worked}", grew(0), grew(1));
    }
}

//! Probes and the recorder on real threads, as lanes use them.

use amdahl_lanes::probe::recorder::{ENTRIES, LaneReadings, PROBING, Recorder, merge};
use amdahl_lanes::probe::{PROBES, Seat, load, select};
use amdahl_record::{End, Phase, Provenance, Reading};

use crate::worker;
use amdahl_testing::skipped;

const MIB: usize = 1 << 20;

/// Writes to fresh memory, page by page.
fn touch(bytes: usize) {
    let mut memory = vec![0u8; bytes];
    for page in memory.chunks_mut(4096) {
        page[0] = std::hint::black_box(1);
    }
    std::hint::black_box(&memory);
}

fn lane(bytes_in_assign: usize) -> LaneReadings {
    let recorder = Recorder::new(PROBES, Seat::ALONE);
    recorder.enter(Phase::LOAD);
    for _ in 0..3 {
        recorder.enter(Phase::ASSIGN);
        touch(bytes_in_assign);
        let before = recorder.enter(Phase::WAIT);
        std::thread::yield_now();
        recorder.resume(before);
        recorder.enter(Phase::UPDATE);
    }
    recorder.finish()
}

fn reading<'a>(all: &'a [Reading], metric: &str) -> &'a Reading {
    all.iter()
        .find(|reading| reading.metric == metric)
        .unwrap_or_else(|| panic!("no reading '{metric}'"))
}

#[test]
fn each_thread_counts_for_itself_and_the_lanes_merge() {
    let lanes: Vec<LaneReadings> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            [64 * MIB, 0].map(|bytes| scope.spawn(move || lane(bytes))).into_iter().collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    // As a lane of another rank sends them.
    let text = serde_json::to_string(&lanes).expect("readings serialise");
    let all = merge(&serde_json::from_str::<Vec<LaneReadings>>(&text).expect("readings parse"));
    assert_eq!(all[0].metric, "wall");
    for reading in &all {
        match (&reading.values, &reading.why, reading.from) {
            (Some(values), None, Some(_)) => {
                assert_eq!(values.len(), 2, "{}: a row for each lane", reading.metric);
                assert!(values.iter().all(|phases| phases.len() >= Phase::SHARED));
                assert!(values.iter().flatten().all(|v| v.is_finite() && *v >= 0.0), "{reading:?}");
            }
            (None, Some(why), None) => {
                assert!(!why.is_empty() && why.len() < 100, "short: it stands in every record")
            }
            _ => panic!("values and where they come from, or a reason: {reading:?}"),
        }
    }
    let of = |metric: &str, lane: usize, phase: Phase| {
        reading(&all, metric).values.as_ref().expect("counted")[lane][phase.index()]
    };
    assert_eq!(of(ENTRIES, 0, Phase::ASSIGN), 6.0, "three times, and back from three waits");
    assert_eq!(of(ENTRIES, 1, Phase::LOAD), 1.0);
    assert!(of("wall", 0, Phase::ASSIGN) > 0.0 && of(PROBING, 0, Phase::ASSIGN) > 0.0);
    assert_eq!(of("wall", 0, Phase::REDUCE), 0.0, "never entered");
    if cfg!(target_os = "linux") {
        assert_eq!(reading(&all, "cpu").from, Some(Provenance::Measured));
        // One fault maps 2 MiB at most where huge pages are on, so 64 MiB take more than 30.
        assert!(
            of("minor-faults", 0, Phase::ASSIGN) > 30.0,
            "{}",
            of("minor-faults", 0, Phase::ASSIGN)
        );
    }
}

#[test]
fn the_kernel_s_two_counts_of_page_faults_agree() {
    let recorder = Recorder::new(PROBES, Seat::ALONE);
    recorder.enter(Phase::ASSIGN);
    touch(32 * MIB);
    let all = merge(&[recorder.finish()]);
    let faults = |metric: &str| {
        reading(&all, metric).values.as_ref().map(|lanes| lanes[0][Phase::ASSIGN.index()])
    };
    let (Some(minor), Some(major), Some(perf)) =
        (faults("minor-faults"), faults("major-faults"), faults("page-faults"))
    else {
        let why = format!("no software events: {:?}", reading(&all, "page-faults").why);
        return skipped("the_kernel_s_two_counts_of_page_faults_agree", why);
    };
    assert!(
        (minor + major - perf).abs() <= 0.05 * perf + 4.0,
        "rusage {minor} + {major}, perf_event {perf}"
    );
}

#[test]
fn a_chosen_set_has_its_metrics_and_no_others() {
    let recorder = Recorder::new(&select(Some("clock")).expect("known"), Seat::ALONE);
    recorder.enter(Phase::LOAD);
    let names: Vec<String> =
        merge(&[recorder.finish()]).into_iter().map(|reading| reading.metric.take()).collect();
    assert_eq!(names, ["wall", PROBING, ENTRIES]);
}

#[test]
fn the_load_of_this_machine_is_a_share_or_unknown() {
    let watch = load::Watch::start();
    touch(MIB);
    let facts = watch.stop();
    assert!(facts.steal.is_none_or(|share| (0.0..=1.0).contains(&share)), "{facts:?}");
    assert!(facts.mhz.is_none_or(|mhz| mhz > 0.0), "{facts:?}");
    if cfg!(target_os = "linux") {
        assert!(facts.load1.is_some_and(|load| load >= 0.0), "{facts:?}");
    }
}

#[test]
fn the_worker_records_the_probes_that_were_chosen() {
    let cell = worker::synthetic("threads", 1, 2);
    let names = |chosen: &str| -> Vec<String> {
        let measured = worker::measure(&cell, &[("AMDAHL_PROBES", chosen)]);
        measured.readings.into_iter().map(|reading| reading.metric.take()).collect()
    };
    assert_eq!(names("clock"), ["wall", PROBING, ENTRIES]);
    assert!(names("clock,rusage").contains(&"cpu".to_string()));
    assert!(names("").contains(&"task-clock".to_string()), "all of them");
}

#[test]
fn the_worker_refuses_a_probe_that_it_does_not_know() {
    let (output, end) =
        worker::run(&worker::synthetic("threads", 1, 2), &[("AMDAHL_PROBES", "clock,pref")]);
    assert!(!output.status.success());
    match end {
        Some(End::Failed { reason, .. }) => {
            assert!(reason.contains("unknown probe 'pref'"), "{reason}")
        }
        other => panic!("a reason is reported: {other:?}"),
    }
}

//! Tests of the recorder on probes whose values are written down beforehand.

use super::*;
use amdahl_record::Role;

/// Plays readings, one row a snapshot.
struct Script {
    names: Vec<(&'static str, Availability)>,
    rows: std::vec::IntoIter<Vec<Raw>>,
}

impl Probe for Script {
    fn available(&self) -> Vec<(Metric, Availability)> {
        self.names.iter().map(|(name, a)| (Metric::new(name, Unit::Count), a.clone())).collect()
    }
    fn snapshot(&mut self, into: &mut [Raw]) {
        into.copy_from_slice(&self.rows.next().expect("a row for each boundary"));
    }
}

fn script(rows: Vec<Vec<Raw>>) -> Recorder {
    let names = vec![("wall", Availability::Yes)];
    Recorder::with(vec![("clock", Box::new(Script { names, rows: rows.into_iter() }))])
}

fn counted(values: &[f64]) -> Recorder {
    script(values.iter().map(|&v| vec![Raw::counted(v)]).collect())
}

/// By phase, without those of accelerators.
fn values(readings: &LaneReadings, metric: &str) -> Vec<f64> {
    let reading = readings.metrics.iter().find(|r| r.metric == metric).expect("the metric");
    let phases = reading.values.clone().unwrap_or_else(|| panic!("{:?}", reading.why));
    phases.into_iter().map(|value| value.unwrap_or(f64::NAN)).take(Phase::COMPILE.index()).collect()
}

#[test]
fn each_phase_gets_what_passed_while_it_ran() {
    let recorder = counted(&[5.0, 7.0, 8.0, 12.0, 20.0]);
    assert_eq!(recorder.enter(Phase::LOAD), None);
    assert_eq!(recorder.enter(Phase::ASSIGN), Some(Phase::LOAD)); // load: 2
    let outer = recorder.enter(Phase::WAIT); // assign: 1
    recorder.resume(outer); // wait: 4
    assert_eq!(recorder.current(), Some(Phase::ASSIGN));
    let readings = recorder.finish(); // assign: 8 more
    assert_eq!(values(&readings, "wall"), [2.0, 0.0, 9.0, 0.0, 0.0, 4.0, 0.0]);
    assert_eq!(values(&readings, ENTRIES), [1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_phase_of_a_workload_s_own_has_a_place_too() {
    let recorder = counted(&[0.0, 1.0, 3.0, 6.0]);
    // Known only since the recorder was made.
    let sweep = Phase::named("recorder-test-sweep", Role::Compute);
    recorder.enter(Phase::LOAD);
    recorder.enter(sweep);
    recorder.enter(Phase::WAIT);
    let readings = recorder.finish();
    let here = &merge(std::slice::from_ref(&readings))[0];
    assert_eq!((here.value(0, sweep), here.value(0, Phase::WAIT)), (Some(2.0), Some(3.0)));

    // A rank that came to know its phases in another order.
    let mut elsewhere = readings.clone();
    elsewhere.phases =
        PhaseNames::of(&[("recorder-test-sweep", Role::Compute), ("load", Role::Setup)]);
    for reading in &mut elsewhere.metrics {
        reading.values = Some(vec![Some(7.0), Some(1.0)]);
    }
    let both = &merge(&[readings, elsewhere])[0];
    assert_eq!((both.value(1, sweep), both.value(1, Phase::LOAD)), (Some(7.0), Some(1.0)));
    assert_eq!(both.value(1, Phase::WAIT), Some(0.0));
}

#[test]
fn the_warm_up_of_any_timed_phase_counts_as_init() {
    let sweep = Phase::named("recorder-test-warm-up", Role::Compute);
    let recorder = counted(&[0.0, 4.0, 4.0, 9.0]);
    recorder.enter(sweep);
    recorder.reset();
    let wall = &merge(&[recorder.finish()])[0];
    assert_eq!((wall.value(0, Phase::INIT), wall.value(0, sweep)), (Some(4.0), Some(5.0)));
}

#[test]
fn paused_time_belongs_to_no_phase() {
    let recorder = counted(&[0.0, 1.0, 100.0, 102.0]);
    recorder.enter(Phase::UPDATE);
    let before = recorder.pause();
    assert_eq!(before, Some(Phase::UPDATE));
    recorder.resume(before);
    assert_eq!(values(&recorder.finish(), "wall")[Phase::UPDATE.index()], 3.0);
}

#[test]
fn the_warm_up_counts_as_init() {
    let recorder = counted(&[0.0, 1.0, 3.0, 10.0, 20.0, 60.0]);
    recorder.enter(Phase::INIT);
    recorder.enter(Phase::ASSIGN); // init: 1
    recorder.enter(Phase::REDUCE); // assign: 2, in the warm-up
    recorder.reset(); // reduce: 7, in the warm-up; snapshots at 10 and 20
    assert_eq!(recorder.current(), Some(Phase::REDUCE));
    let readings = recorder.finish();
    assert_eq!(values(&readings, "wall"), [0.0, 10.0, 0.0, 40.0, 0.0, 0.0, 0.0]);
    assert_eq!(values(&readings, ENTRIES), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn entering_the_running_phase_takes_no_snapshot() {
    let recorder = counted(&[0.0, 1.0]);
    recorder.enter(Phase::LOAD);
    assert_eq!(recorder.enter(Phase::LOAD), Some(Phase::LOAD));
    assert_eq!(values(&recorder.finish(), ENTRIES)[0], 1.0);
}

/// A source that takes its time: the clock has moved when it is read again.
struct Slow;

impl Probe for Slow {
    fn available(&self) -> Vec<(Metric, Availability)> {
        vec![]
    }
    fn snapshot(&mut self, _into: &mut [Raw]) {}
}

#[test]
fn reading_the_probes_is_no_part_of_a_phase() {
    let at = |v| vec![Raw::counted(v)];
    let rows = [0.0, 1.0, 11.0, 13.0, 20.0, 24.0].map(at).to_vec();
    let clock = Script { names: vec![("wall", Availability::Yes)], rows: rows.into_iter() };
    let recorder = Recorder::with(vec![("clock", Box::new(clock)), ("slow", Box::new(Slow))]);
    recorder.enter(Phase::ASSIGN); // reads at 0 and 1
    recorder.enter(Phase::REDUCE); // 10 of assign, reads at 11 and 13
    let readings = recorder.finish(); // 7 of reduce, reads at 20 and 24
    assert_eq!(values(&readings, "wall"), [0.0, 0.0, 10.0, 7.0, 0.0, 0.0, 0.0]);
    assert_eq!(values(&readings, PROBING), [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_counter_that_took_turns_is_scaled_and_says_so() {
    let at = |value, enabled_s, running_s| vec![Raw { value, enabled_s, running_s }];
    let recorder = script(vec![at(0.0, 0.0, 0.0), at(100.0, 2.0, 1.0), at(400.0, 4.0, 3.0)]);
    recorder.enter(Phase::ASSIGN);
    recorder.enter(Phase::REDUCE);
    let readings = recorder.finish();
    let reading = &readings.metrics[0];
    assert_eq!(reading.from, Some(Provenance::Multiplexed { coverage: 0.75 }));
    let values = reading.values.as_ref().expect("counted");
    assert_eq!(values[Phase::ASSIGN.index()], Some(200.0), "100 in half of the time");
    assert_eq!(values[Phase::REDUCE.index()], Some(300.0), "300 in all of the time");
}

#[test]
fn what_was_never_counted_is_missing_not_zero() {
    let at = |value, enabled_s, running_s| vec![Raw { value, enabled_s, running_s }];
    let recorder = script(vec![at(0.0, 0.0, 0.0), at(0.0, 2.0, 0.0)]);
    recorder.enter(Phase::ASSIGN);
    let reading = &recorder.finish().metrics[0];
    assert_eq!(reading.values, None);
    assert!(
        reading.why.as_ref().is_some_and(|why| why.starts_with("not counted: other counters")),
        "{reading:?}"
    );
}

#[test]
fn a_failed_read_is_missing_not_zero() {
    let recorder = script(vec![vec![Raw::counted(0.0)], vec![Raw::LOST]]);
    recorder.enter(Phase::ASSIGN);
    let reading = &recorder.finish().metrics[0];
    assert_eq!((reading.from, reading.values.as_ref()), (None, None));
    assert!(reading.why.as_ref().is_some_and(|why| why.contains("failed")), "{reading:?}");
}

#[test]
fn an_unavailable_metric_keeps_its_reason_and_takes_no_column() {
    let no = Availability::No { why: "no PMU".into(), help: "ask for one".into() };
    let names = vec![("wall", Availability::Yes), ("cycles", no), ("steps", Availability::Yes)];
    let rows = vec![
        vec![Raw::counted(0.0), Raw::counted(10.0)],
        vec![Raw::counted(1.0), Raw::counted(30.0)],
    ];
    let recorder =
        Recorder::with(vec![("clock", Box::new(Script { names, rows: rows.into_iter() }))]);
    recorder.enter(Phase::LOAD);
    let readings = recorder.finish();
    assert_eq!(values(&readings, "steps")[0], 20.0);
    assert_eq!(readings.metrics[1].why.as_deref(), Some("no PMU"));
}

#[test]
fn lanes_merge_in_order_with_the_wall_time_first() {
    let group = "perf-1";
    let of_lane = |wall: f64, cycles: Option<f64>, from: Provenance| LaneReadings {
        phases: PhaseNames::shared(),
        metrics: vec![
            LaneReading {
                metric: "cycles".into(),
                unit: Unit::Count,
                from: cycles.map(|_| from),
                values: cycles.map(|c| vec![Some(c); Phase::SHARED]),
                why: cycles.is_none().then(|| "no PMU".into()),
                group: Some(group.into()),
                scope: Scope::Lane,
            },
            LaneReading {
                metric: "wall".into(),
                unit: Unit::Seconds,
                from: Some(Provenance::Measured),
                values: Some(vec![Some(wall); Phase::SHARED]),
                why: None,
                group: Some("clock".into()),
                scope: Scope::Lane,
            },
        ],
    };
    let scaled = Provenance::Multiplexed { coverage: 0.5 };
    let all =
        merge(&[of_lane(1.0, Some(3.0), Provenance::Measured), of_lane(2.0, Some(4.0), scaled)]);
    assert_eq!(all[0].metric, "wall");
    assert_eq!(all[0].values, Some(vec![vec![1.0; Phase::SHARED], vec![2.0; Phase::SHARED]]));
    assert_eq!(all[1].from, Some(scaled), "the lane that promises least decides");
    assert_eq!(all[1].counted_by(), Some("perf-1"));

    let some = merge(&[of_lane(1.0, Some(3.0), Provenance::Measured), of_lane(2.0, None, scaled)]);
    assert_eq!((some[1].values.as_ref(), some[1].reason()), (None, Some("lane 1: no PMU")));
    let none = merge(&[of_lane(1.0, None, scaled), of_lane(2.0, None, scaled)]);
    assert_eq!(none[1].reason(), Some("no PMU"));
    assert!(merge(&[]).is_empty());
}

#[test]
fn a_phase_that_was_not_counted_has_no_value_and_the_others_keep_theirs() {
    let at = |value, enabled_s, running_s| vec![Raw { value, enabled_s, running_s }];
    let recorder = script(vec![at(0.0, 0.0, 0.0), at(100.0, 2.0, 2.0), at(100.0, 3.0, 2.0)]);
    recorder.enter(Phase::ASSIGN);
    recorder.enter(Phase::UPDATE);
    let lane = recorder.finish();
    let text = serde_json::to_string(&lane).expect("readings serialise");
    let merged = merge(&[serde_json::from_str(&text).expect("readings parse")]);
    let value = |phase| merged[0].value(0, phase);
    assert_eq!(
        (value(Phase::ASSIGN), value(Phase::UPDATE), value(Phase::LOAD)),
        (Some(100.0), None, Some(0.0))
    );
    assert_eq!(merged[0].from, Some(Provenance::Multiplexed { coverage: 2.0 / 3.0 }));
}

#[test]
fn what_one_lane_reads_for_its_node_is_that_lane_s_alone() {
    struct Node(Availability);
    impl Probe for Node {
        fn available(&self) -> Vec<(Metric, Availability)> {
            vec![(Metric::new("energy", Unit::Joules).of_node(), self.0.clone())]
        }
        fn snapshot(&mut self, into: &mut [Raw]) {
            into.fill(Raw::counted(7.0));
        }
    }
    let lane = |availability| {
        let rows = vec![vec![Raw::counted(0.0)]; 4];
        let clock = Script { names: vec![("wall", Availability::Yes)], rows: rows.into_iter() };
        let recorder = Recorder::with(vec![
            ("clock", Box::new(clock)),
            ("powercap", Box::new(Node(availability))),
        ]);
        recorder.enter(Phase::ASSIGN);
        recorder.finish()
    };
    let energy = |lanes: &[LaneReadings]| {
        merge(lanes).into_iter().find(|r| r.metric == "energy").expect("known")
    };
    let both = energy(&[lane(Availability::Yes), lane(Availability::Elsewhere)]);
    assert_eq!((both.scope, both.lanes().collect::<Vec<_>>()), (Scope::Node, vec![0]));
    assert_eq!((both.value(0, Phase::ASSIGN), both.value(1, Phase::ASSIGN)), (Some(0.0), None));
    let no = Availability::No { why: "no meter".into(), help: "buy one".into() };
    let none = energy(&[lane(no), lane(Availability::Elsewhere)]);
    assert_eq!((none.values.clone(), none.reason()), (None, Some("no meter")));
}

#[test]
fn readings_travel_as_json() {
    let recorder = Recorder::new(&[], Seat::ALONE);
    recorder.enter(Phase::LOAD);
    let readings = recorder.finish();
    let text = serde_json::to_string(&readings).expect("readings serialise");
    assert_eq!(serde_json::from_str::<LaneReadings>(&text).expect("readings parse"), readings);
}

#[test]
fn the_real_probes_give_a_wall_time_first() {
    let recorder = Recorder::new(PROBES, Seat::ALONE);
    recorder.enter(Phase::ASSIGN);
    std::thread::sleep(std::time::Duration::from_millis(2));
    recorder.enter(Phase::WAIT);
    let merged = merge(&[recorder.finish()]);
    assert_eq!(merged[0].metric, "wall");
    let wall = merged[0].values.as_ref().expect("the clock always runs")[0][Phase::ASSIGN.index()];
    assert!(wall >= 0.002, "slept at least that long: {wall}");
    assert!(merged.iter().all(|r| r.values.is_some() != r.why.is_some()), "values or a reason");
}

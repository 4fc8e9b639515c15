//! Efficiencies and lost speedup of made-up records.

use amdahl_explain::analysis::Analysis;
use amdahl_explain::pop::render;
use amdahl_explain::pop::speedup_loss::Cause;
use amdahl_explain::show;
use amdahl_explain::summary::{Summary, summarise};
use amdahl_explain::terminal::Style;
use amdahl_record::units::Unit;
use amdahl_record::{Line, Phase, Provenance, Reading};

use crate::samples::{self, Made};

/// Adds made-up hardware counters to every record: `instructions` and `cycles` for each second of
/// computing, by number of lanes.
pub fn with_made_up_counters(lines: &mut [Line], rates: impl Fn(usize) -> (f64, f64)) {
    for line in lines {
        let Line::Record(record) = line else { continue };
        let Some(measured) = &mut record.measured else { continue };
        let (instructions, cycles) = rates(measured.lane_count());
        let wall = measured.readings[0].clone();
        for (metric, rate) in [("instructions", instructions), ("cycles", cycles)] {
            let mut reading = Reading { metric: metric.into(), unit: Unit::Count, ..wall.clone() };
            reading
                .values
                .iter_mut()
                .flatten()
                .flatten()
                .for_each(|value| *value = (*value * rate).round());
            measured.readings.push(reading);
        }
    }
}

fn summary(lines: &[Line]) -> Summary {
    summarise(&samples::collect(lines))
}

#[test]
fn what_is_lost_adds_up_to_what_the_table_says() {
    let summary = summary(&Made::default().lines());
    let group = &summary.groups[0];
    let analysis = Analysis::of(&summary);
    let explained = &analysis.group(group).explained;
    let mut checked = 0;
    for cell in &group.cells {
        let pop = explained.pop(cell).expect("phases were recorded");
        assert!((pop.load_balance * pop.communication - pop.parallel).abs() < 1e-12);
        let Some(lost) = explained.lost(cell) else { continue };
        let speedup = cell.speedup.expect("a speedup").value;
        assert!((lost.speedup - speedup).abs() < 1e-9, "the speedup of the table");
        let sum: f64 = lost.parts.iter().map(|part| part.speedup).sum();
        assert!((sum - (f64::from(cell.cell.lanes()) - speedup)).abs() < 1e-9, "{sum}");
        assert!(lost.untold.as_ref().is_some_and(|why| why.contains("not recorded")));
        checked += 1;
    }
    assert_eq!(checked, 8, "all but the base");
    // Made-up lanes talk for 0.4 ms a lane and repeat the update: both are found, and nothing else
    // of size.
    let four = group
        .cells
        .iter()
        .find(|c| c.cell.lanes() == 4 && c.cell.backend.name() == "threads")
        .expect("4 threads");
    let lost = explained.lost(four).expect("explained");
    let to = |cause| lost.to(cause).expect("told");
    assert!(
        to(Cause::Computing) > 0.2 && to(Cause::Communication) > 0.1 && to(Cause::Imbalance) > 0.0,
        "{lost:?}"
    );
    let step = lost.step.as_ref().expect("3 threads before");
    assert_eq!(step.from_lanes, 3);
    let sentence = render::sentence(four, lost, "serial");
    assert!(
        sentence.starts_with("4 threads: ") && sentence.contains("cannot be told without counters"),
        "{sentence}"
    );
}

#[test]
fn made_up_hardware_counters_tell_computing_apart() {
    let mut lines = Made::default().lines();
    // IPC falls from 2 to 1.5 on four lanes, the clock stays.
    with_made_up_counters(&mut lines, |lanes| (if lanes == 4 { 3e9 } else { 4e9 }, 2e9));
    let summary = summary(&lines);
    let analysis = Analysis::of(&summary);
    let explained = &analysis.group(&summary.groups[0]).explained;
    for cell in &summary.groups[0].cells {
        let pop = explained.pop(cell).expect("phases");
        assert!((pop.frequency.expect("counted") - 1.0).abs() < 1e-6);
        assert_eq!(pop.counters_from, Some(Provenance::Measured));
        let parts = pop.instructions.expect("counted")
            * pop.ipc.expect("counted")
            * pop.frequency.expect("counted");
        assert!((parts - pop.computation.expect("a base")).abs() < 1e-9);
        let Some(lost) = explained.lost(cell) else { continue };
        assert_eq!((lost.to(Cause::Computing), &lost.untold), (None, &None));
        assert_eq!(lost.to(Cause::Ipc).expect("told") > 0.3, cell.cell.lanes() == 4, "{lost:?}");
        let sum: f64 = lost.parts.iter().map(|part| part.speedup).sum();
        assert!((sum - lost.lost).abs() < 1e-9);
    }
    let text = show::text(&analysis, Style { colour: false });
    assert!(text.contains("lower IPC") && !text.contains("slower computing"), "{text}");
}

#[test]
fn counters_of_one_lane_alone_are_not_used() {
    let mut lines = Made::default().lines();
    with_made_up_counters(&mut lines, |_| (4e9, 2e9));
    for line in &mut lines {
        let Line::Record(record) = line else { continue };
        let Some(measured) = record.measured.as_mut().filter(|m| m.lane_count() == 2) else {
            continue;
        };
        let cycles = measured.readings.iter_mut().find(|r| r.metric == "cycles").expect("made up");
        cycles.values.iter_mut().flatten().for_each(|lane| lane[Phase::ASSIGN.index()] = f64::NAN);
    }
    let summary = summary(&lines);
    let analysis = Analysis::of(&summary);
    let explained = &analysis.group(&summary.groups[0]).explained;
    for cell in &summary.groups[0].cells {
        let pop = explained.pop(cell).expect("phases");
        assert_eq!(pop.ipc.is_none(), cell.cell.lanes() == 2);
        assert_eq!(pop.counters_why.is_some(), cell.cell.lanes() == 2);
    }
}

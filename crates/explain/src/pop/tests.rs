use proptest::prelude::*;

use super::lane_time::{Counts, Spent};
use super::speedup_loss::{Cause, Lost};
use super::*;
use amdahl_record::Provenance;

fn spent(lanes: f64, seconds: f64, longest: f64, useful: f64) -> Spent {
    Spent {
        lanes,
        ranks: 1.0,
        seconds,
        useful,
        replicated: 0.0,
        longest,
        longest_of_ranks: longest,
        wait: 0.25 * (seconds - longest),
        communication: 0.5 * (seconds - longest),
        without_cpu: Err("for the test".into()),
        counts: Err("no PMU".into()),
    }
}

#[test]
fn four_lanes_by_hand() {
    // One lane: 8 s, all of them computing. Four: 3 s, of which the longest computes 2.4 s and all
    // together 8.4 s.
    let (one, four) = (spent(1.0, 8.0, 8.0, 8.0), spent(4.0, 3.0, 2.4, 8.4));
    let lost = Lost::of(&four, &one);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    near(lost.lost, 4.0 - 8.0 / 3.0);
    near(lost.to(Cause::Imbalance).expect("told"), (4.0 * 2.4 - 8.4) / 3.0);
    near(lost.to(Cause::Communication).expect("told"), 4.0 * 0.45 / 3.0);
    near(lost.to(Cause::Computing).expect("told"), 0.4 / 3.0);
    near(lost.to(Cause::Other).expect("told"), 4.0 * 0.15 / 3.0);
    assert_eq!((lost.to(Cause::Ipc), lost.untold.as_deref()), (None, Some("no PMU")));
    let pop = Pop::of(&four, Some(&one));
    near(pop.parallel, 8.4 / 12.0);
    near(pop.load_balance, 2.1 / 2.4);
    near(pop.communication, 0.8);
    near(pop.serialisation_estimate.expect("several lanes"), 2.4 / 2.7);
    near(pop.computation.expect("a base"), 8.0 / 8.4);
    near(pop.global.expect("a base"), 8.0 / 12.0);
    assert_eq!(pop.balance_among_ranks, None, "one rank");
}

#[test]
fn made_up_counters_tell_computing_apart() {
    let counted = |mut spent: Spent, instructions: f64, cycles: f64| {
        spent.counts = Ok(Counts { instructions, cycles, from: Provenance::Measured });
        spent
    };
    // A tenth more instructions, the same cycles an instruction, the same clock.
    let (one, two) = (
        counted(spent(1.0, 8.0, 8.0, 8.0), 1e9, 2e9),
        counted(spent(2.0, 5.0, 4.5, 8.8), 1.1e9, 2.2e9),
    );
    let lost = Lost::of(&two, &one);
    let near = |cause, b: f64| {
        assert!((lost.to(cause).expect("told") - b).abs() < 1e-12, "{cause:?} {lost:?}")
    };
    near(Cause::Instructions, 0.8 / 5.0);
    near(Cause::Ipc, 0.0);
    near(Cause::Frequency, 0.0);
    assert_eq!((lost.to(Cause::Computing), lost.untold.as_ref()), (None, None));
    let pop = Pop::of(&two, Some(&one));
    assert!((pop.instructions.expect("counted") - 1.0 / 1.1).abs() < 1e-12);
    assert_eq!(pop.counters_why, None);
}

#[test]
fn counts_from_different_sources_are_not_mixed() {
    let counted = |mut spent: Spent, from| {
        spent.counts = Ok(Counts { instructions: 1e9, cycles: 2e9, from });
        spent
    };
    let one = counted(spent(1.0, 8.0, 8.0, 8.0), Provenance::Measured);
    let two = counted(spent(2.0, 5.0, 4.5, 8.8), Provenance::Simulated);
    let lost = Lost::of(&two, &one);
    assert!(lost.untold.is_some_and(|why| why.contains("another way")));
    let pop = Pop::of(&two, Some(&one));
    assert!(pop.ipc.is_none() && pop.counters_why.is_some());
}

/// Any times and counts that a program can have.
fn any_spent() -> impl Strategy<Value = Spent> {
    let shares = (0.01..=1.0f64, 0.01..=1.0f64, 0.0..=1.0f64, 0.0..=1.0f64, 0.0..0.9f64);
    let counts = prop::option::of((1e3..1e12f64, 1e3..1e12f64));
    let measured =
        prop_oneof![Just(Provenance::Measured), Just(Provenance::Multiplexed { coverage: 0.5 })];
    (1..=8u32, 1..=8u32, 1e-6..1e4f64, shares, counts, any::<bool>(), measured).prop_map(
        |(ranks, threads, seconds, (long, balance, wait, reduce, idle), counts, cpu, from)| {
            let lanes = f64::from(ranks * threads);
            let longest = seconds * long;
            let useful = longest * (1.0 + (lanes - 1.0) * balance);
            let rest = seconds - longest;
            Spent {
                lanes,
                ranks: f64::from(ranks),
                seconds,
                useful,
                replicated: 0.0,
                longest,
                longest_of_ranks: longest * (1.0 + (f64::from(ranks) - 1.0) * balance),
                wait: rest * wait * 0.5,
                communication: rest * reduce * 0.5,
                without_cpu: if cpu { Ok(useful * idle) } else { Err("no CPU clock".into()) },
                counts: counts
                    .map(|(instructions, cycles)| Counts { instructions, cycles, from })
                    .ok_or_else(|| "no PMU".into()),
            }
        },
    )
}

proptest! {
    #[test]
    fn the_parts_add_up_to_the_loss(cell in any_spent(), base in any_spent()) {
        let lost = Lost::of(&cell, &base);
        let unit = base.lanes * cell.seconds;
        let size: f64 = lost.parts.iter().map(|p| p.speedup.abs()).sum::<f64>() + lost.ideal + lost.speedup;
        let sum: f64 = lost.parts.iter().map(|p| p.speedup).sum();
        prop_assert!((sum - lost.lost).abs() <= 1e-9 * size, "{} is not {}", sum, lost.lost);
        let lane_seconds: f64 = lost.parts.iter().map(|p| p.lane_seconds).sum();
        prop_assert!((lane_seconds - (cell.lane_seconds() - base.lane_seconds())).abs() <= 1e-9 * size * unit);
        let told = lost.to(Cause::Ipc).is_some();
        prop_assert_eq!(told, lost.untold.is_none());
        prop_assert_eq!(told, lost.to(Cause::Computing).is_none());
    }

    #[test]
    fn the_parts_of_a_step_add_up_too(a in any_spent(), b in any_spent(), base in any_spent()) {
        let (before, after) = (Lost::of(&a, &base), Lost::of(&b, &base));
        let step = after.since(3, &before);
        let size: f64 = before.parts.iter().chain(&after.parts).map(|p| p.speedup.abs()).sum::<f64>() + 1.0;
        let sum: f64 = step.parts.iter().map(|(_, part)| part).sum();
        prop_assert!((sum - step.lost).abs() <= 1e-9 * size, "{} is not {}: {:?}", sum, step.lost, step);
    }

    #[test]
    fn efficiencies_multiply(cell in any_spent(), base in any_spent()) {
        let pop = Pop::of(&cell, Some(&base));
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs();
        prop_assert!(near(pop.parallel, pop.load_balance * pop.communication));
        if let (Some(among), Some(within)) = (pop.balance_among_ranks, pop.balance_within_ranks) {
            prop_assert!(near(pop.load_balance, among * within));
        }
        if let (Some(serialisation), Some(transfer)) = (pop.serialisation_estimate, pop.transfer_estimate) {
            prop_assert!(near(pop.communication, serialisation * transfer));
            prop_assert!(serialisation <= 1.0 + 1e-9 && transfer <= 1.0 + 1e-9);
        }
        if let (Some(instructions), Some(ipc), Some(frequency)) = (pop.instructions, pop.ipc, pop.frequency) {
            prop_assert!(near(pop.computation.expect("a base"), instructions * ipc * frequency));
        }
        // The efficiency of the tables is the global one over the base's parallel one.
        let of_base = Pop::of(&base, None).parallel;
        let efficiency = base.seconds / cell.seconds / (cell.lanes / base.lanes);
        prop_assert!(near(pop.global.expect("a base") / of_base, efficiency));
    }
}

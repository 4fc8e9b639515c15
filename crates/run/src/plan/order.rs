//! In which order a plan's repeats are run.
//!
//! Machines drift: they warm up, neighbours come and go. Repeats of one cell in a row would all
//! meet the same weather, and cells would differ by it. So all cells are run once before any is run
//! again, each round in an order of its own (Hoefler and Belli, "Scientific benchmarking of
//! parallel computing systems", SC'15; google/benchmark's random interleaving).

use crate::plan::Plan;
use amdahl_stats::random::SplitMix64;

/// One repeat of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Turn {
    /// Position of the cell in [`Plan::cells`].
    pub cell: usize,
    /// Number of the repeat, from 0.
    pub repeat: u32,
}

/// Every wanted repeat of every cell exactly once: first the first repeat of each oracle, in the
/// order of the plan, so that all later answers can be checked; then rounds, each a random
/// permutation of the cells that want that repeat. The same `seed` gives the same order on every
/// machine.
pub fn order(plan: &Plan, seed: u64) -> Vec<Turn> {
    let is_oracle: Vec<bool> =
        plan.cells.iter().map(|planned| planned.id == planned.oracle).collect();
    let mut turns: Vec<Turn> = Vec::new();
    turns.extend(
        (0..plan.cells.len()).filter(|&cell| is_oracle[cell]).map(|cell| Turn { cell, repeat: 0 }),
    );
    for repeat in 0..plan.cells.iter().map(|planned| planned.repeats).max().unwrap_or(0) {
        let wants =
            |cell: usize| plan.cells[cell].repeats > repeat && !(repeat == 0 && is_oracle[cell]);
        let mut round: Vec<usize> = (0..plan.cells.len()).filter(|&cell| wants(cell)).collect();
        shuffle(&mut round, &mut SplitMix64::new(seed, u64::from(repeat) + 1));
        turns.extend(round.into_iter().map(|cell| Turn { cell, repeat }));
    }
    turns
}

/// Fisher and Yates' shuffle (Knuth, "The Art of Computer Programming", volume 2, algorithm P).
fn shuffle(items: &mut [usize], random: &mut SplitMix64) {
    for last in (1..items.len()).rev() {
        items.swap(last, random.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Machine, parse};
    use proptest::prelude::*;
    use std::path::Path;

    fn plan(ks: u32, repeats: u32, backends: &str) -> Plan {
        let ks: Vec<String> = (1..=ks).map(|k| k.to_string()).collect();
        let text = format!(
            r#"
            experiment.repeats = {repeats}
            experiment.base = "threads"
            workload = {{ kind = "kmeans", iterations = 1 }}
            dataset = {{ synthetic = "mixture", points = 1000, dims = 2, clusters = 2 }}
            [axes]
            backend = {backends}
            threads = [1, 2]
            k = [{}]
            "#,
            ks.join(", ")
        );
        parse(&text, Path::new("order.toml"), Machine::of(2)).expect("a good manifest")
    }

    proptest! {
        #[test]
        fn every_wanted_repeat_has_one_turn(ks in 1u32..6, repeats in 1u32..5, seed: u64, serial: bool) {
            let plan = plan(ks, repeats, if serial { r#"["serial", "threads"]"# } else { r#"["threads"]"# });
            let turns = order(&plan, seed);
            prop_assert_eq!(&turns, &order(&plan, seed), "the same seed, the same order");
            let mut sorted: Vec<_> = turns.iter().map(|t| (t.cell, t.repeat)).collect();
            sorted.sort_unstable();
            let wanted: Vec<_> =
                (0..plan.cells.len()).flat_map(|c| (0..plan.cells[c].repeats).map(move |r| (c, r))).collect();
            prop_assert_eq!(sorted, wanted);
            let oracles = plan.cells.iter().filter(|c| c.id == c.oracle).count();
            prop_assert!(turns[..oracles].iter().all(|t| plan.cells[t.cell].id == plan.cells[t.cell].oracle));
            prop_assert!(turns[oracles..].windows(2).all(|pair| pair[0].repeat <= pair[1].repeat), "round by round");
        }
    }

    #[test]
    fn rounds_and_seeds_differ() {
        let plan = plan(20, 3, r#"["serial", "threads"]"#);
        let of = |repeat: u32, seed: u64| -> Vec<usize> {
            order(&plan, seed).iter().filter(|t| t.repeat == repeat).map(|t| t.cell).collect()
        };
        assert_ne!(of(1, 1), of(2, 1), "each round has an order of its own");
        assert_ne!(of(1, 1), of(1, 2), "so has each seed");
    }

    #[test]
    fn any_cell_can_come_at_any_place() {
        let mut seen = [[0u32; 4]; 4];
        for seed in 0..4000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut SplitMix64::new(seed, 1));
            for (place, &item) in items.iter().enumerate() {
                seen[item][place] += 1;
            }
        }
        assert!(seen.iter().flatten().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }
}

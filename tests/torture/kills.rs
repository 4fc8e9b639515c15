//! Sweeps and their workers killed at any moment.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{attacks, tell};
use crate::fuzz::edits::Draws;
use crate::support::{Sandbox, manifest, signal};

const KILL: i32 = 9;

/// Repeats of each of the two cells.
const REPEATS: u32 = 12;

#[test]
fn killed_sweeps_lose_nothing_and_count_nothing_twice() {
    let sandbox = Sandbox::new();
    sandbox.write("m.toml", manifest(r#""serial", "threads""#, REPEATS, ""));
    let draws = &mut Draws::new("kills", 0);
    let words = ["run", "m.toml", "--results", "results/test"];
    let (kills, mut of_sweeps, mut of_workers) = (attacks(8), 0, 0);
    let mut rounds = 0;
    while of_sweeps + of_workers < kills {
        rounds += 1;
        let mut sweep = sandbox.start(&words);
        std::thread::sleep(Duration::from_millis(20 + draws.next() % 400));
        let workers: Vec<i32> =
            sandbox.processes().into_iter().filter(|pid| *pid != sweep.id() as i32).collect();
        match workers.first().filter(|_| draws.one_in(2)) {
            Some(worker) => {
                signal(*worker as u32, KILL);
                of_workers += 1;
                // The sweep goes on with what is left; it is ended in the middle of that.
                std::thread::sleep(Duration::from_millis(draws.next() % 200));
            }
            None => of_sweeps += 1,
        }
        let _ = sweep.kill();
        let _ = sandbox.end(sweep);
        // What was done is done: a folder that is complete is begun again.
        if sandbox.path("results/test").exists() && sandbox.counted() >= 2 * REPEATS as usize {
            std::fs::remove_dir_all(sandbox.path("results/test")).expect("removed");
        }
        assert!(rounds < 20 * kills, "{of_sweeps} + {of_workers} kills in {rounds} sweeps");
    }
    sandbox.run(&words).ends_with(0);
    let results = sandbox.results();
    assert_eq!(results.warnings, [""; 0]);
    let mut counted: BTreeMap<(String, u32), u32> = BTreeMap::new();
    for record in results.records.iter().filter(|record| record.counts()) {
        *counted.entry((record.key.cell.to_string(), record.repeat)).or_default() += 1;
    }
    assert_eq!(counted.len(), 2 * REPEATS as usize, "{counted:?}");
    assert!(counted.values().all(|times| *times == 1), "{counted:?}");
    sandbox.nothing_survives();
    tell("kills", kills, &format!("{of_sweeps} of sweeps, {of_workers} of workers"));
}

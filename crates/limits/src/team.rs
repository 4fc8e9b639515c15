//! Lanes that do the same at the same time: pinned threads, a common start, and passes that are
//! long enough for the clock.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use amdahl_lanes::comm::barrier::Barrier;
use amdahl_record::error::Result;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Length of a pass that is aimed at.
    pub pass: Duration,
    /// Time for all passes of a figure; at least [`FEWEST`] are made.
    pub figure: Duration,
}

/// Passes of a figure, at least.
pub const FEWEST: usize = 3;

/// Passes of a figure, at most.
const MOST: usize = 1000;

/// What the lanes of one measurement share.
pub struct Team {
    barrier: Barrier,
    origin: Instant,
    /// Begin and end of each lane's last pass, nanoseconds since `origin`.
    spans: Vec<(AtomicU64, AtomicU64)>,
    /// What the first lane tells the others.
    word: AtomicU64,
}

impl Team {
    /// For so many lanes, each with a CPU of its own.
    pub fn new(lanes: usize) -> Team {
        Team {
            barrier: Barrier::new(lanes, false),
            origin: Instant::now(),
            spans: (0..lanes).map(|_| Default::default()).collect(),
            word: AtomicU64::new(0),
        }
    }

    /// Number of lanes.
    pub fn lanes(&self) -> usize {
        self.spans.len()
    }

    /// Tells all lanes, now and later, that one of them will never come.
    pub fn abandon(&self) {
        self.barrier.poison();
    }

    /// Waits for all lanes, then gives all what the first one says.
    pub fn say(&self, lane: usize, word: u64) -> Result<u64> {
        if lane == 0 {
            self.word.store(word, SeqCst);
        }
        self.barrier.wait()?;
        let said = self.word.load(SeqCst);
        self.barrier.wait()?;
        Ok(said)
    }

    /// Is it so on all lanes?
    pub fn all(&self, lane: usize, mine: bool) -> Result<bool> {
        self.spans[lane].0.store(u64::from(mine), SeqCst);
        self.barrier.wait()?;
        let all = self.spans.iter().all(|(so, _)| so.load(SeqCst) == 1);
        self.barrier.wait()?;
        Ok(all)
    }

    /// Seconds that all lanes took for `rounds` rounds of `work`, from the first one's start to the
    /// last one's end.
    fn pass(&self, lane: usize, rounds: u64, work: &mut dyn FnMut(u64)) -> Result<f64> {
        self.barrier.wait()?;
        let begin = self.origin.elapsed();
        work(rounds);
        let end = self.origin.elapsed();
        self.spans[lane].0.store(begin.as_nanos() as u64, SeqCst);
        self.spans[lane].1.store(end.as_nanos() as u64, SeqCst);
        self.barrier.wait()?;
        let first = self.spans.iter().map(|(begin, _)| begin.load(SeqCst)).min().unwrap_or(0);
        let last = self.spans.iter().map(|(_, end)| end.load(SeqCst)).max().unwrap_or(0);
        Ok(last.saturating_sub(first) as f64 * 1e-9)
    }

    /// Rates of many passes of `work`, each of which all lanes do together. `work` does that many
    /// rounds; `a_round` is what one lane does in a round, in the unit of the rate. Called by every
    /// lane; all get the same.
    pub fn rates(
        &self,
        lane: usize,
        pace: Pace,
        a_round: f64,
        work: &mut dyn FnMut(u64),
    ) -> Result<Vec<f64>> {
        let start = Instant::now();
        let mut rates = Vec::new();
        let mut rounds = 1;
        loop {
            let seconds = self.pass(lane, rounds, work)?;
            let better = rounds_for(rounds, seconds, pace.pass.as_secs_f64());
            if better <= rounds * 2 && seconds > 0.0 {
                rates.push(self.lanes() as f64 * a_round * rounds as f64 / seconds);
            }
            let over =
                rates.len() >= MOST || rates.len() >= FEWEST && start.elapsed() >= pace.figure;
            // A pass that is too short is repeated with more rounds and does not count.
            let next = if better > rounds * 2 { better } else { rounds };
            rounds = self.say(lane, if over { 0 } else { next })?;
            if rounds == 0 {
                return Ok(rates);
            }
        }
    }
}

/// Rounds that take `target_s`, after `rounds` took `seconds`: a hundred times as many at most,
/// since the first ones may tell little.
fn rounds_for(rounds: u64, seconds: f64, target_s: f64) -> u64 {
    let more = if seconds > 0.0 { (target_s / seconds).min(100.0) } else { 100.0 };
    (rounds as f64 * more).ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_become_as_long_as_wanted() {
        assert_eq!(rounds_for(1, 1e-6, 1e-3), 100, "not more than a hundred times at once");
        assert_eq!(rounds_for(100, 1e-4, 1e-3), 1000);
        assert_eq!(rounds_for(8, 0.0, 1e-3), 800, "shorter than the clock can tell");
        assert_eq!(rounds_for(8, 1.0, 1e-3), 1);
    }

    #[test]
    fn all_lanes_get_the_same_rates() {
        let team = Team::new(2);
        let pace = Pace { pass: Duration::from_micros(50), figure: Duration::ZERO };
        let lane = |lane: usize| {
            assert!(team.all(lane, true).expect("whole"));
            assert!(!team.all(lane, lane == 0).expect("whole"));
            assert_eq!(team.say(lane, 7 * (1 - lane as u64)).expect("whole"), 7);
            team.rates(lane, pace, 10.0, &mut |rounds| {
                for i in 0..rounds * 1000 {
                    std::hint::black_box(i);
                }
            })
            .expect("whole")
        };
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(|| lane(1));
            (lane(0), other.join().expect("no panic"))
        });
        assert_eq!(one, two);
        assert!(one.len() >= FEWEST && one.iter().all(|rate| *rate > 0.0));
    }
}

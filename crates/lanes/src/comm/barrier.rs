//! A barrier for the threads of one process that can be poisoned: when a lane dies, those who wait
//! for it are told instead of hanging.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use amdahl_record::error::{Error, Result};

/// How often a waiting thread looks before it goes to sleep, where every thread can have a CPU:
/// about 100 µs.
const SPINS: u32 = 1 << 14;

const POISON: u64 = 1 << 31;
const ARRIVED: u64 = POISON - 1;
const GENERATION: u64 = 1 << 32;

/// The barrier. One word holds generation, poison and arrivals, so that "all arrived" and
/// "poisoned" exclude each other: a wait either succeeds on every thread or on none.
pub struct Barrier {
    /// Bits 32…63 generation, bit 31 poison, bits 0…30 threads that have arrived.
    state: AtomicU64,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
    count: u64,
    spins: u32,
}

impl Barrier {
    /// A barrier for `count` threads. `crowded`: there are more threads than CPUs, so waiting
    /// threads sleep at once.
    pub fn new(count: usize, crowded: bool) -> Self {
        Barrier {
            state: AtomicU64::new(0),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            count: count as u64,
            spins: if crowded { 16 } else { SPINS },
        }
    }

    /// Waits for all threads; an error on every waiting thread when the barrier is poisoned before
    /// all have arrived.
    pub fn wait(&self) -> Result<()> {
        self.pass(true)
    }

    /// Waits for all threads, poisoned or not. Only for the end of a step that all threads have
    /// entered and that none can leave early.
    pub fn wait_committed(&self) {
        // Without the poison check there is no error.
        let _ = self.pass(false);
    }

    /// Tells all who wait, now or later, that a thread will never come.
    pub fn poison(&self) {
        self.state.fetch_or(POISON, Ordering::SeqCst);
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.wake.notify_all();
    }

    fn pass(&self, heed_poison: bool) -> Result<()> {
        let mut state = self.state.load(Ordering::SeqCst);
        let generation = loop {
            if heed_poison && state & POISON != 0 {
                return Err(gone());
            }
            let last = (state & ARRIVED) + 1 == self.count;
            let next = if last { (state & !ARRIVED).wrapping_add(GENERATION) } else { state + 1 };
            match self.state.compare_exchange_weak(state, next, Ordering::SeqCst, Ordering::SeqCst)
            {
                Ok(_) if last => {
                    if self.sleepers.load(Ordering::SeqCst) > 0 {
                        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
                        self.wake.notify_all();
                    }
                    return Ok(());
                }
                Ok(_) => break state / GENERATION,
                Err(now) => state = now,
            }
        };
        // None: still waiting. The generation is looked at first: who arrived last has decided.
        let look = || {
            let now = self.state.load(Ordering::SeqCst);
            if now / GENERATION != generation {
                Some(Ok(()))
            } else if heed_poison && now & POISON != 0 {
                Some(Err(gone()))
            } else {
                None
            }
        };
        for _ in 0..self.spins {
            if let Some(end) = look() {
                return end;
            }
            std::hint::spin_loop();
        }
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let end = loop {
            if let Some(end) = look() {
                break end;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        end
    }
}

fn gone() -> Error {
    Error::comm("another lane of this process stopped before a collective")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn nobody_passes_before_all_have_come() {
        for crowded in [false, true] {
            let (barrier, done) = (Barrier::new(4, crowded), AtomicU32::new(0));
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for round in 1..=200 {
                            done.fetch_add(1, Ordering::SeqCst);
                            barrier.wait().expect("not poisoned");
                            assert!(done.load(Ordering::SeqCst) >= 4 * round);
                            barrier.wait().expect("not poisoned");
                        }
                    });
                }
            });
            assert_eq!(done.load(Ordering::SeqCst), 800);
        }
    }

    #[test]
    fn poison_frees_those_who_wait_and_those_who_come_later() {
        let barrier = Barrier::new(3, true);
        std::thread::scope(|scope| {
            let waiting = [scope.spawn(|| barrier.wait()), scope.spawn(|| barrier.wait())];
            barrier.poison();
            for thread in waiting {
                assert!(thread.join().expect("no panic").is_err());
            }
        });
        assert!(barrier.wait().is_err());
    }
}

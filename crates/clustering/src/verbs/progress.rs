//! What a person sees on a terminal while a model is fitted: after two seconds a bar, with how long
//! it will take at most. Elsewhere nothing.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::program;
use crate::program::Doing;
use crate::verbs::logging;
use amdahl_kmeans::engine::Iteration;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::units;

/// What takes less needs no bar.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks on for a person.
pub struct Progress {
    interrupts: Interrupts,
    bar: Option<ProgressBar>,
    /// Shows the bar once patience is over; sending nothing and dropping it stops that.
    shower: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>>,
    state: Mutex<State>,
}

/// How far it is.
#[derive(Debug)]
struct State {
    starts: u32,
    iterations: u32,
    /// The start that runs, from 0.
    start: u32,
    /// Its last iteration.
    number: u32,
    /// When its first iteration ended, from which iterations are timed: the first labels everything
    /// anew.
    first: Option<Instant>,
    /// Iterations of the starts that are over.
    over: u32,
}

impl Progress {
    /// For so many starts of at most so many iterations. `root`: this process prints.
    pub fn new(interrupts: Interrupts, root: bool, starts: u32, iterations: u32) -> Progress {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bar = (root && std::io::stderr().is_terminal() && !dumb).then(hidden);
        logging::around(bar.as_ref().map(logging::suspending));
        let shower = bar.clone().map(|bar| {
            let (stop, stopped) = mpsc::channel::<()>();
            let shower = std::thread::spawn(move || {
                if stopped.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                    bar.tick();
                }
            });
            (stop, shower)
        });
        let state = State { starts, iterations, start: 0, number: 0, first: None, over: 0 };
        Progress { interrupts, bar, shower: Mutex::new(shower), state: Mutex::new(state) }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        logging::around(None);
        if let Some((stop, shower)) =
            self.shower.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            drop(stop);
            let _ = shower.join(); // it cannot panic
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// An error as the person sees it: an interruption says how far it was, and that nothing is
    /// left.
    pub fn explain(&self, error: Error) -> Error {
        if error.kind != Kind::Interrupted {
            return error;
        }
        Error::new(Kind::Interrupted, format!("interrupted: {}", self.state().place()))
            .hint("nothing was written")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }
}

/// A bar that nobody sees yet.
fn hidden() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("[{elapsed}] {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

impl program::Progress for Progress {
    fn check(&self) -> Result<()> {
        self.interrupts.check()
    }

    fn doing(&self, what: Doing) {
        if let Doing::Starting(start) = what {
            self.state().begins(start);
        }
        self.say(match what {
            Doing::Reading => "reading".into(),
            Doing::Starting(_) => format!("{}: choosing initial centroids", self.state().place()),
            Doing::Labelling => "labelling".into(),
            Doing::Comparing => "comparing rows for the silhouette".into(),
        });
    }

    fn iterated(&self, _start: u32, iteration: &Iteration) {
        let message = self.state().iterated(iteration, Instant::now());
        self.say(message);
    }
}

impl State {
    fn begins(&mut self, start: u32) {
        self.over += self.number;
        (self.start, self.number, self.first) = (start, 0, None);
    }

    /// Where it is, for people.
    fn place(&self) -> String {
        format!("{}after {} iterations", self.start_of(), self.number)
    }

    /// Which start, where there are several.
    fn start_of(&self) -> String {
        if self.starts > 1 {
            format!("start {} of {}, ", self.start + 1, self.starts)
        } else {
            String::new()
        }
    }

    fn iterated(&mut self, iteration: &Iteration, now: Instant) -> String {
        self.number = iteration.number;
        let first = *self.first.get_or_insert(now);
        let done = format!(
            "{}iteration {} of at most {}: {} labels changed",
            self.start_of(),
            self.number,
            self.iterations,
            units::count(iteration.changed as f64)
        );
        match self.seconds_left(now - first) {
            Some(left) => format!("{done}, at most {} left", units::seconds(left)),
            None => done,
        }
    }

    /// At most: convergence ends a start sooner. Starts that have not begun are taken to be as long
    /// as those that are over were.
    fn seconds_left(&self, since_the_first: Duration) -> Option<f64> {
        let timed = self.number.checked_sub(1).filter(|&n| n > 0)?;
        let each = since_the_first.as_secs_f64() / f64::from(timed);
        let usual = if self.start > 0 {
            f64::from(self.over) / f64::from(self.start)
        } else {
            f64::from(self.iterations)
        };
        let to_come = f64::from(self.starts - self.start - 1) * usual;
        Some(each * (f64::from(self.iterations - self.number) + to_come))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_at_most() {
        let mut state =
            State { starts: 2, iterations: 11, start: 0, number: 0, first: None, over: 0 };
        state.begins(0);
        assert_eq!(state.place(), "start 1 of 2, after 0 iterations");
        let now = Instant::now();
        let first = Iteration { number: 1, changed: 12_345, shift: 0.0 };
        assert_eq!(
            state.iterated(&first, now),
            "start 1 of 2, iteration 1 of at most 11: 12,345 labels changed"
        );
        let second = Iteration { number: 2, changed: 9, shift: 0.0 };
        // Nine iterations of this start and eleven of the next, a second each.
        let said = state.iterated(&second, now + Duration::from_secs(1));
        assert_eq!(
            said,
            "start 1 of 2, iteration 2 of at most 11: 9 labels changed, at most 20.0 s left"
        );
        state.begins(1);
        state.iterated(&first, now);
        state.iterated(&second, now + Duration::from_secs(1));
        assert_eq!(state.seconds_left(Duration::from_secs(1)), Some(9.0));
        let alone = State { starts: 1, number: 3, ..state };
        assert_eq!(alone.place(), "after 3 iterations");
    }
}

//! Cache simulation: the phases of a program that runs under Valgrind's tool callgrind.
//!
//! It is no probe that is read: the simulator itself writes what it counted when it is asked to,
//! one file (a *part*) for each time a phase ran. Here is what the simulated program does
//! ([`Marker`]), what the caches are modelled after ([`geometry`]) and how parts are read
//! ([`parts`]). Starting the simulator is the launcher's.

use std::ffi::CString;

use amdahl_record::Phase;

pub mod geometry;
pub mod parts;
pub mod request;

/// The variable by which a launcher tells a worker that its phases are simulated.
pub const VARIABLE: &str = "AMDAHL_SIMULATED";

/// Options of callgrind that go with a [`Marker`]: it says when to begin.
pub const OPTIONS: [&str; 6] = [
    "--tool=callgrind",
    "--cache-sim=yes",
    "--instr-atstart=no",
    "--collect-atstart=no",
    "--dump-line=no",
    "--error-exitcode=0",
];

/// Tells the simulator where phases begin and end on one lane.
///
/// From the phase `init` on the caches are simulated, so that the warm-up fills them; events are
/// counted in the timed phases alone, and what the recorder itself does between two phases is not
/// counted.
pub struct Marker {
    rank: usize,
    started: bool,
    counting: bool,
}

impl Marker {
    /// For the lane of this rank; `None` where nobody simulates or nobody asked for phases.
    pub fn wanted(rank: usize) -> Option<Marker> {
        let asked = std::env::var_os(VARIABLE).is_some_and(|word| !word.is_empty());
        (asked && request::simulated()).then_some(Marker { rank, started: false, counting: false })
    }

    /// Ends `phase`.
    pub fn ends(&mut self, phase: Option<Phase>) {
        if !self.counting {
            return;
        }
        self.counting = false;
        request::toggle();
        if let Some(name) = phase.and_then(|phase| CString::new(parts::name(self.rank, phase)).ok())
        {
            request::dump(&name);
        }
    }

    /// Begins `phase`.
    pub fn begins(&mut self, phase: Option<Phase>) {
        match phase {
            Some(Phase::INIT) if !self.started => {
                self.started = true;
                request::start();
            }
            Some(Phase::FINISH) if self.started => request::stop(),
            Some(phase) if self.started && phase.is_timed() => {
                self.counting = true;
                request::toggle();
            }
            _ => {}
        }
    }
}

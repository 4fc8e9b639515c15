//! What nobody means to do to the program: kills at any moment, records cut and damaged, manifests
//! damaged, environments that make no sense. Whatever happens, nothing is lost or counted twice, no
//! panic or escape reaches a person, and the exit code is a documented one.
//!
//! The same attacks in every run; `make torture` makes far more of them and prints their counts
//! (docs/reliability.md). `AMDAHL_TORTURE=N` multiplies how many there are.

mod damage;
mod environment;
mod kills;

/// How many attacks of a kind, of which `usual` are made in the usual tests.
fn attacks(usual: u64) -> u64 {
    let times = std::env::var("AMDAHL_TORTURE").ok().and_then(|times| times.parse().ok());
    usual * times.unwrap_or(1)
}

/// Prints what was tried and what fell.
fn tell(what: &str, tried: u64, how: &str) {
    eprintln!("torture: {tried} {what}: {how}; none fell");
}

/// Exit codes that docs/exit-codes.md has.
const DOCUMENTED: std::ops::RangeInclusive<i32> = 0..=6;

/// Is there what steers a terminal, other than ends of lines and tabs?
fn has_escapes(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

//! Outside programs: which of the list are here, in which version.

use std::path::Path;

use super::check::Check;
use super::programs::refused;
use amdahl_lanes::signals::Interrupts;
use amdahl_run::launch::peer::Programs;
use amdahl_run::plan::peers::Peers;

const TOPIC: &str = "Peers";

/// A finding for each outside program of the list. `scratch` is a folder for what they print.
pub fn checks(scratch: &Path, interrupts: &Interrupts) -> Vec<Check> {
    let peers = match Peers::find(None) {
        Ok(peers) => peers,
        Err(error) => return vec![refused(TOPIC, "list", &error)],
    };
    let mut programs = Programs::new(peers.clone());
    let mut found = |name: &str| match programs.find(name, scratch, interrupts) {
        Ok(Ok(program)) => Check::yes(TOPIC, name, program.version.clone()),
        // What to do stands behind the reason.
        Ok(Err(why)) => match why.split_once("; install it: ") {
            Some((why, help)) => Check::no(TOPIC, name, why, help),
            None => Check::no(TOPIC, name, why, "see docs/peers.md"),
        },
        Err(error) => refused(TOPIC, name, &error),
    };
    peers.names().map(&mut found).collect()
}

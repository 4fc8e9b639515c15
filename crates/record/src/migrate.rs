//! Older records keep their meaning: one function a version, each of which says what a line of that
//! version means in the next.

use crate::layout::PhaseNames;
use crate::{Role, RunFacts};

/// What a run's line of any version up to this one means today.
pub fn run(mut run: RunFacts) -> RunFacts {
    if run.schema == 1 {
        run = from_1(run);
    }
    if run.schema == 2 {
        run = from_2(run);
    }
    run
}

/// Version 1 had no names: values stood in this order, and the last four were left out where no
/// accelerator entered one of them. All else is as in version 2.
const PHASES_OF_1: [(&str, Role); 11] = [
    ("load", Role::Setup),
    ("init", Role::Setup),
    ("assign", Role::Compute),
    ("reduce", Role::Communicate),
    ("update", Role::Replicate),
    ("wait", Role::Wait),
    ("finish", Role::Finish),
    ("compile", Role::Setup),
    ("upload", Role::Transfer),
    ("execute", Role::Offload),
    ("download", Role::Transfer),
];

/// Version 1 to version 2: the run names its phases.
fn from_1(run: RunFacts) -> RunFacts {
    RunFacts { schema: 2, phases: PhaseNames::of(&PHASES_OF_1), ..run }
}

/// Version 2 to version 3: lines have checksums and runs have numbers. What has none is read as it
/// stands, and comes before all that has one, by the clock.
fn from_2(run: RunFacts) -> RunFacts {
    RunFacts { schema: 3, ..run }
}

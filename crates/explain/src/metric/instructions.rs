//! How well instructions flow.

use crate::metric::scope::{Scope, quotient};
use crate::metric::{Derived, Metric};

/// The metrics of this family.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "IPC",
        unit: "instructions/cycle",
        formula: "instructions / cycles",
        about: "Instructions that complete in a cycle: low where a core waits for memory.",
        of: |scope| {
            let ([instructions, cycles], from) = scope.together(["instructions", "cycles"])?;
            Ok(Derived { value: quotient(instructions, cycles, 1.0, "cycles")?, from })
        },
    },
    Metric {
        name: "instructions per {one}",
        unit: "instructions/{one}",
        formula: "instructions / {many}",
        about: "What each of the {many} costs in instructions: vectors and spared work show here.",
        of: |scope| per_operation(scope),
    },
    Metric {
        name: "clock",
        unit: "GHz",
        formula: "cycles / lane-seconds / 10^9",
        about: "Cycles in a second of wall time: falls with the frequency, and while a lane has no CPU.",
        of: |scope| {
            let cycles = scope.total("cycles")?;
            Ok(Derived { value: cycles.value / scope.lane_seconds()? / 1e9, from: cycles.from })
        },
    },
    Metric {
        name: "branch MPKI",
        unit: "misses/1000 instructions",
        formula: "1000 × branch-misses / instructions",
        about: "Branches that were predicted wrongly.",
        of: |scope| {
            let ([misses, instructions], from) =
                scope.together(["branch-misses", "instructions"])?;
            Ok(Derived { value: quotient(misses, instructions, 1000.0, "instructions")?, from })
        },
    },
];

fn per_operation(scope: &Scope<'_>) -> Result<Derived, String> {
    let (operations, _, operation) = scope.operations()?;
    if scope.device.is_some() {
        return Err(format!("an accelerator makes the {}", operation.many));
    }
    let instructions = scope.total("instructions")?;
    let value = quotient(instructions.value, operations, 1.0, operation.many)?;
    Ok(Derived { value, from: instructions.from })
}

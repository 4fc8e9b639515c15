//! How evenly the lanes work.

use crate::metric::scope::Scope;
use crate::metric::{Derived, Metric};

/// The metrics of this family.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "time imbalance",
        unit: "1",
        formula: "max over lanes of seconds / mean over lanes",
        about: "1 when all lanes take equally long.",
        of: |scope| imbalance(scope, "wall"),
    },
    Metric {
        name: "instruction imbalance",
        unit: "1",
        formula: "max over lanes of instructions / mean over lanes",
        about: "1 when all lanes have equally much to do: where it is and time is not, lanes differ in speed.",
        of: |scope| imbalance(scope, "instructions"),
    },
    Metric {
        name: "CPU share",
        unit: "1",
        formula: "CPU seconds / lane-seconds",
        about: "Share of the time in which the lanes had a CPU. Reading probes is in the CPU time alone, so short phases can exceed 1.",
        of: |scope| {
            let cpu = scope.total("cpu")?;
            Ok(Derived { value: cpu.value / scope.lane_seconds()?, from: cpu.from })
        },
    },
];

fn imbalance(scope: &Scope<'_>, metric: &str) -> Result<Derived, String> {
    scope.all_lanes()?;
    let lanes = scope.size.lanes as usize;
    if lanes < 2 {
        return Err("one lane has nothing to be uneven with".into());
    }
    let all = scope.total(metric)?;
    if all.value <= 0.0 {
        return Err(format!("no {metric} in {}", scope.span.word()));
    }
    let of = |lane| scope.at(scope.span, Some(lane)).total(metric).map(|input| input.value);
    let values = (0..lanes).map(of).collect::<Result<Vec<f64>, String>>()?;
    let most = values.iter().copied().fold(0.0, f64::max);
    Ok(Derived { value: most * lanes as f64 / values.iter().sum::<f64>(), from: all.from })
}

//! Speedup lost, explained: the difference between the ideal speedup and the one that was measured,
//! by cause.
//!
//! Lanes of an ideal program would spend as many lane-seconds (seconds × lanes) as the base. What
//! they spend beyond that is the loss:
//!
//! ```text
//! p·T − p₀·T₀ = [Σu − Σu₀] + [p·(max u − Σu/p) − …₀] + [p·(wait + reduce) − …₀] + [p·rest − …₀]
//!               computing    imbalance                 communication              other
//! ```
//!
//! with wait, reduce and rest those of the lane that computes longest, u its time of computing, T
//! the time, p the lanes, and ₀ for the base. Divided by p₀·T, the left side is the ideal speedup
//! p/p₀ minus the speedup T₀/T, and the right side says where it went. The identity is exact. A
//! negative part is a gain: more caches can make lanes compute faster than the base.
//!
//! Computing is told apart further as far as there is evidence. Time without a CPU is wall minus
//! CPU time of the phases that the lanes share. The rest is instructions × cycles an instruction × seconds a
//! cycle, whose logarithms add up; the difference D of two such products a and b goes to the
//! factors by D / ln(a/b) × ln(ratio of the factor): the logarithmic mean Divisia index (B. W. Ang:
//! "Decomposition analysis for policymaking in energy", Energy Policy 32, 2004), exact and the same
//! in both directions.

use serde::Serialize;

use crate::pop::lane_time::{Spent, same_source};

/// What speedup is lost to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Lanes wait because one computes longer.
    Imbalance,
    /// The longest lane waits for others, and all move data.
    Communication,
    /// Lanes that would compute had no CPU.
    WithoutCpu,
    /// More instructions in all.
    Instructions,
    /// Fewer instructions a cycle.
    Ipc,
    /// Fewer cycles a second.
    Frequency,
    /// Computing takes longer in all, and what of it is instructions, IPC or frequency cannot be
    /// told.
    Computing,
    /// Reading probes, and what belongs to no phase.
    Other,
}

impl Cause {
    /// All causes in the order of tables.
    pub const ALL: [Cause; 8] = [
        Cause::Imbalance,
        Cause::Communication,
        Cause::WithoutCpu,
        Cause::Instructions,
        Cause::Ipc,
        Cause::Frequency,
        Cause::Computing,
        Cause::Other,
    ];

    /// The words in tables.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Imbalance => "imbalance",
            Cause::Communication => "communication",
            Cause::WithoutCpu => "without a CPU",
            Cause::Instructions => "instructions",
            Cause::Ipc => "IPC",
            Cause::Frequency => "frequency",
            Cause::Computing => "slower computing",
            Cause::Other => "other",
        }
    }

    /// The words in a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            Cause::Imbalance => "imbalance",
            Cause::Communication => "communication",
            Cause::WithoutCpu => "lanes without a CPU",
            Cause::Instructions => "extra instructions",
            Cause::Ipc => "lower IPC",
            Cause::Frequency => "lower frequency",
            Cause::Computing => "slower computing",
            Cause::Other => "reading probes and what belongs to no phase",
        }
    }
}

/// A part of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Part {
    /// To what.
    pub cause: Cause,
    /// Lane-seconds beyond the base's.
    pub lane_seconds: f64,
    /// The same as lost speedup. Negative is a gain.
    pub speedup: f64,
}

/// Where the speedup of a cell went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lost {
    /// Lanes over the base's lanes.
    pub ideal: f64,
    /// The base's median time over the cell's.
    pub speedup: f64,
    /// `ideal` − `speedup`.
    pub lost: f64,
    /// What it was lost to; they add up to `lost`.
    pub parts: Vec<Part>,
    /// The part of the loss to computing that lies in phases that every lane does for itself (of
    /// k-means, in the update): work that is not shared out.
    #[serde(rename = "in_update")]
    pub in_replicated: f64,
    /// Why computing is not told apart into instructions, IPC and frequency; null where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untold: Option<String>,
    /// What was lost since the next fewer lanes of the same backend; null for the first.
    pub step: Option<Step>,
}

/// The loss of one step to more lanes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The lanes before.
    pub from_lanes: u32,
    /// What is lost more than there.
    pub lost: f64,
    /// To what; they add up to `lost`. Causes that either cell could not tell apart are together.
    pub parts: Vec<(Cause, f64)>,
}

impl Lost {
    /// Of a cell against its base.
    pub fn of(cell: &Spent, base: &Spent) -> Lost {
        let unit = base.lanes * cell.seconds;
        let mut parts = Vec::new();
        let mut add = |cause, lane_seconds: f64| {
            parts.push(Part { cause, lane_seconds, speedup: lane_seconds / unit });
        };
        let more = |of: &dyn Fn(&Spent) -> f64| of(cell) - of(base);
        add(Cause::Imbalance, more(&|s| s.lanes * s.longest - s.useful));
        add(Cause::Communication, more(&|s| s.lanes * (s.wait + s.communication)));
        let mut computing = [cell.useful, base.useful];
        if let (Ok(mine), Ok(of_base)) = (&cell.without_cpu, &base.without_cpu) {
            add(Cause::WithoutCpu, mine - of_base);
            computing = [cell.useful - mine, base.useful - of_base];
        }
        let untold = match factors(cell, base, computing) {
            Ok(factors) => {
                for (cause, lane_seconds) in factors {
                    add(cause, lane_seconds);
                }
                None
            }
            Err(why) => {
                add(Cause::Computing, computing[0] - computing[1]);
                Some(why)
            }
        };
        add(Cause::Other, more(&|s| s.lanes * (s.seconds - s.longest - s.wait - s.communication)));
        let (ideal, speedup) = (cell.lanes / base.lanes, base.seconds / cell.seconds);
        let in_replicated = more(&|s| s.replicated) / unit;
        Lost { ideal, speedup, lost: ideal - speedup, parts, in_replicated, untold, step: None }
    }

    /// The speedup lost to a cause; `None` where it could not be told apart.
    pub fn to(&self, cause: Cause) -> Option<f64> {
        self.parts.iter().find(|part| part.cause == cause).map(|part| part.speedup)
    }

    /// What is lost more than in `before`, which has so many lanes.
    pub fn since(&self, lanes: u32, before: &Lost) -> Step {
        use Cause::{Computing, Frequency, Instructions, Ipc, WithoutCpu};
        let apart = |cause: Cause| self.to(cause).is_some() && before.to(cause).is_some();
        let all_of_computing = [WithoutCpu, Instructions, Ipc, Frequency, Computing];
        let sum = |lost: &Lost, causes: &[Cause]| {
            causes.iter().filter_map(|cause| lost.to(*cause)).sum::<f64>()
        };
        let alike = all_of_computing
            .iter()
            .all(|cause| self.to(*cause).is_some() == before.to(*cause).is_some());
        let mut parts = Vec::new();
        for cause in Cause::ALL {
            let of_computing = all_of_computing.contains(&cause);
            if alike || !of_computing {
                if apart(cause) {
                    parts.push((cause, sum(self, &[cause]) - sum(before, &[cause])));
                }
            } else if cause == Computing {
                parts.push((cause, sum(self, &all_of_computing) - sum(before, &all_of_computing)));
            }
        }
        Step { from_lanes: lanes, lost: self.lost - before.lost, parts }
    }
}

/// Splits the difference of two times of computing into instructions, IPC and frequency,
/// lane-seconds.
fn factors(
    cell: &Spent,
    base: &Spent,
    [time, base_time]: [f64; 2],
) -> Result<[(Cause, f64); 3], String> {
    let mine = cell.counts.clone()?;
    let of_base = base.counts.clone().map_err(|why| format!("of the base: {why}"))?;
    if !same_source(mine.from, of_base.from) {
        return Err("counted in another way than in the base".into());
    }
    if time <= 0.0 || base_time <= 0.0 {
        return Err("the lanes had no CPU for all of their time of computing".into());
    }
    let mean = logarithmic_mean(time, base_time);
    let instructions = (mine.instructions / of_base.instructions).ln();
    let cycles = (mine.cycles / of_base.cycles).ln();
    let seconds = (time / base_time).ln();
    Ok([
        (Cause::Instructions, mean * instructions),
        // More cycles an instruction is a lower IPC.
        (Cause::Ipc, mean * (cycles - instructions)),
        (Cause::Frequency, mean * (seconds - cycles)),
    ])
}

/// (a − b) / ln(a / b), a for a = b: what turns a sum of logarithms into a difference.
fn logarithmic_mean(a: f64, b: f64) -> f64 {
    let ratio = (a / b).ln();
    // Near 1 the quotient of two tiny numbers is worse than its series a·(1 − x/2 + x²/6 …).
    if ratio.abs() < 1e-6 { a * (1.0 - ratio / 2.0) } else { (a - b) / ratio }
}

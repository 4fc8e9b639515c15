//! How the lanes of a cell spent their time, all repeats taken together so that the parts add up to
//! the whole.
//!
//! Medians of parts do not add up to the median of their sum. So shares are taken instead: of the
//! repeats in the middle half by time (all where there are fewer than four), the sum of a part over
//! the sum of the times. A share times the median time is that part of the cell. What adds up in
//! each repeat then adds up in the cell too, the whole is the median that all tables show, and a
//! repeat that was disturbed does not count.

use crate::summary::times::{computing, sum, useful};
use crate::summary::{CellSummary, Repeat};
use amdahl_record::{Phase, Provenance, Reading, Role};

/// Below so many seconds of computing on all lanes together the grain of the CPU clock decides, not
/// the time without a CPU.
const CPU_CLOCK: f64 = 1e-3;

/// Where the lanes' time went. Lane-seconds are seconds added up over lanes.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// Number of lanes.
    pub lanes: f64,
    /// Ranks of the lanes.
    pub ranks: f64,
    /// Median time of the timed part, seconds.
    pub seconds: f64,
    /// Lane-seconds of computing.
    pub useful: f64,
    /// Those of them in phases that every lane does for itself.
    pub replicated: f64,
    /// Seconds of computing of the lane that computes longest.
    pub longest: f64,
    /// Seconds of computing of the longest lane of each rank, added up over ranks.
    pub longest_of_ranks: f64,
    /// Seconds that the longest lane waited before collectives.
    pub wait: f64,
    /// Seconds that the longest lane spent in collectives and exchanges.
    pub communication: f64,
    /// Lane-seconds of computing in which a lane had no CPU: wall time minus CPU time, in phases
    /// that the lanes share. `Err` says why it is not known.
    pub without_cpu: Result<f64, String>,
    /// Cycles and instructions of computing on all lanes, or why they are not known.
    pub counts: Result<Counts, String>,
}

/// What a hardware unit counted while the lanes computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts {
    /// Instructions.
    pub instructions: f64,
    /// Cycles.
    pub cycles: f64,
    /// Where both come from.
    pub from: Provenance,
}

impl Spent {
    /// Of a cell.
    ///
    /// # Errors
    /// Why it cannot be told: no good repeat, or no times by phase.
    pub fn of(cell: &CellSummary) -> Result<Spent, String> {
        let time = cell.time.ok_or("no good repeat")?;
        let middle = middle_half(&cell.repeats);
        if middle.is_empty() {
            return Err(match &cell.peer {
                Some(_) => "an outside program does not tell its phases".into(),
                None => "the times of the phases were not recorded".into(),
            });
        }
        let whole: f64 = middle.iter().map(|r| r.seconds).sum();
        let share = |part: &dyn Fn(&Repeat) -> f64| {
            time.value * middle.iter().map(|r| part(r)).sum::<f64>() / whole
        };
        let known = |part: &dyn Fn(&Repeat) -> Result<f64, String>| -> Result<f64, String> {
            let parts = middle.iter().map(|r| part(r)).collect::<Result<Vec<_>, _>>()?;
            Ok(time.value * parts.iter().sum::<f64>() / whole)
        };
        let on_critical = |repeat: &Repeat, role: Role| {
            let lane = repeat.critical_lane();
            lane.map_or(0.0, |lane| repeat.lanes.sum(lane, |of| of == role))
        };
        let replicated = |lane: &[f64]| sum(lane, |role| role == Role::Replicate);
        let spent = Spent {
            lanes: f64::from(cell.cell.lanes()),
            ranks: f64::from(cell.cell.ranks),
            seconds: time.value,
            useful: share(&|r| r.lanes.iter().map(useful).sum()),
            replicated: share(&|r| r.lanes.iter().map(replicated).sum()),
            longest: share(&longest),
            longest_of_ranks: share(&longest_of_ranks),
            wait: share(&|r| on_critical(r, Role::Wait)),
            communication: share(&|r| on_critical(r, Role::Communicate)),
            without_cpu: known(&without_cpu),
            counts: counts(&middle).map(|c| {
                let scale = time.value / whole;
                Counts { instructions: c.instructions * scale, cycles: c.cycles * scale, ..c }
            }),
        };
        match spent.useful > 0.0 && spent.useful.is_finite() && spent.longest.is_finite() {
            true => Ok(spent),
            false => Err("no time of computing was recorded".into()),
        }
    }

    /// Lane-seconds of all lanes: seconds × lanes.
    pub fn lane_seconds(&self) -> f64 {
        self.seconds * self.lanes
    }
}

/// The repeats with times by lane, without the fastest and the slowest quarter.
fn middle_half(repeats: &[Repeat]) -> Vec<&Repeat> {
    let mut timed: Vec<&Repeat> = repeats.iter().filter(|r| !r.lanes.is_empty()).collect();
    timed.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let cut = timed.len() / 4;
    timed[cut..timed.len() - cut].to_vec()
}

fn longest(repeat: &Repeat) -> f64 {
    repeat.lanes.iter().map(useful).fold(0.0, f64::max)
}

/// Added up over ranks. Where the record does not say which rank a lane belongs to, each lane is
/// one.
fn longest_of_ranks(repeat: &Repeat) -> f64 {
    let facts = &repeat.measured.lanes;
    let mut ranks: Vec<(u32, f64)> = Vec::new();
    for (i, lane) in repeat.lanes.iter().enumerate() {
        let rank = facts.get(i).map_or(i as u32, |f| f.rank);
        match ranks.iter_mut().find(|(known, _)| *known == rank) {
            Some((_, most)) => *most = most.max(useful(lane)),
            None => ranks.push((rank, useful(lane))),
        }
    }
    ranks.iter().map(|(_, most)| most).sum()
}

fn without_cpu(repeat: &Repeat) -> Result<f64, String> {
    let wall: f64 = repeat.lanes.iter().map(|lane| sum(lane, |role| role == Role::Compute)).sum();
    let cpu = repeat.total("cpu", &Phase::with_role(Role::Compute))?;
    if wall < CPU_CLOCK {
        return Err("the lanes computed for too short a time for the CPU clock".into());
    }
    Ok((wall - cpu.0).max(0.0))
}

fn counts(repeats: &[&Repeat]) -> Result<Counts, String> {
    let mut sum: Option<Counts> = None;
    let computing = computing();
    for repeat in repeats {
        let (instructions, of_instructions) = repeat.total("instructions", &computing)?;
        let (cycles, of_cycles) = repeat.total("cycles", &computing)?;
        let group = |metric| repeat.measured.reading(metric).and_then(|r| r.group.as_ref());
        if !same_source(of_instructions, of_cycles) || group("instructions") != group("cycles") {
            return Err("instructions and cycles were not counted together".into());
        }
        if instructions <= 0.0 || cycles <= 0.0 {
            return Err("the counters of instructions and cycles stood still".into());
        }
        let so_far = sum.get_or_insert(Counts { instructions: 0.0, cycles: 0.0, from: of_cycles });
        so_far.instructions += instructions;
        so_far.cycles += cycles;
        so_far.from = weaker(so_far.from, of_cycles);
    }
    sum.ok_or_else(|| "no good repeat".into())
}

/// Were both counted in the same way at the same time? Counts that were scaled up belong together
/// when they were counted for the same share of the time.
pub fn same_source(a: Provenance, b: Provenance) -> bool {
    match (a, b) {
        (Provenance::Multiplexed { coverage: a }, Provenance::Multiplexed { coverage: b }) => {
            (a - b).abs() < 1e-3
        }
        (a, b) => std::mem::discriminant(&a) == std::mem::discriminant(&b),
    }
}

/// Of two of the same source, the one that promises less.
pub fn weaker(a: Provenance, b: Provenance) -> Provenance {
    match (a, b) {
        (Provenance::Multiplexed { coverage: a }, Provenance::Multiplexed { coverage: b }) => {
            Provenance::Multiplexed { coverage: a.min(b) }
        }
        (Provenance::Measured, other) => other,
        (other, _) => other,
    }
}

impl Repeat {
    /// The sum of a metric over all lanes and some phases, and where it comes from.
    ///
    /// # Errors
    /// Why there is none: the record's reason, or a phase that was not counted.
    pub fn total(&self, metric: &str, phases: &[Phase]) -> Result<(f64, Provenance), String> {
        let reading: &Reading =
            self.measured.reading(metric).ok_or_else(|| format!("'{metric}' was not recorded"))?;
        let (Some(lanes), Some(from)) = (&reading.values, reading.from) else {
            return Err(format!("{metric}: {}", reading.reason().unwrap_or("no reason given")));
        };
        if lanes.len() != self.measured.lanes.len() {
            return Err(format!("{metric}: the record's values do not fit its lanes"));
        }
        let mut sum = 0.0;
        for lane in 0..lanes.len() {
            for &phase in phases {
                let value = reading.value(lane, phase).filter(|value| *value >= 0.0);
                sum += value
                    .ok_or_else(|| format!("{metric}: not counted in phase {}", phase.word()))?;
            }
        }
        Ok((sum, from))
    }
}

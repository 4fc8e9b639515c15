//! The least time that an iteration can take on a machine with these limits: the roofline as a
//! time.
//!
//! A workload's model of work says how many flop an iteration needs at least, and how many bytes it
//! has to read. So
//!
//! ```text
//! floor = max(flop / FMA peak, bytes / read bandwidth)
//! ```
//!
//! with the limits of as many lanes as compute, and the bandwidth of the level that a lane's part
//! fits into. Limits of processors are measured; those of accelerators are what their makers
//! publish, a core's part for each lane. (S. Williams, A. Waterman, D. Patterson: "Roofline: an
//! insightful visual performance model for multicore architectures", CACM 52(4), 2009.)

use serde::Serialize;

use amdahl_record::Provenance;
use amdahl_record::accelerators::Chip;
use amdahl_record::cell::WorkloadSpec;
use amdahl_record::limits::{Level, Limits};
use amdahl_workload::Formulas;
use amdahl_workload::work::{Precision, Work};

/// The floor of one iteration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Seconds of an iteration.
    pub seconds: f64,
    /// Which of the two sets it.
    pub bound: Bound,
    /// The level whose bandwidth counts.
    pub level: Level,
    /// flop/s of these lanes at most.
    pub flops: f64,
    /// byte/s that these lanes read at most.
    pub read: f64,
    /// From a formula over limits.
    pub from: Provenance,
    /// The accelerator whose published figures are the limits; null where they are measured ones of
    /// processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chip: Option<String>,
}

/// What floors of these workloads come from: `max(2·n·k·d / FMA peak, 4·n·d / read bandwidth)`.
pub fn formula<'a>(workloads: impl Iterator<Item = &'a WorkloadSpec>) -> String {
    let max = |flop, bytes| format!("max({flop} / FMA peak, {bytes} / read bandwidth)");
    let mut known: Vec<(&str, String)> = Vec::new();
    for workload in workloads.map(amdahl_workloads::of) {
        if let Some(Formulas { flop, bytes, .. }) = workload.formulas()
            && !known.iter().any(|(title, _)| *title == workload.title())
        {
            known.push((workload.title(), max(flop, bytes)));
        }
    }
    match known.as_slice() {
        [] => max("flop", "bytes"),
        [(_, formula)] => formula.clone(),
        several => {
            let of = several.iter().map(|(title, formula)| format!("{formula} for {title}"));
            of.collect::<Vec<_>>().join(", ")
        }
    }
}

/// What sets a floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// Arithmetic.
    Flops,
    /// Reading the rows.
    Bytes,
}

impl Bound {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Bound::Flops => "flops",
            Bound::Bytes => "bytes",
        }
    }
}

/// The floor of one iteration on `lanes` lanes of a machine, or why there is none.
///
/// # Errors
/// Where the limits do not reach so many lanes, or were not measured.
pub fn floor(limits: &Limits, work: Work, lanes: u32) -> Result<Floor, String> {
    let most = limits.all_lanes().unwrap_or(0);
    if lanes == 0 || lanes > most {
        return Err(format!("limits were measured on up to {most} lanes, this cell has {lanes}"));
    }
    let flops = limits.flops(lanes).ok_or("the machine's arithmetic was not measured")?;
    // Peaks are those of f32; a vector holds half as many f64.
    let flops = if work.precision == Precision::F64 { flops / 2.0 } else { flops };
    let (level, read) = bandwidth(limits, work.resident.of_a_lane(lanes), lanes)
        .ok_or("the machine's bandwidth was not measured")?;
    let (seconds, bound) = longer(work.flop / flops, work.bytes / read)?;
    Ok(Floor { seconds, bound, level, flops, read, from: Provenance::Modelled, chip: None })
}

/// The floor of one iteration on accelerators, a core for each lane, or why there is none.
///
/// # Errors
/// Where the work is none.
pub fn of_chip(chip: &Chip, work: Work, lanes: u32) -> Result<Floor, String> {
    let lanes = f64::from(lanes);
    let bf16 = work.precision == Precision::Bf16;
    let (flops, read) = (lanes * chip.flops_of_a_core(bf16), lanes * chip.bandwidth_of_a_core());
    let (seconds, bound) = longer(work.flop / flops, work.bytes / read)?;
    let (from, chip) = (Provenance::Modelled, Some(chip.name.clone()));
    Ok(Floor { seconds, bound, level: Level::Memory, flops, read, from, chip })
}

fn longer(arithmetic: f64, reading: f64) -> Result<(f64, Bound), String> {
    let seconds = arithmetic.max(reading);
    if !seconds.is_finite() || seconds <= 0.0 {
        return Err("the cell has no rows, or the limits are no numbers".into());
    }
    Ok((seconds, if arithmetic >= reading { Bound::Flops } else { Bound::Bytes }))
}

/// The innermost level that holds a lane's rows, and its bandwidth. Where that was not measured,
/// the next inner one's, which is no lower: the floor stays a floor.
fn bandwidth(limits: &Limits, bytes_of_a_lane: u64, lanes: u32) -> Option<(Level, f64)> {
    let fits =
        |level: &Level| limits.capacity(*level).is_some_and(|capacity| bytes_of_a_lane <= capacity);
    let home = Level::ALL.into_iter().find(fits).unwrap_or(Level::Memory);
    let inwards = Level::ALL.into_iter().rev().skip_while(|level| *level > home);
    inwards.filter_map(|level| Some((level, limits.read(level, lanes)?))).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::LoadFacts;
    use amdahl_record::limits::{Bandwidth, Figure, LIMITS, Peak};
    use amdahl_workload::work::Resident;

    fn figure(rate: Option<f64>) -> Figure {
        match rate {
            Some(best) => Figure { best: Some(best), spread: Some(0.0), passes: 3, why: None },
            None => Figure::missing("for the test"),
        }
    }

    /// One lane 100 Gflop/s, four 400; L2 of 1 MiB with 50 GB/s a lane, memory 10 GB/s a lane and
    /// 25 together.
    fn limits(memory: Option<f64>) -> Limits {
        let row = |level, lanes, capacity_bytes, read| Bandwidth {
            level,
            lanes,
            huge_pages: true,
            capacity_bytes,
            buffer_bytes: None,
            read: figure(read),
            triad: figure(None),
        };
        Limits {
            version: LIMITS,
            host: "h".into(),
            build: "b".into(),
            measured_ms: 1,
            quick: true,
            vector: "test".into(),
            clock: figure(None),
            peaks: vec![
                Peak { lanes: 1, fma: figure(Some(100e9)) },
                Peak { lanes: 4, fma: figure(Some(400e9)) },
            ],
            bandwidths: vec![
                row(Level::L2, 1, Some(1 << 20), Some(50e9)),
                row(Level::L2, 4, Some(1 << 20), Some(200e9)),
                row(Level::Memory, 1, None, memory),
                row(Level::Memory, 4, None, memory.map(|rate| 2.5 * rate)),
            ],
            load: LoadFacts::default(),
        }
    }

    /// k multiply-adds for each value of so many rows, each value read once.
    fn work(rows: u64, dims: u32, k: u32, bf16: bool) -> Work {
        let values = rows as f64 * f64::from(dims);
        let precision = if bf16 { Precision::Bf16 } else { Precision::F32 };
        Work {
            flop: 2.0 * values * f64::from(k),
            bytes: precision.bytes() * values,
            resident: Resident { rows, row_bytes: 4 * u64::from(dims) },
            precision,
        }
    }

    fn of(rows: u64, dims: u32, k: u32, lanes: u32) -> Floor {
        floor(&limits(Some(10e9)), work(rows, dims, k, false), lanes).expect("a floor")
    }

    #[test]
    fn arithmetic_or_reading_whichever_takes_longer() {
        // 2·10⁶·32·64 = 4.096 Gflop; 4·10⁶·32 = 128 MB.
        let large_k = of(1_000_000, 32, 64, 1);
        assert_eq!(
            (large_k.bound, large_k.level, large_k.from),
            (Bound::Flops, Level::Memory, Provenance::Modelled)
        );
        assert!((large_k.seconds - 0.04096).abs() < 1e-12);
        let double = Work { precision: Precision::F64, ..work(1_000_000, 32, 64, false) };
        let double = floor(&limits(Some(10e9)), double, 1).expect("a floor");
        assert!((double.seconds - 0.08192).abs() < 1e-12, "half as many values in a vector");
        let small_k = of(1_000_000, 32, 2, 1);
        assert_eq!(small_k.bound, Bound::Bytes);
        assert!((small_k.seconds - 0.0128).abs() < 1e-12);
    }

    #[test]
    fn lanes_share_memory_but_not_arithmetic() {
        assert!((of(1_000_000, 32, 64, 4).seconds - 0.01024).abs() < 1e-12);
        assert!((of(1_000_000, 32, 2, 4).seconds - 128e6 / 25e9).abs() < 1e-12);
        assert!(
            (of(1_000_000, 32, 2, 2).seconds - 128e6 / 20e9).abs() < 1e-12,
            "two lanes read twice what one reads"
        );
    }

    #[test]
    fn rows_that_fit_a_cache_are_read_from_it() {
        // 2¹⁸ values are 1 MiB: they fit.
        let fits = of(1 << 13, 32, 1, 1);
        assert_eq!((fits.level, fits.read), (Level::L2, 50e9));
        assert_eq!(of((1 << 13) + 1, 32, 1, 1).level, Level::Memory);
        assert_eq!(of(1 << 15, 32, 1, 4).level, Level::L2, "a quarter of them on each lane");
    }

    #[test]
    fn without_a_figure_the_next_inner_one_counts() {
        let floor = floor(&limits(None), work(1_000_000, 32, 1, false), 1).expect("a floor");
        assert_eq!((floor.level, floor.read), (Level::L2, 50e9));
    }

    #[test]
    fn an_accelerator_has_the_published_floor_of_its_cores() {
        let chips = amdahl_record::accelerators::chips().expect("the list");
        let of = |k, lanes, bf16| {
            of_chip(&chips[0], work(1_000_000, 10, k, bf16), lanes).expect("a floor")
        };
        // Few clusters: the memory decides; many: the arithmetic. A chip has two cores.
        assert_eq!((of(2, 1, false).seconds, of(2, 1, false).bound), (4e7 / 410e9, Bound::Bytes));
        assert_eq!(
            (of(1000, 1, false).seconds, of(1000, 1, false).bound),
            (2e10 / 23.75e12, Bound::Flops)
        );
        assert_eq!(of(1000, 2, false).seconds, 1e10 / 23.75e12);
        assert_eq!(of(2, 1, true).seconds, 2e7 / 410e9);
        assert_eq!(of(2, 1, false).chip.as_deref(), Some("Trainium1"));
        assert!(of_chip(&chips[0], work(0, 10, 2, false), 1).is_err());
    }

    #[test]
    fn no_floor_without_a_reason() {
        let limits = limits(Some(10e9));
        let why =
            |lanes, rows| floor(&limits, work(rows, 2, 1, false), lanes).expect_err("no floor");
        assert!(why(5, 10).contains("up to 4 lanes"));
        assert!(why(1, 0).contains("no rows"));
        assert!(
            floor(&Limits { peaks: vec![], ..limits.clone() }, work(9, 2, 1, false), 1).is_err()
        );
    }
}

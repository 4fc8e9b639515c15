//! The machine's own limits: arithmetic in registers, reading and triad by level, on one core and
//! on all.
//!
//! Each figure is the best of several passes of a few milliseconds, so that it is what the machine
//! can do and not what others left of it; how far the median pass stays behind is kept beside it.
//! What contradicts theory is refused (`guard.rs`). Sources: S. Williams, A. Waterman, D. Patterson,
//! "Roofline", CACM 52(4), 2009; J. McCalpin, "Memory bandwidth and machine balance", IEEE TCCA
//! Newsletter, 1995 (STREAM).

use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use amdahl_lanes::pin;
use amdahl_lanes::probe::load;
use amdahl_record::error::{Error, Result};
use amdahl_record::host::{HostFacts, placement};
use amdahl_record::limits::{Bandwidth, Figure, LIMITS, Level, Limits, Peak};

mod guard;
mod loops;
mod pages;
mod sizes;
mod team;

use loops::{BLOCK, CYCLES_OF_A_ROUND, Loops, clock_rounds};
use pages::Buffer;
use sizes::{Size, sizes};
use team::{Pace, Team};

/// Measures this machine. `quick`: in about a second, what the floor of a cell needs: no triad, and
/// only the larger pages.
///
/// # Errors
/// Unavailable, when a lane cannot be started. What cannot be measured is null with a reason.
pub fn measure(host: &HostFacts, quick: bool) -> Result<Limits> {
    let loops = Loops::widest();
    let watch = load::Watch::start();
    let mut limits = Limits {
        version: LIMITS,
        host: host.id.clone(),
        build: String::new(),
        measured_ms: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_millis() as u64),
        quick,
        vector: loops.name().into(),
        clock: Figure::missing("not measured"),
        peaks: Vec::new(),
        bandwidths: Vec::new(),
        load: Default::default(),
    };
    let all = host.allowed_cpus.len();
    for _ in 0..ROUNDS {
        for lanes in [1, all].into_iter().take(if all > 1 { 2 } else { 1 }) {
            add(&mut limits, together(host, lanes, loops, quick)?);
        }
    }
    limits.load = watch.stop();
    guard::apply(&mut limits, loops);
    Ok(limits)
}

/// Everything is measured so often, once after all else: what disturbs for a second does not spoil
/// a figure.
const ROUNDS: usize = 2;

/// Adds what was found; of the same figure the better value counts.
fn add(limits: &mut Limits, found: Found) {
    if found.peak.lanes == 1 {
        limits.clock = guard::better(limits.clock.clone(), found.clock);
    }
    match limits.peaks.iter_mut().find(|peak| peak.lanes == found.peak.lanes) {
        Some(peak) => peak.fma = guard::better(peak.fma.clone(), found.peak.fma),
        None => limits.peaks.push(found.peak),
    }
    for row in found.bandwidths {
        let of = |row: &Bandwidth| (row.level, row.lanes, row.huge_pages);
        match limits.bandwidths.iter_mut().find(|known| of(known) == of(&row)) {
            Some(known) => {
                known.buffer_bytes = known.buffer_bytes.or(row.buffer_bytes);
                known.read = guard::better(known.read.clone(), row.read);
                known.triad = guard::better(known.triad.clone(), row.triad);
            }
            None => limits.bandwidths.push(row),
        }
    }
}

/// What a number of lanes measured.
struct Found {
    clock: Figure,
    peak: Peak,
    bandwidths: Vec<Bandwidth>,
}

/// Measures on the first `lanes` CPUs of those that may be used.
fn together(host: &HostFacts, lanes: usize, loops: Loops, quick: bool) -> Result<Found> {
    let team = Team::new(lanes);
    let sizes = sizes(host, lanes as u32, quick);
    let cpus = placement(&host.allowed_cpus);
    let lane = |lane: usize| {
        // Where pinning is refused, the system places the lanes: the best pass is good all the
        // same.
        cpus.get(lane).copied().map(pin::pin);
        Lane { team: &team, lane, loops, quick }.measure(&sizes)
    };
    std::thread::scope(|scope| {
        let mut threads = Vec::with_capacity(lanes);
        for number in 0..lanes {
            let lane = &lane;
            match std::thread::Builder::new().spawn_scoped(scope, move || lane(number)) {
                Ok(thread) => threads.push(thread),
                Err(e) => {
                    team.abandon();
                    return Err(Error::unavailable(format!(
                        "cannot start {lanes} threads to measure with: {e}"
                    )));
                }
            }
        }
        let mut found = threads.into_iter().map(|thread| thread.join());
        match found.next() {
            Some(Ok(Ok(first))) => Ok(first),
            Some(Ok(Err(error))) => Err(error),
            _ => Err(Error::internal("a thread that measures limits ended early")),
        }
    })
}

/// One lane of a measurement. What it returns is the same on every lane, but for reasons.
struct Lane<'a> {
    team: &'a Team,
    lane: usize,
    loops: Loops,
    quick: bool,
}

/// Bytes ahead of the reading that lines are asked for where memory is read: both ways are tried,
/// the better one counts.
const AHEAD: usize = 4096;

/// Values of a piece of a buffer in memory, so that a pass need not go over all of it. The next
/// pass goes on with the next piece.
const PIECE: usize = 1 << 18;

impl Lane<'_> {
    fn pace(&self) -> Pace {
        let (pass, figure) = if self.quick { (2, 20) } else { (3, 125) };
        Pace { pass: Duration::from_millis(pass), figure: Duration::from_millis(figure) }
    }

    fn rates(&self, a_round: f64, mut work: impl FnMut(u64)) -> Result<Figure> {
        Ok(guard::figure(&self.team.rates(self.lane, self.pace(), a_round, &mut work)?))
    }

    /// Everything, in step with the other lanes.
    fn measure(&self, sizes: &[Size]) -> Result<Found> {
        let loops = self.loops;
        // First arithmetic: it lets the clock settle.
        let fma = self.rates(loops.flops_of_a_round() as f64, |rounds| {
            black_box(loops.fma(black_box(rounds)));
        })?;
        let clock = match clock_rounds(1) {
            Some(_) => {
                self.rates(CYCLES_OF_A_ROUND as f64 / self.team.lanes() as f64, |rounds| {
                    black_box(clock_rounds(black_box(rounds)));
                })?
            }
            None => Figure::missing("no instruction of known length on this processor"),
        };
        let mut bandwidths = Vec::new();
        for size in sizes {
            let huge = self.level(size, true)?;
            let enough = self.quick && huge.read.best.is_some();
            bandwidths.push(huge);
            if !enough {
                bandwidths.push(self.level(size, false)?);
            }
        }
        Ok(Found { clock, peak: Peak { lanes: self.team.lanes() as u32, fma }, bandwidths })
    }

    /// One level on pages of one kind.
    fn level(&self, size: &Size, huge_pages: bool) -> Result<Bandwidth> {
        let row = |buffer_bytes, read, triad| Bandwidth {
            level: size.level,
            lanes: self.team.lanes() as u32,
            huge_pages,
            capacity_bytes: size.capacity,
            buffer_bytes,
            read,
            triad,
        };
        let buffer =
            size.bytes.clone().and_then(|bytes| Ok((bytes, Buffer::new(bytes, huge_pages)?)));
        if !self.team.all(self.lane, buffer.is_ok())? {
            let why = buffer.err().unwrap_or_else(|| "another lane has no buffer".into());
            return Ok(row(None, Figure::missing(why.clone()), Figure::missing(why)));
        }
        let Ok((bytes, mut buffer)) = buffer else {
            return Err(Error::internal("a buffer that is there is not"));
        };
        let pieces = if size.level == Level::Memory { PIECE } else { buffer.values().len() };
        let mut read = self.read::<0>(buffer.values(), pieces)?;
        if size.level == Level::Memory {
            let other = self.read::<AHEAD>(buffer.values(), pieces)?;
            if other.best > read.best {
                read = other;
            }
        }
        let triad = match self.quick {
            true => Figure::missing("the short version leaves it out"),
            false => self.triad(buffer.values_mut(), pieces)?,
        };
        Ok(row(Some(bytes), read, triad))
    }

    /// Reads the values piece by piece, over and over.
    fn read<const AHEAD: usize>(&self, values: &[f32], piece: usize) -> Result<Figure> {
        let piece = piece.min(values.len()) / BLOCK * BLOCK;
        let mut pieces = values.chunks_exact(piece.max(BLOCK)).cycle();
        self.rates(size_of::<f32>() as f64 * piece as f64, |rounds| {
            for piece in pieces.by_ref().take(rounds as usize) {
                black_box(self.loops.read::<AHEAD>(black_box(piece)));
            }
        })
    }

    /// Triad over three thirds of the values, piece by piece, over and over.
    fn triad(&self, values: &mut [f32], piece: usize) -> Result<Figure> {
        let third = values.len() / 3 / BLOCK * BLOCK;
        let (a, rest) = values.split_at_mut(third);
        let (b, c) = rest.split_at(third);
        let piece = (piece / 3).min(third) / BLOCK * BLOCK;
        let mut at = 0;
        self.rates(3.0 * size_of::<f32>() as f64 * piece as f64, |rounds| {
            for _ in 0..rounds {
                let here = at..at + piece;
                self.loops.triad(
                    black_box(&mut a[here.clone()]),
                    black_box(&b[here.clone()]),
                    &c[here],
                    black_box(0.5),
                );
                at += piece;
                if at + piece > third {
                    at = 0;
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::host;

    #[test]
    fn this_machine_has_limits() {
        let host = host::gather();
        let limits = measure(&host, true).expect("measured");
        assert_eq!(
            (limits.version, limits.host.as_str(), limits.quick),
            (LIMITS, host.id.as_str(), true)
        );
        assert_eq!(limits.peaks.len(), host.allowed_cpus.len().min(2));
        for peak in &limits.peaks {
            assert!(peak.fma.best.is_some_and(|rate| rate > 0.0 && rate.is_finite()), "{peak:?}");
        }
        for row in &limits.bandwidths {
            for figure in [&row.read, &row.triad] {
                assert_eq!(
                    figure.best.is_some(),
                    figure.why.is_none(),
                    "a value or a reason: {row:?}"
                );
                assert!(figure.best.is_none_or(|rate| rate > 0.0 && rate.is_finite()), "{row:?}");
            }
        }
        assert!(limits.read(Level::L1, 1).is_some() && limits.flops(1).is_some());
    }
}

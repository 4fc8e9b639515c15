//! What laws are fitted to: the times of one backend by its number of lanes, each with its
//! uncertainty, and resamples of them.

use crate::summary::CellSummary;
use amdahl_record::cell::CellId;
use amdahl_stats::bootstrap::{MIN_SAMPLES, MedianLaw};
use amdahl_stats::median;
use amdahl_stats::random::SplitMix64;

/// No median is trusted better than this share of itself: placement and frequency differ between
/// cells by more than repeats show.
const FLOOR: f64 = 0.002;

/// Uncertainty of a median, as a share of it, where nothing is known of it.
const UNKNOWN: f64 = 0.05;

/// Resamples of the medians. With 399 the ends of a 95 % interval are the 10th from either side.
pub(super) const DRAWS: usize = 399;

/// Times by lanes.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub points: Vec<Point>,
    /// Resampled medians of each point: `draws[draw][point]`, as deviations from the median in
    /// seconds. Empty where a point has too few repeats.
    pub draws: Vec<Vec<f64>>,
}

/// The time of a number of lanes.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub cell: CellId,
    pub lanes: u32,
    /// Median seconds.
    pub seconds: f64,
    /// Standard uncertainty of the median, seconds.
    pub uncertainty: f64,
}

impl Series {
    /// The cells' times by rising lanes; of several with the same number of lanes the fastest. All
    /// have a time.
    pub(super) fn new(cells: &[&CellSummary]) -> Series {
        let mut cells: Vec<(&CellSummary, f64)> =
            cells.iter().filter_map(|c| Some((*c, c.time?.value))).collect();
        cells.sort_by(|a, b| {
            (a.0.cell.lanes(), a.1)
                .partial_cmp(&(b.0.cell.lanes(), b.1))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        cells.dedup_by_key(|(cell, _)| cell.cell.lanes());
        let laws: Vec<Option<MedianLaw>> = (cells.iter())
            .map(|(cell, _)| {
                MedianLaw::of(&cell.samples()).filter(|_| cell.repeats.len() >= MIN_SAMPLES)
            })
            .collect();
        let known: Vec<Option<f64>> = (cells.iter().zip(&laws))
            .map(|((_, seconds), law)| law.as_ref().map(|law| law.deviation() / seconds))
            .collect();
        let unknown =
            median(&known.iter().flatten().copied().collect::<Vec<_>>()).unwrap_or(UNKNOWN);
        let points: Vec<Point> = (cells.iter().zip(&known))
            .map(|((cell, seconds), known)| Point {
                cell: cell.id.clone(),
                lanes: cell.cell.lanes(),
                seconds: *seconds,
                uncertainty: seconds * known.unwrap_or(unknown).max(FLOOR),
            })
            .collect();
        let draws = laws
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .map_or(Vec::new(), |laws| draws(&points, &laws));
        Series { points, draws }
    }

    /// The base of speedups: the same resamples where it is one of the points, else its own.
    pub(super) fn base(&self, base: Option<&CellSummary>) -> Base {
        let seconds = base.and_then(|base| base.time).map(|time| time.value);
        let none = || Base { seconds, draws: vec![None; self.draws.len()] };
        let (Some(base), Some(middle)) = (base, seconds) else { return none() };
        if let Some(at) = self.points.iter().position(|point| point.cell == base.id) {
            return Base {
                seconds,
                draws: self.draws.iter().map(|draw| Some(middle + draw[at])).collect(),
            };
        }
        let Some(law) =
            MedianLaw::of(&base.samples()).filter(|_| base.repeats.len() >= MIN_SAMPLES)
        else {
            return none();
        };
        let mut random = SplitMix64::new(0x1A35, 0);
        Base { seconds, draws: self.draws.iter().map(|_| Some(law.draw(random.unit()))).collect() }
    }

    pub(super) fn design(&self) -> Design {
        self.without(usize::MAX)
    }

    /// The design without this point.
    pub(super) fn without(&self, left_out: usize) -> Design {
        let kept = || {
            self.points.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, point)| point)
        };
        Design {
            lanes: kept().map(|p| f64::from(p.lanes)).collect(),
            seconds: kept().map(|p| p.seconds).collect(),
            uncertainty: kept().map(|p| p.uncertainty).collect(),
        }
    }
}

/// The base of speedups, and what its resamples are.
pub(super) struct Base {
    pub seconds: Option<f64>,
    pub draws: Vec<Option<f64>>,
}

/// Numbers of lanes with times and their uncertainties.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub lanes: Vec<f64>,
    pub seconds: Vec<f64>,
    pub uncertainty: Vec<f64>,
}

/// Draws each point's median anew from its exact law, stretched where that is narrower than its
/// uncertainty.
fn draws(points: &[Point], laws: &[MedianLaw]) -> Vec<Vec<f64>> {
    let mut random = SplitMix64::new(0x1A35, points.len() as u64);
    let mut draw = |point: &Point, law: &MedianLaw| {
        let spread = law.deviation();
        // Equal repeats have a law without spread: a bell of twelve uniform numbers stands for the
        // floor of the uncertainty.
        match spread > 1e-9 * point.seconds {
            true => (law.draw(random.unit()) - point.seconds) * (point.uncertainty / spread),
            false => ((0..12).map(|_| random.unit()).sum::<f64>() - 6.0) * point.uncertainty,
        }
    };
    (0..DRAWS)
        .map(|_| points.iter().zip(laws).map(|(point, law)| draw(point, law)).collect())
        .collect()
}

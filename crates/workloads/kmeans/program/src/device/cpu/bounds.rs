//! How far a row's label is from changing, so that most rows need no look once centroids move
//! little.
//!
//! G. Hamerly, *Making k-means even faster*, SDM 2010, keeps two bounds a row: its centroid is at
//! most so far, every other one at least so far. Here is one, their difference: the **gap** g ≤
//! d(x, c(j)) − d(x, c(a)) for all j ≠ a, where a is the row's label. When centroid j has moved by
//! p(j), the gap has shrunk by at most p(a) + max p(j), j ≠ a (triangle inequality). Not the gap is
//! lowered then but a sum over the iterations for each label, the **drift**, is raised; a row is
//! looked at once its bound, gap + drift at the time, is no more than the drift now. So rows that
//! need no look are read by 4 bytes and their label, and nothing is written.
//!
//! **The gap from scores.** With the scores s of `panel.rs`, d² = R − 2s, R = ‖x − m‖². So d₂ − d₁
//! = 2(s₁ − s₂)/(d₁ + d₂), where the difference of scores is off by no more than the panel's
//! threshold, and d₁ + d₂ is at most √(R⁺ − 2s₁ + threshold) + √(R⁺ − 2s₂ + threshold). R⁺ is the
//! computed R with its rounding, γ(d + 3) ≤ 2(d + 3) · 2^−24 where the panel has a threshold at
//! all. Roundings of the formula itself are covered by 2^−20 of each part, underflow by the
//! smallest normal number ([`Gaps`]). A row that f32 does not decide has its gap from f64.
//!
//! **Labels by f64 distances.** The nearest centroid is the one of the least rounded f64 distance.
//! Two squared distances are in their true order if they differ by more than δ(d₁² + d₂²), where
//! δ = (d/8 + 8) · 2^−53, for which a gap above 2.1·δ·d₁ is enough. So 4δ·(d₁ + d₂) is taken off
//! each gap, and each drift is 10^−8 larger than the movements, of which d₁ grows by no more:
//! 10^−8 > 2.1δ for all d below 10^8. A row that is not looked at has therefore the label of f64
//! distances, ties and duplicates (gap 0) included: they are always looked at.

use crate::device::Centroids;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::nearest::Assignment;
use crate::device::cpu::panel::Panel;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::{Vector, Work};
use amdahl_lanes::exact::squared_distance;

/// What drift is larger by than the movements: see the module.
pub const MORE: f64 = 1.0 + 1e-8;

/// How far centroids have moved since a restart, as far as gaps are concerned.
#[derive(Default)]
pub struct Drift {
    previous: Vec<f32>,
    sums: Vec<f64>,
    /// For each label, no less than the drift.
    pub high: Vec<f32>,
    /// No more than that.
    pub low: Vec<f32>,
    /// How far the centroid that moved farthest has moved in the last step.
    pub step: f32,
}

impl Drift {
    /// Centroids have moved here.
    pub fn advance(&mut self, centroids: Centroids<'_>) {
        let (k, dims) = (centroids.k, centroids.dims);
        if self.previous.len() != k * dims {
            *self = Drift {
                sums: vec![0.0; k],
                high: vec![0.0; k],
                low: vec![0.0; k],
                ..Drift::default()
            };
        } else {
            let moved: Vec<f64> =
                (self.previous.chunks_exact(dims).zip(centroids.values.chunks_exact(dims)))
                    .map(|(old, new)| squared_distance(old, new).sqrt())
                    .collect();
            let (mut farthest, mut most) = (0, [0f64; 2]);
            for (j, &far) in moved.iter().enumerate() {
                if far > most[0] {
                    (farthest, most) = (j, [far, most[0]]);
                } else {
                    most[1] = most[1].max(far);
                }
            }
            self.step = most[0] as f32;
            for (j, far) in moved.into_iter().enumerate() {
                let step = (far + if j == farthest { most[1] } else { most[0] }) * MORE;
                if step > 0.0 {
                    self.sums[j] = (self.sums[j] + step).next_up();
                }
                self.high[j] = (self.sums[j] as f32).next_up();
                self.low[j] = (self.sums[j] as f32).next_down().max(0.0);
            }
        }
        self.previous.clear();
        self.previous.extend_from_slice(centroids.values);
    }

    /// A bit for each row of a tile that has to be looked at.
    #[inline]
    pub fn look(&self, bounds: &[f32; TILE], labels: &[u32; TILE]) -> u64 {
        let mut look = 0;
        for lane in 0..TILE {
            // Asked this way round, what is not a number is looked at.
            let stays = bounds[lane] > self.high[labels[lane] as usize];
            look |= u64::from(!stays) << lane;
        }
        look
    }

    /// The bound that belongs to a gap of a row with this label.
    #[inline]
    pub fn bound(&self, gap: f32, label: u32) -> f32 {
        // A gap of no use makes a bound that no drift is below. 2^−22 for the rounding of the sum.
        if gap > 0.0 { (gap + self.low[label as usize]) * (1.0 - 1.0 / 4_194_304.0) } else { 0.0 }
    }
}

/// The gaps of a tile's rows from their two best scores.
pub struct Gaps<'a> {
    /// The centroids that were scored.
    pub panel: &'a Panel<'a>,
    /// The tile: dims × TILE values column after column, or TILE rows.
    pub tile: &'a [f32],
    /// Is it the former?
    pub columns: bool,
    /// The scores' threshold.
    pub threshold: f32,
    /// Has the scores; receives the gaps.
    pub found: &'a mut Assignment,
}

impl Work for Gaps<'_> {
    type Output = ();

    // Plain Rust: compiled for each instruction set, compilers make vectors of it.
    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Gaps { panel, tile, columns, threshold, found } = self;
        let dims = panel.centroids.dims;
        let squares = if columns {
            of_columns(tile, &panel.mean)
        } else {
            let mut squares = [0f32; TILE];
            for (square, row) in squares.iter_mut().zip(tile.chunks_exact(dims)) {
                let mut parts = [0f32; 16];
                let (xs, rest) = row.as_chunks::<16>();
                let (ms, rest_of_mean) = panel.mean.as_chunks::<16>();
                for (x, m) in xs.iter().zip(ms) {
                    for i in 0..16 {
                        parts[i] += (x[i] - m[i]) * (x[i] - m[i]);
                    }
                }
                for (i, (&x, &m)) in rest.iter().zip(rest_of_mean).enumerate() {
                    parts[i] += (x - m) * (x - m);
                }
                *square = parts.iter().sum();
            }
            squares
        };
        let distances = Distances::new(squares, dims, threshold);
        for lane in 0..TILE {
            found.gaps[lane] = distances.gap(lane, found.best[lane], found.second[lane]);
        }
    }
}

/// Far more than the roundings of a formula in f32.
const LITTLE: f32 = 1.0 / 1_048_576.0;

/// What turns scores of a tile's rows into distances.
pub struct Distances {
    /// R⁺ + threshold.
    upper: [f32; TILE],
    threshold: f32,
    delta: f32,
}

impl Distances {
    #[inline(always)]
    fn new(squares: [f32; TILE], dims: usize, threshold: f32) -> Distances {
        let grow = 1.0 + LITTLE + (2.0 * (dims as f32 + 3.0)) * (1.0 / 16_777_216.0);
        let delta = ((dims as f64 / 8.0 + 8.0) * 2f64.powi(-51)) as f32 * (1.0 + LITTLE);
        Distances {
            upper: squares.map(|r| r * grow + threshold + f32::MIN_POSITIVE),
            threshold,
            delta,
        }
    }

    /// Of a tile of columns.
    pub fn of(kernel: Kernel, panel: &Panel<'_>, tile: &[f32], threshold: f32) -> Distances {
        kernel.run(Squares { panel, tile, threshold })
    }

    /// The gap of the row in a lane between two scores.
    #[inline(always)]
    pub fn gap(&self, lane: usize, best: f32, second: f32) -> f32 {
        let far =
            |score: f32| (self.upper[lane] - 2.0 * score + score.abs() * (2.0 * LITTLE)).sqrt();
        let both = far(best) + far(second);
        let apart = 2.0 * ((best - second) * (1.0 - LITTLE) - self.threshold);
        apart / both * (1.0 - LITTLE) - both * self.delta - f32::MIN_POSITIVE
    }
}

/// The gaps of a tile's rows between their best scores and others.
pub struct GapsToOthers<'a> {
    /// What turns scores into distances.
    pub distances: &'a Distances,
    /// The best score of each row.
    pub best: &'a [f32; TILE],
    /// Another score of each.
    pub others: &'a [f32; TILE],
    /// The result.
    pub gaps: &'a mut [f32; TILE],
}

impl Work for GapsToOthers<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        for lane in 0..TILE {
            self.gaps[lane] = self.distances.gap(lane, self.best[lane], self.others[lane]);
        }
    }
}

struct Squares<'a> {
    panel: &'a Panel<'a>,
    tile: &'a [f32],
    threshold: f32,
}

impl Work for Squares<'_> {
    type Output = Distances;

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) -> Distances {
        Distances::new(
            of_columns(self.tile, &self.panel.mean),
            self.panel.centroids.dims,
            self.threshold,
        )
    }
}

/// ‖x − m‖² of each row of a tile of columns.
#[inline(always)]
fn of_columns(tile: &[f32], mean: &[f32]) -> [f32; TILE] {
    let mut squares = [0f32; TILE];
    for (column, &m) in tile.as_chunks::<TILE>().0.iter().zip(mean) {
        for (square, &x) in squares.iter_mut().zip(column) {
            *square += (x - m) * (x - m);
        }
    }
    squares
}

/// The gap between two squared distances in f64.
pub fn gap([nearest, second]: [f64; 2]) -> f32 {
    ((second.sqrt() * (1.0 - 1e-8) - nearest.sqrt() * (1.0 + 1e-8)) as f32).next_down()
}

/// The bounds of a chunk's rows, and whether they are worth their while.
#[derive(Default)]
pub struct ChunkBounds {
    /// Tile by tile; empty while there are none.
    pub least: Vec<[f32; TILE]>,
    /// Steps to go without bounds.
    pub rest: u32,
    /// Times that bounds spared too little.
    pub misses: u32,
    /// How far the farthest centroid moved in the step that last left too little of them; 0 where
    /// none did.
    pub refused: f32,
}

/// A bit for each row that there is in tile `i`.
pub fn here(i: usize, rows: usize) -> u64 {
    u64::MAX >> (64 - TILE.min(rows - i * TILE))
}

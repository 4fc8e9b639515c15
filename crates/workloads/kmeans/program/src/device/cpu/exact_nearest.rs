//! The nearest centroid of a row that scores do not decide.
//!
//! The error of a score grows with the norms of row and centroids, so many centroids close to each
//! other leave many rows undecided. The error of a distance by differences is relative to that
//! distance. So distances in f32, with centroids in vector lanes, say which few centroids may be
//! the nearest, and the distance in f64 ([`amdahl_lanes::exact::squared_distance`]) is computed for
//! those alone.
//!
//! **Bound.** With u = 2^−24, g = γ(d + 3) = (d + 3)·u/(1 − (d + 3)·u) and t = (d + 2)·2^−149, a
//! squared distance D of d columns is computed as D·(1 ± g) ± t: a difference, its square and d − 1
//! sums, each off by u at most (Higham, *Accuracy and Stability of Numerical Algorithms*, §3.1),
//! and products that underflow. The distance in f64 is D·(1 ± h), h = (d/8 + 8)·2^−53. So what is
//! nearest in f64 has been computed as (least + t)·(1 + g)/(1 − g)·(1 + h)/(1 − h) +
//! t at most, where `least` is the least computed.

use crate::device::Centroids;
use crate::device::cpu::buffer::Buffer;
use crate::device::cpu::distance::Distance;
use crate::device::cpu::vector::{Vector, Work};

/// Vectors of centroids whose distances are in registers at the same time.
const VECTORS: usize = 4;

/// Centroids interleaved over vector lanes.
pub struct Interleaved {
    /// Blocks of as many centroids as a vector has lanes, each column by column. Lanes beyond the
    /// last centroid are infinitely far.
    values: Buffer,
    width: usize,
    k: usize,
    bound: Option<Bound>,
}

/// The bound of the module's text.
#[derive(Clone, Copy)]
struct Bound {
    /// What distances may be off by, relative to themselves: both ways in f32, and in f64.
    relative: f64,
    /// t.
    tiny: f64,
}

impl Bound {
    fn new(dims: usize) -> Option<Bound> {
        let d = dims as f64;
        let n = (d + 3.0) * 2f64.powi(-24);
        // Sums too long for the bound say nothing.
        (n < 0.25).then(|| {
            let (g, h) = (n / (1.0 - n), (d / 8.0 + 8.0) * 2f64.powi(-53));
            Bound {
                relative: (1.0 + g) / (1.0 - g) * (1.0 + h) / (1.0 - h),
                tiny: (d + 2.0) * 2f64.powi(-149),
            }
        })
    }
    /// The nearest in f64 has been computed as this at most. 10^−6 for the roundings of this
    /// formula.
    fn above(self, least: f32) -> f32 {
        let above = ((f64::from(least) + self.tiny) * self.relative + self.tiny) * (1.0 + 1e-6);
        // Near the largest f32 distances may have overflowed that should not have.
        if above < f64::from(f32::MAX) / 4.0 { (above as f32).next_up() } else { f32::INFINITY }
    }
    /// What has been computed as this is no nearer than that in f64.
    fn below(self, computed: f32) -> f64 {
        (f64::from(computed) - self.tiny).max(0.0) / self.relative * (1.0 - 1e-6)
    }
}

impl Interleaved {
    /// For a kernel of this width.
    pub fn new(centroids: Centroids<'_>, width: usize) -> Interleaved {
        let Centroids { k, dims, .. } = centroids;
        let mut values = Buffer::zeros(k.next_multiple_of(width) * dims);
        for (b, block) in values.chunks_exact_mut(width * dims).enumerate() {
            for lane in 0..width {
                let column = block[lane..].iter_mut().step_by(width);
                match b * width + lane {
                    j if j < k => column.zip(centroids.row(j)).for_each(|(value, &c)| *value = c),
                    _ => column.for_each(|value| *value = f32::INFINITY),
                }
            }
        }
        Interleaved { values, width, k, bound: Bound::new(dims) }
    }
}

/// The number of the nearest centroid (the lower one of equals), the squared distance to it, and
/// one that is not above that to the second nearest (0 unless `second`).
pub struct TwoNearest<'a> {
    /// A row.
    pub row: &'a [f32],
    /// Centroids of as many columns.
    pub centroids: Centroids<'a>,
    /// The same centroids interleaved; where they are not, all distances are computed in f64.
    pub interleaved: Option<&'a Interleaved>,
    /// Is the second distance wanted?
    pub second: bool,
    /// Scratch.
    pub computed: &'a mut Vec<f32>,
}

impl TwoNearest<'_> {
    /// The squared distance to a centroid in f64.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn distance<V: Vector, const P: usize, const Q: usize>(&self, j: usize) -> f64 {
        // SAFETY: the caller's promise.
        unsafe { Distance { row: self.row, centroid: self.centroids.row(j) }.run::<V, P, Q>() }
    }

    /// Computes the distances in f32, and returns the least.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn compute<V: Vector>(&mut self, interleaved: &Interleaved) -> f32 {
        let dims = self.row.len();
        let blocks = interleaved.values.len() / (V::WIDTH * dims);
        self.computed.resize(blocks * V::WIDTH, 0.0);
        let to = self.computed.as_mut_ptr();
        let mut least = [f32::INFINITY; 16];
        assert!(interleaved.width == V::WIDTH && V::WIDTH <= 16);
        // SAFETY: block b has dims × WIDTH values, and there are `blocks` of them; WIDTH values are
        // written for each. `least` has room for a vector. The instructions are the caller's
        // promise.
        unsafe {
            let mut nearest = V::splat(f32::INFINITY);
            let block = |b: usize| interleaved.values.as_ptr().add(b * dims * V::WIDTH);
            let mut b = 0;
            while b + VECTORS <= blocks {
                let sums = squares::<V, VECTORS>(self.row, block(b));
                for (v, sum) in sums.into_iter().enumerate() {
                    sum.store(to.add((b + v) * V::WIDTH));
                    nearest = nearest.min(sum);
                }
                b += VECTORS;
            }
            while b < blocks {
                let [sum] = squares::<V, 1>(self.row, block(b));
                sum.store(to.add(b * V::WIDTH));
                nearest = nearest.min(sum);
                b += 1;
            }
            nearest.store(least.as_mut_ptr());
        }
        least.into_iter().fold(f32::INFINITY, f32::min)
    }
}

/// The squared distances of a row to the centroids of some blocks.
///
/// # Safety
/// The processor has the instructions of `V`; there are `N` blocks from `block` on, of as many columns as the row has.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // Indices mirror the registers.
unsafe fn squares<V: Vector, const N: usize>(row: &[f32], block: *const f32) -> [V; N] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [V::splat(0.0); N];
        for (t, &x) in row.iter().enumerate() {
            let x = V::splat(x);
            for v in 0..N {
                let apart = V::load(block.add((v * row.len() + t) * V::WIDTH)).minus(x);
                sums[v] = apart.multiply_add(apart, sums[v]);
            }
        }
        sums
    }
}

impl Work for TwoNearest<'_> {
    type Output = (u32, [f64; 2]);

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(mut self) -> (u32, [f64; 2]) {
        let mut two = Two::default();
        let Some(interleaved) = self.interleaved else {
            for j in 0..self.centroids.k {
                // SAFETY: the instructions are the caller's promise.
                two.take(j, unsafe { self.distance::<V, P, Q>(j) });
            }
            return (two.label, if self.second { two.least } else { [two.least[0], 0.0] });
        };
        // SAFETY: as above.
        let least = unsafe { self.compute::<V>(interleaved) };
        let limit = interleaved.bound.map_or(f32::INFINITY, |bound| bound.above(least));
        let mut others = f32::INFINITY;
        for (b, computed) in self.computed.chunks_exact(V::WIDTH).enumerate() {
            // SAFETY: a chunk is WIDTH values; the instructions are the caller's promise.
            let beyond = unsafe { V::load(computed.as_ptr()).greater_bits(V::splat(limit)) };
            if self.second {
                others = computed
                    .iter()
                    .fold(others, |least, &x| least.min(if x > limit { x } else { f32::INFINITY }));
            }
            let mut within = !beyond & (u32::MAX >> (32 - V::WIDTH));
            while within != 0 {
                let j = b * V::WIDTH + within.trailing_zeros() as usize;
                within &= within - 1;
                if j < interleaved.k {
                    // SAFETY: as above.
                    two.take(j, unsafe { self.distance::<V, P, Q>(j) });
                }
            }
        }
        if !self.second {
            two.least[1] = 0.0;
        } else if two.asked < interleaved.k {
            // Distances that were not asked for may be in the other order in f64, and may
            // have overflowed.
            let others = others.min(f32::MAX);
            two.least[1] =
                two.least[1].min(interleaved.bound.map_or(0.0, |bound| bound.below(others)));
        }
        (two.label, two.least)
    }
}

/// The two least distances of those that were looked at.
struct Two {
    label: u32,
    least: [f64; 2],
    asked: usize,
}

impl Default for Two {
    fn default() -> Self {
        Two { label: 0, least: [f64::INFINITY; 2], asked: 0 }
    }
}

impl Two {
    /// In rising order of `j`: of equals the first is kept.
    #[inline(always)]
    fn take(&mut self, j: usize, distance: f64) {
        self.asked += 1;
        if distance < self.least[0] {
            (self.label, self.least) = (j as u32, [distance, self.least[0]]);
        } else if distance < self.least[1] {
            self.least[1] = distance;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::cpu::kernel::Kernel;
    use amdahl_lanes::exact;

    /// The nearest and the two least distances, one after the other.
    fn one_by_one(row: &[f32], centroids: Centroids<'_>) -> (u32, [f64; 2]) {
        let distances: Vec<f64> =
            (0..centroids.k).map(|j| exact::squared_distance(row, centroids.row(j))).collect();
        let mut order: Vec<usize> = (0..centroids.k).collect();
        order.sort_by(|&a, &b| distances[a].total_cmp(&distances[b]));
        (
            order[0] as u32,
            [distances[order[0]], order.get(1).map_or(f64::INFINITY, |&j| distances[j])],
        )
    }

    #[test]
    fn the_nearest_is_found_near_and_far_and_at_every_magnitude() {
        let mut state = 7u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for round in 0..4000 {
            let dims = [1, 2, 3, 7, 8, 9, 17, 54][round % 8];
            let k = 1 + next() as usize % 70;
            // Ordinary, subnormal, overflowing when squared, and all of them.
            let scales = [1f32, 1e-42, 1e-22, 3e19, 1e38, 0.01];
            let scale: f32 = scales[round / 8 % 6];
            let offset = if round % 3 == 0 { 1000.0 * scale.min(1e30) } else { 0.0 };
            // Few distinct values make ties.
            let grain = [5, 4000, 1 << 24][round / 48 % 3];
            let mut value = || offset + ((next() % grain) as f32 / grain as f32 - 0.5) * scale;
            let values: Vec<f32> = (0..k * dims).map(|_| value()).collect();
            let centroids = Centroids { values: &values, k, dims };
            let row: Vec<f32> = (0..dims).map(|_| value()).collect();
            let (label, [first, second]) = one_by_one(&row, centroids);
            for kernel in Kernel::all() {
                let interleaved = Interleaved::new(centroids, kernel.width());
                let mut computed = Vec::new();
                let mut find = |interleaved, second| {
                    let computed = &mut computed;
                    kernel.run(TwoNearest { row: &row, centroids, interleaved, second, computed })
                };
                let what = format!(
                    "{} round {round}: {dims} columns, k = {k}, scale {scale:e}",
                    kernel.name()
                );
                assert_eq!(find(None, true), (label, [first, second]), "{what}");
                assert_eq!(find(Some(&interleaved), false), (label, [first, 0.0]), "{what}");
                let (found, [nearest, bound]) = find(Some(&interleaved), true);
                assert_eq!((found, nearest), (label, first), "{what}");
                assert!(bound <= second, "{what}: {bound} above {second}");
                let loose = second * (1.0 - 1e-4) - 1e-40;
                assert!(bound >= loose || scale >= 1e19, "{what}: {bound} far below {second}");
            }
        }
    }
}

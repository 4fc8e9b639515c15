//! Groups of centroids that lie together, each with a bound of its own for every row.
//!
//! Y. Ding et al., *Yinyang k-means: a drop-in replacement of the classic k-means with consistent
//! speedup*, ICML 2015. One bound a row, as in `bounds.rs`, shrinks by the movement of whichever
//! centroid moves most, however far away it is. With k in the hundreds some centroid always moves.
//! So there is a gap for each group, which shrinks by that group's largest movement and the row's
//! own centroid's; only the groups whose bound does not hold are looked at. The proofs of
//! `bounds.rs` hold for each group alone.

use crate::device::Centroids;
use crate::device::cpu::bounds::MORE;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::panel::Panel;
use crate::device::cpu::thresholds::Thresholds;
use crate::device::cpu::tiles::TILE;
use amdahl_lanes::exact::squared_distance;

/// Centroids of a group, on average.
const SIZE: usize = 16;

/// Fewer centroids are not worth groups.
const LEAST: usize = 2 * SIZE;

/// Are groups better than one bound a row?
pub fn pay(k: usize, dims: usize, thresholds: &Thresholds) -> bool {
    k >= LEAST && k * (dims + 6) >= thresholds.yinyang_work
}

/// Most groups: they are bits of a number, and each costs 4 bytes a row.
const MOST: usize = 32;

/// A sum that only grows, and f32 numbers above and below it.
#[derive(Clone, Copy, Default)]
pub struct Grown {
    sum: f64,
    /// No less than the sum.
    pub high: f32,
    /// No more.
    pub low: f32,
}

impl Grown {
    fn by(&mut self, step: f64) {
        if step > 0.0 {
            self.sum = (self.sum + step).next_up();
            self.high = (self.sum as f32).next_up();
            self.low = (self.sum as f32).next_down().max(0.0);
        }
    }
}

/// Which centroids belong together, and how far they have moved since a restart.
#[derive(Default)]
pub struct Groups {
    /// The centroids of each group, in rising order.
    pub members: Vec<Vec<u32>>,
    /// The group of each centroid.
    pub of: Vec<u32>,
    /// How far each centroid has moved.
    pub own: Vec<Grown>,
    /// The sum of each group's largest movements.
    pub most: Vec<Grown>,
    previous: Vec<f32>,
}

impl Groups {
    /// Centroids have moved here. The first time, groups are made of them.
    pub fn advance(&mut self, centroids: Centroids<'_>) {
        let Centroids { values, k, dims } = centroids;
        if self.previous.len() != k * dims {
            self.of = together(centroids, (k / SIZE).clamp(1, MOST));
            let count = self.of.iter().max().map_or(0, |&most| most as usize + 1);
            self.members = vec![Vec::new(); count];
            for (j, &group) in self.of.iter().enumerate() {
                self.members[group as usize].push(j as u32);
            }
            self.members.retain(|members| !members.is_empty());
            for (group, members) in self.members.iter().enumerate() {
                members.iter().for_each(|&j| self.of[j as usize] = group as u32);
            }
            (self.own, self.most) =
                (vec![Grown::default(); k], vec![Grown::default(); self.members.len()]);
        } else {
            let moved: Vec<f64> = (self.previous.chunks_exact(dims).zip(values.chunks_exact(dims)))
                .map(|(old, new)| squared_distance(old, new).sqrt() * MORE)
                .collect();
            self.own.iter_mut().zip(&moved).for_each(|(own, &far)| own.by(far));
            for (members, most) in self.members.iter().zip(&mut self.most) {
                most.by(members.iter().map(|&j| moved[j as usize]).fold(0.0, f64::max));
            }
        }
        self.previous.clear();
        self.previous.extend_from_slice(values);
    }

    /// The centroids of each group, group by group: a panel each, all about the same point and with
    /// the same threshold.
    pub fn values(&self, centroids: Centroids<'_>) -> Vec<Vec<f32>> {
        let rows = |members: &Vec<u32>| {
            members.iter().flat_map(|&j| centroids.row(j as usize)).copied().collect()
        };
        self.members.iter().map(rows).collect()
    }

    /// Panels of these values.
    pub fn panels<'a>(values: &'a [Vec<f32>], whole: &Panel<'_>, kernel: Kernel) -> Vec<Panel<'a>> {
        let dims = whole.centroids.dims;
        let group = |values: &'a Vec<f32>| {
            let centroids = Centroids { values, k: values.len() / dims, dims };
            Panel::about(centroids, kernel, whole.mean.clone())
        };
        values.iter().map(group).collect()
    }

    /// For each group a bit for each row of a tile whose bound does not hold.
    #[inline]
    pub fn look(&self, bounds: &[[f32; TILE]], labels: &[u32; TILE], look: &mut [u64]) {
        let own: [f32; TILE] = std::array::from_fn(|lane| self.own[labels[lane] as usize].high);
        for ((bounds, most), look) in bounds.iter().zip(&self.most).zip(look) {
            *look = 0;
            for lane in 0..TILE {
                // 2^−22 for the rounding of the sum. Asked this way round, what is not a number is
                // looked at.
                let stays = bounds[lane] > (own[lane] + most.high) * (1.0 + 1.0 / 4_194_304.0);
                *look |= u64::from(!stays) << lane;
            }
        }
    }

    /// The bound that belongs to a gap between a row's label and a group.
    #[inline]
    pub fn bound(&self, gap: f32, label: u32, group: usize) -> f32 {
        let drift = self.own[label as usize].low + self.most[group].low;
        if gap > 0.0 { (gap + drift) * (1.0 - 1.0 / 2_097_152.0) } else { 0.0 }
    }

    /// The bound of a row that got another label, for a group that was not looked at. The new label
    /// is nearer than the old one was.
    #[inline]
    pub fn moved(&self, bound: f32, from: u32, to: u32, group: usize) -> f32 {
        let drift = self.own[from as usize].high + self.most[group].high;
        // 2^−21 of each part for the roundings.
        self.bound(bound * (1.0 - 1.0 / 2_097_152.0) - drift * (1.0 + 1.0 / 2_097_152.0), to, group)
    }
}

/// Divides centroids into groups of near ones: a few of Lloyd's iterations from evenly spread
/// centroids. Only speed depends on it.
fn together(centroids: Centroids<'_>, groups: usize) -> Vec<u32> {
    let Centroids { k, dims, .. } = centroids;
    let mut centres: Vec<f32> =
        (0..groups).flat_map(|g| centroids.row(g * k / groups)).copied().collect();
    let mut of = vec![0u32; k];
    for _ in 0..5 {
        for (j, of) in of.iter_mut().enumerate() {
            let far = |g: usize| squared_distance(centroids.row(j), &centres[g * dims..][..dims]);
            *of = (0..groups).min_by(|&a, &b| far(a).total_cmp(&far(b))).unwrap_or(0) as u32;
        }
        for g in 0..groups {
            let members: Vec<usize> = (0..k).filter(|&j| of[j] as usize == g).collect();
            if !members.is_empty() {
                for t in 0..dims {
                    let sum: f64 = members.iter().map(|&j| f64::from(centroids.row(j)[t])).sum();
                    centres[g * dims + t] = (sum / members.len() as f64) as f32;
                }
            }
        }
    }
    of
}

//! The processor as a device for rows of f64, where f32 cannot tell apart what the data tells
//! apart.
//!
//! The same definitions as with rows of f32: the nearest centroid by
//! [`squared_distance`](amdahl_lanes::exact::squared_distance), exact sums
//! ([`Real`]), so labels, centroids and inertia are the same bits on any number of lanes and on
//! every instruction set. Scores in f64 find the nearest centroid; where two are too close for
//! their rounding, the definition decides ([`panel`]). There are no bounds here: every row is
//! compared with every centroid.

use crate::device::cpu::kernel::Kernel;
use crate::device::{
    Centroids, Far, Farthest, KMeansDevice, KMeansShard, LabelSink, Partial, StepStats,
};
use amdahl_data::RowSource;
use amdahl_lanes::exact::{Grid, Real, WideSum};
use amdahl_record::error::{Error, Result};

mod distance;
mod panel;
mod step;

use distance::Distances;
pub use distance::distances;
use panel::Panel;
use step::Nearest;

/// Values that are read in one go.
const BLOCK: usize = 1 << 16;

/// The processor that the lane runs on, for rows of f64.
#[derive(Clone, Copy, Debug)]
pub struct Double {
    kernel: Kernel,
}

impl Double {
    /// With the best kernel for this processor, or the one that `AMDAHL_KERNEL` names.
    pub fn new() -> Result<Double> {
        Ok(Double::with(Kernel::chosen()?))
    }
    /// With this kernel.
    pub fn with(kernel: Kernel) -> Double {
        Double { kernel }
    }
}

impl KMeansDevice<f64> for Double {
    fn platform(&self) -> String {
        "cpu".into()
    }

    fn kernel(&self, _dims: usize, _k: usize) -> String {
        format!("{}, rows of f64, certified", self.kernel.name())
    }

    fn prepare<'a>(&'a self, source: &mut dyn RowSource) -> Result<Box<dyn KMeansShard<f64> + 'a>> {
        let (shape, first) = (source.shape(), source.position());
        let mut rows = vec![0f64; shape.rows as usize * shape.dims];
        for block in rows.chunks_mut(shape.dims * (BLOCK / shape.dims).max(1)) {
            if source.read_wide(block)? * shape.dims < block.len() {
                return Err(Error::internal("a source ended before its last row"));
            }
        }
        let norms = rows.chunks_exact(shape.dims).map(panel::norm).collect();
        Ok(Box::new(Shard {
            kernel: self.kernel,
            dims: shape.dims,
            first,
            rows,
            norms,
            weights: None,
            labels: Vec::new(),
            clustering: None,
            nearest: Vec::new(),
        }))
    }
}

/// A lane's rows.
struct Shard {
    kernel: Kernel,
    dims: usize,
    /// Global number of the first row.
    first: u64,
    /// Row-major.
    rows: Vec<f64>,
    /// The length of each.
    norms: Vec<f64>,
    weights: Option<Vec<f32>>,
    /// By the last step; none before it.
    labels: Vec<u32>,
    clustering: Option<Clustering>,
    /// While initial centroids are chosen: squared distances to the nearest of them.
    nearest: Vec<f64>,
}

/// What a restart begins.
struct Clustering {
    grid: Grid,
    /// By the labels of the last step.
    sums: Partial,
}

impl Shard {
    fn count(&self) -> usize {
        self.norms.len()
    }

    fn values(&self, i: usize) -> &[f64] {
        &self.rows[i * self.dims..][..self.dims]
    }

    fn weight(&self, i: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[i])
    }

    /// The squared distance of each row to the centroid of its label.
    fn to_own(&self, centroids: Centroids<'_, f64>) -> Vec<f64> {
        let mut to = vec![0f64; self.labels.len()];
        let of = |i: usize| centroids.row(self.labels[i] as usize);
        self.kernel.run(Distances { rows: &self.rows, dims: self.dims, of, to: &mut to });
        to
    }

    /// The squared distance of each row to this one.
    fn to_one(&self, row: &[f64]) -> Vec<f64> {
        let mut to = vec![0f64; self.count()];
        distances(self.kernel, &self.rows, row, &mut to);
        to
    }

    /// Adds row `i` to the sum of cluster `label`, or takes it away (`times` is 1 or −1).
    fn count_in(&self, sums: &mut Partial, grid: &Grid, i: usize, label: u32, times: i64) {
        let (j, weight) = (label as usize, self.weight(i));
        sums.counts[j] += times * grid.weighing().alone(weight);
        let half = sums.sums.len() / 2;
        let (steps, parts) = sums.sums.split_at_mut(half);
        let place = j * self.dims..(j + 1) * self.dims;
        let sums = steps[place.clone()].iter_mut().zip(&mut parts[place]);
        for (t, ((steps, parts), x)) in sums.zip(self.values(i)).enumerate() {
            let units = x.units(grid, t, weight);
            *steps += times * units[0];
            *parts += times * units[1];
        }
    }

    fn clustering(&mut self) -> Result<Clustering> {
        let missing = || Error::internal("a step before the first restart");
        self.clustering.take().ok_or_else(missing)
    }
}

impl KMeansShard<f64> for Shard {
    fn weigh(&mut self, weights: Vec<f32>) -> Result<()> {
        if weights.len() != self.count() {
            return Err(Error::internal("weights of other rows"));
        }
        self.weights = Some(weights);
        Ok(())
    }

    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()> {
        self.labels.clear();
        self.nearest = Vec::new();
        let sums = Partial::of::<f64>(k, self.dims);
        self.clustering = Some(Clustering { grid: grid.clone(), sums });
        Ok(())
    }

    fn step(&mut self, centroids: Centroids<'_, f64>, out: &mut Partial) -> Result<StepStats> {
        let Clustering { grid, mut sums } = self.clustering()?;
        let panel = Panel::new(centroids);
        let mut labels = vec![0u32; self.count()];
        let (rows, norms) = (&self.rows, &self.norms);
        let rescanned =
            self.kernel.run(Nearest { panel: &panel, rows, norms, labels: &mut labels });
        let fresh = self.labels.is_empty();
        let mut changed = 0;
        for (i, &label) in labels.iter().enumerate() {
            let old = self.labels.get(i).copied();
            if old == Some(label) {
                continue;
            }
            changed += 1;
            self.count_in(&mut sums, &grid, i, label, 1);
            if let Some(old) = old.filter(|_| !fresh) {
                self.count_in(&mut sums, &grid, i, old, -1);
            }
        }
        self.labels = labels;
        out.sums.copy_from_slice(&sums.sums);
        out.counts.copy_from_slice(&sums.counts);
        self.clustering = Some(Clustering { grid, sums });
        Ok(StepStats { changed, distances: panel.distances(self.count()), rescanned })
    }

    fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()> {
        sink.put(self.first, &self.labels)
    }

    fn inertia(&mut self, centroids: Centroids<'_, f64>, into: &mut WideSum) -> Result<()> {
        for (i, distance) in self.to_own(centroids).into_iter().enumerate() {
            into.add(f64::from(self.weight(i)) * distance);
        }
        Ok(())
    }

    fn farthest(&mut self, centroids: Centroids<'_, f64>, count: usize) -> Result<Vec<Far>> {
        let mut farthest = Farthest::new(count);
        for (i, distance) in self.to_own(centroids).into_iter().enumerate() {
            let weight = self.weight(i);
            let weighing = self.clustering.as_ref().map(|clustering| clustering.grid.weighing());
            if weighing.is_none_or(|weighing| weighing.alone(weight) > 0) {
                let row = self.first + i as u64;
                farthest.offer(Far { distance, row, label: self.labels[i], weight });
            }
        }
        Ok(farthest.into_sorted())
    }

    fn batch(
        &mut self,
        rows: &[u64],
        centroids: Centroids<'_, f64>,
        out: &mut Partial,
    ) -> Result<StepStats> {
        let Clustering { grid, sums } = self.clustering()?;
        let panel = Panel::new(centroids);
        let places: Vec<usize> = rows.iter().map(|row| (row - self.first) as usize).collect();
        let gathered: Vec<f64> = places.iter().flat_map(|&i| self.values(i)).copied().collect();
        let norms: Vec<f64> = places.iter().map(|&i| self.norms[i]).collect();
        let mut labels = vec![0u32; places.len()];
        let work = Nearest { panel: &panel, rows: &gathered, norms: &norms, labels: &mut labels };
        let rescanned = self.kernel.run(work);
        out.sums.fill(0);
        out.counts.fill(0);
        for (&i, &label) in places.iter().zip(&labels) {
            self.count_in(out, &grid, i, label, 1);
        }
        self.clustering = Some(Clustering { grid, sums });
        Ok(StepStats { changed: 0, distances: panel.distances(places.len()), rescanned })
    }

    fn seed_start(&mut self, _grid: &Grid) -> Result<()> {
        self.nearest = vec![f64::INFINITY; self.count()];
        Ok(())
    }

    fn seed_try(&mut self, candidates: Centroids<'_, f64>, sums: &mut [WideSum]) -> Result<()> {
        for (j, sum) in sums.iter_mut().enumerate() {
            for (i, distance) in self.to_one(candidates.row(j)).into_iter().enumerate() {
                sum.add(f64::from(self.weight(i)) * distance.min(self.nearest[i]));
            }
        }
        Ok(())
    }

    fn seed_take(&mut self, centres: Centroids<'_, f64>) -> Result<()> {
        for j in 0..centres.k {
            let distances = self.to_one(centres.row(j));
            for (nearest, distance) in self.nearest.iter_mut().zip(distances) {
                *nearest = nearest.min(distance);
            }
        }
        Ok(())
    }

    fn seed_distances(&mut self, sink: &mut dyn FnMut(u64, &[f64]) -> bool) -> Result<()> {
        match &self.weights {
            None => sink(self.first, &self.nearest),
            Some(weights) => {
                let weighted = self.nearest.iter().zip(weights);
                let weighted: Vec<f64> = weighted.map(|(d, &w)| f64::from(w) * d).collect();
                sink(self.first, &weighted)
            }
        };
        Ok(())
    }

    fn row(&mut self, row: u64, out: &mut [f64]) -> Result<bool> {
        let here = row.checked_sub(self.first).filter(|&i| i < self.count() as u64);
        if let Some(i) = here {
            out.copy_from_slice(self.values(i as usize));
        }
        Ok(here.is_some())
    }
}

#[cfg(test)]
mod tests;

//! Rows, grids and centroids for the benchmarks and for the instruction counts.

use amdahl_data::synthetic::Mixture;
use amdahl_data::{MatrixRows, Source};
use amdahl_kmeans::device::cpu::Cpu;
use amdahl_kmeans::device::{Centroids, KMeansDevice, KMeansShard, Partial};
use amdahl_kmeans::update;
use amdahl_kmeans_description::spec::Layout;
use amdahl_lanes::exact::Grid;
use amdahl_record::cell::Synthetic;

/// All layouts, with their words.
pub const LAYOUTS: [(Layout, &str); 2] = [(Layout::Tiles, "tiles"), (Layout::Rows, "rows")];

/// Rows of an overlapping mixture, as they lie in a file.
pub struct Rows {
    /// Row-major.
    pub values: Vec<f32>,
    /// Columns.
    pub dims: usize,
    /// Clusters in the rows, and asked for.
    pub k: usize,
    /// For exact sums of these rows.
    pub grid: Grid,
}

impl Rows {
    /// `rows` × `dims` in `k` clusters, the same on every machine.
    pub fn new(rows: usize, dims: usize, k: usize) -> Rows {
        let mixture = Mixture::new(Synthetic::Mixture, rows as u64, dims as u32, k as u32, 1)
            .expect("a valid shape");
        let mut values = vec![0f32; rows * dims];
        mixture
            .rows(0..rows as u64)
            .and_then(|mut rows| rows.read(&mut values))
            .expect("synthetic rows");
        let mut maxima = vec![0f32; dims];
        for row in values.chunks_exact(dims) {
            maxima.iter_mut().zip(row).for_each(|(max, x)| *max = max.max(x.abs()));
        }
        let grid = Grid::new(&maxima, rows as u64).expect("few rows");
        Rows { values, dims, k, grid }
    }

    /// The rows on a device, before the first step.
    pub fn prepare(&self, device: &Cpu) -> Box<dyn KMeansShard> {
        // A shard borrows its device; the few bytes stay until the program ends.
        let device: &'static Cpu = Box::leak(Box::new(device.clone()));
        device.prepare(&mut MatrixRows::new(&self.values, self.dims, 0)).expect("rows in memory")
    }

    /// The first k rows.
    pub fn first_centroids(&self) -> Vec<f32> {
        self.values[..self.k * self.dims].to_vec()
    }

    /// The means of the sums: the next centroids.
    pub fn next_centroids(&self, sums: &Partial, old: &[f32]) -> Vec<f32> {
        let mut new = vec![0f32; old.len()];
        update::means(sums, &self.grid, old, &mut new);
        new
    }

    /// `values` as the centroids of a step.
    pub fn as_centroids<'a>(&self, values: &'a [f32]) -> Centroids<'a> {
        Centroids { values, k: self.k, dims: self.dims }
    }
}

use super::*;
use crate::device::cpu::Cpu;
use crate::engine::{Engine, Limit, Unwatched};
use crate::intake::Rows;
use amdahl_data::random::{Purpose, Stream};
use amdahl_data::{MatrixRows, Shape};
use amdahl_kmeans_description::spec::{Algorithm, Init};
use amdahl_lanes::comm::solo::Solo;
use amdahl_lanes::exact::squared_distance;

/// Labels as they come.
struct Kept(Vec<u32>);

impl LabelSink for Kept {
    fn put(&mut self, _first: u64, labels: &[u32]) -> Result<()> {
        self.0.extend_from_slice(labels);
        Ok(())
    }
}

/// Rows in memory, perhaps with a column of weights at the end.
struct Memory<'a, T> {
    values: &'a [T],
    dims: usize,
    weighted: bool,
}

impl<T: crate::device::Number> Rows<T> for Memory<'_, T> {
    fn whole(&self) -> Shape {
        let wide = self.dims + usize::from(self.weighted);
        Shape { rows: (self.values.len() / wide) as u64, dims: self.dims }
    }
    fn weighted(&self) -> bool {
        self.weighted
    }
    fn stream(&mut self, take: &mut dyn FnMut(&mut dyn RowSource) -> Result<()>) -> Result<()> {
        let wide = self.dims + usize::from(self.weighted);
        take(&mut MatrixRows::new(self.values, wide, 0))
    }
}

fn noise(count: usize, seed: u64) -> Vec<f64> {
    let stream = Stream::new(seed, Purpose::Noise);
    (0..count as u64).map(|i| stream.unit(i) * 8.0 - 4.0).collect()
}

/// Centroids, labels and inertia of a whole clustering.
fn cluster<T: crate::device::Number>(
    device: &dyn KMeansDevice<T>,
    rows: Memory<'_, T>,
    (init, k, algorithm): (&Init, usize, Algorithm),
) -> (Vec<T>, Vec<u32>, f64) {
    let limit = Limit { iterations: 30, rule: Some(0.0) };
    let mut rows = rows;
    let (mut engine, _) = Engine::load(&Solo, device, &mut rows).expect("rows in memory");
    let mut centroids = engine.initial(init, k).expect("enough rows");
    engine.begin(algorithm, k, limit).expect("ready");
    let end = engine.run(algorithm, &mut centroids, limit, &Unwatched).expect("an end");
    engine.finish(algorithm, &centroids, end).expect("labels");
    let mut labels = Kept(Vec::new());
    engine.labels(&mut labels).expect("labels");
    let inertia = engine.inertia(&centroids).expect("an inertia");
    (centroids, labels.0, inertia)
}

const LLOYD: Algorithm = Algorithm::Lloyd;

#[test]
fn labels_are_those_of_the_definition_with_every_kernel() {
    for (n, dims, k) in [(61, 1, 3), (100, 2, 8), (77, 3, 9), (50, 17, 33), (40, 64, 5), (9, 5, 1)]
    {
        // Coarse values: many exact ties.
        let values: Vec<f64> = noise(n * dims, 5).iter().map(|x| x.round()).collect();
        let centroids = Centroids { values: &values[..k * dims], k, dims };
        let expected: Vec<u32> = values
            .chunks_exact(dims)
            .map(|row| {
                let distance = |j: &usize| squared_distance(row, centroids.row(*j));
                (0..k).min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("a centroid")
                    as u32
            })
            .collect();
        for kernel in Kernel::all() {
            let device = Double::with(kernel);
            let mut shard = device.prepare(&mut MatrixRows::new(&values, dims, 0)).expect("rows");
            let grid = Grid::new(&vec![4.0; dims], n as u64).expect("few rows");
            shard.restart(&grid, k).expect("a grid");
            let mut sums = Partial::of::<f64>(k, dims);
            let stats = shard.step(centroids, &mut sums).expect("a step");
            let mut labels = Kept(Vec::new());
            shard.labels(&mut labels).expect("labels");
            assert_eq!(labels.0, expected, "{} {n} x {dims}, k = {k}", kernel.name());
            assert_eq!(stats.changed, n as u64);
            assert_eq!(sums.counts.iter().sum::<i64>(), n as i64);
            assert_eq!(shard.step(centroids, &mut sums).expect("a step").changed, 0);
        }
    }
}

/// What f32 holds without loss is clustered alike by both, bit by bit where means are.
#[test]
fn rows_that_f32_holds_are_clustered_as_f32_clusters_them() {
    let (n, dims, k) = (900, 3, 7);
    let single: Vec<f32> = noise(n * dims, 9).iter().map(|x| *x as f32).collect();
    let double: Vec<f64> = single.iter().map(|&x| f64::from(x)).collect();
    let narrow = |values| Memory { values, dims, weighted: false };
    let wide = |values| Memory { values, dims, weighted: false };
    for init in [
        Init::FirstRows,
        Init::RandomRows { seed: 3 },
        Init::KMeansPlusPlus { seed: 3 },
        Init::KMeansParallel { seed: 3 },
    ] {
        let cpu = Cpu::new().expect("a kernel");
        let (_, labels, inertia) = cluster(&cpu, narrow(&single), (&init, k, LLOYD));
        let device = Double::new().expect("a kernel");
        let (_, same, close) = cluster(&device, wide(&double), (&init, k, LLOYD));
        assert_eq!(labels, same, "{init:?}");
        assert!((inertia - close).abs() <= 1e-6 * inertia, "{init:?}: {inertia} and {close}");
    }
}

#[test]
fn what_f32_cannot_tell_apart_is_told_apart() {
    // Two groups that differ by 1e-9 around 1.
    let values: Vec<f64> = (0..200).map(|i| 1.0 + f64::from(i % 2) * 1e-9).collect();
    let rows = Memory { values: &values, dims: 1, weighted: false };
    let device = Double::new().expect("a kernel");
    let init = Init::KMeansPlusPlus { seed: 1 };
    let (mut centroids, labels, inertia) = cluster(&device, rows, (&init, 2, LLOYD));
    centroids.sort_by(f64::total_cmp);
    assert_eq!(centroids, [1.0, 1.0 + 1e-9]);
    assert!((0..200).all(|i| (labels[i] == labels[0]) == (i % 2 == 0)) && inertia == 0.0);
}

#[test]
fn whole_weights_are_repeated_rows() {
    let (n, dims, k) = (120, 2, 5);
    let values = noise(n * dims, 2);
    let weight = |i: usize| i % 4 + 1;
    let weighted: Vec<f64> = values
        .chunks_exact(dims)
        .enumerate()
        .flat_map(|(i, row)| [row, &[weight(i) as f64]].concat())
        .collect();
    // The first rows first, so that both start from them.
    let order = (0..n).chain((0..n).flat_map(|i| std::iter::repeat_n(i, weight(i) - 1)));
    let repeated: Vec<f64> = order.flat_map(|i| values[i * dims..][..dims].to_vec()).collect();
    let device = Double::new().expect("a kernel");
    let all = Memory { values: &repeated, dims, weighted: false };
    let some = Memory { values: &weighted, dims, weighted: true };
    let (centroids, labels, inertia) = cluster(&device, some, (&Init::FirstRows, k, LLOYD));
    let (same, more, total) = cluster(&device, all, (&Init::FirstRows, k, LLOYD));
    assert_eq!((centroids, &labels[..]), (same, &more[..n]));
    assert!((inertia - total).abs() <= 1e-12 * total);
}

#[test]
fn batches_and_empty_clusters_are_served() {
    let values = noise(600, 4);
    let rows = || Memory { values: &values, dims: 2, weighted: false };
    let device = Double::new().expect("a kernel");
    let algorithm = Algorithm::Minibatch { batch: 64, seed: 5 };
    let init = Init::KMeansPlusPlus { seed: 5 };
    let (.., rough) = cluster(&device, rows(), (&init, 4, algorithm));
    let (.., whole) = cluster(&device, rows(), (&init, 4, LLOYD));
    assert!(whole <= rough && rough < 1.5 * whole, "{whole} and {rough}");
    // Twelve rows of two values each, and every first row the same: clusters begin empty.
    let few: Vec<f64> = (0..12).flat_map(|i| [f64::from((i + 9) / 10), 0.0]).collect();
    let rows = Memory { values: &few, dims: 2, weighted: false };
    let (centroids, _, inertia) = cluster(&device, rows, (&Init::FirstRows, 3, LLOYD));
    let firsts: Vec<f64> = centroids.chunks_exact(2).map(|c| c[0]).collect();
    assert!(inertia == 0.0 && firsts.contains(&0.0) && firsts.contains(&1.0), "{firsts:?}");
}

//! Bounds spare comparisons and change nothing; batches and seeding have the bits of f64 distances.

use proptest::prelude::*;

use super::*;
use crate::device::fake::Fake;

fn grid_of(rows: &[f32], dims: usize) -> Grid {
    let maxima = vec![rows.iter().fold(0f32, |max, x| max.max(x.abs())); dims];
    Grid::new(&maxima, (rows.len() / dims) as u64).expect("few rows")
}

fn prepared<'a>(
    device: &'a dyn KMeansDevice,
    rows: &[f32],
    dims: usize,
    k: usize,
) -> Box<dyn KMeansShard + 'a> {
    let mut shard = device.prepare(&mut MatrixRows::new(rows, dims, 0)).expect("rows in memory");
    shard.restart(&grid_of(rows, dims), k).expect("room for the sums");
    shard
}

fn labels(shard: &mut dyn KMeansShard) -> Vec<u32> {
    let mut labels = Collect(Vec::new());
    shard.labels(&mut labels).expect("labels");
    labels.0
}

/// Lloyd's iterations from the first k rows, every algorithm on every device beside the fake one.
/// Returns the share of Lloyd's distances that Hamerly's bounds evaluated at most, and Yinyang's.
fn same_as_lloyd(
    rows: &[f32],
    k: usize,
    dims: usize,
    steps: usize,
    thresholds: Thresholds,
) -> [f64; 2] {
    let grid = grid_of(rows, dims);
    let mut oracle = prepared(&Fake, rows, dims, k);
    let algorithms = [Algorithm::Hamerly, Algorithm::Yinyang];
    let devices: Vec<Cpu> = devices()
        .map(|cpu| cpu.thresholds(thresholds))
        .flat_map(|cpu| algorithms.map(|algorithm| cpu.clone().algorithm(algorithm)))
        .collect();
    let mut shards: Vec<_> = devices.iter().map(|device| prepared(device, rows, dims, k)).collect();
    let mut distances = vec![0u64; shards.len()];
    let mut centroids = rows[..k * dims].to_vec();
    let mut lloyd = 0;
    for step in 0..steps {
        let (mut right, mut sums) = (Partial::new(k, dims), Partial::new(k, dims));
        let view = Centroids { values: &centroids, k, dims };
        let stats = oracle.step(view, &mut right).expect("a step");
        lloyd += stats.distances;
        let expected = labels(oracle.as_mut());
        for ((device, shard), distances) in devices.iter().zip(&mut shards).zip(&mut distances) {
            let name = format!(
                "{} {}, step {step}, {k} x {dims}",
                device.algorithm.name(),
                device.kernel(dims, k)
            );
            let found = shard.step(view, &mut sums).expect("a step");
            assert_eq!(labels(shard.as_mut()), expected, "{name}");
            assert_eq!(sums, right, "{name}");
            assert_eq!(found.changed, stats.changed, "{name}");
            *distances += found.distances;
        }
        for (j, &count) in right.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            for t in 0..dims {
                centroids[j * dims + t] = grid.mean(right.sums[j * dims + t], count, t);
            }
        }
    }
    algorithms.map(|algorithm| {
        let of = devices.iter().zip(&distances).filter(|(device, _)| device.algorithm == algorithm);
        *of.map(|(_, distances)| distances).max().expect("some devices") as f64 / lloyd as f64
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn bounds_change_nothing(
        dims in 1usize..24, k in 1usize..40, n in 40usize..400, seed in any::<u64>(), spread in -40i32..40,
        offset in prop_oneof![Just(0f32), Just(1e4), Just(-3e30), Just(1e-38)], coarse in any::<bool>(),
    ) {
        let mut rows = values(n * dims, seed, spread, offset, coarse);
        // Some rows twice.
        let (first, rest) = rows.split_at_mut(n / 8 * dims);
        rest[..first.len()].copy_from_slice(first);
        same_as_lloyd(&rows, k.min(n), dims, 14, EAGER);
    }
}

/// Rows in k heaps far apart from each other.
fn separated(n: usize, k: usize, dims: usize) -> Vec<f32> {
    let mut rows = values(n * dims, 3, 0, 0.0, false);
    for (i, row) in rows.chunks_exact_mut(dims).enumerate() {
        row.iter_mut().for_each(|x| *x += (i % k * 10) as f32);
    }
    rows
}

#[test]
fn bounds_spare_distances_of_separated_and_of_long_rows() {
    for (n, k, dims) in [(3000, 12, 6), (2000, 6, 100), (4000, 200, 5)] {
        let [hamerly, _] = same_as_lloyd(&separated(n, k, dims), k, dims, 20, EAGER);
        assert!(hamerly < 0.5, "{k} x {dims}: {hamerly}");
    }
}

#[test]
fn as_shipped_bounds_change_nothing_and_spare_distances_where_they_pay() {
    // Enough clusters and columns for Yinyang's groups, and steps for bounds that are not made
    // early.
    let (n, k, dims) = (2400, 240, 99);
    let shipped = Thresholds::default();
    assert!(yinyang_groups::pay(k, dims, &shipped));
    let shares = same_as_lloyd(&separated(n, k, dims), k, dims, 12, shipped);
    assert!(shares.iter().all(|&share| share < 0.7), "{shares:?}");
    // Too little to pay: one bound a row stands in for groups.
    assert!(!yinyang_groups::pay(40, 8, &shipped));
    let rows = values(3000 * 8, 5, 0, 0.5, false);
    let [hamerly, yinyang] = same_as_lloyd(&rows, 40, 8, 12, shipped);
    assert_eq!(hamerly, yinyang);
}

#[test]
fn denormal_and_huge_rows_keep_their_labels() {
    for scale in [f32::MAX / 4.0, 1e20, f32::MIN_POSITIVE, 64.0 * f32::from_bits(1)] {
        let rows: Vec<f32> =
            values(300 * 3, 11, 0, 0.0, false).into_iter().map(|x| x * scale).collect();
        same_as_lloyd(&rows, 7, 3, 12, EAGER);
    }
}

#[test]
fn batches_have_the_sums_of_their_rows() {
    let (n, k, dims) = (500, 9, 7);
    let rows = values(n * dims, 21, 3, 0.5, false);
    let given = &rows[..k * dims];
    let centroids = Centroids { values: given, k, dims };
    let wanted: Vec<u64> = (0..333).map(|i| i * i * 7 % n as u64).collect();
    let mut right = Partial::new(k, dims);
    prepared(&Fake, &rows, dims, k).batch(&wanted, centroids, &mut right).expect("a batch");
    assert_eq!(right.counts.iter().sum::<i64>(), 333);
    for device in devices() {
        let mut sums = Partial::new(k, dims);
        let stats = prepared(&device, &rows, dims, k)
            .batch(&wanted, centroids, &mut sums)
            .expect("a batch");
        assert_eq!(sums, right, "{}", device.kernel(dims, k));
        assert_eq!(stats.distances, 333 * k as u64);
    }
}

/// Distances to the nearest centre and sums of trials, on a device.
fn seeded(
    device: &dyn KMeansDevice,
    rows: &[f32],
    dims: usize,
    steps: usize,
) -> (Vec<f64>, Vec<WideSum>) {
    let grid = grid_of(rows, dims);
    let mut shard = prepared(device, rows, dims, 1);
    shard.seed_start(&grid).expect("room");
    let mut sums = Vec::new();
    let row = |i: usize| &rows[i * dims % (rows.len() - 9 * dims)..][..9 * dims];
    for step in 0..steps {
        let candidates = row(step * 31);
        if step > 0 {
            let mut tried = vec![grid.distance_sum(); 9];
            shard
                .seed_try(Centroids { values: candidates, k: 9, dims }, &mut tried)
                .expect("a try");
            sums.extend(tried);
            let mut few = vec![grid.distance_sum(); 3];
            shard
                .seed_try(Centroids { values: &candidates[..3 * dims], k: 3, dims }, &mut few)
                .expect("a try");
            sums.extend(few);
        }
        // One that was tried, and some that were not.
        let last = &candidates[2 * dims..3 * dims];
        shard.seed_take(Centroids { values: last, k: 1, dims }).expect("a centre");
        let more = &row(step * 17 + 5)[..if step % 3 == 2 { 9 * dims } else { dims }];
        shard.seed_take(Centroids { values: more, k: more.len() / dims, dims }).expect("centres");
    }
    let mut nearest = Vec::new();
    shard
        .seed_distances(&mut |first, distances| {
            assert_eq!(first, nearest.len() as u64);
            nearest.extend_from_slice(distances);
            true
        })
        .expect("distances");
    (nearest, sums)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn seeding_has_the_bits_of_f64_distances(
        dims in 1usize..40, n in 20usize..300, seed in any::<u64>(), spread in -60i32..60,
        offset in prop_oneof![Just(0f32), Just(1e3), Just(-2e37)], coarse in any::<bool>(),
    ) {
        let rows = values(n * dims, seed, spread, offset, coarse);
        let right = seeded(&Fake, &rows, dims, 6);
        for device in devices() {
            prop_assert_eq!(&seeded(&device, &rows, dims, 6), &right, "{}", device.kernel(dims, 1));
        }
    }
}

//! Every kernel, layout and arithmetic against distances in f64, row by row.

use proptest::prelude::*;

use super::*;
use amdahl_data::MatrixRows;
use amdahl_lanes::exact::squared_distance;

mod pruning;

/// Little data takes every way, whether it pays there or not.
const EAGER: Thresholds = Thresholds {
    interleave_after: 2,
    hamerly_share: Some(0.9),
    yinyang_work: 0,
    yinyang_changed: 0.1,
    yinyang_spared: 0.05,
};

/// All devices that this processor can be.
fn devices() -> impl Iterator<Item = Cpu> {
    Kernel::all().flat_map(|kernel| {
        [Layout::Tiles, Layout::Rows]
            .map(|layout| Cpu::with(kernel).layout(layout).thresholds(EAGER))
    })
}

struct Collect(Vec<u32>);

impl LabelSink for Collect {
    fn put(&mut self, first: u64, labels: &[u32]) -> Result<()> {
        assert_eq!(first, self.0.len() as u64, "labels come in row order");
        self.0.extend(labels);
        Ok(())
    }
}

/// One step after another with the given centroids: the labels, sums and statistics of the last.
fn steps(
    device: &Cpu,
    rows: &[f32],
    centroids: &[Centroids<'_>],
) -> (Vec<u32>, Partial, StepStats) {
    let Centroids { k, dims, .. } = centroids[0];
    let maxima = vec![rows.iter().fold(0f32, |max, x| max.max(x.abs())); dims];
    let grid = Grid::new(&maxima, (rows.len() / dims) as u64).expect("few rows");
    let mut shard = device.prepare(&mut MatrixRows::new(rows, dims, 0)).expect("rows in memory");
    shard.restart(&grid, k).expect("room for the sums");
    let (mut sums, mut stats) = (Partial::new(k, dims), StepStats::default());
    for &centroids in centroids {
        stats = shard.step(centroids, &mut sums).expect("a step");
    }
    let mut labels = Collect(Vec::new());
    shard.labels(&mut labels).expect("labels");
    (labels.0, sums, stats)
}

fn by_distance(rows: &[f32], centroids: Centroids<'_>) -> Vec<u32> {
    let nearest = |row: &[f32]| {
        let mut best = (f64::INFINITY, 0);
        for j in 0..centroids.k {
            let distance = squared_distance(row, centroids.row(j));
            if distance < best.0 {
                best = (distance, j as u32);
            }
        }
        best.1
    };
    rows.chunks_exact(centroids.dims).map(nearest).collect()
}

/// The sums of the rows by these labels, added up one by one.
fn plain_sums(rows: &[f32], labels: &[u32], k: usize, dims: usize) -> Partial {
    let maxima = vec![rows.iter().fold(0f32, |max, x| max.max(x.abs())); dims];
    let grid = Grid::new(&maxima, labels.len() as u64).expect("few rows");
    let mut sums = Partial::new(k, dims);
    for (row, &label) in rows.chunks_exact(dims).zip(labels) {
        sums.counts[label as usize] += 1;
        for ((sum, &x), &scale) in
            sums.sums[label as usize * dims..].iter_mut().zip(row).zip(grid.scale())
        {
            *sum += Grid::quantise(x, scale);
        }
    }
    sums
}

/// A cheap generator: shapes and magnitudes matter here, not randomness. On a coarse grid exact
/// ties abound.
fn values(count: usize, seed: u64, spread: i32, offset: f32, coarse: bool) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..count)
        .map(|_| if coarse { (next() * 4.0).round() } else { next() * 2f32.powi(spread) + offset })
        .collect()
}

/// Certified labels are those of f64 distances, and the sums are theirs: in a first step, and in
/// one after other centroids.
fn check(rows: &[f32], before: &[f32], after: &[f32], k: usize, dims: usize) {
    let before = Centroids { values: before, k, dims };
    let after = Centroids { values: after, k, dims };
    let (first, second) = (by_distance(rows, before), by_distance(rows, after));
    let changed = first.iter().zip(&second).filter(|(a, b)| a != b).count() as u64;
    for device in devices() {
        let name = device.kernel(dims, k);
        let (labels, sums, stats) = steps(&device, rows, &[before]);
        assert_eq!(labels, first, "{name}: {k} x {dims}");
        assert_eq!(sums, plain_sums(rows, &first, k, dims), "{name}: {k} x {dims}");
        assert_eq!(stats.changed, first.len() as u64, "{name}: all labels of a first step are new");
        let (labels, sums, stats) = steps(&device, rows, &[before, after]);
        assert_eq!(labels, second, "{name}: second step, {k} x {dims}");
        assert_eq!(sums, plain_sums(rows, &second, k, dims), "{name}: second step, {k} x {dims}");
        assert_eq!(stats.changed, changed, "{name}");
    }
}

proptest! {
    #[test]
    fn every_kernel_and_layout_gives_the_labels_of_f64_distances(
        dims in 1usize..40, k in 1usize..40, n in 1usize..130, seed in any::<u64>(), spread in -30i32..30, grid in any::<bool>(),
    ) {
        let rows = values(n * dims, seed, spread, 0.0, grid);
        let before = values(k * dims, !seed, spread, 0.0, grid);
        let after = values(k * dims, seed ^ 77, spread, 0.0, grid);
        check(&rows, &before, &after, k, dims);
    }

    #[test]
    fn so_does_the_kernel_for_long_rows(k in 1usize..12, more in 0usize..40, n in 1usize..100, seed in any::<u64>(), grid in any::<bool>()) {
        let dims = 64.max(16 * k) + more;
        prop_assert!(nearest_by_columns::suits(dims, k));
        let rows = values(n * dims, seed, 0, 3.0, grid);
        let before = values(k * dims, !seed, 0, 3.0, grid);
        let after = values(k * dims, seed ^ 77, 0, 3.0, grid);
        check(&rows, &before, &after, k, dims);
    }

    #[test]
    fn f32_labels_are_off_by_no_more_than_their_bound(
        dims in 1usize..40, k in 1usize..40, n in 1usize..130, seed in any::<u64>(), offset in -100f32..100.0,
    ) {
        let rows = values(n * dims, seed, 2, offset, false);
        let given = values(k * dims, !seed, 2, offset, false);
        let centroids = Centroids { values: &given, k, dims };
        let right = by_distance(&rows, centroids);
        for device in devices() {
            let (labels, sums, stats) = steps(&device.clone().certify(false), &rows, &[centroids]);
            prop_assert_eq!(stats.rescanned, 0);
            prop_assert_eq!(&sums, &plain_sums(&rows, &labels, k, dims));
            let panel = Panel::new(centroids, device.kernel);
            for (row, (&label, &right)) in rows.chunks_exact(dims).zip(labels.iter().zip(&right)) {
                let norm = row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() as f32 * 1.000_001;
                let distance = |j: u32| squared_distance(row, centroids.row(j as usize));
                // A difference of squared distances is twice a difference of scores.
                let off = distance(label) - distance(right);
                prop_assert!(off <= 2.0 * f64::from(panel.threshold(norm)), "{}: off by {off:e}", device.kernel(dims, k));
            }
        }
    }
}

#[test]
fn as_many_clusters_as_rows_and_labels_of_every_width() {
    for (n, k, dims) in
        [(1, 1, 1), (49, 49, 3), (300, 300, 2), (400, 257, 1), (300, 256, 5), (50, 66_000, 1)]
    {
        let values = |rows: usize| {
            (0..rows * dims).map(|i| (i / dims) as f32 - (i % dims) as f32).collect::<Vec<_>>()
        };
        let (rows, given) = (values(n), values(k));
        let centroids = Centroids { values: &given, k, dims };
        let expected = by_distance(&rows, centroids);
        for device in devices() {
            let (labels, sums, _) = steps(&device, &rows, &[centroids, centroids]);
            assert_eq!(labels, expected, "{}: n = {n}, k = {k}", device.kernel(dims, k));
            assert_eq!(sums, plain_sums(&rows, &expected, k, dims));
        }
    }
}

#[test]
fn ties_go_to_the_lower_index_and_extremes_stay_right() {
    for scale in [
        1.0,
        f32::MAX / 2.0,
        f32::MAX,
        f32::from_bits(1),
        f32::MIN_POSITIVE,
        1e-30,
        1e-20,
        1e18,
        1e20,
        1e30,
    ] {
        let rows = [scale, -scale, 0.0];
        let given = [-scale, scale, scale, -scale];
        let centroids = Centroids { values: &given, k: 4, dims: 1 };
        for device in devices() {
            assert_eq!(
                steps(&device, &rows, &[centroids]).0,
                [1, 0, 0],
                "{} at {scale:e}",
                device.kernel(1, 4)
            );
            if (1e-15..1e15).contains(&scale) {
                let device = device.clone().certify(false);
                assert_eq!(
                    steps(&device, &rows, &[centroids]).0,
                    [1, 0, 0],
                    "{} at {scale:e}",
                    device.kernel(1, 4)
                );
            }
        }
    }
}

#[test]
fn f32_decides_nearly_all_of_ordinary_rows_even_far_from_the_origin() {
    for offset in [0.0, 1000.0] {
        let rows = values(4096 * 8, 5, 0, offset, false);
        let given = rows[..64].to_vec();
        let centroids = Centroids { values: &given, k: 8, dims: 8 };
        for device in devices() {
            let rescanned = steps(&device, &rows, &[centroids]).2.rescanned;
            assert!(
                rescanned * 20 < 4096,
                "{}: {rescanned} of 4096 rows at {offset} needed f64",
                device.kernel(8, 8)
            );
        }
    }
}

#[test]
fn farthest_rows_and_inertia_come_from_the_rows_themselves() {
    let rows = values(100 * 5, 9, 0, 0.0, false);
    let given = rows[..15].to_vec();
    let centroids = Centroids { values: &given, k: 3, dims: 5 };
    let labels = by_distance(&rows, centroids);
    let mut far: Vec<Far> = (0..100)
        .map(|i| Far {
            distance: squared_distance(&rows[i * 5..][..5], centroids.row(labels[i] as usize)),
            row: 40 + i as u64,
            label: labels[i],
            weight: 1.0,
        })
        .collect();
    far.sort_by(|a, b| b.cmp(a));
    for device in devices() {
        let grid = Grid::new(&[1.0; 5], 100).expect("few rows");
        let mut shard = device.prepare(&mut MatrixRows::new(&rows, 5, 40)).expect("rows in memory");
        shard.restart(&grid, 3).expect("room");
        shard.step(centroids, &mut Partial::new(3, 5)).expect("a step");
        assert_eq!(shard.farthest(centroids, 7).expect("rows"), far[..7]);
        let mut sum = grid.distance_sum();
        shard.inertia(centroids, &mut sum).expect("a sum");
        let mut expected = grid.distance_sum();
        far.iter().for_each(|far| expected.add(far.distance));
        assert_eq!(sum, expected);
        let mut row = [0.0; 5];
        assert!(shard.row(139, &mut row).expect("rows") && row == rows[99 * 5..]);
        assert!(
            !shard.row(140, &mut row).expect("rows") && !shard.row(39, &mut row).expect("rows")
        );
    }
}

//! The library: what a program sees of a fit.

use proptest::prelude::*;

use super::*;
use amdahl_record::error::Kind;

/// Plain pseudo-random numbers between −1 and 1.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let stream = data::random::Stream::new(seed, data::random::Purpose::Noise);
    (0..count as u64).map(|i| (stream.unit(i) * 2.0 - 1.0) as f32).collect()
}

/// `rows` points of `dims` columns around `k` centres that lie on a line, 10 apart.
fn clusters(rows: usize, dims: usize, k: usize, seed: u64) -> Vec<f32> {
    let mut points = numbers(rows * dims, seed);
    for (i, row) in points.chunks_exact_mut(dims).enumerate() {
        row[0] += 10.0 * (i % k) as f32;
    }
    points
}

#[test]
fn a_data_set_is_fitted_and_labelled_like_its_rows() {
    let shape = amdahl_record::cell::Synthetic::Separated;
    let dataset = Dataset::Synthetic { shape, points: 300, dims: 3, clusters: 4, seed: 1 };
    let mut rows = vec![0f32; 900];
    let source = data::open(&dataset).expect("synthetic rows");
    source.rows(0..300).expect("all of them").read(&mut rows).expect("values");
    let kmeans = KMeans::new(4).seed(2).threads(2);
    let (by_name, by_rows) =
        (kmeans.fit_dataset(&dataset).expect("a fit"), kmeans.fit(&rows, 3).expect("a fit"));
    assert_eq!((&by_name.labels, &by_name.sizes), (&by_rows.labels, &by_rows.sizes));
    assert_eq!(by_name.inertia().to_bits(), by_rows.inertia().to_bits());
    let (labels, assigned) = by_name.model.predict_dataset(&dataset).expect("labels");
    assert_eq!((&labels, assigned.sizes), (&by_name.labels, by_name.sizes));
}

#[test]
fn the_same_on_any_number_of_threads() {
    let points = clusters(1000, 5, 4, 1);
    let kmeans = KMeans::new(4).starts(3).seed(9).scale(Scale::Standard);
    let weights: Vec<f32> = numbers(1000, 2).iter().map(|w| w.abs()).collect();
    for start in [Start::PlusPlus, Start::Parallel, Start::RandomRows] {
        let kmeans = kmeans.clone().start(start);
        let one = kmeans.clone().threads(1).fit(&points, 5).expect("a fit");
        let weighted = kmeans.clone().threads(1).fit_weighted(&points, 5, &weights).expect("a fit");
        assert_ne!(one.model.centroids, weighted.model.centroids);
        for threads in [2, 3, 5] {
            assert_eq!(kmeans.clone().threads(threads).fit(&points, 5).expect("a fit"), one);
            let again =
                kmeans.clone().threads(threads).fit_weighted(&points, 5, &weights).expect("a fit");
            assert_eq!(again, weighted);
        }
    }
}

#[test]
fn bounds_change_nothing() {
    let points = numbers(3000 * 3, 11);
    let weights: Vec<f32> = numbers(3000, 12).iter().map(|w| w.abs()).collect();
    for k in [5, 40] {
        let kmeans = KMeans::new(k).tolerance(0.0).max_iterations(60).threads(2);
        let lloyd = kmeans.clone().algorithm(Algorithm::Lloyd);
        let plain = lloyd.fit(&points, 3).expect("a fit");
        let weighted = lloyd.fit_weighted(&points, 3, &weights).expect("a fit");
        for kmeans in [
            kmeans.clone(),
            kmeans.clone().algorithm(Algorithm::Hamerly),
            kmeans.algorithm(Algorithm::Yinyang),
        ] {
            let fit = kmeans.fit(&points, 3).expect("a fit");
            assert_ne!(fit.model.found.algorithm, "lloyd");
            assert_eq!(
                (&fit.model.centroids, &fit.labels),
                (&plain.model.centroids, &plain.labels),
                "k = {k}"
            );
            assert_eq!(fit.inertia(), plain.inertia());
            let fit = kmeans.fit_weighted(&points, 3, &weights).expect("a fit");
            assert_eq!(
                (&fit.model.centroids, &fit.labels),
                (&weighted.model.centroids, &weighted.labels),
                "k = {k}"
            );
        }
    }
}

#[test]
fn batches_come_near_and_take_no_weights() {
    let points = clusters(5000, 4, 5, 13);
    let kmeans = KMeans::new(5)
        .algorithm(Algorithm::Minibatch { batch: 256, seed: 0 })
        .max_iterations(50)
        .seed(2);
    let batches = kmeans.fit(&points, 4).expect("a fit");
    let lloyd = KMeans::new(5).seed(2).fit(&points, 4).expect("a fit");
    assert!(
        batches.inertia() < 1.01 * lloyd.inertia(),
        "{} and {}",
        batches.inertia(),
        lloyd.inertia()
    );
    assert_eq!(batches.model.predict(&points).expect("labels"), batches.labels);
    assert_eq!(kmeans.clone().threads(3).fit(&points, 4).expect("a fit"), batches);
    let refused = kmeans.fit_weighted(&points, 4, &[1.0; 5000]).expect_err("weights");
    assert!(refused.message.contains("takes no weights"), "{refused}");
}

#[test]
fn separate_clusters_are_found_and_predicted() {
    let points = clusters(300, 3, 3, 4);
    let fit = KMeans::new(3).fit(&points, 3).expect("a fit");
    assert!(fit.converged() && fit.warnings.is_empty());
    assert_eq!(fit.sizes, [100; 3]);
    for (i, &label) in fit.labels.iter().enumerate() {
        assert_eq!(label, fit.labels[i % 3]);
    }
    assert_eq!(fit.model.predict(&points).expect("labels"), fit.labels);
    // Far away from all data too.
    let far = fit.model.predict(&[1e7, 0.0, 0.0, -1e7, 0.0, 0.0]).expect("labels");
    assert_eq!(far, [fit.labels[2], fit.labels[0]]);
}

#[test]
fn the_best_of_several_starts_is_kept() {
    let points = numbers(600 * 2, 5);
    let kmeans = KMeans::new(12).start(Start::RandomRows).tolerance(0.0).max_iterations(1000);
    let several = kmeans.clone().starts(8).seed(3).fit(&points, 2).expect("a fit");
    let single = kmeans.clone().seed(3).fit(&points, 2).expect("a fit");
    assert!(several.inertia() <= single.inertia());
    assert!(several.model.found.start > 0, "of eight random starts another than the first is best");
    // Its labels are those of its centroids.
    assert_eq!(several.model.predict(&points).expect("labels"), several.labels);
}

#[test]
fn scaling_makes_columns_alike() {
    // The clusters are in the second column, which is small beside the noise of the first. The
    // third is constant.
    let mut points = numbers(400 * 3, 6);
    for (i, row) in points.chunks_exact_mut(3).enumerate() {
        row[0] *= 1e6;
        row[1] = row[1] * 0.01 + (i % 2) as f32;
        row[2] = 0.1;
    }
    for (scale, apart) in [(Scale::None, false), (Scale::Standard, true), (Scale::MinMax, true)] {
        let fit = KMeans::new(2).scale(scale).starts(5).fit(&points, 3).expect("a fit");
        let together = fit.labels.iter().enumerate().all(|(i, &label)| label == fit.labels[i % 2]);
        assert_eq!(together, apart, "{scale:?}");
        assert_eq!(fit.model.predict(&points).expect("labels"), fit.labels);
        let centroid = fit.model.centroid(0);
        assert!((centroid[2] - 0.1).abs() < 1e-6, "{centroid:?}");
    }
    let standard =
        KMeans::new(2).scale(Scale::Standard).fit(&points, 3).expect("a fit").model.scaling;
    assert_eq!(
        (standard.offset[2], standard.divisor[2]),
        (f64::from(0.1f32), 1.0),
        "a constant column stays as it is"
    );
}

#[test]
fn rows_of_weight_0_change_nothing() {
    let points = clusters(200, 3, 4, 7);
    let kmeans = KMeans::new(4)
        .scale(Scale::Standard)
        .start(Start::Centroids(precision::wide(&points[..12])));
    let without = kmeans.fit(&points, 3).expect("a fit");
    let mut more = points.clone();
    more.extend([1e20, -1e20, 0.0, 5.0, 5.0, 5.0]);
    let mut weights = vec![1.0; 200];
    weights.extend([0.0; 2]);
    let with = kmeans.fit_weighted(&more, 3, &weights).expect("a fit");
    assert_eq!(with.model.centroids, without.model.centroids);
    assert_eq!(with.model.scaling, without.model.scaling);
    assert_eq!(with.labels[..200], without.labels);
    assert_eq!(with.inertia(), without.inertia());
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let points = numbers(20, 8);
    let refused = |fit: Result<Fit>, what: &str| {
        let error = fit.expect_err(what);
        assert!(matches!(error.kind, Kind::Data | Kind::Usage), "{error}");
        assert!(error.message.contains(what), "'{what}' is not in: {error}");
    };
    refused(
        KMeans::new(11).fit(&points, 2),
        "k = 11 clusters need at least 11 rows, the data has 10",
    );
    refused(KMeans::new(0).fit(&points, 2), "k is a number from 1");
    refused(KMeans::new(2).fit(&points, 3), "20 values do not make rows of 3 columns");
    refused(KMeans::new(2).fit::<f32>(&[], 2), "0 values");
    refused(KMeans::new(2).fit(&[1.0, 2.0, f32::NAN, 4.0], 2), "row 2, column 1: the value is NaN");
    refused(KMeans::new(2).tolerance(f64::NAN).fit(&points, 2), "the tolerance");
    refused(KMeans::new(2).starts(0).fit(&points, 2), "starts and iterations");
    refused(KMeans::new(2).threads(0).fit(&points, 2), "threads");
    refused(
        KMeans::new(2).starts(2).start(Start::FirstRows).fit(&points, 2),
        "would all do the same",
    );
    refused(
        KMeans::new(2).start(Start::Centroids(vec![0.0; 3])).fit(&points, 2),
        "3 values of initial centroids",
    );
    let none = vec![0.0, 1.0, 2.0, f64::NAN];
    refused(
        KMeans::new(2).start(Start::Centroids(none)).fit(&points, 2),
        "initial centroid 2, column 2: the value is NaN",
    );
    let weighted = |weights: &[f32]| KMeans::new(2).fit_weighted(&points, 2, weights);
    refused(weighted(&[1.0; 9]), "9 weights for 10 rows");
    refused(weighted(&[0.0; 10]), "all weights are 0");
    refused(
        weighted(&[1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        "row 3: the weight is -1",
    );
    refused(weighted(&[f32::INFINITY; 10]), "row 1: the weight is inf");
    let few = KMeans::new(2).start(Start::RandomRows).fit_weighted(
        &points,
        2,
        &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    );
    refused(few, "need at least 2 rows of weight, the data has 1");
}

#[test]
fn fewer_distinct_rows_than_clusters_is_a_warning() {
    let points: Vec<f32> = (0..40).map(|i| (i % 2) as f32).collect();
    for start in [Start::PlusPlus, Start::Parallel, Start::RandomRows, Start::FirstRows] {
        let fit = KMeans::new(5).start(start).fit(&points, 1).expect("a fit");
        assert!(
            fit.warnings.iter().any(|w| w.contains("fewer than 5 distinct rows")),
            "{:?}",
            fit.warnings
        );
        assert_eq!(fit.inertia(), 0.0);
        assert!(fit.model.centroids.iter().all(|c| c.is_finite()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whole_weights_are_repeated_rows(rows in 8usize..60, dims in 1usize..6, k in 1usize..5, seed in any::<u64>(), scale in 0usize..3) {
        let points = clusters(rows, dims, k, seed);
        let weights: Vec<u32> = (0..rows).map(|i| 1 + (seed.wrapping_mul(i as u64 + 3) >> 60) as u32).collect();
        let repeated: Vec<f32> = points.chunks_exact(dims).zip(&weights).flat_map(|(row, &w)| row.repeat(w as usize)).collect();
        let weights: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
        // Each centre has rows of its own from the start, so that none becomes empty: then one of
        // equal rows would move alone.
        let kmeans = KMeans::new(k as u32)
            .start(Start::Centroids(precision::wide(&points[..k * dims])))
            .tolerance(0.0)
            .threads(1)
            .scale([Scale::None, Scale::Standard, Scale::MinMax][scale]);
        let a = kmeans.fit_weighted(&points, dims, &weights).expect("a fit");
        let b = kmeans.fit(&repeated, dims).expect("a fit");
        prop_assert_eq!(&a.model.scaling, &b.model.scaling);
        prop_assert_eq!(&a.model.centroids, &b.model.centroids);
        prop_assert_eq!(a.model.found.iterations, b.model.found.iterations);
        prop_assert!((a.inertia() - b.inertia()).abs() <= 1e-14 * b.inertia());
    }
}

/// Two groups of 200 rows each, side by side far from 0: seconds since 1970, 10 s wide, 90 s apart,
/// and a column near 0.
fn far_from_zero(folder: &std::path::Path, name: &str) -> (Dataset, Vec<[f64; 2]>) {
    let noise = numbers(800, 21);
    let rows: Vec<[f64; 2]> = (0..400)
        .map(|i| {
            let group = f64::from(i as u32 % 2);
            let at = 1_764_500_000.0 + 90.0 * group + 5.0 * f64::from(noise[2 * i]);
            [at, 0.5 * f64::from(noise[2 * i + 1])]
        })
        .collect();
    let path = folder.join(name);
    let bytes = match name.ends_with(".csv") {
        true => rows.iter().map(|[t, x]| format!("{t},{x}\n")).collect::<String>().into_bytes(),
        false => {
            let mut bytes = data::write::header("<f8", &[400, 2]);
            bytes.extend(rows.iter().flatten().flat_map(|x| x.to_le_bytes()));
            bytes
        }
    };
    std::fs::write(&path, bytes).expect("written");
    let file = Dataset::File {
        path,
        format: None,
        labels: amdahl_record::cell::Labels::None,
        dataset: None,
        sample: None,
    };
    (file, rows)
}

#[test]
fn values_far_from_zero_keep_what_tells_them_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["t.csv", "t.npy"] {
        let (dataset, rows) = far_from_zero(folder.path(), name);
        for scale in [Scale::None, Scale::Standard, Scale::MinMax] {
            let kmeans = KMeans::new(2).scale(scale).starts(3).threads(1);
            let fit = kmeans.fit_dataset(&dataset).expect("a fit");
            assert_eq!(fit.sizes, [200, 200], "{name} {scale:?}");
            for j in 0..2 {
                let mine: Vec<_> = rows.iter().zip(&fit.labels).filter(|(_, l)| **l == j).collect();
                let mean = |t: usize| mine.iter().map(|(row, _)| row[t]).sum::<f64>() / 200.0;
                let centroid = fit.model.centroid(j as usize);
                assert!((centroid[0] - mean(0)).abs() < 1e-4, "{name} {scale:?} {centroid:?}");
                assert!((centroid[1] - mean(1)).abs() < 1e-6, "{name} {scale:?} {centroid:?}");
            }
            if scale == Scale::None {
                let squares = |(row, label): (&[f64; 2], &u32)| {
                    let centroid = fit.model.centroid(*label as usize);
                    (row[0] - centroid[0]).powi(2) + (row[1] - centroid[1]).powi(2)
                };
                let inertia: f64 = rows.iter().zip(&fit.labels).map(squares).sum();
                assert!(
                    (fit.inertia() / inertia - 1.0).abs() < 1e-6,
                    "{} {inertia}",
                    fit.inertia()
                );
            }
            for threads in [2, 3] {
                let again = kmeans.clone().threads(threads).fit_dataset(&dataset);
                assert_eq!(again.expect("a fit"), fit, "{name} {scale:?} {threads}");
            }
            let path = folder.path().join("m.json");
            fit.model.save(&path).expect("written");
            let model = Model::load(&path).expect("read");
            assert_eq!(model, fit.model);
            assert_eq!(model.predict_dataset(&dataset).expect("labels").0, fit.labels);
        }
    }
}

#[test]
fn a_given_start_is_in_the_units_of_the_data() {
    let folder = tempfile::tempdir().expect("a folder");
    let (dataset, rows) = far_from_zero(folder.path(), "t.npy");
    let start = folder.path().join("start.csv");
    std::fs::write(&start, "1764500000,0\n1764500090,0\n").expect("written");
    let kmeans = KMeans::new(2).start(Start::File(start)).tolerance(0.0);
    let fit = kmeans.fit_dataset(&dataset).expect("a fit");
    let expected: Vec<u32> = (0..rows.len() as u32).map(|i| i % 2).collect();
    assert_eq!(fit.labels, expected);
}

/// Two groups a nanosecond apart beside a column that f32 keeps apart from them by a second.
fn close_together(rows: usize) -> Vec<f64> {
    let noise = numbers(rows, 3);
    (0..rows)
        .flat_map(|i| [1.0 + (i % 2) as f64 * 1e-9, 1e-12 * f64::from(noise[i]) + 0.5])
        .collect()
}

#[test]
fn in_f64_what_f32_makes_equal_is_told_apart() {
    let points: Vec<f64> = [close_together(200), vec![-1.0, 0.0]].concat();
    let kmeans = KMeans::new(3).seed(4);
    let single = kmeans.fit(&points, 2).expect("a fit");
    assert!(single.sizes.contains(&200) && single.sizes.contains(&0), "{:?}", single.sizes);
    let double = kmeans.clone().precision(Precision::F64);
    let fit = double.fit(&points, 2).expect("a fit");
    let mut sizes = fit.sizes.clone();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 100, 100]);
    for threads in 2..5 {
        let same = double.clone().threads(threads).fit(&points, 2).expect("a fit");
        assert_eq!(
            (&same.model.centroids, &same.labels, same.inertia().to_bits()),
            (&fit.model.centroids, &fit.labels, fit.inertia().to_bits()),
            "{threads} threads"
        );
    }
    // The model keeps its precision.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.json");
    fit.model.save(&path).expect("written");
    let read = Model::load(&path).expect("read");
    assert_eq!(read, fit.model);
    assert_eq!(read.predict(&points).expect("labels"), fit.labels);
    // Scaled to the variance of the second group alone, all is told apart as well.
    let scaled = double.scale(Scale::Standard).fit(&close_together(200), 2).expect("a fit");
    assert!(scaled.sizes.iter().all(|&size| size > 0), "{:?}", scaled.sizes);
}

#[test]
fn rows_of_f64_are_rounded_once() {
    let wide: Vec<f64> = close_together(50).iter().map(|x| x * 3.7).collect();
    let narrow: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
    let kmeans = KMeans::new(2).seed(1);
    let (a, b) = (kmeans.fit(&wide, 2).expect("a fit"), kmeans.fit(&narrow, 2).expect("a fit"));
    // The second column's offset is taken off in f64, so f64 keeps what f32 has lost before.
    assert!(a.model.offsets.len() == 2 && b.model.offsets.is_empty(), "{:?}", b.model.offsets);
    assert_eq!(a.model.precision, Precision::F32);
}

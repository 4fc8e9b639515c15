//! The real files of the catalogue.

use amdahl_data as data;
use amdahl_data::Shape;
use amdahl_data::catalogue::Folders;
use amdahl_record::cell::{Dataset, Sample};

use super::values;
use amdahl_testing as testing;

/// A set of the catalogue by its files in the folder of real data; `None` where they are missing.
#[track_caller]
fn real_set(test: &str, name: &str, sample: Option<Sample>) -> Option<Dataset> {
    let folders = Folders { data: Some(testing::data_folder()), cache: None, curl: None };
    let set = data::catalogue::set(name).expect("in the catalogue");
    match set.dataset(&folders, sample) {
        Ok(dataset) => Some(dataset),
        Err(error) => {
            assert!(error.message.contains("is missing"), "{error}");
            testing::lacks("DATA", test, error.message);
            None
        }
    }
}

fn counts(labels: &[u32]) -> Vec<u64> {
    let mut counts = vec![0; labels.iter().max().map_or(0, |&max| max as usize + 1)];
    labels.iter().for_each(|&label| counts[label as usize] += 1);
    counts
}

#[test]
fn real_sets_have_their_shape_and_labels() {
    let known: &[(&str, u64, usize, &[u64])] = &[
        ("mnist-t10k", 10_000, 784, &[980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
        ("digits", 1797, 64, &[178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
        ("iris", 150, 4, &[50, 50, 50]),
        ("wine", 178, 13, &[59, 71, 48]),
        ("breast-cancer", 569, 30, &[212, 357]),
        ("color17695", 17_695, 9, &[]),
        ("edge17695", 17_695, 18, &[]),
        ("texture17695", 17_695, 20, &[]),
        ("covertype-ramp", 92_962, 54, &[33_894, 45_328, 5721, 439, 1519, 2779, 3282]),
    ];
    assert_eq!(
        known.len(),
        data::catalogue::sets().expect("valid").len(),
        "every set of the catalogue is here"
    );
    for &(name, rows, dims, classes) in known {
        let Some(dataset) = real_set("real_sets_have_their_shape_and_labels", name, None) else {
            continue;
        };
        let source = data::open(&dataset).expect("readable");
        assert_eq!(source.shape(), Shape { rows, dims }, "{name}");
        let values = values(&*source, 1000).expect("readable");
        assert!(values.iter().all(|x| x.is_finite()));
        let labels = source.truth(0..rows).expect("readable");
        assert_eq!(labels.as_deref().map(counts).unwrap_or_default(), classes, "{name}");
        let set = data::catalogue::set(name).expect("in the catalogue");
        assert_eq!((set.rows, set.dims), (rows, dims), "{name}");
    }
}

#[test]
fn real_values_are_those_of_the_files() {
    let test = "real_values_are_those_of_the_files";
    let sum = |name: &str| {
        let dataset = real_set(test, name, None)?;
        let values = values(&*data::open(&dataset).expect("readable"), 999).expect("readable");
        Some((values.iter().map(|&x| f64::from(x)).sum::<f64>(), values))
    };
    if let Some((total, values)) = sum("mnist-t10k") {
        let nonzero = values.iter().filter(|&&x| x != 0.0).count() as f64 / values.len() as f64;
        assert!(
            (nonzero - 0.193).abs() < 0.0005,
            "19.3% of the pixels are not zero, got {nonzero}"
        );
        assert_eq!(total.fract(), 0.0, "whole numbers");
    }
    if let Some((_, values)) = sum("digits") {
        assert!(values.iter().all(|&x| (0.0..=16.0).contains(&x) && x.fract() == 0.0));
        assert_eq!(values[..8], [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
    }
    if let Some((_, values)) = sum("iris") {
        assert_eq!(values[..4], [5.1, 3.5, 1.4, 0.2]);
    }
}

#[test]
fn samples_of_real_sets_keep_rows_with_their_labels() {
    let test = "samples_of_real_sets_keep_rows_with_their_labels";
    let sample = Sample { points: 500, seed: 3 };
    for name in ["mnist-t10k", "digits", "color17695"] {
        let (Some(all), Some(some)) =
            (real_set(test, name, None), real_set(test, name, Some(sample)))
        else {
            continue;
        };
        let (all, some) =
            (data::open(&all).expect("readable"), data::open(&some).expect("readable"));
        let Shape { rows, dims } = all.shape();
        let kept = data::sample::choose(rows, sample).expect("enough rows");
        let (every, few) =
            (values(&*all, 512).expect("readable"), values(&*some, 512).expect("readable"));
        let (labels, few_labels) =
            (all.truth(0..rows).expect("known"), some.truth(0..500).expect("known"));
        for (i, &row) in kept.iter().enumerate() {
            assert_eq!(few[i * dims..][..dims], every[row as usize * dims..][..dims], "{name}");
            assert_eq!(
                few_labels.as_ref().map(|l| l[i]),
                labels.as_ref().map(|l| l[row as usize]),
                "{name}"
            );
        }
    }
}

#[test]
fn real_sets_are_identified_without_reading_rows() {
    let Some(dataset) =
        real_set("real_sets_are_identified_without_reading_rows", "mnist-t10k", None)
    else {
        return;
    };
    let identity = data::identify(&dataset).expect("readable");
    assert_eq!(identity.shape, Some(Shape { rows: 10_000, dims: 784 }));
    assert_eq!(identity, data::identify(&dataset).expect("readable"));
}

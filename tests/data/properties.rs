//! Properties that hold for every file, sample, shard and recipe. Damaged files are in
//! `tests/fuzz`.

use amdahl_data as data;
use amdahl_data::sample::choose;
use amdahl_data::shard::shard;
use amdahl_data::synthetic::Mixture;
use amdahl_data::{Shape, Source, digest};
use amdahl_record::cell::{Dataset, Labels, Sample, Synthetic};
use proptest::prelude::*;

use super::{Scratch, by_columns, fortran, gzip, idx, liao, little, npy, parquet, values};

/// Rows of finite values.
fn matrix() -> impl Strategy<Value = (usize, Vec<f32>)> {
    let value = prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO;
    (1..20usize, 1..8usize)
        .prop_flat_map(move |(rows, dims)| (Just(dims), prop::collection::vec(value, rows * dims)))
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn what_is_written_is_read((dims, written) in matrix(), compress in any::<bool>()) {
        let rows = written.len() / dims;
        let scratch = Scratch::new();
        let big: Vec<u8> = written.iter().flat_map(|x| x.to_be_bytes()).collect();
        let lines = written.chunks(dims).map(|row| row.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(","));
        let text = lines.collect::<Vec<_>>().join("\n");
        for (format, file) in [
            ("npy", npy(1, "<f4", &[rows, dims], &little(&written))),
            ("npy", fortran(1, "<f4", &[rows, dims], &little(&by_columns(dims, &written)))),
            ("idx", idx(0x0d, &[rows as u32, dims as u32], &big)),
            ("liao", liao(rows as i32, dims as i32, &written)),
            ("csv", text.into_bytes()),
            ("parquet", parquet::write(dims, &written, 1 + rows / 2, 3)),
        ] {
            let file = if compress && format != "parquet" { gzip(&file) } else { file };
            let whole = scratch.read("file", &file, Some(format), Labels::None);
            let whole = whole.map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(whole.shape, Shape { rows: rows as u64, dims });
            prop_assert_eq!(bits(&whole.values), bits(&written), "{}", format);
        }
    }

    #[test]
    fn shards_partition(rows in any::<u64>(), lanes in 1..2000u64) {
        let mut next = 0;
        for lane in 0..lanes {
            let range = shard(lane, lanes, rows);
            prop_assert_eq!(range.start, next);
            prop_assert!(range.end - range.start == rows / lanes || range.end - range.start == rows / lanes + 1);
            next = range.end;
        }
        prop_assert_eq!(next, rows);
    }

    #[test]
    fn samples_nest(rows in 1..5000u64, seed in any::<u64>(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let (a, b) = (a.index(rows as usize) as u64 + 1, b.index(rows as usize) as u64 + 1);
        let draw = |points| choose(rows, Sample { points, seed }).expect("enough rows");
        let (small, large) = (draw(a.min(b)), draw(a.max(b)));
        prop_assert_eq!((small.len() as u64, large.len() as u64), (a.min(b), a.max(b)));
        prop_assert!(large.windows(2).all(|pair| pair[0] < pair[1]) && large[large.len() - 1] < rows);
        prop_assert!(small.iter().all(|row| large.binary_search(row).is_ok()));
    }

    #[test]
    fn synthetic_rows_do_not_depend_on_who_makes_them(
        kind in prop::sample::select(vec![Synthetic::Mixture, Synthetic::Skewed, Synthetic::Separated]),
        rows in 1..200u64, dims in 1..10u32, clusters in 1..20u32, seed in any::<u64>(), lanes in 1..40u64, piece in 1..9usize,
    ) {
        let mixture = Mixture::new(kind, rows, dims, clusters, seed).expect("valid");
        let whole = values(&mixture, rows as usize).expect("made");
        prop_assert_eq!(&values(&mixture, piece).expect("made"), &whole);
        let truth = mixture.truth(0..rows).expect("made").expect("known");
        prop_assert!(truth.iter().all(|&label| label < clusters));
        let (mut joined, mut labels, mut sum) = (Vec::new(), Vec::new(), 0u64);
        for lane in 0..lanes {
            let range = shard(lane, lanes, rows);
            let mut out = vec![0.0; (range.end - range.start) as usize * dims as usize];
            let read = mixture.rows(range.clone()).expect("in range").read(&mut out).expect("made");
            prop_assert_eq!(read as u64, range.end - range.start);
            sum = sum.wrapping_add(digest::rows(range.start, &out, dims as usize));
            joined.extend(out);
            labels.extend(mixture.truth(range).expect("made").expect("known"));
        }
        prop_assert_eq!(sum, digest::rows(0, &whole, dims as usize));
        prop_assert_eq!(joined, whole);
        prop_assert_eq!(labels, truth);
    }

    #[test]
    fn samples_of_files_are_rows_of_the_file((dims, written) in matrix(), seed in any::<u64>(), points in any::<prop::sample::Index>()) {
        let rows = written.len() / dims;
        let points = points.index(rows) as u64 + 1;
        let scratch = Scratch::new();
        let path = scratch.file("file", &liao(rows as i32, dims as i32, &written));
        let sample = Sample { points, seed };
        let sampled = Dataset::File { path, format: Some("liao".into()), labels: Labels::None, dataset: None, sample: Some(sample) };
        let got = values(&*data::open(&sampled).expect("valid"), 3).expect("readable");
        let kept = choose(rows as u64, sample).expect("enough rows");
        let expected: Vec<f32> = kept.iter().flat_map(|&row| &written[row as usize * dims..][..dims]).copied().collect();
        prop_assert_eq!(bits(&got), bits(&expected));
    }
}

//! Properties that hold for every file, sample, shard and recipe.

use std::cell::Cell;

use amdahl::cell::{Dataset, Labels, Sample, Synthetic};
use amdahl::data::sample::choose;
use amdahl::data::shard::shard;
use amdahl::data::synthetic::Mixture;
use amdahl::data::{self, Shape, Source, digest};
use proptest::prelude::*;

use super::{Scratch, Whole, gzip, idx, liao, little, npy, values};

/// One edit of a file.
#[derive(Clone, Debug)]
enum Edit {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    // Bytes that mean something to one format or another.
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(&b"\0\x01\x08\x7f\x80\xff,;\t \n\r\"-+.eEnainf0123456789(){}':LTF"[..])
    ];
    prop_oneof![
        3 => (at(), byte.clone()).prop_map(|(i, b)| Edit::Set(i, b)),
        2 => (at(), 0..8u8).prop_map(|(i, bit)| Edit::Flip(i, 1 << bit)),
        2 => (at(), prop::collection::vec(byte, 1..6)).prop_map(|(i, b)| Edit::Insert(i, b)),
        1 => (at(), 1..9usize).prop_map(|(i, n)| Edit::Remove(i, n)),
        1 => at().prop_map(Edit::Cut),
    ]
}

fn apply(file: &mut Vec<u8>, edit: &Edit) {
    if file.is_empty() {
        return;
    }
    match edit {
        Edit::Set(i, byte) => *i.get_mut(file) = *byte,
        Edit::Flip(i, bit) => *i.get_mut(file) ^= bit,
        Edit::Insert(i, bytes) => {
            let at = i.index(file.len());
            file.splice(at..at, bytes.iter().copied());
        }
        Edit::Remove(i, count) => {
            let at = i.index(file.len());
            file.drain(at..(at + count).min(file.len()));
        }
        Edit::Cut(i) => file.truncate(i.index(file.len())),
    }
}

/// Files of a format that are right.
fn valid(format: &str) -> Vec<Vec<u8>> {
    let values = [1.0, -2.5, 3.0, 0.0, 5.5, 6.0];
    match format {
        "npy" => vec![
            npy(1, "<f4", &[3, 2], &little(&values)),
            npy(2, ">f8", &[2], &[0; 16]),
            npy(3, "|u1", &[2, 2, 3], &[7; 12]),
        ],
        "idx" => vec![idx(8, &[2, 2, 2], &[1; 8]), idx(0x0d, &[3, 2], &[0x40; 24]), idx(0x0b, &[2], &[1; 4])],
        "liao" => vec![liao(3, 2, &values), liao(1, 6, &values)],
        _ => vec![
            b"1,2.5,-3\n4,5e2,6\n".to_vec(),
            b"x;\"y z\";class\r\n1;2;\"a\"\r\n3;4;b\r\n".to_vec(),
            b"2,2,ham,spam\n1,2,0\n3,4,1\n".to_vec(),
            b"  1   2\t3\n4 5 6".to_vec(),
        ],
    }
}

/// A damaged file is read or refused; what is read is finite and as much as the shape says.
fn never_panics(format: &'static str) {
    let scratch = Scratch::new();
    let file = (prop::sample::select(valid(format)), prop::collection::vec(edit(), 0..5), any::<bool>(), any::<bool>());
    let labels = prop::sample::select(vec![Labels::None, Labels::LastColumn, Labels::Column("class".into())]);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(3000)
    });
    let (read, refused) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&(file, labels), |((mut file, edits, compress, named), labels)| {
        // Half of the compressed files are damaged before, half after.
        if compress && named {
            file = gzip(&file);
        }
        edits.iter().for_each(|edit| apply(&mut file, edit));
        if compress && !named {
            file = gzip(&file);
        }
        let longest = file.len() as u64 * 1032;
        let path = scratch.file("file", &file);
        let as_labels = Labels::File(path.clone());
        match scratch.read("file", &file, named.then_some(format), labels) {
            Ok(Whole { shape, values, labels }) => {
                read.set(read.get() + 1);
                prop_assert!(values.iter().all(|x| x.is_finite()));
                prop_assert!(shape.rows > 0 && shape.dims > 0 && values.len() as u64 <= longest);
                prop_assert!(labels.is_none_or(|labels| labels.len() as u64 == shape.rows));
            }
            Err(error) => {
                refused.set(refused.get() + 1);
                prop_assert!(error.exit_code() == 2, "{error}");
                prop_assert!(!error.message.is_empty() && error.to_string().contains("file"), "{error}");
            }
        }
        // The same bytes as labels of two rows.
        if let Ok(whole) = scratch.read("data", &liao(2, 1, &[1.0, 2.0]), Some("liao"), as_labels) {
            prop_assert_eq!(whole.labels.map(|labels| labels.len()), Some(2));
        }
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
    let (read, refused) = (read.get(), refused.get());
    assert!(read > 50 && refused > 500, "{read} read, {refused} refused: the test sees both");
}

#[test]
fn damaged_npy_never_panics() {
    never_panics("npy");
}

#[test]
fn damaged_idx_never_panics() {
    never_panics("idx");
}

#[test]
fn damaged_liao_never_panics() {
    never_panics("liao");
}

#[test]
fn damaged_csv_never_panics() {
    never_panics("csv");
}

/// Rows of finite values.
fn matrix() -> impl Strategy<Value = (usize, Vec<f32>)> {
    let value = prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO;
    (1..20usize, 1..8usize).prop_flat_map(move |(rows, dims)| (Just(dims), prop::collection::vec(value, rows * dims)))
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
            ("idx", idx(0x0d, &[rows as u32, dims as u32], &big)),
            ("liao", liao(rows as i32, dims as i32, &written)),
            ("csv", text.into_bytes()),
        ] {
            let file = if compress { gzip(&file) } else { file };
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
        let sampled = Dataset::File { path, format: Some("liao".into()), labels: Labels::None, sample: Some(sample) };
        let got = values(&*data::open(&sampled).expect("valid"), 3).expect("readable");
        let kept = choose(rows as u64, sample).expect("enough rows");
        let expected: Vec<f32> = kept.iter().flat_map(|&row| &written[row as usize * dims..][..dims]).copied().collect();
        prop_assert_eq!(bits(&got), bits(&expected));
    }
}

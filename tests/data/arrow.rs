//! Arrow files and streams that pyarrow and polars wrote (`arrow/make.py`), and what is refused.

use std::path::PathBuf;

use amdahl_data as data;
use amdahl_data::select::Selection;
use amdahl_data::shard::shard;
use amdahl_data::{Shape, Source};
use amdahl_record::cell::Labels;
use amdahl_record::error::Result;

use super::{Scratch, dataset, gzip, read, values};

/// A file beside this one.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/arrow").join(name)
}

/// The bytes of such a file.
pub fn golden(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).expect("it lies beside the tests")
}

/// Row i of the table that `make.py` writes.
fn row(i: usize) -> [f32; 9] {
    let x = i as f32;
    [x / 2.0 - 3.0, x, f32::from(i.is_multiple_of(2)), x / 8.0, x - 0.25, x, -x, x, -x]
}

const NAMES: [&str; 5] =
    ["lz4.feather", "plain.feather", "zstd.arrows", "polars.arrow", "categories.feather"];

fn opened(name: &str, columns: &str) -> Result<Box<dyn Source>> {
    let columns = Some(Selection::parse(columns).expect("a list"));
    let set = dataset(file(name), None, Labels::None);
    data::open_selected(&set, &Selection { columns, ..Selection::default() })
}

#[test]
fn what_pyarrow_and_polars_write() {
    let expected: Vec<f32> = (0..40).flat_map(row).collect();
    let labels: Vec<u32> = (0..40).map(|i| i % 4).collect();
    for name in NAMES {
        for by in [Labels::LastColumn, Labels::Column("name".into())] {
            let whole =
                read(&dataset(file(name), None, by)).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(whole.shape, Shape { rows: 40, dims: 9 }, "{name}");
            assert_eq!(whole.values, expected, "{name}");
            assert_eq!(whole.labels.as_ref(), Some(&labels), "{name}");
        }
        let source = data::open(&dataset(file(name), None, Labels::None)).expect("valid");
        assert_eq!(
            source.names().expect("named").join(" "),
            "x n even half d v[1] v[2] list[1] list[2]"
        );
        assert_eq!(source.left_out(), ["column 'name' holds texts"]);
        for lanes in [1, 3, 7] {
            let mut joined = Vec::new();
            for lane in 0..lanes {
                let mut rows = source.rows(shard(lane, lanes, 40)).expect("in range");
                let mut out = vec![0.0; 2 * 9];
                loop {
                    match rows.read(&mut out).expect("readable") {
                        0 => break,
                        got => joined.extend_from_slice(&out[..got * 9]),
                    }
                }
            }
            assert_eq!(joined, expected, "{name} on {lanes} lanes");
        }
        let mut rows = source.rows(3..39).expect("in range");
        let mut out = [0.0; 9];
        for (skip, expected) in [(0, 3), (4, 8), (1, 10), (17, 28), (9, 38)] {
            rows.skip(skip).expect("some are left");
            assert_eq!((rows.read(&mut out), out), (Ok(1), row(expected)), "{name}");
        }
        let some = opened(name, "list,x").expect("two columns");
        let expected: Vec<f32> = (0..40).flat_map(|i| [row(i)[7], row(i)[8], row(i)[0]]).collect();
        assert_eq!(values(&*some, 11), Ok(expected), "{name}");
    }
}

#[test]
fn labels_whose_dictionary_changes_from_batch_to_batch() {
    for name in ["replaced.arrows", "deltas.arrows"] {
        let whole = read(&dataset(file(name), None, Labels::LastColumn)).expect(name);
        assert_eq!(whole.labels, Some(vec![0, 1, 2, 3, 0, 1]), "{name}");
    }
    let numbers = read(&dataset(file("plain.feather"), None, Labels::Column("n".into())));
    assert_eq!(numbers.expect("numbers").labels, Some((0..40).collect()));
    let lists = read(&dataset(file("plain.feather"), None, Labels::Column("v".into())));
    assert!(lists.expect_err("vectors").message.contains("column 6 ('v') are lists"));
}

#[test]
fn what_is_refused() {
    let refused = |name: &str, said: &str| {
        let error = read(&dataset(file(name), None, Labels::None)).expect_err(said).to_string();
        assert!(error.contains(said) && error.contains(name), "{error}");
    };
    refused("null.arrows", "row 3, column 'x': the value is missing (null)");
    refused("ragged.arrows", "row 3, column 'v': its list has 1 values, others have 2");
    refused("feather-1.feather", "the first version of Feather");
    let scratch = Scratch::new();
    for (name, is_file) in [("lz4.feather", true), ("zstd.arrows", false)] {
        let whole = golden(name);
        for length in [whole.len() - 1, whole.len() - 20, whole.len() / 2, 60, 9, 4] {
            // A stream need not end with the mark of its end.
            let error = scratch.read(name, &whole[..length], Some("arrow"), Labels::None);
            let is_whole = !is_file && length >= whole.len() - 8;
            assert!(error.is_err() || is_whole, "{name}: {length} bytes");
        }
        let error = scratch.read("a.gz", &gzip(&whole), Some("arrow"), Labels::None);
        assert!(error.expect_err("gzip").message.contains("inside a gzip file"));
    }
    let error = opened("lz4.feather", "x,name").err().expect("texts").to_string();
    assert!(error.contains("column 8 ('name') holds texts, expected numbers"), "{error}");
}

//! HDF5 files that h5py wrote (`hdf5/make.py`), and what is refused.

use std::path::PathBuf;

use amdahl_data as data;
use amdahl_data::Shape;
use amdahl_data::shard::shard;
use amdahl_record::cell::{Dataset, Labels};

use super::{Scratch, dataset, gzip, read, values};

/// A file beside this one.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/hdf5").join(format!("{name}.hdf5"))
}

/// The bytes of such a file.
pub fn golden(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).expect("it lies beside the tests")
}

fn part(name: &str, part: &str) -> Dataset {
    let (format, labels, sample) = (None, Labels::None, None);
    Dataset::File { path: file(name), format, dataset: Some(part.into()), labels, sample }
}

/// Files of the same rows that h5py wrote in different ways.
pub const NAMES: [&str; 8] = [
    "contiguous",
    "latest",
    "gzip",
    "lzf",
    "growing",
    "latest-chunks",
    "latest-gzip",
    "latest-one",
];

fn expected() -> Vec<f32> {
    (0..30).map(|i| i as f32 - 7.0).collect()
}

#[test]
fn what_h5py_writes() {
    for name in NAMES {
        // The only data set, or by its name.
        for set in
            [dataset(file(name), None, Labels::None), part(name, "train"), part(name, "/train")]
        {
            let whole = read(&set).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(
                (whole.shape, whole.values),
                (Shape { rows: 10, dims: 3 }, expected()),
                "{name}"
            );
        }
        let source = data::open(&part(name, "train")).expect("valid");
        for lanes in [1, 2, 7] {
            let mut joined = Vec::new();
            for lane in 0..lanes {
                let mut rows = source.rows(shard(lane, lanes, 10)).expect("in range");
                let mut out = vec![0.0; 2 * 3];
                loop {
                    match rows.read(&mut out).expect("readable") {
                        0 => break,
                        got => joined.extend_from_slice(&out[..got * 3]),
                    }
                }
            }
            assert_eq!(joined, expected(), "{name} on {lanes} lanes");
        }
        let mut rows = source.rows(1..10).expect("in range");
        let mut out = [0.0; 3];
        for (skip, place) in [(0, 1), (3, 5), (2, 8), (0, 9)] {
            rows.skip(skip).expect("some are left");
            assert_eq!((rows.read(&mut out), out[0]), (Ok(1), 3.0 * place as f32 - 7.0), "{name}");
        }
    }
}

#[test]
fn one_data_set_of_several() {
    let train = read(&part("several", "train")).expect("by its name");
    assert_eq!(train.values, expected());
    let test = read(&part("several", "test")).expect("doubles");
    let last: Vec<f32> = expected()[18..].iter().map(|x| -x).collect();
    assert_eq!((test.shape.rows, test.values), (4, last));
    assert_eq!(read(&part("several", "more/inner")).expect("in a group").values, expected());
    let digest = |name: &str| data::identify(&part("several", name)).expect("readable").digest;
    assert_ne!(digest("train"), digest("more/inner"), "one file, two sets");
    let shape = data::identify(&part("several", "test")).expect("readable").shape;
    assert_eq!(shape, Some(Shape { rows: 4, dims: 3 }));
    let refused = |set: &Dataset, said: &str| {
        let error = read(set).expect_err(said).to_string();
        assert!(error.contains(said), "{error}");
    };
    let all = "the file has 3 data sets: 'labels', 'test', 'train'";
    refused(&dataset(file("several"), None, Labels::None), all);
    refused(&part("several", "trian"), "did you mean 'train'?");
    refused(&part("several", "train/x"), "no 'x' among none");
    refused(&part("several", "more"), "the data set 'more' is a group or a type");
    let scratch = Scratch::new();
    let csv = scratch.file("a.csv", b"1,2\n");
    let named = Dataset::File {
        path: csv,
        format: None,
        dataset: Some("x".into()),
        labels: Labels::None,
        sample: None,
    };
    refused(&named, "a data set 'x' is named, files of the format 'csv' hold one");
}

#[test]
fn damage_is_said() {
    let scratch = Scratch::new();
    for name in NAMES {
        let whole = golden(name);
        for length in [whole.len() / 2, 100, 9] {
            let error = scratch.read("a.h5", &whole[..length], None, Labels::None);
            let error = error.expect_err("truncated").to_string();
            assert!(error.contains("a.h5"), "{name}: {error}");
        }
        let error = scratch.read("a.gz", &gzip(&whole), Some("hdf5"), Labels::None);
        assert!(error.expect_err("gzip").message.contains("inside a gzip file"));
    }
    // A byte of a compressed chunk is flipped: the checksum that stands with it says so.
    let mut bytes = golden("gzip");
    let chunk =
        bytes.windows(2).rposition(|pair| pair == [0x78, 0x5e]).expect("zlib's first bytes");
    bytes[chunk + 4] ^= 0x10;
    let set = dataset(scratch.file("b.h5", &bytes), None, Labels::None);
    let error = data::open(&set).and_then(|source| values(&*source, 3)).expect_err("damaged");
    assert!(error.message.contains("the chunk at byte"), "{error}");
}

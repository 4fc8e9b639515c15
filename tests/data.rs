//! Data sets: the real files of the catalogue, damaged files, and properties that hold for every file.

use std::path::{Path, PathBuf};

use amdahl::cell::{Dataset, Sample};
use amdahl::data::catalogue::Folders;
use amdahl::data::{self, Shape, Source};

/// All rows of a source, in pieces of about `piece` rows.
fn read_all(source: &dyn Source, piece: usize) -> Vec<f32> {
    let Shape { rows, dims } = source.shape();
    let mut stream = source.rows(0..rows).expect("all rows");
    let mut values = Vec::new();
    let mut buffer = vec![0.0; piece * dims];
    loop {
        let read = stream.read(&mut buffer).expect("readable rows");
        values.extend_from_slice(&buffer[..read * dims]);
        if read == 0 {
            assert_eq!(values.len() as u64, rows * dims as u64);
            return values;
        }
    }
}

/// The folder of real data, if this machine has it.
fn real_data(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("AMDAHL_DATA").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("SKIPPED {test}: no folder of real data at {} (AMDAHL_DATA)", folder.display());
        return None;
    }
    Some(folder)
}

/// Opens a set of the catalogue by the files in `folder`; `None`, said loudly, where they are missing.
fn real_set(test: &str, name: &str, sample: Option<Sample>) -> Option<Dataset> {
    let folders = Folders { data: Some(real_data(test)?), cache: None, curl: None };
    let set = data::catalogue::set(name).expect("in the catalogue");
    match set.dataset(&folders, sample) {
        Ok(dataset) => Some(dataset),
        Err(error) => {
            assert!(error.message.contains("is missing"), "{error}");
            eprintln!("SKIPPED {test}: {error}");
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
    assert_eq!(known.len(), data::catalogue::sets().expect("valid").len(), "every set of the catalogue is here");
    for &(name, rows, dims, classes) in known {
        let Some(dataset) = real_set("real_sets_have_their_shape_and_labels", name, None) else { continue };
        let source = data::open(&dataset).expect("readable");
        assert_eq!(source.shape(), Shape { rows, dims }, "{name}");
        let values = read_all(&*source, 1000);
        assert!(values.iter().all(|x| x.is_finite()));
        let labels = source.truth(0..rows).expect("readable");
        assert_eq!(labels.as_deref().map(counts).unwrap_or_default(), classes, "{name}");
        let set = data::catalogue::set(name).expect("in the catalogue");
        assert_eq!((set.rows, set.dims), (rows, dims), "{name}");
    }
}

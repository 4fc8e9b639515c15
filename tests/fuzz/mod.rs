//! Every reader against damaged files: an error or a result, never a panic, never more memory than
//! twice the content.
//!
//! Inputs are valid files with random edits, the same ones in every run. `AMDAHL_FUZZ=1000000`
//! reads so many for each reader (CI: 10,000); `AMDAHL_FUZZ_FROM=N` begins with input N, to see one
//! again.
//!
//! The bound: what a thread holds at most while it opens a file, reads its rows in small pieces and
//! its labels, is at most 2 × content + 1 MiB. Content is the file, decompressed if it is a gzip
//! file. The constant covers buffers, the state of decompressors, and what is kept for each column
//! and each different label.

pub mod edits;
mod memory;
mod models;
mod seeds;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

use amdahl_data as data;
use amdahl_data::Shape;
use amdahl_record::cell::{Dataset, Labels, Sample};
use amdahl_record::error::Result;

use self::edits::{Draws, content_length, damage, gzip};
use self::memory::peak;

/// Bytes beside twice the content.
const CONSTANT: u64 = 1 << 20;
/// A tiny file may say that it has a great many equal rows; so many values of it are read.
const VALUES: usize = 100_000;

/// What became of the inputs of a reader.
#[derive(Default)]
pub struct Tally {
    read: u64,
    refused: u64,
    most: u64,
}

impl Tally {
    /// Counts a result. An error must say what is wrong, and be the data's fault.
    fn note<T>(&mut self, result: &Result<T>, name: &str) {
        match result {
            Ok(_) => self.read += 1,
            Err(error) => {
                self.refused += 1;
                assert_eq!(error.exit_code(), 2, "{error}");
                assert!(
                    !error.message.is_empty() && error.to_string().contains(name),
                    "no file in: {error}"
                );
            }
        }
    }
}

/// Runs `one` on as many inputs as the environment says, and asserts that it neither panics nor
/// needs too much memory. `one` gets an input's number and returns the file, its content's length
/// and the most bytes that were held.
pub fn fuzz(reader: &str, mut one: impl FnMut(u64, &mut Tally) -> (Vec<u8>, u64, u64)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let from = number("AMDAHL_FUZZ_FROM").unwrap_or(0);
    let inputs = number("AMDAHL_FUZZ").unwrap_or(10_000);
    let mut tally = Tally::default();
    let started = Instant::now();
    for input in from..from + inputs {
        let outcome = catch_unwind(AssertUnwindSafe(|| one(input, &mut tally)));
        let Ok((file, content, held)) = outcome else {
            panic!(
                "{reader}: input {input} (AMDAHL_FUZZ_FROM={input} AMDAHL_FUZZ=1) panics, see above"
            );
        };
        tally.most = tally.most.max(held.saturating_sub(2 * content));
        if held > 2 * content + CONSTANT {
            let path = std::env::temp_dir().join(format!("amdahl-fuzz-{reader}-{input}"));
            let kept = std::fs::write(&path, &file);
            panic!(
                "{reader}: input {input} of {content} bytes took {held} bytes ({}, {kept:?})",
                path.display()
            );
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let Tally { read, refused, most } = tally;
    eprintln!(
        "{reader}: {inputs} inputs, {read} read, {refused} refused, {:.0} a second, most memory 2 x content + {most} bytes",
        inputs as f64 / seconds
    );
    if from == 0 && inputs >= 1000 {
        assert!(
            read > inputs / 50 && refused > inputs / 10,
            "{reader}: {read} read, {refused} refused: both are seen"
        );
    }
}

/// A folder in memory, where there is one.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(folder) = tempfile::tempdir_in(memory)
    {
        return folder;
    }
    tempfile::tempdir().expect("a temporary folder")
}

fn dataset(path: PathBuf, format: Option<&str>, labels: Labels, sample: Option<Sample>) -> Dataset {
    Dataset::File { path, format: format.map(str::to_string), labels, dataset: None, sample }
}

/// Opens a data set and reads rows and labels in pieces.
fn read(dataset: &Dataset, piece: usize, skip: u64) -> Result<()> {
    let source = data::open(dataset)?;
    let Shape { rows, dims } = source.shape();
    assert!(rows > 0 && dims > 0, "a data set has rows and columns");
    assert!(source.names().is_none_or(|names| names.len() == dims), "a name for each column");
    // Nothing in a sparse file bounds its columns, and a row of them is the caller's to hold.
    if dims > VALUES {
        return Ok(());
    }
    let start = skip.min(rows);
    let mut stream = source.rows(start / 2..rows)?;
    stream.skip(start - start / 2)?;
    assert_eq!((stream.position(), stream.shape().rows), (start, rows - start));
    // A row may be wider than the file: a sparse claim that only reading finds out.
    let mut buffer = vec![0.0; piece.min(VALUES / dims + 1) * dims];
    let mut values = 0;
    loop {
        let read = stream.read(&mut buffer)?;
        assert!(buffer[..read * dims].iter().all(|x| x.is_finite()), "a value that is not finite");
        values += read * dims;
        if read == 0 {
            assert_eq!(values as u64, (rows - start) * dims as u64, "a source gives all its rows");
            break;
        }
        if values > VALUES {
            break;
        }
    }
    // All labels are read when the first is asked for.
    let labels = source.truth(0..rows.min(VALUES as u64))?;
    assert!(
        labels.is_none_or(|labels| labels.len() as u64 == rows.min(VALUES as u64)),
        "a label for each row"
    );
    Ok(())
}

/// A format against damage to files of it.
fn format(name: &'static str) {
    let (folder, seeds) = (folder(), seeds::of(name));
    let path = folder.path().join("file");
    fuzz(name, |input, tally| {
        let draws = &mut Draws::new(name, input);
        let mut file = draws.of(&seeds).clone();
        // A quarter is compressed, half of them damaged before and half after.
        let (compress, before) = (draws.one_in(4), draws.one_in(2));
        if compress && !before {
            file = gzip(&file);
        }
        damage(&mut file, &seeds, draws);
        if compress && before {
            file = gzip(&file);
        }
        let named = (!draws.one_in(3)).then_some(name);
        // Most of the Parquet files have labels last.
        let labels = match draws.below(6) {
            0 => Labels::Column((*draws.of(&["class", "name", "c1"])).into()),
            1 | 2 => Labels::LastColumn,
            _ if ["parquet", "arrow"].contains(&name) => Labels::LastColumn,
            _ if name == "libsvm" => Labels::Column("label".into()),
            _ => Labels::None,
        };
        let sample =
            draws.one_in(8).then(|| Sample { points: 1 + draws.next() % 5, seed: draws.next() });
        let (piece, skip) = (1 + draws.below(9), draws.below(4) as u64);
        let content = content_length(&file);
        std::fs::write(&path, &file).expect("written");
        let set = dataset(path.clone(), named, labels, sample);
        let (result, held) = peak(|| read(&set, piece, skip));
        // A sample that is larger than the file is the cell's fault, and names no file.
        let fault = result.as_ref().err().is_some_and(|e| e.message.starts_with("a sample of"));
        tally.note(&result, if fault { "" } else { "file" });
        (file, content, held)
    });
}

#[test]
fn csv() {
    format("csv");
}

#[test]
fn npy() {
    format("npy");
}

#[test]
fn idx() {
    format("idx");
}

#[test]
fn liao() {
    format("liao");
}

#[test]
fn fvecs() {
    format("fvecs");
}

#[test]
fn bvecs() {
    format("bvecs");
}

#[test]
fn u8bin() {
    format("u8bin");
}

#[test]
fn matrix_market() {
    format("matrix-market");
}

#[test]
fn libsvm() {
    format("libsvm");
}

#[test]
fn arrow() {
    format("arrow");
}

#[test]
fn hdf5() {
    format("hdf5");
}

#[test]
fn parquet() {
    format("parquet");
}

/// Files of labels in every format, damaged, beside data of three rows.
#[test]
fn labels() {
    let (folder, seeds) = (folder(), seeds::labels());
    let (path, rows) = (folder.path().join("file"), folder.path().join("data.csv"));
    std::fs::write(&rows, "1\n2\n3\n").expect("written");
    fuzz("labels", |input, tally| {
        let draws = &mut Draws::new("labels", input);
        let mut file = draws.of(&seeds).clone();
        let compress = draws.one_in(4);
        damage(&mut file, &seeds, draws);
        if compress {
            file = gzip(&file);
        }
        std::fs::write(&path, &file).expect("written");
        let set = dataset(rows.clone(), Some("csv"), Labels::File(path.clone()), None);
        let (result, held) = peak(|| read(&set, 2, 0));
        tally.note(&result, "file");
        (file.clone(), content_length(&file), held)
    });
}

/// Large files that need as much memory as any: text of the shortest numbers, compressed bytes,
/// columns of equal values.
#[test]
fn large_files_take_twice_their_content() {
    let folder = folder();
    let text = "0,1,2,3\n".repeat(1 << 19);
    let bytes = seeds::idx(8, &[1 << 19, 8], &[7; 1 << 22]);
    let values: Vec<f32> = (0..1 << 20).map(|i| (i % 1000) as f32).collect();
    let parquet = crate::data::parquet::write(8, &values, 1 << 16, 1 << 12);
    let fortran = crate::data::fortran(1, "|u1", &[1 << 19, 8], &[7; 1 << 22]);
    for (name, file, format, labels) in [
        ("text", text.as_bytes().to_vec(), "csv", Labels::None),
        ("labelled", text.as_bytes().to_vec(), "csv", Labels::LastColumn),
        ("text.gz", gzip(text.as_bytes()), "csv", Labels::LastColumn),
        ("bytes", bytes.clone(), "idx", Labels::None),
        ("bytes.gz", gzip(&bytes), "idx", Labels::None),
        ("fortran", fortran.clone(), "npy", Labels::None),
        ("fortran.gz", gzip(&fortran), "npy", Labels::None),
        ("columns", parquet.clone(), "parquet", Labels::None),
        ("columns-labelled", parquet, "parquet", Labels::LastColumn),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, &file).expect("written");
        let content = content_length(&file);
        let set = dataset(path, Some(format), labels, None);
        let (result, held) = peak(|| {
            let source = data::open(&set)?;
            let Shape { rows, dims } = source.shape();
            let mut stream = source.rows(0..rows)?;
            let mut buffer = vec![0.0; 100 * dims];
            while stream.read(&mut buffer)? > 0 {}
            source.truth(0..1)
        });
        result.expect("a valid file");
        eprintln!("{name}: {held} bytes held at most for a content of {content}");
        assert!(held <= 2 * content + CONSTANT, "{name}: {held} bytes for a content of {content}");
    }
}

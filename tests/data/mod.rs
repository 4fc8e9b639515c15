//! Data sets: real files, formats written and read back, what is refused and how it is said, and
//! properties of every file.

pub mod arrow;
mod formats;
pub mod hdf5;
pub mod parquet;
mod properties;
mod real;
mod refusals;
mod sparse;
mod writers;

use std::io::Write;
use std::path::PathBuf;

use amdahl_data as data;
use amdahl_data::{Shape, Source};
use amdahl_record::cell::{Dataset, Labels};
use amdahl_record::error::Result;
use flate2::{Compression, write::GzEncoder};

/// A folder with one file that is written again and again.
struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    fn new() -> Scratch {
        Scratch { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        // A new file each time: some file systems write a file out at once when it is emptied and
        // filled again.
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, bytes).expect("written");
        path
    }

    /// Writes a file and reads all that is in it.
    fn read(
        &self,
        name: &str,
        bytes: &[u8],
        format: Option<&str>,
        labels: Labels,
    ) -> Result<Whole> {
        read(&dataset(self.file(name, bytes), format, labels))
    }
}

fn dataset(path: PathBuf, format: Option<&str>, labels: Labels) -> Dataset {
    Dataset::File { path, format: format.map(str::to_string), labels, dataset: None, sample: None }
}

/// All that a data set holds.
#[derive(Clone, Debug, PartialEq)]
struct Whole {
    shape: Shape,
    values: Vec<f32>,
    labels: Option<Vec<u32>>,
}

fn read(dataset: &Dataset) -> Result<Whole> {
    let source = data::open(dataset)?;
    let shape = source.shape();
    Ok(Whole { shape, values: values(&*source, 7)?, labels: source.truth(0..shape.rows)? })
}

/// All rows of a source, read `piece` rows at a time.
fn values(source: &dyn Source, piece: usize) -> Result<Vec<f32>> {
    let Shape { rows, dims } = source.shape();
    let mut stream = source.rows(0..rows)?;
    let mut values = Vec::new();
    let mut buffer = vec![0.0; piece * dims];
    loop {
        assert_eq!(stream.position() + stream.shape().rows, rows);
        let read = stream.read(&mut buffer)?;
        values.extend_from_slice(&buffer[..read * dims]);
        if read == 0 {
            assert_eq!(values.len() as u64, rows * dims as u64, "a source gives all its rows");
            return Ok(values);
        }
    }
}

/// An NPY file.
pub fn npy(version: u8, descr: &str, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({extents}), }}");
    // NumPy pads the header with blanks so that the values begin at a multiple of 64.
    let before = if version == 1 { 10 } else { 12 };
    while !(before + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([version, 0]);
    match version {
        1 => file.extend((header.len() as u16).to_le_bytes()),
        _ => file.extend((header.len() as u32).to_le_bytes()),
    }
    file.extend(header.as_bytes());
    file.extend(values);
    file
}

/// An NPY file in Fortran's order: of the values' extents the first runs fastest.
pub fn fortran(version: u8, descr: &str, shape: &[usize], values: &[u8]) -> Vec<u8> {
    let mut file = npy(version, descr, shape, values);
    let at = file.windows(5).position(|w| w == b"False").expect("in the header");
    file[at..at + 5].copy_from_slice(b"True ");
    file
}

/// Values of rows, column after column.
pub fn by_columns(dims: usize, values: &[f32]) -> Vec<f32> {
    (0..dims).flat_map(|column| values.iter().skip(column).step_by(dims).copied()).collect()
}

/// An IDX file.
pub fn idx(kind: u8, extents: &[u32], values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, kind, extents.len() as u8];
    extents.iter().for_each(|extent| file.extend(extent.to_be_bytes()));
    file.extend(values);
    file
}

/// A file of Liao's format.
pub fn liao(rows: i32, columns: i32, values: &[f32]) -> Vec<u8> {
    let mut file = [rows.to_le_bytes(), columns.to_le_bytes()].concat();
    file.extend(little(values));
    file
}

/// The bytes of f32 values, the least significant first.
pub fn little(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

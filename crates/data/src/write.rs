//! Writes arrays as NPY, version 1: little-endian, C order. What is written appears under its name
//! as a whole, or not at all.

use std::path::Path;

use amdahl_record::error::Result;
use amdahl_record::io::atomic::Pending;

use crate::rows::RowSource;
use crate::value::Value;

/// Values that become bytes at a time.
const PIECE: usize = 16 * 1024;

/// The header for elements of the type `descr` (such as `<f4`) and these extents. Its length is a
/// multiple of 64, as NumPy aligns it.
pub fn header(descr: &str, extents: &[u64]) -> Vec<u8> {
    let shape = match extents {
        [only] => format!("({only},)"),
        more => format!("({})", more.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic number, version and length make 10 bytes, the line's end one more.
    let blanks = (64 - (10 + text.len() + 1) % 64) % 64;
    text.extend(std::iter::repeat_n(' ', blanks));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    // A shape of few extents is far below 2^16 bytes.
    header.extend_from_slice(&(text.len() as u16).to_le_bytes());
    header.extend_from_slice(text.as_bytes());
    header
}

/// Numbers of four bytes as an array holds them.
pub fn values<T: Copy>(values: &[T], to_le: impl Fn(T) -> [u8; 4]) -> Vec<u8> {
    values.iter().flat_map(|&value| to_le(value)).collect()
}

/// Rows of f32 or f64 as the bytes of a file.
pub fn matrix_bytes<T: Value>(rows: &[T], dims: usize) -> Vec<u8> {
    let width = size_of::<T>();
    let mut file = header(&format!("<f{width}"), &[(rows.len() / dims.max(1)) as u64, dims as u64]);
    file.extend(rows.iter().flat_map(|x| x.bits().to_le_bytes().into_iter().take(width)));
    file
}

/// Appends f32 values to a file.
fn append(file: &mut Pending, rows: &[f32]) -> Result<()> {
    rows.chunks(PIECE).try_for_each(|piece| file.write(&values(piece, f32::to_le_bytes)))
}

/// Writes f32 values, row-major.
pub fn matrix(path: &Path, rows: &[f32], dims: usize) -> Result<()> {
    let mut file = Pending::create(path)?;
    file.write(&header("<f4", &[(rows.len() / dims.max(1)) as u64, dims as u64]))?;
    append(&mut file, rows)?;
    file.commit()
}

/// Writes all rows of a stream, a piece at a time.
pub fn rows(path: &Path, rows: &mut dyn RowSource) -> Result<()> {
    let shape = rows.shape();
    let mut file = Pending::create(path)?;
    file.write(&header("<f4", &[shape.rows, shape.dims as u64]))?;
    let mut piece = vec![0f32; shape.dims * (1usize << 18).div_ceil(shape.dims)];
    loop {
        let got = rows.read(&mut piece)?;
        if got == 0 {
            return file.commit();
        }
        append(&mut file, &piece[..got * shape.dims])?;
    }
}

/// Writes labels.
pub fn labels(path: &Path, labels: &[u32]) -> Result<()> {
    let mut file = Pending::create(path)?;
    file.write(&header("<u4", &[labels.len() as u64]))?;
    let mut pieces = labels.chunks(PIECE);
    pieces.try_for_each(|piece| file.write(&values(piece, u32::to_le_bytes)))?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate as data;
    use crate::rows::Source;
    use amdahl_record::cell::{Dataset, Labels, Synthetic};

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, truth) = (folder.path().join("rows.npy"), folder.path().join("labels.npy"));
        let made = data::open(&Dataset::Synthetic {
            shape: Synthetic::Mixture,
            points: 70_001,
            dims: 3,
            clusters: 2,
            seed: 1,
        });
        let made = made.expect("valid");
        let mut stream = made.rows(0..made.shape().rows).expect("all of them");
        rows(&path, stream.as_mut()).expect("written");
        let numbers: Vec<u32> = (0..70_001).map(|i| i % 7).collect();
        labels(&truth, &numbers).expect("written");
        let file = Dataset::File {
            path: path.clone(),
            format: None,
            labels: Labels::File(truth),
            dataset: None,
            sample: None,
        };
        let file = data::open(&file).expect("readable");
        assert_eq!(file.shape(), made.shape());
        let all = |source: &dyn Source| {
            let mut values = vec![0f32; 70_001 * 3];
            assert_eq!(
                source.rows(0..70_001).expect("rows").read(&mut values).expect("values"),
                70_001
            );
            values
        };
        assert_eq!(all(file.as_ref()), all(made.as_ref()));
        assert_eq!(file.truth(0..70_001).expect("labels"), Some(numbers));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }

    #[test]
    fn headers_are_aligned_and_say_the_shape() {
        for extents in [&[5u64][..], &[0], &[3, 4], &[1 << 40, 784]] {
            let header = header("<i4", extents);
            assert_eq!(header.len() % 64, 0);
            assert_eq!(usize::from(u16::from_le_bytes([header[8], header[9]])), header.len() - 10);
            assert!(header.ends_with(b"\n"));
        }
        let text = String::from_utf8_lossy(&header("<i4", &[5])[10..]).into_owned();
        assert!(
            text.starts_with("{'descr': '<i4', 'fortran_order': False, 'shape': (5,), }"),
            "{text}"
        );
    }

    #[test]
    fn a_matrix_is_the_same_in_memory_and_in_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("m.npy");
        let rows: Vec<f32> = (0..3 * 20_000).map(|i| i as f32 / 3.0).collect();
        matrix(&path, &rows, 3).expect("written");
        assert!(std::fs::read(&path).expect("written") == matrix_bytes(&rows, 3));
    }
}

//! Writes arrays as NPY, version 1: little-endian, C order. What is written appears under its name
//! as a whole, or not at all.

use std::path::Path;

use crate::Source;
use amdahl_record::error::Result;
use amdahl_record::io::atomic::Pending;

/// A file that is being written.
pub struct Npy {
    file: Pending,
}

impl Npy {
    /// Begins a file of this element type (`<f4`, `<u4`) and shape.
    pub fn create(path: &Path, descr: &str, shape: &[u64]) -> Result<Npy> {
        let mut file = Pending::create(path)?;
        file.write(&header(descr, shape))?;
        Ok(Npy { file })
    }

    /// Appends values.
    pub fn f32(&mut self, values: &[f32]) -> Result<()> {
        values.iter().try_for_each(|value| self.file.write(&value.to_le_bytes()))
    }

    /// Appends values.
    pub fn u32(&mut self, values: &[u32]) -> Result<()> {
        values.iter().try_for_each(|value| self.file.write(&value.to_le_bytes()))
    }

    /// Ends the file and gives it its name.
    pub fn finish(self) -> Result<()> {
        self.file.commit()
    }
}

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

/// Writes f32 values, row-major.
pub fn matrix(path: &Path, values: &[f32], dims: usize) -> Result<()> {
    let mut npy = Npy::create(path, "<f4", &[(values.len() / dims.max(1)) as u64, dims as u64])?;
    npy.f32(values)?;
    npy.finish()
}

/// Writes all rows of a data set, a piece at a time.
pub fn rows(path: &Path, source: &dyn Source) -> Result<()> {
    let shape = source.shape();
    let mut npy = Npy::create(path, "<f4", &[shape.rows, shape.dims as u64])?;
    let mut rows = source.rows(0..shape.rows)?;
    let mut piece = vec![0f32; shape.dims * (1usize << 18).div_ceil(shape.dims)];
    loop {
        let got = rows.read(&mut piece)?;
        if got == 0 {
            return npy.finish();
        }
        npy.f32(&piece[..got * shape.dims])?;
    }
}

/// Writes labels.
pub fn labels(path: &Path, labels: &[u32]) -> Result<()> {
    let mut npy = Npy::create(path, "<u4", &[labels.len() as u64])?;
    npy.u32(labels)?;
    npy.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate as data;
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
        rows(&path, made.as_ref()).expect("written");
        let numbers: Vec<u32> = (0..70_001).map(|i| i % 7).collect();
        labels(&truth, &numbers).expect("written");
        let file = Dataset::File {
            path: path.clone(),
            format: None,
            labels: Labels::File(truth),
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
        assert_eq!(header("<f4", &[3, 4]).len() % 64, 0);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2);
    }
}

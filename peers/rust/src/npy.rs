//! As much of NPY as the cells of peers need: f32, little-endian, C order, two axes.

use std::path::Path;

/// Rows of numbers, row-major.
pub struct Matrix {
    /// rows × dims values.
    pub values: Vec<f32>,
    /// Columns.
    pub dims: usize,
}

impl Matrix {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.dims.max(1)
    }
}

/// Reads a file of `<f4` in C order.
pub fn read(file: &Path) -> Result<Matrix, String> {
    let refuse = |why: &str| format!("{}: {why}", file.display());
    let bytes = std::fs::read(file).map_err(|e| refuse(&e.to_string()))?;
    if bytes.len() < 10 || !bytes.starts_with(b"\x93NUMPY\x01") {
        return Err(refuse("not NPY of version 1"));
    }
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = bytes.get(10..end).map(String::from_utf8_lossy).ok_or_else(|| refuse("the header is cut off"))?;
    if !header.contains("'<f4'") || !header.contains("'fortran_order': False") {
        return Err(refuse("not f32 in C order"));
    }
    let shape = header.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
    let extents: Vec<usize> = shape.split(',').filter_map(|extent| extent.trim().parse().ok()).collect();
    let [rows, dims] = extents[..] else { return Err(refuse("not of two axes")) };
    let values: Vec<f32> =
        bytes[end..].as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    match values.len() == rows * dims {
        true => Ok(Matrix { values, dims }),
        false => Err(refuse("the file is not as long as its header says")),
    }
}

/// Writes a file of `<f4` in C order.
pub fn write(file: &Path, values: &[f32], dims: usize) -> Result<(), String> {
    let rows = values.len() / dims.max(1);
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dims}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    std::fs::write(file, bytes).map_err(|e| format!("cannot write {}: {e}", file.display()))
}

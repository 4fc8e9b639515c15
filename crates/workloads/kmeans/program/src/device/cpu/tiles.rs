//! Rows in memory as tiles: the columns of [`TILE`] rows lie together, so that a kernel loads one
//! column of many rows as vectors.
//!
//! One copy of the data, packed while it is read. The last tile is filled up with zeros.

use crate::device::cpu::buffer::Buffer;
use amdahl_data::RowSource;
use amdahl_record::error::{Error, Result};

/// Rows in a tile: a multiple of every vector width times the vectors that a kernel keeps in
/// registers.
pub const TILE: usize = 48;

/// Values that are read at once: a block is packed while it is in cache.
const BLOCK: usize = 1 << 15;

/// The rows of a shard.
pub struct Tiles {
    /// ⌈rows/TILE⌉ tiles of dims × TILE values.
    values: Buffer,
    /// A bound on the norms of the rows of each tile.
    norms: Vec<f32>,
    rows: usize,
    dims: usize,
}

impl Tiles {
    /// Packs all rows of a source.
    pub fn read(source: &mut dyn RowSource) -> Result<Tiles> {
        let shape = source.shape();
        let (rows, dims) = (shape.rows as usize, shape.dims);
        let count = rows.div_ceil(TILE);
        let mut values = Buffer::zeros(count * TILE * dims);
        let mut norms = Vec::with_capacity(count);
        let mut block = vec![0f32; step(dims)];
        let mut left = rows * dims;
        for tiles in values.chunks_mut(block.len()) {
            let block = &mut block[..left.min(tiles.len())];
            left -= block.len();
            fill(source, block, dims)?;
            for (tile, rows) in tiles.chunks_exact_mut(TILE * dims).zip(block.chunks(TILE * dims)) {
                norms.push(norm_bound(rows, dims));
                for (lane, row) in rows.chunks_exact(dims).enumerate() {
                    for (column, &x) in tile.chunks_exact_mut(TILE).zip(row) {
                        column[lane] = x;
                    }
                }
            }
        }
        Ok(Tiles { values, norms, rows, dims })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns of tile `i`.
    pub fn tile(&self, i: usize) -> &[f32] {
        &self.values[i * TILE * self.dims..][..TILE * self.dims]
    }

    /// A bound on the norms of the rows of tile `i`.
    pub fn norm(&self, i: usize) -> f32 {
        self.norms[i]
    }

    /// Copies row `i` into `out`.
    pub fn row(&self, i: usize, out: &mut [f32]) {
        row(self.tile(i / TILE), i % TILE, out);
    }
}

/// Copies the row in lane `lane` of a tile into `out`.
#[inline]
pub fn row(tile: &[f32], lane: usize, out: &mut [f32]) {
    for (x, column) in out.iter_mut().zip(tile.as_chunks::<TILE>().0) {
        *x = column[lane];
    }
}

/// Values that are read at once, whole tiles: they are looked at while they are in cache.
pub fn step(dims: usize) -> usize {
    (BLOCK / (TILE * dims) + 1) * TILE * dims
}

/// Fills a block with the next rows.
pub fn fill(source: &mut dyn RowSource, block: &mut [f32], dims: usize) -> Result<()> {
    let wanted = block.len() / dims;
    let got = source.read(block)?;
    if got != wanted {
        return Err(Error::internal(format!("a source gave {got} rows where it had {wanted}")));
    }
    Ok(())
}

/// A bound on the norms of rows (row-major). Rounded up, so that it stays a bound; infinite beyond
/// the range of f32.
pub fn norm_bound(rows: &[f32], dims: usize) -> f32 {
    let square = |row: &[f32]| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let largest = rows.chunks_exact(dims).map(square).fold(0f64, f64::max);
    (largest.sqrt() * (1.0 + 1e-6)) as f32 + f32::from_bits(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_data::MatrixRows;

    #[test]
    fn rows_come_back_as_they_were() {
        for (rows, dims) in [(0, 3), (1, 1), (47, 5), (48, 5), (49, 5), (1000, 54), (3000, 33)] {
            let values: Vec<f32> = (0..rows * dims).map(|i| i as f32 + 0.5).collect();
            let tiles =
                Tiles::read(&mut MatrixRows::new(&values, dims, 7)).expect("rows in memory");
            assert_eq!(tiles.rows(), rows);
            let mut row = vec![0.0; dims];
            for (i, expected) in values.chunks_exact(dims).enumerate() {
                tiles.row(i, &mut row);
                assert_eq!(row, expected, "row {i} of {rows} x {dims}");
            }
            for (i, &norm) in tiles.norms.iter().enumerate() {
                for row in values.chunks_exact(dims).skip(i * TILE).take(TILE) {
                    let square: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
                    assert!(f64::from(norm) >= square.sqrt());
                }
            }
        }
    }
}

//! Rows in memory as tiles: the columns of [`TILE`] rows lie together, so that a kernel loads one column of many rows as vectors.
//!
//! One copy of the data, packed while it is read. The last tile is filled up with zeros.

use crate::data::RowSource;
use crate::error::{Error, Result};

/// Rows in a tile: a multiple of every vector width times the vectors that a kernel keeps in registers.
pub const TILE: usize = 48;

/// Values that are read at once: a block is packed while it is in cache.
const BLOCK: usize = 1 << 15;

/// The rows of a shard.
pub struct Tiles {
    /// ⌈rows/TILE⌉ tiles of dims × TILE values.
    values: Vec<f32>,
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
        let mut values = zeros(count * TILE * dims);
        let mut norms = Vec::with_capacity(count);
        let mut block = vec![0f32; (BLOCK / (TILE * dims) + 1) * TILE * dims];
        let mut left = rows;
        for tiles in values.chunks_mut(block.len()) {
            let wanted = left.min(tiles.len() / dims);
            let got = source.read(&mut block[..wanted * dims])?;
            if got != wanted {
                return Err(Error::internal(format!("a source gave {got} rows where it had {wanted}")));
            }
            left -= wanted;
            for (tile, rows) in tiles.chunks_exact_mut(TILE * dims).zip(block[..wanted * dims].chunks(TILE * dims)) {
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

    /// The tiles in order, each with a bound on the norms of its rows.
    pub fn iter(&self) -> impl Iterator<Item = (Tile<'_>, f32)> {
        let tiles = self.values.chunks_exact(TILE * self.dims).map(|values| Tile { values });
        tiles.zip(self.norms.iter().copied())
    }

    /// Copies row `i` into `out`.
    pub fn row(&self, i: usize, out: &mut [f32]) {
        Tile { values: &self.values[i / TILE * TILE * self.dims..][..TILE * self.dims] }.row(i % TILE, out);
    }
}

/// One tile: dims × TILE values.
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    /// Column after column.
    pub values: &'a [f32],
}

impl<'a> Tile<'a> {
    /// Copies the row in lane `lane` into `out`.
    pub fn row(self, lane: usize, out: &mut [f32]) {
        for (x, column) in out.iter_mut().zip(self.columns()) {
            *x = column[lane];
        }
    }

    /// Its columns.
    pub fn columns(self) -> impl Iterator<Item = &'a [f32; TILE]> {
        self.values.as_chunks::<TILE>().0.iter()
    }
}

/// A bound on the norms of rows (row-major). Rounded up, so that it stays a bound; infinite beyond the range of f32.
fn norm_bound(rows: &[f32], dims: usize) -> f32 {
    let square = |row: &[f32]| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    let largest = rows.chunks_exact(dims).map(square).fold(0f64, f64::max);
    (largest.sqrt() * (1.0 + 1e-6)) as f32 + f32::from_bits(1)
}

/// Zeros that the calling thread touches first, on huge pages where the system gives them: fewer TLB misses while rows stream.
fn zeros(length: usize) -> Vec<f32> {
    let values = vec![0f32; length];
    #[cfg(target_os = "linux")]
    {
        const HUGE: usize = 2 << 20;
        let bytes = size_of_val(&values[..]);
        let start = values.as_ptr().addr().next_multiple_of(HUGE) - values.as_ptr().addr();
        if bytes >= start + HUGE {
            let length = (bytes - start) / HUGE * HUGE;
            // SAFETY: the range lies within the allocation; the advice changes how it is backed, not what it holds.
            unsafe {
                libc::madvise(values.as_ptr().cast::<u8>().add(start).cast_mut().cast(), length, libc::MADV_HUGEPAGE);
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MatrixRows;

    #[test]
    fn rows_come_back_as_they_were() {
        for (rows, dims) in [(0, 3), (1, 1), (47, 5), (48, 5), (49, 5), (1000, 54), (3000, 33)] {
            let values: Vec<f32> = (0..rows * dims).map(|i| i as f32 + 0.5).collect();
            let tiles = Tiles::read(&mut MatrixRows::new(&values, dims, 7)).expect("rows in memory");
            assert_eq!(tiles.rows(), rows);
            let mut row = vec![0.0; dims];
            for (i, expected) in values.chunks_exact(dims).enumerate() {
                tiles.row(i, &mut row);
                assert_eq!(row, expected, "row {i} of {rows} x {dims}");
            }
            for (i, (_, norm)) in tiles.iter().enumerate() {
                for row in values.chunks_exact(dims).skip(i * TILE).take(TILE) {
                    let square: f64 = row.iter().map(|&x| f64::from(x).powi(2)).sum();
                    assert!(f64::from(norm) >= square.sqrt());
                }
            }
        }
    }
}

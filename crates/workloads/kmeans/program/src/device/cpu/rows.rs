//! Rows in memory one after the other, as they come: nothing to pack, and a row is found at once.
//! Kernels that want columns turn one tile at a time over, into memory that stays in cache.

use crate::device::cpu::buffer::Buffer;
use crate::device::cpu::tiles;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::{Vector, Work};
use amdahl_data::RowSource;
use amdahl_record::error::Result;

/// Values beyond the last row, so that a kernel may read past the end of a row: more than a vector.
pub const SPARE: usize = 32;

/// The rows of a shard.
pub struct Rows {
    /// Rows filled up with zeros to whole tiles, and [`SPARE`] more values.
    values: Buffer,
    /// A bound on the norms of the rows of each tile.
    norms: Vec<f32>,
    rows: usize,
    dims: usize,
}

impl Rows {
    /// Reads all rows of a source.
    pub fn read(source: &mut dyn RowSource) -> Result<Rows> {
        let shape = source.shape();
        let (rows, dims) = (shape.rows as usize, shape.dims);
        let count = rows.div_ceil(TILE);
        let mut values = Buffer::zeros(count * TILE * dims + SPARE);
        let mut norms = Vec::with_capacity(count);
        // In steps: norms are found while rows are in cache.
        for block in values[..rows * dims].chunks_mut(tiles::step(dims)) {
            tiles::fill(source, block, dims)?;
            norms.extend(block.chunks(TILE * dims).map(|rows| tiles::norm_bound(rows, dims)));
        }
        Ok(Rows { values, norms, rows, dims })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of tile `i`, and the values after them: at least [`SPARE`].
    pub fn tile(&self, i: usize) -> &[f32] {
        &self.values[i * TILE * self.dims..]
    }

    /// A bound on the norms of the rows of tile `i`.
    pub fn norm(&self, i: usize) -> f32 {
        self.norms[i]
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dims..][..self.dims]
    }
}

/// Turns a tile over: from rows to columns.
pub struct Turn<'a> {
    /// TILE rows, and at least four more values.
    pub rows: &'a [f32],
    /// dims × TILE values.
    pub tile: &'a mut [f32],
    /// Columns.
    pub dims: usize,
}

impl Work for Turn<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Turn { rows, tile, dims } = self;
        assert!(rows.len() >= TILE * dims + 4 && tile.len() == TILE * dims);
        for lane in (0..TILE).step_by(V::WIDTH) {
            let mut t = 0;
            while t < dims {
                // Four columns at a time; the last four may overlap those before. Rows of fewer
                // columns are read into the next.
                let first = if t + 4 <= dims { t } else { dims.saturating_sub(4) };
                // SAFETY: the last read starts at most four values before the end of the rows, or,
                // where rows are shorter, within the last of them; writes are to columns below
                // `dims`. The instructions are the caller's promise.
                unsafe {
                    let columns = V::columns(rows.as_ptr().add(lane * dims + first), dims);
                    for (c, column) in columns.into_iter().enumerate().take(dims) {
                        column.store(tile.as_mut_ptr().add((first + c) * TILE + lane));
                    }
                }
                t = first + 4;
            }
        }
    }
}

/// Turns a tile back: from columns to rows.
pub struct TurnBack<'a> {
    /// dims × TILE values.
    pub tile: &'a [f32],
    /// TILE rows.
    pub rows: &'a mut [f32],
    /// Columns, at least 4.
    pub dims: usize,
    /// From a row to the next.
    pub stride: usize,
}

impl Work for TurnBack<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let TurnBack { tile, rows, dims, stride } = self;
        assert!(
            rows.len() == TILE * stride && tile.len() == TILE * dims && 4 <= dims && dims <= stride
        );
        for lane in (0..TILE).step_by(V::WIDTH) {
            let mut t = 0;
            while t < dims {
                let first = t.min(dims - 4);
                // SAFETY: reads are from columns below `dims`, writes to the columns first to first
                // + 3 of WIDTH rows.
                unsafe {
                    let column = |c: usize| V::load(tile.as_ptr().add((first + c) * TILE + lane));
                    let columns = [column(0), column(1), column(2), column(3)];
                    V::put_rows(columns, rows.as_mut_ptr().add(lane * stride + first), stride);
                }
                t = first + 4;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::cpu::kernel::Kernel;

    #[test]
    fn a_tile_turned_over_twice_is_the_tile() {
        for dims in (1..20).chain([31, 32, 54]) {
            let rows: Vec<f32> = (0..TILE * dims + 4).map(|i| i as f32).collect();
            for kernel in Kernel::all() {
                let mut tile = vec![0.0; TILE * dims];
                kernel.run(Turn { rows: &rows, tile: &mut tile, dims });
                for (i, &x) in tile.iter().enumerate() {
                    assert_eq!(
                        x,
                        rows[i % TILE * dims + i / TILE],
                        "{} dims {dims} value {i}",
                        kernel.name()
                    );
                }
                if dims < 4 {
                    continue;
                }
                let stride = dims + 3;
                let mut back = vec![0.0; TILE * stride];
                kernel.run(TurnBack { tile: &tile, rows: &mut back, dims, stride });
                for (back, row) in back.chunks_exact(stride).zip(rows.chunks_exact(dims)) {
                    assert_eq!(back[..dims], *row, "{} dims {dims}", kernel.name());
                }
            }
        }
    }
}

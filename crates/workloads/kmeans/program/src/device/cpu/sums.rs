//! The sums of a lane's rows by cluster, and rows whose label changed that go from one cluster's
//! sum to another's.

use crate::device::Partial;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::rows::TurnBack;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::{Vector, Work};
use amdahl_lanes::exact::Grid;

/// Columns that are moved together: what they need of a tile and of the sums stays in the
/// first-level cache.
pub const COLUMNS: usize = 32;

/// Turning a block of a tile over costs about as much as picking this many rows out of it.
const PICKED: usize = 12;

/// Rows that are added at a time where all join one cluster.
const SOME: usize = 4;

/// The columns of a cache line of sums.
const EIGHT: usize = 8;

/// Eight columns, on a cache line of their own: stores that are split over two lines cost twice.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Eight<T>([T; EIGHT]);

/// The sums of rows by cluster.
#[derive(Default)]
pub struct Sums {
    /// k × `stride` eights. A sum of shifted grid values ([`Grid::shifted`]), without the shift's
    /// count: that is taken off at the end.
    values: Vec<Eight<i64>>,
    counts: Vec<i64>,
    /// Factors to the grid, filled up with zeros.
    scale: Vec<Eight<f64>>,
    /// Eights from one cluster to the next: ⌈dims/8⌉, made odd, since the same columns of many
    /// clusters that lie a power of two apart would push each other out of the cache.
    stride: usize,
    dims: usize,
}

impl Sums {
    /// No rows yet.
    pub fn new(k: usize, scale: &[f64]) -> Sums {
        let mut eights = vec![Eight([0.0; EIGHT]); scale.len().div_ceil(EIGHT)];
        for (eight, scale) in eights.iter_mut().zip(scale.chunks(EIGHT)) {
            eight.0[..scale.len()].copy_from_slice(scale);
        }
        let stride = eights.len() | 1;
        Sums {
            values: vec![Eight([0; EIGHT]); k * stride],
            counts: vec![0; k],
            scale: eights,
            stride,
            dims: scale.len(),
        }
    }

    /// As many sums on the same grid, of no rows.
    pub fn cleared(&self) -> Sums {
        Sums {
            values: vec![Eight([0; EIGHT]); self.values.len()],
            counts: vec![0; self.counts.len()],
            scale: self.scale.clone(),
            stride: self.stride,
            dims: self.dims,
        }
    }

    /// Writes them all.
    pub fn write(&self, out: &mut Partial) {
        out.counts.copy_from_slice(&self.counts);
        let clusters =
            out.sums.chunks_exact_mut(self.dims).zip(self.values.chunks_exact(self.stride));
        for ((out, values), &count) in clusters.zip(&self.counts) {
            for (out, value) in out.chunks_mut(EIGHT).zip(values) {
                for (out, value) in out.iter_mut().zip(value.0) {
                    *out = Grid::without_shift(value, count);
                }
            }
        }
    }

    /// All rows of a tile join a cluster.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn add_tile<V: Vector>(&mut self, memory: Memory<'_>, to: usize) {
        let values = &mut self.values[to * self.stride..][..self.scale.len()];
        match memory {
            Memory::Rows(rows) => {
                // Some rows at a time, from their first column to the last: in the order of memory.
                for lane in (0..TILE).step_by(SOME) {
                    for (first, (value, scale)) in values.iter_mut().zip(&self.scale).enumerate() {
                        let mut sum = value.0;
                        for lane in lane..lane + SOME {
                            // What is read beyond the last column is multiplied by zero.
                            if let Some(x) = rows[lane * self.dims + first * EIGHT..].first_chunk()
                            {
                                // SAFETY: the instructions are the caller's promise.
                                unsafe { V::move_eight(x, &scale.0, &mut sum, None) };
                            }
                        }
                        value.0 = sum;
                    }
                }
            }
            Memory::Columns(tile) => {
                let all = values.iter_mut().flat_map(|value| &mut value.0);
                let scales = self.scale.iter().flat_map(|scale| scale.0);
                for ((value, scale), column) in all.zip(scales).zip(tile.chunks_exact(TILE)) {
                    let mut sums = [0; EIGHT];
                    for x in column.as_chunks::<EIGHT>().0 {
                        // SAFETY: as above.
                        unsafe { V::move_eight(x, &[scale; EIGHT], &mut sums, None) };
                    }
                    *value = sums.iter().fold(*value, |sum, &x| sum.wrapping_add(x));
                }
            }
        }
    }

    /// A row's `columns` (at most eight of them each) from the eighth with this number on join one
    /// cluster, and leave another.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn add<V: Vector>(&mut self, row: &[f32], first: usize, to: usize, from: Option<usize>) {
        let (stride, eights) = (self.stride, self.scale.len());
        let scale = &self.scale[first..];
        let range = |cluster: usize| cluster * stride + first..cluster * stride + eights;
        let row = row.as_chunks::<EIGHT>().0;
        let Some(from) = from else {
            for ((to, x), scale) in self.values[range(to)].iter_mut().zip(row).zip(scale) {
                // SAFETY: the instructions are the caller's promise.
                unsafe { V::move_eight(x, &scale.0, &mut to.0, None) };
            }
            return;
        };
        // They differ, or the row would not have changed.
        let Ok([to, from]) = self.values.get_disjoint_mut([range(to), range(from)]) else {
            return;
        };
        for (((to, from), x), scale) in to.iter_mut().zip(from).zip(row).zip(scale) {
            // SAFETY: as above.
            unsafe { V::move_eight(x, &scale.0, &mut to.0, Some(&mut from.0)) };
        }
    }
}

/// Rows that change cluster.
pub struct Change<'a> {
    /// TILE rows.
    pub memory: Memory<'a>,
    /// A bit for each row that changes.
    pub changed: u64,
    /// The clusters that they leave; none in the first step.
    pub from: Option<&'a [u32; TILE]>,
    /// The clusters that they join.
    pub to: &'a [u32; TILE],
    /// To work with. Finite values.
    pub scratch: &'a mut [f32; TILE * COLUMNS],
}

/// What rows are added up to: as they are, or by their weights. Rows without weights pay nothing
/// for those that have some.
pub trait Totals {
    /// Moves rows. `weights` are those of the TILE rows.
    fn relabel(
        &mut self,
        kernel: Kernel,
        change: Change<'_>,
        weights: impl FnOnce() -> [f32; TILE],
    );
}

impl Totals for Sums {
    #[inline(always)]
    fn relabel(&mut self, kernel: Kernel, change: Change<'_>, _: impl FnOnce() -> [f32; TILE]) {
        let Change { memory, changed, from, to, scratch } = change;
        kernel.run(Relabel { sums: self, memory, changed, from, to, scratch });
    }
}

/// The sums of rows that have weights.
pub struct Weighed {
    grid: Grid,
    partial: Partial,
}

impl Weighed {
    /// No rows yet.
    pub fn new(k: usize, grid: &Grid) -> Weighed {
        Weighed { grid: grid.clone(), partial: Partial::new(k, grid.dims()) }
    }

    /// As many sums on the same grid, of no rows.
    pub fn cleared(&self) -> Weighed {
        Weighed::new(self.partial.counts.len(), &self.grid)
    }

    /// Writes them all.
    pub fn write(&self, out: &mut Partial) {
        out.sums.copy_from_slice(&self.partial.sums);
        out.counts.copy_from_slice(&self.partial.counts);
    }

    /// What a row of this weight counts for.
    pub fn units(&self, weight: f32) -> i64 {
        self.grid.weighing().alone(weight)
    }
}

impl Totals for Weighed {
    fn relabel(
        &mut self,
        kernel: Kernel,
        change: Change<'_>,
        weights: impl FnOnce() -> [f32; TILE],
    ) {
        let Change { memory, changed, from, to, .. } = change;
        kernel.run(Reweigh { sums: self, weights: &weights(), memory, changed, from, to });
    }
}

/// Adds what rows and their weights come to on the grid to their new clusters, and takes it from
/// those they leave.
struct Reweigh<'a> {
    sums: &'a mut Weighed,
    weights: &'a [f32; TILE],
    memory: Memory<'a>,
    changed: u64,
    from: Option<&'a [u32; TILE]>,
    to: &'a [u32; TILE],
}

impl Work for Reweigh<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Reweigh { sums: Weighed { grid, partial }, weights, memory, changed, from, to } = self;
        let (weighing, dims) = (grid.weighing(), grid.dims());
        for lane in ones(changed) {
            let weight = weights[lane];
            let units = weighing.alone(weight);
            let (to, from) = (to[lane] as usize, from.map(|from| from[lane] as usize));
            partial.counts[to] += units;
            if let Some(from) = from {
                partial.counts[from] -= units;
            }
            for (t, &scale) in grid.scale().iter().enumerate() {
                let x = match memory {
                    Memory::Columns(tile) => tile[t * TILE + lane],
                    Memory::Rows(rows) => rows[lane * dims + t],
                };
                let product = weighing.product(weight, Grid::quantise(x, scale));
                partial.sums[to * dims + t] += product;
                if let Some(from) = from {
                    partial.sums[from * dims + t] -= product;
                }
            }
        }
    }
}

/// Adds the grid values of rows to their new clusters, and takes them from those they leave.
pub struct Relabel<'a> {
    /// The sums of the lane.
    pub sums: &'a mut Sums,
    /// TILE rows.
    pub memory: Memory<'a>,
    /// A bit for each row that changes.
    pub changed: u64,
    /// The clusters that they leave; none in the first step.
    pub from: Option<&'a [u32; TILE]>,
    /// The clusters that they join.
    pub to: &'a [u32; TILE],
    /// To work with. Finite values.
    pub scratch: &'a mut [f32; TILE * COLUMNS],
}

/// Where the rows of a tile are.
#[derive(Clone, Copy)]
pub enum Memory<'a> {
    /// dims × TILE values.
    Columns(&'a [f32]),
    /// TILE × dims values, and at least seven more. All finite.
    Rows(&'a [f32]),
}

impl Work for Relabel<'_> {
    type Output = ();

    // Plain Rust: compiled for each instruction set, compilers make vectors of it.
    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Relabel { sums, memory, changed, from, to, scratch } = self;
        let dims = sums.dims;
        for lane in ones(changed) {
            sums.counts[to[lane] as usize] += 1;
            if let Some(from) = from {
                sums.counts[from[lane] as usize] -= 1;
            }
        }
        if from.is_none()
            && changed == u64::MAX >> (64 - TILE)
            && to.iter().all(|cluster| *cluster == to[0])
        {
            // SAFETY: the instructions are the caller's promise.
            return unsafe { sums.add_tile::<V>(memory, to[0] as usize) };
        }
        for first in (0..dims).step_by(COLUMNS) {
            let columns = COLUMNS.min(dims - first);
            // What is read beyond the last column is multiplied by zero.
            let whole = columns.next_multiple_of(EIGHT);
            let (rows, stride) = match memory {
                Memory::Rows(rows) => (&rows[first..], dims),
                Memory::Columns(tile) => {
                    let tile = &tile[first * TILE..][..columns * TILE];
                    if changed.count_ones() as usize > PICKED && columns >= 4 {
                        // SAFETY: the instructions are the caller's promise.
                        unsafe {
                            TurnBack { tile, rows: scratch, dims: columns, stride: COLUMNS }
                                .run::<V, P, Q>()
                        };
                    } else {
                        for lane in ones(changed) {
                            let row = &mut scratch[lane * COLUMNS..][..columns];
                            for (x, column) in row.iter_mut().zip(tile.as_chunks::<TILE>().0) {
                                *x = column[lane];
                            }
                        }
                    }
                    (&scratch[..], COLUMNS)
                }
            };
            for lane in ones(changed) {
                let row = &rows[lane * stride..][..whole];
                let (to, from) = (to[lane] as usize, from.map(|from| from[lane] as usize));
                // SAFETY: the instructions are the caller's promise.
                unsafe { sums.add::<V>(row, first / EIGHT, to, from) };
            }
        }
    }
}

/// The positions of the ones.
#[inline(always)]
pub fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            lowest
        })
    })
}

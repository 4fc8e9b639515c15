//! Rows whose label changed go from one cluster's sum to another's.

use crate::exact::Grid;
use crate::measure::device::Partial;
use crate::measure::device::cpu::tiles::TILE;
use crate::measure::device::cpu::vector::{Vector, Work};

/// Adds the grid values of rows to their new clusters, and takes them from those they leave.
pub struct Relabel<'a> {
    /// The sums of the lane.
    pub state: &'a mut Partial,
    /// Factors to the grid, one for each column.
    pub scale: &'a [f64],
    /// TILE rows, those of `changed` at their place.
    pub rows: &'a [f32],
    /// A bit for each row that changes.
    pub changed: u64,
    /// The clusters that they leave; none in the first step.
    pub from: Option<&'a [u32; TILE]>,
    /// The clusters that they join.
    pub to: &'a [u32; TILE],
}

impl Work for Relabel<'_> {
    type Output = ();

    // Plain Rust: compiled for each instruction set, compilers make vectors of it.
    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Relabel { state, scale, rows, changed, from, to } = self;
        let dims = scale.len();
        for lane in ones(changed) {
            let row = &rows[lane * dims..][..dims];
            let to = to[lane] as usize;
            state.counts[to] += 1;
            for ((sum, &x), &scale) in state.sums[to * dims..][..dims].iter_mut().zip(row).zip(scale) {
                *sum += Grid::quantise(x, scale);
            }
            if let Some(from) = from {
                let from = from[lane] as usize;
                state.counts[from] -= 1;
                for ((sum, &x), &scale) in state.sums[from * dims..][..dims].iter_mut().zip(row).zip(scale) {
                    *sum -= Grid::quantise(x, scale);
                }
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

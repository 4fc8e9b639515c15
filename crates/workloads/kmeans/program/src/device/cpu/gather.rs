//! Rows picked from many tiles, to be labelled together: the few that bounds do not spare, or those
//! of a batch.

use crate::device::cpu::bounds::Gaps;
use crate::device::cpu::buffer::Buffer;
use crate::device::cpu::decide;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::labels::Stored;
use crate::device::cpu::nearest::{Assignment, Nearest};
use crate::device::cpu::nearest_by_columns::NearestByColumns;
use crate::device::cpu::panel::Panel;
use crate::device::cpu::resident::{Resident, Shared};
use crate::device::cpu::rows::{SPARE, Turn};
use crate::device::cpu::sums::{Memory, ones};
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::{Vector, Work};

/// Up to a tile's worth of rows.
pub struct Gathered {
    kernel: Kernel,
    dims: usize,
    /// As the layout has them: columns of TILE values, or rows.
    values: Buffer,
    /// The same the other way round.
    turned: Buffer,
    /// Where each is from: number of the tile and place in it.
    pub from: [(usize, usize); TILE],
    /// Their labels.
    pub old: [u32; TILE],
    /// A bound on their norms.
    pub norm: f32,
    /// How many there are.
    pub count: usize,
}

/// Copies rows of a tile of columns to places in another.
struct Pick<'a> {
    from: &'a [f32],
    lanes: &'a [u8],
    to: &'a mut [f32],
    place: usize,
}

impl Work for Pick<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector, const P: usize, const Q: usize>(self) {
        let Pick { from, lanes, to, place } = self;
        for (from, to) in from.as_chunks::<TILE>().0.iter().zip(to.as_chunks_mut::<TILE>().0) {
            for (&lane, to) in lanes.iter().zip(&mut to[place..]) {
                *to = from[usize::from(lane)];
            }
        }
    }
}

impl Gathered {
    /// None yet.
    pub fn new(kernel: Kernel, dims: usize) -> Gathered {
        Gathered {
            kernel,
            dims,
            values: Buffer::zeros(TILE * dims + SPARE),
            turned: Buffer::zeros(TILE * dims),
            from: [(0, 0); TILE],
            old: [0; TILE],
            norm: 0.0,
            count: 0,
        }
    }

    /// Takes rows of tile `i` as long as there is room, with their labels, and clears their bits.
    pub fn take(&mut self, rows: &Resident, i: usize, wanted: &mut u64, labels: &[u32; TILE]) {
        let mut lanes = [0u8; TILE];
        let mut count = 0;
        for lane in ones(*wanted).take(TILE - self.count) {
            lanes[count] = lane as u8;
            self.from[self.count + count] = (i, lane);
            self.old[self.count + count] = labels[lane];
            *wanted &= *wanted - 1;
            count += 1;
        }
        let (lanes, place, dims) = (&lanes[..count], self.count, self.dims);
        match rows {
            Resident::Tiles(_) => {
                let to = &mut self.values[..TILE * dims];
                self.kernel.run(Pick { from: rows.tile(i), lanes, to, place });
            }
            Resident::Rows(_) => {
                let memory = rows.tile(i);
                for (&lane, to) in
                    lanes.iter().zip(self.values[place * dims..].chunks_exact_mut(dims))
                {
                    to.copy_from_slice(&memory[usize::from(lane) * dims..][..dims]);
                }
            }
        }
        self.norm = self.norm.max(rows.norm(i));
        self.count += count;
    }

    /// Labels the rows. `KEEP`: with their gaps. Returns how many f64 decided.
    pub fn find<const CERTIFY: bool, const KEEP: bool>(
        &mut self,
        rows: &Resident,
        panel: &Panel<'_>,
        found: &mut Assignment,
    ) -> u64 {
        let (kernel, dims) = (self.kernel, self.dims);
        let threshold = panel.threshold(self.norm);
        let (old, ahead) = (Stored::U32(&self.old), self.values.as_ptr());
        let mut columns = true;
        let tile = match rows {
            Resident::Rows(_) if !panel.plain.is_empty() => {
                kernel.run(NearestByColumns::<CERTIFY, KEEP> {
                    panel,
                    rows: &self.values,
                    ahead,
                    threshold,
                    old,
                    found,
                });
                columns = false;
                &self.values[..TILE * dims]
            }
            Resident::Rows(_) => {
                kernel.run(Turn { rows: &self.values, tile: &mut self.turned, dims });
                &self.turned
            }
            Resident::Tiles(_) => &self.values[..TILE * dims],
        };
        if columns {
            kernel.run(Nearest::<CERTIFY, KEEP> { panel, tile, ahead, threshold, old, found });
        }
        if KEEP {
            kernel.run(Gaps { panel, tile, columns, threshold, found });
        }
        let here = u64::MAX >> (64 - self.count);
        if CERTIFY && found.undecided & here != 0 {
            let row = |lane: usize, row: &mut [f32]| {
                rows.row(self.from[lane].0 * TILE + self.from[lane].1, row)
            };
            return decide::<KEEP>(kernel, found, here, panel, row);
        }
        0
    }

    /// The rows as a tile of columns.
    pub fn columns(&mut self, rows: &Resident) -> &[f32] {
        let dims = self.dims;
        match rows {
            Resident::Tiles(_) => &self.values[..TILE * dims],
            Resident::Rows(_) => {
                self.kernel.run(Turn { rows: &self.values, tile: &mut self.turned, dims });
                &self.turned
            }
        }
    }

    /// The weights of the rows; 0 where no row is.
    pub fn weights(&self, shared: &Shared) -> [f32; TILE] {
        let rows = shared.rows.count();
        std::array::from_fn(|lane| {
            let (tile, place) = self.from[lane];
            if lane < self.count && tile * TILE + place < rows {
                shared.weight(tile * TILE + place)
            } else {
                0.0
            }
        })
    }

    /// Where the rows are.
    pub fn memory(&self, rows: &Resident) -> Memory<'_> {
        match rows {
            Resident::Rows(_) => Memory::Rows(&self.values),
            Resident::Tiles(_) => Memory::Columns(&self.values[..TILE * self.dims]),
        }
    }

    /// Makes room for others.
    pub fn clear(&mut self) {
        (self.count, self.norm) = (0, 0.0);
    }
}

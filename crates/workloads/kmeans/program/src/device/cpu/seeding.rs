//! What the choice of initial centroids keeps of the rows: how far each is from the nearest centre
//! so far.
//!
//! A new centre is nearer for few rows, and for ever fewer as centres are added. A screen in f32
//! finds those that may be among them, the distance in f64 decides; so the distances are the same
//! bits with every kernel, and most rows cost no more than a score.

use crate::device::Centroids;
use crate::device::cpu::buffer::Buffer;
use crate::device::cpu::distance::Distance;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::resident::{Resident, Shared};
use crate::device::cpu::rows::{Turn, TurnBack};
use crate::device::cpu::screen::{Candidates, Hit, MOST, Screen, Settle, any, least};
use crate::device::cpu::sums::ones;
use crate::device::cpu::tiles;
use crate::device::cpu::tiles::TILE;
use amdahl_lanes::exact::{Grid, WideSum};

/// The rows of a shard, while initial centroids are chosen.
pub struct Seeding {
    kernel: Kernel,
    dims: usize,
    /// Squared distance of each row to the nearest centre, in f64.
    nearest: Vec<f64>,
    /// The same to the first centre.
    from_first: Vec<f32>,
    /// See [`least`]; whole tiles.
    least: Vec<f32>,
    /// The first centre; empty before there is one.
    first: Vec<f32>,
    /// Σ of `nearest`, times the rows' weights.
    total: WideSum,
    /// The candidates of the last try.
    tried: Vec<f32>,
    /// The rows that are nearer to each of them, with their distances; none where they were too
    /// many to keep.
    nearer: Option<[Vec<(usize, f64)>; MOST]>,
    scratch: Buffer,
}

impl Seeding {
    /// No centre yet.
    pub fn new(kernel: Kernel, dims: usize, grid: &Grid, rows: &Shared) -> Seeding {
        let rows = rows.rows.count();
        Seeding {
            kernel,
            dims,
            nearest: vec![f64::INFINITY; rows],
            from_first: vec![f32::INFINITY; rows],
            least: vec![f32::NEG_INFINITY; rows.next_multiple_of(TILE)],
            first: Vec::new(),
            total: grid.distance_sum(),
            tried: Vec::new(),
            nearer: None,
            scratch: Buffer::zeros(TILE * dims),
        }
    }

    /// Squared distances of the rows to their nearest centres.
    pub fn nearest(&self) -> &[f64] {
        &self.nearest
    }

    /// Adds to each sum what the total would be with that candidate.
    pub fn try_out(&mut self, rows: &Shared, candidates: Centroids<'_>, sums: &mut [WideSum]) {
        self.tried = candidates.values.to_vec();
        let room = rows.rows.count() / 4;
        let mut nearer =
            (candidates.k <= MOST).then(|| std::array::from_fn::<_, MOST, _>(|_| Vec::new()));
        let mut kept = 0;
        sums.iter_mut().for_each(|sum| sum.merge(&self.total));
        for (block, sums) in candidates.values.chunks(MOST * self.dims).zip(sums.chunks_mut(MOST)) {
            let block = Candidates::new(block, &self.first);
            let mut hits = Vec::new();
            for i in 0..rows.tiles() {
                self.screen(&rows.rows, i, &block, &mut hits);
                for hit in hits.drain(..) {
                    let row = i * TILE + hit.lane;
                    let weight = f64::from(rows.weight(row));
                    sums[hit.candidate].subtract(weight * self.nearest[row]);
                    sums[hit.candidate].add(weight * hit.distance);
                    if let Some(nearer) = &mut nearer {
                        nearer[hit.candidate].push((row, hit.distance));
                        kept += 1;
                    }
                }
                if kept > room {
                    nearer = None;
                    kept = 0;
                }
            }
        }
        self.nearer = nearer;
    }

    /// Makes these rows centres.
    pub fn take(&mut self, rows: &Shared, centres: Centroids<'_>) {
        let mut values = centres.values;
        if self.first.is_empty() && !values.is_empty() {
            self.start(rows, &values[..self.dims]);
            values = &values[self.dims..];
        }
        let one = |tried: &[f32]| tried.iter().zip(values).all(|(a, b)| a.to_bits() == b.to_bits());
        let known = self
            .tried
            .chunks_exact(self.dims)
            .position(|tried| values.len() == self.dims && one(tried));
        if let (Some(j), Some(mut nearer)) = (known, self.nearer.take()) {
            for (row, distance) in std::mem::take(&mut nearer[j]) {
                self.set(row, distance, rows.weight(row));
            }
            return;
        }
        let blocks: Vec<Candidates> = values
            .chunks(MOST * self.dims)
            .map(|block| Candidates::new(block, &self.first))
            .collect();
        let mut hits = Vec::new();
        for i in 0..rows.tiles() {
            for block in &blocks {
                self.screen(&rows.rows, i, block, &mut hits);
                for hit in hits.drain(..) {
                    let row = i * TILE + hit.lane;
                    if hit.distance < self.nearest[row] {
                        self.set(row, hit.distance, rows.weight(row));
                    }
                }
            }
        }
    }

    /// The first centre.
    fn start(&mut self, shared: &Shared, centre: &[f32]) {
        let rows = &shared.rows;
        for i in 0..rows.count().div_ceil(TILE) {
            let here = TILE.min(rows.count() - i * TILE);
            let memory = in_rows(
                self.kernel,
                rows,
                i,
                u64::MAX >> (64 - TILE),
                self.dims,
                &mut self.scratch,
            );
            for (lane, row) in memory.chunks_exact(self.dims).take(here).enumerate() {
                let distance = self.kernel.run(Distance { row, centroid: centre });
                let row = i * TILE + lane;
                (self.nearest[row], self.from_first[row]) = (distance, distance as f32);
                self.least[row] = least(distance, distance as f32, self.dims);
                self.total.add(f64::from(shared.weight(row)) * distance);
            }
        }
        self.first = centre.to_vec();
    }

    fn set(&mut self, row: usize, distance: f64, weight: f32) {
        let weight = f64::from(weight);
        self.total.subtract(weight * self.nearest[row]);
        self.total.add(weight * distance);
        self.nearest[row] = distance;
        self.least[row] = least(distance, self.from_first[row], self.dims);
    }

    /// The rows of tile `i` that are nearer to one of the candidates.
    fn screen(&mut self, rows: &Resident, i: usize, candidates: &Candidates, hits: &mut Vec<Hit>) {
        let (kernel, dims, first) = (self.kernel, self.dims, &self.first);
        let here = i * TILE..((i + 1) * TILE).min(rows.count());
        let (least, nearest) = (&self.least.as_chunks::<TILE>().0[i], &self.nearest[here]);
        let tile = match rows {
            Resident::Tiles(_) => rows.tile(i),
            Resident::Rows(_) => {
                kernel.run(Turn { rows: rows.tile(i), tile: &mut self.scratch, dims });
                &self.scratch
            }
        };
        let passed = kernel.run(Screen { candidates, first, tile, least });
        let any = any(&passed) & u64::MAX >> (64 - nearest.len());
        if any != 0 {
            let rows = in_rows(kernel, rows, i, any, dims, &mut self.scratch);
            kernel.run(Settle { candidates, passed, rows, nearest, hits });
        }
    }
}

/// The rows of tile `i` one after the other, `wanted` ones at their place.
fn in_rows<'a>(
    kernel: Kernel,
    rows: &'a Resident,
    i: usize,
    wanted: u64,
    dims: usize,
    room: &'a mut [f32],
) -> &'a [f32] {
    let memory = rows.tile(i);
    match rows {
        Resident::Rows(_) => &memory[..TILE * dims],
        // A whole tile costs about as much as a few rows picked out of it.
        Resident::Tiles(_) if dims >= 4 && wanted.count_ones() > 4 => {
            kernel.run(TurnBack { tile: memory, rows: room, dims, stride: dims });
            room
        }
        Resident::Tiles(_) => {
            for lane in ones(wanted) {
                tiles::row(memory, lane, &mut room[lane * dims..][..dims]);
            }
            room
        }
    }
}

//! The rows of a lane with their labels, in chunks that any thread of the process may work on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::device::cpu::bounds::ChunkBounds;
use crate::device::cpu::labels::Labels;
use crate::device::cpu::rows::Rows;
use crate::device::cpu::tiles::{TILE, Tiles};
use amdahl_data::RowSource;
use amdahl_kmeans_description::spec::Layout;
use amdahl_record::error::{Error, Result};

/// The rows of a shard, as the layout wants them.
pub enum Resident {
    /// See [`Tiles`].
    Tiles(Tiles),
    /// See [`Rows`].
    Rows(Rows),
}

impl Resident {
    /// Takes all rows of a source.
    pub fn read(source: &mut dyn RowSource, layout: Layout) -> Result<Resident> {
        Ok(match layout {
            Layout::Tiles => Resident::Tiles(Tiles::read(source)?),
            Layout::Rows => Resident::Rows(Rows::read(source)?),
        })
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        match self {
            Resident::Tiles(tiles) => tiles.rows(),
            Resident::Rows(rows) => rows.rows(),
        }
    }

    /// Copies row `i` into `out`.
    pub fn row(&self, i: usize, out: &mut [f32]) {
        match self {
            Resident::Tiles(tiles) => tiles.row(i, out),
            Resident::Rows(rows) => out.copy_from_slice(rows.row(i)),
        }
    }

    /// The memory of tile `i`, in whatever order: dims × TILE values at least.
    pub fn tile(&self, i: usize) -> &[f32] {
        match self {
            Resident::Tiles(tiles) => tiles.tile(i),
            Resident::Rows(rows) => rows.tile(i),
        }
    }

    /// A bound on the norms of the rows of tile `i`.
    pub fn norm(&self, i: usize) -> f32 {
        match self {
            Resident::Tiles(tiles) => tiles.norm(i),
            Resident::Rows(rows) => rows.norm(i),
        }
    }
}

/// Chunks of a lane's rows: enough to even out lanes of unequal speed, few enough that taking one
/// costs nothing.
const CHUNKS: usize = 64;

/// A lane's rows and their labels. Whoever works on a chunk holds its labels.
pub struct Shared {
    /// The rows.
    pub rows: Resident,
    /// Tiles in a chunk; the last may have fewer.
    pub step: usize,
    /// The rows' weights, filled up with zeros to whole tiles; where they have any.
    weights: OnceLock<Vec<[f32; TILE]>>,
    labels: Vec<Mutex<Labels>>,
    bounds: Vec<Mutex<ChunkBounds>>,
    /// The next chunk that nobody has taken in this step.
    next: AtomicUsize,
}

impl Shared {
    /// Rows without labels. All chunks count as taken until [`Shared::open`].
    pub fn new(rows: Resident) -> Shared {
        let step = rows.count().div_ceil(TILE).div_ceil(CHUNKS).max(1);
        let (next, weights) = (AtomicUsize::new(usize::MAX / 2), OnceLock::new());
        let mut shared =
            Shared { rows, step, weights, labels: Vec::new(), bounds: Vec::new(), next };
        shared.bounds = (0..shared.chunks()).map(|_| Mutex::default()).collect();
        shared.labels = (0..shared.chunks()).map(|_| Mutex::new(Labels::new(0, 1))).collect();
        shared
    }

    /// Gives the rows weights; the first that are given count. Refuses another number of them than
    /// there are rows.
    pub fn weigh(&self, mut weights: Vec<f32>) -> Result<()> {
        let (given, rows) = (weights.len(), self.rows.count());
        if given != rows {
            return Err(Error::internal(format!("{given} weights for {rows} rows")));
        }
        weights.resize(self.tiles() * TILE, 0.0);
        let _ = self.weights.set(weights.as_chunks().0.to_vec());
        Ok(())
    }

    /// Have rows weights?
    pub fn is_weighed(&self) -> bool {
        self.weights.get().is_some()
    }

    /// The weights of the rows of tile `i`.
    pub fn weights_of(&self, i: usize) -> [f32; TILE] {
        self.weights.get().map_or([1.0; TILE], |weights| weights[i])
    }

    /// The weight of row `i`.
    pub fn weight(&self, i: usize) -> f32 {
        self.weights.get().map_or(1.0, |weights| weights[i / TILE][i % TILE])
    }

    /// Number of tiles; the last may be partly filled.
    pub fn tiles(&self) -> usize {
        self.rows.count().div_ceil(TILE)
    }

    /// Number of chunks.
    pub fn chunks(&self) -> usize {
        self.tiles().div_ceil(self.step)
    }

    /// The tiles of a chunk.
    pub fn tiles_of(&self, chunk: usize) -> std::ops::Range<usize> {
        chunk * self.step..((chunk + 1) * self.step).min(self.tiles())
    }

    /// The labels of a chunk's tiles.
    pub fn labels(&self, chunk: usize) -> MutexGuard<'_, Labels> {
        // A lane that panics ends the process's answer; labels of a tile are whole in any case.
        self.labels[chunk].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bounds of a chunk's rows.
    pub fn bounds(&self, chunk: usize) -> MutexGuard<'_, ChunkBounds> {
        self.bounds[chunk].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets all labels: there are k clusters now.
    pub fn restart(&self, k: usize) {
        for chunk in 0..self.chunks() {
            *self.bounds(chunk) = ChunkBounds::default();
            *self.labels(chunk) = Labels::new(self.tiles_of(chunk).len(), k);
        }
    }

    /// Offers all chunks to be taken. Only the lane that owns the rows does so, at the start of its
    /// step.
    pub fn open(&self) {
        self.next.store(0, Ordering::Release);
    }

    /// Takes a chunk that nobody has taken.
    pub fn take(&self) -> Option<usize> {
        let chunk = self.next.fetch_add(1, Ordering::AcqRel);
        (chunk < self.chunks()).then_some(chunk)
    }
}

/// The lanes of a process that help each other: a lane that is done takes chunks of those that are
/// not.
///
/// Sums are exact integers, so it does not matter who adds a row up. Between two steps of a lane
/// lies a collective of all lanes, so no lane is a step ahead of another; a chunk is taken once,
/// and until an owner has opened its chunks they count as taken.
#[derive(Default)]
pub struct Pool {
    lanes: Vec<OnceLock<Arc<Shared>>>,
}

impl Pool {
    /// For this many threads.
    pub fn new(threads: usize) -> Pool {
        Pool { lanes: (0..threads).map(|_| OnceLock::new()).collect() }
    }

    /// A thread's rows. The first that a thread brings count.
    pub fn join(&self, thread: usize, rows: &Arc<Shared>) {
        if let Some(lane) = self.lanes.get(thread) {
            let _ = lane.set(rows.clone());
        }
    }

    /// Those of the other threads, the next thread's first.
    pub fn others(&self, thread: usize) -> impl Iterator<Item = &Shared> {
        let count = self.lanes.len();
        (1..count).filter_map(move |i| self.lanes[(thread + i) % count].get().map(Arc::as_ref))
    }
}

//! For other devices that share a lane's rows with the processor: labels come from elsewhere, and
//! what is exact is done here.

use crate::device::cpu::distance::Distance;
use crate::device::cpu::exact_nearest::TwoNearest;
use crate::device::cpu::gather::Gathered;
use crate::device::cpu::resident::Resident;
use crate::device::cpu::sums::{COLUMNS, Change, Memory, Totals};
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::{Cpu, Shard};
use crate::device::{Centroids, Partial};
use amdahl_data::RowSource;
use amdahl_record::error::{Error, Result};

/// A lane's rows in the host's memory, whose labels another device finds.
pub struct Host(pub(super) Shard);

impl Cpu {
    /// Takes all rows of the source.
    pub(in crate::device) fn host(&self, source: &mut dyn RowSource) -> Result<Host> {
        self.take(source).map(Host)
    }
}

impl Host {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.0.rows.rows.count()
    }

    /// Copies row `i` of the shard into `out`.
    pub fn row(&self, i: usize, out: &mut [f32]) {
        self.0.rows.rows.row(i, out);
    }

    /// A bound on the norms of all rows.
    pub fn norm(&self) -> f32 {
        (0..self.0.rows.tiles()).map(|i| self.0.rows.rows.norm(i)).fold(0.0, f32::max)
    }

    /// Have rows weights?
    pub fn is_weighed(&self) -> bool {
        self.0.rows.is_weighed()
    }

    /// The number of the nearest centroid of row `i` in f64, and the squared distances to it
    /// and to the second nearest. `room` is for the row.
    pub fn nearest(&self, i: usize, centroids: Centroids<'_>, room: &mut [f32]) -> (u32, [f64; 2]) {
        self.row(i, room);
        let computed = &mut Vec::new();
        self.0.device.kernel.run(TwoNearest {
            row: room,
            centroids,
            interleaved: None,
            second: true,
            computed,
        })
    }

    /// The squared distance of row `i` to a centroid in f64. `room` is for the row.
    pub fn distance(&self, i: usize, centroid: &[f32], room: &mut [f32]) -> f64 {
        self.row(i, room);
        self.0.device.kernel.run(Distance { row: room, centroid })
    }

    /// Gives every row its label and writes the exact sums of all rows. Returns how many labels
    /// changed; all of them after a restart.
    pub fn sum_by_labels(&mut self, labels: &[u32], out: &mut Partial) -> Result<u64> {
        if labels.len() != self.rows() || !self.0.restarted {
            return Err(Error::internal("labels that are not those of the rows"));
        }
        let changed = if let Some(mut sums) = self.0.weighed.take() {
            let changed = self.relabel(labels, &mut sums);
            sums.write(out);
            self.0.weighed = Some(sums);
            changed
        } else {
            let mut sums = std::mem::take(&mut self.0.sums);
            let changed = self.relabel(labels, &mut sums);
            sums.write(out);
            self.0.sums = sums;
            changed
        };
        self.0.fresh = false;
        Ok(changed)
    }

    fn relabel(&self, labels: &[u32], sums: &mut impl Totals) -> u64 {
        let (shared, kernel, fresh) = (&self.0.rows, self.0.device.kernel, self.0.fresh);
        let mut block = [0f32; TILE * COLUMNS];
        let mut count = 0;
        for chunk in 0..shared.chunks() {
            let mut kept = shared.labels(chunk);
            for (at, i) in shared.tiles_of(chunk).enumerate() {
                let new = &labels[i * TILE..labels.len().min((i + 1) * TILE)];
                let old = kept.tile(at).widen();
                let mut to = old;
                to[..new.len()].copy_from_slice(new);
                let here = u64::MAX >> (64 - new.len());
                let differ = |(lane, (a, b)): (usize, (&u32, &u32))| u64::from(a != b) << lane;
                let changed = if fresh {
                    here
                } else {
                    to.iter().zip(&old).enumerate().map(differ).fold(0, |all, bit| all | bit)
                };
                if changed == 0 {
                    continue;
                }
                let memory = match &shared.rows {
                    Resident::Rows(_) => Memory::Rows(shared.rows.tile(i)),
                    Resident::Tiles(_) => Memory::Columns(shared.rows.tile(i)),
                };
                let change = Change {
                    memory,
                    changed,
                    from: (!fresh).then_some(&old),
                    to: &to,
                    scratch: &mut block,
                };
                sums.relabel(kernel, change, || shared.weights_of(i));
                kept.set(at, &to);
                count += u64::from(changed.count_ones());
            }
        }
        count
    }

    /// The exact sums of these rows of the shard, possibly repeated, by these labels. Labels of
    /// steps and their sums stay as they are.
    pub fn batch(&self, rows: &[usize], labels: &[u32], dims: usize, out: &mut Partial) {
        let (shared, kernel) = (&self.0.rows, self.0.device.kernel);
        let mut block = [0f32; TILE * COLUMNS];
        let mut gathered = Gathered::new(kernel, dims);
        let mut add = |sums: &mut dyn FnMut(Change<'_>, &Gathered)| {
            for (rows, labels) in rows.chunks(TILE).zip(labels.chunks(TILE)) {
                for row in rows {
                    gathered.take(&shared.rows, row / TILE, &mut (1 << (row % TILE)), &[0; TILE]);
                }
                let mut to = [0; TILE];
                to[..labels.len()].copy_from_slice(labels);
                let changed = u64::MAX >> (64 - rows.len());
                let memory = gathered.memory(&shared.rows);
                sums(
                    Change { memory, changed, from: None, to: &to, scratch: &mut block },
                    &gathered,
                );
                gathered.clear();
            }
        };
        if let Some(weighed) = &self.0.weighed {
            let mut sums = weighed.cleared();
            add(&mut |change, gathered| sums.relabel(kernel, change, || gathered.weights(shared)));
            sums.write(out);
        } else {
            let mut sums = self.0.sums.cleared();
            add(&mut |change, _| sums.relabel(kernel, change, || [1.0; TILE]));
            sums.write(out);
        }
    }

    /// The rest is the processor's own.
    pub fn shard(&mut self) -> &mut dyn crate::device::KMeansShard {
        &mut self.0
    }
}

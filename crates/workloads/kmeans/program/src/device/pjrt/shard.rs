//! A lane's rows on an accelerator.
//!
//! Rows are uploaded once, in blocks of one fixed shape; centroids in every step. What must be
//! exact stays with the host, which keeps the rows too: near ties are decided in f64, sums are
//! integers, distances are computed in f64. So with certified labels and sums on the host, the
//! answer is the processor's, bit by bit, whatever the device rounds.
//!
//! Checked in every step: labels are below k, counts add up to the rows, and some rows have the
//! label that f64 gives them. Where labels are rounded, all final labels are: each that is not the
//! nearest must be a tie within the error of the arithmetic.

use std::time::Instant;

use crate::device::cpu::host_sums::Host;
use crate::device::pjrt::Pjrt;
use crate::device::pjrt::bound;
use crate::device::pjrt::bound::Scaled;
use crate::device::pjrt::layout;
use crate::device::pjrt::text;
use crate::device::pjrt::text::{Format, MAX_ROWS, Text};
use crate::device::{Centroids, Far, KMeansShard, LabelSink, Partial, StepStats};
use amdahl_accelerator::client::{Bf16, Buffer};
use amdahl_accelerator::plugin::Told;
use amdahl_data::RowSource;
use amdahl_kmeans_description::spec::Update;
use amdahl_lanes::exact::{Grid, WideSum};
use amdahl_record::Phase;
use amdahl_record::error::{Error, Kind, Result};

/// Shapes are filled up to a multiple of this: the width of the arrays that compute.
const ROUND: usize = 128;

/// Values of a block at most, so that the host needs little beside the rows to make one.
const MAX_VALUES: usize = 1 << 28;

/// Rows that are checked in a step at most, and one in so many.
const CHECKED: usize = 32;
const ONE_IN: usize = 512;

/// Rows of a block at most, of so many columns.
fn most_rows(columns: usize) -> usize {
    MAX_ROWS.min((MAX_VALUES / columns).max(ROUND)) / ROUND * ROUND
}

/// Some of the rows, on the device.
struct Block {
    /// Number of its first row in the shard.
    first: usize,
    /// Rows, without those that fill it up.
    rows: usize,
    values: Buffer,
    /// Labels of the last step, where sums are made on the device.
    labels: Option<Buffer>,
}

/// Scores that were looked at: what the check of labels needs of a step.
struct Last {
    centroids: Vec<f32>,
    /// Squared distances that are closer may be confused.
    distance: f64,
}

/// The shard.
pub struct Shard<'a> {
    device: &'a Pjrt<'a>,
    host: Host,
    dims: usize,
    first: u64,
    k: usize,
    grid: Option<Grid>,
    /// Values are below 2 to this power; blocks were scaled by it.
    exponent: Option<i32>,
    blocks: Vec<Block>,
    block_rows: usize,
    /// Rows of the one shape that batches have on the device; 0 before the first.
    batch_rows: usize,
    last: Option<Last>,
    /// Are the labels of the last step on the device alone?
    away: bool,
    steps: usize,
}

impl<'a> Shard<'a> {
    /// Takes all rows of the source into the host's memory. They go to the device when their scale
    /// is known.
    pub fn new(device: &'a Pjrt<'a>, source: &mut dyn RowSource) -> Result<Shard<'a>> {
        let (dims, first) = (source.shape().dims, source.position());
        let host = device.cpu.host(source)?;
        let most = most_rows(dims + device.format().ones());
        let count = host.rows().div_ceil(most).max(1);
        let block_rows = host.rows().div_ceil(count).next_multiple_of(ROUND);
        Ok(Shard {
            device,
            host,
            dims,
            first,
            k: 0,
            grid: None,
            exponent: None,
            blocks: Vec::new(),
            block_rows,
            batch_rows: 0,
            last: None,
            away: false,
            steps: 0,
        })
    }

    fn on_device(&self) -> bool {
        self.device.offload.update == Update::Device
    }

    /// The program of a step over blocks of so many rows.
    fn text(&self, rows: usize, update: bool) -> Text {
        let kind = match (update, self.device.certify) {
            (true, _) => text::Kind::Update,
            (false, true) => text::Kind::Certified,
            (false, false) => text::Kind::Assign,
        };
        Text { kind, rows, dims: self.dims, k: self.k, format: self.device.format() }
    }

    /// Columns on the device.
    fn columns(&self) -> usize {
        self.dims + self.device.format().ones()
    }

    /// Copies a matrix of this shape to the device, rounded to its format.
    fn upload_values(&self, values: &[f32], shape: [usize; 2]) -> Told<Buffer> {
        let shape = shape.map(|n| n as i64);
        match self.device.format() {
            Format::F32 => self.device.client.upload(values, &shape),
            Format::Bf16 => {
                let half: Vec<Bf16> = values.iter().map(|&x| Bf16::nearest(x)).collect();
                self.device.client.upload(&half, &shape)
            }
        }
    }

    /// A block of `size` rows, filled up: so many rows of the shard, whose numbers are `number`'s,
    /// scaled.
    fn block(
        &self,
        number: impl Fn(usize) -> usize,
        rows: usize,
        size: usize,
        exponent: i32,
    ) -> Vec<f32> {
        let factor = bound::factor(exponent);
        let row = |i: usize, row: &mut [f32]| {
            self.host.row(number(i), row);
            row.iter_mut().for_each(|x| *x = (f64::from(*x) * factor) as f32);
        };
        layout::columns(row, rows, (size, self.dims), self.device.format())
    }

    /// Copies the rows to the device, unless they are there in this scale.
    fn resident(&mut self, exponent: i32) -> Result<()> {
        if self.exponent == Some(exponent) {
            return Ok(());
        }
        let start = Instant::now();
        self.blocks.clear();
        let (rows, size) = (self.host.rows(), self.block_rows);
        let mut bytes = 0;
        for first in (0..rows).step_by(size.max(1)) {
            let here = size.min(rows - first);
            let values = self.block(|i| first + i, here, size, exponent);
            bytes += values.len() as u64 * if self.device.format() == Format::F32 { 4 } else { 2 };
            let values = self.upload_values(&values, [self.columns(), size])?;
            self.blocks.push(Block { first, rows: here, values, labels: None });
        }
        self.exponent = Some(exponent);
        let mut notes = self.device.notes.borrow_mut();
        notes.upload_s += start.elapsed().as_secs_f64();
        notes.resident_bytes = bytes;
        Ok(())
    }

    /// Centroids with their starts, and the threshold, on the device.
    fn inputs(&self, scaled: &Scaled) -> Told<[Buffer; 2]> {
        let centroids = layout::centroids(scaled, self.dims, self.device.format());
        Ok([
            self.upload_values(&centroids, [self.k, self.columns()])?,
            self.device.client.upload(&[scaled.threshold], &[])?,
        ])
    }

    fn prepared(&self, centroids: Centroids<'_>) -> Result<Scaled> {
        let exponent =
            self.exponent.ok_or_else(|| Error::internal("a step before the first restart"))?;
        Ok(Scaled::new(centroids, exponent, self.host.norm(), self.device.format()))
    }

    /// Labels of the rows of a block by the device; those it has not decided, by the host. `number`
    /// says which row of the shard is which of the block.
    fn label(
        &mut self,
        values: &Buffer,
        size: usize,
        inputs: &[Buffer; 2],
        centroids: Centroids<'_>,
        number: &dyn Fn(usize) -> usize,
        labels: &mut [u32],
    ) -> Result<u64> {
        let device = self.device;
        let program = device.program(self.text(size, false))?;
        let [c, threshold] = inputs;
        let given = [values, c, threshold];
        let given = if device.certify { &given[..] } else { &given[..2] };
        let outputs = device.during(Phase::EXECUTE, || program.run(given))?;
        let mut raw = vec![0i32; size];
        device.during(Phase::DOWNLOAD, || outputs[0].download(&mut raw))?;
        let (k, mut decided, mut room) = (self.k as i64, 0, vec![0f32; self.dims]);
        for (i, (label, &raw)) in labels.iter_mut().zip(&raw).enumerate() {
            *label = match i64::from(raw) {
                raw if (0..k).contains(&raw) => raw as u32,
                raw if device.certify && raw == k => {
                    decided += 1;
                    self.host.nearest(number(i), centroids, &mut room).0
                }
                raw => {
                    return Err(
                        self.broken(number(i), format!("has the label {raw}, of {k} clusters"))
                    );
                }
            };
        }
        device.notes.borrow_mut().decided_by_host += decided;
        Ok(decided)
    }

    fn broken(&self, row: usize, what: String) -> Error {
        let (row, platform) = (self.first + row as u64, &self.device.platform);
        Error::new(
            Kind::Device,
            format!("the device '{platform}' computed what cannot be: row {row} {what}"),
        )
        .hint("its results are not to be trusted: report the record's device facts with this")
    }

    /// Is this the label of row `i`? In certified arithmetic the nearest, else the nearest or one
    /// that is confused with it. `Ok(true)` for the nearest.
    fn is_label(
        &self,
        i: usize,
        label: u32,
        last: Centroids<'_>,
        distance: f64,
        room: &mut [f32],
    ) -> Result<bool> {
        let (nearest, [least, _]) = self.host.nearest(i, last, room);
        if nearest == label {
            return Ok(true);
        }
        let its = self.host.distance(i, last.row(label as usize), room);
        if !self.device.certify && its - least <= distance {
            return Ok(false);
        }
        Err(self.broken(
            i,
            format!("has the label {label} at squared distance {its}, and cluster {nearest} is nearer with {least}: more than rounding explains"),
        ))
    }

    /// Checks some rows of a step, others in every step.
    fn spot_check(
        &mut self,
        labels: &[u32],
        centroids: Centroids<'_>,
        distance: f64,
    ) -> Result<()> {
        let rows = labels.len();
        let count = rows.div_ceil(ONE_IN).min(CHECKED);
        self.steps += 1;
        let mut room = vec![0f32; self.dims];
        for j in 0..count {
            let i = (j * rows / count + self.steps * 7919) % rows;
            self.is_label(i, labels[i], centroids, distance, &mut room)?;
        }
        Ok(())
    }

    fn step_on_host(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        let device = self.device;
        let scaled = self.prepared(centroids)?;
        let inputs = device.during(Phase::UPLOAD, || self.inputs(&scaled))?;
        let mut labels = vec![0u32; self.host.rows()];
        let mut rescanned = 0;
        let blocks = std::mem::take(&mut self.blocks);
        for block in &blocks {
            let labels = &mut labels[block.first..][..block.rows];
            let number = |i: usize| block.first + i;
            let of =
                self.label(&block.values, self.block_rows, &inputs, centroids, &number, labels);
            match of {
                Ok(decided) => rescanned += decided,
                Err(error) => {
                    self.blocks = blocks;
                    return Err(error);
                }
            }
        }
        self.blocks = blocks;
        self.spot_check(&labels, centroids, scaled.distance)?;
        self.last = Some(Last { centroids: centroids.values.to_vec(), distance: scaled.distance });
        let changed = self.host.sum_by_labels(&labels, out)?;
        Ok(StepStats { changed, distances: (labels.len() * self.k) as u64, rescanned })
    }

    fn step_on_device(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        let (device, k, dims, size) = (self.device, self.k, self.dims, self.block_rows);
        let columns = self.columns();
        let scaled = self.prepared(centroids)?;
        let inputs = device.during(Phase::UPLOAD, || self.inputs(&scaled))?;
        let program = device.program(self.text(size, true))?;
        let (mut sums, mut counts) = (vec![0f64; k * dims], vec![0i64; k]);
        let mut changed = 0;
        for block in &mut self.blocks {
            if block.labels.is_none() {
                let none = layout::no_labels(block.rows, size);
                block.labels = Some(
                    device.during(Phase::UPLOAD, || device.client.upload(&none, &[size as i64]))?,
                );
            }
            let Some(old) = &block.labels else {
                return Err(Error::internal("a block without labels"));
            };
            let given = [&block.values, &inputs[0], old];
            let mut outputs = device.during(Phase::EXECUTE, || program.run(&given))?;
            let (mut of_sums, mut of_changed) = (vec![0f32; columns * k], [0f32]);
            device.during(Phase::DOWNLOAD, || {
                outputs[1].download(&mut of_sums)?;
                outputs[2].download(&mut of_changed)
            })?;
            let of_counts = &of_sums[(columns - 1) * k..];
            let counted: f64 = of_counts.iter().map(|&count| f64::from(count)).sum();
            if counted != block.rows as f64
                || of_counts.iter().any(|&count| count < 0.0 || count.fract() != 0.0)
            {
                let message = format!(
                    "the device '{}' computed what cannot be: its counts add up to {counted}, of {} rows",
                    device.platform, block.rows
                );
                return Err(
                    Error::new(Kind::Device, message).hint("its results are not to be trusted")
                );
            }
            for (i, of) in of_sums[..dims * k].iter().enumerate() {
                sums[i % k * dims + i / k] += f64::from(*of);
            }
            counts.iter_mut().zip(of_counts).for_each(|(count, &of)| *count += of as i64);
            changed += of_changed[0] as u64;
            block.labels = Some(outputs.swap_remove(0));
        }
        let (Some(grid), Some(exponent)) = (&self.grid, self.exponent) else {
            return Err(Error::internal("a step before the first restart"));
        };
        let unscaled = 1.0 / bound::factor(exponent);
        for (i, (out, sum)) in out.sums.iter_mut().zip(sums).enumerate() {
            *out = (sum * unscaled * grid.scale()[i % dims]).round_ties_even() as i64;
        }
        out.counts.copy_from_slice(&counts);
        self.last = Some(Last { centroids: centroids.values.to_vec(), distance: scaled.distance });
        self.away = true;
        Ok(StepStats { changed, distances: (self.host.rows() * k) as u64, rescanned: 0 })
    }

    /// Brings the labels of the last step to the host.
    fn fetch(&mut self) -> Result<()> {
        if !self.away {
            return Ok(());
        }
        let mut labels = Vec::with_capacity(self.host.rows());
        for block in &self.blocks {
            let mut raw = vec![0f32; self.block_rows];
            if let Some(buffer) = &block.labels {
                self.device.during(Phase::DOWNLOAD, || buffer.download(&mut raw))?;
            }
            for (i, &raw) in raw[..block.rows].iter().enumerate() {
                if !(raw >= 0.0 && raw < self.k as f32 && raw.fract() == 0.0) {
                    return Err(self.broken(
                        block.first + i,
                        format!("has the label {raw}, of {} clusters", self.k),
                    ));
                }
                labels.push(raw as u32);
            }
        }
        self.host.sum_by_labels(&labels, &mut Partial::new(self.k, self.dims))?;
        self.away = false;
        Ok(())
    }

    /// Holds rounded labels against distances in f64, all of them.
    fn verify(&mut self) -> Result<()> {
        if self.device.certify || self.k < 2 {
            return Ok(());
        }
        let Some(last) = self.last.take() else { return Ok(()) };
        let (first, mut labels) = (self.first, Kept(vec![0; self.host.rows()], self.first));
        self.host.shard().labels(&mut labels)?;
        let centroids = Centroids { values: &last.centroids, k: self.k, dims: self.dims };
        // The processor's own labels are fast, and mostly the same.
        let mut sums = Partial::new(self.k, self.dims);
        self.host.shard().step(centroids, &mut sums)?;
        let mut nearest = Kept(vec![0; self.host.rows()], first);
        self.host.shard().labels(&mut nearest)?;
        let mut room = vec![0f32; self.dims];
        let mut ties = 0;
        for (i, (&label, _)) in labels
            .0
            .iter()
            .zip(&nearest.0)
            .enumerate()
            .filter(|(_, (label, nearest))| label != nearest)
        {
            ties += u64::from(!self.is_label(i, label, centroids, last.distance, &mut room)?);
        }
        self.device.notes.borrow_mut().proven_ties = Some(ties);
        self.host.sum_by_labels(&labels.0, &mut sums)?;
        self.last = Some(last);
        Ok(())
    }
}

/// Labels of the shard.
struct Kept(Vec<u32>, u64);

impl LabelSink for Kept {
    fn put(&mut self, first: u64, labels: &[u32]) -> Result<()> {
        self.0[(first - self.1) as usize..][..labels.len()].copy_from_slice(labels);
        Ok(())
    }
}

impl KMeansShard for Shard<'_> {
    fn weigh(&mut self, weights: Vec<f32>) -> Result<()> {
        if self.on_device() {
            return Err(Error::unavailable(
                "sums on the device count every row once, and these rows have weights",
            )
            .hint("take update = \"host\""));
        }
        self.host.shard().weigh(weights)
    }

    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()> {
        self.host.shard().restart(grid, k)?;
        (self.grid, self.k, self.away, self.last) = (Some(grid.clone()), k, false, None);
        self.batch_rows = 0;
        self.blocks.iter_mut().for_each(|block| block.labels = None);
        // One cluster is nothing to compute.
        if k > 1 {
            self.resident(grid.largest_exponent())?;
            if !self.blocks.is_empty() {
                self.device.program(self.text(self.block_rows, self.on_device()))?;
            }
        }
        Ok(())
    }

    fn step(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        match (self.k, self.on_device()) {
            (1, _) => self.host.shard().step(centroids, out),
            (_, false) => self.step_on_host(centroids, out),
            (_, true) => self.step_on_device(centroids, out),
        }
    }

    fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()> {
        self.fetch()?;
        self.host.shard().labels(sink)
    }

    fn inertia(&mut self, centroids: Centroids<'_>, into: &mut WideSum) -> Result<()> {
        self.fetch()?;
        self.verify()?;
        self.host.shard().inertia(centroids, into)
    }

    fn farthest(&mut self, centroids: Centroids<'_>, count: usize) -> Result<Vec<Far>> {
        self.fetch()?;
        self.host.shard().farthest(centroids, count)
    }

    fn expect_batches(&mut self, rows: usize) -> Result<()> {
        if self.k > 1 {
            let most = most_rows(self.columns());
            self.batch_rows = rows.next_multiple_of(ROUND).clamp(ROUND, most);
            self.device.program(self.text(self.batch_rows, false))?;
        }
        Ok(())
    }

    fn batch(
        &mut self,
        rows: &[u64],
        centroids: Centroids<'_>,
        out: &mut Partial,
    ) -> Result<StepStats> {
        if self.k == 1 || rows.is_empty() {
            return self.host.shard().batch(rows, centroids, out);
        }
        let device = self.device;
        let exponent =
            self.exponent.ok_or_else(|| Error::internal("a batch before the first restart"))?;
        if self.batch_rows == 0 {
            self.expect_batches(rows.len())?;
        }
        let (size, scaled) = (self.batch_rows, self.prepared(centroids)?);
        let inputs = device.during(Phase::UPLOAD, || self.inputs(&scaled))?;
        let numbers: Vec<usize> = rows.iter().map(|row| (row - self.first) as usize).collect();
        let (mut labels, mut rescanned) = (vec![0u32; numbers.len()], 0);
        // One shape, whatever the number of rows: each shape is compiled.
        for (numbers, labels) in numbers.chunks(size).zip(labels.chunks_mut(size)) {
            let values = self.block(|i| numbers[i], numbers.len(), size, exponent);
            let shape = [self.columns(), size];
            let values = device.during(Phase::UPLOAD, || self.upload_values(&values, shape))?;
            rescanned += self.label(&values, size, &inputs, centroids, &|i| numbers[i], labels)?;
        }
        self.host.batch(&numbers, &labels, self.dims, out);
        Ok(StepStats { distances: (rows.len() * centroids.k) as u64, rescanned, changed: 0 })
    }

    fn seed_start(&mut self, grid: &Grid) -> Result<()> {
        self.host.shard().seed_start(grid)
    }

    fn seed_try(&mut self, candidates: Centroids<'_>, sums: &mut [WideSum]) -> Result<()> {
        self.host.shard().seed_try(candidates, sums)
    }

    fn seed_take(&mut self, centres: Centroids<'_>) -> Result<()> {
        self.host.shard().seed_take(centres)
    }

    fn seed_distances(&mut self, sink: &mut dyn FnMut(u64, &[f64]) -> bool) -> Result<()> {
        self.host.shard().seed_distances(sink)
    }

    fn row(&mut self, row: u64, out: &mut [f32]) -> Result<bool> {
        self.host.shard().row(row, out)
    }
}

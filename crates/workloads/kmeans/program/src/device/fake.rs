//! A device for tests: its memory is out of reach and its answers come late, as an accelerator's
//! do.
//!
//! The rows live in a thread of their own. Every operation is a message to it and a message back,
//! after other work has passed. It computes distances in f64, row by row, so it is also an oracle that
//! shares no kernel with the CPU device.

use std::sync::mpsc::{Receiver, Sender, channel};

use crate::device::{Centroids, Far, KMeansDevice, KMeansShard, LabelSink, Partial, StepStats};
use amdahl_data::{Matrix, RowSource};
use amdahl_lanes::exact::{Grid, WideSum, squared_distance};
use amdahl_record::error::{Error, Result};

/// The device.
#[derive(Debug, Default)]
pub struct Fake;

impl KMeansDevice for Fake {
    fn platform(&self) -> String {
        "amdahl-fake".into()
    }
    fn kernel(&self, _dims: usize, _k: usize) -> String {
        "f64, row by row".into()
    }
    fn prepare<'a>(&'a self, source: &mut dyn RowSource) -> Result<Box<dyn KMeansShard + 'a>> {
        let (shape, first) = (source.shape(), source.position());
        let mut rows =
            Matrix { values: vec![0.0; shape.rows as usize * shape.dims], dims: shape.dims };
        if shape.rows > 0 {
            source.read(&mut rows.values)?;
        }
        let (orders, inbox) = channel::<Order>();
        std::thread::spawn(move || {
            let mut memory = Memory {
                rows,
                first,
                labels: Vec::new(),
                weights: Vec::new(),
                grid: None,
                k: 0,
                nearest: Vec::new(),
            };
            while let Ok(order) = inbox.recv() {
                // Late on purpose: whoever reads before waiting reads too early.
                std::thread::yield_now();
                order(&mut memory);
            }
        });
        Ok(Box::new(Shard { orders }))
    }
}

type Order = Box<dyn FnOnce(&mut Memory) + Send>;

/// What lies on the device.
struct Memory {
    rows: Matrix,
    first: u64,
    labels: Vec<u32>,
    /// Empty where every row counts once.
    weights: Vec<f32>,
    grid: Option<Grid>,
    k: usize,
    /// Squared distances to the nearest centre.
    nearest: Vec<f64>,
}

struct Shard {
    orders: Sender<Order>,
}

impl Shard {
    /// Sends work to the device and returns where its result will come.
    fn submit<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> R + Send + 'static,
    ) -> Result<Receiver<R>> {
        let (done, result) = channel();
        let order: Order = Box::new(move |memory| drop(done.send(work(memory))));
        self.orders.send(order).map_err(|_| Error::internal("the fake device is gone"))?;
        Ok(result)
    }

    fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> R + Send + 'static,
    ) -> Result<R> {
        self.submit(work)?.recv().map_err(|_| Error::internal("the fake device is gone"))
    }
}

impl Memory {
    /// The nearest centroid of row `i`.
    fn nearest(&self, i: usize, centroids: &[f32]) -> u32 {
        let row = self.rows.row(i);
        let mut best = (f64::INFINITY, 0u32);
        for (j, centroid) in centroids.chunks_exact(self.rows.dims).enumerate() {
            let distance = squared_distance(row, centroid);
            if distance < best.0 {
                best = (distance, j as u32);
            }
        }
        best.1
    }

    /// Adds row `i` to the sum of a cluster.
    fn add(&self, i: usize, cluster: u32, partial: &mut Partial) {
        let Some(grid) = &self.grid else { return };
        let (weighing, weight) = (grid.weighing(), self.weight(i));
        partial.counts[cluster as usize] += weighing.alone(weight);
        for (t, &x) in self.rows.row(i).iter().enumerate() {
            let q = Grid::quantise(x, grid.scale()[t]);
            partial.sums[cluster as usize * self.rows.dims + t] += weighing.product(weight, q);
        }
    }

    fn weight(&self, i: usize) -> f32 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// Does row `i` weigh anything?
    fn counts(&self, i: usize) -> bool {
        self.grid.as_ref().is_some_and(|grid| grid.weighing().alone(self.weight(i)) > 0)
    }

    fn distances<'a>(&'a self, centroids: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
        let dims = self.rows.dims;
        (0..self.rows.rows() as usize).map(move |i| {
            squared_distance(self.rows.row(i), &centroids[self.labels[i] as usize * dims..][..dims])
        })
    }
}

impl KMeansShard for Shard {
    fn weigh(&mut self, weights: Vec<f32>) -> Result<()> {
        self.run(move |memory| memory.weights = weights)
    }

    fn restart(&mut self, grid: &Grid, k: usize) -> Result<()> {
        let grid = grid.clone();
        self.run(move |memory| {
            memory.labels.clear();
            memory.grid = Some(grid);
            memory.k = k;
        })
    }

    fn step(&mut self, centroids: Centroids<'_>, out: &mut Partial) -> Result<StepStats> {
        let values = centroids.values.to_vec();
        let (partial, stats) = self.run(move |memory| {
            let (k, dims, rows) = (memory.k, memory.rows.dims, memory.rows.rows());
            let mut partial = Partial::new(k, dims);
            let mut stats = StepStats { distances: rows * k as u64, ..StepStats::default() };
            let old = std::mem::take(&mut memory.labels);
            for i in 0..rows as usize {
                let label = memory.nearest(i, &values);
                stats.changed += u64::from(old.get(i) != Some(&label));
                memory.labels.push(label);
                memory.add(i, label, &mut partial);
            }
            (partial, stats)
        })?;
        *out = partial;
        Ok(stats)
    }

    fn labels(&mut self, sink: &mut dyn LabelSink) -> Result<()> {
        let (first, labels) = self.run(|memory| (memory.first, memory.labels.clone()))?;
        sink.put(first, &labels)
    }

    fn inertia(&mut self, centroids: Centroids<'_>, into: &mut WideSum) -> Result<()> {
        let values = centroids.values.to_vec();
        let weighted = self.run(move |memory| {
            let distances = memory.distances(&values).enumerate();
            distances
                .map(|(i, distance)| f64::from(memory.weight(i)) * distance)
                .collect::<Vec<_>>()
        })?;
        weighted.iter().for_each(|&distance| into.add(distance));
        Ok(())
    }

    fn farthest(&mut self, centroids: Centroids<'_>, count: usize) -> Result<Vec<Far>> {
        let values = centroids.values.to_vec();
        self.run(move |memory| {
            let mut far: Vec<Far> = memory
                .distances(&values)
                .enumerate()
                .filter(|(i, _)| memory.counts(*i))
                .map(|(i, distance)| {
                    let (row, label, weight) =
                        (memory.first + i as u64, memory.labels[i], memory.weight(i));
                    Far { distance, row, label, weight }
                })
                .collect();
            far.sort_by(|a, b| b.cmp(a));
            far.truncate(count);
            far
        })
    }

    fn batch(
        &mut self,
        rows: &[u64],
        centroids: Centroids<'_>,
        out: &mut Partial,
    ) -> Result<StepStats> {
        let (rows, values, Centroids { k, dims, .. }) =
            (rows.to_vec(), centroids.values.to_vec(), centroids);
        let distances = (rows.len() * k) as u64;
        *out = self.run(move |memory| {
            let mut partial = Partial::new(k, dims);
            for row in rows {
                let i = (row - memory.first) as usize;
                memory.add(i, memory.nearest(i, &values), &mut partial);
            }
            partial
        })?;
        Ok(StepStats { distances, ..StepStats::default() })
    }

    fn seed_start(&mut self, _grid: &Grid) -> Result<()> {
        self.run(|memory| memory.nearest = vec![f64::INFINITY; memory.rows.rows() as usize])
    }

    fn seed_try(&mut self, candidates: Centroids<'_>, sums: &mut [WideSum]) -> Result<()> {
        for (candidate, sum) in candidates.values.chunks_exact(candidates.dims).zip(sums) {
            let candidate = candidate.to_vec();
            let nearer = self.run(move |memory| {
                let distance = |(i, &nearest): (usize, &f64)| {
                    f64::from(memory.weight(i))
                        * nearest.min(squared_distance(memory.rows.row(i), &candidate))
                };
                memory.nearest.iter().enumerate().map(distance).collect::<Vec<_>>()
            })?;
            nearer.into_iter().for_each(|distance| sum.add(distance));
        }
        Ok(())
    }

    fn seed_take(&mut self, centres: Centroids<'_>) -> Result<()> {
        for centre in centres.values.chunks_exact(centres.dims) {
            let centre = centre.to_vec();
            self.run(move |memory| {
                for (i, nearest) in memory.nearest.iter_mut().enumerate() {
                    *nearest = nearest.min(squared_distance(memory.rows.row(i), &centre));
                }
            })?;
        }
        Ok(())
    }

    fn seed_distances(&mut self, sink: &mut dyn FnMut(u64, &[f64]) -> bool) -> Result<()> {
        let (first, nearest) = self.run(|memory| {
            let weighted = |(i, &nearest): (usize, &f64)| f64::from(memory.weight(i)) * nearest;
            (memory.first, memory.nearest.iter().enumerate().map(weighted).collect::<Vec<_>>())
        })?;
        sink(first, &nearest);
        Ok(())
    }

    fn row(&mut self, row: u64, out: &mut [f32]) -> Result<bool> {
        let values = self.run(move |memory| {
            let here = row.checked_sub(memory.first).filter(|&i| i < memory.rows.rows());
            here.map(|i| memory.rows.row(i as usize).to_vec())
        })?;
        if let Some(values) = &values {
            out.copy_from_slice(values);
        }
        Ok(values.is_some())
    }
}

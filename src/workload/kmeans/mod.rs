//! Lloyd's k-means as the program that every lane runs.
//!
//! An iteration gives every row the label of its nearest centroid (assign), adds up the rows of each cluster over all lanes (reduce) and
//! moves the centroids to the means (update). Sums are exact integers, so the same data, k and seed give bit-identical centroids, labels
//! and inertia on any number of lanes. S. Lloyd, *Least squares quantization in PCM*, IEEE Trans. Inf. Theory 28 (1982).

use std::time::Instant;

use crate::cell::{Arithmetic, Backend, DeviceKind, KMeans, Schedule, Stop, hex};
use crate::data::{RowSource, Shape, digest};
use crate::error::{Error, Result};
use crate::exact::{Grid, WideSum};
use crate::measure::comm::{Buf, Op, agreed, bytes};
use crate::measure::device::{Centroids, KMeansDevice, KMeansShard, LabelSink, Partial, cpu::Cpu};
use crate::record::{Answer, Clustering, Phase};
use crate::workload::{LaneContext, LaneResult, load};

pub mod init;
pub mod quality;
pub mod update;

/// Runs the workload on this lane, on the device that the backend names.
pub fn run(spec: &KMeans, backend: &Backend, context: &LaneContext<'_>) -> Result<LaneResult> {
    let device: Box<dyn KMeansDevice> = match backend {
        Backend::Native { device: DeviceKind::Cpu, .. } => {
            let cpu = agreed(context.comm, Cpu::new())?;
            let cpu = cpu.layout(spec.layout).certify(spec.arithmetic == Arithmetic::Certified);
            Box::new(match spec.schedule {
                Schedule::Static => cpu,
                Schedule::Dynamic => cpu.helping(context.pool.clone(), context.comm.lane().thread),
            })
        }
        Backend::Peer(name) => return Err(Error::internal(format!("'{name}' is not a backend of this program"))),
    };
    run_on(spec, device.as_ref(), context)
}

/// Runs the workload on this lane, on a given device.
pub fn run_on(spec: &KMeans, device: &dyn KMeansDevice, context: &LaneContext<'_>) -> Result<LaneResult> {
    let LaneContext { comm, recorder, .. } = *context;
    recorder.enter(Phase::Load);
    let mut part = load::part(comm, context.source)?;
    let whole = part.whole;
    let k = spec.k as usize;
    if whole.rows < k as u64 {
        return Err(Error::data(format!("k = {k} clusters need at least {k} rows, the data has {}", whole.rows))
            .hint("choose a smaller k or more points"));
    }
    let (shard, inspected) = agreed(comm, part.stream(|rows| take(device, rows)))?;
    let mut maxima: Vec<u64> = inspected.maxima.iter().map(|&bits| u64::from(bits)).collect();
    comm.all_reduce(Op::Max, Buf::U64(&mut maxima))?;
    let maxima: Vec<f32> = maxima.iter().map(|&bits| f32::from_bits(bits as u32)).collect();
    let grid = agreed(comm, Grid::new(&maxima, whole.rows))?;

    recorder.enter(Phase::Init);
    let mut lloyd = Lloyd::new(context, shard, grid, k, whole);
    let initial = init::centroids(comm, lloyd.shard.as_mut(), &spec.init, k, whole)?;
    let tolerance = match spec.stop {
        Stop::Converged { tolerance, .. } if tolerance > 0.0 => tolerance * lloyd.mean_variance()?,
        _ => 0.0,
    };
    if spec.warmup > 0 {
        lloyd.restart(k)?;
        lloyd.iterate(&mut initial.clone(), spec.warmup, None, false)?;
    }
    lloyd.restart(k)?;
    let (iterations, rule) = match spec.stop {
        Stop::Iterations(n) => (n, None),
        Stop::Converged { max_iterations, .. } => (max_iterations, Some(tolerance)),
    };

    let mut centroids = initial;
    comm.barrier()?;
    recorder.enter(Phase::Update);
    let start = Instant::now();
    let end = lloyd.iterate(&mut centroids, iterations, rule, true)?;
    let mut seconds = [start.elapsed().as_secs_f64()];

    recorder.enter(Phase::Finish);
    comm.all_reduce(Op::Max, Buf::F64(&mut seconds))?;
    if context.fault.spoils_the_answer(comm.lane()) {
        centroids[0] += 1.0;
    }
    let answer = lloyd.answer(&centroids, end, inspected.digest, part.truth.as_deref(), part.first)?;
    Ok(LaneResult {
        answer: Answer::KMeans(answer),
        seconds: seconds[0],
        platform: device.platform(),
        kernel: device.kernel(whole.dims, k),
        rows: inspected.rows,
    })
}

/// What is learnt of rows on their way to the device.
struct Inspected {
    rows: u64,
    /// Bits of the largest |x| of each column: without the sign, bits order as values do.
    maxima: Vec<u32>,
    /// Digest of the rows, to be added over lanes.
    digest: u64,
}

/// Looks at rows as they pass.
struct Inspect<'a> {
    rows: &'a mut dyn RowSource,
    found: Inspected,
}

impl RowSource for Inspect<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }
    fn position(&self) -> u64 {
        self.rows.position()
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        let first = self.rows.position();
        let got = self.rows.read(out)?;
        let dims = self.found.maxima.len();
        let rows = &out[..got * dims];
        for row in rows.chunks_exact(dims) {
            for (max, x) in self.found.maxima.iter_mut().zip(row) {
                *max = (*max).max(x.to_bits() & 0x7fff_ffff);
            }
        }
        self.found.digest = self.found.digest.wrapping_add(digest::rows(first, rows, dims));
        self.found.rows += got as u64;
        Ok(got)
    }
}

fn take(device: &dyn KMeansDevice, rows: &mut dyn RowSource) -> Result<(Box<dyn KMeansShard>, Inspected)> {
    let found = Inspected { rows: 0, maxima: vec![0; rows.shape().dims], digest: 0 };
    let mut inspect = Inspect { rows, found };
    let shard = device.prepare(&mut inspect)?;
    Ok((shard, inspect.found))
}

/// How the iterations ended.
struct EndOfLoop {
    iterations: u32,
    converged: bool,
    /// The labels of the last step belong to the final centroids.
    labels_are_final: bool,
}

/// A lane's state of the clustering.
struct Lloyd<'a> {
    context: &'a LaneContext<'a>,
    shard: Box<dyn KMeansShard>,
    grid: Grid,
    whole: Shape,
    k: usize,
    /// This lane's sums, then everybody's.
    sums: Partial,
    /// What goes over the communicator: sums, counts, changed labels, lanes with an error.
    wire: Vec<i64>,
}

impl<'a> Lloyd<'a> {
    fn new(context: &'a LaneContext<'a>, shard: Box<dyn KMeansShard>, grid: Grid, k: usize, whole: Shape) -> Self {
        let sums = Partial::new(k, whole.dims);
        Lloyd { context, shard, grid, whole, k, sums, wire: Vec::new() }
    }

    fn restart(&mut self, k: usize) -> Result<()> {
        self.k = k;
        self.sums = Partial::new(k, self.whole.dims);
        agreed(self.context.comm, self.shard.restart(&self.grid, k))
    }

    /// One assignment and one reduction: afterwards `sums` are those of all rows. Returns how many labels changed.
    ///
    /// `ready` is an error that this lane already has.
    fn step(&mut self, ready: Result<()>, centroids: &[f32]) -> Result<u64> {
        let comm = self.context.comm;
        let centroids = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
        let stepped = ready.and_then(|()| self.shard.step(centroids, &mut self.sums));
        // One collective carries the sums and whether any lane failed, so that no lane waits for one that has given up.
        self.wire.clear();
        self.wire.extend_from_slice(&self.sums.sums);
        self.wire.extend_from_slice(&self.sums.counts);
        self.wire.push(stepped.as_ref().map_or(0, |stats| stats.changed as i64));
        self.wire.push(i64::from(stepped.is_err()));
        comm.all_reduce(Op::Sum, Buf::I64(&mut self.wire))?;
        let (sums, rest) = self.wire.split_at(self.sums.sums.len());
        let (counts, rest) = rest.split_at(self.k);
        if rest[1] != 0 {
            return Err(comm.agree(stepped.map(|_| ())).err().unwrap_or_else(|| Error::internal("a lane failed")));
        }
        self.sums.sums.copy_from_slice(sums);
        self.sums.counts.copy_from_slice(counts);
        Ok(rest[0] as u64)
    }

    /// At most `iterations` iterations from `centroids`, which end as the last ones. With a `rule`, ends when no label changes or the
    /// squared shift is at most `rule`.
    fn iterate(
        &mut self,
        centroids: &mut Vec<f32>,
        iterations: u32,
        rule: Option<f64>,
        real: bool,
    ) -> Result<EndOfLoop> {
        let LaneContext { comm, recorder, fault, .. } = *self.context;
        // Warm-up belongs to the phase it is in.
        let phase = |phase: Phase| {
            if real {
                recorder.enter(phase);
            }
        };
        let mut new = vec![0f32; centroids.len()];
        let mut labels_are_final = false;
        for iteration in 1..=iterations {
            phase(Phase::Assign);
            let ready = if real { fault.at(comm.lane(), iteration) } else { Ok(()) };
            let changed = self.step(ready, centroids)?;
            phase(Phase::Update);
            let empty = update::means(&self.sums, &self.grid, centroids, &mut new);
            if !empty.is_empty() {
                let old = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
                update::relocate(comm, self.shard.as_mut(), old, &self.sums, &self.grid, &empty, &mut new)?;
            }
            labels_are_final = same_bits(centroids, &new);
            let shift = update::shift(centroids, &new);
            std::mem::swap(centroids, &mut new);
            // In the first step every label is new.
            let unchanged = changed == 0 && iteration > 1;
            if rule.is_some_and(|tolerance| unchanged || (tolerance > 0.0 && shift <= tolerance)) {
                return Ok(EndOfLoop { iterations: iteration, converged: true, labels_are_final });
            }
        }
        Ok(EndOfLoop { iterations, converged: false, labels_are_final })
    }

    /// The mean over the columns of their variance (the population's), bit-identical on any number of lanes.
    fn mean_variance(&mut self) -> Result<f64> {
        self.restart(1)?;
        let mut mean = vec![0f32; self.whole.dims];
        let zero = vec![0f32; self.whole.dims];
        self.step(Ok(()), &zero)?;
        update::means(&self.sums, &self.grid, &zero, &mut mean);
        Ok(self.inertia(&mean)? / (self.whole.rows as f64 * self.whole.dims as f64))
    }

    /// Σ of squared distances by the labels of the last step, over all lanes.
    fn inertia(&mut self, centroids: &[f32]) -> Result<f64> {
        let comm = self.context.comm;
        let centroids = Centroids { values: centroids, k: self.k, dims: self.whole.dims };
        let mut sum: WideSum = self.grid.distance_sum();
        agreed(comm, self.shard.inertia(centroids, &mut sum))?;
        let mut limbs = sum.limbs();
        comm.all_reduce(Op::Sum, Buf::I64(&mut limbs))?;
        sum.set_limbs(limbs);
        Ok(sum.value())
    }

    /// The answer that belongs to these final centroids.
    fn answer(
        &mut self,
        centroids: &[f32],
        end: EndOfLoop,
        data_digest: u64,
        truth: Option<&[u32]>,
        first: u64,
    ) -> Result<Clustering> {
        let comm = self.context.comm;
        if !end.labels_are_final || self.context.fault.spoils_the_answer(comm.lane()) {
            self.step(Ok(()), centroids)?;
        }
        let inertia = self.inertia(centroids)?;
        let mut classes = [truth.and_then(|truth| truth.iter().max()).map_or(0, |&max| u64::from(max) + 1)];
        comm.all_reduce(Op::Max, Buf::U64(&mut classes))?;
        let classes = classes[0] as usize;
        let mut tally = Tally { truth, first, classes, table: vec![0; self.k * classes], digest: 0 };
        agreed(comm, self.shard.labels(&mut tally))?;
        comm.all_reduce(Op::Sum, Buf::I64(&mut tally.table))?;
        let mut digests = [tally.digest, data_digest];
        comm.all_reduce(Op::Sum, Buf::U64(&mut digests))?;
        let filled = self.sums.counts.iter().filter(|&&count| count > 0).count();
        let mut warnings = Vec::new();
        if filled < self.k {
            warnings.push(format!(
                "{} of {} clusters are empty: the data may have fewer than {} distinct rows",
                self.k - filled,
                self.k,
                self.k
            ));
        }
        Ok(Clustering {
            rows: self.whole.rows,
            dims: self.whole.dims as u32,
            iterations: end.iterations,
            converged: end.converged,
            inertia,
            sizes: self.sums.counts.iter().map(|&count| count as u64).collect(),
            centroids: crate::cell::short_hash(bytes::of(centroids)),
            labels: hex(&digests[0].to_be_bytes()),
            data: hex(&digests[1].to_be_bytes()),
            quality: if classes > 0 { quality::measures(&tally.table, classes) } else { Default::default() },
            warnings,
        })
    }
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// Looks at the final labels: their digest, and their table against true labels.
struct Tally<'a> {
    truth: Option<&'a [u32]>,
    first: u64,
    classes: usize,
    table: Vec<i64>,
    digest: u64,
}

impl LabelSink for Tally<'_> {
    fn put(&mut self, first: u64, labels: &[u32]) -> Result<()> {
        self.digest = self.digest.wrapping_add(digest::labels(first, labels));
        if let Some(truth) = self.truth {
            let truth = &truth[(first - self.first) as usize..];
            for (&label, &class) in labels.iter().zip(truth) {
                self.table[label as usize * self.classes + class as usize] += 1;
            }
        }
        Ok(())
    }
}

//! Lloyd's k-means as the program that every lane runs.
//!
//! An iteration gives every row the label of its nearest centroid (assign), adds up the rows of
//! each cluster over all lanes (reduce) and moves the centroids to the means (update). Sums are
//! exact integers, so the same data, k and seed give bit-identical centroids, labels and inertia on
//! any number of lanes. S. Lloyd, *Least squares quantization in PCM*, IEEE Trans. Inf. Theory 28
//! (1982).
//!
//! The iteration itself is the [`engine`]; here is the program of a cell: load, start, warm-up, the
//! timed part, the answer.

use std::time::Instant;

use crate::device::cpu::Cpu;
use crate::device::cpu::double::Double;
use crate::device::{KMeansDevice, Number, pjrt};
use amdahl_kmeans_description::answer::Clustering;
use amdahl_kmeans_description::spec::{Arithmetic, KMeans, Numbers, Schedule, Stop};
use amdahl_lanes::comm::{Buf, Op, agreed, bytes};
use amdahl_program::{LaneContext, LaneResult, PeerProgram, Program, load};
use amdahl_record::cell::{Backend, Cell, DeviceKind, hex};
use amdahl_record::error::{Error, Result};
use amdahl_record::{Answer, Phase};

pub mod device;
pub mod engine;
pub mod init;
pub mod intake;
pub mod judge;
pub mod minibatch;
pub mod peer;
pub mod quality;
pub mod seeding;
pub mod tally;
pub mod update;

use engine::{End, Engine, Iteration, Limit, Unwatched, Watch};
use tally::Tally;

/// k-means, as the registry of programs knows it.
pub struct KMeansProgram;

impl Program for KMeansProgram {
    fn name(&self) -> &'static str {
        "kmeans"
    }

    fn run(&self, cell: &Cell, context: &LaneContext<'_>) -> Result<LaneResult> {
        run(&KMeans::of(&cell.workload)?, &cell.backend, context)
    }

    fn peer(&self) -> Option<&dyn PeerProgram> {
        Some(&peer::KMeansPeers)
    }
}

/// Runs the workload on this lane, on the device that the backend names.
pub fn run(spec: &KMeans, backend: &Backend, context: &LaneContext<'_>) -> Result<LaneResult> {
    if spec.numbers == Numbers::F64 {
        return run_on(spec, &agreed(context.comm, Double::new())?, context);
    }
    let device: Box<dyn KMeansDevice + '_> = match backend {
        Backend::Native { device: DeviceKind::Cpu, .. } => {
            let cpu = agreed(context.comm, Cpu::new())?;
            let cpu = cpu
                .layout(spec.layout)
                .algorithm(spec.algorithm)
                .certify(spec.arithmetic == Arithmetic::Certified);
            Box::new(match spec.schedule {
                Schedule::Static => cpu,
                Schedule::Dynamic => {
                    let lane = context.comm.lane();
                    cpu.helping(
                        context.shared.get(|| device::cpu::Pool::new(lane.threads)),
                        lane.thread,
                    )
                }
            })
        }
        Backend::Native { device: DeviceKind::Pjrt(platform), .. } => {
            let (lane, certify) = (context.comm.lane(), spec.arithmetic == Arithmetic::Certified);
            let (local, count, offload) = (lane.node_index, lane.node_count, spec.offload.clone());
            let order = pjrt::Order { platform: *platform, offload, certify, local, count };
            // SAFETY: a lane with a device is the only one of its process, and MPI reads its
            // variables when it starts.
            let opened = unsafe { pjrt::Pjrt::open(&order, Some(context.recorder)) };
            Box::new(agreed(context.comm, opened)?)
        }
        Backend::Peer(name) => {
            return Err(Error::internal(format!("'{name}' is not a backend of this program")));
        }
    };
    run_on(spec, device.as_ref(), context)
}

/// Runs the workload on this lane, on a given device.
pub fn run_on<T: Number>(
    spec: &KMeans,
    device: &dyn KMeansDevice<T>,
    context: &LaneContext<'_>,
) -> Result<LaneResult> {
    let LaneContext { comm, recorder, .. } = *context;
    recorder.enter(Phase::LOAD);
    let mut part = load::part_less::<T>(comm, context.source, load::NEEDED)?;
    let k = spec.k as usize;
    engine::enough(part.whole.rows, k)?;
    let classes = tally::classes(comm, k, part.truth.as_deref())?;
    let (mut engine, inspected) = Engine::load(comm, device, &mut part)?;

    recorder.enter(Phase::INIT);
    let initial = engine.initial(&spec.init, k)?;
    let tolerance = match spec.stop {
        Stop::Converged { tolerance, .. } if tolerance > 0.0 => {
            tolerance * engine.mean_variance()?
        }
        _ => 0.0,
    };
    if spec.warmup > 0 {
        let warmup = Limit { iterations: spec.warmup, rule: None };
        engine.begin(spec.algorithm, k, warmup)?;
        engine.run(spec.algorithm, &mut initial.clone(), warmup, &Unwatched)?;
    }
    let limit = match spec.stop {
        Stop::Iterations(iterations) => Limit { iterations, rule: None },
        Stop::Converged { max_iterations, .. } => {
            Limit { iterations: max_iterations, rule: Some(tolerance) }
        }
    };
    engine.begin(spec.algorithm, k, limit)?;

    let mut centroids = initial;
    comm.barrier()?;
    recorder.enter(Phase::UPDATE);
    let start = Instant::now();
    let mut end = engine.run(spec.algorithm, &mut centroids, limit, &Measured { context })?;
    let distances = engine.distances();
    let mut seconds = [start.elapsed().as_secs_f64()];

    recorder.enter(Phase::FINISH);
    comm.all_reduce(Op::Max, Buf::F64(&mut seconds))?;
    let spoilt = context.fault.spoils_the_answer(comm.lane());
    if spoilt {
        centroids[0] = T::nearest(centroids[0].into() + 1.0);
        end.labels_are_final = false;
    }
    engine.finish(spec.algorithm, &centroids, end)?;
    let mut tally = Tally::new(k, classes, part.truth.as_deref(), part.first);
    let mut answer = answer(context, &mut engine, &mut tally, &centroids, end, inspected.digest)?;
    (answer.distances, answer.init_distances) = (Some(distances), Some(engine.initial_distances()));
    Ok(LaneResult {
        answer: Answer::from(answer),
        seconds: seconds[0],
        platform: device.platform(),
        kernel: device.kernel(part.whole.dims, k),
        rows: inspected.rows,
        device: if comm.lane().is_root() { device.facts() } else { None },
        lane_device: device.lane_facts(),
    })
}

/// Looks on for the recorder, and commits the fault that a test wants.
struct Measured<'a> {
    context: &'a LaneContext<'a>,
}

impl Watch for Measured<'_> {
    fn phase(&self, phase: Phase) {
        self.context.recorder.enter(phase);
    }
    fn begins(&self, iteration: u32) -> Result<()> {
        self.context.fault.at(self.context.comm.lane(), iteration)
    }
    fn ended(&self, _: &Iteration) {}
}

/// What is said of clusters that are empty at the end.
pub fn empty_clusters(counts: &[i64]) -> Option<String> {
    let k = counts.len();
    let filled = counts.iter().filter(|&&count| count > 0).count();
    (filled < k).then(|| {
        format!(
            "{} of {k} clusters are empty: the data may have fewer than {k} distinct rows",
            k - filled
        )
    })
}

/// The answer that belongs to these final centroids, whose labels are those of the last step.
fn answer<T: Number>(
    context: &LaneContext<'_>,
    engine: &mut Engine<'_, T>,
    tally: &mut Tally<'_>,
    centroids: &[T],
    end: End,
    data_digest: u64,
) -> Result<Clustering> {
    let inertia = engine.inertia(centroids)?;
    engine.labels(tally)?;
    tally.reduce(context.comm)?;
    let mut digests = [tally.digest, data_digest];
    context.comm.all_reduce(Op::Sum, Buf::U64(&mut digests))?;
    let whole = engine.whole();
    Ok(Clustering {
        rows: whole.rows,
        dims: whole.dims as u32,
        iterations: end.iterations,
        converged: end.converged(),
        inertia,
        sizes: engine.counts().iter().map(|&count| count as u64).collect(),
        centroids: amdahl_record::cell::short_hash(bytes::of(centroids)),
        labels: hex(&digests[0].to_be_bytes()),
        data: hex(&digests[1].to_be_bytes()),
        distances: None,
        init_distances: None,
        quality: if tally.classes > 0 {
            quality::measures(&tally.table, tally.classes)
        } else {
            Default::default()
        },
        warnings: empty_clusters(engine.counts()).into_iter().collect(),
    })
}

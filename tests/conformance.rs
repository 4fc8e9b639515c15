//! Every workload on every communicator and every device gives the answer of one lane, bit for bit.
//!
//! A new communicator joins with a line in [`COMMS`], a new device with a line in [`DEVICES`].

use crate::support::clustering;
use amdahl_kmeans_description::answer::EFFORT;
use std::ops::Range;
use std::sync::Arc;

use amdahl_data::{Matrix, MatrixRows, RowSource, Shape, Source};
use amdahl_kmeans as kmeans;
use amdahl_kmeans::device::KMeansDevice;
use amdahl_kmeans::device::cpu::kernel::Kernel;
use amdahl_kmeans::device::cpu::{Cpu, Pool};
use amdahl_kmeans::device::fake::Fake;
use amdahl_kmeans::device::pjrt::{Order, Pjrt};
use amdahl_kmeans_description::answer::Clustering;
use amdahl_kmeans_description::spec::{Algorithm, Init, KMeans, Layout, Offload, Precision, Stop};
use amdahl_lanes::comm::hybrid::{Hybrid, Mailroom};
use amdahl_lanes::comm::solo::Solo;
use amdahl_lanes::comm::threads::Team;
use amdahl_lanes::comm::timed::Timed;
use amdahl_lanes::comm::{Comm, Lane};
use amdahl_lanes::probe::recorder::Recorder;
use amdahl_lanes::probe::{PROBES, Seat};
use amdahl_lanes::reduce::{Reduced, named};
use amdahl_program::LaneContext;
use amdahl_program::fault::Fault;
use amdahl_program::load::SharedSource;
use amdahl_program::shared::ProcessShared;
use amdahl_record::Answer;
use amdahl_record::cell::Platform;
use amdahl_record::error::{Error, Kind, Result};
use proptest::prelude::*;

/// A lane's program.
type Program<'a> = &'a (dyn Fn(&dyn Comm) -> Result<Answer> + Sync);

/// A communicator: its name, and how to run a program on its lanes; returns every lane's answer.
struct Lanes {
    name: &'static str,
    run: fn(Program<'_>) -> Vec<Result<Answer>>,
}

const COMMS: &[Lanes] = &[
    Lanes { name: "solo", run: |program| vec![program(&Solo)] },
    Lanes { name: "threads 1", run: |program| on_threads(1, program) },
    Lanes { name: "threads 2", run: |program| on_threads(2, program) },
    Lanes { name: "threads 3", run: |program| on_threads(3, program) },
    Lanes { name: "threads 8", run: |program| on_threads(8, program) },
    Lanes { name: "hybrid 2 x 2", run: |program| on_hybrid(2, 2, program) },
    Lanes { name: "hybrid 3 x 2", run: |program| on_hybrid(3, 2, program) },
    Lanes {
        name: "threads 3, reduced along a tree",
        run: |program| on_threads(3, &|comm| program(&Reduced::new(comm, named("tree")?))),
    },
];

/// Where a lane is, for devices whose lanes help each other.
struct Place {
    pool: Arc<Pool>,
    thread: usize,
}

impl Place {
    fn alone() -> Place {
        Place { pool: Arc::default(), thread: 0 }
    }
}

/// A device: its name and how to make it; none where this machine lacks it.
struct Device {
    name: &'static str,
    make: fn(&Place) -> Option<Box<dyn KMeansDevice>>,
}

const DEVICES: &[Device] = &[
    Device { name: "cpu portable", make: |_| cpu("portable", Layout::Tiles) },
    Device {
        name: "cpu hamerly",
        make: |_| Some(Box::new(Cpu::new().ok()?.algorithm(Algorithm::Hamerly))),
    },
    Device {
        name: "cpu yinyang rows that helps",
        make: |place| {
            let cpu = Cpu::new().ok()?.layout(Layout::Rows).algorithm(Algorithm::Yinyang);
            Some(Box::new(cpu.helping(place.pool.clone(), place.thread)))
        },
    },
    Device { name: "cpu portable rows", make: |_| cpu("portable", Layout::Rows) },
    Device { name: "cpu avx2", make: |_| cpu("avx2", Layout::Tiles) },
    Device { name: "cpu avx2 rows", make: |_| cpu("avx2", Layout::Rows) },
    Device { name: "cpu avx512", make: |_| cpu("avx512", Layout::Tiles) },
    Device { name: "cpu avx512 rows", make: |_| cpu("avx512", Layout::Rows) },
    Device {
        name: "cpu that helps",
        make: |place| Some(Box::new(Cpu::new().ok()?.helping(place.pool.clone(), place.thread))),
    },
    Device {
        name: "cpu rows that helps",
        make: |place| {
            Some(Box::new(
                Cpu::new().ok()?.layout(Layout::Rows).helping(place.pool.clone(), place.thread),
            ))
        },
    },
    Device { name: "fake", make: |_| Some(Box::new(Fake)) },
    Device { name: "pjrt reference", make: |_| pjrt(Precision::F32) },
    Device { name: "pjrt reference bf16", make: |_| pjrt(Precision::Bf16) },
    Device { name: "xla-cpu", make: |_| xla() },
];

/// The reference plugin with labels that are certified and sums on the host: the processor's bits,
/// whatever it rounds.
fn pjrt(precision: Precision) -> Option<Box<dyn KMeansDevice>> {
    // Named, so that cargo builds the plugin beside the tests.
    assert_eq!(amdahl_reference::PLATFORM, "amdahl-reference");
    let offload = Offload { precision, ..Offload::default() };
    let order = Order { platform: Platform::Reference, offload, certify: true, ..Order::default() };
    // SAFETY: the tests read the environment through std alone.
    Some(Box::new(unsafe { Pjrt::open(&order, None) }.expect("built with the tests")))
}

/// XLA on this processor, where `make devices` installed it.
fn xla() -> Option<Box<dyn KMeansDevice>> {
    let order = Order { platform: Platform::XlaCpu, certify: true, ..Order::default() };
    // SAFETY: as above.
    Some(Box::new(unsafe { Pjrt::open(&order, None) }.ok()?))
}

fn cpu(kernel: &str, layout: Layout) -> Option<Box<dyn KMeansDevice>> {
    let kernel = Kernel::by_name(kernel).ok()?;
    Some(Box::new(Cpu::with(kernel).layout(layout)))
}

fn on_threads(count: usize, program: Program<'_>) -> Vec<Result<Answer>> {
    let team = Team::new(count, true);
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..count)
            .map(|thread| {
                let team = &team;
                scope.spawn(move || program(&team.member(team.lane(thread))))
            })
            .collect();
        lanes.into_iter().map(|lane| lane.join().expect("no lane panics")).collect()
    })
}

/// Ranks are threads here too; real ranks run in `tests/reference.rs`.
fn on_hybrid(ranks: usize, threads: usize, program: Program<'_>) -> Vec<Result<Answer>> {
    let outer = Team::new(ranks, true);
    std::thread::scope(|scope| {
        let mut lanes = Vec::new();
        for rank in 0..ranks {
            let (team, mail) = (Team::new(threads, true), Mailroom::new(threads));
            for thread in 0..threads {
                let (outer, team, mail) = (outer.clone(), team.clone(), mail.clone());
                lanes.push(scope.spawn(move || {
                    let (index, count) = (rank * threads + thread, ranks * threads);
                    let lane = Lane {
                        index,
                        count,
                        rank,
                        ranks,
                        thread,
                        threads,
                        node_index: index,
                        node_count: count,
                    };
                    let between = (thread == 0)
                        .then(|| Box::new(outer.member(outer.lane(rank))) as Box<dyn Comm>);
                    program(&Hybrid::new(team.member(lane), between, mail))
                }));
            }
        }
        lanes.into_iter().map(|lane| lane.join().expect("no lane panics")).collect()
    })
}

/// Rows in memory, as a file that can be sought in or not.
struct Memory {
    rows: Matrix,
    truth: Option<Vec<u32>>,
    seekable: bool,
}

impl Source for Memory {
    fn shape(&self) -> Shape {
        Shape { rows: self.rows.rows(), dims: self.rows.dims }
    }
    fn seekable(&self) -> bool {
        self.seekable
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        let dims = self.rows.dims;
        let values = &self.rows.values[range.start as usize * dims..range.end as usize * dims];
        Ok(Box::new(MatrixRows::new(values, dims, range.start)))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(self
            .truth
            .as_ref()
            .map(|truth| truth[range.start as usize..range.end as usize].to_vec()))
    }
}

/// What is clustered, and how.
#[derive(Clone, Debug)]
struct Case {
    rows: Matrix,
    truth: Option<Vec<u32>>,
    spec: KMeans,
    seekable: bool,
}

impl Case {
    /// Every lane's answer; none where this machine lacks the device.
    fn on(&self, lanes: &Lanes, device: &Device) -> Option<Vec<Result<Answer>>> {
        (device.make)(&Place::alone())?;
        let memory =
            Memory { rows: self.rows.clone(), truth: self.truth.clone(), seekable: self.seekable };
        let source = SharedSource::of(Box::new(memory));
        // As many processes as the largest communicator has, each with the threads of the largest.
        let pools: Vec<Arc<Pool>> = (0..3).map(|_| Arc::new(Pool::new(8))).collect();
        Some((lanes.run)(&|comm| {
            let Lane { rank, thread, .. } = comm.lane();
            let place = Place { pool: pools[rank].clone(), thread };
            let process = ProcessShared::default();
            let recorder = Recorder::new(&PROBES[..1], Seat::ALONE);
            let timed = Timed::new(comm, &recorder);
            let context = LaneContext {
                comm: &timed,
                recorder: &recorder,
                source: &source,
                shared: &process,
                fault: &Fault::NONE,
            };
            let device = (device.make)(&place).expect("it was there a moment ago");
            kmeans::run_on(&self.spec, device.as_ref(), &context).map(|result| result.answer)
        }))
    }

    /// The answer of one lane with the portable kernel.
    fn oracle(&self) -> Result<Answer> {
        self.on(&COMMS[0], &DEVICES[0]).expect("every machine has it").remove(0)
    }

    /// Runs the case everywhere and holds each lane's answer to the oracle's. Returns the oracle's.
    fn check(&self) -> Clustering {
        let oracle = self.oracle().expect("the oracle has an answer");
        let mut checked = 0;
        for device in DEVICES {
            for lanes in COMMS {
                for answer in self.on(lanes, device).unwrap_or_default() {
                    let answer =
                        answer.unwrap_or_else(|e| panic!("{} on {}: {e}", lanes.name, device.name));
                    answer
                        .check_exact(&oracle, EFFORT)
                        .unwrap_or_else(|e| panic!("{} on {}: {e}", lanes.name, device.name));
                    checked += 1;
                }
            }
        }
        assert!(
            checked >= 40,
            "the suite runs on all lanes of two devices at least, got {checked}"
        );
        clustering(&oracle)
    }
}

/// Plain pseudo-random numbers for shapes; `coarse` puts them on a grid, so that ties and
/// duplicates abound.
fn numbers(count: usize, seed: u64, coarse: bool) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..count).map(|_| if coarse { (next() * 4.0).round() } else { next() * 100.0 }).collect()
}

fn case(rows: usize, dims: usize, k: u32, seed: u64, coarse: bool) -> Case {
    Case {
        rows: Matrix { values: numbers(rows * dims, seed, coarse), dims },
        truth: None,
        spec: KMeans::new(k, Stop::Iterations(4), 0),
        seekable: true,
    }
}

const TO_THE_END: Stop = Stop::Converged { tolerance: 0.0, max_iterations: 500 };

#[test]
fn ordinary_rows() {
    let mut case = case(1000, 7, 9, 1, false);
    case.spec.stop = TO_THE_END;
    let answer = case.check();
    assert!(answer.converged && answer.iterations > 3);
    assert_eq!(answer.sizes.iter().sum::<u64>(), 1000);
}

#[test]
fn warm_up_leaves_no_trace() {
    let mut case = case(500, 5, 6, 2, false);
    let cold = case.oracle().expect("an answer");
    case.spec.warmup = 3;
    assert_eq!(case.oracle().expect("an answer"), cold);
    case.check();
}

#[test]
fn rows_that_one_lane_reads_and_scatters() {
    let mut case = case(301, 5, 4, 3, false);
    let read = case.oracle().expect("an answer");
    case.seekable = false;
    case.check();
    assert_eq!(case.oracle().expect("an answer"), read);
}

#[test]
fn random_rows_do_not_depend_on_lanes() {
    let mut case = case(400, 3, 12, 4, false);
    case.spec.init = Init::RandomRows { seed: 5 };
    let five = case.check();
    case.spec.init = Init::RandomRows { seed: 6 };
    assert_ne!(case.check().centroids, five.centroids, "another seed draws other rows");
}

#[test]
fn drawn_centroids_do_not_depend_on_lanes() {
    for init in [|seed| Init::KMeansPlusPlus { seed }, |seed| Init::KMeansParallel { seed }] {
        for (rows, dims, k, coarse) in [(700, 5, 12, false), (300, 2, 9, true), (40, 3, 40, false)]
        {
            let mut case = case(rows, dims, k, 14, coarse);
            case.spec.init = init(5);
            let five = case.check();
            assert!(five.init_distances.expect("counted") >= rows as u64 * u64::from(k));
            case.spec.init = init(6);
            assert!(
                k == 40 || case.check().centroids != five.centroids,
                "another seed draws other rows"
            );
        }
    }
}

#[test]
fn drawing_ends_where_there_are_fewer_distinct_rows_than_clusters() {
    let mut case = case(60, 2, 5, 15, false);
    for row in case.rows.values.chunks_exact_mut(2) {
        let side = f32::from(row[0] > 0.0);
        row.fill(side);
    }
    for init in [Init::KMeansPlusPlus { seed: 1 }, Init::KMeansParallel { seed: 1 }] {
        case.spec.init = init;
        let answer = case.check();
        assert_eq!(answer.inertia, 0.0);
        assert!(answer.warnings[0].contains("fewer than 5 distinct rows"), "{:?}", answer.warnings);
    }
}

#[test]
fn bounds_change_no_answer() {
    for (rows, dims, k, coarse) in [(3000, 4, 9, false), (900, 2, 30, true), (400, 20, 150, false)]
    {
        let mut case = case(rows, dims, k, 16, coarse);
        case.spec.stop = TO_THE_END;
        // Devices with bounds are among those that are compared with the oracle.
        assert!(case.check().converged);
    }
}

#[test]
fn batches_do_not_depend_on_lanes() {
    let mut case = case(2000, 6, 11, 17, false);
    case.spec.algorithm = Algorithm::Minibatch { batch: 100, seed: 3 };
    case.spec.stop = Stop::Iterations(30);
    let three = case.check();
    assert_eq!((three.iterations, three.distances), (30, Some(30 * 100 * 11)));
    case.spec.algorithm = Algorithm::Minibatch { batch: 100, seed: 4 };
    assert_ne!(case.check().centroids, three.centroids, "another seed draws other batches");
    case.spec.stop = Stop::Converged { tolerance: 1e-3, max_iterations: 2000 };
    let calm = case.check();
    assert!(calm.converged && calm.iterations < 2000, "{} iterations", calm.iterations);
}

#[test]
fn ties_and_duplicates() {
    let mut case = case(600, 2, 8, 5, true);
    case.spec.stop = TO_THE_END;
    case.check();
}

#[test]
fn fewer_rows_than_lanes_and_as_many_clusters_as_rows() {
    let mut few = case(5, 3, 5, 6, false);
    few.spec.stop = TO_THE_END;
    let answer = few.check();
    assert_eq!((answer.inertia, answer.sizes), (0.0, vec![1; 5]));
    assert_eq!(case(1, 1, 1, 7, false).check().sizes, [1]);
}

#[test]
fn empty_clusters_move_to_the_farthest_rows() {
    // The first three rows are the same point, so two clusters start empty; the farthest rows are
    // 100 and then 50.
    let values = vec![0.0, 0.0, 0.0, 1.0, 50.0, 2.0, 100.0];
    let case = Case {
        rows: Matrix { values, dims: 1 },
        truth: None,
        spec: KMeans::new(3, TO_THE_END, 1),
        seekable: true,
    };
    let answer = case.check();
    assert_eq!(answer.sizes, [5, 1, 1]);
    assert!((answer.inertia - 3.2).abs() < 1e-6, "{}", answer.inertia);
    assert!(answer.warnings.is_empty());
}

#[test]
fn fewer_distinct_rows_than_clusters_is_a_warning() {
    let mut case = case(40, 2, 5, 8, false);
    for row in case.rows.values.chunks_exact_mut(2) {
        let side = f32::from(row[0] > 0.0);
        row.fill(side);
    }
    case.spec.stop = TO_THE_END;
    let answer = case.check();
    assert_eq!(answer.inertia, 0.0);
    assert!(answer.warnings[0].contains("fewer than 5 distinct rows"), "{:?}", answer.warnings);
}

#[test]
fn the_tolerance_ends_it_earlier() {
    let mut case = case(2000, 4, 10, 9, false);
    case.spec.stop = TO_THE_END;
    let to_the_end = case.check().iterations;
    case.spec.stop = Stop::Converged { tolerance: 1e-2, max_iterations: 500 };
    let earlier = case.check();
    assert!(
        earlier.converged && earlier.iterations < to_the_end,
        "{} of {to_the_end}",
        earlier.iterations
    );
}

#[test]
fn true_labels_are_compared() {
    let mut case = case(300, 2, 2, 10, false);
    let side = |row: &[f32]| u32::from(row[0] > 0.0);
    for row in case.rows.values.chunks_exact_mut(2) {
        row[0] += if row[0] > 0.0 { 1000.0 } else { -1000.0 };
    }
    case.truth = Some(case.rows.values.chunks_exact(2).map(side).collect());
    case.spec.stop = TO_THE_END;
    let quality = case.check().quality;
    assert!(quality["purity"] == 1.0 && quality["ari"] == 1.0, "{quality:?}");
}

#[test]
fn too_few_rows_is_an_error_on_every_lane() {
    let case = case(3, 2, 4, 11, false);
    for lanes in COMMS {
        for answer in case.on(lanes, &DEVICES[0]).expect("every machine has it") {
            let error = answer.expect_err("3 rows cannot make 4 clusters");
            assert_eq!(error.kind, Kind::Data);
            assert!(error.message.contains("k = 4") && error.message.contains('3'), "{error}");
        }
    }
}

#[test]
fn an_error_of_one_lane_ends_all() {
    let program = |comm: &dyn Comm| {
        let mine = if comm.lane().index + 1 == comm.lane().count {
            Err(Error::data("the last lane's"))
        } else {
            Ok(())
        };
        comm.agree(mine).map(|()| unreachable!("all lanes end"))
    };
    for lanes in COMMS {
        for answer in (lanes.run)(&program) {
            assert_eq!(answer, Err(Error::data("the last lane's")), "{}", lanes.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_shape(rows in 1usize..200, dims in 1usize..20, k in 1u32..12, seed in any::<u64>(), coarse in any::<bool>(), exponent in -60i32..60) {
        let mut case = case(rows.max(k as usize), dims, k, seed, coarse);
        case.rows.values.iter_mut().for_each(|x| *x *= 2f32.powi(exponent));
        let answer = case.check();
        prop_assert_eq!(answer.sizes.iter().sum::<u64>(), rows.max(k as usize) as u64);
        prop_assert!(answer.inertia.is_finite() && answer.inertia >= 0.0);
    }
}

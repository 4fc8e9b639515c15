//! Real data, real processes, real ranks: the reference results, and the same bits on any number of
//! lanes.

use crate::support::change_kmeans;
use amdahl_kmeans_description::answer::Clustering;
use amdahl_kmeans_description::answer::EFFORT;
use amdahl_kmeans_description::spec::{Algorithm, KMeans, Stop};
use amdahl_record::cell::{Backend, Cell, Dataset, ReductionName};
use amdahl_record::{Failure, Measured, Phase};

use crate::worker;
use amdahl_testing as testing;

/// Final results of Lloyd's algorithm in f64 from the first k rows, stopped when no label changes.
struct Reference {
    name: &'static str,
    file: &'static str,
    k: u32,
    iterations: u32,
    inertia: f64,
    /// Largest relative difference: the reference has this many digits.
    within: f64,
    sizes: &'static [u64],
}

const REFERENCES: &[Reference] = &[
    Reference {
        name: "mnist-t10k",
        file: "mnist-t10k/t10k-images-idx3-ubyte.gz",
        k: 10,
        iterations: 105,
        inertia: 25_322_079_191.390_18,
        within: 1e-9,
        sizes: &[1197, 1240, 939, 884, 895, 730, 1136, 1067, 797, 1115],
    },
    Reference {
        name: "digits",
        file: "sklearn/digits.csv.gz",
        k: 10,
        iterations: 14,
        inertia: 1_167_859.384_006_599_2,
        within: 1e-9,
        sizes: &[],
    },
    Reference {
        name: "color17695",
        file: "liao-kmeans/color17695.bin",
        k: 4,
        iterations: 18,
        inertia: 96_237.906_1,
        within: 1e-9,
        sizes: &[],
    },
    Reference {
        name: "edge17695",
        file: "liao-kmeans/edge17695.bin",
        k: 4,
        iterations: 32,
        inertia: 213_781.283_3,
        within: 1e-9,
        sizes: &[],
    },
    Reference {
        name: "texture17695",
        file: "liao-kmeans/texture17695.bin",
        k: 4,
        iterations: 113,
        inertia: 244_596.901_8,
        within: 1e-9,
        sizes: &[],
    },
];

/// Backend, ranks, threads. More lanes than the machine has CPUs, on purpose.
const THREADS: &[(&str, u32, u32)] =
    &[("serial", 1, 1), ("threads", 1, 1), ("threads", 1, 2), ("threads", 1, 3), ("threads", 1, 4)];
const RANKS: &[(&str, u32, u32)] =
    &[("mpi", 1, 1), ("mpi", 2, 1), ("mpi", 3, 1), ("mpi", 4, 1), ("mpi", 5, 1), ("hybrid", 2, 2)];

fn cell(name: &str, k: u32, (backend, ranks, threads): (&str, u32, u32)) -> Cell {
    Cell {
        workload: KMeans::new(k, Stop::Converged { tolerance: 0.0, max_iterations: 1000 }, 1)
            .spec(),
        dataset: Dataset::Catalogue { name: name.into(), sample: None },
        backend: Backend::from_name(backend).expect("a backend"),
        ranks,
        threads,
        oversubscribe: true,
        reduction: ReductionName::default(),
    }
}

fn clustering(measured: &Measured) -> Clustering {
    crate::support::clustering(&measured.answer)
}

fn holds(test: &str, layouts: &[(&str, u32, u32)]) {
    let mut checked = 0;
    for reference in REFERENCES {
        let Some(data) = testing::data_or_skip(test, reference.file) else { continue };
        let environment = [("AMDAHL_DATA", data.to_str().expect("a plain path"))];
        let oracle = worker::measure(&cell(reference.name, reference.k, THREADS[0]), &environment);
        let answer = clustering(&oracle);
        assert_eq!(answer.iterations, reference.iterations, "{}", reference.name);
        let off = (answer.inertia / reference.inertia - 1.0).abs();
        assert!(
            off <= reference.within,
            "{}: inertia {} is off by {off:e}",
            reference.name,
            answer.inertia
        );
        if !reference.sizes.is_empty() {
            assert_eq!(answer.sizes, reference.sizes, "{}", reference.name);
        }
        for &layout in layouts {
            let measured =
                worker::measure(&cell(reference.name, reference.k, layout), &environment);
            measured
                .answer
                .check_exact(&oracle.answer, EFFORT)
                .unwrap_or_else(|e| panic!("{} on {layout:?}: {e}", reference.name));
            assert_eq!(measured.lanes.len() as u32, layout.1 * layout.2);
            checked += 1;
        }
    }
    eprintln!("{test}: {checked} runs gave the bits of the serial one");
}

#[test]
fn references_on_threads() {
    holds("references_on_threads", &THREADS[1..]);
}

#[test]
fn references_on_ranks() {
    if worker::mpi_or_skip("references_on_ranks") {
        holds("references_on_ranks", RANKS);
    }
}

#[test]
fn mnist_agrees_with_its_labels_as_published() {
    let Some(data) = testing::data_or_skip("mnist_agrees_with_its_labels", REFERENCES[0].file)
    else {
        return;
    };
    let environment = [("AMDAHL_DATA", data.to_str().expect("a plain path"))];
    let measured = worker::measure(&cell("mnist-t10k", 10, ("threads", 1, 2)), &environment);
    let quality = &clustering(&measured).quality;
    assert!((quality["nmi"] - 0.508).abs() < 5e-4, "{quality:?}");
    assert!((quality["purity"] - 0.5985).abs() < 1e-9, "{quality:?}");
}

#[test]
fn covertype_is_the_same_on_any_number_of_lanes() {
    let test = "covertype_is_the_same_on_any_number_of_lanes";
    let Some(data) = testing::data_or_skip(test, "covertype-ramp/test.csv.gz") else { return };
    let environment = [("AMDAHL_DATA", data.to_str().expect("a plain path"))];
    let oracle = worker::measure(&cell("covertype-ramp", 7, THREADS[0]), &environment);
    assert_eq!((clustering(&oracle).rows, clustering(&oracle).dims), (92_962, 54));
    let mut layouts = vec![("threads", 1, 3)];
    if worker::mpi_or_skip(test) {
        layouts.extend([("mpi", 3, 1), ("hybrid", 2, 2)]);
    }
    for layout in layouts {
        let measured = worker::measure(&cell("covertype-ramp", 7, layout), &environment);
        measured
            .answer
            .check_exact(&oracle.answer, EFFORT)
            .unwrap_or_else(|e| panic!("{layout:?}: {e}"));
    }
}

#[test]
fn bounded_algorithms_give_the_bits_of_lloyd_on_real_data() {
    let test = "bounded_algorithms_give_the_bits_of_lloyd_on_real_data";
    // Enough clusters for groups of them, and not.
    let sets = [
        ("mnist-t10k", REFERENCES[0].file, 10),
        ("mnist-t10k", REFERENCES[0].file, 40),
        ("texture17695", REFERENCES[4].file, 64),
        ("covertype-ramp", "covertype-ramp/test.csv.gz", 33),
    ];
    for (name, file, k) in sets {
        let Some(data) = testing::data_or_skip(test, file) else { continue };
        let environment = [("AMDAHL_DATA", data.to_str().expect("a plain path"))];
        let lloyd = worker::measure(&cell(name, k, THREADS[0]), &environment);
        let all = clustering(&lloyd).distances.expect("counted");
        for algorithm in [Algorithm::Hamerly, Algorithm::Yinyang] {
            let mut layouts = vec![("serial", 1, 1), ("threads", 1, 2)];
            if worker::mpi_or_skip(test) {
                layouts.push(("mpi", 3, 1));
            }
            for layout in layouts {
                let mut cell = cell(name, k, layout);
                change_kmeans(&mut cell, |kmeans| kmeans.algorithm = algorithm);
                let bounded = worker::measure(&cell, &environment);
                let what = format!("{name}, k = {k}, {algorithm:?} on {layout:?}");
                bounded
                    .answer
                    .check_exact(&lloyd.answer, EFFORT)
                    .unwrap_or_else(|e| panic!("{what}: {e}"));
                let looked = clustering(&bounded).distances.expect("counted");
                assert!(looked < all, "{what}: {looked} distances, Lloyd's algorithm {all}");
            }
        }
    }
}

#[test]
fn every_backend_runs_with_more_lanes_than_rows() {
    let mut small = worker::synthetic("serial", 1, 1);
    let few = |cell: &mut Cell| {
        if let amdahl_record::cell::Dataset::Synthetic { points, .. } = &mut cell.dataset {
            *points = 5;
        }
    };
    few(&mut small);
    let oracle = worker::measure(&small, &[]);
    let mut layouts = vec![("threads", 1, 7)];
    if worker::mpi_or_skip("every_backend_runs_with_more_lanes_than_rows") {
        layouts.extend([("mpi", 7, 1), ("hybrid", 3, 2)]);
    }
    for (backend, ranks, threads) in layouts {
        let mut cell = worker::synthetic(backend, ranks, threads);
        few(&mut cell);
        let measured = worker::measure(&cell, &[]);
        measured
            .answer
            .check_exact(&oracle.answer, EFFORT)
            .unwrap_or_else(|e| panic!("{backend}: {e}"));
        assert_eq!(measured.lanes.iter().map(|lane| lane.rows).sum::<u64>(), 5);
    }
}

#[test]
fn the_communicator_conforms_under_mpiexec() {
    if !worker::mpi_or_skip("the_communicator_conforms_under_mpiexec") {
        return;
    }
    for (ranks, threads) in [(1, 1), (2, 1), (3, 1), (5, 1), (1, 3), (2, 2), (3, 2)] {
        let out = std::process::Command::new("mpiexec")
            .args(["-n", &ranks.to_string(), "--oversubscribe"])
            .envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")])
            .env("OMPI_MCA_btl_vader_single_copy_mechanism", "none")
            .arg(worker::worker())
            .args(["--self-test", "--threads", &threads.to_string()])
            .output()
            .expect("mpiexec starts");
        let printed = String::from_utf8_lossy(&out.stdout);
        assert!(
            out.status.success()
                && printed.contains(&format!("{ranks} ranks x {threads} threads,")),
            "{printed}{out:?}"
        );
    }
}

#[test]
fn the_wrong_number_of_ranks_is_refused() {
    if !worker::mpi_or_skip("the_wrong_number_of_ranks_is_refused") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (cell_file, record) = (folder.path().join("cell.json"), folder.path().join("record.json"));
    let cell = worker::synthetic("mpi", 3, 1);
    // Without a launcher a worker is a world of one rank.
    worker::command(&cell, &cell_file, &record);
    let out = std::process::Command::new(worker::worker())
        .arg("--cell")
        .arg(&cell_file)
        .arg("--record")
        .arg(&record)
        .envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")])
        .output()
        .expect("the worker starts");
    assert!(!out.status.success());
    assert!(
        String::from_utf8_lossy(&out.stderr).contains("wants 3 ranks, this launcher started 1"),
        "{out:?}"
    );
}

#[test]
fn more_lanes_than_cpus_only_when_asked_for() {
    let cpus = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    let mut cell = worker::synthetic("threads", 1, cpus + 1);
    cell.oversubscribe = false;
    let (out, end) = worker::run(&cell, &[]);
    assert_eq!(out.status.code(), Some(2));
    match end {
        Some(amdahl_record::End::Failed { class: Failure::Unavailable, reason }) => {
            assert!(reason.contains("oversubscribe = true"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_says_where_its_lanes_ran_and_where_the_time_went() {
    let measured = worker::measure(&worker::synthetic("threads", 1, 2), &[]);
    assert_eq!(measured.platform, "cpu");
    assert!(measured.lanes.iter().all(|lane| lane.pinned.is_none() || lane.pinned == lane.cpu));
    for phase in [Phase::LOAD, Phase::ASSIGN, Phase::REDUCE, Phase::WAIT] {
        let wall = measured.wall(phase);
        assert_eq!(wall.len(), 2, "{phase:?} of both lanes");
        assert!(wall.iter().all(|&seconds| seconds > 0.0), "{phase:?}: {wall:?}");
    }
    // The phases of the timed part are parts of it, on every lane.
    for lane in 0..2 {
        let timed: f64 = Phase::timed().into_iter().map(|phase| measured.wall(phase)[lane]).sum();
        assert!(timed <= measured.seconds * 1.001 + 1e-4, "{timed} of {}", measured.seconds);
    }
}

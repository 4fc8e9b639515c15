//! Simulated caches: what they count of two loops agrees with a formula, counts repeat, and a sweep
//! leaves them beside its times.
//!
//! Callgrind executes this test program once more, with a test of it that runs the two loops.

use std::path::Path;
use std::process::Command;

use amdahl_lanes::probe::callgrind::{OPTIONS, parts, request};
use amdahl_record::simulation::{EVENTS, L1D_READ_MISSES, LastLevel, Simulation};
use amdahl_record::{Phase, Provenance};

use crate::support::Sandbox;
use crate::worker::mpi_or_skip;
use amdahl_testing::{skipped, valgrind_or_skip};

/// Rows, clusters, columns and rows of a tile.
const ROWS: usize = 20_000;
const K: usize = 32;
const DIMS: usize = 64;
const TILE: usize = 64;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Labels rows with their nearest centroid, tile by tile and within a tile centroid by centroid.
/// One tile of all rows is the naive loop.
#[inline(never)]
fn nearest(rows: &[f32], centroids: &[f32], tile: usize, least: &mut [f32], labels: &mut [u32]) {
    let tiles = rows.chunks(tile * DIMS).zip(least.chunks_mut(tile)).zip(labels.chunks_mut(tile));
    for ((rows, least), labels) in tiles {
        for (number, centroid) in centroids.chunks_exact(DIMS).enumerate() {
            for ((row, least), label) in rows.chunks_exact(DIMS).zip(&mut *least).zip(&mut *labels)
            {
                let distance: f32 = row.iter().zip(centroid).map(|(x, c)| (x - c) * (x - c)).sum();
                if distance < *least {
                    (*least, *label) = (distance, number as u32);
                }
            }
        }
    }
}

/// Lines of rows and of the least distances; labels are written and never read.
const STREAMED: usize = ROWS * (DIMS + 1) * 4 / LINE;

/// So many values that begin with a line: wherever the allocator puts them, a tile has no line more
/// than the formula says.
fn on_a_line<T>(values: &mut [T], length: usize) -> &mut [T] {
    let start = values.as_ptr().align_offset(LINE);
    &mut values[start..start + length]
}

/// What the loops must miss in a first level that holds a tile and all centroids, but no more: the
/// naive one everything for each centroid, the tiled one everything once, and the centroids.
const NAIVE: usize = K * STREAMED;
const TILED: usize = STREAMED + K * DIMS * 4 / LINE;

#[test]
#[ignore = "the program that is counted, run under valgrind by the tests below"]
fn loops() {
    let (mut rows, mut centroids) = (vec![0f32; ROWS * DIMS + LINE], vec![0f32; K * DIMS + LINE]);
    let (rows, centroids) =
        (on_a_line(&mut rows, ROWS * DIMS), on_a_line(&mut centroids, K * DIMS));
    rows.iter_mut().enumerate().for_each(|(i, x)| *x = (i * 7919 % 10_007) as f32);
    centroids.iter_mut().zip(&*rows).for_each(|(c, x)| *c = x + 0.5);
    // Twice the last level.
    let others = vec![1u8; 4 << 20];
    let (mut least, mut labels) = (vec![0f32; ROWS + LINE], vec![0u32; ROWS + LINE]);
    let (least, labels) = (on_a_line(&mut least, ROWS), on_a_line(&mut labels, ROWS));
    let mut found = Vec::new();
    request::start();
    for (tile, phase) in [(ROWS, Phase::ASSIGN), (TILE, Phase::UPDATE)] {
        least.fill(f32::INFINITY);
        // Nothing is left in any level: neither of the loops' memory nor of the test harness, which
        // hashes with random keys.
        std::hint::black_box(others.iter().map(|&x| u64::from(x)).sum::<u64>());
        let name = std::ffi::CString::new(parts::name(0, phase)).expect("a name");
        request::toggle();
        nearest(rows, centroids, tile, least, labels);
        request::toggle();
        request::dump(&name);
        found.push(labels.to_vec());
    }
    request::stop();
    assert_eq!(found[0], found[1], "tiles change no label");
}

/// Runs the loops with a first level of 64 KiB in 16 ways. Between two uses of a centroid a set
/// sees at most 12 lines of the loops (8 of two tiles, 2 of centroids, 1 each of least distances
/// and labels): the others are for the stack, whose place and use is the compiler's.
fn simulate(folder: &Path) -> parts::Simulated {
    let output = Command::new("valgrind")
        .arg("-q")
        .args(OPTIONS)
        .args(["--I1=32768,8,64", "--D1=65536,16,64", "--LL=2097152,16,64"])
        .arg(format!("--callgrind-out-file={}/part.%p", folder.display()))
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "cache::loops", "--ignored", "--test-threads=1"])
        .output()
        .expect("valgrind starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let read = |path| parts::part(&std::fs::read_to_string(path).expect("a part")).expect("a part");
    parts::add_up(&files.map(read).collect::<Vec<_>>(), 1).expect("both loops")
}

#[test]
fn misses_of_a_naive_and_a_tiled_loop_are_those_of_the_formula_and_repeat() {
    if !valgrind_or_skip("misses_of_a_naive_and_a_tiled_loop_are_those_of_the_formula_and_repeat") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let once = simulate(folder.path());
    let misses =
        once.readings.iter().find(|reading| reading.metric == L1D_READ_MISSES).expect("counted");
    for (name, phase, predicted) in
        [("naive", Phase::ASSIGN, NAIVE), ("tiled", Phase::UPDATE, TILED)]
    {
        let counted = misses.value(0, phase).expect("counted");
        eprintln!(
            "{name} loop: {counted} misses of reads in the first level, predicted {predicted}"
        );
        let off = counted / predicted as f64 - 1.0;
        assert!(
            off.abs() <= 0.001,
            "{name}: counted {counted}, predicted {predicted}, {:+.3} %",
            off * 100.0
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    let again = simulate(folder.path());
    for (one, other) in once.readings.iter().zip(&again.readings) {
        for phase in [Phase::ASSIGN, Phase::UPDATE] {
            let (one_value, other_value) = (one.value(0, phase), other.value(0, phase));
            assert_eq!(one_value, other_value, "{} repeats", one.metric);
        }
    }
}

const MANIFEST: &str = r#"
[experiment]
name = "test"
counters = "simulated"
simulated-points = 2000
repeats = 1
[workload]
kind = "kmeans"
k = 8
iterations = 5
[dataset]
synthetic = "mixture"
points = 3000
dims = 8
clusters = 8
[axes]
backend = ["serial", "threads"]
threads = [1]
"#;

/// The counts of the timed phases of a simulation, for comparison.
fn timed(simulation: &Simulation) -> Vec<(String, Vec<Option<f64>>)> {
    let counts = simulation.counts().unwrap_or_else(|| panic!("{:?}", simulation.end));
    counts
        .readings
        .iter()
        .map(|r| {
            (
                r.metric.to_string(),
                Phase::timed().into_iter().map(|phase| r.value(0, phase)).collect::<Vec<_>>(),
            )
        })
        .collect()
}

#[test]
fn a_sweep_simulates_each_cell_once_and_counts_repeat_bit_for_bit() {
    const TEST: &str = "a_sweep_simulates_each_cell_once_and_counts_repeat_bit_for_bit";
    if !valgrind_or_skip(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", MANIFEST);
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    let results = sandbox.results();
    if results.hosts.values().all(|host| host.caches.iter().all(|cache| cache.level < 3)) {
        return skipped(TEST, "this machine tells of no third level");
    }
    assert_eq!((results.records.len(), results.simulations.len()), (2, 4));
    for simulation in &results.simulations {
        let counts = simulation.counts().unwrap_or_else(|| panic!("{:?}", simulation.end));
        assert_eq!(
            (counts.rows, counts.dims, counts.iterations, &counts.lanes),
            (2000, 8, 3, &vec![2000])
        );
        assert!(
            !counts.kernel.contains("avx512"),
            "a kernel that the simulator knows: {}",
            counts.kernel
        );
        assert_eq!(counts.readings.len(), EVENTS.len());
        assert!(counts.readings.iter().all(|reading| reading.from == Some(Provenance::Simulated)));
        let value = |metric: &str, phase| {
            counts.reading(metric).and_then(|reading| reading.value(0, phase))
        };
        // Every row is read in every iteration: 2000 x 8 values of 4 bytes, more than the first
        // level holds of any machine of today? No: 62.5 KiB, so at most every line misses, and some
        // instructions are needed for every value.
        assert!(value("instructions", Phase::ASSIGN).is_some_and(|n| n > 3.0 * 2000.0 * 8.0 / 8.0));
        assert_eq!(
            (value("instructions", Phase::LOAD), value("instructions", Phase::WAIT)),
            (None, Some(0.0))
        );
    }
    assert!(
        sandbox.counted() == 2
            && !results.records.iter().any(|r| r.measured.as_ref().is_some_and(|m| {
                m.readings.iter().any(|reading| reading.from == Some(Provenance::Simulated))
            })),
        "simulated and measured counts are apart"
    );
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    assert_eq!(sandbox.results().simulations.len(), 4, "nothing is simulated twice");
    sandbox.run(&["run", "test.toml", "--fresh"]).ends_with(0);
    let results = sandbox.results();
    assert_eq!(results.simulations.len(), 8);
    for last in LastLevel::ALL {
        let of = |simulation: &&Simulation| simulation.caches.last == last;
        let all: Vec<_> = results.simulations.iter().filter(of).map(timed).collect();
        assert!(
            all.len() == 4 && all.windows(2).all(|pair| pair[0] == pair[1]),
            "bit for bit: {all:?}"
        );
    }
}

#[test]
fn without_a_simulator_the_sweep_is_complete_and_says_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", MANIFEST);
    let mut command = sandbox.amdahl(&["run", "test.toml"]);
    let output = command.env("PATH", sandbox.path("nowhere")).output().expect("amdahl starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("2 of 2 cells measured") && said.contains("no valgrind"), "{said}");
    assert!(said.contains("apt-get install valgrind"), "{said}");
    assert_eq!(sandbox.counted(), 2);
    let results = sandbox.results();
    assert!(
        !results.simulations.is_empty() && results.simulations.iter().all(|s| s.counts().is_none())
    );
}

#[test]
fn the_sample_of_simulated_counts_reads_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cache");
    let results = amdahl_record::read::read(&folder).expect("a results folder");
    assert_eq!((results.warnings.len(), results.simulations().len()), (0, 36));
    for ((cell, last), simulation) in results.simulations() {
        let counts = simulation.counts().unwrap_or_else(|| panic!("{cell}: {:?}", simulation.end));
        let misses = |metric: &str| {
            counts.reading(metric).and_then(|r| r.value(0, Phase::ASSIGN)).expect("counted")
        };
        let (first, last_level) = (misses("L1D-read-misses"), misses("LL-read-misses"));
        // Rows stream through: what fills half of the last level stays there, what fills twice of
        // it is read anew in each iteration.
        let lines =
            counts.rows as f64 * f64::from(counts.dims * 4 * counts.iterations) / LINE as f64;
        let set = counts.rows * u64::from(counts.dims) * 4;
        assert!(first >= 0.99 * lines, "{cell}: {first} of {lines} lines");
        match (set <= simulation.caches.ll.bytes / 2, set >= simulation.caches.ll.bytes * 2) {
            (true, _) => {
                assert!(last_level < 0.05 * lines, "{cell} {last:?}: {last_level} of {lines}")
            }
            (_, true) => {
                assert!(last_level > 0.95 * lines, "{cell} {last:?}: {last_level} of {lines}")
            }
            _ => {}
        }
        let instructions = counts
            .reading("L1D-read-misses")
            .and_then(|r| r.beside(&counts.readings, "instructions"));
        assert!(instructions.is_some(), "counted together");
    }
}

#[test]
fn ranks_are_simulated_one_by_one() {
    const TEST: &str = "ranks_are_simulated_one_by_one";
    if !mpi_or_skip(TEST) || !valgrind_or_skip(TEST) {
        return;
    }
    let sandbox = Sandbox::new();
    let axes = MANIFEST
        .replace(r#"["serial", "threads"]"#, r#"["mpi"]"#)
        .replace("threads = [1]", "ranks = [2]\noversubscribe = true");
    sandbox.write("test.toml", axes.replace("repeats = 1", "repeats = 1\nbase = \"mpi\""));
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    let results = sandbox.results();
    let of_ranks = |s: &&Simulation| s.cell.backend.name() == "mpi";
    let simulations: Vec<_> = results.simulations.iter().filter(of_ranks).collect();
    assert_eq!(simulations.len(), 2, "one for each last level");
    for simulation in simulations {
        let counts = simulation.counts().unwrap_or_else(|| panic!("{:?}", simulation.end));
        assert_eq!((counts.rows, &counts.lanes), (3000, &vec![1500, 1500]));
        let instructions = counts.reading("instructions").expect("counted");
        for rank in 0..2 {
            assert!(
                instructions.value(rank, Phase::ASSIGN).is_some_and(|count| count > 1e4),
                "rank {rank}"
            );
            assert!(
                instructions.value(rank, Phase::REDUCE).is_some_and(|count| count > 0.0),
                "rank {rank} reduces"
            );
        }
    }
}

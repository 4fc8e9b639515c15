//! Hamerly's and Yinyang's algorithms beside Lloyd's, step by step over whole clusterings: CPU time and distances.
//! Every step's sums are compared bit by bit, so a figure that is printed is one of equal answers.
//!
//! `cargo bench --no-default-features --bench algorithms -- overlapping rows` chooses data sets and
//! layouts by words in their names; with AMDAHL_DATA also real ones. Steps of the algorithms
//! alternate, so that a slow spell of the machine meets all alike.

use amdahl_data as data;
use amdahl_data::Source;
use amdahl_data::synthetic::Mixture;
use amdahl_kmeans::device::cpu::Cpu;
use amdahl_kmeans::device::{Centroids, KMeansDevice, Partial};
use amdahl_kmeans::update;
use amdahl_kmeans_description::spec::{Algorithm, Layout};
use amdahl_lanes::exact::Grid;
use amdahl_record::cell::{Dataset, Synthetic};

/// Rows, columns, clusters in the data, k, most iterations.
struct Case {
    name: &'static str,
    rows: Box<dyn Fn() -> Option<Box<dyn Source>>>,
    k: usize,
    iterations: usize,
}

fn made(
    name: &'static str,
    shape: Synthetic,
    rows: u64,
    dims: u32,
    clusters: u32,
    k: usize,
    iterations: usize,
) -> Case {
    let rows = move || {
        let mixture = Mixture::new(shape, rows, dims, clusters, 1).expect("a valid shape");
        Some(Box::new(mixture) as Box<dyn Source>)
    };
    Case { name, rows: Box::new(rows), k, iterations }
}

fn real(name: &'static str, k: usize, iterations: usize) -> Case {
    let rows = move || data::open(&Dataset::Catalogue { name: name.into(), sample: None }).ok();
    Case { name, rows: Box::new(rows), k, iterations }
}

fn cases() -> Vec<Case> {
    use Synthetic::{Mixture, Separated};
    vec![
        made("overlapping 1M x 32, k 64", Mixture, 1_000_000, 32, 64, 64, 100),
        made("separated 1M x 32, k 64", Separated, 1_000_000, 32, 64, 64, 100),
        made("overlapping 580k x 54, k 7", Mixture, 580_000, 54, 7, 7, 60),
        made("overlapping 2M x 8, k 16", Mixture, 2_000_000, 8, 16, 16, 100),
        made("overlapping 200k x 128, k 1024", Mixture, 200_000, 128, 1024, 1024, 40),
        made("separated 200k x 128, k 1024", Separated, 200_000, 128, 1024, 1024, 30),
        real("mnist-t10k", 10, 200),
        real("covertype-ramp", 7, 100),
        real("uci-letter", 26, 200),
    ]
}

/// CPU seconds of this thread.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec, which the call fills.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Lloyd, Algorithm::Hamerly, Algorithm::Yinyang];

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |name: &str| words.iter().all(|word| name.contains(word.as_str()));
    let verbose = std::env::args().any(|word| word == "--each");
    for case in cases() {
        for (layout, word) in [(Layout::Tiles, "tiles"), (Layout::Rows, "rows")] {
            let name = format!("{}, {word}", case.name);
            if !wanted(&name) {
                continue;
            }
            match (case.rows)() {
                Some(source) => {
                    run(&name, source.as_ref(), case.k, case.iterations, layout, verbose)
                }
                None => println!("{name}: skipped, the data is not here"),
            }
        }
    }
}

fn run(
    name: &str,
    source: &dyn Source,
    k: usize,
    iterations: usize,
    layout: Layout,
    verbose: bool,
) {
    let shape = source.shape();
    let dims = shape.dims;
    let mut maxima = vec![0f32; dims];
    let mut centroids = vec![0f32; k * dims];
    source.rows(0..k as u64).and_then(|mut rows| rows.read(&mut centroids)).expect("rows");
    let mut stream = source.rows(0..shape.rows).expect("rows");
    let mut block = vec![0f32; 1024 * dims];
    let mut left = shape.rows as usize;
    while left > 0 {
        let got = stream.read(&mut block[..left.min(1024) * dims]).expect("rows");
        for row in block[..got * dims].chunks_exact(dims) {
            maxima.iter_mut().zip(row).for_each(|(max, x)| *max = max.max(x.abs()));
        }
        left -= got;
    }
    drop(stream);
    let grid = Grid::new(&maxima, shape.rows).expect("few rows");
    let mut shards: Vec<_> = ALGORITHMS
        .iter()
        .map(|&algorithm| {
            let device = Cpu::new().expect("a kernel").layout(layout).algorithm(algorithm);
            // A shard borrows its device; the few bytes stay until the program ends.
            let device: &'static Cpu = Box::leak(Box::new(device));
            let mut shard = device
                .prepare(source.rows(0..shape.rows).expect("rows").as_mut())
                .expect("a shard");
            shard.restart(&grid, k).expect("a shard");
            shard
        })
        .collect();
    let mut seconds = vec![Vec::new(); ALGORITHMS.len()];
    let mut distances = vec![Vec::new(); ALGORITHMS.len()];
    let mut new = centroids.clone();
    let mut sums = vec![Partial::new(k, dims); ALGORITHMS.len()];
    for iteration in 1..=iterations {
        let mut changed = 0;
        for (a, shard) in shards.iter_mut().enumerate() {
            let start = cpu_seconds();
            let stats = shard
                .step(Centroids { values: &centroids, k, dims }, &mut sums[a])
                .expect("a step");
            seconds[a].push(cpu_seconds() - start);
            distances[a].push(stats.distances);
            assert!(
                a == 0 || stats.changed == changed,
                "{name}: other labels in iteration {iteration}"
            );
            changed = stats.changed;
        }
        assert!(sums.iter().all(|s| *s == sums[0]), "{name}: other sums in iteration {iteration}");
        if verbose {
            let ms = |a: usize| 1e3 * seconds[a][iteration - 1];
            let part = |a: usize| {
                100.0 * distances[a][iteration - 1] as f64 / distances[0][iteration - 1] as f64
            };
            let share = 100.0 * changed as f64 / shape.rows as f64;
            println!(
                "{iteration:4} changed {share:7.3} %  ms {:7.2} {:7.2} {:7.2}  distances {:5.1} % {:5.1} %",
                ms(0),
                ms(1),
                ms(2),
                part(1),
                part(2)
            );
        }
        if changed == 0 && iteration > 1 {
            break;
        }
        update::means(&sums[0], &grid, &centroids, &mut new);
        std::mem::swap(&mut centroids, &mut new);
    }
    let done = seconds[0].len();
    println!("{name}: {done} iterations");
    for (from, to) in [(0, 10), (10, 40), (40, 100), (100, 1000), (0, 1000)] {
        let (from, to) = (from.min(done), to.min(done));
        if from == to {
            continue;
        }
        let mean = |a: usize| 1e3 * seconds[a][from..to].iter().sum::<f64>() / (to - from) as f64;
        let sum = |a: usize| distances[a][from..to].iter().sum::<u64>() as f64;
        print!("  {:3} to {to:3}:", from + 1);
        for (a, algorithm) in ALGORITHMS.iter().enumerate() {
            print!(
                "  {} {:7.2} ms ({:.2}), {:5.1} %",
                algorithm.name(),
                mean(a),
                mean(a) / mean(0),
                100.0 * sum(a) / sum(0)
            );
        }
        println!();
    }
}

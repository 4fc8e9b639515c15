//! One step of k-means, by kernel, layout and shape. `cargo bench --no-default-features --bench
//! kernels -- avx2` chooses by name.
//!
//! `all` is the first step after a restart: every row is labelled and added to a sum. `none` is a
//! step in which no label changes: labelling alone. Steps of a real clustering lie between the two.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use amdahl_kmeans::device::Partial;
use amdahl_kmeans::device::cpu::Cpu;
use amdahl_kmeans::device::cpu::kernel::Kernel;

#[allow(dead_code)] // What others of its users need.
mod common;

/// Rows, columns, clusters. Small enough for the last-level cache: what is measured is the kernel,
/// not the memory.
const SHAPES: &[(usize, usize, usize)] =
    &[(100_000, 8, 16), (20_000, 54, 7), (20_000, 32, 64), (2_000, 784, 10), (2_000, 128, 1024)];

fn steps(criterion: &mut Criterion) {
    for &(count, dims, k) in SHAPES {
        let rows = common::Rows::new(count, dims, k);
        let mut group = criterion.benchmark_group(format!("step {count}x{dims} k={k}"));
        // Row-to-centroid products: 2 flops each.
        group.throughput(Throughput::Elements((count * dims * k) as u64));
        for (kernel, (layout, word)) in
            Kernel::all().flat_map(|kernel| common::LAYOUTS.map(|layout| (kernel, layout)))
        {
            let mut shard = rows.prepare(&Cpu::with(kernel).layout(layout));
            let start = rows.first_centroids();
            let mut sums = Partial::new(k, dims);
            let name = format!("{} {word}", kernel.name());
            group.bench_function(BenchmarkId::new(&name, "all"), |bencher| {
                bencher.iter(|| {
                    shard.restart(&rows.grid, k).expect("a shard");
                    shard.step(rows.as_centroids(&start), &mut sums).expect("a step")
                });
            });
            group.bench_function(BenchmarkId::new(&name, "none"), |bencher| {
                bencher.iter(|| shard.step(rows.as_centroids(&start), &mut sums).expect("a step"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);

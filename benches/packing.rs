//! Taking rows into a shard: what the layout costs once. `cargo bench --no-default-features --bench
//! packing`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use amdahl_kmeans::device::cpu::Cpu;
use amdahl_kmeans::device::cpu::kernel::Kernel;

#[allow(dead_code)] // What others of its users need.
mod common;

/// Rows, columns.
const SHAPES: &[(usize, usize)] = &[(100_000, 8), (20_000, 54), (2_000, 784)];

fn packing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("prepare");
    let kernel = Kernel::best();
    for &(count, dims) in SHAPES {
        let rows = common::Rows::new(count, dims, 1);
        group.throughput(Throughput::Bytes(4 * (count * dims) as u64));
        for (layout, word) in common::LAYOUTS {
            group.bench_function(BenchmarkId::new(word, format!("{count}x{dims}")), |bencher| {
                bencher.iter_with_large_drop(|| rows.prepare(&Cpu::with(kernel).layout(layout)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, packing);
criterion_main!(benches);

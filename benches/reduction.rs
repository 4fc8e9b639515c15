//! The sum over lanes that ends an iteration, among the threads of a process. `cargo bench
//! --no-default-features --bench reduction`.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use amdahl_lanes::comm::threads::Team;
use amdahl_lanes::comm::{Buf, Comm, Op};
use amdahl_lanes::pin;
use amdahl_record::host;

/// Columns, clusters: the sums, the counts and two words more are added.
const SHAPES: &[(usize, usize)] = &[(8, 16), (32, 64), (128, 1024)];

fn reduction(criterion: &mut Criterion) {
    // Before lanes pin themselves.
    let cpus = host::gather().allowed_cpus;
    for &(dims, k) in SHAPES {
        let length = k * dims + k + 2;
        let mut group = criterion.benchmark_group(format!("all_reduce d={dims} k={k}"));
        group.throughput(Throughput::Bytes(8 * length as u64));
        for lanes in [1, 2, 4, 8].into_iter().filter(|&lanes| lanes <= cpus.len()) {
            group.bench_function(
                BenchmarkId::from_parameter(format!("{lanes} lanes")),
                |bencher| {
                    bencher.iter_custom(|times| all_reduce(&cpus[..lanes], length, times));
                },
            );
        }
        group.finish();
    }
}

/// How long the first lane takes for `times` sums among lanes on these CPUs.
fn all_reduce(cpus: &[u32], length: usize, times: u64) -> Duration {
    let team = Team::new(cpus.len(), false);
    let lane = |thread: usize| {
        pin::pin(cpus[thread]);
        let comm = team.member(team.lane(thread));
        let mut values = vec![1i64; length];
        comm.barrier().expect("no lane fails");
        let start = Instant::now();
        for _ in 0..times {
            comm.all_reduce(Op::Sum, Buf::I64(&mut values)).expect("no lane fails");
        }
        start.elapsed()
    };
    std::thread::scope(|scope| {
        for thread in 1..cpus.len() {
            let lane = &lane;
            scope.spawn(move || lane(thread));
        }
        lane(0)
    })
}

criterion_group!(benches, reduction);
criterion_main!(benches);

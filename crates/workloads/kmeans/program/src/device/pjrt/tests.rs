//! The host on the reference plugin, in this process: every call, every answer against the
//! processor's, nothing left behind.
//!
//! What the plugin is told to do wrong is told by the environment, so those tests start workers:
//! `tests/pjrt.rs`.

use std::path::{Path, PathBuf};

use super::*;
use crate::device::{Centroids, LabelSink, Partial};
use amdahl_accelerator::client::Bf16;
use amdahl_data::MatrixRows;
use amdahl_lanes::exact::Grid;

/// The plugin that cargo builds beside the tests.
fn plugin() -> PathBuf {
    // The crate is named so that it is built: its shared library is what is loaded.
    assert_eq!(amdahl_reference::PLATFORM, "amdahl-reference");
    settle(&Wanted { platform: Platform::Reference, ..Wanted::default() }, None)
        .expect("built with the tests")
        .plugin
}

fn order(update: Update, precision: Precision, certify: bool) -> Order {
    let offload = Offload { update, precision, plugin: Some(plugin()) };
    Order { platform: Platform::Reference, offload, certify, ..Order::default() }
}

fn open(order: &Order) -> Result<Pjrt<'static>> {
    // SAFETY: the tests of this room read the environment through std alone.
    unsafe { Pjrt::open(order, None) }
}

/// Pseudo-random numbers; coarse ones tie.
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

fn grid(rows: &[f32], dims: usize) -> Grid {
    let mut maxima = vec![0f32; dims];
    rows.chunks_exact(dims)
        .for_each(|row| maxima.iter_mut().zip(row).for_each(|(m, x)| *m = m.max(x.abs())));
    Grid::new(&maxima, (rows.len() / dims) as u64).expect("few rows")
}

struct Kept(Vec<u32>);

impl LabelSink for Kept {
    fn put(&mut self, _: u64, labels: &[u32]) -> Result<()> {
        self.0.extend_from_slice(labels);
        Ok(())
    }
}

/// Labels and sums of two steps: from the first rows, then from others.
fn two_steps(
    device: &dyn KMeansDevice,
    rows: &[f32],
    dims: usize,
    k: usize,
) -> Result<(Vec<u32>, Partial, Partial, u64)> {
    let mut shard = device.prepare(&mut MatrixRows::new(rows, dims, 7))?;
    shard.restart(&grid(rows, dims), k)?;
    let step = |first: usize, shard: &mut dyn KMeansShard| {
        let mut sums = Partial::new(k, dims);
        let centroids = Centroids { values: &rows[first * dims..(first + k) * dims], k, dims };
        let stats = shard.step(centroids, &mut sums)?;
        Ok::<_, Error>((
            sums,
            stats.changed,
            shard.inertia(centroids, &mut grid(rows, dims).distance_sum())?,
        ))
    };
    let (first, changed, ()) = step(0, shard.as_mut())?;
    assert_eq!(changed as usize, rows.len() / dims, "every label is new");
    let (second, changed, ()) = step(2, shard.as_mut())?;
    let mut labels = Kept(Vec::new());
    shard.labels(&mut labels)?;
    Ok((labels.0, first, second, changed))
}

#[test]
fn labels_and_sums_are_the_processor_s_bit_by_bit() {
    let cpu = Cpu::new().expect("a kernel");
    for (rows, dims, k, coarse) in
        [(1000, 7, 9, false), (600, 2, 8, true), (130, 64, 3, false), (5, 3, 2, false)]
    {
        let values = numbers(rows * dims, 3, coarse);
        let right = two_steps(&cpu, &values, dims, k).expect("an answer");
        for precision in [Precision::F32, Precision::Bf16] {
            let device = open(&order(Update::Host, precision, true)).expect("a device");
            assert_eq!(device.platform(), "amdahl-reference");
            let answer = two_steps(&device, &values, dims, k).expect("an answer");
            assert_eq!(answer, right, "{rows} x {dims}, k = {k}, {precision:?}");
        }
    }
}

#[test]
fn labels_that_are_rounded_are_proven_ties() {
    let (rows, dims, k) = (2000, 5, 7);
    let values = numbers(rows * dims, 4, false);
    let right = two_steps(&Cpu::new().expect("a kernel"), &values, dims, k).expect("an answer");
    for (update, precision) in [
        (Update::Host, Precision::Bf16),
        (Update::Device, Precision::Bf16),
        (Update::Device, Precision::F32),
    ] {
        let device = open(&order(update, precision, false)).expect("a device");
        let answer = two_steps(&device, &values, dims, k).expect("an answer");
        let other = answer.0.iter().zip(&right.0).filter(|(a, b)| a != b).count() as u64;
        let ties = device.lane_facts().expect("facts").proven_ties;
        assert_eq!(ties, Some(other), "{update:?} {precision:?}");
        assert!(precision == Precision::F32 || other > 0, "bfloat16 confuses some of these rows");
        if precision == Precision::F32 {
            let near = |a: &[i64], b: &[i64]| {
                a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1 + b.abs() / 100_000)
            };
            assert!(
                other > 0
                    || near(&answer.1.sums, &right.1.sums) && answer.1.counts == right.1.counts
            );
        }
    }
}

#[test]
fn what_is_uploaded_comes_back_and_what_does_not_fit_is_refused() {
    let plugin = Plugin::load(&plugin()).expect("a plugin");
    let client = Client::new(
        &plugin,
        &[("a list", amdahl_accelerator::client::Choice::Integers(vec![1, 2]))],
    )
    .expect("a client");
    let buffer = client.upload(&[1.5f32, -2.0, 3.0], &[3]).expect("room");
    let mut back = [0f32; 3];
    buffer.download(&mut back).expect("it comes back");
    assert_eq!(back, [1.5, -2.0, 3.0]);
    let refusal = buffer.download(&mut [0f32; 2]).expect_err("too small");
    assert_eq!((refusal.during, refusal.name()), ("BufferToHostBuffer", "invalid argument"));
    let half = client.upload(&[Bf16::nearest(1.0)], &[1]).expect("room");
    let refusal = client.upload(&[1f32, 2.0], &[3]).err().expect("a value is missing");
    assert!(refusal.words.contains("2 values for a buffer of the shape [3]"), "{refusal}");
    // SAFETY: it does not compile.
    let refusal = unsafe { client.compile("module @x {\n  stablehlo.sort\n}", 1) };
    assert!(Error::from(refusal.err().expect("not one of ours")).message.contains("unimplemented"));
    let text = Text { kind: text::Kind::Assign, rows: 128, dims: 2, k: 2, format: Format::F32 };
    // SAFETY: as many outputs as the text has.
    let program = unsafe { client.compile(&text.module(), text.outputs()) }.expect("a program");
    let refusal = program.run(&[&buffer, &half, &half]).err().expect("other shapes");
    assert!(refusal.words.contains("other shapes"), "{refusal}");
    let another = Client::new(&plugin, &[]).expect("a client");
    let foreign = another.upload(&[1f32], &[1]).expect("room");
    let refusal = program.run(&[&foreign, &half, &half]).err().expect("not ours");
    assert!(refusal.words.contains("another client"), "{refusal}");
    let stats = client.memory().expect("statistics");
    assert!(stats.0 > 0 && stats.1 >= Some(stats.0) && stats.2.is_none());
}

#[test]
fn what_is_no_plugin_is_refused() {
    let refused = |path: &Path| Plugin::load(path).err().expect("no plugin");
    assert!(refused(Path::new("/no/such/plugin.so")).message.contains("no such file"));
    let own = std::env::current_exe().expect("this program");
    let error = refused(&own);
    assert_eq!(error.kind, amdahl_record::error::Kind::Unavailable);
    assert!(error.message.contains("is no PJRT plugin that can be used"), "{error}");
}

#[test]
fn a_device_is_what_was_asked_for_or_nothing() {
    let mut order = order(Update::Host, Precision::F32, true);
    order.platform = Platform::Cuda;
    let error = open(&order).err().expect("it is no GPU");
    assert!(error.message.contains("drives the platform 'amdahl-reference'"), "{error}");
    let facts = open(&Order { platform: Platform::Any, ..order })
        .expect("a device")
        .facts()
        .expect("facts");
    assert_eq!((facts.device.as_str(), facts.sha256.len()), ("interpreter", 64));
    assert_eq!(facts.attributes["runs_on"], "the processor");
}

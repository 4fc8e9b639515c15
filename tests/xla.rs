//! XLA's compiler and runtime for processors as a device (`make devices`): a real plugin in the place
//! of the interpreter, on rows that ask something of it.

use std::path::PathBuf;

use amdahl_accelerator::environment::Wanted;
use amdahl_data::random::{Purpose, Stream};
use amdahl_data::write;
use amdahl_kmeans_description::answer::EFFORT;
use amdahl_kmeans_description::spec::{Precision, Update};
use amdahl_record::Outcome;
use amdahl_record::cell::{Cell, Dataset, Labels, Platform};
use amdahl_testing::skipped;

use crate::support::{Sandbox, change_kmeans};
use crate::worker::{self, mpi_or_skip, synthetic};

/// The plugin, where it was installed.
fn plugin_or_skip(test: &str) -> Option<PathBuf> {
    let wanted = Wanted { platform: Platform::XlaCpu, ..Wanted::default() };
    match amdahl_accelerator::settle(&wanted, None) {
        Ok(settled) => Some(settled.plugin),
        Err(error) => {
            skipped(test, format!("{} ('make devices' installs it)", error.message));
            None
        }
    }
}

/// Runs a cell on it.
fn measure(cell: &Cell, plugin: &std::path::Path) -> amdahl_record::Measured {
    worker::measure(cell, &[("AMDAHL_XLA_CPU_PLUGIN", plugin.to_str().expect("a plain path"))])
}

/// 300 rows of 3 columns in four groups, each value changed by `change`.
fn rows(change: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let noise = Stream::new(9, Purpose::Noise);
    (0..900).map(|i| change(i, 8.0 * ((i / 3) % 4) as f64 + noise.unit(i as u64))).collect()
}

fn npy(values: &[f64]) -> Vec<u8> {
    let mut bytes = write::header("<f8", &[values.len() as u64 / 3, 3]);
    bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

/// A cell over the rows of a file.
fn cell(backend: &str, ranks: u32, sandbox: &Sandbox, file: &str) -> Cell {
    let mut cell = synthetic(backend, ranks, 1);
    cell.dataset = Dataset::File {
        path: sandbox.path(file),
        format: None,
        labels: Labels::default(),
        dataset: None,
        sample: None,
    };
    cell
}

#[test]
fn the_device_says_what_it_is() {
    let Some(plugin) = plugin_or_skip("the_device_says_what_it_is") else { return };
    let measured = measure(&synthetic("xla-cpu", 1, 1), &plugin);
    assert_eq!(measured.platform, "cpu");
    let facts = measured.device.as_ref().expect("facts of the device");
    assert!(facts.api.starts_with("0.") && facts.sha256.len() == 64, "{facts:?}");
    assert!(measured.kernel.contains("StableHLO"), "{}", measured.kernel);
    // Its threads' work is the lane's.
    let cpu = measured.reading("cpu").expect("a reading").values.as_ref().expect("on Linux");
    assert!(!cpu.is_empty());
}

#[test]
fn certified_answers_are_the_processor_s_on_rows_that_are_hard() {
    let test = "certified_answers_are_the_processor_s_on_rows_that_are_hard";
    let Some(plugin) = plugin_or_skip(test) else { return };
    let on_ranks = mpi_or_skip(test);
    let sandbox = Sandbox::new();
    let sets: [(&str, Vec<f64>); 8] = [
        ("far", rows(|_, x| x + 1e7)),
        ("scales", rows(|i, x| x * [1e-6, 1.0, 1e6][i % 3])),
        ("outlier", rows(|i, x| if i == 450 { 1e25 } else { x })),
        ("small", rows(|_, x| x * 1e-36)),
        ("subnormal", rows(|_, x| x * 1e-42)),
        ("large", rows(|_, x| x * 1e30)),
        ("ties", rows(|_, x| (x / 4.0).round())),
        ("zeros", rows(|_, _| 0.0)),
    ];
    for (name, values) in sets {
        std::fs::write(sandbox.path(name), npy(&values)).expect("written");
        let right = worker::measure(&cell("serial", 1, &sandbox, name), &[]);
        let backends: &[_] = if on_ranks && name.len() % 2 == 0 {
            &[("xla-cpu", 1), ("mpi+xla-cpu", 2)]
        } else {
            &[("xla-cpu", 1)]
        };
        for &(backend, ranks) in backends {
            let measured = measure(&cell(backend, ranks, &sandbox, name), &plugin);
            measured
                .answer
                .check_exact(&right.answer, EFFORT)
                .unwrap_or_else(|e| panic!("{name}, {backend} {ranks}: {e}"));
        }
    }
}

#[test]
fn bfloat16_leaves_rows_to_the_host_and_the_answer_as_it_is() {
    let test = "bfloat16_leaves_rows_to_the_host_and_the_answer_as_it_is";
    let Some(plugin) = plugin_or_skip(test) else { return };
    let right = worker::measure(&synthetic("serial", 1, 1), &[]);
    let mut cell = synthetic("xla-cpu", 1, 1);
    change_kmeans(&mut cell, |kmeans| kmeans.offload.precision = Precision::Bf16);
    let measured = measure(&cell, &plugin);
    measured.answer.check_exact(&right.answer, EFFORT).expect("the same bits");
    let lane = measured.lanes[0].device.expect("facts of the lane");
    assert!(lane.decided_by_host > 0, "{lane:?}");
}

/// A sweep over rows with this offset, on a device with sums on the host and on itself.
fn sweep(sandbox: &Sandbox, backend: &str, offset: f64) {
    std::fs::write(sandbox.path("far.npy"), npy(&rows(|_, x| x + offset))).expect("written");
    let manifest = format!(
        "[experiment]\nname = \"test\"\nrepeats = 1\n[workload]\nkind = \"kmeans\"\nk = 4\ninit = \"first-rows\"\niterations = 5\n\
         [dataset]\nfile = \"far.npy\"\n[axes]\nbackend = [\"serial\", \"{backend}\"]\nupdate = [\"host\", \"device\"]\n"
    );
    sandbox.write("test.toml", manifest);
    sandbox.run(&["run", "test.toml"]).ends_with(0);
    assert_eq!(sandbox.outcomes(backend), [Outcome::Ok, Outcome::Ok], "{backend}, {offset}");
    let results = sandbox.results();
    let (mut certified, mut by_device) = (0, 0);
    for record in &results.records {
        let cell = &results.cells[&record.key.cell];
        let measured = record.measured.as_ref().expect("measured");
        let Some(device) = measured.lanes[0].device else { continue };
        // Less their offset, the rows lie as they would without it: 300 in 6 steps.
        match crate::support::kmeans(cell).offload.update {
            Update::Host => {
                assert!(device.decided_by_host < 150, "{backend}, {offset}: {device:?}");
                certified += 1;
            }
            Update::Device => by_device += 1,
        }
    }
    assert_eq!((certified, by_device), (1, 1));
}

#[test]
fn rows_far_from_zero_are_right_on_a_device_and_are_decided_there() {
    let test = "rows_far_from_zero_are_right_on_a_device_and_are_decided_there";
    for offset in [1e6, 1e7] {
        sweep(&Sandbox::new(), "pjrt-reference", offset);
    }
    if plugin_or_skip(test).is_some() {
        sweep(&Sandbox::new(), "xla-cpu", 1e7);
    }
}

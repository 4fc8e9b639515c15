//! Accelerators as whole programs run them: real workers, real ranks, every failure a row with a
//! reason.

use crate::support::{change_kmeans, clustering};
use amdahl_kmeans_description::answer::EFFORT;
use amdahl_kmeans_description::answer::check_rounded;
use std::path::PathBuf;
use std::process::Command;

use amdahl_accelerator::environment::REFERENCE;
use amdahl_kmeans_description::answer::Clustering;
use amdahl_kmeans_description::spec::{Algorithm, Arithmetic, Precision, Stop, Update};
use amdahl_record::cell::Cell;
use amdahl_record::{Answer, Failure, Outcome, Phase};

use crate::support::{Ran, Sandbox, class, reason};
use crate::worker::{self, mpi_or_skip, synthetic};
use amdahl_testing::{skipped, valgrind_or_skip};

/// The plugin that cargo builds beside the tests.
fn plugin() -> PathBuf {
    assert_eq!(amdahl_reference::PLATFORM, "amdahl-reference");
    let folder = std::env::current_exe().expect("this program");
    folder.parent().expect("a folder").join(REFERENCE)
}

/// Runs a cell on the reference plugin.
fn measure(cell: &Cell) -> amdahl_record::Measured {
    let plugin = plugin();
    worker::measure(cell, &[("AMDAHL_REFERENCE_PLUGIN", plugin.to_str().expect("a plain path"))])
}

#[test]
fn a_worker_with_a_device_gives_the_processor_s_answer() {
    let mut cell = synthetic("pjrt-reference", 1, 1);
    let right = worker::measure(&synthetic("serial", 1, 1), &[]);
    let measured = measure(&cell);
    measured.answer.check_exact(&right.answer, EFFORT).expect("the same bits");
    assert_eq!(measured.platform, "amdahl-reference");
    let facts = measured.device.as_ref().expect("facts of the device");
    assert!(
        facts.exact && facts.plugin.ends_with(REFERENCE) && facts.sha256.len() == 64,
        "{facts:?}"
    );
    assert_eq!(facts.api, "0.114, structures padded");
    assert_eq!(facts.device, "interpreter");
    let lane = measured.lanes[0].device.expect("facts of the lane");
    assert!(lane.programs == 1 && lane.compile_s > 0.0 && lane.upload_s > 0.0, "{lane:?}");
    assert!(
        lane.resident_bytes >= 2000 * 6 * 4
            && lane.peak_memory_bytes.is_some_and(|peak| peak > 48_000),
        "{lane:?}"
    );
    for phase in [
        Phase::COMPILE,
        Phase::UPLOAD,
        Phase::EXECUTE,
        Phase::DOWNLOAD,
        Phase::ASSIGN,
        Phase::UPDATE,
    ] {
        assert!(measured.wall(phase)[0] > 0.0, "{phase:?} has a time of its own");
    }
    let timed: f64 = Phase::timed().into_iter().map(|phase| measured.wall(phase)[0]).sum();
    assert!(timed <= measured.seconds, "phases are within the timed part");
    // Batches and the assignment of all rows at the end use the same programs.
    change_kmeans(&mut cell, |kmeans| {
        kmeans.algorithm = Algorithm::Minibatch { batch: 100, seed: 3 }
    });
    let batches = measure(&cell);
    let mut serial = synthetic("serial", 1, 1);
    change_kmeans(&mut serial, |kmeans| {
        kmeans.algorithm = Algorithm::Minibatch { batch: 100, seed: 3 }
    });
    batches
        .answer
        .check_exact(&worker::measure(&serial, &[]).answer, EFFORT)
        .expect("the same bits");
}

#[test]
fn batches_of_any_number_of_rows_have_one_program() {
    let ranks: &[u32] =
        if mpi_or_skip("batches_of_any_number_of_rows_have_one_program") { &[1, 3] } else { &[1] };
    // The share of a rank scatters around 133 rows, which more than one block of 128 holds.
    for (&ranks, batch) in ranks.iter().zip([100, 400]) {
        let mut cell =
            synthetic(if ranks == 1 { "pjrt-reference" } else { "mpi+pjrt-reference" }, ranks, 1);
        let mut serial = synthetic("serial", 1, 1);
        for cell in [&mut cell, &mut serial] {
            change_kmeans(cell, |kmeans| {
                kmeans.algorithm = Algorithm::Minibatch { batch, seed: 3 };
                (kmeans.stop, kmeans.warmup) = (Stop::Iterations(40), 0);
            });
        }
        let batches = measure(&cell);
        batches
            .answer
            .check_exact(&worker::measure(&serial, &[]).answer, EFFORT)
            .expect("the same bits");
        for lane in batches.lanes.iter() {
            let programs = lane.device.expect("facts of the lane").programs;
            assert_eq!(programs, 2, "one for batches, one for all rows; {ranks} ranks");
        }
    }
}

#[test]
fn ranks_with_a_device_each_give_the_same_bits() {
    if !mpi_or_skip("ranks_with_a_device_each_give_the_same_bits") {
        return;
    }
    let right = worker::measure(&synthetic("serial", 1, 1), &[]);
    for ranks in 1..=3 {
        let measured = measure(&synthetic("mpi+pjrt-reference", ranks, 1));
        measured
            .answer
            .check_exact(&right.answer, EFFORT)
            .unwrap_or_else(|e| panic!("{ranks} ranks: {e}"));
        assert_eq!(measured.lanes.len(), ranks as usize);
        assert!(
            measured
                .lanes
                .iter()
                .all(|lane| lane.device.is_some_and(|device| device.programs == 1))
        );
    }
}

#[test]
fn what_is_rounded_stays_within_its_bound() {
    let right = worker::measure(&synthetic("serial", 1, 1), &[]);
    let ranks: &[u32] =
        if mpi_or_skip("what_is_rounded_stays_within_its_bound") { &[0, 1, 2, 3] } else { &[0] };
    for &ranks in ranks {
        for (update, precision) in [
            (Update::Device, Precision::F32),
            (Update::Device, Precision::Bf16),
            (Update::Host, Precision::Bf16),
        ] {
            let name = if ranks == 0 { "pjrt-reference" } else { "mpi+pjrt-reference" };
            let mut cell = synthetic(name, ranks.max(1), 1);
            change_kmeans(&mut cell, |kmeans| kmeans.arithmetic = Arithmetic::F32);
            change_kmeans(&mut cell, |kmeans| {
                (kmeans.offload.update, kmeans.offload.precision) = (update, precision);
            });
            let measured = measure(&cell);
            let facts = measured.device.as_ref().expect("facts of the device");
            assert!(!facts.exact);
            check_rounded(&measured.answer, &right.answer, true)
                .unwrap_or_else(|e| panic!("{cell:?}: {e}"));
            let (found, right) = (clustering(&measured.answer), clustering(&right.answer));
            let off = (found.inertia / right.inertia - 1.0).abs();
            assert!(
                off < if precision == Precision::F32 { 1e-6 } else { 1e-2 },
                "{update:?} {precision:?}: {off:e}"
            );
            assert!(
                measured
                    .lanes
                    .iter()
                    .all(|lane| lane.device.is_some_and(|device| device.proven_ties.is_some()))
            );
        }
    }
}

#[test]
fn another_answer_is_refused() {
    let measured = measure(&synthetic("pjrt-reference", 1, 1));
    let with = |change: &dyn Fn(&mut Clustering)| {
        let mut other = clustering(&measured.answer);
        change(&mut other);
        check_rounded(&Answer::from(other), &measured.answer, true)
    };
    assert_eq!(with(&|_| {}), Ok(()));
    assert_eq!(with(&|c| c.inertia *= 1.005), Ok(()));
    assert!(with(&|c| c.inertia *= 1.02).expect_err("too far").starts_with("inertia"));
    assert!(with(&|c| c.inertia = f64::NAN).expect_err("no number").starts_with("inertia"));
    assert!(with(&|c| c.iterations += 1).expect_err("more").starts_with("iterations"));
    assert!(with(&|c| c.sizes[0] += 1).expect_err("a row too many").starts_with("cluster sizes"));
    assert!(with(&|c| c.data = "x".into()).expect_err("others").starts_with("other data"));
}

/// A manifest with the serial oracle and a backend, and more about the workload.
fn manifest(backend: &str, more: &str, time_limit: &str) -> String {
    let ranks = if backend.starts_with("mpi") { "ranks = [2]\noversubscribe = true" } else { "" };
    format!(
        "[experiment]\nname = \"test\"\nrepeats = 1\n{time_limit}\n[workload]\nkind = \"kmeans\"\nk = 3\niterations = 4\n{more}\n\
         [dataset]\nsynthetic = \"mixture\"\npoints = 300\ndims = 2\nclusters = 3\n[axes]\nbackend = [\"serial\", \"{backend}\"]\n{ranks}\n"
    )
}

/// Runs the sweep with the plugin told to fail, and returns the backend's rows.
fn rows(backend: &str, fault: &str, more: &str, time_limit: &str) -> (Sandbox, Vec<Outcome>) {
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", manifest(backend, more, time_limit));
    let mut command = sandbox.amdahl(&["run", "test.toml"]);
    command.env("AMDAHL_REFERENCE", fault).env("AMDAHL_REFERENCE_PLUGIN", plugin());
    let ran = Ran(command.output().expect("amdahl starts"));
    assert!(!ran.err().contains("panicked"), "{}", ran.err());
    let oracle = sandbox.outcomes("serial");
    let good = !oracle.is_empty() && oracle.iter().all(|outcome| *outcome == Outcome::Ok);
    assert!(good, "the oracle needs no device: {oracle:?}, {}", ran.err());
    let rows = sandbox.outcomes(backend);
    (sandbox, rows)
}

/// A row of this class that says this.
#[track_caller]
fn one(fault: &str, more: &str, expected: Failure, words: &str) {
    let (_sandbox, rows) = rows("pjrt-reference", fault, more, "");
    assert_eq!(rows.len(), 1, "{fault}: {rows:?}");
    assert_eq!(class(&rows[0]), expected, "{fault}: {rows:?}");
    assert!(reason(&rows[0]).contains(words), "{fault}: {rows:?}");
}

#[test]
fn every_failure_of_the_plugin_is_a_row_with_a_reason() {
    let error = Failure::Error;
    one("create", "", Failure::Unavailable, "told not to create a client");
    one("no-device", "", Failure::Unavailable, "the plugin has no device");
    one("compile", "", error, "ClientCompile (internal): told not to compile");
    one("execute", "", error, "Execute (internal): told not to execute");
    one("event", "", error, "EventAwait (internal): told to end with an error");
    one("memory", "", error, "resource exhausted): told to be out of memory");
    one("download", "", error, "told not to hand values back");
    one("old", "", Failure::Unavailable, "its interface is version 0.53");
    one("short", "", Failure::Unavailable, "its table has");
    one("label", "", error, "has the label 6, of 3 clusters");
    one("wrong", "", error, "is nearer with");
    one("wrong", "arithmetic = \"f32\"", error, "more than rounding explains");
    one("wrong", "update = \"device\"", error, "more than rounding explains");
    one("count", "update = \"device\"", error, "its counts add up to 299, of 300 rows");
}

#[test]
fn plugins_of_other_sizes_and_slow_devices_are_no_failure() {
    for fault in ["", "strict", "longer", "slow"] {
        let (_sandbox, rows) = rows("pjrt-reference", fault, "", "");
        assert_eq!(rows, [Outcome::Ok], "{fault}");
    }
    let (_sandbox, rows) = rows("pjrt-reference", "hang", "", "time-limit = \"3 s\"");
    assert_eq!(class(&rows[0]), Failure::Timeout, "{rows:?}");
    assert!(reason(&rows[0]).contains("time limit of 3 s"), "{rows:?}");
}

#[test]
fn a_failing_device_ends_all_ranks() {
    if !mpi_or_skip("a_failing_device_ends_all_ranks") {
        return;
    }
    for (fault, expected, words) in [
        ("execute", Failure::Error, "told not to execute"),
        ("create", Failure::Unavailable, "told not to create"),
        ("memory", Failure::Error, "out of memory"),
    ] {
        let (sandbox, rows) = rows("mpi+pjrt-reference", fault, "", "");
        assert_eq!((rows.len(), class(&rows[0])), (1, expected), "{fault}: {rows:?}");
        assert!(reason(&rows[0]).contains(words), "{fault}: {rows:?}");
        sandbox.nothing_survives();
    }
}

#[test]
fn what_is_not_there_is_said_and_nothing_runs_in_its_place() {
    let sandbox = Sandbox::new();
    for (backend, words) in [
        ("trainium", "NEURON_LIBRARY_PATH"),
        ("cuda", "AMDAHL_CUDA_PLUGIN"),
        ("pjrt", "AMDAHL_PJRT_PLUGIN"),
    ] {
        let alone = Sandbox::new();
        alone.write("test.toml", manifest(backend, "", ""));
        let mut run = alone.amdahl(&["run", "test.toml"]);
        for name in ["NEURON_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"] {
            run.env_remove(name);
        }
        run.output().expect("amdahl starts");
        let rows = alone.outcomes(backend);
        assert_eq!((rows.len(), class(&rows[0])), (1, Failure::Unavailable), "{backend}: {rows:?}");
        assert!(reason(&rows[0]).contains(words), "{backend}: {rows:?}");
    }
    // A plugin that drives something else is not taken for what was asked for.
    sandbox.write(
        "test.toml",
        manifest("trainium", "", "").replace("kind =", "plugin = \"PLUGIN\"\nkind ="),
    );
    let text = std::fs::read_to_string(sandbox.path("test.toml")).expect("written");
    sandbox.write("test.toml", text.replace("PLUGIN", plugin().to_str().expect("a plain path")));
    let mut run = sandbox.amdahl(&["run", "test.toml"]);
    let folder = sandbox.path("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("neuronx-cc"), "").expect("a file");
    let path = std::env::var("PATH").unwrap_or_default();
    run.env("PATH", format!("{}:{path}", folder.display())).output().expect("amdahl starts");
    let rows = sandbox.outcomes("trainium");
    assert_eq!(class(&rows[0]), Failure::Unavailable, "{rows:?}");
    assert!(reason(&rows[0]).contains("drives the platform 'amdahl-reference'"), "{rows:?}");
}

#[test]
fn another_plugin_is_measured_anew() {
    let sandbox = Sandbox::new();
    let copy = sandbox.write("plugin.so", std::fs::read(plugin()).expect("the plugin"));
    sandbox.write("test.toml", manifest("pjrt", "plugin = \"plugin.so\"", ""));
    let run = |_: ()| sandbox.run(&["run", "test.toml"]).ends_with(0);
    run(());
    run(());
    assert_eq!(sandbox.outcomes("pjrt"), [Outcome::Ok], "once is enough");
    // Bytes behind the end of a library change what it is, not what it does.
    let mut bytes = std::fs::read(&copy).expect("the copy");
    bytes.extend_from_slice(b"another build");
    std::fs::write(&copy, bytes).expect("written");
    run(());
    assert_eq!(sandbox.outcomes("pjrt").len(), 2, "another plugin");
}

#[test]
fn the_answer_is_what_the_serial_backend_would_stop_at() {
    let mut cell = synthetic("pjrt-reference", 1, 1);
    change_kmeans(&mut cell, |kmeans| {
        kmeans.stop = Stop::Converged { tolerance: 0.0, max_iterations: 200 }
    });
    let mut serial = synthetic("serial", 1, 1);
    change_kmeans(&mut serial, |kmeans| {
        kmeans.stop = Stop::Converged { tolerance: 0.0, max_iterations: 200 }
    });
    let (measured, right) = (measure(&cell), worker::measure(&serial, &[]));
    measured.answer.check_exact(&right.answer, EFFORT).expect("the same bits");
    assert!(clustering(&measured.answer).converged);
}

#[test]
fn nothing_is_left_behind() {
    const TEST: &str = "nothing_is_left_behind";
    if !valgrind_or_skip(TEST) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let cell_file = folder.path().join("cell.json");
    let mut cell = synthetic("pjrt-reference", 1, 1);
    change_kmeans(&mut cell, |kmeans| kmeans.stop = Stop::Iterations(2));
    for (update, fault, code) in [
        (Update::Host, "", 0),
        (Update::Device, "", 0),
        (Update::Host, "event", 1),
        (Update::Host, "create", 2),
    ] {
        change_kmeans(&mut cell, |kmeans| kmeans.offload.update = update);
        std::fs::write(&cell_file, serde_json::to_string(&cell).expect("JSON")).expect("written");
        let out = Command::new("valgrind")
            .args([
                "--leak-check=full",
                "--errors-for-leak-kinds=definite",
                "--show-leak-kinds=definite",
                "--error-exitcode=99",
            ])
            .arg(crate::worker::worker())
            .arg("--cell")
            .arg(&cell_file)
            .arg("--record")
            .arg(folder.path().join("record.json"))
            .envs([("AMDAHL_KERNEL", "portable"), ("AMDAHL_REFERENCE", fault)])
            .env("AMDAHL_REFERENCE_PLUGIN", plugin())
            .output()
            .expect("valgrind starts");
        let said = String::from_utf8_lossy(&out.stderr);
        if said.contains("unhandled instruction bytes") || said.contains("Unrecognised instruction")
        {
            return skipped(TEST, "this valgrind does not know this processor's instructions");
        }
        assert_eq!(out.status.code(), Some(code), "{update:?} {fault}: {said}");
        assert!(said.contains("ERROR SUMMARY: 0 errors"), "{update:?} {fault}: {said}");
    }
}

#[test]
fn a_real_plugin_without_its_device_is_a_row() {
    let Some(plugin) = std::env::var_os("AMDAHL_CUDA_PLUGIN") else {
        let why = "AMDAHL_CUDA_PLUGIN names no xla_cuda_plugin.so (package jax-cuda13-pjrt)";
        return skipped("a_real_plugin_without_its_device_is_a_row", why);
    };
    let sandbox = Sandbox::new();
    sandbox.write("test.toml", manifest("cuda", "", ""));
    let mut run = sandbox.amdahl(&["run", "test.toml"]);
    run.env("AMDAHL_CUDA_PLUGIN", plugin).output().expect("amdahl starts");
    let rows = sandbox.outcomes("cuda");
    assert_eq!(rows.len(), 1, "{rows:?}");
    if rows[0] != Outcome::Ok {
        assert_eq!(class(&rows[0]), Failure::Unavailable, "{rows:?}");
        assert!(reason(&rows[0]).contains("ClientCreate"), "{rows:?}");
    }
    println!("{rows:?}");
}

//! Instruction counts of k-means steps, compared exactly with `benches/instructions.json`.
//!
//! Time is noise on a shared machine; the number of instructions is not. Callgrind executes this
//! test program once more, with a test of it that does a few steps, and counts what is executed
//! within [`counted_step`], by function. Instructions in other files (the C library's `memcpy` is
//! another one on another processor) are left out. What is left depends on the source and the
//! compiler alone.
//!
//! `make bless-instructions` writes the counts anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use amdahl_kmeans::device::cpu::Cpu;
use amdahl_kmeans::device::{Centroids, KMeansShard, Partial};
use amdahl_kmeans_description::spec::Layout;
use serde::{Deserialize, Serialize};

use crate::common::{LAYOUTS, Rows};
use amdahl_testing::{skipped, valgrind_or_skip};

/// Kernels of which Valgrind knows the instructions.
const KERNELS: &[&str] = &["portable", "avx2"];

/// Rows, columns, clusters: odd sizes, so that tails are counted too.
const SHAPES: &[(usize, usize, usize)] =
    &[(1003, 8, 16), (517, 54, 7), (301, 33, 65), (307, 784, 10)];

/// Names the kernel for the program that is counted.
const KERNEL: &str = "AMDAHL_KERNEL";

/// What is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Baseline {
    /// The compiler's version line: another compiler makes other code.
    compiler: String,
    /// Profile and target, without features.
    profile: String,
    /// Instructions by "kernel layout rows x columns k step".
    counts: BTreeMap<String, u64>,
}

impl Baseline {
    fn of_this_build() -> Baseline {
        let build = amdahl_record::build_facts!();
        let profile = build.profile.split(" features").next().unwrap_or_default().to_string();
        let profile =
            if build.flags.is_empty() { profile } else { format!("{profile} {}", build.flags) };
        Baseline { compiler: build.compiler, profile, counts: BTreeMap::new() }
    }

    fn file() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.json")
    }
}

/// What is counted: callgrind looks for this name, collects while it runs, and writes a file at its
/// end.
#[inline(never)]
#[unsafe(no_mangle)]
extern "Rust" fn amdahl_counted_step(
    shard: &mut dyn KMeansShard,
    centroids: Centroids<'_>,
    out: &mut Partial,
) -> u64 {
    shard.step(centroids, out).expect("a step").changed
}

#[test]
#[ignore = "the program that is counted, run under valgrind by the test below"]
fn steps() {
    let device = Cpu::new().expect("a kernel that this processor has");
    for (layout, (count, dims, k)) in cases() {
        let rows = Rows::new(count, dims, k);
        let mut shard = rows.prepare(&device.clone().layout(layout.0));
        let (first, mut sums) = (rows.first_centroids(), Partial::new(k, dims));
        shard.restart(&rows.grid, k).expect("a shard");
        let changed = amdahl_counted_step(shard.as_mut(), rows.as_centroids(&first), &mut sums);
        assert_eq!(changed as usize, count, "every label is new");
        let second = rows.next_centroids(&sums, &first);
        let changed = amdahl_counted_step(shard.as_mut(), rows.as_centroids(&second), &mut sums);
        assert!(changed > 0, "some labels change in the second step");
    }
}

/// A layout with its word.
type Named = (Layout, &'static str);

/// In the order in which they are counted.
fn cases() -> impl Iterator<Item = (Named, (usize, usize, usize))> {
    LAYOUTS.into_iter().flat_map(|layout| SHAPES.iter().map(move |&shape| (layout, shape)))
}

#[test]
fn instruction_counts_are_those_of_the_baseline() {
    const TEST: &str = "instruction_counts_are_those_of_the_baseline";
    let file = Baseline::file();
    let mut now = Baseline::of_this_build();
    let bless = std::env::var_os("AMDAHL_BLESS").is_some();
    let written = std::fs::read_to_string(&file).ok();
    let baseline: Option<Baseline> =
        written.map(|text| serde_json::from_str(&text).expect("a baseline"));
    if !bless {
        let Some(baseline) = &baseline else {
            return skipped(TEST, format!("there is no {}", file.display()));
        };
        let (was, is) = (
            format!("{}, {}", baseline.compiler, baseline.profile),
            format!("{}, {}", now.compiler, now.profile),
        );
        if was != is {
            let why =
                format!("the baseline is of {was}, this build of {is}; make bless-instructions");
            return skipped(TEST, why);
        }
    }
    if !valgrind_or_skip(TEST) {
        return;
    }
    let mut functions = BTreeMap::new();
    for kernel in KERNELS {
        match count(kernel) {
            Ok(steps) => {
                let cases = cases().flat_map(|case| [(case, "first"), (case, "second")]);
                for ((((_, layout), (rows, dims, k)), step), by_function) in cases.zip(steps) {
                    let name = format!("{kernel} {layout} {rows}x{dims} k={k} {step} step");
                    now.counts.insert(name.clone(), by_function.values().sum());
                    functions.insert(name, by_function);
                }
            }
            Err(why) => skipped(TEST, format!("kernel {kernel}: {why}")),
        }
    }
    if bless {
        std::fs::write(&file, serde_json::to_string_pretty(&now).expect("JSON") + "\n")
            .expect("the baseline is written");
        return;
    }
    let mut differing = String::new();
    for (name, &count) in &now.counts {
        let expected = baseline.as_ref().and_then(|baseline| baseline.counts.get(name)).copied();
        if expected != Some(count) {
            let change = expected.map_or("new".into(), |e| {
                format!("{:+.3} %", (count as f64 / e as f64 - 1.0) * 100.0)
            });
            differing += &format!(
                "{name}: {count} instructions, the baseline has {expected:?} ({change})\n"
            );
            let mut most: Vec<_> = functions[name].iter().collect();
            most.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (function, count) in most.into_iter().take(5) {
                differing += &format!("    {count:>9} {function}\n");
            }
        }
    }
    assert!(
        differing.is_empty(),
        "'make bless-instructions' writes them anew where that is meant\n{differing}"
    );
}

/// Instructions of each step in turn, by function.
fn count(kernel: &str) -> Result<Vec<BTreeMap<String, u64>>, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--toggle-collect=amdahl_counted_step",
            "--dump-after=amdahl_counted_step",
        ])
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", folder.path().join("out").display()))
        .arg(&program)
        .args(["--exact", "instructions::steps", "--ignored", "--test-threads=1"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env(KERNEL, kernel)
        .output()
        .map_err(|e| e.to_string())?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    if !output.status.success() {
        let reason =
            said.lines().find(|line| line.contains("lacks the instructions")).map(str::to_string);
        return reason.map_or_else(
            || panic!("kernel {kernel} under valgrind: {}\n{said}", output.status),
            Err,
        );
    }
    let wanted = 2 * cases().count();
    let steps: Vec<_> = (1..=wanted)
        .map_while(|part| std::fs::read_to_string(folder.path().join(format!("out.{part}"))).ok())
        .map(|text| own_instructions(&text, &program))
        .collect();
    assert_eq!(steps.len(), wanted, "a file for every step\n{said}");
    Ok(steps)
}

/// The instructions of one of callgrind's files that are in `program` itself, by function. The
/// format: <https://valgrind.org/docs/manual/cl-format.html>. The line after `calls=` is what was
/// called, and stands elsewhere by itself.
fn own_instructions(text: &str, program: &Path) -> BTreeMap<String, u64> {
    let (mut ours, mut function, mut called) = (false, "", false);
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            ours = Path::new(object) == program;
        } else if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if line.starts_with("calls=") {
            called = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let count = line.split(' ').nth(1).and_then(|count| count.parse::<u64>().ok());
            if let (Some(count), true, false) = (count, ours, called) {
                *counts.entry(function.to_string()).or_default() += count;
            }
            called = false;
        }
    }
    counts
}

#[test]
fn only_what_is_executed_in_the_program_itself_is_counted() {
    let text = "ob=/p\nfl=a.rs\nfn=one\n1 10\n2 5\ncob=/lib/libc.so\ncfn=memcpy\ncalls=3 0\n2 300\n3 1\n\n\
                ob=/lib/libc.so\nfl=?\nfn=memcpy\n0 300\n\nob=/p\nfl=b.rs\nfn=two\n7 100\n\ntotals: 416\n";
    let counts = own_instructions(text, Path::new("/p"));
    assert_eq!(counts, BTreeMap::from([("one".to_string(), 16), ("two".to_string(), 100)]));
}

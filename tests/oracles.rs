//! The programs of accelerators under other compilers (`make oracles`), against the serial backend:
//! random rows, ties, masks, clusters that stay empty.

use std::path::Path;
use std::process::Command;

use amdahl_accelerator::client::Bf16;
use amdahl_data::MatrixRows;
use amdahl_kmeans::device::cpu::Cpu;
use amdahl_kmeans::device::pjrt::bound::Scaled;
use amdahl_kmeans::device::pjrt::layout;
use amdahl_kmeans::device::pjrt::text::{Format, Kind, Text};
use amdahl_kmeans::device::{Centroids, KMeansDevice, LabelSink, Partial};
use amdahl_lanes::exact::{Grid, squared_distance};
use amdahl_record::error::Result;
use serde_json::{Value, json};

use amdahl_testing::skipped;

/// Scale of the rows: all are below 2 to this power.
const EXPONENT: i32 = 6;

/// Rows (some of them only fill up), centroids, and a program.
struct Case {
    text: Text,
    /// Rows that count.
    rows: usize,
    values: Vec<f32>,
    centroids: Vec<f32>,
}

/// Pseudo-random numbers below 2^EXPONENT; coarse ones tie.
fn numbers(count: usize, seed: u64, coarse: bool) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..count).map(|_| if coarse { (next() * 6.0).round() } else { next() * 100.0 }).collect()
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let shapes = [
        (100, 128, 5, 3, false),
        (256, 256, 2, 9, true),
        (1000, 1024, 16, 40, false),
        (130, 256, 64, 2, true),
        (1, 128, 7, 5, false),
    ];
    for (seed, (rows, size, dims, k, coarse)) in shapes.into_iter().enumerate() {
        for kind in [Kind::Assign, Kind::Certified, Kind::Update] {
            for format in [Format::F32, Format::Bf16] {
                let mut values = numbers(rows * dims, seed as u64 + 1, coarse);
                let mut centroids = numbers(k * dims, seed as u64 + 77, coarse);
                // Two equal centroids, of which the higher stays empty; and one far away from all
                // rows.
                let (first, rest) = centroids.split_at_mut(dims);
                rest[..dims].copy_from_slice(first);
                if k > 3 {
                    centroids[(k - 1) * dims..].fill(63.0);
                }
                if format == Format::Bf16 {
                    // Values that are exact in bfloat16, so that the scores of both are those of
                    // the same numbers.
                    let exact =
                        |x: &mut f32| *x = f32::from_bits(u32::from(Bf16::nearest(*x).0) << 16);
                    values.iter_mut().chain(&mut centroids).for_each(exact);
                }
                cases.push(Case {
                    text: Text { kind, rows: size, dims, k, format },
                    rows,
                    values,
                    centroids,
                });
            }
        }
    }
    cases
}

struct Kept(Vec<u32>);

impl LabelSink for Kept {
    fn put(&mut self, _: u64, labels: &[u32]) -> Result<()> {
        self.0.extend_from_slice(labels);
        Ok(())
    }
}

impl Case {
    fn centroids(&self) -> Centroids<'_> {
        Centroids { values: &self.centroids, k: self.text.k, dims: self.text.dims }
    }

    fn scaled(&self) -> Scaled {
        let norm = self
            .values
            .chunks_exact(self.text.dims)
            .map(|row| row.iter().map(|x| x * x).sum::<f32>().sqrt());
        Scaled::new(self.centroids(), EXPONENT, norm.fold(0.0, f32::max) * 1.001, self.text.format)
    }

    /// Labels and sums of the serial backend, and the grid of the sums.
    fn serial(&self) -> (Vec<u32>, Partial, Grid) {
        let Text { dims, k, .. } = self.text;
        let grid = Grid::new(&vec![63.0; dims], self.rows as u64).expect("few rows");
        let (cpu, mut sums, mut labels) =
            (Cpu::new().expect("a kernel"), Partial::new(k, dims), Kept(Vec::new()));
        let mut shard =
            cpu.prepare(&mut MatrixRows::new(&self.values, dims, 0)).expect("rows in memory");
        shard.restart(&grid, k).expect("room");
        shard.step(self.centroids(), &mut sums).expect("a step");
        shard.labels(&mut labels).expect("labels");
        (labels.0, sums, grid)
    }

    /// Writes text and inputs, and describes them.
    fn write(&self, folder: &Path, number: usize) -> Value {
        let Text { kind, rows, dims, k, format } = self.text;
        let scaled = self.scaled();
        let row = |i: usize, out: &mut [f32]| {
            let row = &self.values[i * dims..][..dims];
            out.iter_mut().zip(row).for_each(|(out, x)| *out = x / 2f32.powi(EXPONENT));
        };
        let values = layout::columns(row, self.rows, (rows, dims), format);
        let floats =
            |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let of_rows = |values: &[f32]| match format {
            Format::F32 => floats(values),
            Format::Bf16 => values.iter().flat_map(|&x| Bf16::nearest(x).0.to_le_bytes()).collect(),
        };
        let word = if format == Format::F32 { "f32" } else { "bf16" };
        // Every other row has the label 0 already.
        let mut old = layout::no_labels(self.rows, rows);
        old.iter_mut().step_by(2).for_each(|label| *label = 0.0);
        let columns = self.text.columns();
        let centroids = layout::centroids(&scaled, dims, format);
        let mut inputs = vec![
            (of_rows(&values), word, vec![columns, rows]),
            (of_rows(&centroids), word, vec![k, columns]),
        ];
        match kind {
            Kind::Assign => {}
            Kind::Certified => inputs.push((floats(&[scaled.threshold]), "f32", vec![])),
            Kind::Update => inputs.push((floats(&old), "f32", vec![rows])),
        }
        let text = format!("{number}.mlir");
        std::fs::write(folder.join(&text), self.text.module()).expect("written");
        let write = |(i, (bytes, of, shape)): (usize, (Vec<u8>, &str, Vec<usize>))| {
            let file = format!("{number}.in.{i}");
            std::fs::write(folder.join(&file), bytes).expect("written");
            json!({ "file": file, "type": of, "shape": shape })
        };
        json!({ "text": text, "inputs": inputs.into_iter().enumerate().map(write).collect::<Vec<_>>() })
    }

    /// Holds what a compiler's program gave to the serial backend. Returns how many rows were left
    /// to the host, or were proven ties.
    fn check(&self, folder: &Path, number: usize, compiler: &str) -> usize {
        let Text { kind, rows, dims, k, .. } = self.text;
        let read = |i: usize| {
            let bytes =
                std::fs::read(folder.join(format!("{number}.{compiler}.{i}"))).expect("an output");
            bytes.as_chunks::<4>().0.to_vec()
        };
        let floats = |i: usize| read(i).into_iter().map(f32::from_le_bytes).collect::<Vec<_>>();
        let case = format!(
            "{compiler}, {:?}, {} of {rows} rows x {dims}, k = {k}, {:?}",
            kind, self.rows, self.text.format
        );
        let labels: Vec<i64> = match kind {
            Kind::Update => floats(0).into_iter().map(|x| x as i64).collect(),
            _ => read(0).into_iter().map(|bytes| i64::from(i32::from_le_bytes(bytes))).collect(),
        };
        assert_eq!(labels.len(), rows, "{case}");
        let (right, sums, grid) = self.serial();
        let (scaled, mut open) = (self.scaled(), 0);
        let mut mine = right.clone();
        for (i, &label) in labels[..self.rows].iter().enumerate() {
            let row = &self.values[i * dims..][..dims];
            let marked = kind == Kind::Certified && label == k as i64;
            let label = if marked { i64::from(right[i]) } else { label };
            assert!((0..k as i64).contains(&label), "{case}: row {i} has the label {label}");
            let distance =
                |label: usize| squared_distance(row, &self.centroids[label * dims..][..dims]);
            let tie = distance(label as usize) - distance(right[i] as usize) <= scaled.distance;
            assert!(
                label == i64::from(right[i]) || tie && kind != Kind::Certified,
                "{case}: row {i} has {label}"
            );
            open += usize::from(marked || label != i64::from(right[i]));
            mine[i] = label as u32;
        }
        if kind == Kind::Update {
            let (of_sums, changed) = (floats(1), floats(2));
            assert_eq!(of_sums.len(), self.text.columns() * k, "{case}");
            let (of_sums, counts) = (&of_sums[..dims * k], &of_sums[of_sums.len() - k..]);
            for (j, &counted) in counts.iter().enumerate() {
                let count = mine.iter().filter(|&&label| label as usize == j).count();
                assert_eq!(counted, count as f32, "{case}: cluster {j}");
            }
            let before = |i: usize| if i.is_multiple_of(2) { 0 } else { u32::MAX };
            assert_eq!(
                changed,
                [(0..self.rows).filter(|&i| mine[i] != before(i)).count() as f32],
                "{case}"
            );
            if mine == right {
                let of_sums = (0..k * dims).map(|i| of_sums[i % dims * k + i / dims]);
                for (i, (sum, &exact)) in of_sums.zip(&sums.sums).enumerate() {
                    let (sum, exact) = (
                        f64::from(sum) * 2f64.powi(EXPONENT),
                        exact as f64 / grid.scale()[i % dims],
                    );
                    assert!(
                        (sum - exact).abs() <= 1e-6 * 63.0 * self.rows as f64,
                        "{case}: {sum} and {exact}"
                    );
                }
            }
        }
        open
    }
}

#[test]
fn oracles_agree_with_the_serial_backend() {
    let Some(python) = std::env::var_os("AMDAHL_ORACLES") else {
        let test = "oracles_agree_with_the_serial_backend";
        return skipped(test, "'make oracles' runs it with jaxlib and IREE");
    };
    let folder = tempfile::tempdir().expect("a folder");
    let cases = cases();
    let index: Vec<Value> =
        cases.iter().enumerate().map(|(i, case)| case.write(folder.path(), i)).collect();
    std::fs::write(folder.path().join("index.json"), Value::from(index).to_string())
        .expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/oracles.py");
    let out = Command::new(python).arg(script).arg(folder.path()).output().expect("python starts");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    for compiler in ["xla", "iree"] {
        let open: usize =
            cases.iter().enumerate().map(|(i, case)| case.check(folder.path(), i, compiler)).sum();
        assert!(open > 0, "there are ties among the cases");
        println!(
            "{compiler}: {} programs agree with the serial backend; {open} rows were ties or left to the host",
            cases.len()
        );
    }
}

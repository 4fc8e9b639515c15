//! The programs, as StableHLO text.
//!
//! **Scores.** A row x is nearest to the centroid c with the largest s = x·c − ½‖c‖², since ‖x −
//! c‖² = ‖x‖² − 2s. The scores of all rows are one matrix product; −½‖c‖² comes from the host,
//! which has it in f64.
//!
//! **Labels without argmax.** Compilers for accelerators refuse a reduction of two values at once,
//! sorting, and loops with a condition. So: the largest score of each row; where a score equals it,
//! the cluster's number, elsewhere k; of these the smallest. The lower index wins a tie, and a
//! comparison that failed would give k, which the host finds. Numbers are f32 until the end: all
//! below 2^24.
//!
//! **Certificate.** [`Kind::Certified`] also takes the best score of the other clusters. A row
//! whose two best are no farther apart than the threshold (an input) gets its label plus k: f32 has
//! not decided it, and the host does.
//!
//! **Update.** [`Kind::Update`] compares labels with their numbers once more for a matrix of zeros
//! and ones; its products with the rows and with the mask are the sums and the counts. Counts are
//! exact: a block has at most 2^24 rows.
//!
//! All shapes are fixed; rows are filled up with zeros, which the mask takes out of the sums.

use std::fmt::Write;

/// Rows of a block at most: f32 counts exactly up to here.
pub const MAX_ROWS: usize = 1 << 24;

/// What a program does in a step. Inputs and outputs in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// rows, centroids, starts → labels (i32).
    Assign,
    /// rows, centroids, starts, threshold → labels (i32), k more where undecided.
    Certified,
    /// rows, centroids, starts, mask, old labels (f32) → labels (f32), sums (k × d), counts (k),
    /// changed labels (1).
    Update,
}

/// Arithmetic of the products; sums are f32 in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Rows and centroids are f32.
    F32,
    /// Rows and centroids are rounded to bfloat16.
    Bf16,
}

/// A program by its shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// What it does.
    pub kind: Kind,
    /// Rows of a block, filled up.
    pub rows: usize,
    /// Columns.
    pub dims: usize,
    /// Clusters.
    pub k: usize,
    /// Arithmetic.
    pub format: Format,
}

impl Text {
    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        if self.kind == Kind::Update { 4 } else { 1 }
    }

    /// The module.
    pub fn module(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, o: &mut String) -> std::fmt::Result {
        let Text { kind, rows: r, dims: d, k, format } = *self;
        let e = match format {
            Format::F32 => "f32",
            Format::Bf16 => "bf16",
        };
        let (x, c, s, row, of_k, one) = (
            format!("tensor<{r}x{d}x{e}>"),
            format!("tensor<{k}x{d}x{e}>"),
            format!("tensor<{r}x{k}xf32>"),
            format!("tensor<{r}xf32>"),
            format!("tensor<{k}xf32>"),
            "tensor<f32>",
        );
        let truth = format!("tensor<{r}x{k}xi1>");
        let integers = format!("tensor<{r}xi32>");
        let (inputs, outputs) = match kind {
            Kind::Assign => (String::new(), integers.clone()),
            Kind::Certified => (format!(", %threshold: {one}"), integers.clone()),
            Kind::Update => (
                format!(", %mask: {row}, %old: {row}"),
                format!("({row}, tensor<{k}x{d}xf32>, {of_k}, {one})"),
            ),
        };
        writeln!(o, "module @amdahl_kmeans {{")?;
        writeln!(
            o,
            "  func.func public @main(%x: {x}, %c: {c}, %start: {of_k}{inputs}) -> {outputs} {{"
        )?;
        writeln!(o, "    %low = stablehlo.constant dense<-3.40282347E+38> : {one}")?;
        writeln!(o, "    %none = stablehlo.constant dense<{k}.0> : {one}")?;
        writeln!(
            o,
            "    %dots = stablehlo.dot_general %x, %c, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : ({x}, {c}) -> {s}"
        )?;
        writeln!(
            o,
            "    %starts = stablehlo.broadcast_in_dim %start, dims = [1] : ({of_k}) -> {s}"
        )?;
        writeln!(o, "    %scores = stablehlo.add %dots, %starts : {s}")?;
        let reduce = |of: &str, from: &str, op: &str| {
            format!(
                "stablehlo.reduce({of} init: {from}) applies stablehlo.{op} across dimensions = [1] : ({s}, {one}) -> {row}"
            )
        };
        let spread =
            |of: &str| format!("stablehlo.broadcast_in_dim {of}, dims = [0] : ({row}) -> {s}");
        let fill =
            |of: &str| format!("stablehlo.broadcast_in_dim {of}, dims = [] : ({one}) -> {s}");
        let compare = |a: &str, b: &str| {
            format!("stablehlo.compare EQ, {a}, {b}, FLOAT : ({s}, {s}) -> {truth}")
        };
        writeln!(o, "    %best = {}", reduce("%scores", "%low", "maximum"))?;
        writeln!(o, "    %bests = {}", spread("%best"))?;
        writeln!(o, "    %equal = {}", compare("%scores", "%bests"))?;
        writeln!(o, "    %numbers = stablehlo.iota dim = 1 : {s}")?;
        writeln!(o, "    %nones = {}", fill("%none"))?;
        writeln!(o, "    %candidates = stablehlo.select %equal, %numbers, %nones : {truth}, {s}")?;
        writeln!(o, "    %label = {}", reduce("%candidates", "%none", "minimum"))?;
        match kind {
            Kind::Assign => {
                writeln!(o, "    %labels = stablehlo.convert %label : ({row}) -> {integers}")?;
                writeln!(o, "    return %labels : {integers}")?;
            }
            Kind::Certified => {
                let truths = format!("tensor<{r}xi1>");
                let wide = |of: &str| {
                    format!("stablehlo.broadcast_in_dim {of}, dims = [] : ({one}) -> {row}")
                };
                writeln!(o, "    %chosen = {}", spread("%label"))?;
                writeln!(o, "    %first = {}", compare("%numbers", "%chosen"))?;
                writeln!(o, "    %lows = {}", fill("%low"))?;
                writeln!(
                    o,
                    "    %others = stablehlo.select %first, %lows, %scores : {truth}, {s}"
                )?;
                writeln!(o, "    %second = {}", reduce("%others", "%low", "maximum"))?;
                writeln!(o, "    %gap = stablehlo.subtract %best, %second : {row}")?;
                writeln!(o, "    %thresholds = {}", wide("%threshold"))?;
                writeln!(
                    o,
                    "    %near = stablehlo.compare LE, %gap, %thresholds, FLOAT : ({row}, {row}) -> {truths}"
                )?;
                writeln!(o, "    %zero = stablehlo.constant dense<0.0> : {one}")?;
                writeln!(o, "    %zeros = {}", wide("%zero"))?;
                writeln!(o, "    %more = {}", wide("%none"))?;
                writeln!(o, "    %mark = stablehlo.select %near, %more, %zeros : {truths}, {row}")?;
                writeln!(o, "    %marked = stablehlo.add %label, %mark : {row}")?;
                writeln!(o, "    %labels = stablehlo.convert %marked : ({row}) -> {integers}")?;
                writeln!(o, "    return %labels : {integers}")?;
            }
            Kind::Update => {
                let hot = format!("tensor<{r}x{k}x{e}>");
                let sums = format!("tensor<{k}x{d}xf32>");
                let truths = format!("tensor<{r}xi1>");
                writeln!(o, "    %zero = stablehlo.constant dense<0.0> : {one}")?;
                writeln!(o, "    %chosen = {}", spread("%label"))?;
                writeln!(o, "    %is = {}", compare("%numbers", "%chosen"))?;
                writeln!(o, "    %masks = {}", spread("%mask"))?;
                writeln!(o, "    %zeros = {}", fill("%zero"))?;
                writeln!(o, "    %hot = stablehlo.select %is, %masks, %zeros : {truth}, {s}")?;
                let factor = match format {
                    Format::F32 => "%hot",
                    Format::Bf16 => {
                        writeln!(o, "    %hots = stablehlo.convert %hot : ({s}) -> {hot}")?;
                        "%hots"
                    }
                };
                writeln!(
                    o,
                    "    %sums = stablehlo.dot_general {factor}, %x, contracting_dims = [0] x [0], precision = [HIGHEST, HIGHEST] : ({hot}, {x}) \
                     -> {sums}"
                )?;
                writeln!(
                    o,
                    "    %counts = stablehlo.reduce(%hot init: %zero) applies stablehlo.add across dimensions = [0] : ({s}, {one}) -> {of_k}"
                )?;
                writeln!(
                    o,
                    "    %same = stablehlo.compare EQ, %label, %old, FLOAT : ({row}, {row}) -> {truths}"
                )?;
                writeln!(
                    o,
                    "    %none_of = stablehlo.broadcast_in_dim %zero, dims = [] : ({one}) -> {row}"
                )?;
                writeln!(
                    o,
                    "    %new = stablehlo.select %same, %none_of, %mask : {truths}, {row}"
                )?;
                writeln!(
                    o,
                    "    %changed = stablehlo.reduce(%new init: %zero) applies stablehlo.add across dimensions = [0] : ({row}, {one}) -> {one}"
                )?;
                writeln!(
                    o,
                    "    return %label, %sums, %counts, %changed : {row}, {sums}, {of_k}, {one}"
                )?;
            }
        }
        writeln!(o, "  }}")?;
        writeln!(o, "}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_return_as_many_values_as_they_say() {
        for kind in [Kind::Assign, Kind::Certified, Kind::Update] {
            for format in [Format::F32, Format::Bf16] {
                let text = Text { kind, rows: 128, dims: 5, k: 3, format };
                let module = text.module();
                let returned = module.lines().find_map(|line| line.trim().strip_prefix("return "));
                let values = returned.and_then(|line| line.split(" : ").next()).expect("a return");
                assert_eq!(values.split(", ").count(), text.outputs(), "{module}");
            }
        }
    }

    /// The texts of all kinds, as they were when both oracles agreed with them (`make oracles`).
    #[test]
    fn texts_are_as_they_were_checked() {
        let kinds = [Kind::Assign, Kind::Certified, Kind::Update];
        let formats = [Format::F32, Format::Bf16];
        let all = kinds.iter().flat_map(|&kind| {
            formats.map(|format| Text { kind, rows: 128, dims: 5, k: 3, format })
        });
        let texts: String = all.map(|text| text.module()).collect();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../tests/golden/kmeans.mlir");
        if std::env::var_os("AMDAHL_BLESS").is_some() {
            std::fs::write(file, &texts).expect("written");
        }
        let golden = std::fs::read_to_string(file).expect("a golden file");
        assert!(
            texts == golden,
            "the program text has changed: run 'make oracles', then AMDAHL_BLESS=1 this test\n{texts}"
        );
    }
}

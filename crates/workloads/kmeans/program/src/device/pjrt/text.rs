//! The programs, as StableHLO text.
//!
//! **Scores.** A row x is nearest to the centroid c with the largest s = x·c − ½‖c‖², since ‖x −
//! c‖² = ‖x‖² − 2s. The scores of all rows are one matrix product: rows have further values of 1,
//! centroids −½‖c‖² beside them, which the host has in f64 ([`super::layout`]).
//!
//! **Columns.** Rows lie as the columns of their matrix, so that every operation on scores runs
//! along the many rows, not along the few clusters: compilers for processors make loops of that
//! which are several times as fast.
//!
//! **Labels without argmax.** Compilers for accelerators refuse a reduction of two values at once,
//! sorting, and loops with a condition. So: the largest score of each row; where a score equals it,
//! the cluster's number, elsewhere k; of these the smallest. The lower index wins a tie, and a
//! comparison that failed would give k, which the host finds. Numbers are f32 until the end: all
//! below 2^24.
//!
//! **Barrier.** The largest scores pass through an `optimization_barrier`, which changes nothing:
//! without it XLA on processors spreads them over a matrix as large as that of all scores.
//!
//! **Certificate.** [`Kind::Certified`] counts, for each row, the clusters whose score is no
//! farther below the largest than the threshold (an input). One alone is the label. Where they are
//! more, f32 has not decided the row: its label is k, and the host decides. Each of them is
//! counted as k plus its number, so that one sum says both: below 2k for one, from 2k up for more,
//! 0 where a comparison failed.
//!
//! **Update.** [`Kind::Update`] compares labels with the clusters' numbers once more for a matrix
//! of zeros and ones; its product with the rows are the sums, and with their values of 1 the
//! counts. Counts are exact: a block has at most 2^24 rows.
//!
//! All shapes are fixed; rows are filled up with zeros, also where rows have 1, and so add nothing
//! to sums or counts.

use std::fmt::Write;

/// Rows of a block at most: f32 counts exactly up to here.
pub const MAX_ROWS: usize = 1 << 24;

/// What a program does in a step. Inputs and outputs in this order. Rows are (columns × rows),
/// centroids (k × columns), with the further columns of [`Format::ones`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// rows, centroids → labels (i32).
    Assign,
    /// rows, centroids, threshold → labels (i32), k where undecided.
    Certified,
    /// rows, centroids, old labels (f32) → labels (f32), sums (columns × k; the last row has the
    /// counts), changed labels (1).
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

impl Format {
    /// Further columns: values of 1 in rows, and the parts of −½‖c‖² in centroids. An f32 is the
    /// sum of three bfloat16.
    pub fn ones(self) -> usize {
        match self {
            Format::F32 => 1,
            Format::Bf16 => 3,
        }
    }
}

/// A program by its shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// What it does.
    pub kind: Kind,
    /// Rows of a block, filled up.
    pub rows: usize,
    /// Columns of the data.
    pub dims: usize,
    /// Clusters.
    pub k: usize,
    /// Arithmetic.
    pub format: Format,
}

impl Text {
    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        if self.kind == Kind::Update { 3 } else { 1 }
    }

    /// Columns, those of ones among them.
    pub fn columns(&self) -> usize {
        self.dims + self.format.ones()
    }

    /// The module.
    pub fn module(&self) -> String {
        let mut out = String::new();
        // Writing to a text cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, o: &mut String) -> std::fmt::Result {
        let Types { x, c, s, row, integers, truth, sums, .. } = &self.types();
        let k = self.k;
        let (inputs, outputs) = match self.kind {
            Kind::Assign => (String::new(), integers.clone()),
            Kind::Certified => (format!(", %threshold: {ONE}"), integers.clone()),
            Kind::Update => (format!(", %old: {row}"), format!("({row}, {sums}, {ONE})")),
        };
        writeln!(o, "module @amdahl_kmeans {{")?;
        writeln!(o, "  func.func public @main(%x: {x}, %c: {c}{inputs}) -> {outputs} {{")?;
        writeln!(o, "    %low = stablehlo.constant dense<-3.40282347E+38> : {ONE}")?;
        writeln!(o, "    %zero = stablehlo.constant dense<0.0> : {ONE}")?;
        writeln!(o, "    %none = stablehlo.constant dense<{k}.0> : {ONE}")?;
        writeln!(
            o,
            "    %scores = stablehlo.dot_general %c, %x, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : ({c}, {x}) -> {s}"
        )?;
        let reduce = |of: &str, from: &str, op: &str| {
            format!(
                "stablehlo.reduce({of} init: {from}) applies stablehlo.{op} across dimensions = [0] : ({s}, {ONE}) -> {row}"
            )
        };
        let spread =
            |of: &str| format!("stablehlo.broadcast_in_dim {of}, dims = [1] : ({row}) -> {s}");
        let fill =
            |of: &str| format!("stablehlo.broadcast_in_dim {of}, dims = [] : ({ONE}) -> {s}");
        let compare = |how: &str, a: &str, b: &str| {
            format!("stablehlo.compare {how}, {a}, {b}, FLOAT : ({s}, {s}) -> {truth}")
        };
        let wide =
            |of: &str| format!("stablehlo.broadcast_in_dim {of}, dims = [] : ({ONE}) -> {row}");
        writeln!(o, "    %top = {}", reduce("%scores", "%low", "maximum"))?;
        writeln!(o, "    %best = stablehlo.optimization_barrier %top : {row}")?;
        writeln!(o, "    %numbers = stablehlo.iota dim = 0 : {s}")?;
        writeln!(o, "    %nones = {}", fill("%none"))?;
        if self.kind == Kind::Certified {
            writeln!(o, "    %thresholds = {}", wide("%threshold"))?;
            writeln!(o, "    %least = stablehlo.subtract %best, %thresholds : {row}")?;
            writeln!(o, "    %leasts = {}", spread("%least"))?;
            writeln!(o, "    %near = {}", compare("GE", "%scores", "%leasts"))?;
            writeln!(o, "    %raised = stablehlo.add %numbers, %nones : {s}")?;
            writeln!(o, "    %zeros = {}", fill("%zero"))?;
            writeln!(o, "    %counted = stablehlo.select %near, %raised, %zeros : {truth}, {s}")?;
            writeln!(o, "    %sum = {}", reduce("%counted", "%zero", "add"))?;
            writeln!(o, "    %more = {}", wide("%none"))?;
            writeln!(o, "    %lowered = stablehlo.subtract %sum, %more : {row}")?;
            writeln!(o, "    %label = stablehlo.minimum %lowered, %more : {row}")?;
        } else {
            writeln!(o, "    %bests = {}", spread("%best"))?;
            writeln!(o, "    %equal = {}", compare("EQ", "%scores", "%bests"))?;
            writeln!(
                o,
                "    %candidates = stablehlo.select %equal, %numbers, %nones : {truth}, {s}"
            )?;
            writeln!(o, "    %label = {}", reduce("%candidates", "%none", "minimum"))?;
        }
        match self.kind {
            Kind::Assign | Kind::Certified => {
                writeln!(o, "    %labels = stablehlo.convert %label : ({row}) -> {integers}")?;
                writeln!(o, "    return %labels : {integers}")?;
            }
            Kind::Update => {
                writeln!(o, "    %chosen = {}", spread("%label"))?;
                writeln!(o, "    %is = {}", compare("EQ", "%numbers", "%chosen"))?;
                self.sums(o, &fill)?;
                writeln!(o, "    return %label, %sums, %changed : {row}, {sums}, {ONE}")?;
            }
        }
        writeln!(o, "  }}")?;
        writeln!(o, "}}")
    }

    /// Sums and counts of the rows for which `%is` holds, and the number of labels that changed.
    fn sums(&self, o: &mut String, fill: &dyn Fn(&str) -> String) -> std::fmt::Result {
        let Types { x, s, row, truth, truths, hot, sums, .. } = &self.types();
        writeln!(o, "    %one = stablehlo.constant dense<1.0> : {ONE}")?;
        writeln!(o, "    %ones = {}", fill("%one"))?;
        writeln!(o, "    %zeros = {}", fill("%zero"))?;
        writeln!(o, "    %hot = stablehlo.select %is, %ones, %zeros : {truth}, {s}")?;
        let factor = match self.format {
            Format::F32 => "%hot",
            Format::Bf16 => {
                writeln!(o, "    %hots = stablehlo.convert %hot : ({s}) -> {hot}")?;
                "%hots"
            }
        };
        writeln!(
            o,
            "    %sums = stablehlo.dot_general %x, {factor}, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : ({x}, {hot}) -> {sums}"
        )?;
        let wide =
            |of: &str| format!("stablehlo.broadcast_in_dim {of}, dims = [] : ({ONE}) -> {row}");
        writeln!(
            o,
            "    %same = stablehlo.compare EQ, %label, %old, FLOAT : ({row}, {row}) -> {truths}"
        )?;
        writeln!(o, "    %kept = {}", wide("%zero"))?;
        writeln!(o, "    %moved = {}", wide("%one"))?;
        writeln!(o, "    %new = stablehlo.select %same, %kept, %moved : {truths}, {row}")?;
        writeln!(
            o,
            "    %changed = stablehlo.reduce(%new init: %zero) applies stablehlo.add across dimensions = [0] : ({row}, {ONE}) -> {ONE}"
        )
    }

    fn types(&self) -> Types {
        let Text { rows: r, k, format, .. } = *self;
        let (columns, e) = (self.columns(), if format == Format::F32 { "f32" } else { "bf16" });
        Types {
            x: format!("tensor<{columns}x{r}x{e}>"),
            c: format!("tensor<{k}x{columns}x{e}>"),
            s: format!("tensor<{k}x{r}xf32>"),
            row: format!("tensor<{r}xf32>"),
            integers: format!("tensor<{r}xi32>"),
            truth: format!("tensor<{k}x{r}xi1>"),
            truths: format!("tensor<{r}xi1>"),
            hot: format!("tensor<{k}x{r}x{e}>"),
            sums: format!("tensor<{columns}x{k}xf32>"),
        }
    }
}

/// The type of one value.
const ONE: &str = "tensor<f32>";

/// Types of a program's values.
struct Types {
    x: String,
    c: String,
    s: String,
    row: String,
    integers: String,
    truth: String,
    truths: String,
    hot: String,
    sums: String,
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

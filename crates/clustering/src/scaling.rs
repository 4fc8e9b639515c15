//! Scaling of columns: found from the data, kept in the model, applied to every row before
//! distances are measured.
//!
//! What is found does not depend on the number of lanes: sums are exact, and rounded once.

use serde::{Deserialize, Serialize};

use crate::rows::points;
use amdahl_data::RowSource;
use amdahl_lanes::comm::{Buf, Comm, Op, agreed};
use amdahl_lanes::exact::accumulator::ExactSum;
use amdahl_program::load::Part;
use amdahl_record::error::{Error, Result};

/// How columns are scaled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Not at all.
    #[default]
    None,
    /// To mean 0 and (population) variance 1.
    Standard,
    /// To the range from 0 to 1.
    MinMax,
}

/// The scaling of a data set: x becomes (x − offset) / divisor, in f64, rounded to f32.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaling {
    /// How it was found.
    pub kind: Scale,
    /// One for each column; empty for [`Scale::None`].
    pub offset: Vec<f64>,
    /// One for each column, above 0; 1 for a column whose values are all the same. Empty for
    /// [`Scale::None`].
    pub divisor: Vec<f64>,
}

impl Scaling {
    /// Finds the scaling of all lanes' rows together. Collective. With `weighted`, the last column
    /// holds the rows' weights: rows of weight 0 do not count, and a row of weight 3 counts as
    /// three rows.
    pub fn find(comm: &dyn Comm, part: &Part<'_>, kind: Scale, weighted: bool) -> Result<Scaling> {
        if kind == Scale::None {
            return Ok(Scaling::default());
        }
        let dims = points(part.whole, weighted).dims;
        let mut found = Found::new(dims);
        let mut look = |part: &Part<'_>| {
            part.pass(|rows| {
                each(rows, |row| found.add(&row[..dims], if weighted { row[dims] } else { 1.0 }))
            })
        };
        agreed(comm, look(part))?;
        found.reduce(comm)?;
        if found.weight.value() <= 0.0 {
            return Err(Error::data("all weights are 0: no row counts")
                .hint("give at least one row a weight above 0"));
        }
        if kind == Scale::MinMax {
            let divisor = found
                .low
                .iter()
                .zip(&found.high)
                .map(|(low, high)| if low < high { high - low } else { 1.0 });
            return Ok(Scaling { kind, divisor: divisor.collect(), offset: found.low });
        }
        let weight = found.weight.value();
        // A column of one value has that value as its mean: no rounding may make a variance of it.
        let mean = |t: usize| match found.low[t] < found.high[t] {
            true => found.sums[t].value() / weight,
            false => found.low[t],
        };
        let offset: Vec<f64> = (0..dims).map(mean).collect();
        let mut squares = vec![ExactSum::default(); dims];
        let mut square = |part: &Part<'_>| {
            part.pass(|rows| {
                each(rows, |row| {
                    let weight = if weighted { f64::from(row[dims]) } else { 1.0 };
                    for ((sum, &x), mean) in squares.iter_mut().zip(&row[..dims]).zip(&offset) {
                        let square = (f64::from(x) - mean) * (f64::from(x) - mean);
                        // What rounding takes from the product is added too: weight 3 is exactly
                        // three times.
                        let product = weight * square;
                        sum.add(product);
                        if weight != 1.0 {
                            sum.add(weight.mul_add(square, -product));
                        }
                    }
                })
            })
        };
        agreed(comm, square(part))?;
        for sum in &mut squares {
            comm.all_reduce(Op::Sum, Buf::I64(sum.limbs_mut()))?;
        }
        let divisor = |(t, sum): (usize, &ExactSum)| {
            let deviation = (sum.value() / weight).sqrt();
            if found.low[t] < found.high[t] && deviation > 0.0 { deviation } else { 1.0 }
        };
        Ok(Scaling { kind, divisor: squares.iter().enumerate().map(divisor).collect(), offset })
    }

    /// Scales rows in place. `first` is the global number of the first of them, for messages.
    pub fn apply(&self, rows: &mut [f32], width: usize, first: u64) -> Result<()> {
        if self.kind == Scale::None {
            return Ok(());
        }
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            for (t, (x, (offset, divisor))) in
                row.iter_mut().zip(self.offset.iter().zip(&self.divisor)).enumerate()
            {
                let scaled = ((f64::from(*x) - offset) / divisor) as f32;
                if !scaled.is_finite() {
                    let (row, column) = (first + i as u64 + 1, t + 1);
                    return Err(Error::data(format!(
                        "row {row}, column {column}: {x:e} is beyond the range of f32 after scaling (minus {offset:e}, divided by {divisor:e})"
                    )));
                }
                *x = scaled;
            }
        }
        Ok(())
    }

    /// The row as it was before it was scaled.
    pub fn undo(&self, row: &[f32]) -> Vec<f64> {
        if self.kind == Scale::None {
            return row.iter().map(|&x| f64::from(x)).collect();
        }
        let back = |(&x, (offset, divisor)): (&f32, (&f64, &f64))| f64::from(x) * divisor + offset;
        row.iter().zip(self.offset.iter().zip(&self.divisor)).map(back).collect()
    }
}

/// What one pass finds.
struct Found {
    low: Vec<f64>,
    high: Vec<f64>,
    sums: Vec<ExactSum>,
    weight: ExactSum,
}

impl Found {
    fn new(dims: usize) -> Found {
        let sums = vec![ExactSum::default(); dims];
        Found {
            low: vec![f64::INFINITY; dims],
            high: vec![f64::NEG_INFINITY; dims],
            sums,
            weight: ExactSum::default(),
        }
    }

    fn add(&mut self, row: &[f32], weight: f32) {
        if weight == 0.0 {
            return;
        }
        self.weight.add(f64::from(weight));
        for (t, &x) in row.iter().enumerate() {
            // + 0.0 makes -0 and 0 the same value.
            let x = f64::from(x) + 0.0;
            self.low[t] = self.low[t].min(x);
            self.high[t] = self.high[t].max(x);
            // Two significands of 24 bits: exact.
            self.sums[t].add(f64::from(weight) * x);
        }
    }

    fn reduce(&mut self, comm: &dyn Comm) -> Result<()> {
        comm.all_reduce(Op::Min, Buf::F64(&mut self.low))?;
        comm.all_reduce(Op::Max, Buf::F64(&mut self.high))?;
        comm.all_reduce(Op::Sum, Buf::I64(self.weight.limbs_mut()))?;
        for sum in &mut self.sums {
            comm.all_reduce(Op::Sum, Buf::I64(sum.limbs_mut()))?;
        }
        Ok(())
    }
}

/// Calls `take` with every row of a stream.
fn each(rows: &mut dyn RowSource, mut take: impl FnMut(&[f32])) -> Result<()> {
    let dims = rows.shape().dims;
    let mut block = vec![0f32; dims * (1 + (1 << 15) / dims)];
    loop {
        let got = rows.read(&mut block)?;
        if got == 0 {
            return Ok(());
        }
        block[..got * dims].chunks_exact(dims).for_each(&mut take);
    }
}

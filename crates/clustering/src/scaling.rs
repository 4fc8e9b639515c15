//! Scaling of columns: found from the data, kept in the model, applied to every row before
//! distances are measured.
//!
//! What is found does not depend on the number of lanes: sums are exact, and rounded once.

use serde::{Deserialize, Serialize};

use crate::precision::Computed;
use crate::rows::points;
use amdahl_data::{RowSource, Value};
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

/// The scaling of a data set: x becomes (x − offset) / divisor, in f64, rounded once.
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
    pub(crate) fn find<T: Computed>(
        comm: &dyn Comm,
        part: &Part<'_, T>,
        kind: Scale,
        weighted: bool,
    ) -> Result<Scaling> {
        if kind == Scale::None {
            return Ok(Scaling::default());
        }
        let dims = points(part.whole, weighted).dims;
        let mut found = Found::new(dims);
        let mut look = |part: &Part<'_, T>| {
            part.pass(|rows| {
                each(rows, |row: &[T]| {
                    found.add(&row[..dims], if weighted { row[dims].narrow().into() } else { 1.0 })
                })
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
        let mut square = |part: &Part<'_, T>| {
            part.pass(|rows| {
                each(rows, |row: &[T]| {
                    let weight = if weighted { row[dims].narrow().into() } else { 1.0 };
                    for ((sum, &x), mean) in squares.iter_mut().zip(&row[..dims]).zip(&offset) {
                        let difference = x.into() - mean;
                        add_times(sum, weight, difference * difference);
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
    pub(crate) fn apply<T: Value>(&self, rows: &mut [T], width: usize, first: u64) -> Result<()> {
        if self.kind == Scale::None {
            return Ok(());
        }
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            for (t, (x, (offset, divisor))) in
                row.iter_mut().zip(self.offset.iter().zip(&self.divisor)).enumerate()
            {
                let wide: f64 = (*x).into();
                let scaled = T::nearest((wide - offset) / divisor);
                if !scaled.narrow().is_finite() {
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
    pub fn undo(&self, row: &[f64]) -> Vec<f64> {
        if self.kind == Scale::None {
            return row.to_vec();
        }
        let back = |(x, (offset, divisor)): (&f64, (&f64, &f64))| x * divisor + offset;
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

    fn add<T: Value>(&mut self, row: &[T], weight: f64) {
        if weight == 0.0 {
            return;
        }
        self.weight.add(weight);
        for (t, &x) in row.iter().enumerate() {
            // + 0.0 makes -0 and 0 the same value.
            let x = x.into() + 0.0;
            self.low[t] = self.low[t].min(x);
            self.high[t] = self.high[t].max(x);
            add_times(&mut self.sums[t], weight, x);
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

/// Adds x as often as the weight says. What rounding takes from the product is added too: weight 3 is
/// exactly three times.
fn add_times(sum: &mut ExactSum, weight: f64, x: f64) {
    let product = weight * x;
    sum.add(product);
    if weight != 1.0 {
        sum.add(weight.mul_add(x, -product));
    }
}

/// Calls `take` with every row of a stream.
fn each<T: Value>(rows: &mut dyn RowSource, mut take: impl FnMut(&[T])) -> Result<()> {
    let dims = rows.shape().dims;
    let mut block = vec![T::default(); dims * (1 + (1 << 15) / dims)];
    loop {
        let got = T::read(rows, &mut block)?;
        if got == 0 {
            return Ok(());
        }
        block[..got * dims].chunks_exact(dims).for_each(&mut take);
    }
}

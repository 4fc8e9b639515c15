//! How far from 0 the values of a column lie, measured by their own range: what f32 would round away
//! of them, and the offset that saves it.
//!
//! An f32 has 24 bits. Values between 10^9 and 10^9 + 100 share nearly all of them, and of what
//! tells them apart nothing is left. Less an offset near them, they keep it. The offset is made of
//! the least and the largest value alone, so that it depends neither on the order of rows nor on
//! the number of lanes; taking it off is exact in f64.

use crate::rows::RowSource;
use crate::value::{Value, read_as_both};
use amdahl_record::error::{Error, Result};

/// Columns are left as they are whose largest magnitude is at most so many times their range: f32
/// then keeps at least 20 bits of what tells their values apart.
pub const NEAR: f64 = 16.0;

/// Values that are looked at in one go.
const BLOCK: usize = 1 << 14;

/// The least and the largest value of each column.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Of each column; +∞ before any row.
    pub low: Vec<f64>,
    /// Of each column; −∞ before any row.
    pub high: Vec<f64>,
}

impl Spread {
    /// Of so many columns, before any row.
    pub fn new(columns: usize) -> Spread {
        Spread { low: vec![f64::INFINITY; columns], high: vec![f64::NEG_INFINITY; columns] }
    }

    /// Takes a row in, of which only the first columns count where it has more.
    pub fn add(&mut self, row: &[f64]) {
        for ((low, high), &x) in self.low.iter_mut().zip(&mut self.high).zip(row) {
            *low = low.min(x);
            *high = high.max(x);
        }
    }

    /// Do all columns lie near 0? More rows never change a yes: they widen a column's range by at
    /// least as much as its largest magnitude.
    pub fn is_near(&self) -> bool {
        self.low.iter().zip(&self.high).all(|(low, high)| is_near(*low, *high))
    }

    /// Takes rows in until they are known to lie near 0, or to the end. Says whether they do.
    pub fn look(&mut self, rows: &mut dyn RowSource) -> Result<bool> {
        let dims = rows.shape().dims;
        let mut block = vec![0f64; dims * (BLOCK / dims).max(1)];
        while !self.is_near() {
            let got = rows.read_wide(&mut block)?;
            if got == 0 {
                return Ok(false);
            }
            block[..got * dims].chunks_exact(dims).for_each(|row| self.add(row));
        }
        Ok(true)
    }

    /// What is to be taken off each column: 0 from those that lie near 0 or have one value, else a
    /// value amid them. Empty where nothing is to be taken off.
    pub fn offsets(&self) -> Vec<f64> {
        let offsets: Vec<f64> =
            self.low.iter().zip(&self.high).map(|(low, high)| offset(*low, *high)).collect();
        if offsets.iter().all(|offset| *offset == 0.0) { Vec::new() } else { offsets }
    }
}

fn is_near(low: f64, high: f64) -> bool {
    // Both are infinite before any row: nothing is known then.
    low.abs().max(high.abs()) <= NEAR * (high - low) && low <= high || (low == 0.0 && high == 0.0)
}

/// The middle of the values, rounded to a multiple of the power of two that is at least their range.
/// Since they lie far from 0, it is within a factor of two of each of them, and so the difference is
/// exact (P. H. Sterbenz, *Floating-Point Computation*, 1974).
fn offset(low: f64, high: f64) -> f64 {
    if is_near(low, high) || low >= high {
        return 0.0;
    }
    let grid = (high - low).log2().ceil().exp2();
    let middle = low / 2.0 + high / 2.0;
    (middle / grid).round() * grid
}

/// Rows less an offset for each column, rounded once.
pub struct Centred<'a> {
    rows: Box<dyn RowSource + 'a>,
    offsets: &'a [f64],
    wide: Vec<f64>,
}

impl<'a> Centred<'a> {
    /// `offsets`: of the first columns; others stay as they are.
    pub fn new(rows: Box<dyn RowSource + 'a>, offsets: &'a [f64]) -> Centred<'a> {
        Centred { rows, offsets, wide: Vec::new() }
    }
}

impl RowSource for Centred<'_> {
    fn shape(&self) -> crate::rows::Shape {
        self.rows.shape()
    }
    fn position(&self) -> u64 {
        self.rows.position()
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.rows.skip(rows)
    }
}

impl Centred<'_> {
    fn take<V: Value>(&mut self, out: &mut [V]) -> Result<usize> {
        let dims = self.rows.shape().dims;
        let mut done = 0;
        for out in out.chunks_mut(dims * (BLOCK / dims).max(1)) {
            self.wide.resize(out.len(), 0.0);
            let first = self.rows.position();
            let got = self.rows.read_wide(&mut self.wide)?;
            let rows = self.wide.chunks_exact(dims).take(got);
            for (number, (row, out)) in (first + 1..).zip(rows.zip(out.chunks_exact_mut(dims))) {
                less(row, self.offsets, number, out)?;
            }
            done += got;
            if got * dims < out.len() {
                break;
            }
        }
        Ok(done)
    }
}

/// A row less the offsets, rounded once. `number` is the row's, from 1, for messages.
///
/// # Errors
/// Where a value lies so far from the offset of its column, which other rows decided, that the
/// difference is beyond the range of f32.
pub fn less<V: Value>(row: &[f64], offsets: &[f64], number: u64, out: &mut [V]) -> Result<()> {
    for (column, (out, x)) in out.iter_mut().zip(row).enumerate() {
        let offset = offsets.get(column).unwrap_or(&0.0);
        *out = V::nearest(x - offset);
        // What f64 has room for is refused too: it is f32 that the range of values comes from.
        if !out.narrow().is_finite() {
            let column = column + 1;
            return Err(Error::data(format!(
                "row {number}, column {column}: {x:e} less the column's offset of {offset:e} is beyond the range of f32"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{Matrix, MatrixRows};
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Spread {
        let mut spread = Spread::new(1);
        values.iter().for_each(|x| spread.add(&[*x]));
        spread
    }

    #[test]
    fn what_lies_far_from_zero_loses_its_offset() {
        for (values, is_near) in [
            (&[0.0, 1.0][..], true),
            (&[-3.0, 5.0], true),
            (&[15.0, 16.0], true),
            (&[16.0, 17.0], false),
            (&[1e9, 1e9 + 100.0], false),
            (&[0.0, 0.0], true),
            (&[7.0, 7.0], false),
            (&[], false),
        ] {
            assert_eq!(of(values).is_near(), is_near, "{values:?}");
        }
        // 10^9 is 7,812,500 times 128, the power of two at or above the range; the middle is less
        // than half a step beyond.
        assert_eq!(of(&[1e9, 1e9 + 100.0]).offsets(), [1e9]);
        assert_eq!(of(&[7.0, 7.0]).offsets(), [0.0; 0], "one value: nothing is told apart");
        assert_eq!(of(&[2.0, 3.0]).offsets(), [0.0; 0]);
        assert_eq!(of(&[]).offsets(), [0.0; 0]);
    }

    #[test]
    fn looking_ends_where_all_is_known() {
        let near = Matrix { values: vec![0.0, 1.0, 5.0, 2.0], dims: 1 };
        let mut spread = Spread::new(1);
        assert!(spread.look(&mut MatrixRows::new(&near.values, 1, 0)).expect("in memory"));
        let far = [1000.0, 1001.0];
        let mut spread = Spread::new(1);
        assert!(!spread.look(&mut MatrixRows::new(&far, 1, 0)).expect("in memory"));
        assert_eq!((spread.low[0], spread.high[0]), (1000.0, 1001.0));
        let rows = Box::new(MatrixRows::new(&far, 1, 0));
        let (offsets, mut out) = (spread.offsets(), [0f32; 3]);
        let mut centred = Centred::new(rows, &offsets);
        assert_eq!(centred.read(&mut out).expect("in memory"), 2);
        assert_eq!(out[1] - out[0], 1.0);
        // Rows that had no part in the offset may lie anywhere.
        let elsewhere = [0f32, -3e38];
        let rows = Box::new(MatrixRows::new(&elsewhere, 1, 7));
        let error = Centred::new(rows, &[3e38]).read(&mut out).expect_err("−6e38");
        assert!(error.message.starts_with("row 9, column 1: -3."), "{error}");
    }

    proptest! {
        /// The offset of values far from 0 can be taken off exactly and put back, and what is left
        /// is no larger than their range and half a step.
        #[test]
        fn taking_an_offset_off_is_exact(base in -1e15f64..1e15, parts in prop::collection::vec(0f64..1e6, 2..20)) {
            let values: Vec<f64> = parts.iter().map(|part| base + part).collect();
            let spread = of(&values);
            if let [offset] = spread.offsets()[..] {
                let range = spread.high[0] - spread.low[0];
                for x in &values {
                    let rest = x - offset;
                    prop_assert_eq!(rest + offset, *x);
                    prop_assert!(rest.abs() <= 1.5 * range.log2().ceil().exp2());
                }
            }
        }

        /// A prefix of rows that lies near 0 decides for all of them, in any order.
        #[test]
        fn more_rows_never_move_values_away(values in prop::collection::vec(-1e3f64..1e3, 1..30)) {
            let mut spread = Spread::new(1);
            let mut was_near = false;
            for x in &values {
                spread.add(&[*x]);
                prop_assert!(spread.is_near() || !was_near, "{values:?}");
                was_near = spread.is_near();
            }
            let mut back = Spread::new(1);
            values.iter().rev().for_each(|x| back.add(&[*x]));
            prop_assert_eq!(spread.offsets(), back.offsets());
        }
    }
}

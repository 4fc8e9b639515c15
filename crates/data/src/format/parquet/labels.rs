//! Labels in a column of a Parquet file.

use std::collections::HashMap;

use amdahl_parquet::{Convert, Holds, Number};
use amdahl_record::error::Result;

use super::{Feature, Parquet, say};
use crate::labels::{self, Numbering};

impl Parquet {
    /// The labels of all rows, which are in this column.
    pub(super) fn read_labels(&self, label: usize) -> Result<Vec<u32>> {
        let mut classes = Classes::default();
        let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
        let mut buffer = [0; 1024];
        for group in 0..self.footer.groups() {
            let (mut row, end) = (self.footer.starts[group], self.footer.starts[group + 1]);
            if row == end {
                continue;
            }
            let feature = Feature { column: label, width: 1 };
            let mut pages = self.pages(feature, row, &mut classes)?;
            while row < end {
                let now = (end - row).min(buffer.len() as u64) as usize;
                let filled = pages.fill(&mut classes, &mut buffer[..now]);
                filled.map_err(|fault| say(&self.input, fault))?;
                for (i, &key) in buffer[..now].iter().enumerate() {
                    if key == NO_LABEL {
                        let row = row + i as u64 + 1;
                        let what = "is no label, they are finite numbers up to 2^53, or texts";
                        return Err(self.input.refuse(format!("row {row}: the value {what}")));
                    }
                    numbering.push(key, &mut seen)?;
                }
                row += now as u64;
            }
        }
        if self.footer.columns[label].holds == Holds::Texts {
            let mut texts: Vec<_> =
                classes.texts.into_iter().map(|(text, id)| (id, text)).collect();
            texts.sort_unstable();
            // A dictionary may hold texts that no row has.
            let seen =
                texts.into_iter().filter_map(|(id, text)| Some((text, *seen.get(&id)?))).collect();
            return Ok(labels::sorted_texts(numbering, seen));
        }
        let order = |a: &u64, b: &u64| f64::from_bits(*a).total_cmp(&f64::from_bits(*b));
        Ok(numbering.sorted(seen, order))
    }
}

/// Values as labels: the bits of a number in double precision, or the number of a text.
#[derive(Default)]
struct Classes {
    texts: HashMap<Vec<u8>, u64>,
}

/// The label of a value that is none: the bits of a NaN.
const NO_LABEL: u64 = u64::MAX;

impl Convert for Classes {
    type Out = u64;
    fn numbers(&mut self, number: Number, bytes: &[u8], out: &mut [u64]) {
        let mut doubles = [0.0; 256];
        let pieces = bytes.chunks(doubles.len() * number.width());
        for (out, bytes) in out.chunks_mut(doubles.len()).zip(pieces) {
            number.doubles(bytes, &mut doubles[..out.len()]);
            for (out, value) in out.iter_mut().zip(doubles) {
                // + 0.0 makes -0 and 0 the same label.
                let fit = value.is_finite() && value.abs() <= (1u64 << 53) as f64;
                *out = if fit { (value + 0.0).to_bits() } else { NO_LABEL };
            }
        }
    }
    fn text(&mut self, text: &[u8]) -> Option<u64> {
        if let Some(&number) = self.texts.get(text) {
            return Some(number);
        }
        let next = self.texts.len() as u64;
        self.texts.insert(text.to_vec(), next);
        Some(next)
    }
}

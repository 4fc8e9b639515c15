//! True labels: whatever they are in the file, they become the numbers 0, 1, 2 … in sorted order.
//!
//! Labels that are all numbers are sorted by value (so 1…7 become 0…6, and 2 and 2.0 are the same
//! label), others by their bytes. The numbering is taken over the whole file, so a subsample and a
//! shard keep it.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;

use amdahl_record::error::{Error, Result};

use crate::input::Input;
use crate::memory::reserve;
use crate::rows::{Shape, Source};

/// Labels in row order, numbered by first appearance until they are all known.
#[derive(Debug, Default)]
pub struct Numbering {
    numbers: Vec<u32>,
}

impl Numbering {
    /// Makes room for the labels of so many rows.
    pub fn expect(&mut self, rows: usize) -> Result<()> {
        reserve(&mut self.numbers, rows)
    }

    /// Takes the next row's label. `seen` holds the number of each label.
    pub fn push<K: Hash + Eq>(&mut self, label: K, seen: &mut HashMap<K, u32>) -> Result<()> {
        let next = u32::try_from(seen.len())
            .map_err(|_| Error::data("more than 2^32 different labels"))?;
        let number = *seen.entry(label).or_insert(next);
        reserve(&mut self.numbers, 1)?;
        self.numbers.push(number);
        Ok(())
    }

    /// As [`Numbering::push`]; copies a label only when it is new.
    pub fn push_bytes(&mut self, label: &[u8], seen: &mut HashMap<Vec<u8>, u32>) -> Result<()> {
        let Some(&number) = seen.get(label) else { return self.push(label.to_vec(), seen) };
        reserve(&mut self.numbers, 1)?;
        self.numbers.push(number);
        Ok(())
    }

    /// Renumbers by `order`; labels that are equal in it get the same number.
    pub fn sorted<K>(
        mut self,
        seen: HashMap<K, u32>,
        order: impl Fn(&K, &K) -> Ordering,
    ) -> Vec<u32> {
        let mut labels: Vec<_> = seen.into_iter().collect();
        labels.sort_by(|a, b| order(&a.0, &b.0));
        let mut renumber = vec![0; labels.len()];
        let mut number = 0;
        for (i, (label, old)) in labels.iter().enumerate() {
            if i > 0 && order(&labels[i - 1].0, label) != Ordering::Equal {
                number += 1;
            }
            renumber[*old as usize] = number;
        }
        self.numbers.iter_mut().for_each(|n| *n = renumber[*n as usize]);
        self.numbers
    }
}

/// Renumbers labels that are texts: by value when all are finite numbers, else by their bytes.
pub fn sorted_texts(numbering: Numbering, seen: HashMap<Vec<u8>, u32>) -> Vec<u32> {
    let value = |text: &[u8]| number(text).filter(|x| x.is_finite());
    if seen.keys().all(|text| value(text).is_some()) {
        // Every value is there; + 0.0 makes -0 and 0 the same label.
        let key = |text: &[u8]| value(text).unwrap_or(0.0) + 0.0;
        numbering.sorted(seen, |a, b| key(a).total_cmp(&key(b)))
    } else {
        numbering.sorted(seen, Ord::cmp)
    }
}

/// The values of a file with one column as labels, numbered from 0 in the order of their values.
pub fn of_column(input: &Input, source: &dyn Source) -> Result<Vec<u32>> {
    let Shape { rows, dims } = source.shape();
    if dims != 1 {
        return Err(input.refuse(format!("labels are one column, the file has {dims}")));
    }
    let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
    let mut values = [0f64; 1024];
    let mut stream = source.rows(0..rows)?;
    loop {
        let got = stream.read_wide(&mut values)?;
        if got == 0 {
            return Ok(numbering.sorted(seen, |a: &u64, b: &u64| {
                f64::from_bits(*a).total_cmp(&f64::from_bits(*b))
            }));
        }
        // + 0.0 makes -0 and 0 the same label.
        values[..got].iter().try_for_each(|x| numbering.push((x + 0.0).to_bits(), &mut seen))?;
    }
}

/// The number that a text field holds, if it holds one.
pub fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(labels: &[&str]) -> Vec<u32> {
        let (mut numbering, mut seen) = (Numbering::default(), HashMap::new());
        for label in labels {
            numbering.push(label.as_bytes().to_vec(), &mut seen).expect("few labels");
        }
        sorted_texts(numbering, seen)
    }

    #[test]
    fn labels_are_numbered_in_sorted_order() {
        assert_eq!(numbered(&["versicolor", "setosa", "virginica", "setosa"]), [1, 0, 2, 0]);
        assert_eq!(
            numbered(&["10", "2", "1.0", "1", "-0", "0"]),
            [3, 2, 1, 1, 0, 0],
            "numbers by value"
        );
        assert_eq!(numbered(&["10", "2", "x"]), [0, 1, 2], "texts by their bytes");
        assert_eq!(numbered(&["nan", "1"]), [1, 0], "NaN is a text");
        assert_eq!(numbered(&[]), [0; 0]);
    }
}

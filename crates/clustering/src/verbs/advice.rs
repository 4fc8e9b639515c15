//! What a person may not know of their data.

use amdahl_data::Source;
use amdahl_record::error::Result;

/// Rows that are looked at, from the beginning.
const MOST: u64 = 10_000;

/// Share of the variance of all columns above which one column is said to decide alone.
const ALONE: f64 = 0.95;

/// A word about a column that alone decides the clusters of unscaled rows, as one in a small unit
/// does, or a number of the row: it has more than 95 % of the variance of all `dims` columns, by
/// the first 10,000 rows. Says nothing of one column.
pub fn of_one_column(source: &dyn Source, dims: usize) -> Result<Option<String>> {
    let shape = source.shape();
    let mut rows = source.rows(0..shape.rows.min(MOST))?;
    let mut block = vec![0f64; shape.dims * (1 + 4096 / shape.dims)];
    // Welford's recurrence: the mean and Σ of squared differences from it.
    let (mut count, mut mean, mut squares) = (0.0, vec![0.0; dims], vec![0.0; dims]);
    loop {
        let got = rows.read_wide(&mut block)?;
        if got == 0 {
            break;
        }
        for row in block[..got * shape.dims].chunks_exact(shape.dims) {
            count += 1.0;
            for ((x, mean), squares) in row.iter().zip(&mut mean).zip(&mut squares) {
                let before = x - *mean;
                *mean += before / count;
                *squares += before * (x - *mean);
            }
        }
    }
    let total: f64 = squares.iter().sum();
    let most = squares.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((column, _)) = most.filter(|(_, most)| dims > 1 && *most > ALONE * total) else {
        return Ok(None);
    };
    Ok(Some(format!(
        "{} varies so much more than the others that it alone decides: scale them (--scale standard), or leave it out (--columns)",
        name(source, column)
    )))
}

/// A word about each of the first `dims` columns that numbers the rows: whole numbers that rise or
/// fall with every row, as row numbers and many ids do. Distances to them mean nothing. By the first
/// 10,000 rows; fewer than ten say nothing.
pub fn of_row_numbers(source: &dyn Source, dims: usize) -> Result<Vec<String>> {
    let shape = source.shape();
    let mut rows = source.rows(0..shape.rows.min(MOST))?;
    let mut block = vec![0f64; shape.dims * (1 + 4096 / shape.dims)];
    let mut last: Option<Vec<f64>> = None;
    // Whether a column rises, and whether it falls.
    let (mut ways, mut count) = (vec![[true; 2]; dims], 0);
    loop {
        let got = rows.read_wide(&mut block)?;
        for row in block[..got * shape.dims].chunks_exact(shape.dims) {
            count += 1;
            for (t, ways) in ways.iter_mut().enumerate() {
                let steps = last.as_ref().map(|last| row[t] - last[t]);
                let is_whole = row[t].fract() == 0.0;
                ways[0] &= is_whole && steps.is_none_or(|step| step > 0.0);
                ways[1] &= is_whole && steps.is_none_or(|step| step < 0.0);
            }
            last = Some(row.to_vec());
        }
        if got == 0 || ways.iter().all(|ways| !ways[0] && !ways[1]) {
            break;
        }
    }
    let is_number = |t: &usize| dims > 1 && count >= 10 && (ways[*t][0] || ways[*t][1]);
    let word = |t: usize| {
        format!(
            "{} is another whole number in each row, rising or falling, as a row number or an id is: if it is one, leave it out (--columns)",
            name(source, t)
        )
    };
    Ok((0..dims).filter(is_number).map(word).collect())
}

/// How a person calls a column.
fn name(source: &dyn Source, column: usize) -> String {
    match source.names().and_then(|names| names.get(column)) {
        Some(name) => format!("column '{name}'"),
        None => format!("column {}", column + 1),
    }
}

/// Share of a column's different values that f32 may make equal before a word is said of it.
const LOST: f64 = 0.1;

/// Values of all columns that are looked at for what rounding takes.
const VALUES: u64 = 1 << 20;

/// A word about each of the first `dims` columns whose values f32 cannot tell apart, although the
/// data does and the column's offset was taken off first: by the first rows, at most 10,000. Values
/// that are f32 in the file lose nothing, and cost one look.
pub fn of_rounding(source: &dyn Source, dims: usize, offsets: &[f64]) -> Result<Vec<String>> {
    let shape = source.shape();
    let most = shape.rows.min(MOST).min((VALUES / shape.dims as u64).max(100));
    let mut values = vec![0f64; most as usize * shape.dims];
    let got = source.rows(0..most)?.read_wide(&mut values)?;
    let rows = || values[..got * shape.dims].chunks_exact(shape.dims);
    let less = |row: &[f64], t: usize| row[t] - offsets.get(t).unwrap_or(&0.0);
    let mut words = Vec::new();
    for t in 0..dims {
        if rows().all(|row| f64::from(less(row, t) as f32) == less(row, t)) {
            continue;
        }
        let mut wide: Vec<f64> = rows().map(|row| less(row, t)).collect();
        wide.sort_unstable_by(f64::total_cmp);
        wide.dedup();
        let mut narrow: Vec<f32> = wide.iter().map(|&x| x as f32).collect();
        narrow.dedup();
        if (narrow.len() as f64) < (1.0 - LOST) * wide.len() as f64 {
            words.push(format!(
                "{}: f32, in which distances are computed, tells {} of {} different values apart: --precision f64 does, or \
                 leave rows out that lie far from the others",
                name(source, t),
                narrow.len(),
                wide.len()
            ));
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_data::Matrix;
    use amdahl_data::memory::InMemory;
    use amdahl_record::cell::{Dataset, Labels};

    fn said(rows: Vec<f32>, dims: usize) -> Option<String> {
        let source = InMemory::new(Matrix { values: rows, dims }, None).expect("rows");
        of_one_column(&source, dims).expect("it can be read")
    }

    #[test]
    fn row_numbers_are_pointed_out() {
        let rows = |count: u32, id: fn(u32) -> u32| -> Vec<f32> {
            (0..count).flat_map(|i| [(i % 7) as f32, id(i) as f32]).collect()
        };
        let said = |values: Vec<f32>| {
            let source = InMemory::new(Matrix { values, dims: 2 }, None).expect("rows");
            of_row_numbers(&source, 2).expect("it can be read")
        };
        for id in [|i| i + 1, |i| 1000 - i, |i| 10 * i + i % 3] {
            let words = said(rows(20, id));
            assert!(words.len() == 1 && words[0].starts_with("column 2 is another"), "{words:?}");
        }
        assert_eq!(said(rows(9, |i| i)), [""; 0], "too few");
        assert_eq!(said(rows(20, |i| i / 2)), [""; 0], "each twice");
        assert_eq!(said(rows(20, |i| (i * 37) % 20)), [""; 0], "neither rises nor falls");
    }

    #[test]
    fn values_that_rounding_makes_equal_are_pointed_out() {
        let wide: Vec<f64> =
            (0..40).map(|i| if i == 0 { 0.0 } else { 1e9 + f64::from(i) }).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.npy");
        let mut bytes = amdahl_data::write::header("<f8", &[wide.len() as u64, 1]);
        bytes.extend(wide.iter().flat_map(|x| x.to_le_bytes()));
        std::fs::write(&path, bytes).expect("written");
        let file =
            Dataset::File { path, format: None, labels: Labels::None, dataset: None, sample: None };
        let doubles = amdahl_data::open(&file).expect("readable");
        let values = wide.iter().map(|&x| x as f32).collect();
        let singles = InMemory::new(Matrix { values, dims: 1 }, None).expect("rows");
        let of = |source: &dyn Source, offsets: &[f64]| {
            of_rounding(source, 1, offsets).expect("it can be read")
        };
        let words = of(doubles.as_ref(), &[]);
        assert!(words[0].contains("tells 3 of 40 different values apart"), "{words:?}");
        assert_eq!(of(doubles.as_ref(), &[1e9]), [""; 0], "all f32 but the first, less 10^9");
        assert_eq!(of(&singles, &[]), [""; 0], "f32 in the data");
    }

    #[test]
    fn a_column_of_large_numbers_is_pointed_out() {
        let rows = |scale: f32| {
            (0..30u8).flat_map(|i| [f32::from(i % 2), f32::from(i) * scale]).collect::<Vec<f32>>()
        };
        assert!(said(rows(10.0), 2).is_some_and(|word| word.starts_with("column 2 varies")));
        assert_eq!(said(rows(0.1), 2), None);
        assert_eq!(said(rows(10.0), 1), None, "one column");
        assert_eq!(said(vec![7.0; 20], 2), None, "constant");
    }
}

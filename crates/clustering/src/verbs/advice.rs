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
    let mut block = vec![0f32; shape.dims * (1 + 4096 / shape.dims)];
    // Welford's recurrence: the mean and Σ of squared differences from it.
    let (mut count, mut mean, mut squares) = (0.0, vec![0.0; dims], vec![0.0; dims]);
    loop {
        let got = rows.read(&mut block)?;
        if got == 0 {
            break;
        }
        for row in block[..got * shape.dims].chunks_exact(shape.dims) {
            count += 1.0;
            for ((x, mean), squares) in
                row.iter().map(|&x| f64::from(x)).zip(&mut mean).zip(&mut squares)
            {
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
    let name = match source.names().and_then(|names| names.get(column)) {
        Some(name) => format!("column '{name}'"),
        None => format!("column {}", column + 1),
    };
    Ok(Some(format!(
        "{name} varies so much more than the others that it alone decides: scale them (--scale standard), or leave it out (--columns)"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_data::Matrix;
    use amdahl_data::memory::InMemory;

    fn said(rows: Vec<f32>, dims: usize) -> Option<String> {
        let source = InMemory::new(Matrix { values: rows, dims }, None).expect("rows");
        of_one_column(&source, dims).expect("it can be read")
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

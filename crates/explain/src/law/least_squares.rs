//! Weighted least squares with coefficients that are not negative: a time has no part that is less
//! than nothing.
//!
//! With at most three columns every face of the cone can be tried: the solution without constraints
//! on each subset of the columns, and of those that are not negative the one with the least sum of
//! squares (C. Lawson, R. Hanson, "Solving least squares problems", 1974, ch. 23: the solution is
//! that of some subset). What maps values to coefficients depends on the columns alone and is
//! computed once.

/// The columns of a fit, ready to be solved for many sets of values.
pub(super) struct Problem {
    /// By column, then by point.
    columns: Vec<Vec<f64>>,
    uncertainty: Vec<f64>,
    faces: Vec<Face>,
}

/// A subset of the columns.
struct Face {
    used: Vec<usize>,
    /// By used column, then by point: coefficient = Σ map · value.
    map: Vec<Vec<f64>>,
}

impl Problem {
    /// Columns of values at the points, and the points' standard uncertainties, which are positive.
    /// `None` where no subset of the columns can be told apart at these points.
    pub(super) fn new(columns: Vec<Vec<f64>>, uncertainty: &[f64]) -> Option<Problem> {
        let subsets = 1usize..1 << columns.len();
        // All columns first.
        let faces: Vec<Face> = subsets
            .rev()
            .map(|bits| {
                (0..columns.len()).filter(|column| bits >> column & 1 == 1).collect::<Vec<_>>()
            })
            .filter_map(|used| Some(Face { map: map(&columns, &used, uncertainty)?, used }))
            .collect();
        let problem = Problem { columns, uncertainty: uncertainty.to_vec(), faces };
        (!problem.faces.is_empty()).then_some(problem)
    }

    /// The coefficients for these values; those left out are 0. `None` where none are not negative.
    pub(super) fn solve(&self, values: &[f64]) -> Option<Vec<f64>> {
        let mut best: Option<(f64, Vec<f64>)> = None;
        for face in &self.faces {
            let mut coefficients = vec![0.0; self.columns.len()];
            for (column, map) in face.used.iter().zip(&face.map) {
                coefficients[*column] = map.iter().zip(values).map(|(m, v)| m * v).sum();
            }
            if coefficients.iter().any(|c| !c.is_finite() || *c < 0.0) {
                continue;
            }
            // Of all columns: there is nothing better.
            if face.used.len() == self.columns.len() {
                return Some(coefficients);
            }
            let squares = self.squares(&coefficients, values);
            if best.as_ref().is_none_or(|(least, _)| squares < *least) {
                best = Some((squares, coefficients));
            }
        }
        best.map(|(_, coefficients)| coefficients)
    }

    fn squares(&self, coefficients: &[f64], values: &[f64]) -> f64 {
        let predicted = |at: usize| {
            self.columns.iter().zip(coefficients).map(|(column, c)| c * column[at]).sum::<f64>()
        };
        (0..values.len())
            .map(|at| ((values[at] - predicted(at)) / self.uncertainty[at]).powi(2))
            .sum()
    }
}

/// (XᵀWX)⁻¹XᵀW of these columns; `None` where it does not exist.
fn map(columns: &[Vec<f64>], used: &[usize], uncertainty: &[f64]) -> Option<Vec<Vec<f64>>> {
    // Columns are brought to length 1 in units of the uncertainty, so that one bound tells what is
    // singular.
    let weighted: Vec<Vec<f64>> = used
        .iter()
        .map(|&column| {
            columns[column].iter().zip(uncertainty).map(|(value, u)| value / u).collect()
        })
        .collect();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let lengths: Vec<f64> = weighted.iter().map(|column| dot(column, column).sqrt()).collect();
    if lengths.iter().any(|length| !length.is_finite() || *length <= 0.0) {
        return None;
    }
    let normal: Vec<Vec<f64>> = (0..used.len())
        .map(|i| {
            (0..used.len())
                .map(|j| dot(&weighted[i], &weighted[j]) / (lengths[i] * lengths[j]))
                .collect()
        })
        .collect();
    let inverse = inverse(&normal)?;
    let row = |i: usize| {
        let of = |at: usize| {
            let sum: f64 =
                (0..used.len()).map(|j| inverse[i][j] * weighted[j][at] / lengths[j]).sum();
            sum / lengths[i] / uncertainty[at]
        };
        (0..uncertainty.len()).map(of).collect()
    };
    Some((0..used.len()).map(row).collect())
}

/// The inverse of a small symmetric positive matrix by Gauss and Jordan; `None` where it is
/// singular to ten digits.
pub(super) fn inverse(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            matrix[i]
                .iter()
                .copied()
                .chain((0..n).map(|j| if i == j { 1.0 } else { 0.0 }))
                .collect()
        })
        .collect();
    for column in 0..n {
        let pivot =
            (column..n).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        let divisor = rows[column][column];
        if !divisor.is_finite() || divisor.abs() < 1e-10 {
            return None;
        }
        rows[column].iter_mut().for_each(|value| *value /= divisor);
        let pivot = rows[column].clone();
        for (i, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = row[column];
            debug_assert_ne!(i, column);
            row.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    Some(rows.into_iter().map(|row| row[n..].to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_points() {
        let ones = vec![1.0; 4];
        let x = vec![0.0, 1.0, 2.0, 3.0];
        let problem = Problem::new(vec![ones.clone(), x.clone()], &[0.1; 4]).expect("two columns");
        let found = problem.solve(&[1.0, 3.0, 5.0, 7.0]).expect("a solution");
        assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] - 2.0).abs() < 1e-12, "{found:?}");
        // A falling line: the best that is not negative is the mean.
        let found = problem.solve(&[4.0, 3.0, 2.0, 1.0]).expect("a solution");
        assert!((found[0] - 2.5).abs() < 1e-12 && found[1] == 0.0, "{found:?}");
        assert_eq!(problem.solve(&[-1.0; 4]), None);
        // Weights: the certain point decides.
        let problem = Problem::new(vec![ones], &[1e-6, 1.0, 1.0, 1.0]).expect("a column");
        assert!((problem.solve(&[2.0, 9.0, 9.0, 9.0]).expect("a solution")[0] - 2.0).abs() < 1e-6);
    }

    #[test]
    fn columns_that_cannot_be_told_apart_are_tried_one_by_one() {
        let problem = Problem::new(vec![vec![1.0, 1.0], vec![2.0, 2.0]], &[0.1; 2])
            .expect("one of them will do");
        let found = problem.solve(&[4.0, 4.0]).expect("a solution");
        assert!((found[0] + 2.0 * found[1] - 4.0).abs() < 1e-12, "{found:?}");
    }
}

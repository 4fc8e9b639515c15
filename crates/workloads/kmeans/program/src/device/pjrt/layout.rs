//! How rows and centroids lie in the memory of a device: what the programs ([`super::text`]) take.

use super::bound::Scaled;
use super::text::Format;
use amdahl_accelerator::client::Bf16;

/// Rows that are turned at a time: their values of a column lie in one line of the processor's
/// cache.
const TURNED: usize = 16;

/// A block of rows as the columns of a matrix with `size` columns: (dims + ones) × size values.
/// `row` writes the i-th of `rows` rows. Rows have the value 1 behind their own; what fills up is
/// zero throughout.
pub fn columns(
    mut row: impl FnMut(usize, &mut [f32]),
    rows: usize,
    (size, dims): (usize, usize),
    format: Format,
) -> Vec<f32> {
    let mut values = vec![0f32; (dims + format.ones()) * size];
    let mut room = vec![0f32; TURNED * dims];
    for first in (0..rows).step_by(TURNED) {
        let here = TURNED.min(rows - first);
        for (i, room) in room.chunks_exact_mut(dims).enumerate().take(here) {
            row(first + i, room);
        }
        for (column, values) in values.chunks_exact_mut(size).enumerate() {
            for (i, value) in values[first..first + here].iter_mut().enumerate() {
                *value = if column < dims { room[i * dims + column] } else { 1.0 };
            }
        }
    }
    values
}

/// Labels before the first step: those of rows are none, so that all of them change, and what fills
/// up has the label that it will have.
pub fn no_labels(rows: usize, size: usize) -> Vec<f32> {
    (0..size).map(|i| if i < rows { -1.0 } else { 0.0 }).collect()
}

/// Centroids with their starts behind them: k × (dims + ones) values, which are rounded to `format`
/// last. The starts are not rounded by it.
pub fn centroids(scaled: &Scaled, dims: usize, format: Format) -> Vec<f32> {
    let mut values = Vec::with_capacity(scaled.starts.len() * (dims + format.ones()));
    for (centroid, &start) in scaled.centroids.chunks_exact(dims).zip(&scaled.starts) {
        values.extend_from_slice(centroid);
        // What is left is exact: an f32 has 24 significant bits, a bfloat16 has 8 of them.
        let mut rest = start;
        for _ in 1..format.ones() {
            let part = Bf16::nearest(rest).value();
            values.push(part);
            rest -= part;
        }
        values.push(rest);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_lie_as_columns_with_ones_behind() {
        let row = |i: usize, out: &mut [f32]| out.copy_from_slice(&[i as f32, 10.0 * i as f32]);
        let values = columns(row, 3, (4, 2), Format::F32);
        assert_eq!(values, [0., 1., 2., 0., 0., 10., 20., 0., 1., 1., 1., 0.]);
        let many = columns(row, 40, (128, 2), Format::Bf16);
        assert_eq!((many.len(), many[39], many[128 + 39], many[40]), (5 * 128, 39., 390., 0.));
        assert!(many[2 * 128..].chunks(128).all(|ones| ones[39] == 1.0 && ones[40] == 0.0));
        assert_eq!(no_labels(2, 3), [-1.0, -1.0, 0.0]);
    }

    #[test]
    fn starts_are_the_sum_of_their_parts() {
        for start in [-0.123_456_79f32, -3.0, 0.0, -1.0e-20] {
            let scaled = Scaled {
                centroids: vec![0.5, 0.25],
                starts: vec![start],
                threshold: 0.0,
                distance: 0.0,
            };
            assert_eq!(centroids(&scaled, 2, Format::F32), [0.5, 0.25, start]);
            let parts = centroids(&scaled, 2, Format::Bf16);
            assert_eq!(parts.len(), 5);
            assert!(parts[2..].iter().all(|&part| Bf16::nearest(part).value() == part), "{start}");
            assert_eq!(
                parts[2..].iter().map(|&part| f64::from(part)).sum::<f64>(),
                f64::from(start)
            );
        }
    }
}

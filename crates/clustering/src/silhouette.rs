//! The silhouette: how much nearer rows lie to their own cluster than to the next one.
//!
//! P. J. Rousseeuw, *Silhouettes: a graphical aid to the interpretation and validation of cluster
//! analysis*, J. Comput. Appl. Math. 20 (1987). Of a row, a is its mean distance to the other rows
//! of its cluster, b the least mean distance to the rows of another cluster: (b − a) / max(a, b),
//! and 0 for a row that is alone in its cluster. The silhouette is the mean over the rows. It takes
//! time in proportion to the square of the rows, so of many a seeded sample is taken, within which
//! all distances are. Weights do not count.

use crate::precision::Computed;
use amdahl_data::sample;
use amdahl_data::shard::shard;
use amdahl_kmeans::device::cpu::kernel::Kernel;
use amdahl_lanes::comm::{Buf, Comm, Op, agreed};
use amdahl_lanes::exact::accumulator::ExactSum;
use amdahl_record::cell::Sample;
use amdahl_record::error::Result;

/// The silhouette of a clustering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silhouette {
    /// From −1 to 1; none where fewer than two clusters have rows.
    pub value: Option<f64>,
    /// Rows that it was computed from.
    pub rows: u64,
    /// They are a sample.
    pub sampled: bool,
}

/// Which rows it is computed from: all `rows`, or a sample of at most `most`.
pub fn choose(rows: u64, most: u64, seed: u64) -> Result<Vec<u64>> {
    sample::choose(rows, Sample { points: rows.min(most), seed })
}

/// Rows that are compared at a time with all others: they stay in cache.
const BLOCK: usize = 16;

/// The silhouette of these rows (row-major, the same on every lane) with these labels below `k`, of
/// `whole` rows in all. Collective; `check` is asked from time to time and may end it.
pub(crate) fn of<T: Computed>(
    comm: &dyn Comm,
    rows: &[T],
    labels: &[u32],
    (k, dims): (usize, usize),
    whole: u64,
    check: &dyn Fn() -> Result<()>,
) -> Result<Silhouette> {
    let mut sizes = vec![0u64; k];
    labels.iter().for_each(|&label| sizes[label as usize] += 1);
    let count = labels.len() as u64;
    let result = |value| Silhouette { value, rows: count, sampled: count < whole };
    if sizes.iter().filter(|&&size| size > 0).count() < 2 {
        return Ok(result(None));
    }
    let lane = comm.lane();
    let mine = shard(lane.index as u64, lane.count as u64, count);
    let mut sum = ExactSum::default();
    let mut add = || {
        let kernel = Kernel::chosen()?;
        let mut distances = vec![0f64; BLOCK * k];
        let mut squares = [0f64; BLOCK];
        for first in (mine.start as usize..mine.end as usize).step_by(BLOCK) {
            check()?;
            let block = first..(first + BLOCK).min(mine.end as usize);
            distances.fill(0.0);
            // Every row's distances are added in the order of the rows, on whatever lane.
            for (other, &label) in rows.chunks_exact(dims).zip(labels) {
                let squares = &mut squares[..block.len()];
                T::distances(kernel, &rows[block.start * dims..block.end * dims], other, squares);
                for (at, square) in squares.iter().enumerate() {
                    distances[at * k + label as usize] += square.sqrt();
                }
            }
            for (at, i) in block.enumerate() {
                sum.add(one(&distances[at * k..][..k], &sizes, labels[i] as usize));
            }
        }
        Ok(())
    };
    agreed(comm, add())?;
    comm.all_reduce(Op::Sum, Buf::I64(sum.limbs_mut()))?;
    Ok(result(Some(sum.value() / count as f64)))
}

/// The silhouette of a row from its summed distances to the rows of each cluster.
fn one(distances: &[f64], sizes: &[u64], own: usize) -> f64 {
    if sizes[own] <= 1 {
        return 0.0;
    }
    let a = distances[own] / (sizes[own] - 1) as f64;
    let others = (0..sizes.len()).filter(|&j| j != own && sizes[j] > 0);
    let b = others.map(|j| distances[j] / sizes[j] as f64).fold(f64::INFINITY, f64::min);
    let larger = a.max(b);
    if larger > 0.0 { (b - a) / larger } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_lanes::comm::solo::Solo;

    fn silhouette(rows: &[f32], labels: &[u32], k: usize) -> Silhouette {
        of(&Solo, rows, labels, (k, 1), labels.len() as u64, &|| Ok(())).expect("no error")
    }

    #[test]
    fn worked_out_by_hand() {
        // 0 and 2 against 10: (9 − 2 … of 0: a = 2, b = 10; of 2: a = 2, b = 8; 10 is alone.
        let value = silhouette(&[0.0, 2.0, 10.0], &[0, 0, 1], 2).value.expect("two clusters");
        assert!((value - (0.8 + 0.75 + 0.0) / 3.0).abs() < 1e-15, "{value}");
        let wrong =
            silhouette(&[0.0, 10.0, 0.5, 10.5], &[0, 0, 1, 1], 2).value.expect("two clusters");
        assert!(wrong < 0.0, "{wrong}");
    }

    #[test]
    fn what_is_not_defined_is_none_or_0() {
        assert_eq!(silhouette(&[1.0, 2.0], &[0, 0], 3).value, None);
        assert_eq!(silhouette(&[1.0; 4], &[0, 0, 1, 1], 2).value, Some(0.0), "all in one place");
    }
}

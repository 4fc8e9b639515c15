//! New centroids from exact sums, and what becomes of clusters without rows.

use crate::device::{Centroids, Far, KMeansShard, Number, Partial};
use crate::init;
use amdahl_lanes::comm::{Comm, bytes};
use amdahl_lanes::exact::Grid;
use amdahl_record::error::Result;

/// The means of the clusters, k × dims, into `new`. A cluster without rows keeps its centroid of
/// `old`; their numbers are returned.
pub fn means<T: Number>(total: &Partial, grid: &Grid, old: &[T], new: &mut [T]) -> Vec<usize> {
    let dims = grid.dims();
    let mut empty = Vec::new();
    for (j, &count) in total.counts.iter().enumerate() {
        let range = j * dims..(j + 1) * dims;
        if count == 0 {
            new[range.clone()].copy_from_slice(&old[range]);
            empty.push(j);
            continue;
        }
        for (t, (c, at)) in new[range.clone()].iter_mut().zip(range).enumerate() {
            *c = T::mean(grid, total.sum::<T>(at), count, t);
        }
    }
    empty
}

/// Which rows become the centroids of empty clusters: `(cluster, row, cluster it leaves)`.
///
/// Empty clusters in rising order take the rows farthest from their centroid: by falling distance,
/// of equal distances the lower row first. A row that lies on its centroid, or is the last of its
/// cluster, is passed over. `units`: what a row counts for. So fewer rows than empty clusters may
/// be found: when the data has fewer distinct rows than clusters.
pub fn choose(
    mut far: Vec<Far>,
    counts: &[i64],
    empty: &[usize],
    units: impl Fn(&Far) -> i64,
) -> Vec<(usize, Far)> {
    far.sort_by(|a, b| b.cmp(a));
    let mut left = counts.to_vec();
    let mut taken = Vec::new();
    let mut empty = empty.iter();
    let mut next = empty.next();
    for row in far {
        let Some(&cluster) = next else { break };
        let count = &mut left[row.label as usize];
        let units = units(&row);
        if row.distance > 0.0 && *count > units {
            *count -= units;
            taken.push((cluster, row));
            next = empty.next();
        }
    }
    taken
}

/// Moves empty clusters to the farthest rows (see [`choose`]): the row becomes the centroid, and
/// leaves the mean of its old cluster. All lanes call it with the same totals. `old` are the
/// centroids that the labels belong to.
pub fn relocate<T: Number>(
    comm: &dyn Comm,
    shard: &mut dyn KMeansShard<T>,
    old: Centroids<'_, T>,
    total: &Partial,
    grid: &Grid,
    empty: &[usize],
    new: &mut [T],
) -> Result<()> {
    let (k, dims) = (old.k, old.dims);
    // Each cluster can make at most one of the farthest rows be passed over, so k candidates of
    // each lane are enough.
    let candidates = gather(comm, shard.farthest(old, k))?;
    let taken = choose(candidates, &total.counts, empty, |far| grid.weighing().alone(far.weight));
    let numbers: Vec<u64> = taken.iter().map(|(_, far)| far.row).collect();
    let rows = init::rows(comm, shard, &numbers, dims)?;
    let (mut left, weighing) = (total.clone(), grid.weighing());
    for ((cluster, far), row) in taken.iter().zip(rows.chunks_exact(dims)) {
        new[cluster * dims..][..dims].copy_from_slice(row);
        let from = far.label as usize;
        left.counts[from] -= weighing.alone(far.weight);
        for (t, &x) in row.iter().enumerate() {
            left.add::<T>(from * dims + t, x.units(grid, t, far.weight), -1);
        }
    }
    for (_, far) in &taken {
        let from = far.label as usize;
        for t in 0..dims {
            let at = from * dims + t;
            new[at] = T::mean(grid, left.sum::<T>(at), left.counts[from], t);
        }
    }
    Ok(())
}

/// All lanes' candidates on every lane.
fn gather(comm: &dyn Comm, mine: Result<Vec<Far>>) -> Result<Vec<Far>> {
    use amdahl_lanes::comm::{Buf, Op, agreed};
    let lane = comm.lane();
    let mine = agreed(comm, mine)?;
    let words: Vec<u64> = mine
        .iter()
        .flat_map(|f| {
            [f.distance.to_bits(), f.row, u64::from(f.label) << 32 | u64::from(f.weight.to_bits())]
        })
        .collect();
    let mut lengths = vec![0u64; lane.count];
    lengths[lane.index] = size_of_val(&words[..]) as u64;
    comm.all_reduce(Op::Sum, Buf::U64(&mut lengths))?;
    let lengths: Vec<usize> = lengths.into_iter().map(|l| l as usize).collect();
    let mut all = vec![0u64; lengths.iter().sum::<usize>() / size_of::<u64>()];
    comm.all_gather_v(bytes::of(&words), &lengths, bytes::of_mut(&mut all))?;
    let far = |words: &[u64]| {
        let (label, weight) = ((words[2] >> 32) as u32, f32::from_bits(words[2] as u32));
        Far { distance: f64::from_bits(words[0]), row: words[1], label, weight }
    };
    Ok(all.chunks_exact(3).map(far).collect())
}

/// Σ over the centroids of the squared length of their shift.
pub fn shift<T: Number>(old: &[T], new: &[T]) -> f64 {
    amdahl_lanes::exact::squared_distance(old, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(distance: f64, row: u64, label: u32) -> Far {
        Far { distance, row, label, weight: 1.0 }
    }

    #[test]
    fn the_farthest_rows_go_to_the_empty_clusters_in_order() {
        let rows = vec![far(4.0, 7, 0), far(9.0, 3, 1), far(9.0, 2, 0), far(1.0, 9, 1)];
        let taken = choose(rows, &[5, 5, 0, 0, 0], &[2, 3, 4], |_| 1);
        let pairs: Vec<_> = taken.iter().map(|(cluster, far)| (*cluster, far.row)).collect();
        assert_eq!(pairs, [(2, 2), (3, 3), (4, 7)]);
    }

    #[test]
    fn no_cluster_is_emptied_and_no_row_on_its_centroid_is_moved() {
        let rows = vec![far(9.0, 0, 0), far(4.0, 1, 1), far(3.0, 2, 1), far(0.0, 3, 2)];
        let taken = choose(rows, &[1, 2, 5, 0, 0], &[3, 4], |_| 1);
        assert_eq!(taken, [(3, far(4.0, 1, 1))]);
    }

    #[test]
    fn a_cluster_without_rows_keeps_its_centroid() {
        let grid = Grid::new(&[8.0], 4).expect("few rows");
        let q = |x: f32| Grid::quantise(x, grid.scale()[0]);
        let total = Partial { sums: vec![q(1.0) + q(4.0), 0], counts: vec![2, 0] };
        let mut new = [0.0; 2];
        assert_eq!(means(&total, &grid, &[9.0, 5.0], &mut new), [1]);
        assert_eq!(new, [2.5, 5.0]);
    }
}

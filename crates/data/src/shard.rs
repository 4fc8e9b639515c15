//! Which lane gets which rows.

use std::ops::Range;

/// The rows of `lane` among `lanes`: contiguous, in lane order, sizes that differ by at most one
/// (the larger ones first), empty for the last lanes when there are fewer rows than lanes. A lane
/// at or beyond `lanes` gets an empty range.
pub fn shard(lane: u64, lanes: u64, rows: u64) -> Range<u64> {
    if lanes == 0 {
        return 0..0;
    }
    let (size, larger) = (rows / lanes, rows % lanes);
    // The start of lane l is l·size + min(l, larger) ≤ rows: no overflow.
    let start = |lane: u64| lane * size + lane.min(larger);
    let lane = lane.min(lanes);
    start(lane)..start((lane + 1).min(lanes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_partition_the_rows() {
        for rows in [0, 1, 7, 10, 1000, u64::MAX] {
            for lanes in [1, 2, 3, 8, 13] {
                let mut next = 0;
                for lane in 0..lanes {
                    let range = shard(lane, lanes, rows);
                    assert_eq!(range.start, next);
                    let size = range.end - range.start;
                    assert!(size == rows / lanes || size == rows / lanes + 1);
                    next = range.end;
                }
                assert_eq!(next, rows);
                assert!(shard(lanes, lanes, rows).is_empty());
            }
        }
        assert_eq!(shard(5, 8, 3), 3..3);
        assert_eq!(shard(0, 0, 3), 0..0);
    }
}

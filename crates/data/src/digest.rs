//! A digest of rows or labels that does not depend on the order in which they are seen.
//!
//! Every row gets a 64-bit hash of its global number and the bits of its values; the digest is the
//! wrapping sum of the hashes. So lanes digest their own rows, and one integer sum joins them. Rows
//! that are swapped, changed or missing change the digest but for a chance of about 2^-64. It finds
//! accidents; it is no defence against somebody who looks for collisions.
//!
//! **The hash of a row.** Two values of f32, or one of f64, make a 64-bit word (the first in the low half). Word i enters
//! the lane i mod 4 of four lanes: `lane = (lane ^ word) · M; lane ^= lane >> 32`. For a fixed lane
//! this is a bijection of the word and for a fixed word one of the lane, as M is odd: a single
//! changed value always changes its lane. The lanes start from the global row times an odd constant
//! of their own. They are joined by `h = h · M ^ lane` from the number of values, and the 64-bit
//! finaliser of MurmurHash3 (A. Appleby): `h ^= h >> 33; h *= 0xff51afd7ed558ccd; h ^= h >> 33; h
//! *= 0xc4ceb9fe1a85ec53; h ^= h >> 33`. Four lanes hide the latency of the multiplication.

use crate::value::Value;

/// 2^64 divided by the golden ratio, made odd.
const M: u64 = 0x9E37_79B9_7F4A_7C15;
/// Odd constants: the first digits of π after the point.
const STARTS: [u64; 4] =
    [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345, 0xA409_3822_299F_31D1, 0x082E_FA98_EC4E_6C89];

/// The finaliser of MurmurHash3.
#[inline]
fn finish(mut h: u64) -> u64 {
    h ^= h >> 33;
    h = h.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    h ^= h >> 33;
    h = h.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    h ^ h >> 33
}

#[inline]
fn enter(lane: u64, word: u64) -> u64 {
    let lane = (lane ^ word).wrapping_mul(M);
    lane ^ lane >> 32
}

#[inline]
fn word<T: Value>(few: &[T]) -> u64 {
    few.iter().rev().fold(0, |word, x| word << 32 | x.bits())
}

/// The hash of one row.
fn row<T: Value>(number: u64, values: &[T]) -> u64 {
    let mut lanes = STARTS.map(|start| number.wrapping_add(1).wrapping_mul(start));
    let each = const { size_of::<u64>() / size_of::<T>() };
    let blocks = values.chunks_exact(4 * each);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, few) in lanes.iter_mut().zip(block.chunks_exact(each)) {
            *lane = enter(*lane, word(few));
        }
    }
    for (lane, few) in lanes.iter_mut().zip(rest.chunks(each)) {
        *lane = enter(*lane, word(few));
    }
    finish(lanes.iter().fold(values.len() as u64, |h, &lane| h.wrapping_mul(M) ^ lane))
}

/// The digest of consecutive rows (row-major, `dims` columns), the first of which has the global
/// number `first`. Add the digests of parts with wrapping. 0 and -0 differ.
pub fn rows<T: Value>(first: u64, values: &[T], dims: usize) -> u64 {
    let numbered = (first..).zip(values.chunks_exact(dims.max(1)));
    numbered.fold(0, |sum, (number, values)| sum.wrapping_add(row(number, values)))
}

/// The digest of the labels of consecutive rows, the first of which has the global number `first`.
/// Add the digests of parts with wrapping.
pub fn labels(first: u64, labels: &[u32]) -> u64 {
    let numbered = (first..).zip(labels);
    numbered.fold(0, |sum, (number, &label)| {
        sum.wrapping_add(finish(enter(
            number.wrapping_add(1).wrapping_mul(STARTS[0]),
            u64::from(label),
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_order_does_not_matter() {
        let values: Vec<f32> = (0..130).map(|i| (i as f32).sin()).collect();
        let whole = rows(5, &values, 13);
        let parts = rows(8, &values[39..], 13).wrapping_add(rows(5, &values[..39], 13));
        assert_eq!(whole, parts);
        let of_labels = labels(0, &[1, 2, 3, 4]);
        assert_eq!(of_labels, labels(2, &[3, 4]).wrapping_add(labels(0, &[1, 2])));
        assert_eq!(rows::<f32>(0, &[], 3), 0);
    }

    #[test]
    fn every_value_row_and_place_counts() {
        for dims in 1..20 {
            let values: Vec<f32> = (0..3 * dims).map(|i| i as f32).collect();
            let whole = rows(0, &values, dims);
            for i in 0..values.len() {
                let mut changed = values.clone();
                changed[i] = f32::from_bits(changed[i].to_bits() ^ 1);
                assert_ne!(rows(0, &changed, dims), whole, "value {i} of rows of {dims}");
            }
            let mut swapped = values.clone();
            swapped.rotate_left(dims);
            assert_ne!(rows(0, &swapped, dims), whole, "rows of {dims} in another order");
            assert_ne!(rows(1, &values, dims), whole);
        }
        assert_ne!(rows(0, &[0f32], 1), rows(0, &[-0f32], 1));
        assert_ne!(rows(0, &[0f32], 1), rows(0, &[0f32, 0.0], 2));
        // Of f64 every bit counts too.
        let wide: Vec<f64> = (0..15).map(f64::from).collect();
        for i in 0..wide.len() {
            let mut changed = wide.clone();
            changed[i] = f64::from_bits(changed[i].to_bits() ^ 1);
            assert_ne!(rows(0, &changed, 5), rows(0, &wide, 5), "value {i}");
        }
        assert_ne!(labels(0, &[1, 2]), labels(0, &[2, 1]));
        assert_ne!(labels(0, &[0]), labels(1, &[0]));
    }

    #[test]
    fn digests_of_different_rows_do_not_collide() {
        let mut seen: Vec<u64> =
            (0..100_000).map(|i| rows(i % 100, &[(i / 100) as f32, 0.0, 1.0], 3)).collect();
        seen.extend((0..100_000).map(|i| labels(i / 100, &[(i % 100) as u32])));
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn the_same_in_every_version() {
        assert_eq!(
            rows(3, &[1f32, -2.5, 3.0], 3),
            9_193_337_425_060_923_781,
            "a changed digest orphans stored answers"
        );
        assert_eq!(
            labels(3, &[1, 2]),
            7_863_247_234_244_521_332,
            "a changed digest orphans stored answers"
        );
    }
}

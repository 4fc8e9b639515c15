//! Random numbers that are looked up, not drawn: the i-th number of a stream is a function of
//! (seed, purpose, i).
//!
//! So any lane can make exactly the numbers of its own rows, in any order, and the result does not
//! depend on the number of lanes. The function is Philox 4x32 with 10 rounds, a counter-based
//! generator: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as
//! easy as 1, 2, 3", SC '11, doi:10.1145/2063384.2063405. It passes the BigCrush battery.

use std::collections::HashMap;

/// What a stream is used for: streams of one seed with different purposes never share a number. A
/// new use is a line here; the numbers are part of every stored answer and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// The noise of synthetic rows.
    Noise = 1,
    /// The cluster that a synthetic row belongs to.
    Cluster = 2,
    /// The centres of synthetic clusters.
    Centre = 3,
    /// Which rows a subsample keeps.
    Sample = 4,
    /// The rows that become initial centroids.
    InitialRows = 5,
    /// The order in which things are done.
    Order = 6,
    /// Rows that k-means++ draws.
    Seeding = 7,
    /// Rows that a round of k-means|| draws.
    Oversampling = 8,
    /// The rows of a batch.
    Batch = 9,
    /// How k-means|| chooses among what it drew.
    Reclustering = 10,
    /// The seeds of several starts of one fit.
    Start = 16,
}

/// Philox 4x32 with 10 rounds: a bijection of the 128-bit counter for each 64-bit key.
#[inline]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(counter[0]) * 0xD251_1F53;
        let b = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32, // the low half
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

/// The numbers of one seed and one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    purpose: u32,
}

impl Stream {
    /// The stream of `seed` for `purpose`.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Stream { key: [seed as u32, (seed >> 32) as u32], purpose: purpose as u32 }
    }

    /// 128 random bits at the place (`major`, `minor`).
    #[inline]
    pub fn block(&self, major: u64, minor: u32) -> [u32; 4] {
        philox([major as u32, (major >> 32) as u32, minor, self.purpose], self.key)
    }

    /// 64 random bits at the place `counter`: the first half of the block (`counter`, 0).
    #[inline]
    pub fn u64_at(&self, counter: u64) -> u64 {
        let block = self.block(counter, 0);
        u64::from(block[0]) | u64::from(block[1]) << 32
    }

    /// A number below `bound` at the place `counter`, uniform but for a bias of at most `bound` /
    /// 2^64; 0 when `bound` is 0.
    #[inline]
    pub fn below(&self, counter: u64, bound: u64) -> u64 {
        ((u128::from(self.u64_at(counter)) * u128::from(bound)) >> 64) as u64
    }

    /// A number in [0, 1) with 53 random bits at the place `counter`.
    #[inline]
    pub fn unit(&self, counter: u64) -> f64 {
        (self.u64_at(counter) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

/// `count` distinct numbers below `n` (all of them when `count` ≥ n) in random order; a smaller
/// `count` gives a prefix of a larger one.
///
/// The first `count` steps of a Fisher–Yates shuffle of 0..n that stores only the places it has
/// touched: memory and time O(count).
pub fn distinct(seed: u64, purpose: Purpose, n: u64, count: u64) -> Vec<u64> {
    let stream = Stream::new(seed, purpose);
    let count = count.min(n);
    let mut moved: HashMap<u64, u64> = HashMap::new();
    let mut drawn = Vec::new();
    for i in 0..count {
        let j = i + stream.below(i, n - i);
        let at_i = moved.remove(&i).unwrap_or(i);
        drawn.push(if j == i { at_i } else { moved.insert(j, at_i).unwrap_or(j) });
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_answers() {
        // The known-answer vectors of the authors' Random123 library.
        let ones = u32::MAX;
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([ones; 4], [ones; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn distinct_numbers_are_distinct_below_n_and_nest() {
        for (n, count) in [(1, 1), (10, 10), (1000, 37), (u64::MAX, 100), (5, 9), (0, 3), (7, 0)] {
            let drawn = distinct(42, Purpose::InitialRows, n, count);
            assert_eq!(drawn.len() as u64, count.min(n));
            assert!(drawn.iter().all(|&x| x < n));
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), drawn.len(), "n = {n}, count = {count}");
            let fewer = distinct(42, Purpose::InitialRows, n, count / 2);
            assert_eq!(fewer[..], drawn[..fewer.len()]);
        }
    }

    #[test]
    fn distinct_numbers_are_uniform() {
        // 3 of 6, 20 000 seeds: every number is drawn about half the time, and is first about a
        // sixth of the time.
        let (mut drawn, mut first) = ([0u32; 6], [0u32; 6]);
        for seed in 0..20_000 {
            let three = distinct(seed, Purpose::Sample, 6, 3);
            first[three[0] as usize] += 1;
            three.iter().for_each(|&x| drawn[x as usize] += 1);
        }
        // Five standard deviations of the binomial distribution.
        assert!(
            drawn.iter().all(|&c| (c as f64 - 10_000.0).abs() < 5.0 * (20_000.0f64 * 0.25).sqrt()),
            "{drawn:?}"
        );
        assert!(
            first
                .iter()
                .all(|&c| (c as f64 - 3_333.3).abs() < 5.0 * (20_000.0f64 * 5.0 / 36.0).sqrt()),
            "{first:?}"
        );
    }

    #[test]
    fn streams_of_different_purposes_differ() {
        let (a, b) = (Stream::new(1, Purpose::Noise), Stream::new(1, Purpose::Cluster));
        assert_ne!(a.u64_at(0), b.u64_at(0));
        assert_ne!(a.u64_at(0), Stream::new(1 << 32, Purpose::Noise).u64_at(0));
        assert!((0..1000).all(|i| (0.0..1.0).contains(&a.unit(i)) && a.below(i, 3) < 3));
        assert_eq!(a.below(0, 0), 0);
    }
}

//! Labels by tile, in the narrowest integer that holds k of them: they are read in every step.

use crate::device::cpu::tiles::TILE;

/// The labels of a shard; those beyond the last row are never looked at.
pub enum Labels {
    /// Up to 2^8 clusters.
    U8(Vec<[u8; TILE]>),
    /// Up to 2^16.
    U16(Vec<[u16; TILE]>),
    /// More.
    U32(Vec<[u32; TILE]>),
}

/// The labels of one tile as they are stored.
#[derive(Clone, Copy)]
pub enum Stored<'a> {
    /// See [`Labels::U8`].
    U8(&'a [u8; TILE]),
    /// See [`Labels::U16`].
    U16(&'a [u16; TILE]),
    /// See [`Labels::U32`].
    U32(&'a [u32; TILE]),
}

impl Labels {
    /// All zero, for this many tiles and clusters.
    pub fn new(tiles: usize, k: usize) -> Labels {
        match k {
            0..=0x100 => Labels::U8(vec![[0; TILE]; tiles]),
            0x101..=0x1_0000 => Labels::U16(vec![[0; TILE]; tiles]),
            _ => Labels::U32(vec![[0; TILE]; tiles]),
        }
    }

    /// Those of tile `i`.
    #[inline(always)]
    pub fn tile(&self, i: usize) -> Stored<'_> {
        match self {
            Labels::U8(labels) => Stored::U8(&labels[i]),
            Labels::U16(labels) => Stored::U16(&labels[i]),
            Labels::U32(labels) => Stored::U32(&labels[i]),
        }
    }

    /// Replaces those of tile `i`. All are below the k that the labels were made for.
    #[inline(always)]
    pub fn set(&mut self, i: usize, new: &[u32; TILE]) {
        match self {
            Labels::U8(labels) => labels[i] = new.map(|label| label as u8),
            Labels::U16(labels) => labels[i] = new.map(|label| label as u16),
            Labels::U32(labels) => labels[i] = *new,
        }
    }

    /// Replaces one label of tile `i`.
    #[inline]
    pub fn set_one(&mut self, i: usize, lane: usize, new: u32) {
        match self {
            Labels::U8(labels) => labels[i][lane] = new as u8,
            Labels::U16(labels) => labels[i][lane] = new as u16,
            Labels::U32(labels) => labels[i][lane] = new,
        }
    }
}

impl Stored<'_> {
    /// As plain numbers.
    #[inline(always)]
    pub fn widen(self) -> [u32; TILE] {
        match self {
            Stored::U8(labels) => labels.map(u32::from),
            Stored::U16(labels) => labels.map(u32::from),
            Stored::U32(labels) => *labels,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_in_the_narrowest_integer() {
        for (k, bytes) in [(1, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 4)] {
            let mut labels = Labels::new(3, k);
            let new = std::array::from_fn(|i| (k - 1).saturating_sub(i) as u32);
            labels.set(1, &new);
            assert_eq!(labels.tile(1).widen(), new, "k = {k}");
            assert_eq!(labels.tile(0).widen(), [0; TILE]);
            let size = match labels {
                Labels::U8(_) => 1,
                Labels::U16(_) => 2,
                Labels::U32(_) => 4,
            };
            assert_eq!(size, bytes, "k = {k}");
        }
    }
}

//! The nearest centroid of each row, in f32 where f32 decides and in f64 where it does not.
//!
//! The nearest centroid of a row x has the largest score s(j) = x·c(j) − ½‖c(j)‖². Rows lie in vector lanes (see
//! [`super::tiles`]); the scores of a few vectors of rows against a block of centroids stay in registers, with the best, the second best
//! and the best's index of each row; no distance is stored.
//!
//! **Certificate.** Let u = 2^−24 and γ(n) = n·u/(1 − n·u). A score computed in f32 by d products and d + 1 sums, in any order, fused or
//! not, differs from the true one by at most B = γ(d + 3) · (½C² + X·C), where C is the largest centroid norm and X bounds the row's norm
//! (Higham, *Accuracy and Stability of Numerical Algorithms*, §3.1, with Cauchy–Schwarz), and by less than (d + 2) · 2^−149 more through
//! underflow. If best − second > 2B, the order of the two is certain. "Nearest" is defined by the f64 distance of [`squared_distance`],
//! which is rounded too, so its own error is added to the threshold. Rows within the threshold are decided by that definition, over all
//! centroids; where B is not finite, every row is. Labels are therefore those of the definition on every instruction set.

use crate::error::{Error, Kind, Result};
use crate::exact::squared_distance;
use crate::measure::device::Centroids;
use crate::measure::device::cpu::tiles::{TILE, Tile};
use crate::measure::device::cpu::vector::{Vector, portable::Portable};
#[cfg(target_arch = "x86_64")]
use crate::measure::device::cpu::vector::{avx2::Avx2, avx512::Avx512};

/// Instruction sets that the same source is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Whatever the target guarantees.
    Portable,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Kernel {
    /// All that this build knows, the best last.
    pub const ALL: &'static [Kernel] = &[
        Kernel::Portable,
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2,
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx512,
    ];

    /// The name in records and for `AMDAHL_KERNEL`.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => "avx512",
        }
    }

    /// Does this processor have it?
    pub fn supported(self) -> bool {
        match self {
            Kernel::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq"),
        }
    }

    /// The best that this processor has, or the one that `AMDAHL_KERNEL` names.
    pub fn chosen() -> Result<Kernel> {
        match std::env::var("AMDAHL_KERNEL") {
            Ok(name) if !name.is_empty() => Kernel::by_name(&name),
            _ => Ok(Kernel::ALL.iter().copied().rfind(|k| k.supported()).unwrap_or(Kernel::Portable)),
        }
    }

    /// The kernel with this name, if this processor has it.
    pub fn by_name(name: &str) -> Result<Kernel> {
        let kernel = Kernel::ALL.iter().copied().find(|k| k.name() == name).ok_or_else(|| {
            let names: Vec<_> = Kernel::ALL.iter().map(|k| k.name()).collect();
            Error::new(Kind::Usage, format!("AMDAHL_KERNEL names no kernel of this build: '{name}'"))
                .hint(format!("one of {}", names.join(", ")))
        })?;
        if !kernel.supported() {
            return Err(Error::unavailable(format!("this processor lacks the instructions of kernel '{name}'")));
        }
        Ok(kernel)
    }

    /// Centroids whose scores are in registers at the same time.
    fn block(self) -> usize {
        match self {
            Kernel::Portable => 2,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => 4,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => 8,
        }
    }

    /// Labels the rows of one tile, whose norms are at most `norm`.
    #[inline]
    pub fn assign(self, panel: &Panel<'_>, tile: Tile<'_>, norm: f32, found: &mut Found) {
        debug_assert_eq!(panel.block, self.block());
        let threshold = panel.threshold(f64::from(norm));
        match self {
            // SAFETY: plain Rust needs no instructions; the panel was packed for this kernel.
            Kernel::Portable => unsafe { nearest::<Portable, 2, 2>(panel, tile, threshold, found) },
            // SAFETY: callers hold a kernel only where the processor has its instructions: `chosen` and `by_name` ask.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { nearest_avx2(panel, tile, threshold, found) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { nearest_avx512(panel, tile, threshold, found) },
        }
    }

    /// A bit for every lane where the labels of a tile differ.
    #[inline]
    pub fn differing(self, a: &[u32; TILE], b: &[u32; TILE]) -> u64 {
        match self {
            // SAFETY: plain Rust needs no instructions.
            Kernel::Portable => unsafe { differing::<Portable>(a, b) },
            // SAFETY: as for `assign`.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { differing_avx2(a, b) },
            // SAFETY: as for `assign`.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { differing_avx512(a, b) },
        }
    }
}

/// The labels of a tile.
pub struct Found {
    /// The nearest centroid of each row, certain or not.
    pub labels: [u32; TILE],
    /// A bit for every row that f32 does not decide.
    pub undecided: u64,
}

impl Found {
    /// Nothing yet.
    pub fn new() -> Self {
        Found { labels: [0; TILE], undecided: 0 }
    }
}

impl Default for Found {
    fn default() -> Self {
        Found::new()
    }
}

/// # Safety
/// The processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn nearest_avx2(panel: &Panel<'_>, tile: Tile<'_>, threshold: f32, found: &mut Found) {
    // SAFETY: the instructions are there; the panel's block is checked by `assign`.
    unsafe { nearest::<Avx2, 3, 4>(panel, tile, threshold, found) }
}

/// # Safety
/// The processor has AVX-512 F and DQ.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn nearest_avx512(panel: &Panel<'_>, tile: Tile<'_>, threshold: f32, found: &mut Found) {
    // SAFETY: as above.
    unsafe { nearest::<Avx512, 3, 8>(panel, tile, threshold, found) }
}

/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn differing_avx2(a: &[u32; TILE], b: &[u32; TILE]) -> u64 {
    // SAFETY: the instructions are there.
    unsafe { differing::<Avx2>(a, b) }
}

/// # Safety
/// The processor has AVX-512 F.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn differing_avx512(a: &[u32; TILE], b: &[u32; TILE]) -> u64 {
    // SAFETY: the instructions are there.
    unsafe { differing::<Avx512>(a, b) }
}

/// # Safety
/// The processor has the instructions of `V`.
#[inline(always)]
unsafe fn differing<V: Vector>(a: &[u32; TILE], b: &[u32; TILE]) -> u64 {
    let mut bits = 0;
    for i in (0..TILE).step_by(V::WIDTH) {
        // SAFETY: TILE is a multiple of the width, so the loads stay within the arrays; u32 and f32 have the same size.
        let differ = unsafe { V::load(a.as_ptr().add(i).cast()).differing_bits(V::load(b.as_ptr().add(i).cast())) };
        bits |= u64::from(differ) << i;
    }
    bits
}

/// The nearest centroid of each row of a tile: P vectors of rows against blocks of Q centroids, in registers.
///
/// # Safety
/// The processor has the instructions of `V`, the panel has blocks of Q, and TILE is a multiple of P × the width.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // Indices mirror the register tile.
unsafe fn nearest<V: Vector, const P: usize, const Q: usize>(
    panel: &Panel<'_>,
    tile: Tile<'_>,
    threshold: f32,
    found: &mut Found,
) {
    const { assert!(TILE.is_multiple_of(P * V::WIDTH)) };
    let dims = panel.centroids.dims;
    assert!(tile.values.len() == dims * TILE && panel.block == Q && panel.packed.len() == panel.starts.len() * dims);
    found.undecided = 0;
    for group in (0..TILE).step_by(P * V::WIDTH) {
        // SAFETY: reads stay within the tile, the packed centroids and their starts, whose lengths were checked above; writes stay
        // within the found labels. The instructions are the caller's promise.
        unsafe {
            let mut best = [V::splat(f32::NEG_INFINITY); P];
            let mut second = best;
            let mut index = [V::splat_bits(0); P];
            for (b, starts) in panel.starts.chunks_exact(Q).enumerate() {
                let mut scores = [[V::splat(0.0); P]; Q];
                for q in 0..Q {
                    scores[q] = [V::splat(starts[q]); P];
                }
                let mut column = tile.values.as_ptr().add(group);
                let mut centroid = panel.packed.as_ptr().add(b * dims * Q);
                for _ in 0..dims {
                    let mut x = [V::splat(0.0); P];
                    for p in 0..P {
                        x[p] = V::load(column.add(p * V::WIDTH));
                    }
                    for q in 0..Q {
                        let c = V::splat(*centroid.add(q));
                        for p in 0..P {
                            scores[q][p] = x[p].multiply_add(c, scores[q][p]);
                        }
                    }
                    column = column.add(TILE);
                    centroid = centroid.add(Q);
                }
                for q in 0..Q {
                    let number = V::splat_bits((b * Q + q) as u32);
                    for p in 0..P {
                        let score = scores[q][p];
                        second[p] = second[p].max(score.min(best[p]));
                        index[p] = score.if_greater(best[p], number, index[p]);
                        best[p] = best[p].max(score);
                    }
                }
            }
            let least = V::splat(threshold);
            for p in 0..P {
                let first = group + p * V::WIDTH;
                index[p].store(found.labels.as_mut_ptr().add(first).cast());
                // Asked this way round, whatever is not a number is undecided.
                let decided = best[p].minus(second[p]).greater_bits(least);
                let all = u32::MAX >> (32 - V::WIDTH);
                found.undecided |= u64::from(!decided & all) << first;
            }
        }
    }
}

/// The centroids of one step, arranged for the kernel.
pub struct Panel<'a> {
    centroids: Centroids<'a>,
    block: usize,
    /// ⌈k/block⌉ blocks of dims × block values: column t of the block's centroids lies together.
    packed: Vec<f32>,
    /// −½‖c‖² of each centroid; −∞ for those that fill up the last block.
    starts: Vec<f32>,
    /// Largest norm of a centroid.
    norm: f64,
}

impl<'a> Panel<'a> {
    /// Packs the centroids for a kernel.
    pub fn new(centroids: Centroids<'a>, kernel: Kernel) -> Self {
        let (k, dims, block) = (centroids.k, centroids.dims, kernel.block());
        let blocks = k.div_ceil(block);
        let mut packed = vec![0f32; blocks * dims * block];
        let mut starts = vec![f32::NEG_INFINITY; blocks * block];
        let mut norm = 0f64;
        for j in 0..k {
            let row = centroids.row(j);
            let square: f64 = row.iter().map(|&c| f64::from(c) * f64::from(c)).sum();
            norm = norm.max(square.sqrt());
            starts[j] = (-0.5 * square) as f32;
            for (t, &value) in row.iter().enumerate() {
                packed[(j / block * dims + t) * block + j % block] = value;
            }
        }
        Panel { centroids, block, packed, starts, norm }
    }

    /// Two scores of a row with norm at most `x` that differ by more than this are in their true order (see the module).
    fn threshold(&self, x: f64) -> f32 {
        let (d, c) = (self.centroids.dims as f64, self.norm);
        let size = 0.5 * c * c + x * c;
        let n = (d + 3.0) * 2f64.powi(-24);
        // Scores that may overflow, and sums too long for the bound, decide nothing.
        if n > 0.5 || size > f64::from(f32::MAX) / 4.0 {
            return f32::INFINITY;
        }
        let score = n / (1.0 - n) * size + (d + 2.0) * 2f64.powi(-149);
        // A difference of squared distances is twice a difference of scores.
        let definition = 0.5 * (d / 8.0 + 8.0) * 2f64.powi(-53) * 2.0 * (x + c) * (x + c);
        // 2 % for the rounding of this and of the difference that is compared with it; at least the smallest f32.
        ((1.02 * (2.0 * score + definition)) as f32).max(f32::from_bits(1))
    }

    /// The nearest centroid by definition.
    pub fn by_definition(&self, row: &[f32]) -> u32 {
        let mut best = (f64::INFINITY, 0);
        for j in 0..self.centroids.k {
            let distance = squared_distance(row, self.centroids.row(j));
            if distance < best.0 {
                best = (distance, j as u32);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MatrixRows;
    use crate::measure::device::cpu::tiles::Tiles;
    use proptest::prelude::*;

    fn label_all(kernel: Kernel, rows: &[f32], centroids: Centroids<'_>) -> (Vec<u32>, u32) {
        let dims = centroids.dims;
        let panel = Panel::new(centroids, kernel);
        let tiles = Tiles::read(&mut MatrixRows::new(rows, dims, 0)).expect("rows in memory");
        let (mut labels, mut undecided, mut found) = (Vec::new(), 0, Found::new());
        for ((tile, norm), rows) in tiles.iter().zip(rows.chunks(TILE * dims)) {
            kernel.assign(&panel, tile, norm, &mut found);
            for (lane, row) in rows.chunks_exact(dims).enumerate() {
                let unsure = found.undecided >> lane & 1 == 1;
                undecided += u32::from(unsure);
                labels.push(if unsure { panel.by_definition(row) } else { found.labels[lane] });
            }
        }
        (labels, undecided)
    }

    fn by_definition(rows: &[f32], centroids: Centroids<'_>) -> Vec<u32> {
        let panel = Panel::new(centroids, Kernel::Portable);
        rows.chunks_exact(centroids.dims).map(|row| panel.by_definition(row)).collect()
    }

    proptest! {
        #[test]
        fn every_kernel_gives_the_labels_of_the_definition(
            dims in 1usize..40, k in 1usize..20, n in 1usize..100, seed in any::<u64>(), spread in -30i32..30, grid in any::<bool>(),
        ) {
            // A cheap generator: shapes and magnitudes matter here, not randomness. On a coarse grid exact ties abound.
            let mut state = seed | 1;
            let mut value = || {
                state ^= state << 13; state ^= state >> 7; state ^= state << 17;
                let x = (state >> 40) as f32 / 16_777_216.0 - 0.5;
                if grid { (x * 4.0).round() } else { x * 2f32.powi(spread) }
            };
            let rows: Vec<f32> = (0..n * dims).map(|_| value()).collect();
            let values: Vec<f32> = (0..k * dims).map(|_| value()).collect();
            let centroids = Centroids { values: &values, k, dims };
            let expected = by_definition(&rows, centroids);
            for kernel in Kernel::ALL.iter().filter(|kernel| kernel.supported()) {
                prop_assert_eq!(&label_all(*kernel, &rows, centroids).0, &expected, "{}", kernel.name());
            }
        }
    }

    #[test]
    fn ties_go_to_the_lower_index_and_extremes_stay_right() {
        for scale in [1.0, f32::MAX / 2.0, f32::from_bits(1), 1e-30, 1e30] {
            let rows = [scale, -scale, 0.0];
            let values = [-scale, scale, scale, -scale];
            let centroids = Centroids { values: &values, k: 4, dims: 1 };
            for kernel in Kernel::ALL.iter().filter(|kernel| kernel.supported()) {
                assert_eq!(label_all(*kernel, &rows, centroids).0, [1, 0, 0], "{} at {scale:e}", kernel.name());
            }
        }
    }

    #[test]
    fn f32_decides_nearly_all_of_ordinary_rows() {
        let rows: Vec<f32> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 65536.0).collect();
        let values: Vec<f32> = rows[..64].to_vec();
        let (_, undecided) = label_all(Kernel::Portable, &rows, Centroids { values: &values, k: 8, dims: 8 });
        assert!(undecided * 50 < 512, "{undecided} of 512 rows needed f64");
    }
}

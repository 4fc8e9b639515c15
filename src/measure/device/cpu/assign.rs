//! The nearest centroid of each row, in f32 where f32 decides and in f64 where it does not.
//!
//! The nearest centroid of a row x has the largest score s(j) = x·c(j) − ½‖c(j)‖². A tile of rows is transposed so that rows lie in vector
//! lanes; scores stay in registers, with the best, the second best and the best's index of each row; no distance is stored.
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

/// Rows in a tile.
pub const TILE: usize = 32;

/// Centroids whose scores are in registers at the same time.
const BLOCK: usize = 4;

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

    /// Labels the rows of one tile (row-major, at most [`TILE`]), whose norms are at most `norm`. Returns how many were decided in f64.
    #[inline]
    pub fn assign(self, panel: &Panel<'_>, rows: &[f32], norm: f32, scratch: &mut Scratch, labels: &mut [u32]) -> u64 {
        match self {
            Kernel::Portable => assign_with::<false>(panel, rows, norm, scratch, labels),
            // SAFETY: callers hold a kernel only where the processor has its instructions: `chosen` and `by_name` ask.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { assign_avx2(panel, rows, norm, scratch, labels) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { assign_avx512(panel, rows, norm, scratch, labels) },
        }
    }
}

/// # Safety
/// The processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn assign_avx2(p: &Panel<'_>, rows: &[f32], norm: f32, scratch: &mut Scratch, labels: &mut [u32]) -> u64 {
    assign_with::<true>(p, rows, norm, scratch, labels)
}

/// # Safety
/// The processor has AVX-512 F and DQ.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
unsafe fn assign_avx512(p: &Panel<'_>, rows: &[f32], norm: f32, scratch: &mut Scratch, labels: &mut [u32]) -> u64 {
    assign_with::<true>(p, rows, norm, scratch, labels)
}

/// The centroids of one step, arranged for the kernel.
pub struct Panel<'a> {
    centroids: Centroids<'a>,
    /// ⌈k/BLOCK⌉ blocks of dims × BLOCK values: column t of BLOCK centroids lies together.
    packed: Vec<f32>,
    /// −½‖c‖² of each centroid; −∞ for those that fill up the last block.
    starts: Vec<f32>,
    /// Largest norm of a centroid.
    norm: f64,
}

impl<'a> Panel<'a> {
    /// Packs the centroids.
    pub fn new(centroids: Centroids<'a>) -> Self {
        let (k, dims) = (centroids.k, centroids.dims);
        let blocks = k.div_ceil(BLOCK);
        let mut packed = vec![0f32; blocks * dims * BLOCK];
        let mut starts = vec![f32::NEG_INFINITY; blocks * BLOCK];
        let mut norm = 0f64;
        for j in 0..k {
            let row = centroids.row(j);
            let square: f64 = row.iter().map(|&c| f64::from(c) * f64::from(c)).sum();
            norm = norm.max(square.sqrt());
            starts[j] = (-0.5 * square) as f32;
            for (t, &value) in row.iter().enumerate() {
                packed[(j / BLOCK * dims + t) * BLOCK + j % BLOCK] = value;
            }
        }
        Panel { centroids, packed, starts, norm }
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
    fn by_definition(&self, row: &[f32]) -> u32 {
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

/// Memory for one transposed tile.
pub struct Scratch {
    /// dims × TILE.
    columns: Vec<f32>,
}

impl Scratch {
    /// For rows of `dims` columns.
    pub fn new(dims: usize) -> Self {
        Scratch { columns: vec![0.0; dims * TILE] }
    }
}

/// A bound on the norms of the rows of each tile.
pub fn tile_norms(rows: &[f32], dims: usize) -> Vec<f32> {
    let norm = |row: &[f32]| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    let largest = |tile: &[f32]| tile.chunks_exact(dims).map(norm).fold(0f64, f64::max);
    // Rounded up, so that it stays a bound; infinite beyond the range of f32, which only means more care.
    rows.chunks(TILE * dims).map(|tile| (largest(tile) * (1.0 + 1e-6)) as f32 + f32::from_bits(1)).collect()
}

#[inline(always)]
fn assign_with<const FMA: bool>(
    panel: &Panel<'_>,
    rows: &[f32],
    norm: f32,
    scratch: &mut Scratch,
    labels: &mut [u32],
) -> u64 {
    let dims = panel.centroids.dims;
    if panel.centroids.k == 1 {
        labels.fill(0);
        return 0;
    }
    // Rows into lanes. A tile that is not full leaves old values in its last lanes; their results are not used.
    for (lane, row) in rows.chunks_exact(dims).enumerate() {
        for (column, &x) in scratch.columns.chunks_exact_mut(TILE).zip(row) {
            column[lane] = x;
        }
    }
    let mut best = [f32::NEG_INFINITY; TILE];
    let mut second = [f32::NEG_INFINITY; TILE];
    let mut index = [0u32; TILE];
    let blocks = panel.packed.chunks_exact(dims * BLOCK).zip(panel.starts.chunks_exact(BLOCK));
    for (b, (block, starts)) in blocks.enumerate() {
        let mut scores: [[f32; TILE]; BLOCK] = std::array::from_fn(|j| [starts[j]; TILE]);
        for (column, centroid) in scratch.columns.as_chunks::<TILE>().0.iter().zip(block.as_chunks::<BLOCK>().0) {
            for j in 0..BLOCK {
                for lane in 0..TILE {
                    scores[j][lane] = if FMA {
                        column[lane].mul_add(centroid[j], scores[j][lane])
                    } else {
                        scores[j][lane] + column[lane] * centroid[j]
                    };
                }
            }
        }
        for (j, scores) in scores.iter().enumerate() {
            let number = (b * BLOCK + j) as u32;
            for lane in 0..TILE {
                let score = scores[lane];
                let better = score > best[lane];
                let loser = if better { best[lane] } else { score };
                second[lane] = if loser > second[lane] { loser } else { second[lane] };
                index[lane] = if better { number } else { index[lane] };
                best[lane] = if better { score } else { best[lane] };
            }
        }
    }
    let threshold = panel.threshold(f64::from(norm));
    let mut rescanned = 0;
    for (lane, label) in labels.iter_mut().enumerate() {
        // Written so that whatever is not a number is decided by definition.
        *label = if best[lane] - second[lane] > threshold {
            index[lane]
        } else {
            rescanned += 1;
            panel.by_definition(&rows[lane * dims..][..dims])
        };
    }
    rescanned
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn label_all(kernel: Kernel, rows: &[f32], centroids: Centroids<'_>) -> (Vec<u32>, u64) {
        let dims = centroids.dims;
        let panel = Panel::new(centroids);
        let mut labels = vec![0; rows.len() / dims];
        let mut scratch = Scratch::new(dims);
        let mut rescanned = 0;
        let norms = tile_norms(rows, dims);
        for ((tile, labels), norm) in rows.chunks(TILE * dims).zip(labels.chunks_mut(TILE)).zip(norms) {
            rescanned += kernel.assign(&panel, tile, norm, &mut scratch, labels);
        }
        (labels, rescanned)
    }

    fn by_definition(rows: &[f32], centroids: Centroids<'_>) -> Vec<u32> {
        let panel = Panel::new(centroids);
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
        let (_, rescanned) = label_all(Kernel::Portable, &rows, Centroids { values: &values, k: 8, dims: 8 });
        assert!(rescanned * 50 < 512, "{rescanned} of 512 rows needed f64");
    }
}

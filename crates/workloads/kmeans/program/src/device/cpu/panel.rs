//! The centroids of one step, packed for the kernels, and when f32 decides between two of them.
//!
//! The nearest centroid of a row x has the largest score s(j) = x·(c(j) − m) − ½(‖c(j)‖² − ‖m‖²),
//! where m is the mean of the centroids: the common part x·m − ½‖m‖² orders nothing, and without it
//! scores of data far from the origin are small, and so are their errors.
//!
//! **Certificate.** Let u = 2^−24 and γ(n) = n·u/(1 − n·u). A score computed in f32 from a rounded
//! c(j) − m and a rounded start by d products and d sums, in any order, fused or not, differs from
//! the true one by at most B = γ(d + 3) · (S + X·C), where S is the largest |start|, C the largest
//! ‖c(j) − m‖ and X a bound on the row's norm (Higham, *Accuracy and Stability of Numerical
//! Algorithms*, §3.1, with Cauchy–Schwarz), and by less than (d + 2 + √d·X) · 2^−149 more through
//! underflow. If best − second > 2B, the order of the two is certain. "Nearest" is defined by the
//! f64 distance of [`squared_distance`], which is rounded too, so its own error is added to the
//! threshold. Rows within the threshold are decided by that distance ([`super::exact_nearest`]);
//! where scores may overflow, every row is. Labels are therefore those of f64 distances on every
//! instruction set, in every layout.

use std::cell::{Cell, OnceCell};
use std::ops::Range;

use crate::device::Centroids;
use crate::device::cpu::buffer::Buffer;
use crate::device::cpu::exact_nearest::Interleaved;
use crate::device::cpu::kernel::Kernel;
use crate::device::cpu::thresholds::Thresholds;

/// Values of the longest vector.
const SPARE: usize = 16;

/// Scores this large may overflow on the way to their end.
const MOST: f64 = f32::MAX as f64 / 8.0;

/// The centroids of one step, arranged for a kernel.
pub struct Panel<'a> {
    /// The centroids themselves.
    pub centroids: Centroids<'a>,
    /// Largest number of centroids in a block.
    pub block: usize,
    /// The numbers of the centroids in each block: as few blocks as possible, and as equal as
    /// possible.
    pub blocks: Vec<Range<usize>>,
    /// Blocks in order: column t of a block's centroids lies together. A vector to spare at the
    /// end.
    pub packed: Buffer,
    /// The score that each centroid starts with. A vector to spare at the end.
    pub starts: Vec<f32>,
    /// Where the kernel with columns in lanes is used: the centroids row by row, each filled up
    /// with zeros to whole vectors.
    pub plain: Buffer,
    /// What the scores are taken about.
    pub mean: Vec<f32>,
    /// The threshold as a polynomial in the row's norm; none where f32 decides nothing.
    threshold: Option<[f64; 3]>,
    /// The largest of the starts and of the norms of the centroids about their mean.
    largest: [f64; 2],
    /// Made where many rows are not decided by f32.
    interleaved: OnceCell<Interleaved>,
    /// Rows that asked for it, and how many of them do without.
    asked: Cell<usize>,
    without: usize,
}

impl<'a> Panel<'a> {
    /// Packs the centroids for a kernel.
    pub fn new(centroids: Centroids<'a>, kernel: Kernel) -> Self {
        Panel::about(centroids, kernel, mean(centroids))
    }

    /// The same with scores about another point than their mean, as those of other centroids are.
    pub fn about(centroids: Centroids<'a>, kernel: Kernel, mean: Vec<f32>) -> Self {
        let Centroids { k, dims, .. } = centroids;
        let count = k.div_ceil(kernel.block());
        let mut panel = Panel {
            centroids,
            block: kernel.block(),
            blocks: (0..count).map(|b| b * k / count..(b + 1) * k / count).collect(),
            packed: Buffer::zeros(k * dims + SPARE),
            starts: vec![0f32; k + SPARE],
            plain: Buffer::zeros(0),
            mean,
            threshold: None,
            largest: [0.0; 2],
            interleaved: OnceCell::new(),
            asked: Cell::new(0),
            without: Thresholds::default().interleave_after,
        };
        let (mut norm, mut shifted, mut start) = (0f64, 0f64, 0f64);
        let mut from = 0;
        for block in panel.blocks.clone() {
            let size = block.len();
            for j in block.clone() {
                // Several sums of each kind: additions do not wait for each other.
                let mut sums = [[0f64; 4]; 3];
                let packed = &mut panel.packed[from + j - block.start..];
                for (t, (&c, &m)) in centroids.row(j).iter().zip(&panel.mean).enumerate() {
                    let (c, m) = (f64::from(c), f64::from(m));
                    packed[t * size] = (c - m) as f32;
                    sums[0][t % 4] += (c - m) * (c - m);
                    sums[1][t % 4] -= 0.5 * (c - m) * (c + m);
                    sums[2][t % 4] += c * c;
                }
                let [square, start_of, plain] = sums.map(|[a, b, c, d]| (a + b) + (c + d));
                panel.starts[j] = start_of as f32;
                norm = norm.max(plain.sqrt());
                shifted = shifted.max(square.sqrt());
                start = start.max(start_of.abs());
            }
            from += size * dims;
        }
        panel.largest = [start, shifted];
        panel.threshold = threshold(dims as f64, norm, shifted, start);
        panel
    }

    /// Also lays the centroids out for the kernel with columns in lanes of vectors of up to
    /// `width`.
    pub fn with_plain(mut self, width: usize) -> Self {
        let (dims, stride) = (self.centroids.dims, self.centroids.dims.next_multiple_of(width));
        self.plain = Buffer::zeros(self.centroids.k * stride);
        for block in &self.blocks {
            for j in block.clone() {
                for t in 0..dims {
                    let packed = (block.start * dims) + t * block.len() + j - block.start;
                    self.plain[j * stride + t] = self.packed[packed];
                }
            }
        }
        self
    }

    /// With centroids that are interleaved after so many rows that asked for it.
    pub fn interleaved_after(mut self, rows: usize) -> Self {
        self.without = rows;
        self
    }

    /// The centroids interleaved over vector lanes; none for the first rows that ask.
    pub fn interleaved(&self, kernel: Kernel) -> Option<&Interleaved> {
        self.asked.set(self.asked.get() + 1);
        (self.asked.get() > self.without).then(|| {
            self.interleaved.get_or_init(|| Interleaved::new(self.centroids, kernel.width()))
        })
    }

    /// Two scores of a row with norm at most `x` that differ by more than this are in their true
    /// order (see the module).
    #[inline]
    pub fn threshold(&self, x: f32) -> f32 {
        match self.threshold {
            // At least the smallest f32: equal scores are never in order.
            Some([a, b, c]) if self.largest[0] + f64::from(x) * self.largest[1] < MOST => {
                let x = f64::from(x);
                ((a + x * (b + x * c)) as f32).max(f32::from_bits(1))
            }
            _ => f32::INFINITY,
        }
    }
}

/// The mean of the centroids. Any value serves: it is exact for none, and the same for all.
fn mean(centroids: Centroids<'_>) -> Vec<f32> {
    let mut sums = vec![0f64; centroids.dims];
    for row in centroids.values.chunks_exact(centroids.dims) {
        for (sum, &c) in sums.iter_mut().zip(row) {
            *sum += f64::from(c);
        }
    }
    sums.iter().map(|sum| (sum / centroids.k as f64) as f32).collect()
}

/// The threshold's coefficients for d columns, centroids of norm at most `norm` and `shifted` from
/// their mean, and starts up to `start`.
fn threshold(d: f64, norm: f64, shifted: f64, start: f64) -> Option<[f64; 3]> {
    let n = (d + 3.0) * 2f64.powi(-24);
    // Sums too long for the bound, and scores that may overflow for the largest rows, decide
    // nothing.
    if n > 0.5 || start > MOST || shifted > MOST {
        return None;
    }
    let score = 2.0 * n / (1.0 - n);
    let tiny = 2.0 * 2f64.powi(-149);
    // A difference of squared distances is twice a difference of scores.
    let distance = (d / 8.0 + 8.0) * 2f64.powi(-53);
    // 2 % for the rounding of this and of the difference that is compared with it.
    Some([
        1.02 * (score * start + (d + 2.0) * tiny + distance * norm * norm),
        1.02 * (score * shifted + d.sqrt() * tiny + 2.0 * distance * norm),
        1.02 * distance,
    ])
}

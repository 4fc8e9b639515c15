//! Rows that are made: Gaussian mixtures, every value a function of (seed, global row, column).
//!
//! Row i belongs to cluster c(i), drawn from the weights, and is centre\[c(i)\] plus independent
//! normal noise of standard deviation 1.
//!
//! | shape | weight of cluster j | centres |
//! |---|---|---|
//! | mixture | equal | normal; two centres are about 4 standard deviations apart: clusters overlap |
//! | skewed | 1/(j+1), normalised | as above |
//! | separated | equal | on a lattice; any two differ by at least 20 standard deviations in a column |
//!
//! Normal deviates come in pairs from two 32-bit uniforms by G. E. P. Box and M. E. Muller, "A note
//! on the generation of random normal deviates", Ann. Math. Statist. 29 (1958); the largest
//! possible is 6.8. Logarithm, sine and cosine are those of the `libm` crate, written in plain IEEE
//! arithmetic, so every platform makes the same bits.

use std::ops::Range;

use crate::random::{Purpose, Stream};
use crate::rows::{RowSource, Shape, Source, check_range};
use amdahl_record::cell::Synthetic;
use amdahl_record::error::{Error, Result};

/// Part of the identity of synthetic rows: raised whenever the same recipe would make other rows.
pub const VERSION: u32 = 1;

/// Distance that two centres of overlapping clusters have on average, in standard deviations of a
/// cluster.
const OVERLAPPING: f64 = 4.0;
/// Distance in some column between any two centres of separated clusters.
const APART: f64 = 20.0;
/// Longest side of their lattice: values stay below 2^20, where neighbouring f32 are 1/16 of a
/// standard deviation apart.
const LONGEST_SIDE: u64 = 1 << 16;
/// Most values that the centres may have: 1 GiB.
const MOST_CENTRE_VALUES: u64 = 1 << 28;

/// Synthetic rows.
#[derive(Clone, Debug)]
pub struct Mixture {
    shape: Shape,
    noise: Stream,
    choice: Stream,
    /// clusters × dims.
    centres: Vec<f32>,
    clusters: u64,
    /// The sums of the weights of the clusters up to each, normalised to end at 1; empty when all
    /// weights are equal.
    cumulative: Vec<f64>,
}

impl Mixture {
    /// `points` rows of `dims` columns in `clusters` clusters. Refuses 0 of any of them, and
    /// centres larger than 1 GiB.
    pub fn new(
        kind: Synthetic,
        points: u64,
        dims: u32,
        clusters: u32,
        seed: u64,
    ) -> Result<Mixture> {
        for (what, value) in
            [("points", points), ("dims", dims.into()), ("clusters", clusters.into())]
        {
            if value == 0 {
                return Err(Error::data(format!(
                    "synthetic data needs at least 1 in '{what}', got 0"
                )));
            }
        }
        let values = u64::from(dims) * u64::from(clusters);
        if values > MOST_CENTRE_VALUES {
            return Err(Error::data(format!(
                "the centres of {clusters} clusters x {dims} columns are {values} values, at most {MOST_CENTRE_VALUES} are supported"
            )));
        }
        let centres = match kind {
            Synthetic::Mixture | Synthetic::Skewed => scattered(dims, values, seed),
            Synthetic::Separated => lattice(dims, clusters)?,
        };
        let cumulative = match kind {
            Synthetic::Skewed => skewed(clusters),
            Synthetic::Mixture | Synthetic::Separated => Vec::new(),
        };
        Ok(Mixture {
            shape: Shape { rows: points, dims: dims as usize },
            noise: Stream::new(seed, Purpose::Noise),
            choice: Stream::new(seed, Purpose::Cluster),
            centres,
            clusters: clusters.into(),
            cumulative,
        })
    }

    /// The cluster of a row.
    pub fn cluster(&self, row: u64) -> u32 {
        if self.cumulative.is_empty() {
            self.choice.below(row, self.clusters) as u32
        } else {
            let draw = self.choice.unit(row);
            (self.cumulative.partition_point(|&sum| sum <= draw) as u64).min(self.clusters - 1)
                as u32
        }
    }

    /// The centre of a cluster.
    pub fn centre(&self, cluster: u32) -> &[f32] {
        &self.centres[cluster as usize * self.shape.dims..][..self.shape.dims]
    }

    /// Writes one row.
    fn fill(&self, row: u64, out: &mut [f32]) {
        let centre = self.centre(self.cluster(row));
        for (minor, (out, centre)) in out.chunks_mut(4).zip(centre.chunks(4)).enumerate() {
            let noise = normals(self.noise.block(row, minor as u32));
            for ((x, c), z) in out.iter_mut().zip(centre).zip(noise) {
                *x = c + z;
            }
        }
    }
}

/// Four independent normal deviates from 128 random bits.
#[inline]
fn normals(bits: [u32; 4]) -> [f32; 4] {
    let [a, b] = box_muller(bits[0], bits[1]);
    let [c, d] = box_muller(bits[2], bits[3]);
    [a, b, c, d]
}

#[inline]
fn box_muller(radius: u32, angle: u32) -> [f32; 2] {
    const STEP: f64 = 1.0 / (1u64 << 32) as f64;
    let radius = libm::sqrt(-2.0 * libm::log((f64::from(radius) + 0.5) * STEP));
    let (sin, cos) = libm::sincos(f64::from(angle) * (STEP * std::f64::consts::TAU));
    [(radius * cos) as f32, (radius * sin) as f32]
}

/// Normal centres: their columns have standard deviation [`OVERLAPPING`]/√(2·dims), so that the
/// mean squared distance of two is [`OVERLAPPING`]² whatever the number of columns.
fn scattered(dims: u32, values: u64, seed: u64) -> Vec<f32> {
    let stream = Stream::new(seed, Purpose::Centre);
    let scale = (OVERLAPPING / libm::sqrt(2.0 * f64::from(dims))) as f32;
    let blocks = (0..values.div_ceil(4)).flat_map(|i| normals(stream.block(i, 0)));
    blocks.take(values as usize).map(|z| z * scale).collect()
}

/// Centres on the lattice of side m, the smallest whose m^dims places suffice, around the origin. A
/// cluster's number written in base m gives its coordinates; the digits are repeated until every
/// column has one.
fn lattice(dims: u32, clusters: u32) -> Result<Vec<f32>> {
    let places = |side: u64, digits: u32| side.checked_pow(digits).unwrap_or(u64::MAX);
    let clusters = u64::from(clusters);
    let mut side = 1;
    while places(side, dims) < clusters {
        // In one column the side is the number of clusters; a root is close from above in more.
        side = if dims == 1 { clusters } else { side + 1 };
    }
    if side > LONGEST_SIDE {
        return Err(Error::data(format!(
            "{clusters} separated clusters in {dims} columns need a lattice of side {side}, at most {LONGEST_SIDE} keeps f32 precise"
        ))
        .hint("use more columns or fewer clusters"));
    }
    let digits = (1..=dims).find(|&digits| places(side, digits) >= clusters).unwrap_or(dims);
    let middle = (side - 1) as f64 / 2.0;
    Ok((0..clusters)
        .flat_map(|cluster| {
            (0..dims).map(move |column| {
                let digit = cluster / places(side, column % digits) % side;
                ((digit as f64 - middle) * APART) as f32
            })
        })
        .collect())
}

/// The normalised running sums of 1/(j+1).
fn skewed(clusters: u32) -> Vec<f64> {
    let mut sum = 0.0;
    let mut cumulative: Vec<f64> = (1..=clusters)
        .map(|j| {
            sum += 1.0 / f64::from(j);
            sum
        })
        .collect();
    cumulative.iter_mut().for_each(|c| *c /= sum);
    cumulative
}

impl Source for Mixture {
    fn shape(&self) -> Shape {
        self.shape
    }
    fn seekable(&self) -> bool {
        true
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        check_range(self.shape, &range)?;
        Ok(Box::new(MixtureRows { mixture: self, next: range.start, end: range.end }))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        check_range(self.shape, &range)?;
        Ok(Some(range.map(|row| self.cluster(row)).collect()))
    }
}

struct MixtureRows<'a> {
    mixture: &'a Mixture,
    next: u64,
    end: u64,
}

impl RowSource for MixtureRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.end - self.next, dims: self.mixture.shape.dims }
    }
    fn position(&self) -> u64 {
        self.next
    }
    fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        let dims = self.mixture.shape.dims;
        let rows = ((out.len() / dims) as u64).min(self.end - self.next);
        for (row, out) in (self.next..self.next + rows).zip(out.chunks_exact_mut(dims)) {
            self.mixture.fill(row, out);
        }
        self.next += rows;
        Ok(rows as usize)
    }
    fn skip(&mut self, rows: u64) -> Result<()> {
        self.next += rows.min(self.end - self.next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &dyn Source, range: Range<u64>) -> Vec<f32> {
        let mut rows = source.rows(range).expect("in range");
        let mut values = vec![0.0; rows.shape().rows as usize * rows.shape().dims];
        assert_eq!(
            rows.read(&mut values).expect("synthetic rows"),
            values.len() / source.shape().dims
        );
        values
    }

    #[test]
    fn the_noise_is_standard_normal() {
        let stream = Stream::new(7, Purpose::Noise);
        let values: Vec<f64> =
            (0..50_000).flat_map(|i| normals(stream.block(i, 3))).map(f64::from).collect();
        let n = values.len() as f64;
        let moment = |p: i32| values.iter().map(|x| x.powi(p)).sum::<f64>() / n;
        // Five standard errors: of the p-th moment they are sqrt(var(x^p)/n) = sqrt(1), sqrt(2),
        // sqrt(15), sqrt(96) / sqrt(n).
        for (p, expected, deviation) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            assert!(
                (moment(p) - expected).abs() < 5.0 * f64::sqrt(deviation / n),
                "moment {p} is {}",
                moment(p)
            );
        }
        let within = values.iter().filter(|x| x.abs() < 1.0).count() as f64 / n;
        assert!((within - 0.682_689_5).abs() < 0.006, "{within} within one standard deviation");
        assert!(box_muller(0, 0)[0] < 6.8 && box_muller(0, 0)[0] > 6.6, "the largest deviate");
        assert!(
            box_muller(u32::MAX, 1 << 30).iter().all(|z| z.abs() < 1e-4),
            "the smallest deviate"
        );
    }

    #[test]
    fn rows_are_the_same_on_every_platform() {
        let mixture = Mixture::new(Synthetic::Mixture, 100, 5, 3, 1).expect("valid");
        let bits: Vec<u32> = all(&mixture, 98..99).iter().map(|x| x.to_bits()).collect();
        assert_eq!(bits, GOLDEN, "rows changed: raise VERSION");
        assert_eq!(
            mixture.truth(0..8).expect("in range"),
            Some(GOLDEN_LABELS.to_vec()),
            "rows changed: raise VERSION"
        );
    }
    const GOLDEN: [u32; 5] =
        [3_216_244_690, 1_066_522_495, 3_205_575_802, 1_075_893_409, 3_210_423_532];
    const GOLDEN_LABELS: [u32; 8] = [1, 0, 0, 2, 2, 1, 0, 2];

    #[test]
    fn rows_lie_around_the_centre_of_their_cluster() {
        for kind in [Synthetic::Mixture, Synthetic::Skewed, Synthetic::Separated] {
            let mixture = Mixture::new(kind, 2000, 7, 5, 3).expect("valid");
            let values = all(&mixture, 0..2000);
            let labels = mixture.truth(0..2000).expect("in range").expect("known");
            for (row, label) in values.chunks(7).zip(labels) {
                let centre = mixture.centre(label);
                assert!(row.iter().zip(centre).all(|(x, c)| (x - c).abs() < 6.8 && x.is_finite()));
            }
        }
    }

    #[test]
    fn weights_are_as_promised() {
        let counts = |kind| {
            let mixture = Mixture::new(kind, 60_000, 1, 3, 9).expect("valid");
            let labels = mixture.truth(0..60_000).expect("in range").expect("known");
            [0, 1, 2].map(|j| labels.iter().filter(|&&l| l == j).count() as f64)
        };
        let near = |got: [f64; 3], expected: [f64; 3]| {
            got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 5.0 * e.sqrt())
        };
        assert!(near(counts(Synthetic::Mixture), [20_000.0; 3]));
        // Weights 1 : 1/2 : 1/3 = 6 : 3 : 2.
        let share = 60_000.0 / 11.0;
        assert!(near(counts(Synthetic::Skewed), [6.0 * share, 3.0 * share, 2.0 * share]));
    }

    #[test]
    fn separated_centres_are_far_apart() {
        for (dims, clusters) in [(1, 1), (1, 17), (2, 9), (2, 10), (3, 64), (64, 10), (5, 33)] {
            let mixture = Mixture::new(Synthetic::Separated, 1, dims, clusters, 0).expect("valid");
            for a in 0..clusters {
                for b in 0..a {
                    let gap = mixture
                        .centre(a)
                        .iter()
                        .zip(mixture.centre(b))
                        .map(|(x, y)| (x - y).abs())
                        .fold(0.0, f32::max);
                    assert!(
                        gap >= 20.0,
                        "{a} and {b} of {clusters} in {dims} columns are {gap} apart"
                    );
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let refused = |points, dims, clusters, kind| {
            Mixture::new(kind, points, dims, clusters, 0).expect_err("refused").message
        };
        assert!(refused(0, 1, 1, Synthetic::Mixture).contains("'points'"));
        assert!(refused(1, 0, 1, Synthetic::Mixture).contains("'dims'"));
        assert!(refused(1, 1, 0, Synthetic::Mixture).contains("'clusters'"));
        assert!(refused(1, u32::MAX, u32::MAX, Synthetic::Mixture).contains("268435456"));
        assert!(refused(1, 1, 100_000, Synthetic::Separated).contains("side 100000"));
    }
}

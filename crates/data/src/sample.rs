//! Seeded subsamples: the m rows whose keyed hash is smallest, in the order of the data set.
//!
//! The hash of a row depends on the seed and the row's number alone, so a smaller sample is part of
//! every larger one, any lane finds the same rows, and every set of m rows is as likely as another.

use std::ops::Range;

use crate::random::{Purpose, Stream};
use crate::rows::{RowSource, Shape, Source, check_range};
use crate::value::{Value, read_as_both};
use amdahl_record::cell::Sample;
use amdahl_record::error::{Error, Result};

/// The numbers of the rows that `sample` keeps of `rows`, rising. Refuses 0 points and more points
/// than rows.
pub fn choose(rows: u64, sample: Sample) -> Result<Vec<u64>> {
    let Sample { points, seed } = sample;
    check(rows, sample)?;
    if points == rows {
        return Ok((0..rows).collect());
    }
    let stream = Stream::new(seed, Purpose::Sample);
    // Of n uniform hashes about n·t lie below the fraction t. This t keeps m and six standard
    // deviations more, so that a second pass is hardly ever needed and memory is O(m).
    let mut wanted = points as f64 + 6.0 * (points as f64).sqrt() + 16.0;
    loop {
        // A float beyond the range becomes the largest integer.
        let below = (wanted / rows as f64 * 2f64.powi(64)) as u64;
        let mut candidates: Vec<_> = (0..rows)
            .map(|row| (stream.u64_at(row), row))
            .filter(|&(hash, _)| hash <= below)
            .collect();
        if candidates.len() as u64 >= points {
            // points < rows fits the length of a vector that was just made. Equal hashes: the lower
            // row.
            candidates.select_nth_unstable(points as usize - 1);
            let mut kept: Vec<_> =
                candidates[..points as usize].iter().map(|&(_, row)| row).collect();
            kept.sort_unstable();
            return Ok(kept);
        }
        wanted *= 2.0;
    }
}

/// Refuses a sample that cannot be drawn from `rows` rows.
pub fn check(rows: u64, sample: Sample) -> Result<()> {
    match sample.points {
        0 => Err(Error::data("a sample of 0 points, at least 1 is needed")),
        points if points > rows => {
            Err(Error::data(format!("a sample of {points} points, the data set has {rows} rows"))
                .hint("take fewer points; a sample never repeats a row"))
        }
        _ => Ok(()),
    }
}

/// Some rows of another source.
pub struct Sampled {
    source: Box<dyn Source>,
    kept: Vec<u64>,
}

impl Sampled {
    /// The rows of `source` that `sample` keeps.
    pub fn new(source: Box<dyn Source>, sample: Sample) -> Result<Sampled> {
        let kept = choose(source.shape().rows, sample)?;
        Ok(Sampled { source, kept })
    }

    /// The rows of the whole data set that hold those of the sample in `range`.
    fn span(&self, range: &Range<u64>) -> Result<(Range<u64>, &[u64])> {
        check_range(self.shape(), range)?;
        let kept = &self.kept[range.start as usize..range.end as usize];
        let span = match kept {
            [] => 0..0,
            [first, .., last] => *first..last + 1,
            [only] => *only..only + 1,
        };
        Ok((span, kept))
    }
}

impl Source for Sampled {
    fn shape(&self) -> Shape {
        Shape { rows: self.kept.len() as u64, dims: self.source.shape().dims }
    }
    fn seekable(&self) -> bool {
        self.source.seekable()
    }
    fn rows(&self, range: Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        let (span, kept) = self.span(&range)?;
        Ok(Box::new(SampledRows { rows: self.source.rows(span)?, kept, position: range.start }))
    }
    fn truth(&self, range: Range<u64>) -> Result<Option<Vec<u32>>> {
        let (span, kept) = self.span(&range)?;
        let start = span.start;
        let labels = self.source.truth(span)?;
        Ok(labels.map(|labels| kept.iter().map(|row| labels[(row - start) as usize]).collect()))
    }
    fn names(&self) -> Option<&[String]> {
        self.source.names()
    }
    fn left_out(&self) -> &[String] {
        self.source.left_out()
    }
}

struct SampledRows<'a> {
    rows: Box<dyn RowSource + 'a>,
    kept: &'a [u64],
    position: u64,
}

impl SampledRows<'_> {
    fn take<T: Value>(&mut self, out: &mut [T]) -> Result<usize> {
        let dims = self.rows.shape().dims;
        let rows = (out.len() / dims).min(self.kept.len());
        let mut written = 0;
        while written < rows {
            let kept = &self.kept[written..rows];
            // Rows that lie side by side are read at once.
            let run = kept.iter().zip(kept[0]..).take_while(|(row, next)| *row == next).count();
            self.rows.skip(kept[0] - self.rows.position())?;
            let read =
                T::read(self.rows.as_mut(), &mut out[written * dims..(written + run) * dims])?;
            if read != run {
                return Err(Error::internal(format!("a source gave {read} of {run} rows")));
            }
            written += run;
        }
        self.kept = &self.kept[rows..];
        self.position += rows as u64;
        Ok(rows)
    }
}

impl RowSource for SampledRows<'_> {
    fn shape(&self) -> Shape {
        Shape { rows: self.kept.len() as u64, dims: self.rows.shape().dims }
    }
    fn position(&self) -> u64 {
        self.position
    }
    read_as_both!();
    fn skip(&mut self, rows: u64) -> Result<()> {
        let rows = rows.min(self.kept.len() as u64);
        self.kept = &self.kept[rows as usize..];
        self.position += rows;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::InMemory;
    use crate::rows::Matrix;

    fn sample(points: u64) -> Sample {
        Sample { points, seed: 5 }
    }

    #[test]
    fn smaller_samples_are_part_of_larger_ones() {
        let mut larger: Vec<u64> = (0..1000).collect();
        for points in (1..=1000).rev() {
            let kept = choose(1000, sample(points)).expect("enough rows");
            assert_eq!(kept.len() as u64, points);
            assert!(kept.is_sorted() && kept.iter().all(|row| larger.binary_search(row).is_ok()));
            larger = kept;
        }
        let drawn = choose(100_000, sample(50_000)).expect("enough rows");
        let early = drawn.iter().filter(|&&row| row < 50_000).count() as f64;
        // Five standard deviations of the hypergeometric distribution.
        assert!((early - 25_000.0).abs() < 5.0 * 79.1, "{early} of the first half");
    }

    #[test]
    fn rows_and_labels_are_those_of_the_data_set() {
        let values: Vec<f32> = (0..300).map(|i| i as f32).collect();
        let truth = (0..100).map(|i| i * 7).collect();
        let all = InMemory::new(Matrix { values, dims: 3 }, Some(truth)).expect("fits");
        let kept = choose(100, sample(40)).expect("enough rows");
        let sampled = Sampled::new(Box::new(all), sample(40)).expect("enough rows");
        assert_eq!(sampled.shape(), Shape { rows: 40, dims: 3 });
        for range in [0..40, 0..0, 39..40, 7..31, 40..40] {
            let kept = &kept[range.start as usize..range.end as usize];
            let mut rows = sampled.rows(range.clone()).expect("in range");
            let mut out = vec![0.0; kept.len() * 3 + 3];
            assert_eq!(rows.read(&mut out).expect("in memory"), kept.len());
            let expected: Vec<f32> =
                kept.iter().flat_map(|row| (0..3).map(move |c| (row * 3 + c) as f32)).collect();
            assert_eq!(out[..kept.len() * 3], expected);
            let labels: Vec<u32> = kept.iter().map(|row| *row as u32 * 7).collect();
            assert_eq!(sampled.truth(range).expect("in range"), Some(labels));
        }
        let mut rows = sampled.rows(10..20).expect("in range");
        rows.skip(4).expect("some are left");
        let mut out = [0.0; 3];
        rows.read(&mut out).expect("in memory");
        assert_eq!((out[0], rows.position(), rows.shape().rows), (kept[14] as f32 * 3.0, 15, 5));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert_eq!(
            choose(10, sample(11)).expect_err("too many").message,
            "a sample of 11 points, the data set has 10 rows"
        );
        assert!(choose(10, sample(0)).expect_err("none").message.contains("0 points"));
    }
}

//! How the values of a page are coded.
//!
//! Definitions: <https://github.com/apache/parquet-format/blob/master/Encodings.md>. Decoders hold
//! places in a page, not the page, and give as many values at a time as are asked for: a run of
//! 2^31 equal values needs no memory.

use super::thrift::{Damage, Reader};

/// What is wrong with a page.
pub type Wrong = &'static str;

const CUT: Wrong = "its values end early";

/// `width` bits that begin at bit `at` of `bytes`, the lowest first; what lies behind the last byte
/// is 0. At most 64.
fn bits(bytes: &[u8], at: usize, width: u32) -> u64 {
    let first = at / 8;
    let mut window = [0; 16];
    let there = &bytes[first.min(bytes.len())..];
    match there.first_chunk::<16>() {
        Some(whole) => window = *whole,
        None => window[..there.len()].copy_from_slice(there),
    }
    let value = (u128::from_le_bytes(window) >> (at % 8)) as u64;
    if width >= 64 { value } else { value & ((1 << width) - 1) }
}

/// The hybrid of runs and bit-packed groups, for dictionary indices, levels and truth values of at
/// most 32 bits.
#[derive(Clone, Debug)]
pub struct Hybrid {
    at: usize,
    end: usize,
    width: u32,
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    Equal { value: u32, left: u64 },
    Packed { bit: usize, left: u64 },
}

impl Hybrid {
    /// Values of `width` bits in the bytes `at..end` of a page.
    pub fn new(at: usize, end: usize, width: u32) -> Result<Hybrid, Wrong> {
        if width > 32 {
            return Err("indices of more than 32 bits");
        }
        Ok(Hybrid { at, end, width, run: Run::Equal { value: 0, left: 0 } })
    }

    /// Takes up to `most` values of one run, at least one: `Ok((value, count))` where they are
    /// equal, else one after the other.
    fn run(&mut self, page: &[u8], most: u64) -> Result<(u32, u64), Wrong> {
        loop {
            match &mut self.run {
                Run::Equal { value, left } if *left > 0 => {
                    let count = most.min(*left);
                    *left -= count;
                    return Ok((*value, count));
                }
                Run::Packed { bit, left } if *left > 0 => {
                    let value = bits(&page[..self.end], *bit, self.width) as u32;
                    *bit += self.width as usize;
                    *left -= 1;
                    return Ok((value, 1));
                }
                _ => self.next_run(page)?,
            }
        }
    }

    fn next_run(&mut self, page: &[u8]) -> Result<(), Wrong> {
        let rest = page.get(self.at..self.end).ok_or(CUT)?;
        let mut reader = Reader::new(rest);
        let header = reader.varint().map_err(|_| CUT)?;
        let start = self.end - reader.rest().len();
        if header & 1 == 0 {
            let bytes = self.width.div_ceil(8) as usize;
            if start + bytes > self.end {
                return Err(CUT);
            }
            self.run = Run::Equal {
                value: bits(&page[..self.end], start * 8, self.width) as u32,
                left: header >> 1,
            };
            self.at = start + bytes;
            return Ok(());
        }
        // Groups of 8 values. Some writers leave the end of the last group out.
        let groups = header >> 1;
        let bytes = groups.checked_mul(u64::from(self.width)).ok_or(CUT)?;
        let there = ((self.end - start) as u64).min(bytes);
        let left = match self.width {
            0 => groups.saturating_mul(8),
            width => (there * 8 / u64::from(width)).min(groups * 8),
        };
        self.run = Run::Packed { bit: start * 8, left };
        self.at = start + there as usize;
        Ok(())
    }

    /// Hands `count` values to `put`.
    pub fn read(
        &mut self,
        page: &[u8],
        count: usize,
        mut put: impl FnMut(u32),
    ) -> Result<(), Wrong> {
        let mut left = count as u64;
        while left > 0 {
            let (value, many) = self.run(page, left)?;
            (0..many).for_each(|_| put(value));
            left -= many;
        }
        Ok(())
    }

    /// The place of the first of `count` values that is not `expected`.
    pub fn first_other(
        mut self,
        page: &[u8],
        count: u64,
        expected: u32,
    ) -> Result<Option<u64>, Wrong> {
        let mut seen = 0;
        while seen < count {
            let (value, many) = self.run(page, count - seen)?;
            if value != expected {
                return Ok(Some(seen));
            }
            seen += many;
        }
        Ok(None)
    }
}

/// Differences of integers, bit-packed in blocks (DELTA_BINARY_PACKED).
#[derive(Clone, Debug)]
pub struct Delta {
    at: usize,
    /// Values of a miniblock, and miniblocks of a block.
    mini: u64,
    minis: u64,
    left: u64,
    value: u64,
    first: bool,
    least: u64,
    /// Where the widths of the current block are, and which miniblock is next.
    widths: usize,
    next_mini: u64,
    in_mini: u64,
    bit: usize,
    width: u32,
}

impl Delta {
    /// The values that begin at byte `at` of a page.
    pub fn new(page: &[u8], at: usize) -> Result<Delta, Wrong> {
        let mut reader = Reader::new(page.get(at..).ok_or(CUT)?);
        let mut next = || reader.varint().map_err(|_: Damage| CUT);
        let (block, minis, count) = (next()?, next()?, next()?);
        let value = reader.zigzag().map_err(|_| CUT)? as u64;
        if minis == 0
            || block == 0
            || block > 1 << 24
            || block % minis != 0
            || (block / minis) % 32 != 0
        {
            return Err("blocks of differences that cannot be");
        }
        let at = page.len() - reader.rest().len();
        let mini = block / minis;
        Ok(Delta {
            at,
            mini,
            minis,
            left: count,
            value,
            first: true,
            least: 0,
            widths: 0,
            next_mini: minis,
            in_mini: 0,
            bit: 0,
            width: 0,
        })
    }

    /// The next value.
    pub fn next(&mut self, page: &[u8]) -> Result<i64, Wrong> {
        self.left = self.left.checked_sub(1).ok_or(CUT)?;
        if std::mem::take(&mut self.first) {
            return Ok(self.value as i64);
        }
        if self.in_mini == 0 {
            self.next_miniblock(page)?;
        }
        let difference = bits(page, self.bit, self.width);
        self.bit += self.width as usize;
        self.in_mini -= 1;
        self.value = self.value.wrapping_add(self.least).wrapping_add(difference);
        Ok(self.value as i64)
    }

    fn next_miniblock(&mut self, page: &[u8]) -> Result<(), Wrong> {
        if self.next_mini == self.minis {
            let mut reader = Reader::new(page.get(self.at..).ok_or(CUT)?);
            self.least = reader.zigzag().map_err(|_| CUT)? as u64;
            self.widths = page.len() - reader.rest().len();
            self.at = self.widths + self.minis as usize;
            self.next_mini = 0;
        }
        let width = page.get(self.widths + self.next_mini as usize).copied().ok_or(CUT)?;
        if width > 64 {
            return Err("differences of more than 64 bits");
        }
        self.width = u32::from(width);
        self.bit = self.at * 8;
        self.at += (self.mini * u64::from(width) / 8) as usize;
        // The last miniblock may be cut after its last value.
        let needed = self.left.saturating_add(1).min(self.mini) * u64::from(width);
        if (page.len() as u64) * 8 < self.bit as u64 + needed {
            return Err(CUT);
        }
        self.next_mini += 1;
        self.in_mini = self.mini;
        Ok(())
    }
}

/// Where the values of a page are, and how they are coded.
#[derive(Clone, Debug)]
pub enum Values {
    /// One after the other, from this byte on, of this width.
    Plain {
        /// The next value's first byte.
        at: usize,
        /// Bytes of a value.
        width: usize,
    },
    /// Truth values, a bit each, from this bit on.
    Bits(usize),
    /// Truth values in runs.
    Truth(Hybrid),
    /// Texts: 4 bytes of length, then the text.
    Texts(usize),
    /// Places in the chunk's dictionary.
    Indices(Hybrid),
    /// The first bytes of all values, then the second ones …
    Split {
        /// The next value.
        next: usize,
        /// The first byte.
        start: usize,
        /// Number of values.
        count: usize,
        /// Bytes of a value.
        width: usize,
    },
    /// Integers of this width in bytes as differences.
    Delta(Box<Delta>, usize),
}

impl Values {
    /// Hands the next `count` values to `number` (bytes of whole values, the least significant
    /// first), `index` (places in the dictionary) or `text`, whichever it is.
    pub fn read(
        &mut self,
        page: &[u8],
        count: usize,
        mut numbers: impl FnMut(&[u8]) -> Result<(), Wrong>,
        mut index: impl FnMut(u32) -> Result<(), Wrong>,
        mut text: impl FnMut(&[u8]) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        match self {
            Values::Plain { at, width } => {
                let bytes = page
                    .get(*at..)
                    .and_then(|rest| rest.get(..count.checked_mul(*width)?))
                    .ok_or(CUT)?;
                *at += bytes.len();
                numbers(bytes)
            }
            Values::Bits(at) => {
                if *at + count > page.len() * 8 {
                    return Err(CUT);
                }
                for _ in 0..count {
                    numbers(&[bits(page, *at, 1) as u8])?;
                    *at += 1;
                }
                Ok(())
            }
            Values::Truth(runs) => {
                let mut result = Ok(());
                runs.read(page, count, |value| {
                    result = result.and_then(|()| numbers(&[value as u8]))
                })?;
                result
            }
            Values::Indices(runs) => {
                let mut result = Ok(());
                runs.read(page, count, |value| result = result.and_then(|()| index(value)))?;
                result
            }
            Values::Texts(at) => {
                for _ in 0..count {
                    let rest = page.get(*at..).ok_or(CUT)?;
                    let (length, rest) = rest.split_first_chunk().ok_or(CUT)?;
                    let length = u32::from_le_bytes(*length) as usize;
                    text(rest.get(..length).ok_or(CUT)?)?;
                    *at += 4 + length;
                }
                Ok(())
            }
            Values::Split { next, start, count: all, width } => {
                let mut value = [0; 8];
                for _ in 0..count {
                    if *next >= *all {
                        return Err(CUT);
                    }
                    for (byte, value) in value.iter_mut().take(*width).enumerate() {
                        *value = page.get(*start + byte * *all + *next).copied().ok_or(CUT)?;
                    }
                    numbers(&value[..*width])?;
                    *next += 1;
                }
                Ok(())
            }
            Values::Delta(delta, width) => {
                for _ in 0..count {
                    let value = delta.next(page)?.to_le_bytes();
                    numbers(&value[..*width])?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hybrid(bytes: &[u8], width: u32, count: usize) -> Result<Vec<u32>, Wrong> {
        let mut values = Vec::new();
        Hybrid::new(0, bytes.len(), width)?.read(bytes, count, |value| values.push(value))?;
        Ok(values)
    }

    #[test]
    fn runs_and_groups() {
        // The example of the specification: 0 to 7 in 3 bits; then five times 6.
        let bytes = [3, 0b1000_1000, 0b1100_0110, 0b1111_1010, 10, 6];
        assert_eq!(hybrid(&bytes, 3, 13), Ok(vec![0, 1, 2, 3, 4, 5, 6, 7, 6, 6, 6, 6, 6]));
        assert_eq!(hybrid(&bytes, 3, 14), Err(CUT));
        assert_eq!(hybrid(&bytes[..3], 3, 5), Ok(vec![0, 1, 2, 3, 4]), "a group that was cut");
        assert_eq!(hybrid(&[6], 0, 3), Ok(vec![0; 3]), "a dictionary of one entry needs no bits");
        assert_eq!(hybrid(&[], 1, 1), Err(CUT));
        assert!(Hybrid::new(0, 0, 33).is_err());
        let long = [0xfe, 0xff, 0xff, 0xff, 0x0f, 1];
        let levels = Hybrid::new(0, 6, 1).expect("one bit");
        assert_eq!(
            levels.first_other(&long, i32::MAX as u64, 1),
            Ok(None),
            "2^31 - 1 values in no time"
        );
    }

    #[test]
    fn differences() {
        // The examples of the specification: 1 to 5, and 7 5 3 1 2 3 4 5 (least difference -2, the
        // others 2 bits wide).
        let read = |bytes: &[u8], count: usize| {
            let mut delta = Delta::new(bytes, 0)?;
            (0..count).map(|_| delta.next(bytes)).collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(read(&[0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0], 5), Ok(vec![1, 2, 3, 4, 5]));
        let bytes = [0x80, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b0011_1111, 0, 0, 0, 0, 0, 0];
        assert_eq!(read(&bytes, 8), Ok(vec![7, 5, 3, 1, 2, 3, 4, 5]));
        assert_eq!(read(&bytes, 9), Err(CUT));
        assert_eq!(read(&bytes[..10], 8), Err(CUT));
        assert!(read(&[0, 0, 5, 2], 1).is_err());
        assert!(read(&[1, 1, 5, 2], 1).is_err());
    }
}

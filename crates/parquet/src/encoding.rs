//! How the values of a page are coded.
//!
//! Definitions: <https://github.com/apache/parquet-format/blob/master/Encodings.md>. Decoders hold
//! places in a page, not the page, and give as many values at a time as are asked for: a run of 2^31
//! equal values needs no memory.

use crate::thrift::{Damage, Reader};

/// A fault of a page, in words.
pub type Wrong = &'static str;

/// A page that ends before its last value.
pub const CUT: Wrong = "its values end early";

/// `width` bits that begin at bit `at` of `bytes`, the lowest first; behind the last byte there are
/// zeros. At most 64.
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

/// Values of `width` bits, at most 32, one after the other from bit `at` of `bytes` on.
fn unpack(bytes: &[u8], mut at: usize, width: u32, out: &mut [u32]) {
    let mask = ((1u64 << width) - 1) as u32;
    for out in out {
        // 32 bits that begin inside a byte lie within eight bytes.
        *out = match bytes.get(at / 8..).and_then(|rest| rest.first_chunk()) {
            Some(window) => (u64::from_le_bytes(*window) >> (at % 8)) as u32 & mask,
            None => bits(bytes, at, width) as u32,
        };
        at += width as usize;
    }
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
            let value = bits(&page[..self.end], start * 8, self.width) as u32;
            self.run = Run::Equal { value, left: header >> 1 };
            self.at = start + bytes;
            return Ok(());
        }
        // Groups of 8 values. Some writers leave the end of the last group out.
        let groups = header >> 1;
        let bytes = groups.checked_mul(u64::from(self.width)).ok_or(CUT)?;
        let there = ((self.end - start) as u64).min(bytes);
        let left = match self.width {
            0 => groups.saturating_mul(8),
            width => (there * 8 / u64::from(width)).min(groups.saturating_mul(8)),
        };
        self.run = Run::Packed { bit: start * 8, left };
        self.at = start + there as usize;
        Ok(())
    }

    /// The next values.
    pub fn fill(&mut self, page: &[u8], mut out: &mut [u32]) -> Result<(), Wrong> {
        while !out.is_empty() {
            match &mut self.run {
                Run::Equal { left: 0, .. } | Run::Packed { left: 0, .. } => self.next_run(page)?,
                Run::Equal { value, left } => {
                    let now = (*left).min(out.len() as u64) as usize;
                    out[..now].fill(*value);
                    *left -= now as u64;
                    out = &mut out[now..];
                }
                Run::Packed { bit, left } => {
                    let now = (*left).min(out.len() as u64) as usize;
                    unpack(&page[..self.end], *bit, self.width, &mut out[..now]);
                    *bit += now * self.width as usize;
                    *left -= now as u64;
                    out = &mut out[now..];
                }
            }
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
            match self.run {
                Run::Equal { left: 0, .. } | Run::Packed { left: 0, .. } => self.next_run(page)?,
                Run::Equal { value, .. } if value != expected => return Ok(Some(seen)),
                Run::Equal { left, .. } => {
                    seen += left.min(count - seen);
                    self.run = Run::Equal { value: expected, left: 0 };
                }
                Run::Packed { bit, left } => {
                    for place in 0..left.min(count - seen) {
                        let at = bit + place as usize * self.width as usize;
                        if bits(&page[..self.end], at, self.width) != u64::from(expected) {
                            return Ok(Some(seen + place));
                        }
                    }
                    seen += left.min(count - seen);
                    self.run = Run::Packed { bit, left: 0 };
                }
            }
        }
        Ok(None)
    }
}

impl Hybrid {
    /// The place of the first of `count` repetition levels that breaks the pattern of lists of `width`
    /// values, the first of which is value `phase` of its list: 0 where a list begins, then 1s.
    pub fn first_irregular(
        mut self,
        page: &[u8],
        count: u64,
        mut phase: u64,
        width: u64,
    ) -> Result<Option<u64>, Wrong> {
        if width == 1 {
            return self.first_other(page, count, 0);
        }
        let (mut seen, mut levels) = (0, [0; BLOCK]);
        while seen < count {
            let now = (count - seen).min(BLOCK as u64) as usize;
            self.fill(page, &mut levels[..now])?;
            for &level in &levels[..now] {
                if (level == 0) != (phase == 0) {
                    return Ok(Some(seen));
                }
                phase = (phase + 1) % width;
                seen += 1;
            }
        }
        Ok(None)
    }

    /// The length of the list that the levels begin with, at most `count`.
    pub fn first_length(mut self, page: &[u8], count: u64) -> Result<u64, Wrong> {
        let mut level = [0];
        for place in 0..count {
            self.fill(page, &mut level)?;
            if place > 0 && level[0] == 0 {
                return Ok(place);
            }
        }
        Ok(count)
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

    /// The byte after the last value. Reads all of them.
    fn end(&self, page: &[u8]) -> Result<usize, Wrong> {
        let mut delta = self.clone();
        while delta.left > 0 {
            delta.next(page)?;
        }
        Ok(delta.at)
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

/// Texts whose lengths stand before them as differences (DELTA_LENGTH_BYTE_ARRAY), each of which may
/// begin as the one before it does (DELTA_BYTE_ARRAY).
#[derive(Clone, Debug)]
pub struct DeltaTexts {
    prefixes: Option<Delta>,
    lengths: Delta,
    at: usize,
    /// The text before, and then the next one.
    text: Vec<u8>,
}

impl DeltaTexts {
    /// The texts that begin at byte `at` of a page.
    pub fn new(page: &[u8], at: usize, has_prefixes: bool) -> Result<DeltaTexts, Wrong> {
        let (mut prefixes, mut start) = (None, at);
        if has_prefixes {
            let delta = Delta::new(page, at)?;
            start = delta.end(page)?;
            prefixes = Some(delta);
        }
        let lengths = Delta::new(page, start)?;
        let at = lengths.end(page)?;
        Ok(DeltaTexts { prefixes, lengths, at, text: Vec::new() })
    }

    /// The next text.
    pub fn next(&mut self, page: &[u8]) -> Result<&[u8], Wrong> {
        let size = |x: i64| usize::try_from(x).map_err(|_| "a text of less than no bytes");
        let prefix = match &mut self.prefixes {
            Some(prefixes) => size(prefixes.next(page)?)?,
            None => 0,
        };
        let length = size(self.lengths.next(page)?)?;
        let rest = page.get(self.at..).and_then(|rest| rest.get(..length)).ok_or(CUT)?;
        if prefix > self.text.len() {
            return Err("a text that begins like more than the one before it");
        }
        self.text.truncate(prefix);
        self.text.extend_from_slice(rest);
        self.at += length;
        Ok(&self.text)
    }
}

/// Where the values of a page are, and how they are coded.
#[derive(Clone, Debug)]
pub enum Values {
    /// One after the other from this byte on.
    Plain(usize),
    /// Truth values, a bit each, from this bit on.
    Bits(usize),
    /// Truth values in runs.
    Truth(Hybrid),
    /// Texts from this byte on: 4 bytes of length, then the text.
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
    },
    /// Differences of integers.
    Delta(Box<Delta>),
    /// Texts, or bytes of fixed width, behind the differences of their lengths.
    DeltaTexts(Box<DeltaTexts>),
}

/// Values that are decoded at a time.
pub const BLOCK: usize = 256;

impl Values {
    /// The next `bytes.len() / width` values, at most [`BLOCK`], as bytes of numbers of this width.
    /// Not for texts, nor for places in a dictionary.
    pub fn numbers(&mut self, page: &[u8], width: usize, bytes: &mut [u8]) -> Result<(), Wrong> {
        let count = bytes.len() / width;
        match self {
            Values::Plain(at) => {
                bytes.copy_from_slice(page.get(*at..*at + bytes.len()).ok_or(CUT)?);
                *at += bytes.len();
            }
            Values::Bits(at) => {
                if *at + count > page.len() * 8 {
                    return Err(CUT);
                }
                for byte in bytes {
                    *byte = page[*at / 8] >> (*at % 8) & 1;
                    *at += 1;
                }
            }
            Values::Truth(runs) => {
                let mut values = [0; BLOCK];
                runs.fill(page, &mut values[..count])?;
                bytes.iter_mut().zip(values).for_each(|(byte, value)| *byte = value as u8);
            }
            Values::Split { next, start, count: all } => {
                if *next + count > *all {
                    return Err(CUT);
                }
                for place in 0..width {
                    let first = *start + place * *all + *next;
                    let stream = page.get(first..first + count).ok_or(CUT)?;
                    for (value, byte) in bytes.chunks_exact_mut(width).zip(stream) {
                        value[place] = *byte;
                    }
                }
                *next += count;
            }
            Values::Delta(delta) => {
                for value in bytes.chunks_exact_mut(width) {
                    value.copy_from_slice(&delta.next(page)?.to_le_bytes()[..width]);
                }
            }
            Values::DeltaTexts(texts) => {
                for value in bytes.chunks_exact_mut(width) {
                    let text = texts.next(page)?;
                    if text.len() != width {
                        return Err("a value of another width than its column has");
                    }
                    value.copy_from_slice(text);
                }
            }
            Values::Texts(_) | Values::Indices(_) => {
                return Err("texts where numbers are expected");
            }
        }
        Ok(())
    }
}

/// The text that begins with its length at byte `at`, and where it ends.
pub fn text(page: &[u8], at: usize) -> Result<(&[u8], usize), Wrong> {
    let (length, rest) = page.get(at..).and_then(|rest| rest.split_first_chunk()).ok_or(CUT)?;
    let length = u32::from_le_bytes(*length) as usize;
    Ok((rest.get(..length).ok_or(CUT)?, at + 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hybrid(bytes: &[u8], width: u32, count: usize) -> Result<Vec<u32>, Wrong> {
        let mut values = vec![0; count];
        let mut runs = Hybrid::new(0, bytes.len(), width)?;
        // In pieces that end inside runs.
        values.chunks_mut(5).try_for_each(|piece| runs.fill(bytes, piece))?;
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
        let packed = [5, 0xff, 0b1111_0111];
        let levels = Hybrid::new(0, 3, 1).expect("one bit");
        assert_eq!(levels.clone().first_other(&packed, 16, 1), Ok(Some(11)));
        assert_eq!(levels.clone().first_other(&packed, 11, 1), Ok(None));
        assert_eq!(levels.first_other(&packed[..2], 9, 1), Err(CUT));
    }

    #[test]
    fn values_of_every_width() {
        for width in 1..=32u32 {
            let mask = ((1u64 << width) - 1) as u32;
            let values: Vec<u32> = (0..64u32).map(|i| i.wrapping_mul(0x9e37_79b9) & mask).collect();
            let mut bytes = vec![8 << 1 | 1];
            let mut window = 0u64;
            let mut filled = 0;
            for value in &values {
                window |= u64::from(*value) << filled;
                filled += width;
                while filled >= 8 {
                    bytes.push(window as u8);
                    window >>= 8;
                    filled -= 8;
                }
            }
            assert_eq!(hybrid(&bytes, width, 64), Ok(values), "{width} bits");
        }
    }

    #[test]
    fn lists_are_seen_by_their_levels() {
        // Groups of 8 levels, the lowest bit first: 0 1 1 0 1 1 0 1 | 1 0 1 1 0 1 1 0.
        let bytes = [5, 0b1011_0110, 0b0110_1101];
        let levels = Hybrid::new(0, bytes.len(), 1).expect("one bit");
        let irregular = |count, phase, width| {
            levels.clone().first_irregular(&bytes, count, phase, width).expect("levels")
        };
        assert_eq!((irregular(16, 0, 3), irregular(16, 0, 4)), (None, Some(3)));
        assert_eq!(
            (irregular(16, 1, 3), irregular(3, 0, 3), irregular(4, 0, 1)),
            (Some(0), None, Some(1))
        );
        assert_eq!(levels.clone().first_length(&bytes, 16), Ok(3));
        assert_eq!(levels.first_length(&bytes, 2), Ok(2));
    }

    #[test]
    fn texts_behind_differences() {
        // Lengths 1, 2, 3 in steps of 1 that take no bits, then "a", "bc", "def".
        let lengths = [0x80, 1, 4, 3, 2, 2, 0, 0, 0, 0];
        let bytes = [&lengths[..], b"abcdef"].concat();
        let read = |bytes: &[u8], has_prefixes, count: usize| {
            let mut texts = DeltaTexts::new(bytes, 0, has_prefixes)?;
            (0..count).map(|_| texts.next(bytes).map(<[u8]>::to_vec)).collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(
            read(&bytes, false, 3),
            Ok(vec![b"a".to_vec(), b"bc".to_vec(), b"def".to_vec()])
        );
        assert_eq!(read(&bytes, false, 4), Err(CUT));
        assert_eq!(read(&bytes[..15], false, 3), Err(CUT));
        // Prefixes 0, 1, 2 before them: "a", "a" + "bc", "ab" + "def".
        let prefixes = [0x80, 1, 4, 3, 0, 2, 0, 0, 0, 0];
        let bytes = [&prefixes[..], &bytes].concat();
        let texts = vec![b"a".to_vec(), b"abc".to_vec(), b"abdef".to_vec()];
        assert_eq!(read(&bytes, true, 3), Ok(texts));
    }

    #[test]
    fn differences() {
        // The examples of the specification: 1 to 5, and 7 5 3 1 2 3 4 5 (least difference -2, the others 2 bits wide).
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

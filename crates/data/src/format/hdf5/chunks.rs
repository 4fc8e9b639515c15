//! Chunks of a data set: where they are (the indices of III.A.1 and VII), and what becomes of them.

use std::io::Read as _;

use amdahl_record::error::Result;
use flate2::read::ZlibDecoder;

use super::array::{Filter, Index};
use super::file::{Bytes, Cursor};

/// Trees are followed so deep.
const DEEPEST: usize = 32;

/// A chunk in the file.
#[derive(Clone, Copy)]
struct Entry {
    /// Its number, in the order of rows.
    number: u64,
    at: u64,
    stored: u32,
    /// A bit for each filter that was not applied.
    mask: u32,
}

/// The chunks of a data set.
pub struct Chunks {
    /// The extents of the data set, and of a chunk.
    extents: Vec<u64>,
    chunk: Vec<u64>,
    /// Chunks along each extent.
    grid: Vec<u64>,
    /// Bytes of a value, and of a chunk.
    width: usize,
    bytes: u64,
    filters: Vec<Filter>,
    place: Where,
}

enum Where {
    Listed(Vec<Entry>),
    Implicit(u64),
}

impl Chunks {
    /// Finds the chunks.
    pub fn find(
        file: Bytes<'_>,
        extents: &[u64],
        chunk: Vec<u64>,
        index: Index,
        filters: Vec<Filter>,
        width: usize,
    ) -> Result<Chunks> {
        let grid: Vec<u64> =
            extents.iter().zip(&chunk).map(|(all, one)| all.div_ceil(*one)).collect();
        let product = |numbers: &[u64]| numbers.iter().try_fold(1u64, |all, x| all.checked_mul(*x));
        let bytes = product(&chunk).and_then(|values| values.checked_mul(width as u64));
        let (Some(bytes), Some(count)) = (bytes.filter(|&b| b <= u32::MAX.into()), product(&grid))
        else {
            return Err(file.damaged("chunks that are larger than chunks can be"));
        };
        let is_plain = filters.is_empty();
        let mut chunks = Chunks {
            extents: extents.into(),
            chunk,
            grid,
            width,
            bytes,
            filters,
            place: Where::Implicit(0),
        };
        chunks.place = match index {
            Index::Implicit(at) if is_plain => Where::Implicit(at),
            Index::Implicit(_) => return Err(file.damaged("filtered chunks without an index")),
            Index::Single(at, filtered) => {
                let (stored, mask) = filtered.unwrap_or((bytes, 0));
                let stored =
                    u32::try_from(stored).map_err(|_| file.damaged("a chunk of over 4 GiB"))?;
                Where::Listed(vec![Entry { number: 0, at, stored, mask }])
            }
            Index::Tree(at) => {
                let mut entries = Vec::new();
                // A key and an address are no smaller: more of them are the same ones again.
                let mut budget = file.length / 24;
                chunks.walk(file, at, DEEPEST, &mut budget, &mut entries)?;
                entries.sort_by_key(|entry| entry.number);
                entries.dedup_by_key(|entry| entry.number);
                Where::Listed(entries)
            }
            Index::Fixed(at) => Where::Listed(chunks.fixed(file, at, count)?),
        };
        chunks.are_there(file, count)?;
        Ok(chunks)
    }

    /// Sees that all `count` chunks are there, and large enough for what they are to become: so nothing is
    /// asked for afterwards because a header claims it.
    fn are_there(&self, file: Bytes<'_>, count: u64) -> Result<()> {
        let entries = match &self.place {
            Where::Implicit(at) => {
                let end = count.checked_mul(self.bytes).and_then(|bytes| bytes.checked_add(*at));
                if end.is_none_or(|end| end > file.length) {
                    return Err(file.damaged("chunks beyond the end of the file: it is truncated"));
                }
                return Ok(());
            }
            Where::Listed(entries) => entries,
        };
        if entries.len() as u64 != count {
            let missing = (0..).zip(entries).find(|(number, entry)| *number != entry.number);
            let missing = missing.map_or(entries.len() as u64, |(number, _)| number);
            let across: u64 = self.grid[1..].iter().product();
            let first = missing / across * self.chunk[0];
            let last = (first + self.chunk[0]).min(self.extents[0]);
            let what = format!("rows {} to {last} were not written as a whole", first + 1);
            return Err(file.input.refuse(what).hint("write them, or make the data set smaller"));
        }
        let is_short =
            |entry: &&Entry| self.bytes > (u64::from(entry.stored) + 8).saturating_mul(self.most());
        match entries.iter().find(is_short) {
            None => Ok(()),
            Some(entry) => {
                let what =
                    format!("a chunk of {} bytes cannot become {}", entry.stored, self.bytes);
                Err(file.damaged(&what))
            }
        }
    }

    /// Rows of the data set that a row of chunks holds, and number of these rows.
    pub fn rows(&self) -> (u64, u64) {
        (self.chunk[0], self.grid[0])
    }

    /// The entries of a tree, version 1.
    fn walk(
        &self,
        file: Bytes<'_>,
        at: u64,
        depth: usize,
        budget: &mut u64,
        entries: &mut Vec<Entry>,
    ) -> Result<()> {
        let head = file.signed(at, 24, b"TREE")?;
        let (kind, level, used) =
            (head[4], head[5], usize::from(u16::from_le_bytes([head[6], head[7]])));
        if kind != 1 {
            return Err(file.damaged("a tree of names where one of chunks is expected"));
        }
        // Stored bytes, mask, and a place in each dimension, of which the last is within a value.
        let pair = 8 + 8 * (self.chunk.len() + 1) + 8;
        let all = file.read(at + 24, (used * pair) as u64)?;
        for pair in all.chunks_exact(pair) {
            *budget =
                budget.checked_sub(1).ok_or_else(|| file.damaged("a tree that does not end"))?;
            let mut cursor = Cursor::new(pair);
            let mut number = |width| cursor.number(width).map_err(|what| file.damaged(what));
            let (stored, mask) = (number(4)? as u32, number(4)? as u32);
            let mut place = 0u64;
            for (chunk, grid) in self.chunk.iter().zip(&self.grid) {
                let own = number(8)? / chunk;
                if own >= *grid && level == 0 {
                    return Err(file.damaged("a chunk outside the data set"));
                }
                place = place.wrapping_mul(*grid).wrapping_add(own);
            }
            number(8)?;
            let at = number(8)?;
            match level {
                0 => entries.push(Entry { number: place, at, stored, mask }),
                _ if depth == 0 => return Err(file.damaged("a tree that is too deep")),
                _ => self.walk(file, at, depth - 1, budget, entries)?,
            }
        }
        Ok(())
    }

    /// The entries of an array of fixed size (VII.C), in whose pages 2^n of them are.
    fn fixed(&self, file: Bytes<'_>, at: u64, count: u64) -> Result<Vec<Entry>> {
        let head = file.signed(at, 28, b"FAHD")?;
        let (is_filtered, entry, page) = (head[5] == 1, u64::from(head[6]), u32::from(head[7]));
        let mut cursor = Cursor::new(&head[8..]);
        let mut number = || cursor.number(8).map_err(|what| file.damaged(what));
        let (most, block) = (number()?, number()?);
        let least = if is_filtered { 13 } else { 8 };
        if most != count || entry < least || entry > 20 || page > 32 || most > file.length / entry {
            return Err(file.damaged("an array of chunks that cannot be"));
        }
        file.signed(block, 14, b"FADB")?;
        let (mut at, page) = (block + 14, 1u64 << page);
        let is_paged = most > page;
        // A bit for each page that was written, and a checksum.
        at += if is_paged { most.div_ceil(page).div_ceil(8) + 4 } else { 0 };
        let mut entries = Vec::new();
        let mut next = 0;
        while next < most {
            let now = if is_paged { page.min(most - next) } else { most };
            let bytes = file.read(at, now * entry)?;
            for (place, bytes) in (next..).zip(bytes.chunks_exact(entry as usize)) {
                let mut cursor = Cursor::new(bytes);
                let mut number = |width| cursor.number(width).map_err(|what| file.damaged(what));
                let at = number(8)?;
                let (stored, mask) = match is_filtered {
                    true => (number(entry as usize - 12)?, number(4)? as u32),
                    false => (self.bytes, 0),
                };
                let stored =
                    u32::try_from(stored).map_err(|_| file.damaged("a chunk of over 4 GiB"))?;
                if at != super::file::NOWHERE {
                    entries.push(Entry { number: place, at, stored, mask });
                }
            }
            at += now * entry + 4;
            next += now;
        }
        Ok(entries)
    }

    fn entry(&self, number: u64) -> Option<Entry> {
        match &self.place {
            Where::Implicit(first) => {
                let at = number.checked_mul(self.bytes)?.checked_add(*first)?;
                Some(Entry { number, at, stored: self.bytes as u32, mask: 0 })
            }
            Where::Listed(entries) => {
                let place = entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
                Some(entries[place])
            }
        }
    }

    /// The most that a stored byte can become.
    fn most(&self) -> u64 {
        // A match of 258 bytes in 2 bits; one of 264 in 3 bytes.
        let of = |filter: &Filter| match filter {
            Filter::Deflate => 1032,
            Filter::Lzf => 88,
            Filter::Shuffle | Filter::Fletcher32 => 1,
        };
        self.filters.iter().map(of).product()
    }

    /// The values of a row of chunks, as bytes row by row.
    pub fn read(&self, file: Bytes<'_>, row: u64) -> Result<Vec<u8>> {
        let across: u64 = self.grid[1..].iter().product();
        let rows = self.chunk[0].min(self.extents[0] - row * self.chunk[0]);
        let line: u64 = self.extents[1..].iter().product::<u64>() * self.width as u64;
        let mut block = Vec::new();
        for place in 0..across {
            let Some(entry) = self.entry(row * across + place) else { continue };
            let values = self.decode(file, entry)?;
            if block.is_empty() {
                block = vec![0; (rows * line) as usize];
            }
            self.place(&values, place, rows, &mut block);
        }
        Ok(block)
    }

    /// Copies the values of a chunk, the `across`-th of its row, to their places among rows.
    fn place(&self, values: &[u8], across: u64, rows: u64, block: &mut [u8]) {
        let inner = self.extents.len() - 1;
        // The first place of the chunk in each dimension after the first.
        let (mut starts, mut rest) = (vec![0; inner], across);
        for dimension in (0..inner).rev() {
            starts[dimension] = rest % self.grid[dimension + 1] * self.chunk[dimension + 1];
            rest /= self.grid[dimension + 1];
        }
        let Some((last_start, starts)) = starts.split_last() else {
            // Of one dimension.
            let length = block.len();
            return block.copy_from_slice(&values[..length]);
        };
        // Runs along the last dimension are together in both.
        let (run, whole) = (self.chunk[inner], self.extents[inner]);
        let kept = run.min(whole - last_start) as usize * self.width;
        let middle = &self.chunk[1..inner];
        let runs: u64 = middle.iter().product();
        for row in 0..rows {
            'runs: for number in 0..runs {
                let (mut place, mut rest, mut scale) = (0, number, 1);
                for dimension in (0..middle.len()).rev() {
                    let own = starts[dimension] + rest % middle[dimension];
                    rest /= middle[dimension];
                    if own >= self.extents[dimension + 1] {
                        continue 'runs;
                    }
                    place += own * scale;
                    scale *= self.extents[dimension + 1];
                }
                let to = ((row * scale + place) * whole + last_start) as usize * self.width;
                let from = ((row * runs + number) * run) as usize * self.width;
                block[to..to + kept].copy_from_slice(&values[from..from + kept]);
            }
        }
    }

    /// The bytes of a chunk as they were before the filters.
    fn decode(&self, file: Bytes<'_>, entry: Entry) -> Result<Vec<u8>> {
        let mut bytes = file.read(entry.at, entry.stored.into())?;
        for (place, filter) in self.filters.iter().enumerate().rev() {
            if entry.mask >> place & 1 == 1 {
                continue;
            }
            let undone = match filter {
                // A checksum may be among what is compressed.
                Filter::Deflate => inflate(&bytes, self.bytes + 4),
                Filter::Lzf => lzf(&bytes, self.bytes as usize + 4),
                Filter::Shuffle => Ok(unshuffle(&bytes, self.width)),
                Filter::Fletcher32 => checked(&bytes),
            };
            bytes = undone.map_err(|what| {
                file.input.refuse(format!("the chunk at byte {}: {what}", entry.at))
            })?;
        }
        match bytes.len() as u64 == self.bytes {
            true => Ok(bytes),
            false => {
                let what = format!("a chunk has {} bytes, expected {}", bytes.len(), self.bytes);
                Err(file.damaged(&what))
            }
        }
    }
}

fn inflate(bytes: &[u8], most: u64) -> std::result::Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = ZlibDecoder::new(bytes).take(most + 1).read_to_end(&mut out);
    read.map_err(|error| format!("it cannot be decompressed: {error}"))?;
    Ok(out)
}

/// LZF: runs of up to 32 bytes, and copies of what came up to 8 KiB before.
fn lzf(bytes: &[u8], most: usize) -> std::result::Result<Vec<u8>, String> {
    let cut = || "it ends early".to_string();
    let (mut out, mut rest): (Vec<u8>, _) = (Vec::new(), bytes);
    while let Some((&control, after)) = rest.split_first() {
        rest = after;
        if control < 32 {
            let (literal, after) =
                rest.split_at_checked(usize::from(control) + 1).ok_or_else(cut)?;
            out.extend_from_slice(literal);
            rest = after;
        } else {
            let mut next = || -> std::result::Result<usize, String> {
                let (&byte, after) = rest.split_first().ok_or_else(cut)?;
                rest = after;
                Ok(usize::from(byte))
            };
            let mut length = usize::from(control >> 5) + 2;
            length += if length == 9 { next()? } else { 0 };
            let back = (usize::from(control & 31) << 8) + next()? + 1;
            let from = out.len().checked_sub(back).ok_or("it goes back before its beginning")?;
            // The copy may reach into itself.
            (from..from + length).for_each(|at| out.push(out[at]));
        }
        if out.len() > most {
            return Err(format!("it becomes more than {most} bytes"));
        }
    }
    Ok(out)
}

/// The first bytes of all values stand first, then the second ones; what is left over stands last.
fn unshuffle(bytes: &[u8], width: usize) -> Vec<u8> {
    let count = bytes.len() / width;
    let mut out = bytes.to_vec();
    for (value, out) in out.chunks_exact_mut(width).enumerate() {
        for (place, byte) in out.iter_mut().enumerate() {
            *byte = bytes[place * count + value];
        }
    }
    out
}

/// The bytes before a checksum, which is held against them.
fn checked(bytes: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let (bytes, sum) = bytes.split_last_chunk().ok_or("it has no checksum")?;
    match fletcher32(bytes) == u32::from_le_bytes(*sum) {
        true => Ok(bytes.to_vec()),
        false => Err("its checksum is wrong: the file is damaged".into()),
    }
}

/// J. Fletcher's sum of 16-bit words, the most significant byte first, in ones' complement.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut first, mut second) = (0u32, 0u32);
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    for word in bytes.chunks(2) {
        let low = word.get(1).copied().unwrap_or(0);
        first = fold(first + u32::from(u16::from_be_bytes([word[0], low])));
        second = fold(second + first);
    }
    fold(second) << 16 | fold(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_by_hand() {
        assert_eq!(unshuffle(&[1, 2, 3, 4, 5, 6, 7], 2), [1, 4, 2, 5, 3, 6, 7]);
        // "abc", then 3 back 6, overlapping; then the same with a longer copy of 10.
        let packed = [2, b'a', b'b', b'c', 4 << 5, 2];
        assert_eq!(lzf(&packed, 9), Ok(b"abcabcabc".to_vec()));
        assert_eq!(lzf(&[0, b'x', 7 << 5, 1, 0], 11), Ok(b"x".repeat(11)));
        assert!(
            lzf(&packed, 8).is_err()
                && lzf(&packed[..5], 9).is_err()
                && lzf(&packed[4..], 9).is_err()
        );
        // By hand: 0x0102 + 0x0304 = 0x0406; the sums of sums 0x0102 + 0x0406 = 0x0508.
        assert_eq!(fletcher32(&[1, 2, 3, 4]), 0x0508_0406);
        assert_eq!(fletcher32(&[1, 2, 3]), 0x0504_0402);
        assert_eq!(checked(&[1, 2, 3, 4, 0x06, 0x04, 0x08, 0x05]), Ok(vec![1, 2, 3, 4]));
        assert!(checked(&[1, 2, 3, 4, 0, 0, 0, 0]).is_err());
    }
}

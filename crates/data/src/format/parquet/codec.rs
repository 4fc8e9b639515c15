//! How the pages of a Parquet file are compressed: not at all, or by Snappy, gzip, LZ4 or
//! Zstandard.
//!
//! What is decompressed grows with what is really there. The size that a page claims is held
//! against the most that its codec can make of so many bytes before anything is allocated.

use std::io::Read;

use flate2::read::MultiGzDecoder;

/// A codec by its name in the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// None.
    Plain,
    /// Snappy without its framing.
    Snappy,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// LZ4 blocks without framing.
    Lz4,
    /// One that is not read, by its number.
    Other(i64),
}

impl Codec {
    /// The codec with this number in the enumeration `CompressionCodec`.
    pub fn from_number(number: i64) -> Codec {
        match number {
            0 => Codec::Plain,
            1 => Codec::Snappy,
            2 => Codec::Gzip,
            6 => Codec::Zstd,
            7 => Codec::Lz4,
            other => Codec::Other(other),
        }
    }

    /// Its name in messages.
    pub fn name(self) -> String {
        match self {
            Codec::Plain => "none".into(),
            Codec::Snappy => "snappy".into(),
            Codec::Gzip => "gzip".into(),
            Codec::Zstd => "zstd".into(),
            Codec::Lz4 => "lz4".into(),
            Codec::Other(3) => "lzo".into(),
            Codec::Other(4) => "brotli".into(),
            Codec::Other(5) => "lz4 in Hadoop's framing".into(),
            Codec::Other(number) => format!("number {number}"),
        }
    }

    /// The most bytes that one compressed byte can become.
    fn most(self) -> u64 {
        match self {
            Codec::Plain | Codec::Other(_) => 1,
            // Copies of 64 bytes, in 3 bytes each.
            Codec::Snappy => 22,
            // A match of 258 bytes in 2 bits.
            Codec::Gzip => 1032,
            // A byte more for each 255 bytes of a match.
            Codec::Lz4 => 255,
            // Blocks of 128 KiB in 4 bytes each.
            Codec::Zstd => 1 << 15,
        }
    }

    /// Decompresses `bytes` to exactly `length` bytes.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn decompress(self, bytes: Vec<u8>, length: usize) -> Result<Vec<u8>, String> {
        // A few bytes of headers beside.
        let most = (bytes.len() as u64).saturating_mul(self.most()).saturating_add(64);
        if self != Codec::Plain && length as u64 > most {
            return Err(format!("{} bytes of {} cannot become {length}", bytes.len(), self.name()));
        }
        let out = match self {
            Codec::Plain => bytes,
            Codec::Snappy => snappy(&bytes, length)?,
            Codec::Gzip => read(MultiGzDecoder::new(&bytes[..]), length)?,
            Codec::Zstd => zstd(bytes, length)?,
            Codec::Lz4 => lz4(&bytes, length)?,
            Codec::Other(_) => return Err(format!("the codec {} is not read", self.name())),
        };
        if out.len() == length {
            return Ok(out);
        }
        Err(format!("they are {} bytes, the page's header says {length}", out.len()))
    }
}

/// Reads at most a byte more than `length`.
fn read(stream: impl Read, length: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    stream.take(length as u64 + 1).read_to_end(&mut out).map_err(|e| e.to_string())?;
    Ok(out)
}

/// Zstandard's frames (RFC 8878).
fn zstd(mut bytes: Vec<u8>, length: usize) -> Result<Vec<u8>, String> {
    shrink_window(&mut bytes, length as u64);
    let mut decoder = ruzstd::decoding::FrameDecoder::new();
    decoder.set_max_window_size(length as u64 + length as u64 / 8 + 1024);
    let stream = ruzstd::decoding::StreamingDecoder::new_with_decoder(&bytes[..], decoder)
        .map_err(|e| e.to_string())?;
    read(stream, length)
}

/// The window of a frame is allocated at once, and may be far larger than the page: what a match
/// can reach back to is never more than `length` bytes. Writes the smallest window that holds them
/// where the frame asks for a larger one.
fn shrink_window(bytes: &mut [u8], length: u64) {
    // Magic number, descriptor, and a window unless the frame is a single segment.
    let [0x28, 0xb5, 0x2f, 0xfd, descriptor, window, ..] = bytes else { return };
    if *descriptor & 0x20 != 0 {
        return;
    }
    let size = |window: u8| {
        let base = 1u64 << (10 + (window >> 3));
        base + base / 8 * u64::from(window & 7)
    };
    if let Some(enough) = (0..*window).find(|&smaller| size(smaller) >= length) {
        *window = enough;
    }
}

/// Appends `count` bytes that begin `back` bytes before the end; they may overlap with what they
/// become.
fn copy_back(out: &mut Vec<u8>, back: usize, count: usize) -> Result<(), String> {
    let from = out
        .len()
        .checked_sub(back)
        .filter(|_| back > 0)
        .ok_or("a copy of bytes before the first")?;
    if back >= count {
        out.extend_from_within(from..from + count);
    } else {
        // A pattern that repeats.
        for i in 0..count {
            out.push(out[from + i]);
        }
    }
    Ok(())
}

const CUT: &str = "the compressed bytes end early";
const LONG: &str = "they become more bytes than the page's header says";

/// Little-endian number of at most 4 bytes at the beginning of `bytes`.
fn little(bytes: &mut &[u8], width: usize) -> Result<usize, String> {
    let (number, rest) = bytes.split_at_checked(width).ok_or(CUT)?;
    *bytes = rest;
    Ok(number.iter().rev().fold(0, |n, byte| n << 8 | usize::from(*byte)))
}

/// Snappy: <https://github.com/google/snappy/blob/main/format_description.txt>.
fn snappy(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let mut reader = super::thrift::Reader::new(bytes);
    let says = reader.varint().map_err(|_| CUT)?;
    if says != length as u64 {
        return Err(format!("they say {says} bytes, the page's header says {length}"));
    }
    let mut rest = reader.rest();
    let mut out = Vec::with_capacity(length);
    while !rest.is_empty() {
        let tag = little(&mut rest, 1)?;
        let (count, back) = match tag & 3 {
            0 => {
                let count = match tag >> 2 {
                    short @ 0..60 => short,
                    long => little(&mut rest, long - 59)?,
                } + 1;
                let (literal, after) = rest.split_at_checked(count).ok_or(CUT)?;
                rest = after;
                if out.len() + count > length {
                    return Err(LONG.into());
                }
                out.extend_from_slice(literal);
                continue;
            }
            1 => (4 + (tag >> 2 & 7), (tag >> 5) << 8 | little(&mut rest, 1)?),
            2 => ((tag >> 2) + 1, little(&mut rest, 2)?),
            _ => ((tag >> 2) + 1, little(&mut rest, 4)?),
        };
        if out.len() + count > length {
            return Err(LONG.into());
        }
        copy_back(&mut out, back, count)?;
    }
    Ok(out)
}

/// A block of LZ4: <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>.
fn lz4(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let mut rest = bytes;
    let mut out = Vec::new();
    // A length of 15 goes on in bytes that are added, up to one that is not 255.
    let more = |rest: &mut &[u8], start: usize| -> Result<usize, String> {
        let mut count = start;
        if start == 15 {
            loop {
                let byte = little(rest, 1)?;
                count += byte;
                if byte < 255 || count > length {
                    break;
                }
            }
        }
        Ok(count)
    };
    while !rest.is_empty() {
        let token = little(&mut rest, 1)?;
        let count = more(&mut rest, token >> 4)?;
        let (literal, after) = rest.split_at_checked(count).ok_or(CUT)?;
        rest = after;
        if out.len() + count > length {
            return Err(LONG.into());
        }
        out.extend_from_slice(literal);
        // The last sequence has no match.
        if rest.is_empty() {
            break;
        }
        let back = little(&mut rest, 2)?;
        let count = more(&mut rest, token & 15)? + 4;
        if out.len() + count > length {
            return Err(LONG.into());
        }
        copy_back(&mut out, back, count)?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snappy_by_hand() {
        // 12 bytes: the literal "abc", 3 back 7 (overlapping), a literal of 2.
        let bytes = [12, 2 << 2, b'a', b'b', b'c', 1 | 3 << 2, 3, 1 << 2, b'x', b'y'];
        assert_eq!(Codec::Snappy.decompress(bytes.to_vec(), 12).expect("valid"), b"abcabcabcaxy");
        for length in 0..bytes.len() {
            assert!(
                Codec::Snappy.decompress(bytes[..length].to_vec(), 12).is_err(),
                "{length} bytes"
            );
        }
        let long = [&[200, 1, 60 << 2, 199][..], &[7; 200]].concat();
        assert_eq!(Codec::Snappy.decompress(long, 200).expect("a long literal"), [7; 200]);
        let before = [5, 0, b'a', 1, 2];
        assert!(
            Codec::Snappy
                .decompress(before.to_vec(), 5)
                .expect_err("2 back of 1")
                .contains("before the first")
        );
        assert!(
            Codec::Snappy.decompress(vec![5], 6).expect_err("two lengths").contains("say 5 bytes")
        );
        let bomb = [0xff, 0xff, 0xff, 0xff, 7];
        assert!(
            Codec::Snappy
                .decompress(bomb.to_vec(), i32::MAX as usize)
                .expect_err("a bomb")
                .contains("cannot become")
        );
    }

    #[test]
    fn lz4_by_hand() {
        // "ab", then 2 back 4 + 15 + 2, then the literal "z".
        let bytes = [0x2f, b'a', b'b', 2, 0, 2, 0x10, b'z'];
        let expected = format!("ab{}z", "ab".repeat(11).get(..21).expect("ASCII"));
        assert_eq!(Codec::Lz4.decompress(bytes.to_vec(), 24).expect("valid"), expected.as_bytes());
        for length in [23, 25] {
            assert!(Codec::Lz4.decompress(bytes.to_vec(), length).is_err());
        }
    }

    #[test]
    fn windows_of_zstandard() {
        let shrunk = |window, length| {
            let mut frame = [0x28, 0xb5, 0x2f, 0xfd, 0, window, 1, 2];
            shrink_window(&mut frame, length);
            frame[5]
        };
        assert_eq!(shrunk(0x88, 1000), 0, "128 MiB for 1000 bytes");
        assert_eq!(shrunk(0x88, 1024 + 128), 1);
        assert_eq!(shrunk(0x08, 1 << 20), 0x08, "smaller than the page");
    }
}

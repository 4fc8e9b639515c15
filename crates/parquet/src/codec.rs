//! How pages are compressed: not at all, or by Snappy, gzip, Brotli, Zstandard or LZ4 with or without
//! Hadoop's framing.
//!
//! Memory for a page grows with the bytes that really come out. The size that a page claims is first
//! held against the most that its codec can make of so many bytes.

use std::io::Read;

use flate2::read::MultiGzDecoder;

/// A codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// None.
    Plain,
    /// Snappy without its framing.
    Snappy,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
    /// LZ4 blocks as Hadoop frames them, or, from some writers, without a frame.
    HadoopLz4,
    /// Zstandard.
    Zstd,
    /// A block of LZ4 without a frame.
    Lz4,
    /// LZ4 in its own frame, which Arrow uses and Parquet does not.
    Lz4Frame,
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
            4 => Codec::Brotli,
            5 => Codec::HadoopLz4,
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
            Codec::Brotli => "brotli".into(),
            Codec::HadoopLz4 => "lz4 in Hadoop's framing".into(),
            Codec::Zstd => "zstd".into(),
            Codec::Lz4 | Codec::Lz4Frame => "lz4".into(),
            Codec::Other(3) => "lzo".into(),
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
            Codec::Lz4 | Codec::Lz4Frame | Codec::HadoopLz4 => 255,
            // Blocks of 128 KiB in 4 bytes each.
            Codec::Zstd => 1 << 15,
            // Blocks of 16 MiB in some 8 bytes each.
            Codec::Brotli => 1 << 21,
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
            Codec::Brotli => brotli(&bytes, length)?,
            Codec::HadoopLz4 => hadoop(&bytes, length).or_else(|_| lz4(&bytes, length))?,
            Codec::Zstd => zstd(bytes, length)?,
            Codec::Lz4 => lz4(&bytes, length)?,
            Codec::Lz4Frame => lz4_frame(&bytes, length)?,
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

fn snappy(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let says = snap::raw::decompress_len(bytes).map_err(|e| e.to_string())?;
    if says != length {
        return Err(format!("they say {says} bytes, the page's header says {length}"));
    }
    let mut out = vec![0; length];
    let got = snap::raw::Decoder::new().decompress(bytes, &mut out).map_err(|e| e.to_string())?;
    out.truncate(got);
    Ok(out)
}

fn brotli(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    const BUFFER: usize = 4096;
    read(brotli_decompressor::Decompressor::new(bytes, BUFFER), length)
}

/// A block of LZ4, which does not say how long it becomes.
fn lz4(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let mut room = length.min(4 * bytes.len());
    loop {
        let mut out = vec![0; room];
        match lz4_flex::block::decompress_into(bytes, &mut out) {
            Ok(got) => {
                out.truncate(got);
                return Ok(out);
            }
            // As much as there was room for has come out, so there may be room for some times more.
            Err(lz4_flex::block::DecompressError::OutputTooSmall { .. }) if room < length => {
                room = length.min(4 * room);
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Blocks of LZ4, each behind its length before and after compression (32 bits, the most significant
/// byte first).
fn hadoop(mut bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let cut = || "a frame ends early".to_string();
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let (plain, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        let (packed, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let (plain, packed) =
            (u32::from_be_bytes(*plain) as usize, u32::from_be_bytes(*packed) as usize);
        let (block, rest) = rest.split_at_checked(packed).ok_or_else(cut)?;
        if plain > length - out.len() {
            return Err(format!("a frame says {plain} bytes, {} are left", length - out.len()));
        }
        let block = lz4(block, plain)?;
        if block.len() != plain {
            return Err(format!("a frame says {plain} bytes and has {}", block.len()));
        }
        out.extend(block);
        bytes = rest;
    }
    Ok(out)
}

/// LZ4's frame: blocks of at most 4 MiB, each of which may go back to the 64 KiB before it.
///
/// <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>. Checksums are passed over.
fn lz4_frame(bytes: &[u8], length: usize) -> Result<Vec<u8>, String> {
    const WINDOW: usize = 64 * 1024;
    let cut = || "a frame ends early".to_string();
    let [0x04, 0x22, 0x4d, 0x18, flags, sizes, rest @ ..] = bytes else {
        return Err("no frame of LZ4 begins here".into());
    };
    if flags >> 6 != 1 {
        return Err("a frame of an unknown version".into());
    }
    // 64 KiB to 4 MiB.
    let largest = 1usize << (8 + 2 * (sizes >> 4 & 7));
    let (has_size, has_dictionary) = (flags & 8 != 0, flags & 1 != 0);
    let header = 8 * usize::from(has_size) + 4 * usize::from(has_dictionary) + 1;
    let mut rest = rest.get(header..).ok_or_else(cut)?;
    let mut out: Vec<u8> = Vec::new();
    loop {
        let (size, after) = rest.split_first_chunk().ok_or_else(cut)?;
        let size = u32::from_le_bytes(*size);
        if size == 0 {
            return Ok(out);
        }
        let (block, after) =
            after.split_at_checked((size & 0x7fff_ffff) as usize).ok_or_else(cut)?;
        rest = after.get(4 * usize::from(flags & 16 != 0)..).ok_or_else(cut)?;
        let room = (length - out.len()).min(largest).min(block.len().saturating_mul(255));
        if size >> 31 == 1 {
            if block.len() > room {
                return Err(format!("they are more than the {length} bytes that are said"));
            }
            out.extend_from_slice(block);
            continue;
        }
        let before = out.len();
        let mut plain = vec![0; room];
        let window = &out[before.saturating_sub(WINDOW)..];
        let got = lz4_flex::block::decompress_into_with_dict(block, &mut plain, window);
        out.extend_from_slice(&plain[..got.map_err(|e| e.to_string())?]);
    }
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

/// The window of a frame is allocated at once, and may be far larger than the page: what a match can reach back to is never more than
/// `length` bytes. Writes the smallest window that holds them where the frame asks for a larger one.
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
        let before = [5, 0, b'a', 1, 2];
        assert!(Codec::Snappy.decompress(before.to_vec(), 5).is_err(), "2 back of 1");
        let two = Codec::Snappy.decompress(vec![5], 6).expect_err("two lengths");
        assert!(two.contains("say 5 bytes"), "{two}");
        let bomb = Codec::Snappy.decompress(vec![0xff, 0xff, 0xff, 0xff, 7], i32::MAX as usize);
        assert!(bomb.expect_err("a bomb").contains("cannot become"));
    }

    #[test]
    fn lz4_by_hand() {
        // "ab", then 2 back 4 + 15 + 2, then the literal "wxyz!".
        let bytes = [0x2f, b'a', b'b', 2, 0, 2, 0x50, b'w', b'x', b'y', b'z', b'!'];
        let expected = format!("ab{}wxyz!", "ab".repeat(11).get(..21).expect("ASCII"));
        assert_eq!(Codec::Lz4.decompress(bytes.to_vec(), 28).expect("valid"), expected.as_bytes());
        for length in [27, 29] {
            assert!(Codec::Lz4.decompress(bytes.to_vec(), length).is_err());
        }
        // 12 bytes in, 28 out, in Hadoop's frame and then again; and without one.
        let frame = [&[0, 0, 0, 28, 0, 0, 0, 12][..], &bytes].concat();
        let framed = Codec::HadoopLz4.decompress([&frame[..], &frame].concat(), 56);
        assert_eq!(framed.expect("two frames"), expected.repeat(2).as_bytes());
        let bare = Codec::HadoopLz4.decompress(bytes.to_vec(), 28);
        assert_eq!(bare.expect("no frame"), expected.as_bytes());
        assert!(Codec::HadoopLz4.decompress(frame[..19].to_vec(), 28).is_err());
    }

    #[test]
    fn lz4_of_many_equal_bytes() {
        let plain = vec![7; 100_000];
        // A literal of one, a copy of 99,994 one back, a literal of five.
        let mut bytes = vec![0x1f, 7, 1, 0];
        let more = 99_994 - 4 - 15;
        bytes.extend(std::iter::repeat_n(255, more / 255));
        bytes.extend([(more % 255) as u8, 0x50, 7, 7, 7, 7, 7]);
        assert_eq!(Codec::Lz4.decompress(bytes, 100_000).expect("valid"), plain);
    }

    #[test]
    fn brotli_as_its_library_writes_it() {
        let bytes = [0x1b, 0x4f, 0, 0, 0xa4, 0xc3, 0xc4, 0xc6, 0xc8, 4, 0x68, 1, 0x18, 0x6c];
        assert_eq!(
            Codec::Brotli.decompress(bytes.to_vec(), 80).expect("valid"),
            b"abcd".repeat(20)
        );
        for length in [79, 81] {
            assert!(Codec::Brotli.decompress(bytes.to_vec(), length).is_err(), "{length} bytes");
        }
        for cut in 0..bytes.len() {
            assert!(Codec::Brotli.decompress(bytes[..cut].to_vec(), 80).is_err(), "{cut} bytes");
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

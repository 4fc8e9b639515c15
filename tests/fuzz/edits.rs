//! Deterministic damage: input i of a reader is a function of i alone.

use std::io::{Read, Write};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};

/// Random numbers of one input: a counter, scrambled (Steele, Lea, Flood: "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
pub struct Draws {
    state: u64,
}

impl Draws {
    pub fn new(reader: &str, input: u64) -> Draws {
        // FNV-1a of the reader's name, so that readers see different damage.
        let name = reader.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| {
            (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
        });
        let mut draws = Draws { state: name ^ input.wrapping_mul(0xd6e8_feb8_6659_fd93) };
        draws.next();
        draws
    }
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Under `n`; 0 for none.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Bytes that mean something to one format or another.
const TELLING: &[u8] =
    b"\0\x01\x02\x08\x0b\x15\x19\x1c\x7f\x80\xfe\xff,;\t \n\r\"'-+.eEnainf0123456789(){}[]:LTF\\";
/// Numbers at the edge of something.
const EDGES: &[u64] = &[
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    32767,
    65535,
    65536,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 62,
    u64::MAX,
];

/// Damages a file: up to seven edits, none in one of ten.
pub fn damage(file: &mut Vec<u8>, others: &[Vec<u8>], draws: &mut Draws) {
    let most = draws.below(7) + 1;
    let edits = if draws.one_in(10) { 0 } else { 1 + draws.below(most) };
    for _ in 0..edits {
        edit(file, others, draws);
    }
}

fn edit(file: &mut Vec<u8>, others: &[Vec<u8>], draws: &mut Draws) {
    if file.is_empty() {
        file.push(draws.next() as u8);
        return;
    }
    let at = match draws.below(3) {
        // Headers and footers are where most of the meaning is.
        0 => draws.below(file.len().min(64)),
        1 => file.len() - 1 - draws.below(file.len().min(256)),
        _ => draws.below(file.len()),
    };
    match draws.below(12) {
        0 | 1 => file[at] = draws.next() as u8,
        2 | 3 => file[at] = *draws.of(TELLING),
        4 => file[at] ^= 1 << draws.below(8),
        5 => file[at] = file[at].wrapping_add([1, 2, 255, 254][draws.below(4)]),
        6 => {
            let count = 1 + draws.below(6);
            let bytes: Vec<u8> = (0..count).map(|_| *draws.of(TELLING)).collect();
            file.splice(at..at, bytes);
        }
        7 => {
            file.drain(at..(at + 1 + draws.below(12)).min(file.len()));
        }
        8 => file.truncate(at),
        9 => {
            // A number at the edge of something, in either order.
            let width = 1 << draws.below(4);
            let edge = draws.of(EDGES).to_le_bytes();
            let big = draws.one_in(2);
            for i in 0..width.min(file.len() - at) {
                file[at + i] = if big { edge[width - 1 - i] } else { edge[i] };
            }
        }
        10 => {
            // A piece of itself again, some times.
            let piece = file[at..(at + 1 + draws.below(40)).min(file.len())].to_vec();
            for _ in 0..1 + draws.below(4) {
                let to = draws.below(file.len() + 1);
                file.splice(to..to, piece.iter().copied());
            }
        }
        _ => {
            // A piece of another file.
            let other = draws.of(others);
            if !other.is_empty() {
                let from = draws.below(other.len());
                let piece = &other[from..(from + 1 + draws.below(64)).min(other.len())];
                file.splice(at..at, piece.iter().copied());
            }
        }
    }
}

/// Compressed by gzip.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

/// Bytes of a file's content: what gzip makes of it, up to where it is damaged.
pub fn content_length(file: &[u8]) -> u64 {
    if !file.starts_with(&[0x1f, 0x8b, 8]) {
        return file.len() as u64;
    }
    let (mut decoder, mut buffer, mut length) = (MultiGzDecoder::new(file), vec![0; 1 << 16], 0);
    while let Ok(read @ 1..) = decoder.read(&mut buffer) {
        length += read as u64;
    }
    length
}

//! The lines of a results file, in order: read in blocks, parsed side by side.
//!
//! A file may hold a gigabyte. Blocks that end with a line are handed to a few threads that parse
//! them, while what they found is taken in the order of the file; only a few blocks are in memory
//! at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use crate::Line;
use crate::error::{Error, Result};
use crate::io::regular;
use crate::shared::Pool;
use crate::sum::{self, Checked, Differs};

/// Bytes of a block, about.
const BLOCK: usize = 4 << 20;

/// More threads than this would wait for the one that takes the lines.
const THREADS: usize = 8;

/// A line that says nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The last line of a file, without its end.
    CutOff {
        /// Its length.
        bytes: usize,
    },
    /// Something else stands there than was written: its checksum does not fit.
    Altered,
    /// Anything else.
    Damaged {
        /// What is wrong with it.
        why: String,
    },
}

/// What a line says, with its number from 1.
type Parsed = (u64, Result<Box<Line>, Unreadable>);

/// A block: its place in the file, and its bytes.
type Block = (u64, Vec<u8>);

/// Calls `take` for every line of a file that is not empty, in order, with its number from 1.
///
/// # Errors
/// When the file cannot be read, and what `take` returns: then the rest is left unread.
pub fn each(
    path: &Path,
    mut take: impl FnMut(u64, Result<Box<Line>, Unreadable>) -> Result<()>,
) -> Result<()> {
    let mut file = regular::open(path).map_err(|e| Error::io("read", path, e))?;
    let first = next(&mut file, Vec::new()).map_err(|e| Error::io("read", path, e))?;
    // Most results are smaller than a block: no threads for these.
    if first.1.is_empty() {
        let (_, parsed) = parse(&first.0, &mut Pool::default());
        return parsed.into_iter().try_for_each(|(number, line)| take(number, line));
    }
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(THREADS);
    let (to_parse, blocks) = mpsc::sync_channel::<Block>(threads);
    let (found, in_any_order) = mpsc::sync_channel(threads);
    let blocks = Arc::new(Mutex::new(blocks));
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let (mut block, mut rest) = first;
            for place in 0.. {
                // The threads are gone where the lines were not wanted any more.
                if block.is_empty() || to_parse.send((place, block)).is_err() {
                    return Ok(());
                }
                (block, rest) = next(&mut file, rest)?;
            }
            Ok(())
        });
        for _ in 0..threads {
            let (found, blocks) = (found.clone(), blocks.clone());
            scope.spawn(move || {
                let mut pool = Pool::default();
                loop {
                    let block = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((place, bytes)) = block else { return };
                    if found.send((place, parse(&bytes, &mut pool))).is_err() {
                        return;
                    }
                }
            });
        }
        // Where all threads have left, sending them a block fails: nothing else holds the other
        // end.
        drop((found, blocks));
        let taken = in_order(in_any_order, &mut take);
        let read = reader
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the reading thread ended early")));
        taken.and(read.map_err(|e| Error::io("read", path, e)))
    })
}

/// Takes the lines of blocks in the order of the file.
fn in_order(
    found: mpsc::Receiver<(u64, (u64, Vec<Parsed>))>,
    take: &mut impl FnMut(u64, Result<Box<Line>, Unreadable>) -> Result<()>,
) -> Result<()> {
    let mut early: BTreeMap<u64, (u64, Vec<Parsed>)> = BTreeMap::new();
    let (mut wanted, mut before) = (0, 0);
    for (place, block) in found {
        early.insert(place, block);
        while let Some((lines, parsed)) = early.remove(&wanted) {
            for (number, line) in parsed {
                take(before + number, line)?;
            }
            before += lines;
            wanted += 1;
        }
    }
    Ok(())
}

/// The next block, which ends with a line or with the file, and what was read beyond it; `rest` is
/// what the last one left.
fn next(file: &mut File, rest: Vec<u8>) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let mut block = rest;
    loop {
        let had = block.len();
        block.reserve(BLOCK);
        let read = file.take(BLOCK as u64).read_to_end(&mut block)?;
        if read == 0 {
            return Ok((block, Vec::new()));
        }
        if let Some(end) = block[had..].iter().rposition(|&b| b == b'\n') {
            let rest = block.split_off(had + end + 1);
            return Ok((block, rest));
        }
    }
}

/// How most lines begin; the rest of such a line is a record.
const RECORD: &[u8] = b"{\"line\":\"record\",";

/// The lines of a block, numbered from 1, and how many there are.
fn parse(block: &[u8], pool: &mut Pool) -> (u64, Vec<Parsed>) {
    let mut parsed = Vec::new();
    let mut number = 0;
    let mut scratch = Vec::new();
    for bytes in block.split_inclusive(|&b| b == b'\n') {
        number += 1;
        let text = bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        parsed.push((
            number,
            match line(text, &mut scratch) {
                Ok(Line::Record(mut record)) => {
                    pool.share(&mut record);
                    Ok(Box::new(Line::Record(record)))
                }
                Ok(line) => Ok(Box::new(line)),
                Err(Unreadable::Damaged { .. }) if !bytes.ends_with(b"\n") => {
                    Err(Unreadable::CutOff { bytes: bytes.len() })
                }
                Err(error) => Err(error),
            },
        ));
    }
    (number, parsed)
}

/// What a line says, if its sum fits. A tagged line is parsed twice over, first to anything and
/// then to what its tag names: most lines are records, and their tag comes first.
fn line(text: &[u8], scratch: &mut Vec<u8>) -> Result<Line, Unreadable> {
    let (fields, end) = match sum::check(text) {
        Ok(Checked::Fits(fields)) => (fields, &b"}"[..]),
        Ok(Checked::Without(all)) => (all, &b""[..]),
        Err(Differs) => return Err(Unreadable::Altered),
    };
    if let Some(fields) = fields.strip_prefix(RECORD) {
        scratch.clear();
        scratch.push(b'{');
        scratch.extend_from_slice(fields);
        scratch.extend_from_slice(end);
        if let Ok(record) = serde_json::from_slice(scratch) {
            return Ok(Line::Record(Box::new(record)));
        }
    }
    // The sum is a field that nothing asks for.
    serde_json::from_slice(text).map_err(|e| Unreadable::Damaged { why: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, text).expect("written");
        let mut lines = Vec::new();
        let word = |line: Result<Box<Line>, Unreadable>| match line {
            Ok(line) => match *line {
                Line::Record(record) => format!("record {}", record.repeat),
                other => format!("{other:?}").chars().take(4).collect(),
            },
            Err(Unreadable::CutOff { bytes }) => format!("cut {bytes}"),
            Err(Unreadable::Altered) => "altered".into(),
            Err(Unreadable::Damaged { .. }) => "damaged".into(),
        };
        each(&path, |number, line| {
            lines.push((number, word(line)));
            Ok(())
        })
        .expect("it can be read");
        lines
    }

    fn a_record(repeat: u32, reason: &str) -> String {
        format!(
            "{{\"line\":\"record\",\"key\":{{\"cell\":\"c\",\"build\":\"b\",\"data\":\"d\",\"host\":\"h\"}},\"run\":\"r\",\"repeat\":{repeat},\
             \"started_ms\":1,\"process_s\":null,\"outcome\":{{\"is\":\"wrong\",\"reason\":\"{reason}\"}},\"measured\":null}}\n"
        )
    }

    #[test]
    fn lines_in_order_with_their_numbers() {
        let text =
            format!("{}\nnonsense\n{}{}", a_record(0, ""), a_record(1, ""), &a_record(2, "")[..50]);
        let expected = [(1, "record 0"), (3, "damaged"), (4, "record 1"), (5, "cut 50")];
        assert_eq!(
            read(text.as_bytes()),
            expected.map(|(number, word)| (number, word.to_string()))
        );
        assert_eq!(read(b""), []);
    }

    #[test]
    fn a_tag_in_another_place_is_read_too() {
        let usual = a_record(7, "");
        let fields = usual
            .trim_end()
            .strip_prefix("{\"line\":\"record\",")
            .and_then(|f| f.strip_suffix('}'))
            .expect("so it begins");
        assert_eq!(
            read(format!("{{{fields},\"line\":\"record\"}}\n").as_bytes()),
            [(1, "record 7".to_string())]
        );
    }

    #[test]
    fn a_line_that_does_not_fit_its_sum_says_nothing() {
        let record: serde_json::Value = serde_json::from_str(&a_record(7, "x")).expect("JSON");
        let mut text = Vec::new();
        sum::write(&record, &mut text).expect("JSON");
        assert_eq!(read(&text), [(1, "record 7".to_string())]);
        let altered = String::from_utf8(text.clone()).expect("text").replace("\"x\"", "\"y\"");
        assert_eq!(read(altered.as_bytes()), [(1, "altered".to_string())]);
        // The end of the line is missing too: a cut takes the sum first.
        assert_eq!(read(altered.trim_end().as_bytes()), [(1, "altered".to_string())]);
        assert_eq!(read(&text[..text.len() - 4]), [(1, format!("cut {}", text.len() - 4))]);
    }

    #[test]
    fn many_blocks_come_in_order() {
        let long = "x".repeat(3000);
        let count = (3 * BLOCK / 3000) as u32;
        let text: String = (0..count).map(|i| a_record(i, &long)).collect();
        let lines = read(text.as_bytes());
        assert_eq!(lines.len(), count as usize);
        assert!(
            lines.iter().enumerate().all(
                |(i, (number, word))| *number == i as u64 + 1 && *word == format!("record {i}")
            )
        );
    }

    #[test]
    fn whoever_has_enough_may_stop() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        // More blocks than can be under way: the reading thread must not wait for those who have
        // left.
        let long = "x".repeat(BLOCK / 4);
        let text: String = (0..(16 * THREADS) as u32).map(|i| a_record(i, &long)).collect();
        std::fs::write(&path, text).expect("written");
        let mut taken = 0;
        let stopped = each(&path, |number, _| {
            taken += 1;
            if number == 3 { Err(Error::internal("enough")) } else { Ok(()) }
        });
        assert!(stopped.is_err());
        assert_eq!(taken, 3);
    }
}

//! Writing: plain encoding, version 1 pages, without compression or by gzip.

use std::io::{self, Write};

use crate::encodings::{PLAIN, RLE};
use crate::footer::MAGIC;
use crate::page::DATA;
use crate::thrift::{Structure, put_varint};
use crate::types;

/// The values of a column that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Single precision; none is missing.
    Single,
    /// Double precision.
    Double,
    /// Whole numbers.
    Whole,
    /// Yes or no.
    Truth,
    /// UTF-8 texts.
    Text,
}

impl Kind {
    fn physical(self) -> i32 {
        let number = match self {
            Kind::Single => types::FLOAT,
            Kind::Double => types::DOUBLE,
            Kind::Whole => types::INT64,
            Kind::Truth => types::BOOLEAN,
            Kind::Text => types::BYTE_ARRAY,
        };
        number as i32
    }

    fn optional(self) -> bool {
        self != Kind::Single
    }
}

/// Values of one page; a missing one is `None`.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// Of a column of [`Kind::Single`].
    Single(&'a [f32]),
    /// Of a column of [`Kind::Double`].
    Double(&'a [Option<f64>]),
    /// Of a column of [`Kind::Whole`].
    Whole(&'a [Option<i64>]),
    /// Of a column of [`Kind::Truth`].
    Truth(&'a [Option<bool>]),
    /// Of a column of [`Kind::Text`].
    Text(&'a [Option<String>]),
}

impl Piece<'_> {
    fn len(&self) -> usize {
        match self {
            Piece::Single(values) => values.len(),
            Piece::Double(values) => values.len(),
            Piece::Whole(values) => values.len(),
            Piece::Truth(values) => values.len(),
            Piece::Text(values) => values.len(),
        }
    }

    /// The content of the page: which values are there, where any may be missing, and those.
    fn content(&self) -> Vec<u8> {
        let optional = |present: Vec<bool>, data: Vec<u8>| {
            let levels = levels(&present);
            [&(levels.len() as u32).to_le_bytes()[..], &levels, &data].concat()
        };
        match self {
            Piece::Single(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Piece::Double(values) => optional(
                values.iter().map(Option::is_some).collect(),
                values.iter().flatten().flat_map(|value| value.to_le_bytes()).collect(),
            ),
            Piece::Whole(values) => optional(
                values.iter().map(Option::is_some).collect(),
                values.iter().flatten().flat_map(|value| value.to_le_bytes()).collect(),
            ),
            Piece::Truth(values) => optional(
                values.iter().map(Option::is_some).collect(),
                bits(&values.iter().flatten().copied().collect::<Vec<bool>>()),
            ),
            Piece::Text(values) => {
                let mut data = Vec::new();
                for text in values.iter().flatten() {
                    data.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    data.extend_from_slice(text.as_bytes());
                }
                optional(values.iter().map(Option::is_some).collect(), data)
            }
        }
    }
}

/// Which values are there, as one run of packed bits.
fn levels(present: &[bool]) -> Vec<u8> {
    let mut levels = Vec::new();
    put_varint(&mut levels, (present.len().div_ceil(8) as u64) << 1 | 1);
    levels.extend(bits(present));
    levels
}

/// Truths as packed bits, the first in the lowest.
fn bits(truths: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| {
        bits.iter().enumerate().fold(0, |byte, (i, there)| byte | u8::from(*there) << i)
    };
    truths.chunks(8).map(byte).collect()
}

/// A file that is being written, in memory.
#[derive(Debug)]
pub struct Writer {
    columns: Vec<(String, Kind)>,
    gzip: bool,
    bytes: Vec<u8>,
    groups: Vec<Structure>,
    rows: usize,
}

impl Writer {
    /// A file with these columns, its pages compressed by gzip or not at all.
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Kind)>, gzip: bool) -> Writer {
        let columns = columns.into_iter().map(|(name, kind)| (name.to_string(), kind)).collect();
        Writer { columns, gzip, bytes: MAGIC.to_vec(), groups: Vec::new(), rows: 0 }
    }

    /// Adds a row group: the pages of each column, together equally many values, of its kind.
    pub fn row_group(&mut self, columns: &[Vec<Piece<'_>>]) -> io::Result<()> {
        let rows = columns.first().map_or(0, |pages| pages.iter().map(Piece::len).sum());
        let (mut chunks, mut plain) = (Vec::new(), 0);
        for (place, pages) in columns.iter().enumerate() {
            let (chunk, size) = self.chunk(place, pages)?;
            chunks.push(chunk);
            plain += size;
        }
        let mut group = Structure::default();
        group.structures(1, chunks);
        group.long(2, plain as i64);
        group.long(3, rows as i64);
        self.groups.push(group);
        self.rows += rows;
        Ok(())
    }

    /// Writes the pages of a column; returns what the footer says of them, and their bytes before
    /// compression.
    fn chunk(&mut self, place: usize, pages: &[Piece<'_>]) -> io::Result<(Structure, usize)> {
        let (offset, mut plain) = (self.bytes.len(), 0);
        for page in pages {
            let content = page.content();
            let packed = if self.gzip { Some(gzip(&content)?) } else { None };
            let body = packed.as_ref().unwrap_or(&content);
            let mut values = Structure::default();
            values.int(1, page.len() as i32);
            values.int(2, PLAIN as i32);
            values.int(3, RLE as i32);
            values.int(4, RLE as i32);
            let mut header = Structure::default();
            header.int(1, DATA as i32);
            header.int(2, content.len() as i32);
            header.int(3, body.len() as i32);
            header.structure(5, values);
            let header = header.end();
            plain += header.len() + content.len();
            self.bytes.extend_from_slice(&header);
            self.bytes.extend_from_slice(body);
        }
        let (name, kind) = &self.columns[place];
        let mut facts = Structure::default();
        facts.int(1, kind.physical());
        facts.ints(2, &[PLAIN as i32, RLE as i32]);
        facts.texts(3, &[name]);
        facts.int(4, if self.gzip { 2 } else { 0 });
        facts.long(5, pages.iter().map(Piece::len).sum::<usize>() as i64);
        facts.long(6, plain as i64);
        facts.long(7, (self.bytes.len() - offset) as i64);
        facts.long(9, offset as i64);
        let mut column = Structure::default();
        column.long(2, offset as i64);
        column.structure(3, facts);
        Ok((column, plain))
    }

    /// The bytes of the whole file; `by` is the program that wrote it.
    pub fn finish(self, by: &str) -> Vec<u8> {
        let Writer { columns, mut bytes, groups, rows, .. } = self;
        let mut footer = Structure::default();
        footer.int(1, 1);
        let mut root = Structure::default();
        root.text(4, "schema");
        root.int(5, columns.len() as i32);
        let columns = columns.iter().map(|(name, kind)| {
            let mut column = Structure::default();
            column.int(1, kind.physical());
            column.int(3, i32::from(kind.optional()));
            column.text(4, name);
            if *kind == Kind::Text {
                // That it is UTF-8.
                column.int(6, 0);
            }
            column
        });
        footer.structures(2, std::iter::once(root).chain(columns).collect());
        footer.long(3, rows as i64);
        footer.structures(4, groups);
        footer.text(6, by);
        let footer = footer.end();
        bytes.extend_from_slice(&footer);
        bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Convert, Fault, Footer, Holds, Number, Pages};
    use std::fs::File;

    /// Values as they are, a text as its length.
    struct Doubles;

    impl Convert for Doubles {
        type Out = f64;
        fn numbers(&mut self, number: Number, bytes: &[u8], out: &mut [f64]) {
            number.doubles(bytes, out);
        }
        fn text(&mut self, text: &[u8]) -> Option<f64> {
            Some(text.len() as f64)
        }
    }

    fn open(bytes: &[u8]) -> (File, Footer) {
        let path = std::env::temp_dir().join(format!("amdahl-parquet-{}", std::process::id()));
        std::fs::write(&path, bytes).expect("a temporary folder");
        let file = File::open(&path).expect("it was written");
        std::fs::remove_file(&path).expect("it was written");
        let footer = Footer::open(&file, bytes.len() as u64).expect("valid");
        (file, footer)
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(levels(&[true, false, true]), [3, 0b101]);
        let texts: Vec<_> = ["a", "", "long"].map(|text| Some(text.to_string())).into();
        for gzip in [false, true] {
            let columns =
                [("s", Kind::Single), ("d", Kind::Double), ("w", Kind::Whole), ("t", Kind::Text)];
            let mut writer = Writer::new(columns, gzip);
            writer
                .row_group(&[
                    vec![Piece::Single(&[1.5]), Piece::Single(&[]), Piece::Single(&[2.5, 3.5])],
                    vec![Piece::Double(&[Some(0.25); 3])],
                    vec![Piece::Whole(&[Some(-1), Some(i64::MAX), Some(7)])],
                    vec![Piece::Text(&texts)],
                ])
                .expect("in memory");
            writer
                .row_group(&[
                    vec![Piece::Single(&[4.5])],
                    vec![Piece::Double(&[Some(0.5)])],
                    vec![Piece::Whole(&[None])],
                    vec![Piece::Text(&texts[..1])],
                ])
                .expect("in memory");
            let (file, footer) = open(&writer.finish("a test"));
            assert_eq!((footer.rows(), footer.groups(), footer.group_of(3)), (4, 2, 1));
            let names: Vec<_> = footer.columns.iter().map(|column| &column.name[..]).collect();
            assert_eq!(names, ["s", "d", "w", "t"]);
            assert_eq!(footer.columns[3].holds, Holds::Texts);
            let read = |column: usize, group: usize, count: usize| {
                let start = footer.starts[group];
                let mut pages = Pages::new(
                    &file,
                    &footer.columns[column],
                    footer.chunk(group, column),
                    start,
                    1,
                );
                let mut values = vec![0.0; count];
                pages.fill(&mut Doubles, &mut values).map(|()| values)
            };
            assert_eq!(read(0, 0, 3).expect("with an empty page"), [1.5, 2.5, 3.5]);
            assert_eq!(read(1, 0, 3).expect("there"), [0.25; 3]);
            assert_eq!(read(2, 0, 3).expect("there"), [-1.0, i64::MAX as f64, 7.0]);
            assert_eq!(read(3, 0, 3).expect("there"), [1.0, 0.0, 4.0]);
            assert_eq!(read(0, 1, 1).expect("there"), [4.5]);
            let Err(Fault::Wrong { what, .. }) = read(2, 1, 1) else {
                panic!("a missing value is read")
            };
            assert_eq!(what, "row 4, column 'w': the value is missing (null)");
            let Err(Fault::Wrong { what, .. }) = read(0, 1, 2) else {
                panic!("a row too many is read")
            };
            assert!(what.contains("fewer values"), "{what}");
        }
    }

    #[test]
    fn the_size_that_a_page_claims_is_held_against_its_bytes() {
        let mut writer = Writer::new([("s", Kind::Single)], false);
        writer.row_group(&[vec![Piece::Single(&[1.0; 70])]]).expect("in memory");
        let bytes = writer.finish("a test");
        // The first page's header: its kind, then its size before and after compression, 280 bytes.
        let header = [0x15, 0, 0x15, 0xb0, 4, 0x15, 0xb0, 4];
        assert_eq!(bytes[4..12], header);
        for (claim, said) in [(&[0xb2, 4], "they are 280 bytes"), (&[0xb0, 0x44], "they are 280")] {
            let mut wrong = bytes.clone();
            wrong[7..9].copy_from_slice(claim);
            let (file, footer) = open(&wrong);
            let mut pages = Pages::new(&file, &footer.columns[0], footer.chunk(0, 0), 0, 1);
            let Err(Fault::Wrong { what, .. }) = pages.fill(&mut Doubles, &mut [0.0]) else {
                panic!("a page of another size is read")
            };
            assert!(what.contains(said), "{what}");
        }
    }
}

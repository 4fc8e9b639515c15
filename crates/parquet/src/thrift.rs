//! Thrift's compact protocol, as much of it as the footers and page headers of Parquet need.
//!
//! Specification: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.
//! Reading allocates nothing, and never depends on a length that the bytes only claim to have.

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// They end too early.
    End,
    /// They mean nothing.
    Wrong(&'static str),
}

/// The result of reading.
pub type Read<T> = std::result::Result<T, Damage>;

/// The type of a field or of the elements of a list, as it is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(u8);

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const I8: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// How deep structures that are passed over may be nested.
const DEEPEST: u32 = 32;

/// Reads bytes from their beginning.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins with the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.rest.split_first().ok_or(Damage::End)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, length: u64) -> Read<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| Damage::End)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Damage::End)?;
        self.rest = rest;
        Ok(taken)
    }

    /// An integer without sign: seven bits a byte, the low ones first.
    pub fn varint(&mut self) -> Read<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Damage::Wrong("an integer of more than 64 bits"))
    }

    /// An integer whose sign is in its lowest bit.
    pub fn zigzag(&mut self) -> Read<i64> {
        let coded = self.varint()?;
        Ok((coded >> 1) as i64 ^ -((coded & 1) as i64))
    }

    /// Reads a structure: `field` gets each field's number and type, and says whether it has read its value.
    pub fn structure(
        &mut self,
        mut field: impl FnMut(&mut Self, i16, Kind) -> Read<bool>,
    ) -> Read<()> {
        let mut number = 0i16;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                return Ok(());
            }
            number = match i16::from(byte >> 4) {
                0 => i16::try_from(self.zigzag()?)
                    .map_err(|_| Damage::Wrong("the number of a field"))?,
                step => number.checked_add(step).ok_or(Damage::Wrong("the number of a field"))?,
            };
            let kind = Kind(byte & 15);
            if !field(self, number, kind)? {
                self.pass(kind, true, DEEPEST)?;
            }
        }
    }

    /// Reads a list; `element` reads one of its elements.
    pub fn list(
        &mut self,
        kind: Kind,
        mut element: impl FnMut(&mut Self, Kind) -> Read<()>,
    ) -> Read<()> {
        if kind.0 != LIST {
            return Err(Damage::Wrong("no list where one is expected"));
        }
        let (count, kind) = self.list_start()?;
        for _ in 0..count {
            element(self, kind)?;
        }
        Ok(())
    }

    fn list_start(&mut self) -> Read<(u64, Kind)> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        // An element has at least one byte.
        if count > self.rest.len() as u64 {
            return Err(Damage::End);
        }
        Ok((count, Kind(byte & 15)))
    }

    /// An integer of any width.
    pub fn integer(&mut self, kind: Kind) -> Read<i64> {
        match kind.0 {
            I8 => Ok(i64::from(self.byte()? as i8)),
            I16..=I64 => self.zigzag(),
            _ => Err(Damage::Wrong("no integer where one is expected")),
        }
    }

    /// A truth value of a field.
    pub fn boolean(&mut self, kind: Kind) -> Read<bool> {
        match kind.0 {
            TRUE => Ok(true),
            FALSE => Ok(false),
            _ => Err(Damage::Wrong("no truth value where one is expected")),
        }
    }

    /// Bytes or a text.
    pub fn bytes(&mut self, kind: Kind) -> Read<&'a [u8]> {
        if kind.0 != BINARY {
            return Err(Damage::Wrong("no text where one is expected"));
        }
        let length = self.varint()?;
        self.take(length)
    }

    /// Is it a structure? Else that is what is wrong.
    pub fn expect_structure(kind: Kind) -> Read<()> {
        if kind.0 == STRUCT {
            Ok(())
        } else {
            Err(Damage::Wrong("no structure where one is expected"))
        }
    }

    /// Passes over a value. A truth value has no byte of its own as a field, and one as an element.
    fn pass(&mut self, kind: Kind, field: bool, deepest: u32) -> Read<()> {
        let deeper =
            deepest.checked_sub(1).ok_or(Damage::Wrong("structures that are nested too deeply"))?;
        match kind.0 {
            TRUE | FALSE if field => Ok(()),
            TRUE | FALSE | I8 => self.byte().map(drop),
            I16..=I64 => self.varint().map(drop),
            DOUBLE => self.take(8).map(drop),
            UUID => self.take(16).map(drop),
            BINARY => {
                let length = self.varint()?;
                self.take(length).map(drop)
            }
            LIST | SET => {
                let (count, kind) = self.list_start()?;
                (0..count).try_for_each(|_| self.pass(kind, false, deeper))
            }
            MAP => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.pass(Kind(kinds >> 4), false, deeper)?;
                    self.pass(Kind(kinds & 15), false, deeper)
                })
            }
            STRUCT => loop {
                let byte = self.byte()?;
                if byte == 0 {
                    return Ok(());
                }
                if byte >> 4 == 0 {
                    self.varint()?;
                }
                self.pass(Kind(byte & 15), true, deeper)?;
            },
            _ => Err(Damage::Wrong("a type that the protocol does not have")),
        }
    }
}

/// A structure that is being written, its fields in rising order of their numbers, none more than
/// 15 apart.
#[derive(Debug, Default)]
pub struct Structure {
    bytes: Vec<u8>,
    last: u8,
}

impl Structure {
    fn field(&mut self, number: u8, kind: u8) {
        self.bytes.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    fn put_text(&mut self, text: &str) {
        put_varint(&mut self.bytes, text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn list(&mut self, number: u8, kind: u8, count: usize) {
        self.field(number, LIST);
        if count < 15 {
            self.bytes.push((count as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            put_varint(&mut self.bytes, count as u64);
        }
    }

    /// Adds an integer of 32 bits.
    pub fn int(&mut self, number: u8, value: i32) {
        self.field(number, I32);
        put_zigzag(&mut self.bytes, i64::from(value));
    }

    /// Adds an integer of 64 bits.
    pub fn long(&mut self, number: u8, value: i64) {
        self.field(number, I64);
        put_zigzag(&mut self.bytes, value);
    }

    /// Adds a text.
    pub fn text(&mut self, number: u8, text: &str) {
        self.field(number, BINARY);
        self.put_text(text);
    }

    /// Adds a list of integers of 32 bits.
    pub fn ints(&mut self, number: u8, values: &[i32]) {
        self.list(number, I32, values.len());
        values.iter().for_each(|value| put_zigzag(&mut self.bytes, i64::from(*value)));
    }

    /// Adds a list of texts.
    pub fn texts(&mut self, number: u8, texts: &[&str]) {
        self.list(number, BINARY, texts.len());
        texts.iter().for_each(|text| self.put_text(text));
    }

    /// Adds a structure.
    pub fn structure(&mut self, number: u8, inner: Structure) {
        self.field(number, STRUCT);
        self.bytes.extend(inner.end());
    }

    /// Adds a list of structures.
    pub fn structures(&mut self, number: u8, inner: Vec<Structure>) {
        self.list(number, STRUCT, inner.len());
        inner.into_iter().for_each(|structure| self.bytes.extend(structure.end()));
    }

    /// Its bytes.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

/// Appends an integer without sign: seven bits a byte, the low ones first.
pub fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn put_zigzag(bytes: &mut Vec<u8>, value: i64) {
    put_varint(bytes, (value << 1 ^ value >> 63) as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let read = |bytes: &[u8]| Reader::new(bytes).zigzag();
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[1]), Ok(-1));
        assert_eq!(read(&[0xd8, 0x04]), Ok(300));
        assert_eq!(read(&[0xff; 9]), Err(Damage::End));
        assert_eq!(read(&[0xff; 11]), Err(Damage::Wrong("an integer of more than 64 bits")));
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(read(&most), Ok(i64::MIN));
    }

    #[test]
    fn structures_and_what_is_passed_over() {
        // 1: i32 = 5; 2: true; 4: "ab"; 5: list of two structures; 20: map {1: 2}; then the end.
        let bytes = [
            0x15, 10, 0x11, 0x28, 2, b'a', b'b', 0x19, 0x2c, 0x15, 2, 0, 0, 0x0b, 40, 1, 0x55, 2,
            4, 0, 99,
        ];
        let mut all = Reader::new(&bytes);
        all.structure(|_, _, _| Ok(false)).expect("passes over all");
        assert_eq!(all.rest(), [99]);
        let mut seen = Vec::new();
        let mut reader = Reader::new(&bytes);
        let read = reader.structure(|r, number, kind| {
            seen.push(number);
            match number {
                1 => assert_eq!(r.integer(kind), Ok(5)),
                2 => assert_eq!(r.boolean(kind), Ok(true)),
                4 => assert_eq!(r.bytes(kind), Ok(&b"ab"[..])),
                _ => return Ok(false),
            }
            Ok(true)
        });
        assert_eq!((read, &seen[..]), (Ok(()), &[1, 2, 4, 5, 20][..]));
        for length in 0..bytes.len() - 1 {
            assert_eq!(
                Reader::new(&bytes[..length]).structure(|_, _, _| Ok(false)),
                Err(Damage::End),
                "{length}"
            );
        }
    }

    #[test]
    fn claims_cost_nothing() {
        // A list of 2^60 structures, and a structure in a structure in …
        let list = [0x19, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
        assert_eq!(Reader::new(&list).structure(|_, _, _| Ok(false)), Err(Damage::End));
        let deep = [0x1c; 100_000];
        let error = Reader::new(&deep).structure(|_, _, _| Ok(false)).expect_err("too deep");
        assert_eq!(error, Damage::Wrong("structures that are nested too deeply"));
    }

    #[test]
    fn written_structures_are_read_back() {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 0x02]);
        let mut fields = Structure::default();
        fields.int(1, -1);
        fields.text(4, "ab");
        assert_eq!(fields.end(), [0x15, 1, 0x38, 2, b'a', b'b', 0]);

        let mut long = Structure::default();
        long.long(1, i64::MIN);
        long.ints(2, &[7; 20]);
        long.texts(3, &["x", ""]);
        let mut inner = Structure::default();
        inner.int(9, 5);
        long.structure(5, inner);
        long.structures(6, vec![Structure::default(), Structure::default()]);
        let bytes = long.end();
        let (mut sum, mut texts, mut structures) = (0, 0, 0);
        let mut reader = Reader::new(&bytes);
        let read = reader.structure(|r, number, kind| {
            match number {
                1 => assert_eq!(r.integer(kind), Ok(i64::MIN)),
                2 => r.list(kind, |r, kind| {
                    sum += r.integer(kind)?;
                    Ok(())
                })?,
                3 => r.list(kind, |r, kind| {
                    texts += r.bytes(kind)?.len();
                    Ok(())
                })?,
                5 => r.structure(|r, _, kind| Ok(r.integer(kind)? == 5))?,
                6 => r.list(kind, |r, kind| {
                    structures += 1;
                    Reader::expect_structure(kind)?;
                    r.structure(|_, _, _| Ok(false))
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        });
        assert_eq!((read, sum, texts, structures), (Ok(()), 140, 1, 2));
        assert!(reader.rest().is_empty());
    }
}

//! The part of FlatBuffers that Arrow's metadata needs: tables, vectors and texts, each access held
//! against the bytes that are there. <https://flatbuffers.dev/internals/>

/// What is wrong with metadata.
pub type Damage = &'static str;

/// The result of a look at metadata.
pub type Read<T> = Result<T, Damage>;

const CUT: Damage = "it points beyond its end";

/// The `N` bytes at `at`.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Read<[u8; N]> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(CUT)
}

/// The place that the offset at `at` leads to.
fn follow(bytes: &[u8], at: usize) -> Read<usize> {
    let offset = u32::from_le_bytes(array(bytes, at)?) as usize;
    at.checked_add(offset).filter(|&place| place < bytes.len()).ok_or(CUT)
}

/// A table: fields by their numbers, each of which may be absent.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the places of the fields are, and the bytes of that list.
    fields: usize,
    length: usize,
}

/// A number of a table's field or of a vector's.
pub trait Scalar: Sized {
    /// Reads it at a place.
    fn read(bytes: &[u8], at: usize) -> Read<Self>;
}

macro_rules! scalars {
    ($($type:ty),*) => {$(
        impl Scalar for $type {
            fn read(bytes: &[u8], at: usize) -> Read<$type> {
                Ok(<$type>::from_le_bytes(array(bytes, at)?))
            }
        }
    )*};
}
scalars!(u8, i8, i16, i32, i64);

impl<'a> Table<'a> {
    /// The table that the bytes begin with.
    pub fn root(bytes: &'a [u8]) -> Read<Table<'a>> {
        Table::new(bytes, follow(bytes, 0)?)
    }

    fn new(bytes: &'a [u8], at: usize) -> Read<Table<'a>> {
        let back = i32::from_le_bytes(array(bytes, at)?);
        let fields = (at as i64).checked_sub(back.into()).and_then(|at| usize::try_from(at).ok());
        let fields = fields.ok_or(CUT)?;
        let length = usize::from(u16::from_le_bytes(array(bytes, fields)?));
        Ok(Table { bytes, at, fields, length })
    }

    /// Where a field is.
    fn field(&self, number: usize) -> Read<Option<usize>> {
        // The list begins with its own length and the table's.
        let entry = 4 + 2 * number;
        if entry + 2 > self.length {
            return Ok(None);
        }
        let offset = usize::from(u16::from_le_bytes(array(self.bytes, self.fields + entry)?));
        Ok((offset > 0).then_some(self.at + offset))
    }

    /// A number, or `absent` where the field is.
    pub fn number<T: Scalar>(&self, number: usize, absent: T) -> Read<T> {
        self.field(number)?.map_or(Ok(absent), |at| T::read(self.bytes, at))
    }

    /// Another table.
    pub fn table(&self, number: usize) -> Read<Option<Table<'a>>> {
        let Some(at) = self.field(number)? else { return Ok(None) };
        Table::new(self.bytes, follow(self.bytes, at)?).map(Some)
    }

    /// A vector of elements of `width` bytes; empty where the field is absent.
    pub fn vector(&self, number: usize, width: usize) -> Read<Vector<'a>> {
        let Some(at) = self.field(number)? else {
            return Ok(Vector { bytes: &[], first: 0, length: 0, width });
        };
        let at = follow(self.bytes, at)?;
        let length = u32::from_le_bytes(array(self.bytes, at)?) as usize;
        let first = at + 4;
        let is_there =
            length.checked_mul(width).is_some_and(|size| size <= self.bytes.len() - first);
        if !is_there {
            return Err(CUT);
        }
        Ok(Vector { bytes: self.bytes, first, length, width })
    }

    /// A text; empty where the field is absent.
    pub fn text(&self, number: usize) -> Read<&'a [u8]> {
        let text = self.vector(number, 1)?;
        Ok(&text.bytes[text.first..text.first + text.length])
    }
}

/// Elements of one width.
#[derive(Clone, Copy)]
pub struct Vector<'a> {
    bytes: &'a [u8],
    first: usize,
    /// Their number.
    pub length: usize,
    width: usize,
}

impl<'a> Vector<'a> {
    /// The table that element `place` leads to.
    pub fn table(&self, place: usize) -> Read<Table<'a>> {
        Table::new(self.bytes, follow(self.bytes, self.first + place * self.width)?)
    }

    /// A number at byte `offset` of element `place`.
    pub fn number<T: Scalar>(&self, place: usize, offset: usize) -> Read<T> {
        if place >= self.length {
            return Err("it has fewer nodes or buffers than its fields need");
        }
        T::read(self.bytes, self.first + place * self.width + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of two fields: a number (-7), and the text "ab"; of a third that is absent.
    fn made() -> Vec<u8> {
        let mut bytes = vec![16, 0, 0, 0, 0, 0];
        // The list: its bytes, the table's, then where the fields are.
        bytes.extend([10, 0, 12, 0, 4, 0, 8, 0, 0, 0]);
        // The table at 16: back to the list at 6; the number; the text's offset.
        bytes.extend([10, 0, 0, 0, 0xf9, 0xff, 0xff, 0xff, 4, 0, 0, 0]);
        bytes.extend([2, 0, 0, 0, b'a', b'b']);
        bytes
    }

    #[test]
    fn tables_by_hand() {
        let bytes = made();
        let table = Table::root(&bytes).expect("a table");
        assert_eq!(
            (table.number(0, 0i32), table.text(1), table.number(2, 5i64)),
            (Ok(-7), Ok(&b"ab"[..]), Ok(5))
        );
        assert_eq!(table.vector(9, 4).map(|vector| vector.length), Ok(0));
        let letters = table.vector(1, 1).expect("two");
        assert_eq!(
            (letters.number::<u8>(1, 0), letters.number::<u8>(2, 0).is_err()),
            (Ok(b'b'), true)
        );
        assert!(table.vector(1, 2).is_err(), "two of two bytes do not fit");
    }

    #[test]
    fn damage_is_an_error() {
        let bytes = made();
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let text = Table::root(cut).and_then(|table| table.text(1).map(<[u8]>::len));
            assert!(text.is_err(), "{length} bytes");
        }
        for (place, byte) in [(0, 255), (16, 255), (19, 0x80), (28, 200)] {
            let mut bytes = bytes.clone();
            bytes[place] = byte;
            assert!(Table::root(&bytes).and_then(|table| table.text(1).map(<[u8]>::len)).is_err());
        }
    }
}

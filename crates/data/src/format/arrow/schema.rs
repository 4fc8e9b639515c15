//! The schema of an Arrow file: its columns, and how each is stored.
//!
//! Definitions: <https://github.com/apache/arrow/blob/main/format/Schema.fbs>.

use amdahl_parquet::Number;

use super::flat::{Read, Table};
use crate::element::{Element, Order};
use crate::format::table::{Held, Typed};
use crate::value::Value;

/// Fields in each other are looked at so deep.
const DEEPEST: usize = 64;

/// What the schema says.
pub struct Schema {
    /// The columns.
    pub fields: Vec<Field>,
    /// What pandas noted about its table, as JSON.
    pub pandas: Option<String>,
}

/// A column, or what lies in one.
pub struct Field {
    name: String,
    /// How it is stored.
    pub kind: Kind,
    /// What lies in it.
    pub children: Vec<Field>,
}

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number of fixed width for each row.
    Numbers(Stored),
    /// Days or times, in words.
    Moments(Stored, &'static str),
    /// Lists, whose first values are counted by integers of so many bytes.
    Lists(usize),
    /// Lists of this length.
    Fixed(usize),
    /// Texts, whose first bytes are counted by integers of so many bytes.
    Texts(usize),
    /// Texts of which the short ones lie in their table of 16 bytes each, the long ones elsewhere.
    Views,
    /// Places in the dictionary with this number; what lies in the column is how its values are stored.
    Dictionary {
        /// Its number.
        id: i64,
        /// How the places are stored.
        places: Stored,
    },
    /// What is not read, in words: so many buffers, and those of its children.
    Other(&'static str, usize),
}

/// A number as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A bit.
    Bit,
    /// A number with a type of its own.
    Plain(Element),
    /// A decimal.
    Decimal(Number),
}

impl Stored {
    /// Where value `place` begins, in bytes, and how many bytes `count` values from there on touch.
    pub fn span(self, place: u64, count: usize) -> (u64, usize) {
        match self {
            Stored::Bit => (place / 8, ((place % 8) as usize + count).div_ceil(8)),
            Stored::Plain(element) => (place * element.width() as u64, count * element.width()),
            Stored::Decimal(number) => (place * number.width() as u64, count * number.width()),
        }
    }

    /// Converts the values in the bytes of [`Stored::span`].
    pub fn convert<T: Value>(self, place: u64, bytes: &[u8], out: &mut [T]) {
        match self {
            Stored::Bit => {
                let first = (place % 8) as usize;
                for (bit, out) in (first..).zip(out) {
                    *out = T::from(f32::from(bytes[bit / 8] >> (bit % 8) & 1));
                }
            }
            Stored::Plain(element) => T::convert(element, Order::Little, bytes, out),
            Stored::Decimal(number) => T::column(number, bytes, out),
        }
    }
}

impl Field {
    /// The column to whoever chooses some.
    pub fn typed(&self) -> Typed {
        let is_vector = || matches!(self.children[..], [Field { kind: Kind::Numbers(_), .. }]);
        let held = match self.kind {
            Kind::Numbers(_) => Held::Numbers,
            Kind::Moments(_, what) => Held::Moments(what),
            Kind::Texts(_) | Kind::Views | Kind::Dictionary { .. } => Held::Texts,
            Kind::Lists(_) | Kind::Fixed(_) if is_vector() => Held::Vectors,
            Kind::Lists(_) | Kind::Fixed(_) => Held::Other("nested values"),
            Kind::Other(what, _) => Held::Other(what),
        };
        Typed { name: self.name.clone(), held }
    }

    /// The places of a column in its dictionary, as a column.
    pub fn of_places(&self, places: Stored) -> Field {
        Field { name: self.name.clone(), kind: Kind::Numbers(places), children: Vec::new() }
    }

    /// How the numbers of the column, or of its lists, are stored.
    pub fn stored(&self) -> Option<Stored> {
        match (self.kind, &self.children[..]) {
            (Kind::Numbers(stored) | Kind::Moments(stored, _), _) => Some(stored),
            (Kind::Lists(_) | Kind::Fixed(_), [values]) => values.stored(),
            _ => None,
        }
    }
}

impl Schema {
    /// Reads the table `Schema`, which is part of `size` bytes.
    pub fn read(table: Table<'_>, size: usize) -> Read<Schema> {
        if table.number(0, 0i16)? != 0 {
            return Err("its numbers have their most significant byte first");
        }
        let mut budget = size;
        let fields = fields(table, 1, DEEPEST, &mut budget)?;
        if fields.is_empty() {
            return Err("it has no columns");
        }
        let notes = table.vector(2, 4)?;
        let mut pandas = None;
        for place in 0..notes.length {
            let note = notes.table(place)?;
            if note.text(0)? == b"pandas" {
                pandas = Some(String::from_utf8_lossy(note.text(1)?).into_owned());
                break;
            }
        }
        Ok(Schema { fields, pandas })
    }
}

/// The fields in vector `number` of a table. The same bytes may be pointed at more than once: all fields
/// together are no larger than the metadata.
fn fields(table: Table<'_>, number: usize, depth: usize, budget: &mut usize) -> Read<Vec<Field>> {
    let list = table.vector(number, 4)?;
    if list.length > 0 && depth == 0 {
        return Err("its columns are nested too deep");
    }
    let mut fields = Vec::new();
    for place in 0..list.length {
        let field = list.table(place)?;
        let name = field.text(0)?;
        // A field takes that much at least.
        *budget =
            budget.checked_sub(16 + name.len()).ok_or("its fields are more than its bytes")?;
        let name = String::from_utf8_lossy(name).into_owned();
        let (mut kind, mut children) = (kind(field)?, self::fields(field, 5, depth - 1, budget)?);
        if let Some(dictionary) = field.table(4)? {
            let places = match dictionary.table(1)? {
                None => Stored::Plain(Element::I32),
                Some(integer) => integers(integer)?.ok_or("places of an unknown width")?,
            };
            children = vec![Field { name: name.clone(), kind, children }];
            kind = Kind::Dictionary { id: dictionary.number(0, 0i64)?, places };
        }
        fields.push(Field { name, kind, children });
    }
    Ok(fields)
}

/// How integers are stored, by the table `Int`.
fn integers(table: Table<'_>) -> Read<Option<Stored>> {
    let element = match (table.number(0, 0i32)?, table.number(1, 0u8)? != 0) {
        (8, true) => Element::I8,
        (8, false) => Element::U8,
        (16, true) => Element::I16,
        (16, false) => Element::U16,
        (32, true) => Element::I32,
        (32, false) => Element::U32,
        (64, true) => Element::I64,
        (64, false) => Element::U64,
        _ => return Ok(None),
    };
    Ok(Some(Stored::Plain(element)))
}

/// The kind of a field, by the number of its type in the union `Type`.
fn kind(field: Table<'_>) -> Read<Kind> {
    let number = field.number(2, 0u8)?;
    let kind = field.table(3)?.ok_or("a column has no type")?;
    let plain = |element| Kind::Numbers(Stored::Plain(element));
    let long = |what| Kind::Moments(Stored::Plain(Element::I64), what);
    Ok(match number {
        1 => Kind::Other("nothing but missing values", 0),
        2 => integers(kind)?.map_or(Kind::Other("integers of an unknown width", 2), Kind::Numbers),
        3 => plain(match kind.number(0, 0i16)? {
            0 => Element::F16,
            1 => Element::F32,
            _ => Element::F64,
        }),
        4 => Kind::Other("bytes", 3),
        5 => Kind::Texts(4),
        6 => Kind::Numbers(Stored::Bit),
        7 => match (kind.number(1, 0i32)?, kind.number(2, 128i32)?) {
            (scale @ 0..=38, width @ (32 | 64 | 128)) => {
                let (width, scale) = ((width / 8) as u8, scale as u8);
                Kind::Numbers(Stored::Decimal(Number::Decimal { width, big: false, scale }))
            }
            _ => Kind::Other("decimals of more than 38 digits", 2),
        },
        8 if kind.number(0, 1i16)? == 0 => Kind::Moments(Stored::Plain(Element::I32), "dates"),
        8 => long("dates"),
        9 if kind.number(1, 32i32)? == 32 => Kind::Moments(Stored::Plain(Element::I32), "times"),
        9 | 10 => long("times"),
        11 => Kind::Other("intervals of a calendar", 2),
        12 => Kind::Lists(4),
        13 => Kind::Other("nested values", 1),
        // Sparse ones have types, dense ones offsets too.
        14 => Kind::Other("nested values", 1 + usize::from(kind.number(0, 0i16)? == 1)),
        15 => Kind::Other("bytes", 2),
        16 => {
            let length = usize::try_from(kind.number(0, 0i32)?);
            Kind::Fixed(length.map_err(|_| "lists of less than no values")?)
        }
        17 => Kind::Other("nested values", 2),
        18 => plain(Element::I64),
        19 => Kind::Other("bytes", 3),
        20 => Kind::Texts(8),
        21 => Kind::Lists(8),
        22 => Kind::Other("runs of equal values", 0),
        23 => Kind::Other("bytes", BUFFERS_OF_VIEWS),
        24 => Kind::Views,
        25 | 26 => Kind::Other("nested values", 3),
        _ => return Err("a column has a type that this program does not know"),
    })
}

/// Stands for two buffers and those that the batch counts.
pub const BUFFERS_OF_VIEWS: usize = usize::MAX;

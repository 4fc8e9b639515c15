//! NPY, the format of `numpy.save`: a magic number, a version, a header that is a Python
//! dictionary, then the array.
//!
//! Versions 1 to 3; integers of 8 to 64 bits and floats of 16 to 64 in either byte order, in C or
//! Fortran order. The first axis counts the rows, the others are flattened into columns. Specification:
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.
//!
//! NPY cannot name bfloat16. NumPy writes an array of `ml_dtypes.bfloat16` with the descriptor `<V2`
//! (and reads it back as two bytes without a meaning); two bytes without a meaning it writes as
//! `|V2`. The other types of `ml_dtypes` have one byte, so `<V2` is read as bfloat16.

use super::contract::{Format, Likeness, no_labels_inside};
use crate::element::{Element, Order};
use crate::input::Input;
use crate::layout::Layout;
use crate::packed;
use amdahl_record::error::Result;

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "npy",
    about: "an array saved by NumPy",
    endings: &[".npy"],
    has_datasets: false,
    sniff: |input| if input.head().starts_with(MAGIC) { Likeness::Sure } else { Likeness::No },
    shape: |input| Ok(Some(layout(input)?.shape)),
    open: |input, labels| {
        no_labels_inside(&input, "npy", labels)?;
        let layout = layout(&input)?;
        Ok(packed::open(input, layout))
    },
    select: None,
    labels: |input| packed::labels(input, layout(input)?),
};

const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read: NumPy itself stops at 10 000 bytes unless told otherwise.
const LONGEST_HEADER: u64 = 1 << 20;

fn layout(input: &Input) -> Result<Layout> {
    let mut content = input.content()?;
    let mut start = [0; 12];
    let got = content.fill(&mut start[..8])?;
    if !start[..got].starts_with(MAGIC) {
        let hex =
            |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        let message = format!(
            "wrong magic number: expected {}, got {}",
            hex(MAGIC),
            hex(&start[..got.min(6)])
        );
        return Err(input.refuse(message).hint("this is not a file of numpy.save"));
    }
    let truncated = |wanted, got| {
        input
            .refuse(format!("the header needs {wanted} bytes, the file has {got}: it is truncated"))
    };
    if got < 8 {
        return Err(truncated(10, got as u64));
    }
    let field = match start[6] {
        1 => 2,
        2 | 3 => 4,
        other => {
            return Err(input.refuse(format!(
                "NPY version {other}.{} is unknown, expected 1, 2 or 3",
                start[7]
            )));
        }
    };
    if content.fill(&mut start[8..8 + field])? < field {
        return Err(truncated(8 + field as u64, content.position()));
    }
    // The two high bytes are 0 in version 1.
    let length = u64::from(u32::from_le_bytes([start[8], start[9], start[10], start[11]]));
    let offset = content.position() + length;
    if length > LONGEST_HEADER {
        return Err(
            input.refuse(format!("a header of {length} bytes, at most {LONGEST_HEADER} are read"))
        );
    }
    if offset > input.longest() {
        return Err(truncated(offset, input.longest()));
    }
    let mut text = vec![0; length as usize];
    if content.fill(&mut text)? < text.len() {
        return Err(truncated(offset, content.position()));
    }
    let text = String::from_utf8_lossy(&text);
    let header = Parser { rest: &text }.header().map_err(|what| {
        let shown: String = text.trim_end().chars().take(200).collect();
        input.refuse(format!("the header is no NPY header: {what} in {shown:?}"))
    })?;
    let (element, order) = element(&header.descr).ok_or_else(|| {
        input
            .refuse(format!(
                "values of the type '{}', expected integers or floats of a fixed size",
                header.descr
            ))
            .hint("convert them: numpy.save(path, array.astype('<f4'))")
    })?;
    let layout = Layout::new(input, element, order, offset, &header.shape)?;
    // Of one axis there is one order.
    Ok(match header.fortran_order && header.shape.len() > 1 {
        true => layout.by_columns(&header.shape),
        false => layout,
    })
}

/// The element that a NumPy type string means.
fn element(descr: &str) -> Option<(Element, Order)> {
    let (order, kind) = match descr.split_at_checked(1)? {
        ("<", kind) => (Order::Little, kind),
        (">", kind) => (Order::Big, kind),
        ("|", kind @ ("u1" | "i1")) => (Order::Little, kind),
        _ => return None,
    };
    let element = match kind {
        "u1" => Element::U8,
        "i1" => Element::I8,
        "u2" => Element::U16,
        "i2" => Element::I16,
        "u4" => Element::U32,
        "i4" => Element::I32,
        "u8" => Element::U64,
        "i8" => Element::I64,
        "f2" => Element::F16,
        "f4" => Element::F32,
        "f8" => Element::F64,
        "V2" => Element::BF16,
        _ => return None,
    };
    Some((element, order))
}

/// What the dictionary says.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// Reads the dictionary, which is a Python literal with three keys in any order.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn header(mut self) -> Result<Header, String> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        self.expect("{")?;
        while !self.accept("}") {
            let key = self.text()?;
            self.expect(":")?;
            match key {
                "descr" => descr = Some(self.text()?.to_string()),
                "fortran_order" => fortran_order = Some(self.boolean()?),
                "shape" => shape = Some(self.tuple()?),
                other => return Err(format!("unknown key '{other}'")),
            }
            if !self.accept(",") {
                self.expect("}")?;
                break;
            }
        }
        if !self.rest.trim_start().is_empty() {
            return Err("text after the dictionary".into());
        }
        let missing = |key: &str| format!("no key '{key}'");
        Ok(Header {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }

    fn accept(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.accept(token) { Ok(()) } else { Err(format!("no '{token}' where one is expected")) }
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let quote = if self.accept("'") {
            '\''
        } else if self.accept("\"") {
            '"'
        } else {
            return Err(
                "no text in quotes where one is expected (structured types are not read)".into()
            );
        };
        let (text, rest) = self.rest.split_once(quote).ok_or("a quote that is not closed")?;
        self.rest = rest;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        if self.accept("False") {
            Ok(false)
        } else if self.accept("True") {
            Ok(true)
        } else {
            Err("neither True nor False for fortran_order".into())
        }
    }

    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        let mut extents = Vec::new();
        self.expect("(")?;
        while !self.accept(")") {
            self.rest = self.rest.trim_start();
            let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(digits);
            extents
                .push(number.parse().map_err(|_| format!("'{number}' is no extent of a shape"))?);
            // Python 2 wrote long integers with an L.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.accept(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(extents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, String> {
        Parser { rest: text }.header()
    }

    #[test]
    fn headers_as_numpy_writes_them() {
        let header =
            parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }          \n")
                .expect("numpy's");
        assert_eq!(header, Header { descr: "<f4".into(), fortran_order: false, shape: vec![3, 4] });
        assert_eq!(
            parse("{\"shape\":(5L,),\"descr\":'|u1','fortran_order':True}").expect("valid").shape,
            [5]
        );
        assert_eq!(
            parse("{'descr': '<f8', 'fortran_order': False, 'shape': ()}").expect("valid").shape,
            [0u64; 0]
        );
    }

    #[test]
    fn headers_that_are_wrong() {
        for (text, what) in [
            ("", "no '{'"),
            ("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,)}", "structured"),
            ("{'descr': '<f4', 'shape': (3,)}", "no key 'fortran_order'"),
            ("{'descr': '<f4', 'fortran_order': 1, 'shape': (3,)}", "neither True nor False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}", "no extent"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                "no extent",
            ),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}", "no ')'"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x", "text after"),
            ("{'descr': '<f4", "not closed"),
            ("{'extra': 'x'}", "unknown key"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn types_of_elements() {
        assert_eq!(element("<f8"), Some((Element::F64, Order::Little)));
        assert_eq!(element(">i4"), Some((Element::I32, Order::Big)));
        assert_eq!(element("|u1"), Some((Element::U8, Order::Little)));
        assert_eq!(element("<V2"), Some((Element::BF16, Order::Little)));
        for wrong in ["", "f", "|f4", "|V2", "<V1", "<c8", "|S5", "<M8[ns]", "é"] {
            assert_eq!(element(wrong), None, "{wrong}");
        }
    }
}

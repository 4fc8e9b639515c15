//! IDX, the format of MNIST: two zero bytes, the type of the elements, the number of dimensions,
//! each extent as a big-endian u32, then the elements, big-endian. The first dimension counts the
//! rows, the others are flattened into columns.
//!
//! Described by its authors on <http://yann.lecun.com/exdb/mnist/>. Types: 08 u8, 09 i8, 0B i16, 0C
//! i32, 0D f32, 0E f64.

use super::contract::{Format, Likeness, no_labels_inside};
use crate::element::{Element, Order};
use crate::input::Input;
use crate::layout::Layout;
use crate::packed;
use amdahl_record::error::Result;

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "idx",
    about: "the format of MNIST",
    endings: &[".idx", "-ubyte", ".idx1", ".idx2", ".idx3"],
    has_datasets: false,
    sniff,
    shape: |input| Ok(Some(layout(input)?.shape)),
    open: |input, labels| {
        no_labels_inside(&input, "idx", labels)?;
        let layout = layout(&input)?;
        Ok(packed::open(input, layout))
    },
    select: None,
    labels: |input| packed::labels(input, layout(input)?),
};

/// Text never begins with zero bytes, but a row count of the Liao format may begin like the magic
/// number: sure only when the size fits.
fn sniff(input: &Input) -> Likeness {
    match input.head() {
        [0, 0, kind, 1..=8, ..] if element(*kind).is_some() => {
            if layout(input).is_ok() {
                Likeness::Sure
            } else {
                Likeness::Perhaps
            }
        }
        _ => Likeness::No,
    }
}

fn element(kind: u8) -> Option<Element> {
    Some(match kind {
        0x08 => Element::U8,
        0x09 => Element::I8,
        0x0b => Element::I16,
        0x0c => Element::I32,
        0x0d => Element::F32,
        0x0e => Element::F64,
        _ => return None,
    })
}

fn layout(input: &Input) -> Result<Layout> {
    // At most 255 dimensions: the header is in the head.
    let head = input.head();
    let [0, 0, kind, dimensions, rest @ ..] = head else {
        let got = head.iter().take(4).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        let message =
            format!("wrong magic number: expected 00 00, a type and the dimensions, got {got}");
        return Err(input.refuse(message).hint("this is not an IDX file"));
    };
    let element = element(*kind).ok_or_else(|| {
        input.refuse(format!(
            "wrong magic number: elements of the type {kind:02x}, expected 08, 09, 0b, 0c, 0d or 0e"
        ))
    })?;
    let offset = 4 + 4 * u64::from(*dimensions);
    let extents: Vec<_> = rest
        .as_chunks()
        .0
        .iter()
        .take((*dimensions).into())
        .map(|e| u32::from_be_bytes(*e).into())
        .collect();
    if extents.len() < usize::from(*dimensions) {
        let has = head.len();
        let message = format!(
            "the header says {dimensions} dimensions = {offset} bytes, the file has {has}: it is truncated"
        );
        return Err(input.refuse(message));
    }
    Layout::new(input, element, Order::Big, offset, &extents)
}

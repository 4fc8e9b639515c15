//! The binaries of the billion-scale nearest-neighbour benchmarks: the number of rows and of columns
//! as u32, then the rows, all little-endian; the file's ending says of which type.
//!
//! H. V. Simhadri et al., *Results of the NeurIPS'21 challenge on billion-scale approximate nearest
//! neighbor search*, PMLR 176 (2022). There is no magic number, and a `.fbin` looks like a file of
//! the format `liao` (for less than 2^31 rows it is one), so only the name or `format` tells.

use super::contract::{Format, Likeness, no_labels_inside};
use crate::element::{Element, Order};
use crate::input::Input;
use crate::layout::Layout;
use crate::packed;
use amdahl_record::error::Result;

/// Values of f32.
pub const FBIN: Format =
    format::<0>(NAMES[0], "u32 rows, u32 columns, then f32 values, little-endian", &[".fbin"]);

/// Values of 8 bits without sign.
pub const U8BIN: Format =
    format::<1>(NAMES[1], "u32 rows, u32 columns, then values of 8 bits without sign", &[".u8bin"]);

/// Values of 8 bits.
pub const I8BIN: Format =
    format::<2>(NAMES[2], "u32 rows, u32 columns, then values of 8 bits", &[".i8bin"]);

/// Their names in manifests.
const NAMES: [&str; 3] = ["fbin", "u8bin", "i8bin"];

/// Types of values.
const ELEMENTS: [Element; 3] = [Element::F32, Element::U8, Element::I8];

const fn format<const E: usize>(
    name: &'static str,
    about: &'static str,
    endings: &'static [&'static str],
) -> Format {
    Format {
        name,
        about,
        endings,
        has_datasets: false,
        sniff: |_| Likeness::No,
        shape: |input| Ok(Some(layout::<E>(input)?.shape)),
        open: |input, labels| {
            no_labels_inside(&input, NAMES[E], labels)?;
            let layout = layout::<E>(&input)?;
            Ok(packed::open(input, layout))
        },
        select: None,
        labels: |input| packed::labels(input, layout::<E>(input)?),
    }
}

fn layout<const E: usize>(input: &Input) -> Result<Layout> {
    let [rows, columns, ..] = input.head().as_chunks().0 else {
        return Err(input.refuse(format!(
            "the header needs 8 bytes, the file has {}: it is truncated",
            input.head().len()
        )));
    };
    let extents = [u32::from_le_bytes(*rows).into(), u32::from_le_bytes(*columns).into()];
    Layout::new(input, ELEMENTS[E], Order::Little, 8, &extents)
}

//! The binary of Wei-keng Liao's parallel k-means: the number of rows and of columns as i32, then
//! the rows as f32, all little-endian.
//!
//! It has no magic number: a file is taken for one when its size is exactly what its first eight
//! bytes say.

use super::contract::{Format, Likeness, no_labels_inside};
use crate::element::{Element, Order};
use crate::input::Input;
use crate::layout::Layout;
use crate::packed;
use amdahl_record::error::Result;

/// The registry's line.
pub const FORMAT: Format = Format {
    name: "liao",
    about: "i32 rows, i32 columns, then f32 values, little-endian",
    endings: &[".bin"],
    has_datasets: false,
    sniff: |input| match layout(input) {
        // A compressed file's size is not known: not even text can be told apart.
        Ok(_) if !input.compressed() => Likeness::Perhaps,
        _ => Likeness::No,
    },
    shape: |input| Ok(Some(layout(input)?.shape)),
    open: |input, labels| {
        no_labels_inside(&input, "liao", labels)?;
        let layout = layout(&input)?;
        Ok(packed::open(input, layout))
    },
    select: None,
    labels: |input| packed::labels(input, layout(input)?),
};

fn layout(input: &Input) -> Result<Layout> {
    let numbers = input.head().as_chunks().0;
    let [rows, columns, ..] = numbers else {
        return Err(input.refuse(format!(
            "the header needs 8 bytes, the file has {}: it is truncated",
            input.head().len()
        )));
    };
    let (rows, columns) = (i32::from_le_bytes(*rows), i32::from_le_bytes(*columns));
    let positive = |n: i32| u64::try_from(n).ok().filter(|&n| n > 0);
    let (Some(n), Some(d)) = (positive(rows), positive(columns)) else {
        return Err(input
            .refuse(format!(
                "the header says {rows} rows of {columns} columns, both are at least 1"
            ))
            .hint("the format 'liao' begins with two little-endian i32"));
    };
    Layout::new(input, Element::F32, Order::Little, 8, &[n, d])
}

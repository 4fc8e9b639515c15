//! File formats. A new one is a file here and a line in [`FORMATS`].
//!
//! Which format a file has is decided by the name that the user gives; else by content that only
//! one format can have (its magic number, with a size that fits); else by the file's name; else by
//! content that looks right. Compression by gzip is seen from the content and may wrap any format.

pub mod arrow;
pub mod big_ann;
mod contract;
pub mod csv;
pub mod hdf5;
pub mod idx;
pub mod liao;
pub mod libsvm;
pub mod matrix_market;
pub mod npy;
pub mod parquet;
mod table;
pub mod vecs;

use amdahl_record::error::{Error, Kind, Result};

pub use contract::{Format, Likeness, Select};

use crate::input::Input;
use crate::suggest::suggest;

/// Every format. Where several look right, the first wins.
pub const FORMATS: &[Format] = &[
    npy::FORMAT,
    parquet::FORMAT,
    arrow::FORMAT,
    hdf5::FORMAT,
    liao::FORMAT,
    idx::FORMAT,
    vecs::FVECS,
    vecs::BVECS,
    vecs::IVECS,
    big_ann::FBIN,
    big_ann::U8BIN,
    big_ann::I8BIN,
    matrix_market::FORMAT,
    libsvm::FORMAT,
    csv::FORMAT,
];

/// The format of a file: the one called `name`, or the one that it looks like.
pub fn choose(input: &Input, name: Option<&str>) -> Result<&'static Format> {
    if let Some(name) = name {
        return by_name(name);
    }
    let like = |least| FORMATS.iter().find(|format| (format.sniff)(input) >= least);
    let file = input.name();
    let named =
        || FORMATS.iter().find(|format| format.endings.iter().any(|ending| file.ends_with(ending)));
    like(Likeness::Sure).or_else(named).or_else(|| like(Likeness::Perhaps)).ok_or_else(|| {
        let start =
            input.head().iter().take(8).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        input
            .refuse(format!(
                "the format is not recognised: the content begins with the bytes {start}"
            ))
            .hint(format!(
                "name it: {}",
                FORMATS
                    .iter()
                    .map(|f| format!("'{}' ({})", f.name, f.about))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))
    })
}

/// The format with this name.
pub fn by_name(name: &str) -> Result<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
        let known: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        let error = Error::new(
            Kind::Data,
            format!("unknown data format '{name}', expected one of {}", known.join(", ")),
        );
        suggest(error, name, known)
    })
}

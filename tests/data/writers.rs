//! Files as the packages write them that people have: what each package's own reader sees is what is
//! read here. `make writers` installs the packages; without them these tests say so and pass.
//! `AMDAHL_WRITERS` names the Python that has them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use amdahl_data as data;
use amdahl_data::select::Selection;
use amdahl_record::cell::{Dataset, Labels};
use amdahl_testing::lacks;
use serde::Deserialize;

/// A file, or a folder of them, and what is expected of it.
#[derive(Deserialize)]
struct Made {
    writer: String,
    setting: String,
    file: PathBuf,
    #[serde(default)]
    rows: u64,
    #[serde(default)]
    dims: usize,
    /// The rows in f64, little-endian.
    values: Option<PathBuf>,
    columns: Option<String>,
    labels: Option<String>,
    dataset: Option<String>,
    /// Words of the refusal.
    refused: Option<String>,
}

/// The Python that has the writers; `None`, and a line that says so, where there is none.
fn python(test: &str) -> Option<PathBuf> {
    let target =
        Path::new(env!("CARGO_BIN_EXE_amdahl")).ancestors().nth(2).expect("a target folder");
    let named = std::env::var_os("AMDAHL_WRITERS").map(PathBuf::from);
    let python = named.unwrap_or_else(|| target.join("writers/bin/python"));
    if python.is_file() {
        return Some(python);
    }
    let why = format!("{} is missing (make writers, or AMDAHL_WRITERS=PYTHON)", python.display());
    lacks("WRITERS", test, why);
    None
}

/// Reads a file and compares it with what its writer's own reader sees.
fn compare(made: &Made, folder: &Path, is_text: bool) -> Result<(), String> {
    let labels = made.labels.as_ref().map_or(Labels::None, |name| Labels::Column(name.clone()));
    let set = Dataset::File {
        path: folder.join(&made.file),
        format: None,
        labels,
        dataset: made.dataset.clone(),
        sample: None,
    };
    let columns = made.columns.as_deref().map(|list| Selection::parse(list).expect("a list"));
    let selection = Selection { columns, ..Selection::default() };
    let read = || {
        let source = data::open_selected(&set, &selection)?;
        let shape = source.shape();
        let (mut narrow, mut wide) = (Vec::new(), Vec::new());
        let (mut stream, mut again) = (source.rows(0..shape.rows)?, source.rows(0..shape.rows)?);
        let (mut row, mut row_again) = (vec![0f32; 7 * shape.dims], vec![0f64; 7 * shape.dims]);
        loop {
            let got = stream.read(&mut row)?;
            if again.read_wide(&mut row_again)? != got || got == 0 {
                break;
            }
            narrow.extend_from_slice(&row[..got * shape.dims]);
            wide.extend_from_slice(&row_again[..got * shape.dims]);
        }
        let truth = source.truth(0..shape.rows)?;
        Ok((shape, narrow, wide, truth))
    };
    let (shape, narrow, wide, truth) =
        read().map_err(|error: amdahl_record::error::Error| error.to_string())?;
    if (shape.rows, shape.dims) != (made.rows, made.dims) {
        let wanted = (made.rows, made.dims);
        return Err(format!("WRONG: {} x {}, not {wanted:?}", shape.rows, shape.dims));
    }
    if truth.is_some() != made.labels.is_some() {
        return Err("WRONG: labels".into());
    }
    let bytes = std::fs::read(folder.join(made.values.as_ref().expect("expected values")));
    let bytes = bytes.expect("beside the files");
    let expected = bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
    for (place, (expected, (narrow, wide))) in expected.zip(narrow.iter().zip(&wide)).enumerate() {
        // Decimals and texts are rounded once here, and by way of f64 there.
        // Text near 0 is held as f32.
        let near = is_text && *wide == f64::from(*narrow)
            || (wide - expected).abs() <= 4e-16 * expected.abs();
        let near_too = (f64::from(*narrow) - expected).abs() <= 6e-8 * expected.abs() + 1e-45;
        if !(near && near_too) {
            let (row, column) = (place / made.dims + 1, place % made.dims + 1);
            return Err(format!(
                "WRONG: row {row}, column {column}: {wide} and {narrow}, not {expected}"
            ));
        }
    }
    Ok(())
}

/// Reads all files of a family. `most` may be refused that their writers read.
fn family(name: &str, most: usize) {
    let Some(python) = python(&format!("data::writers::{name}")) else { return };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/writers/make.py");
    let ran = Command::new(python).arg(script).arg(folder).arg(name).output().expect("it starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let index = std::fs::read(folder.join("index.json")).expect("it was written");
    let all: Vec<Made> = serde_json::from_slice(&index).expect("an index");
    let (mut faults, mut files) = (Vec::new(), BTreeMap::new());
    for made in &all {
        let read = compare(made, folder, name == "text");
        let what = match (&made.refused, read) {
            (None, Ok(())) => None,
            (None, Err(what)) => Some(what),
            (Some(words), Err(what)) if what.contains(words) => None,
            (Some(words), read) => Some(format!("WRONG: expected '{words}', not {read:?}")),
        };
        let is_read = files.entry(&made.file).or_insert(made.refused.is_none());
        *is_read &= what.is_none();
        faults.extend(what.map(|what| format!("{}, {}: {what}", made.writer, made.setting)));
    }
    let read = files.values().filter(|read| **read).count();
    let refused = files.len() - read;
    eprintln!(
        "{name}: {} files, {read} read as their writers read them, {refused} refused",
        files.len()
    );
    faults.iter().for_each(|fault| eprintln!("  {fault}"));
    let wrong = faults.iter().filter(|fault| fault.contains("WRONG")).count();
    assert_eq!(wrong, 0, "files are read wrongly");
    assert!(faults.len() <= most, "{} are refused that should be read", faults.len());
}

#[test]
fn parquet() {
    family("parquet", 0);
}

#[test]
fn arrow() {
    family("arrow", 0);
}

#[test]
fn arrays() {
    family("arrays", 0);
}

#[test]
fn text() {
    family("text", 0);
}

//! From a data set, as a cell names it, to rows.

use std::path::{Path, PathBuf};

use crate::catalogue::{self, Folders};
use crate::format::{self, Format};
use crate::input::Input;
use crate::joined::{self, Joined};
use crate::labelled::WithLabels;
use crate::rows::{Shape, Source};
use crate::sample::{self, Sampled};
use crate::select::{Selected, Selection};
use crate::stamp::Stamp;
use crate::synthetic::{self, Mixture};
use amdahl_record::cell;
use amdahl_record::cell::{Dataset, Labels, Sample};
use amdahl_record::error::{Error, Result};

/// What makes a data set the same data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// 16 hexadecimal digits: a hash of the bytes of the files and of how they are read, or of the
    /// recipe of synthetic rows. The same bytes under another path have the same digest.
    pub digest: String,
    /// Rows and columns, where they are known without reading the rows: not for text outside the
    /// catalogue.
    pub shape: Option<Shape>,
    /// The state of its files when they were read: as long as it is the same, so is the digest.
    /// Empty for synthetic rows.
    pub stamps: Vec<Stamp>,
}

/// How often files that change under the reader's eyes are read again.
const TRIES: u32 = 3;

/// Opens a data set. Text is read as a whole here, so only one lane should open it; of anything
/// else only the header is read.
pub fn open(dataset: &Dataset) -> Result<Box<dyn Source>> {
    open_selected(dataset, &Selection::default())
}

/// Opens some columns of a data set.
pub fn open_selected(dataset: &Dataset, selection: &Selection) -> Result<Box<dyn Source>> {
    let reading = match look_up(dataset)? {
        Found::Recipe(mixture) if selection.is_all() => return Ok(Box::new(mixture)),
        Found::Recipe(mixture) => {
            return Ok(Box::new(Selected::new(Box::new(mixture), selection)?));
        }
        Found::Files(reading) => reading,
    };
    let Reading { path, inputs, format, labels, sample, .. } = reading;
    let mut parts = Vec::new();
    for input in inputs {
        parts.push((input.path().to_path_buf(), open_file(input, format, &labels, selection)?));
    }
    let mut source = match (parts.pop(), parts.is_empty()) {
        (Some((_, only)), true) => only,
        (last, _) if matches!(labels, Labels::None | Labels::File(_)) => {
            parts.extend(last);
            Box::new(Joined::new(parts)?)
        }
        _ => {
            return Err(Error::data("labels in a column of several files are not read")
                .at(path, 0, 0)
                .hint("give the labels of all rows as a file of their own"));
        }
    };
    if let Labels::File(path) = &labels {
        source = Box::new(WithLabels::new(source, path)?);
    }
    Ok(match sample {
        Some(sample) => Box::new(Sampled::new(source, sample)?),
        None => source,
    })
}

/// Opens some columns of a file, with the labels that are in it.
fn open_file(
    input: Input,
    format: &Format,
    labels: &Labels,
    selection: &Selection,
) -> Result<Box<dyn Source>> {
    let path = input.path().to_path_buf();
    match format.select {
        _ if selection.is_all() => (format.open)(input, labels),
        Some(select) => select(input, labels, selection),
        None => {
            let all = (format.open)(input, labels)?;
            Ok(Box::new(Selected::new(all, selection).map_err(|error| error.at(path, 0, 0))?))
        }
    }
}

/// What makes the data set the same data set. Reads the bytes of its files once in a process, and
/// no rows; what is wrong with a header or with the size of a sample is found here already.
pub fn identify(dataset: &Dataset) -> Result<Identity> {
    let reading = match look_up(dataset)? {
        Found::Recipe(mixture) => {
            let digest = cell::short_hash(
                cell::canonical(&("synthetic", synthetic::VERSION, dataset)).as_bytes(),
            );
            return Ok(Identity { digest, shape: Some(mixture.shape()), stamps: Vec::new() });
        }
        Found::Files(reading) => reading,
    };
    for _ in 0..TRIES {
        let before = reading.stamps()?;
        let (digest, shape) = digest(&reading)?;
        if reading.stamps()? == before {
            return Ok(Identity { digest, shape, stamps: before });
        }
    }
    Err(Error::data("the file changes while it is read")
        .at(reading.path, 0, 0)
        .hint("run it again when nothing writes to it any more"))
}

/// The digest and the shape of what the files hold now.
fn digest(reading: &Reading) -> Result<(String, Option<Shape>)> {
    let of = |input: &Input| {
        let bytes = catalogue::sha256(input.path())?;
        Ok(input.dataset().map_or(bytes.clone(), |name| format!("{bytes} {name}")))
    };
    let rows = match &reading.inputs[..] {
        [only] => of(only)?,
        parts => parts.iter().map(of).collect::<Result<Vec<_>>>()?.join(" "),
    };
    let labels = match &reading.labels {
        Labels::None => "none".to_string(),
        Labels::LastColumn => "last column".into(),
        Labels::Column(name) => format!("column {name}"),
        Labels::File(path) => format!("file {}", catalogue::sha256(path)?),
    };
    let recipe = ("files", reading.format.name, rows, labels, reading.sample);
    let shape = match reading.shape {
        None => shape(reading)?,
        known => known,
    };
    if let (Some(shape), Some(sample)) = (shape, reading.sample) {
        sample::check(shape.rows, sample)?;
    }
    let rows = reading.sample.map(|sample| sample.points);
    let shape = shape.map(|shape| Shape { rows: rows.unwrap_or(shape.rows), ..shape });
    Ok((cell::short_hash(cell::canonical(&recipe).as_bytes()), shape))
}

/// The rows and columns that the headers say; `None` where one of them does not.
fn shape(reading: &Reading) -> Result<Option<Shape>> {
    let mut all: Option<Shape> = None;
    for input in &reading.inputs {
        let Some(shape) = (reading.format.shape)(input)? else { return Ok(None) };
        let before = all.map_or(0, |all| all.rows);
        let Some(rows) = before.checked_add(shape.rows) else { return Ok(None) };
        all = Some(Shape { rows, ..shape });
    }
    Ok(all)
}

/// What a data set's name stands for.
enum Found {
    Recipe(Mixture),
    Files(Reading),
}

/// Which files, and how they are read.
struct Reading {
    /// A file, or a folder of them.
    path: PathBuf,
    /// The file, or those in the folder: at least one.
    inputs: Vec<Input>,
    format: &'static Format,
    labels: Labels,
    sample: Option<Sample>,
    /// Where the catalogue says it.
    shape: Option<Shape>,
}

impl Reading {
    /// The state of the files.
    fn stamps(&self) -> Result<Vec<Stamp>> {
        let labels = match &self.labels {
            Labels::File(path) => Some(path.as_path()),
            _ => None,
        };
        let of = |path: &Path| Stamp::of(path).map_err(|e| Error::io("read", path, e));
        // A folder is another one when files come to it or go.
        let folder = self.path.is_dir().then_some(&*self.path);
        self.inputs.iter().map(Input::path).chain(folder).chain(labels).map(of).collect()
    }
}

fn look_up(dataset: &Dataset) -> Result<Found> {
    match dataset {
        Dataset::Synthetic { shape, points, dims, clusters, seed } => {
            Ok(Found::Recipe(Mixture::new(*shape, *points, *dims, *clusters, *seed)?))
        }
        Dataset::Catalogue { name, sample } => {
            let set = catalogue::set(name)?;
            let mut found = look_up(&set.dataset(&Folders::from_env(), *sample)?)?;
            if let Found::Files(reading) = &mut found {
                reading.shape = Some(Shape { rows: set.rows, dims: set.dims });
            }
            Ok(found)
        }
        Dataset::File { path, format, dataset, labels, sample } => {
            let mut inputs: Vec<Input> = match path.is_dir() {
                true => joined::parts(path)?.iter().map(|part| Input::open(part)).collect(),
                false => Input::open(path).map(|input| vec![input]),
            }?;
            let format = format::choose(&inputs[0], format.as_deref())?;
            if let Some(dataset) = dataset {
                if !format.has_datasets {
                    let name = format.name;
                    let what = format!(
                        "a data set '{dataset}' is named, files of the format '{name}' hold one"
                    );
                    return Err(inputs[0].refuse(what));
                }
                inputs.iter_mut().for_each(|input| input.choose(dataset));
            }
            Ok(Found::Files(Reading {
                path: path.clone(),
                inputs,
                format,
                labels: labels.clone(),
                sample: *sample,
                shape: None,
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amdahl_record::cell::Synthetic;

    fn recipe(seed: u64) -> Dataset {
        Dataset::Synthetic { shape: Synthetic::Mixture, points: 10, dims: 3, clusters: 2, seed }
    }

    fn file(path: PathBuf, labels: Labels, points: Option<u64>) -> Dataset {
        Dataset::File {
            path,
            format: None,
            labels,
            dataset: None,
            sample: points.map(|points| Sample { points, seed: 1 }),
        }
    }

    #[test]
    fn a_recipe_is_its_identity() {
        let identity = identify(&recipe(1)).expect("valid");
        assert_eq!(identity, identify(&recipe(1)).expect("valid"));
        assert_ne!(identity.digest, identify(&recipe(2)).expect("valid").digest);
        assert_eq!(identity.digest.len(), 16);
        assert_eq!(identity.shape, Some(Shape { rows: 10, dims: 3 }));
        assert_eq!(open(&recipe(1)).expect("valid").shape(), Shape { rows: 10, dims: 3 });
    }

    #[test]
    fn a_file_is_its_bytes_and_how_they_are_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("written");
            path
        };
        let digest = |dataset: &Dataset| identify(dataset).expect("readable").digest;
        let (a, b) = (write("a.csv", b"1,2\n3,4\n5,6\n"), write("b.csv", b"1,2\n3,4\n5,6\n"));
        let plain = digest(&file(a.clone(), Labels::None, None));
        assert_eq!(plain, digest(&file(b, Labels::None, None)), "not the path");
        let others = [
            file(a.clone(), Labels::LastColumn, None),
            file(a.clone(), Labels::None, Some(2)),
            file(a.clone(), Labels::File(write("l.csv", b"0\n1\n1\n")), None),
            file(a.clone(), Labels::File(write("m.csv", b"0\n1\n0\n")), None),
            file(write("c.csv", b"1,2\n3,4\n5,7\n"), Labels::None, None),
        ];
        let mut digests: Vec<_> = others.iter().map(digest).collect();
        digests.push(plain.clone());
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 6);
        let shape = open(&others[1]).expect("two of three").shape();
        assert_eq!(shape, Shape { rows: 2, dims: 2 });
        std::fs::write(&a, b"1,2\n3,4\n5,6\n7,8\n").expect("written");
        assert_ne!(digest(&file(a, Labels::None, None)), plain, "a changed file is read again");
    }
}

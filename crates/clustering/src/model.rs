//! A fitted model: centroids, how columns are scaled, and how it was found.
//!
//! On disk a model is two files: `NAME.json` says everything but the centroids, which lie beside it
//! in `NAME.npy` (k × columns, f32 or f64, in the units in which distances are measured: less the offsets
//! and scaled, where columns are). The JSON holds the SHA-256 of the NPY and a checksum of itself,
//! so a file that was damaged, or that belongs to another, is noticed. Numbers survive the round
//! trip bit by bit.
//!
//! A model that takes the place of another does so by one rename, that of the JSON. Before it the
//! new centroids have a name of their own content, `NAME.DIGITS.npy`, and the old model is whole;
//! after it they are found under that name as long as they do not have their usual one.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::precision::{Computed, Precision};
use crate::scaling::{Scale, Scaling};
use amdahl_data::write;
use amdahl_kmeans::engine::Reason;
use amdahl_record::cell::{canonical, hex};
use amdahl_record::error::{Error, Result};
use amdahl_record::io::atomic::Pending;
use amdahl_record::io::regular;

/// The word that a model's JSON begins with.
const FORMAT: &str = "amdahl-kmeans";

/// Version of the model's format. A change that old programs would misread is a new version.
pub const VERSION: u32 = 1;

/// The largest JSON that is read: a million columns have some 50 MB.
const LONGEST: u64 = 1 << 28;

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// k × columns, row-major, all finite; less the offsets, scaled where columns are. Values of the
    /// precision.
    pub centroids: Vec<f64>,
    /// What rows are made of where distances to the centroids are computed.
    pub precision: Precision,
    /// Number of columns.
    pub dims: usize,
    /// What is taken off each column before it is rounded, of data that lies far from 0;
    /// empty where nothing is.
    pub offsets: Vec<f64>,
    /// How columns are scaled before distances are measured.
    pub scaling: Scaling,
    /// Names of the columns, where the data had any.
    pub columns: Option<Vec<String>>,
    /// How it was found.
    pub found: Found,
}

/// How a model was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// The program and its version.
    pub program: String,
    /// The algorithm.
    pub algorithm: String,
    /// Where the initial centroids came from.
    pub init: String,
    /// The seed, of which the starts' seeds are made.
    pub seed: u64,
    /// Number of starts.
    pub starts: u32,
    /// The start whose centroids these are, from 0.
    pub start: u32,
    /// Iterations of that start, the confirming one included.
    pub iterations: u32,
    /// Why it ended.
    pub ended: Ended,
    /// The limit of iterations.
    pub max_iterations: u32,
    /// The tolerance: a squared shift of at most this times the mean variance of the columns ends a
    /// start.
    pub tolerance: f64,
    /// Σ of (weighted) squared distances of the rows to their centroids, in scaled units where
    /// columns are scaled.
    pub inertia: f64,
    /// Rows of the data.
    pub rows: u64,
    /// Rows of each cluster.
    pub sizes: Vec<u64>,
    /// Sum of the weights; null where rows were not weighted.
    pub weight: Option<f64>,
}

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// No label changed.
    NoLabelChanged,
    /// The centroids moved by no more than the tolerance.
    WithinTolerance,
    /// The limit of iterations was reached first.
    MaxIterations,
}

impl Ended {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Ended::NoLabelChanged => "converged: no label changed",
            Ended::WithinTolerance => "converged: the centroids moved by less than the tolerance",
            Ended::MaxIterations => "not converged: the limit of iterations was reached",
        }
    }
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Ended {
        match reason {
            Reason::Unchanged => Ended::NoLabelChanged,
            Reason::Shift => Ended::WithinTolerance,
            Reason::Iterations => Ended::MaxIterations,
        }
    }
}

/// The JSON file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    version: u32,
    k: u64,
    dims: u64,
    centroids: WireCentroids,
    columns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Precision::is_usual")]
    precision: Precision,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    offsets: Vec<f64>,
    scaling: WireScaling,
    found: Found,
    /// Of this file's canonical form with an empty checksum.
    checksum: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCentroids {
    file: String,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireScaling {
    kind: Scale,
    offset: Vec<f64>,
    divisor: Vec<f64>,
}

impl Wire {
    fn checksum(&mut self) -> String {
        self.checksum.clear();
        hex(&Sha256::digest(canonical(self).as_bytes()))
    }
}

impl Model {
    /// Number of clusters.
    pub fn k(&self) -> usize {
        self.centroids.len() / self.dims.max(1)
    }

    /// Centroid `j` in the units of the data.
    pub fn centroid(&self, j: usize) -> Vec<f64> {
        let mut row = self.scaling.undo(&self.centroids[j * self.dims..][..self.dims]);
        row.iter_mut().zip(&self.offsets).for_each(|(x, offset)| *x += offset);
        row
    }

    /// Writes the model to `path` and the file beside it. Both are whole or not there.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.files(path)?.commit()
    }

    /// Both files under other names.
    pub(crate) fn files(&self, path: &Path) -> Result<Files> {
        let beside = beside(path)?;
        // Known before the old model is touched: is it a folder?
        drop(Pending::create(&beside)?);
        let centroids = match self.precision {
            Precision::F32 => write::matrix_bytes(&f32::of(&self.centroids), self.dims),
            Precision::F64 => write::matrix_bytes(&self.centroids, self.dims),
        };
        let mut wire = Wire {
            format: FORMAT.into(),
            version: VERSION,
            k: self.k() as u64,
            dims: self.dims as u64,
            centroids: WireCentroids {
                file: beside.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                sha256: hex(&Sha256::digest(&centroids)),
            },
            columns: self.columns.clone(),
            precision: self.precision,
            offsets: self.offsets.clone(),
            scaling: WireScaling {
                kind: self.scaling.kind,
                offset: self.scaling.offset.clone(),
                divisor: self.scaling.divisor.clone(),
            },
            found: self.found.clone(),
            checksum: String::new(),
        };
        wire.checksum = wire.checksum();
        let waiting = waiting(path, &wire.centroids.sha256)
            .ok_or_else(|| Error::internal("a digest of centroids is no name"))?;
        let json = pending(path, &written(&wire)?)?;
        Ok(Files { centroids: pending(&waiting, &centroids)?, waiting, json, beside })
    }

    /// Reads a model and checks that it is whole.
    pub fn load(path: &Path) -> Result<Model> {
        let refuse = |message: String| Error::data(message).at(path, 0, 0);
        let wire = read_wire(path)?;
        let (Ok(k), Ok(dims)) = (usize::try_from(wire.k), usize::try_from(wire.dims)) else {
            return Err(refuse(format!("a model of {} x {} centroids", wire.k, wire.dims)));
        };
        if Path::new(&wire.centroids.file)
            .file_name()
            .is_none_or(|name| name != wire.centroids.file.as_str())
        {
            return Err(refuse(format!(
                "the centroids' file is '{}', expected a name without a folder",
                wire.centroids.file
            )));
        }
        let scaled = usize::from(wire.scaling.kind != Scale::None) * dims;
        let WireScaling { kind, offset, divisor } = wire.scaling;
        if offset.len() != scaled
            || divisor.len() != scaled
            || wire.columns.as_ref().is_some_and(|c| c.len() != dims)
        {
            return Err(refuse(format!(
                "the scaling or the names of columns are not those of {dims} columns"
            )));
        }
        let offsets = wire.offsets;
        if !(offsets.is_empty() || offsets.len() == dims) {
            return Err(refuse(format!("{} offsets for {dims} columns", offsets.len())));
        }
        if !offset.iter().chain(&offsets).all(|x| x.is_finite())
            || !divisor.iter().all(|&x| x.is_finite() && x > 0.0)
        {
            return Err(refuse("the scaling has values that no data has".into()));
        }
        let precision = wire.precision;
        let of = (precision, k, dims);
        let centroids = read_centroids(path, &wire.centroids, of)?;
        let scaling = Scaling { kind, offset, divisor };
        Ok(Model {
            centroids,
            precision,
            dims,
            offsets,
            scaling,
            columns: wire.columns,
            found: wire.found,
        })
    }
}

/// The files of a model, whole, on their way to their names.
pub(crate) struct Files {
    centroids: Pending,
    /// The name of their content, which the centroids have first.
    waiting: PathBuf,
    json: Pending,
    beside: PathBuf,
}

impl Files {
    /// Gives them their names. Ended at any moment, this leaves the old model or the new one.
    pub(crate) fn commit(self) -> Result<()> {
        let Files { centroids, waiting, json, beside } = self;
        centroids.commit()?;
        if let Err(error) = json.commit() {
            let _ = std::fs::remove_file(&waiting); // it would mean nothing
            return Err(error);
        }
        // A link stays one: what it leads to is replaced.
        let target = std::fs::canonicalize(&beside).unwrap_or_else(|_| beside.clone());
        std::fs::rename(&waiting, target).map_err(|e| Error::io("write", &beside, e))
    }
}

/// The name of their content, under which centroids wait for their usual one.
fn waiting(path: &Path, sha256: &str) -> Option<PathBuf> {
    /// Longer names of models are left out.
    const LONGEST: usize = 200;
    // A file may say anything.
    let digits = sha256.get(..16).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some(match path.file_stem()?.len() <= LONGEST {
        true => path.with_extension(format!("{digits}.npy")),
        false => path.with_file_name(format!("{digits}.npy")),
    })
}

/// Is the file a model, as some version of this program wrote it?
pub(crate) fn is_model(path: &Path) -> bool {
    read_wire(path).is_ok()
}

/// The file of the centroids, as the model `path` names it.
pub(crate) fn centroids_of(path: &Path) -> Option<PathBuf> {
    read_wire(path).ok().map(|wire| path.with_file_name(wire.centroids.file))
}

/// Is the file `beside` the one of the model `path`, or was about to be replaced by it?
pub(crate) fn is_of_model(path: &Path, beside: &Path) -> bool {
    let Ok(WireCentroids { file, sha256 }) = read_wire(path).map(|wire| wire.centroids) else {
        return false;
    };
    let has =
        |file: &Path| regular::read(file).is_ok_and(|bytes| hex(&Sha256::digest(&bytes)) == sha256);
    beside.file_name().is_some_and(|name| name == file.as_str())
        && (has(beside) || waiting(path, &sha256).is_some_and(|waiting| has(&waiting)))
}

/// The file of the centroids of the model `path`.
pub(crate) fn beside(path: &Path) -> Result<PathBuf> {
    let beside = path.with_extension("npy");
    // The JSON names the other file.
    if beside.file_name().is_some_and(|name| name.to_str().is_none()) {
        return Err(Error::usage(format!("the name of the model {} is not UTF-8", path.display()))
            .hint("--model names another file"));
    }
    if beside == path || path.file_name().is_none() {
        return Err(Error::usage(format!("a model cannot be written to '{}'", path.display()))
            .hint("name a file that ends in .json; the centroids go beside it, into one that ends in .npy"));
    }
    Ok(beside)
}

fn read_wire(path: &Path) -> Result<Wire> {
    #[derive(Deserialize)]
    struct Head {
        format: Option<String>,
        version: Option<u32>,
    }
    let refuse = |message: String| Error::data(message).at(path, 0, 0);
    let hint = "a model is what 'amdahl fit' writes: name its .json file";
    let cannot = |e| Error::io("read the model", path, e).hint(hint);
    let length = std::fs::metadata(path).map_err(cannot)?.len();
    if length > LONGEST {
        return Err(refuse("this is not a model".into()).hint(hint));
    }
    let bytes = regular::read(path).map_err(cannot)?;
    let damaged = |e: serde_json::Error| {
        Error::data(format!("this is not a model, or a damaged one: {e}"))
            .at(path, e.line(), e.column())
            .hint(hint)
    };
    let head: Head = serde_json::from_slice(&bytes).map_err(damaged)?;
    if head.format.as_deref() != Some(FORMAT) {
        return Err(refuse("this is not a model".into()).hint(hint));
    }
    if head.version != Some(VERSION) {
        let version =
            head.version.map_or("no version".into(), |version| format!("version {version}"));
        return Err(refuse(format!(
            "the model has {version}, this program reads version {VERSION}"
        ))
        .hint("fit the model again with this program, or use the program that wrote it"));
    }
    let mut wire: Wire = serde_json::from_slice(&bytes).map_err(damaged)?;
    let says = std::mem::take(&mut wire.checksum);
    let has = wire.checksum();
    if has != says {
        return Err(refuse(format!(
            "the model is damaged: its checksum is {has}, the file says {says}"
        ))
        .hint("a model is not edited by hand: fit it again"));
    }
    Ok(wire)
}

/// The centroids under their usual name, else under that of their content.
fn read_centroids(
    path: &Path,
    wire: &WireCentroids,
    of: (Precision, usize, usize),
) -> Result<Vec<f64>> {
    let usual = read_centroids_in(path.with_file_name(&wire.file), wire, of);
    let waiting = waiting(path, &wire.sha256).filter(|file| usual.is_err() && file.is_file());
    match waiting.map(|file| read_centroids_in(file, wire, of)) {
        Some(Ok(centroids)) => Ok(centroids),
        _ => usual,
    }
}

fn read_centroids_in(
    file: PathBuf,
    wire: &WireCentroids,
    (precision, k, dims): (Precision, usize, usize),
) -> Result<Vec<f64>> {
    let refuse = |message: String| {
        Error::data(message)
            .at(&file, 0, 0)
            .hint("the model's centroids lie beside its JSON: keep the two files together")
    };
    let (descr, width) = match precision {
        Precision::F32 => ("<f4", size_of::<f32>()),
        Precision::F64 => ("<f8", size_of::<f64>()),
    };
    let header = write::header(descr, &[k as u64, dims as u64]);
    let expected =
        k.checked_mul(dims).and_then(|n| n.checked_mul(width)?.checked_add(header.len()));
    let length = match std::fs::metadata(&file) {
        Ok(facts) => facts.len(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(refuse("the model's centroids are missing".into()));
        }
        Err(e) => return Err(Error::io("read", &file, e)),
    };
    if expected.map(|bytes| bytes as u64) != Some(length) || k == 0 || dims == 0 {
        return Err(refuse(format!(
            "the file has {length} bytes, which are not {k} x {dims} centroids as the model says"
        )));
    }
    let bytes = regular::read(&file).map_err(|e| Error::io("read", &file, e))?;
    let found = hex(&Sha256::digest(&bytes));
    if found != wire.sha256 {
        return Err(refuse(format!(
            "the file's SHA-256 is {found}, the model says {}",
            wire.sha256
        )));
    }
    let Some(values) = bytes.strip_prefix(&header[..]) else {
        let precision = precision.name();
        return Err(refuse(format!("the file is not an NPY of {k} x {dims} {precision}")));
    };
    let single = |value: &[u8; 4]| f64::from(f32::from_le_bytes(*value));
    let values: Vec<f64> = match precision {
        Precision::F32 => values.as_chunks().0.iter().map(single).collect(),
        Precision::F64 => values.as_chunks().0.iter().map(|v| f64::from_le_bytes(*v)).collect(),
    };
    match values.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(refuse(format!(
            "centroid {}, column {}: not a finite value",
            at / dims + 1,
            at % dims + 1
        ))),
        None => Ok(values),
    }
}

/// JSON for people: a line for each key, and one for each list.
struct Lines(serde_json::ser::PrettyFormatter<'static>);

impl serde_json::ser::Formatter for Lines {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// A file that is whole but has its other name still.
fn pending(path: &Path, bytes: &[u8]) -> Result<Pending> {
    let mut file = Pending::create(path)?.durable();
    file.write(bytes)?;
    file.finish()?;
    Ok(file)
}

fn written(wire: &Wire) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let lines = Lines(serde_json::ser::PrettyFormatter::new());
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, lines);
    wire.serialize(&mut serializer).map_err(|e| Error::internal(format!("a model: {e}")))?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests;

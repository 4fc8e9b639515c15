//! What `amdahl fit` and `amdahl predict` share: the data that a person means, the lanes, the files
//! that are written at the end.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::labels;
use crate::labels::LabelFile;
use crate::program::Job;
use crate::silhouette::Silhouette;
use amdahl_data::input::ONLY_FILES;
use amdahl_data::select::{Column, Selection};
use amdahl_data::weights::Weighted;
use amdahl_data::{Source, catalogue, open_selected};
use amdahl_lanes::comm::{Buf, Comm, Op};
use amdahl_lanes::process;
use amdahl_lanes::signals::Interrupts;
use amdahl_lanes::spawn;
use amdahl_program::load::{Opens, SharedSource};
use amdahl_record::cell::{Dataset, Labels};
use amdahl_record::error::{Error, Result};
use amdahl_record::io::atomic::Pending;
use amdahl_record::io::outputs::Outputs;
use amdahl_record::launched;

pub mod advice;
pub mod fit;
pub mod logging;
pub mod manual;
pub mod output;
pub mod predict;
pub mod progress;
pub mod ranks;

use progress::Progress;

/// Where lanes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On threads of this process.
    Threads,
    /// On ranks of an MPI launcher, and threads in each.
    Ranks,
}

/// Arguments of both verbs.
#[derive(clap::Args, Debug)]
pub struct Common {
    /// The data: a file (CSV, NPY, Parquet, …, plain or compressed by gzip), a folder of files with the
    /// same columns, or a name of the catalogue such as digits
    pub data: PathBuf,
    /// The data's format, where its name and content do not say it
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub data_format: Option<String>,
    /// Which data set of the file, of a format whose files hold several (HDF5): its name or path
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub dataset: Option<String>,
    /// The columns that are the points' coordinates: names, numbers from 1, ranges such as 2-5
    /// [default: all but labels and weights]
    #[arg(long, value_name = "LIST", help_heading = "Data")]
    pub columns: Option<String>,
    /// The column that holds true labels, by its name, or 'last': it is no part of the points, and
    /// the clusters are compared with it
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    pub labels_column: Option<String>,
    /// A file of true labels, one a row: the clusters are compared with them (NMI, ARI, purity)
    #[arg(long, value_name = "FILE", conflicts_with = "labels_column", help_heading = "Data")]
    pub truth: Option<PathBuf>,
    /// Compute the silhouette too; of more rows than this a seeded sample is taken
    #[arg(long, value_name = "ROWS", num_args = 0..=1, require_equals = true, default_missing_value = "10000", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Output")]
    pub silhouette: Option<u64>,
    /// Where the labels go: NPY (int32) where the name ends in .npy, else text with one label a
    /// line; '-' prints them
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub labels: Option<PathBuf>,
    /// Replace files that are there and that amdahl did not write; what is read is never replaced
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: Format,
    /// Threads, under MPI in each rank [default: the CPUs that may be used; under MPI those, shared
    /// by the ranks of a machine]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub threads: Option<u32>,
}

/// How a summary is printed.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

impl Common {
    fn dataset(&self) -> Result<Dataset> {
        let labels = match (&self.labels_column, &self.truth) {
            (Some(name), _) if name == "last" => Labels::LastColumn,
            (Some(name), _) => Labels::Column(name.clone()),
            (None, Some(path)) => Labels::File(path.clone()),
            (None, None) => Labels::None,
        };
        dataset(&self.data, self.data_format.clone(), self.dataset.clone(), labels)
    }

    /// What both verbs read and write.
    fn outputs<'a>(&self) -> Outputs<'a> {
        let mut outputs = Outputs::new(self.force);
        if self.data.exists() {
            outputs.reads_data("the data", &self.data);
        }
        if let Some(truth) = &self.truth {
            outputs.reads("--truth", truth);
        }
        if let Some(labels) = self.labels.as_ref().filter(|labels| labels.as_os_str() != "-") {
            outputs.writes("--labels", labels);
        }
        outputs
    }
}

/// Which columns of the data are wanted, and where the weights are.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The columns of the points.
    pub selection: Selection,
    /// Where the weights are, if there are any.
    pub weights: Option<Weights>,
}

/// Where weights are.
#[derive(Clone, Debug)]
pub enum Weights {
    /// In a column of the data.
    Column(Column),
    /// In a file of their own.
    File(PathBuf),
}

impl Rows {
    /// As the words of a command line say it. What names a file is one, before it is a column.
    pub fn new(columns: Option<&str>, weights: Option<&str>) -> Result<Rows> {
        let weights = weights.map(|text| match Path::new(text) {
            path if path.is_file() => Weights::File(path.into()),
            path if text.contains('/') => Weights::File(path.into()),
            _ => Weights::Column(Column::parse(text)),
        });
        let last =
            if let Some(Weights::Column(column)) = &weights { Some(column.clone()) } else { None };
        let columns = columns.map(Selection::parse).transpose()?;
        Ok(Rows { selection: Selection { columns, last, unless_unnamed: false }, weights })
    }
}

/// Opens the data, with the weights as the last column where there are any.
fn open(dataset: &Dataset, rows: &Rows) -> Result<Box<dyn Source>> {
    let source = open_selected(dataset, &rows.selection)?;
    Ok(match &rows.weights {
        None => source,
        Some(Weights::Column(_)) => Box::new(Weighted::by_column(source)),
        Some(Weights::File(path)) => {
            let file = Dataset::File {
                path: path.clone(),
                format: None,
                labels: Labels::None,
                dataset: None,
                sample: None,
            };
            let weights = open_selected(&file, &Selection::default())?;
            Box::new(
                Weighted::by_source(source, weights.as_ref())
                    .map_err(|error| error.at(path, 0, 0))?,
            )
        }
    })
}

/// The data set that a person means: a file of that name, else a set of the catalogue.
fn dataset(
    name: &Path,
    format: Option<String>,
    part: Option<String>,
    labels: Labels,
) -> Result<Dataset> {
    let file = || Dataset::File {
        path: name.into(),
        format: format.clone(),
        labels: labels.clone(),
        dataset: part.clone(),
        sample: None,
    };
    let text = name.to_string_lossy();
    if name.exists() {
        return Ok(file());
    }
    if text == "-" {
        return Err(Error::usage("rows are not read from standard input").hint(ONLY_FILES));
    }
    match catalogue::set(&text) {
        Ok(_) if format.is_none() && part.is_none() && labels.is_none() => {
            Ok(Dataset::Catalogue { name: text.into(), sample: None })
        }
        Ok(_) => Err(Error::usage(format!(
            "'{text}' is a data set of the catalogue, which knows its format and labels"
        ))),
        // A path, which opening it will say is not there.
        Err(_) if text.contains(['/', '.']) => Ok(file()),
        Err(unknown) => Err(Error {
            message: format!(
                "there is no file '{text}', nor in the catalogue: {}",
                unknown.message
            ),
            ..unknown
        }),
    }
}

/// One run of a verb: its data, who looks on, where the labels go.
pub struct Session {
    place: Place,
    threads: Option<usize>,
    weighted: bool,
    silhouette: Option<u64>,
    source: SharedSource,
    progress: Progress,
    labels: Mutex<labels::Labels>,
}

impl Session {
    /// Opens what can be opened before any work is done. `starts` and `iterations` are what may
    /// come, for the progress bar.
    pub fn new(
        common: &Common,
        place: Place,
        rows: Rows,
        (starts, iterations): (u32, u32),
    ) -> Result<Session> {
        let interrupts = Interrupts::install("nothing was written")?;
        let dataset = common.dataset()?;
        // Rank 0 alone writes and prints.
        let root = place == Place::Threads || process::rank_hint() == 0;
        let labels = match &common.labels {
            Some(path) if root => labels::Labels::File(LabelFile::create(path)?),
            _ => labels::Labels::Unwanted,
        };
        Ok(Session {
            place,
            threads: common.threads.map(|threads| threads as usize),
            weighted: rows.weights.is_some(),
            silhouette: common.silhouette,
            source: SharedSource::by(move || open(&dataset, &rows)),
            progress: Progress::new(interrupts, root, starts, iterations),
            labels: Mutex::new(labels),
        })
    }

    /// Runs a program on all lanes. `None` where the first lane is not.
    pub fn run<R>(
        &self,
        program: &(dyn Fn(&dyn Comm, &Job<'_>) -> Result<R> + Sync),
    ) -> Result<Option<R>> {
        let (source, progress, labels) = (&self.source, &self.progress, &self.labels);
        let job =
            Job { source, weighted: self.weighted, silhouette: self.silhouette, progress, labels };
        let lane = |comm: &dyn Comm| {
            let result = program(comm, &job)?;
            Ok(comm.lane().is_root().then_some(result))
        };
        let result = match self.place {
            Place::Threads => {
                let cpus = crate::cpus();
                let threads = self.threads.unwrap_or_else(crate::free::cpus);
                spawn::on_threads(threads, threads > cpus, &lane)
            }
            Place::Ranks => {
                spawn::on_ranks(|comm| self.threads_of_a_rank(comm), crate::cpus(), &lane)
            }
        };
        self.progress.end();
        result.map_err(|error| self.progress.explain(error))
    }

    /// As many on every rank: what was asked for, else what the rank with the fewest CPUs to itself
    /// has.
    fn threads_of_a_rank(&self, comm: &dyn Comm) -> Result<usize> {
        launched::all_joined(comm.lane().ranks, |name| std::env::var(name).ok())?;
        let mine = self.threads.unwrap_or_else(|| crate::cpus() / comm.lane().node_count);
        let mut threads = [mine.max(1) as u64];
        comm.all_reduce(Op::Min, Buf::U64(&mut threads))?;
        Ok(threads[0] as usize)
    }

    /// The names of the points' columns. After the run, on the process of the first lane.
    pub fn columns(&self, dims: usize) -> Result<Option<Vec<String>>> {
        Ok(self.source.get()?.names().and_then(|names| Some(names.get(..dims)?.to_vec())))
    }

    /// The columns of the file that are no part of the points though nobody said so. On the process
    /// of the first lane.
    pub fn left_out(&self) -> Result<Vec<String>> {
        Ok(self.source.get()?.left_out().iter().map(|what| format!("{what}: left out")).collect())
    }

    /// What a person may not know of their rows of `dims` columns, as they are unscaled. On the
    /// process of the first lane.
    pub fn advice(&self, dims: usize) -> Option<String> {
        // Nothing depends on it: what cannot be read a second time is not looked at.
        advice::of_one_column(self.source.get().ok()?, dims).ok()?
    }

    /// Words about columns that number the rows. As [`Session::advice`].
    pub fn row_numbers(&self, dims: usize) -> Vec<String> {
        let look = |source: &dyn Source| advice::of_row_numbers(source, dims);
        self.source.get().and_then(look).unwrap_or_default()
    }

    /// Words about columns whose values f32 cannot tell apart, less their offsets. As
    /// [`Session::advice`].
    pub fn lost(&self, dims: usize, offsets: &[f64]) -> Vec<String> {
        let look = |source: &dyn Source| advice::of_rounding(source, dims, offsets);
        self.source.get().and_then(look).unwrap_or_default()
    }

    /// The file of labels, whole but with its other name still.
    pub fn finish(self) -> Result<Option<Pending>> {
        self.labels.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
    }
}

/// Numbers as a list, of many the first ones.
pub fn listed(sizes: &[u64]) -> String {
    const MOST: usize = 20;
    let mut shown: Vec<String> = sizes.iter().take(MOST).map(u64::to_string).collect();
    if sizes.len() > MOST {
        shown.push(format!("… ({} in all)", sizes.len()));
    }
    shown.join(" ")
}

/// A line of a summary.
pub fn line(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name:<12}{value}\n")
}

/// A number of things.
pub fn plural(count: usize, what: &str) -> String {
    format!(
        "{} {what}{}",
        amdahl_record::units::count(count as f64),
        if count == 1 { "" } else { "s" }
    )
}

/// What the silhouette is, and of what.
pub fn silhouette(found: &Silhouette) -> String {
    let rows = amdahl_record::units::count(found.rows as f64);
    let of =
        if found.sampled { format!("a seeded sample of {rows} rows") } else { "all rows".into() };
    match found.value {
        Some(value) => format!("{value:.4} (of {of})"),
        None => format!("not defined: {}", undefined(found)),
    }
}

/// Why there is no silhouette.
fn undefined(found: &Silhouette) -> String {
    match found.sampled {
        false => "fewer than two clusters have rows".into(),
        true => format!(
            "the sample of {} rows met one cluster alone; take more with --silhouette=ROWS",
            amdahl_record::units::count(found.rows as f64)
        ),
    }
}

/// What programs are told of a silhouette.
#[derive(Serialize)]
pub struct SilhouetteJson {
    value: Option<f64>,
    rows: u64,
    sampled: bool,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl From<Silhouette> for SilhouetteJson {
    fn from(found: Silhouette) -> SilhouetteJson {
        let Silhouette { value, rows, sampled } = found;
        let why = value.is_none().then(|| undefined(&found));
        SilhouetteJson { value, rows, sampled, why }
    }
}

/// An inertia for people: ten digits tell two runs apart.
pub fn inertia(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e15).contains(&value) {
        return format!("{value:.9e}");
    }
    let digits = if value >= 1.0 { libm::log10(value) as usize + 1 } else { 1 };
    format!("{value:.*}", 10usize.saturating_sub(digits))
}

/// What a comparison with true labels found.
pub fn quality(found: &std::collections::BTreeMap<String, f64>) -> Option<String> {
    let shown: Vec<String> = [("nmi", "NMI"), ("ari", "ARI"), ("purity", "purity")]
        .iter()
        .filter_map(|(name, shown)| Some(format!("{shown} {:.4}", found.get(*name)?)))
        .collect();
    (!shown.is_empty()).then(|| shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_a_file_or_a_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("digits");
        std::fs::write(&file, "1\n").expect("written");
        let of = |name: &Path, labels| dataset(name, None, None, labels);
        assert!(matches!(of(&file, Labels::None), Ok(Dataset::File { .. })), "a file first");
        assert!(matches!(of(Path::new("digits"), Labels::None), Ok(Dataset::Catalogue { .. })));
        assert!(
            matches!(of(Path::new("missing.csv"), Labels::None), Ok(Dataset::File { .. })),
            "opening it says so"
        );
        let error = of(Path::new("digitz"), Labels::None).expect_err("neither").to_string();
        assert!(
            error.contains("no file 'digitz'") && error.contains("did you mean 'digits'"),
            "{error}"
        );
        assert!(
            of(Path::new("digits"), Labels::LastColumn).is_err(),
            "the catalogue knows its labels"
        );
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(&[1, 2]), "1 2");
        let shown =
            [0.0, 0.5, 12.25, 1_167_859.384_006_602_5, 25_322_079_191.390_2, 1e20].map(inertia);
        assert_eq!(
            shown,
            [
                "0.000000000",
                "0.500000000",
                "12.25000000",
                "1167859.384",
                "25322079191",
                "1.000000000e20"
            ]
        );
        assert!(listed(&[7; 1000]).ends_with("7 … (1000 in all)"));
    }
}

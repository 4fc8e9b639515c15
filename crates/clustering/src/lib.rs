//! k-means on data of one's own: fit a model, save it, apply it.
//!
//! ```
//! use amdahl_clustering::KMeans;
//!
//! # fn main() -> amdahl_record::error::Result<()> {
//! // Six points of two columns, in two clusters.
//! let points = [0.0, 0.1, 0.2, 0.0, 0.1, 0.2, 9.0, 9.1, 9.2, 9.0, 9.1, 9.2];
//! let fit = KMeans::new(2).seed(7).fit(&points, 2)?;
//! assert_eq!(fit.sizes, [3, 3]);
//! assert_eq!(fit.labels[..3], [fit.labels[0]; 3]);
//! assert!(fit.inertia() < 0.2);
//!
//! // A new point belongs to the nearer cluster.
//! assert_eq!(fit.model.predict(&[8.0, 8.0])?, [fit.labels[5]]);
//! # Ok(())
//! # }
//! ```
//!
//! Rows are f32 or f64, row after row. The same rows, settings and seed give the same bits on any number
//! of threads, and under MPI with the program `amdahl fit`, which is made of the same parts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use amdahl_data as data;
use amdahl_data::weights::weighted;
use amdahl_data::{MatrixRows, RowSource, Shape, Source, Value};
use amdahl_kmeans_description::spec::{Algorithm, Init};
use amdahl_lanes::comm::Comm;
use amdahl_lanes::spawn;
use amdahl_program::load::{Opens, SharedSource};
use amdahl_record::cell::Dataset;
use amdahl_record::error::{Error, Result};
use amdahl_record::host;

pub mod free;
pub mod labels;
pub mod model;
pub mod precision;
pub mod program;
pub mod rows;
pub mod scaling;
pub mod silhouette;
pub mod verbs;

use labels::Labels;
pub use model::{Ended, Model};
pub use precision::Precision;
use program::{Alone, Assigned, Fitted, Job};
pub use scaling::Scale;

/// Where initial centroids come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// The first k rows.
    FirstRows,
    /// k distinct rows, drawn at random.
    RandomRows,
    /// Greedy k-means++: rows that lie far apart, one after the other.
    PlusPlus,
    /// k-means||: as good, in a few passes over the data instead of k. For many clusters and many
    /// ranks.
    Parallel,
    /// These: k × columns, in the units of the data.
    Centroids(Vec<f64>),
    /// The k rows of a file in any known format.
    File(PathBuf),
}

impl Start {
    /// The word on the command line and in models.
    pub fn name(&self) -> &'static str {
        self.init(0).and_then(|init| init.name()).unwrap_or("given")
    }

    /// Does it depend on the seed?
    pub fn is_random(&self) -> bool {
        self.init(0).is_some_and(|init| init.seed().is_some())
    }

    /// As cells have it, with this seed; none where centroids are given.
    pub(crate) fn init(&self, seed: u64) -> Option<Init> {
        match self {
            Start::FirstRows => Some(Init::FirstRows),
            Start::RandomRows => Some(Init::RandomRows { seed }),
            Start::PlusPlus => Some(Init::KMeansPlusPlus { seed }),
            Start::Parallel => Some(Init::KMeansParallel { seed }),
            Start::Centroids(_) | Start::File(_) => None,
        }
    }
}

/// From so many clusters on, bounds for groups of centroids are the usual ones.
const BOUNDS_BY_GROUP: u32 = 32;

/// What is to be fitted and how. Made by [`KMeans::new`], changed by its methods.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    pub(crate) k: u32,
    pub(crate) start: Start,
    algorithm: Option<Algorithm>,
    pub(crate) starts: u32,
    pub(crate) seed: u64,
    pub(crate) tolerance: f64,
    pub(crate) max_iterations: u32,
    pub(crate) scale: Scale,
    pub(crate) precision: Precision,
    threads: Option<usize>,
}

impl KMeans {
    /// `k` clusters; everything else as it usually is: one start from k-means++ with the seed 0, at
    /// most 300 iterations, until no label changes or the centroids move by less than the tolerance
    /// 1e-4, columns as they are, as many threads as there are free
    /// CPUs.
    pub fn new(k: u32) -> KMeans {
        KMeans {
            k,
            start: Start::PlusPlus,
            algorithm: None,
            starts: 1,
            seed: 0,
            tolerance: 1e-4,
            max_iterations: 300,
            scale: Scale::None,
            precision: Precision::F32,
            threads: None,
        }
    }

    /// Where initial centroids come from.
    pub fn start(self, start: Start) -> KMeans {
        KMeans { start, ..self }
    }

    /// This algorithm. Without, one with the answer of Lloyd's and with bounds that spare
    /// comparisons where that pays.
    pub fn algorithm(self, algorithm: Algorithm) -> KMeans {
        KMeans { algorithm: Some(algorithm), ..self }
    }

    /// The algorithm of a start with this seed.
    pub(crate) fn algorithm_of(&self, seed: u64) -> Algorithm {
        match self.algorithm {
            Some(Algorithm::Minibatch { batch, .. }) => Algorithm::Minibatch { batch, seed },
            Some(algorithm) => algorithm,
            None if self.k < BOUNDS_BY_GROUP => Algorithm::Hamerly,
            None => Algorithm::Yinyang,
        }
    }

    /// So many starts, of which the one of least inertia is kept (of equal ones the first). Their
    /// seeds are made of the seed.
    pub fn starts(self, starts: u32) -> KMeans {
        KMeans { starts, ..self }
    }

    /// The seed of all that is random.
    pub fn seed(self, seed: u64) -> KMeans {
        KMeans { seed, ..self }
    }

    /// Ends when Σ of the centroids' squared shifts is at most this times the mean variance of the
    /// columns. With 0 only when no label changes.
    pub fn tolerance(self, tolerance: f64) -> KMeans {
        KMeans { tolerance, ..self }
    }

    /// Ends after so many iterations at the latest.
    pub fn max_iterations(self, max_iterations: u32) -> KMeans {
        KMeans { max_iterations, ..self }
    }

    /// How columns are scaled before distances are measured.
    pub fn scale(self, scale: Scale) -> KMeans {
        KMeans { scale, ..self }
    }

    /// What rows are rounded to, less the offsets of their columns: f32, or f64 where that cannot
    /// tell apart what the data tells apart. Costs twice the memory and several times the time.
    pub fn precision(self, precision: Precision) -> KMeans {
        KMeans { precision, ..self }
    }

    /// So many threads. The answer does not depend on it.
    pub fn threads(self, threads: usize) -> KMeans {
        KMeans { threads: Some(threads), ..self }
    }

    /// Refuses settings that cannot be meant.
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::usage(message));
        if self.k == 0 || self.k > i32::MAX as u32 {
            return refuse(format!("k is a number from 1 to {}, got {}", i32::MAX, self.k));
        }
        if self.starts == 0 || self.max_iterations == 0 {
            let (starts, iterations) = (self.starts, self.max_iterations);
            return refuse(format!(
                "starts and iterations are at least 1, got {starts} and {iterations}"
            ));
        }
        let draws = matches!(self.algorithm, Some(Algorithm::Minibatch { .. }));
        if self.starts > 1 && !self.start.is_random() && !draws {
            return refuse(format!(
                "{} starts from '{}' would all do the same: choose a random start, or one start",
                self.starts,
                self.start.name()
            ));
        }
        if !(self.tolerance.is_finite() && self.tolerance >= 0.0) {
            return refuse(format!(
                "the tolerance is a finite number of at least 0, got {}",
                self.tolerance
            ));
        }
        if matches!(self.algorithm, Some(Algorithm::Minibatch { batch: 0, .. })) {
            return refuse("a batch has at least 1 row, got 0".into());
        }
        if self.threads == Some(0) {
            return refuse("threads are at least 1, got 0".into());
        }
        Ok(())
    }

    /// Fits a model to rows of `dims` columns, one after the other in `values` (f32 or f64).
    pub fn fit<T: Value>(&self, values: &[T], dims: usize) -> Result<Fit> {
        self.fit_source(&Borrowed::new(values, dims)?, false, None)
    }

    /// The same for rows that have weights, finite and at least 0: a row of weight 3 counts like
    /// three rows. A row of weight 0 gets a label, and changes nothing.
    pub fn fit_weighted<T: Value>(
        &self,
        values: &[T],
        dims: usize,
        weights: &[f32],
    ) -> Result<Fit> {
        self.fit_source(&Borrowed::new(values, dims)?.with_weights(weights)?, true, None)
    }

    /// Fits a model to a data set: a file, one of the catalogue, or synthetic rows.
    pub fn fit_dataset(&self, dataset: &Dataset) -> Result<Fit> {
        let source = SharedSource::new(dataset.clone());
        let names = source.get()?.names().map(<[String]>::to_vec);
        self.fit_source(&source, false, names)
    }

    fn fit_source(
        &self,
        source: &dyn Opens,
        weighted: bool,
        columns: Option<Vec<String>>,
    ) -> Result<Fit> {
        self.check()?;
        let labels = Mutex::new(Labels::Memory(Vec::new()));
        let job = Job { source, weighted, silhouette: None, progress: &Alone, labels: &labels };
        let fitted = on_threads(self.threads, &|comm| program::fit(comm, &job, self))?;
        let labels = memory(labels);
        let (sizes, quality) = (fitted.assigned.sizes.clone(), fitted.assigned.quality.clone());
        let warnings = fitted.warnings.clone();
        Ok(Fit { model: self.model(fitted, columns), labels, sizes, quality, warnings })
    }

    /// The model that belongs to what was fitted.
    pub(crate) fn model(&self, fitted: Fitted, columns: Option<Vec<String>>) -> Model {
        let found = model::Found {
            program: format!("amdahl {}", env!("CARGO_PKG_VERSION")),
            algorithm: self.algorithm_of(self.seed).name().into(),
            init: self.start.name().into(),
            seed: self.seed,
            starts: self.starts,
            start: fitted.start,
            iterations: fitted.iterations,
            ended: fitted.ended,
            max_iterations: self.max_iterations,
            tolerance: self.tolerance,
            inertia: fitted.assigned.inertia,
            rows: fitted.assigned.shape.rows,
            sizes: fitted.assigned.sizes,
            weight: fitted.weight,
        };
        let dims = fitted.assigned.shape.dims;
        Model {
            centroids: fitted.centroids,
            precision: self.precision,
            dims,
            offsets: fitted.offsets,
            scaling: fitted.scaling,
            columns,
            found,
        }
    }
}

/// What came of a fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The model.
    pub model: Model,
    /// The cluster of each row, from 0.
    pub labels: Vec<u32>,
    /// Rows of each cluster.
    pub sizes: Vec<u64>,
    /// Comparison with true labels: NMI, ARI, purity. Empty where there are none.
    pub quality: BTreeMap<String, f64>,
    /// What a person should know: clusters that are empty, a limit that was reached.
    pub warnings: Vec<String>,
}

impl Fit {
    /// Σ of squared distances of the rows to their centroids, in scaled units where columns are
    /// scaled.
    pub fn inertia(&self) -> f64 {
        self.model.found.inertia
    }

    /// Did it end by its rule, and not by the limit of iterations?
    pub fn converged(&self) -> bool {
        self.model.found.ended != Ended::MaxIterations
    }
}

impl Model {
    /// The nearest cluster of each row of `values`, which have the model's columns one row after
    /// the other.
    pub fn predict<T: Value>(&self, values: &[T]) -> Result<Vec<u32>> {
        self.predict_source(&Borrowed::new(values, self.dims)?).map(|(labels, _)| labels)
    }

    /// The nearest cluster of each row of a data set, and what the labels say of it.
    pub fn predict_dataset(&self, dataset: &Dataset) -> Result<(Vec<u32>, Assigned)> {
        self.predict_source(&SharedSource::new(dataset.clone()))
    }

    fn predict_source(&self, source: &dyn Opens) -> Result<(Vec<u32>, Assigned)> {
        let labels = Mutex::new(Labels::Memory(Vec::new()));
        let job =
            Job { source, weighted: false, silhouette: None, progress: &Alone, labels: &labels };
        let assigned = on_threads(None, &|comm| program::predict(comm, &job, self))?;
        Ok((memory(labels), assigned))
    }
}

/// The labels that the lanes left, all of which have ended.
fn memory(labels: Mutex<Labels>) -> Vec<u32> {
    labels.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_memory()
}

/// CPUs that this process may use and is granted time for.
pub fn cpus() -> usize {
    let allowed = host::allowed_cpus().len().max(1);
    host::cpu_quota().map_or(allowed, |quota| allowed.min(quota.ceil() as usize)).max(1)
}

/// Runs a program on threads of this process: so many, or one for each CPU.
fn on_threads<R>(
    threads: Option<usize>,
    program: &(dyn Fn(&dyn Comm) -> Result<R> + Sync),
) -> Result<R> {
    let cpus = cpus();
    let threads = threads.unwrap_or_else(free::cpus);
    spawn::on_threads(threads, threads > cpus, program)
}

/// Rows of the caller's.
struct Borrowed<'a, T> {
    values: &'a [T],
    dims: usize,
    weights: Option<&'a [f32]>,
}

impl<'a, T: Value> Borrowed<'a, T> {
    fn new(values: &'a [T], dims: usize) -> Result<Borrowed<'a, T>> {
        if dims == 0 || values.is_empty() || !values.len().is_multiple_of(dims) {
            return Err(Error::data(format!(
                "{} values do not make rows of {dims} columns",
                values.len()
            )));
        }
        if let Some(at) = values.iter().position(|x| !x.narrow().is_finite()) {
            let (row, column) = (at / dims + 1, at % dims + 1);
            return Err(Error::data(format!(
                "row {row}, column {column}: the value is {}",
                values[at]
            )));
        }
        Ok(Borrowed { values, dims, weights: None })
    }

    fn with_weights(self, weights: &'a [f32]) -> Result<Borrowed<'a, T>> {
        let rows = self.values.len() / self.dims;
        if weights.len() != rows {
            return Err(Error::data(format!("{} weights for {rows} rows", weights.len())));
        }
        if let Some(at) = weights.iter().position(|w| !w.is_finite()) {
            return Err(Error::data(format!("row {}: the weight is {}", at + 1, weights[at])));
        }
        Ok(Borrowed { weights: Some(weights), ..self })
    }
}

impl<T: Value> Opens for Borrowed<'_, T> {
    fn get(&self) -> Result<&dyn Source> {
        Ok(self)
    }
}

impl<T: Value> Source for Borrowed<'_, T> {
    fn shape(&self) -> Shape {
        let dims = self.dims + usize::from(self.weights.is_some());
        Shape { rows: (self.values.len() / self.dims) as u64, dims }
    }
    fn seekable(&self) -> bool {
        true
    }
    fn rows(&self, range: std::ops::Range<u64>) -> Result<Box<dyn RowSource + '_>> {
        data::check_range(self.shape(), &range)?;
        let (start, end) = (range.start as usize, range.end as usize);
        let rows = MatrixRows::new(
            &self.values[start * self.dims..end * self.dims],
            self.dims,
            range.start,
        );
        Ok(match self.weights {
            None => Box::new(rows),
            Some(weights) => weighted(Box::new(rows), &weights[start..end]),
        })
    }
    fn truth(&self, _: std::ops::Range<u64>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;

//! The program that every lane runs to fit a model or to apply one.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::labels;
use crate::labels::Labels;
use crate::model::{Ended, Model};
use crate::precision::{Computed, Precision, wide};
use crate::rows::{Scaled, points};
use crate::scaling::Scaling;
use crate::silhouette;
use crate::silhouette::Silhouette;
use crate::{KMeans, Start};
use amdahl_data::Shape;
use amdahl_data::random::{Purpose, Stream};
use amdahl_data::spread;
use amdahl_kmeans::device::pjrt::{Order, Pjrt};
use amdahl_kmeans::device::{KMeansDevice, LabelSink};
use amdahl_kmeans::engine;
use amdahl_kmeans::engine::{Engine, Iteration, Limit, Watch};
use amdahl_kmeans::tally;
use amdahl_kmeans::tally::Tally;
use amdahl_kmeans::{empty_clusters, quality};
use amdahl_kmeans_description::spec::Algorithm;
use amdahl_lanes::comm::{Buf, Comm, Op, agreed};
use amdahl_program::load;
use amdahl_program::load::{Columns, Offsets, Opens, Part};
use amdahl_record::cell::{BACKENDS, Backend};
use amdahl_record::error::{Error, Result};

/// Looks on, on the first lane of each process.
pub trait Progress: Sync {
    /// Asked often: an error ends the program on all lanes.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Something begins that takes a while. On the first lane of all only, as what follows.
    fn doing(&self, _what: Doing) {}

    /// An iteration of a start (from 0) ended.
    fn iterated(&self, _start: u32, _iteration: &Iteration) {}
}

/// What takes a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The data is read.
    Reading,
    /// A start (from 0) chooses its initial centroids.
    Starting(u32),
    /// Labels are found and written.
    Labelling,
    /// Rows are compared with each other for the silhouette.
    Comparing,
}

/// Nobody looks on.
pub struct Alone;

impl Progress for Alone {}

/// What the lanes work on.
pub struct Job<'a> {
    /// The data.
    pub source: &'a dyn Opens,
    /// Its last column holds the weights of the rows.
    pub weighted: bool,
    /// The silhouette is wanted, of so many rows at most.
    pub silhouette: Option<u64>,
    /// Who looks on.
    pub progress: &'a dyn Progress,
    /// Where the first lane puts the labels.
    pub labels: &'a Mutex<Labels>,
}

/// What labels say of the data, the same on every lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// Rows and columns.
    pub shape: Shape,
    /// Σ of squared distances of the rows to their centroids, in scaled units where columns are
    /// scaled.
    pub inertia: f64,
    /// Rows of each cluster.
    pub sizes: Vec<u64>,
    /// Comparison with true labels: NMI, ARI, purity. Empty where there are none.
    pub quality: BTreeMap<String, f64>,
    /// Where it was wanted.
    pub silhouette: Option<Silhouette>,
}

/// What a fit found, the same on every lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// k × columns, less the offsets, scaled where columns are; of the fit's precision.
    pub centroids: Vec<f64>,
    /// What is taken off each column before it is scaled; empty where nothing is.
    pub offsets: Vec<f64>,
    /// How columns are scaled.
    pub scaling: Scaling,
    /// The start whose centroids these are, from 0.
    pub start: u32,
    /// Its iterations.
    pub iterations: u32,
    /// Why it ended.
    pub ended: Ended,
    /// The inertia of each start.
    pub inertias: Vec<f64>,
    /// What its labels say.
    pub assigned: Assigned,
    /// The weight of all rows, where they have weights.
    pub weight: Option<f64>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// A lane's view of who looks on.
struct Looking<'a> {
    progress: &'a dyn Progress,
    /// The first lane of its process.
    first: bool,
    /// The first lane of all.
    root: bool,
    start: u32,
}

impl<'a> Looking<'a> {
    fn new(comm: &dyn Comm, progress: &'a dyn Progress) -> Looking<'a> {
        let lane = comm.lane();
        Looking { progress, first: lane.thread == 0, root: lane.is_root(), start: 0 }
    }
    fn check(&self) -> Result<()> {
        if self.first { self.progress.check() } else { Ok(()) }
    }
    fn doing(&self, what: Doing) {
        if self.root {
            self.progress.doing(what);
        }
    }
}

impl Watch for Looking<'_> {
    fn begins(&self, _iteration: u32) -> Result<()> {
        self.check()
    }
    fn ended(&self, iteration: &Iteration) {
        if self.root {
            self.progress.iterated(self.start, iteration);
        }
    }
}

/// Fits a model to the data. All lanes call it.
pub fn fit(comm: &dyn Comm, job: &Job<'_>, kmeans: &KMeans) -> Result<Fitted> {
    match kmeans.precision {
        Precision::F32 => fit_as::<f32>(comm, job, kmeans),
        Precision::F64 => fit_as::<f64>(comm, job, kmeans),
    }
}

fn fit_as<T: Computed>(comm: &dyn Comm, job: &Job<'_>, kmeans: &KMeans) -> Result<Fitted> {
    let mut looking = Looking::new(comm, job.progress);
    looking.doing(Doing::Reading);
    let columns = if job.weighted { Columns::AllButLast } else { Columns::All };
    let mut part = load::part_less::<T>(comm, job.source, Offsets::Needed { columns })?;
    let (k, shape) = (kmeans.k as usize, points(part.whole, job.weighted));
    let algorithm = kmeans.algorithm_of(kmeans.seed);
    if job.weighted && matches!(algorithm, Algorithm::Minibatch { .. }) {
        return Err(Error::usage(
            "batches are drawn without regard to weights: mini-batch takes no weights",
        )
        .hint("choose another algorithm"));
    }
    if part.whole.dims == 1 && job.weighted {
        return Err(Error::data("there are 0 columns beside the weights, at least 1 is needed"));
    }
    engine::enough(shape.rows, k)?;
    let classes = tally::classes(comm, k, part.truth.as_deref())?;
    let scaling = Scaling::find(comm, &part, kmeans.scale, job.weighted)?;
    let offsets = part.offsets.clone();
    let given: Option<Vec<T>> = given(comm, kmeans, (&offsets, &scaling), shape.dims)?;
    let rows = Scaled {
        part: &mut part,
        scaling: &scaling,
        weighted: job.weighted,
        beyond: given.as_deref().unwrap_or_default(),
        check: &|| looking.check(),
    };
    let device = agreed(comm, T::device(comm, algorithm))?;
    let mut engine = load(comm, device.as_ref(), rows)?;
    let rule =
        if kmeans.tolerance > 0.0 { kmeans.tolerance * engine.mean_variance()? } else { 0.0 };
    let limit = Limit { iterations: kmeans.max_iterations, rule: Some(rule) };
    let mut best: Option<(Vec<T>, f64, u32, engine::End)> = None;
    let mut inertias = Vec::new();
    for start in 0..kmeans.starts {
        looking.start = start;
        looking.doing(Doing::Starting(start));
        let seed = start_seed(kmeans.seed, start);
        let mut centroids = match (&given, kmeans.start.init(seed)) {
            (Some(centroids), _) => centroids.clone(),
            (None, Some(init)) => engine.initial(&init, k)?,
            (None, None) => return Err(Error::internal("there is nothing to start from")),
        };
        let algorithm = kmeans.algorithm_of(seed);
        engine.begin(algorithm, k, limit)?;
        let end = engine.run(algorithm, &mut centroids, limit, &looking)?;
        engine.finish(algorithm, &centroids, end)?;
        let inertia = engine.inertia(&centroids)?;
        inertias.push(inertia);
        // Of equal ones the first.
        if best.as_ref().is_none_or(|(_, least, ..)| inertia < *least) {
            best = Some((centroids, inertia, start, end));
        }
    }
    let Some((centroids, inertia, start, end)) = best else {
        return Err(Error::usage("starts are at least 1, got 0"));
    };
    if start + 1 != kmeans.starts {
        engine.restart(k)?;
        engine.step(&centroids)?;
    }
    looking.doing(Doing::Labelling);
    let assigned = assigned(job, &mut engine, &part, &looking, (k, classes, inertia, kmeans.seed))?;
    let weight = job.weighted.then(|| engine.weight());
    let mut warnings = Vec::new();
    warnings.extend(empty_clusters(engine.counts()));
    let ended = Ended::from(end.reason);
    if ended == Ended::MaxIterations {
        warnings.push(format!(
            "it did not converge within {} iterations: allow more with --max-iterations",
            kmeans.max_iterations
        ));
    }
    Ok(Fitted {
        centroids: wide(&centroids),
        offsets,
        scaling,
        start,
        iterations: end.iterations,
        ended,
        inertias,
        assigned,
        weight,
        warnings,
    })
}

/// Gives every row of the data the label of the model's nearest centroid. All lanes call it.
pub fn predict(comm: &dyn Comm, job: &Job<'_>, model: &Model) -> Result<Assigned> {
    match model.precision {
        Precision::F32 => predict_as::<f32>(comm, job, model),
        Precision::F64 => predict_as::<f64>(comm, job, model),
    }
}

fn predict_as<T: Computed>(comm: &dyn Comm, job: &Job<'_>, model: &Model) -> Result<Assigned> {
    let looking = Looking::new(comm, job.progress);
    looking.doing(Doing::Reading);
    let mut part = load::part_less::<T>(comm, job.source, Offsets::Given(&model.offsets))?;
    if part.whole.dims != model.dims {
        return Err(Error::data(format!(
            "the model has {} columns, the data {}",
            model.dims, part.whole.dims
        ))
        .hint(
            "leave columns out with --columns, or say with --labels-column which one holds labels",
        ));
    }
    let classes = tally::classes(comm, model.k(), part.truth.as_deref())?;
    let centroids = T::of(&model.centroids);
    let rows = Scaled {
        part: &mut part,
        scaling: &model.scaling,
        weighted: false,
        beyond: &centroids,
        check: &|| looking.check(),
    };
    let device = agreed(comm, T::device(comm, Algorithm::Lloyd))?;
    let mut engine = load(comm, device.as_ref(), rows)?;
    engine.restart(model.k())?;
    looking.doing(Doing::Labelling);
    engine.step(&centroids)?;
    let inertia = engine.inertia(&centroids)?;
    assigned(job, &mut engine, &part, &looking, (model.k(), classes, inertia, model.found.seed))
}

/// The seed of a start: the first start's is the seed itself.
fn start_seed(seed: u64, start: u32) -> u64 {
    if start == 0 { seed } else { Stream::new(seed, Purpose::Start).u64_at(u64::from(start)) }
}

/// Initial centroids that the user gave, less the offsets and scaled like the rows; none where they are to be chosen.
fn given<T: Computed>(
    comm: &dyn Comm,
    kmeans: &KMeans,
    (offsets, scaling): (&[f64], &Scaling),
    dims: usize,
) -> Result<Option<Vec<T>>> {
    let k = kmeans.k as usize;
    let mut centroids = match &kmeans.start {
        Start::Centroids(values) => {
            let (has, wants) = (values.len(), k * dims);
            if has != wants {
                let message = format!(
                    "{has} values of initial centroids, k x columns of the data is {wants}"
                );
                return Err(Error::data(message));
            }
            if let Some(at) = values.iter().position(|x| !x.is_finite()) {
                let (centroid, column) = (at / dims + 1, at % dims + 1);
                let message = format!(
                    "initial centroid {centroid}, column {column}: the value is {}",
                    values[at]
                );
                return Err(Error::data(message));
            }
            let mut less = vec![T::default(); values.len()];
            let rows = values.chunks_exact(dims).zip(less.chunks_exact_mut(dims));
            for (number, (row, less)) in (1..).zip(rows) {
                spread::less(row, offsets, number, less)?;
            }
            less
        }
        Start::File(path) => amdahl_kmeans::init::given(comm, path, (k, dims), offsets)?,
        _ => return Ok(None),
    };
    scaling.apply(&mut centroids, dims, 0)?;
    Ok(Some(centroids))
}

/// Takes the rows onto the device.
fn load<'a, T: Computed>(
    comm: &'a dyn Comm,
    device: &'a dyn KMeansDevice<T>,
    mut rows: Scaled<'_, '_, T>,
) -> Result<Engine<'a, T>> {
    Ok(Engine::load(comm, device, &mut rows)?.0)
}

/// Names an accelerator for all that is fitted and predicted, by the backend that drives it. The
/// answer is the same, bit by bit.
pub const DEVICE: &str = "AMDAHL_DEVICE";

/// The accelerator that `AMDAHL_DEVICE` names, if it names one.
pub(crate) fn accelerator(comm: &dyn Comm) -> Result<Option<Box<dyn KMeansDevice>>> {
    let Some(name) = std::env::var(DEVICE).ok().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let platform =
        Backend::from_name(&name).filter(|backend| !backend.uses_mpi()).and_then(|b| b.platform());
    let Some(platform) = platform else {
        let known = BACKENDS.iter().map(|(name, ..)| *name);
        let known: Vec<&str> = known
            .filter(|name| {
                Backend::from_name(name).is_some_and(|b| b.platform().is_some() && !b.uses_mpi())
            })
            .collect();
        return Err(Error::usage(format!("{DEVICE} names '{name}', which is no accelerator"))
            .hint(format!("the accelerators are {}", known.join(", "))));
    };
    let lane = comm.lane();
    if lane.threads > 1 {
        return Err(Error::usage(format!(
            "{} threads in a process, and an accelerator has one lane",
            lane.threads
        ))
        .hint("add --threads 1, or start ranks with mpiexec: one for each device"));
    }
    let (local, count, certify) = (lane.node_index, lane.node_count, true);
    let order = Order { platform, certify, local, count, ..Order::default() };
    // SAFETY: a rank with a device has one lane; the thread that shows progress reads the
    // environment through std alone.
    Ok(Some(Box::new(unsafe { Pjrt::open(&order, None) }?)))
}

/// What the labels of the last step say, and the labels to where they are wanted.
fn assigned<T: Computed>(
    job: &Job<'_>,
    engine: &mut Engine<'_, T>,
    part: &Part<'_, T>,
    looking: &Looking<'_>,
    (k, classes, inertia, seed): (usize, usize, f64, u64),
) -> Result<Assigned> {
    let (comm, shape) = (engine.comm(), engine.whole());
    let mut mine = Labels::Memory(Vec::new());
    engine.labels(&mut mine)?;
    let mine = mine.into_memory();
    let mut sizes = vec![0u64; k];
    mine.iter().for_each(|&label| sizes[label as usize] += 1);
    comm.all_reduce(Op::Sum, Buf::U64(&mut sizes))?;
    let mut tally = Tally::new(k, classes, part.truth.as_deref(), part.first);
    agreed(comm, tally.put(part.first, &mine))?;
    tally.reduce(comm)?;
    let quality = if tally.classes > 0 {
        quality::measures(&tally.table, tally.classes)
    } else {
        BTreeMap::new()
    };
    labels::deliver(comm, &mine, shape.rows, job.labels)?;
    let silhouette = match job.silhouette {
        None => None,
        Some(most) => {
            looking.doing(Doing::Comparing);
            let chosen = silhouette::choose(shape.rows, most, seed)?;
            let rows = engine.rows(&chosen)?;
            // Every row is on one lane; the others add nothing.
            let label = |row: &u64| {
                mine.get(row.checked_sub(part.first)? as usize).map(|&label| u64::from(label))
            };
            let mut labels: Vec<u64> = chosen.iter().map(|row| label(row).unwrap_or(0)).collect();
            comm.all_reduce(Op::Sum, Buf::U64(&mut labels))?;
            let labels: Vec<u32> = labels.into_iter().map(|label| label as u32).collect();
            Some(silhouette::of(comm, &rows, &labels, (k, shape.dims), shape.rows, &|| {
                looking.check()
            })?)
        }
    };
    Ok(Assigned { shape, inertia, sizes, quality, silhouette })
}

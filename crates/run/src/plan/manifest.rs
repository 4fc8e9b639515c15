//! A manifest as it is written: the types that TOML is read into, each value with its place. They
//! say what may stand where and nothing of what makes sense together; that is for the rest of this
//! room. The JSON Schema for editors is made from them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::plan::place::At;
use crate::plan::written::{Duration, Lanes, Many, Oversubscribe, Real, Scalar, Whole};
use amdahl_kmeans_description::spec::{Arithmetic, Layout, Precision, Schedule, Update};
use amdahl_record::cell;
use amdahl_record::cell::Synthetic;
use amdahl_record::counters::Counters;

/// An experiment of amdahl: what is asked, what is computed, on which rows, and what is varied.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "amdahl manifest")]
pub struct Manifest {
    /// What is asked, and how it is measured.
    pub experiment: Option<At<Experiment>>,
    /// What is computed.
    #[schemars(required)]
    pub workload: Option<At<Workload>>,
    /// On which rows.
    #[schemars(required)]
    pub dataset: Option<At<Dataset>>,
    /// What is varied. Axes cross, in the order in which they are written; the first varies
    /// slowest.
    pub axes: Option<At<Axes>>,
}

/// What is asked, and how it is measured.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Experiment {
    /// Name of the results folder: letters, digits, '-' and '_'. The manifest's file name without
    /// its ending where absent.
    pub name: Option<At<String>>,
    /// One line for people.
    pub title: Option<At<String>>,
    /// The question.
    pub question: Option<At<String>>,
    /// Where people find more, such as a repository: the poster shows it as a QR code. No code
    /// where absent.
    pub url: Option<At<String>>,
    /// Price of an hour of one machine, with the day it was looked up, such as "1.34 USD/h
    /// 2026-11-01": results then say what a run costs. No price is built in.
    pub price: Option<At<String>>,
    /// Seed of the order of the runs, and of all other draws that have no seed of their own. 1
    /// where absent.
    pub seed: Option<At<Whole>>,
    /// Repeats of each cell. 5 where absent.
    pub repeats: Option<At<Whole>>,
    /// Backend whose cell is the base of speedups. 'serial' where absent.
    #[schemars(with = "Option<BackendName>")]
    pub base: Option<At<String>>,
    /// Which counters are read. 'auto' where absent.
    pub counters: Option<At<Counters>>,
    /// With counters = 'simulated': rows of each rank's simulated run, at most. 20000 where absent.
    pub simulated_points: Option<At<Whole>>,
    /// How long a repeat may take: seconds, or a text such as "90 s" or "5 min". 600 s where
    /// absent.
    pub time_limit: Option<At<Duration>>,
    /// File that declares outside programs, relative to the manifest's folder. That of
    /// AMDAHL_PEERS, else the list that is built in, where absent.
    pub peers: Option<At<String>>,
}

/// What is computed.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Workload {
    /// What kind of computation.
    #[schemars(required)]
    pub kind: Option<At<WorkloadKind>>,
    /// Number of clusters.
    pub k: Option<At<Whole>>,
    /// Where the first centroids come from. 'first-rows' where absent.
    pub init: Option<At<Init>>,
    /// Seed of the draws: of the first centroids, and of batches. The experiment's where absent.
    pub init_seed: Option<At<Whole>>,
    /// Exactly this many iterations, converged or not: for benchmarking. Instead of tolerance and
    /// max-iterations.
    pub iterations: Option<At<Whole>>,
    /// Ends when no label changes, or when the centroids' squared shift is at most tolerance x mean
    /// variance of the columns. 0 (the labels alone decide) where absent.
    pub tolerance: Option<At<Real>>,
    /// Upper limit of the iterations to convergence. 300 where absent.
    pub max_iterations: Option<At<Whole>>,
    /// Iterations that are run first and thrown away. 1 where absent.
    pub warmup: Option<At<Whole>>,
    /// How the iterations find their centroids. 'lloyd' where absent.
    pub algorithm: Option<At<Algorithm>>,
    /// Rows of a batch of 'minibatch'. 1024 where absent.
    pub batch: Option<At<Whole>>,
    /// How a lane's rows lie in memory. 'tiles' where absent.
    pub layout: Option<At<Layout>>,
    /// What decides between two centroids that are almost equally near. 'certified' where absent.
    pub arithmetic: Option<At<Arithmetic>>,
    /// Who works on which rows. 'static' where absent.
    pub schedule: Option<At<Schedule>>,
    /// Of backends with an accelerator: where the sums of clusters are made. 'host' where absent.
    pub update: Option<At<Update>>,
    /// Of backends with an accelerator: arithmetic of its products. 'f32' where absent.
    pub precision: Option<At<Precision>>,
    /// Of backends with an accelerator: file of the PJRT plugin that drives it; relative to the
    /// manifest's folder. Found where it usually is where absent; of the backend 'pjrt', that of
    /// AMDAHL_PJRT_PLUGIN.
    pub plugin: Option<At<String>>,
}

/// What kind of computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadKind {
    /// k-means.
    #[serde(rename = "kmeans")]
    KMeans,
}

impl WorkloadKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        "kmeans"
    }
}

/// How the iterations find their centroids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Every row is compared with every centroid in every iteration.
    Lloyd,
    /// Lloyd's answer, bit by bit, with one bound a row that spares comparisons once few labels
    /// change.
    Hamerly,
    /// Lloyd's answer, bit by bit, with a bound a row for each group of centroids: for large k.
    Yinyang,
    /// Sculley's: one random batch of rows an iteration. Another, cheaper answer.
    Minibatch,
}

impl Algorithm {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Lloyd => "lloyd",
            Algorithm::Hamerly => "hamerly",
            Algorithm::Yinyang => "yinyang",
            Algorithm::Minibatch => "minibatch",
        }
    }
}

/// Where the first centroids come from.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// The first k rows.
    FirstRows,
    /// k distinct rows, drawn with init-seed.
    RandomRows,
    /// Greedy k-means++, drawn with init-seed.
    #[serde(rename = "kmeans++")]
    KMeansPlusPlus,
    /// k-means||, drawn with init-seed.
    #[serde(rename = "kmeans||")]
    KMeansParallel,
    /// The rows of a file of k rows; relative to the manifest's folder.
    Given(String),
}

/// On which rows: one of synthetic, name and file.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dataset {
    /// Rows that are made: how their clusters lie. Needs points, dims and clusters.
    pub synthetic: Option<At<Synthetic>>,
    /// A real data set by its name in the catalogue.
    pub name: Option<At<String>>,
    /// A file; relative to the manifest's folder.
    pub file: Option<At<String>>,
    /// Format of the file, where name and content do not say it.
    pub format: Option<At<String>>,
    /// Where the true labels of the file are.
    pub labels: Option<At<Labels>>,
    /// Number of rows. Of a real data set: a seeded subsample of this many rows; all rows where
    /// absent.
    pub points: Option<At<Whole>>,
    /// Number of columns of synthetic rows.
    pub dims: Option<At<Whole>>,
    /// Number of clusters in synthetic rows.
    pub clusters: Option<At<Whole>>,
    /// Seed of synthetic rows, or of the subsample. The experiment's where absent.
    pub seed: Option<At<Whole>>,
}

/// Where the true labels of a file are.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// There are none.
    None,
    /// The last column.
    LastColumn,
    /// The column with this name in the file's header.
    Column(String),
    /// A file of their own; relative to the manifest's folder.
    File(String),
}

/// What is varied. Axes cross, in the order in which they are written; the first varies slowest.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Axes {
    /// How the lanes talk and what computes, or the name of an outside program. 'serial' where
    /// absent.
    pub backend: Option<At<Many<BackendName>>>,
    /// Ranks (processes): "up-to-cores" (powers of two and the number of CPUs itself) or numbers.
    pub ranks: Option<At<Lanes>>,
    /// Threads in each rank: "up-to-cores" (powers of two and the number of CPUs itself) or
    /// numbers.
    pub threads: Option<At<Lanes>>,
    /// Values for workload.k.
    pub k: Option<At<Many<Whole>>>,
    /// Values for workload.init.
    pub init: Option<At<Many<Init>>>,
    /// Values for workload.init-seed.
    pub init_seed: Option<At<Many<Whole>>>,
    /// Values for workload.iterations.
    pub iterations: Option<At<Many<Whole>>>,
    /// Values for workload.tolerance.
    pub tolerance: Option<At<Many<Real>>>,
    /// Values for workload.max-iterations.
    pub max_iterations: Option<At<Many<Whole>>>,
    /// Values for workload.warmup.
    pub warmup: Option<At<Many<Whole>>>,
    /// Values for workload.algorithm.
    pub algorithm: Option<At<Many<Algorithm>>>,
    /// Values for workload.batch.
    pub batch: Option<At<Many<Whole>>>,
    /// Values for workload.layout.
    pub layout: Option<At<Many<Layout>>>,
    /// Values for workload.arithmetic.
    pub arithmetic: Option<At<Many<Arithmetic>>>,
    /// Values for workload.schedule.
    pub schedule: Option<At<Many<Schedule>>>,
    /// Values for workload.update.
    pub update: Option<At<Many<Update>>>,
    /// Values for workload.precision.
    pub precision: Option<At<Many<Precision>>>,
    /// Values for workload.plugin.
    pub plugin: Option<At<Many<String>>>,
    /// Values for dataset.synthetic.
    pub synthetic: Option<At<Many<Synthetic>>>,
    /// Values for dataset.name.
    pub dataset: Option<At<Many<String>>>,
    /// Values for dataset.file.
    pub file: Option<At<Many<String>>>,
    /// Values for dataset.points.
    pub points: Option<At<Many<Whole>>>,
    /// Values for dataset.dims.
    pub dims: Option<At<Many<Whole>>>,
    /// Values for dataset.clusters.
    pub clusters: Option<At<Many<Whole>>>,
    /// Values for dataset.seed.
    pub seed: Option<At<Many<Whole>>>,
    /// Numbers with names of your own, for derive. A list is an axis.
    #[serde(rename = "let")]
    pub lets: Option<BTreeMap<At<String>, At<Many<Whole>>>>,
    /// Values that follow from others, such as points = "points_per_lane * lanes". Names are axes
    /// ('-' is written '_'), those of let, lanes and cpus; + - * / ( ) are exact, and the result is
    /// a positive whole number.
    pub derive: Option<BTreeMap<At<String>, At<String>>>,
    /// Axes that go hand in hand instead of crossing, such as [["ranks", "points"]]. Their lists
    /// are equally long.
    pub zip: Option<Vec<At<Vec<At<String>>>>>,
    /// Cells to drop: those that have all the values of one of these tables.
    pub exclude: Option<Vec<At<Pattern>>>,
    /// May cells have more lanes than there are CPUs? Yes, no, or those that have all the values of
    /// one of these tables.
    pub oversubscribe: Option<At<Oversubscribe>>,
}

/// Values of axes, such as { backend = "mpi", ranks = 1 }; a list means any of its values.
pub type Pattern = BTreeMap<At<String>, At<Many<Scalar>>>;

/// The name of a backend. Read as any text: what is known is checked later, with its place.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct BackendName(pub String);

impl JsonSchema for BackendName {
    fn schema_name() -> Cow<'static, str> {
        "Backend".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = amdahl_record::cell::BACKENDS.iter().map(|(name, ..)| *name).collect();
        let peer = "^[a-z][a-z0-9-]*$";
        schemars::json_schema!({ "anyOf": [
            { "type": "string", "enum": names },
            { "type": "string", "description": "an outside program of the list of peers", "pattern": peer }
        ] })
    }
}

//! The parameters of k-means: what decides its answer and its time beside the rows.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use amdahl_record::cell::WorkloadSpec;
use amdahl_record::error::{Error, Kind, Result};
use serde_json::Value;

use crate::NAME;

/// A value that is taken by default is not written, so that cells keep their ids when a parameter
/// is added.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// k-means with its start and its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KMeans {
    /// Number of clusters, at least 1.
    pub k: u32,
    /// Where the first centroids come from.
    pub init: Init,
    /// When it ends.
    pub stop: Stop,
    /// Iterations that are run first and thrown away; then the clustering starts again from the
    /// initial centroids.
    #[serde(default)]
    pub warmup: u32,
    /// How the iterations find their centroids.
    #[serde(default, skip_serializing_if = "is_default")]
    pub algorithm: Algorithm,
    /// How a lane's rows lie in memory.
    #[serde(default, skip_serializing_if = "is_default")]
    pub layout: Layout,
    /// What decides between two centroids that are almost equally near.
    #[serde(default, skip_serializing_if = "is_default")]
    pub arithmetic: Arithmetic,
    /// Who works on which rows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub schedule: Schedule,
    /// What rows are rounded to on processors.
    #[serde(default, skip_serializing_if = "is_default")]
    pub numbers: Numbers,
    /// How an accelerator works, where one does.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offload: Offload,
}

impl KMeans {
    /// k-means from the first rows, with all that has a usual value as usual.
    pub fn new(k: u32, stop: Stop, warmup: u32) -> KMeans {
        KMeans {
            k,
            init: Init::FirstRows,
            stop,
            warmup,
            algorithm: Algorithm::default(),
            layout: Layout::default(),
            arithmetic: Arithmetic::default(),
            schedule: Schedule::default(),
            numbers: Numbers::default(),
            offload: Offload::default(),
        }
    }

    /// The parameters of a cell.
    ///
    /// # Errors
    /// Where they are another workload's, or none of k-means.
    pub fn of(spec: &WorkloadSpec) -> Result<KMeans> {
        match spec.kind == NAME {
            true => spec.read(),
            false => Err(Error::new(Kind::Manifest, format!("'{}' is not k-means", spec.kind))),
        }
    }

    /// As a cell has them.
    pub fn spec(&self) -> WorkloadSpec {
        // Plain data: this cannot fail.
        WorkloadSpec::of(NAME, serde_json::to_value(self).unwrap_or(Value::Null))
    }

    /// Has a clustering on an accelerator the answer of the processor, bit by bit? Where near ties
    /// are decided in f64 and sums are exact.
    pub fn is_exact_on_accelerators(&self) -> bool {
        self.arithmetic == Arithmetic::Certified && self.offload.update == Update::Host
    }

    /// Checks what the types cannot say: at least one cluster, a limit that can be reached, bounds
    /// that are exact.
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(Kind::Manifest, message));
        if self.k == 0 {
            return refuse("k is at least 1, got 0".into());
        }
        if matches!(self.algorithm, Algorithm::Minibatch { batch: 0, .. }) {
            return refuse("a batch has at least 1 row, got 0".into());
        }
        if self.algorithm.is_bounded() && self.arithmetic == Arithmetic::F32 {
            let name = self.algorithm.name();
            return refuse(format!(
                "algorithm '{name}' has exact bounds, which need arithmetic 'certified', not 'f32'"
            ));
        }
        if self.numbers == Numbers::F64
            && (self.algorithm.is_bounded() || self.arithmetic == Arithmetic::F32)
        {
            return refuse(format!("rows of f64 are {F64_ONLY}"));
        }
        if let Stop::Converged { tolerance, max_iterations } = self.stop {
            if !(tolerance.is_finite() && tolerance >= 0.0) {
                return refuse(format!(
                    "the tolerance is a finite number of at least 0, got {tolerance}"
                ));
            }
            if max_iterations == 0 {
                return refuse("max_iterations is at least 1, got 0".into());
            }
        } else if self.stop == Stop::Iterations(0) {
            return refuse("iterations are at least 1, got 0".into());
        }
        Ok(())
    }
}

/// How the iterations find their centroids. See `docs/algorithms.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Lloyd's: every row is compared with every centroid in every iteration.
    #[default]
    Lloyd,
    /// Lloyd's answer, bit by bit, with one bound a row that spares comparisons once few labels
    /// change (Hamerly 2010).
    Hamerly,
    /// Lloyd's answer, bit by bit, with a bound a row for each group of centroids: for large k
    /// (Ding et al. 2015).
    Yinyang,
    /// One random batch of rows an iteration, and centroids that learn ever more slowly (Sculley
    /// 2010): another, cheaper answer.
    Minibatch {
        /// Rows of a batch, drawn with replacement; at least 1.
        batch: u32,
        /// Seed of the batches.
        seed: u64,
    },
}

impl Algorithm {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Lloyd => "lloyd",
            Algorithm::Hamerly => "hamerly",
            Algorithm::Yinyang => "yinyang",
            Algorithm::Minibatch { .. } => "minibatch",
        }
    }

    /// Has it the answer of Lloyd's algorithm, bit by bit, with bounds that spare comparisons?
    pub fn is_bounded(self) -> bool {
        matches!(self, Algorithm::Hamerly | Algorithm::Yinyang)
    }
}

/// How a lane's rows lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Packed while they are read: the columns of 48 rows lie together, as kernels want them.
    #[default]
    Tiles,
    /// One after the other, as in the file.
    Rows,
}

impl Layout {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Tiles => "tiles",
            Layout::Rows => "rows",
        }
    }
}

/// Who works on which rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Each lane on its own rows.
    #[default]
    Static,
    /// A lane that is done with its own rows helps the other threads of its process: for CPUs of
    /// unequal speed. The same answer.
    Dynamic,
}

impl Schedule {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Schedule::Static => "static",
            Schedule::Dynamic => "dynamic",
        }
    }
}

/// What rows and centroids are rounded to on processors, less the offsets of columns that lie far
/// from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// Single precision.
    #[default]
    F32,
    /// Double precision: for columns whose values f32 cannot tell apart.
    F64,
}

/// How rows of f64 are labelled.
pub(crate) const F64_ONLY: &str =
    "compared with every centroid, and near ties are always certified";

/// How an accelerator works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Offload {
    /// Where the sums of clusters are made.
    #[serde(default, skip_serializing_if = "is_default")]
    pub update: Update,
    /// Arithmetic of its products.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// The plugin that drives it, where the manifest names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PathBuf>,
}

/// Where the sums of clusters are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// On the host, exactly: only labels come back, and the host moves the rows whose label
    /// changed. The same centroids on any number of ranks.
    #[default]
    Host,
    /// On the device, in its floating point: a matrix product with the rows' labels as zeros and
    /// ones. Only sums come back.
    Device,
}

impl Update {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Update::Host => "host",
            Update::Device => "device",
        }
    }
}

/// Arithmetic of an accelerator's products. Their sums are f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// f32.
    #[default]
    F32,
    /// Rows and centroids rounded to bfloat16.
    Bf16,
}

impl Precision {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }
}

/// What decides between two centroids that are almost equally near to a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arithmetic {
    /// f32 where its error bound says that it decides, else f64: the same labels on every
    /// processor.
    #[default]
    Certified,
    /// f32: labels may differ where the two distances are closer than its error, and so from
    /// processor to processor.
    F32,
}

impl Arithmetic {
    /// The word in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Arithmetic::Certified => "certified",
            Arithmetic::F32 => "f32",
        }
    }
}

/// Where the first centroids come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// The first k rows.
    FirstRows,
    /// k distinct rows drawn with this seed.
    RandomRows {
        /// Seed of the draw.
        seed: u64,
    },
    /// Greedy k-means++: each centroid the best of 2 + ⌊ln k⌋ rows drawn in proportion to their
    /// squared distances (Arthur & Vassilvitskii 2007).
    #[serde(rename = "kmeans++")]
    KMeansPlusPlus {
        /// Seed of the draws.
        seed: u64,
    },
    /// k-means||: a few rounds that draw many rows at once, of which k-means++ keeps k (Bahmani et
    /// al. 2012). For many ranks.
    #[serde(rename = "kmeans||")]
    KMeansParallel {
        /// Seed of the draws.
        seed: u64,
    },
    /// The rows of a file (any known format) of k rows with as many columns as the data.
    Given {
        /// The file.
        path: PathBuf,
    },
}

impl Init {
    /// The word in manifests; none where it is a file.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Init::FirstRows => Some("first-rows"),
            Init::RandomRows { .. } => Some("random-rows"),
            Init::KMeansPlusPlus { .. } => Some("kmeans++"),
            Init::KMeansParallel { .. } => Some("kmeans||"),
            Init::Given { .. } => None,
        }
    }

    /// The seed of its draws, if it draws.
    pub fn seed(&self) -> Option<u64> {
        match self {
            Init::RandomRows { seed }
            | Init::KMeansPlusPlus { seed }
            | Init::KMeansParallel { seed } => Some(*seed),
            Init::FirstRows | Init::Given { .. } => None,
        }
    }
}

/// When the iterations end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// After exactly this many iterations, converged or not: for benchmarking.
    Iterations(u32),
    /// When no label changes or Σ‖shift‖² ≤ tolerance × mean variance of the columns, and after
    /// `max_iterations` at the latest. With batches: when the shift was that small in ten
    /// iterations one after the other.
    Converged {
        /// 0 leaves only the rule that no label changes.
        tolerance: f64,
        /// The upper limit.
        max_iterations: u32,
    },
}

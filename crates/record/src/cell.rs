//! One fully resolved point of an experiment, and the id that names it.
//!
//! A cell holds all that decides the answer and the time, and nothing else: titles, numbers of
//! repeats and time limits belong to the plan. Its id is a hash of its canonical form, so the same
//! cell has the same id on every machine and in every build.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind, Result};

mod reduction;
mod workload;

pub use reduction::ReductionName;
pub use workload::WorkloadSpec;

/// One fully resolved point of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What is computed.
    pub workload: WorkloadSpec,
    /// On which rows.
    pub dataset: Dataset,
    /// How the lanes talk and what computes.
    pub backend: Backend,
    /// Number of ranks (processes), 1 for `serial` and `threads`.
    pub ranks: u32,
    /// Number of threads in each rank, 1 for `serial` and `mpi`.
    pub threads: u32,
    /// The cell may put several lanes on one CPU. Its results are labelled.
    #[serde(default, skip_serializing_if = "is_false")]
    pub oversubscribe: bool,
    /// By which messages the values of all lanes become one. Not written where it is `direct`, so
    /// that cells keep the ids that they had before there was a choice.
    #[serde(default, skip_serializing_if = "ReductionName::is_direct")]
    pub reduction: ReductionName,
}

/// On which rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "source", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Dataset {
    /// Rows that are made, not read: every lane makes its own.
    Synthetic {
        /// How the clusters lie.
        shape: Synthetic,
        /// Number of rows.
        points: u64,
        /// Number of columns.
        dims: u32,
        /// Number of clusters in the data.
        clusters: u32,
        /// Seed of the rows.
        seed: u64,
    },
    /// A real data set by its name in the catalogue.
    Catalogue {
        /// The name.
        name: String,
        /// A seeded subsample of this many rows; all rows where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sample: Option<Sample>,
    },
    /// A file of the user's.
    File {
        /// The file.
        path: PathBuf,
        /// Format by name; by the file's name and content where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<String>,
        /// Which data set of the file, of a format whose files hold several (HDF5).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dataset: Option<String>,
        /// Where the true labels are, if anywhere.
        #[serde(default, skip_serializing_if = "Labels::is_none")]
        labels: Labels,
        /// A seeded subsample of this many rows; all rows where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sample: Option<Sample>,
    },
}

/// A seeded subsample of a data set: the rows keep their order, and a smaller sample of the same
/// seed is part of a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Number of rows.
    pub points: u64,
    /// Seed of the draw.
    pub seed: u64,
}

/// How the clusters of synthetic data lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Synthetic {
    /// Gaussian clusters of equal weight that overlap.
    Mixture,
    /// Gaussian clusters that overlap, cluster j with weight 1/(j+1).
    Skewed,
    /// Gaussian clusters of equal weight, far apart.
    Separated,
}

/// Where the true labels of a file are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// There are none.
    #[default]
    None,
    /// The last column.
    LastColumn,
    /// The column with this name in the file's header.
    Column(String),
    /// A file of their own.
    File(PathBuf),
}

impl Dataset {
    /// The user's files that it is read from: rows and, where they are apart, labels.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Dataset::File { path, labels: Labels::File(labels), .. } => vec![path, labels],
            Dataset::File { path, .. } => vec![path],
            Dataset::Synthetic { .. } | Dataset::Catalogue { .. } => Vec::new(),
        }
    }
}

impl Labels {
    /// No labels?
    pub fn is_none(&self) -> bool {
        *self == Labels::None
    }
}

/// How lanes exchange data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommKind {
    /// One lane.
    Solo,
    /// Threads of one process.
    Threads,
    /// Processes under MPI.
    Mpi,
    /// Threads in processes under MPI.
    Hybrid,
}

/// What computes on a lane's shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// The CPU that the lane runs on.
    Cpu,
    /// An accelerator behind a PJRT plugin.
    Pjrt(Platform),
}

/// Which accelerator a PJRT plugin must drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Platform {
    /// That of the plugin that is named.
    #[default]
    Any,
    /// None: the reference plugin, which interprets programs on the processor.
    Reference,
    /// The processor, by XLA's compiler and runtime.
    XlaCpu,
    /// A GPU of NVIDIA's.
    Cuda,
    /// AWS Trainium.
    Trainium,
}

/// Communicator × device under one name, or an outside program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// Our own program.
    Native {
        /// How its lanes talk.
        comm: CommKind,
        /// What computes.
        device: DeviceKind,
    },
    /// An outside program that speaks the worker protocol.
    Peer(Peer),
}

/// An outside program, as a peers file declares it (`docs/peers.md`). Its lanes are kept with its
/// name, so that a cell can be read without that file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its name in manifests.
    #[serde(rename = "peer")]
    pub name: String,
    /// What its lanes are.
    pub lanes: PeerLanes,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Peer {
    /// Can this be the name of an outside program? Small letters, digits and `-`, begun by a
    /// letter, and no backend of ours.
    pub fn is_name(name: &str) -> bool {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && Backend::from_name(name).is_none()
    }
}

/// What the lanes of an outside program are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerLanes {
    /// It has one.
    Serial,
    /// Threads of one process: the cell's `threads`.
    Threads,
    /// Processes that it starts itself: the cell's `ranks`.
    Processes,
    /// Processes that `mpiexec` starts: the cell's `ranks`.
    Mpi,
}

/// Every backend that a manifest can name. A new one is a line here.
pub const BACKENDS: &[(&str, CommKind, DeviceKind)] = &[
    ("serial", CommKind::Solo, DeviceKind::Cpu),
    ("threads", CommKind::Threads, DeviceKind::Cpu),
    ("mpi", CommKind::Mpi, DeviceKind::Cpu),
    ("hybrid", CommKind::Hybrid, DeviceKind::Cpu),
    ("pjrt", CommKind::Solo, DeviceKind::Pjrt(Platform::Any)),
    ("mpi+pjrt", CommKind::Mpi, DeviceKind::Pjrt(Platform::Any)),
    ("pjrt-reference", CommKind::Solo, DeviceKind::Pjrt(Platform::Reference)),
    ("mpi+pjrt-reference", CommKind::Mpi, DeviceKind::Pjrt(Platform::Reference)),
    ("xla-cpu", CommKind::Solo, DeviceKind::Pjrt(Platform::XlaCpu)),
    ("mpi+xla-cpu", CommKind::Mpi, DeviceKind::Pjrt(Platform::XlaCpu)),
    ("cuda", CommKind::Solo, DeviceKind::Pjrt(Platform::Cuda)),
    ("mpi+cuda", CommKind::Mpi, DeviceKind::Pjrt(Platform::Cuda)),
    ("trainium", CommKind::Solo, DeviceKind::Pjrt(Platform::Trainium)),
    ("mpi+trainium", CommKind::Mpi, DeviceKind::Pjrt(Platform::Trainium)),
];

impl Backend {
    /// One lane on the CPU: the base of speedups and the oracle of answers.
    pub const SERIAL: Backend = Backend::Native { comm: CommKind::Solo, device: DeviceKind::Cpu };

    /// The backend with this name in a manifest.
    pub fn from_name(name: &str) -> Option<Backend> {
        BACKENDS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|&(_, comm, device)| Backend::Native { comm, device })
    }

    /// The name in a manifest.
    pub fn name(&self) -> &str {
        match self {
            Backend::Native { comm, device } => BACKENDS
                .iter()
                .find(|(_, c, d)| c == comm && d == device)
                .map_or("unregistered", |(name, ..)| name),
            Backend::Peer(peer) => &peer.name,
        }
    }

    /// What it drives behind a PJRT plugin, if anything.
    pub fn platform(&self) -> Option<Platform> {
        match self {
            Backend::Native { device: DeviceKind::Pjrt(platform), .. } => Some(*platform),
            _ => None,
        }
    }

    /// Is it launched as several processes under MPI?
    pub fn uses_mpi(&self) -> bool {
        match self {
            Backend::Native { comm, .. } => matches!(comm, CommKind::Mpi | CommKind::Hybrid),
            Backend::Peer(peer) => peer.lanes == PeerLanes::Mpi,
        }
    }
    /// Can it have several ranks, whoever starts them?
    pub fn uses_ranks(&self) -> bool {
        self.uses_mpi() || matches!(self, Backend::Peer(Peer { lanes: PeerLanes::Processes, .. }))
    }
    /// Does a rank run several threads?
    pub fn uses_threads(&self) -> bool {
        match self {
            Backend::Native { comm, .. } => matches!(comm, CommKind::Threads | CommKind::Hybrid),
            Backend::Peer(peer) => peer.lanes == PeerLanes::Threads,
        }
    }
    /// The outside program, if it is one.
    pub fn peer(&self) -> Option<&Peer> {
        match self {
            Backend::Native { .. } => None,
            Backend::Peer(peer) => Some(peer),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Backend {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Backend::Native { .. } => serializer.serialize_str(self.name()),
            Backend::Peer(peer) => peer.serialize(serializer),
        }
    }
}

/// A word for a backend of ours, a table for an outside program: a misspelt word cannot become a
/// program that nobody has.
impl<'de> Deserialize<'de> for Backend {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        struct Written;
        impl<'de> serde::de::Visitor<'de> for Written {
            type Value = Backend;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a backend, or {\"peer\": NAME, \"lanes\": …}")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<Backend, E> {
                Backend::from_name(name).ok_or_else(|| {
                    let known: Vec<_> = BACKENDS.iter().map(|(name, ..)| *name).collect();
                    E::custom(format!(
                        "unknown backend '{name}', expected one of {}",
                        known.join(", ")
                    ))
                })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<Backend, A::Error> {
                let peer = Peer::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                match Peer::is_name(&peer.name) {
                    true => Ok(Backend::Peer(peer)),
                    false => Err(serde::de::Error::custom(format!(
                        "'{}' cannot name an outside program",
                        peer.name
                    ))),
                }
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl JsonSchema for Backend {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Backend".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = BACKENDS.iter().map(|(name, ..)| *name).collect();
        let peer = generator.subschema_for::<Peer>();
        schemars::json_schema!({ "anyOf": [{ "type": "string", "enum": names }, peer] })
    }
}

/// The name of a cell: 16 hexadecimal digits.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct CellId(pub String);

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Cell {
    /// Number of lanes: ranks × threads. A cell that was checked has few enough; one of a record
    /// may have any.
    pub fn lanes(&self) -> u32 {
        self.ranks.saturating_mul(self.threads)
    }

    /// The id: the first 64 bits of the SHA-256 of the canonical form.
    pub fn id(&self) -> CellId {
        CellId(short_hash(canonical(self).as_bytes()))
    }

    /// Reads a cell file's text.
    pub fn parse(text: &str) -> Result<Cell> {
        let cell: Cell = serde_json::from_str(text).map_err(|e| {
            Error::new(Kind::Manifest, format!("not a cell: {e}"))
                .hint("write one with 'amdahl plan MANIFEST --cell ID'")
        })?;
        cell.validate()?;
        Ok(cell)
    }

    /// Checks what the types cannot say: lanes that fit the backend. What a workload says of its
    /// own parameters is its own.
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(Kind::Manifest, message));
        if self.ranks == 0 || self.threads == 0 {
            return refuse(format!(
                "ranks and threads are at least 1, got {} and {}",
                self.ranks, self.threads
            ));
        }
        if self.ranks.checked_mul(self.threads).is_none_or(|lanes| lanes > 1 << 24) {
            return refuse(format!(
                "{} ranks x {} threads are more lanes than this program can number",
                self.ranks, self.threads
            ));
        }
        if self.ranks > 1 && !self.backend.uses_ranks() {
            return refuse(format!("backend '{}' has one rank, got {}", self.backend, self.ranks));
        }
        if self.threads > 1 && !self.backend.uses_threads() {
            return refuse(format!(
                "backend '{}' has one thread in a rank, got {}",
                self.backend, self.threads
            ));
        }
        if !self.reduces() && !self.reduction.is_direct() {
            return refuse(format!(
                "{} of backend '{}' with reduction '{}': one lane has nothing to reduce, and an \
                 outside program does it in its own way",
                if self.lanes() == 1 { "one lane" } else { "lanes" },
                self.backend,
                self.reduction
            ));
        }
        Ok(())
    }

    /// Can its reduction be chosen? One lane has nothing to reduce, and an outside program does it
    /// in its own way.
    pub fn reduces(&self) -> bool {
        self.lanes() > 1 && self.backend.peer().is_none()
    }
}

/// JSON with sorted keys and no spaces: the same text for the same value, whatever features
/// serde_json was built with.
pub fn canonical(value: &impl Serialize) -> String {
    fn sort(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(map) => {
                let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, sort(v))).collect();
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                serde_json::Value::Object(entries.into_iter().collect())
            }
            serde_json::Value::Array(items) => {
                serde_json::Value::Array(items.into_iter().map(sort).collect())
            }
            other => other,
        }
    }
    let value = serde_json::to_value(value).unwrap_or(serde_json::Value::Null);
    sort(value).to_string()
}

/// The first 64 bits of the SHA-256 of `bytes`, as 16 hexadecimal digits.
pub fn short_hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..8])
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cell() -> Cell {
        Cell {
            workload: WorkloadSpec::of(
                "kmeans",
                json!({ "k": 8, "init": "first-rows", "stop": { "iterations": 10 }, "warmup": 1 }),
            ),
            dataset: Dataset::Synthetic {
                shape: Synthetic::Mixture,
                points: 1000,
                dims: 4,
                clusters: 8,
                seed: 1,
            },
            backend: Backend::SERIAL,
            ranks: 1,
            threads: 1,
            oversubscribe: false,
            reduction: ReductionName::default(),
        }
    }

    #[test]
    fn the_id_is_stable_across_builds_and_survives_a_round_trip() {
        let cell = cell();
        assert_eq!(
            cell.id().0,
            "1ab475e79d9a650e",
            "a changed id orphans every record: {}",
            canonical(&cell)
        );
        let text = serde_json::to_string_pretty(&cell).expect("cells serialise");
        let back = Cell::parse(&text).expect("a written cell parses");
        assert_eq!(back, cell);
        assert_eq!(back.id(), cell.id());
    }

    #[test]
    fn a_reduction_of_choice_is_written_and_only_where_lanes_reduce() {
        let backend = Backend::from_name("mpi").expect("known");
        let direct = Cell { backend: backend.clone(), ranks: 2, ..cell() };
        assert!(!canonical(&direct).contains("reduction"));
        let tree = Cell { reduction: ReductionName("tree".into()), ..direct.clone() };
        let text = canonical(&tree);
        assert!(text.contains(r#""reduction":"tree""#), "{text}");
        assert_eq!(Cell::parse(&text).expect("a written cell parses"), tree);
        assert_ne!(tree.id(), direct.id());
        let alone = Cell { ranks: 1, ..tree };
        let error = alone.validate().expect_err("one lane").message;
        assert!(error.contains("one lane of backend 'mpi' with reduction 'tree'"), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut two_ranks = cell();
        two_ranks.ranks = 2;
        assert!(
            two_ranks.validate().expect_err("serial has one rank").message.contains("one rank")
        );
        let text = canonical(&cell()).replace("serial", "serail");
        assert!(
            Cell::parse(&text).expect_err("a typo").message.contains("unknown backend 'serail'")
        );
    }

    #[test]
    fn an_outside_program_is_a_table_and_survives_a_round_trip() {
        let peer = |lanes| Backend::Peer(Peer { name: "scikit-learn".into(), lanes });
        let two = Cell { backend: peer(PeerLanes::Threads), threads: 2, ..cell() };
        let text = canonical(&two);
        assert!(text.contains(r#""backend":{"lanes":"threads","peer":"scikit-learn"}"#), "{text}");
        assert_eq!(Cell::parse(&text).expect("a written cell parses"), two);
        let ranks = Cell { backend: peer(PeerLanes::Processes), ranks: 2, ..cell() };
        assert!(
            ranks.validate().is_ok() && !ranks.backend.uses_mpi() && ranks.backend.uses_ranks()
        );
        assert!(
            Cell { backend: peer(PeerLanes::Serial), threads: 2, ..cell() }.validate().is_err()
        );
        let error =
            Cell::parse(&text.replace("scikit-learn", "mpi")).expect_err("a backend of ours");
        assert!(error.message.contains("'mpi' cannot name an outside program"), "{error}");
        assert!(!Peer::is_name("../x") && !Peer::is_name("") && !Peer::is_name("-x"));
    }

    #[test]
    fn every_backend_has_one_name() {
        for (name, ..) in BACKENDS {
            assert_eq!(Backend::from_name(name).expect("registered").name(), *name);
        }
    }
}

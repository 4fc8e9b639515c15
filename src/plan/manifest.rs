//! A manifest as it is written: the types that TOML is read into, each value with its place. They say what may stand where and
//! nothing of what makes sense together; that is for the rest of this room. The JSON Schema for editors is made from them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{BoolDeserializer, F64Deserializer, I64Deserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::cell::Synthetic;
use crate::plan::place::At;

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
    /// What is varied. Axes cross, in the order in which they are written; the first varies slowest.
    pub axes: Option<At<Axes>>,
}

/// What is asked, and how it is measured.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Experiment {
    /// Name of the results folder: letters, digits, '-' and '_'. The manifest's file name without its ending where absent.
    pub name: Option<At<String>>,
    /// One line for people.
    pub title: Option<At<String>>,
    /// The question.
    pub question: Option<At<String>>,
    /// Seed of the order of the runs, and of all other draws that have no seed of their own. 1 where absent.
    pub seed: Option<At<Whole>>,
    /// Repeats of each cell. 5 where absent.
    pub repeats: Option<At<Whole>>,
    /// Backend whose cell is the base of speedups. 'serial' where absent.
    pub base: Option<At<String>>,
    /// How long a repeat may take: seconds, or a text such as "90 s" or "5 min". 600 s where absent.
    pub time_limit: Option<At<Duration>>,
}

/// What is computed.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Workload {
    /// The algorithm.
    #[schemars(required)]
    pub kind: Option<At<WorkloadKind>>,
    /// Number of clusters.
    pub k: Option<At<Whole>>,
    /// Where the first centroids come from. 'first-rows' where absent.
    pub init: Option<At<Init>>,
    /// Seed of 'random-rows'. The experiment's where absent.
    pub init_seed: Option<At<Whole>>,
    /// Exactly this many iterations, converged or not: for benchmarking. Instead of tolerance and max-iterations.
    pub iterations: Option<At<Whole>>,
    /// Ends when no label changes, or when the centroids' squared shift is at most tolerance x mean variance of the columns. 0 (the
    /// labels alone decide) where absent.
    pub tolerance: Option<At<Real>>,
    /// Upper limit of the iterations to convergence. 300 where absent.
    pub max_iterations: Option<At<Whole>>,
    /// Iterations that are run first and thrown away. 1 where absent.
    pub warmup: Option<At<Whole>>,
}

/// The algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadKind {
    /// Lloyd's k-means.
    #[serde(rename = "kmeans")]
    KMeans,
}

/// Where the first centroids come from.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// The first k rows.
    FirstRows,
    /// k distinct rows, drawn with init-seed.
    RandomRows,
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
    /// Number of rows. Of a real data set: a seeded subsample of this many rows; all rows where absent.
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
    /// How the lanes talk and what computes. 'serial' where absent.
    pub backend: Option<At<Many<BackendName>>>,
    /// Ranks (processes): "up-to-cores" (powers of two and the number of CPUs itself) or numbers.
    pub ranks: Option<At<Lanes>>,
    /// Threads in each rank: "up-to-cores" (powers of two and the number of CPUs itself) or numbers.
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
    /// Values that follow from others, such as points = "points_per_lane * lanes". Names are axes ('-' is written '_'), those of let, lanes
    /// and cpus; + - * / ( ) are exact, and the result is a positive whole number.
    pub derive: Option<BTreeMap<At<String>, At<String>>>,
    /// Axes that go hand in hand instead of crossing, such as [["ranks", "points"]]. Their lists are equally long.
    pub zip: Option<Vec<At<Vec<At<String>>>>>,
    /// Cells to drop: those that have all the values of one of these tables.
    pub exclude: Option<Vec<At<Pattern>>>,
    /// May cells have more lanes than there are CPUs? Yes, no, or those that have all the values of one of these tables.
    pub oversubscribe: Option<At<Oversubscribe>>,
}

/// Values of axes, such as { backend = "mpi", ranks = 1 }; a list means any of its values.
pub type Pattern = BTreeMap<At<String>, At<Many<Scalar>>>;

/// A value or a list of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Many<T>(pub Vec<At<T>>);

/// A list of numbers of lanes, or all that fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Lanes {
    /// Powers of two up to the number of CPUs, and that number itself.
    UpToCores,
    /// These.
    These(Vec<At<Whole>>),
}

/// Which cells may have more lanes than there are CPUs.
#[derive(Clone, Debug, PartialEq)]
pub enum Oversubscribe {
    /// All or none.
    All(bool),
    /// Those that match.
    Matching(Vec<At<Pattern>>),
}

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole(pub i64);

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real(pub f64);

/// A number, a text, or yes or no.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A whole number.
    Whole(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Word(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Whole(value) => write!(f, "{value}"),
            Scalar::Real(value) => write!(f, "{value}"),
            Scalar::Word(word) => f.write_str(word),
        }
    }
}

/// Seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duration(pub f64);

/// The name of a backend. Read as any text: what is known is checked later, with its place.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct BackendName(pub String);

impl JsonSchema for BackendName {
    fn schema_name() -> Cow<'static, str> {
        "Backend".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        crate::cell::Backend::json_schema(generator)
    }
}

struct ManyVisitor<T>(PhantomData<T>);

/// The place of a single value is that of the whole, so it is put in by whoever holds the whole; here it is empty.
fn single<T>(value: T) -> Many<T> {
    Many(vec![At::new(value, 0..0)])
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ManyVisitor<T> {
    type Value = Many<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a list of values")
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Many<T>, E> {
        T::deserialize(BoolDeserializer::new(value)).map(single)
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Many<T>, E> {
        T::deserialize(I64Deserializer::new(value)).map(single)
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Many<T>, E> {
        T::deserialize(F64Deserializer::new(value)).map(single)
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Many<T>, E> {
        T::deserialize(StrDeserializer::new(value)).map(single)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(single)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Many<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Many(values))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ManyVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Many{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// Visits one kind of value; everything else is the error "expected …, got …".
macro_rules! scalar {
    ($type:ty, $expecting:literal, { $($method:tt)* }) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Scalars;
                impl<'de> Visitor<'de> for Scalars {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    $($method)*
                }
                deserializer.deserialize_any(Scalars)
            }
        }
    };
}

scalar!(Whole, "a whole number", {
    fn visit_i64<E: Error>(self, value: i64) -> Result<Whole, E> {
        Ok(Whole(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Whole, E> {
        Err(E::invalid_type(Unexpected::Other(&format!("the text '{value}'")), &self))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Whole, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Other("a list: lists of values stand in [axes]"), &self))
    }
});

scalar!(Real, "a number", {
    fn visit_i64<E: Error>(self, value: i64) -> Result<Real, E> {
        Ok(Real(value as f64))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Real, E> {
        Ok(Real(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Real, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Other("a list: lists of values stand in [axes]"), &self))
    }
});

scalar!(Scalar, "a number or a text", {
    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(value))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Real(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Word(value.into()))
    }
});

scalar!(Duration, "seconds, or a text such as \"90 s\" or \"5 min\"", {
    fn visit_i64<E: Error>(self, value: i64) -> Result<Duration, E> {
        Ok(Duration(value as f64))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Duration, E> {
        Ok(Duration(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Duration, E> {
        let (number, unit) = value.split_at(value.find(|c: char| c.is_alphabetic()).unwrap_or(value.len()));
        let factor = match unit.trim() {
            "s" | "" => 1.0,
            "ms" => 1e-3,
            "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(E::invalid_type(Unexpected::Other(&format!("the text '{value}'")), &self)),
        };
        match number.trim().parse::<f64>() {
            Ok(number) => Ok(Duration(number * factor)),
            Err(_) => Err(E::invalid_type(Unexpected::Other(&format!("the text '{value}'")), &self)),
        }
    }
});

scalar!(Lanes, "\"up-to-cores\", a whole number, or a list of whole numbers", {
    fn visit_i64<E: Error>(self, value: i64) -> Result<Lanes, E> {
        Ok(Lanes::These(single(Whole(value)).0))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Lanes, E> {
        match value {
            "up-to-cores" => Ok(Lanes::UpToCores),
            other => Err(E::unknown_variant(other, &["up-to-cores"])),
        }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Lanes, A::Error> {
        ManyVisitor(PhantomData).visit_seq(list).map(|many| Lanes::These(many.0))
    }
});

scalar!(Oversubscribe, "true, false, or a list of tables such as { backend = \"hybrid\", ranks = 2 }", {
    fn visit_bool<E: Error>(self, value: bool) -> Result<Oversubscribe, E> {
        Ok(Oversubscribe::All(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Oversubscribe, A::Error> {
        ManyVisitor(PhantomData).visit_seq(list).map(|many| Oversubscribe::Matching(many.0))
    }
});

/// A schema under a name, for the types that are read by hand.
macro_rules! schema {
    ($type:ty, |$generator:ident| $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

schema!(Whole, |_generator| json_schema!({ "type": "integer", "minimum": 0 }));
schema!(Real, |_generator| json_schema!({ "type": "number", "minimum": 0 }));
schema!(Scalar, |_generator| json_schema!({ "type": ["number", "string"] }));
schema!(Duration, |_generator| json_schema!({ "type": ["number", "string"], "examples": ["90 s", "5 min"] }));
schema!(Lanes, |_generator| json_schema!({ "anyOf": [
    { "const": "up-to-cores" },
    { "type": "integer", "minimum": 1 },
    { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 1 }
] }));
schema!(Oversubscribe, |generator| {
    let patterns = generator.subschema_for::<Vec<At<Pattern>>>();
    json_schema!({ "anyOf": [{ "type": "boolean" }, patterns] })
});

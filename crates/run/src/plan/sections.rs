//! The sections [workload] and [axes]: their keys are those of a table of parameters, so they are
//! read by hand, each key and value with its place.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value as Json, json};

use crate::plan::manifest::{BackendName, Pattern};
use crate::plan::parameters;
use crate::plan::place::At;
use crate::plan::written::{Lanes, Many, Oversubscribe, Whole, Written};
use amdahl_record::cell::Synthetic;
use amdahl_workload::parameter::{GIVEN, Kind};

/// What is computed.
#[derive(Debug, Default)]
pub struct Workload {
    /// What kind of computation.
    pub kind: Option<At<Written>>,
    /// Its parameters.
    pub parameters: Vec<(At<String>, At<Written>)>,
}

/// What is varied. Axes cross, in the order in which they are written; the first varies slowest.
#[derive(Debug, Default)]
pub struct Axes {
    /// How the lanes talk and what computes, or the name of an outside program.
    pub backend: Option<At<Many<BackendName>>>,
    /// Ranks (processes).
    pub ranks: Option<At<Lanes>>,
    /// Threads in each rank.
    pub threads: Option<At<Lanes>>,
    /// Values for parameters of the workload.
    pub parameters: Vec<(At<String>, At<Many<Written>>)>,
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
    /// Numbers with names of your own, for derive.
    pub lets: Option<BTreeMap<At<String>, At<Many<Whole>>>>,
    /// Values that follow from others.
    pub derive: Option<BTreeMap<At<String>, At<String>>>,
    /// Axes that go hand in hand instead of crossing.
    pub zip: Option<Vec<At<Vec<At<String>>>>>,
    /// Cells to drop.
    pub exclude: Option<Vec<At<Pattern>>>,
    /// May cells have more lanes than there are CPUs?
    pub oversubscribe: Option<At<Oversubscribe>>,
}

impl Workload {
    /// The value that is written for this parameter.
    pub fn get(&self, name: &str) -> Option<&At<Written>> {
        self.parameters.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }
}

impl Axes {
    /// The keys that are no parameters of a workload, with what they mean.
    pub const KEYS: [(&'static str, &'static str); 15] = [
        (
            "backend",
            "How the lanes talk and what computes, or the name of an outside program. 'serial' \
             where absent.",
        ),
        (
            "ranks",
            "Ranks (processes): \"up-to-cores\" (powers of two and the number of CPUs itself) or \
             numbers.",
        ),
        (
            "threads",
            "Threads in each rank: \"up-to-cores\" (powers of two and the number of CPUs itself) \
             or numbers.",
        ),
        ("synthetic", "Values for dataset.synthetic."),
        ("dataset", "Values for dataset.name."),
        ("file", "Values for dataset.file."),
        ("points", "Values for dataset.points."),
        ("dims", "Values for dataset.dims."),
        ("clusters", "Values for dataset.clusters."),
        ("seed", "Values for dataset.seed."),
        ("let", "Numbers with names of your own, for derive. A list is an axis."),
        (
            "derive",
            "Values that follow from others, such as points = \"points_per_lane * lanes\". Names \
             are axes ('-' is written '_'), those of let, lanes and cpus; + - * / ( ) are exact, \
             and the result is a positive whole number.",
        ),
        (
            "zip",
            "Axes that go hand in hand instead of crossing, such as [[\"ranks\", \"points\"]]. \
             Their lists are equally long.",
        ),
        ("exclude", "Cells to drop: those that have all the values of one of these tables."),
        (
            "oversubscribe",
            "May cells have more lanes than there are CPUs? Yes, no, or those that have all the \
             values of one of these tables.",
        ),
    ];

    /// The values that are written for this parameter of the workload.
    pub fn get(&self, name: &str) -> Option<&At<Many<Written>>> {
        self.parameters.iter().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Workload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Workload;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("struct Workload")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Workload, A::Error> {
                let mut found = Workload::default();
                while let Some(key) = map.next_key::<At<String>>()? {
                    match key.value.as_str() {
                        "kind" => found.kind = Some(map.next_value()?),
                        _ => found.parameters.push((key, map.next_value()?)),
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Axes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("struct Axes")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Axes, A::Error> {
                let mut found = Axes::default();
                while let Some(key) = map.next_key::<At<String>>()? {
                    match key.value.as_str() {
                        "backend" => found.backend = Some(map.next_value()?),
                        "ranks" => found.ranks = Some(map.next_value()?),
                        "threads" => found.threads = Some(map.next_value()?),
                        "synthetic" => found.synthetic = Some(map.next_value()?),
                        "dataset" => found.dataset = Some(map.next_value()?),
                        "file" => found.file = Some(map.next_value()?),
                        "points" => found.points = Some(map.next_value()?),
                        "dims" => found.dims = Some(map.next_value()?),
                        "clusters" => found.clusters = Some(map.next_value()?),
                        "seed" => found.seed = Some(map.next_value()?),
                        "let" => found.lets = Some(map.next_value()?),
                        "derive" => found.derive = Some(map.next_value()?),
                        "zip" => found.zip = Some(map.next_value()?),
                        "exclude" => found.exclude = Some(map.next_value()?),
                        "oversubscribe" => found.oversubscribe = Some(map.next_value()?),
                        _ => found.parameters.push((key, map.next_value()?)),
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// The schema of one value of a parameter.
fn value(kind: Kind) -> Json {
    let words = |words: &[(&str, &str)]| -> Json {
        let each = words
            .iter()
            .map(|(word, about)| json!({ "const": word, "type": "string", "description": about }));
        json!({ "oneOf": each.collect::<Vec<_>>() })
    };
    match kind {
        Kind::Whole { least, .. } => {
            json!({ "type": "integer", "format": "int64", "minimum": least })
        }
        Kind::Real => json!({ "type": "number", "format": "double", "minimum": 0 }),
        Kind::Word(known) => words(known),
        Kind::WordOrFile(known) => json!({ "anyOf": [words(known), {
            "type": "object",
            "description": "A file; relative to the manifest's folder.",
            "properties": { GIVEN: { "type": "string" } },
            "required": [GIVEN],
            "additionalProperties": false
        }] }),
        Kind::File => json!({ "type": "string" }),
    }
}

fn described(mut schema: Json, about: &str) -> Json {
    if let Json::Object(map) = &mut schema {
        map.insert("description".into(), about.into());
    }
    schema
}

impl JsonSchema for Workload {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Workload".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let kinds: Vec<Json> = amdahl_workloads::ALL
            .iter()
            .map(|workload| json!({ "const": workload.name(), "type": "string", "description": format!("{}.", workload.title()) }))
            .collect();
        let kind = json!({ "oneOf": kinds, "description": "What kind of computation." });
        let mut properties = Map::from_iter([("kind".to_string(), kind)]);
        for parameter in parameters::entries(None) {
            let schema = described(value(parameter.kind), parameter.about);
            properties.insert(parameter.name.into(), schema);
        }
        // Each kind has its own keys.
        let own = amdahl_workloads::ALL.iter().map(|workload| {
            let keys = parameters::entries(Some(*workload)).into_iter().map(|entry| entry.name);
            let keys: Vec<&str> = std::iter::once("kind").chain(keys).collect();
            json!({
                "if": { "properties": { "kind": { "const": workload.name() } } },
                "then": { "propertyNames": { "enum": keys } }
            })
        });
        json_schema!({
            "type": "object",
            "properties": properties,
            "required": ["kind"],
            "additionalProperties": false,
            "allOf": own.collect::<Vec<_>>()
        })
    }
}

impl JsonSchema for Axes {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Axes".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        let mut of = |name: &str| -> Json {
            let schema = match name {
                "backend" => generator.subschema_for::<Many<BackendName>>(),
                "ranks" | "threads" => generator.subschema_for::<Lanes>(),
                "synthetic" => generator.subschema_for::<Many<Synthetic>>(),
                "dataset" | "file" => generator.subschema_for::<Many<String>>(),
                "let" => generator.subschema_for::<BTreeMap<String, Many<Whole>>>(),
                "derive" => generator.subschema_for::<BTreeMap<String, String>>(),
                "zip" => generator.subschema_for::<Vec<Vec<String>>>(),
                "exclude" => generator.subschema_for::<Vec<Pattern>>(),
                "oversubscribe" => generator.subschema_for::<Oversubscribe>(),
                _ => generator.subschema_for::<Many<Whole>>(),
            };
            schema.to_value()
        };
        for (name, about) in Axes::KEYS {
            let schema = described(of(name), about);
            properties.insert(name.into(), schema);
        }
        for parameter in parameters::entries(None) {
            let one = value(parameter.kind);
            let list = json!({ "type": "array", "items": one, "minItems": 1 });
            let about = format!("Values for workload.{}.", parameter.name);
            let schema = json!({ "anyOf": [one, list], "description": about });
            properties.insert(parameter.name.into(), schema);
        }
        json_schema!({
            "type": "object", "properties": properties, "additionalProperties": false
        })
    }
}

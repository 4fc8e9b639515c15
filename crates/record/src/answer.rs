//! The answer of a cell, and whether it is the right one.
//!
//! Every workload's answer has the same form: numbers, lists and digests by name, so that records
//! can be read, compared and explained without knowing the workload. In a record it is one flat
//! object, whose fields are told apart by their types: a text is a digest, a number with a fraction
//! a value, a whole number a count, a list of whole numbers a list.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// What must be right before a time counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The workload's name.
    pub of: String,
    /// Digest of all input as it was read, independent of how it is spread over lanes.
    pub data: String,
    /// Iterations (steps, epochs, passes) that were run.
    pub iterations: u32,
    /// Did it stop by its rule of convergence?
    pub converged: bool,
    /// Whole numbers by name: sizes of the problem, and what was counted on the way.
    pub counts: BTreeMap<String, u64>,
    /// Numbers by name, equal to the last bit where the answer is exact.
    pub values: BTreeMap<String, f64>,
    /// Lists of whole numbers by name.
    pub lists: BTreeMap<String, Vec<u64>>,
    /// Digests by name.
    pub digests: BTreeMap<String, String>,
    /// How good the answer is beside a known truth, by measure. Empty where none is known.
    pub quality: BTreeMap<String, f64>,
    /// What a person should know about the answer.
    pub warnings: Vec<String>,
}

impl Answer {
    /// The count of this name.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.counts.get(name).copied()
    }

    /// The value of this name.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }

    /// Rows of the input, where it has rows.
    pub fn rows(&self) -> Option<u64> {
        self.count("rows")
    }

    /// Columns of the input, where it has columns.
    pub fn columns(&self) -> Option<u32> {
        self.count("dims").and_then(|dims| u32::try_from(dims).ok())
    }

    /// Checks this answer against the oracle's to the last bit. Counts named in `effort` tell how
    /// it was found and may differ. The error says what differs.
    ///
    /// # Errors
    /// The first difference, with both values.
    pub fn check_exact(&self, oracle: &Answer, effort: &[&str]) -> Result<(), String> {
        fn differ<T: PartialEq + fmt::Debug>(
            what: &str,
            mine: Option<&T>,
            right: Option<&T>,
        ) -> Result<(), String> {
            let shown = |value: Option<&T>| match value {
                Some(value) => format!("{value:?}").trim_matches('"').to_string(),
                None => "none".into(),
            };
            match mine == right {
                true => Ok(()),
                false => {
                    Err(format!("{what}: got {}, the oracle has {}", shown(mine), shown(right)))
                }
            }
        }
        fn each<'a, T>(
            mine: &'a BTreeMap<String, T>,
            right: &'a BTreeMap<String, T>,
        ) -> impl Iterator<Item = (&'a String, Option<&'a T>, Option<&'a T>)> {
            let only_right = right.keys().filter(|name| !mine.contains_key(*name));
            mine.keys().chain(only_right).map(|name| (name, mine.get(name), right.get(name)))
        }
        differ("workload", Some(&self.of), Some(&oracle.of))?;
        differ("other data", Some(&self.data), Some(&oracle.data))?;
        differ("iterations", Some(&self.iterations), Some(&oracle.iterations))?;
        for (name, mine, right) in each(&self.values, &oracle.values) {
            let bits = |value: Option<&f64>| value.map(|value| value.to_bits());
            if bits(mine) != bits(right) {
                let shown =
                    |value: Option<&f64>| value.map_or("none".into(), |value| value.to_string());
                return Err(format!(
                    "{name}: got {}, the oracle has {}",
                    shown(mine),
                    shown(right)
                ));
            }
        }
        for (name, mine, right) in each(&self.lists, &oracle.lists) {
            differ(name, mine, right)?;
        }
        for (name, mine, right) in each(&self.digests, &oracle.digests) {
            differ(&format!("digest of the {name}"), mine, right)?;
        }
        for (name, mine, right) in each(&self.counts, &oracle.counts) {
            if !effort.contains(&name.as_str()) {
                differ(name, mine, right)?;
            }
        }
        Ok(())
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("of", &self.of)?;
        map.serialize_entry("data", &self.data)?;
        map.serialize_entry("iterations", &self.iterations)?;
        map.serialize_entry("converged", &self.converged)?;
        for (name, value) in &self.counts {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &self.values {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &self.lists {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &self.digests {
            map.serialize_entry(name, value)?;
        }
        if !self.quality.is_empty() {
            map.serialize_entry("quality", &self.quality)?;
        }
        if !self.warnings.is_empty() {
            map.serialize_entry("warnings", &self.warnings)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Answer;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer: numbers, lists and digests by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer, A::Error> {
                let mut answer = Answer::default();
                let mut seen = [false; 3];
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "of" => (answer.of, seen[0]) = (map.next_value()?, true),
                        "data" => (answer.data, seen[1]) = (map.next_value()?, true),
                        "iterations" => (answer.iterations, seen[2]) = (map.next_value()?, true),
                        "converged" => answer.converged = map.next_value()?,
                        "quality" => answer.quality = map.next_value()?,
                        "warnings" => answer.warnings = map.next_value()?,
                        _ => match map.next_value()? {
                            Field::Count(value) => drop(answer.counts.insert(name, value)),
                            Field::Value(value) => drop(answer.values.insert(name, value)),
                            Field::List(value) => drop(answer.lists.insert(name, value)),
                            Field::Digest(value) => drop(answer.digests.insert(name, value)),
                            Field::Missing => {}
                        },
                    }
                }
                for (name, seen) in ["of", "data", "iterations"].into_iter().zip(seen) {
                    if !seen {
                        return Err(A::Error::missing_field(name));
                    }
                }
                Ok(answer)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// One field of an answer, by its type.
#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Count(u64),
    Value(f64),
    List(Vec<u64>),
    Digest(String),
    Missing,
}

impl JsonSchema for Answer {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Answer".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let field = generator.subschema_for::<Value>();
        let texts = generator.subschema_for::<Vec<String>>();
        let numbers = generator.subschema_for::<BTreeMap<String, f64>>();
        schemars::json_schema!({
            "type": "object",
            "description": "The answer of a cell: digests (texts), values (numbers with a fraction), \
                            counts (whole numbers) and lists by name.",
            "required": ["of", "data", "iterations"],
            "properties": {
                "of": { "type": "string", "description": "The workload's name." },
                "data": { "type": "string", "description": "Digest of all input as it was read." },
                "iterations": { "type": "integer", "minimum": 0 },
                "converged": { "type": "boolean" },
                "quality": numbers,
                "warnings": texts
            },
            "additionalProperties": field
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer {
            of: "kmeans".into(),
            data: "d".into(),
            iterations: 2,
            converged: true,
            counts: [("rows".into(), 4), ("distances".into(), 16)].into(),
            values: [("inertia".into(), 1.5)].into(),
            lists: [("sizes".into(), vec![2, 2])].into(),
            digests: [("centroids".into(), "c".into())].into(),
            quality: BTreeMap::new(),
            warnings: vec![],
        }
    }

    fn changed(change: impl FnOnce(&mut Answer)) -> Answer {
        let mut changed = answer();
        change(&mut changed);
        changed
    }

    #[test]
    fn the_check_names_what_differs() {
        let right = answer();
        let check = |mine: Answer| mine.check_exact(&right, &["distances"]);
        assert_eq!(check(answer()), Ok(()));
        let one_bit = changed(|a| {
            let _ = a.values.insert("inertia".into(), 1.5000000000000002);
        });
        let found = check(one_bit).expect_err("one bit off");
        assert_eq!(found, "inertia: got 1.5000000000000002, the oracle has 1.5");
        let centroids = changed(|a| {
            let _ = a.digests.insert("centroids".into(), "x".into());
        });
        let found = check(centroids).expect_err("other centroids");
        assert_eq!(found, "digest of the centroids: got x, the oracle has c");
        let missing = changed(|a| a.lists.clear());
        assert_eq!(check(missing).expect_err("no sizes"), "sizes: got none, the oracle has [2, 2]");
        assert_eq!(
            check(changed(|a| {
                let _ = a.counts.insert("distances".into(), 3);
            })),
            Ok(())
        );
        assert!(
            check(changed(|a| {
                let _ = a.counts.insert("rows".into(), 3);
            }))
            .is_err()
        );
        let zero = |value| {
            changed(|a| {
                let _ = a.values.insert("inertia".into(), value);
            })
        };
        assert!(zero(0.0).check_exact(&zero(-0.0), &[]).is_err(), "other bits");
    }

    #[test]
    fn it_is_one_flat_object_and_survives_a_round_trip() {
        let whole = changed(|a| {
            a.values.insert("whole".into(), 3.0);
            a.quality.insert("nmi".into(), 1.0);
            a.warnings.push("w".into());
        });
        let text = serde_json::to_string(&whole).expect("JSON");
        assert!(
            text.contains(r#""inertia":1.5,"whole":3.0,"sizes":[2,2],"centroids":"c""#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Answer>(&text).expect("an answer"), whole);
        let without = text.replace(r#""data":"d","#, "");
        assert!(serde_json::from_str::<Answer>(&without).is_err());
        let null = text.replace(r#""whole":3.0"#, r#""whole":null"#);
        assert!(
            serde_json::from_str::<Answer>(&null)
                .expect("null is missing")
                .value("whole")
                .is_none()
        );
    }
}

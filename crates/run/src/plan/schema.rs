//! The JSON Schema of manifests, for editors: made from the types that manifests are read into,
//! kept as `docs/manifest.schema.json`.

use serde_json::{Map, Value};

use crate::plan::manifest::Manifest;
use crate::plan::parameters::kind_of;
use amdahl_record::cell::canonical;
use amdahl_workload::parameter::Kind;

/// The schema as JSON text (JSON Schema, draft 2020-12).
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Manifest).to_value();
    for_toml(&mut schema);
    // Keys in the order of the alphabet, whatever features serde_json was built with. A schema is
    // JSON already, so this cannot fail.
    let sorted: Value = serde_json::from_str(&canonical(&schema)).unwrap_or_default();
    serde_json::to_string_pretty(&sorted).unwrap_or_default() + "\n"
}

/// A key that is absent in Rust is null in JSON; in TOML there is no null. Limits that only the
/// checks know are put in.
fn for_toml(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(for_toml);
            without_null(map);
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                for (name, property) in properties.iter_mut() {
                    if name == "repeats"
                        || matches!(kind_of(name), Some(Kind::Whole { least: 1, .. }))
                    {
                        at_least_one(property);
                    }
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(for_toml),
        _ => {}
    }
}

fn without_null(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            map.insert("type".into(), only);
        }
    }
    let null = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "null");
    if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
        choices.retain(|choice| !null(choice));
        if let [Value::Object(only)] = &mut choices[..] {
            let only = std::mem::take(only);
            map.remove("anyOf");
            map.extend(only);
        }
    }
}

fn at_least_one(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(minimum) = map.get_mut("minimum") {
                *minimum = Value::from(1);
            }
            map.values_mut().for_each(at_least_one);
        }
        Value::Array(items) => items.iter_mut().for_each(at_least_one),
        _ => {}
    }
}

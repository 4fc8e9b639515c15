//! How readings are written: without repeated keys, so that a repeat's line stays short. Reading back gives the same values in the same
//! order, except that metrics without values come last.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::record::{Provenance, Reading};
use crate::units::Unit;

/// The written form of a list of readings.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Readings {
    /// `[metric, unit, where from, values[lane][phase]]`.
    values: Vec<(String, Unit, Provenance, Vec<Vec<Number>>)>,
    /// `[why, [[metric, unit], …]]`: what could not be had, by reason.
    missing: Vec<(String, Vec<(String, Unit)>)>,
}

/// A number that is written without a fraction where it has none.
#[derive(Clone, Copy, JsonSchema)]
#[schemars(transparent)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == self.0.trunc() && self.0.abs() < 2f64.powi(53) {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Number)
    }
}

pub(super) fn serialize<S: Serializer>(readings: &[Reading], serializer: S) -> Result<S::Ok, S::Error> {
    let mut written = Readings { values: Vec::new(), missing: Vec::new() };
    for reading in readings {
        let named = (reading.metric.clone(), reading.unit);
        match (&reading.values, reading.from) {
            (Some(lanes), Some(from)) => {
                let lanes = lanes.iter().map(|phases| phases.iter().copied().map(Number).collect()).collect();
                written.values.push((named.0, named.1, from, lanes));
            }
            _ => {
                let why = reading.why.as_deref().unwrap_or("no reason given");
                match written.missing.iter_mut().find(|(known, _)| known == why) {
                    Some((_, metrics)) => metrics.push(named),
                    None => written.missing.push((why.to_string(), vec![named])),
                }
            }
        }
    }
    written.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Reading>, D::Error> {
    let written = Readings::deserialize(deserializer)?;
    let values = written.values.into_iter().map(|(metric, unit, from, lanes)| Reading {
        metric,
        unit,
        from: Some(from),
        values: Some(lanes.into_iter().map(|phases| phases.into_iter().map(|number| number.0).collect()).collect()),
        why: None,
    });
    let missing = written.missing.into_iter().flat_map(|(why, metrics)| {
        metrics.into_iter().map(move |(metric, unit)| Reading {
            metric,
            unit,
            from: None,
            values: None,
            why: Some(why.clone()),
        })
    });
    Ok(values.chain(missing).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Holder {
        #[serde(with = "super")]
        readings: Vec<Reading>,
    }

    #[test]
    fn short_and_back() {
        let reading = |metric: &str, values: Option<Vec<Vec<f64>>>, why: Option<&str>| Reading {
            metric: metric.into(),
            unit: Unit::Count,
            from: values.is_some().then_some(Provenance::Measured),
            values,
            why: why.map(str::to_string),
        };
        let readings = vec![
            reading("faults", Some(vec![vec![3.0, 0.0, 0.5]]), None),
            reading("cycles", None, Some("no PMU")),
            reading("instructions", None, Some("no PMU")),
        ];
        let text = serde_json::to_string(&Holder { readings: readings.clone() }).expect("serialises");
        let expected = r#"{"readings":{"values":[["faults","count","measured",[[3,0,0.5]]]],"missing":[["no PMU",[["cycles","count"],["instructions","count"]]]]}}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Holder>(&text).expect("reads back").readings, readings);
    }
}

//! How readings are written: without repeated keys, so that a repeat's line stays short; of each
//! lane the values up to the last phase that was entered. Reading
//! back gives the same values in the same order, except that metrics without values come last.

use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shared;
use crate::shared::Shared;
use crate::units::Unit;
use crate::{Phase, Provenance, Reading, Scope};

/// The written form of a list of readings.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Readings {
    /// `[metric, unit, where from, values[lane][phase]]`.
    values: Vec<(Word, Unit, Provenance, Vec<Phases>)>,
    /// `[why, [[metric, unit], …]]`: what could not be had, by reason.
    missing: Vec<(Word, Vec<(Word, Unit)>)>,
    /// `[group, scope, [metric, …]]`: what was counted together, and whose events. Absent in older
    /// records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<(Option<Word>, Scope, Vec<Word>)>,
}

/// A word that many readings share.
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
struct Word(Shared<String>);

impl JsonSchema for Word {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Word".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<String>()
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl Visitor<'_> for Known {
            type Value = Word;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a word")
            }
            fn visit_str<E>(self, text: &str) -> Result<Word, E> {
                Ok(Word(shared::word(text)))
            }
        }
        deserializer.deserialize_str(Known)
    }
}

/// The values of one lane, phase by phase.
struct Phases(Vec<f64>);

impl JsonSchema for Phases {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Phases".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<Vec<Number>>()
    }
}

impl Serialize for Phases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(shortened(&self.0).iter().copied().map(Number))
    }
}

impl<'de> Deserialize<'de> for Phases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = Phases;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Phases, A::Error> {
                // As long as nearly all are: one allocation, without room to spare.
                let mut phases = Vec::with_capacity(Phase::SHARED);
                while let Some(Number(value)) = list.next_element()? {
                    phases.push(value);
                }
                Ok(Phases(lengthened(phases)))
            }
        }
        deserializer.deserialize_seq(Values)
    }
}

/// A number that is written without a fraction where it has none, and as null where it is none.
#[derive(Clone, Copy)]
struct Number(f64);

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        generator.subschema_for::<Option<f64>>()
    }
}

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
        Option::<f64>::deserialize(deserializer).map(|number| Number(number.unwrap_or(f64::NAN)))
    }
}

pub(super) fn serialize<S: Serializer>(
    readings: &[Reading],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut written = Readings { values: Vec::new(), missing: Vec::new(), groups: Vec::new() };
    for reading in readings {
        if reading.group.is_some() || !reading.scope.is_lane() {
            let group = reading.group.clone().map(Word);
            match written
                .groups
                .iter_mut()
                .find(|(name, scope, _)| *name == group && *scope == reading.scope)
            {
                Some((.., metrics)) => metrics.push(Word(reading.metric.clone())),
                None => {
                    written.groups.push((group, reading.scope, vec![Word(reading.metric.clone())]))
                }
            }
        }
        let named = (Word(reading.metric.clone()), reading.unit);
        match (&reading.values, reading.from) {
            (Some(lanes), Some(from)) => {
                written.values.push((
                    named.0,
                    named.1,
                    from,
                    lanes.iter().cloned().map(Phases).collect(),
                ));
            }
            _ => {
                let why = reading.why.clone().unwrap_or_else(|| "no reason given".into());
                match written.missing.iter_mut().find(|(known, _)| known.0 == why) {
                    Some((_, metrics)) => metrics.push(named),
                    None => written.missing.push((Word(why), vec![named])),
                }
            }
        }
    }
    written.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Reading>, D::Error> {
    let Readings { values, missing, groups } = Readings::deserialize(deserializer)?;
    let counted_by = |metric: &Word| {
        let group = groups.iter().find(|(.., metrics)| metrics.contains(metric));
        group.map_or((None, Scope::default()), |(group, scope, _)| {
            (group.clone().map(|word| word.0), *scope)
        })
    };
    let count = values.len() + missing.iter().map(|(_, metrics)| metrics.len()).sum::<usize>();
    let mut readings = Vec::with_capacity(count);
    for (metric, unit, from, lanes) in values {
        let (group, scope) = counted_by(&metric);
        let mut values: Vec<Vec<f64>> = lanes.into_iter().map(|lane| lane.0).collect();
        values.shrink_to_fit();
        let values = Some(values);
        readings.push(Reading {
            metric: metric.0,
            unit,
            from: Some(from),
            values,
            why: None,
            group,
            scope,
        });
    }
    for (why, metrics) in missing {
        for (metric, unit) in metrics {
            let (group, scope) = counted_by(&metric);
            let why = Some(why.0.clone());
            readings.push(Reading {
                metric: metric.0,
                unit,
                from: None,
                values: None,
                why,
                group,
                scope,
            });
        }
    }
    Ok(readings)
}

/// Without the last phases that were not entered, but not without any: that would say that another
/// lane has the values.
fn shortened(phases: &[f64]) -> &[f64] {
    let entered = phases.iter().rposition(|value| *value != 0.0).map_or(1, |last| last + 1);
    &phases[..entered.min(phases.len())]
}

/// With those that all programs share: what was not entered took nothing and counted nothing.
fn lengthened(mut phases: Vec<f64>) -> Vec<f64> {
    if !phases.is_empty() && phases.len() < Phase::SHARED {
        phases.resize(Phase::SHARED, 0.0);
    }
    phases
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
            why: why.map(Shared::from),
            group: None,
            scope: Scope::Lane,
        };
        let readings = vec![
            reading("faults", Some(vec![lengthened(vec![3.0, 0.0, 0.5])]), None),
            reading("cycles", None, Some("no PMU")),
            reading("instructions", None, Some("no PMU")),
        ];
        let text =
            serde_json::to_string(&Holder { readings: readings.clone() }).expect("serialises");
        let expected = r#"{"readings":{"values":[["faults","count","measured",[[3,0,0.5]]]],"missing":[["no PMU",[["cycles","count"],["instructions","count"]]]]}}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Holder>(&text).expect("reads back").readings, readings);
    }

    #[test]
    fn phases_are_written_up_to_the_last_that_was_entered() {
        let all: Vec<f64> = (0..Phase::SHARED).map(|i| i as f64).collect();
        assert_eq!(shortened(&all), all);
        let mut some = all.clone();
        some[7..].fill(0.0);
        assert_eq!(shortened(&some), &all[..7]);
        assert_eq!(lengthened(all[..7].to_vec()), some);
        assert_eq!(lengthened(all.clone()), all);
        assert_eq!(shortened(&[0.0; 11]), [0.0], "never entered, and read by this lane");
        assert_eq!((shortened(&[]), lengthened(Vec::new())), (&[][..], Vec::new()));
        let uncounted = [1.0, f64::NAN, 0.0];
        assert_eq!(shortened(&uncounted).len(), 2, "what was not counted is not 0");
    }

    #[test]
    fn what_was_counted_together_and_what_was_not_counted() {
        let reading = |metric: &str, value: f64, group: &str, scope| Reading {
            metric: metric.into(),
            unit: Unit::Count,
            from: Some(Provenance::Measured),
            values: Some(vec![vec![1.0, value], vec![]]),
            why: None,
            group: Some(group.into()),
            scope,
        };
        let readings = vec![
            reading("cycles", 2.0, "perf-1", Scope::Lane),
            reading("instructions", f64::NAN, "perf-1", Scope::Lane),
            reading("energy", 3.0, "powercap", Scope::Node),
        ];
        let text = serde_json::to_string(&Holder { readings }).expect("serialises");
        let expected = r#"{"readings":{"values":[["cycles","count","measured",[[1,2],[]]],["instructions","count","measured",[[1,null],[]]],["energy","count","measured",[[1,3],[]]]],"missing":[],"groups":[["perf-1","lane",["cycles","instructions"]],["powercap","node",["energy"]]]}}"#;
        assert_eq!(text, expected);
        let back = serde_json::from_str::<Holder>(&text).expect("reads back").readings;
        assert_eq!((back[2].group.clone(), back[2].scope), (Some("powercap".into()), Scope::Node));
        let phase = crate::Phase::INIT;
        assert_eq!(
            (back[0].value(0, phase), back[1].value(0, phase), back[0].value(1, phase)),
            (Some(2.0), None, None)
        );
        assert_eq!(back[0].lanes().collect::<Vec<_>>(), [0]);
        assert_eq!(
            serde_json::to_string(&Holder { readings: back }).expect("serialises"),
            expected
        );
    }
}

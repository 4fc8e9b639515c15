//! Values of manifests that are read by hand, because several ways of writing them are allowed or
//! because an error should say in plain words what was expected.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{
    BoolDeserializer, F64Deserializer, I64Deserializer, MapAccessDeserializer, StrDeserializer,
};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use crate::plan::manifest::Pattern;
use crate::plan::place::At;

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

/// Any value, to be checked against its parameter once that is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// A whole number.
    Whole(i64),
    /// Another number.
    Real(f64),
    /// Yes or no.
    Truth(bool),
    /// A text.
    Word(String),
    /// A table, as { given = "file.npy" }.
    Table(Vec<(At<String>, Written)>),
    /// A list, where one value is expected.
    List,
}

impl Written {
    /// For "expected …, got …".
    pub fn in_words(&self) -> String {
        match self {
            Written::Whole(value) => value.to_string(),
            Written::Real(value) => value.to_string(),
            Written::Truth(value) => value.to_string(),
            Written::Word(word) => format!("the text \"{word}\""),
            Written::Table(_) => "a table".into(),
            Written::List => "a list: lists of values stand in [axes]".into(),
        }
    }
}

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

struct ManyVisitor<T>(PhantomData<T>);

/// The place of a single value is that of the whole, so it is put in by whoever holds the whole;
/// here it is empty.
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
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Whole, A::Error> {
        Err(A::Error::invalid_type(
            Unexpected::Other("a list: lists of values stand in [axes]"),
            &self,
        ))
    }
});

scalar!(Written, "a value", {
    fn visit_bool<E: Error>(self, value: bool) -> Result<Written, E> {
        Ok(Written::Truth(value))
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Written, E> {
        Ok(Written::Whole(value))
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Written, E> {
        Ok(Written::Real(value))
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Written, E> {
        Ok(Written::Word(value.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Written, A::Error> {
        while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Written::List)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Written::Table(entries))
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
        let (number, unit) =
            value.split_at(value.find(|c: char| c.is_alphabetic()).unwrap_or(value.len()));
        let factor = match unit.trim() {
            "s" | "" => 1.0,
            "ms" => 1e-3,
            "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(E::invalid_type(Unexpected::Str(value), &self)),
        };
        match number.trim().parse::<f64>() {
            Ok(number) => Ok(Duration(number * factor)),
            Err(_) => Err(E::invalid_type(Unexpected::Str(value), &self)),
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

scalar!(
    Oversubscribe,
    "true, false, or a list of tables such as { backend = \"hybrid\", ranks = 2 }",
    {
        fn visit_bool<E: Error>(self, value: bool) -> Result<Oversubscribe, E> {
            Ok(Oversubscribe::All(value))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Oversubscribe, A::Error> {
            ManyVisitor(PhantomData).visit_seq(list).map(|many| Oversubscribe::Matching(many.0))
        }
    }
);

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
schema!(Scalar, |_generator| json_schema!({ "type": ["number", "string"] }));
schema!(
    Duration,
    |_generator| json_schema!({ "type": ["number", "string"], "examples": ["90 s", "5 min"] })
);
schema!(Lanes, |_generator| json_schema!({ "anyOf": [
    { "const": "up-to-cores" },
    { "type": "integer", "minimum": 1 },
    { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 1 }
] }));
schema!(Oversubscribe, |generator| {
    let patterns = generator.subschema_for::<Vec<At<Pattern>>>();
    json_schema!({ "anyOf": [{ "type": "boolean" }, patterns] })
});

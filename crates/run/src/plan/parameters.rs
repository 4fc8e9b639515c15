//! Every parameter of a cell that a manifest can vary: those of all cells, and those of workloads
//! from their tables.

use std::ops::Range;

use amdahl_workload::parameter::{COUNT, Kind, Parameter, SEED};
use amdahl_workload::{Workload, parameter};

use crate::plan::axes::{Value, range};
use crate::plan::place::nearest;
use crate::plan::written::Written;

/// Parameters of where and how a cell runs. They come first in tables.
const FIRST: &[(&str, Kind)] =
    &[("backend", Kind::Word(&[])), ("ranks", COUNT), ("threads", COUNT)];

/// Parameters of data sets.
const OF_DATA: &[(&str, Kind)] = &[
    ("synthetic", Kind::Word(&[])),
    ("dataset", Kind::Word(&[])),
    ("file", Kind::File),
    ("points", Kind::Whole { least: 1, most: i64::MAX as u64 }),
    ("dims", COUNT),
    ("clusters", COUNT),
    ("seed", SEED),
];

/// Every parameter with its kind, in the order of tables. Workloads that have one of the same name
/// mean the same kind by it (a test of the registry holds them to that).
pub fn all() -> impl Iterator<Item = (&'static str, Kind)> {
    let mut seen: Vec<&'static str> = Vec::new();
    let of_workloads = amdahl_workloads::ALL.iter().flat_map(|workload| workload.parameters());
    let of_workloads = of_workloads.map(|parameter| (parameter.name, parameter.kind));
    let all = FIRST.iter().copied().chain(of_workloads).chain(OF_DATA.iter().copied());
    all.filter(move |(name, _)| {
        let new = !seen.contains(name);
        seen.push(name);
        new
    })
}

/// The names of all parameters.
pub fn names() -> Vec<&'static str> {
    all().map(|(name, _)| name).collect()
}

/// The kind of a parameter.
pub fn kind_of(name: &str) -> Option<Kind> {
    all().find(|(known, _)| *known == name).map(|(_, kind)| kind)
}

/// Is it a whole number?
pub fn is_whole(kind: Kind) -> bool {
    matches!(kind, Kind::Whole { .. })
}

/// The workload's parameter of this name; where the workload is not known, any workload's.
pub fn of_workload(workload: Option<&dyn Workload>, name: &str) -> Option<&'static Parameter> {
    let find = |workload: &dyn Workload| workload.parameters().iter().find(|p| p.name == name);
    match workload {
        Some(workload) => find(workload),
        None => amdahl_workloads::ALL.iter().find_map(|workload| find(*workload)),
    }
}

/// What is wrong with a value.
pub struct Misfit {
    /// In a sentence.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Where, when it is a part of the value.
    pub span: Option<Range<usize>>,
}

impl Misfit {
    fn of(message: String) -> Misfit {
        Misfit { message, hint: None, span: None }
    }
}

/// Checks a written value against its parameter. `section` is where it stands, for messages.
///
/// # Errors
/// What is wrong with it.
pub fn checked(parameter: &Parameter, written: &Written, section: &str) -> Result<Value, Misfit> {
    let name = parameter.name;
    let expected = |what: &str| {
        Err(Misfit::of(format!("{section}.{name}: expected {what}, got {}", written.in_words())))
    };
    let unknown = |word: &str, words: &[&str], span: Option<Range<usize>>| Misfit {
        message: format!("unknown word '{word}' in '{section}.{name}'"),
        hint: Some(nearest(word, words)),
        span,
    };
    match (parameter.kind, written) {
        (Kind::Whole { least, most }, Written::Whole(value)) => match u64::try_from(*value) {
            Ok(value) if (least..=most).contains(&value) => Ok(Value::Whole(value)),
            _ => Err(Misfit::of(format!("{name}: expected {}, got {value}", range(least, most)))),
        },
        (Kind::Whole { .. }, _) => expected("a whole number"),
        (Kind::Real, Written::Whole(value)) => real(name, *value as f64),
        (Kind::Real, Written::Real(value)) => real(name, *value),
        (Kind::Real, _) => expected("a number"),
        (Kind::Word(words) | Kind::WordOrFile(words), Written::Word(word)) => {
            let mut known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            if known.contains(&word.as_str()) {
                return Ok(Value::Word(word.clone()));
            }
            if let Kind::WordOrFile(_) = parameter.kind {
                known.push(parameter::GIVEN);
            }
            Err(unknown(word, &known, None))
        }
        (Kind::WordOrFile(words), Written::Table(entries)) => match entries.as_slice() {
            [(key, Written::Word(file))] if key.value == parameter::GIVEN => {
                Ok(Value::File(file.clone()))
            }
            [(key, other)] if key.value == parameter::GIVEN => Err(Misfit {
                span: Some(key.span.clone()),
                ..Misfit::of(format!("{section}.{name}: expected a text, got {}", other.in_words()))
            }),
            [(key, _), ..] => {
                let known: Vec<&str> =
                    words.iter().map(|(word, _)| *word).chain([parameter::GIVEN]).collect();
                Err(unknown(&key.value, &known, Some(key.span.clone())))
            }
            [] => expected("a word, or a table such as { given = \"file.npy\" }"),
        },
        (Kind::Word(_), _) => expected("a text"),
        (Kind::WordOrFile(_), _) => expected("a word, or a table such as { given = \"file.npy\" }"),
        (Kind::File, Written::Word(file)) => Ok(Value::File(file.clone())),
        (Kind::File, _) => expected("a text"),
    }
}

fn real(name: &str, value: f64) -> Result<Value, Misfit> {
    match value.is_finite() && value >= 0.0 {
        true => Ok(Value::Real(value)),
        false => {
            Err(Misfit::of(format!("{name}: expected a finite number of at least 0, got {value}")))
        }
    }
}

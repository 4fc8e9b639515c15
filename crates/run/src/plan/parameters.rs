//! Every parameter of a cell that a manifest can vary: those of all cells, and those of workloads
//! from their tables.

use std::ops::Range;
use std::sync::LazyLock;

use amdahl_lanes::reduce::REDUCTIONS;
use amdahl_workload::parameter::{COUNT, Kind, Parameter, SEED};
use amdahl_workload::{Workload, parameter};

use crate::plan::axes::{Value, range};
use crate::plan::place::nearest;
use crate::plan::written::Written;

/// Parameters of where and how a cell runs. They come first in tables.
const FIRST: &[(&str, Kind)] =
    &[("backend", Kind::Word(&[])), ("ranks", COUNT), ("threads", COUNT)];

/// The name of the parameter that says how lanes reduce.
pub const REDUCTION: &str = "reduction";

/// A parameter that is written in [workload], or in [axes] by the same name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What it is, in a sentence, and its default.
    pub about: &'static str,
}

impl From<&Parameter> for Entry {
    fn from(parameter: &Parameter) -> Entry {
        Entry { name: parameter.name, kind: parameter.kind, about: parameter.about }
    }
}

/// Parameters that every workload has, and that cells keep beside it.
fn of_all_workloads() -> &'static [Entry] {
    static WORDS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
        REDUCTIONS.iter().map(|reduction| (reduction.name(), reduction.summary())).collect()
    });
    static ENTRIES: LazyLock<[Entry; 1]> = LazyLock::new(|| {
        [Entry {
            name: REDUCTION,
            kind: Kind::Word(&WORDS),
            about: "By which messages the values of all lanes become one; the answer has the same \
                    bits by any. 'direct' where absent.",
        }]
    });
    &*ENTRIES
}

/// What may be written in [workload] of this workload; where it is not known, of any. Each name
/// once.
pub fn entries(workload: Option<&dyn Workload>) -> Vec<Entry> {
    let mut found = of_all_workloads().to_vec();
    let mut add = |workload: &dyn Workload| {
        for parameter in workload.parameters() {
            if found.iter().all(|known| known.name != parameter.name) {
                found.push(parameter.into());
            }
        }
    };
    match workload {
        Some(workload) => add(workload),
        None => amdahl_workloads::ALL.iter().for_each(|workload| add(*workload)),
    }
    found
}

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
    let written = entries(None).into_iter().map(|entry| (entry.name, entry.kind));
    FIRST.iter().copied().chain(written).chain(OF_DATA.iter().copied())
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
pub fn checked(parameter: &Entry, written: &Written, section: &str) -> Result<Value, Misfit> {
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

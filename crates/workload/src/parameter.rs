//! A workload's parameters as one table, and what a manifest gives for them.

use std::path::PathBuf;

use amdahl_record::cell::{Backend, WorkloadSpec};

/// One parameter: how it is written in a manifest, what it means, how it is shown.
pub struct Parameter {
    /// Its name in manifests, `--only` and tables: `init-seed`.
    pub name: &'static str,
    /// What may be written.
    pub kind: Kind,
    /// What it is, in a sentence, and its default: help, schema and docs say this.
    pub about: &'static str,
    /// The value that a cell has, as a manifest writes it; none where the cell has no such value.
    pub shown: fn(&WorkloadSpec, &Backend) -> Option<String>,
}

/// What may be written for a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers from `least` to `most`.
    Whole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// Finite numbers of at least 0.
    Real,
    /// One of these words, each with what it means.
    Word(&'static [(&'static str, &'static str)]),
    /// One of these words, or `{ given = "FILE" }`: a file, relative to the manifest's folder.
    WordOrFile(&'static [(&'static str, &'static str)]),
    /// A file, relative to the manifest's folder.
    File,
}

/// The key of a table that names a file in a word's place.
pub const GIVEN: &str = "given";

/// A whole number of at least 1 that fits 32 bits.
pub const COUNT: Kind = Kind::Whole { least: 1, most: u32::MAX as u64 };
/// A seed.
pub const SEED: Kind = Kind::Whole { least: 0, most: i64::MAX as u64 };

/// A value that a manifest gives for a parameter, checked against its [`Kind`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(u64),
    /// A number.
    Real(f64),
    /// A word.
    Word(String),
    /// A file that is there, by its absolute path.
    File(PathBuf),
}

/// What a manifest says for one cell. All values are checked against the [`Kind`] of their
/// parameter.
pub trait Values {
    /// The value of this parameter, where the manifest gives or derives one.
    fn get(&self, name: &str) -> Option<Value>;
    /// Where the cell runs.
    fn backend(&self) -> &Backend;
    /// Seed of draws that have none of their own.
    fn seed(&self) -> u64;
}

impl dyn Values + '_ {
    /// A whole number.
    pub fn whole(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Value::Whole(value)) => Some(value),
            _ => None,
        }
    }

    /// A whole number that fits 32 bits, as its [`Kind`] says.
    pub fn small(&self, name: &str) -> Option<u32> {
        self.whole(name).map(|value| u32::try_from(value).unwrap_or(u32::MAX))
    }

    /// A number.
    pub fn real(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Value::Real(value)) => Some(value),
            Some(Value::Whole(value)) => Some(value as f64),
            _ => None,
        }
    }

    /// A word.
    pub fn word(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(Value::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// A file.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        match self.get(name) {
            Some(Value::File(file)) => Some(file),
            _ => None,
        }
    }
}

/// Why there is no cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The manifest is wrong.
    Wrong {
        /// The parameter that it is about: the error stands at its place; none for the section.
        parameter: Option<&'static str>,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// Two parameters exclude each other, whatever their values.
    Together {
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Why.
        why: String,
    },
    /// This combination has no meaning, and is left out.
    LeftOut {
        /// Which, as `axis=value` pairs.
        what: String,
        /// Why, and what to do about it.
        why: String,
    },
}

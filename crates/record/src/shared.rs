//! What many records have in common is kept once: keys, answers, names. A million repeats of a few
//! thousand cells differ in their times alone.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Answer, Key, LaneFacts, Record};

/// A value that may have several owners. It reads and is written like the value itself; whoever
/// changes it gets a copy of his own.
pub struct Shared<T>(Arc<T>);

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Shared(Arc::new(value))
    }
}

impl From<&str> for Shared<String> {
    fn from(text: &str) -> Self {
        text.to_string().into()
    }
}

impl<T: Clone> Shared<T> {
    /// The value itself, copied where others own it too.
    pub fn take(self) -> T {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl PartialEq<str> for Shared<String> {
    fn eq(&self, other: &str) -> bool {
        self.0.as_str() == other
    }
}

impl PartialEq<String> for Shared<String> {
    fn eq(&self, other: &String) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Shared<String> {
    fn eq(&self, other: &&str) -> bool {
        self.0.as_str() == *other
    }
}

impl<T: Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Shared::from)
    }
}

impl<T: JsonSchema> JsonSchema for Shared<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// So many words a thread remembers: names of metrics and reasons are few.
const WORDS: usize = 4096;

thread_local! {
    static KNOWN: RefCell<HashSet<Word>> = RefCell::new(HashSet::new());
}

/// The word, shared with all that this thread has read.
pub fn word(text: &str) -> Shared<String> {
    KNOWN.with_borrow_mut(|known| match known.get(text) {
        Some(known) => known.0.clone(),
        None => {
            let word: Shared<String> = text.into();
            if known.len() < WORDS {
                known.insert(Word(word.clone()));
            }
            word
        }
    })
}

/// What was seen so far, to be shared by what comes.
#[derive(Default)]
pub struct Pool {
    keys: HashSet<Shared<Key>>,
    /// By their digests, which equal answers have in common.
    answers: HashMap<Vec<String>, Vec<Shared<Answer>>>,
    /// By the number of lanes.
    lanes: HashMap<usize, Vec<Shared<Vec<LaneFacts>>>>,
}

/// So many places of lanes are remembered of each number of lanes: where they are pinned, cells
/// agree.
const PLACES: usize = 16;

/// So many answers with the same digests are remembered: they differ in little else.
const ANSWERS: usize = 4;

#[derive(PartialEq, Eq, Hash)]
struct Word(Shared<String>);

impl std::borrow::Borrow<str> for Word {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Pool {
    /// Lets a record share what others before it have too.
    pub fn share(&mut self, record: &mut Record) {
        record.run = word(&record.run);
        match self.keys.get(&record.key) {
            Some(known) => record.key = known.clone(),
            None => drop(self.keys.insert(record.key.clone())),
        }
        let Some(measured) = record.measured.as_deref_mut() else { return };
        for name in [&mut measured.platform, &mut measured.kernel, &mut measured.host] {
            *name = word(name);
        }
        let digests: Vec<String> = measured.answer.digests.values().cloned().collect();
        among(self.answers.entry(digests).or_default(), &mut measured.answer, ANSWERS);
        among(self.lanes.entry(measured.lanes.len()).or_default(), &mut measured.lanes, PLACES);
    }
}

/// Takes the equal one among those that are known; else it becomes one of them, and the oldest is
/// forgotten where there are many.
fn among<T: PartialEq>(known: &mut Vec<Shared<T>>, value: &mut Shared<T>, most: usize) {
    match known.iter().find(|known| *known == value) {
        Some(equal) => *value = equal.clone(),
        None => {
            if known.len() >= most {
                known.remove(0);
            }
            known.push(value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_ones_own() {
        let one: Shared<String> = "a".into();
        let mut other = one.clone();
        other.push('b');
        assert_eq!((one, other), ("a".into(), "ab".into()));
    }

    #[test]
    fn it_is_written_as_the_value() {
        let text = serde_json::to_string(&Shared::from(vec![1, 2])).expect("JSON");
        assert_eq!(text, "[1,2]");
        assert_eq!(*serde_json::from_str::<Shared<Vec<i32>>>(&text).expect("a list"), [1, 2]);
    }

    #[test]
    fn equal_values_become_one() {
        let mut known = Vec::new();
        let mut values: Vec<Shared<i32>> = [1, 2, 1, 3, 4, 1].map(Shared::from).to_vec();
        values.iter_mut().for_each(|value| among(&mut known, value, 2));
        assert!(Arc::ptr_eq(&values[0].0, &values[2].0));
        assert!(!Arc::ptr_eq(&values[0].0, &values[5].0), "forgotten by then");
        assert_eq!(known.len(), 2);
    }
}

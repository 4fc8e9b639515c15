//! "Did you mean …?"

use amdahl_record::error::Error;

/// Adds "did you mean …?" to an error about an unknown name, when a known one is near.
pub fn suggest<'a>(error: Error, given: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    let near = known.into_iter().map(|name| (strsim::damerau_levenshtein(given, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + given.chars().count() / 3 => {
            error.hint(format!("did you mean '{name}'?"))
        }
        _ => error,
    }
}

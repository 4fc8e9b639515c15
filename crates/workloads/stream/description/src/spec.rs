//! The parameters of the kernels, and what every program that runs them agrees on.

use amdahl_record::Answer;
use amdahl_record::cell::WorkloadSpec;
use amdahl_record::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Its name in manifests, cells and answers.
pub const NAME: &str = "stream";

/// The count of elements that are not what the kernels make of them.
pub const WRONG: &str = "wrong_elements";

/// √2 − 1: an iteration turns `a` into s·(2 + s)·a, which is `a` again. McCalpin's 3 makes it grow
/// 15-fold, so that 262 iterations leave the range of f64.
pub const SCALAR: f64 = std::f64::consts::SQRT_2 - 1.0;

/// How often the kernels run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Timed iterations, at least 1.
    pub iterations: u32,
    /// Iterations before them, untimed. The arrays go on from where these end.
    pub warmup: u32,
}

impl Stream {
    /// The parameters of a cell.
    ///
    /// # Errors
    /// Where they are another workload's, or none of these.
    pub fn of(spec: &WorkloadSpec) -> Result<Stream> {
        match spec.kind == NAME {
            true => spec.read(),
            false => Err(Error::new(Kind::Manifest, format!("'{}' is not {NAME}", spec.kind))),
        }
    }

    /// As a cell has them.
    pub fn spec(&self) -> WorkloadSpec {
        // Plain data: this cannot fail.
        WorkloadSpec::of(NAME, serde_json::to_value(self).unwrap_or(Value::Null))
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// Where nothing would be timed.
    pub fn validate(&self) -> Result<()> {
        match self.iterations {
            0 => Err(Error::new(Kind::Manifest, "iterations is at least 1, got 0")
                .hint("10 is McCalpin's number")),
            _ => Ok(()),
        }
    }
}

/// Are all elements what the kernels make of them?
///
/// # Errors
/// How many are not.
pub fn check_elements(answer: &Answer) -> std::result::Result<(), String> {
    match answer.count(WRONG) {
        Some(0) => Ok(()),
        Some(wrong) => Err(format!(
            "{wrong} elements of the arrays are not what the kernels make of the data's values"
        )),
        None => Err("nobody looked at the elements of the arrays".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_the_parameters() {
        let stream = Stream { iterations: 10, warmup: 1 };
        assert_eq!(Stream::of(&stream.spec()), Ok(stream.clone()));
        assert_eq!(stream.validate(), Ok(()));
        assert!(Stream { iterations: 0, ..stream }.validate().is_err());
        assert!(Stream::of(&WorkloadSpec::of("other", Value::Null)).is_err());
        assert!(Stream::of(&WorkloadSpec::of(NAME, Value::Null)).is_err(), "no iterations");
    }

    #[test]
    fn the_scalar_keeps_values_where_they_are() {
        assert!((SCALAR * (2.0 + SCALAR) - 1.0).abs() <= f64::EPSILON);
    }

    #[test]
    fn elements_that_nobody_looked_at_are_not_right() {
        let of = |wrong: &[u64]| Answer {
            counts: wrong.iter().map(|wrong| (WRONG.into(), *wrong)).collect(),
            ..Answer::default()
        };
        assert_eq!(check_elements(&of(&[0])), Ok(()));
        assert!(check_elements(&of(&[3])).expect_err("three").starts_with("3 elements"));
        assert!(check_elements(&of(&[])).is_err());
    }
}

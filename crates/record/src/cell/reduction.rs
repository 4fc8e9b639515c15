//! The name of a way to reduce.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of a way to reduce: `direct` is the communicator's own. Which others there are, the
/// program that runs the cell knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ReductionName(pub String);

impl ReductionName {
    /// Is it the communicator's own?
    pub fn is_direct(&self) -> bool {
        self.0 == "direct"
    }
}

impl Default for ReductionName {
    fn default() -> Self {
        ReductionName("direct".into())
    }
}

impl fmt::Display for ReductionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

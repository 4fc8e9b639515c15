//! What is computed: the name of a workload and its parameters, which only that workload understands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};

/// A workload by its name, with the parameters that decide its answer and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadSpec {
    /// The workload's name.
    pub kind: String,
    /// Its parameters. Values that a workload takes by default need not be there, so that cells keep
    /// their ids when a parameter is added.
    #[serde(flatten)]
    pub parameters: Map<String, Value>,
}

impl WorkloadSpec {
    /// The workload of this name with the fields of `parameters`, an object.
    pub fn of(kind: &str, parameters: Value) -> WorkloadSpec {
        let parameters = match parameters {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        WorkloadSpec { kind: kind.into(), parameters }
    }

    /// The parameters as the type that the workload keeps them in.
    ///
    /// # Errors
    /// Where they are not its parameters.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        serde_json::from_value(Value::Object(self.parameters.clone())).map_err(|e| {
            Error::new(Kind::Manifest, format!("not parameters of '{}': {e}", self.kind))
        })
    }
}

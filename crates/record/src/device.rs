//! What a record keeps of an accelerator: what drove it, what it says of itself, what it cost
//! beside the timed part.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A device behind a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceFacts {
    /// The plugin's file.
    pub plugin: String,
    /// SHA-256 of the plugin's file, in hexadecimal.
    pub sha256: String,
    /// Version of the PJRT interface that the plugin speaks.
    pub api: String,
    /// What it runs on, in its own words.
    pub platform_version: String,
    /// Kind of the device, in its own words.
    pub device: String,
    /// What plugin and device say of themselves.
    pub attributes: BTreeMap<String, String>,
    /// Variables of the environment that were set for it.
    pub environment: BTreeMap<String, String>,
    /// Where sums are made: host or device.
    pub update: String,
    /// Arithmetic of the products: f32 or bf16.
    pub precision: String,
    /// Labels are those of the definition in f64, whatever the device rounds. Then the answer is
    /// checked bit by bit.
    pub exact: bool,
}

/// What a lane's device did beside the timed part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LaneDevice {
    /// Seconds of compiling, cached programs of the plugin's included.
    pub compile_s: f64,
    /// Programs that were compiled.
    pub programs: u32,
    /// Seconds of copying the rows to the device.
    pub upload_s: f64,
    /// Bytes of rows on the device.
    pub resident_bytes: u64,
    /// Rows whose label the host decided, in all steps.
    pub decided_by_host: u64,
    /// Rows whose final label is not that of f64, each of them a tie within the error of the
    /// device's arithmetic. Null where labels are exact.
    pub proven_ties: Option<u64>,
    /// Peak of the device's memory, bytes; null where the plugin does not say.
    pub peak_memory_bytes: Option<i64>,
}

//! Which counters a worker reads.

use schemars::JsonSchema;

/// Which counters are read.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Counters {
    /// All that can be had; what cannot says why. Never a failure.
    #[default]
    Auto,
    /// As 'auto', but a cell fails where the processor's own counters cannot be had.
    Hardware,
    /// As 'auto', and a smaller run of each cell on a simulated machine beside it.
    Simulated,
    /// The clock alone.
    Off,
}

impl Counters {
    /// The variable that tells a worker.
    pub const VARIABLE: &str = "AMDAHL_COUNTERS";

    /// All of them.
    pub const ALL: [Counters; 4] =
        [Counters::Auto, Counters::Hardware, Counters::Simulated, Counters::Off];

    /// The word in manifests.
    pub fn word(self) -> &'static str {
        match self {
            Counters::Auto => "auto",
            Counters::Hardware => "hardware",
            Counters::Simulated => "simulated",
            Counters::Off => "off",
        }
    }

    /// Nothing to say?
    pub fn is_auto(&self) -> bool {
        *self == Counters::Auto
    }
}

//! `amdahl doctor --roofline`: the machine's own limits.

use serde::Serialize;

use super::{Format, SCHEMA, Scratch};
use crate::cli::output;
use crate::error::{Error, Result};
use crate::explain::roofline;
use crate::host;
use crate::measure::launch::{program::Worker, signals::Interrupts};
use crate::record::limits::Limits;

/// Has the worker measure and prints the table.
pub fn run(format: Format, quick: bool) -> Result<()> {
    let scratch = Scratch::new()?;
    let interrupts = Interrupts::install()?;
    let worker = Worker::find(&scratch.folder, &interrupts)?;
    if !worker.can.limits {
        return Err(Error::unavailable("this worker cannot measure limits: it is older than amdahl").hint("make build"));
    }
    let limits = worker.limits(quick, &scratch.folder, &interrupts)?;
    output::print(&match format {
        Format::Text => roofline::text(&limits, &host::gather(), output::style()),
        Format::Json => {
            #[derive(Serialize)]
            struct Found<'a> {
                schema: u32,
                limits: &'a Limits,
            }
            let found = Found { schema: SCHEMA, limits: &limits };
            serde_json::to_string_pretty(&found).map_err(|e| Error::internal(format!("limits as JSON: {e}")))? + "\n"
        }
    })
}

//! `amdahl doctor --roofline`: the machine's own limits.

use serde::Serialize;

use super::{Format, NOTHING, SCHEMA, Scratch};
use crate::output;
use amdahl_explain::limits_table;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::error::{Error, Result};
use amdahl_record::host;
use amdahl_record::limits::Limits;
use amdahl_run::launch::program::Worker;

/// Has the worker measure and prints the table.
pub fn run(format: Format, quick: bool) -> Result<()> {
    let scratch = Scratch::new()?;
    let interrupts = Interrupts::install(NOTHING)?;
    let worker = Worker::find(&scratch.folder, &interrupts)?;
    if !worker.can.limits {
        return Err(Error::unavailable(
            "this worker cannot measure limits: it is older than amdahl",
        )
        .hint("make build"));
    }
    let limits = worker.limits(quick, &scratch.folder, &interrupts)?;
    match format {
        Format::Text => {
            output::print(&limits_table::text(&limits, &host::gather(), output::style()))
        }
        Format::Json => {
            #[derive(Serialize)]
            struct Found<'a> {
                schema: u32,
                limits: &'a Limits,
            }
            let found = Found { schema: SCHEMA, limits: &limits };
            let text = serde_json::to_string_pretty(&found)
                .map_err(|e| Error::internal(format!("limits as JSON: {e}")))?;
            output::print_json(&(text + "\n"))
        }
    }
}

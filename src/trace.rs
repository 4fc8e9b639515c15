//! `amdahl trace`: what a figure shows, and how to draw it again, read from the figure itself.

use std::path::PathBuf;

use crate::output;
use amdahl_explain::figure::trace;
use amdahl_record::error::{Error, Result};
use amdahl_record::io::regular;

const EXAMPLES: &str = "\
Examples:
  amdahl trace plots/strong-scaling-speedup.svg
  amdahl trace report/strong-scaling.html --format json";

/// Arguments of `amdahl trace`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// A figure (SVG) from 'amdahl figures', or a page from 'amdahl report'
    pub figure: PathBuf,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How it is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs
    Json,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let text = regular::read(&args.figure).map_err(|e| Error::io("read", &args.figure, e))?;
    let traces =
        trace::read(&String::from_utf8_lossy(&text)).map_err(|e| e.at(&args.figure, 0, 0))?;
    if args.format == Format::Json {
        let json = serde_json::to_string_pretty(&traces);
        return output::print_json(
            &(json.map_err(|e| Error::internal(format!("cannot write JSON: {e}")))? + "\n"),
        );
    }
    let style = output::style();
    for one in &traces {
        output::print(&format!(
            "{}\n{}\n",
            style.strong(&format!("{}, drawn for {}", one.figure, one.medium)),
            one.words()
        ))?;
    }
    Ok(())
}

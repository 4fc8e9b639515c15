//! `amdahl compare`: two results folders, cell by cell.

use std::path::PathBuf;

use crate::{output, show};
use amdahl_explain::compare::compare;
use amdahl_explain::export;
use amdahl_record::error::Result;
use amdahl_stats::Bootstrap;

const EXAMPLES: &str = "\
Examples:
  amdahl compare results/before results/after
  amdahl compare results/before results/after --fail-over 1.05
  amdahl compare results/before results/after --format markdown > comparison.md
A CI job that does it: docs/ci.md";

const EXIT_CODES: &str = "\
Exit codes with --fail-over: 3 when B is shown to be slower than allowed, 4 when the measurements of a cell do not
decide (no time in B, or too few repeats for an interval), 5 when a cell gives a wrong answer in B, 6 when no cell is in both folders.";

/// Arguments of `amdahl compare`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Args {
    /// Results folder A: what is compared with
    pub a: PathBuf,
    /// Results folder B: what is judged
    pub b: PathBuf,
    /// Fail when a cell takes more than this many times as long in B: when the lower end of its
    /// interval is above it
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    pub fail_over: Option<f64>,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How a comparison is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs
    Json,
    /// For documents
    Markdown,
}

fn ratio(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if ratio.is_finite() && ratio >= 1.0 => Ok(ratio),
        Ok(_) => Err("a ratio of at least 1, such as 1.05 for five per cent".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let (a, b) = (show::load(&args.a)?, show::load(&args.b)?);
    let comparison = compare(&a, &b, Bootstrap::default());
    let judged = comparison.judge(args.fail_over);
    let passed = |before: &str| match (args.fail_over, &judged) {
        (Some(limit), Ok(())) => format!("{before}{}", comparison.passed(limit)),
        _ => String::new(),
    };
    match args.format {
        Format::Text => output::print(&(comparison.text(output::style()) + &passed(""))),
        Format::Json => {
            let mut value = serde_json::to_value(&comparison).map_err(|e| {
                amdahl_record::error::Error::internal(format!("cannot write JSON: {e}"))
            })?;
            value["format"] = export::FORMAT.into();
            value["fail_over"] = args.fail_over.into();
            value["judged"] = judged.as_ref().map_or_else(|e| e.kind.word(), |()| "ok").into();
            let open = args.fail_over.map(|limit| comparison.not_ruled_out(limit));
            value["not_ruled_out"] =
                open.map(|pairs| pairs.iter().map(|p| p.id.0.as_str()).collect::<Vec<_>>()).into();
            output::print_json(&export::pretty(&value)?)
        }
        Format::Markdown => output::print(&(comparison.markdown() + &passed("\n"))),
    }?;
    judged
}

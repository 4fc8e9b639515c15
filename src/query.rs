//! `amdahl query`: results asked in SQL.

use std::path::PathBuf;

use amdahl_record::error::Result;

const EXAMPLES: &str = "\
Examples:
  amdahl query results/strong-scaling --tables
  amdahl query results/strong-scaling 'select name, seconds, speedup from cells order by seconds'
  amdahl query results/strong-scaling 'select name, max(mean_seconds) from phases group by name' --format csv
Tables and columns, with more examples: docs/query.md";

/// Arguments of `amdahl query`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// Query in SQL; '-' reads it from standard input
    #[arg(value_name = "SQL", required_unless_present = "tables")]
    pub sql: Option<String>,
    /// List the tables and their columns instead
    #[arg(long, conflicts_with = "sql")]
    pub tables: bool,
    /// How to write the answer; csv and json round nothing
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How an answer is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal
    #[default]
    Table,
    /// For spreadsheets
    Csv,
    /// For programs: an object a row
    Json,
    /// For documents
    Markdown,
}

/// Runs the verb.
#[cfg(feature = "query")]
pub fn run(args: &Args) -> Result<()> {
    use crate::{output, show};
    use amdahl_explain::analysis::Analysis;
    use amdahl_explain::relations;
    use amdahl_explain::relations::write;

    let summary = show::load(&args.folder)?;
    let analysis = Analysis::of(&summary);
    let answer = match (&args.sql, args.tables) {
        (Some(sql), false) => amdahl_query::ask(&analysis, &text(sql)?)?,
        _ => relations::listing(&analysis),
    };
    match args.format {
        Format::Table => output::print(&write::text(&answer)),
        Format::Csv => output::print_data(&write::csv(&answer)?),
        Format::Json => output::print_json(&write::json(&answer)?),
        Format::Markdown => output::print(&write::markdown(&answer)),
    }
}

/// The query, from standard input where it is `-`.
#[cfg(feature = "query")]
fn text(sql: &str) -> Result<String> {
    if sql != "-" {
        return Ok(sql.into());
    }
    std::io::read_to_string(std::io::stdin())
        .map_err(|e| amdahl_record::error::Error::io("read", "standard input".as_ref(), e))
}

/// Runs the verb.
#[cfg(not(feature = "query"))]
pub fn run(_args: &Args) -> Result<()> {
    Err(crate::output::left_out("queries", "query"))
}

//! `amdahl show`: results as a table.

use std::path::{Path, PathBuf};

use crate::output;
use amdahl_explain::analysis::Analysis;
use amdahl_explain::metric::render;
use amdahl_explain::show::Sort;
use amdahl_explain::summary::{Summary, summarise};
use amdahl_explain::{export, show};
use amdahl_record::accelerators::Price;
use amdahl_record::cell::canonical;
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::read;

const EXAMPLES: &str = "\
Examples:
  amdahl show results/strong-scaling
  amdahl show results/strong-scaling --sort time
  amdahl show results/strong-scaling --metrics
  amdahl show results/strong-scaling --format csv > table.csv";

/// Arguments of `amdahl show`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// How to write it; json and csv hold seconds and all estimates
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Order of the rows
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortBy,
    /// POP efficiencies and derived metrics (IPC, misses, bytes, flop) instead of times; json and
    /// csv have them by phase and lane
    #[arg(long)]
    pub metrics: bool,
    /// Price of an hour of one machine and the day it was looked up, such as "1.34 USD/h
    /// 2026-11-01": says what runs cost, instead of the manifest's price
    #[arg(long)]
    pub price: Option<String>,
    /// Print the cell with this id as a file for amdahl-worker, instead of a table
    #[arg(long, value_name = "ID", conflicts_with_all = ["metrics", "format", "sort", "price"])]
    pub cell: Option<String>,
}

/// How a table is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs: everything
    Json,
    /// For spreadsheets: one row a cell
    Csv,
    /// For documents
    Markdown,
}

/// Order of the rows.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortBy {
    /// Backend, then lanes
    #[default]
    Backend,
    /// Lanes, then backend
    Lanes,
    /// Fastest first
    Time,
    /// Greatest speedup first
    Speedup,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    if let Some(id) = &args.cell {
        return output::print_json(&cell(&args.folder, id)?);
    }
    let mut summary = load_at(&args.folder, args.price.as_deref())?;
    let sort = match args.sort {
        SortBy::Backend => Sort::Backend,
        SortBy::Lanes => Sort::Lanes,
        SortBy::Time => Sort::Time,
        SortBy::Speedup => Sort::Speedup,
    };
    sort.apply(&mut summary);
    let analysis = Analysis::of(&summary);
    if args.metrics {
        return match args.format {
            Format::Text => output::print(&render::text(&analysis, output::style())),
            Format::Json => output::print_json(&render::json(&analysis)?),
            Format::Csv => output::print_data(&render::csv(&analysis)?),
            Format::Markdown => output::print(&render::markdown(&analysis)),
        };
    }
    match args.format {
        Format::Text => output::print(&show::text(&analysis, output::style())),
        Format::Json => output::print_json(&export::json(&analysis)?),
        Format::Csv => output::print_data(&export::csv(&summary)?),
        Format::Markdown => output::print(&show::markdown(&analysis)),
    }
}

/// A cell of the records as a cell file.
fn cell(folder: &Path, id: &str) -> Result<String> {
    let results = read::read(folder)?;
    let found = results.cells.iter().find(|(known, _)| known.0 == id);
    let (_, cell) = found.ok_or_else(|| {
        let known: Vec<&str> = results.cells.keys().map(|known| known.0.as_str()).collect();
        let near =
            nearest(id, &known).map_or(String::new(), |near| format!("; the nearest is {near}"));
        Error::new(Kind::Usage, format!("no cell {id} in {}{near}", folder.display()))
            .hint("'amdahl show --format csv' lists the ids")
    })?;
    Ok(canonical(cell) + "\n")
}

/// The id that is most like a mistyped one.
fn nearest<'a>(id: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |other: &&&str| strsim::levenshtein(id, other);
    known.iter().min_by_key(distance).copied().filter(|near| strsim::levenshtein(id, near) <= 4)
}

/// As [`load`], at this price where there is one.
pub(crate) fn load_at(folder: &Path, price: Option<&str>) -> Result<Summary> {
    let price = price.map(Price::parse).transpose()?;
    let mut summary = load(folder)?;
    price.into_iter().for_each(|price| summary.at_price(&price));
    Ok(summary)
}

/// Reads and summarises a results folder; an error of its own kind when there is nothing in it.
pub(crate) fn load(folder: &Path) -> Result<Summary> {
    let results = read::read(folder)?;
    // The process ends soon: taking a million records apart takes longer than the system needs to
    // forget them.
    let results = std::mem::ManuallyDrop::new(results);
    let summary = summarise(&results);
    if summary.groups.is_empty() {
        let what = if results.warnings.is_empty() {
            String::new()
        } else {
            format!(" ({})", results.warnings.join("; "))
        };
        return Err(Error::new(
            Kind::NothingMeasured,
            format!("no results in {}{what}", folder.display()),
        )
        .hint("measure some with 'amdahl run MANIFEST'"));
    }
    Ok(summary)
}

//! The command line: one file a verb, each with its arguments and a `run`.

use clap::{Parser, Subcommand};

use crate::error::Result;

pub mod compare;
pub mod completions;
pub mod doctor;
pub mod export;
pub mod figures;
pub mod fit;
pub mod output;
pub mod people;
pub mod plan;
pub mod poster;
pub mod predict;
pub mod report;
pub mod run;
pub mod show;
pub mod trace;

/// Where did my speedup go?
///
/// amdahl measures parallel k-means from one manifest: it plans the cells, checks every answer before its time counts, and explains the
/// speedup in tables, figures and a page.
///
/// Start with:  amdahl doctor;  amdahl run experiments/strong-scaling.toml;  amdahl show results/strong-scaling
///
/// Exit codes: 0 ok, 1 internal error, 2 usage or manifest, 3 regression, 4 inconclusive, 5 wrong answer, 6 nothing measured, 130
/// interrupted.
#[derive(Parser, Debug)]
#[command(name = "amdahl", version, max_term_width = 120)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Show the cells of a manifest: which are done, and what the others are expected to cost
    Plan(plan::Args),
    /// Measure what is missing of a manifest
    Run(run::Args),
    /// Print results as a table
    Show(show::Args),
    /// Compare two results folders, cell by cell
    Compare(compare::Args),
    /// Draw figures from results
    Figures(figures::Args),
    /// Make the report of results: a page, a PDF, and the facts as JSON
    Report(report::Args),
    /// Make a poster of results, A0 as PDF
    Poster(poster::Args),
    /// Read from a figure which cells it shows and how to draw it again
    Trace(trace::Args),
    /// Write results in the formats of other tools: TAU, Extra-P, Google Benchmark, CSV, Parquet, Caliper, Chrome
    Export(export::Args),
    /// Find clusters in your data: k-means, and a model to keep
    Fit(fit::Args),
    /// Give rows the labels of a model
    Predict(predict::Args),
    /// Say what this machine can do, and for each 'no' why and what to do
    Doctor(doctor::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// Runs a parsed command line.
pub fn run(cli: Cli) -> Result<()> {
    match cli.verb {
        Verb::Plan(args) => plan::run(&args),
        Verb::Run(args) => run::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Compare(args) => compare::run(&args),
        Verb::Figures(args) => figures::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::Poster(args) => poster::run(&args),
        Verb::Trace(args) => trace::run(&args),
        Verb::Export(args) => export::run(&args),
        Verb::Fit(args) => fit::run(&args),
        Verb::Predict(args) => predict::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Completions(args) => completions::run(&args),
    }
}

//! The command line: one file a verb, each with its arguments and a `run`.

use clap::{Parser, Subcommand};

use amdahl_clustering::verbs::logging::Verbosity;
use amdahl_clustering::verbs::{fit, predict};
use amdahl_record::error::Result;

pub mod compare;
pub mod completions;
pub mod doctor;
pub mod export;
pub mod figures;
pub mod guard;
pub mod man;
pub mod output;
pub mod plan;
pub mod poster;
pub mod query;
pub mod report;
pub mod run;
pub mod show;
pub mod trace;

const START: &str = "\
Start with:
  amdahl doctor                                 what this machine can do
  amdahl run experiments/strong-scaling.toml    measure
  amdahl show results/strong-scaling            see where the speedup went
  amdahl report results/strong-scaling          the same with figures, as a page and a PDF
or, with data of your own:
  amdahl fit points.csv -k 8

Each verb has examples: amdahl help VERB";

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 something broke or a cell failed, 2 usage or manifest, 3 regression, 4 inconclusive, 5 wrong answer,
6 nothing measured, 130 interrupted.";

/// Where did my speedup go?
///
/// amdahl measures parallel k-means from one manifest: it plans the cells, checks every answer
/// before its time counts, and explains the speedup in tables, figures and a page.
#[derive(Parser, Debug)]
#[command(name = "amdahl", version, max_term_width = 120, after_help = START, after_long_help = format!("{START}\n\n{EXIT_CODES}"))]
pub struct Cli {
    /// How much to say.
    #[command(flatten)]
    pub verbosity: Verbosity,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Show the cells of a manifest: which are done, and what the others are expected to cost
    ///
    /// Nothing is measured. A cell is one point of the sweep; its id stays the same as long as its
    /// answer and its time are decided by the same values. What a manifest can say:
    /// docs/manifest.md
    Plan(plan::Args),
    /// Measure what is missing of a manifest
    ///
    /// Every repeat is a fresh process whose answer is checked before its time counts. What the
    /// results folder has already is not measured again, so a sweep that was stopped in any way
    /// goes on when the same command is run again. Within a Slurm job the cells become job steps:
    /// docs/cluster.md
    Run(run::Args),
    /// Print results as a table
    ///
    /// One table for each problem: times with their intervals, speedups over the base, and where
    /// the rest of the ideal speedup went. Below are what a reader should know before believing it,
    /// and what to do about it. Columns: docs/glossary.md; what is lost where: docs/metrics.md
    Show(show::Args),
    /// Compare two results folders, cell by cell
    ///
    /// The measure is the ratio of the medians, B over A, with a 95 % interval. 'slower' and
    /// 'faster' need the whole interval on one side of 1; with many cells, one in twenty is there
    /// by chance, so a check for regressions should allow more than 1: --fail-over 1.05
    Compare(compare::Args),
    /// Draw figures from results
    ///
    /// All that the results have something for are drawn, each with a title that says what it
    /// shows. Old results are drawn again the same way, and every SVG knows its cells and the
    /// command that drew it: amdahl trace
    Figures(figures::Args),
    /// Make the report of results: a page, a PDF, and the facts as JSON
    ///
    /// The page is one file that works offline (docs/page.md). The PDF takes in texts of your own:
    /// report/README.md
    Report(report::Args),
    /// Make a poster of results, A0 as PDF
    ///
    /// Its figures are drawn for that size. A note of your own goes into report/poster-note.typ
    /// (report/README.md); where the manifest names a url, the poster shows it as a QR code
    Poster(poster::Args),
    /// Read from a figure which cells it shows and how to draw it again
    Trace(trace::Args),
    /// Ask results in SQL
    ///
    /// The tables are cells, repeats, phases, lanes, readings and failures; --tables lists their
    /// columns. The answer is a table for a terminal, CSV, JSON or Markdown: docs/query.md
    Query(query::Args),
    /// Write results in the formats of other tools: TAU, Extra-P, Google Benchmark, CSV, Parquet,
    /// Caliper, Chrome
    Export(export::Args),
    /// Find clusters in your data: k-means, and a model to keep
    ///
    /// Finds k clusters in the rows of DATA and writes a model, which 'amdahl predict' applies to
    /// other rows. The same data, k and seed give the same bits on any number of threads, and on
    /// any number of ranks: mpiexec -n 3 amdahl fit …
    Fit(fit::Args),
    /// Give rows the labels of a model
    ///
    /// Gives every row of DATA the label of the model's nearest centroid. Columns are found by the
    /// names that the model knows, and scaled as it says
    Predict(predict::Args),
    /// Say what this machine can do, and for each 'no' why and what to do
    Doctor(doctor::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// End the processes of a sweep that was killed: 'amdahl run' starts it
    #[command(hide = true)]
    Guard(guard::Args),
    /// Write manual pages: 'make install' does
    #[command(hide = true)]
    Man(man::Args),
}

/// Runs a parsed command line.
pub fn run(cli: Cli) -> Result<()> {
    cli.verbosity.start("amdahl".into());
    // Before any record names one.
    amdahl_workloads::register_phases();
    match cli.verb {
        Verb::Plan(args) => plan::run(&args),
        Verb::Run(args) => run::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Compare(args) => compare::run(&args),
        Verb::Figures(args) => figures::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::Poster(args) => poster::run(&args),
        Verb::Trace(args) => trace::run(&args),
        Verb::Query(args) => query::run(&args),
        Verb::Export(args) => export::run(&args),
        Verb::Fit(args) => fit::run(&args),
        Verb::Predict(args) => predict::run(&args),
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Completions(args) => completions::run(&args),
        Verb::Guard(args) => guard::run(&args),
        Verb::Man(args) => man::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// The words of a command line as a shell has them: quotes keep together; behind a pipe, an
    /// arrow or a sharp are no words of it.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                '|' | '>' | '#' if !quoted => break,
                c if c.is_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
                c => word.push(c),
            }
        }
        words.push(word);
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_verb_teaches_by_examples_that_it_understands() {
        let cli = Cli::command();
        for verb in cli.get_subcommands() {
            let help = verb.get_after_long_help().map(|text| text.to_string()).unwrap_or_default();
            let examples: Vec<&str> =
                help.lines().filter_map(|line| line.strip_prefix("  amdahl ")).collect();
            assert!(examples.len() >= 2, "{} has {} examples", verb.get_name(), examples.len());
            for example in examples {
                let words = words(example);
                let parsed = Cli::try_parse_from(std::iter::once("amdahl".into()).chain(words));
                assert!(
                    parsed.is_ok(),
                    "amdahl {example}: {}",
                    parsed.err().map(|e| e.to_string()).unwrap_or_default()
                );
                assert!(
                    example.starts_with(verb.get_name()),
                    "'amdahl {example}' in the help of {}",
                    verb.get_name()
                );
            }
        }
    }
}

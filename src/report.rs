//! `amdahl report`: a page, a PDF, and the facts that they say.

use std::path::{Path, PathBuf};

use crate::output::Force;
use crate::{output, show};
use amdahl_explain::analysis::Analysis;
use amdahl_explain::figure;
use amdahl_explain::figure::{View, medium};
use amdahl_explain::report::page;
use amdahl_explain::report_model::{Facts, rules};
use amdahl_explain::reporting_rules;
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::atomic;

const EXAMPLES: &str = "\
Examples:
  amdahl report results/strong-scaling
  amdahl report results/strong-scaling --format html --out public
  amdahl report results/strong-scaling --strict                # for a CI job: 4 when a rule of reporting is broken";

/// Arguments of `amdahl report`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// Folder for what is made, itself made when it is missing
    #[arg(long, default_value = "report")]
    pub out: PathBuf,
    /// What to make, such as html,facts
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    pub format: Vec<Format>,
    /// Folder with texts and templates of your own for the PDF: see report/README.md [default:
    /// report]
    #[arg(long)]
    pub own: Option<PathBuf>,
    /// Price of an hour of one machine and the day it was looked up, such as "1.34 USD/h
    /// 2026-11-01", instead of the manifest's
    #[arg(long)]
    pub price: Option<String>,
    /// Print what breaks the twelve rules of reporting (Hoefler and Belli, SC'15), and end with
    /// exit code 4 if anything does
    #[arg(long)]
    pub strict: bool,
    /// What may be replaced.
    #[command(flatten)]
    pub force: Force,
}

/// A kind of document.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One page that works offline
    Html,
    /// A report to print or hand in (A4)
    Pdf,
    /// What both say, as JSON
    Facts,
    /// All of them
    All,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let own = output::own_texts(args.own.as_deref())?;
    if args.format.contains(&Format::Pdf) && !output::PAPER {
        return Err(output::left_out("reports as PDF", "pdf"));
    }
    let summary = show::load_at(&args.folder, args.price.as_deref())?;
    let experiment = output::file_stem(summary.run.as_ref().map_or("", |run| &run.experiment));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, &args.folder.to_string_lossy());
    let drawings = figure::draw(&view, &medium::PAGE)?;
    let facts = Facts::of(&view, &drawings);
    let wanted =
        |format: Format| args.format.iter().any(|one| *one == format || *one == Format::All);
    let path = |ending: &str| args.out.join(format!("{experiment}.{ending}"));
    let paths = [(Format::Html, "html"), (Format::Facts, "facts.json"), (Format::Pdf, "pdf")];
    let paths = paths.into_iter().filter(|(format, _)| wanted(*format));
    let paths: Vec<PathBuf> = paths.map(|(_, ending)| path(ending)).collect();
    args.force.allows("the report", &paths, &args.folder)?;
    let write = |ending: &str, bytes: &[u8]| {
        atomic::write_noted(&path(ending), bytes)?;
        output::print(&format!("{}\n", path(ending).display()))
    };
    if wanted(Format::Html) {
        write("html", page::page(&facts, &drawings).as_bytes())?;
    }
    if wanted(Format::Facts) {
        write("facts.json", facts.json()?.as_bytes())?;
    }
    if wanted(Format::Pdf) {
        match pdf(&view, &own, &experiment)? {
            Some(bytes) => write("pdf", &bytes)?,
            None => output::say(
                "amdahl: no PDF, because this build has no Typst: 'make build' makes one that has\n",
            ),
        }
    }
    if !args.strict {
        return Ok(());
    }
    let verdicts = rules::verdicts(&analysis, &drawings);
    output::print(&reporting_rules::text(&verdicts))?;
    match reporting_rules::broken(&verdicts) {
        0 => Ok(()),
        broken => Err(Error::new(
            Kind::Inconclusive,
            format!("{broken} of {} rules of reporting are broken", verdicts.len()),
        )
        .hint("everything was written all the same; what to do stands with each finding")),
    }
}

/// The report on paper; none where this build cannot make it.
#[cfg(feature = "pdf")]
fn pdf(view: &View<'_>, own: &Path, experiment: &str) -> Result<Option<Vec<u8>>> {
    let drawings = figure::draw(view, &medium::A4)?;
    let facts = Facts::of(view, &drawings);
    output::warn_of_boxes(&amdahl_typst::unprintable(&facts, &drawings)?);
    let own = amdahl_typst::Own::of(own, experiment);
    amdahl_typst::report(&facts, &drawings, &own).map(Some)
}

/// The report on paper; none where this build cannot make it.
#[cfg(not(feature = "pdf"))]
fn pdf(_view: &View<'_>, _own: &Path, _experiment: &str) -> Result<Option<Vec<u8>>> {
    Ok(None)
}

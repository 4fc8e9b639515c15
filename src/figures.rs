//! `amdahl figures`: figures from results, as SVG, PDF and PNG.

use std::path::PathBuf;

use crate::output::Force;
use crate::{output, show};
use amdahl_data::suggest;
use amdahl_explain::analysis::Analysis;
use amdahl_explain::figure;
use amdahl_explain::figure::{Drawing, FIGURES, View, medium};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::atomic;

const EXAMPLES: &str = "\
Examples:
  amdahl figures results/strong-scaling
  amdahl figures results/strong-scaling --only speedup,phases --format svg,pdf
  amdahl figures results/strong-scaling --medium a0 --out poster-figures
What they show and how to read them: docs/figures.md";

/// Arguments of `amdahl figures`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// Folder for the figures, made when it is missing
    #[arg(long, default_value = "plots")]
    pub out: PathBuf,
    /// Draw these figures alone, such as speedup,phases
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// What they are drawn for: screen (alone, with title and caption), page, a4, a0
    #[arg(long, default_value = "screen")]
    pub medium: String,
    /// Kinds of files, such as svg,pdf; PNG has two pixels for each of the figure's
    #[arg(long, value_enum, value_delimiter = ',', default_value = "svg")]
    pub format: Vec<Format>,
    /// What may be replaced.
    #[command(flatten)]
    pub force: Force,
}

/// A kind of file.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For web pages and for editing
    Svg,
    /// For documents: one page of the figure's size
    Pdf,
    /// For slides
    Png,
}

impl Format {
    /// How names of such files end.
    fn ending(self) -> &'static str {
        match self {
            Format::Svg => "svg",
            Format::Pdf => "pdf",
            Format::Png => "png",
        }
    }
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    if !output::PAPER && args.format.iter().any(|format| *format != Format::Svg) {
        return Err(output::left_out("figures as PDF and PNG", "pdf"));
    }
    let medium = medium::named(&args.medium)?;
    for name in &args.only {
        if !FIGURES.iter().any(|figure| figure.name == name) {
            let names = || FIGURES.iter().map(|figure| figure.name);
            let known = format!("the figures are {}", names().collect::<Vec<_>>().join(", "));
            let error =
                suggest(Error::new(Kind::Usage, format!("no figure '{name}'")), name, names());
            let hint = error.hint.as_ref().map_or(known.clone(), |near| format!("{near} {known}"));
            return Err(error.hint(hint));
        }
    }
    let summary = show::load(&args.folder)?;
    let experiment = output::file_stem(summary.run.as_ref().map_or("", |run| &run.experiment));
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, &args.folder.to_string_lossy());
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let mut formats = args.format.clone();
    formats.sort_unstable();
    formats.dedup();
    let chosen = FIGURES.iter().filter(|figure| wanted(figure.name) && (figure.applies)(&view));
    let chosen: Vec<_> = chosen
        .map(|figure| {
            let path = |format: &Format| {
                args.out.join(format!("{experiment}-{}.{}", figure.name, format.ending()))
            };
            (figure, formats.iter().map(path).collect::<Vec<_>>())
        })
        .collect();
    args.force.allows("the figure", chosen.iter().flat_map(|(_, paths)| paths), &args.folder)?;
    for (figure, paths) in &chosen {
        let drawing = figure::draw_one(figure, &view, medium)?;
        for (path, format) in paths.iter().zip(&formats) {
            atomic::write_noted(path, &bytes(&drawing, *format)?)?;
            output::print(&format!("{}: {}\n", path.display(), drawing.title))?;
        }
    }
    match chosen.len() {
        0 => Err(Error::new(
            Kind::NothingMeasured,
            format!(
                "{} has nothing that {} show",
                args.folder.display(),
                if args.only.is_empty() { "figures" } else { "these figures" }
            ),
        )
        .hint(match args.only.is_empty() {
            true => "'amdahl show FOLDER' says which cells failed, and why",
            false => "'amdahl figures FOLDER' without --only draws all that there are",
        })),
        _ => Ok(()),
    }
}

/// A figure as a file.
#[cfg(feature = "pdf")]
fn bytes(drawing: &Drawing, format: Format) -> Result<Vec<u8>> {
    match format {
        Format::Svg => Ok(drawing.svg.clone().into_bytes()),
        Format::Pdf => amdahl_typst::alone::pdf(drawing),
        Format::Png => amdahl_typst::alone::png(drawing),
    }
}

/// A figure as a file.
#[cfg(not(feature = "pdf"))]
fn bytes(drawing: &Drawing, format: Format) -> Result<Vec<u8>> {
    match format {
        Format::Svg => Ok(drawing.svg.clone().into_bytes()),
        Format::Pdf | Format::Png => Err(output::left_out("figures as PDF and PNG", "pdf")),
    }
}

//! `amdahl figures`: figures from results, as SVG, PDF and PNG.

use std::path::PathBuf;

use amdahl_record::error::Result;

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
}

/// A kind of file.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For web pages and for editing
    Svg,
    /// For documents: one page of the figure's size
    Pdf,
    /// For slides
    Png,
}

/// Runs the verb.
#[cfg(feature = "explain")]
pub fn run(args: &Args) -> Result<()> {
    use crate::{output, show};
    use amdahl_data::suggest;
    use amdahl_explain::figure;
    use amdahl_explain::figure::{FIGURES, View, medium};
    use amdahl_explain::report::typst::alone;
    use amdahl_record::error::{Error, Kind};
    use amdahl_record::io::atomic;

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
    let view = View::new(&summary, &args.folder.to_string_lossy())?;
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let mut drawn = 0;
    for figure in FIGURES.iter().filter(|figure| wanted(figure.name) && (figure.applies)(&view)) {
        let drawing = figure::draw_one(figure, &view, medium)?;
        for format in &args.format {
            let (ending, bytes) = match format {
                Format::Svg => ("svg", drawing.svg.clone().into_bytes()),
                Format::Pdf => ("pdf", alone::pdf(&drawing)?),
                Format::Png => ("png", alone::png(&drawing)?),
            };
            let path = args.out.join(format!("{experiment}-{}.{ending}", drawing.name));
            atomic::write_with_folder(&path, &bytes)?;
            output::print(&format!("{}: {}\n", path.display(), drawing.title))?;
        }
        drawn += 1;
    }
    match drawn {
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

/// Runs the verb.
#[cfg(not(feature = "explain"))]
pub fn run(_args: &Args) -> Result<()> {
    Err(super::output::without_explain("figures"))
}

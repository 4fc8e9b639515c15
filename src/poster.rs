//! `amdahl poster`: an A0 poster from results.

use std::path::PathBuf;

use amdahl_record::error::Result;

const EXAMPLES: &str = "\
Examples:
  amdahl poster results/strong-scaling
  amdahl poster results/strong-scaling --orientation portrait --out print";

/// Arguments of `amdahl poster`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// How the sheet lies
    #[arg(long, value_enum, default_value = "both")]
    pub orientation: Sheets,
    /// Folder for the poster, made when it is missing
    #[arg(long, default_value = "report")]
    pub out: PathBuf,
    /// Folder with texts and templates of your own: see report/README.md [default: report]
    #[arg(long)]
    pub own: Option<PathBuf>,
    /// What may be replaced.
    #[command(flatten)]
    pub force: crate::output::Force,
}

/// Which sheets are made.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheets {
    /// 841 mm wide, 1189 mm high
    Portrait,
    /// 1189 mm wide, 841 mm high
    Landscape,
    /// One of each
    Both,
}

/// Runs the verb.
#[cfg(feature = "pdf")]
pub fn run(args: &Args) -> Result<()> {
    use crate::{output, show};
    use amdahl_explain::analysis::Analysis;
    use amdahl_explain::figure;
    use amdahl_explain::figure::{View, medium};
    use amdahl_explain::report_model::Facts;
    use amdahl_record::error::{Error, Kind};
    use amdahl_record::io::atomic;
    use amdahl_typst::{Orientation, Own};

    let summary = show::load(&args.folder)?;
    let analysis = Analysis::of(&summary);
    let view = View::new(&analysis, &args.folder.to_string_lossy());
    let drawings = figure::draw(&view, &medium::A0)?;
    if drawings.is_empty() {
        let what = format!("{} has no result that a poster could show", args.folder.display());
        return Err(Error::new(Kind::NothingMeasured, what)
            .hint("'amdahl show' says why the repeats failed"));
    }
    let facts = Facts::of(&view, &drawings);
    output::warn_of_boxes(&amdahl_typst::unprintable(&facts, &drawings)?);
    let experiment = output::file_stem(summary.run.as_ref().map_or("", |run| &run.experiment));
    let own = Own::of(&output::own_texts(args.own.as_deref())?, &experiment);
    let orientations: &[Orientation] = match args.orientation {
        Sheets::Portrait => &[Orientation::Portrait],
        Sheets::Landscape => &[Orientation::Landscape],
        Sheets::Both => &[Orientation::Portrait, Orientation::Landscape],
    };
    let path = |orientation: &Orientation| {
        args.out.join(format!("{experiment}-poster-{}.pdf", orientation.word()))
    };
    let paths: Vec<PathBuf> = orientations.iter().map(path).collect();
    args.force.allows("the poster", &paths, &args.folder)?;
    for (orientation, path) in orientations.iter().zip(&paths) {
        let sheet = amdahl_typst::poster(&facts, &drawings, &own, *orientation)?;
        atomic::write_noted(path, &sheet)?;
        output::print(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

/// Runs the verb.
#[cfg(not(feature = "pdf"))]
pub fn run(_args: &Args) -> Result<()> {
    Err(crate::output::left_out("posters", "pdf"))
}

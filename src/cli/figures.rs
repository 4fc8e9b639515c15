//! `amdahl figures`: SVG figures from results.

use std::path::PathBuf;

use crate::error::Result;

/// Arguments of `amdahl figures`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// Folder for the figures, made when it is missing
    #[arg(long, default_value = "plots")]
    pub out: PathBuf,
}

/// Runs the verb.
#[cfg(feature = "explain")]
pub fn run(args: &Args) -> Result<()> {
    use crate::cli::{output, show};
    use crate::explain::figure;

    let summary = show::load(&args.folder)?;
    let experiment = output::file_stem(summary.run.as_ref().map_or("", |run| &run.experiment));
    for drawing in figure::draw_all(&summary)? {
        let path = args.out.join(format!("{experiment}-{}.svg", drawing.name));
        output::write(&path, &drawing.svg)?;
        output::print(&format!("{}: {}\n", path.display(), drawing.title))?;
    }
    Ok(())
}

/// Runs the verb.
#[cfg(not(feature = "explain"))]
pub fn run(_args: &Args) -> Result<()> {
    Err(super::output::without_explain("figures"))
}

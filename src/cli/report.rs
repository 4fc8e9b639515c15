//! `amdahl report`: one HTML page from results.

use std::path::PathBuf;

use crate::error::Result;

/// Arguments of `amdahl report`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// Folder for the page, made when it is missing
    #[arg(long, default_value = "report")]
    pub out: PathBuf,
}

/// Runs the verb.
#[cfg(feature = "explain")]
pub fn run(args: &Args) -> Result<()> {
    use crate::cli::{output, show};
    use crate::explain::report;

    let summary = show::load(&args.folder)?;
    let experiment = output::file_stem(summary.run.as_ref().map_or("", |run| &run.experiment));
    let path = args.out.join(format!("{experiment}.html"));
    output::write(&path, &report::page(&summary)?)?;
    output::print(&format!("{}\n", path.display()))
}

/// Runs the verb.
#[cfg(not(feature = "explain"))]
pub fn run(_args: &Args) -> Result<()> {
    Err(super::output::without_explain("report"))
}

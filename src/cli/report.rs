//! `amdahl report`: one HTML page from results, and the facts that it says.

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
    use crate::explain::facts::Facts;
    use crate::explain::figure::{self, View, medium};
    use crate::explain::report::page;

    let summary = show::load(&args.folder)?;
    let experiment = output::file_stem(summary.run.as_ref().map_or("", |run| &run.experiment));
    let view = View::new(&summary, &args.folder.to_string_lossy())?;
    let drawings = figure::draw(&view, &medium::PAGE)?;
    let facts = Facts::of(&view, &drawings)?;
    let write = |ending: &str, text: &str| {
        let path = args.out.join(format!("{experiment}.{ending}"));
        output::write(&path, text)?;
        output::print(&format!("{}\n", path.display()))
    };
    write("html", &page::page(&facts, &drawings))?;
    write("facts.json", &facts.json()?)
}

/// Runs the verb.
#[cfg(not(feature = "explain"))]
pub fn run(_args: &Args) -> Result<()> {
    Err(super::output::without_explain("report"))
}

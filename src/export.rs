//! `amdahl export`: results in the formats of other tools.

use std::path::PathBuf;

use crate::output::Force;
use crate::{output, show};
use amdahl_explain::analysis::Analysis;
use amdahl_explain::exchange;
use amdahl_explain::exchange::{FORMATS, Repeats};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_record::io::atomic;

const EXAMPLES: &str = "\
Examples:
  amdahl export results/strong-scaling --to csv
  amdahl export results/strong-scaling --to tau --repeat all
  amdahl export results/strong-scaling --to google-benchmark --out dashboard
What each tool makes of it: docs/export.md";

/// Arguments of `amdahl export`.
#[derive(clap::Args, Debug)]
#[command(after_help = after_help(), after_long_help = format!("{EXAMPLES}\n\n{}", after_help()))]
pub struct Args {
    /// Results folder, such as results/strong-scaling
    pub folder: PathBuf,
    /// Format to write
    #[arg(long, value_name = "FORMAT", value_parser = known())]
    pub to: String,
    /// Folder for the files, made when it is missing [default: export/EXPERIMENT/FORMAT]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Repeats that become profiles (tau, caliper, thicket, talp, chrome): middle (that of the median time), all,
    /// or a number
    #[arg(long, default_value = "middle", value_parser = repeats)]
    pub repeat: Repeats,
    /// What may be replaced.
    #[command(flatten)]
    pub force: Force,
}

fn known() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(FORMATS.iter().map(|format| format.name))
}

fn after_help() -> String {
    let lines = FORMATS.iter().map(|format| format!("  {:<17} {}", format.name, format.about));
    format!("Formats:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn repeats(text: &str) -> std::result::Result<Repeats, String> {
    match text {
        "middle" => Ok(Repeats::Middle),
        "all" => Ok(Repeats::All),
        number => number
            .parse()
            .map(Repeats::Number)
            .map_err(|_| "middle, all, or the number of a repeat".into()),
    }
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<()> {
    let summary = show::load(&args.folder)?;
    let format = exchange::format(&args.to)
        .ok_or_else(|| Error::usage(format!("unknown format '{}'", args.to)))?;
    let export = (format.write)(&Analysis::of(&summary), args.repeat)?;
    let experiment = output::file_stem(summary.run.as_ref().map_or("", |run| &run.experiment));
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from("export").join(experiment).join(format.name));
    let paths: Vec<PathBuf> = export.files.iter().map(|file| out.join(&file.path)).collect();
    args.force.allows("the export", &paths, &args.folder)?;
    for (file, path) in export.files.iter().zip(&paths) {
        atomic::write_noted(path, &file.bytes)?;
    }
    let mut text = String::new();
    for note in &export.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.push_str(&format!("{} in {}\n", counted(export.files.len()), out.display()));
    output::print(&text)?;
    match export.files.is_empty() {
        true => {
            Err(Error::new(Kind::NothingMeasured, format!("nothing to write as {}", format.name))
                .hint("profiles need repeats with times by phase; see 'amdahl show'"))
        }
        false => Ok(()),
    }
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".into() } else { format!("{files} files") }
}

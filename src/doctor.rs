//! `amdahl doctor`: what this machine can do, for each 'no' why and what to do, and what measuring
//! itself costs.

use std::path::PathBuf;

use serde::Serialize;

use crate::output;
use amdahl_explain::terminal::Style;
use amdahl_lanes::signals::Interrupts;
use amdahl_record::error::{Error, Result};
use amdahl_record::host;
use amdahl_record::io::litter::Litter;

mod cells;
mod check;
mod counters;
mod data;
mod machine;
mod noise;
mod overhead;
mod peers;
mod programs;
mod roofline;
mod trainium;

use check::{Check, Is};

const EXAMPLES: &str = "\
Examples:
  amdahl doctor
  amdahl doctor --quick
  amdahl doctor --roofline
  amdahl doctor --noise";

/// Arguments of `amdahl doctor`.
#[derive(clap::Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Only look: run no cell and measure no overhead
    #[arg(long)]
    pub quick: bool,
    /// Measure what the machine can do at most (arithmetic, bandwidths by level) instead; --quick
    /// for a second and no more
    #[arg(long)]
    pub roofline: bool,
    /// Measure the smallest change that this machine can show, instead: the worker against itself,
    /// in pairs (docs/noise.md); keeps it for reports. About a minute and a half; --quick for half
    /// a minute
    #[arg(long, conflicts_with = "roofline")]
    pub noise: bool,
    /// Check each assumption about Trainium, in order, and print what to report back
    /// (docs/trainium.md)
    #[arg(long, conflicts_with_all = ["roofline", "noise"])]
    pub trainium: bool,
    /// With --trainium: rehearse with this PJRT plugin instead
    #[arg(long, value_name = "FILE", requires = "trainium")]
    pub plugin: Option<PathBuf>,
    /// With --trainium: price of an hour of the instance and the day it was looked up, such as
    /// "1.34 USD/h 2026-11-01"
    #[arg(long, value_name = "PRICE", requires = "trainium")]
    pub price: Option<String>,
}

/// How the findings are written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal
    #[default]
    Text,
    /// For programs
    Json,
}

/// Version of the JSON form.
const SCHEMA: u32 = 1;

/// Runs the verb. What the machine lacks is a finding, not an error.
pub fn run(args: &Args) -> Result<()> {
    if args.roofline {
        return roofline::run(args.format, args.quick);
    }
    if args.noise {
        return noise::run(args.format, args.quick);
    }
    if args.trainium {
        return trainium::run(args.format, args.plugin.clone(), args.price.as_deref());
    }
    let scratch = Scratch::new()?;
    let interrupts = &Interrupts::install(NOTHING)?;
    let watch = amdahl_lanes::probe::load::Watch::start();
    let mut checks = machine::checks();
    checks.extend(counters::checks(&host::gather()));
    let (site, worker, found) = programs::look(&scratch.folder, interrupts);
    checks.extend(found);
    checks.extend(peers::checks(&scratch.folder, interrupts));
    checks.extend(data::checks());
    if !args.quick {
        if let Some(worker) = &worker {
            checks.extend(cells::checks(worker, &site, &scratch.folder, interrupts));
        }
        checks.extend(overhead::checks(worker.as_ref(), &site, &scratch.folder, interrupts));
        machine::add_stolen(&mut checks, watch.stop().steal);
    }
    // What was not looked at for that reason is no finding.
    interrupts.check()?;
    print(args.format, &checks)
}

/// What is said to a person who ends it.
const NOTHING: &str = "nothing was kept";

/// Prints the findings.
fn print(format: Format, checks: &[Check]) -> Result<()> {
    match format {
        Format::Text => output::print(&text(checks, output::style())),
        Format::Json => {
            #[derive(Serialize)]
            struct Findings<'a> {
                schema: u32,
                checks: &'a [Check],
            }
            let text = serde_json::to_string_pretty(&Findings { schema: SCHEMA, checks })
                .map_err(|e| Error::internal(format!("findings as JSON: {e}")))?;
            output::print_json(&format!("{text}\n"))
        }
    }
}

/// Longest name that stands beside what is said of it, in characters.
const NAME: usize = 36;
/// Longest line of longer names.
const LINE: usize = 90;

/// Topics with their checks; below a check what to do about it, once for neighbours that need the
/// same.
fn text(checks: &[Check], style: Style) -> String {
    // Lists of counters have lines of their own before what is said of them.
    let width = checks
        .iter()
        .map(|check| check.name.chars().count())
        .filter(|&width| width <= NAME)
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    let mut topic = "";
    for (index, check) in checks.iter().enumerate() {
        if check.topic != topic {
            topic = check.topic;
            let gap = if index == 0 { "" } else { "\n" };
            text.push_str(&format!("{gap}{}\n", style.strong(topic)));
        }
        let (mark, words) = match check.is {
            Is::Yes => ("yes", check.value.clone()),
            Is::No => ("no ", style.caution(check.why.as_deref().unwrap_or_default())),
            Is::Fact => ("   ", check.value.clone()),
        };
        let mut name = check.name.as_str();
        while name.chars().count() > NAME {
            let end = name.char_indices().nth(LINE).map_or(name.len(), |(end, _)| end);
            let end = if end == name.len() {
                end
            } else {
                name[..end].rfind(' ').map_or(end, |end| end + 1)
            };
            text.push_str(&format!("  {}\n", name[..end].trim_end()));
            name = &name[end..];
        }
        text.push_str(format!("  {name:width$}  {mark} {words}").trim_end());
        text.push('\n');
        let next = checks.get(index + 1);
        let again = next.is_some_and(|next| next.topic == check.topic && next.help == check.help);
        if let Some(help) = check.help.as_ref().filter(|_| !again) {
            text.push_str(&format!(
                "  {:width$}      {}\n",
                "",
                style.faint(&format!("-> {help}"))
            ));
        }
    }
    text
}

/// A folder for cell files and reports, removed at the end.
struct Scratch {
    folder: PathBuf,
    _litter: Litter,
}

impl Scratch {
    fn new() -> Result<Scratch> {
        let folder = std::env::temp_dir().join(format!("amdahl-doctor-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("make the folder", &folder, e))?;
        let litter = Litter::new(&folder);
        Ok(Scratch { folder, _litter: litter })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is a few kilobytes among temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_is_said_once_for_neighbours() {
        let checks = [
            Check::yes("Counters", "wall", ""),
            Check::no("Counters", "cycles", "none here", "ask for some"),
            Check::no("Counters", "instructions", "none here", "ask for some"),
            Check::fact("Processor", "model", "X"),
        ];
        let expected = "Counters
  wall          yes
  cycles        no  none here
  instructions  no  none here
                    -> ask for some

Processor
  model             X
";
        assert_eq!(text(&checks, Style { colour: false }), expected);
    }
}

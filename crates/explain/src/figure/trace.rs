//! What a figure says of itself inside its SVG: its cells, where the numbers come from, and the
//! command that draws it again.

use serde::{Deserialize, Serialize};

use crate::figure::medium::Medium;
use crate::figure::{Chart, View};
use amdahl_record::Provenance;
use amdahl_record::error::{Error, Kind, Result};

/// Version of what is written.
pub const VERSION: u32 = 1;

/// What stands in a figure's `<metadata>`, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Version of this format.
    pub amdahl_figure: u32,
    /// Version of the program that drew it.
    pub version: String,
    /// Name of the figure.
    pub figure: String,
    /// What it was drawn for.
    pub medium: String,
    /// Name of the experiment; empty where the results tell of none.
    pub experiment: String,
    /// The results folder as it was named.
    pub results: String,
    /// Where the numbers come from.
    pub from: Provenance,
    /// The command that draws it again.
    pub command: String,
    /// Ids of the cells that it shows.
    pub cells: Vec<String>,
}

impl Trace {
    /// What a figure of these results says of itself.
    pub(super) fn of(figure: &str, view: &View<'_>, medium: &Medium, chart: &Chart<'_>) -> Trace {
        Trace {
            amdahl_figure: VERSION,
            version: env!("CARGO_PKG_VERSION").into(),
            figure: figure.into(),
            medium: medium.name.into(),
            experiment: view
                .summary
                .run
                .as_ref()
                .map_or(String::new(), |run| run.experiment.clone()),
            results: view.folder.clone(),
            from: chart.from,
            command: format!(
                "amdahl figures {} --only {figure} --medium {}",
                quoted(&view.folder),
                medium.name
            ),
            cells: chart.cells.iter().map(|id| id.0.clone()).collect(),
        }
    }
}

impl Trace {
    /// In words, a line each.
    pub fn words(&self) -> String {
        let from = match self.from {
            Provenance::Measured => "measured".to_string(),
            Provenance::Multiplexed { coverage } => {
                format!("measured, counted {:.0} % of the time", 100.0 * coverage)
            }
            Provenance::Simulated => "simulated".into(),
            Provenance::Modelled => "modelled".into(),
        };
        let experiment = if self.experiment.is_empty() { "unknown" } else { &self.experiment };
        format!(
            "  experiment  {experiment}\n  results     {}\n  numbers     {from}\n  drawn by    amdahl {}\n  again       {}\n  a cell      amdahl \
             show {} --cell ID\n  cells       {}\n",
            self.results,
            self.version,
            self.command,
            quoted(&self.results),
            self.cells.join("\n              ")
        )
    }
}

/// A word that a shell takes as one.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Reads back what a figure says of itself; `svg` is the text of the file. Where a document holds
/// several figures, all of them.
///
/// # Errors
/// Usage, when there is no such text in it, or a newer one.
pub fn read(svg: &str) -> Result<Vec<Trace>> {
    let mut found = Vec::new();
    for part in svg.split("<metadata>").skip(1) {
        let Some(end) = part.find("</metadata>") else { continue };
        let json = part[..end]
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'");
        let json = json.replace("&amp;", "&");
        let Ok(trace) = serde_json::from_str::<Trace>(&json) else { continue };
        if trace.amdahl_figure > VERSION {
            let what = format!(
                "a figure of version {}, this program reads up to {VERSION}",
                trace.amdahl_figure
            );
            return Err(Error::new(Kind::Usage, what).hint("use a newer amdahl"));
        }
        found.push(trace);
    }
    match found.is_empty() {
        true => Err(Error::new(Kind::Usage, "no figure that amdahl drew")
            .hint("name an SVG file from 'amdahl figures', or the page of 'amdahl report'; other programs may have stripped the metadata")),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        assert_eq!(quoted("results/a-b"), "results/a-b");
        assert_eq!(quoted("my results"), "'my results'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn foreign_files_are_no_figures() {
        for text in ["", "<svg><metadata>", "<svg><metadata>{}</metadata></svg>"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

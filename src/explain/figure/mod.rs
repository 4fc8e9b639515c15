//! Figures: one file each and one line in [`FIGURES`]. They query the tables of [`crate::explain::frame`] and draw SVG.
//!
//! A figure's title states what the data say, its caption how many repeats and which base they stand on. Equal records give equal bytes.

use crate::error::Result;
use crate::explain::frame::Frames;
use crate::explain::summary::{Group, Summary};
use crate::explain::{names, show};

mod axis;
pub mod cache;
mod counts;
mod layout;
pub mod mpki;
pub mod phases;
mod plot;
pub mod pop;
pub mod roofline;
pub mod speedup;
pub mod style;

/// What figures are drawn from.
pub struct View<'a> {
    /// Estimates and facts.
    pub summary: &'a Summary,
    /// The tables to query.
    pub frames: Frames,
}

impl<'a> View<'a> {
    /// The tables of a summary.
    pub fn new(summary: &'a Summary) -> Result<Self> {
        Ok(View { summary, frames: Frames::new(summary)? })
    }

    /// A short heading for each group: long where short ones would be the same.
    pub fn headings(&self) -> Vec<String> {
        let short = |group: &Group| {
            let crate::cell::Workload::KMeans(kmeans) = &group.workload;
            let text = format!("k = {} on {}", kmeans.k, names::dataset(&group.dataset, group.rows, group.dims));
            // What belongs together stays on one line.
            text.replace(" × ", "\u{a0}×\u{a0}").replace("k = ", "k\u{a0}=\u{a0}")
        };
        let all: Vec<String> = self.summary.groups.iter().map(short).collect();
        let twice = |heading: &String| all.iter().filter(|other| *other == heading).count() > 1;
        let groups = self.summary.groups.iter();
        groups.zip(&all).map(|(group, short)| if twice(short) { show::heading(group) } else { short.clone() }).collect()
    }

    /// The group that titles speak of: of those with a base, the one whose base takes longest.
    pub fn main_group(&self) -> Option<usize> {
        let base = |i: &usize| self.summary.groups[*i].base.as_ref().map(|b| b.time.value);
        let groups = (0..self.summary.groups.len()).filter(|i| base(i).is_some());
        groups.max_by(|a, b| base(a).unwrap_or(0.0).total_cmp(&base(b).unwrap_or(0.0)))
    }

    /// ` (k = 8 on …)` after a finding that holds for one of several groups; nothing where there is only one.
    fn scope(&self, group: usize) -> String {
        if self.summary.groups.len() > 1 { format!(" ({})", self.headings()[group]) } else { String::new() }
    }

    /// Where the numbers come from, for captions.
    fn source(&self) -> String {
        let hosts: Vec<String> = self.summary.hosts.iter().map(show::host_line).collect();
        let mut platforms: Vec<&str> =
            self.summary.groups.iter().flat_map(|g| &g.cells).filter_map(|c| c.platform.as_deref()).collect();
        platforms.sort_unstable();
        platforms.dedup();
        format!(
            "Measured (wall clock) on {}; computed by {}.",
            or_unknown(&hosts.join("; ")),
            or_unknown(&platforms.join(", "))
        )
    }

    /// A sentence that names the cells without a result; empty when all have one.
    fn without_result(&self) -> String {
        let groups = self.summary.groups.iter();
        let mut failed: Vec<String> = groups
            .flat_map(|g| &g.cells)
            .filter(|c| c.time.is_none())
            .map(|c| format!("{} ({})", names::cell(&c.cell), c.failures.first().map_or("no repeat", |f| &f.what)))
            .collect();
        failed.sort();
        failed.dedup();
        if failed.is_empty() { String::new() } else { format!("Without a result: {}.", failed.join(", ")) }
    }

    /// A sentence that names the cells with more lanes than CPUs and how they are `marked`; empty when there are none.
    fn oversubscribed(&self, marked: &str) -> String {
        let cells = self.summary.groups.iter().flat_map(|g| &g.cells);
        let mut crowded: Vec<_> =
            cells.filter(|c| c.oversubscribed && c.time.is_some()).map(|c| names::cell(&c.cell)).collect();
        let mut seen = std::collections::BTreeSet::new();
        crowded.retain(|name| seen.insert(name.clone()));
        match crowded.is_empty() {
            true => String::new(),
            false => format!("More lanes than CPUs ({marked}), no scaling to be read there: {}.", crowded.join(", ")),
        }
    }

    /// `n = 5`, or `n = 3 to 5` where cells differ.
    fn repeats(&self) -> String {
        let counts = || self.summary.groups.iter().flat_map(|g| &g.cells).filter_map(|c| c.time).map(|t| t.n);
        match (counts().min(), counts().max()) {
            (Some(least), Some(most)) if least != most => format!("n = {least} to {most}"),
            (Some(n), _) => format!("n = {n}"),
            _ => "n = 0".into(),
        }
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "an unknown machine" } else { text }
}

/// A kind of figure.
pub struct Figure {
    /// Name in file names.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// Do the results have what it shows? Where not it is left out.
    pub applies: fn(&View<'_>) -> bool,
    /// States the finding, computed from the data.
    pub title: fn(&View<'_>) -> Result<String>,
    /// Draws it under a title.
    pub draw: fn(&View<'_>, &str) -> Result<String>,
}

/// Every figure. A new one is a file and a line here.
pub const FIGURES: &[Figure] = &[
    speedup::FIGURE,
    phases::FIGURE,
    pop::FIGURE,
    roofline::FIGURE,
    cache::MEASURED,
    mpki::MEASURED,
    cache::SIMULATED,
    mpki::SIMULATED,
];

/// A figure that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Name in file names.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// The finding.
    pub title: String,
    /// The figure, a whole SVG document.
    pub svg: String,
}

/// Draws every figure of a summary that applies.
pub fn draw_all(summary: &Summary) -> Result<Vec<Drawing>> {
    draw(&View::new(summary)?)
}

/// Draws every figure of a view that applies.
pub fn draw(view: &View<'_>) -> Result<Vec<Drawing>> {
    FIGURES
        .iter()
        .filter(|figure| (figure.applies)(view))
        .map(|figure| {
            let title = (figure.title)(view)?;
            Ok(Drawing { name: figure.name, about: figure.about, svg: (figure.draw)(view, &title)?, title })
        })
        .collect()
}

//! Figures: one file each and one line in [`FIGURES`]. They draw what a summary holds, as SVG.
//!
//! A figure's title states what the data say, its caption how many repeats and which base they
//! stand on. Each is drawn for a [`medium`]: anew, not scaled. Equal records give equal bytes.
//! Inside the SVG stand the cells that it shows and the command that draws it again ([`trace`]
//! reads them back).

use crate::analysis::Analysis;
use crate::figure::canvas::Canvas;
use crate::figure::layout::Sheet;
use crate::figure::medium::Medium;
use crate::figure::trace::Trace;
use crate::summary::{CellSummary, Group, Summary};
use crate::{labels, show};
use amdahl_record::Provenance;
use amdahl_record::cell::CellId;
use amdahl_record::error::Result;

mod arms;
mod axis;
pub mod bandwidth;
pub mod cache;
pub mod canvas;
pub mod cost;
mod counts;
pub mod efficiency;
pub mod growth;
pub mod heat;
pub mod layout;
mod lines;
pub mod medium;
pub mod mpki;
pub mod multiples;
pub mod objective;
pub mod peers;
pub mod phases;
mod plot;
pub mod pop;
pub mod roofline;
mod scatter;
mod siblings;
mod sizes;
pub mod speedup;
pub mod style;
pub mod trace;
pub mod weak;

/// What figures are drawn from.
pub struct View<'a> {
    /// Estimates and facts.
    pub summary: &'a Summary,
    /// What follows from them.
    pub analysis: &'a Analysis<'a>,
    /// The results folder as the user named it, for the command that draws a figure again.
    pub folder: String,
}

impl<'a> View<'a> {
    /// An analysis of the results in this folder.
    pub fn new(analysis: &'a Analysis<'a>, folder: &str) -> Self {
        View { summary: analysis.summary, analysis, folder: folder.to_string() }
    }

    /// The groups that a figure for this medium has room for. `height` says how much of the sheet's
    /// height a group takes, CSS pixels; none where the figure has nothing to show of it. Of too
    /// many those whose base takes longest are kept, then those that come first.
    fn fitting(&self, medium: &Medium, height: impl Fn(usize) -> Option<f64>) -> Fitting {
        let seconds =
            |i: usize| self.summary.groups[i].base.as_ref().map_or(0.0, |base| base.time.value);
        let mut all: Vec<(usize, f64)> = (0..self.summary.groups.len())
            .filter_map(|i| height(i).map(|height| (i, height)))
            .collect();
        all.sort_by(|a, b| seconds(b.0).total_cmp(&seconds(a.0)));
        let of = all.len();
        let (mut shown, mut used) = (Vec::new(), 0.0);
        for (i, height) in all.into_iter().take(medium.panels) {
            if shown.is_empty() || used + height <= medium.height {
                used += height;
                shown.push(i);
            }
        }
        shown.sort_unstable();
        Fitting { shown, of }
    }

    /// A short heading for each group: long where short ones would be the same.
    pub fn headings(&self) -> Vec<String> {
        let short = |group: &Group| {
            let text = format!(
                "{} on {}",
                labels::own_size(&group.workload),
                labels::dataset(&group.dataset, group.rows, group.dims)
            );
            // What belongs together stays on one line.
            text.replace(" × ", "\u{a0}×\u{a0}").replace("k = ", "k\u{a0}=\u{a0}")
        };
        let all: Vec<String> = self.summary.groups.iter().map(short).collect();
        let twice = |heading: &String| all.iter().filter(|other| *other == heading).count() > 1;
        let groups = self.summary.groups.iter();
        groups
            .zip(&all)
            .map(|(group, short)| if twice(short) { show::heading(group) } else { short.clone() })
            .collect()
    }

    /// The group that titles speak of: of those with a base, the one whose base takes longest.
    pub fn main_group(&self) -> Option<usize> {
        let base = |i: &usize| self.summary.groups[*i].base.as_ref().map(|b| b.time.value);
        let groups = (0..self.summary.groups.len()).filter(|i| base(i).is_some());
        groups.max_by(|a, b| base(a).unwrap_or(0.0).total_cmp(&base(b).unwrap_or(0.0)))
    }

    /// ` (k = 8 on …)` after a finding that holds for one of several groups; nothing where there is
    /// only one.
    fn scope(&self, group: usize) -> String {
        if self.summary.groups.len() > 1 {
            format!(" ({})", self.headings()[group])
        } else {
            String::new()
        }
    }

    /// Where the numbers come from, for captions.
    fn source(&self) -> String {
        let hosts: Vec<String> = self.summary.hosts.iter().map(labels::host_line).collect();
        let mut platforms: Vec<&str> = self
            .summary
            .groups
            .iter()
            .flat_map(|g| &g.cells)
            .filter_map(|c| c.platform.as_deref())
            .collect();
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
            .map(|c| {
                format!(
                    "{} ({})",
                    labels::cell(&c.cell),
                    c.failures.first().map_or("no repeat", |f| &f.what)
                )
            })
            .collect();
        failed.sort();
        failed.dedup();
        if failed.is_empty() {
            String::new()
        } else {
            format!("Without a result: {}.", some(&failed))
        }
    }

    /// A sentence that names the cells with more lanes than CPUs and how they are `marked`; empty
    /// when there are none.
    fn oversubscribed(&self, marked: &str) -> String {
        let cells = self.summary.groups.iter().flat_map(|g| &g.cells);
        let mut crowded: Vec<_> = cells
            .filter(|c| c.oversubscribed && c.time.is_some())
            .map(|c| labels::cell(&c.cell))
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        crowded.retain(|name| seen.insert(name.clone()));
        match crowded.is_empty() {
            true => String::new(),
            false => format!(
                "More lanes than CPUs ({marked}), no scaling to be read there: {}.",
                some(&crowded)
            ),
        }
    }

    /// `n = 5`, or `n = 3 to 5` where cells differ.
    fn repeats(&self) -> String {
        repeats(self.summary.groups.iter().flat_map(|g| &g.cells))
    }
}

/// The first of many names, and how many more there are.
fn some(names: &[String]) -> String {
    const MOST: usize = 12;
    match names.len() {
        n if n > MOST + 1 => format!("{} and {} more", names[..MOST].join(", "), n - MOST),
        _ => names.join(", "),
    }
}

/// The groups that a figure shows.
struct Fitting {
    /// Their places, rising.
    shown: Vec<usize>,
    /// How many there would be to show.
    of: usize,
}

impl Fitting {
    /// A sentence that says how many problems are left out; empty where none is.
    fn left_out(&self) -> String {
        if self.shown.len() >= self.of {
            return String::new();
        }
        format!(
            "{} of {} problems are shown, those whose base takes longest.",
            self.shown.len(),
            self.of
        )
    }
}

/// How many repeats these cells have: `n = 5`, or `n = 3 to 5` where they differ.
fn repeats<'c>(cells: impl Iterator<Item = &'c CellSummary>) -> String {
    let counts = cells.filter_map(|c| c.time).map(|t| t.n);
    match counts.fold((usize::MAX, 0), |(least, most), n| (least.min(n), most.max(n))) {
        (_, 0) => "n = 0".into(),
        (least, most) if least < most => format!("n = {least} to {most}"),
        (n, _) => format!("n = {n}"),
    }
}

/// Ends of an interval, for [`lines::Mark`].
fn ends(estimate: amdahl_stats::Estimate) -> Option<(f64, f64)> {
    estimate.interval.map(|interval| (interval.low, interval.high))
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
    /// What it says of the data, and how it is drawn for a medium.
    pub compose: for<'v> fn(&'v View<'v>, &Medium) -> Result<Chart<'v>>,
}

/// A figure of certain data, ready to be drawn.
pub struct Chart<'v> {
    /// States the finding, computed from the data.
    pub title: String,
    /// Sentences: how many repeats, which intervals, what is marked how. Empty ones are left out.
    pub caption: Vec<String>,
    /// All values in words, for people who do not see the figure.
    pub description: String,
    /// Where its numbers come from. Never of two kinds on one axis.
    pub from: Provenance,
    /// The cells that it shows.
    pub cells: Vec<CellId>,
    /// Room between title and panels, CSS pixels.
    pub head: f64,
    /// Heights of the panels, row by row, CSS pixels.
    pub heights: Vec<f64>,
    /// Panels side by side.
    pub columns: usize,
    /// Draws all but title and caption.
    pub draw: Draw<'v>,
}

/// Draws the panels of a chart on their sheet.
pub type Draw<'v> = Box<dyn Fn(&Canvas<'_>, &Sheet) -> Result<()> + 'v>;

/// Every figure. A new one is a file and a line here.
pub const FIGURES: &[Figure] = &[
    speedup::FIGURE,
    weak::FIGURE,
    efficiency::FIGURE,
    peers::FIGURE,
    objective::FIGURE,
    phases::FIGURE,
    pop::FIGURE,
    multiples::FIGURE,
    growth::FIGURE,
    cost::FIGURE,
    heat::FIGURE,
    roofline::FIGURE,
    bandwidth::FIGURE,
    cache::MEASURED,
    mpki::MEASURED,
    cache::SIMULATED,
    mpki::SIMULATED,
];

/// A figure that was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Name in file names.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub about: &'static str,
    /// The finding.
    pub title: String,
    /// How many repeats, which intervals, what is marked how: a sentence or two each.
    pub caption: Vec<String>,
    /// All values in words.
    pub description: String,
    /// Where its numbers come from.
    pub from: Provenance,
    /// The cells that it shows.
    pub cells: Vec<CellId>,
    /// Width and height, CSS pixels.
    pub size: (f64, f64),
    /// The figure, a whole SVG document.
    pub svg: String,
}

/// Draws every figure of a view that applies, for a medium.
///
/// # Errors
/// Internal, when drawing fails.
pub fn draw(view: &View<'_>, medium: &Medium) -> Result<Vec<Drawing>> {
    let applying = FIGURES.iter().filter(|figure| (figure.applies)(view));
    applying.map(|figure| draw_one(figure, view, medium)).collect()
}

/// Draws one figure, which applies, for a medium.
///
/// # Errors
/// Internal, when drawing fails.
pub fn draw_one(figure: &Figure, view: &View<'_>, medium: &Medium) -> Result<Drawing> {
    let mut chart = (figure.compose)(view, medium)?;
    chart.caption.retain(|sentence| !sentence.is_empty());
    let sheet =
        Sheet::new(medium, &chart.title, chart.head, &chart.heights, chart.columns, &chart.caption);
    let trace = Trace::of(figure.name, view, medium, &chart);
    let svg = canvas::svg(
        &trace,
        (sheet.width, sheet.height),
        &chart.title,
        &chart.description,
        |canvas| {
            sheet.draw(canvas)?;
            (chart.draw)(canvas, &sheet)
        },
    )?;
    Ok(Drawing {
        name: figure.name,
        about: figure.about,
        size: (sheet.width, sheet.height),
        title: chart.title,
        caption: chart.caption,
        description: chart.description,
        from: chart.from,
        cells: chart.cells,
        svg,
    })
}

/// The ids of cells, for [`Chart::cells`].
fn ids<'c>(cells: impl IntoIterator<Item = &'c CellSummary>) -> Vec<CellId> {
    each_once(cells.into_iter().map(|cell| &cell.id))
}

/// The same of ids, each once.
fn each_once<'c>(ids: impl IntoIterator<Item = &'c CellId>) -> Vec<CellId> {
    let ids: std::collections::BTreeSet<&CellId> = ids.into_iter().collect();
    ids.into_iter().cloned().collect()
}

//! Facts: everything that the page, the report and the poster say, computed once. `facts.json` is
//! this, written down.
//!
//! A section is a file here that turns the summary into words and tables ([`document`]), and a line
//! in [`sections`]. Renderers decide how it looks and say nothing of their own.

use serde::Serialize;

use crate::figure::{Drawing, View};
use crate::report_model::document::{Item, Section};
use amdahl_record::Provenance;
use amdahl_record::error::{Error, Result};
use amdahl_record::units;

mod answer;
mod cells;
pub mod document;
mod efficiency;
pub mod explorer;
mod laws;
mod peers;
pub mod rules;
mod setup;

/// Version of the format.
pub const SCHEMA: u32 = 1;

/// All that documents say of a results folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// Version of the format.
    pub schema: u32,
    /// Version of the program that computed them.
    pub amdahl: String,
    /// Title of the experiment.
    pub title: String,
    /// The question it asks; null where it asks none.
    pub question: Option<String>,
    /// Name of the experiment; null where the results tell of no run.
    pub experiment: Option<String>,
    /// When the newest run started: `2026-01-31 23:59 UTC`.
    pub started: Option<String>,
    /// Where people find more, as the manifest names it.
    pub url: Option<String>,
    /// The results folder as it was named.
    pub results: String,
    /// How much it all stands on, in a sentence.
    pub counts: String,
    /// The answer: sentences, the most important first.
    pub answer: Vec<String>,
    /// What a reader should know, and what to do about it.
    pub warnings: Vec<Item>,
    /// All else, in order.
    pub sections: Vec<Section>,
    /// The figures, in order.
    pub figures: Vec<FigureFacts>,
    /// Problems that cells share.
    pub problems: Vec<explorer::Problem>,
    /// The parts that cells' times are told in.
    pub phases: Vec<explorer::Part>,
    /// Cells as numbers.
    pub cells: Vec<explorer::Point>,
}

/// What a figure says in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureFacts {
    /// Its name.
    pub name: String,
    /// What it shows, in a few words.
    pub about: String,
    /// The finding.
    pub title: String,
    /// How many repeats, which intervals, what is marked how.
    pub caption: Vec<String>,
    /// All values in words.
    pub description: String,
    /// Where its numbers come from.
    pub from: Provenance,
    /// Ids of its cells.
    pub cells: Vec<String>,
}

impl Facts {
    /// The facts of a view, with what its figures say; `drawings` are those of any medium.
    pub fn of(view: &View<'_>, drawings: &[Drawing]) -> Facts {
        let summary = view.summary;
        let run = summary.run.as_ref();
        let warning = |warning: &crate::warning::Warning| Item {
            text: capitalised(&format!("{warning}.")),
            note: warning.advice().map(|advice| format!("To do: {advice}.")),
        };
        Facts {
            schema: SCHEMA,
            amdahl: env!("CARGO_PKG_VERSION").into(),
            title: run.map_or("Results".into(), |run| run.title.clone()),
            question: run.map(|run| run.question.clone()).filter(|question| !question.is_empty()),
            experiment: run.map(|run| run.experiment.clone()),
            started: run.map(|run| date(run.started_ms)),
            url: run.and_then(|run| run.url.clone()),
            results: view.folder.clone(),
            counts: answer::counts(summary),
            answer: answer::answer(view, drawings),
            warnings: summary.warnings.iter().map(warning).collect(),
            sections: sections(view, drawings),
            figures: drawings.iter().map(in_words).collect(),
            problems: explorer::problems(view),
            phases: explorer::parts(summary),
            cells: explorer::points(view),
        }
    }

    /// As JSON, with a line end.
    ///
    /// # Errors
    /// Internal, when they cannot be written.
    pub fn json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n")
            .map_err(|e| Error::internal(format!("cannot write the facts: {e}")))
    }

    /// The figure of that name.
    pub fn figure(&self, name: &str) -> Option<&FigureFacts> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

/// A sentence as sentences begin.
fn capitalised(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next().map_or(String::new(), |first| first.to_uppercase().chain(rest).collect())
}

/// Every section that has something to say. A new one is a file and a line here.
fn sections(view: &View<'_>, drawings: &[Drawing]) -> Vec<Section> {
    let summary = view.summary;
    let sections = [
        Some(answer::fastest(view)),
        peers::questions(summary),
        Some(cells::figures(drawings.iter().map(|drawing| drawing.name))),
        peers::beside(view.analysis),
        efficiency::lost(view),
        efficiency::pop(view),
        cells::bandwidth(view.analysis),
        laws::laws(view.analysis),
        cells::costs(view.analysis),
        Some(setup::set_up(summary)),
        Some(setup::method(summary)),
        cells::failures(summary),
        Some(cells::cells(summary)),
        Some(rules::rules(&rules::verdicts(view.analysis, drawings))),
        Some(setup::reproduce(&view.folder)),
    ];
    sections.into_iter().flatten().filter(|section| !section.blocks.is_empty()).collect()
}

fn in_words(drawing: &Drawing) -> FigureFacts {
    FigureFacts {
        name: drawing.name.into(),
        about: drawing.about.into(),
        title: drawing.title.clone(),
        caption: drawing.caption.clone(),
        description: drawing.description.clone(),
        from: drawing.from,
        cells: drawing.cells.iter().map(|id| id.0.clone()).collect(),
    }
}

/// A Unix time in milliseconds as `2026-01-31 23:59 UTC`.
pub fn date(unix_ms: u64) -> String {
    let minutes = unix_ms / 60_000;
    format!("{} {:02}:{:02} UTC", units::day(unix_ms), minutes / 60 % 24, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400_000), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_700_000_000_000), "2023-11-14 22:13 UTC");
        assert!(date(u64::MAX).ends_with("UTC"));
    }
}

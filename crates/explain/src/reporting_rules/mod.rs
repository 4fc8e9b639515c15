//! A linter for the twelve rules of reporting parallel performance: what a results folder, and what
//! is drawn from it, keeps and breaks.
//!
//! T. Hoefler, R. Belli, "Scientific benchmarking of parallel computing systems: twelve ways to
//! tell the masses when reporting performance results", SC'15. A rule is *kept*, *broken*, or
//! *cannot be judged*, with the reason. Some are kept by how this program is made, whatever is
//! measured; these say how. Each check is a function in [`rules`] and a line in [`RULES`].

use std::fmt;

use serde::Serialize;

use crate::analysis::Analysis;
use amdahl_record::Provenance;

mod rules;

/// One of the twelve rules.
pub struct Rule {
    /// Its number in the paper.
    pub number: u8,
    /// What it asks for.
    pub says: &'static str,
    check: fn(&Subject<'_>) -> Verdict,
}

/// All twelve, in order.
pub const RULES: &[Rule] = &[
    Rule {
        number: 1,
        says: "A speedup names its base, says what kind of program that is, and gives its time.",
        check: rules::base,
    },
    Rule {
        number: 2,
        says: "What is left out is left out for a stated reason.",
        check: rules::left_out,
    },
    Rule {
        number: 3,
        says: "Costs are summarised as costs, and rates from the costs below them.",
        check: rules::costs,
    },
    Rule {
        number: 4,
        says: "Ratios are taken of summaries; they are not averaged.",
        check: rules::ratios,
    },
    Rule {
        number: 5,
        says: "What varies is given with an interval that its samples can deliver.",
        check: rules::intervals,
    },
    Rule { number: 6, says: "Nobody assumes a normal distribution.", check: rules::normality },
    Rule {
        number: 7,
        says: "Only comparable things are compared, and differences are tested.",
        check: rules::comparison,
    },
    Rule {
        number: 8,
        says: "The summary fits the question: there is a reason for median, mean or percentile.",
        check: rules::summary,
    },
    Rule {
        number: 9,
        says: "Factors, their levels and the whole set-up are documented.",
        check: rules::set_up,
    },
    Rule {
        number: 10,
        says: "It is said how the time of several lanes is measured, begun together and summarised.",
        check: rules::timing,
    },
    Rule {
        number: 11,
        says: "Results stand beside a bound that they cannot exceed.",
        check: rules::bounds,
    },
    Rule {
        number: 12,
        says: "A plot joins only what may be interpolated, and shows one kind of number on an axis.",
        check: rules::plots,
    },
];

/// What is judged.
pub struct Subject<'a> {
    /// What tables and text say.
    pub analysis: &'a Analysis<'a>,
    /// What figures draw; `None` where none were drawn.
    pub figures: Option<&'a [Drawn]>,
}

/// What a figure draws, as far as rules speak of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Its name.
    pub name: String,
    /// Where the numbers on its axes come from; laws and bounds that are labelled as such aside.
    pub from: Vec<Provenance>,
    /// Does a line join its points, and over what? `None` where that is not known.
    pub joined: Option<Joined>,
}

/// What a line joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Nothing: bars, or points alone.
    Nothing,
    /// Points over numbers, such as lanes.
    Numbers,
    /// Points over things without an order between them, such as backends.
    Categories,
}

/// How a rule fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is kept.
    Kept,
    /// It is broken.
    Broken,
    /// The records do not tell.
    Unknown,
}

impl Status {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Status::Kept => "kept",
            Status::Broken => "broken",
            Status::Unknown => "cannot be judged",
        }
    }
}

/// What was found of a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Number of the rule.
    pub rule: u8,
    /// What it asks for.
    pub says: &'static str,
    /// How it fares.
    pub status: Status,
    /// Is it kept by how the program is made, whatever is measured?
    pub by_construction: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// What breaks it.
    pub findings: Vec<Finding>,
}

/// Something that breaks a rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was found.
    pub what: String,
    /// Where: names of cells, figures, machines or builds.
    pub places: Vec<String>,
    /// What to do.
    pub todo: String,
}

impl Verdict {
    fn with(status: Status, reason: impl Into<String>) -> Verdict {
        let reason = reason.into();
        Verdict { rule: 0, says: "", status, by_construction: false, reason, findings: Vec::new() }
    }

    /// Kept by what is in the results.
    fn kept(reason: impl Into<String>) -> Verdict {
        Verdict::with(Status::Kept, reason)
    }

    /// Kept by how the program is made.
    fn built_in(reason: &str) -> Verdict {
        Verdict { by_construction: true, ..Verdict::kept(reason) }
    }

    /// The records do not tell.
    fn unknown(reason: impl Into<String>) -> Verdict {
        Verdict::with(Status::Unknown, reason)
    }

    /// Broken where something was found, else as it stands.
    fn unless(self, findings: Vec<Finding>) -> Verdict {
        if findings.is_empty() {
            return self;
        }
        let reason = match findings.len() {
            1 => "1 finding".to_string(),
            n => format!("{n} findings"),
        };
        Verdict { findings, ..Verdict::with(Status::Broken, reason) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 6;
        write!(f, "{}", self.what)?;
        if !self.places.is_empty() {
            let more = self.places.len().saturating_sub(MOST);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            write!(f, " ({}{rest})", self.places[..self.places.len().min(MOST)].join(", "))?;
        }
        write!(f, ". To do: {}", self.todo)
    }
}

/// Judges every rule.
pub fn check(subject: &Subject<'_>) -> Vec<Verdict> {
    RULES
        .iter()
        .map(|rule| Verdict { rule: rule.number, says: rule.says, ..(rule.check)(subject) })
        .collect()
}

/// Number of rules that are broken.
pub fn broken(verdicts: &[Verdict]) -> usize {
    verdicts.iter().filter(|verdict| verdict.status == Status::Broken).count()
}

/// Columns of a table of verdicts.
pub const COLUMNS: [&str; 4] = ["rule", "what it asks for", "status", "why"];

/// Rows of a table of verdicts, all twelve.
pub fn rows(verdicts: &[Verdict]) -> Vec<[String; 4]> {
    let row = |verdict: &Verdict| {
        let found: Vec<String> =
            verdict.findings.iter().map(|finding| format!("{finding}.")).collect();
        let why = if found.is_empty() { verdict.reason.clone() } else { found.join(" ") };
        let status = match (verdict.status, verdict.by_construction) {
            (Status::Kept, true) => "kept by construction",
            (status, _) => status.word(),
        };
        [verdict.rule.to_string(), verdict.says.to_string(), status.to_string(), why]
    };
    verdicts.iter().map(row).collect()
}

/// What is broken and what cannot be judged, for a terminal: a line or more for each, and a sum.
pub fn text(verdicts: &[Verdict]) -> String {
    let mut lines = Vec::new();
    for verdict in verdicts.iter().filter(|verdict| verdict.status != Status::Kept) {
        lines.push(format!("rule {}: {}: {}", verdict.rule, verdict.status.word(), verdict.says));
        match verdict.findings.is_empty() {
            true => lines.push(format!("  {}", verdict.reason)),
            false => lines.extend(verdict.findings.iter().map(|finding| format!("  {finding}"))),
        }
    }
    let count = |status| verdicts.iter().filter(|verdict| verdict.status == status).count();
    lines.push(format!(
        "of {} rules {} are kept, {} broken, {} cannot be judged",
        verdicts.len(),
        count(Status::Kept),
        count(Status::Broken),
        count(Status::Unknown)
    ));
    lines.join("\n") + "\n"
}

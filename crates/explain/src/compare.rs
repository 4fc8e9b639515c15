//! Two results folders, cell by cell: how much longer does B take than A?
//!
//! The measure is a ratio of medians, B over A, with a bootstrap interval that resamples both
//! sides. A verdict needs the whole interval on one side of 1. With many cells, one in twenty 95 %
//! intervals misses by chance: a gate asks for more than 1 (`--fail-over`).

use serde::Serialize;

use crate::labels;
use crate::show::Scale;
use crate::summary::{CellSummary, Group, Summary};
use crate::table::{Align, Table, escape};
use crate::terminal::Style;
use amdahl_record::cell::{Cell, CellId};
use amdahl_record::error::{Error, Kind, Result};
use amdahl_stats::{Bootstrap, Estimate};

/// Two folders, cell by cell.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Cells that both folders know.
    pub pairs: Vec<Pair>,
    /// Cells of the first folder alone.
    pub only_a: Vec<Named>,
    /// Cells of the second folder alone.
    pub only_b: Vec<Named>,
    /// Do the times come from different machines?
    pub other_host: bool,
}

/// A cell's id and how it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The id.
    pub id: CellId,
    /// The name.
    pub name: String,
}

/// One cell in both folders.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// The cell's id.
    pub id: CellId,
    /// The cell.
    pub cell: Cell,
    /// What it computes on what.
    pub problem: String,
    /// Median time in the first folder, seconds.
    pub a: Option<Estimate>,
    /// Median time in the second folder, seconds.
    pub b: Option<Estimate>,
    /// Median of B over median of A; null where a side has no time or they ran on other data.
    pub ratio: Option<Estimate>,
    /// What that says.
    pub verdict: Verdict,
    /// Did a repeat in B give a wrong answer? Others may have given the right one.
    #[serde(skip)]
    pub wrong: bool,
}

/// What a pair says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Verdict {
    /// B takes longer: the whole interval is above 1.
    Slower,
    /// B takes less time: the whole interval is below 1.
    Faster,
    /// No difference was shown: the interval holds 1. That is no proof that there is none.
    Same,
    /// Fewer than three good repeats on a side: no interval.
    TooFew {
        /// Good repeats in A and in B.
        n: [usize; 2],
    },
    /// A side has no good repeat.
    NoTime {
        /// Which: `A`, `B` or `both`.
        side: &'static str,
        /// Did a repeat in B give a wrong answer?
        wrong: bool,
        /// Why, as its newest failure says.
        reason: String,
    },
    /// The data set differs between the folders, so the times are of different work.
    OtherData,
}

impl Verdict {
    /// The word in tables.
    pub fn word(&self) -> String {
        match self {
            Verdict::Slower => "slower".into(),
            Verdict::Faster => "faster".into(),
            Verdict::Same => "same".into(),
            Verdict::TooFew { n: [a, b] } => format!("too few repeats ({a} and {b})"),
            Verdict::NoTime { side, reason, .. } => {
                format!("no time in {side}: {}", labels::one_line(reason, 80))
            }
            Verdict::OtherData => "other data".into(),
        }
    }
}

/// Compares the cells of two summaries: ratios are B over A.
pub fn compare(a: &Summary, b: &Summary, bootstrap: Bootstrap) -> Comparison {
    let find = |summary: &'_ Summary, id: &CellId| cells(summary).any(|(_, cell)| cell.id == *id);
    let alone = |one: &Summary, other: &Summary| {
        let cells = cells(one).filter(|(_, cell)| !find(other, &cell.id));
        cells
            .map(|(group, cell)| Named { id: cell.id.clone(), name: full_name(group, cell) })
            .collect()
    };
    let both: Vec<(&Group, &CellSummary, &CellSummary)> = cells(a)
        .filter_map(|(group, left)| {
            Some((group, left, cells(b).find(|(_, right)| right.id == left.id)?.1))
        })
        .collect();
    Comparison {
        pairs: both
            .iter()
            .map(|(group, left, right)| pair(group, left, right, bootstrap))
            .collect(),
        only_a: alone(a, b),
        only_b: alone(b, a),
        other_host: both.iter().any(|(_, left, right)| left.key.host != right.key.host),
    }
}

fn cells(summary: &Summary) -> impl Iterator<Item = (&Group, &CellSummary)> {
    summary.groups.iter().flat_map(|group| group.cells.iter().map(move |cell| (group, cell)))
}

fn problem(group: &Group) -> String {
    format!(
        "{} on {}",
        labels::workload(&group.workload),
        labels::dataset(&group.dataset, group.rows, group.dims)
    )
}

fn full_name(group: &Group, cell: &CellSummary) -> String {
    format!("{}, {}", labels::cell(&cell.cell), problem(group))
}

fn pair(group: &Group, a: &CellSummary, b: &CellSummary, bootstrap: Bootstrap) -> Pair {
    let same_data = a.key.data == b.key.data;
    let ratio = bootstrap.ratio_of_medians(&b.samples(), &a.samples()).filter(|_| same_data);
    let wrong = b.failures.iter().any(|f| f.what == "wrong");
    let verdict = match (a.time.is_some(), b.time.is_some()) {
        (true, true) if !same_data => Verdict::OtherData,
        (true, true) => match ratio.and_then(|r| r.interval) {
            Some(interval) if interval.low > 1.0 => Verdict::Slower,
            Some(interval) if interval.high < 1.0 => Verdict::Faster,
            Some(_) => Verdict::Same,
            None => Verdict::TooFew { n: [a.repeats.len(), b.repeats.len()] },
        },
        (left, right) => {
            let side = if left {
                "B"
            } else if right {
                "A"
            } else {
                "both"
            };
            let failures = if right { &a.failures } else { &b.failures };
            let reason = failures
                .first()
                .map_or("no repeat".into(), |f| format!("{}: {}", f.what, f.reason));
            Verdict::NoTime { side, wrong, reason }
        }
    };
    let problem = problem(group);
    Pair {
        id: a.id.clone(),
        cell: a.cell.clone(),
        problem,
        a: a.time,
        b: b.time,
        ratio,
        verdict,
        wrong,
    }
}

impl Comparison {
    /// Refuses when there is nothing to compare and, with a limit, when B is shown to take more
    /// than `limit` times as long as A.
    ///
    /// # Errors
    /// Nothing measured: no cell is in both folders. With a limit: wrong answer, when a cell gave one in B; regression, when the lower end
    /// of an interval is above the limit; inconclusive, when a cell with a time in A cannot be compared: it has none in B, too few repeats
    /// for an interval, or other data.
    pub fn judge(&self, limit: Option<f64>) -> Result<()> {
        if self.pairs.is_empty() {
            return Err(Error::new(Kind::NothingMeasured, "no cell is in both folders")
                .hint("compare results of the same manifest; cells are the same when all of their parameters are"));
        }
        let Some(limit) = limit else { return Ok(()) };
        let names = |keep: &dyn Fn(&Pair) -> bool| -> Vec<String> {
            self.pairs
                .iter()
                .filter(|p| keep(p))
                .map(|p| format!("{} ({})", labels::cell(&p.cell), p.id))
                .collect()
        };
        let refuse = |kind: Kind, what: &str, cells: Vec<String>| match cells.len() {
            0 => Ok(()),
            n => Err(Error::new(
                kind,
                format!("{n} of {} cells {what}: {}", self.pairs.len(), cells.join(", ")),
            )),
        };
        let interval = |p: &Pair| p.ratio.and_then(|r| r.interval);
        refuse(Kind::WrongAnswer, "give a wrong answer in B", names(&|p| p.wrong))?;
        refuse(
            Kind::Regression,
            &format!("take more than {limit} times as long in B"),
            names(&|p| interval(p).is_some_and(|i| i.low > limit)),
        )?;
        if self.pairs.iter().all(|p| interval(p).is_none()) {
            return Err(Error::new(
                Kind::Inconclusive,
                "no cell has enough good repeats in both folders for an interval",
            )
            .hint("measure at least 3, better 6 or more repeats of each cell"));
        }
        let undecided = |p: &Pair| p.a.is_some() && interval(p).is_none();
        refuse(
            Kind::Inconclusive,
            "have a time in A, and none in B that it can be compared with",
            names(&undecided),
        )
    }

    /// Cells that pass for want of precision: that B takes more than `limit` times as long is not
    /// shown, and not ruled out.
    pub fn not_ruled_out(&self, limit: f64) -> Vec<&Pair> {
        let open = |pair: &&Pair| {
            pair.ratio
                .and_then(|r| r.interval)
                .is_some_and(|interval| interval.low <= limit && interval.high > limit)
        };
        self.pairs.iter().filter(open).collect()
    }

    /// What `judge` found with a limit when it found nothing, a line or two: a check that could not
    /// have seen much should say so.
    pub fn passed(&self, limit: f64) -> String {
        let mut text = format!("no cell is shown to take more than {limit} times as long in B\n");
        let open = self.not_ruled_out(limit);
        if !open.is_empty() {
            let some: Vec<String> = open
                .iter()
                .take(4)
                .map(|p| format!("{} ({})", labels::cell(&p.cell), p.id))
                .collect();
            let more = if open.len() > some.len() { ", …" } else { "" };
            text += &format!(
                "not ruled out either, for {} of {} cells: {}{more}; more repeats or a quieter machine would tell\n",
                open.len(),
                self.pairs.len(),
                some.join(", ")
            );
        }
        text
    }

    /// The comparison as plain text, each line ended.
    pub fn text(&self, style: Style) -> String {
        let mut lines = Vec::new();
        for (problem, pairs) in self.by_problem() {
            lines.push(style.strong(&problem));
            for (i, line) in table(&pairs).text().into_iter().enumerate() {
                lines.push(match i.checked_sub(1).and_then(|i| pairs.get(i)).map(|p| &p.verdict) {
                    None => format!("  {}", style.faint(&line)),
                    Some(Verdict::Slower | Verdict::NoTime { .. }) => {
                        format!("  {}", style.bad(&line))
                    }
                    Some(Verdict::TooFew { .. } | Verdict::OtherData) => {
                        format!("  {}", style.caution(&line))
                    }
                    Some(_) => format!("  {line}"),
                });
            }
            lines.push(String::new());
        }
        lines.push(self.footer());
        for (side, cells) in [("A", &self.only_a), ("B", &self.only_b)] {
            lines.extend(
                cells
                    .iter()
                    .map(|c| style.faint(&format!("only in {side}: {} ({})", c.name, c.id))),
            );
        }
        if self.other_host {
            lines.push(style.caution(&format!("warning: {OTHER_HOST}")));
        }
        lines.join("\n") + "\n"
    }

    /// The comparison as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (problem, pairs) in self.by_problem() {
            text.push_str(&format!("## {}\n\n{}\n", escape(&problem), table(&pairs).markdown()));
        }
        text.push_str(&format!("{}\n", escape(&self.footer())));
        for (side, cells) in [("A", &self.only_a), ("B", &self.only_b)] {
            for cell in cells {
                text.push_str(&format!("\n- only in {side}: {} ({})", escape(&cell.name), cell.id));
            }
        }
        if self.other_host {
            text.push_str(&format!("\n- warning: {OTHER_HOST}"));
        }
        text.trim_end().to_string() + "\n"
    }

    fn by_problem(&self) -> Vec<(String, Vec<&Pair>)> {
        let mut problems: Vec<(String, Vec<&Pair>)> = Vec::new();
        for pair in &self.pairs {
            match problems.last_mut() {
                Some((problem, pairs)) if *problem == pair.problem => pairs.push(pair),
                _ => problems.push((pair.problem.clone(), vec![pair])),
            }
        }
        problems
    }

    fn footer(&self) -> String {
        let count =
            |keep: fn(&Verdict) -> bool| self.pairs.iter().filter(|p| keep(&p.verdict)).count();
        format!(
            "B over A, medians: {} slower, {} faster, {} with no difference shown, {} undecided",
            count(|v| *v == Verdict::Slower),
            count(|v| *v == Verdict::Faster),
            count(|v| *v == Verdict::Same),
            count(|v| !matches!(v, Verdict::Slower | Verdict::Faster | Verdict::Same)),
        )
    }
}

const OTHER_HOST: &str =
    "the folders come from different machines; a ratio tells machines apart, not programs";

fn table(pairs: &[&Pair]) -> Table {
    use Align::{Left, Right};
    let scale = Scale::of(pairs.iter().flat_map(|p| [p.a, p.b]).flatten().map(|t| t.value));
    let (a, b) = (format!("A/{}", scale.unit), format!("B/{}", scale.unit));
    let columns = [
        ("cell", Left),
        (&a, Right),
        ("n", Right),
        (&b, Right),
        ("n", Right),
        ("B/A", Right),
        ("95 %", Left),
        ("verdict", Left),
    ];
    let mut table = Table::new(&columns);
    for pair in pairs {
        let time = |t: Option<Estimate>| t.map_or("-".into(), |t| scale.show(t.value));
        let n = |t: Option<Estimate>| t.map_or("0".into(), |t| t.n.to_string());
        let interval = pair.ratio.and_then(|r| r.interval);
        table.row(vec![
            labels::cell(&pair.cell),
            time(pair.a),
            n(pair.a),
            time(pair.b),
            n(pair.b),
            pair.ratio.map_or("-".into(), |r| format!("{:.3}", r.value)),
            interval.map_or(String::new(), |i| format!("{:.3} to {:.3}", i.low, i.high)),
            pair.verdict.word(),
        ]);
    }
    table
}

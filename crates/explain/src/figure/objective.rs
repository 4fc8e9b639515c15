//! The objective against time: what a cheaper answer costs. Batches, products of fewer bits and other
//! programs may end elsewhere than Lloyd's algorithm does; of equal programs, each is there once,
//! with its fastest cell.

use crate::figure::axis::precise;
use crate::figure::lines;
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale};
use crate::figure::scatter::{Named, names};
use crate::figure::style;
use crate::figure::style::{CAPTION, Colour, GREY, HEADING, Marker};
use crate::figure::{Chart, Figure, View, ends};
use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::cell::{CellId, canonical};
use amdahl_record::error::Result;
use amdahl_record::units;

/// Final objective over median time.
pub const FIGURE: Figure =
    Figure { name: "objective", about: "Final objective against time", applies, compose };

/// Objectives that differ by less, relative to the least, count as equal: sums of many terms in
/// another order.
const EQUAL: f64 = 1e-9;

/// A way to cluster the rows.
struct Way {
    cell: CellId,
    name: String,
    look: (Colour, Marker),
    seconds: f64,
    interval: Option<(f64, f64)>,
    raw: Vec<f64>,
    value: f64,
    n: usize,
}

/// The ways to solve the same problem.
struct Problem {
    heading: String,
    /// The objective's name: `inertia`.
    objective: String,
    ways: Vec<Way>,
}

impl Problem {
    fn least(&self) -> f64 {
        self.ways.iter().map(|way| way.value).fold(f64::INFINITY, f64::min)
    }

    /// How much the objective of a way is above the least, relative to it.
    fn above(&self, way: &Way) -> f64 {
        let above = way.value / self.least() - 1.0;
        if above < EQUAL { 0.0 } else { above }
    }

    fn differs(&self) -> bool {
        self.ways.iter().any(|way| self.above(way) > 0.0)
    }
}

/// The problems in which ways end at different objectives.
fn problems(view: &View<'_>) -> Vec<Problem> {
    let mut found: Vec<(String, Problem)> = Vec::new();
    for group in &view.summary.groups {
        let workload = amdahl_workloads::of(&group.workload);
        let key = canonical(&(&group.dataset, workload.comparable(&group.workload)));
        let place = found.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            let data = labels::dataset(&group.dataset, group.rows, group.dims);
            found.push((
                key,
                Problem {
                    heading: format!("{} on {data}", labels::own_size(&group.workload)),
                    objective: String::new(),
                    ways: Vec::new(),
                },
            ));
            found.len() - 1
        });
        let variant = workload.method(&group.workload);
        for cell in fastest(group) {
            let (Some(time), Some(value)) = (cell.time, objective(cell)) else {
                continue;
            };
            if let Some(known) = &cell.objective {
                found[place].1.objective.clone_from(&known.name);
            }
            let plain = labels::cell(&cell.cell);
            found[place].1.ways.push(Way {
                cell: cell.id.clone(),
                name: if variant.is_empty() { plain } else { format!("{plain}, {variant}") },
                look: style::of_backend(cell.cell.backend.name()),
                seconds: time.value,
                interval: ends(time),
                raw: cell.samples(),
                value,
                n: time.n,
            });
        }
    }
    let problems = found.into_iter().map(|(_, problem)| problem);
    problems.filter(|problem| problem.ways.len() > 1 && problem.differs()).collect()
}

/// What less is better of, where it is above 0.
fn objective(cell: &CellSummary) -> Option<f64> {
    let objective = cell.objective.as_ref().filter(|objective| objective.less_is_better)?;
    Some(objective.value).filter(|value| value.is_finite() && *value > 0.0)
}

/// Of each backend the fastest cell that has a CPU for each lane, the first of equals.
fn fastest(group: &Group) -> Vec<&CellSummary> {
    let mut fastest: Vec<&CellSummary> = Vec::new();
    let seconds = |cell: &CellSummary| cell.time.map_or(f64::INFINITY, |time| time.value);
    for cell in group.cells.iter().filter(|c| !c.oversubscribed && c.time.is_some()) {
        match fastest
            .iter_mut()
            .find(|other| labels::series(&other.cell) == labels::series(&cell.cell))
        {
            Some(other) if seconds(cell) < seconds(other) => *other = cell,
            Some(_) => {}
            None => fastest.push(cell),
        }
    }
    fastest
}

fn applies(view: &View<'_>) -> bool {
    !problems(view).is_empty()
}

/// A share above the least.
fn percent(above: f64) -> String {
    format!("{} %", precise(100.0 * above))
}

fn title(problems: &[Problem]) -> String {
    let Some(problem) = problems.first() else { return "Objective against time".into() };
    let objective = &problem.objective;
    let quick = |a: &&Way, b: &&Way| a.seconds.total_cmp(&b.seconds);
    let scope = if problems.len() > 1 { format!(" ({})", problem.heading) } else { String::new() };
    let exact = problem.ways.iter().filter(|way| problem.above(way) == 0.0).min_by(quick);
    let (Some(exact), Some(first)) = (exact, problem.ways.iter().min_by(quick)) else {
        return "Objective against time".into();
    };
    let worst = problem.ways.iter().map(|way| problem.above(way)).fold(0.0, f64::max);
    if worst < 1e-4 {
        let worst = percent(worst);
        return format!(
            "All end within {worst} of the least {objective}; {} is the fastest{scope}",
            first.name
        );
    }
    if problem.above(first) == 0.0 {
        let worst = percent(worst);
        return format!(
            "{} is the fastest and has the least {objective}; others end up to {worst} above it{scope}",
            first.name
        );
    }
    format!(
        "{} is {} times as fast as {}, which has the least {objective}, and ends {} above it{scope}",
        first.name,
        units::significant(exact.seconds / first.seconds),
        exact.name,
        percent(problem.above(first))
    )
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let mut problems = problems(view);
    let of = problems.len();
    let of_all = problems.first().map_or(String::new(), |problem| problem.objective.clone());
    let slowest = |p: &Problem| p.ways.iter().map(|way| way.seconds).fold(0.0, f64::max);
    problems.sort_by(|a, b| slowest(b).total_cmp(&slowest(a)));
    problems.truncate(medium.panels.min(((medium.height / 330.0) as usize).max(1)));
    let faint = lines::thin_values(
        problems.iter_mut().flat_map(|p| &mut p.ways).map(|way| &mut way.raw),
        medium.dots,
    );
    let mut description = format!("{} above the least, and median time.", first_capital(&of_all));
    for problem in &problems {
        description.push_str(&format!(" {}, least {:.6e}:", problem.heading, problem.least()));
        for way in &problem.ways {
            let above = percent(problem.above(way));
            description.push_str(&format!(
                " {}: {}, {above} above;",
                way.name,
                units::seconds(way.seconds)
            ));
        }
    }
    let ways = || problems.iter().flat_map(|problem| &problem.ways);
    let (least, most) =
        ways().map(|way| way.n).fold((usize::MAX, 0), |(a, b), n| (a.min(n), b.max(n)));
    let n = if least < most { format!("{least} to {most}") } else { most.to_string() };
    let mut cells: Vec<CellId> = ways().map(|way| way.cell.clone()).collect();
    cells.sort();
    cells.dedup();
    let caption = vec![
        format!(
            "Of each program and algorithm the fastest cell: median of the timed part, n = {n}, with its 95 % bootstrap interval; {faint}. The {of_all} is computed by one function from everybody's answer, from the same start; differences below \
             {EQUAL:.0e} of it count as none. No line joins the points: there is nothing between them."
        ),
        match problems.len() < of {
            true => {
                format!("{} of {of} problems are shown, those that take longest.", problems.len())
            }
            false => String::new(),
        },
        view.source(),
    ];
    Ok(Chart {
        title: title(&problems),
        caption,
        description,
        from: Provenance::Measured,
        cells,
        head: 0.0,
        heights: vec![330.0; problems.len()],
        columns: 1,
        draw: Box::new(move |canvas, sheet| {
            for (problem, panel) in problems.iter().zip(&sheet.panels) {
                let ways = &problem.ways;
                let x = Scale::of_seconds(
                    "time of the clustering",
                    ways.iter().flat_map(|w| w.raw.iter().copied()),
                );
                let worst = ways.iter().map(|way| 100.0 * problem.above(way)).fold(0.0, f64::max);
                let y = Scale::from_zero(
                    &format!("{} above the least, %", problem.objective),
                    worst * 1.08,
                );
                let least = format!("least {}: {}", problem.objective, scientific(problem.least()));
                let texts = [(problem.heading.as_str(), HEADING), (least.as_str(), CAPTION)];
                let plot = Plot::below(canvas, *panel, (&texts, 0), &x, &y, 8.0)?;
                canvas.line(
                    &[(plot.left, plot.bottom), (plot.right, plot.bottom)],
                    GREY,
                    0.8,
                    1.0,
                )?;
                // Slow ones first: the fast ones, of which the title speaks, over them.
                let mut order: Vec<&Way> = ways.iter().collect();
                order.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
                // Points at 0 stand clear of the ticks below.
                let place = |way: &Way, seconds: f64| {
                    (plot.x.at(seconds), plot.y.at(100.0 * problem.above(way)) - 4.0)
                };
                for way in &order {
                    for seconds in &way.raw {
                        canvas.disc(place(way, *seconds), 2.2, way.look.0, 0.28)?;
                    }
                    if let Some((low, high)) = way.interval {
                        canvas.line(&[place(way, low), place(way, high)], way.look.0, 1.0, 1.5)?;
                    }
                }
                for way in &order {
                    canvas.marker(place(way, way.seconds), way.look.1, way.look.0)?;
                }
                let named = order.iter().rev().map(|way| {
                    let above = problem.above(way);
                    let text = if above > 0.0 {
                        format!("{} (+{})", way.name, percent(above))
                    } else {
                        way.name.clone()
                    };
                    Named { at: place(way, way.seconds), text, colour: way.look.0 }
                });
                names(canvas, &plot, panel.x + panel.width, &named.collect::<Vec<_>>())?;
            }
            Ok(())
        }),
    })
}

fn first_capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A large number in a few digits: `1.17 × 10⁶`.
fn scientific(value: f64) -> String {
    if value < 1e5 {
        return units::significant(value);
    }
    let exponent = value.log10().floor() as i32;
    let digits: String = exponent
        .to_string()
        .chars()
        .map(|c| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(c as usize - '0' as usize).unwrap_or(c))
        .collect();
    format!("{:.2} × 10{digits}", value / 10f64.powi(exponent))
}

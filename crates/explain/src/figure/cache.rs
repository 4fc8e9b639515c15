//! Cache misses of a point in an iteration, against the working set and each of the workload's sizes
//! beside rows; by layout, where rows lie in tiles or one after the other.
//!
//! One figure of simulated counts and one of measured ones. Each panel varies one thing: of the
//! cells that agree in the others, the set in which it takes most values.

use crate::figure::counts;
use crate::figure::counts::{layout, levels, of_cell, sizes};
use crate::figure::layout::MARGIN;
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale, key, key_height};
use crate::figure::style;
use crate::figure::style::{Colour, GREY, INK, PAPER};
use crate::figure::{Chart, Figure, View};
use crate::metric::scope::Span;
use amdahl_record::Provenance;
use amdahl_record::cell::CellId;
use amdahl_record::error::Result;
use amdahl_record::units;
use amdahl_workload::{SizeName, Workload};

/// Misses as a simulation counts them.
pub const SIMULATED: Figure = Figure {
    name: "cache-simulated",
    about: "Simulated cache misses of a point in an iteration",
    applies: applies::<true>,
    compose: compose::<true>,
};

/// Misses as the PMU counts them.
pub const MEASURED: Figure = Figure {
    name: "cache-measured",
    about: "Measured cache misses of a point in an iteration",
    applies: applies::<false>,
    compose: compose::<false>,
};

/// What can vary.
#[derive(Clone)]
struct Variable {
    /// As its axis has it.
    axis: &'static str,
    /// In titles: `the number of columns`.
    heading: String,
    /// In a list of several.
    word: String,
}

/// The working set, then each of the workload's sizes beside rows.
fn variables(workload: &'static dyn Workload) -> Vec<Variable> {
    let set = "the working set";
    let set = Variable { axis: "rows of a lane, bytes", heading: set.into(), word: set.into() };
    let size = |name: &SizeName| match name.key {
        "dims" => Variable {
            axis: name.many,
            heading: format!("the number of {}", name.many),
            word: format!("the {}", name.many),
        },
        // What is not the data's goes by its symbol.
        _ => Variable { axis: name.symbol, heading: name.symbol.into(), word: name.symbol.into() },
    };
    let sizes = workload.sizes().iter().filter(|name| name.key != ROWS).map(size);
    std::iter::once(set).chain(sizes).collect()
}

/// The size that is the number of rows.
const ROWS: &str = "points";

/// A cell's misses in a level.
#[derive(Clone)]
struct Sample {
    cell: CellId,
    layout: &'static str,
    level: &'static str,
    workload: &'static dyn Workload,
    /// In the order of [`variables`].
    at: Vec<f64>,
    rows: f64,
    /// Of a point in an iteration.
    misses: f64,
    /// The fewest that there can be, where rows come from beyond the level.
    least: f64,
}

/// One panel: what varies, and its samples.
struct Arm {
    /// Place among the variables.
    variable: usize,
    about: Variable,
    samples: Vec<Sample>,
}

/// All samples of the cells with the fewest lanes: more lanes would be another variable.
fn samples(view: &View<'_>, is_simulated: bool) -> Vec<Sample> {
    let cells = || view.summary.groups.iter().flat_map(|g| g.cells.iter().map(move |c| (g, c)));
    let known = |(group, cell): &(&_, &_)| {
        !of_cell(view, group, cell, Span::Computing, is_simulated).is_empty()
    };
    let Some(fewest) = cells().filter(known).map(|(_, cell)| cell.cell.lanes()).min() else {
        return Vec::new();
    };
    let mut samples: Vec<Sample> = Vec::new();
    for (group, cell) in cells().filter(|(_, cell)| cell.cell.lanes() == fewest) {
        let workload = amdahl_workloads::of(&group.workload);
        for found in of_cell(view, group, cell, Span::Computing, is_simulated) {
            let named = workload.sizes().iter().zip(&found.sizes);
            let sizes = named.filter(|(name, _)| name.key != ROWS).map(|(_, size)| *size);
            let sample = Sample {
                cell: cell.id.clone(),
                layout: layout(group),
                level: found.level,
                workload,
                at: std::iter::once(found.resident).chain(sizes).collect(),
                rows: found.rows.1,
                misses: found.misses / (found.rows.0 * found.iterations),
                least: found.compulsory / 64.0,
            };
            // Backends with equally few lanes run the same code on the same rows.
            let same = |s: &Sample| {
                (s.workload.name(), s.layout, s.level, &s.at, s.rows)
                    == (
                        sample.workload.name(),
                        sample.layout,
                        sample.level,
                        &sample.at,
                        sample.rows,
                    )
            };
            if !samples.iter().any(same) {
                samples.push(sample);
            }
        }
    }
    samples
}

/// For each variable of each workload the largest set of samples that agree in the others.
fn arms(view: &View<'_>, is_simulated: bool) -> Vec<Arm> {
    let samples = samples(view, is_simulated);
    let mut arms = Vec::new();
    for workload in amdahl_workloads::ALL {
        let mine = samples.iter().filter(|s| s.workload.name() == workload.name());
        let mine: Vec<&Sample> = mine.collect();
        for (variable, about) in variables(*workload).into_iter().enumerate() {
            arms.extend(largest(&mine, variable).map(|samples| Arm { variable, about, samples }));
        }
    }
    arms
}

/// The largest set of samples that differ in one variable alone; none where there is one value.
fn largest(samples: &[&Sample], variable: usize) -> Option<Vec<Sample>> {
    // With more columns the same rows are a larger working set: what agrees is then the number of
    // rows.
    let others = |s: &Sample| {
        let mut others = s.at.clone();
        // Set in this order: of the working set itself neither it nor the rows have to agree.
        others[0] = s.rows;
        others[variable] = 0.0;
        others
    };
    let mut sets: Vec<(Vec<f64>, Vec<Sample>)> = Vec::new();
    for sample in samples.iter().filter(|sample| variable < sample.at.len()) {
        match sets.iter_mut().find(|(key, _)| *key == others(sample)) {
            Some((_, set)) => set.push((*sample).clone()),
            None => sets.push((others(sample), vec![(*sample).clone()])),
        }
    }
    let values = |set: &[Sample]| distinct(set.iter().map(|s| s.at[variable])).len();
    let largest = sets.into_iter().map(|(_, set)| set).rev().max_by_key(|set| values(set));
    largest.filter(|set| values(set) > 1)
}

fn applies<const SIMULATED: bool>(view: &View<'_>) -> bool {
    !arms(view, SIMULATED).is_empty()
}

fn title<const SIMULATED: bool>(view: &View<'_>) -> Result<String> {
    let source = counts::word(SIMULATED);
    let mut steepest: Option<(f64, &Arm, &str, &str)> = None;
    let arms = arms(view, SIMULATED);
    for arm in &arms {
        for level in levels(SIMULATED) {
            let of = |s: &&Sample| s.level == level && s.misses > 0.0;
            for layout in distinct_words(arm.samples.iter().map(|s| s.layout)) {
                let series = || {
                    arm.samples.iter().filter(of).filter(|s| s.layout == layout).map(|s| s.misses)
                };
                let growth = series().fold(0.0, f64::max) / series().fold(f64::INFINITY, f64::min);
                if growth.is_finite() && steepest.is_none_or(|(most, ..)| growth > most) {
                    steepest = Some((growth, arm, level, layout));
                }
            }
        }
    }
    Ok(match steepest {
        Some((growth, arm, level, layout)) if growth >= 1.5 => {
            let with = &arm.about.heading;
            let layout =
                if layout.is_empty() { String::new() } else { format!(" (layout {layout})") };
            format!(
                "{source}: misses of {level} grow most, {} times over, with {with}{layout}",
                units::significant(growth)
            )
        }
        _ => {
            let workload = arms.first().and_then(|arm| arm.samples.first()).map(|s| s.workload);
            let mut words: Vec<String> = workload
                .map_or(Vec::new(), |workload| variables(workload))
                .into_iter()
                .map(|variable| variable.word)
                .collect();
            let last = words.pop().unwrap_or_default();
            let tried =
                if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) };
            format!("{source}: misses of a point do not depend on {tried} that were tried")
        }
    })
}

/// Colour of a level by its place.
fn colour(index: usize) -> Colour {
    [style::of_backend("threads").0, style::of_backend("mpi").0, style::of_backend("hybrid").0]
        [index.min(2)]
}

fn compose<'v, const SIMULATED: bool>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let arms = arms(view, SIMULATED);
    let sizes = sizes(view, SIMULATED);
    let all = || arms.iter().flat_map(|arm| &arm.samples);
    let layouts = distinct_words(all().map(|s| s.layout));
    let hollow = match layouts.as_slice() {
        [""] => String::new(),
        [one] => format!(" Rows lie in layout '{one}'."),
        _ => " Filled markers: rows in tiles; hollow: one after the other.".to_string(),
    };
    let caption = vec![
        format!(
            "Misses of reads and writes in {}, over points and iterations, on one lane.{hollow} Grey: a line for each 64 bytes of a \
             point, what rows that come from beyond a cache must miss there. Upright lines: sizes of the caches.",
            view.summary.computing_in_words(" and ")
        ),
        counts::source(view, SIMULATED),
    ];
    let columns = arms.len().clamp(1, medium.columns);
    let positive = || all().map(|s| s.misses).filter(|m| *m > 0.0).chain(all().map(|s| s.least));
    let range = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
    let name = if SIMULATED { "simulated misses of a point" } else { "misses of a point" };
    let y = Scale::powers(name, range, super::axis::precise);
    let mut description = format!("{} misses of a point in an iteration.", counts::word(SIMULATED));
    for arm in &arms {
        description.push_str(&format!(" Over {}:", arm.about.axis));
        for s in &arm.samples {
            description.push_str(&format!(
                " {} {} {:.0}: {:.4};",
                s.level, s.layout, s.at[arm.variable], s.misses
            ));
        }
    }
    let mut cells: Vec<CellId> = all().map(|s| s.cell.clone()).collect();
    cells.sort();
    cells.dedup();
    Ok(Chart {
        title: title::<SIMULATED>(view)?,
        caption,
        description,
        from: if SIMULATED { Provenance::Simulated } else { Provenance::Measured },
        cells,
        head: key_height(medium, levels(SIMULATED).into_iter()),
        heights: vec![if medium.columns > 1 { 300.0 } else { 258.0 }; arms.len()],
        columns,
        draw: Box::new(move |canvas, sheet| {
            let entries: Vec<_> = levels(SIMULATED)
                .into_iter()
                .enumerate()
                .map(|(i, l)| (l.to_string(), colour(i), None))
                .collect();
            key(canvas, sheet, &entries)?;
            for (arm, panel) in arms.iter().zip(&sheet.panels) {
                let mut values = distinct(arm.samples.iter().map(|s| s.at[arm.variable]));
                let x = match arm.variable {
                    0 => {
                        // Room for the caches beside the smallest and the largest set.
                        let (from, to) = (values[0] / 8.0, values[values.len() - 1] * 8.0);
                        let near = |bytes: f64| bytes >= from && bytes <= to;
                        values.extend(
                            sizes.iter().map(|(_, bytes)| *bytes).filter(|bytes| near(*bytes)),
                        );
                        let (least, most) = values
                            .iter()
                            .fold((f64::INFINITY, 0f64), |(a, b), v| (a.min(*v), b.max(*v)));
                        Scale::powers(arm.about.axis, (least, most), units::bytes)
                    }
                    _ => Scale::at(arm.about.axis, &values, super::axis::number),
                };
                let plot = Plot::new(
                    canvas,
                    *panel,
                    &format!("against {}", arm.about.heading),
                    &x,
                    &y,
                    10.0,
                )?;
                if arm.variable == 0 {
                    for (name, bytes) in &sizes {
                        plot.upright(canvas, *bytes, name, GREY)?;
                    }
                }
                let mut least: Vec<(f64, f64)> =
                    arm.samples.iter().map(|s| (s.at[arm.variable], s.least)).collect();
                least.sort_by(|a, b| a.0.total_cmp(&b.0));
                canvas.line(
                    &least.into_iter().map(|p| plot.place(p)).collect::<Vec<_>>(),
                    GREY,
                    0.5,
                    1.5,
                )?;
                for (i, level) in levels(SIMULATED).into_iter().enumerate() {
                    for layout in &layouts {
                        let mine =
                            arm.samples.iter().filter(|s| s.level == level && s.layout == *layout);
                        let mut points: Vec<(f64, f64)> =
                            mine.map(|s| (s.at[arm.variable], s.misses)).collect();
                        points.sort_by(|a, b| a.0.total_cmp(&b.0));
                        let places: Vec<(f64, f64)> =
                            points.into_iter().map(|p| plot.place(p)).collect();
                        if places.len() > 1 {
                            canvas.line(&places, colour(i), 0.75, 1.5)?;
                        }
                        for place in places {
                            canvas.marker(place, style::Marker::Disc, colour(i))?;
                            if !layout.is_empty() && *layout != "tiles" {
                                canvas.disc(place, 2.4, PAPER, 1.0)?;
                            }
                        }
                    }
                }
            }
            if arms.is_empty() {
                canvas.text(
                    "nothing was varied",
                    (MARGIN, sheet.head() + 30.0),
                    style::At::Start,
                    style::Font { colour: INK, ..style::CAPTION },
                )?;
            }
            Ok(())
        }),
    })
}

fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn distinct_words(words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable_by(|a, b| b.cmp(a));
    words.dedup();
    words
}

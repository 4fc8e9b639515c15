//! Cache misses of a point in an iteration, against the working set and each of the workload's sizes
//! beside rows; by layout, where rows lie in tiles or one after the other.
//!
//! One figure of simulated counts and one of measured ones. Each panel varies one thing: of the
//! cells that agree in the others, the set in which it takes most values.

use crate::figure::arms::distinct;
use crate::figure::counts;
use crate::figure::counts::{levels, sizes};
use crate::figure::layout::MARGIN;
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale, key, key_height};
use crate::figure::style;
use crate::figure::style::{Colour, GREY, INK, PAPER};
use crate::figure::{Chart, Figure, View, each_once};
use amdahl_record::error::Result;
use amdahl_record::units;

mod arms;

use arms::{Arm, Sample, arms, variables};

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
                .map_or(Vec::new(), variables)
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
    let cells = each_once(all().map(|s| &s.cell));
    Ok(Chart {
        title: title::<SIMULATED>(view)?,
        caption,
        description,
        from: counts::provenance(SIMULATED),
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

fn distinct_words(words: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable_by(|a, b| b.cmp(a));
    words.dedup();
    words
}

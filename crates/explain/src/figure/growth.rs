//! Time of an iteration against each size of the problem: does it grow as they do?

use crate::figure::arms::{Arm, Sized, arms, telling};
use crate::figure::axis::short;
use crate::figure::lines;
use crate::figure::lines::{Line, Mark};
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale};
use crate::figure::sizes::{iteration, iterations};
use crate::figure::style;
use crate::figure::style::{CAPTION, GREY, HEADING};
use crate::figure::{Chart, Figure, View, ends, ids, repeats};
use crate::labels;
use amdahl_record::Provenance;
use amdahl_record::error::Result;
use amdahl_record::units;
use amdahl_stats::Bootstrap;

/// Time over each size that was varied.
pub const FIGURE: Figure = Figure {
    name: "growth",
    about: "Time of an iteration against each size of the problem",
    applies,
    compose,
};

/// Series in a panel at most.
pub const SERIES: usize = 6;

fn applies(view: &View<'_>) -> bool {
    !arms(view).is_empty()
}

/// What stays the same in an arm: `k = 32, d = 32`.
pub fn fixed(arm: &Arm<'_>) -> String {
    let size = &arm.cells[0].size;
    let word = |i: usize| format!("{} = {}", size.names[i].symbol, short(size.of[i]));
    (0..size.of.len()).filter(|i| *i != arm.variable).map(word).collect::<Vec<_>>().join(", ")
}

/// The series of an arm: of its cells what `of` makes of a number of seconds of an iteration.
pub fn series(arm: &Arm<'_>, of: impl Fn(&Sized<'_>, f64) -> f64) -> Vec<Line> {
    let line = |(name, cells): &(String, Vec<Sized<'_>>)| {
        let marks = cells.iter().filter_map(|sized| {
            let time = iteration(sized.cell)?;
            Some(Mark {
                x: sized.size.of[arm.variable],
                y: of(sized, time.value),
                interval: ends(time).map(|(low, high)| (of(sized, low), of(sized, high))),
                raw: iterations(sized.cell).into_iter().map(|seconds| of(sized, seconds)).collect(),
                hollow: sized.cell.oversubscribed,
            })
        });
        Line::new(
            name,
            style::of_backend(cells[0].cell.cell.backend.name()),
            marks.collect(),
            Vec::new(),
        )
    };
    telling(arm, SERIES).0.iter().map(line).collect()
}

/// A sentence where an arm has more series than are drawn.
pub fn left_out(arms: &[Arm<'_>]) -> String {
    match arms.iter().any(|arm| telling(arm, SERIES).0.len() < telling(arm, SERIES).1) {
        true => "Of each backend the most lanes that each have a CPU.".into(),
        false => String::new(),
    }
}

fn title(arms: &[Arm<'_>]) -> String {
    let mut parts = Vec::new();
    let mut who = String::new();
    for arm in arms {
        let spreads = arm.spreads();
        let Some((_, cells)) = spreads.first() else { continue };
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else { continue };
        let grown =
            Bootstrap::default().ratio_of_medians(&iterations(last.cell), &iterations(first.cell));
        let Some(grown) = grown else { continue };
        who = labels::cell(&first.cell.cell);
        let more = last.size.of[arm.variable] / first.size.of[arm.variable];
        let what = arm.name().many;
        let (more, grown) = (short((more * 10.0).round() / 10.0), units::significant(grown.value));
        parts.push(match parts.is_empty() {
            true => format!("{more} times the {what} take {grown} times as long"),
            false => format!("{more} times the {what} {grown} times"),
        });
    }
    format!("{who}: {}", parts.join(", "))
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let arms = arms(view);
    let mut panels: Vec<(&str, String, Vec<Line>)> = arms
        .iter()
        .map(|arm| (arm.name().label, fixed(arm), series(arm, |_, seconds| seconds)))
        .collect();
    let mut description = String::from("Median time of an iteration.");
    for (variable, fixed, lines) in &panels {
        description.push_str(&format!(" Over {} with {fixed}:", variable));
        for (line, mark) in
            lines.iter().flat_map(|line| line.marks.iter().map(move |mark| (line, mark)))
        {
            description.push_str(&format!(
                " {} at {}: {};",
                line.name,
                units::count(mark.x),
                units::seconds(mark.y)
            ));
        }
    }
    let faint = lines::thin(panels.iter_mut().flat_map(|(.., lines)| lines), medium.dots);
    let cells = || {
        arms.iter()
            .flat_map(|arm| telling(arm, SERIES).0)
            .flat_map(|(_, cells)| cells)
            .map(|sized| sized.cell)
    };
    let caption = vec![
        format!(
            "Medians, {}, with 95 % bootstrap intervals; {faint}. Dashed: proportional to what varies, from the first point on. Both axes are \
             logarithmic.",
            repeats(cells())
        ),
        left_out(&arms),
        view.source(),
    ];
    let values = panels.iter().flat_map(|(.., lines)| lines).flat_map(|line| &line.marks);
    let values = values.flat_map(|mark| mark.values().chain(mark.raw.iter().copied()));
    let y = Scale::of_seconds("time of an iteration", values);
    let columns = panels.len().clamp(1, medium.columns);
    Ok(Chart {
        title: title(&arms),
        caption,
        description,
        from: Provenance::Measured,
        cells: ids(cells()),
        head: 0.0,
        heights: vec![if medium.columns > 1 { 300.0 } else { 258.0 }; panels.len()],
        columns,
        draw: Box::new(move |canvas, sheet| {
            for ((variable, fixed, lines), panel) in panels.iter().zip(&sheet.panels) {
                let places: Vec<f64> = super::arms::distinct(
                    lines.iter().flat_map(|line| &line.marks).map(|mark| mark.x),
                );
                let x = Scale::at(variable, &places, short);
                let room = lines::room(lines.iter().map(|line| &line.name), panel.width);
                let heading = format!("over {}", variable);
                let plot = Plot::below(
                    canvas,
                    *panel,
                    (&[(&heading, HEADING), (fixed, CAPTION)], 0),
                    &x,
                    &y,
                    room,
                )?;
                for line in lines {
                    let Some(first) = line.marks.first() else { continue };
                    let end = x.range.1.min(first.x * y.range.1 / first.y);
                    let to = (plot.x.at(end), plot.y.at(first.y * end / first.x));
                    canvas.dashed(
                        ((plot.x.at(first.x), plot.y.at(first.y)), to),
                        GREY,
                        0.8,
                        1.0,
                    )?;
                }
                lines::draw(canvas, &plot, lines)?;
                lines::name(canvas, &plot, lines, Vec::new())?;
            }
            Ok(())
        }),
    })
}

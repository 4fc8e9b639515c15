//! The cost of a unit of the problem: an iteration's time over the product of its sizes. Where it does not depend on the size of the problem, the program is limited by the same thing at
//! all of them.

use crate::figure::arms::{Sized, arms, telling};
use crate::figure::axis::short;
use crate::figure::growth::{SERIES, fixed, left_out, series};
use crate::figure::lines;
use crate::figure::lines::Line;
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale};
use crate::figure::sizes::iteration;
use crate::figure::style::{CAPTION, GREY, HEADING};
use crate::figure::{Chart, Figure, View, ids, repeats};
use crate::labels;
use amdahl_record::Provenance;
use amdahl_record::error::Result;
use amdahl_record::units;

/// Cost over each size that was varied.
pub const FIGURE: Figure = Figure {
    name: "cost",
    about: "Time of an iteration over the product of its sizes",
    applies,
    compose,
};

fn applies(view: &View<'_>) -> bool {
    !arms(view).is_empty()
}

/// Picoseconds of a unit of the size: of a point, a cluster and a column.
fn picoseconds(sized: &Sized<'_>, seconds: f64) -> f64 {
    1e12 * seconds / sized.size.work()
}

fn title(view: &View<'_>) -> String {
    let arms = arms(view);
    let cells =
        arms.iter().filter_map(|arm| arm.spreads().into_iter().next()).flat_map(|(_, cells)| cells);
    let costs: Vec<(f64, Sized<'_>)> =
        cells.filter_map(|c| Some((picoseconds(&c, iteration(c.cell)?.value), c))).collect();
    let least = costs.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = costs.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let (Some((least, cheap)), Some((most, dear))) = (least, most) else {
        return "Cost of a point".into();
    };
    let (name, unit) = (labels::cell(&cheap.cell.cell), cheap.size.unit());
    let ps = |value: &f64| format!("{} ps", units::significant(*value));
    let words = |sized: &Sized<'_>| {
        let named = sized.size.names.iter().zip(&sized.size.of);
        let words = named.map(|(name, value)| format!("{} = {}", name.symbol, short(*value)));
        words.collect::<Vec<_>>().join(", ")
    };
    if most / least < 1.1 {
        return format!("{name}: a {unit} costs {} to {} at every size", ps(least), ps(most));
    }
    format!(
        "{name}: a {unit} costs {} ({}), and at most {} ({})",
        ps(least),
        words(cheap),
        ps(most),
        words(dear)
    )
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let arms = arms(view);
    struct Panel {
        variable: &'static str,
        fixed: String,
        lines: Vec<Line>,
        /// The floor of the first series.
        floor: Vec<(f64, f64)>,
    }
    let mut panels = Vec::new();
    for arm in &arms {
        let first = arm.spreads().into_iter().next().map_or(Vec::new(), |(_, cells)| cells);
        let floor = |sized: &Sized<'_>| {
            let floor = sized.cell.floor.as_ref()?;
            Some((sized.size.of[arm.variable], picoseconds(sized, floor.seconds)))
        };
        panels.push(Panel {
            variable: arm.name().label,
            fixed: fixed(arm),
            lines: series(arm, picoseconds),
            floor: first.iter().filter_map(floor).collect(),
        });
    }
    let size = arms.first().and_then(|arm| arm.cells.first()).map(|sized| &sized.size);
    let unit = size.map_or(String::new(), |size| size.unit());
    let over = size.map_or(String::new(), |size| size.symbols());
    let mut description = format!("Picoseconds of an iteration for each {unit}.");
    for panel in &panels {
        description.push_str(&format!(" Over {} with {}:", panel.variable, panel.fixed));
        for (line, mark) in
            panel.lines.iter().flat_map(|line| line.marks.iter().map(move |mark| (line, mark)))
        {
            description.push_str(&format!(
                " {} at {}: {:.3} ps;",
                line.name,
                units::count(mark.x),
                mark.y
            ));
        }
    }
    let faint = lines::thin(panels.iter_mut().flat_map(|panel| &mut panel.lines), medium.dots);
    let cells = || {
        arms.iter()
            .flat_map(|arm| telling(arm, SERIES).0)
            .flat_map(|(_, cells)| cells)
            .map(|sized| sized.cell)
    };
    let has_floor = panels.iter().any(|panel| !panel.floor.is_empty());
    let caption = vec![
        format!(
            "Median wall time of an iteration over {over}, {}, with 95 % bootstrap intervals; {faint}.{}",
            repeats(cells()),
            if has_floor {
                " Dashed: the least that the measured limits of the machine allow the first series (modelled)."
            } else {
                ""
            }
        ),
        left_out(&arms),
        view.source(),
    ];
    let marks = || panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.marks);
    let most = marks().flat_map(|mark| mark.values().collect::<Vec<_>>()).fold(0.0, f64::max);
    // A single slow repeat does not set the scale.
    let most = most.min(3.0 * marks().map(|mark| mark.y).fold(0.0, f64::max));
    let y = Scale::from_zero(&format!("ps over {over}"), most);
    let columns = panels.len().clamp(1, medium.columns);
    Ok(Chart {
        title: title(view),
        caption,
        description,
        from: Provenance::Measured,
        cells: ids(cells()),
        head: 0.0,
        heights: vec![if medium.columns > 1 { 290.0 } else { 258.0 }; panels.len()],
        columns,
        draw: Box::new(move |canvas, sheet| {
            for (panel, place) in panels.iter().zip(&sheet.panels) {
                let places = super::arms::distinct(
                    panel.lines.iter().flat_map(|line| &line.marks).map(|mark| mark.x),
                );
                let x = Scale::at(panel.variable, &places, short);
                let room =
                    lines::room(panel.lines.iter().map(|line| line.name.as_str()), place.width);
                let heading = format!("over {}", panel.variable);
                let texts = [(heading.as_str(), HEADING), (panel.fixed.as_str(), CAPTION)];
                let plot = Plot::below(canvas, *place, (&texts, 0), &x, &y, room)?;
                for pair in panel.floor.windows(2) {
                    canvas.dashed((plot.place(pair[0]), plot.place(pair[1])), GREY, 0.9, 1.25)?;
                }
                lines::draw(canvas, &plot, &panel.lines)?;
                lines::name(canvas, &plot, &panel.lines, Vec::new())?;
            }
            Ok(())
        }),
    })
}

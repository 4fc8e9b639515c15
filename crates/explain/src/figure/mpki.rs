//! Misses per thousand instructions by phase and backend: where in the program, and for whom,
//! caches matter.

use crate::figure::axis::{Axis, number, precise, round_ticks};
use crate::figure::counts;
use crate::figure::counts::{by_phase, levels, of_cell};
use crate::figure::medium::Medium;
use crate::figure::style;
use crate::figure::style::{At, HEADING, LABEL, RULE};
use crate::figure::{Chart, Figure, View, each_once};
use crate::labels;
use crate::summary::CellSummary;
use amdahl_record::cell::CellId;
use amdahl_record::error::Result;
use amdahl_record::units::significant;
use amdahl_record::{Phase, Role};

/// MPKI as a simulation counts them.
pub const SIMULATED: Figure = Figure {
    name: "mpki-simulated",
    about: "Simulated misses per 1000 instructions by phase and backend",
    applies: applies::<true>,
    compose: compose::<true>,
};

/// MPKI as the PMU counts them.
pub const MEASURED: Figure = Figure {
    name: "mpki-measured",
    about: "Measured misses per 1000 instructions by phase and backend",
    applies: applies::<false>,
    compose: compose::<false>,
};

#[derive(Clone)]
struct Bar {
    cell: CellId,
    level: &'static str,
    phase: &'static str,
    name: String,
    backend: String,
    value: f64,
}

/// Of each backend of the main group (the one whose base takes longest, else the first with counts)
/// the cell with most lanes that each have a CPU.
fn bars(view: &View<'_>, is_simulated: bool) -> Vec<Bar> {
    let order = view.main_group().into_iter().chain(0..view.summary.groups.len());
    let of_group = |i: usize| {
        let group = &view.summary.groups[i];
        let mut widest: Vec<&CellSummary> = Vec::new();
        for cell in group.cells.iter().filter(|c| c.peer.is_none() && !c.oversubscribed) {
            match widest
                .iter_mut()
                .find(|other| labels::series(&other.cell) == labels::series(&cell.cell))
            {
                Some(other) if other.cell.lanes() < cell.cell.lanes() => *other = cell,
                Some(_) => {}
                None => widest.push(cell),
            }
        }
        let mut bars = Vec::new();
        for span in by_phase(&widest) {
            for cell in &widest {
                for found in of_cell(view, group, cell, span, is_simulated) {
                    let Some(instructions) = found.instructions else { continue };
                    bars.push(Bar {
                        cell: cell.id.clone(),
                        level: found.level,
                        phase: span.word(),
                        name: labels::cell(&cell.cell),
                        backend: cell.cell.backend.name().to_string(),
                        value: 1000.0 * found.misses / instructions,
                    });
                }
            }
        }
        bars
    };
    order.map(of_group).find(|bars| !bars.is_empty()).unwrap_or_default()
}

fn applies<const SIMULATED: bool>(view: &View<'_>) -> bool {
    !bars(view, SIMULATED).is_empty()
}

fn title<const SIMULATED: bool>(view: &View<'_>) -> Result<String> {
    let bars = bars(view, SIMULATED);
    let shared = |bar: &&Bar| Phase::find(bar.phase).is_some_and(|p| p.role() == Role::Compute);
    let of_shared = bars.iter().filter(|b| b.level == "L1D").filter(shared);
    let most = of_shared.max_by(|a, b| a.value.total_cmp(&b.value)).or(bars.first());
    Ok(most.map_or(String::new(), |bar| {
        format!(
            "{}: in '{}', {} misses {} {} times in 1000 instructions",
            counts::word(SIMULATED),
            bar.phase,
            bar.name,
            bar.level,
            significant(bar.value)
        )
    }))
}

const ROW: f64 = 19.0;

fn compose<'v, const SIMULATED: bool>(view: &'v View<'v>, _: &Medium) -> Result<Chart<'v>> {
    let bars = bars(view, SIMULATED);
    let panels: Vec<(&str, Vec<Bar>)> = (levels(SIMULATED).into_iter())
        .map(|level| (level, bars.iter().filter(|b| b.level == level).cloned().collect::<Vec<_>>()))
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    let heights: Vec<f64> = panels.iter().map(|(_, bars)| bars.len() as f64 * ROW + 66.0).collect();
    let caption = vec![
        "Misses of all lanes over instructions of all lanes; of each backend the cell with most lanes that each have a CPU. Instructions of lanes \
         that wait look at memory again and again: few misses there say little."
            .to_string(),
        counts::source(view, SIMULATED),
    ];
    let mut description = format!("{} misses per 1000 instructions.", counts::word(SIMULATED));
    for bar in &bars {
        description
            .push_str(&format!(" {} {} {}: {:.3};", bar.level, bar.phase, bar.name, bar.value));
    }
    let cells = each_once(bars.iter().map(|b| &b.cell));
    Ok(Chart {
        title: title::<SIMULATED>(view)?,
        caption,
        description,
        from: counts::provenance(SIMULATED),
        cells,
        head: 0.0,
        heights,
        columns: 1,
        draw: Box::new(move |canvas, sheet| {
            for ((level, bars), panel) in panels.iter().zip(&sheet.panels) {
                canvas.text(
                    &format!("misses of {level}"),
                    (panel.x, panel.y + 8.0),
                    At::Start,
                    HEADING,
                )?;
                let wide = |texts: &dyn Fn(&Bar) -> f64| bars.iter().map(texts).fold(0.0, f64::max);
                let names = wide(&|b| style::width(&b.name, LABEL))
                    + wide(&|b| style::width(b.phase, LABEL));
                let (left, right) = (panel.x + names + 22.0, panel.x + panel.width - 70.0);
                let top = panel.y + 20.0;
                let bottom = top + bars.len() as f64 * ROW;
                let ticks = round_ticks(bars.iter().map(|b| b.value).fold(0.0, f64::max), 5);
                let end = ticks.last().copied().unwrap_or(1.0).max(f64::MIN_POSITIVE);
                let x = Axis::linear((0.0, end), (left, right));
                for &tick in &ticks {
                    canvas.line(
                        &[(x.at(tick), top), (x.at(tick), bottom + 4.0)],
                        RULE,
                        1.0,
                        1.0,
                    )?;
                    canvas.text(&number(tick), (x.at(tick), bottom + 13.0), At::Middle, LABEL)?;
                }
                canvas.text(
                    "misses per 1000 instructions",
                    ((left + right) / 2.0, bottom + 29.0),
                    At::Middle,
                    LABEL,
                )?;
                for (i, bar) in bars.iter().enumerate() {
                    let y = top + i as f64 * ROW;
                    if i == 0 || bars[i - 1].phase != bar.phase {
                        canvas.text(bar.phase, (panel.x, y + ROW / 2.0), At::Start, LABEL)?;
                    }
                    canvas.text(&bar.name, (left - 8.0, y + ROW / 2.0), At::End, LABEL)?;
                    let colour = style::of_backend(&bar.backend).0;
                    canvas.bar(
                        (left, y + 3.0),
                        ((x.at(bar.value) - left).max(0.5), ROW - 6.0),
                        colour,
                    )?;
                    let label =
                        if bar.value < 1.0 { precise(bar.value) } else { significant(bar.value) };
                    let beside = (x.at(bar.value) + 6.0, y + ROW / 2.0);
                    canvas.bar(
                        (beside.0 - 2.0, beside.1 - 7.0),
                        (style::width(&label, LABEL), 14.0),
                        style::PAPER,
                    )?;
                    canvas.text(&label, beside, At::Start, LABEL)?;
                }
            }
            Ok(())
        }),
    })
}

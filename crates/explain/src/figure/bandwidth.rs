//! Bandwidth over lanes of the phases that are there to move bytes, beside what the machine reads at
//! most.

use crate::bandwidth::Bandwidths;
use crate::figure::lines;
use crate::figure::lines::{Line, Mark};
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale};
use crate::figure::style::{GREY, HEADING};
use crate::figure::{Chart, Figure, View, ends, ids, repeats};
use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::error::{Error, Result};
use amdahl_record::units::significant;

/// Bandwidth by phase over lanes.
pub const FIGURE: Figure =
    Figure { name: "bandwidth", about: "Bandwidth by phase over lanes", applies, compose };

/// The group that it is about, with its rates: the main one where it has some, else the first that
/// has.
fn group<'a>(view: &'a View<'_>) -> Option<(&'a Group, &'a Bandwidths)> {
    let groups = &view.summary.groups;
    let order = view.main_group().into_iter().chain(0..groups.len());
    let rates = order.map(|i| (&groups[i], &view.analysis.group(&groups[i]).bandwidth));
    rates.into_iter().find(|(_, bandwidths)| !bandwidths.is_empty())
}

fn applies(view: &View<'_>) -> bool {
    group(view).is_some()
}

/// The phases that have rates, in their order.
fn phases(group: &Group, bandwidths: &Bandwidths) -> Vec<&'static str> {
    let mut phases = Vec::new();
    for rate in group.cells.iter().flat_map(|cell| bandwidths.cell(cell)) {
        if !phases.contains(&rate.phase) {
            phases.push(rate.phase);
        }
    }
    phases
}

/// A series for each backend, GB/s of a phase.
fn series(group: &Group, bandwidths: &Bandwidths, phase: &str) -> Vec<Line> {
    let mark = |cell: &CellSummary| {
        let rate = bandwidths.cell(cell).iter().find(|rate| rate.phase == phase)?;
        let giga = rate.median.divided_by(1e9);
        Some(Mark {
            x: f64::from(cell.cell.lanes()),
            y: giga.value,
            interval: ends(giga),
            raw: rate.samples.iter().map(|rate| rate / 1e9).collect(),
            hollow: cell.oversubscribed,
        })
    };
    lines::by_backend(group.cells.iter(), mark, |cell| cell.time.is_none())
}

/// Measured read bandwidth of the machine by lanes, GB/s, where the cells' rows come from, and the
/// words for where that is.
fn read(group: &Group) -> (Vec<(f64, f64)>, Vec<&'static str>) {
    let (mut rates, mut levels) = (Vec::new(), Vec::new());
    for cell in &group.cells {
        let Some(floor) = cell.floor.as_ref().filter(|floor| floor.chip.is_none()) else {
            continue;
        };
        rates.push((f64::from(cell.cell.lanes()), floor.read / 1e9));
        levels.push(floor.level.word());
    }
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    rates.dedup_by(|a, b| a.0 == b.0);
    levels.sort_unstable();
    levels.dedup();
    (rates, levels)
}

fn title(view: &View<'_>, group: &Group, bandwidths: &Bandwidths) -> String {
    let cells = group.cells.iter().filter(|cell| !cell.oversubscribed);
    let all = cells.flat_map(|cell| bandwidths.cell(cell).iter().map(move |rate| (cell, rate)));
    let most = all.max_by(|a, b| a.1.median.value.total_cmp(&b.1.median.value));
    let Some((cell, rate)) = most else { return "Bandwidth by phase".into() };
    let index = view.summary.groups.iter().position(|other| std::ptr::eq(other, group));
    let scope = index.map_or(String::new(), |index| view.scope(index));
    let share = cell.floor.as_ref().filter(|floor| floor.chip.is_none()).map(|floor| {
        format!(
            ", {:.0} % of what the machine reads from {}",
            100.0 * rate.median.value / floor.read,
            floor.level.word()
        )
    });
    format!(
        "{}: {} moves {} GB/s{}{scope}",
        labels::in_words(&cell.cell),
        rate.phase,
        significant(rate.median.value / 1e9),
        share.unwrap_or_default()
    )
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let (group, bandwidths) =
        group(view).ok_or_else(|| Error::internal("a figure of bandwidth without any"))?;
    let mut panels: Vec<(&str, Vec<Line>)> = phases(group, bandwidths)
        .into_iter()
        .map(|phase| (phase, series(group, bandwidths, phase)))
        .collect();
    let (read, levels) = read(group);
    let mut description = String::from("Median bandwidth over the number of lanes.");
    for (phase, lines) in &panels {
        description.push_str(&format!(" {phase}:"));
        for line in lines {
            for mark in &line.marks {
                let (name, x, rate) = (&line.name, mark.x, significant(mark.y));
                description.push_str(&format!(" {name} on {x:.0} lanes {rate} GB/s;"));
            }
        }
    }
    let faint = lines::thin(panels.iter_mut().flat_map(|(_, lines)| lines), medium.dots);
    let shown = || group.cells.iter().filter(|cell| !bandwidths.cell(cell).is_empty());
    let caption = vec![
        format!(
            "Bytes that the phase moves, as the workload counts them, over the seconds of the \
             slowest lane: median, {}, with 95 % bootstrap intervals; {faint}.",
            repeats(shown())
        ),
        match read.is_empty() {
            true => String::new(),
            false => format!(
                "Dashed: what so many lanes read from {} at most, measured.",
                levels.join(" and ")
            ),
        },
        view.oversubscribed("hollow markers"),
        view.source(),
    ];
    let marks = || panels.iter().flat_map(|(_, lines)| lines).flat_map(|line| &line.marks);
    let values = marks().flat_map(|mark| mark.values().collect::<Vec<_>>());
    let y = Scale::from_zero(
        "GB/s",
        values.chain(read.iter().map(|(_, rate)| *rate)).fold(0.0, f64::max),
    );
    let lanes: Vec<f64> = marks().map(|mark| mark.x).collect();
    let columns = panels.len().clamp(1, medium.columns.max(2));
    let title = title(view, group, bandwidths);
    let cells = ids(shown());
    Ok(Chart {
        title,
        caption,
        description,
        from: Provenance::Measured,
        cells,
        head: 0.0,
        heights: vec![250.0; panels.len()],
        columns,
        draw: Box::new(move |canvas, sheet| {
            for ((phase, lines), place) in panels.iter().zip(&sheet.panels) {
                let x = Scale::of_lanes(lanes.iter().copied(), false);
                let room = lines::room(lines.iter().map(|line| line.name.as_str()), place.width);
                let plot = Plot::below(canvas, *place, (&[(phase, HEADING)], 1), &x, &y, room)?;
                for pair in read.windows(2) {
                    canvas.dashed((plot.place(pair[0]), plot.place(pair[1])), GREY, 0.9, 1.25)?;
                }
                if let [(_, rate)] = read.as_slice() {
                    let height = plot.y.at(*rate);
                    canvas.dashed(((plot.left, height), (plot.right, height)), GREY, 0.9, 1.25)?;
                }
                lines::draw(canvas, &plot, lines)?;
                lines::name(canvas, &plot, lines, Vec::new())?;
            }
            Ok(())
        }),
    })
}

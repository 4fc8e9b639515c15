//! Efficiency over lanes, and the serial fraction that explains it.
//!
//! Where the serial fraction ([`crate::karp_flatt`]) grows with the lanes, it is no share of
//! the program that is to blame but what lanes add: talking, waiting, and what they share.

use crate::figure::axis;
use crate::figure::axis::precise;
use crate::figure::lines;
use crate::figure::lines::{Line, Mark};
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale, heading_lines};
use crate::figure::siblings;
use crate::figure::style::{CAPTION, GREY, HEADING};
use crate::figure::{Chart, Figure, View, ends, ids, repeats};
use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::error::Result;
use amdahl_record::units;

/// Efficiency over lanes with the serial fraction of Karp and Flatt.
pub const FIGURE: Figure = Figure {
    name: "efficiency",
    about: "Efficiency over lanes, and the serial fraction that Karp and Flatt infer from it",
    applies,
    compose,
};

/// Lanes of a cell for each lane of the base.
fn ratio(group: &Group, cell: &CellSummary) -> f64 {
    let base = group.base.as_ref().map_or(1, |base| base.lanes.max(1));
    f64::from(cell.cell.lanes()) / f64::from(base)
}

/// The serial fraction with its interval.
fn fraction(cell: &CellSummary) -> Option<(f64, Option<(f64, f64)>)> {
    cell.karp_flatt.map(|fraction| (fraction.value, ends(fraction)))
}

fn cells(group: &Group) -> impl Iterator<Item = &CellSummary> {
    group.cells.iter().filter(|cell| cell.peer.is_none() && cell.efficiency.is_some())
}

fn has_several_lanes(group: &Group) -> bool {
    cells(group).any(|cell| fraction(cell).is_some())
}

fn applies(view: &View<'_>) -> bool {
    view.summary.groups.iter().any(has_several_lanes)
}

/// A series for each backend, of what `of` finds in its cells.
fn series(group: &Group, of: impl Fn(&CellSummary) -> Option<Mark>) -> Vec<Line> {
    let of = |cell: &CellSummary| cell.efficiency.and_then(|_| of(cell));
    let ours = group.cells.iter().filter(|cell| cell.peer.is_none());
    let mut series = lines::by_backend(ours, of, |cell| cell.time.is_none());
    // One lane of another program on a device says nothing of lanes.
    let says = |line: &Line| line.marks.iter().any(|mark| mark.x > 1.0) || line.name == "serial";
    series.retain(says);
    series
}

fn efficiencies(group: &Group) -> Vec<Line> {
    let base = group.base.as_ref().map_or(f64::NAN, |base| base.time.value);
    series(group, |cell| {
        let efficiency = cell.efficiency?;
        Some(Mark {
            x: f64::from(cell.cell.lanes()),
            y: efficiency.value,
            interval: ends(efficiency),
            raw: cell
                .repeats
                .iter()
                .map(|r| base / r.seconds / ratio(group, cell))
                .filter(|e| e.is_finite())
                .collect(),
            hollow: cell.oversubscribed,
        })
    })
}

fn fractions(group: &Group) -> Vec<Line> {
    series(group, |cell| {
        let (y, interval) = fraction(cell)?;
        Some(Mark { x: f64::from(cell.cell.lanes()), y, interval, raw: Vec::new(), hollow: false })
    })
}

fn title(view: &View<'_>) -> String {
    let fallback = || "Efficiency over lanes".to_string();
    let main = view.main_group().filter(|i| has_several_lanes(&view.summary.groups[*i]));
    let Some(index) = main.or_else(|| view.summary.groups.iter().position(has_several_lanes))
    else {
        return fallback();
    };
    let group = &view.summary.groups[index];
    let spread = || cells(group).filter(|cell| fraction(cell).is_some());
    let most = spread().map(|cell| cell.cell.lanes()).max();
    let of = |cell: &&CellSummary| cell.efficiency.map_or(0.0, |e| e.value);
    let widest = spread()
        .filter(|cell| Some(cell.cell.lanes()) == most)
        .max_by(|a, b| of(a).total_cmp(&of(b)));
    let Some(cell) = widest else { return fallback() };
    let Some((share, interval)) = fraction(cell) else { return fallback() };
    let scope = view.scope(index);
    let who =
        format!("{} keep {:.0} % of the ideal", labels::in_words(&cell.cell), 100.0 * of(&cell));
    let percent = |share: f64| format!("{} %", units::significant(100.0 * share));
    // Is the fraction of fewer lanes shown to be smaller?
    let fewer = spread().filter(|c| {
        labels::series(&c.cell) == labels::series(&cell.cell) && c.cell.lanes() < cell.cell.lanes()
    });
    let first = fewer.min_by_key(|c| c.cell.lanes()).and_then(fraction);
    let grows = first.and_then(|(_, first)| Some(first?.1 < interval?.0)).unwrap_or(false);
    match interval {
        Some((low, _)) if low <= 0.0 => format!("{who}; no serial fraction is shown{scope}"),
        _ if grows => format!(
            "{who}; the serial fraction grows from {} to {}: lanes add work of their own{scope}",
            percent(first.map_or(0.0, |(first, _)| first)),
            percent(share)
        ),
        _ => format!("{who}, as if {} of the work could not be spread{scope}", percent(share)),
    }
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let tall = if medium.columns > 1 { 280.0 } else { 250.0 };
    let fitting = view.fitting(&Medium { panels: medium.panels.div_ceil(2), ..*medium }, |i| {
        has_several_lanes(&view.summary.groups[i]).then_some(tall * 2.0 / medium.columns as f64)
    });
    let all = view.headings();
    let mut panels = Vec::new();
    let mut description = String::from("Efficiency and serial fraction over the number of lanes.");
    for &i in &fitting.shown {
        let group = &view.summary.groups[i];
        let (efficiencies, fractions) = (efficiencies(group), fractions(group));
        description.push_str(&format!(" {}:", all[i]));
        for (what, lines) in [("efficiency", &efficiencies), ("serial fraction", &fractions)] {
            for (line, mark) in
                lines.iter().flat_map(|line| line.marks.iter().map(move |mark| (line, mark)))
            {
                description.push_str(&format!(
                    " {} on {:.0} lanes: {what} {:.3};",
                    line.name, mark.x, mark.y
                ));
            }
        }
        let lines =
            if medium.columns > 1 { heading_lines(&all[i], medium, medium.columns) } else { 1 };
        panels.push((all[i].clone(), group, efficiencies, fractions, lines));
    }
    let faint = lines::thin(panels.iter_mut().flat_map(|(_, _, lines, ..)| lines), medium.dots);
    let shown = || fitting.shown.iter().flat_map(|i| cells(&view.summary.groups[*i]));
    let caption = vec![
        format!(
            "Efficiency: speedup over lanes, {}, with 95 % bootstrap intervals; {faint}. Serial fraction (Karp and Flatt): the share of the work \
             that, if it could not be spread, would alone explain the speedup; where it grows with the lanes, it is no such share. Lines only guide \
             the eye.",
            repeats(shown())
        ),
        fitting.left_out(),
        view.oversubscribed("hollow markers, without a serial fraction"),
        siblings::caption(shown()),
        view.without_result(),
        view.source(),
    ];
    let of_panels = |fraction: bool| {
        let lines = panels.iter().flat_map(move |(_, _, e, f, _)| if fraction { f } else { e });
        lines.flat_map(|line| &line.marks)
    };
    let lanes = Scale::of_lanes(of_panels(false).map(|mark| mark.x), true);
    let efficiency =
        Scale::of_efficiency("efficiency", of_panels(false).flat_map(|mark| mark.values()));
    let fraction = fraction_scale(of_panels(true));
    Ok(Chart {
        title: title(view),
        caption,
        description,
        from: Provenance::Measured,
        cells: ids(shown()),
        head: 0.0,
        heights: vec![tall; 2 * panels.len()],
        columns: medium.columns,
        draw: Box::new(move |canvas, sheet| {
            for ((heading, group, efficiencies, fractions, lines), places) in
                panels.iter().zip(sheet.panels.chunks(2))
            {
                let [left, right] = places else { continue };
                let base = group.base.as_ref().map_or(String::new(), |base| {
                    format!("over {}, {}", base.name, units::seconds(base.time.value))
                });
                let room = lines::room(efficiencies.iter().map(|line| &line.name), left.width);
                let texts = [(heading.as_str(), HEADING), (base.as_str(), CAPTION)];
                let plot =
                    Plot::below(canvas, *left, (&texts, *lines + 1), &lanes, &efficiency, room)?;
                canvas.line(
                    &[(plot.left, plot.y.at(1.0)), (plot.right, plot.y.at(1.0))],
                    GREY,
                    0.8,
                    1.0,
                )?;
                siblings::draw(canvas, &plot, siblings::begin(cells(group)))?;
                lines::draw(canvas, &plot, efficiencies)?;
                lines::name(canvas, &plot, efficiencies, Vec::new())?;
                let texts = [("serial fraction", HEADING), ("after Karp and Flatt", CAPTION)];
                let plot =
                    Plot::below(canvas, *right, (&texts, *lines + 1), &lanes, &fraction, room)?;
                canvas.line(
                    &[(plot.left, plot.y.at(0.0)), (plot.right, plot.y.at(0.0))],
                    GREY,
                    0.8,
                    1.0,
                )?;
                lines::draw(canvas, &plot, fractions)?;
                lines::name(canvas, &plot, fractions, Vec::new())?;
            }
            Ok(())
        }),
    })
}

/// An axis of fractions around 0: as far as the values go, and their intervals within three times
/// that.
fn fraction_scale<'m>(marks: impl Iterator<Item = &'m Mark> + Clone) -> Scale {
    let values = || marks.clone().map(|mark| mark.y);
    let most = values().fold(0.01, f64::max) * 1.15;
    let least = values().fold(0.0, f64::min) * 1.15;
    let span = most - least;
    let reach = marks.clone().flat_map(|m| m.values().collect::<Vec<_>>());
    let (least, most) = reach
        .fold((least, most), |(a, b), v| (a.min(v.max(least - span)), b.max(v.min(most + span))));
    let step = axis::round_ticks(most - least, 4).get(1).copied().unwrap_or(0.01);
    let (from, to) = ((least / step).floor() as i32, (most / step).ceil() as i32);
    let ticks = std::iter::once(0).chain(from..=to).map(|i| f64::from(i) * step);
    let ticks = ticks
        .map(|tick| (tick, if tick < 0.0 { format!("−{}", precise(-tick)) } else { precise(tick) }))
        .collect();
    Scale {
        name: "serial fraction".into(),
        range: (f64::from(from) * step, f64::from(to) * step),
        log: false,
        ticks,
    }
}

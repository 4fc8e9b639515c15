//! Speedup over lanes: what more lanes bring, against the line of what they could bring and the law
//! that the times follow.

use crate::figure::arms::distinct;
use crate::figure::axis::number;
use crate::figure::canvas::Canvas;
use crate::figure::layout::{Panel, Sheet};
use crate::figure::lines;
use crate::figure::lines::{Label, Line, Mark};
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale};
use crate::figure::siblings;
use crate::figure::style;
use crate::figure::style::{At, CAPTION, Font, GREY, HEADING, LABEL};
use crate::figure::{Chart, Figure, View, ends, ids, repeats};
use crate::law::Laws;
use crate::summary::{CellSummary, Group};
use crate::{labels, show};
use amdahl_record::Provenance;
use amdahl_record::error::Result;
use amdahl_record::units;

/// Speedup over lanes, one panel a problem.
pub const FIGURE: Figure =
    Figure { name: "speedup", about: "Speedup over lanes", applies, compose };

/// Our cells of a group that have a speedup. Outside programs are ranked in a figure of their own.
fn cells(group: &Group) -> impl Iterator<Item = &CellSummary> {
    group.cells.iter().filter(|cell| cell.cell.backend.peer().is_none() && cell.speedup.is_some())
}

/// Is there something that more lanes, or an accelerator, could have brought? A base beside others
/// on as many lanes shows nothing.
fn compares(group: &Group) -> bool {
    let lanes = group.base.as_ref().map(|base| base.lanes);
    cells(group)
        .any(|cell| Some(cell.cell.lanes()) != lanes || cell.cell.backend.platform().is_some())
}

fn applies(view: &View<'_>) -> bool {
    view.summary.groups.iter().any(compares)
}

fn title(view: &View<'_>) -> String {
    let groups = &view.summary.groups;
    let seconds = |i: &usize| groups[*i].base.as_ref().map_or(0.0, |base| base.time.value);
    let main = (0..groups.len())
        .filter(|i| compares(&groups[*i]))
        .max_by(|a, b| seconds(a).total_cmp(&seconds(b)));
    let Some((main, group)) = main.map(|main| (main, &groups[main])) else {
        return "No speedup".into();
    };
    let Some(base) = &group.base else { return "No speedup: no base".into() };
    let value = |cell: &CellSummary| cell.speedup.map_or(0.0, |speedup| speedup.value);
    let best = |crowded: bool| {
        let others =
            cells(group).filter(|cell| cell.id != base.cell && (crowded || !cell.oversubscribed));
        others.max_by(|a, b| value(a).total_cmp(&value(b)))
    };
    // A cell with more lanes than CPUs speaks only where there is no other.
    let Some(best) = best(false).or_else(|| best(true)) else { return "No speedup".into() };
    let (scope, who, base) = (view.scope(main), labels::in_words(&best.cell), &base.name);
    let times = format!("{:.2} times as fast as {base}", value(best));
    let of_ideal = best.efficiency.map_or(String::new(), |efficiency| {
        let ideal = value(best) / efficiency.value;
        match (efficiency.interval, best.speedup.and_then(ends)) {
            // A share of the ideal is said where the measurements tell it from the whole.
            (Some(interval), Some((low, high))) if interval.holds(1.0) => format!(
                " (95 % interval {low:.2} to {high:.2}; ideal {})",
                units::significant(ideal).trim_end_matches('0').trim_end_matches('.')
            ),
            _ => format!(", {:.0} % of ideal", efficiency.value * 100.0),
        }
    });
    match best.speedup.and_then(ends) {
        Some((low, _)) if low > 1.0 => format!("{who}: {times}{of_ideal}{scope}"),
        Some((_, high)) if high < 1.0 => {
            format!("Nothing is faster than {base}; the closest, {who}, is {times}{scope}")
        }
        Some(_) => format!(
            "No speedup was shown: the best, {who}, is {times}, and its interval holds 1{scope}"
        ),
        None => format!("{who}: {times}, from too few repeats for an interval{scope}"),
    }
}

/// A problem with its series and laws.
struct Shown<'v> {
    group: &'v Group,
    heading: String,
    lines: Vec<Line>,
    laws: Vec<&'v Laws>,
    /// Lines of text above the plot, at least.
    above: usize,
}

impl<'v> Shown<'v> {
    fn new(view: &'v View<'v>, group: &'v Group, heading: &str) -> Shown<'v> {
        let base = group.base.as_ref().map_or(f64::NAN, |base| base.time.value);
        let mark = |cell: &CellSummary| {
            let speedup = cell.speedup?;
            Some(Mark {
                x: f64::from(cell.cell.lanes()),
                y: speedup.value,
                interval: ends(speedup),
                raw: cell
                    .samples()
                    .iter()
                    .map(|s| base / s)
                    .filter(|s| s.is_finite() && *s > 0.0)
                    .collect(),
                hollow: cell.oversubscribed,
            })
        };
        let ours = group.cells.iter().filter(|cell| cell.cell.backend.peer().is_none());
        let lines = lines::by_backend(ours, mark, |cell| cell.speedup.is_none());
        let drawn = |name: &String| lines.iter().any(|line| line.name == *name);
        let laws = view.analysis.laws(group).iter();
        let laws = laws.filter(|laws| drawn(&laws.backend) && laws.best().is_some());
        let laws = laws.collect();
        Shown { group, heading: heading.into(), lines, laws, above: 0 }
    }

    fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.lines.iter().flat_map(|line| &line.marks)
    }

    fn base_lanes(&self) -> f64 {
        self.group.base.as_ref().map_or(1.0, |base| f64::from(base.lanes.max(1)))
    }
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let groups = &view.summary.groups;
    let several = groups.iter().filter(|group| compares(group)).count() > 1;
    let columns = if several { medium.columns } else { 1 };
    let tall = if columns == 1 { 400.0 } else { 330.0 };
    let fitting = view.fitting(medium, |i| compares(&groups[i]).then_some(tall / columns as f64));
    let headings = view.headings();
    let mut panels: Vec<Shown<'v>> =
        fitting.shown.iter().map(|i| Shown::new(view, &groups[*i], &headings[*i])).collect();
    let above = |panel: &Shown<'_>| {
        let wrapped =
            |text: &str, font| style::wrap(text, font, Sheet::panel_width(medium, columns)).len();
        wrapped(&panel.heading, HEADING) + wrapped(&base_line(panel.group), CAPTION)
    };
    let most = panels.iter().map(above).max().unwrap_or(0);
    panels.iter_mut().for_each(|panel| panel.above = most);
    let mut description =
        String::from("Speedup over the number of lanes, both axes logarithmic to base 2.");
    panels.iter().for_each(|panel| description.push_str(&describe(panel)));
    let faint = lines::thin(panels.iter_mut().flat_map(|panel| &mut panel.lines), medium.dots);
    let shown = || fitting.shown.iter().flat_map(|i| cells(&groups[*i]));
    let caption = vec![
        format!(
            "Each marker: median time of the base over the median time of the cell, {}, with its 95 % bootstrap interval; {faint}. Lines only \
             guide the eye.",
            repeats(shown())
        ),
        match panels.iter().any(|panel| !panel.laws.is_empty()) {
            true => {
                "Dashed, modelled: of the laws of scaling the one that predicts best, fitted to each backend's times, up to twice the lanes, with \
                 its 95 % interval there."
                    .into()
            }
            false => String::new(),
        },
        fitting.left_out(),
        view.oversubscribed("hollow markers; ↓ where below the axis"),
        siblings::caption(shown()),
        view.without_result(),
        view.source(),
    ];
    let range = Range::of(&panels);
    Ok(Chart {
        title: title(view),
        caption,
        description,
        from: Provenance::Measured,
        cells: ids(shown()),
        head: 0.0,
        heights: vec![tall; panels.len()],
        columns,
        draw: Box::new(move |canvas, sheet| {
            for (shown, place) in panels.iter().zip(&sheet.panels) {
                panel(canvas, *place, shown, &range)?;
            }
            Ok(())
        }),
    })
}

/// What all panels of a figure span, so that they can be compared.
struct Range {
    lanes: (f64, f64),
    /// Greatest number of lanes that each have a CPU: the line of ideal speedup goes no further.
    ideal: f64,
    /// Lanes up to which laws are drawn; none where there is no law.
    modelled: Option<f64>,
    speedups: (f64, f64),
}

impl Range {
    /// Cells with more lanes than CPUs, which can be slower by orders of magnitude, are followed
    /// down to half the least speedup of the others only.
    fn of(panels: &[Shown<'_>]) -> Range {
        let marks = || panels.iter().flat_map(Shown::marks);
        let all_crowded = marks().all(|mark| mark.hollow || mark.y == 1.0);
        let counts = |mark: &Mark| all_crowded || !mark.hollow;
        let base = panels.iter().map(Shown::base_lanes).fold(f64::INFINITY, f64::min);
        let least = marks().map(|mark| mark.x).fold(f64::INFINITY, f64::min);
        let most = marks().map(|mark| mark.x).fold(0.0, f64::max);
        let ideal = marks().filter(|mark| counts(mark)).map(|mark| mark.x).fold(1.0, f64::max);
        let modelled = panels.iter().any(|panel| !panel.laws.is_empty()).then_some(2.0 * ideal);
        let values = |crowded: bool| -> Vec<f64> {
            let mine = marks().filter(|mark| counts(mark) != crowded);
            let all = mine
                .flat_map(|mark| mark.values().chain(mark.raw.iter().copied()).collect::<Vec<_>>());
            all.filter(|s| *s > 0.0).collect()
        };
        let slowest = values(false).into_iter().fold(1.0, f64::min);
        let fastest =
            values(false).into_iter().chain(values(true)).fold((ideal / base).max(2.0), f64::max);
        let laws = || panels.iter().flat_map(|panel| &panel.laws).filter_map(|laws| laws.best());
        let of_laws = laws().filter_map(|(_, fit)| Some(fit.speedup(modelled?)?.value));
        Range {
            lanes: if least.is_finite() {
                (least, most.max(modelled.unwrap_or(0.0)))
            } else {
                (1.0, 1.0)
            },
            ideal,
            modelled,
            speedups: (
                values(true).into_iter().map(|s| s.max(slowest / 2.0)).fold(slowest, f64::min),
                of_laws.filter(|s| s.is_finite()).fold(fastest, f64::max),
            ),
        }
    }
}

fn describe(shown: &Shown<'_>) -> String {
    let mut text = format!(" {}", shown.heading);
    let Some(base) = &shown.group.base else { return text };
    text.push_str(&format!(", over {} at {}:", base.name, units::seconds(base.time.value)));
    for cell in cells(shown.group).filter(|cell| cell.id != base.cell) {
        let speedup = cell.speedup.map_or(0.0, |speedup| speedup.value);
        text.push_str(&format!(" {} {speedup:.2};", labels::cell(&cell.cell)));
    }
    for laws in &shown.laws {
        let Some((law, fit)) = laws.best() else { continue };
        let lanes = 2 * laws.lanes.last().copied().unwrap_or(1);
        if let Some(speedup) = fit.speedup(f64::from(lanes)) {
            let value = speedup.value;
            text.push_str(&format!(
                " {} after {}'s law, modelled: {value:.2} on {lanes} lanes;",
                laws.backend, law.name
            ));
        }
    }
    text
}

fn panel(canvas: &Canvas<'_>, place: Panel, shown: &Shown<'_>, range: &Range) -> Result<()> {
    let counts = distinct(shown.marks().map(|mark| mark.x));
    let base_lanes = shown.base_lanes();
    let (least, most) = range.speedups;
    let about = base_line(shown.group);
    let x = lanes_scale(&counts, range);
    let y = speedup_scale(&counts, base_lanes, (least / 1.12, most * 1.08));
    let mut names: Vec<String> = shown.lines.iter().map(|line| line.name.clone()).collect();
    names.push("ideal".into());
    names.extend(shown.laws.iter().filter_map(|laws| Some(law_name(laws.best()?.0.name))));
    let texts = [(shown.heading.as_str(), HEADING), (about.as_str(), CAPTION)];
    let plot = Plot::below(
        canvas,
        place,
        (&texts, shown.above),
        &x,
        &y,
        lines::room(names.iter(), place.width),
    )?;

    let ideal = |lanes: f64| plot.place((lanes, lanes / base_lanes));
    let mut labels = Vec::new();
    if range.ideal > range.lanes.0 {
        let end = range.ideal.min(range.speedups.1 * base_lanes);
        canvas.line(&[ideal(range.lanes.0), ideal(end)], GREY, 0.7, 1.0)?;
        if range.ideal < range.lanes.1 {
            let (x, y) = ideal(end);
            canvas.text("ideal", (x - 10.0, y - 4.0), At::End, Font { colour: GREY, ..LABEL })?;
        } else {
            labels.push(Label { from: ideal(end), text: "ideal".into(), colour: GREY });
        }
    }
    for laws in &shown.laws {
        labels.extend(law_curve(canvas, &plot, laws, range)?);
    }
    siblings::draw(canvas, &plot, siblings::begin(cells(shown.group)))?;
    lines::draw(canvas, &plot, &shown.lines)?;
    for line in &shown.lines {
        for mark in line.marks.iter().filter(|mark| plot.y.at(mark.y) > plot.bottom) {
            let text = format!("{} ↓", units::significant(mark.y));
            let place = (plot.x.at(mark.x) - 14.0, plot.bottom - 9.0);
            canvas.text(&text, place, At::End, Font { colour: line.look.0, ..LABEL })?;
        }
    }
    lines::name(canvas, &plot, &shown.lines, labels)
}

fn base_line(group: &Group) -> String {
    show::base_line(group).replace("Speedup is over ", "base: ")
}

fn law_name(law: &str) -> String {
    format!("{law} (model)")
}

/// A law as a dashed curve with its interval at its end, and its name for the side.
fn law_curve(
    canvas: &Canvas<'_>,
    plot: &Plot,
    laws: &Laws,
    range: &Range,
) -> Result<Option<Label>> {
    let (Some((law, fit)), Some(end)) = (laws.best(), range.modelled) else { return Ok(None) };
    let colour = style::of_backend(&laws.backend).0;
    let first = laws.lanes.first().copied().map_or(1.0, f64::from);
    let steps = 24;
    let at = |i: i32| first * (end / first).powf(f64::from(i) / f64::from(steps));
    let points: Vec<(f64, f64)> = (0..=steps)
        .filter_map(|i| Some((at(i), fit.speedup(at(i))?.value)))
        .filter(|(_, speedup)| speedup.is_finite() && *speedup > 0.0)
        .map(|point| plot.place(point))
        .collect();
    // Every second step: a dash for each gap, as long as it.
    for pair in points.windows(2).step_by(2) {
        canvas.line(pair, colour, 0.9, 1.25)?;
    }
    let Some(last) = points.last().copied() else { return Ok(None) };
    if let Some((low, high)) =
        fit.speedup(end).and_then(ends).filter(|(low, high)| *low > 0.0 && high.is_finite())
    {
        let (bottom, top) = (plot.place((end, low)), plot.place((end, high)));
        canvas.dashed((bottom, top), colour, 0.7, 1.0)?;
    }
    Ok(Some(Label { from: last, text: law_name(law.name), colour }))
}

/// Ticks: first both ends and the powers of two, then the other measured numbers of lanes. Room on
/// the left for the name of the base.
fn lanes_scale(counts: &[f64], range: &Range) -> Scale {
    let is_power = |v: &f64| v.log2().fract() == 0.0;
    let end = range.modelled.filter(|end| counts.last().is_some_and(|last| end > last));
    let ends = counts.first().into_iter().chain(counts.last()).copied().chain(end);
    let wanted = ends.chain(counts.iter().copied().filter(is_power)).chain(counts.iter().copied());
    let (least, most) = range.lanes;
    let spare = if most > least { (most / least).powf(0.17) } else { 1.6 };
    let ticks = in_order(wanted).into_iter().map(|tick| (tick, number(tick))).collect();
    Scale {
        name: "lanes (ranks × threads)".into(), range: (least / spare, most), log: true, ticks
    }
}

/// Ticks: 1, powers of two, and what would be ideal on the measured numbers of lanes.
fn speedup_scale(counts: &[f64], base_lanes: f64, (least, most): (f64, f64)) -> Scale {
    let powers = (-20..=24).map(|e| 2f64.powi(e)).filter(|p| (least..=most).contains(p));
    let ideals = counts.iter().map(|c| c / base_lanes).filter(|s| (least..=most).contains(s));
    let ticks = in_order(std::iter::once(1.0).chain(powers).chain(ideals));
    let ticks = ticks.into_iter().map(|tick| (tick, number(tick))).collect();
    Scale { name: "speedup".into(), range: (least, most), log: true, ticks }
}

/// Values once each, those that come first.
fn in_order(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut kept: Vec<f64> = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

//! Speedup over lanes: what more lanes bring, against the line of what they could bring.

use crate::error::Result;
use crate::explain::figure::axis::{Axis, number};
use crate::explain::figure::layout::{Panel, spread};
use crate::explain::figure::medium::Medium;
use crate::explain::figure::style::{self, At, CAPTION, Canvas, Colour, GREY, HEADING, LABEL, Marker, RULE};
use crate::explain::figure::{Chart, Figure, View, ids};
use crate::explain::frame::{numbers, words};
use crate::explain::names;
use crate::explain::summary::Group;
use crate::record::Provenance;
use crate::units;

/// Speedup over lanes, one panel a problem.
pub const FIGURE: Figure = Figure { name: "speedup", about: "Speedup over lanes", applies: |_| true, compose };

/// A cell's point.
struct Point {
    cell: String,
    name: String,
    in_words: String,
    lanes: f64,
    speedup: f64,
    interval: Option<(f64, f64)>,
    efficiency: f64,
    is_base: bool,
    oversubscribed: bool,
}

/// The points of one backend, by lanes.
struct Series {
    backend: String,
    points: Vec<Point>,
    /// Lanes of its cells that have no result.
    gaps: Vec<f64>,
}

impl Series {
    /// Neighbours that a line may join: each number of lanes comes once, and no cell between them went without a result.
    fn joined(&self) -> impl Iterator<Item = &[Point]> {
        let once = self.points.windows(2).all(|pair| pair[0].lanes < pair[1].lanes);
        let whole = |pair: &[Point]| !self.gaps.iter().any(|gap| pair[0].lanes < *gap && *gap < pair[1].lanes);
        self.points.windows(2).filter(move |pair| once && whole(pair))
    }
}

impl Point {
    /// The speedup and the ends of its interval.
    fn values(&self) -> impl Iterator<Item = f64> {
        let (low, high) = self.interval.unwrap_or((self.speedup, self.speedup));
        [self.speedup, low, high].into_iter()
    }
}

fn series(view: &View<'_>, group: usize) -> Result<Vec<Series>> {
    let table = view.frames.speedups(group as u32)?;
    let (cells, labels, backends) = (words(&table, "cell")?, words(&table, "name")?, words(&table, "backend")?);
    let (lanes, speedup, efficiency) =
        (numbers(&table, "lanes")?, numbers(&table, "speedup")?, numbers(&table, "efficiency")?);
    let (low, high) = (numbers(&table, "speedup_low")?, numbers(&table, "speedup_high")?);
    let said = words(&table, "in_words")?;
    let crowded = numbers(&table, "oversubscribed")?;
    let base = view.summary.groups[group].base.as_ref().map(|b| b.cell.0.as_str());
    let mut all: Vec<Series> = Vec::new();
    for i in 0..cells.len() {
        let (Some(lanes), Some(speedup)) = (lanes[i], speedup[i]) else { continue };
        let point = Point {
            cell: cells[i].clone(),
            name: labels[i].clone(),
            in_words: said[i].clone(),
            lanes,
            speedup,
            interval: low[i].zip(high[i]),
            efficiency: efficiency[i].unwrap_or(speedup / lanes.max(1.0)),
            is_base: base == Some(cells[i].as_str()),
            oversubscribed: crowded[i] == Some(1.0),
        };
        match all.iter_mut().find(|s| s.backend == backends[i]) {
            Some(series) => series.points.push(point),
            None => all.push(Series { backend: backends[i].clone(), points: vec![point], gaps: Vec::new() }),
        }
    }
    for series in &mut all {
        series.points.sort_by(|a, b| a.lanes.total_cmp(&b.lanes));
        let failed = view.summary.groups[group].cells.iter().filter(|c| c.speedup.is_none());
        let mine = failed.filter(|c| names::series(&c.cell) == series.backend);
        series.gaps = mine.map(|c| f64::from(c.cell.lanes())).collect();
    }
    Ok(all)
}

fn title(view: &View<'_>) -> Result<String> {
    let Some(main) = view.main_group() else { return Ok("No speedup: the base has no good repeat".into()) };
    let Some(base) = &view.summary.groups[main].base else { return Ok("No speedup: no base".into()) };
    let all = series(view, main)?;
    let others = || all.iter().flat_map(|s| &s.points).filter(|p| !p.is_base);
    let best = |crowded: bool| {
        others().filter(|p| crowded || !p.oversubscribed).max_by(|a, b| a.speedup.total_cmp(&b.speedup))
    };
    // A cell with more lanes than CPUs speaks only where there is no other.
    let Some(best) = best(false).or_else(|| best(true)) else {
        return Ok(format!("Only the base was measured: {} takes {}", base.name, units::seconds(base.time.value)));
    };
    let (scope, who, base) = (view.scope(main), &best.in_words, &base.name);
    let times = format!("{:.2} times as fast as {base}", best.speedup);
    Ok(match best.interval {
        Some((low, _)) if low > 1.0 => format!("{who}: {times}, {:.0} % of ideal{scope}", best.efficiency * 100.0),
        Some((_, high)) if high < 1.0 => {
            format!("Nothing is faster than {base}; the closest, {who}, is {times}{scope}")
        }
        Some(_) => format!("No speedup was shown: the best, {who}, is {times}, and its interval holds 1{scope}"),
        None => format!("{who}: {times}, from too few repeats for an interval{scope}"),
    })
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let groups = &view.summary.groups;
    let columns = if groups.len() > 1 { medium.columns } else { 1 };
    let tall = if columns == 1 { 400.0 } else { 330.0 };
    let fitting = view.fitting(medium, |_| Some(tall / columns as f64));
    let shown = &fitting.shown;
    let all = view.headings();
    let headings: Vec<String> = shown.iter().map(|i| all[*i].clone()).collect();
    let mut description = String::from("Speedup over the number of lanes, both axes logarithmic to base 2.");
    let mut panels = Vec::new();
    for (&i, heading) in shown.iter().zip(&headings) {
        let series = series(view, i)?;
        description.push_str(&describe(heading, &groups[i], &series));
        let repeats = view.frames.repeat_speedups(i as u32)?;
        let raw = Raw { cells: words(&repeats, "cell")?, speedups: numbers(&repeats, "speedup")? };
        panels.push((&groups[i], series, raw));
    }
    let dots: usize = panels.iter().map(|(.., raw)| raw.cells.len()).sum();
    let every = dots.div_ceil(medium.dots.max(1)).max(1);
    panels.iter_mut().for_each(|(.., raw)| raw.thin(every));
    let faint =
        if every > 1 { format!("faint dots: every {every}th repeat") } else { "faint dots: single repeats".into() };
    let caption = vec![
        format!(
            "Each marker: median time of the base over the median time of the cell, {}, with its 95 % bootstrap interval; {faint}. Lines only \
             guide the eye.",
            view.repeats()
        ),
        fitting.left_out(),
        view.oversubscribed("hollow markers; ↓ where below the axis"),
        view.without_result(),
        view.source(),
    ];
    let range = Range::of(&panels);
    Ok(Chart {
        title: title(view)?,
        caption,
        description,
        from: Provenance::Measured,
        cells: ids(shown
            .iter()
            .flat_map(|i| groups[*i].cells.iter().filter(|c| c.speedup.is_some() && c.peer.is_none()))),
        head: 0.0,
        heights: vec![tall; shown.len()],
        columns,
        draw: Box::new(move |canvas, sheet| {
            for (i, (group, series, raw)) in panels.iter().enumerate() {
                panel(canvas, sheet.panels[i], &headings[i], group, series, raw, &range)?;
            }
            Ok(())
        }),
    })
}

/// A panel's group, its series, and its single repeats.
type Shown<'v> = (&'v Group, Vec<Series>, Raw);

/// What all panels of a figure span, so that they can be compared.
struct Range {
    lanes: (f64, f64),
    /// Greatest number of lanes that each have a CPU: the line of ideal speedup goes no further.
    ideal: f64,
    speedups: (f64, f64),
}

impl Range {
    /// Cells with more lanes than CPUs, which can be slower by orders of magnitude, are followed down to half the least speedup of the
    /// others only.
    fn of(panels: &[Shown<'_>]) -> Range {
        let points = || {
            panels
                .iter()
                .flat_map(|(_, series, raw)| series.iter().flat_map(move |s| s.points.iter().map(move |p| (p, raw))))
        };
        let all_crowded = points().all(|(p, _)| p.oversubscribed || p.is_base);
        let counts = |p: &Point| all_crowded || !p.oversubscribed;
        let base = panels
            .iter()
            .filter_map(|(group, ..)| group.base.as_ref())
            .map(|b| f64::from(b.lanes.max(1)))
            .fold(f64::INFINITY, f64::min);
        let lanes = || points().map(|(p, _)| p.lanes);
        let least = lanes().fold(f64::INFINITY, f64::min);
        let ideal = points().filter(|(p, _)| counts(p)).map(|(p, _)| p.lanes).fold(1.0, f64::max);
        let values = |crowded: bool| {
            let mine = points().filter(move |(p, _)| counts(p) != crowded);
            mine.flat_map(|(p, raw)| p.values().chain(raw.of(&p.cell))).filter(|s| *s > 0.0)
        };
        let slowest = values(false).fold(1.0, f64::min);
        Range {
            lanes: if least.is_finite() { (least, lanes().fold(0.0, f64::max)) } else { (1.0, 1.0) },
            ideal,
            speedups: (
                values(true).map(|s| s.max(slowest / 2.0)).fold(slowest, f64::min),
                values(false).chain(values(true)).fold((ideal / base).max(2.0), f64::max),
            ),
        }
    }
}

/// Speedups of single repeats.
struct Raw {
    cells: Vec<String>,
    speedups: Vec<Option<f64>>,
}

impl Raw {
    /// Keeps one of so many repeats.
    fn thin(&mut self, every: usize) {
        let keep = |i: usize| i.is_multiple_of(every);
        self.cells = self.cells.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, cell)| cell.clone()).collect();
        self.speedups = self.speedups.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, s)| *s).collect();
    }
    /// Those of one cell.
    fn of(&self, cell: &str) -> impl Iterator<Item = f64> {
        let all = self.cells.iter().zip(&self.speedups);
        all.filter(move |(id, _)| *id == cell).filter_map(|(_, speedup)| *speedup).filter(|s| *s > 0.0)
    }
}

fn describe(heading: &str, group: &Group, series: &[Series]) -> String {
    let mut text = format!(" {heading}");
    match &group.base {
        Some(base) => text.push_str(&format!(", over {} at {}:", base.name, units::seconds(base.time.value))),
        None => text.push_str(": no base."),
    }
    for point in series.iter().flat_map(|s| &s.points).filter(|p| !p.is_base) {
        text.push_str(&format!(" {} {:.2};", point.name, point.speedup));
    }
    text
}

fn panel(
    canvas: &Canvas<'_>,
    panel: Panel,
    heading: &str,
    group: &Group,
    series: &[Series],
    raw: &Raw,
    range: &Range,
) -> Result<()> {
    let mut y = panel.y + 8.0;
    for line in style::wrap(heading, HEADING, panel.width) {
        canvas.text(&line, (panel.x, y), At::Start, HEADING)?;
        y += 16.0;
    }
    let base = match &group.base {
        Some(base) => {
            let interval = base
                .time
                .interval
                .map_or(String::new(), |i| format!(" ({} to {})", units::seconds(i.low), units::seconds(i.high)));
            format!("base: {}, {}{interval}, n = {}", base.name, units::seconds(base.time.value), base.time.n)
        }
        None => "no speedup: the base has no good repeat".into(),
    };
    for line in style::wrap(&base, CAPTION, panel.width) {
        canvas.text(&line, (panel.x, y), At::Start, CAPTION)?;
        y += 15.0;
    }
    let Some(base) = &group.base else { return Ok(()) };

    let (left, right) = (panel.x + 52.0, panel.x + panel.width - 92.0);
    let (top, bottom) = (y + 8.0, panel.y + panel.height - 40.0);
    let counts = distinct(series.iter().flat_map(|s| &s.points).map(|p| p.lanes));
    let base_lanes = f64::from(base.lanes.max(1));
    let (least_lanes, most_lanes) = range.lanes;
    let (least, most) = range.speedups;
    // Room on the left for the name of the base beside its point.
    let x = Axis::log2((least_lanes, most_lanes), (left + 54.0, right - 12.0));
    let y = Axis::log2((least / 1.12, most * 1.08), (bottom, top));
    // What lies below the axis is shown on its edge.
    let height = |speedup: f64| y.at(speedup).min(bottom);

    axes(canvas, &x, &y, (left, right, top, bottom), &counts, (least, most), base_lanes)?;
    let ideal = |lanes: f64| (x.at(lanes), y.at(lanes / base_lanes));
    let mut labels: Vec<(f64, f64, String, Colour)> = Vec::new();
    if range.ideal > least_lanes {
        canvas.line(&[ideal(least_lanes), ideal(range.ideal)], GREY, 0.7, 1.0)?;
        let (end_x, end_y) = ideal(range.ideal);
        if range.ideal < most_lanes {
            canvas.text("ideal", (end_x - 10.0, end_y), At::End, style::Font { colour: GREY, ..LABEL })?;
        } else {
            labels.push((end_x, end_y, "ideal".into(), GREY));
        }
    }

    let shift = |i: usize| (i as f64 - (series.len() as f64 - 1.0) / 2.0) * 5.0;
    for (i, one) in series.iter().enumerate() {
        let (colour, _) = style::of_backend(&one.backend);
        let place = |p: &Point| (x.at(p.lanes) + shift(i), height(p.speedup));
        for pair in one.joined() {
            canvas.line(&[place(&pair[0]), place(&pair[1])], colour, 0.75, 1.5)?;
        }
        for point in &one.points {
            let (at_x, _) = place(point);
            for speedup in raw.of(&point.cell) {
                canvas.disc((at_x, height(speedup)), 2.2, colour, 0.28)?;
            }
            if let Some((low, high)) = point.interval {
                canvas.line(&[(at_x, height(low)), (at_x, height(high))], colour, 1.0, 1.5)?;
                for end in [low, high] {
                    canvas.line(&[(at_x - 4.0, height(end)), (at_x + 4.0, height(end))], colour, 1.0, 1.5)?;
                }
            }
            if y.at(point.speedup) > bottom {
                let label = format!("{} ↓", units::significant(point.speedup));
                canvas.text(&label, (at_x - 9.0, bottom - 9.0), At::End, style::Font { colour, ..LABEL })?;
            }
        }
    }
    // Markers last, so that nothing hides them.
    for (i, one) in series.iter().enumerate() {
        let (colour, marker): (Colour, Marker) = style::of_backend(&one.backend);
        for point in &one.points {
            let place = (x.at(point.lanes) + shift(i), height(point.speedup));
            canvas.marker(place, marker, colour)?;
            if point.oversubscribed {
                canvas.disc(place, 2.4, style::PAPER, 1.0)?;
            }
        }
        if let [only] = &one.points[..]
            && only.is_base
        {
            let beside = (x.at(only.lanes) + shift(i) - 10.0, y.at(only.speedup));
            canvas.text(&one.backend, beside, At::End, style::Font { colour, ..LABEL })?;
        } else if let Some(last) = one.points.last() {
            labels.push((x.at(last.lanes) + shift(i), height(last.speedup), one.backend.clone(), colour));
        }
    }
    let heights = spread(&labels.iter().map(|l| l.1).collect::<Vec<_>>(), 14.5, top, bottom);
    for ((from_x, from_y, text, colour), height) in labels.into_iter().zip(heights) {
        // A thin line leads from a label to a point that ends before the others or that the label had to leave.
        let text_x = right + 16.0;
        if text_x - from_x > 40.0 || (height - from_y).abs() > 5.0 {
            canvas.line(&[(from_x + 9.0, from_y), (text_x - 4.0, height)], colour, 0.45, 0.75)?;
        }
        canvas.text(&text, (text_x, height), At::Start, style::Font { colour, ..LABEL })?;
    }
    Ok(())
}

type Edges = (f64, f64, f64, f64);

/// Grid, ticks at the measured numbers of lanes, and the names of the axes.
fn axes(
    canvas: &Canvas<'_>,
    x: &Axis,
    y: &Axis,
    (left, right, top, bottom): Edges,
    counts: &[f64],
    (least, most): (f64, f64),
    base_lanes: f64,
) -> Result<()> {
    // Wanted first: both ends and the powers of two, then the other measured counts.
    let is_power = |v: &f64| v.log2().fract() == 0.0;
    let ends = counts.first().into_iter().chain(counts.last()).copied();
    let wanted: Vec<f64> = ends.chain(counts.iter().copied().filter(is_power)).chain(counts.iter().copied()).collect();
    for tick in x.with_room(&distinct_in_order(&wanted), 22.0) {
        canvas.line(&[(x.at(tick), top), (x.at(tick), bottom + 4.0)], RULE, 1.0, 1.0)?;
        canvas.text(&number(tick), (x.at(tick), bottom + 14.0), At::Middle, LABEL)?;
    }
    let powers = (-20..=24).map(|e| 2f64.powi(e)).filter(|p| (least / 1.1..=most * 1.05).contains(p));
    let ideals = counts.iter().map(|c| c / base_lanes).filter(|s| *s <= most);
    let wanted: Vec<f64> = std::iter::once(1.0).chain(powers).chain(ideals).collect();
    for tick in y.with_room(&distinct_in_order(&wanted), 20.0) {
        canvas.line(&[(left - 4.0, y.at(tick)), (right, y.at(tick))], RULE, 1.0, 1.0)?;
        canvas.text(&number(tick), (left - 8.0, y.at(tick)), At::End, LABEL)?;
    }
    canvas.text("lanes (ranks × threads)", ((left + right) / 2.0, bottom + 32.0), At::Middle, LABEL)?;
    canvas.text_upwards("speedup", (left - 44.0, (top + bottom) / 2.0), LABEL)
}

fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

fn distinct_in_order(values: &[f64]) -> Vec<f64> {
    let mut kept: Vec<f64> = Vec::new();
    for value in values {
        if !kept.contains(value) {
            kept.push(*value);
        }
    }
    kept
}

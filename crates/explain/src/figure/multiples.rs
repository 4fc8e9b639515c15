//! Small multiples: data set × backend, each in a panel of its own on the same axes, the others
//! faint behind it.

use crate::figure::axis::{Axis, number};
use crate::figure::canvas::Canvas;
use crate::figure::layout::{MARGIN, Panel};
use crate::figure::medium::Medium;
use crate::figure::style;
use crate::figure::style::{At, CAPTION, GREY, HEADING, RULE};
use crate::figure::{Chart, Figure, View, ends, ids, repeats};
use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::error::Result;
use amdahl_record::units;

/// Speedup over lanes for each data set and backend.
pub const FIGURE: Figure =
    Figure {
        name: "multiples", about: "Speedup over lanes, data set × backend", applies, compose
    };

/// Cells of a group with a speedup, on a CPU for each lane.
fn cells(group: &Group) -> impl Iterator<Item = &CellSummary> {
    group.cells.iter().filter(|c| c.speedup.is_some() && !c.oversubscribed)
}

/// Backends with several numbers of lanes in one of these groups, in the order of the cells.
fn backends(view: &View<'_>, groups: &[usize]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for group in groups.iter().map(|i| &view.summary.groups[*i]) {
        let mut of_group: Vec<(String, u32, bool)> = Vec::new();
        for cell in cells(group) {
            let (name, lanes) = (labels::series(&cell.cell), cell.cell.lanes());
            match of_group.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, first, several)) => *several |= *first != lanes,
                None => of_group.push((name, lanes, false)),
            }
        }
        for (name, ..) in of_group.into_iter().filter(|(_, _, several)| *several) {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// Groups with something to show.
fn groups(view: &View<'_>) -> Vec<usize> {
    (0..view.summary.groups.len()).filter(|i| !backends(view, &[*i]).is_empty()).collect()
}

fn applies(view: &View<'_>) -> bool {
    let groups = groups(view);
    groups.len() > 1 && backends(view, &groups).len() > 1
}

/// The best speedup of a backend in a group.
fn best<'a>(group: &'a Group, backend: &str) -> Option<&'a CellSummary> {
    let mine = cells(group).filter(|c| labels::series(&c.cell) == backend && c.cell.lanes() > 1);
    let value = |c: &CellSummary| c.speedup.map_or(0.0, |s| s.value);
    mine.max_by(|a, b| value(a).total_cmp(&value(b)))
}

/// What is found in all problems, whether there is room for them or not.
fn title(view: &View<'_>) -> String {
    let all = groups(view);
    let backends = backends(view, &all);
    let value = |c: &CellSummary| c.speedup.map_or(0.0, |s| s.value);
    let pairs = all.iter().flat_map(|i| backends.iter().map(move |b| (*i, b.as_str())));
    let found: Vec<(usize, &CellSummary)> = pairs
        .filter_map(|(i, backend)| Some((i, best(&view.summary.groups[i], backend)?)))
        .collect();
    let most = found.iter().max_by(|a, b| value(a.1).total_cmp(&value(b.1)));
    let headings = view.headings();
    // Shown to beat the base, with as many of the problems as it does.
    let wins = |i: &usize| {
        let of = |(at, c): &&(usize, &CellSummary)| {
            *at == *i && c.speedup.and_then(ends).is_some_and(|(low, _)| low > 1.0)
        };
        found.iter().any(|pair| of(&pair))
    };
    let faster = all.iter().filter(|i| wins(i)).count();
    match most {
        None => "Speedup by data set and backend".into(),
        Some((i, cell)) => format!(
            "More lanes are shown to be faster than the base for {faster} of {} problems; most for {}: {} with {}",
            all.len(),
            headings[*i],
            units::significant(value(cell)),
            labels::in_words(&cell.cell)
        ),
    }
}

/// Problems that there is room for everywhere, as far as the height of the medium allows.
const MULTIPLE: usize = 4;

const CELL: f64 = 108.0;
const HEAD: f64 = 20.0;
const FOOT: f64 = 26.0;
const SIDE: f64 = 34.0;

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let all = groups(view);
    let across = (((medium.width - 2.0 * MARGIN - SIDE) / 96.0) as usize).max(1);
    let rows = |backends: usize| backends.div_ceil(across).max(1) as f64;
    let tall = HEAD + rows(backends(view, &all).len()) * CELL + FOOT;
    // One problem alone is none of several: where other figures have room for one, this one has
    // room for some.
    let roomy = Medium { panels: medium.panels.max(MULTIPLE), ..*medium };
    let fitting = view.fitting(&roomy, |i| all.contains(&i).then_some(tall));
    let shown = fitting.shown.clone();
    let backends = backends(view, &shown);
    let headings = view.headings();
    let mut description = String::from("Speedup over the number of lanes.");
    for &i in &shown {
        description.push_str(&format!(" {}:", headings[i]));
        for cell in
            cells(&view.summary.groups[i]).filter(|c| backends.contains(&labels::series(&c.cell)))
        {
            let speedup = cell.speedup.map_or(0.0, |s| s.value);
            description.push_str(&format!(" {} {speedup:.2};", labels::cell(&cell.cell)));
        }
    }
    let mine = || {
        let cells = shown.iter().flat_map(|i| cells(&view.summary.groups[*i]));
        cells.filter(|c| backends.contains(&labels::series(&c.cell)))
    };
    let caption = vec![
        format!(
            "Each panel: one backend, with 95 % bootstrap intervals, {}; the others faint behind it. All on the same logarithmic axes: speedup over \
             the base of the problem, up, over lanes. Grey: as fast as the base, and the ideal. Lines only guide the eye.",
            repeats(mine())
        ),
        fitting.left_out(),
        view.source(),
    ];
    let lanes = mine().map(|c| f64::from(c.cell.lanes()));
    let lanes = lanes.fold((f64::INFINITY, 1.0), |(a, b): (f64, f64), v| (a.min(v), b.max(v)));
    let speedups = mine().filter_map(|c| c.speedup).map(|s| s.value).filter(|s| *s > 0.0);
    let speedups =
        speedups.fold((1.0, lanes.1.max(2.0)), |(a, b): (f64, f64), v| (a.min(v), b.max(v)));
    let cells = ids(mine());
    Ok(Chart {
        title: title(view),
        caption,
        description,
        from: Provenance::Measured,
        cells,
        head: 0.0,
        heights: vec![HEAD + rows(backends.len()) * CELL + FOOT; shown.len()],
        columns: 1,
        draw: Box::new(move |canvas, sheet| {
            for (i, place) in shown.iter().zip(&sheet.panels) {
                let columns = backends.len().min(across);
                let width = (place.width - SIDE) / columns as f64;
                canvas.text(&headings[*i], (place.x, place.y + 8.0), At::Start, HEADING)?;
                let count = backends.len();
                for (b, backend) in backends.iter().enumerate() {
                    let small = Panel {
                        x: place.x + SIDE + (b % columns) as f64 * width,
                        y: place.y + HEAD + (b / columns) as f64 * CELL,
                        width: width - 10.0,
                        height: CELL - 8.0,
                    };
                    let ends = (b % columns == 0, b + columns >= count);
                    one(
                        canvas,
                        small,
                        &view.summary.groups[*i],
                        (&backends, backend),
                        (lanes, speedups),
                        ends,
                    )?;
                }
                let bottom = place.y + place.height - 8.0;
                canvas.text(
                    "lanes",
                    (place.x + SIDE + (place.width - SIDE) / 2.0, bottom),
                    At::Middle,
                    CAPTION,
                )?;
            }
            Ok(())
        }),
    })
}

/// One small panel; `ends` says whether it is the first of its row and the last of its column.
fn one(
    canvas: &Canvas<'_>,
    panel: Panel,
    group: &Group,
    (all, backend): (&[String], &str),
    (lanes, speedups): ((f64, f64), (f64, f64)),
    ends_of: (bool, bool),
) -> Result<()> {
    let look = style::of_backend(backend);
    let title = style::fitted(backend, CAPTION, panel.width);
    canvas.text(
        &title,
        (panel.x, panel.y + 7.0),
        At::Start,
        style::Font { colour: look.0, ..CAPTION },
    )?;
    let (left, right) = (panel.x, panel.x + panel.width);
    let (top, bottom) = (panel.y + 17.0, panel.y + panel.height - 6.0);
    let x = Axis::log2(lanes, (left + 8.0, right - 8.0));
    let y = Axis::log2((speedups.0 / 1.15, speedups.1 * 1.15), (bottom, top));
    let powers: Vec<f64> = (-12..=12)
        .map(|e| 2f64.powi(e))
        .filter(|p| (speedups.0..=speedups.1).contains(p))
        .collect();
    let wanted: Vec<f64> = [1.0].into_iter().chain(powers.iter().rev().copied()).collect();
    for tick in y.with_room(&wanted, 16.0) {
        canvas.line(&[(left, y.at(tick)), (right, y.at(tick))], RULE, 1.0, 1.0)?;
        if ends_of.0 {
            canvas.text(&fraction(tick), (left - 5.0, y.at(tick)), At::End, CAPTION)?;
        }
    }
    for tick in x.with_room(
        &[lanes.0, lanes.1, 2.0, 4.0, 8.0, 16.0, 32.0].map(|t| t.clamp(lanes.0, lanes.1)),
        18.0,
    ) {
        canvas.line(&[(x.at(tick), top), (x.at(tick), bottom)], RULE, 1.0, 1.0)?;
        if ends_of.1 {
            canvas.text(&number(tick), (x.at(tick), bottom + 9.0), At::Middle, CAPTION)?;
        }
    }
    let base = group.base.as_ref().map_or(1.0, |base| f64::from(base.lanes.max(1)));
    canvas.line(&[(left, y.at(1.0)), (right, y.at(1.0))], GREY, 0.7, 1.0)?;
    let ideal = |lanes: f64| (x.at(lanes), y.at(lanes / base));
    canvas.line(&[ideal(lanes.0.max(base)), ideal(lanes.1)], GREY, 0.7, 1.0)?;
    for other in all.iter().filter(|other| *other != backend) {
        line(canvas, group, other, (&x, &y), true)?;
    }
    line(canvas, group, backend, (&x, &y), false)
}

/// A point's place, and the ends of its interval.
type Place = (f64, f64, Option<(f64, f64)>);

fn line(
    canvas: &Canvas<'_>,
    group: &Group,
    backend: &str,
    (x, y): (&Axis, &Axis),
    faint: bool,
) -> Result<()> {
    let look = style::of_backend(backend);
    let mut points: Vec<Place> = (cells(group))
        .filter(|c| labels::series(&c.cell) == backend)
        .filter_map(|c| Some((f64::from(c.cell.lanes()), c.speedup?)))
        .map(|(lanes, speedup)| {
            (x.at(lanes), y.at(speedup.value), ends(speedup).map(|(a, b)| (y.at(a), y.at(b))))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let once = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let (colour, opacity) = if faint { (GREY, 0.25) } else { (look.0, 0.8) };
    for pair in points.windows(2).filter(|_| once) {
        canvas.line(&[(pair[0].0, pair[0].1), (pair[1].0, pair[1].1)], colour, opacity, 1.5)?;
    }
    for (x, height, interval) in points.iter().filter(|_| !faint) {
        if let Some((low, high)) = interval {
            canvas.line(&[(*x, *low), (*x, *high)], colour, 1.0, 1.5)?;
        }
        canvas.marker((*x, *height), look.1, look.0)?;
    }
    Ok(())
}

/// A power of two: `4`, `1/16`.
fn fraction(value: f64) -> String {
    if value < 1.0 { format!("1/{}", number(1.0 / value)) } else { number(value) }
}

//! POP efficiencies over the number of lanes, one panel an efficiency.

use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale, key, key_height};
use crate::figure::style;
use crate::figure::style::{GREY, PAPER};
use crate::figure::{Chart, Figure, View, ids};
use crate::labels;
use crate::pop::{Explanations, Pop, render};
use crate::summary::Group;
use amdahl_record::Provenance;
use amdahl_record::error::{Error, Result};

/// Efficiencies over lanes.
pub const FIGURE: Figure =
    Figure { name: "pop", about: "POP efficiencies over lanes", applies, compose };

/// A panel: its heading, and the efficiency that it shows.
type Shown = (&'static str, fn(&Pop) -> Option<f64>);

/// What the panels show.
const PANELS: [Shown; 4] = [
    ("load balance", |pop| Some(pop.load_balance)),
    ("communication efficiency", |pop| Some(pop.communication)),
    ("computation scaling", |pop| pop.computation),
    ("global efficiency", |pop| pop.global),
];

/// The group that it is about, with its efficiencies: the main one, where lanes differ.
fn group<'a>(view: &'a View<'_>) -> Option<(&'a Group, &'a Explanations)> {
    let group = &view.summary.groups[view.main_group()?];
    let explained = &view.analysis.group(group).explained;
    let mut known = group.cells.iter().filter(|cell| explained.pop(cell).is_some());
    known.any(|cell| cell.cell.lanes() > 1).then_some((group, explained))
}

fn applies(view: &View<'_>) -> bool {
    group(view).is_some()
}

fn title(view: &View<'_>) -> Result<String> {
    let fallback = "POP efficiencies over lanes".to_string();
    let Some((group, explained)) = group(view) else { return Ok(fallback) };
    let Some(cell) = render::widest(group, explained) else { return Ok(fallback) };
    let Some(pop) = explained.pop(cell) else { return Ok(fallback) };
    let mut parts = vec![("load balance", pop.load_balance), ("communication", pop.communication)];
    parts.extend(pop.computation.map(|computation| ("computation", computation)));
    let least = parts.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    let values: Vec<String> =
        parts.iter().map(|(name, value)| format!("{name} {value:.2}")).collect();
    // What the interval of the speedup does not show to be lost is not blamed on anything.
    let ideal = explained.lost(cell).map(|lost| lost.ideal);
    let shown = cell
        .speedup
        .and_then(|s| s.interval)
        .zip(ideal)
        .is_none_or(|(interval, ideal)| !interval.holds(ideal));
    let lead = match least {
        _ if !shown => "the measurements show no loss".into(),
        Some((name, value)) if value < 0.995 => format!("most is lost to {name}"),
        _ => "next to nothing is lost".into(),
    };
    let scope = view.main_group().map_or(String::new(), |main| view.scope(main));
    Ok(format!("{}: {lead} ({}){scope}", labels::in_words(&cell.cell), values.join(", ")))
}

struct Point {
    lanes: f64,
    value: f64,
    crowded: bool,
}

fn series(
    group: &Group,
    explained: &Explanations,
    of: fn(&Pop) -> Option<f64>,
) -> Vec<(String, Vec<Point>)> {
    let mut series: Vec<(String, Vec<Point>)> = Vec::new();
    for cell in group.cells.iter().filter(|cell| cell.peer.is_none()) {
        let value = explained.pop(cell).and_then(of).filter(|value| value.is_finite());
        let Some(value) = value else { continue };
        let point =
            Point { lanes: f64::from(cell.cell.lanes()), value, crowded: cell.oversubscribed };
        let name = labels::series(&cell.cell);
        match series.last_mut() {
            Some((known, points)) if *known == name => points.push(point),
            _ => series.push((name, vec![point])),
        }
    }
    series
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let (group, explained) =
        group(view).ok_or_else(|| Error::internal("a figure of efficiencies without any"))?;
    let all: Vec<_> =
        PANELS.iter().map(|(name, of)| (*name, series(group, explained, *of))).collect();
    let points = || all.iter().flat_map(|(_, series)| series.iter().flat_map(|(_, points)| points));
    let mut lanes: Vec<f64> = points().map(|p| p.lanes).collect();
    lanes.sort_by(f64::total_cmp);
    lanes.dedup();
    let most = points().map(|p| p.value + 0.06).fold(1.1, f64::max).min(2.0);
    let caption = vec![
        format!(
            "Useful time is {}. Global efficiency is load balance × communication × computation. From timers, of the middle half \
             of the repeats by time, {}. Lines only guide the eye; values above 1 are gains over the base.",
            view.summary.computing_in_words(" and "),
            view.repeats()
        ),
        view.oversubscribed("hollow markers"),
        view.source(),
    ];
    let mut description = String::from("Efficiencies over the number of lanes.");
    for (name, series) in &all {
        description.push_str(&format!(" {name}:"));
        for (backend, points) in series {
            let values: Vec<String> =
                points.iter().map(|p| format!("{:.0} lanes {:.3}", p.lanes, p.value)).collect();
            description.push_str(&format!(" {backend} {};", values.join(", ")));
        }
    }
    let x = Scale::at("lanes (ranks × threads)", &lanes, super::axis::number);
    let ticks: Vec<(f64, String)> = [0.0, 1.0, 0.5, 0.25, 0.75, 1.5, 2.0]
        .iter()
        .filter(|t| **t <= most)
        .map(|t| (*t, super::axis::number(*t)))
        .collect();
    let backends = all.iter().map(|(_, series)| series).max_by_key(|series| series.len());
    let look =
        |name: &String| (name.clone(), style::of_backend(name).0, Some(style::of_backend(name).1));
    let entries: Vec<_> = backends.into_iter().flatten().map(|(name, _)| look(name)).collect();
    Ok(Chart {
        title: title(view)?,
        caption,
        description,
        from: Provenance::Measured,
        cells: ids(group.cells.iter().filter(|c| explained.pop(c).is_some() && c.peer.is_none())),
        head: key_height(medium, entries.iter().map(|(name, ..)| name)),
        heights: vec![230.0; PANELS.len()],
        columns: medium.columns.max(2),
        draw: Box::new(move |canvas, sheet| {
            key(canvas, sheet, &entries)?;
            for ((name, series), panel) in all.iter().zip(&sheet.panels) {
                let y = Scale {
                    name: String::new(),
                    range: (0.0, most),
                    log: false,
                    ticks: ticks.clone(),
                };
                let plot = Plot::new(canvas, *panel, name, &x, &y, 12.0)?;
                canvas.line(
                    &[plot.place((lanes[0], 1.0)), (plot.right, plot.y.at(1.0))],
                    GREY,
                    0.8,
                    1.0,
                )?;
                let shift = |i: usize| (i as f64 - (series.len() as f64 - 1.0) / 2.0) * 5.0;
                for (i, (backend, points)) in series.iter().enumerate() {
                    let (colour, marker) = style::of_backend(backend);
                    let place = |p: &Point| {
                        let (x, y) = plot.place((p.lanes, p.value));
                        (x + shift(i), y)
                    };
                    for pair in points.windows(2).filter(|pair| pair[0].lanes < pair[1].lanes) {
                        canvas.line(&[place(&pair[0]), place(&pair[1])], colour, 0.75, 1.5)?;
                    }
                    for point in points {
                        canvas.marker(place(point), marker, colour)?;
                        if point.crowded {
                            canvas.disc(place(point), 2.4, PAPER, 1.0)?;
                        }
                    }
                }
            }
            Ok(())
        }),
    })
}

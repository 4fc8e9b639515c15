//! Ours and outside programs, ranked by the time of an iteration, with the COST of each.
//!
//! Points on a logarithmic axis, not bars: programs differ by factors of a thousand, and a bar
//! needs a zero to start from.

use crate::analysis::OfGroup;
use crate::cost_metric::Cost;
use crate::figure::canvas::Canvas;
use crate::figure::layout::Panel;
use crate::figure::lines;
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale};
use crate::figure::sizes::iterations;
use crate::figure::style;
use crate::figure::style::{At, CAPTION, Colour, Font, HEADING, INK, LABEL, Marker, RULE};
use crate::figure::{Chart, Figure, View, each_once};
use crate::labels;
use crate::peer_comparison;
use crate::summary::Group;
use amdahl_record::Provenance;
use amdahl_record::cell::CellId;
use amdahl_record::error::Result;
use amdahl_record::units;

/// Programs by the time of an iteration.
pub const FIGURE: Figure = Figure {
    name: "peers",
    about: "Ours beside other programs: time of an iteration, and COST",
    applies,
    compose,
};

/// A program with its times.
struct Row {
    name: String,
    /// Its fastest time over ours, and its COST.
    note: String,
    look: (Colour, Marker),
    ours: bool,
    /// Fewest lanes first.
    times: Vec<Time>,
    /// Why it has no time.
    why: Option<String>,
}

/// Its time on so many lanes, seconds of an iteration.
struct Time {
    cell: CellId,
    lanes: u32,
    seconds: f64,
    interval: Option<(f64, f64)>,
    raw: Vec<f64>,
    n: usize,
}

impl Row {
    fn fastest(&self) -> f64 {
        self.times.iter().map(|time| time.seconds).fold(f64::INFINITY, f64::min)
    }
}

fn applies(view: &View<'_>) -> bool {
    view.summary.groups.iter().any(|group| is_raced(view, group))
}

fn is_raced(view: &View<'_>, group: &Group) -> bool {
    let ranks = &view.analysis.group(group).ranks;
    peer_comparison::heading(ranks).is_some()
        && ranks.iter().any(|rank| !rank.ours && rank.iteration_s.is_some())
}

/// The COST of a backend in a few words.
fn cost(cost: Option<&Cost>) -> String {
    match cost {
        None => String::new(),
        Some(Cost { lanes: Some(lanes), .. }) => format!("COST {lanes}"),
        Some(Cost { measured, .. }) => match measured.last() {
            None => String::new(),
            Some(most) => format!("COST over {most}"),
        },
    }
}

/// The programs of a group, fastest first; those without a time last.
fn rows(view: &View<'_>, group: &Group) -> Vec<Row> {
    let OfGroup { ranks, cost: costs, .. } = view.analysis.group(group);
    let mut rows: Vec<Row> = Vec::new();
    for rank in ranks {
        let Some(cell) = group.cells.iter().find(|cell| cell.id == rank.cell) else { continue };
        let name = labels::series(&cell.cell);
        let row = match rows.iter_mut().position(|row| row.name == name) {
            Some(place) => &mut rows[place],
            None => {
                let (look, times) = (style::of_backend(&name), Vec::new());
                rows.push(Row {
                    name,
                    note: String::new(),
                    look,
                    ours: rank.ours,
                    times,
                    why: None,
                });
                let last = rows.len() - 1;
                &mut rows[last]
            }
        };
        match rank.iteration_s {
            Some(time) if time.value > 0.0 => row.times.push(Time {
                cell: cell.id.clone(),
                lanes: rank.lanes,
                seconds: time.value,
                interval: super::ends(time),
                raw: iterations(cell),
                n: time.n,
            }),
            _ => {
                row.why = rank
                    .why
                    .as_ref()
                    .map(|why| why.split(':').next().unwrap_or(why))
                    .map(|why| labels::one_line(why, 40))
                    .or(row.why.take())
            }
        }
    }
    let ours = rows.iter().filter(|row| row.ours).map(Row::fastest).fold(f64::INFINITY, f64::min);
    for row in &mut rows {
        let over = match row.fastest() {
            seconds if seconds.is_finite() && !row.ours && ours.is_finite() => {
                format!("{} × our best", units::significant(seconds / ours))
            }
            seconds if seconds.is_finite() => units::seconds(seconds),
            _ => row.why.clone().unwrap_or_else(|| "no time".into()),
        };
        let cost = cost(costs.iter().find(|cost| cost.backend == row.name)).to_string();
        row.note =
            if cost.is_empty() || row.times.is_empty() { over } else { format!("{over}, {cost}") };
    }
    rows.sort_by(|a, b| a.fastest().total_cmp(&b.fastest()));
    rows
}

fn title(view: &View<'_>) -> String {
    let raced = |i: &usize| is_raced(view, &view.summary.groups[*i]);
    let index =
        view.main_group().filter(raced).or_else(|| (0..view.summary.groups.len()).find(raced));
    let Some(index) = index else { return "Ours beside other programs".into() };
    let rows = rows(view, &view.summary.groups[index]);
    let scope = view.scope(index);
    let timed = || rows.iter().filter(|row| !row.times.is_empty());
    let (Some(ours), Some(theirs)) = (timed().find(|row| row.ours), timed().find(|row| !row.ours))
    else {
        return format!("No program beside ours has a time{scope}");
    };
    let count = timed().filter(|row| !row.ours).count();
    let others = if count == 1 {
        "the other program".to_string()
    } else {
        format!("{count} other programs")
    };
    // Shown where the intervals do not meet.
    let best = |row: &Row| {
        let fastest = row.times.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds));
        fastest.map_or((0.0, f64::INFINITY), |time| time.interval.unwrap_or((0.0, f64::INFINITY)))
    };
    let ((our_low, our_high), (low, high)) = (best(ours), best(theirs));
    let times = |a: &Row, b: &Row| units::significant(a.fastest() / b.fastest());
    if our_high < low {
        let ratio = times(theirs, ours);
        format!(
            "Ours ({}) is faster than {others}: the next, {}, takes {ratio} times as long{scope}",
            ours.name, theirs.name
        )
    } else if high < our_low {
        format!(
            "{} is faster than ours ({}), which takes {} times as long{scope}",
            theirs.name,
            ours.name,
            times(ours, theirs)
        )
    } else {
        format!("Ours ({}) and {} cannot be told apart{scope}", ours.name, theirs.name)
    }
}

const ROW: f64 = 33.0;

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let groups = &view.summary.groups;
    let tall = |rows: usize| rows as f64 * ROW + 74.0;
    let rows = |i: usize| rows(view, &groups[i]);
    let fitting = view.fitting(medium, |i| is_raced(view, &groups[i]).then(|| tall(rows(i).len())));
    let headings = view.headings();
    let mut panels: Vec<(String, Vec<Row>)> =
        fitting.shown.iter().map(|i| (headings[*i].clone(), rows(*i))).collect();
    let rows = panels.iter_mut().flat_map(|(_, rows)| rows).flat_map(|row| &mut row.times);
    let faint = lines::thin_values(rows.map(|time| &mut time.raw), medium.dots);
    let mut description = String::from("Time of an iteration of each program, fastest first.");
    for (heading, rows) in &panels {
        description.push_str(&format!(" {heading}:"));
        for row in rows {
            let times: Vec<String> = row
                .times
                .iter()
                .map(|time| format!("{} on {} lanes", units::seconds(time.seconds), time.lanes))
                .collect();
            let note = &row.note;
            description.push_str(&format!(" {}, {}, {note};", row.name, times.join(", ")));
        }
    }
    let times = || panels.iter().flat_map(|(_, rows)| rows).flat_map(|row| &row.times);
    let (least, most) =
        times().map(|t| t.n).fold((usize::MAX, 0), |(a, b), n| (a.min(n), b.max(n)));
    let n = if least < most { format!("{least} to {most}") } else { most.to_string() };
    let cells = each_once(times().map(|time| &time.cell));
    let caption = vec![
        format!(
            "Median wall time of an iteration, n = {n}, with 95 % bootstrap intervals; {faint}. Large markers: most lanes that \
             were tried; small ones: fewer. COST: lanes that it takes to beat one thread of ours, serial, for certain; \u{2018}over\u{2019} the number of \
             lanes that were tried, where none did."
        ),
        fitting.left_out(),
        view.source(),
    ];
    let heights = panels.iter().map(|(_, rows)| tall(rows.len())).collect();
    Ok(Chart {
        title: title(view),
        caption,
        description,
        from: Provenance::Measured,
        cells,
        head: 0.0,
        heights,
        columns: 1,
        draw: Box::new(move |canvas, sheet| {
            for ((heading, rows), place) in panels.iter().zip(&sheet.panels) {
                panel(canvas, *place, heading, rows)?;
            }
            Ok(())
        }),
    })
}

fn panel(canvas: &Canvas<'_>, panel: Panel, heading: &str, rows: &[Row]) -> Result<()> {
    let names =
        rows.iter().map(|row| style::width(&row.name, LABEL).max(style::width(&row.note, CAPTION)));
    let side = names.fold(0.0, f64::max).min(panel.width * 0.55) + 12.0;
    let all = || rows.iter().flat_map(|row| &row.times);
    let x = Scale::of_seconds(
        "time of an iteration",
        all().flat_map(|t| t.raw.iter().copied().chain([t.seconds])),
    );
    let y = Scale { name: String::new(), range: (0.0, 1.0), log: false, ticks: Vec::new() };
    let heading = style::wrap(heading, HEADING, panel.width);
    for (i, line) in heading.iter().enumerate() {
        canvas.text(line, (panel.x, panel.y + 8.0 + 16.0 * i as f64), At::Start, HEADING)?;
    }
    let inner = Panel { x: panel.x + side - 14.0, width: panel.width - side + 14.0, ..panel };
    let plot = Plot::below(canvas, inner, (&[], heading.len()), &x, &y, 8.0)?;
    let most = all().map(|time| time.lanes).max().unwrap_or(1);
    for (i, row) in rows.iter().enumerate() {
        let middle = plot.top + (i as f64 + 0.5) * ROW;
        canvas.line(&[(plot.left, middle), (plot.right, middle)], RULE, 1.0, 1.0)?;
        let colour = if row.ours { INK } else { row.look.0 };
        canvas.text(
            &row.name,
            (panel.x, middle - 7.0),
            At::Start,
            Font { bold: row.ours, colour, ..LABEL },
        )?;
        canvas.text(&row.note, (panel.x, middle + 8.0), At::Start, CAPTION)?;
        for time in &row.times {
            let at = |seconds: f64| (plot.x.at(seconds), middle);
            for seconds in &time.raw {
                canvas.disc(at(*seconds), 2.2, row.look.0, 0.28)?;
            }
            if let Some((low, high)) = time.interval {
                canvas.line(&[at(low), at(high)], row.look.0, 1.0, 1.5)?;
                for end in [low, high] {
                    let (x, y) = at(end);
                    canvas.line(&[(x, y - 4.0), (x, y + 4.0)], row.look.0, 1.0, 1.5)?;
                }
            }
        }
        for time in &row.times {
            let place = (plot.x.at(time.seconds), middle);
            match time.lanes == most {
                true => canvas.marker(place, row.look.1, row.look.0)?,
                false => canvas.disc(place, 2.8, row.look.0, 1.0)?,
            }
        }
    }
    Ok(())
}

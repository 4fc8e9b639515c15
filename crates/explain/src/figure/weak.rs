//! Weak scaling: each lane has as many rows as before, so that with more lanes an iteration should
//! take as long as with one.
//!
//! J. Gustafson: "Reevaluating Amdahl's law", CACM 31(5), 1988. The cells come from several
//! problems, which differ in their rows alone.

use crate::figure::axis::number;
use crate::figure::lines;
use crate::figure::lines::{Line, Mark};
use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale};
use crate::figure::siblings;
use crate::figure::sizes::{Size, family, iteration, iterations};
use crate::figure::style;
use crate::figure::style::{CAPTION, GREY, HEADING};
use crate::figure::{Chart, Figure, View, ends, ids, repeats};
use crate::labels;
use crate::show;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::error::{Error, Result};
use amdahl_record::units;
use amdahl_stats::{Bootstrap, Estimate};

/// Time and efficiency over lanes with as many rows each.
pub const FIGURE: Figure =
    Figure { name: "weak", about: "Weak scaling: lanes with as many rows each", applies, compose };

/// Cells with as many rows a lane.
struct Set<'a> {
    rows: f64,
    /// The size of the first of its problems.
    size: Size,
    cells: Vec<(&'a Group, &'a CellSummary)>,
}

impl<'a> Set<'a> {
    /// Different numbers of lanes that each have a CPU.
    fn lanes(&self) -> Vec<u32> {
        let spread =
            self.cells.iter().filter(|(_, cell)| !cell.oversubscribed && cell.time.is_some());
        let mut lanes: Vec<u32> = spread.map(|(_, cell)| cell.cell.lanes()).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    /// The cell that the others are measured by: the base's backend where it is there, and of it
    /// the one with the fewest lanes.
    fn base(&self, name: &str) -> Option<&'a CellSummary> {
        let known = self
            .cells
            .iter()
            .map(|(_, cell)| *cell)
            .filter(|c| c.time.is_some() && c.peer.is_none());
        known.min_by_key(|c| (c.cell.lanes(), c.cell.backend.name() != name, c.oversubscribed))
    }
}

/// The sets with several numbers of lanes, the one with most of them first.
fn sets<'a>(view: &'a View<'_>) -> Vec<Set<'a>> {
    let mut found: std::collections::BTreeMap<(String, Vec<u64>, u64), Set<'a>> =
        Default::default();
    for group in &view.summary.groups {
        let Some(size) = Size::of_group(group) else { continue };
        let Some((n, others)) = size.of.split_first() else { continue };
        let others: Vec<u64> = others.iter().map(|value| *value as u64).collect();
        let family = family(group);
        for cell in group.cells.iter().filter(|c| c.cell.backend.peer().is_none()) {
            let rows = (n / f64::from(cell.cell.lanes().max(1))).round();
            let key = (family.clone(), others.clone(), rows as u64);
            found
                .entry(key)
                .or_insert_with(|| Set { rows, size: size.clone(), cells: Vec::new() })
                .cells
                .push((group, cell));
        }
    }
    let mut sets: Vec<Set<'a>> = found.into_values().filter(|set| set.lanes().len() > 1).collect();
    sets.sort_by_key(|set| {
        std::cmp::Reverse((set.lanes().len(), set.cells.len(), set.rows as u64))
    });
    sets
}

fn applies(view: &View<'_>) -> bool {
    !sets(view).is_empty()
}

fn efficiency(base: &CellSummary, cell: &CellSummary) -> Option<Estimate> {
    if base.id == cell.id {
        return Some(Estimate { value: 1.0, interval: None, n: cell.repeats.len() });
    }
    let comparable = base.key.host == cell.key.host;
    comparable
        .then(|| Bootstrap::default().ratio_of_medians(&iterations(base), &iterations(cell)))
        .flatten()
}

fn title(set: &Set<'_>, base: &CellSummary) -> String {
    let most = set.lanes().last().copied().unwrap_or(1);
    let widest = set
        .cells
        .iter()
        .map(|(_, cell)| *cell)
        .filter(|c| c.cell.lanes() == most && !c.oversubscribed);
    let known = widest.filter_map(|cell| Some((cell, efficiency(base, cell)?)));
    let Some((cell, found)) = known.max_by(|a, b| a.1.value.total_cmp(&b.1.value)) else {
        return "Weak scaling".into();
    };
    let times = f64::from(most) / f64::from(base.cell.lanes().max(1));
    let (who, base) = (labels::in_words(&cell.cell), labels::in_words(&base.cell));
    let work = format!("Weak scaling: {who} do {} times the work of {base}", number(times));
    match found.interval {
        Some(interval) if interval.holds(1.0) => {
            format!("{work} in a time that the measurements do not tell from its own")
        }
        Some(_) => format!("{work} in {:.2} times its time", 1.0 / found.value),
        None => format!(
            "{work} in {:.2} times its time, from too few repeats for an interval",
            1.0 / found.value
        ),
    }
}

/// The sizes that stay the same, after a comma each: columns by their number, others by their symbol.
fn others_in_words(size: &Size) -> String {
    let others: Vec<_> = size.names.iter().zip(&size.of).skip(1).collect();
    let (columns, own): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(name, _)| name.key == "dims");
    let columns =
        columns.iter().map(|(name, value)| format!(", {} {}", units::count(**value), name.many));
    let own =
        own.iter().map(|(name, value)| format!(", {} = {}", name.symbol, units::count(**value)));
    columns.chain(own).collect()
}

/// A series for each backend, of what `of` finds in its cells.
fn series(set: &Set<'_>, of: impl Fn(&CellSummary) -> Option<Mark>) -> Vec<Line> {
    let cells = set.cells.iter().map(|(_, cell)| &cell.cell);
    let mut series: Vec<(usize, String)> =
        cells.map(|cell| (labels::backend_order(&cell.backend), labels::series(cell))).collect();
    series.sort();
    series.dedup();
    let line = |(_, name): &(usize, String)| {
        let mine =
            || set.cells.iter().map(|(_, cell)| *cell).filter(|c| labels::series(&c.cell) == *name);
        let marks: Vec<Mark> = mine().filter_map(&of).collect();
        let gaps = mine().filter(|c| c.time.is_none()).map(|c| f64::from(c.cell.lanes())).collect();
        (!marks.is_empty()).then(|| Line::new(name, style::of_backend(name), marks, gaps))
    };
    series.iter().filter_map(line).collect()
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let all = sets(view);
    let set = all.first().ok_or_else(|| Error::internal("a figure of weak scaling without any"))?;
    let name = view.summary.run.as_ref().map_or("serial", |run| run.base.as_str());
    let base = set.base(name).ok_or_else(|| Error::internal("weak scaling without a base"))?;
    let lanes_of = |cell: &CellSummary| f64::from(cell.cell.lanes());
    let mut times = series(set, |cell| {
        let time = iteration(cell)?;
        let (x, hollow) = (lanes_of(cell), cell.oversubscribed);
        Some(Mark { x, y: time.value, interval: ends(time), raw: iterations(cell), hollow })
    });
    let base_s = iteration(base).map_or(f64::NAN, |time| time.value);
    let mut efficiencies = series(set, |cell| {
        let found = efficiency(base, cell)?;
        let raw = iterations(cell).iter().map(|s| base_s / s).collect();
        Some(Mark {
            x: lanes_of(cell),
            y: found.value,
            interval: ends(found),
            raw,
            hollow: cell.oversubscribed,
        })
    });
    let faint = lines::thin(times.iter_mut().chain(&mut efficiencies), medium.dots);
    let shown = || set.cells.iter().map(|(_, cell)| *cell).filter(|cell| cell.time.is_some());
    let mut description =
        format!("Time of an iteration and efficiency over lanes with {:.0} rows each.", set.rows);
    for (time, efficiency) in times.iter().zip(&efficiencies) {
        for (time, efficiency) in time.marks.iter().zip(&efficiency.marks) {
            let (seconds, e) = (units::seconds(time.y), efficiency.y);
            description.push_str(&format!(
                " {} on {:.0} lanes: {seconds}, efficiency {e:.2};",
                time_name(&times, time),
                time.x
            ));
        }
    }
    let others = match all.len() - 1 {
        0 => String::new(),
        1 => "Cells with another number of rows a lane are left out.".into(),
        n => format!("Cells with {n} other numbers of rows a lane are left out."),
    };
    let caption = vec![
        format!(
            "{} {} a lane{}. Medians, {}, with 95 % bootstrap intervals; {faint}. Efficiency: time of an iteration of {} over \
             the cell's; ideal is 1 on any number of lanes. Lines only guide the eye.",
            units::count(set.rows),
            set.size.names[0].many,
            others_in_words(&set.size),
            repeats(shown()),
            labels::cell(&base.cell),
        ),
        others,
        crowded(shown()),
        siblings::caption(shown()),
        view.source(),
    ];
    // Cells with more lanes than CPUs, which can be slower by orders of magnitude, stand on the
    // edge.
    let fair = |lines: &[Line]| {
        let marks: Vec<Mark> = lines.iter().flat_map(|line| &line.marks).cloned().collect();
        let some = marks.iter().any(|m| !m.hollow);
        marks.into_iter().filter(|m| !m.hollow || !some).collect::<Vec<Mark>>()
    };
    let unit = show::Scale::of(std::iter::once(base_s));
    let most = fair(&times)
        .iter()
        .flat_map(|m| m.values().chain(m.raw.iter().copied()).collect::<Vec<_>>())
        .fold(0.0, f64::max);
    for line in &mut times {
        for mark in &mut line.marks {
            mark.y = unit.value(mark.y);
            mark.interval = mark.interval.map(|(low, high)| (unit.value(low), unit.value(high)));
            mark.raw.iter_mut().for_each(|value| *value = unit.value(*value));
        }
    }
    let lanes = Scale::of_lanes(shown().map(lanes_of), true);
    let time = Scale::from_zero(&format!("time of an iteration, {}", unit.unit), unit.value(most));
    let efficiency = Scale::of_efficiency(
        "efficiency",
        fair(&efficiencies).iter().flat_map(|mark| mark.values().collect::<Vec<_>>()),
    );
    let base_line = format!("ideal: as {}, {}", labels::cell(&base.cell), units::seconds(base_s));
    let ideal = unit.value(base_s);
    let shared = siblings::begin(set.cells.iter().map(|(_, cell)| *cell));
    Ok(Chart {
        title: title(set, base),
        caption,
        description,
        from: Provenance::Measured,
        cells: ids(shown()),
        head: 0.0,
        heights: vec![300.0; 2],
        columns: medium.columns,
        draw: Box::new(move |canvas, sheet| {
            let width = sheet.panels.first().map_or(0.0, |panel| panel.width);
            let room = lines::room(times.iter().map(|line| &line.name), width);
            let panels = [
                ("time of an iteration", &time, &times, ideal),
                ("efficiency", &efficiency, &efficiencies, 1.0),
            ];
            for ((heading, y, lines, ideal), panel) in panels.into_iter().zip(&sheet.panels) {
                let plot = Plot::below(
                    canvas,
                    *panel,
                    (&[(heading, HEADING), (&base_line, CAPTION)], 0),
                    &lanes,
                    y,
                    room,
                )?;
                let height = plot.y.at(ideal);
                canvas.line(&[(plot.left, height), (plot.right, height)], GREY, 0.8, 1.0)?;
                siblings::draw(canvas, &plot, shared)?;
                lines::draw(canvas, &plot, lines)?;
                lines::name(canvas, &plot, lines, Vec::new())?;
            }
            Ok(())
        }),
    })
}

fn time_name<'l>(lines: &'l [Line], mark: &Mark) -> &'l str {
    lines
        .iter()
        .find(|line| line.marks.iter().any(|m| std::ptr::eq(m, mark)))
        .map_or("", |line| &line.name)
}

fn crowded<'c>(cells: impl Iterator<Item = &'c CellSummary>) -> String {
    match cells.filter(|cell| cell.oversubscribed).count() {
        0 => String::new(),
        _ => "Hollow markers: more lanes than CPUs, no scaling to be read there; on the edge where beyond it.".into(),
    }
}

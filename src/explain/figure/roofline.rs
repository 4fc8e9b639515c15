//! The roofline: flop a second over flop a byte, below the measured ceilings of the machine.
//!
//! S. Williams, A. Waterman, D. Patterson, CACM 52(4), 2009. Flop are those of the algorithm (modelled), times and ceilings are measured.
//! Bytes from memory are counted only where a PMU counts them; elsewhere each cell stands at the most flop a byte that there can be, where
//! every value is read once an iteration. The figure says which, and never shows both kinds.

use crate::cell::CellId;
use crate::error::{Error, Result};
use crate::explain::figure::medium::Medium;
use crate::explain::figure::plot::{Plot, Scale, key, key_height};
use crate::explain::figure::style::{self, At, CAPTION, Colour, Font, GREY, INK, PAPER};
use crate::explain::figure::{Chart, Figure, View};
use crate::explain::metric::{self, Entry};
use crate::explain::names;
use crate::explain::summary::CellSummary;
use crate::record::Provenance;
use crate::record::limits::{Level, Limits};
use crate::units::significant;

/// The roofline.
pub const FIGURE: Figure = Figure { name: "roofline", about: "Flop a second over flop a byte", applies, compose };

/// A cell below the roof.
struct Point {
    cell: CellId,
    name: String,
    backend: String,
    lanes: u32,
    k: u32,
    intensity: f64,
    rate: f64,
    of_peak: Option<f64>,
}

/// Does a cell compute on the processor whose roof it is, with a CPU for each lane?
fn is_below(cell: &CellSummary) -> bool {
    let on_processor = cell.peer.is_none() && cell.cell.backend.platform().is_none();
    on_processor && !cell.oversubscribed && !cell.repeats.is_empty()
}

/// The points, and whether their bytes were counted.
fn points(view: &View<'_>) -> (Vec<Point>, bool) {
    let mut all: Vec<(Point, bool)> = Vec::new();
    for group in &view.summary.groups {
        let crate::cell::Workload::KMeans(kmeans) = &group.workload;
        for cell in group.cells.iter().filter(|c| is_below(c)) {
            let entries = metric::of_cell(view.summary, group, cell);
            let of = |name: &str| {
                let assign =
                    |e: &&Entry| e.metric == name && e.phase == "assign" && e.lane.is_none() && e.last_level.is_none();
                entries.iter().find(assign).and_then(|e| e.value).filter(|value| *value > 0.0)
            };
            let (counted, least) = (of("intensity"), of("compulsory intensity"));
            let (Some(intensity), Some(rate)) = (counted.or(least), of("FLOP/s")) else { continue };
            let point = Point {
                cell: cell.id.clone(),
                name: names::cell(&cell.cell),
                backend: cell.cell.backend.name().to_string(),
                lanes: cell.cell.lanes(),
                k: kmeans.k,
                intensity,
                rate: rate * 1e9,
                of_peak: of("of peak"),
            };
            all.push((point, counted.is_some()));
        }
    }
    let counted = !all.is_empty() && all.iter().all(|(_, counted)| *counted);
    // Where only some cells have counted bytes, those stand alone.
    let any = all.iter().any(|(_, counted)| *counted);
    all.retain(|(_, of_point)| *of_point == any);
    (all.into_iter().map(|(point, _)| point).collect(), counted || any)
}

fn limits<'a>(view: &'a View<'_>) -> Option<&'a Limits> {
    view.summary.limits.last()
}

fn applies(view: &View<'_>) -> bool {
    limits(view).is_some_and(|limits| limits.flops(1).is_some()) && !points(view).0.is_empty()
}

fn title(view: &View<'_>) -> Result<String> {
    let (points, counted) = points(view);
    let source = if counted { "bytes counted" } else { "bytes modelled" };
    let best = points.iter().filter_map(|p| Some((p, p.of_peak?))).max_by(|a, b| a.1.total_cmp(&b.1));
    Ok(match best {
        Some((point, share)) => format!(
            "Roofline: at best {:.0} % of the arithmetic peak, {} with k = {} (flop modelled, {source}, time and ceilings measured)",
            100.0 * share,
            point.name,
            point.k
        ),
        None => format!("Roofline (flop modelled, {source}, time and ceilings measured)"),
    })
}

/// Numbers of lanes with a panel: the fewest and the most that have points and ceilings.
fn panels(points: &[Point], limits: &Limits) -> Vec<u32> {
    let lanes = || points.iter().map(|p| p.lanes).filter(|lanes| limits.flops(*lanes).is_some());
    let mut ends: Vec<u32> = lanes().min().into_iter().chain(lanes().max()).collect();
    ends.dedup();
    ends
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let (points, counted) = points(view);
    let limits = limits(view).ok_or_else(|| Error::internal("a roofline without limits"))?;
    let lanes = panels(&points, limits);
    let bytes = match counted {
        true => "Bytes are misses of the last level times its line: prefetches may be missing.",
        false => {
            "Bytes were not counted: each cell stands at the most flop a byte that there can be, every value being read once an iteration."
        }
    };
    let caption = vec![
        format!(
            "Each marker: 2·d flop for each distance evaluated, over the seconds of the assign phase, {}. {bytes} Ceilings: read bandwidth by level \
             and FMA peak as measured with {} on as many lanes.",
            view.repeats(),
            limits.vector
        ),
        view.source(),
    ];
    let mut description = String::from("Flop a second over flop a byte.");
    for point in &points {
        let Point { name, k, rate, intensity, .. } = point;
        description.push_str(&format!(
            " {name}, k = {k}: {} GFLOP/s at {} flop/B;",
            significant(rate / 1e9),
            significant(*intensity)
        ));
    }
    let ridge = |lanes: u32| Some(limits.flops(lanes)? / limits.read(Level::Memory, lanes)?);
    let of_axis = || points.iter().map(|p| p.intensity).chain(lanes.iter().filter_map(|l| ridge(*l)));
    // Room on the left, where the ceilings of the caches are.
    let x_range = (of_axis().fold(f64::INFINITY, f64::min) / 16.0, of_axis().fold(0.0, f64::max) * 2.0);
    let peaks = lanes.iter().filter_map(|l| limits.flops(*l));
    let rates = || points.iter().filter(|p| lanes.contains(&p.lanes)).map(|p| p.rate);
    // Room above the roof for the names of the ceilings.
    let most = peaks.chain(rates()).fold(0.0, f64::max) * 3.0;
    let y_range = (rates().fold(most / 8.0, f64::min) / 2.0 / 1e9, most / 1e9);
    let mut cells: Vec<CellId> = points.iter().filter(|p| lanes.contains(&p.lanes)).map(|p| p.cell.clone()).collect();
    cells.sort();
    cells.dedup();
    let mut entries: Vec<(String, Colour, Option<style::Marker>)> = Vec::new();
    for point in points.iter().filter(|p| lanes.contains(&p.lanes)) {
        let (colour, marker) = style::of_backend(&point.backend);
        if !entries.iter().any(|(name, ..)| *name == point.backend) {
            entries.push((point.backend.clone(), colour, Some(marker)));
        }
    }
    Ok(Chart {
        title: title(view)?,
        caption,
        description,
        // Times and ceilings are measured; that flop are modelled, and bytes where they are, the title says.
        from: Provenance::Measured,
        cells,
        head: key_height(medium, entries.iter().map(|(name, ..)| name)),
        heights: vec![320.0; lanes.len()],
        columns: lanes.len().clamp(1, medium.columns),
        draw: Box::new(move |canvas, sheet| {
            key(canvas, sheet, &entries)?;
            for (panel, &lanes) in sheet.panels.iter().zip(&lanes) {
                let heading = if lanes == 1 { "one lane".to_string() } else { format!("{lanes} lanes together") };
                let x = Scale::powers("flop a byte", x_range, super::axis::number);
                let y = Scale::powers("GFLOP/s", y_range, super::axis::number);
                let plot = Plot::new(canvas, *panel, &heading, &x, &y, 8.0)?;
                let Some(peak) = limits.flops(lanes) else { continue };
                let roof = plot.y.at(peak / 1e9);
                canvas.line(&[(plot.left, roof), (plot.right, roof)], INK, 0.9, 1.5)?;
                let label = format!("FMA peak {} GFLOP/s", significant(peak / 1e9));
                canvas.text(&label, (plot.right - 4.0, roof - 9.0), At::End, CAPTION)?;
                let mut names: Vec<(f64, f64, String, Colour)> = Vec::new();
                for level in Level::ALL {
                    let Some(read) = limits.read(level, lanes) else { continue };
                    // From the left or the lower edge up to the roof.
                    let (least, lowest) = (x.range.0, y.range.0 * 1e9);
                    let from = least.max(lowest / read);
                    let corner = (peak / read).min(x.range.1);
                    if corner <= from {
                        continue;
                    }
                    let ends =
                        [plot.place((from, read * from / 1e9)), plot.place((corner, peak.min(read * corner) / 1e9))];
                    let (colour, thickness) = if level == Level::Memory { (INK, 1.5) } else { (GREY, 1.0) };
                    canvas.line(&ends, colour, 0.8, thickness)?;
                    names.push((
                        ends[1].0,
                        ends[1].1,
                        format!("{} {} GB/s", level.word(), significant(read / 1e9)),
                        colour,
                    ));
                }
                // Above the roof, each over its corner as far as there is room.
                for (i, (at_x, at_y, word, colour)) in names.iter().rev().enumerate() {
                    let height = roof - 24.0 - 14.0 * i as f64;
                    canvas.line(&[(*at_x, *at_y), (*at_x, height + 7.0)], *colour, 0.4, 0.75)?;
                    let size = style::width(word, CAPTION);
                    let start = at_x.min(plot.right - size);
                    canvas.bar((start, height - 7.0), (size, 13.0), PAPER)?;
                    canvas.text(word, (start, height), At::Start, Font { colour: *colour, ..CAPTION })?;
                }
                for point in points.iter().filter(|p| p.lanes == lanes) {
                    let (colour, marker) = style::of_backend(&point.backend);
                    canvas.marker(plot.place((point.intensity, point.rate / 1e9)), marker, colour)?;
                }
            }
            Ok(())
        }),
    })
}

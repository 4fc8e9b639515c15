//! The roofline: flop a second over flop a byte, below the measured ceilings of the machine.
//!
//! S. Williams, A. Waterman, D. Patterson, CACM 52(4), 2009. Flop are those of the algorithm
//! (modelled), times and ceilings are measured. Bytes from memory are counted only where a PMU
//! counts them; elsewhere each cell stands at the most flop a byte that there can be, where every
//! value is read once an iteration. The figure says which, and never shows both kinds.
//!
//! Accelerators have panels of their own, below what their makers publish; those that the list does
//! not know have none.

use crate::figure::medium::Medium;
use crate::figure::plot::{Plot, Scale, key, key_height};
use crate::figure::style;
use crate::figure::style::{At, CAPTION, Colour, Font, GREY, INK, PAPER};
use crate::figure::{Chart, Figure, View, each_once};
use crate::labels;
use crate::metric;
use crate::metric::Entry;
use crate::metric::scope::Span;
use crate::summary::{CellSummary, Group};
use amdahl_record::Provenance;
use amdahl_record::accelerators;
use amdahl_record::cell::{CellId, WorkloadSpec};
use amdahl_record::error::Result;
use amdahl_record::limits::{Level, Limits};
use amdahl_record::units::significant;
use amdahl_workload::Operation;

/// The roofline.
pub const FIGURE: Figure =
    Figure { name: "roofline", about: "Flop a second over flop a byte", applies, compose };

/// A cell below its roof.
#[derive(Clone)]
struct Point {
    cell: CellId,
    name: String,
    backend: String,
    size: String,
    intensity: f64,
    rate: f64,
    of_peak: Option<f64>,
    /// Were its bytes from memory counted?
    counted: bool,
    roof: Whose,
}

/// Whose limits a roof is made of.
#[derive(Clone, Debug, PartialEq)]
enum Whose {
    /// So many lanes of the machine's processors, measured.
    Processors(u32),
    /// So many cores of an accelerator, in this arithmetic; published.
    Chip { name: String, lanes: u32, precision: String },
}

impl Whose {
    fn lanes(&self) -> u32 {
        match self {
            Whose::Processors(lanes) | Whose::Chip { lanes, .. } => *lanes,
        }
    }

    /// The same but for the number of lanes?
    fn is_like(&self, other: &Whose) -> bool {
        match (self, other) {
            (Whose::Processors(_), Whose::Processors(_)) => true,
            (
                Whose::Chip { name: a, precision: p, .. },
                Whose::Chip { name: b, precision: q, .. },
            ) => a == b && p == q,
            _ => false,
        }
    }

    /// `cores`: those that each of the accelerators has.
    fn heading(&self, cores: u32) -> String {
        let (many, of) = match (self.lanes(), cores) {
            (1, 1) => ("one".to_string(), ""),
            (1, _) => ("one".to_string(), " core of"),
            (lanes, 1) => (lanes.to_string(), ""),
            (lanes, _) => (lanes.to_string(), " cores of"),
        };
        match self {
            Whose::Processors(1) => "one lane".into(),
            Whose::Processors(_) => format!("{many} lanes together"),
            Whose::Chip { name, precision, .. } => {
                format!("{many}{of} {name}, {precision}, published")
            }
        }
    }
}

/// A panel: a roof, and the cells below it.
struct Below {
    heading: String,
    roof: Whose,
    /// flop/s.
    peak: f64,
    /// Where from, and byte/s: inner ones first, memory last.
    reads: Vec<(&'static str, f64)>,
    points: Vec<Point>,
}

/// The point of a cell; `None` where it has no roof, or no time.
fn point(view: &View<'_>, group: &Group, cell: &CellSummary) -> Option<Point> {
    if cell.peer.is_some() || cell.repeats.is_empty() || cell.oversubscribed {
        return None;
    }
    let lanes = cell.cell.lanes();
    let offloaded = cell.cell.backend.platform().is_some();
    let phase = metric::operates(&cell.cell.workload, offloaded);
    let span = phase.map_or(Span::Computing, Span::Phase).word();
    let roof = if offloaded {
        let precision = labels::parameter(&cell.cell, "precision").unwrap_or_default();
        Whose::Chip { name: cell.floor.as_ref()?.chip.clone()?, lanes, precision }
    } else {
        Whose::Processors(lanes)
    };
    // Without a roof there is nothing to draw, and the metrics of many cells take their time.
    ceilings(view, &roof)?;
    let entries = metric::of_cell(view.summary, group, cell);
    let of = |name: &str| {
        let mine = |e: &&Entry| {
            e.metric == name && e.phase == span && e.lane.is_none() && e.last_level.is_none()
        };
        entries.iter().find(mine).and_then(|e| e.value).filter(|value| *value > 0.0)
    };
    // What a processor's caches miss is nothing that an accelerator reads.
    let counted = of("intensity").filter(|_| matches!(roof, Whose::Processors(_)));
    Some(Point {
        cell: cell.id.clone(),
        name: labels::cell(&cell.cell),
        backend: cell.cell.backend.name().to_string(),
        size: labels::own_size(&group.workload),
        intensity: counted.or(of("compulsory intensity"))?,
        rate: of("FLOP/s")? * 1e9,
        of_peak: of("of peak"),
        counted: counted.is_some(),
        roof,
    })
}

/// What flop are counted, and over which seconds, for each workload: `2·d flop for each distance
/// evaluated, over the seconds of the assign phase`.
fn flop_in_words(workloads: &[&WorkloadSpec]) -> String {
    let words = |spec: &&WorkloadSpec| {
        let workload = amdahl_workloads::of(spec);
        match (workload.operation(), metric::operates(spec, false)) {
            (Some(Operation { flop, one, .. }), Some(phase)) => format!(
                "{flop} flop for each {one} evaluated, over the seconds of the {} phase",
                phase.word()
            ),
            _ => format!(
                "{} flop an iteration, over the seconds of computing",
                workload.formulas().map_or("the model's", |formulas| formulas.flop)
            ),
        }
    };
    workloads.iter().map(words).collect::<Vec<_>>().join("; or ")
}

/// Which bytes count where none were counted.
fn bytes_in_words(workloads: &[&WorkloadSpec]) -> String {
    let counted = workloads.iter().filter_map(|spec| amdahl_workloads::of(spec).formulas());
    counted.map(|formulas| formulas.counted).collect::<Vec<_>>().join("; or ")
}

/// The workloads of a view, one of each kind.
fn workloads<'a>(view: &'a View<'_>) -> Vec<&'a WorkloadSpec> {
    let mut found: Vec<&WorkloadSpec> = Vec::new();
    for group in &view.summary.groups {
        if !found.iter().any(|known| known.kind == group.workload.kind) {
            found.push(&group.workload);
        }
    }
    found
}

/// The points of all cells, and whether their bytes were counted. Where only some of the
/// processors' cells have counted bytes, those stand without the others.
fn points(view: &View<'_>) -> (Vec<Point>, bool) {
    let cells = view
        .summary
        .groups
        .iter()
        .flat_map(|group| group.cells.iter().map(move |cell| (group, cell)));
    let mut all: Vec<Point> = cells.filter_map(|(group, cell)| point(view, group, cell)).collect();
    let counted = all.iter().any(|point| point.counted);
    all.retain(|point| point.counted == counted || matches!(point.roof, Whose::Chip { .. }));
    (all, counted)
}

fn limits<'a>(view: &'a View<'_>) -> Option<&'a Limits> {
    view.summary.limits.last()
}

/// The roof, with nothing below it; `None` where its figures are not known.
fn ceilings(view: &View<'_>, roof: &Whose) -> Option<Below> {
    let (cores, peak, reads) = match roof {
        Whose::Processors(lanes) => {
            let limits = limits(view)?;
            let read = |level: Level| Some((level.word(), limits.read(level, *lanes)?));
            (1, limits.flops(*lanes)?, Level::ALL.into_iter().filter_map(read).collect())
        }
        Whose::Chip { name, lanes, precision } => {
            let chip = accelerators::chips().ok()?.iter().find(|chip| chip.name == *name)?;
            let (lanes, bf16) = (f64::from(*lanes), precision == "bf16");
            (
                chip.cores,
                lanes * chip.flops_of_a_core(bf16),
                vec![("memory", lanes * chip.bandwidth_of_a_core())],
            )
        }
    };
    Some(Below {
        heading: roof.heading(cores),
        roof: roof.clone(),
        peak,
        reads,
        points: Vec::new(),
    })
}

/// The panels: of processors, and of each accelerator and arithmetic, the fewest and the most lanes
/// that have points and a roof.
fn panels(view: &View<'_>, points: &[Point]) -> Vec<Below> {
    let mut roofs: Vec<&Whose> = points.iter().map(|point| &point.roof).collect();
    // Processors first, then by accelerator; of each by lanes.
    roofs.sort_by_key(|roof| match roof {
        Whose::Processors(lanes) => (None, *lanes),
        Whose::Chip { name, lanes, precision } => (Some((name, precision)), *lanes),
    });
    roofs.dedup();
    let panels: Vec<Below> = roofs.into_iter().filter_map(|roof| ceilings(view, roof)).collect();
    let is_end = |panel: &Below| {
        let like = || {
            panels
                .iter()
                .filter(|other| other.roof.is_like(&panel.roof))
                .map(|other| other.roof.lanes())
        };
        let lanes = Some(panel.roof.lanes());
        lanes == like().min() || lanes == like().max()
    };
    let ends: Vec<bool> = panels.iter().map(is_end).collect();
    let kept = panels.into_iter().zip(ends).filter(|(_, is_end)| *is_end);
    kept.map(|(panel, _)| {
        let mine = points.iter().filter(|point| point.roof == panel.roof).cloned().collect();
        Below { points: mine, ..panel }
    })
    .collect()
}

/// As many panels as the medium has room for, those with most lanes, and how many there were.
fn fitting(mut panels: Vec<Below>, medium: &Medium) -> (Vec<Below>, usize) {
    let of = panels.len();
    while panels.len() > medium.panels {
        let fewest = panels
            .iter()
            .enumerate()
            .min_by_key(|(_, panel)| panel.roof.lanes())
            .map_or(0, |(at, _)| at);
        panels.remove(fewest);
    }
    (panels, of)
}

fn applies(view: &View<'_>) -> bool {
    !panels(view, &points(view).0).is_empty()
}

fn title(points: &[Point], counted: bool) -> String {
    let source = if counted { "bytes counted" } else { "bytes modelled" };
    let best =
        points.iter().filter_map(|p| Some((p, p.of_peak?))).max_by(|a, b| a.1.total_cmp(&b.1));
    match best {
        Some((point, share)) => format!(
            "Roofline: at best {:.0} % of the arithmetic peak, {} with {} (flop modelled, {source}, time {})",
            100.0 * share,
            point.name,
            point.size,
            if matches!(point.roof, Whose::Chip { .. }) {
                "measured, peak published"
            } else {
                "and ceilings measured"
            },
        ),
        None => format!("Roofline (flop modelled, {source}, time measured)"),
    }
}

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let (points, counted) = points(view);
    let (panels, of) = fitting(panels(view, &points), medium);
    let drawn = || panels.iter().flat_map(|panel| &panel.points);
    let bytes = match counted {
        true => "Bytes are misses of the last level times its line: prefetches may be missing."
            .to_string(),
        false => format!(
            "Bytes were not counted: each cell stands at the most flop a byte that there can be, {}.",
            bytes_in_words(&workloads(view))
        ),
    };
    let mut caption = vec![format!(
        "Each marker: {}, {}. {bytes}",
        flop_in_words(&workloads(view)),
        view.repeats()
    )];
    if let (Some(limits), true) =
        (limits(view), drawn().any(|point| matches!(point.roof, Whose::Processors(_))))
    {
        caption[0].push_str(&format!(
            " Ceilings: read bandwidth by level and FMA peak as measured with {} on as many lanes.",
            limits.vector
        ));
    }
    if drawn().any(|point| matches!(point.roof, Whose::Chip { .. })) {
        caption[0].push_str(
            " Of accelerators: the seconds of the execute phase, below what their makers publish, a core's part for each lane; nothing of that roof was \
             measured.",
        );
    }
    if panels.len() < of {
        caption.push(format!("{} of {of} roofs are shown.", panels.len()));
    }
    caption.push(view.source());
    let mut description = String::from("Flop a second over flop a byte.");
    for point in &points {
        let Point { name, size, rate, intensity, .. } = point;
        description.push_str(&format!(
            " {name}, {size}: {} GFLOP/s at {} flop/B;",
            significant(rate / 1e9),
            significant(*intensity)
        ));
    }
    let ridge = |panel: &Below| Some(panel.peak / panel.reads.last()?.1);
    let of_axis = || drawn().map(|p| p.intensity).chain(panels.iter().filter_map(ridge));
    // Room on the left, where the ceilings of the caches are.
    let x_range =
        (of_axis().fold(f64::INFINITY, f64::min) / 16.0, of_axis().fold(0.0, f64::max) * 2.0);
    // What is of one kind has one scale.
    let y_ranges: Vec<(f64, f64)> = (panels.iter())
        .map(|panel| {
            let like = || panels.iter().filter(|other| other.roof.is_like(&panel.roof));
            let rates = || like().flat_map(|panel| &panel.points).map(|p| p.rate);
            // Room above the roof for the names of the ceilings.
            let most = like().map(|panel| panel.peak).chain(rates()).fold(0.0, f64::max) * 3.0;
            (rates().fold(most / 8.0, f64::min) / 2.0, most)
        })
        .collect();
    let cells = each_once(drawn().map(|p| &p.cell));
    let mut entries: Vec<(String, Colour, Option<style::Marker>)> = Vec::new();
    for point in drawn() {
        let (colour, marker) = style::of_backend(&point.backend);
        if !entries.iter().any(|(name, ..)| *name == point.backend) {
            entries.push((point.backend.clone(), colour, Some(marker)));
        }
    }
    Ok(Chart {
        title: title(&points, counted),
        caption,
        description,
        // Times are measured, and ceilings of processors; that flop are modelled, and bytes where
        // they are, the title says.
        from: Provenance::Measured,
        cells,
        head: key_height(medium, entries.iter().map(|(name, ..)| name)),
        heights: vec![320.0; panels.len()],
        columns: panels.len().clamp(1, medium.columns),
        draw: Box::new(move |canvas, sheet| {
            key(canvas, sheet, &entries)?;
            for ((place, panel), y_range) in sheet.panels.iter().zip(&panels).zip(&y_ranges) {
                let x = Scale::powers("flop a byte", x_range, super::axis::number);
                let (unit, one) =
                    if y_range.1 < 1e13 { ("GFLOP/s", 1e9) } else { ("TFLOP/s", 1e12) };
                let y =
                    Scale::powers(unit, (y_range.0 / one, y_range.1 / one), super::axis::number);
                let plot = Plot::new(canvas, *place, &panel.heading, &x, &y, 8.0)?;
                let peak = panel.peak;
                let roof = plot.y.at(peak / one);
                canvas.line(&[(plot.left, roof), (plot.right, roof)], INK, 0.9, 1.5)?;
                let label = format!("FMA peak {} {unit}", significant(peak / one));
                canvas.text(&label, (plot.right - 4.0, roof - 9.0), At::End, CAPTION)?;
                let mut names: Vec<(f64, f64, String, Colour)> = Vec::new();
                for (level, read) in &panel.reads {
                    // From the left or the lower edge up to the roof.
                    let (least, lowest) = (x.range.0, y.range.0 * one);
                    let from = least.max(lowest / read);
                    let corner = (peak / read).min(x.range.1);
                    if corner <= from {
                        continue;
                    }
                    let ends = [
                        plot.place((from, read * from / one)),
                        plot.place((corner, peak.min(read * corner) / one)),
                    ];
                    let (colour, thickness) =
                        if *level == Level::Memory.word() { (INK, 1.5) } else { (GREY, 1.0) };
                    canvas.line(&ends, colour, 0.8, thickness)?;
                    names.push((
                        ends[1].0,
                        ends[1].1,
                        format!("{level} {} GB/s", significant(read / 1e9)),
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
                    canvas.text(
                        word,
                        (start, height),
                        At::Start,
                        Font { colour: *colour, ..CAPTION },
                    )?;
                }
                for point in &panel.points {
                    let (colour, marker) = style::of_backend(&point.backend);
                    canvas.marker(
                        plot.place((point.intensity, point.rate / one)),
                        marker,
                        colour,
                    )?;
                }
            }
            Ok(())
        }),
    })
}

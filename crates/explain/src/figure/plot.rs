//! A panel with two axes: heading, grid, ticks and the names of the axes.

use crate::figure::axis;
use crate::figure::axis::Axis;
use crate::figure::canvas::Canvas;
use crate::figure::layout::{MARGIN, Panel, Sheet};
use crate::figure::medium::Medium;
use crate::figure::style;
use crate::figure::style::{At, Colour, Font, HEADING, LABEL, Marker, RULE};
use crate::show;
use amdahl_record::error::Result;

/// How one axis runs.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Its name with the unit.
    pub name: String,
    /// From the least to the greatest value.
    pub range: (f64, f64),
    /// Doubling is always the same distance?
    pub log: bool,
    /// Ticks with what stands at them, the ones that matter most first.
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// An axis whose ticks are powers of two, or of ten where they span more than that; `show`
    /// writes them.
    pub fn powers(name: &str, (least, most): (f64, f64), show: fn(f64) -> String) -> Scale {
        let sane = |value: f64| if value.is_finite() { value.clamp(1e-12, 1e18) } else { 1.0 };
        let (least, most) = (sane(least), sane(most));
        let step: f64 = if most / least > 2f64.powi(12) { 10.0 } else { 2.0 };
        let power = |value: f64| value.log(step);
        let (from, to) = (power(least).floor() as i32, power(most).ceil() as i32);
        let to = if to > from { to } else { from + 1 };
        let ticks = (from..=to).map(|e| step.powi(e)).map(|tick| (tick, show(tick))).collect();
        Scale { name: name.into(), range: (step.powi(from), step.powi(to)), log: true, ticks }
    }

    /// An axis of seconds on which doubling is always the same distance, a little wider than the
    /// values.
    pub fn of_seconds(name: &str, values: impl Iterator<Item = f64>) -> Scale {
        let (least, most) = values
            .filter(|v| v.is_finite() && *v > 0.0)
            .fold((f64::INFINITY, 0f64), |(least, most), v| (least.min(v), most.max(v)));
        let (least, most) = if most > 0.0 { (least, most) } else { (1.0, 1.0) };
        // One value or almost one stands in the middle of a factor of two.
        let (least, most) = if most < least * 1.5 {
            (least / 1.3, most * 1.3)
        } else {
            (least / 1.12, most * 1.12)
        };
        let unit = show::Scale::of(std::iter::once((least * most).sqrt()));
        let factor = unit.value(1.0);
        let ticks = axis::log_ticks(least * factor, most * factor);
        let ticks = ticks.into_iter().map(|tick| (tick / factor, axis::precise(tick))).collect();
        Scale { name: format!("{name}, {}", unit.unit), range: (least, most), log: true, ticks }
    }

    /// A linear axis from 0 up to at least `most`.
    pub fn from_zero(name: &str, most: f64) -> Scale {
        let ticks = axis::round_ticks(most, 5);
        let end = ticks.last().copied().filter(|end| *end > 0.0).unwrap_or(1.0);
        let ticks = ticks.into_iter().map(|tick| (tick, axis::precise(tick))).collect();
        Scale { name: name.into(), range: (0.0, end), log: false, ticks }
    }

    /// An axis of efficiencies: from 0 to 1.1, or up to 1.5 where some or their intervals are
    /// larger.
    pub fn of_efficiency(name: &str, values: impl Iterator<Item = f64>) -> Scale {
        let most = values.filter(|v| v.is_finite()).map(|v| v + 0.03).fold(1.1, f64::max).min(1.5);
        let ticks = [0.0, 1.0, 0.5, 0.25, 0.75, 1.25, 1.5].into_iter().filter(|tick| *tick <= most);
        Scale {
            name: name.into(),
            range: (0.0, most),
            log: false,
            ticks: ticks.map(|t| (t, axis::number(t))).collect(),
        }
    }

    /// An axis of numbers of lanes, with ticks at those that were measured; `named`: with room on
    /// the left for a name.
    pub fn of_lanes(lanes: impl Iterator<Item = f64>, named: bool) -> Scale {
        let mut lanes: Vec<f64> = lanes.collect();
        lanes.sort_by(f64::total_cmp);
        lanes.dedup();
        // Wanted first: powers of two.
        lanes.sort_by_key(|lanes| lanes.log2().fract() != 0.0);
        let mut scale = Scale::at("lanes (ranks × threads)", &lanes, axis::number);
        let (least, most) = scale.range;
        if named && least > 0.0 && most.is_finite() {
            scale.range.0 = least / if most > least { (most / least).powf(0.17) } else { 1.6 };
        }
        scale
    }

    /// An axis with ticks at these values alone.
    pub fn at(name: &str, values: &[f64], show: fn(f64) -> String) -> Scale {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        let ends = values.iter().copied().filter(|v| *v == least || *v == most);
        let others = values.iter().copied().filter(|v| *v != least && *v != most);
        let ticks = ends.chain(others).map(|tick| (tick, show(tick))).collect();
        Scale { name: name.into(), range: (least, most), log: true, ticks }
    }
}

/// A panel's axes in place.
pub struct Plot {
    /// From left to right.
    pub x: Axis,
    /// From the bottom to the top.
    pub y: Axis,
    /// Left edge of the plotting area, CSS pixels.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Upper edge.
    pub top: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Room on the right of it, up to the edge of the panel.
    pub room: f64,
}

impl Plot {
    /// Draws heading and axes of a panel, with `room` on the right for labels.
    pub fn new(
        canvas: &Canvas<'_>,
        panel: Panel,
        heading: &str,
        x: &Scale,
        y: &Scale,
        room: f64,
    ) -> Result<Plot> {
        Plot::below(canvas, panel, (&[(heading, HEADING)], 1), x, y, room)
    }

    /// The same below several texts, each in its font, that take at least so many lines: panels
    /// side by side begin at the same height.
    pub fn below(
        canvas: &Canvas<'_>,
        panel: Panel,
        (texts, least): (&[(&str, Font)], usize),
        x: &Scale,
        y: &Scale,
        room: f64,
    ) -> Result<Plot> {
        let mut top = panel.y + 8.0;
        for (text, font) in texts {
            for line in style::wrap(text, *font, panel.width) {
                canvas.text(&line, (panel.x, top), At::Start, *font)?;
                top += TEXT_LINE;
            }
        }
        let top = top.max(panel.y + 8.0 + TEXT_LINE * least as f64);
        let widest = y.ticks.iter().map(|(_, text)| style::width(text, LABEL)).fold(0.0, f64::max);
        let side = if y.name.is_empty() { 14.0 } else { 30.0 };
        let (left, right) = (panel.x + widest + side, panel.x + panel.width - room);
        let (top, bottom) = (top + 6.0, panel.y + panel.height - 40.0);
        let place = |scale: &Scale, from: f64, to: f64| match scale.log {
            true => Axis::log2(scale.range, (from, to)),
            false => Axis::linear(scale.range, (from, to)),
        };
        let (across, up) = (place(x, left + 8.0, right - 8.0), place(y, bottom, top));
        let plot = Plot { x: across, y: up, left, right, top, bottom, room };
        let text_of = |scale: &Scale, at: f64| {
            scale
                .ticks
                .iter()
                .find(|(tick, _)| *tick == at)
                .map_or(String::new(), |(_, text)| text.clone())
        };
        let values =
            |scale: &Scale| scale.ticks.iter().map(|(tick, _)| *tick).collect::<Vec<f64>>();
        let gap =
            x.ticks.iter().map(|(_, text)| style::width(text, LABEL)).fold(0.0, f64::max) + 8.0;
        for tick in plot.x.with_room(&values(x), gap) {
            canvas.line(
                &[(plot.x.at(tick), top), (plot.x.at(tick), bottom + 4.0)],
                RULE,
                1.0,
                1.0,
            )?;
            canvas.text(&text_of(x, tick), (plot.x.at(tick), bottom + 14.0), At::Middle, LABEL)?;
        }
        for tick in plot.y.with_room(&values(y), 18.0) {
            canvas.line(
                &[(left - 4.0, plot.y.at(tick)), (right, plot.y.at(tick))],
                RULE,
                1.0,
                1.0,
            )?;
            canvas.text(&text_of(y, tick), (left - 8.0, plot.y.at(tick)), At::End, LABEL)?;
        }
        canvas.text(&x.name, ((left + right) / 2.0, bottom + 31.0), At::Middle, LABEL)?;
        if !y.name.is_empty() {
            canvas.text_upwards(&y.name, (panel.x + 8.0, (top + bottom) / 2.0), LABEL)?;
        }
        Ok(plot)
    }

    /// Where a point is, kept within the panel.
    pub fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x.at(x).clamp(self.left, self.right), self.y.at(y).clamp(self.top, self.bottom))
    }

    /// An upright line at a value with a word at its top.
    pub fn upright(&self, canvas: &Canvas<'_>, at: f64, word: &str, colour: Colour) -> Result<()> {
        let x = self.x.at(at);
        if x < self.left || x > self.right {
            return Ok(());
        }
        canvas.line(&[(x, self.top), (x, self.bottom)], colour, 0.8, 1.0)?;
        let font = Font { colour, ..style::CAPTION };
        // On the left of the line where there is no room on its right.
        match x + 4.0 + style::width(word, font) > self.right {
            true => canvas.text(word, (x - 4.0, self.top + 6.0), At::End, font),
            false => canvas.text(word, (x + 4.0, self.top + 6.0), At::Start, font),
        }
    }
}

/// Height of a line of text above a plot.
const TEXT_LINE: f64 = 16.0;

/// Lines that the heading of a panel takes where so many stand side by side on a sheet for this
/// medium.
pub fn heading_lines(heading: &str, medium: &Medium, columns: usize) -> usize {
    style::wrap(heading, HEADING, Sheet::panel_width(medium, columns)).len()
}

/// Rows that key entries fill: each entry is its word, and whether it begins a new row.
fn rows(words: &[String], room: f64) -> (Vec<(f64, usize)>, usize) {
    let (mut x, mut row) = (0.0, 0);
    let mut places = Vec::new();
    for word in words {
        let size = 19.0 + style::width(word, LABEL);
        if x > 0.0 && x + size > room {
            (x, row) = (0.0, row + 1);
        }
        places.push((x, row));
        x += size + 18.0;
    }
    (places, row + 1)
}

const KEY_ROW: f64 = 17.0;

/// Room that a key needs between title and panels on a sheet for this medium, CSS pixels.
pub fn key_height<W: AsRef<str>>(medium: &Medium, words: impl Iterator<Item = W>) -> f64 {
    let words: Vec<String> = words.map(|word| word.as_ref().to_string()).collect();
    7.0 + KEY_ROW * rows(&words, medium.width - 2.0 * MARGIN).1 as f64
}

/// Draws a key below the title: a coloured word each, in as many rows as they need
/// ([`key_height`]). Words come with the form of their points, where they have one.
pub fn key(
    canvas: &Canvas<'_>,
    sheet: &Sheet,
    entries: &[(String, Colour, Option<Marker>)],
) -> Result<()> {
    let words: Vec<String> = entries.iter().map(|(word, ..)| word.clone()).collect();
    let (places, _) = rows(&words, sheet.width - 2.0 * MARGIN);
    for ((word, colour, marker), (x, row)) in entries.iter().zip(places) {
        let (x, y) = (MARGIN + x, sheet.head() + 9.0 + KEY_ROW * row as f64);
        match marker {
            Some(marker) => canvas.marker((x + 7.0, y), *marker, *colour)?,
            None => canvas.bar((x, y - 5.0), (13.0, 10.0), *colour)?,
        }
        canvas.text(word, (x + 19.0, y), At::Start, LABEL)?;
    }
    Ok(())
}

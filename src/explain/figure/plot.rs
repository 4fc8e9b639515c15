//! A panel with two axes: heading, grid, ticks and the names of the axes.

use crate::error::Result;
use crate::explain::figure::axis::Axis;
use crate::explain::figure::layout::Panel;
use crate::explain::figure::style::{self, At, Canvas, Colour, Font, HEADING, LABEL, RULE};

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
    /// An axis whose ticks are powers of two, or of ten where they span more than that; `show` writes them.
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
}

impl Plot {
    /// Draws heading and axes of a panel, with `room` on the right for labels.
    pub fn new(canvas: &Canvas<'_>, panel: Panel, heading: &str, x: &Scale, y: &Scale, room: f64) -> Result<Plot> {
        let mut top = panel.y + 8.0;
        for line in style::wrap(heading, HEADING, panel.width) {
            canvas.text(&line, (panel.x, top), At::Start, HEADING)?;
            top += 16.0;
        }
        let widest = y.ticks.iter().map(|(_, text)| style::width(text, LABEL)).fold(0.0, f64::max);
        let (left, right) = (panel.x + widest + 30.0, panel.x + panel.width - room);
        let (top, bottom) = (top + 6.0, panel.y + panel.height - 40.0);
        let place = |scale: &Scale, from: f64, to: f64| match scale.log {
            true => Axis::log2(scale.range, (from, to)),
            false => Axis::linear(scale.range, (from, to)),
        };
        let plot = Plot { x: place(x, left + 8.0, right - 8.0), y: place(y, bottom, top), left, right, top, bottom };
        let text_of = |scale: &Scale, at: f64| {
            scale.ticks.iter().find(|(tick, _)| *tick == at).map_or(String::new(), |(_, text)| text.clone())
        };
        let values = |scale: &Scale| scale.ticks.iter().map(|(tick, _)| *tick).collect::<Vec<f64>>();
        let gap = x.ticks.iter().map(|(_, text)| style::width(text, LABEL)).fold(0.0, f64::max) + 8.0;
        for tick in plot.x.with_room(&values(x), gap) {
            canvas.line(&[(plot.x.at(tick), top), (plot.x.at(tick), bottom + 4.0)], RULE, 1.0, 1.0)?;
            canvas.text(&text_of(x, tick), (plot.x.at(tick), bottom + 14.0), At::Middle, LABEL)?;
        }
        for tick in plot.y.with_room(&values(y), 18.0) {
            canvas.line(&[(left - 4.0, plot.y.at(tick)), (right, plot.y.at(tick))], RULE, 1.0, 1.0)?;
            canvas.text(&text_of(y, tick), (left - 8.0, plot.y.at(tick)), At::End, LABEL)?;
        }
        canvas.text(&x.name, ((left + right) / 2.0, bottom + 31.0), At::Middle, LABEL)?;
        canvas.text_upwards(&y.name, (panel.x + 8.0, (top + bottom) / 2.0), LABEL)?;
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

/// Key entries in a row: a coloured word each, from the left.
pub fn key(canvas: &Canvas<'_>, (mut x, y): (f64, f64), entries: &[(String, Colour)]) -> Result<()> {
    for (word, colour) in entries {
        canvas.bar((x, y - 2.0), (14.0, 4.0), *colour)?;
        canvas.text(word, (x + 19.0, y), At::Start, LABEL)?;
        x += 19.0 + style::width(word, LABEL) + 20.0;
    }
    Ok(())
}

//! A canvas of primitives, and the SVG that becomes of it.
//!
//! Figures are drawn by plotters at [`SCALE`] times their size, because its SVG coordinates are
//! whole numbers, and shown through the viewBox at their size.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::figure::style::{At, Colour, FONTS, Font, Marker, PAPER, dark_rules};
use crate::figure::trace::Trace;
use amdahl_record::error::{Error, Result};
use amdahl_record::visible::{visible, visible_json};

/// Drawn this many times larger than shown.
pub const SCALE: f64 = 4.0;

/// What figures are drawn on. Coordinates are CSS pixels from the upper left corner.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

fn px(value: f64) -> i32 {
    (value * SCALE).round().clamp(-1e6, 1e6) as i32
}

fn at(x: f64, y: f64) -> (i32, i32) {
    (px(x), px(y))
}

impl<'a> Canvas<'a> {
    fn draw<E>(&self, element: E) -> Result<()>
    where
        for<'b> &'b E: plotters::element::PointCollection<'b, (i32, i32)>,
        E: plotters::element::Drawable<SVGBackend<'a>>,
    {
        self.area.draw(&element).map_err(|e| Error::internal(format!("cannot draw a figure: {e}")))
    }

    /// A line through points.
    pub fn line(
        &self,
        points: &[(f64, f64)],
        colour: Colour,
        opacity: f64,
        thickness: f64,
    ) -> Result<()> {
        let style = colour.mix(opacity).stroke_width(px(thickness).max(1) as u32);
        self.draw(PathElement::new(points.iter().map(|p| at(p.0, p.1)).collect::<Vec<_>>(), style))
    }

    /// A filled rectangle from its upper left corner.
    pub fn bar(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colour: Colour,
    ) -> Result<()> {
        self.draw(Rectangle::new([at(x, y), at(x + width, y + height)], colour.filled()))
    }

    /// A disc.
    pub fn disc(
        &self,
        (x, y): (f64, f64),
        radius: f64,
        colour: Colour,
        opacity: f64,
    ) -> Result<()> {
        self.draw(Circle::new(at(x, y), px(radius), colour.mix(opacity).filled()))
    }

    /// A marker with a rim of paper, so that markers that overlap can be told apart.
    pub fn marker(&self, (x, y): (f64, f64), marker: Marker, colour: Colour) -> Result<()> {
        for (size, colour) in [(6.2, PAPER), (4.8, colour)] {
            let corners = |list: &[(f64, f64)]| {
                let list = list
                    .iter()
                    .map(|(dx, dy)| at(x + dx * size, y + dy * size))
                    .collect::<Vec<_>>();
                self.draw(Polygon::new(list, colour.filled()))
            };
            match marker {
                Marker::Disc => self.disc((x, y), size, colour, 1.0)?,
                Marker::Square => corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])?,
                Marker::Diamond => {
                    corners(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)])?
                }
                Marker::Triangle => corners(&[(0.0, -1.2), (1.1, 0.85), (-1.1, 0.85)])?,
                Marker::TriangleDown => corners(&[(0.0, 1.2), (1.1, -0.85), (-1.1, -0.85)])?,
                Marker::BowTie => corners(&[(-1.1, -0.9), (1.1, 0.9), (1.1, -0.9), (-1.1, 0.9)])?,
                Marker::Hexagon => {
                    corners(&[
                        (0.0, -1.15),
                        (1.0, -0.58),
                        (1.0, 0.58),
                        (0.0, 1.15),
                        (-1.0, 0.58),
                        (-1.0, -0.58),
                    ])?;
                }
                Marker::Cross | Marker::Plus | Marker::Star => {
                    let thickness = if colour == PAPER { 5.0 } else { 2.2 };
                    let stroke = |dx: f64, dy: f64| {
                        self.line(
                            &[(x - dx * size, y - dy * size), (x + dx * size, y + dy * size)],
                            colour,
                            1.0,
                            thickness,
                        )
                    };
                    if marker != Marker::Plus {
                        stroke(0.85, 0.85)?;
                        stroke(0.85, -0.85)?;
                    }
                    if marker != Marker::Cross {
                        stroke(1.1, 0.0)?;
                        stroke(0.0, 1.1)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A marker that is hollow where its cell has more lanes than CPUs.
    pub fn marker_of(
        &self,
        place: (f64, f64),
        (colour, marker): (Colour, Marker),
        hollow: bool,
    ) -> Result<()> {
        self.marker(place, marker, colour)?;
        if hollow { self.disc(place, 2.4, PAPER, 1.0) } else { Ok(()) }
    }

    /// A straight dashed line.
    pub fn dashed(
        &self,
        (from, to): ((f64, f64), (f64, f64)),
        colour: Colour,
        opacity: f64,
        thickness: f64,
    ) -> Result<()> {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        if !(length.is_finite() && length > 0.0) {
            return Ok(());
        }
        let at =
            |d: f64| (from.0 + (to.0 - from.0) * d / length, from.1 + (to.1 - from.1) * d / length);
        let (dash, gap) = (6.0, 4.0);
        let mut start = 0.0;
        while start < length {
            self.line(&[at(start), at((start + dash).min(length))], colour, opacity, thickness)?;
            start += dash + gap;
        }
        Ok(())
    }

    /// A line of text, its middle at the height `y`.
    pub fn text(&self, text: &str, (x, y): (f64, f64), at_: At, font: Font) -> Result<()> {
        self.write(text, (x, y), at_, font, FontTransform::None)
    }

    /// A line of text that runs upwards, centred.
    pub fn text_upwards(&self, text: &str, (x, y): (f64, f64), font: Font) -> Result<()> {
        self.write(text, (x, y), At::Middle, font, FontTransform::Rotate270)
    }

    fn write(
        &self,
        text: &str,
        (x, y): (f64, f64),
        at_: At,
        font: Font,
        turn: FontTransform,
    ) -> Result<()> {
        let side = match at_ {
            At::Start => HPos::Left,
            At::Middle => HPos::Center,
            At::End => HPos::Right,
        };
        let weight = if font.bold { FontStyle::Bold } else { FontStyle::Normal };
        // The backend writes the size divided by 1.24.
        let size = font.size * SCALE * 1.24;
        let style = (FontFamily::Name(FONTS), size, weight).into_font().transform(turn);
        let style = TextStyle::from(style).color(&font.colour).pos(Pos::new(side, VPos::Center));
        self.draw(Text::new(visible(text).replace('\n', " "), at(x, y), style))
    }
}

/// Draws a figure of this size (CSS pixels) and returns it as SVG with a title and a description
/// for people who do not see it, and what it says of itself for programs.
///
/// # Errors
/// Internal, when drawing fails.
pub fn svg(
    trace: &Trace,
    (width, height): (f64, f64),
    title: &str,
    description: &str,
    draw: impl FnOnce(&Canvas<'_>) -> Result<()>,
) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (px(width) as u32, px(height) as u32))
            .into_drawing_area();
        let canvas = Canvas { area };
        canvas.bar((0.0, 0.0), (width, height), PAPER)?;
        draw(&canvas)?;
        canvas.area.present().map_err(|e| Error::internal(format!("cannot end a figure: {e}")))?;
    }
    let end = text.find('>').ok_or_else(|| Error::internal("the figure is no SVG"))?;
    let body = &text[end + 1..];
    let id = format!("figure-{}", trace.figure);
    let metadata = serde_json::to_string(trace)
        .map_err(|e| Error::internal(format!("cannot describe a figure: {e}")))?;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure\" id=\"{id}\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 \
         {} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n<title id=\"{id}-title\">{}</title>\n<desc \
         id=\"{id}-desc\">{}</desc>\n<metadata>{}</metadata>\n<style>{}</style>{body}",
        px(width),
        px(height),
        escape(title),
        escape(description),
        escape(&visible_json(&metadata)),
        dark_rules(".figure"),
    ))
}

/// Text for XML and HTML, in elements and in quoted attributes. What XML forbids, and what nobody
/// sees but moves other letters, is shown by its number.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("<b a=\"1\">&\u{1b}"), "&lt;b a=&quot;1&quot;&gt;&amp;&lt;U+001B&gt;");
        assert_eq!(escape("a\u{202e}b\u{ffff}"), "a&lt;U+202E&gt;b&lt;U+FFFF&gt;");
    }
}

//! Names beside points that lie anywhere: each where it hides no point and no other name.

use crate::figure::canvas::Canvas;
use crate::figure::plot::Plot;
use crate::figure::style;
use crate::figure::style::{At, CAPTION, Colour, Font};
use amdahl_record::error::Result;

/// A point with its name.
pub struct Named {
    /// Where it is on the sheet.
    pub at: (f64, f64),
    /// How it is called.
    pub text: String,
    /// In which colour.
    pub colour: Colour,
}

/// A rectangle: left, upper, right and lower edge.
type Box4 = (f64, f64, f64, f64);

const HALF: f64 = 7.0;

fn meet(a: Box4, b: Box4) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// Left edge and middle of each name within `room`; none where there is no place for it.
fn places(points: &[Named], room: Box4) -> Vec<Option<(f64, f64)>> {
    let mut taken: Vec<Box4> = points
        .iter()
        .map(|p| (p.at.0 - HALF, p.at.1 - HALF, p.at.0 + HALF, p.at.1 + HALF))
        .collect();
    let mut placed = Vec::new();
    for point in points {
        let ((x, y), width) = (point.at, style::width(&point.text, CAPTION));
        let beside = [x + 9.0, x - 9.0 - width, x - width / 2.0, x + 16.0, x - 16.0 - width];
        let steps = (0..14).flat_map(|step| [-1.0, 1.0].map(|sign| sign * f64::from(step) * 13.0));
        let free =
            steps.flat_map(|dy| beside.map(|left| (left, y + dy))).find(|&(left, middle)| {
                let wanted = (left - 2.0, middle - 6.5, left + width + 2.0, middle + 6.5);
                let inside = wanted.0 >= room.0
                    && wanted.1 >= room.1
                    && wanted.2 <= room.2
                    && wanted.3 <= room.3;
                inside && taken.iter().all(|other| !meet(*other, wanted))
            });
        if let Some((left, middle)) = free {
            taken.push((left - 2.0, middle - 6.5, left + width + 2.0, middle + 6.5));
        }
        placed.push(free);
    }
    placed
}

/// Writes the names of points, those that come first in the best places, with a thin line to the
/// points that they had to leave.
pub fn names(canvas: &Canvas<'_>, plot: &Plot, right: f64, points: &[Named]) -> Result<()> {
    let places = places(points, (plot.left, plot.top - 6.0, right, plot.bottom - 1.0));
    for (point, place) in points.iter().zip(places) {
        let Some((left, middle)) = place else { continue };
        let (x, y) = point.at;
        if (middle - y).abs() > 8.0 {
            let end = x.clamp(left, left + style::width(&point.text, CAPTION));
            let (from, to) =
                if middle < y { (y - 6.0, middle + 6.0) } else { (y + 6.0, middle - 6.0) };
            canvas.line(&[(x, from), (end, to)], point.colour, 0.5, 0.75)?;
        }
        canvas.text(
            &point.text,
            (left, middle),
            At::Start,
            Font { colour: point.colour, ..CAPTION },
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hide_nothing() {
        // Ten points side by side, closer than their names are long.
        let named = |i: i32| Named {
            at: (100.0 + 20.0 * f64::from(i), 190.0),
            text: format!("program {i}"),
            colour: style::INK,
        };
        let points: Vec<Named> = (0..10).map(named).collect();
        let room = (50.0, 0.0, 400.0, 200.0);
        let boxes: Vec<Box4> = (places(&points, room).into_iter().zip(&points))
            .filter_map(|(place, point)| {
                place.map(|(x, y)| (x, y - 6.5, x + style::width(&point.text, CAPTION), y + 6.5))
            })
            .collect();
        assert_eq!(boxes.len(), 10);
        for (i, one) in boxes.iter().enumerate() {
            assert!(boxes[..i].iter().all(|other| !meet(*one, *other)), "{i}");
            assert!(one.0 >= room.0 && one.1 >= room.1 && one.2 <= room.2 && one.3 <= room.3);
        }
        let none = places(&points, (0.0, 0.0, 10.0, 10.0));
        assert!(none.iter().all(Option::is_none), "no room");
    }
}

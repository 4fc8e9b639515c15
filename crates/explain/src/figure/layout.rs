//! The sheet of a figure: title, panels in columns, caption; and labels that keep their distance.

use crate::figure::canvas::Canvas;
use crate::figure::medium::Medium;
use crate::figure::style::{At, CAPTION, TITLE, wrap};
use amdahl_record::error::Result;

/// Paper around what a figure shows.
pub const MARGIN: f64 = 16.0;
const TITLE_LINE: f64 = 21.0;
const CAPTION_LINE: f64 = 15.5;
const GAP: f64 = 22.0;

/// A rectangle: upper left corner and size, CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panel {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// Where everything on a figure goes.
pub struct Sheet {
    title: Vec<String>,
    caption: Vec<String>,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Width of the whole, CSS pixels.
    pub width: f64,
    /// Height of the whole, CSS pixels.
    pub height: f64,
}

impl Sheet {
    /// A sheet with panels of these heights in `columns` columns, `head` pixels of room between
    /// title and panels, and a caption that begins a new line with each of `caption`. Title and
    /// caption are left out where the medium has no frame.
    pub fn new(
        medium: &Medium,
        title: &str,
        head: f64,
        heights: &[f64],
        columns: usize,
        caption: &[String],
    ) -> Sheet {
        let room = medium.width - 2.0 * MARGIN;
        let (title, caption): (Vec<String>, Vec<String>) = match medium.framed {
            true => (
                wrap(title, TITLE, room),
                caption.iter().flat_map(|part| wrap(part, CAPTION, room)).collect(),
            ),
            false => (Vec::new(), Vec::new()),
        };
        let columns = columns.max(1);
        let width = Sheet::panel_width(medium, columns);
        let mut y = top(&title) + head;
        let mut panels = Vec::new();
        for row in heights.chunks(columns) {
            for (column, &height) in row.iter().enumerate() {
                panels.push(Panel { x: MARGIN + column as f64 * (width + GAP), y, width, height });
            }
            y += row.iter().copied().fold(0.0, f64::max) + GAP;
        }
        let foot = if caption.is_empty() {
            0.0
        } else {
            12.0 + caption.len() as f64 * CAPTION_LINE + MARGIN
        };
        let height = y - GAP + foot.max(4.0);
        Sheet { title, caption, panels, width: medium.width, height }
    }

    /// Width of a panel where so many stand side by side.
    pub fn panel_width(medium: &Medium, columns: usize) -> f64 {
        let columns = columns.max(1) as f64;
        (medium.width - 2.0 * MARGIN - GAP * (columns - 1.0)) / columns
    }

    /// Upper edge of the room between title and panels.
    pub fn head(&self) -> f64 {
        top(&self.title)
    }

    /// Writes title and caption.
    pub fn draw(&self, canvas: &Canvas<'_>) -> Result<()> {
        for (i, line) in self.title.iter().enumerate() {
            canvas.text(
                line,
                (MARGIN, MARGIN + (i as f64 + 0.5) * TITLE_LINE),
                At::Start,
                TITLE,
            )?;
        }
        let top = self.height - MARGIN - self.caption.len() as f64 * CAPTION_LINE;
        for (i, line) in self.caption.iter().enumerate() {
            canvas.text(
                line,
                (MARGIN, top + (i as f64 + 0.5) * CAPTION_LINE),
                At::Start,
                CAPTION,
            )?;
        }
        Ok(())
    }
}

/// Where the room below the title begins.
fn top(title: &[String]) -> f64 {
    if title.is_empty() { 4.0 } else { MARGIN + title.len() as f64 * TITLE_LINE + 6.0 }
}

/// Moves heights apart until neighbours are at least `gap` apart, keeping them within `low` to
/// `high` where there is room. Keeps the order of the heights; returns them in the order given.
pub fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut placed = wanted.to_vec();
    // Down from the top, then up from the bottom: the second pass takes back what the first pushed
    // out.
    let mut least = low;
    for &i in &order {
        placed[i] = placed[i].max(least);
        least = placed[i] + gap;
    }
    let mut most = high;
    for &i in order.iter().rev() {
        placed[i] = placed[i].min(most);
        most = placed[i] - gap;
    }
    placed
}

/// The same for things of unlike heights, which `wanted` gives the middles of: none overlaps
/// another where there is room.
pub fn stack(wanted: &[f64], heights: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut placed = wanted.to_vec();
    let mut least = low;
    for &i in &order {
        placed[i] = placed[i].max(least + heights[i] / 2.0);
        least = placed[i] + heights[i] / 2.0;
    }
    let mut most = high;
    for &i in order.iter().rev() {
        placed[i] = placed[i].min(most - heights[i] / 2.0);
        most = placed[i] - heights[i] / 2.0;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::medium::MEDIA;

    #[test]
    fn labels_keep_their_distance() {
        assert_eq!(spread(&[10.0, 12.0, 50.0], 10.0, 0.0, 100.0), [10.0, 20.0, 50.0]);
        assert_eq!(spread(&[99.0, 98.0], 10.0, 0.0, 100.0), [100.0, 90.0]);
    }

    #[test]
    fn unlike_labels_keep_their_distance() {
        assert_eq!(stack(&[10.0, 12.0], &[10.0, 20.0], 0.0, 100.0), [10.0, 25.0]);
        assert_eq!(stack(&[99.0, 98.0], &[10.0, 20.0], 0.0, 100.0), [95.0, 80.0]);
    }

    #[test]
    fn panels_do_not_overlap() {
        for medium in MEDIA {
            let sheet = Sheet::new(
                medium,
                "A title",
                0.0,
                &[100.0, 120.0, 90.0],
                2,
                &["A caption.".into()],
            );
            assert_eq!(sheet.panels.len(), 3);
            assert!(sheet.panels[0].x + sheet.panels[0].width < sheet.panels[1].x);
            assert!(sheet.panels[1].x + sheet.panels[1].width < sheet.width);
            assert!(sheet.panels[1].y + sheet.panels[1].height < sheet.panels[2].y);
            assert!(sheet.panels[2].y + 90.0 < sheet.height);
        }
    }
}

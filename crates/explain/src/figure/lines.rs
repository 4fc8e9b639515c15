//! Points over a numeric axis, series by series: single values faint, intervals, markers, lines
//! between neighbours, and names at their ends.

use crate::figure::canvas::Canvas;
use crate::figure::layout::stack;
use crate::figure::plot::Plot;
use crate::figure::style;
use crate::figure::style::{At, Colour, Font, LABEL, Marker};
use crate::labels;
use crate::summary::CellSummary;
use amdahl_record::error::Result;

/// A value with what it stands on.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where it stands.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// Ends of its interval.
    pub interval: Option<(f64, f64)>,
    /// Single values.
    pub raw: Vec<f64>,
    /// Has its cell more lanes than CPUs?
    pub hollow: bool,
}

impl Mark {
    /// The value and the ends of its interval.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let (low, high) = self.interval.unwrap_or((self.y, self.y));
        [self.y, low, high].into_iter()
    }
}

/// The points of one series, by x.
#[derive(Clone, Debug)]
pub struct Line {
    /// How it is called.
    pub name: String,
    /// How its points look.
    pub look: (Colour, Marker),
    /// Its points, from left to right.
    pub marks: Vec<Mark>,
    /// Places of cells without a result: no line runs across them.
    pub gaps: Vec<f64>,
}

impl Line {
    /// A series, its points put in order.
    pub fn new(name: &str, look: (Colour, Marker), mut marks: Vec<Mark>, gaps: Vec<f64>) -> Line {
        marks.sort_by(|a, b| a.x.total_cmp(&b.x));
        Line { name: name.into(), look, marks, gaps }
    }

    /// Neighbours that a line may join: each place comes once, and no cell between them went
    /// without a result.
    fn joined(&self) -> impl Iterator<Item = &[Mark]> {
        let once = self.marks.windows(2).all(|pair| pair[0].x < pair[1].x);
        let whole =
            |pair: &[Mark]| !self.gaps.iter().any(|gap| pair[0].x < *gap && *gap < pair[1].x);
        self.marks.windows(2).filter(move |pair| once && whole(pair))
    }
}

/// A series for each backend, in the order of the cells, of what `of` finds in them; where a cell is
/// `missing`, no line runs across it.
pub fn by_backend<'c>(
    cells: impl Iterator<Item = &'c CellSummary> + Clone,
    of: impl Fn(&CellSummary) -> Option<Mark>,
    missing: impl Fn(&CellSummary) -> bool,
) -> Vec<Line> {
    let mut names: Vec<String> = Vec::new();
    for cell in cells.clone().filter(|cell| of(cell).is_some()) {
        let name = labels::series(&cell.cell);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let line = |name: &String| {
        let mine = || cells.clone().filter(|cell| labels::series(&cell.cell) == *name);
        let lanes = |cell: &CellSummary| f64::from(cell.cell.lanes());
        let gaps = mine().filter(|cell| missing(cell)).map(lanes).collect();
        Line::new(name, style::of_backend(name), mine().filter_map(&of).collect(), gaps)
    };
    names.iter().map(line).collect()
}

/// Keeps so many single values of all series that at most `most` are left, and says how they are
/// shown.
pub fn thin<'l>(lines: impl Iterator<Item = &'l mut Line>, most: usize) -> String {
    thin_values(lines.flat_map(|line| &mut line.marks).map(|mark| &mut mark.raw), most)
}

/// The same of single values alone.
pub fn thin_values<'l>(values: impl Iterator<Item = &'l mut Vec<f64>>, most: usize) -> String {
    let sets: Vec<&mut Vec<f64>> = values.collect();
    let all: usize = sets.iter().map(|set| set.len()).sum();
    let every = all.div_ceil(most.max(1)).max(1);
    let mut number = 0;
    for set in sets {
        set.retain(|_| {
            number += 1;
            (number - 1) % every == 0
        });
    }
    match every {
        1 => "faint dots: single repeats".into(),
        2 => "faint dots: every second repeat".into(),
        3 => "faint dots: every third repeat".into(),
        _ => format!("faint dots: one repeat in {every}"),
    }
}

/// Series beside each other at the same place: this far to the right.
fn shift(i: usize, of: usize) -> f64 {
    // Many series stand closer.
    let step = (24.0 / of.max(1) as f64).min(5.0);
    (i as f64 - (of as f64 - 1.0) / 2.0) * step
}

/// Where a mark of the series with this number stands.
fn place(plot: &Plot, lines: &[Line], i: usize, mark: &Mark) -> (f64, f64) {
    let (x, y) = plot.place((mark.x, mark.y));
    (x + shift(i, lines.len()), y)
}

/// Draws series, markers over all else.
pub fn draw(canvas: &Canvas<'_>, plot: &Plot, lines: &[Line]) -> Result<()> {
    let place = |i: usize, mark: &Mark| place(plot, lines, i, mark);
    let height = |value: f64| plot.place((1.0, value)).1;
    for (i, line) in lines.iter().enumerate() {
        let colour = line.look.0;
        for pair in line.joined() {
            canvas.line(&[place(i, &pair[0]), place(i, &pair[1])], colour, 0.75, 1.5)?;
        }
        for mark in &line.marks {
            let x = place(i, mark).0;
            for value in &mark.raw {
                canvas.disc((x, height(*value)), 2.2, colour, 0.28)?;
            }
            if let Some((low, high)) = mark.interval {
                canvas.line(&[(x, height(low)), (x, height(high))], colour, 1.0, 1.5)?;
                for end in [low, high] {
                    canvas.line(
                        &[(x - 4.0, height(end)), (x + 4.0, height(end))],
                        colour,
                        1.0,
                        1.5,
                    )?;
                }
            }
        }
    }
    for (i, line) in lines.iter().enumerate() {
        for mark in &line.marks {
            canvas.marker_of(place(i, mark), line.look, mark.hollow)?;
        }
    }
    Ok(())
}

/// Writes the names of series at their ends, with `others` on the right of the plot. A series of
/// one point has its name on the left of it where there is room and no other such name.
pub fn name(canvas: &Canvas<'_>, plot: &Plot, lines: &[Line], others: Vec<Label>) -> Result<()> {
    let mut beside = others;
    let mut on_the_left = false;
    for (i, line) in lines.iter().enumerate() {
        let Some(last) = line.marks.last() else { continue };
        let (from, colour) = (place(plot, lines, i, last), line.look.0);
        let free = from.0 - 10.0 - style::width(&line.name, LABEL) >= plot.left;
        let marks = || lines.iter().flat_map(|l| &l.marks);
        let leftmost = marks().all(|mark| mark.x >= last.x) && marks().any(|mark| mark.x > last.x);
        if line.marks.len() == 1 && free && leftmost && !on_the_left {
            on_the_left = true;
            canvas.text(&line.name, (from.0 - 10.0, from.1), At::End, Font { colour, ..LABEL })?;
        } else {
            beside.push(Label { from, text: line.name.clone(), colour });
        }
    }
    labels(canvas, plot, &beside)
}

/// A name beside the plot, with the point that it belongs to.
pub struct Label {
    /// Place of the point.
    pub from: (f64, f64),
    /// What it says.
    pub text: String,
    /// In which colour.
    pub colour: Colour,
}

/// Widest label beside a plot in a narrow panel, and the part of a wide panel that labels may take;
/// longer ones are broken.
const WIDEST: f64 = 104.0;
const SHARE: f64 = 0.27;

/// Beside the label: the line to its point.
const GAP: f64 = 26.0;
const LINE: f64 = 14.0;

/// Between names of several lines.
const APART: f64 = 7.0;

/// A label in lines, broken at its spaces, and within words after `-` and `+`.
fn broken(text: &str, widest: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in text.split_inclusive([' ', '-', '+']) {
        match lines.last_mut() {
            Some(line) if style::width(format!("{line}{piece}").trim_end(), LABEL) <= widest => {
                line.push_str(piece)
            }
            _ => lines.push(piece.to_string()),
        }
    }
    lines
}

/// Room that these names need on the right of a plot in a panel of this width, CSS pixels.
pub fn room<N: AsRef<str>>(names: impl Iterator<Item = N>, width: f64) -> f64 {
    let most = WIDEST.max(SHARE * width);
    let widest = names
        .flat_map(|name| broken(name.as_ref(), most))
        .map(|line| style::width(line.trim_end(), LABEL));
    GAP + widest.fold(0.0, f64::max)
}

/// Writes labels to the right of a plot, each as near to its point as the others allow, with a thin
/// line where it had to leave it.
fn labels(canvas: &Canvas<'_>, plot: &Plot, labels: &[Label]) -> Result<()> {
    let (low, high) = (plot.top - 6.0, plot.bottom + 20.0);
    let widest = plot.room - GAP;
    let mut texts: Vec<Vec<String>> =
        labels.iter().map(|label| broken(&label.text, widest)).collect();
    // More names than there is room for: first each on one line, then as many as there is room for.
    if texts.iter().map(Vec::len).sum::<usize>() as f64 * LINE + texts.len() as f64 > high - low {
        texts =
            labels.iter().map(|label| vec![style::fitted(&label.text, LABEL, widest)]).collect();
        texts.truncate(((high - low) / (LINE + 1.0)) as usize);
    }
    // Names of several lines stand apart where there is room, so that it is seen where one ends.
    let all: f64 = texts.iter().map(|lines| lines.len() as f64 * LINE + APART).sum();
    let apart =
        |lines: &Vec<String>| if lines.len() > 1 && all <= high - low { APART } else { 1.0 };
    let heights: Vec<f64> =
        texts.iter().map(|lines| lines.len() as f64 * LINE + apart(lines)).collect();
    let wanted: Vec<f64> = labels.iter().take(texts.len()).map(|label| label.from.1).collect();
    let placed = stack(&wanted, &heights, low, high);
    for ((label, lines), middle) in labels.iter().zip(&texts).zip(placed) {
        let (x, y) = label.from;
        let text_x = plot.right + 18.0;
        if text_x - x > 40.0 || (middle - y).abs() > 5.0 {
            canvas.line(&[(x + 9.0, y), (text_x - 4.0, middle)], label.colour, 0.45, 0.75)?;
        }
        let first = middle - (lines.len() as f64 - 1.0) * LINE / 2.0;
        for (i, line) in lines.iter().enumerate() {
            let font = Font { colour: label.colour, ..LABEL };
            canvas.text(line.trim_end(), (text_x, first + i as f64 * LINE), At::Start, font)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(x: f64) -> Mark {
        Mark { x, y: 1.0, interval: None, raw: vec![1.0, 2.0, 3.0, 4.0], hollow: false }
    }

    #[test]
    fn lines_join_neighbours_alone() {
        let line = |places: &[f64], gaps: &[f64]| {
            let marks = places.iter().map(|x| mark(*x)).collect();
            Line::new("a", style::of_backend("mpi"), marks, gaps.to_vec()).joined().count()
        };
        assert_eq!(line(&[4.0, 1.0, 2.0], &[]), 2);
        assert_eq!(line(&[1.0, 2.0, 4.0], &[3.0]), 1, "a cell without a result lies between");
        assert_eq!(line(&[1.0, 4.0, 4.0], &[]), 0, "two cells at one place");
    }

    #[test]
    fn repeats_are_thinned_and_it_is_said() {
        let mut lines =
            [Line::new("a", style::of_backend("mpi"), vec![mark(1.0), mark(2.0)], vec![])];
        assert_eq!(thin(lines.iter_mut(), 8), "faint dots: single repeats");
        assert_eq!(thin(lines.iter_mut(), 4), "faint dots: every second repeat");
        assert_eq!(lines[0].marks.iter().map(|m| m.raw.len()).sum::<usize>(), 4);
    }

    #[test]
    fn long_names_are_broken() {
        let narrow = |text| broken(text, WIDEST);
        assert_eq!(narrow("mpi"), ["mpi"]);
        assert!(
            narrow("mpi+pjrt-reference").len() == 2
                && narrow("scikit-learn-minibatch 2").len() == 2
        );
        let names = ["scikit-learn-minibatch 2"];
        assert!(room(names.iter(), 300.0) <= GAP + WIDEST);
        // With the room that was asked for the lines are the same; in a wide panel it is one.
        assert_eq!(broken(names[0], room(names.iter(), 300.0) - GAP), narrow(names[0]));
        assert_eq!(broken(names[0], room(names.iter(), 700.0) - GAP).len(), 1);
    }
}

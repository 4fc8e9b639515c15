//! On an axis of lanes: where there are more of them than cores, and hardware threads of a core
//! begin to share what computes. Scaling over cores and scaling over hardware threads are two
//! things, and one line through both would show neither.

use crate::figure::canvas::Canvas;
use crate::figure::plot::Plot;
use crate::figure::style::GREY;
use crate::labels;
use crate::summary::CellSummary;
use amdahl_record::error::Result;

/// Of a cell: its lanes, and what they share.
type Crowding = (f64, Sharing);

/// What lanes share.
#[derive(Clone, Copy, PartialEq)]
enum Sharing {
    Nothing,
    Cores,
    Cpus,
}

fn crowding(cell: &CellSummary) -> Crowding {
    let sharing = match (cell.oversubscribed, cell.shares_cores) {
        (true, _) => Sharing::Cpus,
        (false, true) => Sharing::Cores,
        (false, false) => Sharing::Nothing,
    };
    (f64::from(cell.cell.lanes()), sharing)
}

/// Between the most lanes that each have a core and the fewest that share some; none where no cell
/// shares cores, or all do.
pub fn begin<'c>(cells: impl Iterator<Item = &'c CellSummary>) -> Option<f64> {
    between(&cells.map(crowding).collect::<Vec<_>>())
}

fn between(cells: &[Crowding]) -> Option<f64> {
    let lanes = |of: Sharing| {
        let mine = cells.iter().filter(move |(_, sharing)| *sharing == of);
        mine.map(|(lanes, _)| *lanes)
    };
    let first = lanes(Sharing::Cores).min_by(f64::total_cmp)?;
    let last = lanes(Sharing::Nothing).filter(|lanes| *lanes < first).max_by(f64::total_cmp)?;
    Some((last * first).sqrt())
}

/// An upright line there.
pub fn draw(canvas: &Canvas<'_>, plot: &Plot, begin: Option<f64>) -> Result<()> {
    match begin {
        Some(at) => plot.upright(canvas, at, "cores are shared →", GREY),
        None => Ok(()),
    }
}

/// A sentence for the caption that names the cells beyond the line; empty where there are none.
pub fn caption<'c>(cells: impl Iterator<Item = &'c CellSummary>) -> String {
    let sharing = cells.filter(|cell| cell.shares_cores && cell.time.is_some());
    let mut names: Vec<String> = sharing.map(|cell| labels::cell(&cell.cell)).collect();
    names.dedup();
    match names.is_empty() {
        true => String::new(),
        false => format!(
            "More lanes than cores, so that hardware threads of a core share what computes (beyond the upright line, where there is one): {}.",
            super::some(&names)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sharing::{Cores, Cpus, Nothing};

    #[test]
    fn the_line_stands_between_cores_and_hardware_threads() {
        assert_eq!(between(&[(1.0, Nothing), (8.0, Nothing)]), None);
        assert_eq!(between(&[(1.0, Nothing), (8.0, Nothing), (12.0, Cores)]), Some(96f64.sqrt()));
        assert_eq!(between(&[(12.0, Cores), (32.0, Cpus)]), None, "nothing is left of it");
    }
}

//! Cells that differ in one variable of their size alone.

use crate::figure::View;
use crate::figure::sizes::{Size, family};
use crate::labels;
use crate::summary::{CellSummary, Group};
use amdahl_workload::SizeName;

/// A cell with its problem.
#[derive(Clone)]
pub struct Sized<'a> {
    /// Its group.
    pub group: &'a Group,
    /// The cell.
    pub cell: &'a CellSummary,
    /// Its size.
    pub size: Size,
}

/// What varies, and the cells in which nothing else of the problem does.
pub struct Arm<'a> {
    /// Place among the variables of the size.
    pub variable: usize,
    /// The cells, each several times where it is spread in several ways.
    pub cells: Vec<Sized<'a>>,
}

impl<'a> Arm<'a> {
    /// The variable.
    pub fn name(&self) -> &'static SizeName {
        &self.cells[0].size.names[self.variable]
    }

    /// Values that were tried, rising.
    pub fn values(&self) -> Vec<f64> {
        distinct(self.cells.iter().map(|cell| cell.size.of[self.variable]))
    }

    /// The cells by how they are spread (`serial`, `mpi 2`), as far as a spread has several values;
    /// in the order of the cells, their values rising.
    pub fn spreads(&self) -> Vec<(String, Vec<Sized<'a>>)> {
        let mut spreads: Vec<(String, Vec<Sized<'a>>)> = Vec::new();
        for cell in &self.cells {
            let name = labels::cell(&cell.cell.cell);
            match spreads.iter_mut().find(|(known, _)| *known == name) {
                Some((_, cells)) => cells.push(cell.clone()),
                None => spreads.push((name, vec![cell.clone()])),
            }
        }
        let value = |cell: &Sized<'_>| cell.size.of[self.variable];
        spreads.retain(|(_, cells)| distinct(cells.iter().map(value)).len() > 1);
        spreads
            .iter_mut()
            .for_each(|(_, cells)| cells.sort_by(|a, b| value(a).total_cmp(&value(b))));
        spreads
    }
}

/// Of each backend of an arm the spreads with fewest and with most lanes that each have a CPU, one
/// lane of several backends once; so many at most. And how many there are.
pub fn telling<'a>(arm: &Arm<'a>, most: usize) -> (Vec<(String, Vec<Sized<'a>>)>, usize) {
    let all = arm.spreads();
    let of = all.len();
    let lanes = |cells: &[Sized<'_>]| cells[0].cell.cell.lanes();
    let backend = |cells: &[Sized<'_>]| labels::series(&cells[0].cell.cell);
    let widest = |cells: &[Sized<'_>]| {
        let same =
            all.iter().filter(|(_, c)| backend(c) == backend(cells) && !c[0].cell.oversubscribed);
        same.map(|(_, c)| lanes(c)).max() == Some(lanes(cells))
    };
    let first = all.first().map(|(name, _)| name.clone());
    let mut kept: Vec<_> = (all.iter())
        .filter(|(name, cells)| {
            Some(name) == first.as_ref() || widest(cells) && !cells[0].cell.oversubscribed
        })
        .cloned()
        .collect();
    kept.truncate(most.max(1));
    (kept, of)
}

/// All cells of known size that have a time.
pub fn sized<'a>(view: &'a View<'_>) -> Vec<Sized<'a>> {
    let groups = view
        .summary
        .groups
        .iter()
        .filter_map(|group| Size::of_group(group).map(|size| (group, size)));
    let cells = groups.flat_map(|(group, size)| {
        group.cells.iter().map(move |cell| Sized { group, cell, size: size.clone() })
    });
    cells.filter(|c| c.cell.time.is_some() && c.cell.iterations.is_some_and(|n| n > 0)).collect()
}

/// For each variable the set of cells that agree in all else of the problem in which it has most
/// values.
pub fn arms<'a>(view: &'a View<'_>) -> Vec<Arm<'a>> {
    let all = sized(view);
    let families: Vec<(*const Group, String)> = view
        .summary
        .groups
        .iter()
        .map(|group| (std::ptr::from_ref(group), family(group)))
        .collect();
    let family =
        |cell: &Sized<'_>| families.iter().position(|(group, _)| std::ptr::eq(*group, cell.group));
    let family = |cell: &Sized<'_>| family(cell).map_or("", |i| families[i].1.as_str());
    let mut arms = Vec::new();
    let variables = all.iter().map(|cell| cell.size.of.len()).max().unwrap_or(0);
    for variable in 0..variables {
        let mut sets: std::collections::BTreeMap<(&str, Vec<u64>), Vec<Sized<'a>>> =
            Default::default();
        for cell in all.iter().filter(|cell| variable < cell.size.of.len()) {
            let mut others: Vec<u64> = cell.size.of.iter().map(|v| *v as u64).collect();
            others[variable] = 0;
            sets.entry((family(cell), others)).or_default().push(cell.clone());
        }
        let arm = |cells| Arm { variable, cells };
        // The last of equals: the largest of the other sizes.
        let largest = sets.into_values().map(arm).max_by_key(|arm| arm.values().len());
        arms.extend(largest.filter(|arm| arm.values().len() > 1 && !arm.spreads().is_empty()));
    }
    arms
}

/// Values without repeats, rising.
pub fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

//! Two sizes as a map: what a unit of the problem costs at each, and how much faster the best is than
//! the base.

use crate::figure::arms::{Sized, distinct, sized};
use crate::figure::axis::short;
use crate::figure::canvas::Canvas;
use crate::figure::layout::Panel;
use crate::figure::medium::Medium;
use crate::figure::sizes::{family, iteration};
use crate::figure::style;
use crate::figure::style::{At, CAPTION, HEADING, LABEL};
use crate::figure::{Chart, Figure, View, repeats};
use crate::labels;
use amdahl_record::Provenance;
use amdahl_record::cell::CellId;
use amdahl_record::error::{Error, Result};
use amdahl_record::units::{count, significant};

/// Values by the first two sizes.
pub const FIGURE: Figure =
    Figure { name: "heat", about: "Cost and speedup by two sizes", applies, compose };

/// A map: its heading, and for each size its value with the cell that it is of.
struct Map {
    heading: String,
    unit: &'static str,
    /// Symbols and labels of what stands upwards and what stands across.
    symbols: [&'static str; 2],
    labels: [&'static str; 2],
    rows: Vec<f64>,
    clusters: Vec<f64>,
    values: Vec<Option<(f64, String)>>,
}

impl Map {
    fn at(&self, row: usize, cluster: usize) -> Option<&(f64, String)> {
        self.values[row * self.clusters.len() + cluster].as_ref()
    }

    /// The least and the greatest value.
    fn range(&self) -> (f64, f64) {
        let values = || self.values.iter().flatten().map(|(value, _)| *value);
        (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max))
    }
}

/// The cells of the set in which rows and clusters were varied together most: at least two of each,
/// and at least half of all pairs.
fn grid<'a>(view: &'a View<'_>) -> Option<Vec<Sized<'a>>> {
    let mut sets: std::collections::BTreeMap<(String, Vec<u64>), Vec<Sized<'a>>> =
        Default::default();
    let mut families: Vec<(*const crate::summary::Group, String)> = Vec::new();
    for cell in sized(view).into_iter().filter(|c| !c.cell.oversubscribed && c.size.of.len() > 1) {
        let group = std::ptr::from_ref(cell.group);
        if families.last().is_none_or(|(known, _)| *known != group) {
            families.push((group, family(cell.group)));
        }
        let name = families.last().map_or(String::new(), |(_, name)| name.clone());
        let others = cell.size.of[2..].iter().map(|value| *value as u64).collect();
        sets.entry((name, others)).or_default().push(cell);
    }
    let pairs = |set: &[Sized<'_>]| {
        let mut pairs: Vec<(u64, u64)> =
            set.iter().map(|c| (c.size.of[0] as u64, c.size.of[1] as u64)).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs.len()
    };
    let is_grid = |set: &Vec<Sized<'_>>| {
        let rows = distinct(set.iter().map(|c| c.size.of[0])).len();
        let clusters = distinct(set.iter().map(|c| c.size.of[1])).len();
        rows > 1 && clusters > 1 && 2 * pairs(set) > rows * clusters
    };
    sets.into_values().filter(is_grid).max_by_key(|set| pairs(set))
}

fn applies(view: &View<'_>) -> bool {
    grid(view).is_some()
}

/// The largest sizes where there are more than a map can show.
fn ends(values: Vec<f64>, most: usize) -> Vec<f64> {
    let skip = values.len().saturating_sub(most);
    values.into_iter().skip(skip).collect()
}

/// Most rows and columns of a map.
const MOST: usize = 8;

fn maps(cells: &[Sized<'_>]) -> Vec<Map> {
    let Some([y, x, ..]) = cells.first().map(|cell| cell.size.names) else { return Vec::new() };
    let rows = ends(distinct(cells.iter().map(|c| c.size.of[0])), MOST);
    let clusters = ends(distinct(cells.iter().map(|c| c.size.of[1])), MOST);
    let at = |n: f64, k: f64| cells.iter().filter(move |c| c.size.of[0] == n && c.size.of[1] == k);
    let map = |heading: String, unit, of: &dyn Fn(f64, f64) -> Option<(f64, String)>| {
        let values = rows.iter().flat_map(|n| clusters.iter().map(|k| of(*n, *k))).collect();
        let (symbols, labels) = ([y.symbol, x.symbol], [y.label, x.label]);
        Map {
            heading,
            unit,
            symbols,
            labels,
            rows: rows.clone(),
            clusters: clusters.clone(),
            values,
        }
    };
    let mut maps = Vec::new();
    // The spread that most sizes have, the first of equals.
    let spreads: Vec<String> = cells.iter().map(|c| labels::cell(&c.cell.cell)).collect();
    let uses = |name: &String| spreads.iter().filter(|other| *other == name).count();
    let most = spreads.iter().map(uses).max();
    if let Some(name) = spreads.iter().find(|name| Some(uses(name)) == most) {
        let cost = |n: f64, k: f64| {
            let cell = at(n, k).find(|c| labels::cell(&c.cell.cell) == *name)?;
            Some((1e12 * iteration(cell.cell)?.value / cell.size.work(), String::new()))
        };
        let unit = cells.first().map_or(String::new(), |cell| cell.size.unit());
        maps.push(map(format!("{name}: ps of a {unit}"), "ps", &cost));
    }
    let best = |n: f64, k: f64| {
        let is_base =
            |c: &&Sized<'_>| c.group.base.as_ref().is_some_and(|base| base.cell == c.cell.id);
        let others = at(n, k).filter(|c| !is_base(c) && c.cell.peer.is_none());
        let best = others
            .filter_map(|c| Some((c.cell.speedup?.value, c)))
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some((best.0, labels::cell(&best.1.cell.cell)))
    };
    let base = cells
        .iter()
        .find_map(|c| c.group.base.as_ref())
        .map_or("the base", |base| base.name.as_str());
    let speedups = map(format!("best speedup over {base}"), "", &best);
    if speedups.values.iter().flatten().count() > 1 {
        maps.push(speedups);
    }
    maps
}

fn title(maps: &[Map]) -> String {
    let Some(map) = maps.last() else { return "Values by size".into() };
    let (least, most) = map.range();
    let place = |value: f64| {
        let all = (0..map.rows.len()).flat_map(|r| (0..map.clusters.len()).map(move |c| (r, c)));
        let found = all.into_iter().find(|(r, c)| map.at(*r, *c).is_some_and(|(v, _)| *v == value));
        found.map_or(String::new(), |(r, c)| {
            let [y, x] = map.symbols;
            format!("{y} = {}, {x} = {}", short(map.rows[r]), short(map.clusters[c]))
        })
    };
    let unit = if map.unit.is_empty() { String::new() } else { format!(" {}", map.unit) };
    let what =
        if map.unit.is_empty() { "The best speedup".to_string() } else { map.heading.clone() };
    format!(
        "{what} goes from {}{unit} ({}) to {}{unit} ({})",
        significant(least),
        place(least),
        significant(most),
        place(most)
    )
}

const ROW: f64 = 42.0;

fn compose<'v>(view: &'v View<'v>, medium: &Medium) -> Result<Chart<'v>> {
    let cells = grid(view).ok_or_else(|| Error::internal("a map without cells"))?;
    let maps = maps(&cells);
    let mut description =
        format!("Values by {} and {}.", cells[0].size.names[0].many, cells[0].size.names[1].many);
    for map in &maps {
        description.push_str(&format!(" {}:", map.heading));
        for (r, n) in map.rows.iter().enumerate() {
            for (c, k) in map.clusters.iter().enumerate() {
                let Some((value, who)) = map.at(r, c) else { continue };
                description.push_str(&format!(
                    " {} = {n}, {} = {k}: {} {who};",
                    map.symbols[0],
                    map.symbols[1],
                    significant(*value)
                ));
            }
        }
    }
    let Some(size) = cells.first().map(|cell| cell.size.clone()) else {
        return Err(Error::internal("a map without cells"));
    };
    let (y_name, x_name) = (&size.names[0], &size.names[1]);
    let others = size.names.iter().zip(&size.of).skip(2);
    let others: String =
        others.map(|(name, value)| format!("{} {}. ", count(*value), name.many)).collect();
    let rows = distinct(cells.iter().map(|c| c.size.of[0])).len();
    let clusters = distinct(cells.iter().map(|c| c.size.of[1])).len();
    let caption = vec![
        format!(
            "{others}Medians of the timed part, {}. Each colour bar runs from the least to the greatest value of its map, by doubling; blank: \
             no such cell.",
            repeats(cells.iter().map(|c| c.cell))
        ),
        match rows > MOST || clusters > MOST {
            true => {
                format!(
                    "The {MOST} largest of each are shown, of {rows} numbers of {} and {clusters} of {}.",
                    y_name.many, x_name.many
                )
            }
            false => String::new(),
        },
        view.source(),
    ];
    let mut ids: Vec<CellId> = cells.iter().map(|c| c.cell.id.clone()).collect();
    ids.sort();
    ids.dedup();
    let heights = maps.iter().map(|map| 92.0 + map.rows.len() as f64 * ROW).collect();
    Ok(Chart {
        title: title(&maps),
        caption,
        description,
        from: Provenance::Measured,
        cells: ids,
        head: 0.0,
        heights,
        columns: maps.len().clamp(1, medium.columns),
        draw: Box::new(move |canvas, sheet| {
            for (map, place) in maps.iter().zip(&sheet.panels) {
                panel(canvas, *place, map)?;
            }
            Ok(())
        }),
    })
}

fn panel(canvas: &Canvas<'_>, panel: Panel, map: &Map) -> Result<()> {
    canvas.text(&map.heading, (panel.x, panel.y + 8.0), At::Start, HEADING)?;
    let words = map.rows.iter().map(|n| style::width(&short(*n), LABEL)).fold(0.0, f64::max);
    let (left, top) = (panel.x + words + 30.0, panel.y + 26.0);
    let width = ((panel.x + panel.width - left) / map.clusters.len() as f64).min(110.0);
    let (low, high) = map.range();
    let share = |value: f64| if high > low { (value / low).ln() / (high / low).ln() } else { 0.5 };
    for (r, n) in map.rows.iter().enumerate() {
        // Few rows below, as on an axis.
        let y = top + (map.rows.len() - 1 - r) as f64 * ROW;
        canvas.text(&short(*n), (left - 8.0, y + ROW / 2.0), At::End, LABEL)?;
        for c in 0..map.clusters.len() {
            let x = left + c as f64 * width;
            let Some((value, who)) = map.at(r, c) else { continue };
            canvas.bar(
                (x + 1.0, y + 1.0),
                (width - 2.0, ROW - 2.0),
                style::viridis(share(*value)),
            )?;
            let ink = style::on_viridis(share(*value));
            let who = if style::width(who, CAPTION) < width - 6.0 { who.as_str() } else { "" };
            let up = if who.is_empty() { 0.0 } else { 8.0 };
            let middle = (x + width / 2.0, y + ROW / 2.0 - up);
            canvas.text(
                &significant(*value),
                middle,
                At::Middle,
                style::Font { colour: ink, ..LABEL },
            )?;
            if !who.is_empty() {
                canvas.text(
                    who,
                    (middle.0, middle.1 + 16.0),
                    At::Middle,
                    style::Font { colour: ink, ..CAPTION },
                )?;
            }
        }
    }
    let bottom = top + map.rows.len() as f64 * ROW;
    for (c, k) in map.clusters.iter().enumerate() {
        canvas.text(
            &short(*k),
            (left + (c as f64 + 0.5) * width, bottom + 10.0),
            At::Middle,
            LABEL,
        )?;
    }
    let right = left + width * map.clusters.len() as f64;
    canvas.text(map.labels[1], ((left + right) / 2.0, bottom + 26.0), At::Middle, LABEL)?;
    canvas.text_upwards(map.labels[0], (panel.x + 8.0, (top + bottom) / 2.0), LABEL)?;
    // The colour bar.
    let y = bottom + 42.0;
    let steps = 48;
    for i in 0..steps {
        let at = |i: i32| left + (right - left) * f64::from(i) / f64::from(steps);
        let colour = style::viridis((f64::from(i) + 0.5) / f64::from(steps));
        canvas.bar((at(i), y), (at(i + 1) - at(i) + 0.3, 8.0), colour)?;
    }
    let unit = if map.unit.is_empty() { String::new() } else { format!(" {}", map.unit) };
    canvas.text(&format!("{}{unit}", significant(low)), (left, y + 17.0), At::Start, CAPTION)?;
    canvas.text(&format!("{}{unit}", significant(high)), (right, y + 17.0), At::End, CAPTION)
}
